#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Nexthop groups in the forwarding database: flows spread over the members,
# groups and members change and go, and what does not fit is refused.
#
#	h1                 h2                 h3
#	stt0 10.0.0.1      stt0 10.0.0.2      stt0 10.0.0.3	id 1, no remote
#	eth0 192.0.2.1     eth0 192.0.2.2     eth0 192.0.2.3
#	  |  2001:db8::1     |  2001:db8::2     |  2001:db8::3
#	  +------------ bridge br0 in sw -------+
#
# kernels: all
# timeout: 600

# check calls functions.
# shellcheck disable=SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_fdb.sh"
require nft python3

mac=02:00:00:00:06:01 mac2=02:00:00:00:06:02

nh() { ip -n "$h1" nexthop "$@"; }

# flows N: N flows of UDP to the station that has the group.
flows() {
	in_ns "$h1" python3 -c "
import socket
for port in range(20000, 20000 + $1):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.sendto(b'x', ('10.0.0.9', port))"
}

# heard: how many packets h2 and h3 have had, since the last time.
heard() {
	n2=$(wired "$h2" p) n3=$(wired "$h3" p)
	unwire "$h2"; unwire "$h3"
	wire "$h2" eth0 p tcp dport 7471
	wire "$h3" eth0 p tcp dport 7471
}

for family in v4 v6; do
	setup_three $family
	stt_three nolearning
	wire "$h2" eth0 p tcp dport 7471
	wire "$h3" eth0 p tcp dport 7471
	ip -n "$h1" neigh add 10.0.0.9 lladdr $mac dev stt0
	other=$([ $family = v4 ] && echo 2001:db8::2 || echo 192.0.2.2)

	nh add id 1 via "$a2" fdb
	nh add id 2 via "$a3" fdb
	nh add id 3 via "$other" fdb
	nh add id 10 group 1/2 fdb
	nh add id 11 group 3 fdb
	nh add id 12 group 1 fdb
	nh add id 20 via "$a2" dev eth0

	check_refused "$family: a nexthop that is none of an FDB" \
		'not an FDB nexthop' bridge -n "$h1" fdb add $mac dev stt0 \
		nhid 20
	check_refused "$family: one that is no group" 'not a group' \
		bridge -n "$h1" fdb add $mac dev stt0 nhid 1
	check_refused "$family: of the other family" 'address family' \
		bridge -n "$h1" fdb add $mac dev stt0 nhid 11
	check_refused "$family: unknown" 'No such nexthop' \
		bridge -n "$h1" fdb add $mac dev stt0 nhid 77
	check_refused "$family: dynamic" 'cannot be dynamic' \
		bridge -n "$h1" fdb add $mac dev stt0 nhid 10 dynamic
	check_eq "$family: what is refused leaves nothing" \
		"$(entries "$h1" stt0)" 0

	check "$family: add" fdb "$h1" add $mac dev stt0 nhid 10
	check_eq "$family: show" "$(entry "$h1" stt0 $mac)" \
		"$mac nhid 10 self permanent"
	check "$family: a second one" fdb "$h1" add $mac2 dev stt0 nhid 10
	check_refused "$family: no destination beside it" 'nexthop group' \
		bridge -n "$h1" fdb replace $mac dev stt0 dst "$a2"
	fdb "$h1" add 02:00:00:00:06:03 dev stt0 dst "$a2"
	check_refused "$family: no group beside a destination" \
		'cannot replace' bridge -n "$h1" fdb replace \
		02:00:00:00:06:03 dev stt0 nhid 10
	check_refused "$family: one group" 'one nexthop group' \
		bridge -n "$h1" fdb append $mac dev stt0 nhid 12

	flows 60
	heard
	check_num "$family: flows are spread: h2" "$n2" -gt 5
	check_num "$family: flows are spread: h3" "$n3" -gt 5
	check_eq "$family: each goes one way" $((n2 + n3)) 60

	check "$family: another group" fdb "$h1" replace $mac dev stt0 nhid 12
	flows 20
	heard
	check_eq "$family: all go to its member" "$n2 $n3" '20 0'
	nh replace id 12 group 2 fdb
	flows 20
	heard
	check_eq "$family: its member changes" "$n2 $n3" '0 20'
	nh replace id 2 via "$a2" fdb
	flows 20
	heard
	check_eq "$family: its member's address changes" "$n2 $n3" '20 0'
	ip -n "$h1" link set stt0 type stt ttl 33
	flows 20
	heard
	check_eq "$family: and the device's configuration" "$n2 $n3" '20 0'

	fdb "$h1" append $zero dev stt0 nhid 10
	check "$family: for unknown stations too" \
		has "$h1" stt0 "^$zero nhid 10"
	nh del id 12
	check "$family: a group that is deleted takes its entry along" \
		hasnt "$h1" stt0 "^$mac "
	check "$family: others stay" has "$h1" stt0 "^$mac2 nhid 10"
	flows 20
	heard
	check_eq "$family: it is an unknown station now" $((n2 + n3)) 20
	check "$family: del" fdb "$h1" del $mac2 dev stt0 nhid 10
	check_eq "$family: is gone" "$(entries "$h1" stt0 "^$mac2")" 0

	# Under traffic, and with the device.
	fdb "$h1" add $mac dev stt0 nhid 10
	background eval "while :; do flows 20; done" 2>/dev/null
	for _ in {1..10}; do
		nh replace id 10 group 1 fdb
		nh replace id 10 group 1/2 fdb
		fdb "$h1" del $mac dev stt0
		fdb "$h1" add $mac dev stt0 nhid 10
	done
	ip -n "$h1" link del stt0
	check "$family: the device goes, the group stays" nh get id 10
	teardown
done

tap_done
