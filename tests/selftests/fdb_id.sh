#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# One external device for many tenants: its forwarding database is by MAC
# address and context id, and the bridge above makes ids of VLANs. Tenants blue
# and red have the same addresses and different hosts.
#
#	 h1                    h2                    h3
#	 blue1 02:..:01        blue2 02:..:02        blue3 02:..:03
#	 red1  02:..:01                              red3  02:..:02 10.0.0.2
#	   |                     |                     |
#	 br0, vlan_filtering: blue is VLAN 10, red VLAN 20
#	   |                     |                     |
#	 stt0 external, vlan_tunnel: VLAN 10 is id 1010, VLAN 20 is id 2020
#	   |                     |                     |
#	 eth0 192.0.2.1        eth0 192.0.2.2        eth0 192.0.2.3
#	   |  2001:db8::1        |  2001:db8::2        |  2001:db8::3
#	   +-------------- bridge br0 in sw -----------+
#
# kernels: all
# slow: yes
# timeout: 600

# check calls functions.
# shellcheck disable=SC2317,SC2154
. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_fdb.sh"
require python3 ping tc

blue=1010 red=2020
mac1=02:00:00:00:00:01 mac2=02:00:00:00:00:02 mac3=02:00:00:00:00:03

# tenant HOST NAME VID MAC ADDRESS: a namespace of that name behind the host.
tenant() {
	local host=$1 name=$2 vid=$3

	new_ns "$name"
	link_ns "${!name}" eth0 "$host" "$name"
	quiet_dev "${!name}" eth0
	quiet_dev "$host" "$name"
	ip -n "${!name}" link set eth0 address "$4"
	ip -n "${!name}" addr add "$5/24" dev eth0
	ip -n "$host" link set "$name" master br0
	bridge -n "$host" vlan del dev "$name" vid 1
	bridge -n "$host" vlan add dev "$name" vid "$vid" pvid untagged
}

# switch HOST: br0 and stt0, VLAN tunnels on.
switch() {
	ip -n "$1" link add br0 up type bridge vlan_filtering 1 \
		mcast_snooping 0
	quiet_dev "$1" br0
	ip -n "$1" link add stt0 type stt external learning &&
	quiet_dev "$1" stt0 &&
	ip -n "$1" link set stt0 up master br0 || exit 1
	bridge -n "$1" link set dev stt0 vlan_tunnel on
	bridge -n "$1" link set dev stt0 learning off
	bridge -n "$1" vlan del dev stt0 vid 1
	bridge -n "$1" vlan add dev stt0 vid 10
	bridge -n "$1" vlan add dev stt0 vid 10 tunnel_info id $blue
	bridge -n "$1" vlan add dev stt0 vid 20
	bridge -n "$1" vlan add dev stt0 vid 20 tunnel_info id $red
}

reach() { in_ns "$1" ping -q -c 2 -i 0.2 -W 5 "$2"; }
cannot_reach() { ! in_ns "$1" ping -q -c 1 -W 0.5 "$2"; }

# flood HOST ID PEER...: default destinations of an id.
flood() {
	local ns=$1 id=$2 peer

	shift 2
	for peer; do
		fdb "$ns" append $zero dev stt0 dst "$peer" src_vni "$id"
	done
}

# of NS MAC ID: the destination of an entry.
of() {
	bridge -n "$1" fdb show dev stt0 |
	sed -n "s/^$2 dst \([^ ]*\) .*src_vni $3 .*/\1/p"
}
is_at() { [ "$(of "$1" "$2" "$3")" = "$4" ]; }
is_gone() { [ -z "$(of "$1" "$2" "$3")" ]; }

# says NS MESSAGE...: one raw l2miss after the other, as "MAC src_vni".
cat >"$tmp/misses.py" <<'END'
import socket, struct, sys
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
s.bind((0, 1 << 2))
print('ready', flush=True)
while True:
    msg = s.recv(65536)
    while msg:
        size, kind = struct.unpack_from('=IH', msg)
        attrs, rest = {}, msg[28:size]
        while len(rest) >= 4:
            n, a = struct.unpack_from('=HH', rest)
            attrs[a] = rest[4:n]
            rest = rest[n + 3 & ~3:]
        if kind == 30 and 2 in attrs:
            print(':'.join('%02x' % b for b in attrs[2]),
                  struct.unpack('=I', attrs[11])[0] if 11 in attrs else '-',
                  flush=True)
        msg = msg[size + 3 & ~3:]
END

# port_attr NS DEV KIND VALUE: a bridge port's attribute, as u32. Fails with 2
# on kernels that do not have it: they skip it, and do not say it back.
port_attr() {
	in_ns "$1" python3 - "$2" "$3" "$4" <<-'EOF'
	import socket, struct, sys
	dev, kind, value = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
	def attr(kind, data):
	    return struct.pack('=HH', 4 + len(data), kind) + data + \
	        b'\0' * (-len(data) % 4)
	index = socket.if_nametoindex(dev)
	s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
	def ask(kind, flags, body):
	    body = struct.pack('=BxHiII', 0, 0, index, 0, 0) + body
	    s.send(struct.pack('=IHHII', 16 + len(body), kind, flags, 1, 0) + body)
	    return s.recv(65536)
	data = attr(kind, struct.pack('=I', value))
	reply = ask(16, 5, attr(18, attr(4, b'bridge\0') + attr(5, data)))
	if struct.unpack_from('=i', reply, 16)[0]:
	    sys.exit(1)
	sys.exit(0 if data in ask(18, 1, b'') else 2)
	EOF
}

refused() {
	local name=$1 why=$2

	shift 2
	check_refused "refused: $name" "$why" bridge -n "$h1" fdb "$@"
}

nothing_known() {
	local before

	background in_ns "$h1" python3 "$tmp/misses.py" >"$tmp/misses"
	wait_for 20 grep -q ready "$tmp/misses"
	ip -n "$h1" link set stt0 type stt nolearning l2miss
	before=$(ethstat "$h1" stt0 tx_no_route)
	for ns in "$blue1" "$red1"; do
		ip -n "$ns" neigh replace 10.0.0.2 lladdr $mac2 dev eth0
		check 'without entries nothing is reached' cannot_reach "$ns" \
			10.0.0.2
		ip -n "$ns" neigh del 10.0.0.2 dev eth0
	done
	check_num 'a packet without an entry counts as tx_no_route' \
		"$(ethstat "$h1" stt0 tx_no_route)" -ge $((before + 2))
	check_eq 'a packet without an entry does not count as tx_bad_key' \
		"$(ethstat "$h1" stt0 tx_bad_key)" 0
	check 'l2miss names the first tenant by src_vni' wait_for 10 \
		grep -qx "$mac2 $blue" "$tmp/misses"
	check 'l2miss names the second tenant by src_vni' wait_for 10 \
		grep -qx "$mac2 $red" "$tmp/misses"
	ip -n "$h1" link set stt0 type stt learning nol2miss
}

learn() {
	flood "$h1" $blue 192.0.2.2 192.0.2.3
	flood "$h2" $blue 192.0.2.1 192.0.2.3
	flood "$h3" $blue 192.0.2.1 192.0.2.2
	flood "$h1" $red 192.0.2.3
	flood "$h3" $red 192.0.2.1
	check_eq 'default entries of two ids are told apart' \
		"$(fdb "$h1" show dev stt0 | sed 's/ *$//' | grep "^$zero" |
		   sort | xargs -n 7 | xargs)" \
		"$(sort <<-END | xargs -n 7 | xargs
		$zero dst 192.0.2.2 src_vni $blue self permanent
		$zero dst 192.0.2.3 src_vni $blue self permanent
		$zero dst 192.0.2.3 src_vni $red self permanent
		END
		)"
	check 'bridge monitor listens' fdb_monitor "$h1" stt0 192.0.2.2
	check 'the first tenant reaches its first peer' reach "$blue1" 10.0.0.2
	check 'the first tenant reaches its second peer' reach "$blue1" 10.0.0.3
	check 'the second tenant reaches the same address elsewhere' \
		reach "$red1" 10.0.0.2
	check 'the second tenant does not reach the first one' \
		cannot_reach "$red1" 10.0.0.3
	check_eq 'a MAC address is learnt for the first id' \
		"$(of "$h1" $mac2 $blue)" 192.0.2.2
	check_eq 'the same MAC address is learnt at another peer for the second id' \
		"$(of "$h1" $mac2 $red)" 192.0.2.3
	check_eq 'a MAC address of one tenant is learnt for its id alone' \
		"$(of "$h1" $mac3 $blue)/$(of "$h1" $mac3 $red)" 192.0.2.3/
	check 'listeners are told the id' wait_for 10 grep -q \
		"^$mac2 .*dst 192.0.2.3 src_vni $red " "$tmp/monitor"
	wire "$h3" eth0 stray tcp dport 7471
	check 'the first tenant reaches a learnt address' reach "$blue1" 10.0.0.2
	check_eq 'other peers do not receive what is for a learnt address' "$(wired "$h3" stray)" 0
	unwire "$h3"
}

# To hold no more than the age of what stays, for a slow machine: generous.
age() {
	fdb "$h1" add 02:00:00:00:07:01 dev stt0 dst 192.0.2.2 src_vni $blue \
		static
	fdb "$h1" add 02:00:00:00:07:01 dev stt0 dst 192.0.2.2 src_vni $red \
		dynamic
	ip -n "$h1" link set stt0 type stt ageing 3
	background in_ns "$blue2" ping -q -i 0.2 10.0.0.1 >/dev/null
	check 'a learnt address of one id ages' wait_for 30 \
		is_gone "$h1" $mac2 $red
	check 'a dynamic entry of one id ages' wait_for 30 \
		is_gone "$h1" 02:00:00:00:07:01 $red
	check 'the same learnt address of another id stays while it sends' \
		is_at "$h1" $mac2 $blue 192.0.2.2
	check 'the same address of another id stays when it is static' \
		is_at "$h1" 02:00:00:00:07:01 $blue 192.0.2.2
	# Not by its id: that is the shell that waits for it.
	ip netns pids "$blue2" | xargs -r kill
	ip -n "$h1" link set stt0 type stt ageing 300
	fdb "$h1" del 02:00:00:00:07:01 dev stt0 src_vni $blue
}

entries_by_user() {
	check 'a static entry of one id is added' fdb "$h1" replace $mac2 dev stt0 \
		dst 192.0.2.3 src_vni $blue static
	check 'a static entry of one id sends its tenant elsewhere' cannot_reach "$blue1" 10.0.0.2
	check 'a static entry of one id leaves the other id alone' reach "$red1" 10.0.0.2
	check 'del of one id succeeds' fdb "$h1" del $mac2 dev stt0 src_vni $blue
	check 'del of one id leaves the other' is_at "$h1" $mac2 $red 192.0.2.3
	refused 'del of an id that has none' 'has no entry' \
		del $mac2 dev stt0 src_vni 5
	check 'get finds one id' eval \
		"bridge -n $h1 fdb get $mac2 dev stt0 vni $red self |
		 grep -q 'dst 192.0.2.3 src_vni $red '"
	check 'an entry may change the id' fdb "$h1" replace $mac2 dev stt0 \
		dst 192.0.2.2 src_vni $red vni $blue static
	check 'an entry that changes the id is shown' has "$h1" stt0 \
		"^$mac2 dst 192.0.2.2 vni $blue src_vni $red self static"
	wire "$h2" eth0 other tcp dport 7471
	ip -n "$red1" neigh replace 10.0.0.2 lladdr $mac2 dev eth0
	in_ns "$red1" ping -q -c 1 -W 1 10.0.0.2 >/dev/null
	ip -n "$red1" neigh del 10.0.0.2 dev eth0
	check_num 'an entry that changes the id leads to its peer' "$(wired "$h2" other)" -ge 1
	unwire "$h2"
	fdb "$h1" del $mac2 dev stt0 src_vni $red

	check 'an IPv6 destination is added to the same device' fdb "$h1" replace \
		$mac2 dev stt0 dst 2001:db8::2 src_vni $blue
	wire "$h2" eth0 v6 meta protocol ip6 tcp dport 7471
	check 'an IPv6 destination is reached' reach "$blue1" 10.0.0.2
	check_num 'frames to an IPv6 destination are IPv6' "$(wired "$h2" v6)" -ge 2
	unwire "$h2"
	fdb "$h1" del $mac2 dev stt0 src_vni $blue

	check 'an entry without src_vni is added' fdb "$h1" add 02:00:00:00:08:01 dev stt0 \
		dst 192.0.2.2
	check_eq 'an entry without src_vni is shown with id 0' \
		"$(of "$h1" 02:00:00:00:08:01 0)" 192.0.2.2
	refused 'a second one without append' 'has an entry|File exists' add \
		02:00:00:00:08:01 dev stt0 dst 192.0.2.2
	fdb "$h1" del 02:00:00:00:08:01 dev stt0
}

# A device with an id has one id.
own_id() {
	stt_add "$h1" s5 id 5 dstport 7001
	check 'a device with an id accepts it as src_vni' fdb "$h1" add $mac2 \
		dev s5 dst 192.0.2.2 src_vni 5
	check 'an entry with the own src_vni is the one without' has "$h1" s5 \
		"^$mac2 dst 192.0.2.2 self permanent"
	refused 'another one on a device with an id' "not the device's id" \
		append $zero dev s5 dst 192.0.2.2 src_vni 6
	refused 'another one in del' "not the device's id" \
		del $mac2 dev s5 src_vni 6
	check 'a device with an id deletes by its id' fdb "$h1" del $mac2 dev s5 dst 192.0.2.2 \
		src_vni 5
	ip -n "$h1" link del s5
	stt_add "$h1" s6 external idbits 12 dstport 7002
	refused 'more bits than idbits in src_vni' idbits \
		add $mac2 dev s6 dst 192.0.2.2 src_vni 4096
	refused 'more bits than idbits in vni' idbits \
		add $mac2 dev s6 dst 192.0.2.2 src_vni 4095 vni 4096
	check 'src_vni with as many bits as idbits is accepted' fdb "$h1" add $mac2 dev s6 \
		dst 192.0.2.2 src_vni 4095
	check 'learning is off by default' eval "ip -n $h1 -d link show s6 |
		grep -q nolearning"
	ip -n "$h1" link del s6
}

nexthops() {
	ip -n "$h1" nexthop add id 1 via 192.0.2.2 fdb
	ip -n "$h1" nexthop add id 10 group 1 fdb
	ip -n "$h1" nexthop add id 2 via 192.0.2.3 fdb
	ip -n "$h1" nexthop add id 20 group 2 fdb
	ip -n "$h1" link set stt0 type stt nolearning
	fdb "$h1" flush dev stt0 self dynamic
	check 'a nexthop group for one id is accepted' fdb "$h1" add $mac2 dev stt0 \
		nhid 10 src_vni $blue
	check 'the same group for another address and id is accepted' fdb "$h1" add \
		02:00:00:00:09:01 dev stt0 nhid 10 src_vni $red
	check 'another group for another id is accepted' fdb "$h1" add $mac2 dev stt0 \
		nhid 20 src_vni $red
	check 'nexthop groups are shown with ids' has "$h1" stt0 \
		"^$mac2 src_vni $blue nhid 10 "
	check 'the nexthop group of the first id is reached' reach "$blue1" 10.0.0.2
	check 'the nexthop group of the second id is reached' reach "$red1" 10.0.0.2
	ip -n "$h1" nexthop del id 10
	check 'a group that is deleted takes entries of all ids along' eval \
		"is_gone $h1 $mac2 $blue && hasnt $h1 stt0 09:01"
	check 'a deleted group leaves entries of other groups' \
		has "$h1" stt0 "^$mac2 src_vni $red nhid 20 "
	fdb "$h1" del $mac2 dev stt0 src_vni $red
	ip -n "$h1" link set stt0 type stt learning
}

# blue1's port goes down: what is for it goes to a host that has the same
# station, by the group that the port names and not by the FDB.
backup() {
	local before

	new_ns other
	link_ns "$other" eth0 "$h1" local9
	ip -n "$h1" link set local9 master br0
	bridge -n "$h1" vlan del dev local9 vid 1
	bridge -n "$h1" vlan add dev local9 vid 10 pvid untagged
	bridge -n "$h1" fdb replace $mac2 dev local9 master static vlan 10
	ip -n "$h1" link set local9 type bridge_slave backup_port stt0
	ip -n "$h1" nexthop add id 10 group 1 fdb
	if ! port_attr "$h1" local9 44 10; then
		skip 'backup_nhid' 'not in this kernel (before 6.6)'
		ip -n "$h1" link del local9
		return
	fi
	fdb "$h1" replace $mac2 dev stt0 dst 192.0.2.3 src_vni $blue static
	before=$(ethstat "$h1" stt0 tx_frames)
	ip -n "$other" link set eth0 down
	check 'backup_nhid: the group is reached, not the entry' reach \
		"$blue1" 10.0.0.2
	check_num 'backup_nhid: packets leave through the tunnel' \
		"$(ethstat "$h1" stt0 tx_frames)" -ge $((before + 2))
	before=$(ethstat "$h1" stt0 tx_no_route)
	ip -n "$h1" nexthop del id 10
	check 'backup_nhid: nothing is reached when the group is gone' cannot_reach \
		"$blue1" 10.0.0.2
	check_num 'backup_nhid: a missing group counts as tx_no_route' \
		"$(ethstat "$h1" stt0 tx_no_route)" -gt "$before"
	fdb "$h1" del $mac2 dev stt0 src_vni $blue
	ip -n "$h1" link del local9
}

limits() {
	local known before

	fdb "$h1" flush dev stt0 self dynamic
	known=$(fdb "$h1" show dev stt0 | grep ' self' |
		awk '{ print $1, $5 }' | sort -u | wc -l)
	ip -n "$h1" link set stt0 type stt maxaddress $((known + 1))
	before=$(ethstat "$h1" stt0 fdb_full)
	reach "$blue1" 10.0.0.2 >/dev/null
	check 'maxaddress counts all ids: frames flow' reach "$red1" 10.0.0.2
	check_num 'maxaddress counts all ids: the table is full' \
		"$(ethstat "$h1" stt0 fdb_full)" -gt "$before"
	ip -n "$h1" link set stt0 type stt maxaddress unlimited

	if fdb_flush "$h1" stt0 src_vni $red; then
		check_eq 'flush of one id: nothing of it is left' \
			"$(entries "$h1" stt0 "src_vni $red ")" 0
		check_num 'flush of one id: another stays' \
			"$(entries "$h1" stt0 "src_vni $blue ")" -ge 2
	else
		skip 'flush by src_vni' 'this kernel refuses it (before 6.7)'
	fi
	ip -n "$h1" link set stt0 down
	check_eq 'learnt entries of all ids are deleted when the device goes down' \
		"$(entries "$h1" stt0 '^02')" 0
	check 'added entries stay when the device goes down' has "$h1" stt0 "src_vni $blue "
}

# What names a peer goes there whatever the table says.
with_peer() {
	ip -n "$h1" link set stt0 nomaster up
	ip -n "$h1" link set stt0 address 02:00:00:00:0a:01
	ip -n "$h1" addr add 10.9.0.1/24 dev stt0
	ip -n "$h1" route add 10.8.0.2 encap ip id 7 dst 192.0.2.2 dev stt0
	ip -n "$h1" route add 10.8.0.3 encap ip id 7 dev stt0
	ip -n "$h1" neigh add 10.8.0.2 lladdr $mac2 dev stt0
	ip -n "$h1" neigh add 10.8.0.3 lladdr $mac2 dev stt0
	fdb "$h1" replace $mac2 dev stt0 dst 192.0.2.3 src_vni 7
	wire "$h2" eth0 peer tcp dport 7471
	wire "$h3" eth0 entry tcp dport 7471
	in_ns "$h1" ping -q -c 1 -W 0.2 10.8.0.2 >/dev/null
	check_eq 'metadata with a peer go there' \
		"$(wired "$h2" peer)/$(wired "$h3" entry)" 1/0
	in_ns "$h1" ping -q -c 1 -W 0.2 10.8.0.3 >/dev/null
	check_eq 'metadata without a peer go where the table says' \
		"$(wired "$h2" peer)/$(wired "$h3" entry)" 1/1
}

setup_three v4
for h in "$h1" "$h2" "$h3"; do
	switch "$h"
done
tenant "$h1" blue1 10 $mac1 10.0.0.1
tenant "$h2" blue2 10 $mac2 10.0.0.2
tenant "$h3" blue3 10 $mac3 10.0.0.3
tenant "$h1" red1 20 $mac1 10.0.0.1
tenant "$h3" red3 20 $mac2 10.0.0.2

nothing_known
learn
age
entries_by_user
own_id
nexthops
backup
limits
with_peer
tap_done
