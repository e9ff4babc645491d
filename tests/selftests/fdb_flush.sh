#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# bridge fdb flush by all it can be asked for, with the assertions of the
# kernel's fdb_flush.sh, and test_vxlan_fdb_changelink.sh's; messages are made
# by hand where the tool is older than the kernel. Kernels before 6.7 refuse
# anything but states and flags.
#
#	h1: s1, id 1, no remote, no packets
#
# kernels: all
# timeout: 600

# check calls functions.
# shellcheck disable=SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_fdb.sh"
require python3

flush() { fdb_flush "$h1" s1 "$@"; }

# pools ARG... -- ARG...: five entries with the first arguments, five with the
# others.
pools() {
	local pool=a word i args=()

	for word in "$@" --; do
		if [ "$word" != -- ]; then
			args+=("$word")
			continue
		fi
		for i in 0 1 2 3 4; do
			fdb "$h1" add 02:00:00:00:0$pool:1$i dev s1 \
				"${args[@]}"
		done
		pool=b args=()
	done
}

# left NAME A B: so many of each are there; then none.
left() {
	check_eq "$1" "$(entries "$h1" s1 '^02:00:00:00:0a') $(
		entries "$h1" s1 '^02:00:00:00:0b')" "$2 $3"
	fdb "$h1" flush dev s1
}

# by NAME LEFT_A LEFT_B ARG...: flush by these
by() {
	local name=$1 a=$2 b=$3

	shift 3
	check "by $name" flush "$@"
	left "by $name: entries that are left" "$a" "$b"
}

new_ns h1
link_ns "$h1" eth0 "$h1" eth1
stt_add "$h1" s1 id 1
stt_add "$h1" s2 id 2
d=(dst 192.0.2.1) e=(dst 192.0.2.2)
permanent=0x80 noarp=0x40 extern=0x10 router=0x80

pools "${d[@]}" -- "${d[@]}"
fdb "$h1" add 02:00:00:00:0c:00 dev s2 "${d[@]}"
check 'flush' flush
left 'flush removes all entries' 0 0
check_eq 'flush keeps entries of other devices' "$(entries "$h1" s2)" 1

pools "${d[@]}" permanent -- "${e[@]}" extern_learn
by permanent 0 0 state $permanent $permanent
pools "${d[@]}" permanent -- "${e[@]}" static
by nopermanent 5 0 state 0 $permanent
pools "${d[@]}" static -- "${e[@]}" dynamic
by static 0 5 state $noarp $((permanent | noarp))
pools "${d[@]}" permanent -- "${e[@]}" dynamic
by nostatic 5 0 state 0 $noarp
pools "${d[@]}" permanent -- "${e[@]}" dynamic
by dynamic 5 0 state 0 $((permanent | noarp))
pools "${d[@]}" permanent -- "${e[@]}" dynamic
by nodynamic 0 5 state $noarp $noarp
pools "${d[@]}" extern_learn -- "${e[@]}" router
by extern_learn 0 5 flags $extern $extern
pools "${d[@]}" extern_learn -- "${e[@]}" router
by noextern_learn 5 0 flags 0 $extern
pools "${d[@]}" router -- "${e[@]}" extern_learn
by router 0 5 flags $router $router
pools "${d[@]}" router -- "${e[@]}" extern_learn
by norouter 5 0 flags 0 $router
pools "${d[@]}" -- "${d[@]}"
check_fails 'by a state that entries have not' flush state 0x10 0x10
check_fails 'by a flag that entries have not' flush flags 0x40 0x40
check_fails 'by VLAN' flush vlan 5
check_fails 'by an id that entries have not' flush src_vni 5
left 'nothing is gone' 5 5

# shellcheck disable=SC2016
if flush dst 192.0.2.99 2>/dev/null; then
	pools "${d[@]}" -- "${e[@]}"
	by dst 5 0 "${e[@]}"
	pools "${d[@]}" vni 3000 -- "${d[@]}" vni 4000
	by vni 5 0 vni 4000
	pools "${d[@]}" port 1234 -- "${d[@]}" port 4321
	by port 5 0 port 4321
	pools "${d[@]}" vni 3000 port 1234 -- "${e[@]}" vni 3000 port 1234
	by 'vni, port and dst' 5 0 vni 3000 port 1234 "${e[@]}"
	ip -n "$h1" nexthop add id 10 via 192.0.2.1 fdb
	ip -n "$h1" nexthop add id 100 group 10 fdb
	ip -n "$h1" nexthop add id 200 group 10 fdb
	pools nhid 100 -- nhid 200
	by nhid 5 0 nhid 200
	check 'by nhid, of which there is none' flush nhid 200
	pools nhid 100 router permanent -- nhid 100 router static
	by 'nhid and router' 0 0 nhid 100 flags $router $router
	for vni in 2000 3000; do
		for port in 1111 2222; do
			fdb "$h1" append $zero dev s1 "${d[@]}" vni $vni \
				port $port
			fdb "$h1" append $zero dev s1 "${e[@]}" vni $vni \
				port $port
		done
	done
	check_eq 'an entry has many destinations' "$(entries "$h1" s1)" 8
	flush dst 192.0.2.1 port 1111 vni 2000
	check_eq 'flush by dst, port and vni removes one destination' \
		"$(entries "$h1" s1)" 7
	check_eq 'flush by dst, port and vni removes the right one' \
		"$(entries "$h1" s1 'dst 192.0.2.1 port 1111 vni 2000 ')" 0
	flush vni 2000
	check_eq 'flush by vni removes the destinations of that vni' \
		"$(entries "$h1" s1)" 4
	flush dst 192.0.2.1 port 1111
	check_eq 'flush by dst and port removes one destination' \
		"$(entries "$h1" s1)" 3
	flush port 2222
	check_eq 'flush by port removes the destinations of that port' \
		"$(entries "$h1" s1)" 1
	flush dst 192.0.2.2
	check_eq 'an entry goes with its last destination' \
		"$(entries "$h1" s1)" 0
	check_fails 'by dst of the other family' flush dst 2001:db8::1
else
	skip 'by destination' 'kernels before 6.7 know states and flags only'
fi

# Through the bridge that it is a port of: VLANs are the bridge's, which
# flushes its own entries and not ours.
ip -n "$h1" link add br0 type bridge vlan_filtering 1
ip -n "$h1" link set s1 master br0
bridge -n "$h1" vlan add dev s1 vid 10
pools "${d[@]}" self master
check_num 'a port of a bridge: entries of both' "$(entries "$h1" s1 \
	'^02:.* vlan 10 ')" -eq 5
check_refused 'flush by VLAN, master and self' . \
	bridge -n "$h1" fdb flush dev s1 vlan 10 master self
check_eq "flush by VLAN removes the bridge's entries" \
	"$(entries "$h1" s1 '^02:.* vlan 10 ')" 0
check_eq "flush by VLAN keeps the device's own entries" \
	"$(entries "$h1" s1 "^02:.*dst 192.0.2.1 ")" 5
fdb "$h1" flush dev s1
ip -n "$h1" link del br0

# A remote that is a default destination already is there once.
fdb "$h1" append $zero dev s1 dst 192.0.2.20
fdb "$h1" append $zero dev s1 dst 192.0.2.30
check_eq 'two default destinations' "$(entries "$h1" s1 "^$zero")" 2
ip -n "$h1" link set s1 type stt remote 192.0.2.30
check_eq 'two destinations after one becomes the remote' \
	"$(entries "$h1" s1 "^$zero")" 2
ip -n "$h1" link set s1 type stt remote 192.0.2.40
check_eq 'a changed remote replaces its destination' \
	"$(bridge -n "$h1" fdb show dev s1 |
	sed -n "s/^$zero dst \([^ ]*\) .*/\1/p" | sort | xargs)" \
	'192.0.2.20 192.0.2.40'
check 'the remote is deleted from the default destinations' \
	fdb "$h1" del $zero dev s1 dst 192.0.2.40
check_eq 'deleting the remote keeps the other destinations' \
	"$(entry "$h1" s1 $zero)" "$zero dst 192.0.2.20 self permanent"

tap_done
