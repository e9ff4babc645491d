#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The forwarding database: bridge fdb add, append, replace, del, show, get and
# flush as for vxlan, refused requests and their messages, bridge monitor, and
# frames sent by the entries.
#
#	h1                 h2                 h3
#	stt0 10.0.0.1      stt0 10.0.0.2      stt0 10.0.0.3	id 1, no remote
#	eth0 192.0.2.1     eth0 192.0.2.2     eth0 192.0.2.3
#	  |  2001:db8::1     |  2001:db8::2     |  2001:db8::3
#	  +------------ bridge br0 in sw --------+
#
# kernels: all
# timeout: 900

# check calls functions.
# shellcheck disable=SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_fdb.sh"
require nft

mac=02:00:00:00:01:01 mac2=02:00:00:00:01:02

refused() {
	local name=$1 pattern=$2

	shift 2
	check_refused "$family: $name" "$pattern" bridge -n "$h1" fdb "$@"
}

# what the table says, without a packet
table() {
	local b=$1

	stt_add "$h1" s1 id 2 local "$a1" nolearning
	check_eq "$family: no remote, no entry" "$(entries "$h1" s1)" 0
	stt_add "$h1" s2 id 3 local "$a1" remote "$a2"
	check_eq "$family: the remote is the default destination" \
		"$(entry "$h1" s2 $zero)" "$zero dst $a2 self permanent"
	check "$family: the remote is changed" \
		ip -n "$h1" link set s2 type stt remote "$a3"
	check_eq "$family: the default destination follows the remote" \
		"$(entry "$h1" s2 $zero)" "$zero dst $a3 self permanent"

	check "$family: add" fdb "$h1" add $mac dev s1 dst "$a2"
	check_eq "$family: permanent is the default" "$(entry "$h1" s1 $mac)" \
		"$mac dst $a2 self permanent"
	refused 'add again' 'has an entry' add $mac dev s1 dst "$a3"
	check "$family: replace" fdb "$h1" replace $mac dev s1 dst "$a3"
	check_eq "$family: replaced" "$(entry "$h1" s1 $mac)" \
		"$mac dst $a3 self permanent"
	check "$family: replace makes one where there is none" \
		fdb "$h1" replace $mac2 dev s1 dst "$a3" static
	check_eq "$family: static" "$(entry "$h1" s1 $mac2)" \
		"$mac2 dst $a3 self static"
	check "$family: port, vni and interface" fdb "$h1" replace $mac2 \
		dev s1 dst "$a2" port 4711 vni 77 via eth0 static
	check_eq "$family: are shown" "$(entry "$h1" s1 $mac2)" \
		"$mac2 dst $a2 port 4711 vni 77 via eth0 self static"
	check_eq "$family: as JSON" "$(bridge -n "$h1" -j fdb show dev s1 |
		python3 -c "
import json, sys
e = [e for e in json.load(sys.stdin) if e['mac'] == '$mac2'][0]
print(e['dst'], e['port'], e['vni'], e['viaIf'] if 'viaIf' in e
      else e.get('via', 'eth0'))")" "$a2 4711 77 eth0"
	check "$family: default port and vni in replace" \
		fdb "$h1" replace $mac2 dev s1 dst "$a2" port 7471 vni 2
	check_eq "$family: default port and vni are not shown" \
		"$(entry "$h1" s1 $mac2)" "$mac2 dst $a2 self permanent"
	check_eq "$family: get" \
		"$(fdb "$h1" get $mac dev s1 self | sed 's/ *$//')" \
		"$mac dev s1 dst $a3 self permanent"
	refused 'get: unknown' 'has no entry' get 02:00:00:00:09:09 dev s1 self
	fdb "$h1" del $mac2 dev s1
	check "$family: router and extern_learn" fdb "$h1" add $mac2 \
		dev s1 dst "$a2" router extern_learn
	check "$family: router and extern_learn are kept" \
		eval "has $h1 s1 '^$mac2 .*router' &&
		      has $h1 s1 '^$mac2 .*extern_learn'"
	check "$family: extern_learn on an entry of the user" \
		fdb "$h1" replace $mac dev s1 dst "$a3" dynamic extern_learn
	check_eq "$family: extern_learn keeps the entry of the user" \
		"$(entry "$h1" s1 $mac)" "$mac dst $a3 self permanent"

	check "$family: append" fdb "$h1" append $zero dev s1 dst "$a2"
	check "$family: append another" fdb "$h1" append $zero dev s1 dst "$a3"
	check "$family: append one twice" fdb "$h1" append $zero dev s1 dst "$a3"
	check_eq "$family: append one twice adds it once" \
		"$(entries "$h1" s1 "^$zero")" 2
	refused 'replace many' 'Only unicast' replace $zero dev s1 dst "$a2"
	refused 'append to a unicast address' 'several destinations' \
		append $mac dev s1 dst "$a2"
	check "$family: append to a multicast address" \
		fdb "$h1" append 01:00:5e:00:00:01 dev s1 dst "$a2"
	check "$family: append another to a multicast address" \
		fdb "$h1" append 01:00:5e:00:00:01 dev s1 dst "$a3"
	check_eq "$family: a multicast address has two destinations" \
		"$(entries "$h1" s1 '^01:00:5e')" 2
	refused 'del: no such destination' 'no such destination' \
		del $zero dev s1 dst "$b"
	check "$family: del one of two" fdb "$h1" del $zero dev s1 dst "$a2"
	check_eq "$family: del one of two keeps the other" \
		"$(entry "$h1" s1 $zero)" "$zero dst $a3 self permanent"
	check "$family: del the last" fdb "$h1" del $zero dev s1 dst "$a3"
	refused 'del: none left' 'has no entry' del $zero dev s1
	check "$family: del without a destination" fdb "$h1" del $mac dev s1
	check_eq "$family: del without a destination removes the entry" \
		"$(entries "$h1" s1 "^$mac ")" 0

	refused 'without dst' 'dst.*is needed' add $mac dev s1
	refused 'other family' 'address family' add $mac dev s1 dst "$2"
	refused 'multicast dst' 'must be unicast' add $mac dev s1 dst "$3"
	refused 'src_vni that is not its id' 'not the device.s id' \
		add $mac dev s1 dst "$a2" src_vni 5
	refused 'nhid and dst' 'takes no dst|mutually exclusive' \
		add $mac dev s1 nhid 5 dst "$a2"
	refused 'unknown nhid' 'No such nexthop' add $mac dev s1 nhid 5
	check_eq "$family: refused requests leave no entry" \
		"$(entries "$h1" s1 "^$mac ")" 0

	stt_add "$h1" s3 id 0x1000000 local "$a1"
	refused 'vni on a device with a wide id' '24 bits' \
		add $mac dev s3 dst "$a2" vni 5
	check "$family: a device with a wide id" \
		fdb "$h1" add $mac dev s3 dst "$a2"
	check_eq "$family: an id above 24 bits shows no vni" \
		"$(entry "$h1" s3 $mac)" "$mac dst $a2 self permanent"

	fdb "$h1" add $mac dev s1 dst "$a2" static
	fdb "$h1" add 02:00:00:00:01:03 dev s1 dst "$a2" dynamic
	check "$family: flush static ones" fdb "$h1" flush dev s1 static
	check_eq "$family: flush static removes static entries" \
		"$(entries "$h1" s1 "^$mac ")" 0
	check_num "$family: flush static keeps other entries" \
		"$(entries "$h1" s1)" -ge 2
	check "$family: flush" fdb "$h1" flush dev s1
	check_eq "$family: flush leaves no entry" "$(entries "$h1" s1)" 0
	ip -n "$h1" link del s1
	ip -n "$h1" link del s2
	ip -n "$h1" link del s3
}

# messages to netlink listeners
monitor() {
	local log=$tmp/monitor

	stt_add "$h1" s1 id 2 local "$a1" nolearning
	check "$family: a listener" fdb_monitor "$h1" s1 "$a2"
	fdb "$h1" add $mac dev s1 dst "$a2"
	fdb "$h1" replace $mac dev s1 dst "$a3"
	fdb "$h1" append $zero dev s1 dst "$a2"
	fdb "$h1" append $zero dev s1 dst "$a3"
	fdb "$h1" del $zero dev s1 dst "$a2"
	ip -n "$h1" link del s1
	check "$family: monitor: deletion of the device" \
		wait_for 10 grep -q "^Deleted $mac .*dst $a3" "$log"
	check "$family: monitor: add" grep -q "^$mac .*dst $a2" "$log"
	check "$family: monitor: replace" grep -q "^$mac .*dst $a3" "$log"
	check_eq "$family: monitor: append" \
		"$(grep -cE "^$zero .*dst ($a2|$a3)" "$log")" 2
	check "$family: monitor: del" grep -q "^Deleted $zero .*dst $a2" "$log"
	check "$family: monitor: the last default destination" \
		grep -q "^Deleted $zero .*dst $a3" "$log"
	notices "$log"
	kill "${bg_pids[-1]}"
	wait "${bg_pids[-1]}" 2>/dev/null
}

# notices LOG: of one command each, for ports of a bridge. The kernel leaves
# them to the device since 6.15, and vxlan then tells once.
notices() {
	local log=$1 dev op where before probe=0
	local -A n

	ip -n "$h1" link add br1 up type bridge vlan_filtering 1
	ip -n "$h1" link add v1 type vxlan id 2 local "$a1" dstport 4789
	stt_add "$h1" s1 id 2 local "$a1"
	ip -n "$h1" link set v1 up
	ip -n "$h1" link set v1 master br1
	ip -n "$h1" link set s1 master br1
	for where in "self dst $a2" master; do
		for dev in v1 s1; do
			for op in add del; do
				before=$(grep -c $mac2 "$log")
				# shellcheck disable=SC2086
				fdb "$h1" $op $mac2 dev $dev vlan 1 $where
				# Messages arrive in the order of sending.
				probe=$((probe + 1))
				fdb "$h1" add 02:00:00:00:0d:0$probe dev s1 \
					dst "$a2"
				wait_for 10 grep -q 02:00:00:00:0d:0$probe "$log"
				n[$dev $op]=$(($(grep -c $mac2 "$log") - before))
			done
		done
		check_eq "$family: monitor: ${where%% *}: as many as for vxlan" \
			"${n[s1 add]} ${n[s1 del]}" "${n[v1 add]} ${n[v1 del]}"
		check_num "$family: monitor: ${where%% *}: one or more" \
			"${n[s1 add]}" -ge 1
	done

	# What the bridge knows, and what we know.
	fdb "$h1" add $mac dev s1 master
	fdb "$h1" add $mac dev s1 dst "$a2" self
	check "$family: get: by the port" eval \
		"fdb $h1 get $mac brport s1 | grep 'dev s1 master br1'"
	check "$family: get: by the bridge" eval \
		"fdb $h1 get $mac br br1 | grep 'dev s1 master br1'"
	check "$family: get: of the device" eval \
		"fdb $h1 get $mac dev s1 self | grep 'dev s1 dst $a2'"
	ip -n "$h1" link del v1
	ip -n "$h1" link del s1
	ip -n "$h1" link del br1
}

reach() { in_ns "$1" ping -q -c 2 -i 0.2 -W 5 -s 900 "10.0.0.$2"; }

# received NS: frames that came
received() { ethstat "$1" stt0 rx_frames; }

traffic() {
	local before saddr

	saddr=$([ $family = v4 ] && echo ip saddr || echo ip6 saddr)
	stt_three nolearning
	before=$(ethstat "$h1" stt0 tx_no_route)
	check_fails "$family: no entries: nothing gets through" \
		in_ns "$h1" ping -q -c 1 -W 1 10.0.0.2
	check_num "$family: a packet without an entry is counted" \
		"$(ethstat "$h1" stt0 tx_no_route)" -gt "$before"
	for i in 1 2 3; do
		h=h$i
		for j in 1 2 3; do
			a=a$j
			[ $i = $j ] || fdb "${!h}" append $zero dev stt0 \
				dst "${!a}"
		done
	done
	# The ping above has left an unanswered ARP request.
	ip -n "$h1" neigh flush dev stt0
	check "$family: broadcast reaches all: h2" reach "$h1" 2
	check "$family: broadcast reaches all: h3" reach "$h1" 3
	check_eq "$family: without learning nothing is learnt" \
		"$(entries "$h1" stt0)" 2

	# Unicast to a known MAC address goes to its host alone.
	fdb "$h1" add "$(station 2)" dev stt0 dst "$a2" static
	check_eq "$family: is shown" "$(entry "$h1" stt0 "$(station 2)")" \
		"$(station 2) dst $a2 self static"
	check_refused "$family: no destination of the other" 'address family' \
		bridge -n "$h1" fdb add $mac dev stt0 dst "$2"
	# Replies come from a host without entries. Requests that h1 sends
	# to all of them now and then are short.
	wire "$h3" eth0 stray tcp dport 7471 "$saddr" "$a1" meta length '>' 900
	check "$family: a known MAC address" reach "$h1" 2
	check_eq "$family: a known unicast frame goes to one peer only" \
		"$(wired "$h3" stray)" 0
	fdb "$h1" del "$(station 2)" dev stt0
	check "$family: an unknown MAC address" reach "$h1" 2
	check "$family: an unknown unicast frame goes to all peers" \
		wait_for 10 eval "[ \$(wired $h3 stray) -gt 0 ]"
	unwire "$h3"

	# Large packets to several: each its own segments.
	before=$(received "$h3")
	check "$family: large packets to all" in_ns "$h1" ping -q -c 3 -i 0.2 \
		-W 5 -s 6000 10.0.0.2
	check_num "$family: large packets arrive at h3 as well" \
		"$(received "$h3")" -ge $((before + 3))
	check_eq "$family: large packets arrive with valid checksums" \
		"$(counter "$h3" drop_csum)" 0

	# Port and id of an entry.
	stt_add "$h2" p2 id 77 local "$a2" remote "$a1" dstport 4711
	quiet_dev "$h2" p2
	fdb "$h1" replace "$(station 2)" dev stt0 dst "$a2" port 4711 vni 77
	before=$(ethstat "$h2" p2 rx_frames)
	in_ns "$h1" ping -q -c 2 -i 0.2 -W 1 10.0.0.2 >/dev/null
	check_num "$family: frames by the entry's port and vni" \
		"$(ethstat "$h2" p2 rx_frames)" -ge $((before + 2))

	# Interface of an entry.
	ip -n "$h1" link add lost up type dummy
	fdb "$h1" replace "$(station 2)" dev stt0 dst "$a2" via lost
	# IPv6 takes an interface for a wish.
	[ $family = v6 ] ||
		check_fails "$family: via another interface" \
			in_ns "$h1" ping -q -c 1 -W 1 10.0.0.2
	ip -n "$h1" link del lost
	check_eq "$family: an entry goes with its interface" \
		"$(entries "$h1" stt0 "^$(station 2)")" 0
	fdb "$h1" add "$(station 2)" dev stt0 dst "$a2" via eth0
	check "$family: via the right one" reach "$h1" 2

	# All ways follow the configuration.
	wire "$h2" eth0 ttl tcp dport 7471 \
		"$([ $family = v4 ] && echo ip ttl || echo ip6 hoplimit) 33"
	ip -n "$h1" link set stt0 type stt ttl 33 tos 0x48 fwmark 5
	check "$family: traffic after a change" reach "$h1" 2
	check_num "$family: as changed" "$(wired "$h2" ttl)" -gt 0
	unwire "$h2"
	addr "$h1" eth0 "$4"
	ip -n "$h1" link set stt0 type stt local "${4%/*}" fwmark 0
	wire "$h2" eth0 from tcp dport 7471 \
		"$saddr" "${4%/*}"
	# Answers still go to the old one.
	in_ns "$h1" ping -q -c 1 -W 1 10.0.0.2 >/dev/null
	check_num "$family: traffic from another address" \
		"$(wired "$h2" from)" -gt 0
	unwire "$h2"

	# With a remote, entries come first, and all else goes there.
	ip -n "$h1" link add stt1 address 02:00:00:00:02:01 type stt id 9 \
		remote "$a2"
	ip -n "$h1" link set stt1 up
	ip -n "$h1" addr add 10.1.0.1/24 dev stt1
	ip -n "$h1" neigh add 10.1.0.2 lladdr $mac dev stt1
	ip -n "$h1" neigh add 10.1.0.3 lladdr $mac2 dev stt1
	fdb "$h1" add $mac dev stt1 dst "$a3"
	wire "$h2" eth0 second tcp dport 7471
	wire "$h3" eth0 third tcp dport 7471
	in_ns "$h1" ping -q -c 1 -W 1 10.1.0.2 >/dev/null
	check_num "$family: remote: an entry leads elsewhere" \
		"$(wired "$h3" third)" -gt 0
	in_ns "$h1" ping -q -c 1 -W 1 10.1.0.3 >/dev/null
	check_num "$family: remote: all else goes there" \
		"$(wired "$h2" second)" -gt 0
	ip -n "$h1" link del stt1
}

for family in v4 v6; do
	setup_three $family
	if [ $family = v4 ]; then
		other=(192.0.2.9 2001:db8::2 239.1.1.1 192.0.2.11/24)
	else
		other=(2001:db8::9 192.0.2.2 ff02::5 2001:db8::11/64)
	fi
	if [ $family = v4 ]; then
		table "${other[@]}"
		monitor
	fi
	traffic "${other[@]}"
	teardown
done

tap_done
