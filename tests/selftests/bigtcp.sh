#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# BIG TCP: GSO packets larger than a frame become the fewest frames that hold
# them, each right by itself (W13); received frames become packets above 64 KB
# again where the device's gro_max_size says so; limits that can be set, and
# others that are refused (INTERFACE).
#
#	h1                                h2
#	inner packets into                a capture
#	stt4 to 192.0.2.9, stt6 to
#	2001:db8::9
#	stt0 10.0.0.1 fd00::1  =========  stt0 10.0.0.2 fd00::2
#	eth0 192.0.2.1 ------- veth ----- eth0 192.0.2.2
#	     2001:db8::1                       2001:db8::2
#
# kernels: all
# timeout: 480

# check calls functions.
# shellcheck disable=SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_py.sh"
require ethtool jq

limits() {
	ip -n "$1" -d -j link show "$2" |
	jq -r '.[0] | "\(.gso_max_size) \(.tso_max_size)"'
}

setup_pair v4
for a in 192.0.2.9 2001:db8::9; do
	ip -n "$h1" neigh add $a dev eth0 lladdr "$(mac "$h2" eth0)"
done
quiet "$h1" default
stt_add "$h1" stt4 id 1 remote 192.0.2.9
stt_add "$h1" stt6 id 1 remote 2001:db8::9

# --- limits --------------------------------------------------------------------

check_eq 'the GSO maximum is a frame unless it is set' \
	"$(limits "$h1" stt4)" '65464 524280'
check_eq 'the GSO maximum is a frame unless it is set, IPv6 underlay' \
	"$(limits "$h1" stt6)" '65444 524280'
check_fails 'a gso_max_size of 524281 is refused' \
	ip -n "$h1" link set stt4 gso_max_size 524281
check 'a gso_max_size of 524280 is taken' \
	ip -n "$h1" link set stt4 gso_max_size 524280 gro_max_size 524280
check 'IPv6 underlay: a gso_max_size of 524280 is taken' \
	ip -n "$h1" link set stt6 gso_max_size 524280 gro_max_size 524280
ip -n "$h1" link set eth0 mtu 1400
ip -n "$h1" link set eth0 mtu 1500
check_eq 'the underlay'\''s changes leave what the user set' \
	"$(limits "$h1" stt4)" '524280 524280'

# --- on the wire ---------------------------------------------------------------

py_checks bigtcp.py "$h1" "$h2"
teardown

# --- from socket to socket -----------------------------------------------------

for family in v4 v6; do
	setup_pair $family
	stt_pair id 1
	for ns in "$h1" "$h2"; do
		ip -n "$ns" link set stt0 gso_max_size 400000 \
			gro_max_size 400000
	done
	py_checks bigtcp_tcp.py "$h1" "$h2"
	teardown
done

tap_done
