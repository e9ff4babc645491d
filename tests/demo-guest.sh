#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# demo-guest.sh - the demo, inside the VM
#
#      host1                                 host2
#      eth0 192.0.2.1/24 ------ veth ------- eth0 192.0.2.2/24
#      stt0 10.0.0.1/24  ====== STT ======== stt0 10.0.0.2/24

set -eu

title() { printf '\n-- %s\n' "$*"; }

# show HOST COMMAND...: as one would type it there.
show() {
	printf '%s# %s\n' "$1" "${*:2}"
	ip netns exec "$@"
}

# rate CLIENT-OPTIONS...: Gbit/s at the receiver.
rate() {
	ip netns exec host1 iperf3 -f m "$@" |
	awk '/receiver/ { for (i = 2; i <= NF; i++)
		if ($i == "Mbits/sec") printf "%.2f", $(i - 1) / 1000 }'
}

deps=$(modinfo -F depends "$STT_KO" | tr , ' ')
# shellcheck disable=SC2086
[ -z "$deps" ] || modprobe -a $deps
insmod "$STT_KO"
# shellcheck disable=SC1091
. /etc/os-release
echo "$PRETTY_NAME, Linux $(uname -r), stt.ko loaded."

# A NIC that has TSO, but like most knows no tunnel it could segment.
ip netns add host1
ip netns add host2
ip link add eth0 netns host1 type veth peer name eth0 netns host2
n=0
for ns in host1 host2; do
	n=$((n + 1))
	ip netns exec $ns ethtool -K eth0 \
		tx-udp_tnl-segmentation off tx-udp_tnl-csum-segmentation off \
		tx-gre-segmentation off tx-gre-csum-segmentation off
	ip -n $ns link set lo up
	ip -n $ns link set eth0 up
	ip -n $ns addr add 192.0.2.$n/24 dev eth0
	ip -n $ns link add vxlan0 type vxlan id 1 dstport 4789 \
		local 192.0.2.$n remote 192.0.2.$((3 - n))
	ip -n $ns addr add 10.1.0.$n/24 dev vxlan0
	ip -n $ns link set vxlan0 up
done
ip netns exec host2 iperf3 -s -D --pidfile /run/iperf3.pid

title 'Two hosts, 192.0.2.1 and 192.0.2.2. Join them by a tunnel:'
show host1 ip link add stt0 type stt id 42 remote 192.0.2.2
show host1 ip addr add 10.0.0.1/24 dev stt0
show host1 ip link set stt0 up
show host2 ip link add stt0 type stt id 42 remote 192.0.2.1
show host2 ip addr add 10.0.0.2/24 dev stt0
show host2 ip link set stt0 up
show host1 ip -d link show stt0

title 'Through the tunnel:'
show host1 ping -c 3 -i 0.2 10.0.0.2

title 'One TCP packet with data, as tshark sees it on the wire:'
ip netns exec host1 timeout 20 tcpdump -q -i eth0 -c 40 -U \
	-w /tmp/stt.pcap 'dst host 192.0.2.2 and greater 800' 2>/dev/null &
capture=$!
sleep 1
ip netns exec host1 iperf3 -c 10.0.0.2 -t 1 >/dev/null
wait $capture || true
tshark -r /tmp/stt.pcap -o ip.try_heuristic_first:TRUE -Y stt -c 40 -O stt \
	2>/dev/null |
	awk '/^Frame /		{ frames++ }
	     frames == 1 && /^Transmission Control/ {
		print "  " $0
		exit
	     }
	     frames == 1 && /^(    )?[^ ]/ && !/^Frame|unverified|TCP Data/ {
		print "  " $0
	     }'

title 'TCP for a second, Gbit/s (the clock of this VM counts instructions):'
printf '  %-12s %10s %10s\n' '' 'to host2' 'from host2'
for to in 'no tunnel:192.0.2.2' 'vxlan:10.1.0.2' 'stt:10.0.0.2'; do
	ip netns exec host1 ping -q -c 1 "${to#*:}" >/dev/null
	printf '  %-12s %10s %10s\n' "${to%:*}" "$(rate -c "${to#*:}" -t 1)" \
		"$(rate -c "${to#*:}" -t 1 -R)"
done

title 'What the device counted:'
show host1 ip -s link show stt0
ip netns exec host1 ethtool -S stt0 | awk 'NR > 1 && $2 > 0'

title 'Away with it:'
kill "$(cat /run/iperf3.pid)"
ip netns del host1
ip netns del host2
for _ in {1..50}; do
	rmmod stt 2>/dev/null && break
	sleep 0.1
done
if [ -e /sys/module/stt ]; then
	echo 'stt.ko did not unload.'
	exit 1
fi
echo 'stt.ko unloaded, nothing left behind.'
