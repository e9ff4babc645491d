#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The least that has to work anywhere: two hosts, a tunnel over each underlay,
# packets of all sizes, TCP both ways, and nothing dropped.
#
# kernels: all

. "${BASH_SOURCE[0]%/*}/lib.sh"
require iperf3 ethtool

for family in v4 v6; do
	setup_pair $family
	check "$family: create both ends" stt_pair
	check "$family: ping" in_ns "$h1" ping -q -c 3 -i 0.2 -W 5 "$i2"
	check "$family: ping, inner IPv6" \
		in_ns "$h1" ping -q -c 3 -i 0.2 -W 5 "$i2_6"
	check "$family: packets larger than a segment" \
		in_ns "$h1" ping -q -c 3 -i 0.2 -W 5 -s 20000 "$i2"

	iperf_server "$h2"
	check "$family: TCP" \
		in_ns "$h1" timeout $((20 * slowness)) iperf3 -c "$i2" -n 5M
	check "$family: TCP, the other way" \
		in_ns "$h1" timeout $((20 * slowness)) iperf3 -c "$i2" -n 5M -R

	check_num "$family: frames were counted" \
		"$(ethstat "$h2" stt0 rx_frames)" -gt 100
	check_eq "$family: no receive errors" \
		"$(linkstat "$h2" stt0 rx_errors)" 0
	# Not drop_no_device: the first end talks before there is a second.
	for name in drop_csum drop_header drop_version drop_offload \
		    drop_length; do
		check_eq "$family: $name" "$(counter "$h2" $name)" 0
	done
	teardown
done

tap_done
