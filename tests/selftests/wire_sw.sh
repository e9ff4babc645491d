#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the STT header has no words for is resolved in software before (W8),
# and arrives as it was meant; frames as large as frames can be, and larger
# ones (W3, W8).
#
#	h1                                   h2
#	stt0 10.0.0.1 fd00::1  ==========    stt0 10.0.0.2 fd00::2
#	vx0 10.1.0.1 (VXLAN on stt0) =====   vx0 10.1.0.2
#	eth0 -------------- veth ----------- eth0
#
# kernels: all
# timeout: 180

. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_py.sh"
require ethtool ping

# Segments cross singly.
single() {
	in_ns "$h1" ethtool -K eth0 tx off tso off gso off >/dev/null
	in_ns "$h2" ethtool -K eth0 tx off tso off gso off >/dev/null
}

for family in v4 v6; do
	setup_pair $family
	single
	check "$family: create both ends" stt_pair
	py_checks wire_sw.py "$h1" "$h2" $family

	# shellcheck disable=SC2154
	case $family in
	v4) max=65463 ;;
	v6) max=65483 ;;
	esac
	for ns in "$h1" "$h2"; do
		check_refused "$family: MTU $((max + 1)) is refused (W3)" \
			'greater than device maximum|MTU|mtu' \
			ip -n "$ns" link set stt0 mtu $((max + 1))
		check "$family: MTU $max is taken (W3)" \
			ip -n "$ns" link set stt0 mtu "$max"
	done
	check "$family: the largest IPv4 packet (W3)" \
		in_ns "$h1" ping -q -c 2 -i 0.2 -W 20 -M "do" -s $((max - 28)) "$i2"
	check "$family: the largest IPv6 packet (W3)" \
		in_ns "$h1" ping -q -c 2 -i 0.2 -W 20 -M "do" -s $((max - 48)) \
		"$i2_6"
	# Not larger than the device says: larger than a frame, for the tag
	# stays in it.
	for ns in "$h1:1" "$h2:2"; do
		IFS=: read -r ns n <<<"$ns"
		ip -n "$ns" link add link stt0 name ad0 type vlan \
			proto 802.1ad id 9
		ip -n "$ns" link set ad0 up
		addr "$ns" ad0 "10.2.0.$n/24"
	done
	check "$family: a packet and its tag fill the frame (W8, W9)" \
		in_ns "$h1" ping -q -c 2 -i 0.2 -W 20 -M "do" -s $((max - 32)) \
		10.2.0.2
	before=$(ethstat "$h1" stt0 tx_too_big)
	check_fails "$family: a tag more than a frame holds (W8)" \
		in_ns "$h1" ping -q -c 1 -W 1 -M "do" -s $((max - 31)) 10.2.0.2
	check_eq "$family: a tag more than a frame holds is counted" \
		$(($(ethstat "$h1" stt0 tx_too_big) - before)) 1
	teardown
done

tap_done
