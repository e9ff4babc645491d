#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# guest.sh [CASE]... - inside the VM: one iperf3 run for each case
#
#      a                                    b
#      eth0 192.0.2.1/24 ------ veth ------ eth0 192.0.2.2/24
#           2001:db8::1/64      MTU 1500         2001:db8::2/64
#      tun0 10.0.0.1/24                     tun0 10.0.0.2/24
#
# veth would segment any tunnel for nothing. With tunnel offloads off it is the
# ordinary NIC: TSO for TCP, software for everything inside a tunnel.
# Leaves iperf3's own report in /run/vm/results/CASE.json.

set -eu
# For a time, not a number of bytes: iperf3 from 3.16 on would look all the time
# whether that is reached, and keep the CPU from those who do the work.
seconds=${DURATION:-1}
results=/run/vm/results
rm -rf "$results"
mkdir -p "$results"

deps=$(modinfo -F depends "$STT_KO" | tr , ' ')
# shellcheck disable=SC2086
[ -z "$deps" ] || modprobe -a $deps
insmod "$STT_KO"

ip netns add a
ip netns add b
ip link add eth0 netns a type veth peer name eth0 netns b
for ns in a b; do
	ip netns exec "$ns" ethtool -K eth0 \
		tx-udp_tnl-segmentation off tx-udp_tnl-csum-segmentation off \
		tx-gre-segmentation off tx-gre-csum-segmentation off
	ip -n "$ns" link set lo up
	ip -n "$ns" link set eth0 up
done
ip -n a addr add 192.0.2.1/24 dev eth0
ip -n b addr add 192.0.2.2/24 dev eth0
ip -n a addr add 2001:db8::1/64 dev eth0 nodad
ip -n b addr add 2001:db8::2/64 dev eth0 nodad
ip netns exec b iperf3 -s -D --pidfile /run/iperf3.pid

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

measure() {
	local name=$1 to=$2

	# Neighbours are resolved and caches warm before the clock starts.
	ip netns exec a ping -q -c 1 -W 5 "$to" >/dev/null
	ip netns exec a iperf3 -c "$to" -t 1 >/dev/null
	ip netns exec a iperf3 -c "$to" -t "$seconds" -J >"$results/$name.json"
	echo "# $name"
	ip -n a link del tun0 2>/dev/null || true
	ip -n b link del tun0 2>/dev/null || true
}

cases=("$@")
[ $# -gt 0 ] || cases=(none none6 vxlan vxlan6 geneve gretap stt stt6)
for name in "${cases[@]}"; do
	case $name in
	none)	measure none 192.0.2.2 ;;
	none6)	measure none6 2001:db8::2 ;;
	vxlan)	tunnel vxlan 4 id 1 dstport 4789; measure vxlan 10.0.0.2 ;;
	vxlan6)	tunnel vxlan 6 id 1 dstport 4789; measure vxlan6 10.0.0.2 ;;
	geneve)	tunnel geneve 4 id 1; measure geneve 10.0.0.2 ;;
	gretap)	tunnel gretap 4; measure gretap 10.0.0.2 ;;
	stt)	tunnel stt 4 id 1; measure stt 10.0.0.2 ;;
	stt6)	tunnel stt 6 id 1; measure stt6 10.0.0.2 ;;
	*)	echo "unknown case $name"; exit 1 ;;
	esac
done

kill "$(cat /run/iperf3.pid)"
ip netns del a
ip netns del b
for _ in {1..50}; do
	rmmod stt 2>/dev/null && break
	sleep 0.1
done
[ ! -e /sys/module/stt ]
