#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# loss.sh [CASE]... - inside the VM: TCP where segments get lost on the way
#
#      h1                     r                      h2
#      eth0 192.0.2.1 ------- eth0 .254
#                             eth1 198.51.100.254 -- eth0 198.51.100.2
#
# Every segment crosses the router singly and takes its own chance there: NICs
# without TSO, GRO at the receivers. CASE is TYPE:WAY, TYPE none, vxlan,
# geneve, gretap or stt, WAY what the router does:
#   ok        forwards
#   nth1000   drops each 1000th segment towards h2; nth100 each 100th
#   seedN     drops one percent by chance, at positions drawn from the seed N:
#             repeats exactly
#   netem0.1  drops 0.1 percent by chance; netem1 one percent
#   reorder1  sends 1 % ahead of the others, which take 100 us more; reorder25

set -eu
seconds=${LOSS_SECONDS:-4}
results=/run/vm/results
mkdir -p "$results"

deps=$(modinfo -F depends "$STT_KO" | tr , ' ')
# shellcheck disable=SC2086
[ -z "$deps" ] || modprobe -a $deps
modprobe -a sch_netem nf_tables nft_numgen 2>/dev/null || true
insmod "$STT_KO"
cat /proc/kallsyms >/run/vm/kallsyms

topology() {
	local ns

	for ns in h1 r h2; do
		ip netns add $ns
		ip -n $ns link set lo up
	done
	ip link add eth0 netns h1 type veth peer name eth0 netns r
	ip link add eth1 netns r type veth peer name eth0 netns h2
	for ns in h1:eth0 r:eth0 r:eth1 h2:eth0; do
		ip netns exec ${ns%:*} ethtool -K ${ns#*:} tso off gso off
		[ ${ns%:*} = r ] ||
			ip netns exec ${ns%:*} ethtool -K ${ns#*:} gro on
		ip -n ${ns%:*} link set ${ns#*:} up
	done
	ip -n h1 addr add 192.0.2.1/24 dev eth0
	ip -n r addr add 192.0.2.254/24 dev eth0
	ip -n r addr add 198.51.100.254/24 dev eth1
	ip -n h2 addr add 198.51.100.2/24 dev eth0
	ip -n h1 route add default via 192.0.2.254
	ip -n h2 route add default via 198.51.100.254
	ip netns exec r sysctl -qw net.ipv4.ip_forward=1
	ip netns exec h2 iperf3 -s -D --pidfile /run/iperf3.pid
}

# positions SEED: 1000 of 100000, for nft
positions() {
	python3 -c "
import random
print(', '.join('%d : drop' % p for p in
		random.Random($1).sample(range(100000), 1000)))"
}

way() {
	case $1 in
	ok)	;;
	nth*)	ip netns exec r nft -f - <<-END
		table ip t { chain c {
			type filter hook forward priority 0;
			oifname eth1 meta length > 200 numgen inc mod ${1#nth} == 0 drop
		}
		}
		END
		;;
	seed*)	ip netns exec r nft -f - <<-END
		table ip t { chain c {
			type filter hook forward priority 0;
			oifname eth1 meta length > 200 numgen inc mod 100000 vmap {
				$(positions "${1#seed}")
			}
		}
		}
		END
		;;
	netem*)	ip netns exec r tc qdisc add dev eth1 root netem \
			loss "${1#netem}%" limit 10000 ;;
	reorder*) ip netns exec r tc qdisc add dev eth1 root netem \
			delay 100us reorder "${1#reorder}%" gap 5 limit 10000 ;;
	esac
}

tunnel() {
	local type=$1 a=192.0.2.1 b=198.51.100.2

	case $type in
	none)	return ;;
	vxlan)	set -- id 1 dstport 4789 ;;
	geneve|stt) set -- id 1 ;;
	*)	set -- ;;
	esac
	if [ "$type" = geneve ]; then
		ip -n h1 link add tun0 type geneve "$@" remote $b
		ip -n h2 link add tun0 type geneve "$@" remote $a
	else
		ip -n h1 link add tun0 type "$type" "$@" local $a remote $b
		ip -n h2 link add tun0 type "$type" "$@" local $b remote $a
	fi
	ip -n h1 addr add 10.0.0.1/24 dev tun0
	ip -n h2 addr add 10.0.0.2/24 dev tun0
	ip -n h1 link set tun0 up
	ip -n h2 link set tun0 up
}

for case in "$@"; do
	type=${case%:*} to=10.0.0.2
	[ "$type" != none ] || to=198.51.100.2
	topology
	tunnel "$type"
	ip netns exec h1 ping -q -c 1 -W 5 $to >/dev/null
	way "${case#*:}"
	[ -z "${LOSS_FRAMES:-}" ] || ip netns exec h2 sysctl -qw \
		net.stt.reasm_max_frames_per_flow="$LOSS_FRAMES"
	[ -z "${LOSS_TIME:-}" ] || ip netns exec h2 sysctl -qw \
		net.stt.reasm_time_ms="$LOSS_TIME"
	name=${case#*:}.$type
	echo "$name" >>"$results/marks"
	[ -z "${SOCKBENCH:-}" ] || "$SOCKBENCH" mark 1
	ip netns exec h1 iperf3 -c $to -t "$seconds" -J >"$results/$name.json"
	[ -z "${SOCKBENCH:-}" ] || "$SOCKBENCH" mark 0
	echo "# $case $(grep -A12 '"sum_received"' \
		"$results/$name.json" |
		sed -n 's/.*"bits_per_second":[^0-9]*\([0-9]*\).*/\1/p' |
		head -n 1)"
	if [ -n "${LOSS_VERBOSE:-}" ]; then
		ip netns exec h1 nstat -sz | awk '$1 ~ /^TcpRetrans|^TcpExtTCP(Fast|Slow|Lost|Time|LossP|Sack|DSACK|SACK|Full|Partial|Spur|Reord)/ && $2'
		ip netns exec h2 cat /proc/net/stt | grep -v ' 0$' || true
		ip netns exec h2 ethtool -S tun0 | grep -v ': 0$' || true
		grep -m1 '"retransmits"' "$results/$name.json" || true
	fi
	kill "$(cat /run/iperf3.pid)" 2>/dev/null || true
	for ns in h1 r h2; do
		ip netns del $ns
	done
	sleep 0.2
done
