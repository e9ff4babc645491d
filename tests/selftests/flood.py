# SPDX-License-Identifier: GPL-2.0
"""Checks of flood.sh, which draws the topology."""

import signal
import sys

from sttlib import *  # pylint: disable=wildcard-import,unused-wildcard-import

h1, h2 = sys.argv[1:3]

LIMIT = 400000
US = {'v4': '192.0.2.2', 'v6': '2001:db8::2'}
NET = {'v4': '192.0.2.%d', 'v6': '2001:db8::%d'}


def plain(salt, size=100):
    return eth(pattern(size, salt), ETH_P_TEST)


def template(wire, fam, payload, dport=PORT):
    return Template(wire, NET[fam] % 66, US[fam], payload, dport)


def rand_id():
    return random.randrange(1 << 32)


def any_port():
    return random.randrange(1, 65536)


def address(fam, n):
    """Source @n, of many."""
    return (ip_bytes('2001:db8:%x::%x' % (n >> 16, n & 0xffff)) if fam == 'v6'
            else struct.pack('!I', 0x0a000000 + n))


def first_segments(wire, fam):
    t = template(wire, fam, 1000)
    while True:
        yield t.send(seq=9000 << 16, sport=any_port(), id=rand_id())


def middle_segments(wire, fam):
    t = template(wire, fam, 1000)
    while True:
        off = random.randrange(1, 30000)
        yield t.send(seq=60000 << 16 | off, sport=any_port(), id=rand_id())


def single_bytes(wire, fam):
    t = template(wire, fam, 1)
    while True:
        id, port = rand_id(), any_port()
        for off in range(65534, 65534 - 400, -1):
            yield t.send(seq=65535 << 16 | off, sport=port, id=id)


def one_flow(wire, fam):
    t = template(wire, fam, 700)
    while True:
        yield t.send(seq=9000 << 16, sport=50000, id=rand_id())


def known_source(wire, fam):
    """It has completed a frame, and goes on."""
    flow = Flow(NET[fam] % 66, US[fam])
    other = eth(bytes(100), ETH_P_TEST + 1)
    wire.send(*flow.segments(frame(other, id=2), [50]))
    yield from first_segments(wire, fam)


def many_sources(wire, fam):
    t = template(wire, fam, 1000)
    while True:
        yield t.send(src=address(fam, random.randrange(1, 1 << 18)),
                     seq=9000 << 16, id=rand_id())


def many_with_bytes(wire, fam):
    t = template(wire, fam, 1)
    while True:
        src = address(fam, random.randrange(1, 1 << 18))
        for off in range(0, 5):
            yield t.send(src=src, seq=9000 << 16 | off * 7, id=77)


def start_flood(kind, fam):
    """A process that floods until it is killed."""
    pid = os.fork()
    if pid:
        return pid
    try:
        cpus = sorted(os.sched_getaffinity(0) | set(range(os.cpu_count())))
        os.sched_setaffinity(0, {cpus[-1]})
        random.seed(os.getpid())
        wire = Wire(h1, 'eth0', mac(h2, 'eth0'))
        for _ in kind(wire, fam):
            pass
    except BaseException:  # pylint: disable=broad-except
        traceback.print_exc()
    finally:
        os._exit(1)


def honest(wire, fam, tap, flow, id, most):
    """Frames in parts, some of them open at a time; (how many were lost, what
    was wrong, most memory seen)."""
    wrong, highest, lost, salt = [], 0, 0, 0
    end = time.monotonic() + most
    while not salt or time.monotonic() < end:
        salts = range(salt, salt + 4)
        salt += 4
        parts = [flow.segments(frame(plain(s, 3000), id=id), [40, 900, 2000])
                 for s in salts]
        mixed = [p for four in zip(*parts) for p in four]
        random.shuffle(mixed)
        for p in mixed:
            wire.send(p)
            highest = max(highest, counters(h2)['reasm_mem'])
        want = [plain(s, 3000) for s in salts]
        got = []
        while len(got) < 4:
            p = tap.receive(PATIENCE / 2)
            if p is None:
                break
            if p.data[12:14] == b'\x88\xb6':
                continue
            if p.data not in want:
                wrong.append(show(p.data))
            got.append(p.data)
        lost += 4 - len(got)
        if lost or wrong:
            break
    return salt, lost, wrong, highest


def floods():
    wire = Wire(h1, 'eth0', mac(h2, 'eth0'))
    sysctl(h2, 'reasm_high_thresh', LIMIT)
    # A slow machine is no attack.
    sysctl(h2, 'reasm_time_ms', 10000)
    kinds = {
        'first segments': first_segments, 'middle segments': middle_segments,
        'single bytes': single_bytes, 'inside one flow': one_flow,
        'from a known peer': known_source, 'from many sources': many_sources,
        'single bytes from many': many_with_bytes,
    }
    for n, (kind, flood) in enumerate(kinds.items()):
        fam = 'v6' if n & 1 else 'v4'
        # A peer that a device names, and one that has completed frames.
        for who, dev, id, host in (('named', 'stt', 1, 200),
                                   ('known', 'any', 2, 201)):
            tap = Wire(h2, dev + fam[1]).listen()
            flow = Flow(NET[fam] % host, US[fam])
            wire.send(*flow.segments(frame(plain(0), id=id), [60]))
            tap.receive()
            before = counters(h2)
            pid = start_flood(flood, fam)

            def pressed():
                c = counters(h2)
                return sum(c[k] - before[k] for k in (
                    'reasm_evicted', 'reasm_nomem', 'reasm_late')) > 200

            felt = wait_until(pressed, 3 * PATIENCE)
            sent, lost, wrong, highest = honest(wire, fam, tap, flow, id, 1)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            tap.close()
            check('%s, %s: none of %d frames of a %s peer is lost (R8)' % (
                kind, fam, sent, who), felt and not lost and not wrong,
                  'lost %d' % lost, *wrong[:3],
                  '' if felt else 'there was no flood', counters(h2))
            check('%s, %s, %s: memory is within its limit: %d' % (
                kind, fam, who, highest), 0 < highest <= LIMIT)


def strangers():
    """A sender that no device accepts gets no memory at all."""
    before = counters(h2)
    wire = Wire(h1, 'eth0', mac(h2, 'eth0'))
    t = template(wire, 'v4', 1000, 7473)
    for n in range(500):
        t.send(src=address('v4', n + 1), seq=9000 << 16, id=n)
    now = counters(h2)
    check_eq('strangers: each is refused (R8)',
             now['drop_peer'] - before['drop_peer'], 500)
    check('strangers: before anything is allocated',
          now['reasm_mem'] <= before['reasm_mem'] and
          now['reasm_queues'] <= before['reasm_queues'], before, now)


def given_back():
    sysctl(h2, 'reasm_time_ms', 100)
    # What is open has the time that it began with.
    check('the memory is given back', wait_until(
        lambda: not counters(h2)['reasm_mem'] and
        not counters(h2)['reasm_queues'], 20 + 3 * PATIENCE), counters(h2))


def leave_open():
    wire = Wire(h1, 'eth0', mac(h2, 'eth0'))
    t = template(wire, 'v4', 500)
    for n in range(200):
        t.send(src=address('v4', n + 1), seq=9000 << 16, id=n)
    ok('200 frames are begun')


main([leave_open] if sys.argv[3:] else [floods, strangers, given_back])
