#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DSCP and ECN: what the outer header gets from the inner one (W11) and the
# inner one from the outer (R14), all of RFC 6040's table, for every pair of
# families and both models of DSCP.
#
#	h1: ecn.py writes inner frames to stt0   h2: ecn.py reads eth0
#	           and segments to eth0                     and stt0
#
#	      stt0                 veth                 stt0
#	      eth0 192.0.2.1 ------------------ 192.0.2.2 eth0
#
# kernels: all
# timeout: 300

. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_py.sh"

for family in v4 v6; do
	setup_pair $family
	# Nothing of the hosts' own gets between what ecn.py sends.
	for ns in "$h1" "$h2"; do
		in_ns "$ns" sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	done
	# A way to the peer is known before the first frame.
	check "outer $family: the peer answers" \
		in_ns "$h1" ping -q -c 1 -W 5 "$a2"
	stt_add "$h1" stt0 id 1 remote "$a2"
	stt_add "$h2" stt0 id 1 remote "$a1"
	for tos in 0 0x48 inherit; do
		ip -n "$h1" link set stt0 type stt tos $tos
		ip -n "$h2" link set stt0 type stt tos $tos
		py_checks ecn.py "$h1" "$h2" "$a1" "$a2" $tos
	done
	teardown
done

tap_done
