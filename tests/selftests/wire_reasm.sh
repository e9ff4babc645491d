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
setup_wire id 1

py_checks wire_reasm.py "$h1" "$h2"

tap_done
