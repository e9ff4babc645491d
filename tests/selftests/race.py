# SPDX-License-Identifier: GPL-2.0
"""Checks of race.sh, which draws the topology."""

import collections
import signal
import sys

from sttlib import *  # pylint: disable=wildcard-import,unused-wildcard-import

h1, h2 = sys.argv[1:3]

CPUS = list(range(os.cpu_count()))
FLOWS = {'v4': ('stt4', Flow('192.0.2.1', '192.0.2.2')),
         'v6': ('stt6', Flow('2001:db8::1', '2001:db8::2'))}
# Less than a flow keeps open: one CPU may be that far behind.
FRAMES = 250


def child(cpu, work):
    pid = os.fork()
    if not pid:
        try:
            os.sched_setaffinity(0, {cpu})
            work(Wire(h1, 'eth0', mac(h2, 'eth0')))
            os._exit(0)
        finally:
            traceback.print_exc()
            os._exit(1)
    return pid


def race(name, fam, spread, most_open=256, noise=None):
    """spread(segments of a frame) -> those that each CPU sends.  Each frame
    has to arrive once."""
    dev, flow = FLOWS[fam]
    inner = [eth(pattern(random.randrange(50, 1400), n), ETH_P_TEST)
             for n in range(FRAMES)]
    queues = [[] for _ in CPUS]
    for x in inner:
        f = frame(x)
        segs = flow.segments(f, sorted(random.sample(range(1, len(f)), 5)))
        for q, mine in zip(queues, spread(segs)):
            q.extend(mine)
    sysctl(h2, 'reasm_max_frames_per_flow', most_open)
    tap = Wire(h2, dev).listen()
    before = counters(h2)
    others = [child(CPUS[-1], noise)] if noise else []
    # All begin at once, as nearly as can be.
    r, w = os.pipe()

    def sender(packets):
        def work(wire):
            os.close(w)
            os.read(r, 1)
            wire.send(*packets)
        return work

    pids = [child(cpu, sender(q)) for cpu, q in zip(CPUS, queues)]
    os.close(w)
    os.close(r)
    for pid in pids:
        os.waitpid(pid, 0)
    got = collections.Counter()
    while sum(got.values()) < FRAMES:
        p = tap.receive(PATIENCE / 2)
        if p is None:
            break
        if p.data[12:14] == b'\x88\xb5':
            got[p.data] += 1
    for pid in others:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    got.update(p.data for p in tap.drain())
    tap.close()
    want = collections.Counter(inner)
    now = counters(h2)
    check('%s: %s: %d frames, each once (R6)' % (fam, name, FRAMES),
          got == want, '%d missing' % sum((want - got).values()),
          '%d too much' % sum((got - want).values()),
          {k: v - before[k] for k, v in now.items() if v != before[k]})


def alternate(segs):
    return [segs[i::len(CPUS)] for i in range(len(CPUS))]


def shuffled(segs):
    segs = random.sample(segs, len(segs))
    return alternate(segs)


def last_together(segs):
    """The first ones come early, the last ones at the same time."""
    return [segs[:-len(CPUS)] + segs[-1:]] + [
        [s] for s in segs[-len(CPUS):-1]]


def noise(wire):
    """Frames in flows of their own that disagree, wait, push each other out."""
    flows = [Flow('192.0.2.%d' % n, '192.0.2.2', 1000) for n in (7, 8)]
    f, g = frame(bytes(2000)), frame(bytes([1]) * 2000)
    while True:
        for flow in flows:
            id = rand = random.randrange(1 << 32)
            wire.send(flow.segment(f, id, 0, 700),
                      flow.segment(random.choice((f, g)), id, 500, 900),
                      flow.segment(f, rand ^ 1, 600, 900))


def orders():
    for fam in FLOWS:
        race('alternately', fam, alternate)
        race('shuffled', fam, shuffled)
        race('the last ones at a time', fam, last_together)
        race('beside contradictions', fam, shuffled, noise=noise)


def duplicates():
    """Both CPUs send all of a frame: it comes once, or, as a late duplicate
    of the whole, not at all in addition."""
    fam = 'v4'
    dev, flow = FLOWS[fam]
    tap = Wire(h2, dev).listen()
    sysctl(h2, 'reasm_max_frames_per_flow', 256)
    inner = [eth(pattern(600, n), ETH_P_TEST) for n in range(FRAMES)]
    segs = [flow.segments(frame(x), [100, 300]) for x in inner]
    # The first and the second half of each: never a whole frame twice.
    a = [s for x in segs for s in (x[0], x[1])]
    b = [s for x in segs for s in (x[1], x[2])]
    pids = [child(CPUS[i], lambda wire, q=q: wire.send(*q))
            for i, q in enumerate((a, b))]
    for pid in pids:
        os.waitpid(pid, 0)
    got = []
    while len(got) < FRAMES:
        p = tap.receive(PATIENCE / 2)
        if p is None:
            break
        got.append(p.data)
    got += [p.data for p in tap.drain()]
    tap.close()
    check('%s: the middle of each frame from both CPUs (R6, R7)' % fam,
          sorted(got) == sorted(inner), '%d of %d' % (len(got), len(inner)),
          counters(h2))


def changes():
    """Settings change all the time."""
    fam = 'v4'
    pid = os.fork()
    if not pid:
        n = 0
        while True:
            n += 1
            subprocess.run(['ip', '-n', h2, 'link', 'set', 'stt4', 'type',
                            'stt', 'ttl', str(n % 255 + 1),
                            ('no' if n & 1 else '') + 'partial'], check=False)
    race('while settings change', fam, shuffled)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


sysctl(h2, 'reasm_time_ms', 10000)
main([orders, duplicates, changes])
