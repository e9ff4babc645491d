#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Insurance for retransmissions (W14): the first segment of a frame that an
# inner TCP sends again follows the frame once more.
#
#	h1                                h2
#	inner TCP into                    a capture
#	stt4 to 192.0.2.9
#	stt6 to 2001:db8::9
#	eth0 192.0.2.1 ------- veth ----- eth0
#	     2001:db8::1                  no host has .9 or ::9: their neighbour
#	                                  entries are static
#
# kernels: all
# timeout: 60

. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_py.sh"
require ethtool

setup_pair v4
for a in 192.0.2.9 2001:db8::9; do
	ip -n "$h1" neigh add $a dev eth0 lladdr "$(mac "$h2" eth0)"
done
one_by_one "$h1" eth0
quiet "$h1" default
check 'the IPv4 device is made' stt_add "$h1" stt4 id 1 remote 192.0.2.9
check 'the IPv6 device is made' stt_add "$h1" stt6 id 1 remote 2001:db8::9
ip -n "$h1" link set stt4 mtu 9000
ip -n "$h1" link set stt6 mtu 9000

py_checks resend.py "$h1" "$h2"

tap_done
