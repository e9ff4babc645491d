# SPDX-License-Identifier: GPL-2.0
"""Requests for addresses, right and odd, and what a proxy answers to each.

Arguments: the namespace of the station that asks.
"""

import socket
import struct
import sys

import sttlib as s

C1, H2 = bytes.fromhex('020000000001'), bytes.fromhex('020000000002')
SLLA = b'\1\1' + C1


def v4(a):
    return socket.inet_pton(socket.AF_INET, a)


def v6(a):
    return socket.inet_pton(socket.AF_INET6, a)


def arp(sip, tip, hrd=1, hln=6):
    return (b'\xff' * 6 + C1 +
            struct.pack('!HHHBBH', s.ETH_P_ARP, hrd, s.ETH_P_IP, hln, 4, 1) +
            C1 + v4(sip) + b'\0' * 6 + v4(tip))


def csum(data):
    n = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while n >> 16:
        n = (n & 0xffff) + (n >> 16)
    return n ^ 0xffff


def nd(addrs, target, opts, kind, hop=255, flags=0):
    src, dst = map(v6, addrs)
    body = struct.pack('!BBHI', kind, 0, 0, flags) + v6(target) + opts
    pseudo = src + dst + struct.pack('!II', len(body), 58)
    body = body[:2] + struct.pack('!H', csum(pseudo + body)) + body[4:]
    return struct.pack('!IHBB', 6 << 28, len(body), 58, hop) + \
        src + dst + body


def solicit(src, target, opts, hop=255):
    return b'\x33\x33\xff\0\0\2' + C1 + b'\x86\xdd' + \
        nd((src, 'ff02::1:ff00:2'), target, opts, 135, hop)


ARP_REPLY = (C1 + H2 + struct.pack('!HHHBBH', s.ETH_P_ARP, 1, s.ETH_P_IP, 6, 4,
                                   2) +
             H2 + v4('10.0.0.2') + C1 + v4('10.0.0.10'))
# Router, solicited, override.
ADVERT = C1 + H2 + b'\x86\xdd' + nd(('fd00::2', 'fd00::10'), 'fd00::2',
                                    b'\2\1' + H2, 136, flags=0xe0000000)


def is_answer(packet, addr):
    return (addr[2] != s.PACKET_OUTGOING and packet[:6] == C1 and
            (packet[12:14] == b'\x08\x06' and packet[20:22] == b'\0\2' or
             packet[12:14] == b'\x86\xdd' and packet[54] == 136))


def answers(want, wait):
    """What comes within some time, or until it is what we want."""
    got = []
    sock.settimeout(s.PATIENCE if want else wait)
    try:
        while want not in got:
            packet, addr = sock.recvfrom(2000)
            if is_answer(packet, addr):
                got.append(packet)
    except socket.timeout:
        pass
    return got


def ask(name, packet, want=None):
    answers(None, 0.05)
    sock.send(packet)
    s.check_eq(name, answers(want, 0.3), [want] if want else [])


def test_arp():
    ask('ARP', arp('10.0.0.10', '10.0.0.2'), ARP_REPLY)
    ask('ARP probe', arp('0.0.0.0', '10.0.0.2'))
    ask('ARP announcement', arp('10.0.0.2', '10.0.0.2'))
    ask('ARP for loopback', arp('10.0.0.10', '127.0.0.1'))
    ask('ARP for a group', arp('10.0.0.10', '224.0.0.1'))
    ask('half an ARP', arp('10.0.0.10', '10.0.0.2')[:30])
    ask('ARP of other hardware', arp('10.0.0.10', '10.0.0.2', hrd=6 << 8))
    ask('ARP of other length', arp('10.0.0.10', '10.0.0.2', hln=8))


def test_nd():
    ask('NS', solicit('fd00::10', 'fd00::2', SLLA), ADVERT)
    ask('NS without an option', solicit('fd00::10', 'fd00::2', b''), ADVERT)
    ask('NS with another option before',
        solicit('fd00::10', 'fd00::2', b'\x0e\1' + b'x' * 6 + SLLA), ADVERT)
    ask('NS with an option of length 0',
        solicit('fd00::10', 'fd00::2', b'\1\0' + C1))
    ask('NS with an option that is cut',
        solicit('fd00::10', 'fd00::2', b'\1\2' + C1))
    ask('NS from nowhere (DAD)', solicit('::', 'fd00::2', b''))
    ask('NS for a group', solicit('fd00::10', 'ff02::2', SLLA))
    ask('NS from afar', solicit('fd00::10', 'fd00::2', SLLA, hop=64))
    ask('half an NS', solicit('fd00::10', 'fd00::2', SLLA)[:60])


def test_vlan():
    packet = arp('10.0.0.10', '10.0.0.2')
    ask('a request in a VLAN is not for this table',
        packet[:12] + b'\x81\0\0\5' + packet[12:])


with s.netns(sys.argv[1]):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                         socket.htons(s.ETH_P_ALL))
    sock.bind(('eth0', 0))
s.main([test_arp, test_nd, test_vlan])
