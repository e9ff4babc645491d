#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# TCP through a tunnel and a bridge behind it (R12): whatever the devices at
# its ends and between them can do, and with segments reordered below (R6), the
# bytes arrive.
#
#	h1                      r                 h2                    h3
#	stt0 10.0.0.1 =======================     stt0 - br0 - out0 --- eth0
#	     fd00::1                                               10.0.0.3 fd00::3
#	eth0 ---------- veth -- eth0 eth1 - veth  eth0
#
# kernels: all
# timeout: 240

. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_py.sh"
require ethtool tc

for family in v4 v6; do
	setup_routed $family
	new_ns h3
	# shellcheck disable=SC2154
	link_ns "$h2" out0 "$h3" eth0
	addr "$h3" eth0 10.0.0.3/24 fd00::3/64
	check "$family: create both ends" stt_pair
	ip -n "$h2" addr flush dev stt0
	ip -n "$h2" link add br0 type bridge mcast_snooping 0
	ip -n "$h2" link set stt0 master br0
	ip -n "$h2" link set out0 master br0
	ip -n "$h2" link set br0 up
	py_checks forward.py tcp "$h1" "$r" "$h2" "$h3" $family
	teardown
done

tap_done
