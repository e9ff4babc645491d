# SPDX-License-Identifier: GPL-2.0
"""Checks of external.sh, which draws the topology: what metadata become on
the wire, and what is on the wire becomes in metadata."""

import json
import subprocess
import sys

from sttlib import *  # pylint: disable=wildcard-import,unused-wildcard-import

h1, h2 = sys.argv[1:3]
A = {'v4': '192.0.2.1', 'v6': '2001:db8::1'}
B = {'v4': '192.0.2.9', 'v6': '2001:db8::9'}
H2 = {'v4': '192.0.2.2', 'v6': '2001:db8::2'}
INNER = dict(src='10.0.0.1', dst='10.0.0.2')

capture = Wire(h2, 'eth0').listen()
serial = 0


def setup(ns, *args):
    ip_batch(ns, ['link add stt0 mtu 9000 type stt external ' +
                  ' '.join(args), 'link set stt0 up'])
    in_ns(ns, 'tc', 'qdisc', 'add', 'dev', 'stt0', 'clsact')


def teardown(ns):
    ip_batch(ns, ['link del stt0'])


def inner(n=100, tos=0, dst='02:00:00:00:00:02'):
    """An inner frame; its MAC says which filter it is for."""
    seg = udp(pattern(n), INNER['src'], INNER['dst'])
    return eth(ip(seg, INNER['src'], INNER['dst'], 17, tos=tos), ETH_P_IP,
               dst=dst)


def key(*args, mark='0'):
    """Every packet sent by stt0 has that tunnel key, and that mark."""
    subprocess.run(['ip', 'netns', 'exec', h1, 'tc', 'filter', 'del', 'dev',
                    'stt0', 'egress'], check=False,
                   stderr=subprocess.DEVNULL)
    if args:
        in_ns(h1, 'tc', 'filter', 'add', 'dev', 'stt0', 'egress', 'matchall',
              'action', 'skbedit', 'mark', mark, 'pipe',
              'action', 'tunnel_key', 'set', *args)


def sent(data, dport=PORT):
    """The segments that h1 made of an inner frame."""
    global serial
    serial += 1
    end = eth(b'end %6d' % serial + bytes(50), ETH_P_TEST)
    capture.drain()
    Wire(h1, 'stt0').send_frame(data)
    Wire(h1, 'eth0').send_frame(end)
    segs = []
    for p in capture.receive_until(lambda p: p.data.endswith(end)):
        if p.data[12:14] not in (b'\x08\0', b'\x86\xdd'):
            continue
        q = parse_ip(p.data[ETH_HLEN:])
        if q.proto == 6 and q.payload[2:4] == struct.pack('!H', dport):
            segs.append(parse_segment(p.data[ETH_HLEN:],
                                      bool(p.flags & NEEDS_CSUM)))
    return segs


def check_sent(name, *, dport=PORT, data=None, **want):
    """One frame, with these fields in its headers."""
    data = data or inner()
    segs = sent(data, dport)
    if not segs:
        return not_ok(name, 'nothing sent')
    got, wrong = collect(segs)
    wrong = [w for w in wrong if not w.startswith('destination port')]
    f, outer = parse_frame(got), segs[0].ip
    have = dict(src=outer.src, dst=outer.dst, id=f.id, tos=outer.tos,
                ttl=outer.ttl, df=outer.df, label=outer.label,
                dport=segs[0].dport)
    bad = {k: (have[k], v) for k, v in want.items() if have[k] != v}
    return check(name, not bad and not wrong and f.inner == data,
                 'got, wanted: %s' % bad, *wrong[:5])


def transmit():
    setup(h1)
    for fam in 'v4', 'v6':
        a, b = A[fam], B[fam]
        key('id', '1', 'src_ip', a, 'dst_ip', b)
        check_sent(fam + ': id and addresses', src=a, dst=b, id=1, tos=0,
                   ttl=64, dport=PORT)
        key('id', '4294967295', 'src_ip', a, 'dst_ip', b, 'dst_port', '7500',
            'tos', '0x48', 'ttl', '33')
        check_sent(fam + ': tos, ttl and port', src=a, dst=b, id=0xffffffff,
                   tos=0x48, ttl=33, dport=7500)
        check_sent(fam + ': ECN of the inner packet (RFC 6040)', dport=7500,
                   data=inner(tos=2), tos=0x4a, ttl=33)
        check_sent(fam + ': an address and port of 0 are the device\'s',
                   dport=7500, data=inner(3000), id=0xffffffff)
    before = ethstats(h1, 'stt0')['tx_bad_key']
    key()
    check_eq('no metadata: nothing sent', sent(inner()), [])
    check_eq('no metadata: counted',
             ethstats(h1, 'stt0')['tx_bad_key'] - before, 1)
    teardown(h1)


def device_options():
    """What the metadata leave open."""
    setup(h1, 'ttl', '17', 'tos', '0x28', 'df', 'unset', 'flowlabel',
          '0x12345')
    key('id', '3', 'src_ip', A['v4'], 'dst_ip', B['v4'])
    check_sent('the device\'s ttl, tos and df', ttl=17, tos=0x28, df=False)
    key('id', '3', 'src_ip', A['v6'], 'dst_ip', B['v6'])
    check_sent('the device\'s flow label', ttl=17, label=0x12345)
    teardown(h1)
    setup(h1, 'local', A['v4'], 'idbits', '16', 'dstport', '7480')
    key('id', '65535', 'src_ip', '0.0.0.0', 'dst_ip', B['v4'])
    check_sent('the device\'s address and port, idbits is enough',
               dport=7480, src=A['v4'], id=65535, df=True)
    for name, args in (('an id of more than idbits',
                        ('id', '65536', 'src_ip', A['v4'], 'dst_ip',
                         B['v4'])),
                       ('a family that the device has not',
                        ('id', '1', 'src_ip', A['v6'], 'dst_ip', B['v6'])),
                       ('no peer', ('id', '1', 'src_ip', A['v4'], 'dst_ip',
                                    '0.0.0.0'))):
        before = ethstats(h1, 'stt0')['tx_bad_key']
        key(*args)
        check_eq(name + ': nothing sent', sent(inner(), 7480), [])
        check_eq(name + ': counted',
                 ethstats(h1, 'stt0')['tx_bad_key'] - before, 1)
    teardown(h1)


def one_by_one():
    """What was sent last is remembered: each field of a key makes another of
    it, and so do the mark and a change of the device."""
    setup(h1)
    for fam in 'v4', 'v6':
        args = dict(id='5', src_ip=A[fam], dst_ip=B[fam], tos='0x20',
                    ttl='40')
        want = dict(src=A[fam], dst=B[fam], id=5, tos=0x20, ttl=40, dport=PORT)
        other = {'v4': '192.0.2.10', 'v6': '2001:db8::10'}[fam]
        mine = {'v4': '192.0.2.11', 'v6': '2001:db8::11'}[fam]
        ip_batch(h1, ['addr add %s/%d dev eth0%s' % (
            mine, *((24, '') if fam == 'v4' else (64, ' nodad'))),
            'neigh add %s dev eth0 lladdr %s' % (other, mac(h2, 'eth0'))])
        for field, say, see in (
                ('id', '6', dict(id=6)), ('tos', '0x28', dict(tos=0x28)),
                ('ttl', '41', dict(ttl=41)), ('dst_ip', other, dict(dst=other)),
                ('src_ip', mine, dict(src=mine)),
                ('dst_port', '7500', dict(dport=7500))):
            key(*sum(args.items(), ()))
            check_sent('%s: before another %s' % (fam, field), **want)
            check_sent('%s: again' % fam, **want)
            key(*sum({**args, field: say}.items(), ()))
            check_sent('%s: another %s' % (fam, field), **{**want, **see})
    rule = ['pref', '100', 'fwmark', '5', 'type', 'unreachable']
    in_ns(h1, 'ip', '-6', 'rule', 'add', *rule)
    before = ethstats(h1, 'stt0')['tx_no_route']
    key(*sum(args.items(), ()))
    check_sent('no mark', **want)
    key(*sum(args.items(), ()), mark='5')
    check_eq('a mark has a route of its own', sent(inner()), [])
    check_eq('a packet without a route is counted',
             ethstats(h1, 'stt0')['tx_no_route'] - before, 1)
    in_ns(h1, 'ip', '-6', 'rule', 'del', *rule)
    key('id', '5', 'src_ip', A['v6'], 'dst_ip', B['v6'])
    check_sent('the device\'s ttl', ttl=64)
    ip_batch(h1, ['link set stt0 type stt ttl 19'])
    check_sent('the device\'s ttl, when it was changed', ttl=19)
    teardown(h1)


def check_path_mtu(name):
    """A message about the peer is believed (W12)."""
    segs = sent(inner(3000))
    check_eq(name + ': segments of the link\'s MTU',
             max(len(s.data) for s in segs), 1460)
    s = segs[0]
    quoted = tcp(b'', s.ip.src, s.ip.dst, sport=s.sport, dport=PORT)[:8]
    quoted = ip(quoted, s.ip.src, s.ip.dst, 6)
    icmp = struct.pack('!BBHHH', 3, 4, 0, 0, 1000) + quoted
    icmp = put16(icmp, 2, csum(icmp))
    Wire(h2, 'eth0', mac(h1, 'eth0')).send(ip(icmp, H2['v4'], A['v4'], 1))
    check(name + ': a smaller path MTU is heeded', wait_until(
        lambda: max(len(s.data) for s in sent(inner(3000))) == 960))
    in_ns(h1, 'ip', 'route', 'flush', 'cache')


def path_mtu():
    """What is remembered of a peer is what messages about it are held
    against."""
    setup(h1)
    # Cut before the wire, not behind it.
    in_ns(h1, 'ethtool', '-K', 'eth0', 'tso', 'off', 'gso', 'off')
    key('id', '1', 'src_ip', A['v4'], 'dst_ip', B['v4'])
    check_path_mtu('a peer')
    # The way to this one is another device's, which lets go of it.
    ip_batch(h1, ['link add stt9 type stt id 77', 'link set stt9 up'])
    peer = '192.0.2.12'
    ip_batch(h1, ['neigh add %s dev eth0 lladdr %s' % (peer, mac(h2, 'eth0'))])
    flow = Flow(peer, A['v4'])
    learnt = eth(bytes(50), ETH_P_TEST, src='02:00:00:00:00:77')
    Wire(h2, 'eth0', mac(h1, 'eth0')).send(
        *flow.segments(frame(learnt, id=77), []))
    check('another device learns a MAC address', wait_until(
        lambda: '02:00:00:00:00:77' in in_ns(h1, 'bridge', 'fdb', 'show',
                                             'dev', 'stt9')))
    key('id', '1', 'src_ip', '0.0.0.0', 'dst_ip', peer)
    check_sent('the external device sends to that peer, too', dst=peer)
    ip_batch(h1, ['link del stt9'])
    check_sent('the peer stays reachable without the other device', dst=peer)
    check_path_mtu('path MTU for a peer of the external device alone')
    in_ns(h1, 'ethtool', '-K', 'eth0', 'tso', 'on', 'gso', 'on')
    teardown(h1)


def filter_hits():
    """How many packets each filter of h2's stt0 has seen, by its pref."""
    shown = json.loads(in_ns(h2, 'tc', '-j', '-s', 'filter', 'show', 'dev',
                             'stt0', 'ingress'))
    return {str(f['pref']): f['options']['actions'][0]['stats']['packets']
            for f in shown if f.get('options', {}).get('actions')}


def receive():
    setup(h2, 'idbits', '40')
    wire = Wire(h1, 'eth0', mac(h2, 'eth0'))
    cases = {}
    for n, fam in enumerate(('v4', 'v6')):
        src = A[fam]
        flow = Flow(src, H2[fam], sport=50001 + n)
        args = dict(tos=0x28, ttl=77)
        enc = ['enc_src_ip', src, 'enc_dst_ip', H2[fam], 'enc_dst_port',
               '7471', 'enc_tos', '0x28', 'enc_ttl', '77']
        for m, (name, id, cuts, match, yes) in enumerate((
                ('whole', 7, [], ['enc_key_id', '7'], True),
                ('in segments, late first', 8, [40, 90], ['enc_key_id', '8'],
                 True),
                ('another id', 9, [], ['enc_key_id', '10'], False),
                ('32 bits of the id are seen', 1 << 39 | 11, [],
                 ['enc_key_id', '11'], True))):
            pref = str(1 + 8 * n + m)
            in_ns(h2, 'tc', 'filter', 'add', 'dev', 'stt0', 'ingress', 'pref',
                  pref, 'protocol', 'ip', 'flower', *match, *enc, 'action',
                  'drop')
            packets = flow.segments(frame(inner(), id=id), cuts, **args)
            cases[pref] = (fam + ': ' + name, packets, yes)
    for _, packets, _ in cases.values():
        wire.send(*reversed(packets))
    before = counters(h2)
    wire.send(*Flow(A['v4'], H2['v4']).segments(frame(inner(), id=1 << 40),
                                                []))
    want = sum(1 for c in cases.values())
    check('every frame is received', wait_until(
        lambda: ethstats(h2, 'stt0')['rx_frames'] == want))
    check('an id of more than idbits reaches no device', wait_until(
        lambda: not counted(h2, before, drop_no_device=1)),
        counted(h2, before, drop_no_device=1))
    hits = filter_hits()
    for pref, (name, _, yes) in cases.items():
        check_eq(name, hits.get(pref), int(yes))
    teardown(h2)


def received_one_by_one():
    """So is what came last with a sender's frames."""
    setup(h2)
    wire = Wire(h1, 'eth0', mac(h2, 'eth0'))
    base = dict(id=5, tos=0x20, ttl=40)
    others = dict(id=6, tos=0x28, ttl=41)
    want = {}
    for fam in 'v4', 'v6':
        flow = Flow(A[fam], H2[fam])
        for field, value in [(None, None), *others.items()]:
            args = {**base, field: value} if field else base
            pref = str(len(want) + 1)
            in_ns(h2, 'tc', 'filter', 'add', 'dev', 'stt0', 'ingress', 'pref',
                  pref, 'protocol', 'ip', 'flower', 'enc_src_ip', A[fam],
                  'enc_key_id', str(args['id']), 'enc_tos', str(args['tos']),
                  'enc_ttl', str(args['ttl']), 'action', 'drop')
            want[pref] = ('%s: another %s' % (fam, field) if field else
                          fam + ': received again and again',
                          1 if field else 9)
            for f in (base, base, args, base) if field else ():
                wire.send(*flow.segments(frame(inner(), id=f['id']), [],
                                         tos=f['tos'], ttl=f['ttl']))
    check('every frame is received, one after another', wait_until(
        lambda: ethstats(h2, 'stt0')['rx_frames'] == 24))
    hits = filter_hits()
    for pref, (name, n) in want.items():
        check_eq(name, hits.get(pref), n)
    teardown(h2)


main([transmit, device_options, one_by_one, path_mtu, receive,
      received_one_by_one])
