#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Segments become frames: in any order, split and aggregation (R5, R6), with
# overlaps, duplicates and contradictions (R7), and within limits of time and
# memory (R8).
#
#	h1                               h2
#	hand-made segments               stt4 over 192.0.2.2
#	eth0 192.0.2.1 ------ veth ----- eth0 192.0.2.2
#	     2001:db8::1                      2001:db8::2
#	                                 stt6 over 2001:db8::2
#
# kernels: all
# timeout: 240

. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_py.sh"
require ethtool

setup_pair v4
quiet "$h2" default
check 'IPv4 device' stt_add "$h2" stt4 id 1
check 'IPv6 device' stt_add "$h2" stt6 id 1 local ::
for dev in stt4 stt6; do
	in_ns "$h2" ethtool -K $dev gro off >/dev/null
done

py_checks wire_reasm.py "$h1" "$h2"

tap_done
