#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The segments of a frame come in on different CPUs at the same time (R6):
# each frame arrives once, as it was sent; with segments sent twice; while
# other frames are poisoned, evicted and time out; and while the device's
# settings change.
#
#	h1: senders, one on each CPU      h2
#	eth0 192.0.2.1 ------- veth ----- eth0 192.0.2.2    stt4
#	     2001:db8::1                       2001:db8::2   stt6
#
# kernels: all
# timeout: 300

. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_py.sh"
[ "$(nproc)" -ge 2 ] || skip_all 'one CPU'

setup_pair v4
quiet "$h2" default
check 'devices' eval "stt_add $h2 stt4 id 1 && stt_add $h2 stt6 id 1 local ::"
py_checks race.py "$h1" "$h2"

tap_done
