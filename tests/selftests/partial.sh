#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Partial delivery (R15): what came of a frame of inner TCP that lost segments
# is delivered as TCP packets that are right by themselves, as soon as newer
# frames of the flow show the loss; what comes late is delivered as well.
#
#	h1                               h2
#	hand-made segments               stt4 over 192.0.2.2, id 1
#	eth0 192.0.2.1 ------ veth ----- eth0 192.0.2.2
#	     2001:db8::1                      2001:db8::2
#	                                 stt6 over 2001:db8::2, id 1
#	                                 never over 192.0.2.2, id 2, nopartial
#	                                 ext, external, port 7472
#
# kernels: all
# timeout: 240

. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_py.sh"
require ethtool tc

setup_pair v4
setup_wire id 1 tos inherit
check 'device without partial delivery' stt_add "$h2" never id 2 nopartial
check 'external device' stt_add "$h2" ext external dstport 7472
for dev in never ext; do
	in_ns "$h2" ethtool -K $dev gro off >/dev/null
done

# What has the metadata that its frame had is counted.
in_ns "$h2" tc qdisc add dev ext clsact
for family in '1 ip' '2 ipv6'; do
	in_ns "$h2" tc filter add dev ext ingress pref "${family% *}" \
		protocol "${family#* }" flower enc_key_id 1 enc_ttl 77 \
		action pass
done
py_checks partial.py "$h1" "$h2"

tap_done
