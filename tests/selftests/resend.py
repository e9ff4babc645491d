# SPDX-License-Identifier: GPL-2.0
"""Checks of resend.sh, which draws the topology."""

import itertools
import sys

from sttlib import *  # pylint: disable=wildcard-import,unused-wildcard-import

h1, h2 = sys.argv[1:3]

capture = Wire(h2, 'eth0').listen()
DEVICES = (('v4', Wire(h1, 'stt4')), ('v6', Wire(h1, 'stt6')))
serial = itertools.count(1)
sports = itertools.count(2000)
SIZE = 5000
MSS = 1000
PRICE = 4


class Sender:
    """An inner TCP sender."""

    def __init__(self, dev):
        self.dev = dev
        self.sport = next(sports)
        self.next = 1

    def send(self, seq=None, n=SIZE, flags=ACK):
        """New data, or again what begins at @seq."""
        if seq is None:
            seq = self.next
            self.next += n
        inner = eth(ip(tcp(pattern(n), '10.0.0.1', '10.0.0.2', seq=seq,
                           sport=self.sport, flags=flags, partial=True),
                       '10.0.0.1', '10.0.0.2', 6), ETH_P_IP)
        self.dev.send_frame(inner, gso_type=GSO_TCPV4 if n > MSS else GSO_NONE,
                            gso_size=MSS if n > MSS else 0, hdr_len=54,
                            csum_start=34)

    def progress(self, n):
        """Frames of new data."""
        for _ in range(n):
            self.send()


def is_segment(packet):
    """Is it STT, and not what hosts say unasked?"""
    if packet.data[12:14] not in (b'\x08\0', b'\x86\xdd'):
        return False
    p = parse_ip(packet.data[ETH_HLEN:])
    return p.proto == 6 and p.payload[2:4] == struct.pack('!H', PORT)


def captured(dev):
    """The segments that were sent since, by frame."""
    end = eth(b'end %6d' % next(serial) + bytes(50), ETH_P_TEST)
    dev.send_frame(end)
    frames = {}
    for p in capture.receive_until(lambda p: p.data.endswith(end)):
        if is_segment(p) and not p.data.endswith(end):
            s = parse_segment(p.data[ETH_HLEN:], bool(p.flags & NEEDS_CSUM))
            frames.setdefault(s.id, []).append(s)
    return list(frames.values())


def copies(frames):
    """How many frames were followed by a copy of their first segment, and
    what is wrong with any of them."""
    n, wrong = 0, []
    for segments in frames:
        offsets = [s.offset for s in segments]
        if len(segments) > 1 and not segments[-1].offset:
            n += 1
            copy = segments.pop()
            if (copy.data, copy.flags, copy.length) != (
                    segments[0].data, ACK, segments[0].length):
                wrong.append('copy of %d bytes, flags %#x' % (
                    len(copy.data), copy.flags))
            if not copy.csum_ok or not copy.ip.csum_ok:
                wrong.append('checksum of the copy')
        if offsets[:len(segments)] != sorted(set(offsets[:len(segments)])):
            wrong.append('offsets %s' % offsets)
        wrong += collect(segments)[1]
    return n, wrong


def repeated():
    for fam, dev in DEVICES:
        sender = Sender(dev)
        sender.progress(8)
        n, wrong = copies(captured(dev))
        check(fam + ': new data is sent once (W14)', n == 0 and not wrong,
              '%d copies' % n, *wrong[:5])
        sender.send(seq=1)
        frames = captured(dev)
        n, wrong = copies(frames)
        check(fam + ': the first segment of a retransmission follows its '
              'frame once more (W14)', len(frames) == 1 and n == 1 and
              not wrong, '%d frames, %d copies' % (len(frames), n), *wrong[:5])
        sender.send(seq=1, n=600)
        n, wrong = copies(captured(dev))
        check(fam + ': a retransmission of one segment is sent once (W14)',
              n == 0 and not wrong, '%d copies' % n, *wrong[:5])
        sender.send()
        n, wrong = copies(captured(dev))
        check(fam + ': new data after a retransmission is sent once (W14)',
              n == 0 and not wrong, '%d copies' % n, *wrong[:5])


def bounded():
    for fam, dev in DEVICES:
        fresh = Sender(dev)
        for _ in range(20):
            fresh.send(seq=1)
        n, _ = copies(captured(dev))
        check_eq(fam + ': a flow that makes no progress gets no copies (W14)',
                 n, 0)
        sender = Sender(dev)
        sender.progress(1 + 5 * PRICE)
        captured(dev)
        for _ in range(100):
            sender.send(seq=1)
        n, wrong = copies(captured(dev))
        check(fam + ': copies are bounded by the new data of their flow (W14)',
              n == 5 and not wrong, '%d copies' % n, *wrong[:5])


def restarted():
    for fam, dev in DEVICES:
        sender = Sender(dev)
        sender.progress(20)
        captured(dev)
        # Another connection with the same ports begins far away.
        far = sender.next + (1 << 30)
        sender.send(seq=far)
        sender.send(seq=far - 3000)
        n, wrong = copies(captured(dev))
        check(fam + ': a new connection of the same ports is a new flow (W14)',
              n == 0 and not wrong, '%d copies' % n, *wrong[:5])


main([repeated, bounded, restarted])
