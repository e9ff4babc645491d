# SPDX-License-Identifier: GPL-2.0
"""Checks of drops.sh, which draws the topology."""

import collections
import re
import sys

from sttlib import *  # pylint: disable=wildcard-import,unused-wildcard-import

h1, h2 = sys.argv[1:3]

wire = Wire(h1, 'eth0', mac(h2, 'eth0'))
# Somebody listens: the core has no reason to drop anything behind us.
taps = [Wire(h2, dev).listen() for dev in ('stt4', 'stt6')]
A = {'v4': '192.0.2.1', 'v6': '2001:db8::1'}
B = {'v4': '192.0.2.2', 'v6': '2001:db8::2'}
NOBODY = {'v4': '192.0.2.77', 'v6': '2001:db8::77'}

# /proc/net/stt and ethtool -S, as INTERFACE.md promises them
NET_NAMES = '''reasm_queues reasm_mem reasm_ok reasm_timeout reasm_evicted
    reasm_nomem reasm_overlap reasm_duplicate partial_frames partial_packets
    drop_csum drop_header drop_version drop_offload drop_length drop_no_device
    drop_ecn drop_peer'''.split()
DEV_NAMES = '''rx_frames rx_segments rx_single rx_reassembled rx_partial
    tx_frames tx_tso tx_sw_offload tx_too_big tx_no_route tx_loop'''.split()

# The core's reason for each cause; kernels that do not know it say
# NOT_SPECIFIED.
REASONS = dict(
    reasm_timeout='FRAG_REASM_TIMEOUT', reasm_evicted='FRAG_TOO_FAR',
    reasm_late='FRAG_TOO_FAR', reasm_nomem='NOMEM',
    reasm_duplicate='DUP_FRAG', drop_csum='TCP_CSUM',
    drop_header='PKT_TOO_SMALL', drop_length='PKT_TOO_SMALL',
    drop_version='UNHANDLED_PROTO', drop_offload='SKB_BAD_GSO',
    drop_no_device='NO_SOCKET', drop_peer='NO_SOCKET',
    drop_ecn='IP_TUNNEL_ECN', drop_policy='XFRM_POLICY',
    tx_no_route='IP_OUTNOROUTES', tx_too_big='PKT_TOO_BIG')
# Better ones of newer kernels; older ones say the other.
NEWER = dict(tx_loop=('RECURSION_LIMIT', 'IP_OUTNOROUTES'),
             no_peer=('NO_TX_TARGET', 'IP_OUTNOROUTES'))


# --- what the kernel says ----------------------------------------------------


class Trace:
    """Events of our own and of freed packets, in a buffer of their own."""

    top = '/sys/kernel/tracing/'

    def __init__(self):
        self.dir = self.top + 'instances/drops/'
        os.mkdir(self.dir)
        self.write('buffer_size_kb', '4096')
        for event in ('stt', 'skb/kfree_skb'):
            self.write('events/%s/enable' % event, '1')
        with open(self.top + 'events/skb/kfree_skb/format',
                  encoding='ascii') as f:
            self.reasons = set(re.findall(r'"(\w+)" ?\}', f.read()))

    def write(self, name, value):
        with open(self.dir + name, 'w', encoding='ascii') as f:
            f.write(value)

    def reset(self):
        self.write('trace', '')

    def close(self):
        self.write('events/enable', '0')
        os.rmdir(self.dir)

    @staticmethod
    def tunnel(line):
        """(source, destination, destination port, id) of a drop: IPv4
        addresses as mapped ones; without an id where that is not known."""
        f = dict(re.findall(r' (\w+)=(\S+)', line))
        return (f['saddr'], f['daddr'], int(f['dport']),
                int(f['id']) if f['has_id'] == '1' else None)

    def read(self):
        """(how many of each event, reasons of each cause)"""
        with open(self.dir + 'trace', encoding='ascii') as f:
            text = f.read()
        events, reasons = collections.Counter(), collections.defaultdict(set)
        ours = {}
        self.tunnels = collections.defaultdict(set)
        for line in text.splitlines():
            m = re.search(r': (stt_drop|stt_tx_drop): .*skbaddr=(\S+) .*'
                          r'cause=(\S+)', line)
            if m:
                events[m[3]] += 1
                ours[m[2]] = m[3]
                self.tunnels[m[3]].add(self.tunnel(line))
                continue
            m = re.search(r': stt_frame: .* event=(\S+)', line)
            if m:
                events[m[1]] += 1
                continue
            m = re.search(r': kfree_skb: skbaddr=(\S+) .*reason: (\S+)', line)
            if m and m[1] in ours:
                reasons[ours.pop(m[1])].add(m[2])
        return events, reasons


trace = Trace()


def mapped(addr):
    return addr if ':' in addr else '::ffff:' + addr


def device(name):
    link = linkstats(h2, name)
    return {**ethstats(h2, name), **{k: link[k] for k in (
        'rx_errors', 'rx_dropped', 'tx_errors', 'tx_dropped')}}


def difference(after, before):
    return {k: v - before.get(k, 0) for k, v in after.items()
            if v != before.get(k, 0)}


def wanted_reason(cause):
    if cause in NEWER:
        return next(r for r in NEWER[cause] if r in trace.reasons)
    want = REASONS.get(cause, 'NOT_SPECIFIED')
    return want if want in trace.reasons else 'NOT_SPECIFIED'


def exactly(name, send, dev, net, stats, events, why_dropped=None):
    """send() moves these counters of the namespace, these of the device and
    causes these events; and no others, of any device. The core's reason is the
    event's, or that of why_dropped."""
    others = {d: device(d) for d in ('stt4', 'stt6') if d != dev}
    net_before, dev_before = counters(h2), device(dev)
    trace.reset()
    send()

    def state():
        got = difference(counters(h2), net_before)
        for gauge in GAUGES:
            got.pop(gauge, None)
        return got, difference(device(dev), dev_before)

    wait_until(lambda: state() == (net, stats), PATIENCE / 2)
    got_net, got_dev = state()
    seen, reasons = trace.read()
    why = []
    if got_net != net:
        why.append('/proc/net/stt: %s, wanted %s' % (got_net, net))
    if got_dev != stats:
        why.append('%s: %s, wanted %s' % (dev, got_dev, stats))
    if dict(seen) != events:
        why.append('events: %s, wanted %s' % (dict(seen), events))
    for cause, got in reasons.items():
        want = wanted_reason(why_dropped or cause)
        if got != {want}:
            why.append('reasons of %s: %s, wanted %s' % (cause, got, want))
    for d, stats_before in others.items():
        if device(d) != stats_before:
            why.append('%s: %s' % (d, difference(device(d), stats_before)))
    check(name, not why, *why)


def dropped(fam, name, cause, packets, *, whole=0, errors=0, n=None, **also):
    """One packet in, one drop out."""
    n = len(packets) if n is None else n
    events = {cause: n}
    if whole:
        events['whole'] = whole
    if also.get('reasm_ok'):
        events['reassembled'] = also['reasm_ok']
    exactly('%s: %d %s: %s' % (fam, n, name, cause),
            lambda: wire.send(*packets), 'stt' + fam[1], {cause: n, **also},
            {'rx_errors': errors} if errors else {}, events)


# --- receive -----------------------------------------------------------------


def plain(salt=0, size=100):
    return eth(pattern(size, salt), ETH_P_TEST)


def inner_tcp(fam, payload=3000, **args):
    a, b = ('10.0.0.1', '10.0.0.2') if fam == 'v4' else ('fd00::1', 'fd00::2')
    return eth(ip(tcp(pattern(payload), a, b, partial=True, **args), a, b, 6),
               ETH_P_IP if fam == 'v4' else ETH_P_IPV6)


def inner_udp(fam):
    a, b = ('10.0.0.1', '10.0.0.2') if fam == 'v4' else ('fd00::1', 'fd00::2')
    return eth(ip(udp(pattern(100), a, b, partial=True), a, b, 17),
               ETH_P_IP if fam == 'v4' else ETH_P_IPV6)


def names():
    have = set(counters(h2))
    check('all names of /proc/net/stt', have >= set(NET_NAMES),
          set(NET_NAMES) - have)
    for dev in ('stt4', 'stt6'):
        have = set(ethstats(h2, dev))
        check('%s: all names of ethtool -S' % dev, have >= set(DEV_NAMES),
              set(DEV_NAMES) - have)


def segments():
    for fam in A:
        flow = Flow(A[fam], B[fam])
        f = frame(plain())
        bits = parse_ip(flow.segment(f, new_id())).payload
        dropped(fam, 'bad checksums, whole and in parts', 'drop_csum',
                [flow.segment(f, new_id(), bad=True) for _ in range(3)] +
                flow.segments(f, [40, 80], bad=True))
        dropped(fam, 'bad headers', 'drop_header',
                [flow.segment(f, new_id(), doff=4),
                 flow.segment(f, new_id(), 0, 8, doff=15),
                 flow.segment(f, new_id(), 50, 50)] +
                [ip(bits[:n], flow.src, flow.dst, 6) for n in (4, 13, 19)])
        id = new_id()
        dropped(fam, 'bad lengths', 'drop_length',
                [flow.segment(f, new_id(), length=len(f) - 1),
                 flow.segment(f, new_id(), 0, 8, length=31),
                 flow.segment(f, new_id(), 60, 70, length=65),
                 flow.segment(f, new_id(), length=0)])
        check_eq('%s: stt_drop of a segment has no context id' % fam,
                 trace.tunnels['drop_length'],
                 {(mapped(A[fam]), mapped(B[fam]), PORT, None)})
        wire.send(flow.segment(f, id, 0, 50))
        dropped(fam, 'contradicting lengths', 'drop_length',
                [flow.segment(f, id, 60, 70, length=n)
                 for n in (len(f) - 1, len(f) + 1, 65535)])
        wire.send(flow.segment(f, id, 50))
        dropped(fam, 'versions', 'drop_version',
                [flow.segment(frame(plain(), version=v), new_id())
                 for v in (1, 2, 128, 255)], whole=4)
        dropped(fam, 'version, in parts', 'drop_version',
                flow.segments(frame(plain(), version=7), [20, 60]), n=1,
                reasm_ok=1)
        dropped(fam, 'context ids', 'drop_no_device',
                [flow.segment(frame(plain(), id=i), new_id())
                 for i in (0, 2, 1 << 32 | 1, (1 << 64) - 1)], whole=4)
        check_eq('%s: stt_drop has addresses, port and context id' % fam,
                 trace.tunnels['drop_no_device'],
                 {(mapped(A[fam]), mapped(B[fam]), PORT, i)
                  for i in (0, 2, 1 << 32 | 1, (1 << 64) - 1)})


def offloads():
    for fam in A:
        v4 = V if fam == 'v4' else 0
        l4 = 34 if v4 else 54
        flow = Flow(A[fam], B[fam])
        right = P | T | v4
        t, u = inner_tcp(fam, 300), inner_udp(fam)
        cut = inner_tcp(fam, 0, doff=6)
        kinds = {
            'C and P': (t, right | C, l4, 0),
            'L4 offset before the header': (t, right, l4 - 1, 0),
            'L4 offset behind the header': (t, right, l4 + 1, 0),
            'L4 offset 0': (t, right, 0, 0),
            'L4 offset behind the packet': (u, P | v4, 255, 0),
            'V of the other family': (t, right ^ V, l4, 0),
            'T of UDP': (u, right, l4, 0),
            'no T of TCP': (t, right ^ T, l4, 0),
            'no L4 header': (plain(), right, l4, 0),
            'TCP options cut short': (cut, right, l4, 0),
            'MSS of UDP': (u, P | v4, l4, 500),
            'MSS 0xffff': (t, right, l4, 0xffff),
            'MSS below the floor': (t, right, l4, 47),
        }
        for kind, (inner, flags, at, mss) in kinds.items():
            f = frame(inner, flags=flags, l4=at, mss=mss)
            dropped(fam, kind, 'drop_offload',
                    [flow.segment(f, new_id()) for _ in range(3)], whole=3,
                    errors=3)
        f = frame(t, flags=right | C, l4=l4)
        dropped(fam, 'C and P, in parts', 'drop_offload',
                flow.segments(f, [30, 99]), n=1, errors=1, reasm_ok=1)


def congestion():
    for fam in A:
        flow = Flow(A[fam], B[fam])
        f = frame(inner_tcp(fam, 40))
        dropped(fam, 'CE on what is not ECN-capable', 'drop_ecn',
                [flow.segment(f, new_id(), tos=3) for _ in range(5)], whole=5,
                errors=5)


def strangers():
    for fam in A:
        run('ip', '-n', h2, 'link', 'add', 'peer', 'up', 'type', 'stt', 'id',
            '1', 'dstport', '7473', 'remote', NOBODY[fam])
        flow = Flow(A[fam], B[fam], dport=7473)
        f = frame(plain())
        dropped(fam, 'parts from a stranger', 'drop_peer',
                flow.segments(f, [30, 60]) + [flow.segment(f, 9, 3, 4)])
        dropped(fam, 'whole frames from a stranger', 'drop_no_device',
                [flow.segment(f, new_id()) for _ in range(2)], whole=2)
        run('ip', '-n', h2, 'link', 'set', 'peer', 'down')
        flow = Flow(NOBODY[fam], B[fam], dport=7473)
        dropped(fam, 'frames for a device that is down', 'drop_no_device',
                [flow.segment(f, new_id()) for _ in range(2)], whole=2)
        run('ip', '-n', h2, 'link', 'del', 'peer')


def policies():
    for fam in A:
        ends = ('src', A[fam], 'dst', B[fam])
        try:
            run('ip', '-n', h2, 'xfrm', 'policy', 'add', *ends, 'proto',
                'tcp', 'dport', str(PORT), 'dir', 'in', 'tmpl', *ends,
                'proto', 'esp', 'mode', 'transport')
        except subprocess.CalledProcessError:
            skip('%s: IPsec policy' % fam, 'the kernel has no IPsec')
            continue
        flow = Flow(A[fam], B[fam])
        f = frame(plain())
        dropped(fam, 'cleartext packets', 'drop_policy',
                [flow.segment(f, new_id())] + flow.segments(f, [30, 60]))
        run('ip', '-n', h2, 'xfrm', 'policy', 'flush')


# --- reassembly --------------------------------------------------------------


def reassembly():
    for fam in A:
        dev = 'stt' + fam[1]
        f = frame(plain(1, 300))
        n = len(f)
        flow = Flow(A[fam], B[fam], 51000)
        exactly('%s: whole and in parts: nothing is dropped' % fam,
                lambda: wire.send(flow.segment(f, new_id()),
                                  *flow.segments(f, [50, 200])), dev,
                dict(reasm_ok=1),
                dict(rx_frames=2, rx_segments=4, rx_single=1,
                     rx_reassembled=1), dict(whole=1, reassembled=1))

        id = new_id()
        wire.send(flow.segment(f, id, 0, 200))
        dropped(fam, 'duplicates of an open frame', 'reasm_duplicate',
                [flow.segment(f, id, a, b) for a, b in ((0, 200), (10, 20),
                                                        (199, 200))])
        bad = bytes(n)
        dropped(fam, 'contradictions', 'reasm_overlap',
                [flow.segment(bad, id, 100, 250)])
        dropped(fam, 'segments of a condemned frame', 'reasm_late',
                [flow.segment(f, id, 200, n), flow.segment(f, id, 0, 200)])

        # Newer frames take the place of older ones.
        flow = Flow(A[fam], B[fam], 51001)
        ids = [new_id() for _ in range(5)]
        sysctl(h2, 'reasm_max_frames_per_flow', 1)
        exactly('%s: 4 frames overtaken: reasm_evicted' % fam,
                lambda: wire.send(*[flow.segment(f, i, 0, 50) for i in ids]),
                dev, dict(reasm_evicted=4), {}, dict(evicted=4))
        dropped(fam, 'segments behind their frame', 'reasm_late',
                [flow.segment(f, ids[3], 50, 60) for _ in range(3)])
        sysctl(h2, 'reasm_max_frames_per_flow', 8)
        wire.send(flow.segment(f, ids[4], 50, n))

        sysctl(h2, 'reasm_time_ms', 20)
        exactly('%s: 6 frames out of time: reasm_timeout' % fam,
                lambda: wire.send(*[
                    Flow(A[fam], B[fam], 52000 + i).segment(f, 1, 50, 90)
                    for i in range(6)]),
                dev, dict(reasm_timeout=6), {}, dict(expired=6))
        sysctl(h2, 'reasm_time_ms', 10000)

        sysctl(h2, 'reasm_high_thresh', 0)
        dropped(fam, 'segments without memory', 'reasm_nomem',
                [flow.segment(f, new_id(), 0, 50) for _ in range(4)])
        sysctl(h2, 'reasm_high_thresh', 1 << 24)
        check('%s: no memory is left held' % fam, wait_until(
            lambda: not counters(h2)['reasm_mem']), counters(h2))


def partly():
    for fam in A:
        dev = 'stt' + fam[1]
        flow = Flow(A[fam], B[fam], 51002)
        f = frame(inner_tcp(fam, 1200), flags=P | T | (V if fam == 'v4' else 0),
                  l4=34 if fam == 'v4' else 54, mss=500)
        id, last = new_id(), new_id()
        sysctl(h2, 'reasm_max_frames_per_flow', 1)
        exactly('%s: a frame with a hole: partial' % fam,
                lambda: wire.send(flow.segment(f, id, 0, 500),
                                  flow.segment(f, id, 800, 1100),
                                  flow.segment(f, last)),
                dev, dict(reasm_evicted=1, partial_frames=1,
                          partial_packets=2),
                dict(rx_frames=2, rx_partial=1, rx_single=1, rx_segments=3),
                dict(evicted=1, partial=1, whole=1))
        dropped(fam, 'segments delivered already', 'reasm_duplicate',
                [flow.segment(f, id, 100, 200),
                 flow.segment(f, id, 800, 1100)])
        exactly('%s: a late one still is' % fam,
                lambda: wire.send(flow.segment(f, id, 500, 800)), dev,
                dict(partial_packets=1), {}, dict(partial=1))
        sysctl(h2, 'reasm_max_frames_per_flow', 8)


# --- transmit ----------------------------------------------------------------


def transmit():
    for fam in A:
        dev = 'stt' + fam[1]
        out = Wire(h2, dev, '02:00:00:00:00:02')
        six = fam == 'v6'
        exactly('%s: 5 packets without a peer: tx_no_route' % fam,
                lambda: [out.send_frame(plain(i)) for i in range(5)], dev, {},
                dict(tx_no_route=5, tx_errors=5), dict(tx_no_route=5),
                'no_peer')
        check_eq('%s: stt_tx_drop without a peer has the context id' % fam,
                 trace.tunnels['tx_no_route'], {('::', '::', 0, 1)})
        out.close()
        way = ['10.9.9.9', 'fd09::9'][six]
        run('ip', '-n', h2, 'link', 'add', 'out', 'up', 'mtu',
            str([65463, 65483][six]), 'type', 'stt', 'id', '9', 'remote', way)
        out = Wire(h2, 'out', '02:00:00:00:00:02')
        exactly('%s: 3 packets without a route: tx_no_route' % fam,
                lambda: [out.send_frame(plain(i)) for i in range(3)], 'out',
                {}, dict(tx_no_route=3, tx_errors=3), dict(tx_no_route=3))
        check_eq('%s: stt_tx_drop has address, port and context id' % fam,
                 trace.tunnels['tx_no_route'],
                 {('::' if six else '::ffff:0.0.0.0', mapped(way), PORT, 9)})
        if six:
            # It can have routes, and no reason to send anything.
            in_ns(h2, 'sysctl', '-qw', 'net.ipv6.conf.out.addr_gen_mode=1',
                  'net.ipv6.conf.out.router_solicitations=0',
                  'net.ipv6.conf.out.disable_ipv6=0')
        run('ip', '-n', h2, 'route', 'add', way, 'dev', 'out')
        exactly('%s: 4 packets through the device itself: tx_loop' % fam,
                lambda: [out.send_frame(plain(i)) for i in range(4)], 'out',
                {}, dict(tx_loop=4, tx_errors=4), dict(tx_loop=4))
        run('ip', '-n', h2, 'route', 'del', way, 'dev', 'out')
        out.close()
        # A tag that stays in the frame makes it too big.
        run('ip', '-n', h2, 'link', 'add', 'link', 'out', 'name', 'tag',
            'type', 'vlan', 'proto', '802.1ad', 'id', '9')
        run('ip', '-n', h2, 'link', 'set', 'tag', 'up')
        out = Wire(h2, 'tag', '02:00:00:00:00:02')
        exactly('%s: 2 packets above 64 KB: tx_too_big' % fam,
                lambda: [out.send_frame(plain(i, [65463, 65483][six]))
                         for i in range(2)], 'out',
                {}, dict(tx_too_big=2, tx_dropped=2), dict(tx_too_big=2))
        out.close()
        run('ip', '-n', h2, 'link', 'del', 'tag')
        run('ip', '-n', h2, 'link', 'del', 'out')


# However slow the machine is, what belongs together comes in time.
sysctl(h2, 'reasm_time_ms', 10000)
try:
    main([names, segments, offloads, congestion, strangers, policies,
          reassembly, partly, transmit])
finally:
    trace.close()
