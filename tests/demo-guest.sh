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

title 'One TCP packet with data, as it is on the wire:'
ip netns exec host1 timeout 20 tcpdump -q -i eth0 -c 40 -U -s 160 \
	-w /tmp/stt.pcap 'dst host 192.0.2.2 and greater 1200' 2>/tmp/stt.log &
capture=$!
for _ in {1..100}; do
	grep -q listening /tmp/stt.log && break
	sleep 0.1
done
ip netns exec host1 iperf3 -c 10.0.0.2 -n 4M >/dev/null
wait $capture || true
# The first packet of a frame: its STT header begins with version 0, behind
# Ethernet, IP and 20 bytes like TCP's whose acknowledgement has the frame's id
# and whose sequence number the frame's length and the offset in it.
tcpdump -r /tmp/stt.pcap -xx -c 40 2>/dev/null | awk '
	function num(from, n,   i, v) {
		for (i = 0; i < n; i++)
			v = v substr(hex, 2 * (from + i) + 1, 2)
		return v
	}
	function dec(h,   i, v) {
		for (i = 1; i <= length(h); i++)
			v = 16 * v + index("0123456789abcdef",
					   substr(h, i, 1)) - 1
		return v
	}
	function address(from,   i, v) {
		for (i = 0; i < 4; i++)
			v = v (i ? "." : "") dec(num(from + i, 1))
		return v
	}
	function show(   off) {
		off = dec(num(40, 2))
		if (length(hex) < 280 || off)
			return 0
		print "  Ethernet, and IP from " address(26) " to " address(30)
		print "  TCP-like: port " dec(num(34, 2)) " to " \
			dec(num(36, 2)) ", frame id 0x" num(42, 4) \
			", frame of " dec(num(38, 2)) " bytes, from byte " off
		print "  STT header: version " dec(num(54, 1)) ", flags 0x" \
			num(55, 1) ", inner TCP at byte " dec(num(56, 1)) \
			", segments of " dec(num(58, 2)) \
			" bytes, context id 0x" num(62, 8)
		print "  inside: Ethernet, IP from " address(98) " to " \
			address(102) ", TCP, data"
		return 1
	}
	/^\t0x/ {
		for (i = 2; i <= NF; i++)
			hex = hex $i
		next
	}
	{
		if (hex && show()) { done = 1; exit }
		hex = ""
	}
	END { if (!done) show() }'

title 'TCP for a second, Gbit/s (the clock of this VM counts instructions):'
printf '  %-12s %10s %10s\n' '' 'to host2' 'from host2'
for to in 'no tunnel:192.0.2.2' 'vxlan:10.1.0.2' 'stt:10.0.0.2'; do
	ip netns exec host1 ping -q -c 1 "${to#*:}" >/dev/null
	there=$(rate -c "${to#*:}" -t 1)
	back=$(rate -c "${to#*:}" -t 1 -R)
	printf '  %-12s %10s %10s\n' "${to%:*}" "$there" "$back"
	# For the host: what is compared.
	echo "${to%:*};$there;$back" >>/run/vm/rates
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
