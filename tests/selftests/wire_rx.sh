#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the receiver takes and refuses, segment by segment: checksums (R2),
# headers (R3), fields to ignore (R4), versions (R9), offload fields that
# contradict the packet (R10), which device gets a frame (R11), and what the
# stack is told of the packet (R12) and its tag (R13).
#
#	h1                               h2
#	hand-made segments               stt4 over 192.0.2.2
#	eth0 192.0.2.1 ------ veth ----- eth0 192.0.2.2, .4
#	     2001:db8::1                      2001:db8::2
#	gt0 198.51.100.1 === gretap === gt0 198.51.100.2
#	                     with GRE checksums
#	                                 stt6 over 2001:db8::2
#
# kernels: all
# timeout: 240

. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_py.sh"
require ethtool

setup_pair v4
addr "$h2" eth0 192.0.2.4/24
# What goes through a tunnel with checksums arrives as CHECKSUM_COMPLETE, if
# the sender computed them.
in_ns "$h1" ethtool -K eth0 tx off >/dev/null
for ns in "$h1:1:2" "$h2:2:1"; do
	IFS=: read -r ns me peer <<<"$ns"
	ip -n "$ns" link add gt0 type gretap local "192.0.2.$me" \
		remote "192.0.2.$peer" csum
	in_ns "$ns" ethtool -K gt0 gro off >/dev/null
	ip -n "$ns" link set gt0 mtu 1400 up
	addr "$ns" gt0 "198.51.100.$me/24" "2001:db8:5::$me/64"
done

# Without GRO, which would look into checksums itself.
setup_wire id 1

py_checks wire_rx.py "$h1" "$h2"

tap_done
