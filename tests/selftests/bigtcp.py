# SPDX-License-Identifier: GPL-2.0
"""What bigtcp.sh looks for on the wire."""

import sys

from sttlib import *  # pylint: disable=wildcard-import,unused-wildcard-import

h1, h2 = sys.argv[1:3]
A4, B4, A6, B6 = '10.0.0.1', '10.0.0.2', 'fd00::1', 'fd00::2'
FAMILIES = (('v4', 'stt4', 65464), ('v6', 'stt6', 65444))

capture = Wire(h2, 'eth0').listen()
devices = {dev: Wire(h1, dev) for _, dev, _ in FAMILIES}
serial = iter(range(1, 1 << 20))


def big_packet(n, v6, *, seq=1, ident=0, jumbo=False, **args):
    """(Ethernet frame, offset of the TCP header) of a packet whose length may
    be more than its IP header can tell; with @jumbo it is in the option that
    kernels before 6.19 put there."""
    src, dst = (A6, B6) if v6 else (A4, B4)
    seg = tcp(pattern(n), src, dst, partial=True, seq=seq, **args)
    if len(seg) + 40 < 65536:
        packet = ip(seg, src, dst, 6, ident=ident)
    elif v6:
        packet = ip(b'', src, dst, 0 if jumbo else 6)
        if jumbo:
            packet += struct.pack('!BBBBI', 6, 0, 0xc2, 4, len(seg) + 8)
        packet += seg
    else:
        head = put16(put16(ip(b'', src, dst, 6, ident=ident), 2, 0), 10, 0)
        packet = put16(head, 10, csum(head)) + seg
    return (eth(packet, ETH_P_IPV6 if v6 else ETH_P_IP),
            14 + len(packet) - len(seg))


def frames_of(dev, inner, at, mss, v6, **args):
    """Frames that come of it, in order, and what is wrong with their
    segments."""
    end = eth(b'end %6d' % next(serial) + bytes(50), ETH_P_TEST)
    capture.drain()
    # What is linear is not limited as pages are.
    devices[dev].send_frame(inner, gso_type=(GSO_TCPV6 if v6 else GSO_TCPV4) |
                            args.get('ecn', 0), gso_size=mss,
                            hdr_len=min(65535, len(inner)), csum_start=at)
    devices[dev].send_frame(end)
    packets = capture.receive_until(lambda p: p.data.endswith(end))
    found, wrong = {}, []
    for p in packets:
        if p.data[12:14] not in (b'\x08\0', b'\x86\xdd') or \
                parse_ip(p.data[ETH_HLEN:]).proto != 6:
            continue
        s = parse_segment(p.data[ETH_HLEN:], bool(p.flags & NEEDS_CSUM))
        if s.dport == PORT:
            found.setdefault(s.id, []).append(s)
    frames = []
    for segments in found.values():
        data, why = collect(segments)
        wrong += why
        frames.append((parse_frame(data), segments[0].sport))
    if len({sport for _, sport in frames}) > 1:
        wrong.append('W5: ports differ')
    return [f for f, _ in frames], wrong


def tcp_of(stt, v6, wrong):
    """The inner TCP packet of a frame, its headers checked."""
    at = 54 if v6 else 34
    inner = stt.inner
    if v6:
        if inner[20] != 6:
            wrong.append('next header %d' % inner[20])
        length = struct.unpack('!H', inner[18:20])[0] + 54
    else:
        length = struct.unpack('!H', inner[16:18])[0] + 14
        if csum_add(inner[14:34]) != 0xffff:
            wrong.append('inner IPv4 header checksum')
    if length != len(inner):
        wrong.append('inner IP length %d of %d' % (length, len(inner)))
    if not stt.flags & P or stt.l4 != at or bool(stt.flags & V) == v6:
        wrong.append('flags %#x, L4 offset %d' % (stt.flags, stt.l4))
    t = parse_tcp(Packet(inner, NEEDS_CSUM, 0, 0, 0, 0, None))
    if not t.csum_ok:
        wrong.append('sum of the pseudo header')
    return t


def check_big(name, fam, n, v6, mss, *, flags=ACK, seq=1, ident=7, room=None,
              frames=None, single=0, **args):
    """It becomes the fewest frames that hold it; @single of them, at the
    beginning, are cut into single segments in software."""
    dev, limit = next((d, s) for f, d, s in FAMILIES if f == fam)
    inner, at = big_packet(n, v6, flags=flags, seq=seq, ident=ident, **args)
    got, wrong = frames_of(dev, inner, at, mss, v6,
                           ecn=GSO_ECN if flags & CWR else 0)
    hlen = (54 if v6 else 34) + 20 + len(args.get('options', b''))
    each = (limit - 1 - hlen) // mss * mss
    sizes = [n] if n + hlen < limit else \
        [min(each, n - o) for o in range(0, n, each)]
    if single:
        sizes = [mss] * (each // mss) + sizes[1:]
    payload, segments = b'', 0
    for i, stt in enumerate(got):
        t = tcp_of(stt, v6, wrong)
        want = flags
        if i:
            want &= ~CWR
        if i != len(got) - 1:
            want &= ~(FIN | PSH)
        if t.flags != want:
            wrong.append('flags %#x of frame %d, wanted %#x' % (t.flags, i,
                                                                want))
        if t.seq != (seq + len(payload)) & 0xffffffff:
            wrong.append('sequence number of frame %d' % i)
        if t.options != args.get('options', b''):
            wrong.append('options of frame %d' % i)
        if not v6 and t.ip.ident != (ident + segments) & 0xffff:
            wrong.append('id %d of frame %d, %d segments before' % (
                t.ip.ident, i, segments))
        if stt.mss != (mss if len(t.payload) > mss else 0):
            wrong.append('MSS %d of frame %d' % (stt.mss, i))
        payload += t.payload
        segments += -(-len(t.payload) // mss)
    if [len(tcp_of(f, v6, []).payload) for f in got] != sizes:
        wrong.append('payloads %s, wanted %s' % (
            [len(tcp_of(f, v6, []).payload) for f in got], sizes))
    if payload != pattern(n):
        wrong.append('%d bytes, wanted %d' % (len(payload), n))
    check(name, not wrong, *wrong[:8])


def cutting():
    for fam, _, limit in FAMILIES:
        for v6 in False, True:
            what = '%s in %s: ' % ('IPv6' if v6 else 'IPv4', fam)
            hlen = 74 if v6 else 54
            for n, mss in ((66000, 1448), (100000, 1400), (130000, 1448),
                           (132000, 536), (70000, 30000), (120000, 65000)):
                check_big(what + '%d bytes, MSS %d (W13)' % (n, mss), fam, n,
                          v6, mss)
            # As large as a frame can be, and a byte more.
            for n in limit - 1 - hlen, limit - hlen:
                check_big(what + '%d bytes of a frame of %d (W13)' % (
                    n, limit - 1 - hlen), fam, n, v6, 1000)
            check_big(what + 'FIN and PSH are on the last frame (W13)', fam,
                      130000, v6, 1448, flags=ACK | FIN | PSH)
            check_big(what + 'CWR is on the first segment (W8, W13)', fam,
                      130000, v6, 1448, flags=ACK | CWR | PSH, single=1)
            check_big(what + 'sequence numbers and ids go round (W13)', fam,
                      130000, v6, 1000, seq=0xffffff00, ident=0xfff0)
            check_big(what + 'TCP options are on each frame (W13)', fam,
                      130000, v6, 1448, options=bytes([1, 1, 8, 10]) +
                      bytes(range(8)))


def single_segments():
    """The same behind a device without TSO: the wire has segments."""
    in_ns(h1, 'ethtool', '-K', 'eth0', 'tso', 'off', 'gso', 'off')
    for fam, _, _ in FAMILIES:
        for v6 in False, True:
            check_big('%s in %s: cut in software as well (W13)' % (
                'IPv6' if v6 else 'IPv4', fam), fam, 130000, v6, 1448)
    in_ns(h1, 'ethtool', '-K', 'eth0', 'tso', 'on', 'gso', 'on')


def smaller_underlay():
    """What the lower device takes is what a frame is."""
    global FAMILIES
    old = FAMILIES
    run('ip', '-n', h1, 'link', 'set', 'eth0', 'gso_max_size', '32768')
    for _, dev, _ in FAMILIES:
        run('ip', '-n', h1, 'link', 'set', dev, 'down')
        run('ip', '-n', h1, 'link', 'set', dev, 'up')
    FAMILIES = tuple((f, d, s - 32768) for f, d, s in FAMILIES)
    for fam, _, _ in FAMILIES:
        for v6 in False, True:
            check_big('%s in %s: over a device that takes 32 KB (W13)' % (
                'IPv6' if v6 else 'IPv4', fam), fam, 130000, v6, 1448)
    run('ip', '-n', h1, 'link', 'set', 'eth0', 'gso_max_size', '65536')
    for _, dev, _ in FAMILIES:
        run('ip', '-n', h1, 'link', 'set', dev, 'down')
        run('ip', '-n', h1, 'link', 'set', dev, 'up')
    FAMILIES = old


def jumbo_option():
    """Kernels that know the option take it off; others leave it to be."""
    release = tuple(int(x) for x in os.uname().release.split('.')[:2])
    if release >= (6, 19):
        return skip('a jumbo option is taken off (W13)',
                    'this kernel makes none')
    for fam, _, _ in FAMILIES:
        check_big('IPv6 in %s: a jumbo option is taken off (W13)' % fam, fam,
                  100000, True, 1448, jumbo=True)


def limits_ipv4():
    """Since 6.3 IPv4 has its own, which iproute2 may not know."""
    for _, dev, _ in FAMILIES:
        set_link(h1, dev, (IFLA_GSO_IPV4_MAX_SIZE, 524280),
                 (IFLA_GRO_IPV4_MAX_SIZE, 524280))


main([limits_ipv4, cutting, single_segments, smaller_underlay, jumbo_option])
