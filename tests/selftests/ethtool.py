# SPDX-License-Identifier: GPL-2.0
"""ethtool.py H1 H2 A1 A2 BELIEVED INNER - is a verified checksum believed?

From H1 to H2's stt0 goes an inner UDP packet to INNER whose checksum is wrong
but whose frame has C set (W7, R12).  It reaches its socket if BELIEVED is 1,
which is when rx-checksumming is on.
"""

import socket
import sys

from sttlib import (C, Flow, Wire, check_eq, eth, frame, ip, mac, main, netns,
                    new_id, udp, ETH_P_IP)

H1, H2, A1, A2, BELIEVED, INNER = sys.argv[1:]
BELIEVED = BELIEVED == '1'


def verified():
    with netns(H2):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((INNER, 5555))
    s.settimeout(30)
    wire, flow = Wire(H1, 'eth0', mac(H2, 'eth0')), Flow(A1, A2)
    # The last one's checksum is right: what was to come has come.
    for text, bad, flags in ((b'good, C', False, C), (b'bad, C', True, C),
                             (b'bad', True, 0), (b'end', False, 0)):
        packet = ip(udp(text, '10.0.0.1', INNER, dport=5555, bad=bad),
                    '10.0.0.1', INNER, 17)
        wire.send(flow.segment(
            frame(eth(packet, ETH_P_IP, mac(H2, 'stt0')), flags=flags),
            new_id()))
    got = []
    while not got or got[-1] != b'end':
        got.append(s.recv(100))
    check_eq('rx %s: a verified checksum is %sbelieved (R12)' %
             (('on', '') if BELIEVED else ('off', 'not ')), got,
             [b'good, C'] + ([b'bad, C'] if BELIEVED else []) + [b'end'])


main([verified])
