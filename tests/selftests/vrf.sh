#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Underlays in VRFs. Addresses, ports and context ids are the same: only the VRF
# tells the two tunnels of h1 apart (R6, R11).
#
#	h1                                       h2
#	stt0 10.0.0.1, over blue                 stt0 10.0.0.2
#	eth0 192.0.2.1 in VRF blue ------------- eth0 192.0.2.2
#	                                         h3
#	stt1 10.1.0.1, over red                  stt0 10.1.0.2
#	eth1 192.0.2.1 in VRF red -------------- eth0 192.0.2.2
#
# kernels: all
# timeout: 300

. "${BASH_SOURCE[0]%/*}/lib.sh"
require ping ethtool conntrack nft

h3=''

for family in v4 v6; do
	new_ns h1 h2 h3
	link_ns "$h1" eth0 "$h2" eth0
	link_ns "$h1" eth1 "$h3" eth0
	ip -n "$h1" link add blue type vrf table 10
	ip -n "$h1" link add red type vrf table 20
	ip -n "$h1" link set blue up
	ip -n "$h1" link set red up
	ip -n "$h1" link set eth0 master blue
	ip -n "$h1" link set eth1 master red
	if [ $family = v4 ]; then
		a1=192.0.2.1 a2=192.0.2.2 len=24
	else
		a1=2001:db8::1 a2=2001:db8::2 len=64
	fi
	addr "$h1" eth0 $a1/$len
	addr "$h1" eth1 $a1/$len
	addr "$h2" eth0 $a2/$len
	addr "$h3" eth0 $a2/$len
	# By the lower device, and by the VRF itself.
	check "$family, VRF: over a device in blue" \
		stt_add "$h1" stt0 id 1 local $a1 remote $a2 dev eth0
	check "$family, VRF: the same over red" \
		stt_add "$h1" stt1 id 1 local $a1 remote $a2 dev red
	stt_add "$h2" stt0 id 1 local $a2 remote $a1
	stt_add "$h3" stt0 id 1 local $a2 remote $a1
	addr "$h1" stt0 10.0.0.1/24
	addr "$h1" stt1 10.1.0.1/24
	addr "$h2" stt0 10.0.0.2/24
	addr "$h3" stt0 10.1.0.2/24
	for ns in "$h1" "$h2" "$h3"; do
		one_by_one "$ns" eth0
	done
	one_by_one "$h1" eth1
	background in_ns "$h2" ping -q -i 0.02 -s 3000 10.0.0.1 >/dev/null
	check "$family, VRF: blue" \
		in_ns "$h1" ping -q -c 5 -i 0.2 -W 5 -s 3000 10.0.0.2
	check "$family, VRF: red" \
		in_ns "$h1" ping -q -c 5 -i 0.2 -W 5 -s 3000 10.1.0.2
	# Connection tracking is on, and has nothing to do with it. What flows
	# already is no connection to it either.
	strict_firewall "$h1"
	check "$family, VRF: blue, strict firewall" \
		in_ns "$h1" ping -q -c 3 -i 0.2 -W 5 -s 3000 10.0.0.2
	check "$family, VRF: red, strict firewall" \
		in_ns "$h1" ping -q -c 3 -i 0.2 -W 5 -s 3000 10.1.0.2
	check_eq "$family, VRF: no entry for STT (R1)" "$(
		in_ns "$h1" conntrack -L -f ip${family} -p tcp --dport 7471 \
			2>/dev/null | wc -l)" 0
	check_eq "$family, VRF: all frames found their device" \
		"$(linkstat "$h1" stt0 rx_errors)$(linkstat "$h1" stt1 rx_errors)" 00
	check_eq "$family, VRF: no parts of different frames met" \
		"$(counter "$h1" reasm_overlap)$(counter "$h1" drop_length)" 00

	in_ns "$h1" nft flush ruleset

	# Without dev it uses the host's own table, where no device is.
	ip -n "$h1" link del stt0
	no_device() {
		echo $(($(counter "$h1" drop_no_device) +
			$(counter "$h1" drop_peer)))
	}
	resets() {
		in_ns "$h1" nstat -asz TcpOutRsts | awk '/TcpOutRsts/ { print $2 }'
	}
	before=$(no_device) sent=$(resets)
	stt_add "$h1" stt0 id 1 local $a1 remote $a2
	addr "$h1" stt0 10.0.0.1/24
	check_fails "$family, VRF: not from outside of it" \
		in_ns "$h1" ping -q -c 2 -i 0.2 -W 1 10.0.0.2
	check_eq "$family, VRF: nothing came in that way" \
		"$(ethstat "$h1" stt0 rx_frames)" 0
	check_eq "$family, VRF: frames of blue are not ours any more (R1)" \
		"$(no_device)" "$before"
	check_num "$family, VRF: TCP refuses them (R1)" "$(resets)" -gt "$sent"
	teardown

	# A lower device that goes into a VRF under traffic, and out again.
	setup_pair $family
	stt_pair dev eth0
	background in_ns "$h2" ping -q -i 0.02 -s 3000 10.0.0.1 >/dev/null
	check "$family, into a VRF: before" \
		in_ns "$h1" ping -q -c 2 -i 0.2 -W 5 10.0.0.2
	ip -n "$h1" link add blue type vrf table 10
	ip -n "$h1" link set blue up
	ip -n "$h1" link set eth0 master blue
	[ $family = v4 ] || addr "$h1" eth0 $a1/64
	check "$family, into a VRF: inside" \
		in_ns "$h1" ping -q -c 2 -i 0.2 -W 5 -s 3000 10.0.0.2
	ip -n "$h1" link set eth0 nomaster
	[ $family = v4 ] || addr "$h1" eth0 $a1/64
	check "$family, into a VRF: outside again" \
		in_ns "$h1" ping -q -c 2 -i 0.2 -W 5 -s 3000 10.0.0.2
	teardown
done

tap_done
