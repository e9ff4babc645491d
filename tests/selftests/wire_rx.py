# SPDX-License-Identifier: GPL-2.0
"""Checks of wire_rx.sh, which draws the topology."""

import itertools
import sys

from sttlib import *  # pylint: disable=wildcard-import,unused-wildcard-import

h1, h2 = sys.argv[1:3]


wire = Wire(h1, 'eth0', mac(h2, 'eth0'))
gre = Wire(h1, 'gt0', mac(h2, 'gt0'))
FAMILIES = wire_families(h2)
(_, flow4, tap4), (_, flow6, tap6) = FAMILIES

serial = itertools.count(1)


def marker():
    """An inner packet that no other is."""
    return eth(b'marker %6d' % next(serial) + bytes(50), ETH_P_TEST)


def arrived(flow, tap, send):
    """What @tap got of what @send() sent."""
    end = marker()
    send()
    wire.send(flow.segment(frame(end), new_id()))
    return tap.receive_until(lambda p: p.data == end)


def packets_arrived(flow, tap, *packets):
    return arrived(flow, tap, lambda: wire.send(*packets))


def check_taken(name, flow, tap, inner, packets):
    """@packets make exactly the inner packets of the list @inner; nothing is
    counted but reassembly."""
    before = counters(h2)
    got = [p.data for p in packets_arrived(flow, tap, *packets)]
    after = {k: v for k, v in counted(h2, before).get('counted', {}).items()
             if k != 'reasm_ok'}
    check(name, got == inner and not after, 'got    ' + show(got),
          'wanted ' + show(inner), after or '')


def check_dropped(name, flow, tap, packets, **want):
    """Nothing comes of @packets but what is counted."""
    before = counters(h2)
    got = [p.data for p in packets_arrived(flow, tap, *packets)]
    wrong = counted(h2, before, **want)
    check(name, not got and not wrong, 'delivered: ' + show(got), wrong)


def plain(salt=0, size=100):
    """An inner packet that says nothing about itself."""
    return eth(pattern(size, salt), ETH_P_TEST)


# --- R2: outer checksum ------------------------------------------------------


def checksums():
    for fam, flow, tap in FAMILIES:
        f = frame(plain())
        check_taken('%s: checksum in software (R2)' % fam, flow, tap,
                    [plain()], [flow.segment(f, new_id())])
        check_taken('%s: checksum in software, two segments (R2)' % fam, flow,
                    tap, [plain()], flow.segments(f, [50]))
        check_dropped('%s: bad checksum (R2)' % fam, flow, tap,
                      [flow.segment(f, new_id(), bad=True)] * 3, drop_csum=3)
        check_dropped('%s: bad checksum of a part (R2)' % fam, flow, tap,
                      flow.segments(f, [50, 80], bad=True), drop_csum=3)
        odd = bytearray(flow.segment(f, new_id()))
        odd[-1] ^= 0x10
        check_dropped('%s: damaged byte (R2)' % fam, flow, tap, [bytes(odd)],
                      drop_csum=1)

        before = counters(h2)
        big = frame(plain(1, 4000))

        def send():
            wire.send_big(flow.segment(f, new_id(), partial=True), 0)
            wire.send_big(flow.segment(big, new_id(), partial=True), 1000)

        # The sender's device does not do checksums: they come complete.
        got = [p.data for p in arrived(flow, tap, send)]
        check('%s: finished by the sender (R2)' % fam,
              got == [plain(), plain(1, 4000)] and
              counted(h2, before, reasm_ok=1) == {}, show(got),
              counted(h2, before, reasm_ok=1))

        in_ns(h1, 'ethtool', '-K', 'eth0', 'tx', 'on', 'tso', 'on')
        before = counters(h2)
        got = [p.data for p in arrived(flow, tap, send)]
        check('%s: unfinished, from a trusted link (R2)' % fam,
              got == [plain(), plain(1, 4000)] and
              counted(h2, before) == {}, show(got), counted(h2, before))
        in_ns(h1, 'ethtool', '-K', 'eth0', 'tx', 'off')

    # CHECKSUM_COMPLETE, from the outer tunnel's checksum
    for fam, flow, tap in (
            ('v4', Flow('198.51.100.1', '198.51.100.2'), tap4),
            ('v6', Flow('2001:db8:5::1', '2001:db8:5::2'), tap6)):
        f = frame(plain(2))
        before = counters(h2)
        end = marker()
        gre.send(flow.segment(f, new_id()), *flow.segments(f, [18, 61]))
        gre.send(flow.segment(f, new_id(), bad=True))
        gre.send(flow.segment(f, new_id(), 0, 61, bad=True))
        gre.send(flow.segment(frame(end), new_id()))
        got = [p.data for p in tap.receive_until(lambda p: p.data == end)]
        wrong = counted(h2, before, reasm_ok=1, drop_csum=2)
        check('%s: complete sum from below (R2)' % fam,
              got == [plain(2)] * 2 and not wrong, show(got), wrong)


# --- R3, R4: the segment header ----------------------------------------------


def headers():
    for fam, flow, tap in FAMILIES:
        f = frame(plain())
        options = [bytes([1]) * n for n in range(4, 44, 4)]
        options += [bytes([8, 10]) + bytes(10), bytes([2, 255, 0, 0]),
                    bytes([0xff]) * 40]
        check_taken('%s: options are skipped (R3)' % fam, flow, tap,
                    [plain()] * len(options),
                    [flow.segment(f, new_id(), options=o) for o in options])
        check_taken('%s: options in parts of a frame (R3)' % fam, flow, tap,
                    [plain()],
                    flow.segments(f, [40, 41, 90], options=bytes(12)))
        check_dropped('%s: data offset below 5 (R3)' % fam, flow, tap,
                      [flow.segment(f, new_id(), doff=d) for d in range(5)],
                      drop_header=5)
        check_dropped('%s: data offset behind the end (R3)' % fam, flow, tap,
                      [flow.segment(f, new_id(), 0, 8, doff=d)
                       for d in (7, 8, 15)], drop_header=3)

        whole = parse_ip(flow.segment(f, new_id())).payload
        check_dropped('%s: truncated header (R3)' % fam, flow, tap,
                      [ip(whole[:n], flow.src, flow.dst, 6)
                       for n in (4, 8, 12, 13, 16, 18, 19)], drop_header=7)
        check_dropped('%s: empty segment (R3)' % fam, flow, tap,
                      [flow.segment(f, new_id(), 0, 0),
                       flow.segment(f, new_id(), 50, 50),
                       flow.segment(f, new_id(), 0, 0, options=bytes(8))],
                      drop_header=3)

        # Ethernet's padding is no part of the segment.
        id = new_id()
        check_taken('%s: tiny segments with link padding (R3, R5)' % fam,
                    flow, tap, [plain(0, 14)],
                    [flow.segment(frame(plain(0, 14)), id, a, a + 1) + bytes(6)
                     for a in range(len(frame(plain(0, 14))))])
        ident = [flow.segment(f, new_id(), tos=0, ttl=t) for t in (1, 255)]
        check_taken('%s: any TTL' % fam, flow, tap, [plain()] * 2, ident)
    with_options = [
        ip(parse_ip(flow4.segment(frame(plain()), new_id())).payload,
           flow4.src, flow4.dst, 6, options=o)
        for o in (bytes([1, 1, 1, 0]), bytes([148, 4, 0, 0]), bytes([1] * 40))]
    check_taken('v4: behind IP options', flow4, tap4, [plain()] * 3,
                with_options)


def ignored_fields():
    for fam, flow, tap in FAMILIES:
        whole, inner = [], []
        for i in range(256):
            f = frame(plain(i), flags=random.randrange(16) << 4,
                      reserved=random.randrange(256),
                      pad=random.randrange(1 << 16))
            whole.append(flow.segment(
                f, new_id(), flags=i, window=random.randrange(1 << 16),
                urg=random.randrange(1 << 16),
                reserved=random.randrange(16)))
            inner.append(plain(i))
        check_taken('%s: all TCP flags, window, urgent pointer, reserved '
                    '(R4)' % fam, flow, tap, inner, whole)
        parts, inner = [], []
        for i in range(64):
            f = frame(plain(i), flags=random.randrange(16) << 4,
                      reserved=255, pad=0xffff)
            id = new_id()
            for a in range(0, len(f), 40):
                parts.append(flow.segment(
                    f, id, a, min(a + 40, len(f)),
                    flags=random.randrange(256),
                    window=random.randrange(1 << 16),
                    urg=random.randrange(1 << 16),
                    reserved=random.randrange(16)))
            inner.append(plain(i))
        check_taken('%s: the same on parts (R4)' % fam, flow, tap, inner,
                    parts)
        # V, T, L4 offset and MSS mean nothing without P.
        p = arrived(flow, tap, lambda: wire.send(flow.segment(
            frame(plain(), flags=V | T | 0xf0, l4=77, mss=99), new_id())))
        check('%s: V, T, L4 offset and MSS without P (R10)' % fam,
              len(p) == 1 and p[0].data == plain() and not p[0].flags and
              not p[0].gso_type, p)


# --- R9: version -------------------------------------------------------------


def versions():
    for fam, flow, tap in FAMILIES:
        check_dropped('%s: versions other than 0 (R9)' % fam, flow, tap,
                      [flow.segment(frame(plain(), version=v), new_id())
                       for v in range(1, 256)], drop_version=255)
        check_dropped('%s: the same in parts (R9)' % fam, flow, tap,
                      flow.segments(frame(plain(), version=1), [1, 60]),
                      drop_version=1, reasm_ok=1)


# --- R10: offload fields -----------------------------------------------------

A4, B4, A6, B6 = '10.0.0.1', '10.0.0.2', 'fd00::1', 'fd00::2'


def inner_packets():
    """(name, packet, V, T, right L4 offset or None, payload of L4)"""
    data = pattern(200)
    ext = dest_opts(6, 16)
    return [
        ('TCP over IPv4', eth(ip(tcp(data, A4, B4, partial=True), A4, B4, 6),
                              ETH_P_IP), True, True, 34, 200),
        ('TCP over IPv6', eth(ip(tcp(data, A6, B6, partial=True), A6, B6, 6),
                              ETH_P_IPV6), False, True, 54, 200),
        ('UDP over IPv4', eth(ip(udp(data, A4, B4, partial=True), A4, B4, 17),
                              ETH_P_IP), True, False, 34, 200),
        ('UDP over IPv6', eth(ip(udp(data, A6, B6, partial=True), A6, B6, 17),
                              ETH_P_IPV6), False, False, 54, 200),
        ('TCP behind IPv4 options',
         eth(ip(tcp(data, A4, B4, partial=True), A4, B4, 6,
                options=bytes([1] * 12)), ETH_P_IP), True, True, 46, 200),
        ('TCP behind IPv6 options',
         eth(ip(tcp(data, A6, B6, partial=True), A6, B6, 60, ext=ext),
             ETH_P_IPV6), False, True, 70, 200),
        ('TCP behind a tag',
         vlan_tag(eth(ip(tcp(data, A4, B4, partial=True), A4, B4, 6),
                      ETH_P_IP), 7, ETH_P_8021AD), True, True, 38, 200),
        ('ICMP', eth(ip(b'\x08\0\0\0' + data, A4, B4, 1), ETH_P_IP), True,
         False, None, 0),
        ('SCTP', eth(ip(bytes(12) + data, A4, B4, 132), ETH_P_IP), True,
         False, None, 0),
        ('ARP', eth(bytes(28), ETH_P_ARP), False, False, None, 0),
        ('no IP', plain(3), False, False, None, 0),
        ('IPv4 fragment', eth(ip(tcp(data, A4, B4), A4, B4, 6, frag=0x2000,
                                 df=False), ETH_P_IP), True, True, None, 0),
        ('later IPv4 fragment', eth(ip(tcp(data, A4, B4), A4, B4, 6, frag=10,
                                       df=False), ETH_P_IP), True, True, None,
         0),
        ('IPv6 fragment',
         eth(ip(tcp(data, A6, B6), A6, B6, 44,
                ext=bytes([6, 0, 0, 1, 0, 0, 0, 9])), ETH_P_IPV6), False,
         True, None, 0),
        ('later IPv6 fragment',
         eth(ip(tcp(data, A6, B6), A6, B6, 44,
                ext=bytes([6, 0, 0, 8, 0, 0, 0, 9])), ETH_P_IPV6), False,
         True, None, 0),
        ('TCP header cut short',
         eth(ip(tcp(b'', A4, B4, partial=True)[:19], A4, B4, 6), ETH_P_IP),
         True, True, None, 0),
        ('TCP options cut short',
         eth(ip(tcp(b'', A4, B4, partial=True, doff=15), A4, B4, 6),
             ETH_P_IP), True, True, None, 0),
        ('TCP data offset 4',
         eth(ip(tcp(data, A4, B4, partial=True, doff=4), A4, B4, 6),
             ETH_P_IP), True, True, None, 0),
        ('UDP header cut short',
         eth(ip(udp(b'', A6, B6, partial=True)[:7], A6, B6, 17), ETH_P_IPV6),
         False, False, None, 0),
    ]


def expected(flags, l4, mss, is_v4, is_tcp, right, payload):
    """R10 and R12: None to drop, else (flags, gso size) of the packet."""
    if not flags & P:
        return (DATA_VALID if flags & C else 0), 0
    if flags & C or right is None or l4 != right:
        return None
    if bool(flags & V) != is_v4 or bool(flags & T) != is_tcp:
        return None
    if not mss:
        return NEEDS_CSUM, 0
    if not is_tcp or mss < 48 or mss == 0xffff:
        return None
    return NEEDS_CSUM, mss if mss < payload else 0


def with_tag(p):
    """The packet as it was before the stack took its tag out."""
    if not p.vlan:
        return p
    return p._replace(data=vlan_tag(p.data, p.vlan[1], p.vlan[0]),
                      csum_start=p.csum_start and p.csum_start + 4)


def contradictions():
    flow, tap = flow4, tap4
    for name, inner, is_v4, is_tcp, right, payload in inner_packets():
        natural = 54 if inner[12:14] == b'\x86\xdd' else 34
        at = right or natural
        l4s = sorted({0, at, at - 1, at + 1, 200, 255})
        msss = (0, 1, 47, 48, 199, 200, 1400, 0xfffe, 0xffff)
        if right is None:
            l4s, msss = (0, at, 255), (0, 48, 0xffff)
        elif 'behind' in name:
            l4s, msss = (at - 4, at, natural), (0, 47, 48)
        sent, want, drops = [], [], 0
        for flags, l4, mss in itertools.product(range(16), l4s, msss):
            # What does not depend on P needs no trying with every value.
            if not flags & P and (l4, mss) not in ((0, 0), (255, 48)):
                continue
            # The source MAC says which one it is.
            tagged = inner[:6] + struct.pack('!HBBH', 0x0200, flags, l4,
                                             mss) + inner[12:]
            sent.append(flow.segment(frame(tagged, flags=flags, l4=l4,
                                           mss=mss), new_id()))
            e = expected(flags, l4, mss, is_v4, is_tcp, right, payload)
            if e is None:
                drops += 1
                continue
            gso = GSO_NONE
            if e[1]:
                gso = GSO_TCPV4 if is_v4 else GSO_TCPV6
            start = (right, 16 if is_tcp else 6) if e[0] & NEEDS_CSUM else (
                0, 0)
            want.append((tagged, e[0], gso, e[1]) + start)
        before = counters(h2)
        before_errors = linkstats(h2, 'stt4')['rx_errors']
        got = [(p.data, p.flags, p.gso_type, p.gso_size, p.csum_start,
                p.csum_offset) for p in map(
                    with_tag, packets_arrived(flow, tap, *sent))]
        wrong = counted(h2, before, drop_offload=drops)
        errors = linkstats(h2, 'stt4')['rx_errors'] - before_errors
        odd = [x for x in got if x not in want][:4]
        missing = [x for x in want if x not in got][:4]

        def say(xs):
            return ['%s: mac %s, %s' % (
                name, x[0][6:12].hex(), x[1:]) for x in xs]

        check('offload fields with %s: %d taken, %d refused (R10, R12)' % (
            name, len(want), drops),
            got == want and not wrong and errors == drops,
            'too much:', *say(odd), 'missing:', *say(missing), wrong,
            '%d device errors' % errors)


def extension_headers():
    """An L4 header behind more than eight of these is none (R8a)."""
    flow, tap = flow4, tap4
    for n in 8, 9, 140:
        ext = b''.join(dest_opts(60 if i < n - 1 else 6, 8) for i in range(n))
        inner = eth(ip(tcp(pattern(200), A6, B6, partial=True), A6, B6, 60,
                       ext=ext), ETH_P_IPV6)
        before = counters(h2)
        got = packets_arrived(flow, tap, flow.segment(
            frame(inner, flags=P | T, l4=min(54 + 8 * n, 255)), new_id()))
        wrong = counted(h2, before, drop_offload=int(n > 8))
        check('TCP behind %d extension headers is %s (R8a, R10)' % (
            n, 'refused' if n > 8 else 'taken'),
            [p.data for p in got] == ([] if n > 8 else [inner]) and not wrong,
            show([p.data for p in got]), wrong)
        before = counters(h2)
        got = packets_arrived(flow, tap, flow.segment(frame(inner), new_id()))
        check('the packet arrives unchanged without offloads',
              [p.data for p in got] == [inner] and not counted(h2, before),
              show([p.data for p in got]), counted(h2, before))


# --- R11: which device -------------------------------------------------------


def ip_cmd(*args):
    run('ip', '-n', h2, *args)


def add_device(name, *args):
    ip_cmd('link', 'add', name, 'type', 'stt', *args)
    ip_cmd('link', 'set', name, 'up')
    return Wire(h2, name).listen()


def devices():
    local, local2 = '192.0.2.2', '192.0.2.4'
    remote, remote2 = '192.0.2.1', '192.0.2.3'
    taps = {
        'id only': add_device('d0', 'id', '5'),
        'local': add_device('d1', 'id', '5', 'local', local),
        'remote': add_device('d2', 'id', '5', 'remote', remote),
        'both': add_device('d3', 'id', '5', 'remote', remote, 'local', local),
    }
    order = ('both', 'remote', 'local', 'id only')
    fits = {'both': (remote, local), 'remote': (remote, None),
            'local': (None, local), 'id only': (None, None)}

    def pick(src, dst):
        for d in order:
            if d in taps and fits[d][0] in (None, src) and \
                    fits[d][1] in (None, dst):
                return d
        return None

    def who(src, dst, salt):
        """Devices that got a frame, whole and in parts."""
        flow = Flow(src, dst)
        f = frame(plain(salt), id=5)
        wire.send(flow.segment(f, new_id()), *flow.segments(f, [50]))
        return flow

    for gone in (None,) + order:
        if gone:
            taps.pop(gone).close()
            ip_cmd('link', 'del', {'id only': 'd0', 'local': 'd1',
                                   'remote': 'd2', 'both': 'd3'}[gone])
        for salt, (src, dst) in enumerate(itertools.product(
                (remote, remote2), (local, local2))):
            before = counters(h2)
            who(src, dst, salt)
            # The marker's device is fed from the same CPU, behind.
            packets_arrived(flow4, tap4)
            got = {d: [p.data for p in t.drain()] for d, t in taps.items()}
            want = {d: [] for d in taps}
            d = pick(src, dst)
            if d:
                want[d] = [plain(salt)] * 2
                wrong = counted(h2, before, reasm_ok=1)
            else:
                # The frame in parts finds no device, sooner or later.
                now = counters(h2)
                drops = {k: now[k] - before[k] for k in
                         ('drop_no_device', 'drop_peer')}
                wrong = {} if drops['drop_no_device'] in (1, 2) else drops
            check('without %s: %s to %s goes to %s (R11)' % (
                gone, src, dst, d), got == want and not wrong, got, wrong)

    # The same as four devices of IPv6 would be; one is enough to see that
    # families are apart.
    t6 = add_device('d6', 'id', '6', 'local', '2001:db8::2')
    before = counters(h2)
    wire.send(flow6.segment(frame(plain(9), id=6), new_id()),
              flow4.segment(frame(plain(9), id=6), new_id()))
    packets_arrived(flow4, tap4)
    got = [p.data for p in t6.drain()]
    check('an id of the other family is another (R11)', got == [plain(9)] and
          not counted(h2, before, drop_no_device=1), show(got),
          counted(h2, before))
    t6.close()
    ip_cmd('link', 'del', 'd6')


def ids():
    other = [0, 2, 3, 0x0100000000000000, 1 << 32, 1 << 32 | 1, 1 << 63 | 1,
             0xffff000000000001, (1 << 64) - 1, 257]
    check_dropped('other context ids (R11)', flow4, tap4,
                  [flow4.segment(frame(plain(), id=i), new_id())
                   for i in other], drop_no_device=len(other))
    wide = [(1 << 64) - 1, 0, 1 << 32, 1 << 63, 0x0123456789abcdef]
    taps = [add_device('w%d' % n, 'id', hex(i)) for n, i in enumerate(wide)]
    wire.send(*[flow4.segment(frame(plain(n), id=i), new_id())
                for n, i in enumerate(wide)])
    packets_arrived(flow4, tap4)
    got = [[p.data for p in t.drain()] for t in taps]
    check_eq('64-bit context ids (R11)', got, [[plain(n)] for n in
                                               range(len(wide))])
    port = add_device('p2', 'id', '1', 'dstport', '7472')
    flow = Flow('192.0.2.1', '192.0.2.2', dport=7472)
    before = counters(h2)
    got4 = packets_arrived(flow4, tap4, flow.segment(frame(plain(1)),
                                                     new_id()))
    got = [p.data for p in port.drain()]
    check('ports have devices of their own (R11)',
          got == [plain(1)] and not got4 and not counted(h2, before),
          show(got), got4)
    ip_cmd('link', 'set', 'p2', 'down')
    check_dropped('a device that is down gets nothing (R11)', flow4, tap4,
                  [flow.segment(frame(plain(1)), new_id())],
                  drop_no_device=1)
    for n, t in enumerate(taps):
        t.close()
        ip_cmd('link', 'del', 'w%d' % n)
    port.close()
    ip_cmd('link', 'del', 'p2')


# --- R13: tags ---------------------------------------------------------------


def tags():
    for fam, flow, tap in FAMILIES:
        fields = [0x1000, 0x1001, 0xf000, 0xf064, 0x1fff, 0xffff, 0x3064,
                  0x0000, 0x0064, 0xe000, 0xefff]
        got = [(p.data, p.vlan) for p in packets_arrived(flow, tap, *[
            flow.segment(frame(plain(n), vlan=v), new_id())
            for n, v in enumerate(fields)])]
        want = [(plain(n), (ETH_P_8021Q, v & 0xefff) if v & 0x1000 else None)
                for n, v in enumerate(fields)]
        check_eq('%s: PCP, V and VID (R13)' % fam, got, want)
        inner = vlan_tag(plain(4), 0x2005)
        got = [(p.data, p.vlan) for p in packets_arrived(
            flow, tap, flow.segment(frame(inner, vlan=0x7007), new_id()))]
        check_eq('%s: a tag inside stays inside (R13)' % fam, got,
                 [(inner, (ETH_P_8021Q, 0x6007))])
    # 802.1Q devices
    ip_cmd('link', 'add', 'link', 'stt4', 'name', 'v100', 'type', 'vlan',
           'id', '100')
    ip_cmd('link', 'set', 'v100', 'up')
    v100 = Wire(h2, 'v100').listen()
    packets_arrived(flow4, tap4,
                    flow4.segment(frame(plain(1), vlan=0x1064), new_id()),
                    flow4.segment(frame(plain(2), vlan=0x1065), new_id()),
                    flow4.segment(frame(plain(3), vlan=0xf064), new_id()),
                    flow4.segment(frame(plain(4)), new_id()))
    check_eq('a VLAN device gets its own (R13)',
             [p.data for p in v100.drain()], [plain(1), plain(3)])


def inner_lengths():
    """With P the inner IP packet holds its L4 header."""
    pad = b'\xaa' * 6
    tcp4 = ip(tcp(pattern(200), A4, B4, partial=True), A4, B4, 6)
    tcp6 = ip(tcp(pattern(200), A6, B6, partial=True), A6, B6, 6)
    udp4 = ip(udp(pattern(20), A4, B4, partial=True), A4, B4, 17)
    udp6 = ip(udp(pattern(20), A6, B6, partial=True), A6, B6, 17)
    opt4 = ip(tcp(pattern(200), A4, B4, partial=True, options=bytes([1] * 12)),
              A4, B4, 6)
    for name, packet, flags, l4, right, least, mss in (
            ('TCP', tcp4, P | V | T, 34, 240, 40, 0),
            ('TCP options', opt4, P | V | T, 34, 252, 52, 0),
            ('TCP over IPv6', tcp6, P | T, 54, 220, 20, 0),
            ('UDP', udp4, P | V, 34, 48, 28, 0),
            ('UDP over IPv6', udp6, P, 54, 28, 8, 0),
            ('TCP, MSS', tcp4, P | V | T, 34, 240, 40, 100),
            ('TCP over IPv6, MSS', tcp6, P | T, 54, 220, 20, 100)):
        v6 = not flags & V
        proto = ETH_P_IPV6 if v6 else ETH_P_IP
        for length in (0, least - 1, least, right, right + 1):
            inner = eth(put16(packet, 4 if v6 else 2, length), proto)
            good = length >= least
            before = counters(h2)
            got = packets_arrived(flow4, tap4, flow4.segment(
                frame(inner, flags=flags, l4=l4, mss=mss), new_id()))
            wrong = counted(h2, before, drop_offload=int(not good))
            check('inner IP length %d of %s is %s (R10)' % (
                length, name, 'accepted' if good else 'refused'),
                len(got) == good and not wrong, got, wrong)
        # A packet that is cut must not have it as payload.
        inner = eth(packet, proto)
        got = packets_arrived(flow4, tap4, flow4.segment(
            frame(inner + pad, flags=flags, l4=l4, mss=mss), new_id()))
        check('padding behind the inner IP packet is %s: %s (R10, R12)' % (
            'removed' if mss else 'accepted', name),
            [p.data for p in got] == [inner if mss else inner + pad], got)


# However slow the machine is, the parts of a frame come in time.
sysctl(h2, 'reasm_time_ms', 10000)

main([checksums, headers, ignored_fields, versions, contradictions,
      extension_headers, inner_lengths, devices,
      ids, tags])
