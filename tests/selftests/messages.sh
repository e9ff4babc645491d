#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What ip answers to mistakes that strangers make: accepted in the one sense
# that it can have, with a warning where it is odd, or refused with a sentence.
# iproute2-patch/test-args.sh has what ip finds by itself.
#
#      h1
#      eth0 192.0.2.1/24 2001:db8::1/64 -- veth -- h2
#
# kernels: stock newest

# check calls functions.
# shellcheck disable=SC2119,SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"

setup_pair v4

add() { ip -n "$h1" link add stt0 type stt "$@"; }

# said KIND PATTERN OPTIONS: "Warning", "Error", or nothing at all.
said() {
	local kind=$1 pattern=$2 out rc=0

	shift 2
	# shellcheck disable=SC2086
	out=$(add $1 2>&1) || rc=$?
	ip -n "$h1" link del stt0 2>/dev/null
	printf "%s\n" "$out" >"$tmp/said"
	case $kind in
	Error)	 check_num "refused: $1" $rc -ne 0 ;;
	*)	 check_eq "accepted: $1" $rc 0 ;;
	esac
	case $kind in
	nothing) check_eq "without a word: $1" "$out" '' ;;
	*)	 check "says why: $1" grep -qiE "$kind: .*$pattern" "$tmp/said" ;;
	esac
}

# printed OPTIONS PATTERN: what the device shows afterwards.
printed() {
	# shellcheck disable=SC2086
	add $1 2>/dev/null
	check "shows '$2': $1" eval \
		"ip -n $h1 -d link show stt0 | grep -qE -- '$2'"
	ip -n "$h1" link del stt0 2>/dev/null
}

while IFS='|' read -r kind pattern options; do
	said "$kind" "$pattern" "$options"
done <<'END_OF_TABLE'
nothing||id 1 remote 192.0.2.2 local 192.0.2.1
nothing||id 1 remote any
nothing||id 1 remote any local 2001:db8::1
nothing||id 1 remote 192.0.2.2 ttl 0
nothing||id 1 remote 192.0.2.2 tos b8
nothing||id 1 remote 192.0.2.2 proxy l3miss
Warning|no device of this host has the local address|id 1 remote 192.0.2.2 local 192.0.2.77
Warning|no device of this host has the local address|id 1 remote 2001:db8::2 local 2001:db8::77
Warning|remote address is one of this host|id 1 remote 192.0.2.1
Warning|remote address is one of this host|id 1 remote 2001:db8::1
Warning|proxy is off|id 1 remote 192.0.2.2 l3miss
Error|metadata name the remote address|external remote 192.0.2.2
Error|metadata name the context id|external id 5
nothing||external learning
Error|idbits is for external|id 1 remote 192.0.2.2 idbits 32
Error|one family|id 1 remote 192.0.2.2 local 2001:db8::1
Error|needs a lower device|id 1 group 239.1.1.1
Error|ports must be a lowest and a highest|id 1 remote 192.0.2.2 srcport 2000 1000
Error|port must not be 0|id 1 remote 192.0.2.2 dstport 0
Error|are for IPv6 underlays|id 1 remote 192.0.2.2 flowlabel 5
END_OF_TABLE

printed 'id 1 remote 192.0.2.2 ttl 0' 'ttl auto'
printed 'id 1 remote 192.0.2.2 tos 48' 'tos 0x48'
printed 'id 1 remote 192.0.2.2 tos 0x48' 'tos 0x48'
tap_done
