# SPDX-License-Identifier: GPL-2.0
"""STT as the draft has it, for tests: make and take apart frames and segments.

Written from draft-davie-stt and docs/protocol.md alone, which has the rules
that tests cite (W4, R7); shares nothing with the module.  Packets are sent and
received by packet sockets, with virtio headers where an aggregate or an
unfinished checksum is needed.
"""

import array
import collections
import contextlib
import ctypes
import fcntl
import os
import random
import select
import socket
import struct
import subprocess
import sys
import threading
import time
import traceback

PORT = 7471
HLEN = 18                       # STT header
ETH_HLEN = 14

# STT flags
C, P, V, T = 0x01, 0x02, 0x04, 0x08

# TCP flags
FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << i for i in range(8))

# struct virtio_net_hdr
VNET = struct.Struct('=BBHHHH')
NEEDS_CSUM, DATA_VALID = 1, 2
GSO_NONE, GSO_TCPV4, GSO_UDP, GSO_TCPV6, GSO_UDP_L4 = 0, 1, 3, 4, 5
GSO_ECN = 0x80

ETH_P_ALL, ETH_P_IP, ETH_P_IPV6, ETH_P_ARP = 3, 0x800, 0x86dd, 0x806
ETH_P_8021Q, ETH_P_8021AD = 0x8100, 0x88a8
ETH_P_TEST = 0x88b5             # IEEE: local experiments

SOL_PACKET = 263
PACKET_AUXDATA, PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING = 8, 15, 23
PACKET_OUTGOING = 4
TP_STATUS_VLAN_VALID, TP_STATUS_CSUM_VALID = 1 << 4, 1 << 7
SO_RCVBUFFORCE, SO_SNDBUFFORCE = 33, 32

# Waiting is bounded, and longer on slow kernels; nothing is judged by time.
PATIENCE = 10 * {'debug': 4, 'newest': 2}.get(
    os.environ.get('STT_KERNEL', '').split('-')[0], 1)

# --- results ---------------------------------------------------------------


def ok(name):
    print('ok - ' + name)


def not_ok(name, *why):
    print('not ok - ' + name)
    for line in '\n'.join(str(w) for w in why).splitlines()[:20]:
        print('#   ' + line)


def skip(name, why):
    print('ok - %s # SKIP %s' % (name, why))


def check(name, good, *why):
    if good:
        ok(name)
    else:
        not_ok(name, *why)
    return good


def check_eq(name, got, want):
    return check(name, got == want, 'got    %s' % show(got),
                 'wanted %s' % show(want))


def show(x):
    """Something readable and short."""
    if isinstance(x, (bytes, bytearray)):
        return '%d bytes %s%s' % (len(x), bytes(x[:40]).hex(),
                                  '...' if len(x) > 40 else '')
    if isinstance(x, list) and x and isinstance(x[0], (bytes, bytearray)):
        return '%d packets: %s' % (len(x), '; '.join(show(y) for y in x[:3]))
    return repr(x)


def main(tests):
    """Run functions that check; what one raises is its failure only."""
    # Packets from one CPU arrive in order.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    random.seed(7471)
    for test in tests:
        try:
            test()
        except Exception:  # pylint: disable=broad-except
            not_ok(test.__name__.replace('_', ' '), traceback.format_exc())
    print('# end')


# --- namespaces, counters --------------------------------------------------

_libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def netns(name):
    """What is opened inside belongs to that namespace."""
    old = os.open('/proc/self/ns/net', os.O_RDONLY)
    new = os.open('/run/netns/' + name, os.O_RDONLY)
    try:
        if _libc.setns(new, 0):
            raise OSError(ctypes.get_errno(), 'setns ' + name)
        yield
    finally:
        _libc.setns(old, 0)
        os.close(old)
        os.close(new)


def counters(ns):
    """/proc/net/stt of a namespace."""
    with netns(ns), open('/proc/net/stt', encoding='ascii') as f:
        return {k: int(v) for k, v in (line.split() for line in f)}


def sysctl(ns, name, value):
    with netns(ns), open('/proc/sys/net/stt/' + name, 'w',
                         encoding='ascii') as f:
        f.write(str(value))


GAUGES = ('reasm_queues', 'reasm_mem')


def counted(ns, before, **want):
    """What else than @want changed in the counters; {} when all is exact."""
    now = counters(ns)
    diff = {k: now[k] - before.get(k, 0) for k in now if k not in GAUGES}
    diff = {k: v for k, v in diff.items() if v or want.get(k)}
    want = {k: v for k, v in want.items() if v}
    return {} if diff == want else {'counted': diff, 'wanted': want}


def ethstats(ns, dev):
    """ethtool -S."""
    with netns(ns), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        def call(buf):
            ifr = struct.pack('16sP', dev.encode(), buf.buffer_info()[0])
            fcntl.ioctl(s, 0x8946, ifr + bytes(16))
        info = array.array('B', struct.pack('=IIQI', 0x37, 0, 1 << 1, 0))
        call(info)
        n = struct.unpack('=IIQI', info.tobytes())[3]
        names = array.array('B', struct.pack('=III', 0x1b, 1, n) +
                            bytes(32 * n))
        call(names)
        values = array.array('B', struct.pack('=II', 0x1d, n) + bytes(8 * n))
        call(values)
    names = [names[12 + 32 * i:44 + 32 * i].tobytes().split(b'\0')[0].decode()
             for i in range(n)]
    return dict(zip(names, struct.unpack('=%dQ' % n, values.tobytes()[8:])))


def mac(ns, dev):
    """A device's address."""
    with netns(ns), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        ifr = fcntl.ioctl(s, 0x8927, struct.pack('40s', dev.encode()))
    return ifr[18:24].hex(':')


def linkstats(ns, dev):
    """/proc/net/dev of a device."""
    with netns(ns), open('/proc/net/dev', encoding='ascii') as f:
        for line in f:
            name, _, values = line.partition(':')
            if name.strip() == dev:
                v = [int(x) for x in values.split()]
                return dict(rx_bytes=v[0], rx_packets=v[1], rx_errors=v[2],
                            rx_dropped=v[3], tx_bytes=v[8], tx_packets=v[9],
                            tx_errors=v[10], tx_dropped=v[11])
    raise KeyError(dev)


def run(*args):
    """A command; returns what it prints."""
    return subprocess.run(args, stdout=subprocess.PIPE, check=True,
                          encoding='utf-8').stdout


def in_ns(ns, *args):
    return run('ip', 'netns', 'exec', ns, *args)


IFLA_GSO_IPV4_MAX_SIZE, IFLA_GRO_IPV4_MAX_SIZE = 63, 64


def set_link(ns, dev, *attrs):
    """Set 32-bit attributes of a device, as numbers, that its kernel knows
    and iproute2 may not; False where the kernel has none such."""
    body = b''.join(struct.pack('=HHI', 8, kind, n) for kind, n in attrs)
    with netns(ns), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as s:
        index = socket.if_nametoindex(dev)
        s.send(struct.pack('=IHHIIBxHiII', 32 + len(body), 16, 5, 1, 0, 0, 0,
                           index, 0, 0) + body)
        error = -struct.unpack('=i', s.recv(4096)[16:20])[0]
    if error:
        raise OSError(error, 'RTM_NEWLINK %s' % dev)
    return knows_ipv4_max(ns, dev)


def knows_ipv4_max(ns, dev):
    """Has a kernel a GSO maximum of its own for IPv4, as since 6.3?"""
    with netns(ns), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as s:
        s.send(struct.pack('=IHHIIBxHiII', 32, 18, 1, 1, 0, 0, 0,
                           socket.if_nametoindex(dev), 0, 0))
        data = s.recv(1 << 16)
    at, kinds = 32, set()
    while at + 4 <= len(data):
        length, kind = struct.unpack('=HH', data[at:at + 4])
        if length < 4:
            break
        kinds.add(kind)
        at += (length + 3) & ~3
    return IFLA_GSO_IPV4_MAX_SIZE in kinds


def ip_batch(ns, lines):
    """Commands for ip, in one go."""
    subprocess.run(['ip', '-n', ns, '-b', '-'], input='\n'.join(lines) + '\n',
                   check=True, encoding='utf-8')


def wait_until(done, patience=PATIENCE):
    end = time.monotonic() + patience
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


# --- addresses and checksums ------------------------------------------------

def is_v6(a):
    return ':' in a


def ip_bytes(a):
    return socket.inet_pton(socket.AF_INET6 if is_v6(a) else socket.AF_INET,
                            a)


def mac_bytes(a):
    return bytes.fromhex(a.replace(':', ''))


def csum_add(data, start=0):
    """Ones' complement sum, folded, network order."""
    if len(data) & 1:
        data = bytes(data) + b'\0'
    words = array.array('H', bytes(data))
    s = sum(words)
    s = (s & 0xffff) + (s >> 16)
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    if sys.byteorder == 'little':
        s = (s >> 8 | s << 8) & 0xffff
    s += start
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return s


def csum(data, start=0):
    return ~csum_add(data, start) & 0xffff


def pseudo(src, dst, proto, length):
    return csum_add(ip_bytes(src) + ip_bytes(dst) +
                    struct.pack('!II', length, proto))


def put16(data, off, value):
    return data[:off] + struct.pack('!H', value) + data[off + 2:]


# --- headers, inner and outer ------------------------------------------------

def eth(payload, proto, dst='02:00:00:00:00:02', src='02:00:00:00:00:01'):
    return mac_bytes(dst) + mac_bytes(src) + struct.pack('!H', proto) + payload


def vlan_tag(frame, tci, proto=ETH_P_8021Q):
    """Put a tag into an Ethernet frame."""
    return frame[:12] + struct.pack('!HH', proto, tci) + frame[12:]


def ip(payload, src, dst, proto, *, tos=0, ttl=64, df=True, ident=0, frag=0,
       label=0, options=b'', ext=b''):
    """IPv4 or IPv6 by the addresses; @ext are IPv6 extension headers, the
    last of which names @proto, and @proto is then the first one's number."""
    if is_v6(src):
        body = ext + payload
        return struct.pack('!IHBB', 6 << 28 | tos << 20 | label, len(body),
                           proto, ttl) + ip_bytes(src) + ip_bytes(dst) + body
    ihl = 5 + len(options) // 4
    head = struct.pack('!BBHHHBBH', 0x40 | ihl, tos, ihl * 4 + len(payload),
                       ident, (0x4000 if df else 0) | frag, ttl, proto, 0)
    head += ip_bytes(src) + ip_bytes(dst) + options
    return put16(head, 10, csum(head)) + payload


def tcp(payload, src, dst, *, sport=1000, dport=2000, seq=1, ack=1, flags=ACK,
        window=8192, urg=0, options=b'', doff=None, partial=False, bad=False,
        reserved=0):
    """A TCP header with its payload and checksum; with @partial only the
    pseudo-header's sum."""
    if doff is None:
        doff = 5 + len(options) // 4
    seg = struct.pack('!HHIIBBHHH', sport, dport, seq & 0xffffffff, ack,
                      doff << 4 | reserved, flags, window, 0, urg)
    seg += options + payload
    return put16(seg, 16, l4_csum(seg, src, dst, 6, partial, bad))


def udp(payload, src, dst, *, sport=1000, dport=2000, partial=False,
        bad=False, zero=False):
    seg = struct.pack('!HHHH', sport, dport, 8 + len(payload), 0) + payload
    if zero:
        return seg
    return put16(seg, 6, l4_csum(seg, src, dst, 17, partial, bad) or 0xffff)


def l4_csum(seg, src, dst, proto, partial, bad):
    s = pseudo(src, dst, proto, len(seg))
    if not partial:
        s = csum(seg, s)
    return s ^ 0x0100 if bad else s


def dest_opts(next_header, length):
    """An IPv6 destination or hop-by-hop options header of @length bytes, with
    options that a receiver has to skip if it does not know them."""
    assert length % 8 == 0 and length >= 8
    body, left = b'', length - 2
    while left:
        n = min(left - 2, 255)
        if left - 2 - n == 1:
            n -= 1
        body += bytes([0x1e, n]) + bytes(n)
        left -= n + 2
    return bytes([next_header, length // 8 - 1]) + body


Ip = collections.namedtuple('Ip', 'version src dst proto tos ttl df ident '
                            'label length payload csum_ok')


def parse_ip(data):
    """The IP packet at the start of @data, without extension headers."""
    if data[0] >> 4 == 6:
        first, length, proto, ttl = struct.unpack('!IHBB', data[:8])
        return Ip(6, socket.inet_ntop(socket.AF_INET6, data[8:24]),
                  socket.inet_ntop(socket.AF_INET6, data[24:40]), proto,
                  first >> 20 & 0xff, ttl, True, 0, first & 0xfffff,
                  40 + length, data[40:40 + length], True)
    hlen = (data[0] & 15) * 4
    _, tos, length, ident, frag, ttl, proto = struct.unpack('!BBHHHBB',
                                                            data[:10])
    return Ip(4, socket.inet_ntoa(data[12:16]), socket.inet_ntoa(data[16:20]),
              proto, tos, ttl, bool(frag & 0x4000), ident, 0, length,
              data[hlen:length], csum_add(data[:hlen]) == 0xffff)


# --- STT ---------------------------------------------------------------------

Stt = collections.namedtuple('Stt', 'version flags l4 reserved mss vlan id '
                             'pad inner')


def frame(inner, *, id=1, version=0, flags=0, l4=0, reserved=0, mss=0, vlan=0,
          pad=0):
    """An STT frame: header and inner Ethernet frame."""
    return struct.pack('!BBBBHHQH', version, flags, l4, reserved, mss, vlan,
                       id, pad) + inner


def parse_frame(data):
    return Stt(*struct.unpack('!BBBBHHQH', data[:HLEN]), data[HLEN:])


_last_id = random.randrange(1 << 32)


def new_id():
    """A frame id that no other frame of this test has."""
    global _last_id
    _last_id = (_last_id + 1) & 0xffffffff
    return _last_id


class Flow:
    """A sender of segments: addresses and ports."""

    def __init__(self, src, dst, sport=50000, dport=PORT):
        self.src, self.dst, self.sport, self.dport = src, dst, sport, dport

    def segment(self, data, id, off=0, end=None, *, length=None, options=b'',
                partial=False, bad=False, flags=ACK, doff=None, window=0,
                urg=0, reserved=0, proto=6, ext=b'', **ipargs):
        """The IP packet with bytes @off to @end of frame @data."""
        end = len(data) if end is None else end
        length = len(data) if length is None else length
        seg = tcp(data[off:end], self.src, self.dst, sport=self.sport,
                  dport=self.dport, seq=length << 16 | off, ack=id,
                  flags=flags, window=window, urg=urg, options=options,
                  doff=doff, partial=partial, bad=bad, reserved=reserved)
        return ip(seg, self.src, self.dst, proto, ext=ext, **ipargs)

    def segments(self, data, cuts, id=None, **args):
        """The frame cut at the offsets @cuts."""
        id = new_id() if id is None else id
        edges = [0] + list(cuts) + [len(data)]
        return [self.segment(data, id, a, b,
                             flags=ACK | (PSH if b == len(data) else 0),
                             **args)
                for a, b in zip(edges, edges[1:])]


def cut_every(data, size):
    return range(size, len(data), size)


Segment = collections.namedtuple(
    'Segment', 'ip sport dport length offset id doff reserved flags window '
    'csum_ok urg options data')


def parse_segment(packet, partial=False):
    """An IP packet with an STT segment; @partial: its checksum should be the
    pseudo-header's only."""
    p = parse_ip(packet)
    seg = p.payload
    sport, dport, seq, id, off, flags, window, check, urg = struct.unpack(
        '!HHIIBBHHH', seg[:20])
    s = pseudo(p.src, p.dst, 6, len(seg))
    good = check == s if partial else csum_add(seg, s) == 0xffff
    hlen = (off >> 4) * 4
    return Segment(p, sport, dport, seq >> 16, seq & 0xffff, id, off >> 4,
                   off & 15, flags, window, good, urg, seg[20:hlen],
                   seg[hlen:])


def collect(segments):
    """The frame that @segments are, in offset order: (bytes, list of what is
    wrong with it by the rules that hold for every frame)."""
    wrong = []
    segments = sorted(segments, key=lambda s: s.offset)
    first = segments[0]
    data = b''
    for s in segments:
        last = s.offset + len(s.data) == s.length
        if ((s.ip.src, s.ip.dst, s.sport, s.dport, s.id) !=
                (first.ip.src, first.ip.dst, first.sport, first.dport,
                 first.id)):
            wrong.append('W1: addresses, ports or id differ')
        if s.length != first.length:
            wrong.append('W3: frame length differs')
        if s.offset != len(data):
            wrong.append('W3: offset %d after %d' % (s.offset, len(data)))
        if s.flags != (ACK | PSH if last else ACK):
            wrong.append('W4: flags %#x at %d of %d' % (s.flags, s.offset,
                                                        s.length))
        if s.window or s.urg or s.reserved:
            wrong.append('W4: window %d, urgent %d, reserved %d' %
                         (s.window, s.urg, s.reserved))
        if s.doff != 5 or s.options:
            wrong.append('W4: data offset %d' % s.doff)
        if not s.csum_ok:
            wrong.append('outer TCP checksum at offset %d' % s.offset)
        if not s.ip.csum_ok:
            wrong.append('outer IP checksum at offset %d' % s.offset)
        if s.dport != PORT:
            wrong.append('destination port %d' % s.dport)
        data += s.data
    if len(data) != first.length:
        wrong.append('W3: %d bytes of %d' % (len(data), first.length))
    if len(data) >= HLEN:
        f = parse_frame(data)
        if f.version or f.reserved or f.pad or f.flags & 0xf0:
            wrong.append('W6: version %d, reserved %d, padding %d, flags %#x' %
                         (f.version, f.reserved, f.pad, f.flags))
        if f.flags & C and (f.flags & (P | V | T) or f.l4 or f.mss):
            wrong.append('W7: C with other offload fields')
        if f.mss and not f.flags & P:
            wrong.append('W7: MSS without P')
        if not f.vlan & 0x1000 and f.vlan:
            wrong.append('W9: VLAN field %#x without V' % f.vlan)
    return data, wrong


# --- packet sockets ----------------------------------------------------------

Packet = collections.namedtuple('Packet', 'data flags gso_type gso_size '
                                'csum_start csum_offset vlan')


class Wire:
    """A device of a namespace, as a packet socket sees it."""

    def __init__(self, ns, dev, dst=None):
        """@dst: MAC that send() puts in front of IP packets."""
        with netns(ns):
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.mac = mac(ns, dev)
        self.dst = dst
        self.dev = dev
        self.sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.sock.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        self.sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 1 << 20)

    def listen(self):
        """Take in packets from now on."""
        self.sock.bind((self.dev, ETH_P_ALL))
        return self

    def close(self):
        self.sock.close()

    def send_frame(self, data, *, gso_type=GSO_NONE, gso_size=0, hdr_len=0,
                   csum_start=None, csum_offset=16, proto=None):
        """An Ethernet frame; with @csum_start the rest of the kernel is to
        finish its checksum, with @gso_size to segment it."""
        flags = 0 if csum_start is None else NEEDS_CSUM
        head = VNET.pack(flags, gso_type, hdr_len, gso_size, csum_start or 0,
                         csum_offset if flags else 0)
        if proto is None:
            proto = struct.unpack('!H', data[12:14])[0]
        self.sock.sendto(head + data, (self.dev, proto))

    def send(self, *packets):
        """IP packets, complete."""
        for p in packets:
            v6 = p[0] >> 4 == 6
            self.send_frame(eth(p, ETH_P_IPV6 if v6 else ETH_P_IP, self.dst,
                                self.mac))

    def send_big(self, packet, size, *, hdr_len=None, ecn=False):
        """An IP packet with a partial TCP checksum as an aggregate of
        segments of @size bytes; 0: not an aggregate.  The first @hdr_len
        bytes will be linear."""
        v6 = packet[0] >> 4 == 6
        l4 = ETH_HLEN + (40 if v6 else (packet[0] & 15) * 4)
        l4_hlen = (packet[l4 - ETH_HLEN + 12] >> 4) * 4
        if hdr_len is None:
            hdr_len = l4 + l4_hlen
        hdr_len = min(hdr_len, ETH_HLEN + len(packet))
        gso = (GSO_TCPV6 if v6 else GSO_TCPV4) | (GSO_ECN if ecn else 0)
        self.send_frame(eth(packet, ETH_P_IPV6 if v6 else ETH_P_IP, self.dst,
                            self.mac),
                        gso_type=gso if size else GSO_NONE, gso_size=size,
                        hdr_len=hdr_len, csum_start=l4)

    def receive(self, patience=PATIENCE):
        """The next packet, or None."""
        if not select.select([self.sock], [], [], patience)[0]:
            return None
        data, anc, _, _ = self.sock.recvmsg(1 << 17, 256)
        flags, gso_type, _, gso_size, start, off = VNET.unpack(data[:10])
        vlan = None
        for level, kind, value in anc:
            if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
                status, _, _, _, _, tci, tpid = struct.unpack('=IIIHHHH',
                                                              value[:20])
                if status & TP_STATUS_VLAN_VALID:
                    vlan = (tpid, tci)
        return Packet(data[10:], flags, gso_type, gso_size, start, off, vlan)

    def drain(self):
        """All packets that are there."""
        got = []
        while True:
            p = self.receive(0)
            if p is None:
                return got
            got.append(p)

    def receive_until(self, last, patience=PATIENCE):
        """Packets up to, and without, the first for which @last(packet)."""
        got = []
        while True:
            p = self.receive(patience)
            if p is None:
                raise TimeoutError('no end after %d packets: %s' % (
                    len(got), show([g.data for g in got])))
            if last(p):
                return got
            got.append(p)


class Template:
    """A segment whose addresses, ports, id and sequence are changed without
    a new checksum: the sum of the payload is left to a trusted link."""

    def __init__(self, wire, src, dst, payload, dport=PORT):
        """@payload: so many bytes."""
        self.wire, self.v6 = wire, is_v6(src)
        p = Flow(src, dst, dport=dport).segment(bytes(payload), 0,
                                                partial=True)
        self.data = bytearray(eth(p, ETH_P_IPV6 if self.v6 else ETH_P_IP,
                                  wire.dst, wire.mac))
        self.l4 = 54 if self.v6 else 34
        self.length = len(p) - self.l4 + 14

    def make(self, *, src=None, sport=None, seq=0, id=0):
        """The Ethernet frame."""
        d, l4 = self.data, self.l4
        if src is not None:
            if self.v6:
                d[22:38] = src
            else:
                d[26:30] = src
                d[24:26] = b'\0\0'
                struct.pack_into('!H', d, 24, csum(bytes(d[14:34])))
            struct.pack_into('!H', d, l4 + 16, csum_add(
                bytes(src) + bytes(d[38:54] if self.v6 else d[30:34]),
                6 + self.length))
        if sport is not None:
            struct.pack_into('!H', d, l4, sport)
        struct.pack_into('!II', d, l4 + 4, seq, id)
        return bytes(d)

    def send(self, **fields):
        self.wire.send_frame(self.make(**fields), csum_start=self.l4)


class Blast:
    """Packets that the kernel sends in one go: what they cost it, and nothing
    of what it costs to make them.  @data: for a packet socket with its virtio
    header; @sock is bound or connected."""

    BATCH = 1024

    class Iovec(ctypes.Structure):
        _fields_ = [('base', ctypes.c_char_p), ('len', ctypes.c_size_t)]

    class Msghdr(ctypes.Structure):
        _fields_ = [('name', ctypes.c_void_p), ('namelen', ctypes.c_uint),
                    ('iov', ctypes.c_void_p), ('iovlen', ctypes.c_size_t),
                    ('control', ctypes.c_void_p),
                    ('controllen', ctypes.c_size_t), ('flags', ctypes.c_int)]

    class Mmsghdr(ctypes.Structure):
        """Its header is the class above, which it cannot name."""

    def __init__(self, sock, data):
        self.sock, self.n, self.data = sock, len(data), data
        self.iov = (self.Iovec * self.n)(*[(d, len(d)) for d in data])
        self.msgs = (self.Mmsghdr * self.n)()
        for i, m in enumerate(self.msgs):
            m.hdr.iov = (ctypes.addressof(self.iov) +
                         i * ctypes.sizeof(self.Iovec))
            m.hdr.iovlen = 1

    def send(self):
        """Nanoseconds for a packet."""
        size, at, start = ctypes.sizeof(self.Mmsghdr), 0, time.monotonic_ns()
        while at < self.n:
            sent = _libc.sendmmsg(
                self.sock.fileno(),
                ctypes.c_void_p(ctypes.addressof(self.msgs) + at * size),
                min(self.n - at, self.BATCH), 0)
            if sent < 0:
                raise OSError(ctypes.get_errno(), 'sendmmsg')
            at += sent
        return (time.monotonic_ns() - start) / self.n


Blast.Mmsghdr._fields_ = [('hdr', Blast.Msghdr), ('len', ctypes.c_uint)]

Tcp = collections.namedtuple('Tcp', 'ip sport dport seq ack flags window '
                             'options payload csum_ok')


def wire_families(h2):
    """What lib_py.sh's setup_wire made: (name, flow, tap) of both families."""
    return (('v4', Flow('192.0.2.1', '192.0.2.2'), Wire(h2, 'stt4').listen()),
            ('v6', Flow('2001:db8::1', '2001:db8::2'),
             Wire(h2, 'stt6').listen()))


def parse_tcp(packet):
    """The TCP packet in an Ethernet frame that a packet socket received; None
    if there is none."""
    data = packet.data
    at = ETH_HLEN
    proto = struct.unpack('!H', data[12:14])[0]
    while proto in (ETH_P_8021Q, ETH_P_8021AD):
        proto = struct.unpack('!H', data[at + 2:at + 4])[0]
        at += 4
    if proto not in (ETH_P_IP, ETH_P_IPV6):
        return None
    p = parse_ip(data[at:])
    seg, nexthdr = p.payload, p.proto
    while nexthdr in (0, 60):
        nexthdr, seg = seg[0], seg[seg[1] * 8 + 8:]
    if nexthdr != 6:
        return None
    sport, dport, seq, ack, off, flags, window, check, _ = struct.unpack(
        '!HHIIBBHHH', seg[:20])
    s = pseudo(p.src, p.dst, 6, len(seg))
    good = check == s if packet.flags & NEEDS_CSUM else \
        csum_add(seg, s) == 0xffff
    hlen = (off >> 4) * 4
    return Tcp(p, sport, dport, seq, ack, flags, window, seg[20:hlen],
               seg[hlen:], good)


def stream_errors(packets, payload, *, seq=1, flags=ACK, mss=None,
                  options=b'', first=0):
    """What is wrong with the Ethernet frames @packets, if they are to be the
    TCP segments of one packet with @payload: what only its first (@first) and
    only its last may have is there alone.  With @mss each of them is that
    large but the last."""
    got, why = b'', []
    segs = [parse_tcp(p) for p in packets]
    if None in segs or not segs:
        return ['%d packets, not all TCP' % len(segs)]
    for i, t in enumerate(segs):
        last = i == len(segs) - 1
        want = flags & ~(PSH | FIN | CWR)
        if last:
            want |= flags & (PSH | FIN)
        if not i:
            want |= first
        if t.flags != want:
            why.append('flags %#x of packet %d, wanted %#x' % (t.flags, i,
                                                               want))
        if not t.csum_ok or not t.ip.csum_ok:
            why.append('checksum of packet %d' % i)
        if t.seq != (seq + len(got)) & 0xffffffff:
            why.append('sequence %d of packet %d after %d' % (t.seq, i,
                                                              seq + len(got)))
        if t.options != options:
            why.append('options of packet %d: %s' % (i, t.options.hex()))
        if mss and len(t.payload) != mss and not last:
            why.append('%d bytes in packet %d' % (len(t.payload), i))
        if t.ip.version == 4 and i and not t.ip.df and t.ip.ident != (
                segs[i - 1].ip.ident + 1) & 0xffff:
            why.append('IP id of packet %d' % i)
        got += t.payload
    if got != payload:
        why.append('%d bytes, wanted %d; first difference at %s' % (
            len(got), len(payload), next(
                (i for i, (a, b) in enumerate(zip(got, payload)) if a != b),
                'the end')))
    return why


def check_stream(name, packets, payload, **args):
    why = stream_errors(packets, payload, **args)
    return check(name, not why, *why[:8])


def transfer(server_ns, address, client_ns, size=1 << 20, port=5001):
    """Send @size bytes each way over one TCP connection; an error, or ''."""
    family = socket.AF_INET6 if is_v6(address) else socket.AF_INET
    data = {0: random.randbytes(size), 1: random.randbytes(size)}
    got = {}
    with netns(server_ns):
        server = socket.socket(family, socket.SOCK_STREAM)
    with netns(client_ns):
        client = socket.socket(family, socket.SOCK_STREAM)

    def side(sock, n):
        with sock:
            sock.settimeout(3 * PATIENCE)
            t = threading.Thread(target=lambda: (
                sock.sendall(data[n]), sock.shutdown(socket.SHUT_WR)))
            t.start()
            parts = []
            try:
                while True:
                    x = sock.recv(1 << 18)
                    if not x:
                        break
                    parts.append(x)
            except OSError as e:
                parts.append(str(e).encode())
            got[n] = b''.join(parts)
            t.join()

    def serve():
        try:
            side(server.accept()[0], 0)
        except OSError:
            pass

    with server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((address, port))
        server.listen(1)
        server.settimeout(3 * PATIENCE)
        client.settimeout(3 * PATIENCE)
        t = threading.Thread(target=serve)
        t.start()
        try:
            client.connect((address, port))
            side(client, 1)
        except OSError as e:
            client.close()
            return str(e)
        t.join()
    for me, other in ((0, 1), (1, 0)):
        if got.get(me) != data[other]:
            return 'direction %d: %s of %d bytes' % (
                other, len(got.get(me, b'')), size)
    return ''


def pattern(n, salt=0):
    """n bytes that tell where they belong."""
    words = array.array('I', range(salt * 65537 + 1,
                                   salt * 65537 + 1 + (n + 3) // 4))
    return words.tobytes()[:n]
