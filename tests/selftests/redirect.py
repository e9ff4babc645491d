# SPDX-License-Identifier: GPL-2.0
"""redirect.py H1 R H2 A1 A2 GATEWAY - redirects from R to H1 about segments

that H1 (address A1) would have sent to A2: forged ones, which must change
nothing, and then a right one, which must (W15).
"""

import struct
import sys

from sttlib import (Wire, check, csum, in_ns, ip, ip_bytes, is_v6, mac,
                    mac_bytes, main, pseudo, put16, tcp, wait_until)

H1, R, H2, A1, A2, GATEWAY = sys.argv[1:]
V6 = is_v6(A1)
FAM = 'v6' if V6 else 'v4'
OTHER = '2001:db8:1::99' if V6 else '192.0.2.99'
STRANGER = 'fe80::99' if V6 else '192.0.2.77'

wire = Wire(R, 'eth0', mac(H1, 'eth0'))
# A stranger on the link, with a MAC address of its own.
strange = Wire(H2, 'eth0', mac(H1, 'eth0'))


def quote(src=A1, dst=A2, sport=50000, dport=7471, proto=6):
    seg = tcp(b'\0' * 100, src, dst, sport=sport, dport=dport,
              seq=1018 << 16, ack=0x12345678)
    return ip(seg, src, dst, proto)[:40 + 8 if V6 else 20 + 8]


def redirect(quoted, source=GATEWAY, about=A2, target=A2, bad=False,
             hops=255):
    if V6:
        quoted += bytes(-len(quoted) % 8)
        lladdr = struct.pack('!BB', 2, 1) + mac_bytes(mac(H2, 'eth0'))
        body = struct.pack('!BBHI', 137, 0, 0, 0) + ip_bytes(target)
        body += ip_bytes(about) + lladdr
        body += struct.pack('!BBHI', 4, 1 + len(quoted) // 8, 0, 0) + quoted
        s = pseudo(source, A1, 58, len(body))
    else:
        body = struct.pack('!BBH', 5, 1, 0) + ip_bytes(target) + quoted
        s = 0
    body = put16(body, 2, csum(body, s) ^ (0x0101 if bad else 0))
    return ip(body, source, A1, 58 if V6 else 1, ttl=hops)


FORGED = [
    ('bad ICMP checksum', wire, redirect(quote(), bad=True)),
    ('wrong quoted port', wire, redirect(quote(dport=7472))),
    ('source port below the range', wire, redirect(quote(sport=49151))),
    ('quoted source not ours', wire, redirect(quote(src=OTHER))),
    ('quoting another protocol', wire, redirect(quote(proto=253))),
    ('not from the next hop', strange, redirect(quote(), source=STRANGER)),
]
if V6:
    FORGED += [
        ('hop limit below 255', wire, redirect(quote(), hops=254)),
        ('about another destination', wire,
         redirect(quote(), about='2001:db8:2::77', target='2001:db8:2::77')),
    ]


def route(dst=A2):
    return in_ns(H1, 'ip', 'route', 'get', dst)


def redirected():
    """The route to A2 does not lead to the router."""
    return ' via %s ' % GATEWAY not in route()


def settle():
    in_ns(R, 'ping', '-q', '-c', '1', '-W', '10', A1)


def know_target():
    """A redirect is heeded only once its target answers ARP."""
    in_ns(H1, 'ip', 'neigh', 'replace', A2, 'lladdr', mac(H2, 'eth0'),
          'dev', 'eth0', 'nud', 'reachable')


def forged():
    for name, out, packet in FORGED:
        in_ns(H1, 'ping', '-q', '-c', '1', '-W', '10', '10.0.0.2')
        know_target()
        out.send(packet)
        settle()
        check('%s: forged redirect, %s: no change (W15)' % (FAM, name),
              not redirected(), route())


def right():
    in_ns(H1, 'ping', '-q', '-c', '1', '-W', '10', '10.0.0.2')
    know_target()
    wire.send(redirect(quote()))
    check('%s: the right redirect: believed (W15)' % FAM,
          wait_until(redirected), route())


main([forged, right])
