# SPDX-License-Identifier: GPL-2.0
"""Checks of wire_rx_tcp.sh, which draws the topology."""

import itertools
import sys
import threading

from sttlib import *  # pylint: disable=wildcard-import,unused-wildcard-import

h1, h2, h3 = sys.argv[1:4]

wire = Wire(h1, 'eth0', mac(h2, 'eth0'))
FAMILIES = wire_families(h2)
(_, flow4, tap4), (_, flow6, tap6) = FAMILIES
serial = itertools.count(1)


def plain(salt=0, size=100):
    return eth(pattern(size, salt), ETH_P_TEST)


def arrived(flow, tap, *packets):
    end = eth(b'marker %6d' % next(serial) + bytes(50), ETH_P_TEST)
    wire.send(*packets, flow.segment(frame(end), new_id()))
    return [p.data for p in tap.receive_until(lambda p: p.data == end)]


def check_result(name, flow, tap, packets, inner, **want):
    before = counters(h2)
    got = arrived(flow, tap, *packets)
    wrong = counted(h2, before, **want)
    return check(name, got == inner and not wrong, '' if got == inner else
                 'got    %s\nwanted %s' % (show(got), show(inner)), wrong)


# --- TCP that is none of ours ------------------------------------------------


def echo(server_ns, address, port, client_ns, name, sport=0):
    """A TCP connection brings back what it is given, and nothing is counted."""
    family = socket.AF_INET6 if is_v6(address) else socket.AF_INET
    data = pattern(200000, 5)
    before = counters(h2)
    with netns(server_ns):
        server = socket.socket(family, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((address, port))
    server.listen(1)

    def serve():
        c, _ = server.accept()
        with c:
            while True:
                x = c.recv(1 << 16)
                if not x:
                    return
                c.sendall(x)

    t = threading.Thread(target=serve, daemon=True)
    t.start()
    with netns(client_ns):
        client = socket.socket(family, socket.SOCK_STREAM)
    client.settimeout(3 * PATIENCE)
    got = b''
    why = ''
    try:
        if sport:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            client.bind(('', sport))
        client.connect((address, port))
        sender = threading.Thread(target=lambda: (
            client.sendall(data), client.shutdown(socket.SHUT_WR)),
            daemon=True)
        sender.start()
        while True:
            x = client.recv(1 << 16)
            if not x:
                break
            got += x
    except OSError as e:
        why = e
    client.close()
    server.close()
    wrong = counted(h2, before)
    check(name, got == data and not wrong, why, '%d bytes' % len(got), wrong)


def foreign_tcp():
    for fam, a1, a2, a3 in (
            ('v4', '192.0.2.1', '192.0.2.2', '198.51.100.3'),
            ('v6', '2001:db8::1', '2001:db8::2', '2001:db8:1::3')):
        echo(h2, a2, 8000, h1, fam + ': a server on another port (R1)')
        echo(h2, a2, 7470, h1, fam + ': a server on the next port (R1)')
        echo(h1, a1, PORT, h2, fam + ": the host's own connection to that "
             'port elsewhere (R1)')
        echo(h3, a3, PORT, h1, fam + ': a connection to that port elsewhere, '
             'forwarded (R1)')
        echo(h2, a2, 8001, h1, fam + ': a client that has the port (R1)',
             sport=PORT)
    # Another family's endpoint is no endpoint.
    run('ip', '-n', h3, 'link', 'add', 'only4', 'up', 'type', 'stt', 'id',
        '1')
    echo(h3, '2001:db8:1::3', PORT, h1, 'v6: a server on the port that STT '
         'has for IPv4 (R1)')
    run('ip', '-n', h3, 'link', 'del', 'only4')


def other_packets():
    """Byte for byte, what is not ours goes where it would without us."""
    there = Wire(h3, 'eth0').listen()
    for fam, flow in (('v4', Flow('192.0.2.1', '198.51.100.3')),
                      ('v6', Flow('2001:db8::1', '2001:db8:1::3'))):
        there.drain()
        f = frame(plain())
        packets = [flow.segment(f, new_id(), ttl=9),
                   flow.segment(f, new_id(), bad=True, ttl=9),
                   flow.segment(f, new_id(), doff=2, ttl=9)]
        before = counters(h2)
        wire.send(*packets)
        # One hop has been taken.
        want = [parse_ip(p)._replace(ttl=8) for p in packets]
        got = []
        while len(got) < len(want):
            p = there.receive()
            if p is None:
                break
            q = parse_ip(p.data[ETH_HLEN:])
            if q.proto == 6 and q.dst == flow.dst:
                got.append(q)
        wrong = counted(h2, before)
        check('%s: segments for another host are forwarded (R1)' % fam,
              got == want and not wrong, got, wrong)
    there.close()

    for fam, flow, tap in FAMILIES:
        data = pattern(40)
        with netns(h2):
            s = socket.socket(socket.AF_INET6 if fam == 'v6' else
                              socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(('', PORT))
        s.settimeout(PATIENCE)
        check_result('%s: UDP to the port is not counted (R1)' % fam, flow,
                     tap, [ip(udp(data, flow.src, flow.dst, dport=PORT),
                              flow.src, flow.dst, 17)], [])
        check_eq('%s: UDP to the port is received (R1)' % fam,
                 s.recv(100), data)
        s.close()
        check_result('%s: fewer bytes than hold the ports (R1)' % fam, flow,
                     tap, [ip(b'\xc3\x50\x1d', flow.src, flow.dst, 6),
                           ip(b'', flow.src, flow.dst, 6)], [])
        check_result('%s: the port as source (R1)' % fam, flow, tap,
                     [Flow(flow.src, flow.dst, PORT, 999).segment(
                         frame(plain()), new_id(), flags=RST)], [])
        # TCP is between two hosts, and so is STT without a group.
        before = counters(h2)
        for a, m in ((('224.0.0.1', '01:00:5e:00:00:01'),
                      ('192.0.2.255', 'ff:ff:ff:ff:ff:ff')) if fam == 'v4'
                     else (('ff02::1', '33:33:00:00:00:01'),)):
            wire.send_frame(eth(Flow(flow.src, a).segment(
                frame(plain()), new_id()), ETH_P_IP if fam == 'v4' else
                                ETH_P_IPV6, m, wire.mac))
        got = arrived(flow, tap)
        check('%s: segments to all hosts (R1)' % fam, not got and
              not counted(h2, before), show(got), counted(h2, before))


def firewall():
    """Segments are taken behind the host's filter rules."""
    def nft(*lines):
        for line in lines:
            in_ns(h2, 'nft', line)

    nft('add table inet t',
        'add chain inet t in { type filter hook input priority 0; }',
        'add rule inet t in tcp dport 7471 tcp sport 50007 counter drop')
    for fam, flow, tap in FAMILIES:
        refused = Flow(flow.src, flow.dst, 50007)
        check_result('%s: a filter rule stops frames (R1)' % fam,
                     flow, tap,
                     [refused.segment(frame(plain()), new_id()),
                      *refused.segments(frame(plain()), [40]),
                      flow.segment(frame(plain(1)), new_id())], [plain(1)])
    nft('delete table inet t')


# --- STT behind something ----------------------------------------------------


def extension_headers():
    f = frame(plain(3))

    def seg(proto, ext, flow=flow6):
        return flow.segment(f, new_id(), proto=proto, ext=ext)

    def result(name, packets, inner, **want):
        check_result('v6: ' + name + ' (R1)', flow6, tap6, packets, inner,
                     **want)

    hop8, hop24 = dest_opts(6, 8), dest_opts(6, 24)
    result('behind hop-by-hop options', [seg(0, hop8), seg(0, hop24)],
           [plain(3)] * 2)
    id = new_id()
    result('parts behind hop-by-hop options',
           [flow6.segment(f, id, 50, proto=0, ext=hop8),
            flow6.segment(f, id, 0, 50)], [plain(3)], reasm_ok=1)
    bad = flow6.segment(f, new_id(), proto=0, ext=hop8, bad=True)
    result('bad checksum behind hop-by-hop options', [bad], [], drop_csum=1)
    result('behind destination options', [seg(60, hop8), seg(60, hop24)], [],
           drop_header=2)
    result('behind both', [seg(0, dest_opts(60, 8) + hop8)], [],
           drop_header=1)
    result('behind a routing header that is done',
           [seg(43, bytes([6, 0, 4, 0]) + bytes(4))], [], drop_header=1)
    # Segments left: a packet on its way elsewhere, whatever is in it.
    for kind in 0, 2, 3, 4, 253:
        result('behind a routing header of type %d with segments left' % kind,
               [seg(43, bytes([6, 2, kind, 1]) + bytes(4) +
                    ip_bytes('2001:db8:1::3'))], [])
    result('in an atomic fragment',
           [seg(44, struct.pack('!BBHI', 6, 0, 0, 77))], [], drop_header=1)
    # Fragments: refused or put together, never mistaken.
    whole = parse_ip(flow6.segment(f, new_id())).payload
    parts = [ip(whole[:64], flow6.src, flow6.dst, 44,
                ext=struct.pack('!BBHI', 6, 0, 1, 5)),
             ip(whole[64:], flow6.src, flow6.dst, 44,
                ext=struct.pack('!BBHI', 6, 0, 64, 5))]
    result('in fragments', parts, [], drop_header=1)
    result('the second fragment alone', parts[1:], [])
    # A first fragment that does not hold the ports
    result('a first fragment without the ports',
           [ip(hop8, flow6.src, flow6.dst, 44,
               ext=struct.pack('!BBHI', 60, 0, 1, 6))], [])
    # The rule of the second hop-by-hop header: none is there.
    result('a fragment behind hop-by-hop options',
           [seg(0, dest_opts(44, 8) + struct.pack('!BBHI', 6, 0, 1, 9))], [],
           drop_header=1)


def fragments4():
    f = frame(plain(4, 600))
    whole = parse_ip(flow4.segment(f, new_id())).payload

    def part(a, b, ident=9):
        more = 0x2000 if b < len(whole) else 0
        return ip(whole[a:b], flow4.src, flow4.dst, 6, df=False, ident=ident,
                  frag=more | a // 8)

    n = len(whole)
    check_result('v4: fragments are put together by IP (R1)', flow4, tap4,
                 [part(0, 200, 9), part(200, n, 9), part(400, n, 10),
                  part(8, 400, 10), part(0, 8, 10)], [plain(4, 600)] * 2)
    check_result('v4: fragments alone are nothing (R1)', flow4, tap4,
                 [part(0, 200, 11), part(200, n, 12)], [])


sysctl(h2, 'reasm_time_ms', 10000)
main([foreign_tcp, other_packets, firewall, extension_headers, fragments4])
