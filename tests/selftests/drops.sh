#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Every drop has a name: so many bad packets of each kind are sent, and so many
# are counted in /proc/net/stt, in ethtool -S and ip -s link, traced by
# stt:stt_drop, stt:stt_tx_drop or stt:stt_frame, and freed for the core's drop
# reason where the kernel has one that fits; and nothing else is.
#
#	h1                               h2
#	hand-made segments               stt4 over 192.0.2.2
#	eth0 192.0.2.1 ------ veth ----- eth0 192.0.2.2
#	     2001:db8::1                      2001:db8::2
#	                                 stt6 over 2001:db8::2
#
# How each field decides is for wire_rx.sh and wire_reasm.sh.
#
# kernels: all
# timeout: 300

. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_py.sh"

[ -d /sys/kernel/tracing/events/stt ] || skip_all 'no tracefs'
setup_pair v4
setup_wire id 1

py_checks drops.py "$h1" "$h2"

tap_done
