# SPDX-License-Identifier: GPL-2.0
"""Checks of partial.sh, which draws the topology."""

import itertools
import sys
import time

from sttlib import *  # pylint: disable=wildcard-import,unused-wildcard-import

h1, h2 = sys.argv[1:3]

wire = Wire(h1, 'eth0', mac(h2, 'eth0'))
taps = {dev: Wire(h2, dev).listen() for dev in ('stt4', 'stt6', 'never')}
OUTER = (('v4', '192.0.2.1', '192.0.2.2', 'stt4'),
         ('v6', '2001:db8::1', '2001:db8::2', 'stt6'))
sports = itertools.cycle(range(50001, 60000))
serial = itertools.count(1)
WINDOW = 3
MSS = 1000
SEG = 1400
STAMPS = bytes([1, 1, 8, 10]) + bytes(range(8))
SACK = bytes([1, 1, 5, 10]) + bytes(range(8))


def inner_tcp(n, *, v6=False, flags=ACK | PSH, options=STAMPS, df=True,
              urg=0, tos=0, seq=1000, ext=b'', pad=0):
    """An inner TCP packet with n bytes of payload: (Ethernet frame, L4 offset,
    length of its headers)."""
    src, dst = ('fd00::1', 'fd00::2') if v6 else ('10.0.0.1', '10.0.0.2')
    seg = tcp(pattern(n), src, dst, seq=seq, flags=flags, options=options,
              urg=urg, partial=True)
    packet = ip(seg, src, dst, 60 if ext else 6, df=df, tos=tos, ext=ext)
    l4 = ETH_HLEN + len(packet) - len(seg)
    return (eth(packet, ETH_P_IPV6 if v6 else ETH_P_IP) + bytes(pad), l4,
            l4 + 20 + len(options))


# A flow without a segment for this long looks idle (STT_FLOW_IDLE, or less).
IDLE = 0.008


class Pace:
    """The longest time between two packets of a test."""

    last, longest = None, 0

    @classmethod
    def begin(cls):
        cls.last, cls.longest = None, 0

    @classmethod
    def mark(cls):
        now = time.monotonic()
        if cls.last is not None:
            cls.longest = max(cls.longest, now - cls.last)
        cls.last = now


def undisturbed(scenario):
    """Check what scenario() returns: [(name, got, wanted)]. Once more if that is
    wrong and the machine stopped between two packets for so long that their
    flow looked idle."""
    for _ in range(50):
        Pace.begin()
        results = scenario()
        if Pace.longest < IDLE or all(r[1] == r[2] for r in results):
            break
    for result in results:
        check_eq(*result)


class Lossy:
    """A flow of frames that lose segments. Unless it is fresh it has shown
    that its path reorders segments: what comes of a frame is held back."""

    def __init__(self, outer, dev=None, id=1, fresh=False):
        self.fam, src, dst, self.dev = outer
        self.dev = dev or self.dev
        self.flow = Flow(src, dst, next(sports))
        self.id = id
        if not fresh:
            self.reorder()

    def reorder(self):
        """A frame whose second segment overtakes the first."""
        data = self.frame(eth(b'newer %6d' % next(serial) + bytes(900),
                              ETH_P_TEST))
        new = new_id()
        for part in (300, 600), (0, 300), (600, len(data)):
            self.send(data, new, *part)

    def frame(self, inner, **args):
        return frame(inner, id=self.id, **args)

    def send(self, data, id, start, end, **args):
        """A segment, or an aggregate."""
        Pace.mark()
        if end - start <= SEG:
            wire.send(self.flow.segment(data, id, start, end, **args))
        else:
            wire.send_big(self.flow.segment(data, id, start, end,
                                            partial=True, **args), SEG)
        Pace.mark()

    def lose(self, data, parts, lost=2):
        """A new frame without one of its parts, which is returned. What
        stands before it is sent at once, and so is what is behind: a machine
        that stops in between for so long that it looks like silence on the
        path then delivers the same packets."""
        new = new_id()
        start, end = parts[lost]
        for run in (0, start), (end, len(data)):
            if run[0] < run[1]:
                self.send(data, new, *run)
        return self.flow.segment(data, new, start, end)

    def whole(self, n=1):
        """Newer frames of the flow, that come whole."""
        for _ in range(n):
            Pace.mark()
            inner = eth(b'newer %6d' % next(serial) + bytes(50), ETH_P_TEST)
            wire.send(self.flow.segment(self.frame(inner), new_id()))

    def got(self):
        """What was delivered since, without the newer frames; another flow
        makes the end."""
        Pace.mark()
        end = eth(b'marker %6d' % next(serial) + bytes(50), ETH_P_TEST)
        flow = Flow(self.flow.src, self.flow.dst, 40000)
        wire.send(flow.segment(self.frame(end), new_id()))
        return [p for p in taps[self.dev].receive_until(
            lambda p: p.data == end) if p.data[14:19] != b'newer']


def pieces(data, cuts):
    edges = [0] + list(cuts) + [len(data)]
    return list(zip(edges, edges[1:]))


def runs(parts, lost):
    """The stretches of bytes that are left."""
    out = []
    for i, (a, b) in enumerate(parts):
        if i in lost:
            continue
        if out and out[-1][1] == a:
            out[-1][1] = b
        else:
            out.append([a, b])
    return out


def wrong_part(p, want, payload, mss, options, seq, vlan, tos):
    """What is wrong with a packet that should hold bytes a to b."""
    a, b, flags = want
    t = parse_tcp(p)
    why = []
    if t is None:
        return ['not TCP']
    if t.payload != payload[a:b]:
        why.append('%d bytes from seq %d, wanted %d to %d' % (
            len(t.payload), t.seq - seq, a, b))
    if t.seq != seq + a:
        why.append('seq %d, wanted %d' % (t.seq, seq + a))
    if t.flags != flags:
        why.append('flags %#x, wanted %#x' % (t.flags, flags))
    if t.options != options:
        why.append('options %s' % t.options.hex())
    if not t.csum_ok or not t.ip.csum_ok or not p.flags & NEEDS_CSUM:
        why.append('checksum %s %s %#x' % (t.csum_ok, t.ip.csum_ok, p.flags))
    size = mss if mss and b - a > mss else 0
    if p.gso_size != size or bool(p.gso_type) != bool(size):
        why.append('GSO size %d type %d' % (p.gso_size, p.gso_type))
    if len(p.data) != ETH_HLEN + t.ip.length:
        why.append('length %d, IP %d' % (len(p.data), t.ip.length))
    if p.vlan != vlan:
        why.append('VLAN %s' % (p.vlan,))
    if t.ip.tos != tos:
        why.append('DS field %#x' % t.ip.tos)
    return why


def check_parts(name, outer, lost, *, n=9000, cuts=None, v6=False, mss=MSS,
                flags=ACK | PSH, options=STAMPS, vlan=0, pad=0, outer_tos=0,
                tos=0, want_tos=0, order=None):
    """A frame of n bytes of payload that loses its segments @lost; order is
    that of those that come."""
    lossy = Lossy(outer)
    inner, l4, hlen = inner_tcp(n, v6=v6, flags=flags, options=options,
                                pad=pad, tos=tos)
    data = lossy.frame(inner, flags=P | T | (0 if v6 else V), l4=l4, mss=mss,
                       vlan=vlan)
    parts = pieces(data, range(SEG, len(data), SEG) if cuts is None
                   else cuts)
    before = counters(h2)
    id = new_id()
    come = [i for i in range(len(parts)) if i not in lost]
    for i in order(come) if order else come:
        lossy.send(data, id, *parts[i], tos=outer_tos)
    lossy.whole(WINDOW)
    got = lossy.got()
    want = []
    left = runs(parts, lost)
    for a, b in left:
        a = max(0, a - HLEN - hlen)
        b = min(n, b - HLEN - hlen)
        if b <= a:
            continue
        f = flags
        if b != n:
            f &= ~(PSH | FIN)
        if a:
            f &= ~CWR
        want.append((a, b, f))
    why = []
    if len(got) != len(want):
        why.append('%d packets, wanted %d' % (len(got), len(want)))
    for p, w in zip(got, want):
        why += wrong_part(p, w, pattern(n), mss, options, 1000,
                          (ETH_P_8021Q, vlan & 0xefff) if vlan else None,
                          want_tos)
    off = counted(h2, before, partial_frames=1, partial_packets=len(want),
                  reasm_evicted=1)
    check('%s: %s (R15)' % (lossy.fam, name), not why and not off, *why[:8],
          off)


def parts():
    for outer in OUTER:
        for v6 in False, True:
            inner = 'IPv6' if v6 else 'IPv4'
            for lost in ({1}, {6}, {2, 3}, {1, 3, 5}, {1, 2, 3, 4, 5, 6}):
                check_parts('%s without segments %s' % (inner, lost), outer,
                            lost, v6=v6)
            check_parts(inner + ', in reverse order', outer, {2, 4}, v6=v6,
                        order=reversed)
        check_parts('no MSS', outer, {2}, mss=0)
        check_parts('MSS of the whole', outer, {2}, mss=9000)
        check_parts('CWR and FIN, middle lost', outer, {3},
                    flags=ACK | PSH | FIN | CWR | ECE)
        check_parts('FIN lost', outer, {6}, flags=ACK | PSH | FIN)
        check_parts('no options', outer, {3}, options=b'')
        check_parts('SACK and timestamps', outer, {3},
                    options=STAMPS + SACK)
        check_parts('a tag', outer, {3}, vlan=0x7000 | 0x123)
        check_parts('bytes behind the packet', outer, {2}, n=3000, pad=40)
        check_parts('bytes behind the packet, of which alone the rest is',
                    outer, {3}, n=3000, pad=200,
                    cuts=[1000, 2000, HLEN + ETH_HLEN + 52 + 2990,
                          HLEN + ETH_HLEN + 52 + 3000])
        check_parts('headers alone, and the end', outer, {1},
                    cuts=[HLEN + ETH_HLEN + 20 + 32, 5000])
        check_parts('one byte of payload', outer, {1},
                    cuts=[HLEN + ETH_HLEN + 20 + 32 + 1, 8999])
        check_parts('headers in three segments', outer, {4},
                    cuts=[18, 40, 300, 2000, 5000])
        check_parts('DSCP of the first segment, CE kept', outer, {3},
                    tos=0x02, outer_tos=0xb9 | 3, want_tos=0xb8 | 3)
    rounds = 20
    for r in range(rounds):
        outer = random.choice(OUTER)
        n = random.randrange(2000, 60000)
        cuts = sorted(random.sample(range(200, n), random.randrange(2, 30)))
        lost = set(random.sample(range(1, len(cuts) + 1),
                                 random.randrange(1, len(cuts))))
        check_parts('random loss %d' % r, outer, lost, n=n, cuts=cuts,
                    mss=random.choice((0, 536, 1448)),
                    v6=random.random() < .5,
                    order=lambda x: random.sample(x, len(x)))


def check_none(name, outer, *, lost=(2,), n=9000, dev=None, id=1, flags=None,
               cuts=None, what=None, **args):
    """A frame with a loss that is dropped whole."""
    lossy = Lossy(outer, dev, id)
    v6 = args.get('v6', False)
    inner, l4, _ = inner_tcp(n, **args)
    data = what or lossy.frame(
        inner, flags=P | T | (0 if v6 else V) if flags is None else flags,
        l4=l4, mss=MSS)
    parts = pieces(data, range(SEG, len(data), SEG) if cuts is None
                   else cuts)
    before = counters(h2)
    new = new_id()
    for i, part in enumerate(parts):
        if i not in lost:
            lossy.send(data, new, *part)
    lossy.whole(WINDOW)
    got = lossy.got()
    off = counted(h2, before, reasm_evicted=1)
    check('%s: %s: nothing of it (R15)' % (lossy.fam, name),
          not got and not off, show([p.data for p in got]), off)


def not_in_parts():
    md5 = bytes([1, 1, 19, 18]) + bytes(16)
    ao = bytes([1, 1, 29, 16]) + bytes(14) + bytes([1, 1])
    for outer in OUTER:
        check_none('the first segment lost', outer, lost=(0,))
        check_none('headers over a gap', outer, lost=(1,),
                   cuts=[HLEN + ETH_HLEN + 20, HLEN + ETH_HLEN + 30])
        check_none('IPv4 without DF', outer, df=False)
        check_none('MD5 signature', outer, options=md5)
        check_none('AO', outer, options=ao)
        check_none('no P', outer, flags=0)
        check_none('V that is not so', outer, flags=P | T)
        udp_inner = eth(ip(udp(pattern(9000), '10.0.0.1', '10.0.0.2',
                               partial=True), '10.0.0.1', '10.0.0.2', 17),
                        ETH_P_IP)
        check_none('UDP', outer, what=frame(udp_inner, id=1, flags=P | V,
                                            l4=34))
        check_none('not IP', outer, what=frame(eth(pattern(9000), ETH_P_TEST),
                                               id=1))
    for name, flags in (('SYN', SYN), ('RST', RST | ACK),
                        ('URG', URG | ACK)):
        urgent(name, flags)
    never = ('v4', '192.0.2.1', '192.0.2.2', 'never')
    check_none('a device that was told not to', never, id=2)
    run('ip', '-n', h2, 'link', 'set', 'never', 'type', 'stt', 'partial')
    lossy = Lossy(never, id=2)
    data, parts = sample(lossy)
    lossy.lose(data, parts)
    lossy.whole(WINDOW)
    check_eq('v4: told otherwise, it does', len(lossy.got()), 2)


def urgent(name, flags):
    for outer in OUTER:
        lossy = Lossy(outer)
        src, dst = '10.0.0.1', '10.0.0.2'
        seg = tcp(pattern(9000), src, dst, flags=flags, urg=7, partial=True)
        data = lossy.frame(eth(ip(seg, src, dst, 6), ETH_P_IP),
                           flags=P | T | V, l4=34, mss=MSS)
        check_none(name, outer, what=data)


def sample(lossy, n=9000):
    inner, l4, _ = inner_tcp(n)
    data = lossy.frame(inner, flags=P | T | V, l4=l4, mss=MSS)
    return data, pieces(data, range(SEG, len(data), SEG))


def payloads(got):
    """(offset, length) of what was delivered."""
    return [(parse_tcp(p).seq - 1000, len(parse_tcp(p).payload)) for p in got]


HEADERS = HLEN + ETH_HLEN + 52


def at_once():
    """Where nothing shows that a path reorders segments, a hole is a loss:
    what is here is delivered as it comes."""
    for outer in OUTER:
        undisturbed(lambda outer=outer: at_once_of(outer))


def at_once_of(outer):
    """What happens to a fresh flow of this family."""
    first = (0, 2 * SEG - HEADERS)
    fam = outer[0]
    lossy = Lossy(outer, fresh=True)
    data, parts = sample(lossy)
    results = []

    def result(name, got, wanted):
        results.append((fam + ': ' + name, got, wanted))

    before = counters(h2)
    new = new_id()
    for i in 0, 1, 3:
        lossy.send(data, new, *parts[i])
    result('both sides of a hole are delivered at once (R15)',
           payloads(lossy.got()), [first, (3 * SEG - HEADERS, SEG)])
    for i in 4, 5:
        lossy.send(data, new, *parts[i])
    result('segments behind a hole are delivered as they come (R15)',
           payloads(lossy.got()),
           [(i * SEG - HEADERS, SEG) for i in (4, 5)])
    result('a frame delivered as it comes counts once',
           counted(h2, before, reasm_evicted=1, partial_frames=1,
                   partial_packets=4), {})

    # In order so far: the flow has shown no reordering.
    new = new_id()
    lossy.send(data, new, *parts[0])
    lossy.send(data, new, *parts[1])
    result('a frame without a hole waits for its rest (R15)',
           payloads(lossy.got()), [])
    lossy.whole()
    result('a newer frame shows that the rest is lost (R15)',
           payloads(lossy.got()), [first])
    # Two frames that end in a loss go up in order.
    old = new_id()
    lossy.send(data, old, *parts[0])
    lossy.send(data, old, *parts[1])
    new = new_id()
    lossy.send(data, new, *parts[0])
    lossy.send(data, new, *parts[2])
    result('a hole shows that older frames are lost, which go up first (R15)',
           payloads(lossy.got()),
           [first, (0, SEG - HEADERS), (2 * SEG - HEADERS, SEG)])

    # What fills a hole late was reordered.
    lossy.send(data, new, *parts[1])
    result('a segment that fills a hole late is delivered (R15)',
           payloads(lossy.got()), [(SEG - HEADERS, SEG)])
    before = counters(h2)
    late = lossy.lose(data, parts)
    lossy.whole(WINDOW - 1)
    result('frames are held back once a segment came late (R15)',
           payloads(lossy.got()), [])
    wire.send(late)
    result('a held back frame is delivered whole (R15)',
           [p.data for p in lossy.got()], [data[HLEN:]])
    result('a held back frame counts as reassembled',
           counted(h2, before, reasm_ok=1), {})

    return results


def again():
    """The first segment, sent once more behind its frame (W14), completes a
    frame that lost it, and shows no reordering."""
    for outer in OUTER:
        fam = outer[0]
        lossy = Lossy(outer, fresh=True)
        data, parts = sample(lossy)
        before = counters(h2)
        first = lossy.lose(data, parts, 0)
        wire.send(first)
        check_eq(fam + ': a first segment behind its frame completes it',
                 [p.data for p in lossy.got()], [data[HLEN:]])
        check_eq(fam + ': a frame completed by its first segment counts so',
                 counted(h2, before, reasm_ok=1), {})
        wire.send(first)
        check_eq(fam + ': a second copy is a duplicate', counted(
            h2, before, reasm_ok=1, reasm_duplicate=1), {})
        lossy.lose(data, parts)
        check_eq(fam + ': a copy is not taken for reordering',
                 len(lossy.got()), 2)


def window():
    for outer in OUTER:
        fam = outer[0]
        # Late, but inside the window: the frame is complete.
        lossy = Lossy(outer)
        data, parts = sample(lossy)
        before = counters(h2)
        late = lossy.lose(data, parts)
        lossy.whole(WINDOW - 1)
        check_eq(fam + ': newer frames within the window show no loss (R15)',
                 payloads(lossy.got()), [])
        wire.send(late)
        got = lossy.got()
        check_eq(fam + ': a late segment within the window completes '
                 'the frame (R15)', [p.data for p in got], [data[HLEN:]])
        check_eq(fam + ': a frame completed late counts as complete',
                 counted(h2, before, reasm_ok=1), {})

        # Beyond the window: what comes late is delivered by itself.
        lossy = Lossy(outer)
        before = counters(h2)
        late = lossy.lose(data, parts)
        lossy.whole(WINDOW)
        check_eq(fam + ': beyond the window a frame is given in parts (R15)',
                 payloads(lossy.got()),
                 [(0, 2 * SEG - HEADERS),
                  (3 * SEG - HEADERS, 9000 - 3 * SEG + HEADERS)])
        wire.send(late, late)
        check_eq(fam + ': beyond the window a late segment is delivered '
                 'by itself, once (R15)',
                 payloads(lossy.got()), [(2 * SEG - HEADERS, SEG)])
        check_eq(fam + ': parts and late segments are counted', counted(
            h2, before, reasm_evicted=1, partial_frames=1, partial_packets=3,
            reasm_duplicate=1), {})


def nearly_lossy(lossy, n, *frame):
    """Lose n frames; the last one still has its window."""
    for _ in range(n - 1):
        lossy.lose(*frame)
        lossy.whole(WINDOW)
    lossy.got()
    lossy.lose(*frame)
    lossy.whole(WINDOW - 1)


def lossy_path():
    """Where segments are lost and never late, the next complete frame
    shows it."""
    for outer in OUTER:
        fam = outer[0]
        lossy = Lossy(outer)
        data, parts = sample(lossy)

        nearly_lossy(lossy, 16, data, parts, 2)
        check_eq(fam + ': fifteen losses prove nothing yet',
                 len(lossy.got()), 0)
        lossy.whole()
        check_eq(fam + ': one more frame shows the sixteenth',
                 len(lossy.got()), 2)
        tap = taps[lossy.dev]
        tap.drain()
        late = lossy.lose(data, parts)
        lossy.whole()
        seen = [tap.receive() for _ in range(3)]
        check(fam + ': after sixteen losses the next complete frame shows a '
              'loss, and is delivered after the parts', None not in seen and
              payloads(seen[:2]) == [
                  (0, 2 * SEG - HEADERS),
                  (3 * SEG - HEADERS, 9000 - 3 * SEG + HEADERS)] and
              seen[2].data[14:19] == b'newer', show(seen))
        wire.send(late)
        check_eq(fam + ': a late segment in a lossy flow is delivered',
                 payloads(lossy.got()), [(2 * SEG - HEADERS, SEG)])
        lossy.lose(data, parts)
        lossy.whole(WINDOW - 1)
        check_eq(fam + ': a late segment brings the window back, because '
                 'the path reorders', len(lossy.got()), 0)
        lossy.whole()
        check_eq(fam + ': as large as it was', len(lossy.got()), 2)


def silence():
    """In a lossy flow without late segments, the idle timeout shows the loss of
    the last frame before its timer does."""
    for outer in OUTER:
        fam = outer[0]
        lossy = Lossy(outer)
        inner, l4, _ = inner_tcp(60000)
        large = lossy.frame(inner, flags=P | T | V, l4=l4, mss=MSS)
        data, parts = sample(lossy)

        # A large frame is as good as four small ones.
        nearly_lossy(lossy, 4, large,
                     pieces(large, (40 * SEG, 41 * SEG)), 1)
        check_eq(fam + ': three large frames prove nothing yet',
                 len(lossy.got()), 0)
        lossy.whole()
        check_eq(fam + ': one more frame shows that the fourth is lost',
                 len(lossy.got()), 2)

        before = counters(h2)
        late = lossy.lose(data, parts, 6)
        wait_until(lambda b=before: counters(h2)['partial_packets'] >
                   b['partial_packets'])
        check_eq(fam + ': a frame whose end is lost is delivered once its '
                 'flow is idle (R15)', payloads(lossy.got()),
                 [(0, 6 * SEG - HEADERS)])
        check_eq(fam + ': a frame given up by the idle timeout counts so',
                 counted(h2, before, reasm_timeout=1, partial_frames=1,
                         partial_packets=1), {})
        # Nothing tells of what has no headers yet: it waits for them.
        before = counters(h2)
        lossy.lose(data, parts, 0)
        time.sleep(0.3)
        check_eq(fam + ': a frame without headers waits',
                 counted(h2, before), {})
        wire.send(late)
        check_eq(fam + ': the end of a frame is delivered late (R15)',
                 payloads(lossy.got()),
                 [(6 * SEG - HEADERS, 9000 - 6 * SEG + HEADERS)])
        # A segment of an older frame than the newest was reordered.
        before = counters(h2)
        lossy.lose(data, parts)
        time.sleep(0.3)
        check_eq(fam + ': a flow that reorders has no idle timeout',
                 counted(h2, before), {})
        lossy.whole(WINDOW)
        check_eq(fam + ': newer frames show a loss in a flow that reorders',
                 len(lossy.got()), 2)


def no_haste():
    """Where parts are not delivered, nothing is given up sooner."""
    run('ip', '-n', h2, 'link', 'set', 'never', 'type', 'stt', 'nopartial')
    lossy = Lossy(('v4', '192.0.2.1', '192.0.2.2', 'never'), id=2)
    data, parts = sample(lossy)
    before = counters(h2)
    for _ in range(20):
        lossy.lose(data, parts)
        lossy.whole(WINDOW)
    check_eq('nopartial: twenty losses', counted(
        h2, before, reasm_evicted=20), {})
    before = counters(h2)
    late = lossy.lose(data, parts)
    time.sleep(0.3)
    lossy.whole(WINDOW - 1)
    wire.send(late)
    check_eq('nopartial: the next frame has its time and its window',
             [p.data for p in lossy.got()], [data[HLEN:]])
    check_eq('nopartial: a frame completed late counts as complete',
             counted(h2, before, reasm_ok=1), {})
    run('ip', '-n', h2, 'link', 'set', 'never', 'type', 'stt', 'partial')


def last_resort():
    # Nothing of the others is left by then.
    sysctl(h2, 'reasm_time_ms', 100)
    wait_until(lambda: not counters(h2)['reasm_queues'])
    try:
        for outer in OUTER:
            fam = outer[0]
            lossy = Lossy(outer)
            data, parts = sample(lossy)
            before = counters(h2)
            lossy.lose(data, parts)
            wait_until(lambda b=before: counters(h2)['partial_packets'] >=
                       b['partial_packets'] + 2)
            check_eq(fam + ': the last frame is given in parts when its time '
                     'is over (R15)', len(lossy.got()), 2)
            check_eq(fam + ': parts after the timeout are counted', counted(
                h2, before, reasm_timeout=1, partial_frames=1,
                partial_packets=2), {})
    finally:
        sysctl(h2, 'reasm_time_ms', 10000)


def metadata():
    """The parts of a frame, and what comes late, have its metadata."""
    taps['ext'] = Wire(h2, 'ext').listen()
    for outer in OUTER:
        lossy = Lossy(outer, 'ext', fresh=True)
        lossy.flow.dport = 7472
        lossy.reorder()
        data, parts = sample(lossy)
        segs = [lossy.flow.segment(data, 1, *p, ttl=77) for p in parts]
        wire.send(*segs[:2], *segs[3:])
        for _ in range(WINDOW):
            wire.send(lossy.flow.segment(lossy.frame(eth(
                bytes(60), ETH_P_TEST)), new_id()))
        wire.send(segs[2])
        # Three, five and two of the inner MSS.
        wait_until(lambda: matched() >= 10)
        check_eq(outer[0] + ': parts and late segments have the metadata of '
                 'their frame', matched(), 10)
        in_ns(h2, 'tc', 'filter', 'del', 'dev', 'ext', 'ingress', 'pref', '1')
        in_ns(h2, 'tc', 'filter', 'add', 'dev', 'ext', 'ingress', 'pref', '1',
              'protocol', 'ip', 'flower', 'enc_key_id', '1', 'enc_ttl', '77',
              'action', 'pass')


def matched():
    out = in_ns(h2, 'tc', '-s', 'filter', 'show', 'dev', 'ext', 'ingress')
    return sum(int(line.split()[3]) for line in out.splitlines()
               if line.strip().startswith('Sent '))


# However slow the machine is, what belongs together comes in time.
sysctl(h2, 'reasm_time_ms', 10000)
sysctl(h2, 'reasm_max_frames_per_flow', WINDOW)
main([at_once, again, parts, not_in_parts, window, lossy_path, silence, no_haste,
      metadata, last_resort])
