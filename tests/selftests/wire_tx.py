# SPDX-License-Identifier: GPL-2.0
"""Checks of wire_tx.sh, which draws the topology."""

import itertools
import sys

from sttlib import *  # pylint: disable=wildcard-import,unused-wildcard-import

h1, h2, pcap_name = sys.argv[1:4]
ID = 0x123456789abcdef0

capture = Wire(h2, 'eth0').listen()
stt4 = Wire(h1, 'stt4')
stt6 = Wire(h1, 'stt6')
DEVICES = (('v4', stt4, 1500 - 40), ('v6', stt6, 1500 - 60))

A4, B4, A6, B6 = '10.0.0.1', '10.0.0.2', 'fd00::1', 'fd00::2'
serial = itertools.count(1)
seen_ids = {}
pcap = open(pcap_name, 'wb')
pcap.write(struct.pack('=IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 1 << 17, 1))
pcap_ids = open(pcap_name + '.ids', 'w')


def save(packet):
    pcap.write(struct.pack('=IIII', 0, 0, len(packet), len(packet)) + packet)


class Frame:
    """A frame as it was captured."""

    def __init__(self, packets):
        self.packets = packets
        self.segments = [parse_segment(p.data[ETH_HLEN:],
                                       bool(p.flags & NEEDS_CSUM))
                         for p in packets]
        self.data, self.wrong = collect(self.segments)
        self.stt = parse_frame(self.data)
        self.ip = self.segments[0].ip
        self.sport = self.segments[0].sport
        id = self.segments[0].id
        if seen_ids.setdefault(id, self) is not self:
            self.wrong.append('W2: id %#x again' % id)
        for s in self.segments:
            if (s.ip.tos, s.ip.ttl, s.ip.df, s.ip.label) != (
                    self.ip.tos, self.ip.ttl, self.ip.df, self.ip.label):
                self.wrong.append('W1: outer IP headers differ')


def ours(packet):
    """Is it an STT packet?"""
    if packet.data[12:14] not in (b'\x08\0', b'\x86\xdd'):
        return False
    p = parse_ip(packet.data[ETH_HLEN:])
    return p.proto == 6 and p.payload[2:4] == struct.pack('!H', PORT)


def sent(dev, send, keep=False):
    """The frames that h1 made of what send(dev) gave it."""
    end = eth(b'end %6d' % next(serial) + bytes(50), ETH_P_TEST)
    capture.drain()
    send(dev)
    dev.send_frame(end)
    packets = capture.receive_until(lambda p: p.data.endswith(end))
    by_id = {}
    for p in packets:
        if ours(p):
            by_id.setdefault(parse_segment(p.data[ETH_HLEN:]).id,
                             []).append(p)
    frames = [Frame(ps) for ps in by_id.values()]
    if keep:
        for f in frames:
            for p in f.packets:
                save(p.data)
            pcap_ids.write('0x%016x\n' % f.stt.id)
    return frames


def check_frame(name, dev, send, inner, *, flags=0, l4=0, mss=0, vlan=0,
                size=None, id=ID, keep=False):
    """One frame comes of it, with these fields and no more wrong with it than
    with any other; cut into segments of @size, if given."""
    frames = sent(dev, send, keep)
    if len(frames) != 1:
        return not_ok(name, '%d frames' % len(frames))
    f = frames[0]
    got = dict(flags=f.stt.flags, l4=f.stt.l4, mss=f.stt.mss, vlan=f.stt.vlan,
               id=f.stt.id)
    want = dict(flags=flags, l4=l4, mss=mss, vlan=vlan, id=id)
    if size:
        got['segments'] = [len(s.data) for s in f.segments]
        n = len(inner) + HLEN
        want['segments'] = [min(size, n - a) for a in range(0, n, size)]
    return check(name, got == want and f.stt.inner == inner and not f.wrong,
                 'got    %s' % got, 'wanted %s' % want,
                 '' if f.stt.inner == inner else 'inner  ' +
                 show(f.stt.inner), '' if f.stt.inner == inner else
                 'not    ' + show(inner), *f.wrong[:8])


def offloads(mode):
    """Underlay device: 'software' cuts and sums before the wire, 'tso'
    leaves it to the far end of the veth pair."""
    on = 'on' if mode == 'tso' else 'off'
    in_ns(h1, 'ethtool', '-K', 'eth0', 'tx', on, 'tso', on, 'gso', on)


# --- inner packets -----------------------------------------------------------


def plain(n=100, salt=0):
    return eth(pattern(n, salt), ETH_P_TEST)


def tcp_packet(n, *, v6=False, partial=True, ext=b'', options=b'', salt=0,
               sport=1000, ipargs=None, **args):
    """(Ethernet frame, offset of the TCP header)"""
    src, dst = (A6, B6) if v6 else (A4, B4)
    seg = tcp(pattern(n, salt), src, dst, partial=partial, sport=sport, **args)
    packet = ip(seg, src, dst, 60 if ext else 6, ext=ext, options=options,
                **(ipargs or {}))
    return (eth(packet, ETH_P_IPV6 if v6 else ETH_P_IP),
            14 + len(packet) - len(seg))


def udp_packet(n, *, v6=False, partial=True, salt=0, sport=1000, ipargs=None,
               **args):
    src, dst = (A6, B6) if v6 else (A4, B4)
    seg = udp(pattern(n, salt), src, dst, partial=partial, sport=sport,
              **args)
    packet = ip(seg, src, dst, 17, **(ipargs or {}))
    return (eth(packet, ETH_P_IPV6 if v6 else ETH_P_IP),
            14 + len(packet) - len(seg))


def gso(inner, at, size, v6=False, **args):
    """What hands an inner packet over with TCP GSO."""
    return lambda dev: dev.send_frame(
        inner, gso_type=GSO_TCPV6 if v6 else GSO_TCPV4, gso_size=size,
        hdr_len=at + 20, csum_start=at, **args)


def unsummed(inner, at, is_udp=False):
    return lambda dev: dev.send_frame(inner, csum_start=at, hdr_len=at + 8,
                                      csum_offset=6 if is_udp else 16)


def finished(inner):
    return lambda dev: dev.send_frame(inner)


# --- W1 to W4, W6, W10: how frames are cut -----------------------------------


def cutting():
    for mode in 'software', 'tso':
        offloads(mode)
        for fam, dev, room in DEVICES:
            size = room if mode == 'software' else None
            keep = mode == 'software'
            note = '%s, %s: ' % (fam, mode)
            check_frame(note + 'a small frame (W3, W4, W6)', dev,
                        finished(plain()), plain(), size=size, keep=keep)
            check_frame(note + 'the smallest frame', dev,
                        finished(plain(0)), plain(0), size=size)
            for n in room - 18 - 14, room - 18 - 13, 2 * room - 18 - 14, 8986:
                check_frame(note + 'a frame of %d bytes (W1, W3, W4)' %
                            (n + 32), dev, finished(plain(n)), plain(n),
                            size=size, keep=keep and n < 8000)
            for n, mss, v6 in ((30000, 1400, False), (30000, 1400, True),
                               (64000, 1448, False), (65000, 536, True),
                               (5000, 48, False)):
                inner, at = tcp_packet(n, v6=v6, flags=ACK | PSH)
                check_frame(note + 'inner GSO, %d bytes, MSS %d, %s (W3, W4, '
                            'W7, W10)' % (n, mss, 'v6' if v6 else 'v4'), dev,
                            gso(inner, at, mss, v6), inner,
                            flags=P | T | (0 if v6 else V), l4=at, mss=mss,
                            size=size, keep=keep and n == 5000)

            # What TSO is told.
            if mode == 'tso':
                inner, at = tcp_packet(20000)
                p = sent(dev, gso(inner, at, 1000))[0].packets
                v6 = fam == 'v6'
                check_eq(note + 'TSO gets it in one piece (W3, W12)',
                         [(x.flags, x.gso_type, x.gso_size, x.csum_start,
                           x.csum_offset) for x in p],
                         [(NEEDS_CSUM, GSO_TCPV6 if v6 else GSO_TCPV4, room,
                           54 if v6 else 34, 16)])
    offloads('software')


# --- W7: what is said of the inner packet ------------------------------------


def describing():
    ext = dest_opts(6, 24)
    kinds = []
    for v6 in False, True:
        six = ', IPv6' if v6 else ', IPv4'
        v = 0 if v6 else V
        inner, at = tcp_packet(4000, v6=v6)
        kinds += [('TCP, GSO' + six, gso(inner, at, 1000, v6), inner,
                   P | T | v, at, 1000),
                  ('TCP, unfinished checksum' + six, unsummed(inner, at),
                   inner, P | T | v, at, 0)]
        inner, at = tcp_packet(400, v6=v6, partial=False)
        kinds.append(('TCP, checksum of unknown quality' + six,
                      finished(inner), inner, 0, 0, 0))
        inner, at = udp_packet(4000, v6=v6)
        kinds.append(('UDP, unfinished checksum' + six,
                      unsummed(inner, at, True), inner, P | v, at, 0))
        inner, at = udp_packet(400, v6=v6, partial=False)
        kinds.append(('UDP' + six, finished(inner), inner, 0, 0, 0))
        inner, at = udp_packet(400, v6=v6, partial=False, zero=True)
        kinds.append(('UDP without checksum' + six, finished(inner), inner,
                      0, 0, 0))
        src, dst = (A6, B6) if v6 else (A4, B4)
        proto = ETH_P_IPV6 if v6 else ETH_P_IP
        for name, number in (('ICMP', 58 if v6 else 1), ('SCTP', 132),
                             ('ESP', 50), ('IPv4 in it', 4), ('GRE', 47),
                             ('nothing known', 253)):
            inner = eth(ip(pattern(100), src, dst, number), proto)
            kinds.append((name + six, finished(inner), inner, 0, 0, 0))

    inner, at = tcp_packet(4000, options=bytes([1] * 16))
    kinds.append(('TCP behind IPv4 options', gso(inner, at, 900), inner,
                  P | T | V, at, 900))
    inner, at = tcp_packet(4000, v6=True, ext=ext)
    kinds.append(('TCP behind IPv6 options, GSO', gso(inner, at, 900, True),
                  inner, P | T, at, 900))
    inner, at = tcp_packet(100, v6=True, ext=ext)
    kinds.append(('TCP behind IPv6 options', unsummed(inner, at), inner,
                  P | T, at, 0))
    whole = tcp(pattern(800), A4, B4)
    for name, frag, part in (('first', 0x2000, whole[:400]),
                             ('later', 50, whole[400:])):
        inner = eth(ip(part, A4, B4, 6, df=False, frag=frag, ident=7),
                    ETH_P_IP)
        kinds.append((name + ' fragment, IPv4', finished(inner), inner, 0, 0,
                      0))
    whole = tcp(pattern(800), A6, B6)
    for name, frag, part in (('first', 1, whole[:400]),
                             ('later', 400, whole[400:])):
        inner = eth(ip(part, A6, B6, 44, ext=struct.pack(
            '!BBHI', 6, 0, frag, 7)), ETH_P_IPV6)
        kinds.append((name + ' fragment, IPv6', finished(inner), inner, 0, 0,
                      0))
    inner = eth(struct.pack('!HHBBH', 1, ETH_P_IP, 6, 4, 1) + bytes(20),
                ETH_P_ARP, dst='ff:ff:ff:ff:ff:ff')
    kinds.append(('ARP', finished(inner), inner, 0, 0, 0))
    kinds.append(('no IP', finished(plain()), plain(), 0, 0, 0))
    short = eth(b'\x45', ETH_P_IP)
    kinds.append(('a piece of IP', finished(short), short, 0, 0, 0))

    for fam, dev, _ in DEVICES:
        for name, send, inner, flags, l4, mss in kinds:
            check_frame('%s: %s (W7)' % (fam, name), dev, send, inner,
                        flags=flags, l4=l4, mss=mss,
                        # What others are filled with is no such packet.
                        keep=len(inner) < 1000 and
                        name.startswith(('TCP', 'UDP', 'ARP', 'no IP')))


# --- W9: VLAN ----------------------------------------------------------------


def vlans():
    def add(name, link, *args):
        run('ip', '-n', h1, 'link', 'add', 'link', link, 'name', name, 'type',
            'vlan', *args)
        run('ip', '-n', h1, 'link', 'set', name, 'up')
        return Wire(h1, name)

    for fam, dev, _ in DEVICES:
        tci_field = [(0x0064, 0x1064), (0xe064, 0xf064), (0x0000, 0x1000),
                     (0xa000, 0xb000), (0x0fff, 0x1fff), (0x3001, 0x3001)]
        for tci, field in tci_field:
            inner, at = tcp_packet(3000)
            tagged = vlan_tag(inner, tci)
            check_frame('%s: tag %#06x in the packet (W9)' % (fam, tci), dev,
                        gso(tagged, at + 4, 1000), inner, flags=P | V | T,
                        l4=at, mss=1000, vlan=field)
        check_frame('%s: tag on no IP (W9)' % fam, dev,
                    finished(vlan_tag(plain(), 5)), plain(), vlan=0x1005)
        inner, at = tcp_packet(3000)
        second = vlan_tag(vlan_tag(inner, 7), 6)
        check_frame('%s: second tag stays inside (W9)' % fam, dev,
                    unsummed(second, at + 8), vlan_tag(inner, 7),
                    flags=P | V | T, l4=at + 4, vlan=0x1006)
        ad = vlan_tag(inner, 0x3009, ETH_P_8021AD)
        check_frame('%s: 802.1ad stays inside (W9)' % fam, dev,
                    unsummed(ad, at + 4), ad, flags=P | V | T, l4=at + 4)
        qinq = vlan_tag(vlan_tag(inner, 7), 6, ETH_P_8021AD)
        check_frame('%s: 802.1Q in 802.1ad stays inside (W9)' % fam, dev,
                    unsummed(qinq, at + 8), qinq, flags=P | V | T, l4=at + 8)

    v100 = add('v100', 'stt4', 'id', '100', 'egress-qos-map', '0:5')
    inner, at = tcp_packet(30000)
    frames = []

    def through(vlan_dev, packet, at):
        """Send by another device; the end still comes by stt4."""
        return lambda _: gso(packet, at, 1000)(vlan_dev)

    def through_single(vlan_dev, packet, at):
        """The same without GSO, which the stack resolves above two tags."""
        return lambda _: unsummed(packet, at)(vlan_dev)

    check_frame('an 802.1Q device (W9)', stt4, through(v100, inner, at),
                inner, flags=P | V | T, l4=at, mss=1000, vlan=0xb064)
    # The port is the same whether the tag is beside or in the packet.
    frames = sent(stt4, through(v100, inner, at))
    frames += sent(stt4, gso(vlan_tag(inner, 100), at + 4, 1000))
    frames += sent(stt4, unsummed(*tcp_packet(100)))
    check('one flow, one port, tagged or not (W5)',
          len(frames) == 3 and len({f.sport for f in frames}) == 1,
          [f.sport for f in frames])

    ad8 = add('ad8', 'stt4', 'proto', '802.1ad', 'id', '8')
    # Packet sockets put the network header where this device's would be, and
    # since 6.12 such a packet is not GSO's: large ones come tagged.
    tagged = vlan_tag(inner, 8, ETH_P_8021AD)
    check_frame('802.1ad, to be segmented (W9)', stt4,
                gso(tagged, at + 4, 1000), tagged, flags=P | V | T, l4=at + 4,
                mss=1000)
    inner, at = tcp_packet(3000)
    check_frame('an 802.1ad device (W9)', stt4,
                through_single(ad8, inner, at),
                vlan_tag(inner, 8, ETH_P_8021AD), flags=P | V | T, l4=at + 4)
    q9 = add('q9', 'ad8', 'id', '9')
    check_frame('802.1Q on 802.1ad (W9)', stt4,
                through_single(q9, inner, at),
                vlan_tag(vlan_tag(inner, 9), 8, ETH_P_8021AD),
                flags=P | V | T, l4=at + 8)
    q10 = add('q10', 'v100', 'id', '10')
    check_frame('802.1Q on 802.1Q (W9)', stt4,
                through_single(q10, inner, at), vlan_tag(inner, 10),
                flags=P | V | T, l4=at + 4, vlan=0xb064)
    for dev in v100, ad8, q9, q10:
        dev.close()


# --- W5: source ports --------------------------------------------------------


def ports():
    def ports_of(dev, packets):
        def send(dev):
            for p in packets:
                dev.send_frame(p)
        return [f.sport for f in sorted(sent(dev, send),
                                        key=lambda f: f.stt.inner)]

    def flows(n):
        """Packets of n flows each, by what tells them apart."""
        r = range(n)
        yield 'TCP ports', [tcp_packet(10, sport=1000 + i, partial=False)[0]
                            for i in r]
        yield 'UDP ports, IPv6', [udp_packet(10, v6=True, partial=False,
                                             sport=1000 + i)[0] for i in r]
        yield 'ICMP addresses', [eth(ip(bytes(20), A4, '10.9.0.%d' % i, 1),
                                     ETH_P_IP) for i in r]
        yield 'ICMPv6 addresses', [eth(ip(bytes(20), A6, 'fd00::9:%x' % i,
                                          58), ETH_P_IPV6) for i in r]
        yield 'ESP addresses', [eth(ip(bytes(20), '10.8.0.%d' % i, B4, 50),
                                    ETH_P_IP) for i in r]
        yield 'MACs', [eth(bytes(40), ETH_P_TEST,
                           dst='02:00:00:00:01:%02x' % i) for i in r]

    n = 100
    for fam, dev, _ in DEVICES:
        for name, packets in flows(n):
            got = ports_of(dev, packets)
            # 100 random draws from 16384 are nearly all different.
            check('%s: ports of %d flows that differ in %s (W5)' % (
                fam, n, name), len(got) == n and len(set(got)) >= n * 9 / 10
                and min(got) >= 49152 and max(got) <= 65535,
                '%d ports of %d' % (len(set(got)), len(got)),
                (min(got), max(got)))

    same = [tcp_packet(n, salt=n, seq=n * 1000, flags=f, partial=False)[0]
            for n, f in ((0, SYN), (100, ACK), (3000, ACK | PSH), (0, FIN))]
    check_eq('one TCP flow has one port (W5)', len(set(ports_of(stt4, same))),
             1)
    same = [udp_packet(n, salt=n, v6=True, partial=False)[0]
            for n in (1, 500, 8000)]
    check_eq('one UDP flow has one port (W5)', len(set(ports_of(stt4, same))),
             1)
    # Behind tags that stay in the packet, too.
    for tags, name in (((8,), '802.1ad'), ((9, 8), '802.1Q on 802.1ad')):
        def tagged(packet):
            for i, tag in enumerate(tags):
                packet = vlan_tag(packet, tag, ETH_P_8021AD
                                  if i == len(tags) - 1 else ETH_P_8021Q)
            return packet
        got = ports_of(stt4, [tagged(udp_packet(10, partial=False,
                                                sport=1000 + i)[0])
                              for i in range(n)])
        check('ports of %d flows behind %s (W5)' % (n, name),
              len(got) == n and len(set(got)) >= n * 9 / 10, len(set(got)))
        got = ports_of(stt4, [tagged(udp_packet(size, salt=size,
                                                partial=False)[0])
                              for size in (1, 500, 1200)])
        check('one flow behind %s has one port (W5)' % name,
              len(got) == 3 and len(set(got)) == 1, got)
    same = [eth(pattern(n, n), ETH_P_TEST) for n in (50, 500, 5000)]
    check_eq('one pair of MACs has one port (W5)',
             len(set(ports_of(stt4, same))), 1)

    for low, high in ((50000, 50003), (1024, 1024), (1, 65535)):
        run('ip', '-n', h1, 'link', 'add', 'range', 'type', 'stt', 'id', '3',
            'remote', '192.0.2.9', 'srcport', str(low), str(high))
        run('ip', '-n', h1, 'link', 'set', 'range', 'up')
        dev = Wire(h1, 'range')
        got = ports_of(dev, next(flows(64))[1])
        width = high - low + 1
        check('ports from %d to %d (W5)' % (low, high), len(got) == 64 and
              min(got) >= low and max(got) <= high and
              len(set(got)) >= min(width, 55) and
              (width < 1000 or max(got) - min(got) > width // 2),
              sorted(set(got)))
        dev.close()
        run('ip', '-n', h1, 'link', 'del', 'range')


# --- W11, W12: outer IP header -----------------------------------------------


def outer_headers():
    tests = []

    def expect(rule, field, options, packet, want, v6=False):
        tests.append((rule, field, options, packet, want, v6))

    def inner(size=100, v6=False, **ipargs):
        return udp_packet(size, v6=v6, partial=False, ipargs=ipargs)[0]

    for v6 in False, True:
        for options, packet, want in (
                ('', inner(ttl=9), 64), ('ttl 42', inner(ttl=9), 42),
                ('ttl 255', inner(v6=True), 255),
                ('ttl inherit', inner(ttl=9), 9),
                ('ttl inherit', inner(v6=True, ttl=7), 7),
                ('ttl inherit', plain(), 64), ('ttl auto', inner(ttl=9), 64)):
            expect('TTL', 'ttl', options, packet, want, v6)
        for options, packet, want in (
                ('', inner(tos=0xb8), 0), ('', inner(tos=0xba), 2),
                ('tos 0x48', inner(tos=0xb9), 0x49),
                ('tos 0x48', inner(v6=True, tos=0xbb), 0x4b),
                ('tos 0x48', plain(), 0x48),
                ('tos inherit', inner(tos=0xba), 0xba),
                ('tos inherit', inner(v6=True, tos=0x29), 0x29),
                ('tos inherit', plain(), 0)):
            expect('DSCP and ECN', 'tos', options, packet, want, v6)
    for options, packet, label in (
            ('', inner(v6=True, label=0xabcde), 0),
            ('flowlabel 0x12345', inner(v6=True, label=0xabcde), 0x12345),
            ('flowlabel inherit', inner(v6=True, label=0xabcde), 0xabcde),
            ('flowlabel inherit', inner(), 0)):
        expect('flow label', 'label', options, packet, label, True)
    for options, packet, want in (
            ('', inner(df=False), True), ('df set', inner(df=False), True),
            ('df unset', inner(df=True), False),
            ('df inherit', inner(df=True), True),
            ('df inherit', inner(df=False), False),
            ('df inherit', inner(v6=True), True),
            ('df unset', inner(8000), False)):
        expect('DF', 'df', options, packet, want)

    # One device for each, made and unmade in one go.
    for n in range(0, len(tests), 16):
        some = list(enumerate(tests[n:n + 16], n))
        ip_batch(h1, ['link add o%d mtu 9000 type stt id %d remote %s %s' % (
            i, 100 + i, '2001:db8::9' if t[5] else '192.0.2.9', t[2])
                      for i, t in some] +
                 ['link set o%d up' % i for i, _ in some])
        for i, (rule, field, options, packet, want, v6) in some:
            dev = Wire(h1, 'o%d' % i)
            frames = sent(dev, finished(packet))
            dev.close()
            name = '%s: %s with "%s", %s inside (W11)' % (
                'v6' if v6 else 'v4', rule, options,
                {b'\x08\0': 'IPv4', b'\x86\xdd': 'IPv6'}.get(packet[12:14],
                                                           'no IP'))
            if len(frames) != 1 or frames[0].wrong:
                not_ok(name, len(frames), *[f.wrong for f in frames])
                continue
            check_eq(name, (frames[0].stt.id, getattr(frames[0].ip, field)),
                     (100 + i, want))
            idents = {s.ip.ident for s in frames[0].segments}
            if len(packet) > 8000:
                check('v4: segments without DF have ids of their own (W12)',
                      len(idents) == len(frames[0].segments) == 6, idents)
        ip_batch(h1, ['link del o%d' % i for i, _ in some])

    # Path MTU as the route has it
    for name, remote, size in (('v4', '192.0.2.10', 701 - 40),
                               ('v6', '2001:db8::10', 1283 - 60)):
        run('ip', '-n', h1, 'link', 'add', 'pmtu', 'type', 'stt', 'id', '77',
            'remote', remote)
        run('ip', '-n', h1, 'link', 'set', 'pmtu', 'up')
        dev = Wire(h1, 'pmtu')
        packet, at = tcp_packet(20000)
        check_frame(name + ": segments fit the route's MTU (W12)", dev,
                    gso(packet, at, 1448), packet, flags=P | V | T, l4=at,
                    mss=1448, size=size, id=77)
        dev.close()
        run('ip', '-n', h1, 'link', 'del', 'pmtu')


def no_id_twice():
    check('%d frames had different ids (W2)' % len(seen_ids),
          len(seen_ids) > 1000)
    pcap.close()
    pcap_ids.close()


main([cutting, describing, vlans, ports, outer_headers, no_id_twice])
