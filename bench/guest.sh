#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# guest.sh WORKLOADS CASE... - inside the VM: measure each workload over each
# case; both are lists of words
#
#      a                                    b
#      eth0 192.0.2.1/24 ------ veth ------ eth0 192.0.2.2/24
#           2001:db8::1/64      MTU 1500         2001:db8::2/64
#      tun0 10.0.0.1/24                     tun0 10.0.0.2/24
#
# CASE is none, vxlan, geneve, gretap or stt; with 6 behind it over IPv6, with
# -nic behind it over a NIC that has offloads for tunnels. veth would segment
# any tunnel for nothing: without tunnel offloads it is the ordinary NIC, with
# TSO for TCP, and software for everything inside a tunnel.
#
# WORKLOADS are
#   tso     bulk TCP; the NIC has TSO, the receiver gets aggregates
#   gso     bulk TCP; every segment crosses singly, software GSO and GRO
#   rr      TCP, one byte to and fro
#   udp64   UDP datagrams of 64 bytes
#   udp32k  UDP datagrams of 32 KB; the inner MTU is the tunnel's own, but
#           64000 for stt
#   jumbo   as tso; the inner MTU is 65429 for stt
#   bidir   as tso, both ways at once
#   flows   as tso, 64 flows
#   flowsgso	as gso, 64 flows
#
# Leaves iperf3's report in results/WORKLOAD.CASE.json, what sockbench says in
# results/WORKLOAD.CASE, and in results/marks the measurements in their order.

set -eu
# All for this time, but for iperf3, which knows whole seconds only. Not for a
# number of bytes: iperf3 from 3.16 on would look all the time whether that is
# reached, and keep the CPU from those who do the work.
seconds=${DURATION:-1}
results=/run/vm/results
rm -rf "$results"
mkdir -p "$results"

deps=$(modinfo -F depends "$STT_KO" | tr , ' ')
# shellcheck disable=SC2086
[ -z "$deps" ] || modprobe -a $deps
insmod "$STT_KO"
cat /proc/kallsyms >/run/vm/kallsyms
{
	uname -srv
	iperf3 --version | head -n 1
	ethtool --version
	ip -V
} >/run/vm/versions

ip netns add a
ip netns add b
ip link add eth0 netns a type veth peer name eth0 netns b
for ns in a b; do
	ip -n "$ns" link set lo up
	ip -n "$ns" link set eth0 up
done
ip -n a addr add 192.0.2.1/24 dev eth0
ip -n b addr add 192.0.2.2/24 dev eth0
ip -n a addr add 2001:db8::1/64 dev eth0 nodad
ip -n b addr add 2001:db8::2/64 dev eth0 nodad
ip netns exec b iperf3 -s -D --pidfile /run/iperf3.pid
ip netns exec b "$SOCKBENCH" rr-server 5001 &
rr_server=$!

a() { ip netns exec a "$@"; }
b() { ip netns exec b "$@"; }

# nic tso|gso, tunnel offloads on|off
nic() {
	local ns tso=on gro=off

	[ "$1" = tso ] || tso=off gro=on
	for ns in a b; do
		ip netns exec $ns ethtool -K eth0 tso $tso gso $tso gro $gro \
			tx-udp_tnl-segmentation "$2" \
			tx-udp_tnl-csum-segmentation "$2" \
			tx-gre-segmentation "$2" tx-gre-csum-segmentation "$2"
	done
}

# tunnel TYPE 4|6 [ARG]...
tunnel() {
	local type=$1 a=192.0.2.1 b=192.0.2.2

	[ "$2" = 4 ] || { a=2001:db8::1 b=2001:db8::2; }
	shift 2
	if [ "$type" = geneve ]; then
		ip -n a link add tun0 type geneve "$@" remote $b
		ip -n b link add tun0 type geneve "$@" remote $a
	else
		ip -n a link add tun0 type "$type" "$@" local $a remote $b
		ip -n b link add tun0 type "$type" "$@" local $b remote $a
	fi
	ip -n a addr add 10.0.0.1/24 dev tun0
	ip -n b addr add 10.0.0.2/24 dev tun0
	ip -n a link set tun0 up
	ip -n b link set tun0 up
}

# bulk NAME TO [ARG]...: with warm caches
bulk() {
	local name=$1 to=$2

	shift 2
	a iperf3 -c "$to" -n 32M "$@" >/dev/null
	echo "$name" >>"$results/marks"
	"$SOCKBENCH" mark 1
	a iperf3 -c "$to" -t 1 -J "$@" >"$results/$name.json"
	"$SOCKBENCH" mark 0
}

# datagrams NAME TO SIZE
datagrams() {
	local name=$1 to=$2 size=$3 server

	b "$SOCKBENCH" udp-server 5002 >"$results/$name.received" &
	server=$!
	sleep 0.1
	echo "$name" >>"$results/marks"
	a "$SOCKBENCH" udp "$to" 5002 "$size" "$seconds" >"$results/$name"
	wait "$server"
	cat "$results/$name.received" >>"$results/$name"
	rm "$results/$name.received"
}

# mtu CASE MTU: only stt has a choice
mtu() {
	case $1 in stt*)
		ip -n a link set tun0 mtu "$2"
		ip -n b link set tun0 mtu "$2" ;;
	esac
}

# run WORKLOAD CASE TO
run() {
	local name=$1.$2 to=$3 offload=off

	case $2 in *-nic) offload=on ;; esac
	case $1 in
	*gso)	nic gso $offload ;;
	*)	nic tso $offload ;;
	esac
	case $1 in
	tso|gso) bulk "$name" "$to" ;;
	jumbo)	mtu "$2" 65429; bulk "$name" "$to"; mtu "$2" 1500 ;;
	bidir)	bulk "$name" "$to" --bidir ;;
	flows*)	bulk "$name" "$to" -P 64 ;;
	rr)	echo "$name" >>"$results/marks"
		a "$SOCKBENCH" rr "$to" 5001 "$seconds" >"$results/$name" ;;
	udp64)	datagrams "$name" "$to" 64 ;;
	udp32k)
		mtu "$2" 64000
		datagrams "$name" "$to" 32768
		mtu "$2" 1500 ;;
	*)	echo "unknown workload $1"; exit 1 ;;
	esac
	echo "# $name"
}

read -ra workloads <<<"$1"
shift
for name in "$@"; do
	to=10.0.0.2 v=4
	type=${name%-nic}
	case $type in *6) v=6 ;; esac
	type=${type%6}
	case $type in
	none)	to=192.0.2.2
		[ $v = 4 ] || to=2001:db8::2 ;;
	vxlan)	tunnel vxlan $v id 1 dstport 4789 ;;
	geneve)	tunnel geneve $v id 1 ;;
	gretap)	[ $v = 4 ] || type=ip6gretap
		tunnel "$type" $v ;;
	stt)	tunnel stt $v id 1 ;;
	*)	echo "unknown case $name"; exit 1 ;;
	esac
	# Neighbours are resolved before the clock starts, both ways, and have
	# been asked once more: until then each packet goes the long way.
	a ping -q -c 1 -W 5 $to >/dev/null
	sleep 6
	a ping -q -c 1 -W 5 $to >/dev/null
	for workload in "${workloads[@]}"; do
		run "$workload" "$name" $to
	done
	ip -n a link del tun0 2>/dev/null || true
	ip -n b link del tun0 2>/dev/null || true
done

kill "$(cat /run/iperf3.pid)" $rr_server
ip netns del a
ip netns del b
for _ in {1..50}; do
	rmmod stt 2>/dev/null && break
	sleep 0.1
done
[ ! -e /sys/module/stt ]
