#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Learning from received frames: which MAC addresses are learnt and which are
# not, moves, ageing, maxaddress, and entries of users, which learning keeps.
#
#	h1                 h2                 h3
#	stt0 10.0.0.1      stt0 10.0.0.2      stt0 10.0.0.3	id 1, no remote
#	eth0 192.0.2.1     eth0 192.0.2.2     eth0 192.0.2.3
#	  |  2001:db8::1     |  2001:db8::2     |  2001:db8::3
#	  +------------ bridge br0 in sw -------+
#
# kernels: all
# timeout: 900

# check calls functions.
# shellcheck disable=SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_fdb.sh"
require nft

mac=02:00:00:00:03:01

reach() { in_ns "$1" ping -q -c 2 -i 0.2 -W 5 "10.0.0.$2"; }

# speak HOST MAC: the host sends h1 a packet from that address.
speak() {
	local ns=h$1

	ns=${!ns}
	ip -n "$ns" link set stt0 address "$2" &&
	ip -n "$ns" neigh replace 10.0.0.1 lladdr "$(station 1)" dev stt0 &&
	in_ns "$ns" ping -q -c 1 -W 0.1 10.0.0.1 >/dev/null
	ip -n "$ns" link set stt0 address "$(station "$1")"
}

# says KEY: what ip -j says of h1's stt0.
says() {
	ip -n "$h1" -d -j link show "${2:-stt0}" | python3 -c "
import json, sys
print(json.load(sys.stdin)[0]['linkinfo']['info_data']['$1'])"
}

options() {
	check_eq 'learning is the default' "$(says learning)" True
	check_eq 'ageing is 300 s' "$(says ageing)" 300
	check_eq 'maxaddress is no limit' "$(says limit)" 0
	stt_add "$h1" s1 id 5 remote "$a2"
	check_eq 'learning is off with a remote' "$(says learning s1)" False
	check 'learning is turned on with a remote' \
		ip -n "$h1" link set s1 type stt learning
	check_eq 'learning is on with a remote' "$(says learning s1)" True
	check 'learning, ageing and maxaddress change at once' \
		ip -n "$h1" link set s1 type stt nolearning \
		ageing 17 maxaddress 5
	check_eq 'nolearning' "$(says learning s1)" False
	check_eq 'ageing' "$(says ageing s1)" 17
	check_eq 'maxaddress' "$(says limit s1)" 5
	check 'ageing none' ip -n "$h1" link set s1 type stt ageing none \
		maxaddress unlimited
	check_eq 'is 0' "$(says ageing s1) $(says limit s1)" '0 0'
	ip -n "$h1" link del s1
}

learn() {
	local before

	check "$family: a listener" fdb_monitor "$h1" stt0 "$a2"
	check "$family: h1 reaches h2" reach "$h1" 2
	check_eq "$family: h2 is learnt" "$(entry "$h1" stt0 "$(station 2)")" \
		"$(station 2) dst $a2 self"
	check_eq "$family: h1 is learnt by h2" \
		"$(entry "$h2" stt0 "$(station 1)")" "$(station 1) dst $a1 self"
	check "$family: listeners are told of a learnt entry" \
		wait_for 10 grep -q \
		"^$(station 2) .*dst $a2 self" "$tmp/monitor"
	wire "$h3" eth0 stray tcp dport 7471
	check "$family: h1 reaches h2 again" reach "$h1" 2
	check_eq "$family: a learnt MAC address is sent to one peer only" \
		"$(wired "$h3" stray)" 0
	unwire "$h3"

	speak 2 $mac
	check "$family: a MAC address behind h2 is learnt" \
		has "$h1" stt0 "^$mac dst $a2 self *$"
	speak 3 $mac
	check "$family: a learnt entry moves to h3" \
		has "$h1" stt0 "^$mac dst $a3 self *$"
	check_eq "$family: a moved entry has one destination" \
		"$(entries "$h1" stt0 "^$mac ")" 1
	check "$family: listeners are told of a moved entry" \
		wait_for 10 grep -q "^$mac .*dst $a3 self" "$tmp/monitor"

	for state in static permanent; do
		fdb "$h1" replace $mac dev stt0 dst "$a2" $state
		before=$(counter "$h1" drop_source)
		speak 3 $mac
		check "$family: a $state entry does not move" \
			has "$h1" stt0 "^$mac dst $a2 self $state"
		check_num "$family: frames against a $state entry are dropped" \
			"$(counter "$h1" drop_source)" -gt "$before"
		before=$(counter "$h1" drop_source)
		speak 2 $mac
		check_eq "$family: frames of a $state entry are accepted" \
			"$(counter "$h1" drop_source)" "$before"
	done
	fdb "$h1" del $mac dev stt0

	before=$(counter "$h1" drop_source)
	speak 2 "$(station 1)"
	check_num "$family: frames with the device's own address are dropped" \
		"$(counter "$h1" drop_source)" -gt "$before"
	check_eq "$family: the device's own address is not learnt" \
		"$(entries "$h1" stt0 "^$(station 1)")" 0

	ip -n "$h1" link set stt0 type stt nolearning
	speak 2 $mac
	check "$family: nolearning: nothing is learnt" hasnt "$h1" stt0 "^$mac"
	check "$family: nolearning keeps learnt entries" \
		has "$h1" stt0 "^$(station 2)"
	ip -n "$h1" link set stt0 type stt learning
}

age() {
	fdb "$h1" add $mac dev stt0 dst "$a2" static
	fdb "$h1" add 02:00:00:00:03:02 dev stt0 dst "$a2" dynamic \
		extern_learn
	fdb "$h1" add 02:00:00:00:03:03 dev stt0 dst "$a2" dynamic
	speak 2 02:00:00:00:03:04
	ip -n "$h1" link set stt0 type stt ageing 3
	background in_ns "$h3" ping -q -i 0.2 10.0.0.1 >/dev/null
	check "$family: learnt entries age" wait_for 30 \
		hasnt "$h1" stt0 '^02:00:00:00:03:04'
	check "$family: dynamic entries age" wait_for 30 \
		hasnt "$h1" stt0 '^02:00:00:00:03:03'
	check "$family: an entry in use does not age" \
		has "$h1" stt0 "^$(station 3)"
	check "$family: static entries do not age" has "$h1" stt0 "^$mac"
	check "$family: extern_learn entries do not age" \
		has "$h1" stt0 '^02:00:00:00:03:02'
	check "$family: listeners are told of an aged entry" \
		wait_for 10 grep -q '^Deleted 02:00:00:00:03:04' "$tmp/monitor"
	kill "${bg_pids[-1]}"
	ip -n "$h1" link set stt0 type stt ageing 300
}

limit() {
	local before i known

	# Two more need not be learnt: they speak unasked, to answer h1's ARP.
	fdb "$h1" replace "$(station 2)" dev stt0 dst "$a2" static
	fdb "$h1" replace "$(station 3)" dev stt0 dst "$a3" static
	fdb "$h1" flush dev stt0 dynamic
	# Of addresses, of which one has two destinations.
	known=$(fdb "$h1" show dev stt0 | cut -d ' ' -f 1 | sort -u | wc -l)
	ip -n "$h1" link set stt0 type stt maxaddress $((known + 1))
	before=$(ethstat "$h1" stt0 fdb_full)
	for i in 1 2 3 4; do
		speak 2 02:00:00:00:04:0$i
	done
	check_eq "$family: as many entries as maxaddress" \
		"$(entries "$h1" stt0 '^02:00:00:00:04')" 1
	check_num "$family: frames above maxaddress are counted" \
		"$(ethstat "$h1" stt0 fdb_full)" -gt "$before"
	check "$family: static entries are accepted above maxaddress" \
		fdb "$h1" add 02:00:00:00:05:01 dev stt0 dst "$a2" static
	check_refused "$family: dynamic ones are not" maxaddress bridge \
		-n "$h1" fdb add 02:00:00:00:05:02 dev stt0 dst "$a2" dynamic
	check "$family: a known MAC address moves above maxaddress" eval \
		"speak 3 02:00:00:00:04:01
		 has $h1 stt0 '^02:00:00:00:04:01 dst $a3 '"
	ip -n "$h1" link set stt0 type stt maxaddress unlimited
	fdb "$h1" del "$(station 2)" dev stt0
	fdb "$h1" del "$(station 3)" dev stt0
}

move() {
	local ns

	ip -n "$h1" link set stt0 down
	check_eq "$family: a device that goes down forgets learnt entries" \
		"$(entries "$h1" stt0 'self *$')" 0
	check "$family: a device that goes down keeps added entries" \
		has "$h1" stt0 "^02:00:00:00:05:01"
	new_ns ns
	ip -n "$h1" link set stt0 netns "$ns"
	quiet_dev "$ns" stt0
	ip -n "$ns" link set stt0 up
	ip -n "$ns" addr add 10.0.0.1/24 dev stt0
	check "$family: another namespace: reaches h2" reach "$ns" 2
	check "$family: another namespace: learns" \
		has "$ns" stt0 "^$(station 2) dst $a2 "
	check "$family: another namespace: add" fdb "$ns" replace \
		"$(station 2)" dev stt0 dst "$a2" static
	check "$family: another namespace: reaches h2 by a static entry" \
		reach "$ns" 2
}

for family in v4 v6; do
	setup_three $family
	stt_three learning
	for i in 1 2 3; do
		h=h$i
		for j in 1 2 3; do
			a=a$j
			[ $i = $j ] || fdb "${!h}" append $zero dev stt0 \
				dst "${!a}"
		done
	done
	[ $family = v6 ] || options
	learn
	age
	limit
	move
	teardown
done

tap_done
