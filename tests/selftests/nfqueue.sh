#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A host with a user space queue for its input (NFQUEUE, as intrusion prevention
# uses it): frames leave the queue in process context (R1), whole ones and
# those in many segments.
#
#      h1                                          h2
#      eth0, tso off ------------ veth ----------- eth0, input: queue num 3
#      stt0 10.0.0.1                               stt0 10.0.0.2
#
# kernels: stock
# timeout: 200

. "${BASH_SOURCE[0]%/*}/lib.sh"
require nft ethtool

for family in v4 v6; do
	setup_pair $family
	# Segments cross singly, and so come out of the queue.
	in_ns "$h1" ethtool -K eth0 tso off gso off >/dev/null
	in_ns "$h2" ethtool -K eth0 gro off >/dev/null
	check "$family: create both ends" stt_pair
	check "$family: the input of h2 goes through a queue" \
		in_ns "$h2" nft "table inet t { chain c {
			type filter hook input priority 0;
			tcp dport 7471 queue num 3
		}
		}"
	background in_ns "$h2" /usr/bin/python3 \
		"${BASH_SOURCE[0]%/*}/nfqueue.py" 3 "$tmp/seen-$family"
	wait_for 10 in_ns "$h2" grep -qE '^ *3 ' /proc/net/netfilter/nfnetlink_queue
	check "$family: frames of one segment" \
		in_ns "$h1" ping -q -c 5 -i 0.2 -W 5 "$i2"
	check "$family: frames of many segments" \
		in_ns "$h1" ping -q -c 5 -i 0.2 -W 5 -s 30000 "$i2"
	check_num "$family: frames went through the queue" \
		"$(<"$tmp/seen-$family")" -gt 50
	check_num "$family: frames were reassembled" \
		"$(ethstat "$h2" stt0 rx_reassembled)" -ge 5
	check_eq "$family: no frame timed out" \
		"$(counter "$h2" reasm_timeout)" 0
	teardown
done

tap_done
