# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Shared by the selftests: results in TAP, namespaces, topologies, counters.
# A test sources this file first and calls tap_done last. What a test sets up
# is removed when it exits, however it exits.
#
# Tests cite the rules of docs/protocol.md by number (W4, R7).
#
# A test says in comments at its top where it runs:
#   # kernels: all | stock | debug | newest | NAME...	default: stock
#   # slow: yes		only in check-all
#   # vms: 2		runs in tests/vm/pair.sh; see lib_peer.sh
#   # timeout: SECONDS	on a stock kernel; default 120

set -u

# --- results ---------------------------------------------------------------

tap_count=0
tap_failed=0

plan() { echo "1..$1"; tap_planned=$1; }

ok() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1"
}

# not_ok NAME [WHY...]: with what the namespaces' counters say, the first times.
not_ok() {
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_count - $1"
	shift
	[ $# -eq 0 ] || printf '%s\n' "$*" | sed 's/^/#   /'
	[ "$tap_failed" -gt 3 ] || counters_moved
}

# counters_moved: those that are not 0, of each namespace and of the first 20 stt
# devices in it.
# shellcheck disable=SC2016
counters_moved() {
	local ns dev

	for ns in "${test_ns[@]}"; do
		{
			ip netns exec "$ns" awk '$2 > 0 {
				printf " %s %s", $1, $2 }' /proc/net/stt
			for dev in $(ip -n "$ns" -o link show type stt |
				     sed 's/^[0-9]*: \([^:@]*\).*/\1/; 20q'); do
				ip netns exec "$ns" ethtool -S "$dev" |
				awk -v d="$dev" 'NR > 1 && $2 > 0 {
					printf " %s:%s %s", d, $1, $2 }'
			done
		} 2>/dev/null | sed "s/^/#   counters of $ns:/; s/\$/\n/"
	done
}

# skip NAME WHY
skip() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

# skip_all WHY: nothing in this file can run here.
skip_all() {
	echo "1..0 # SKIP $1"
	exit 4
}

# require PROGRAM...
require() {
	local prog

	for prog in "$@"; do
		command -v "$prog" >/dev/null || skip_all "$prog is missing"
	done
}

# check NAME COMMAND...: ok when the command succeeds. It runs in this shell:
# what it sets stays set.
check() {
	local name=$1

	shift
	if "$@" >"$tmp/out" 2>&1; then
		ok "$name"
	else
		not_ok "$name" "failed: $*"$'\n'"$(<"$tmp/out")"
	fi
}

# check_fails NAME COMMAND...: ok when the command fails.
check_fails() {
	local name=$1 out

	shift
	if out=$("$@" 2>&1); then
		not_ok "$name" "succeeded: $*"$'\n'"$out"
	else
		ok "$name"
	fi
}

# check_refused NAME PATTERN COMMAND...: ok when the command fails and says
# something that the extended regular expression matches.
check_refused() {
	local name=$1 pattern=$2 out

	shift 2
	if out=$("$@" 2>&1); then
		not_ok "$name" "succeeded: $*"$'\n'"$out"
	elif ! grep -qE -- "$pattern" <<<"$out"; then
		not_ok "$name" "no /$pattern/ from: $*"$'\n'"$out"
	else
		ok "$name"
	fi
}

# check_eq NAME GOT WANTED
check_eq() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1" "got '$2', wanted '$3'"
	fi
}

# check_num NAME A OP B: integers, OP as in test(1): -eq -lt -ge ...
check_num() {
	if test "$2" "$3" "$4"; then
		ok "$1"
	else
		not_ok "$1" "not so: $2 $3 $4"
	fi
}

# The last command of a test.
tap_done() {
	if [ -z "${tap_planned:-}" ]; then
		echo "1..$tap_count"
	elif [ "$tap_planned" -ne "$tap_count" ]; then
		echo "# planned $tap_planned, ran $tap_count"
		exit 1
	fi
	[ "$tap_count" -gt 0 ] && [ "$tap_failed" -eq 0 ]
	exit
}

# --- time ------------------------------------------------------------------

# A debug kernel under emulation is slower: tests multiply what they wait for.
case ${STT_KERNEL:-} in
debug*) slowness=4 ;;
newest) slowness=2 ;;
*)	slowness=1 ;;
esac

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
	local end=$((SECONDS + $1 * slowness))

	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.1
	done
}

# background COMMAND...: started now, killed at the end; its id is in $!.
bg_pids=()
background() {
	"$@" &
	bg_pids+=($!)
}

# message_bus PROGRAM: a D-Bus of the test's own until its end, by that
# dbus-daemon. Returns when it listens.
message_bus() {
	export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$tmp/bus
	cat >"$tmp/bus.conf" <<-END
	<busconfig>
	 <type>system</type>
	 <listen>$DBUS_SYSTEM_BUS_ADDRESS</listen>
	 <policy context="default">
	  <allow user="*"/> <allow own="*"/>
	  <allow send_destination="*"/> <allow receive_sender="*"/>
	 </policy>
	</busconfig>
	END
	background "$1" --nofork --nopidfile --config-file="$tmp/bus.conf" \
		>"$tmp/bus.log" 2>&1
	wait_for 30 test -S "$tmp/bus"
}

# iperf_server NS [ARG]...: an iperf3 server that stays until the end. Returns
# when it listens.
iperf_server() {
	local ns=$1

	shift
	background in_ns "$ns" iperf3 -s "$@" >/dev/null 2>&1
	wait_for 10 iperf_listens "$ns" "$@"
}

# ss succeeds also when there is nothing to list.
iperf_listens() {
	in_ns "$1" ss -Hltn "sport = :${3:-5201}" | grep -q LISTEN
}

# What the topologies below set for the test.
h1='' h2='' r='' c1='' a1='' a2='' i1='' i2='' i1_6='' i2_6=''

# --- namespaces ------------------------------------------------------------

test_ns=()
ns_made=0

# teardown: stop background processes and delete all namespaces. Runs at the end
# of every test; tests with several topologies call it in between.
teardown() {
	local ns

	if [ ${#bg_pids[@]} -gt 0 ]; then
		kill "${bg_pids[@]}" 2>/dev/null
		wait "${bg_pids[@]}" 2>/dev/null
	fi
	for ns in "${test_ns[@]}"; do
		ip netns pids "$ns" 2>/dev/null | xargs -r kill -9 2>/dev/null
		ip netns del "$ns" 2>/dev/null
	done
	bg_pids=() test_ns=()
}

# Whatever fails, the rest is tried, and the status stays what it was.
cleanup() {
	set +e
	teardown
	rm -rf "${tmp:?}"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

tmp=$(mktemp -d)

# new_ns VARIABLE...: make a namespace and put its name into the variable.
new_ns() {
	local var name

	for var in "$@"; do
		name=$var-$((++ns_made))
		ip netns add "$name" || exit 1
		test_ns+=("$name")
		ip -n "$name" link set lo up
		printf -v "$var" %s "$name"
	done
}

# in_ns NS COMMAND...
in_ns() {
	local ns=$1

	shift
	ip netns exec "$ns" "$@"
}

# link_ns NS1 DEV1 NS2 DEV2 [MTU]: join two namespaces by a veth pair.
link_ns() {
	ip link add name "$2" netns "$1" mtu "${5:-1500}" type veth \
		peer name "$4" netns "$3" mtu "${5:-1500}"
	ip -n "$1" link set "$2" up
	ip -n "$3" link set "$4" up
}

# addr NS DEV ADDRESS...: IPv6 is usable at once, without address detection.
addr() {
	local ns=$1 dev=$2 a

	shift 2
	for a in "$@"; do
		case $a in
		*:*) ip -n "$ns" addr add "$a" dev "$dev" nodad ;;
		*)   ip -n "$ns" addr add "$a" dev "$dev" ;;
		esac
	done
}

# setup_pair v4|v6: two hosts, one link. Sets h1 and h2 (namespaces), a1 and a2
# (underlay addresses of that family); eth0 has addresses of both families.
#
#      h1                                          h2
#      eth0 192.0.2.1/24 --------- veth ---------- eth0 192.0.2.2/24
#           2001:db8::1/64         MTU 1500             2001:db8::2/64
# shellcheck disable=SC2034,SC2154
setup_pair() {
	new_ns h1 h2
	link_ns "$h1" eth0 "$h2" eth0
	addr "$h1" eth0 192.0.2.1/24 2001:db8::1/64
	addr "$h2" eth0 192.0.2.2/24 2001:db8::2/64
	case ${1:-v4} in
	v4) a1=192.0.2.1 a2=192.0.2.2 ;;
	v6) a1=2001:db8::1 a2=2001:db8::2 ;;
	*)  echo "setup_pair: $1?"; exit 1 ;;
	esac
}

# setup_routed v4|v6: the same with a router r in between.
#
#      h1                    r                             h2
#      eth0 192.0.2.1 ------ eth0 .254
#           2001:db8:1::1         ::ff
#                            eth1 198.51.100.254 --------- eth0 198.51.100.2
#                                 2001:db8:2::ff                2001:db8:2::2
# shellcheck disable=SC2034,SC2154
setup_routed() {
	new_ns h1 r h2
	link_ns "$h1" eth0 "$r" eth0
	link_ns "$r" eth1 "$h2" eth0
	addr "$h1" eth0 192.0.2.1/24 2001:db8:1::1/64
	addr "$r" eth0 192.0.2.254/24 2001:db8:1::ff/64
	addr "$r" eth1 198.51.100.254/24 2001:db8:2::ff/64
	addr "$h2" eth0 198.51.100.2/24 2001:db8:2::2/64
	in_ns "$r" sysctl -qw net.ipv4.ip_forward=1 \
		net.ipv6.conf.all.forwarding=1
	ip -n "$h1" route add default via 192.0.2.254
	ip -n "$h1" -6 route add default via 2001:db8:1::ff
	ip -n "$h2" route add default via 198.51.100.254
	ip -n "$h2" -6 route add default via 2001:db8:2::ff
	case ${1:-v4} in
	v4) a1=192.0.2.1 a2=198.51.100.2 ;;
	v6) a1=2001:db8:1::1 a2=2001:db8:2::2 ;;
	*)  echo "setup_routed: $1?"; exit 1 ;;
	esac
}

# stt_add NS DEV [ARG]...: make an STT device and set it up.
stt_add() {
	local ns=$1 dev=$2

	shift 2
	ip -n "$ns" link add "$dev" type stt "$@" &&
	ip -n "$ns" link set "$dev" up
}

# steered: how often RPS woke another CPU, on all CPUs.
steered() {
	local fields sum=0

	while read -ra fields; do
		sum=$((sum + 16#${fields[9]}))
	done </proc/net/softnet_stat
	echo "$sum"
}

# link_refused NAME PATTERN OPTION...: a device with these options is refused,
# with a message that the pattern matches.
link_refused() {
	local name=$1 pattern=$2

	shift 2
	check_refused "refused: $name" "$pattern" \
		ip -n "$h1" link add stt9 type stt "$@"
}

# stt_pair [ARG]...: after setup_pair or setup_routed, stt0 in both hosts, id 1
# unless the arguments say otherwise, inner addresses in i1, i2 and i1_6, i2_6.
#
#      h1: stt0 10.0.0.1/24 fd00::1/64        h2: stt0 10.0.0.2/24 fd00::2/64
# shellcheck disable=SC2034
stt_pair() {
	local args=("$@")

	[[ " $* " == *' id '* ]] || args=(id 1 "$@")
	stt_add "$h1" stt0 "${args[@]}" local "$a1" remote "$a2" || return
	stt_add "$h2" stt0 "${args[@]}" local "$a2" remote "$a1" || return
	i1=10.0.0.1 i2=10.0.0.2 i1_6=fd00::1 i2_6=fd00::2
	addr "$h1" stt0 $i1/24 $i1_6/64
	addr "$h2" stt0 $i2/24 $i2_6/64
}

# setup_apart v4|v6: stt_pair with the device of h1 in a namespace c1 and its
# underlay left behind in h1.
#
#      c1                     h1                       h2
#      stt0 10.0.0.1/24 ..... eth0 ------ veth ------- eth0, stt0 10.0.0.2/24
# shellcheck disable=SC2154
setup_apart() {
	setup_pair "$1"
	new_ns c1
	stt_pair id 1
	ip -n "$h1" link set stt0 netns "$c1"
	addr "$c1" stt0 $i1/24
	ip -n "$c1" link set stt0 up
}

has_dev() { ip -n "$1" link show "$2" >/dev/null 2>&1; }
no_dev() { ! has_dev "$@"; }

# chatter NS ADDRESS [SIZE]: packets without end, in the background; with the
# default size they need segments.
chatter() {
	background in_ns "$1" ping -q -i 0.02 -s "${3:-3000}" "$2" \
		>/dev/null 2>&1
}

# strict_firewall NS: connection tracking is on, in its strict mode, and what it
# does not know is dropped. "nft delete table inet fw" ends it.
strict_firewall() {
	modprobe -q nf_conntrack
	in_ns "$1" sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0
	in_ns "$1" nft -f - <<-END
	table inet fw {
		chain input {
			type filter hook input priority 0
			ct state invalid drop
		}
		chain output {
			type filter hook output priority 0
			ct state invalid drop
		}
	}
	END
}

# --- what happened -----------------------------------------------------------

# counter NS NAME: a value of /proc/net/stt.
# shellcheck disable=SC2016
counter() {
	in_ns "$1" awk -v n="$2" '$1 == n { print $2; found = 1 }
				  END { exit !found }' /proc/net/stt
}

# ethstat NS DEV NAME: a value of ethtool -S.
ethstat() {
	in_ns "$1" ethtool -S "$2" |
	awk -v n="$3:" '$1 == n { print $2; found = 1 } END { exit !found }'
}

# linkstat NS DEV NAME: a value of ip -s link, as rx_bytes, tx_dropped, ...
linkstat() {
	in_ns "$1" cat "/sys/class/net/$2/statistics/$3"
}

# gbits: what arrived, in Gbit/s, of a report of iperf3.
gbits() {
	python3 -c "
import json, sys
print('%.3f' % (json.load(sys.stdin)['end']['sum_received']
		['bits_per_second'] / 1e9))"
}

# ip_that_knows: for programs that run ip without the environment that says
# where its plugin is. Makes $tmp/ip.sh, to be mounted over $ip_program.
ip_that_knows() {
	ip_program=$(readlink -f "$(command -v ip)")
	cp "$ip_program" "$tmp/ip"
	printf '#!/bin/sh\nIP_LIB_DIR=%s LD_LIBRARY_PATH= exec %s "$@"\n' \
		"${IP_LIB_DIR:-}" "$tmp/ip" >"$tmp/ip.sh"
	chmod +x "$tmp/ip.sh"
}

# --- what is on the wire -----------------------------------------------------

# wire NS DEV NAME MATCH...: from now on count the packets that come in by DEV
# and match, in the words of nft. Where a NIC would have cut them, but veth did
# not, they are whole: see one_by_one.
wire() {
	local ns=$1 dev=$2 name=w_$3

	shift 3
	in_ns "$ns" nft -f - <<-EOF
	table netdev wire {
		counter $name { }
		chain $name {
			type filter hook ingress device "$dev" priority -300
			$* counter name $name
		}
	}
	EOF
}

# wired NS NAME: how many there were.
wired() {
	in_ns "$1" nft list counter netdev wire "w_$2" |
	awk '$1 == "packets" { print $2; found = 1 } END { exit !found }'
}

# unwire NS: forget all counts and what to count.
unwire() {
	in_ns "$1" nft delete table netdev wire
}

# one_by_one NS DEV: segments are cut before they leave by DEV, not by it.
one_by_one() {
	in_ns "$1" ethtool -K "$2" tso off gso off >/dev/null
}
