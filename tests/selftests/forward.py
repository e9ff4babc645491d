# SPDX-License-Identifier: GPL-2.0
"""Checks of forward.sh and forward_tcp.sh, which draw the topologies."""

import itertools
import sys

from sttlib import *  # pylint: disable=wildcard-import,unused-wildcard-import

A4, B4, A6, B6 = '10.0.0.1', '10.0.0.3', 'fd00::1', 'fd00::3'
STRANGER = '02:00:00:00:00:77'
serial = itertools.count(1)


def features(ns, dev, **args):
    in_ns(ns, 'ethtool', '-K', dev, *[
        x for k, v in args.items() for x in (k, 'on' if v else 'off')])


# --- layouts -----------------------------------------------------------------


class TapDevice:
    """A TAP device whose packets come in the page fragments we say."""

    def __init__(self, ns, name, address):
        with netns(ns):
            self.fd = os.open('/dev/net/tun', os.O_RDWR)
            # IFF_TAP, IFF_NO_PI, IFF_VNET_HDR, IFF_NAPI, IFF_NAPI_FRAGS
            fcntl.ioctl(self.fd, 0x400454ca, struct.pack(
                '16sH22x', name.encode(), 0x0002 | 0x1000 | 0x4000 | 0x0010 |
                0x0020))
        ip_batch(ns, ['link set %s up' % name,
                      'addr add %s dev %s' % (address, name)])
        self.mac = mac(ns, name)

    def send_big(self, packet, size, linear, pieces):
        """An IPv4 packet with a partial checksum; @linear bytes, then
        @pieces page fragments, as equal as may be."""
        data = eth(packet, ETH_P_IP, self.mac)
        linear = max(linear, 60)
        head = VNET.pack(NEEDS_CSUM, GSO_TCPV4 if size else GSO_NONE, 54,
                         size, 34, 16)
        rest = max(len(data) - linear, 1)
        pieces = max(pieces, -(-rest // 4096), 1)
        step = -(-rest // pieces)
        os.writev(self.fd, [head, data[:linear]] + [
            data[i:i + step] for i in range(linear, len(data), step)])


def chunks(flow, data, cuts):
    """(packet with partial checksum, bytes of frame in it)"""
    id = new_id()
    edges = [0] + list(cuts) + [len(data)]
    return [(flow.segment(data, id, a, b, partial=True), b - a)
            for a, b in zip(edges, edges[1:])]


class Layouts:
    """Ways to bring a frame in.  Each is a function of the frame and the
    inner MSS."""

    def __init__(self, wire, tap):
        self.wire, self.tap = wire, tap
        self.v4 = Flow('192.0.2.1', '192.0.2.2')
        self.v6 = Flow('2001:db8::1', '2001:db8::2')
        self.by_tap = Flow('203.0.113.1', '203.0.113.2')

    def big(self, flow, data, cuts, hdr_len=54, size=1400, order=None):
        cs = chunks(flow, data, cuts)
        if order:
            order(cs)
        for packet, n in cs:
            self.wire.send_big(packet, size if n > size else 0,
                               hdr_len=hdr_len)

    def one_aggregate(self, data, mss):
        self.big(self.v4, data, [])

    def one_aggregate_over_ipv6(self, data, mss):
        self.big(self.v6, data, [], hdr_len=74)

    def one_with_inner_headers_linear(self, data, mss):
        self.big(self.v4, data, [], hdr_len=54 + 18 + 14 + 20 + 20)

    def one_with_much_linear(self, data, mss):
        self.big(self.v4, data, [], hdr_len=2500)

    def one_with_nothing_linear(self, data, mss):
        self.big(self.v4, data, [], hdr_len=14)

    def aggregates_shuffled(self, data, mss):
        self.big(self.v4, data, cut_every(data, 3333), order=random.shuffle)

    def aggregates_with_linear_parts(self, data, mss):
        self.big(self.v4, data, cut_every(data, 3000), hdr_len=1000,
                 order=random.shuffle)

    def segments(self, data, mss):
        self.wire.send(*self.v4.segments(data, cut_every(data, 1400)))

    def segments_over_ipv6_shuffled(self, data, mss):
        segs = self.v6.segments(data, cut_every(data, 1400))
        random.shuffle(segs)
        self.wire.send(*segs)

    def segments_backwards(self, data, mss):
        self.wire.send(*reversed(self.v4.segments(data,
                                                  cut_every(data, 1408))))

    def large_segments(self, data, mss):
        segs = self.v4.segments(data, cut_every(data, 8000))
        random.shuffle(segs)
        self.wire.send(*segs)

    def segments_of_inner_size(self, data, mss):
        """Cut just where the inner packet will be cut."""
        n = min(mss, 8000)
        first = HLEN + self.headers + n
        self.wire.send(*self.v4.segments(data, range(first, len(data), n)))

    def first_segment_headers_only(self, data, mss):
        cuts = [HLEN + self.headers] + list(range(HLEN + self.headers + 1400,
                                                  len(data), 1400))
        self.wire.send(*self.v4.segments(data, cuts))

    def small_segments(self, data, mss):
        self.wire.send(*self.v4.segments(data[:], cut_every(data, 200)))

    def overlapping_segments(self, data, mss):
        id = new_id()
        n = len(data)
        self.wire.send(*[self.v4.segment(data, id, max(a - 70, 0),
                                         min(a + 1300, n))
                         for a in range(0, n, 1300)])

    def ip_fragments(self, data, mss):
        for seg in self.v4.segments(data, cut_every(data, 20000)):
            self.ident += 1
            body = parse_ip(seg).payload
            for a in range(0, len(body), 1480):
                more = 0x2000 if a + 1480 < len(body) else 0
                self.wire.send(ip(body[a:a + 1480], self.v4.src, self.v4.dst,
                                  6, df=False, frag=more | a // 8,
                                  ident=self.ident))

    def page_fragments(self, data, mss):
        for packet, n in chunks(self.by_tap, data, []):
            self.tap.send_big(packet, 1400 if n > 1400 else 0, 120, 16)

    def page_fragments_in_several(self, data, mss):
        cs = chunks(self.by_tap, data, cut_every(data, 9000))
        random.shuffle(cs)
        for packet, n in cs:
            self.tap.send_big(packet, 1400 if n > 1400 else 0,
                              random.randrange(60, 300),
                              random.randrange(1, 17))

    def many_page_fragments(self, data, mss):
        """More than a packet can hold together, all of one size."""
        for packet, n in chunks(self.by_tap, data, cut_every(data, 4096)):
            self.tap.send_big(packet, 1400 if n > 1400 else 0, 60, 15)

    ALL = (one_aggregate, one_aggregate_over_ipv6,
           one_with_inner_headers_linear, one_with_much_linear,
           one_with_nothing_linear, aggregates_shuffled,
           aggregates_with_linear_parts, segments,
           segments_over_ipv6_shuffled, segments_backwards, large_segments,
           segments_of_inner_size, first_segment_headers_only, small_segments,
           overlapping_segments, ip_fragments, page_fragments,
           page_fragments_in_several, many_page_fragments)
    # What software GRO makes of these depends on the sender's device.
    GRO = (one_aggregate, one_aggregate_over_ipv6, aggregates_shuffled,
           aggregates_with_linear_parts)
    headers = 0
    ident = 0


def layouts(h1, h2, h3, h4):
    wire = Wire(h1, 'eth0', mac(h2, 'eth0'))
    sysctl(h2, 'reasm_time_ms', 10000)
    sysctl(h4, 'reasm_time_ms', 10000)
    sysctl(h2, 'reasm_max_frames_per_flow', 256)
    try:
        tap = TapDevice(h2, 'tap0', '203.0.113.2/25')
    except OSError as e:
        tap = None
        skip('page fragments of our own making', 'no TAP: %s' % e.strerror)
    makers = Layouts(wire, tap)
    ends = {1: Wire(h3, 'eth0').listen(), 2: Wire(h4, 'stt0').listen()}

    def inner_packet(n, v6, options):
        src, dst = (A6, B6) if v6 else (A4, B4)
        seg = tcp(pattern(n, n), src, dst, partial=True, flags=ACK | PSH,
                  seq=0xfffff000, options=options)
        packet = eth(ip(seg, src, dst, 6, df=False, ident=65530),
                     ETH_P_IPV6 if v6 else ETH_P_IP, STRANGER)
        return packet, len(packet) - len(seg), len(packet) - n

    def through(id, make, n, mss, v6=False, options=b''):
        """What arrives behind, and what is wrong with it."""
        inner, l4, makers.headers = inner_packet(n, v6, options)
        data = frame(inner, id=id, flags=P | T | (0 if v6 else V), l4=l4,
                     mss=mss)
        end = eth(b'end %6d' % next(serial) + bytes(50), ETH_P_TEST, STRANGER)
        make(makers, data, mss)
        wire.send(makers.v4.segment(frame(end, id=id), new_id()))
        got = [p for p in ends[id].receive_until(lambda p: p.data == end)
               if p.data[:6] == mac_bytes(STRANGER)]
        if id == 2 or len(got) == 1:
            # It went on as it was.
            if len(got) != 1 or got[0].data != inner or \
                    got[0].gso_size != (mss if mss < n else 0):
                return ['MSS %d: %d packets, %s' % (
                    mss, len(got), [(len(p.data), p.gso_size)
                                    for p in got[:4]])]
            return []
        return ['MSS %d: %s' % (mss, w) for w in stream_errors(
            got, pattern(n, n), seq=0xfffff000, flags=ACK | PSH, mss=mss,
            options=options)[:4]]

    # Header lengths: 54 (IPv4), 66 (with time stamps), 74 and 86 (IPv6).
    stamps = bytes([1, 1, 8, 10]) + bytes(8)
    sizes = ((3000, 48, False, b''), (3001, 54, False, b''),
             (3100, 66, False, stamps), (3100, 86, True, stamps),
             (9000, 101, False, b''), (41, 1448, False, b''),
             (30000, 1400, False, b''), (60000, 1448, False, stamps),
             (60001, 8191, True, b''))

    def run_all(note, id, makes):
        before = counters(h2)
        for make in makes:
            if 'page_fragments' in make.__name__ and not tap:
                continue
            why = []
            for n, mss, v6, options in sizes:
                # Not everything with everything: small cuts are slow.
                if make is Layouts.small_segments:
                    n = min(n, 20000)
                if mss < 100 and make not in thorough:
                    continue
                try:
                    why += through(id, make, n, mss, v6, options)
                except (OSError, TimeoutError) as e:
                    why.append('MSS %d: %r' % (mss, e))
            check('%s: %s (R12)' % (note, make.__name__.replace('_', ' ')),
                  not why, *why)
        now = counters(h2)
        diff = {k: now[k] - before[k] for k in now
                if k.startswith(('drop', 'reasm_nomem', 'reasm_evicted',
                                 'reasm_timeout')) and now[k] != before[k]}
        check('%s: nothing was dropped' % note, not diff, diff)

    thorough = {Layouts.one_aggregate, Layouts.aggregates_with_linear_parts,
                Layouts.segments, Layouts.segments_of_inner_size,
                Layouts.many_page_fragments, Layouts.ip_fragments}
    for egress in (dict(sg=True, tso=True), dict(sg=True, tso=False),
                   dict(sg=False)):
        name = 'to a device ' + (
            'without scatter-gather' if not egress['sg'] else
            'with TSO' if egress['tso'] else 'without TSO')
        features(h2, 'out0', tx=True)
        features(h2, 'out0', **egress)
        run_all(name, 1, Layouts.ALL)
        if egress.get('tso', True):
            continue
        features(h2, 'eth0', gro=True)
        for sg in True, False:
            features(h1, 'eth0', sg=sg, tso=False)
            run_all('%s, GRO of %s' % (name, 'page fragments' if sg else
                                       'linear packets'), 1, Layouts.GRO)
        features(h2, 'eth0', gro=False)
        features(h1, 'eth0', sg=True, tso=True)

    for egress in dict(tx=True, sg=True, tso=True), dict(tx=False, sg=False):
        features(h2, 'eth1', **egress)
        run_all('into another tunnel %s' % (
            'with TSO below' if egress['sg'] else
            'without scatter-gather below'), 2,
                Layouts.ALL if egress['sg'] else [
                    m for m in Layouts.ALL if m in thorough])
    for w in ends.values():
        w.close()


# --- TCP ---------------------------------------------------------------------


def tcp_through(h1, r, h2, h3, family):
    sysctl(h2, 'reasm_time_ms', 10000)
    sysctl(h1, 'reasm_time_ms', 10000)
    size = 1 << 19
    port = itertools.count(6000)
    modes = (('as they are', dict(sg=True, tso=True)),
             ('without TSO', dict(sg=True, tso=False)),
             ('without scatter-gather', dict(sg=False)))
    for (n1, f1), (n2, f2) in itertools.product(modes, modes):
        # The usual, and all that differ.
        if n1 == n2 and n1 != modes[0][0] or family == 'v6' and n1 > n2:
            continue
        for ns, dev, f in ((h1, 'eth0', f1), (h2, 'out0', f2),
                           (h2, 'eth0', f2), (h3, 'eth0', f1)):
            features(ns, dev, tx=True)
            features(ns, dev, **f)
        for b in (B4,) if family == 'v4' else (B6,):
            check_eq('%s: TCP both ways; sender %s, bridge %s (R12)' % (
                family, n1, n2), transfer(h3, b, h1, size, next(port)), '')
    for gro in False, True:
        for ns, dev in ((r, 'eth0'), (r, 'eth1')):
            run('ip', 'netns', 'exec', ns, 'tc', 'qdisc', 'replace', 'dev',
                dev, 'root', 'netem', 'limit', '10000', 'delay', '2ms',
                'reorder', '30%', '50%')
        features(h2, 'eth0', gro=gro)
        features(h1, 'eth0', gro=gro)
        stats = ethstats(h2, 'stt0')['rx_reassembled']
        check_eq('%s: TCP both ways, reordered below, GRO %s (R6, R12)' % (
            family, 'on' if gro else 'off'),
            transfer(h3, B4, h1, size, next(port)), '')
        check('%s: frames were put together' % family,
              ethstats(h2, 'stt0')['rx_reassembled'] > stats)


if sys.argv[1] == 'layouts':
    main([lambda: layouts(*sys.argv[2:])])
else:
    main([lambda: tcp_through(*sys.argv[2:])])
