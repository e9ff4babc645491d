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

# flows N: N flows of UDP to the MAC address that has the group.
flows() {
	in_ns "$h1" python3 -c "
import socket
for port in range(20000, 20000 + $1):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.sendto(b'x', ('10.0.0.9', port))"
}

# What ip does not know yet.  "add ID VIA PORT": a nexthop with a port of its
# own. "packets ID": a group's count.  Prints nothing where the kernel cannot.
cat >"$tmp/nexthop.py" <<'END'
import errno, socket, struct, sys

def attr(kind, data):
    return struct.pack("=HH", len(data) + 4, kind) + data + \
        b"\0" * (-len(data) % 4)

def attrs(data):
    while len(data) >= 4:
        n, kind = struct.unpack("=HH", data[:4])
        yield kind & 0x3fff, data[4:n]
        data = data[n + 3 & ~3:]

def ask(kind, flags, family, body):
    body = struct.pack("=BBBBI", family, 0, 0, 0, 0) + body
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    s.send(struct.pack("=IHHII", len(body) + 16, kind, flags, 1, 0) + body)
    reply = s.recv(65536)
    if struct.unpack("=H", reply[4:6])[0] == 2:
        err = -struct.unpack("=i", reply[16:20])[0]
        if err == errno.EINVAL:
            sys.exit()
        if err:
            sys.exit("error %d" % err)
    return dict(attrs(reply[24:]))

u32 = struct.Struct("=I").pack
nhid = attr(1, u32(int(sys.argv[2])))
if sys.argv[1] == "add":
    family = socket.AF_INET6 if ":" in sys.argv[3] else socket.AF_INET
    ask(104, 0x605, family, nhid + attr(11, b"") +
        attr(6, socket.inet_pton(family, sys.argv[3])) +
        attr(18, struct.pack("!H", int(sys.argv[4]))))
    print("added")
else:
    stats = ask(106, 1, 0, nhid + attr(14, u32(1))).get(15)
    if stats:
        print(sum(int.from_bytes(dict(attrs(entry))[2], sys.byteorder)
                  for _, entry in attrs(stats)))
END
nexthop() { in_ns "$h1" python3 "$tmp/nexthop.py" "$@"; }

# Sends an ARP request for 10.0.0.9 through stt0 and prints the answer.
cat >"$tmp/arp.py" <<'END'
import socket, struct, sys
me = bytes.fromhex("020000000099")
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x806))
s.bind(("stt0", 0x806))
s.settimeout(20)
s.send(b"\xff" * 6 + me + struct.pack("!HHHBBH", 0x806, 1, 0x800, 6, 4, 1) +
       me + socket.inet_aton("10.0.0.99") + bytes(6) +
       socket.inet_aton("10.0.0.9"))
while True:
    p = s.recv(1000)
    if p[20:22] == b"\0\2" and p[28:32] == socket.inet_aton("10.0.0.9"):
        break
print(p[22:28].hex(":"))
END

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
	check_eq "$family: refused requests leave no entry" \
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
	count=$(nexthop packets 10)
	if [ "$count" ] || [ "${STT_KERNEL:-}" = newest ]; then
		check_eq "$family: the group counts them" "$count" 60
	else
		skip "$family: the group counts them" \
			'no count in this kernel'
	fi

	check "$family: another group" fdb "$h1" replace $mac dev stt0 nhid 12
	flows 20
	heard
	check_eq "$family: all flows go to the only member" "$n2 $n3" '20 0'
	nh replace id 12 group 2 fdb
	flows 20
	heard
	check_eq "$family: flows follow a changed member of the group" \
		"$n2 $n3" '0 20'
	nh replace id 2 via "$a2" fdb
	flows 20
	heard
	check_eq "$family: flows follow a changed address of the member" \
		"$n2 $n3" '20 0'
	ip -n "$h1" link set stt0 type stt ttl 33
	flows 20
	heard
	check_eq "$family: flows go to the member after a change of ttl" \
		"$n2 $n3" '20 0'

	# Learning does not move an entry with a group, and proxy knows it.
	fdb "$h1" replace $mac dev stt0 nhid 10
	ip -n "$h1" link set stt0 type stt learning
	fdb "$h2" append $zero dev stt0 dst "$a1"
	ip -n "$h2" link set stt0 address $mac
	ip -n "$h2" neigh replace 10.0.0.1 lladdr "$(station 1)" dev stt0
	before=$(counter "$h1" drop_source)
	in_ns "$h2" ping -q -c 2 -i 0.2 -W 0.1 10.0.0.1 >/dev/null
	check "$family: frames against an entry with a group are dropped" \
		wait_for 10 eval \
		"[ \$(counter $h1 drop_source) -gt $before ]"
	check_eq "$family: an entry with a group keeps it" \
		"$(entry "$h1" stt0 $mac)" "$mac nhid 10 self permanent"
	ip -n "$h2" link set stt0 address "$(station 2)"
	ip -n "$h1" link set stt0 type stt nolearning proxy
	ip -n "$h1" neigh replace 10.0.0.9 lladdr $mac dev stt0 nud permanent
	check_eq "$family: a proxy answers for it" \
		"$(in_ns "$h1" python3 "$tmp/arp.py")" $mac
	ip -n "$h1" link set stt0 type stt noproxy
	fdb "$h1" replace $mac dev stt0 nhid 12

	# A nexthop with a port of its own.
	if [ "$(nexthop add 4 "$a3" 4711)" ] ||
	   [ "${STT_KERNEL:-}" = newest ]; then
		wire "$h3" eth0 port tcp dport 4711
		nh add id 13 group 4 fdb
		fdb "$h1" add 02:00:00:00:06:04 dev stt0 nhid 13
		ip -n "$h1" neigh replace 10.0.0.9 \
			lladdr 02:00:00:00:06:04 dev stt0
		flows 20
		check_eq "$family: a nexthop's own port" "$(wired "$h3" port)" 20
		ip -n "$h1" neigh replace 10.0.0.9 lladdr $mac dev stt0
		heard
	else
		skip "$family: a nexthop's own port" \
			'nexthops have none in this kernel'
	fi

	fdb "$h1" append $zero dev stt0 nhid 10
	check "$family: a group as default destination" \
		has "$h1" stt0 "^$zero nhid 10"
	nh del id 12
	check "$family: a group that is deleted takes its entry along" \
		hasnt "$h1" stt0 "^$mac "
	check "$family: entries of other groups stay" \
		has "$h1" stt0 "^$mac2 nhid 10"
	flows 20
	heard
	check_eq "$family: frames without an entry go to the default group" \
		$((n2 + n3)) 20
	check "$family: del" fdb "$h1" del $mac2 dev stt0 nhid 10
	check_eq "$family: del removes an entry with a group" \
		"$(entries "$h1" stt0 "^$mac2")" 0

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
