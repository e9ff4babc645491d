#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# l2miss, l3miss: a controller that knows where everything is, and a device that
# knows nothing. What the device asks it tells, and traffic flows.
#
#	c1              h1                              h2
#	eth0 .......... p1 - br0 - stt0 ............... stt0
#	10.0.0.10                                       10.0.0.2
#	fd00::10        eth0 192.0.2.1 -------- veth -- eth0 192.0.2.2
#
# kernels: all
# timeout: 200

# check calls functions.
# shellcheck disable=SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
require ping python3 bridge

c1=''
mac1=02:00:00:00:00:01 mac2=02:00:00:00:00:02

# Prints what it is asked and did about it.
cat >"$tmp/controller.py" <<'END'
import socket, struct, subprocess, sys

DEV, PEER = sys.argv[1:3]
ADDRS = {'10.0.0.2': sys.argv[3], 'fd00::2': sys.argv[3]}
RTM_GETNEIGH, RTNLGRP_NEIGH = 30, 3
NDA_DST, NDA_LLADDR = 1, 2
index = socket.if_nametoindex(DEV)
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
s.bind((0, 1 << RTNLGRP_NEIGH - 1))
print('ready', flush=True)
done = set()
while True:
    msg = s.recv(65536)
    while msg:
        size, kind = struct.unpack_from('=IH', msg)
        family, ifindex = struct.unpack_from('=Bxxxi', msg, 16)
        attrs, rest = {}, msg[28:size]
        while len(rest) >= 4:
            n, a = struct.unpack_from('=HH', rest)
            attrs[a] = rest[4:n]
            rest = rest[n + 3 & ~3:]
        msg = msg[size + 3 & ~3:]
        if kind != RTM_GETNEIGH or ifindex != index:
            continue
        cmd = None
        if NDA_DST in attrs:
            ip = socket.inet_ntop(family, attrs[NDA_DST])
            print('l3miss', ip, flush=True)
            if ip in ADDRS:
                cmd = ['ip', 'neigh', 'replace', ip, 'dev', DEV, 'lladdr',
                       ADDRS[ip], 'nud', 'permanent']
        elif NDA_LLADDR in attrs:
            mac = ':'.join('%02x' % b for b in attrs[NDA_LLADDR])
            print('l2miss', mac, flush=True)
            if mac == sys.argv[3]:
                cmd = ['bridge', 'fdb', 'replace', mac, 'dev', DEV, 'dst',
                       PEER, 'self', 'permanent']
        if cmd and str(cmd) not in done:
            done.add(str(cmd))
            print(subprocess.run(cmd).returncode, *cmd, flush=True)
END

setup_pair v4
new_ns c1
link_ns "$c1" eth0 "$h1" p1
ip -n "$c1" link set eth0 address $mac1
ip -n "$h1" link add br0 type bridge forward_delay 0 mcast_snooping 0
ip -n "$h1" link set br0 up
ip -n "$h1" link set p1 master br0
stt_add "$h1" stt0 id 1 remote "$a2" proxy l2miss l3miss
stt_add "$h2" stt0 id 1 remote "$a1"
ip -n "$h2" link set stt0 address $mac2
ip -n "$h1" link set stt0 master br0
addr "$c1" eth0 10.0.0.10/24 fd00::10/64
addr "$h2" stt0 10.0.0.2/24 fd00::2/64

check_fails 'no traffic without a controller' \
	in_ns "$c1" ping -q -c 1 -W 1 10.0.0.2

background in_ns "$h1" ip monitor neigh >"$tmp/monitor" 2>&1
background in_ns "$h1" /usr/bin/python3 "$tmp/controller.py" stt0 "$a2" $mac2 \
	>"$tmp/told" 2>&1
wait_for 20 grep -q ready "$tmp/told"
told() { wait_for 10 grep -qxF "$1" "$tmp/told"; }
reach() { wait_for 20 in_ns "$c1" ping -q -c 1 -W 1 "$1"; }

check 'l3miss, IPv4: traffic flows' reach 10.0.0.2
check 'l3miss, IPv4' told 'l3miss 10.0.0.2'
check 'l3miss, IPv6: traffic flows' reach fd00::2
check 'l3miss, IPv6' told 'l3miss fd00::2'
check_fails 'an address that the controller does not know' \
	in_ns "$c1" ping -q -c 1 -W 1 10.0.0.99
check 'l3miss for an address unknown to the controller' told 'l3miss 10.0.0.99'
check 'ip monitor shows what misses' \
	wait_for 10 grep -q 'miss 10.0.0.99 dev stt0' "$tmp/monitor"
check_fails 'a remote takes all: no l2miss' grep -q l2miss "$tmp/told"

# Without a remote there is nothing but what the controller says.
ip -n "$h1" link set stt0 type stt remote 0.0.0.0
in_ns "$c1" ping -q -c 1 -W 1 10.0.0.2 >/dev/null
check 'l2miss' told "l2miss $mac2"
check_fails 'no l2miss for everybody' grep -q 'l2miss ff:ff' "$tmp/told"
if ip -n "$h1" link add stt1 type stt id 2 learning 2>/dev/null; then
	check 'l2miss: traffic flows' reach 10.0.0.2
	check 'l2miss: traffic flows, IPv6' reach fd00::2
else
	skip 'l2miss: traffic flows' 'no forwarding database'
fi

# What is known is not asked for, and without the options nothing is.
ip -n "$h1" link set stt0 type stt remote "$a2"
asked() { grep -c "$1" "$tmp/told"; }
before=$(asked 'l3miss 10.0.0.2$')
ip -n "$c1" neigh flush dev eth0
check 'a known address is reached' reach 10.0.0.2
check_eq 'no l3miss for a known address' "$(asked 'l3miss 10.0.0.2$')" \
	"$before"
check 'neither' ip -n "$h1" link set stt0 type stt remote 0.0.0.0 \
	nol2miss nol3miss
before=$(asked miss)
in_ns "$c1" ping -q -c 1 -W 1 10.0.0.98 >/dev/null
in_ns "$c1" ping -q -c 1 -W 1 10.0.0.2 >/dev/null
check_eq 'neither: no message' "$(asked miss)" "$before"

tap_done
