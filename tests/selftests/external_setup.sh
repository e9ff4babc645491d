#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# An external device that is set up: what the kernel sends by itself has no
# metadata, is dropped, and is no sign of a fault. What is routed there is one.
#
#	ns
#	stt0 10.9.0.1/24 external, its peers in metadata alone
#
# kernels: all

# shellcheck disable=SC2016,SC2154,SC2317 # awk; set by new_ns; check calls
. "${BASH_SOURCE[0]%/*}/lib.sh"
require ping

new_ns ns
dropped() {
	in_ns "$ns" awk '$1 == "stt0:" { print $13 }' /proc/net/dev
}
some_dropped() { [ "$(dropped)" -ge 2 ]; }

check 'an external device is set up' stt_add "$ns" stt0 external
check 'the external device drops what the kernel sends by itself' \
	wait_for 30 some_dropped
check_eq 'tx_bad_key counts nothing that the kernel sends by itself' \
	"$(ethstat "$ns" stt0 tx_bad_key)" 0
ip -n "$ns" addr add 10.9.0.1/24 dev stt0
in_ns "$ns" ping -q -c 1 -W 1 10.9.0.2 >/dev/null
check_num 'tx_bad_key counts what is routed there without metadata' \
	"$(ethstat "$ns" stt0 tx_bad_key)" -ge 1
tap_done
