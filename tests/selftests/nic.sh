#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The path of a real NIC: virtio-net with TSO and mergeable receive buffers.
# One inner GSO packet is one frame, one packet for the NIC, and one for the
# receiver, which puts nothing together; over IPv4 and IPv6 (W4, R3). Prints
# what bulk TCP makes of it beside vxlan and no tunnel, which is no result:
# this machine's load is in it.
#
#	VM 1                                          VM 2
#	stt0 10.0.0.1                                 stt0 10.0.0.2
#	eth0 192.0.2.1, 2001:db8::1 --- virtio-net -- eth0 192.0.2.2, 2001:db8::2
#
# kernels: stock
# vms: 2
# slow: yes
# timeout: 600

# check calls functions.
# shellcheck disable=SC2154,SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_peer.sh"
require iperf3 ethtool

check 'the second VM' peer_start
on_peer 'iperf3 -s -D --pidfile /run/iperf3.pid' >/dev/null

here() { ethtool -S stt0 | awk -v n="$1:" '$1 == n { print $2 }'; }
there() { on_peer "ethtool -S stt0" | awk -v n="$1:" '$1 == n { print $2 }'; }
nic_sent() { cat /sys/class/net/eth0/statistics/tx_packets; }
nic_received() {
	on_peer 'cat /sys/class/net/eth0/statistics/rx_packets' | tail -n 1
}

# device KIND LOCAL REMOTE [ARG]...: tun0 or stt0 in both VMs
device() {
	local kind=$1 name=${1}0 a=$2 b=$3

	shift 3
	ip link add "$name" type "$kind" id 1 local "$a" remote "$b" "$@" &&
	sysctl -qw "net.ipv6.conf.$name.disable_ipv6=1" &&
	ip addr add 10.0.0.1/24 dev "$name" &&
	ip link set "$name" up &&
	on_peer "ip link add $name type $kind id 1 local $b remote $a $* &&
		 sysctl -qw net.ipv6.conf.$name.disable_ipv6=1 &&
		 ip addr add 10.0.0.2/24 dev $name &&
		 ip link set $name up" &&
	wait_for 20 ping -q -c 1 -W 1 10.0.0.2
}
gone() { ip link del "$1" && on_peer "ip link del $1"; }

bulk() { iperf3 -c "$1" -t 5 -J | gbits; }

check 'the NIC has TSO for IPv4 and IPv6' eval \
	"ethtool -k eth0 | grep -q '^tcp-segmentation-offload: on'"
for fam in v4 v6; do
	case $fam in
	v4) a=192.0.2.1 b=192.0.2.2 ;;
	v6) a=2001:db8::1 b=2001:db8::2 ;;
	esac
	check "$fam: devices" device stt "$a" "$b"
	sent=$(nic_sent) received=$(nic_received)
	check "$fam: bulk TCP" iperf3 -c 10.0.0.2 -n 64M
	# Until the connections are closed.
	sleep 1
	frames=$(here tx_frames) tso=$(here tx_tso)
	sent=$(($(nic_sent) - sent)) received=$(($(nic_received) - received))
	whole=$(there rx_single) came=$(there rx_frames)
	segments=$(there rx_segments)
	bytes=$(on_peer 'cat /sys/class/net/stt0/statistics/rx_bytes' |
		tail -n 1)
	acks=$(there tx_frames)
	echo "# $fam: sent: $frames frames, $tso by TSO, $sent packets;" \
		"received: $received packets, $segments segments," \
		"$whole of $came frames whole, $bytes bytes; $acks sent back"
	# Frames of full size carry some 40 times 1448 bytes.
	check_num "$fam: frames are left to the NIC" "$tso" -ge $((frames / 2))
	check_num "$fam: frames of 16 KB on average" \
		$((bytes / came)) -ge 16000
	# Neighbour discovery and the like take some packets besides.
	check_num "$fam: one frame is one packet for the NIC" "$sent" -le \
		$((frames + 20))
	check_num "$fam: one frame is one packet for the receiver" \
		"$received" -le $((came + 20))
	check_eq "$fam: all frames arrive whole" "$whole" "$came"
	check_eq "$fam: each frame arrives as one segment" "$segments" "$came"
	check_eq "$fam: all frames that were sent arrive" "$came" "$frames"
	stt=$(bulk 10.0.0.2)
	check "$fam: stt devices are deleted" gone stt0
	check "$fam: vxlan" device vxlan "$a" "$b" dstport 4789
	echo "# $fam: Gbit/s: no tunnel $(bulk "$b"), stt $stt," \
		"vxlan $(bulk 10.0.0.2)"
	check "$fam: vxlan devices are deleted" gone vxlan0
done
check 'the second VM ends' peer_end

tap_done
