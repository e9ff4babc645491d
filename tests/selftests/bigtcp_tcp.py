# SPDX-License-Identifier: GPL-2.0
"""TCP of bigtcp.sh from socket to socket."""

import sys

from sttlib import *  # pylint: disable=wildcard-import,unused-wildcard-import

h1, h2 = sys.argv[1:3]


class Sizes:
    """How large the packets that a device receives, or sends, are."""

    def __init__(self, ns, dev):
        with netns(ns):
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 256 << 20)
        self.sock.bind((dev, ETH_P_ALL))
        self.sock.setblocking(False)

    def largest(self, kinds):
        """Of those of a kind (PACKET_OUTGOING, ...) since the last call."""
        most = 0
        while True:
            try:
                n, addr = self.sock.recvfrom_into(
                    bytearray(64), 64, socket.MSG_TRUNC)
            except BlockingIOError:
                return most
            if addr[2] in kinds:
                most = max(most, n)


def move(name, address, above):
    """TCP moves; the largest packet received is, or is not, above 64 KB."""
    sent, received = Sizes(h1, 'stt0'), Sizes(h2, 'stt0')
    why = transfer(h2, address, h1, 16 << 20)
    check(name + ': every byte arrives, both ways', not why, why)
    sizes = sent.largest((PACKET_OUTGOING,)), received.largest((0,))
    if above:
        check(name + ': the sender makes packets above 64 KB',
              sizes[0] > 65536, sizes)
        check(name + ': the receiver gets packets above 64 KB',
              sizes[1] > 65536, sizes)
    else:
        check(name + ': no packet is above 64 KB', max(sizes) <= 65536,
              sizes)


def both():
    ipv4 = set_link(h1, 'stt0', (IFLA_GSO_IPV4_MAX_SIZE, 400000),
                    (IFLA_GRO_IPV4_MAX_SIZE, 400000)) and \
        set_link(h2, 'stt0', (IFLA_GSO_IPV4_MAX_SIZE, 400000),
                 (IFLA_GRO_IPV4_MAX_SIZE, 400000))
    move('IPv6 inside', 'fd00::2', True)
    move('IPv4 inside', '10.0.0.2', ipv4)


def segments_cross_singly():
    for ns in h1, h2:
        in_ns(ns, 'ethtool', '-K', 'eth0', 'tso', 'off', 'gso', 'off', 'gro',
              'on')
    why = transfer(h2, 'fd00::2', h1, 4 << 20)
    check('IPv6 inside, segments cross singly: every byte arrives', not why,
          why)


def small_again():
    for ns in h1, h2:
        run('ip', '-n', ns, 'link', 'set', 'stt0', 'gso_max_size', '65444',
            'gro_max_size', '65536')
    move('back to 64 KB', 'fd00::2', False)


main([both, segments_cross_singly, small_again])
