# SPDX-License-Identifier: GPL-2.0
"""Checks of wire_reasm.sh, which draws the topology."""

import itertools
import sys

from sttlib import *  # pylint: disable=wildcard-import,unused-wildcard-import

h1, h2 = sys.argv[1:3]

wire = Wire(h1, 'eth0', mac(h2, 'eth0'))
FAMILIES = wire_families(h2)
(_, flow4, tap4), (_, flow6, tap6) = FAMILIES
serial = itertools.count(1)


def plain(salt=0, size=100):
    return eth(pattern(size, salt), ETH_P_TEST)


def arrived(flow, tap, send):
    """What @tap got of what @send() sent; the end comes in a flow of its own,
    so as not to say anything about frames of others."""
    end = eth(b'marker %6d' % next(serial) + bytes(50), ETH_P_TEST)
    send()
    wire.send(Flow(flow.src, flow.dst, 40000).segment(frame(end), new_id()))
    return [p.data for p in tap.receive_until(lambda p: p.data == end)]


def check_result(name, flow, tap, send, inner, **want):
    """send() makes exactly the inner packets of the list @inner, in any
    order, and moves only these counters."""
    before = counters(h2)
    got = arrived(flow, tap, send)
    wrong = counted(h2, before, **want)
    good = sorted(got) == sorted(inner)
    return check(name, good and not wrong, '' if good else
                 'got    %s\nwanted %s' % (show(got), show(inner)), wrong)


def sends(*packets):
    return lambda: wire.send(*packets)


def random_cuts(size, most=1400, n=None):
    """Offsets that cut @size bytes into pieces of at most @most."""
    if n is None:
        n = random.randrange(1, 8)
    cuts = set(random.sample(range(1, size), min(n, size - 1)))
    edge = 0
    for c in sorted(cuts | {size}):
        while c - edge > most:
            edge += most
            cuts.add(edge)
        edge = c
    return sorted(cuts)


# --- R5, R6 ------------------------------------------------------------------


def orders():
    for fam, flow, tap in FAMILIES:
        for n in range(2, 6):
            packets, inner = [], []
            for order in itertools.permutations(range(n)):
                inner.append(plain(len(inner), 14 + random.randrange(200)))
                f = frame(inner[-1])
                segs = flow.segments(f, sorted(random.sample(
                    range(1, len(f)), n - 1)))
                packets += [segs[i] for i in order]
            check_result('%s: %d segments in all %d orders (R6)' % (
                fam, n, len(inner)), flow, tap, sends(*packets), inner,
                         reasm_ok=len(inner))


def mixtures():
    """Frames of several flows, some with the same ids, all mixed up."""
    for fam, flow, tap in FAMILIES:
        others = ['192.0.2.33', '10.1.2.3'] if fam == 'v4' else [
            '2001:db8::33', '2001:db8:7::1']
        flows = [flow, Flow(flow.src, flow.dst, 50001),
                 Flow(flow.src, flow.dst, 50002)]
        flows += [Flow(o, flow.dst, s) for o in others[:1]
                  for s in (50000, 50001)]
        for turn in range(3):
            packets, inner = [], []
            for _ in range(12):
                id = new_id()
                for f in flows:
                    size = random.choice((0, 1, 30, 500, 1500, 3000))
                    inner.append(plain(len(inner) + 1, size))
                    data = frame(inner[-1])
                    packets += f.segments(data, random_cuts(len(data)), id)
            random.shuffle(packets)
            check_result('%s: %d frames of 5 flows with equal ids, segments '
                         'shuffled (R5, R6), %d' % (fam, len(inner), turn),
                         flow, tap, sends(*packets), inner,
                         reasm_ok=len(inner))
        # Nothing but what tells flows apart differs.
        data = [frame(plain(i, 90)) for i in range(4)]
        four = [flow, Flow(flow.src, flow.dst, 51111),
                Flow(others[0], flow.dst), Flow(flow.src, flow.dst)]
        id = new_id()
        ids = [id, id, id, id ^ 1]
        heads = [x.segment(d, i, 0, 50) for x, d, i in zip(four, data, ids)]
        tails = [x.segment(d, i, 50) for x, d, i in zip(four, data, ids)]
        check_result('%s: flows differ in port, address or id alone (R6)' %
                     fam, flow, tap, sends(*heads, *reversed(tails)),
                     [plain(i, 90) for i in range(4)], reasm_ok=4)


def sizes():
    for fam, flow, tap, largest in (('v4', flow4, tap4, 65495),
                                    ('v6', flow6, tap6, 65515)):
        inner = plain(7, largest - HLEN - ETH_HLEN)
        data = frame(inner)
        segs = flow.segments(data, cut_every(data, 1400))
        check_result('%s: the largest frame, forwards (R6)' % fam, flow, tap,
                     sends(*segs), [inner], reasm_ok=1)
        segs = flow.segments(data, cut_every(data, 1400))
        check_result('%s: backwards (R6)' % fam, flow, tap,
                     sends(*reversed(segs)), [inner], reasm_ok=1)
        inner = plain(8, 600)
        segs = flow.segments(frame(inner), range(1, 632))
        random.shuffle(segs)
        check_result('%s: single bytes, shuffled (R5, R6)' % fam, flow, tap,
                     sends(*segs), [inner], reasm_ok=1)


def aggregates():
    """What LRO and GRO make: neighbours in one packet."""
    in_ns(h1, 'ethtool', '-K', 'eth0', 'tx', 'on', 'tso', 'on')
    for fam, flow, tap in FAMILIES:
        dev = 'stt4' if fam == 'v4' else 'stt6'

        def chunks(data, cuts):
            id = new_id()
            edges = [0] + list(cuts) + [len(data)]
            for a, b in zip(edges, edges[1:]):
                yield flow.segment(data, id, a, b, partial=True), b - a

        def big(list_of_chunks, size=None):
            for packet, n in list_of_chunks:
                s = size or random.randrange(1, 1461)
                wire.send_big(packet, s if n > s else 0,
                              hdr_len=random.choice((54, 74, 80, 200, 1000)))

        for turn in range(4):
            inner = plain(turn, 20000 + turn)
            cs = list(chunks(frame(inner), random_cuts(20032 + turn, 1 << 16,
                                                       turn * 3)))
            random.shuffle(cs)
            stats = ethstats(h2, dev)
            whole = len(cs) == 1
            check_result('%s: %d aggregates, shuffled (R5)' % (fam, len(cs)),
                         flow, tap, lambda cs=cs: big(cs), [inner],
                         reasm_ok=0 if whole else 1)
            now = ethstats(h2, dev)
            diff = {k: now[k] - stats[k] for k in now if k.startswith('rx_')}
            # One more of each: the end.
            check_eq('%s: shuffled aggregates are counted' % fam, diff, dict(
                rx_frames=2, rx_segments=1 + len(cs), rx_partial=0,
                rx_single=2 if whole else 1, rx_reassembled=0 if whole else 1))
        inner = plain(9, 8000)
        data = frame(inner)
        cs = list(chunks(data, [1, 2, 17, 18, 19, 32, 60, 4000]))
        check_result('%s: cut in and around the STT header (R5)' % fam, flow,
                     tap, lambda: big(reversed(cs)), [inner], reasm_ok=1)

    # Software GRO, with fragments and with lists of packets.
    in_ns(h2, 'ethtool', '-K', 'eth0', 'gro', 'on')
    for layout, sg in ('page fragments', 'on'), ('lists of packets', 'off'):
        in_ns(h1, 'ethtool', '-K', 'eth0', 'tx', 'on', 'sg', sg, 'tso', 'off')
        for fam, flow, tap in FAMILIES:
            dev = 'stt4' if fam == 'v4' else 'stt6'
            inner = [plain(i, 30000 + i) for i in range(4)]
            stats = ethstats(h2, dev)

            def send():
                for x in inner:
                    wire.send_big(flow.segment(frame(x), new_id(), partial=True,
                                               flags=ACK | PSH), 1400)
            before = counters(h2)
            got = arrived(flow, tap, send)
            now = ethstats(h2, dev)
            n = now['rx_segments'] - stats['rx_segments']
            wrong = {k: v for k, v in counted(h2, before).get(
                'counted', {}).items() if k != 'reasm_ok'}
            check('%s: aggregates of software GRO, %s (R5)' % (fam, layout),
                  got == inner and not wrong, show(got), wrong)
            # 22 segments each
            check('%s: software GRO merged some of 88 segments' % fam, n < 60,
                  n)
    in_ns(h1, 'ethtool', '-K', 'eth0', 'tx', 'on', 'sg', 'on', 'tso', 'off')
    in_ns(h2, 'ethtool', '-K', 'eth0', 'gro', 'off')


def cpus():
    """Two CPUs send alternate segments at the same time."""
    if os.cpu_count() < 2:
        return skip('segments on several CPUs (R6)', 'one CPU')
    inner = [plain(i, 200) for i in range(200)]
    halves = [], []
    for x in inner:
        for i, s in enumerate(flow4.segments(frame(x), [40, 80, 120])):
            halves[i & 1].append(s)
    before = counters(h2)
    here, there = sorted(os.sched_getaffinity(0) | set(range(2)))[:2]
    child = os.fork()
    os.sched_setaffinity(0, {here if child else there})
    wire.send(*halves[1 if child else 0])
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    got = []
    while len(got) < len(inner):
        p = tap4.receive()
        if p is None:
            break
        got.append(p.data)
    wrong = counted(h2, before, reasm_ok=len(inner))
    return check('segments on several CPUs (R6)',
                 sorted(got) == sorted(inner) and not wrong,
                 '%d of %d' % (len(got), len(inner)), wrong)


# --- R15a --------------------------------------------------------------------


def came_whole():
    """Segments of frames that are through already."""
    in_ns(h1, 'ethtool', '-K', 'eth0', 'tx', 'on', 'tso', 'on')
    for fam, flow, tap in FAMILIES:
        inner = plain(1, 268)
        data = frame(inner)
        for name, whole in (
                ('in one packet', lambda id, d=data, f=flow: wire.send(
                    f.segment(d, id))),
                ('as an aggregate', lambda id, d=data, f=flow: wire.send_big(
                    f.segment(d, id, partial=True), 100))):
            id = new_id()

            def late(id=id, whole=whole, d=data, f=flow):
                whole(id)
                wire.send(*f.segments(d, [60, 120], id))
            check_result('%s: segments of a frame that came %s are duplicates '
                         '(R15a)' % (fam, name), flow, tap, late, [inner],
                         reasm_duplicate=3)
            check_eq('%s: duplicates do not wait for others, %s' % (fam, name),
                     counters(h2)['reasm_queues'], 0)
        # The next id, another flow: these are no duplicates.
        id = new_id()
        other = Flow(flow.src, flow.dst, 50100)
        check_result('%s: frames that differ in id or flow alone are not '
                     'taken for it (R15a)' % fam, flow, tap,
                     sends(flow.segment(data, id),
                           *flow.segments(data, [60], id ^ 1),
                           *flow.segments(data, [60], id ^ 1 << 31),
                           *other.segments(data, [60], id)), [inner] * 4,
                     reasm_ok=3)
        # Nothing is remembered of what no device took.
        id = new_id()
        check_result('%s: a frame for no device leaves no mark (R15a)' % fam,
                     flow, tap, sends(flow.segment(frame(inner, id=77), id),
                                      *flow.segments(data, [60], id)),
                     [inner], reasm_ok=1, drop_no_device=1)
    in_ns(h1, 'ethtool', '-K', 'eth0', 'tx', 'on', 'sg', 'on', 'tso', 'off')


# --- R7 ----------------------------------------------------------------------


def overlaps():
    for fam, flow, tap in FAMILIES:
        inner = plain(1, 268)
        data = frame(inner)
        n = len(data)
        # every segment but the last a second time
        segs = flow.segments(data, [50, 100, 150])
        check_result('%s: duplicates (R7)' % fam, flow, tap,
                     sends(*[s for s in segs[:3] for _ in range(3)], segs[3]),
                     [inner], reasm_ok=1, reasm_duplicate=6)

        def parts(*ranges, base=data):
            id = new_id()
            return [flow.segment(base, id, a, b) for a, b in ranges]

        for name, ranges, dups in (
                ('the end of one before', [(0, 60), (40, n)], 1),
                ('the start of one behind', [(40, n), (0, 60)], 1),
                ('both neighbours', [(0, 60), (100, n), (40, 120)], 1),
                ('one inside', [(0, 60), (80, 90), (60, 120), (120, n)], 1),
                ('several inside', [(70, 80), (90, 100), (110, 120), (0, 60),
                                    (50, n)], 1),
                ('all of one', [(0, 60), (0, n)], 1),
                ('one inside, all at once', [(50, 60), (0, n)], 1),
                ('itself and more', [(0, 60), (0, n - 1), (n - 1, n)], 1),
                ('all but its last byte', [(0, 60), (0, 61), (61, n)], 1),
                ('all but its first byte', [(60, n), (59, n), (0, 59)], 1)):
            before = counters(h2)
            got = arrived(flow, tap, sends(*parts(*ranges)))
            now = counters(h2)
            count = now['reasm_duplicate'] - before['reasm_duplicate']
            check('%s: equal bytes over %s (R7)' % (fam, name),
                  got == [inner] and count >= dups and
                  now['reasm_overlap'] == before['reasm_overlap'],
                  show(got), count)

        # Random covers: whatever is done with them, the frame is right.
        packets, want = [], []
        for i in range(40):
            want.append(plain(i, random.randrange(20, 1200)))
            d = frame(want[-1])
            id, seen = new_id(), set()
            while len(seen) < len(d):
                a = random.randrange(len(d))
                b = random.randrange(a + 1, len(d) + 1)
                if random.randrange(4) == 0 and seen != set(range(len(d))):
                    a = min(set(range(len(d))) - seen)
                    b = max(a + 1, b)
                packets.append(flow.segment(d, id, a, b))
                seen |= set(range(a, b))
        before = counters(h2)
        got = arrived(flow, tap, sends(*packets))
        now = counters(h2)
        check('%s: 40 frames in random overlapping pieces (R7)' % fam,
              got == want and now['reasm_ok'] - before['reasm_ok'] == 40 and
              now['reasm_overlap'] == before['reasm_overlap'], show(got))

        # Bytes that differ: nothing of the frame is delivered, ever.
        other = bytearray(data)
        other[55] ^= 1
        other = bytes(other)
        for name, first, second, rest in (
                ('partly', (0, 60), (50, 120), [(120, n), (60, n), (0, n - 1)]),
                ('at the start', (50, n), (20, 60), [(0, 50)]),
                ('all of one', (40, 60), (40, 60), [(0, 40), (60, n)]),
                ('inside', (50, 60), (0, n - 1), [(n - 1, n), (0, 50),
                                                  (60, n - 1)]),
                ('from inside', (0, n - 1), (50, 60), [(n - 1, n)]),
                ('all at once', (50, 60), (0, n), [(0, n), (60, n)]),
                ('of which all comes again', (0, 60), (50, 120), [(0, n)])):
            id = new_id()
            before = counters(h2)
            got = arrived(flow, tap, sends(
                flow.segment(data, id, *first),
                flow.segment(other, id, *second),
                *[flow.segment(data, id, *r) for r in rest]))
            now = counters(h2)
            diff = {k: now[k] - before[k] for k in (
                'reasm_overlap', 'reasm_ok', 'reasm_timeout')}
            check('%s: differing bytes, %s (R7)' % (fam, name),
                  not got and diff == dict(reasm_overlap=1, reasm_ok=0,
                                           reasm_timeout=0), show(got), diff)


def lengths():
    for fam, flow, tap in FAMILIES:
        data = frame(plain(1, 200))
        id = new_id()
        n = len(data)
        check_result('%s: segments behind their frame (R7)' % fam, flow, tap,
                     sends(flow.segment(data, id, length=n - 1),
                           flow.segment(data, id, 100, length=n - 1),
                           flow.segment(data, id, 100, length=100),
                           flow.segment(data, id, 100, length=50),
                           flow.segment(bytes(0xffff) + bytes(17), id,
                                        0xfff0, 0x10010, length=0xffff)),
                     [], drop_length=5)
        check_result('%s: frames too short for their headers (R7)' % fam,
                     flow, tap,
                     sends(*[flow.segment(data[:x], new_id())
                             for x in range(1, 32)],
                           *[flow.segment(data, new_id(), 0, 1, length=x)
                             for x in range(0, 32)]), [], drop_length=63)
        segs = flow.segments(data, [50, 100, 150], id)
        wrong = [flow.segment(data, id, 100, 150, length=x)
                 for x in (n + 1, n - 1, 0xffff, 150)]
        wrong.append(flow.segment(data, id, 0, 150, length=150))
        check_result('%s: another length than the first segment had (R7)' %
                     fam, flow, tap, sends(*segs[:2], *wrong, *segs[2:]),
                     [plain(1, 200)], reasm_ok=1, drop_length=5)


# --- R8 ----------------------------------------------------------------------


def empty():
    c = counters(h2)
    return not c['reasm_queues'] and not c['reasm_mem']


def time_limit():
    check('nothing is left (R8)', wait_until(empty, 3 * PATIENCE),
          counters(h2))
    for fam, flow, tap in FAMILIES:
        data = frame(plain(1, 200))
        open_frames = [(Flow(flow.src, flow.dst, 1000 + i), new_id())
                       for i in range(10)]
        before = counters(h2)
        wire.send(*[f.segment(data, id, 50, 100) for f, id in open_frames])
        now = counters(h2)
        check('%s: open frames and their memory are shown (R8)' % fam,
              now['reasm_queues'] == 10 and now['reasm_mem'] > 500, now)
        got = arrived(flow, tap, sends(*[
            f.segment(data, id, *part) for f, id in open_frames
            for part in ((0, 50), (100, len(data)))]))
        check('%s: complete frames hold no memory (R8)' % fam,
              len(got) == 10 and empty(), counters(h2))
        sysctl(h2, 'reasm_time_ms', 50)
        wire.send(*[Flow(flow.src, flow.dst, 2000 + i).segment(
            data, new_id(), 50, 100) for i in range(7)])
        gone = wait_until(empty, 3 * PATIENCE)
        wrong = counted(h2, before, reasm_ok=10, reasm_timeout=7)
        check('%s: frames that stay incomplete go in time (R8)' % fam,
              gone and not wrong, counters(h2), wrong)
        sysctl(h2, 'reasm_time_ms', 10000)


def memory_limit():
    for fam, flow, tap in FAMILIES:
        limit = 300000
        sysctl(h2, 'reasm_high_thresh', limit)
        before = counters(h2)
        highest, done = 0, []
        good = Flow('192.0.2.200', flow.dst) if fam == 'v4' else Flow(
            '2001:db8::200', flow.dst)
        bad = frame(plain(1, 5000))
        want = []

        def flood():
            nonlocal highest
            for turn in range(30):
                if turn == 10:
                    # Half of a good frame now, the rest after the flood.
                    wire.send(halves[0])
                wire.send(*[Flow(flow.src, flow.dst, random.randrange(
                    1, 60000)).segment(bad, new_id(), 100, 1500)
                    for _ in range(20)])
                highest = max(highest, counters(h2)['reasm_mem'])
            wire.send(halves[1])

        # One that completed a frame is known.
        wire.send(*good.segments(frame(plain(3)), [60]))
        halves = good.segments(frame(plain(2)), [60])
        want = [plain(3), plain(2)]
        got = arrived(flow, tap, flood)
        now = counters(h2)
        lost = sum(now[k] - before[k] for k in ('reasm_evicted',
                                                'reasm_nomem'))
        check('%s: memory stays below its limit (R8)' % fam,
              0 < highest <= limit and lost > 300, highest, lost)
        check('%s: a flood of incomplete frames does not stop another '
              "sender's (R8)" % fam, got == want, show(got), done)
        sysctl(h2, 'reasm_high_thresh', 0)
        before = counters(h2)
        got = arrived(flow, tap, sends(
            *flow.segments(frame(plain(4)), [60]),
            flow.segment(frame(plain(5)), new_id())))
        now = counters(h2)
        check('%s: without memory whole frames still come (R8)' % fam,
              got == [plain(5)] and
              now['reasm_nomem'] - before['reasm_nomem'] >= 2, show(got), now)
        sysctl(h2, 'reasm_high_thresh', 16 << 20)
        sysctl(h2, 'reasm_time_ms', 10000)


def frames_per_flow():
    for fam, flow, tap in FAMILIES:
        sysctl(h2, 'reasm_max_frames_per_flow', 4)
        f = Flow(flow.src, flow.dst, 333 + random.randrange(1000))
        frames = [f.segments(frame(plain(i)), [60]) for i in range(6)]
        check_result('%s: a flow keeps so many frames open, and the newest '
                     '(R8)' % fam, flow, tap,
                     sends(*[x[0] for x in frames],
                           *[x[1] for x in frames[2:]]),
                     [plain(i) for i in range(2, 6)], reasm_ok=4,
                     reasm_evicted=2)
        sysctl(h2, 'reasm_max_frames_per_flow', 256)


def strangers():
    run('ip', '-n', h2, 'link', 'add', 'peer4', 'up', 'type', 'stt', 'id',
        '1', 'dstport', '7473', 'remote', '192.0.2.77')
    run('ip', '-n', h2, 'link', 'add', 'peer6', 'up', 'type', 'stt', 'id',
        '1', 'dstport', '7473', 'remote', '2001:db8::77')
    for fam, flow, tap in FAMILIES:
        f = Flow(flow.src, flow.dst, dport=7473)
        segs = f.segments(frame(plain()), [30, 60])
        mem = counters(h2)['reasm_mem']
        check_result('%s: a sender no device accepts gets no memory (R8)' % fam,
                     flow, tap, sends(*segs, *segs), [], drop_peer=6)
        check_eq('%s: reasm_mem is unchanged by it' % fam,
                 counters(h2)['reasm_mem'], mem)
        peer = Flow('192.0.2.77' if fam == 'v4' else '2001:db8::77', flow.dst,
                    dport=7473)
        with_tap = Wire(h2, 'peer4' if fam == 'v4' else 'peer6').listen()
        check_result('%s: an accepted sender gets memory' % fam,
                     flow, tap,
                     sends(*peer.segments(frame(plain()), [30, 60])), [],
                     reasm_ok=1)
        check_eq('%s: frames of an accepted sender are delivered' % fam,
                 [p.data for p in with_tap.drain()], [plain()])
        with_tap.close()


# However slow the machine is, what belongs together comes in time.
sysctl(h2, 'reasm_time_ms', 10000)
sysctl(h2, 'reasm_max_frames_per_flow', 256)
main([orders, mixtures, sizes, aggregates, cpus, came_whole, overlaps,
      lengths, strangers, frames_per_flow, time_limit, memory_limit])
