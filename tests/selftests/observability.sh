#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# docs/troubleshooting.md, from top to bottom: each symptom is produced, and the
# counter, trace or tool that the page names has to show it. Symptoms that need
# hand-made segments are in drops.sh, those that need a router in pmtu.sh and
# conntrack.sh.
#
#	h1                                     h2
#	eth0 192.0.2.1/24 ------- veth ------- eth0 192.0.2.2/24
#	stt0 10.0.0.1/24 id 1                  stt0 10.0.0.2/24 id 1
#	stt1 10.1.0.1/24 id 2                  (no peer)
#	stt2 10.2.0.1/24 id 3, remote 198.51.100.9 (no route)
#
# kernels: stock
# slow: yes
# timeout: 300

# check calls functions.
# shellcheck disable=SC2119,SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
require ethtool ping tcpdump nft

page=${BASH_SOURCE[0]%/*}/../../docs/troubleshooting.md
tracing=/sys/kernel/tracing
[ -r "$page" ] || skip_all 'the page is not here'

pings() { in_ns "$h1" ping -q -i 0.2 -c 2 -W 1 "${1:-$i2}"; }

# rises NAME ADDRESS COMMAND...: what the command prints grows while h1 pings
# this address, in vain or not.
rises() {
	local name=$1 to=$2 before after

	shift 2
	before=$("$@")
	pings "$to" >/dev/null
	after=$("$@")
	check_num "$name" "${after:-0}" -gt "${before:-0}"
}

# stays NAME COMMAND...: the same, while h1 pings h2 in vain.
stays() {
	local name=$1 before

	shift
	before=$("$@")
	check_fails "$name: no answer" pings
	check_eq "$name" "$("$@")" "$before"
}

setup_pair v4
stt_pair
stt_add "$h1" stt1 id 2 local "$a1" remote "$a2"
stt_add "$h1" stt2 id 3 local "$a1" remote 198.51.100.9
for n in 1 2; do
	addr "$h1" stt$n 10.$n.0.1/24
	ip -n "$h1" neigh add 10.$n.0.2 lladdr 02:00:00:00:00:02 dev stt$n
done
check 'traffic' pings

# --- 1. Does A hand frames to the tunnel? ------------------------------------

rises 'ip -s link: TX packets' "$i2" linkstat "$h1" stt0 tx_packets
rises 'ethtool -S: tx_frames' "$i2" ethstat "$h1" stt0 tx_frames
ip -n "$h1" link set stt0 down
stays 'a device that is down: TX packets stand still' \
	linkstat "$h1" stt0 tx_packets
check_refused 'ip route get says why' 'unreachable' \
	ip -n "$h1" route get "$i2"
ip -n "$h1" link set stt0 up
rises 'no route: tx_no_route' 10.2.0.2 ethstat "$h1" stt2 tx_no_route
check_refused 'ip route get REMOTE says the same' 'unreachable' \
	ip -n "$h1" route get 198.51.100.9
ip -n "$h1" route add 198.51.100.9 dev stt2
rises 'a route into the tunnel: tx_loop' 10.2.0.2 ethstat "$h1" stt2 tx_loop
ip -n "$h1" route del 198.51.100.9

# --- 2. Do segments leave A, and reach B? ------------------------------------

# captures NS DEV FILTER: what tcpdump sees while h1 pings.
captures() {
	local pid

	ip netns exec "$1" tcpdump --immediate-mode -Uni "$2" "$3" \
		>"$tmp/dump" 2>&1 &
	pid=$!
	bg_pids+=("$pid")
	wait_for 20 grep -q listening "$tmp/dump"
	pings >/dev/null
	wait_for 2 grep -q '^[0-9].* IP' "$tmp/dump"
	kill "$pid"
	wait "$pid"
	cat "$tmp/dump"
	grep -q '^[1-9][0-9]* packets* captured' "$tmp/dump"
}
check 'tcpdump on the underlay' captures "$h2" eth0 'tcp port 7471'
check 'shows segments' grep -q '192.0.2.1.*> 192.0.2.2.7471' "$tmp/dump"
in_ns "$h1" nft -f - <<-END
table inet out {
	chain output {
		type filter hook output priority filter
		tcp dport 7471 drop
	}
}
END
check_fails "A's output rules: nothing on A" \
	captures "$h1" eth0 "src host $a1 and tcp port 7471"
in_ns "$h1" nft delete table inet out

# --- 3. Does B take them? ----------------------------------------------------

in_ns "$h2" nft -f - <<-END
table inet filter {
	chain input {
		type filter hook input priority filter; policy drop
		iifname stt0 accept
	}
}
END
stays 'input rules: no counter moves' in_ns "$h2" cat /proc/net/stt
check 'the line of the page' in_ns "$h2" \
	nft add rule inet filter input tcp dport 7471 accept
check 'is enough' pings
in_ns "$h2" nft delete table inet filter

rises 'another id: drop_no_device' 10.1.0.2 counter "$h2" drop_no_device
check 'ip -d link shows which' eval \
	"ip -n $h2 -d link show stt0 | grep 'stt id 1 '"
ip -n "$h2" link set stt0 down
rises 'the device is down: drop_no_device' "$i2" counter "$h2" drop_no_device
ip -n "$h2" link set stt0 up
ip -n "$h2" xfrm policy add src "$a1" dst "$a2" proto tcp dport 7471 dir in \
	tmpl src "$a1" dst "$a2" proto esp mode transport
rises "B's IPsec policy: drop_policy" "$i2" counter "$h2" drop_policy
ip -n "$h2" xfrm policy flush

# Segments that are lost: every third.
one_by_one "$h1" eth0
in_ns "$h2" nft -f - <<-END
table netdev loss {
	chain ingress {
		type filter hook ingress device "eth0" priority 0
		tcp dport 7471 numgen inc mod 3 == 0 drop
	}
}
END
in_ns "$h2" sysctl -qw net.stt.reasm_time_ms=100
before=$(counter "$h2" reasm_timeout)
in_ns "$h1" ping -q -i 0.2 -c 3 -W 1 -s 5000 "$i2" >/dev/null
check 'loss on the underlay: reasm_timeout' wait_for 5 eval \
	"[ \$(counter $h2 reasm_timeout) -gt $before ]"
in_ns "$h2" nft delete table netdev loss

# --- 4. Does B's stack take the packet? --------------------------------------

rises 'ip -s link: RX packets' "$i2" linkstat "$h2" stt0 rx_packets
rx=$(linkstat "$h2" stt0 rx_packets)
check_num 'ip -s -s link shows the same' "$(ip -n "$h2" -s -s link show stt0 |
	awk '$1 == "RX:" && $2 == "bytes" { getline; print $2 }')" -ge "$rx"
check 'tcpdump on the device' captures "$h2" stt0 icmp
check 'shows what is inside' \
	grep -q '10.0.0.1 > 10.0.0.2: ICMP echo' "$tmp/dump"
in_ns "$h2" nft -f - <<-END
table inet filter {
	chain input {
		type filter hook input priority filter
		iifname stt0 drop
	}
}
END
rises 'rules about stt0: RX packets' "$i2" linkstat "$h2" stt0 rx_packets
check_fails 'rules about stt0: no answer' pings
in_ns "$h2" nft delete table inet filter

# --- One level deeper --------------------------------------------------------

# traffic: one frame at least for each tracepoint.
traffic() {
	pings >/dev/null
	pings 10.1.0.2 >/dev/null
	pings 10.2.0.2 >/dev/null
	true
}

: >$tracing/trace
for onoff in 1 0; do
	for event in stt skb/kfree_skb; do
		echo $onoff >$tracing/events/$event/enable
	done
	[ $onoff -eq 0 ] || traffic
done
cp $tracing/trace "$tmp/trace"
for event in stt_frame:.*event=whole stt_drop:.*cause=drop_no_device \
	     stt_tx_drop:.*dev=stt2.*cause=tx_no_route; do
	check "trace: ${event%%:*}" grep "$event" "$tmp/trace"
done

# The kernel's own view of the same packet.
skb=$(sed -n 's/.*: stt_drop: .*skbaddr=\([0-9a-fx]*\) .*/\1/p' "$tmp/trace" |
      head -n 1)
check 'trace: kfree_skb has it, with a reason' \
	grep -E "kfree_skb: skbaddr=${skb:-none} .*reason: [A-Z]" "$tmp/trace"

# The page's commands, as they are there.
mapfile -t programs < <(sed -n "s/^ *bpftrace -e '\(.*\)'\$/\1/p" "$page")
check_eq 'bpftrace: three programs on the page' "${#programs[@]}" 3

# causes_of FILE EVENT: what bpftrace's keys mean, by the tracepoint's format.
causes_of() {
	sed -n 's/^@\[\([0-9]*\)\]: [1-9].*/\1/p' "$1" | while read -r n; do
		grep -oE "\{ $n, \"[a-z_]*\" \}" \
			"$tracing/events/stt/$2/format" | cut -d'"' -f2
	done
}

ended() { ! kill -0 "$@" 2>/dev/null; }

if ! command -v bpftrace >/dev/null; then
	skip 'bpftrace' 'bpftrace is missing'
elif [ ! -e /sys/kernel/btf/vmlinux ]; then
	skip 'bpftrace' 'the kernel has no BTF'
else
	pids=()
	for n in "${!programs[@]}"; do
		bpftrace -e "BEGIN { printf(\"on\\n\"); } ${programs[n]}" \
			>"$tmp/bpf$n" 2>&1 &
		bg_pids+=($!)
		pids+=($!)
	done
	for n in "${!programs[@]}"; do
		check "bpftrace: ${programs[n]%% *}" \
			eval "wait_for 60 grep '^on' $tmp/bpf$n ||
			      { cat $tmp/bpf$n; false; }"
	done
	traffic
	# bpftrace misses a signal that comes between two of its waits.
	for _ in 1 2 3; do
		kill -INT "${pids[@]}" 2>/dev/null
		! wait_for 20 ended "${pids[@]}" || break
	done
	check 'bpftrace ends' ended "${pids[@]}"
	for n in "${!programs[@]}"; do
		case ${programs[n]} in
		*stt_drop*)
			check_eq 'bpftrace: drops by cause' \
				"$(causes_of "$tmp/bpf$n" stt_drop)" \
				drop_no_device ;;
		*stt_tx_drop*)
			check_eq 'bpftrace: drops on transmit' \
				"$(causes_of "$tmp/bpf$n" stt_tx_drop)" \
				tx_no_route ;;
		*)	check 'bpftrace: segments of a frame' \
				grep -E '^\[1\] +[1-9].*\|' "$tmp/bpf$n" ;;
		esac
	done
fi

# Of modules, dropwatch says only the address.
dropped_by_us() {
	local at len start

	read -r _ len _ _ _ start _ < <(grep '^stt ' /proc/modules)
	while read -r at; do
		[ $((at - start)) -lt 0 ] || [ $((at - start)) -ge "$len" ] ||
			return 0
	done < <(sed -n 's/^[1-9].* drops at .*(\(0x[0-9a-f]*\)).*/\1/p' \
			"$tmp/drops")
	return 1
}
if command -v dropwatch >/dev/null; then
	mkfifo "$tmp/keys"
	stdbuf -oL dropwatch -l kas <"$tmp/keys" >"$tmp/drops" 2>&1 &
	pid=$!
	bg_pids+=("$pid")
	exec 8>"$tmp/keys"
	echo start >&8
	check 'dropwatch starts' wait_for 30 grep 'activated' "$tmp/drops"
	traffic
	check 'dropwatch: drops in the module' eval \
		"wait_for 15 dropped_by_us || { cat $tmp/drops; false; }"
	kill "$pid"
	exec 8>&-
else
	skip 'dropwatch' 'dropwatch is missing'
fi

# --- When the device cannot be made ------------------------------------------

iperf_server "$h1" -p 7475
check_refused 'a port that is taken' 'Destination port is taken by a TCP socket' \
	stt_add "$h1" stt5 id 5 dstport 7475 local "$a1" remote "$a2"
check 'ss says by whom' eval \
	"in_ns $h1 ss -Htlnp sport = :7475 | grep iperf3"
check_refused 'ip without the plugin' '[Gg]arbage' \
	env IP_LIB_DIR=/none ip link add stt5 type stt id 5
check_fails 'makes nothing' ip link show stt5

# --- XDP ---------------------------------------------------------------------

# Generic XDP on the device sees what the tunnel delivers. 1 is XDP_DROP.
if command -v clang >/dev/null; then
	cat >"$tmp/drop.c" <<-END
	__attribute__((section("xdp"), used)) int drop(void *ctx)
	{
		return 1;
	}
	END
	check 'XDP: a program' clang -O2 -target bpf -c "$tmp/drop.c" \
		-o "$tmp/drop.o"
	check 'XDP generic on the device' in_ns "$h2" ip link set dev stt0 \
		xdpgeneric obj "$tmp/drop.o" sec xdp
	check_fails 'XDP: drops what arrives' pings
	check 'XDP: is taken off' ip -n "$h2" link set dev stt0 xdpgeneric off
	check 'XDP: traffic flows without the program' pings
else
	skip 'XDP generic on the device' 'clang is missing'
fi
tap_done
