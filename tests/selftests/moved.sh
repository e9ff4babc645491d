#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A device that is moved to another namespace, to a third, and back keeps its
# configuration, forwarding database, nexthop groups and proxy, and a controller
# still gets its messages. Its underlay and the nexthops stay where they are. A
# group is moved in group.sh, an external device in external.sh, and so on.
#
#	c1, c2             h1                 h2                 h3
#	stt0 10.0.0.1 . . (its underlay)      stt0 10.0.0.2      stt0 10.0.0.3
#	                   eth0 192.0.2.1     eth0 192.0.2.2     eth0 192.0.2.3
#	                     |  2001:db8::1     |  2001:db8::2     |  2001:db8::3
#	                     +------------ bridge br0 in sw -------+
#
# kernels: all
# slow: yes
# timeout: 300

# check calls functions.
# shellcheck disable=SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_fdb.sh"
require ping nft python3

c1='' c2=''
mac=02:00:00:00:08:01 mac2=02:00:00:00:08:02

# What is known about stt0 in a namespace; "via" has another name elsewhere.
known() {
	ip -n "$1" -d link show stt0 | sed -n 's/^ *stt \(.*\) addrgen.*/\1/p' |
		sed 's/ link-netns[^ ]* [^ ]*//'
	fdb "$1" show dev stt0 | sed 's/ via ifindex / via /; s/ via [^ ]* / via it /
		s/ link-netnsid [^ ]*//; s/ *$//' | sort
}

# flows NS N: N flows of UDP to the MAC address that has the group; sets n2 and
# n3 to the packets that h2 and h3 received.
flows() {
	wire "$h2" eth0 p tcp dport 7471
	wire "$h3" eth0 p tcp dport 7471
	in_ns "$1" python3 -c "
import socket
for port in range(20000, 20000 + $2):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.sendto(b'x', ('10.0.0.9', port))"
	n2=$(wired "$h2" p) n3=$(wired "$h3" p)
	unwire "$h2"
	unwire "$h3"
}

# Sends an ARP request through stt0 and, if asked to, prints the answer.
cat >"$tmp/arp.py" <<'END'
import socket, struct, sys
me, addr = bytes.fromhex("020000000099"), socket.inet_aton(sys.argv[1])
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x806))
s.bind(("stt0", 0x806))
s.settimeout(20)
s.send(b"\xff" * 6 + me + struct.pack("!HHHBBH", 0x806, 1, 0x800, 6, 4, 1) +
       me + socket.inet_aton("10.0.0.99") + bytes(6) + addr)
while sys.argv[2] == "answer":
    p = s.recv(1000)
    if p[20:22] == b"\0\2" and p[28:32] == addr:
        print(p[22:28].hex(":"))
        break
END

# settle NS: what no device takes along: addresses, neighbours, being up.
settle() {
	quiet_dev "$1" stt0
	ip -n "$1" link set stt0 up
	ip -n "$1" addr replace 10.0.0.1/24 dev stt0
	ip -n "$1" neigh replace 10.0.0.2 lladdr "$(station 2)" dev stt0
	ip -n "$1" neigh replace 10.0.0.3 lladdr "$(station 3)" dev stt0
	ip -n "$1" neigh replace 10.0.0.9 lladdr $mac dev stt0
}

# works NS WHERE
works() {
	local ns=$1 where="$family: $2"

	check_eq "$where: entries are those of before" "$(known "$ns")" "$was"
	check "$where: h2" in_ns "$ns" ping -q -c 2 -i 0.2 -W 5 -s 4000 10.0.0.2
	check "$where: h3, by its interface" \
		in_ns "$ns" ping -q -c 2 -i 0.2 -W 5 -s 4000 10.0.0.3
	flows "$ns" 30
	check_eq "$where: flows go by the group" $((n2 + n3)) 30
	check_num "$where: flows use h2" "$n2" -gt 0
	check_num "$where: flows use h3" "$n3" -gt 0

	ip -n "$h1" nexthop replace id 10 group 2 fdb
	flows "$ns" 20
	check_eq "$where: flows follow a change of the group" "$n2 $n3" '0 20'
	ip -n "$h1" nexthop replace id 10 group 1/2 fdb

	background ip netns exec "$ns" ip monitor neigh >"$tmp/monitor" 2>&1
	ip -n "$ns" link set stt0 type stt proxy l2miss l3miss
	check "$where: l3miss" wait_for 20 misses "$ns"
	kill "${bg_pids[-1]}"
	ip -n "$ns" neigh replace 10.0.0.8 lladdr $mac2 dev stt0
	check_eq "$where: a proxy answers" \
		"$(in_ns "$ns" python3 "$tmp/arp.py" 10.0.0.8 answer)" $mac2
	ip -n "$ns" link set stt0 type stt noproxy nol2miss nol3miss

	check "$where: an entry with a group is made" \
		fdb "$ns" add $mac2 dev stt0 nhid 10
	check "$where: an entry with a group is deleted" \
		fdb "$ns" del $mac2 dev stt0 nhid 10
	check "$where: an entry with a destination is made" \
		fdb "$ns" add $mac2 dev stt0 dst "$a3" static
	check "$where: an entry with a destination is deleted" \
		fdb "$ns" del $mac2 dev stt0
	check "$where: ttl is changed" ip -n "$ns" link set stt0 type stt ttl 33
	check "$where: traffic flows after the change of ttl" \
		in_ns "$ns" ping -q -c 1 -W 5 10.0.0.2
	ip -n "$ns" link set stt0 type stt ttl auto
	check_eq "$where: entries are those of before at the end" \
		"$(known "$ns")" "$was"
}

# The monitor may not listen yet. No host has 10.0.0.77.
misses() {
	in_ns "$1" python3 "$tmp/arp.py" 10.0.0.77 -
	grep -q 'miss 10.0.0.77 dev stt0' "$tmp/monitor"
}

for family in v4 v6; do
	setup_three $family
	new_ns c1 c2
	stt_three nolearning
	for n in 2 3; do
		h=h$n
		fdb "${!h}" append $zero dev stt0 dst "$a1"
		# With a static neighbour it sends no requests.
		ip -n "${!h}" neigh replace 10.0.0.1 lladdr "$(station 1)" \
			dev stt0
	done
	ip -n "$h1" nexthop add id 1 via "$a2" fdb
	ip -n "$h1" nexthop add id 2 via "$a3" fdb
	ip -n "$h1" nexthop add id 10 group 1/2 fdb
	fdb "$h1" append $zero dev stt0 dst "$a2"
	fdb "$h1" append $zero dev stt0 dst "$a3"
	fdb "$h1" add "$(station 2)" dev stt0 dst "$a2" static
	fdb "$h1" add "$(station 3)" dev stt0 dst "$a3" via eth0
	fdb "$h1" add $mac dev stt0 nhid 10
	was=$(known "$h1")
	check_eq "$family: at home: six entries" "$(wc -l <<<"$was")" 6

	settle "$h1"
	works "$h1" 'at home'
	ip -n "$h1" link set stt0 netns "$c1"
	settle "$c1"
	works "$c1" moved
	ip -n "$c1" link set stt0 netns "$c2"
	settle "$c2"
	works "$c2" 'moved again'
	ip -n "$c2" link set stt0 netns "$h1"
	settle "$h1"
	works "$h1" 'back home'

	# What goes in the underlay's namespace is gone wherever the device is.
	ip -n "$h1" link set stt0 netns "$c1"
	settle "$c1"
	ip -n "$h1" nexthop del id 10
	check "$family: the group goes, and its entry with it" \
		hasnt "$c1" stt0 "^$mac "
	in_ns "$h1" ip link del eth0
	check "$family: an interface goes, and what leads there with it" \
		hasnt "$c1" stt0 "^$(station 3)"
	check "$family: the rest is there" has "$c1" stt0 "^$(station 2)"
	background ip netns exec "$c1" ping -q -i 0.02 10.0.0.2 >/dev/null 2>&1
	before=$(ethstat "$c1" stt0 tx_no_route)
	check "$family: packets without a route are counted" wait_for 10 eval \
		"[ \$(ethstat $c1 stt0 tx_no_route) -gt $before ]"
	kill -9 "${bg_pids[-1]}"
	ip netns del "$c1"
	again() { ip -n "$h1" link add stt0 type stt id 1 local "$a1"; }
	check "$family: the namespace goes, and the key is free" \
		eval 'wait_for 30 again || again'
	teardown
done

tap_done
