# SPDX-License-Identifier: GPL-2.0
"""Checks of scope.sh, which draws the topology."""

import sys

from sttlib import *  # pylint: disable=wildcard-import,unused-wildcard-import

h1, h2, h3 = sys.argv[1:4]

wire = Wire(h2, 'eth0', mac(h1, 'eth0'))
blue = Wire(h3, 'eth0', mac(h1, 'eth1'))
FLOWS = (('v4', Flow('192.0.2.2', '192.0.2.1')),
         ('v6', Flow('2001:db8::2', '2001:db8::1')))
BLUE = (('v4', Flow('198.51.100.2', '198.51.100.1')),
        ('v6', Flow('2001:db8:1::2', '2001:db8:1::1')))


def up(dev, *args):
    in_ns(h1, 'ip', 'link', 'add', dev, 'type', 'stt', *args)
    in_ns(h1, 'ip', 'link', 'set', dev, 'up')


def gone(*devs):
    for dev in devs:
        in_ns(h1, 'ip', 'link', 'del', dev)


def part(id):
    """A part of a frame."""
    return frame(eth(bytes(200), ETH_P_TEST), id=id), new_id(), 0, 100


def memory():
    """Parts of frames wait only where a device could accept them (R8)."""
    for (fam, flow), (_, in_blue) in zip(FLOWS, BLUE):
        local = [] if fam == 'v4' else ['local', '::']
        stranger = '192.0.2.99' if fam == 'v4' else '2001:db8::99'
        up('s0', 'id', '1', 'remote', stranger)
        up('s1', 'id', '2', 'dev', 'eth1', *local)

        def refused(name, on, sender, id):
            before = counters(h1)
            on.send(sender.segment(*part(id)))
            wait_until(lambda: counters(h1)['drop_peer'] >
                       before['drop_peer'])
            wrong = counted(h1, before, drop_peer=1)
            check('%s: %s (R8)' % (fam, name), not wrong and
                  counters(h1)['reasm_queues'] == before['reasm_queues'],
                  wrong)

        def waits(name, on, sender, id):
            n = counters(h1)['reasm_queues'] + 1
            on.send(sender.segment(*part(id)))
            check('%s: %s (R8)' % (fam, name), wait_until(
                lambda: counters(h1)['reasm_queues'] == n))

        refused('a catch-all device in a VRF is none outside of it', wire,
                flow, 2)
        in_ns(h1, 'ip', 'link', 'set', 's1', 'down')
        refused('a catch-all device that is down takes no memory', blue,
                in_blue, 2)
        in_ns(h1, 'ip', 'link', 'set', 's1', 'up')
        waits('parts wait for a catch-all device that is up', blue, in_blue, 2)
        in_ns(h1, 'ip', 'link', 'set', 's0', 'type', 'stt', 'remote',
              flow.src)
        in_ns(h1, 'ip', 'link', 'set', 's0', 'down')
        refused('a device that is down takes no memory for its peer', wire,
                flow, 1)
        in_ns(h1, 'ip', 'link', 'set', 's0', 'up')
        waits('parts of the peer wait for a device that is up', wire, flow, 1)
        gone('s0', 's1')


def link_local():
    """Link-local addresses at one end or both (R11)."""
    up('l0', 'id', '10', 'local', 'fe80::1', 'remote', '2001:db8::2', 'dev',
       'eth0')
    up('l1', 'id', '11', 'group', 'ff05::11', 'dev', 'eth0')
    up('l2', 'id', '12', 'group', 'ff02::12', 'dev', 'eth0')
    up('l3', 'id', '13', 'local', '::', 'dev', 'eth0')
    up('l4', 'id', '14', 'remote', 'fe80::2', 'dev', 'eth0')
    up('l5', 'id', '15', 'remote', '2001:db8::2')
    up('x1', 'external', 'dstport', '7472', 'local', '::', 'dev', 'eth0')
    for dev, id, src, dst, want, what in (
            ('l0', 10, '2001:db8::2', 'fe80::1', 1,
             'link-local local and global remote'),
            ('l0', 10, '2001:db8::2', '2001:db8::1', 0,
             'link-local local and a frame to another address'),
            ('l1', 11, 'fe80::2', 'fe80::1', 1,
             'link-local peer of a wider group'),
            ('l1', 11, '2001:db8::2', '2001:db8::1', 1,
             'global peer of a wider group'),
            ('l2', 12, 'fe80::2', 'fe80::1', 1,
             'link-local peer of a link-local group'),
            ('l2', 12, '2001:db8::2', '2001:db8::1', 1,
             'global peer of a link-local group'),
            ('l3', 13, 'fe80::2', 'fe80::1', 1,
             'link-local peer of a device on the link'),
            ('l4', 14, 'fe80::2', 'fe80::1', 1, 'link-local remote'),
            ('l4', 14, 'fe80::3', 'fe80::1', 0,
             'link-local remote and another sender'),
            ('l5', 15, '2001:db8::2', 'fe80::1', 1,
             'global remote and a frame to a link-local address'),
            ('x1', 16, 'fe80::2', 'fe80::1', 1,
             'link-local peer of an external device'),
            ('x1', 16, '2001:db8::2', 'fe80::1', 1,
             'frame to a link-local address of an external device')):
        flow = Flow(src, dst, dport=7472 if dev == 'x1' else 7471)
        f = frame(eth(bytes(200), ETH_P_TEST), id=id)
        before = ethstats(h1, dev)['rx_frames']
        drops = counters(h1)['drop_no_device']
        wire.send(flow.segment(f, new_id()))
        wait_until(lambda: ethstats(h1, dev)['rx_frames'] > before or
                   counters(h1)['drop_no_device'] > drops)
        got = ethstats(h1, dev)['rx_frames'] - before
        check('%s: %s (R11)' % (what, 'accepted' if want else 'refused'),
              got == want, got)
        if want:
            # As two segments.
            before = ethstats(h1, dev)['rx_frames']
            wire.send(*flow.segments(f, [100]))
            check('%s: in two segments (R8, R11)' % what, wait_until(
                lambda: ethstats(h1, dev)['rx_frames'] == before + 1))
    gone('l0', 'l1', 'l2', 'l3', 'l4', 'l5', 'x1')


# However slow the machine is, parts are still there when this looks.
sysctl(h1, 'reasm_time_ms', 30000)

main([memory, link_local])
