# SPDX-License-Identifier: GPL-2.0
"""Checks of wire_sw.sh, which draws the topology."""

import sys

from sttlib import *  # pylint: disable=wildcard-import,unused-wildcard-import

h1, h2, family = sys.argv[1:4]
A4, B4, A6, B6 = '10.0.0.1', '10.0.0.2', 'fd00::1', 'fd00::2'
SOL_UDP, UDP_SEGMENT = 17, 103

out = Wire(h1, 'stt0')
# GRO would put together again what was cut.
in_ns(h2, 'ethtool', '-K', 'stt0', 'gro', 'off')
tap = Wire(h2, 'stt0').listen()
wire = Wire(h2, 'eth0').listen()
STRANGER = '02:00:00:00:00:77'          # inner packets that no stack answers


def stats(*names):
    s = ethstats(h1, 'stt0')
    return [s[n] for n in names]


def received(send, n, of=lambda p: p.data[:6] == mac_bytes(STRANGER)):
    """The first @n packets of those sent that arrive at the far device, and
    all that are there then."""
    tap.drain()
    wire.drain()
    send()
    got = []
    while len(got) < n:
        p = tap.receive()
        if p is None:
            break
        if of(p):
            got.append(p)
    return got + [p for p in tap.drain() if of(p)]


def wire_frames():
    """Frames that crossed the wire since."""
    by_id = {}
    for p in wire.drain():
        if p.data[12:14] not in (b'\x08\0', b'\x86\xdd'):
            continue
        q = parse_ip(p.data[ETH_HLEN:])
        if q.proto == 6 and q.payload[2:4] == struct.pack('!H', PORT):
            s = parse_segment(p.data[ETH_HLEN:])
            by_id.setdefault(s.id, []).append(s)
    return [collect(s) for s in by_id.values()]


def tcp_frame(n, *, v6=False, flags=ACK | PSH, ext=b'', seq=99, options=b''):
    src, dst = (A6, B6) if v6 else (A4, B4)
    seg = tcp(pattern(n), src, dst, partial=True, flags=flags, seq=seq,
              options=options)
    packet = ip(seg, src, dst, 60 if ext else 6, ext=ext)
    return (eth(packet, ETH_P_IPV6 if v6 else ETH_P_IP, STRANGER),
            ETH_HLEN + len(packet) - len(seg))


def resolved(name, n, mss, *, v6=False, flags=ACK | PSH, first=0, ecn=0,
             ext=b'', described=True):
    """A TCP GSO packet is cut by us: one frame for each segment."""
    inner, at = tcp_frame(n, v6=v6, flags=flags, ext=ext)
    count = -(-n // mss)
    # The host itself may send between any two lines: what is counted as others
    # was on the wire after the first reading and before the second.
    before = stats('tx_sw_offload', 'tx_frames')
    wire.drain()
    got = received(lambda: out.send_frame(
        inner, gso_type=(GSO_TCPV6 if v6 else GSO_TCPV4) | ecn, gso_size=mss,
        hdr_len=at + 20, csum_start=at), count)
    check_stream('%s: %s (W8)' % (family, name), got, pattern(n), seq=99,
                 flags=flags, mss=mss, first=first)
    everything = wire_frames()
    after = stats('tx_sw_offload', 'tx_frames')
    frames = [(d, w) for d, w in everything
              if parse_frame(d).inner[:6] == mac_bytes(STRANGER)]
    others = len(everything) - len(frames)
    bad = [w for _, ws in frames for w in ws]
    headers = {(f.flags, f.l4, f.mss) for f in
               (parse_frame(d) for d, _ in frames)}
    want = {(P | T | (0 if v6 else V), at, 0) if described else (0, 0, 0)}
    check('%s: %s, on the wire (W8)' % (family, name),
          len(frames) == count and not bad and headers == want and
          after[0] - before[0] == 1 and
          after[1] - before[1] >= count + others,
          '%d frames of %d, %d others' % (len(frames), count, others),
          bad[:4], headers, before, after)


def cut_by_us():
    for v6 in False, True:
        v = ', IPv6' if v6 else ', IPv4'
        resolved('CWR under TSO' + v, 5000, 1000, v6=v6, ecn=GSO_ECN,
                 flags=ACK | PSH | CWR, first=CWR)
        resolved('CWR under TSO that nobody announced' + v, 3000, 700, v6=v6,
                 flags=ACK | CWR | ECE, first=CWR)
        resolved('MSS below the least' + v, 2000, 47, v6=v6)
    # With ECN, but without CWR, it is TSO as any.
    inner, at = tcp_frame(5000, flags=ACK | ECE)
    before = stats('tx_sw_offload')
    got = received(lambda: out.send_frame(
        inner, gso_type=GSO_TCPV4, gso_size=1000, hdr_len=at + 20,
        csum_start=at), 1)
    check('%s: ECE alone needs nothing (W8)' % family, len(got) == 1 and
          got[0].data == inner and got[0].gso_size == 1000 and
          stats('tx_sw_offload') == before, got[:1])
    resolved('L4 offset above 255, GSO', 5000, 1000, v6=True,
             ext=dest_opts(6, 216), described=False)


def summed_by_us():
    """Unfinished checksums that the header cannot describe."""
    kinds = []
    for opts, described in ((200, True), (208, False), (240, False),
                            (400, False)):
        inner, at = tcp_frame(500, v6=True, ext=dest_opts(6, opts))
        kinds.append(('TCP, L4 offset %d' % at, inner, at, 16, described))
    seg = udp(pattern(500), A6, B6, partial=True)
    packet = ip(seg, A6, B6, 60, ext=dest_opts(17, 256))
    kinds.append(('UDP, L4 offset 310', eth(packet, ETH_P_IPV6, STRANGER),
                  310, 6, False))
    inside = ip(tcp(pattern(300), A4, B4, partial=True), A4, B4, 6)
    outside = eth(ip(inside, A4, B4, 4), ETH_P_IP, STRANGER)
    kinds.append(('TCP in IPv4 in IPv4', outside, 54, 16, False))
    # ICMPv6 has a pseudo-header too.
    echo = b'\x80\0\0\0' + pattern(100)
    echo = put16(echo, 2, pseudo(A6, B6, 58, len(echo)))
    kinds.append(('ICMPv6', eth(ip(echo, A6, B6, 58), ETH_P_IPV6, STRANGER),
                  54, 2, False))
    for name, inner, at, off, described in kinds:
        before = stats('tx_sw_offload')[0]
        got = received(lambda: out.send_frame(
            inner, csum_start=at, csum_offset=off, hdr_len=at + 8), 1)
        count = stats('tx_sw_offload')[0] - before
        want = inner
        if not described:
            # sum of everything from there on, pseudo-header's in its place
            want = put16(inner, at + off, csum(inner[at:]))
        flags = NEEDS_CSUM if described else 0
        check('%s: checksum of %s (W8)' % (family, name), len(got) == 1 and
              got[0].data == want and got[0].flags == flags and
              count == (0 if described else 1), got[:1], show(want), count)


def sums_nowhere():
    """A virtual machine may name any place for a checksum, also the addresses
    or a tag that is no longer there."""
    def counts():
        return stats('tx_frames', 'tx_sw_offload') + [
            linkstats(h1, 'stt0')['tx_dropped']]

    for tag in None, 0x8100, 0x88a8:
        inner, _ = tcp_frame(100)
        if tag:
            inner = inner[:12] + struct.pack('!HH', tag, 5) + inner[12:]

        before, taken = counts(), []
        for at in range(ETH_HLEN + 4):
            # From 6.12 on packet sockets want it behind the link header.
            with contextlib.suppress(OSError):
                out.send_frame(inner, csum_start=at, csum_offset=0,
                               hdr_len=at + 2)
                taken.append(at)
        sent, soft, gone = (a - b for a, b in zip(counts(), before))
        lost = sum(at < 4 for at in taken) if tag == 0x8100 else 0
        # Our own host has to say something now and then.
        check('%s: checksums nowhere, %s (W8)' % (
            family, 'tag %#x' % tag if tag else 'no tag'),
            gone == lost and soft == len(taken) and sent >= soft - lost,
            taken, sent, soft, gone)


def udp_gso():
    for a, b in ((A4, B4), (A6, B6)):
        fam = socket.AF_INET6 if is_v6(a) else socket.AF_INET
        with netns(h1):
            s = socket.socket(fam, socket.SOCK_DGRAM)
        with netns(h2):
            r = socket.socket(fam, socket.SOCK_DGRAM)
        r.bind((b, 6000))
        r.settimeout(PATIENCE)
        s.setsockopt(SOL_UDP, UDP_SEGMENT, 1000)
        data = pattern(20300, 4)
        before = stats('tx_sw_offload')[0]
        s.sendto(data, (b, 6000))
        got = []
        try:
            while len(got) < 21:
                got.append(r.recv(65536))
        except OSError:
            pass
        name = '%s: inner UDP GSO, %s (W8)' % (
            family, 'IPv6' if is_v6(a) else 'IPv4')
        check_eq(name, got, [data[i:i + 1000] for i in range(0, 20300, 1000)])
        check_eq(name + ', counted', stats('tx_sw_offload')[0] - before, 1)
        s.close()
        r.close()


def ufo():
    """UDP fragmentation offload, which virtual machines still have: IP
    fragments come of it."""
    with netns(h2):
        r = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    r.bind((B4, 6001))
    r.settimeout(PATIENCE)
    data = pattern(8000, 6)
    seg = udp(data, A4, B4, sport=6001, dport=6001, partial=True)
    inner = eth(ip(seg, A4, B4, 17, df=False, ident=77), ETH_P_IP,
                dst=mac(h2, 'stt0'))
    try:
        out.send_frame(inner, gso_type=GSO_UDP, gso_size=1480, hdr_len=42,
                       csum_start=34, csum_offset=6)
    except OSError as e:
        r.close()
        return skip('%s: inner UDP fragmentation offload (W8)' % family,
                    'refused by this kernel: %s' % e.strerror)
    try:
        got = r.recv(65536)
    except OSError as e:
        got = str(e)
    r.close()
    return check_eq('%s: inner UDP fragmentation offload (W8)' % family, got,
                    data)


def tunnel_in_tunnel():
    for n, (ns, me, peer) in enumerate(((h1, A4, B4), (h2, B4, A4)), 1):
        ip_batch(ns, ['link add vx0 type vxlan id 9 local %s remote %s '
                      'dstport 4789' % (me, peer),
                      'link set vx0 mtu 1400 up',
                      'addr add 10.1.0.%d/24 dev vx0' % n])
    before = stats('tx_sw_offload')[0]
    check_eq('%s: TCP over VXLAN over STT (W8)' % family,
             transfer(h2, '10.1.0.2', h1), '')
    check('%s: TCP over VXLAN over STT is cut in software (W8)' % family,
          stats('tx_sw_offload')[0] > before)
    for ns in h1, h2:
        run('ip', '-n', ns, 'link', 'del', 'vx0')


def sctp():
    name = '%s: inner SCTP (W7, W8)' % family
    subprocess.run(['modprobe', '-q', 'sctp'], check=False)
    try:
        with netns(h2):
            server = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)
        with netns(h1):
            client = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)
    except OSError as e:
        return skip(name, 'no SCTP in this kernel: %s' % e.strerror)
    data = pattern(30000, 3)
    server.bind((B4, 7000))
    server.listen(1)
    client.settimeout(PATIENCE)
    server.settimeout(PATIENCE)
    why, got = '', b''
    try:
        client.connect((B4, 7000))
        conn, _ = server.accept()
        conn.settimeout(PATIENCE)
        client.sendall(data)
        while len(got) < len(data):
            x = conn.recv(65536)
            if not x:
                break
            got += x
        conn.close()
    except OSError as e:
        why = e
    client.close()
    server.close()
    return check(name, got == data, why, len(got))


def plain_tcp():
    """The usual case needs none of this."""
    before = stats('tx_sw_offload', 'tx_too_big', 'tx_no_route', 'tx_loop')
    tso = stats('tx_tso')[0]
    for b in B4, B6:
        check_eq('%s: TCP to %s' % (family, b), transfer(h2, b, h1), '')
    check_eq('%s: nothing had to be resolved (W8)' % family,
             stats('tx_sw_offload', 'tx_too_big', 'tx_no_route', 'tx_loop'),
             before)
    check('%s: TSO was used (W3)' % family, stats('tx_tso')[0] > tso + 10)


sysctl(h2, 'reasm_time_ms', 10000)
main([cut_by_us, summed_by_us, sums_nowhere, udp_gso, ufo, tunnel_in_tunnel,
      sctp, plain_tcp])
