# SPDX-License-Identifier: GPL-2.0
"""Checks of isolation.sh, which draws the topology."""

import sys

from sttlib import *  # pylint: disable=wildcard-import,unused-wildcard-import

s, r1, r2, c1, c2 = sys.argv[1:6]
PORTS = (7471, 7472)
DEVICES, FRAMES = 120, 1500

# Neighbours: in one bit, above 32 and above 48 bits, and byte-swapped.
IDS = [0, 1, 5, 1 << 32, 1 << 32 | 5, 1 << 48 | 5, 1 << 63 | 5, 5 << 56,
       0xffffffff, 0xffffffffffffffff, 1 << 20, 3 << 20]
LOCAL = {r1: ('192.0.2.11', '192.0.2.12', '192.0.2.13', '2001:db8::1:1',
              '2001:db8::1:2', '2001:db8::1:3'),
         r2: ('192.0.2.21', '192.0.2.22', '192.0.2.23', '2001:db8::2:1',
              '2001:db8::2:2', '2001:db8::2:3')}
REMOTE = ('192.0.2.101', '192.0.2.102', '192.0.2.103', '2001:db8::101',
          '2001:db8::102', '2001:db8::103')


class Device:
    """@home: the underlay's namespace; @ns: where it is."""

    def __init__(self, name, home, port, id, remote, local, external=False):
        self.name, self.home, self.port, self.id = name, home, port, id
        self.remote, self.local, self.external = remote, local, external
        self.v6 = is_v6(remote or local or '')
        self.ns = random.choice([home, home, c1, c2])
        self.want = 0

    def add(self):
        line = 'link add %s type stt dstport %d' % (self.name, self.port)
        if self.external:
            return line + ' external'
        line += ' id %d' % self.id
        for what in 'remote', 'local':
            if getattr(self, what):
                line += ' %s %s' % (what, getattr(self, what))
        return line

    def takes(self, port, id, src, dst):
        """How specific is it about that frame?  0: it is not its."""
        if self.port != port:
            return 0
        if self.external:
            return 1
        if self.id != id or self.v6 != is_v6(src):
            return 0
        if (self.remote or src) != src or (self.local or dst) != dst:
            return 0
        return 2 + (1 if self.local else 0) + (2 if self.remote else 0)


def draw():
    devices, keys = [], set()
    for home in r1, r2:
        while len([d for d in devices if d.home == home]) < DEVICES:
            v6 = random.random() < 0.5
            remote = random.choice([None, random.choice(
                [a for a in REMOTE if is_v6(a) == v6])])
            local = random.choice([None, random.choice(
                [a for a in LOCAL[home] if is_v6(a) == v6])])
            key = (home, random.choice(PORTS), random.choice(IDS), remote,
                   local)
            if key not in keys:
                keys.add(key)
                devices.append(Device('i%d' % len(devices), *key))
        # One of the ports has one that takes the rest.
        devices.append(Device('i%d' % len(devices), home, PORTS[1], 0, None,
                              None, True))
    return devices


def isolation():
    devices = draw()
    for home in r1, r2:
        mine = [d for d in devices if d.home == home]
        ip_batch(home, [d.add() for d in mine] +
                 ['link set %s netns %s' % (d.name, d.ns) for d in mine
                  if d.ns != home])
    for ns in r1, r2, c1, c2:
        ip_batch(ns, ['link set %s up' % d.name for d in devices
                      if d.ns == ns])
    ok('%d devices' % len(devices))

    wires = {r: Wire(s, 'eth0', mac(r, 'eth0')) for r in (r1, r2)}
    before = {r: counters(r) for r in (r1, r2)}
    nobody = {r1: 0, r2: 0}
    for n in range(FRAMES):
        home = random.choice((r1, r2))
        src = random.choice(REMOTE)
        dst = random.choice([a for a in LOCAL[home]
                             if is_v6(a) == is_v6(src)])
        port, id = random.choice(PORTS), random.choice(IDS)
        if random.random() < 0.2:
            id ^= 1 << random.randrange(64)
        best = max((d for d in devices if d.home == home),
                   key=lambda d: d.takes(port, id, src, dst))
        if best.takes(port, id, src, dst):
            best.want += 1
        else:
            nobody[home] += 1
        data = frame(eth(pattern(50 + n % 100), ETH_P_TEST), id=id)
        cuts = [60] if random.random() < 0.3 else []
        packets = Flow(src, dst, 50000 + n % 1000, port).segments(data, cuts)
        wires[home].send(*random.sample(packets, len(packets)))

    # Parts of frames from whom no device would take one wait for nothing.
    def given_up(home):
        now = counters(home)
        return now['drop_no_device'] - before[home]['drop_no_device']
    total = sum(d.want for d in devices)
    check('as many frames as were sent to somebody', wait_until(
        lambda: sum(ethstats(d.ns, d.name)['rx_frames'] for d in devices)
        == total), total)
    wrong = ['%s (id %#x port %d remote %s local %s in %s): %d, not %d' % (
        d.name, d.id, d.port, d.remote, d.local, d.ns, n, d.want)
        for d in devices
        for n in [ethstats(d.ns, d.name)['rx_frames']] if n != d.want]
    check('each device receives its own frames only (R11)', not wrong, *wrong)
    check('some frames were for no device', nobody[r1] and nobody[r2], nobody)
    for r in r1, r2:
        check('%s: frames for no device are counted' % r.split('-')[0],
              given_up(r) <= nobody[r] and given_up(r) > 0,
              given_up(r), nobody[r])
    check('most devices had frames',
          len([d for d in devices if d.want]) > len(devices) // 3)


main([isolation])
