# SPDX-License-Identifier: GPL-2.0
"""pmtu.py forged|right H1 R A1 A2 ROUTER SILENT - ICMP messages from R to H1

about STT segments that H1 (address A1) would have sent to A2: forged ones,
which must change nothing, or right ones, after which the path MTU is 1400
(W12).  SILENT is the address of a peer that was never sent to.
"""

import struct
import sys

from sttlib import (Wire, check, csum, in_ns, ip, is_v6, mac, main, pseudo,
                    put16, tcp, wait_until, counters)

WHAT, H1, R, A1, A2, ROUTER, SILENT = sys.argv[1:]
MTU = 1400
V6 = is_v6(A1)
OTHER = '2001:db8:1::99' if V6 else '192.0.2.99'
STRANGER = '2001:db8:2::99' if V6 else '198.51.100.99'

wire = Wire(R, 'eth0', mac(H1, 'eth0'))


def quote(src=A1, dst=A2, sport=50000, dport=7471, proto=6, length=None):
    """What a router quotes of a segment: the first bytes of it."""
    seg = tcp(b'\0' * 1000, src, dst, sport=sport, dport=dport,
              seq=1018 << 16, ack=0x12345678)
    packet = ip(seg, src, dst, proto)
    hlen = 40 if V6 else 20
    return packet[:hlen + 500 if length is None else hlen + length]


def message(quoted, mtu=MTU, bad=False, kind=None, code=None):
    """A packet-too-big or fragmentation-needed message."""
    if V6:
        body = struct.pack('!BBHI', 2 if kind is None else kind, code or 0, 0,
                           mtu) + quoted
        s = pseudo(ROUTER, A1, 58, len(body))
    else:
        body = struct.pack('!BBHHH', 3 if kind is None else kind,
                           4 if code is None else code, 0, 0, mtu) + quoted
        s = 0
    body = put16(body, 2, csum(body, s) ^ (0x0101 if bad else 0))
    return ip(body, ROUTER, A1, 58 if V6 else 1)


def route(dst, *args):
    return in_ns(H1, 'ip', 'route', 'get', dst, *args)


def settle():
    """What was sent before has been dealt with: a ping came back since."""
    in_ns(R, 'ping', '-q', '-c', '1', '-W', '10', A1)


FORGED = [
    ('bad ICMP checksum', A2, message(quote(), bad=True)),
    ('wrong quoted port', A2, message(quote(dport=7472))),
    ('source port below the range', A2, message(quote(sport=49151))),
    ('ports the wrong way round', A2,
     message(quote(sport=7471, dport=50000))),
    ('quoted source not ours', A2, message(quote(src=OTHER))),
    ('quoted source is the peer', A2, message(quote(src=A2, dst=A2))),
    ('peer never sent to', SILENT, message(quote(dst=SILENT))),
    ('peer that nobody configured', STRANGER, message(quote(dst=STRANGER))),
    # Not UDP: some kernels' UDP believes every message that quotes it.
    ('quoting another protocol', A2, message(quote(proto=253))),
    ('cut off before the ports', A2, message(quote(length=2))),
    ('cut off in the IP header', A2, message(quote(length=-10))),
    ('another ICMP type', A2, message(quote(), kind=1 if V6 else 11,
                                      code=0)),
]


def forged():
    for name, dst, packet in FORGED:
        before = counters(H1)
        wire.send(packet)
        settle()
        got = route(dst)
        check('%s: forged, %s: no change (W12)' % ('v6' if V6 else 'v4',
                                                   name),
              ' mtu ' not in got, got)
        after = counters(H1)
        check('%s: forged, %s: no STT drop' % ('v6' if V6 else 'v4', name),
              all(after[k] == before[k] for k in after if 'drop' in k),
              before, after)


def flush():
    in_ns(H1, 'ip', '-6' if V6 else '-4', 'route', 'flush', 'cache')


RIGHT = [
    ('quoting 500 bytes', message(quote())),
    ('the lowest source port', message(quote(sport=49152))),
    ('the highest source port', message(quote(sport=65535))),
    ('quoting 8 bytes only', message(quote(length=8))),
]


def right():
    for name, packet in RIGHT:
        flush()
        in_ns(H1, 'ping', '-q', '-c', '1', '-W', '10', '10.0.0.2')
        wire.send(packet)
        check('%s: right, %s: believed (W12)' % ('v6' if V6 else 'v4', name),
              wait_until(lambda: ' mtu %d' % MTU in route(A2)), route(A2))


main([forged] if WHAT == 'forged' else [right])
