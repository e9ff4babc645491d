# SPDX-License-Identifier: GPL-2.0
"""Checks of failslab.sh, which draws the topology."""

import errno
import json
import sys

from sttlib import *  # pylint: disable=wildcard-import,unused-wildcard-import

ns = sys.argv[1]

NTH = os.open('/proc/thread-self/fail-nth', os.O_RDWR)
MOST = 1000


def each_fault(name, act, judge, before=lambda: None, none=False):
    """Do act() while the first, second, ... allocation fails, until none
    does; judge(result, state) returns what is wrong. @none: act() is to do
    without memory."""
    why = []
    for n in range(1, MOST):
        state = before()
        os.pwrite(NTH, b'%d' % n, 0)
        result = act()
        left = int(os.pread(NTH, 16, 0))
        os.pwrite(NTH, b'0', 0)
        wrong = judge(result, state)
        if wrong:
            why.append('allocation %d: %s' % (n, wrong))
        if left:
            break
    else:
        why.append('there is no end')
    check('%s: %d allocations fail' % (name, n - 1),
          not why and (n == 1) == none, *why)


# --- netlink -----------------------------------------------------------------

def nla(kind, value):
    pad = -len(value) % 4
    return struct.pack('=HH', 4 + len(value), kind) + value + bytes(pad)


IFLA = dict(port=1, id=2, remote=3, remote6=4, local=5, local6=6, ttl=9, tos=11)


class Rtnl:
    """Messages that make, change and delete links."""

    def __init__(self):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        self.sock.bind((0, 0))

    def link(self, kind, flags, name, **attrs):
        data = b''.join(nla(IFLA[k], v) for k, v in attrs.items())
        body = struct.pack('=BxHiII', 0, 0, 0, 0, 0)
        body += nla(3, name.encode() + b'\0')
        if kind == 16:
            body += nla(18, nla(1, b'stt\0') + nla(2, data))
        return struct.pack('=IHHII', 16 + len(body), kind, 5 | flags, 1,
                           0) + body

    def talk(self, message):
        """The error number, 0 for none."""
        self.sock.send(message)
        answer = self.sock.recv(65536)
        return -struct.unpack('=i', answer[16:20])[0]


def exists(name):
    with netns(ns):
        return any(n == name for _, n in socket.if_nameindex())


def address(a):
    return {('remote6' if is_v6(a) else 'remote'): ip_bytes(a)}


NO_MEMORY = (errno.ENOMEM, errno.ENOBUFS)
NEW = 0x400 | 0x200


def links():
    with netns(ns):
        rtnl = Rtnl()

    def judge(err, _):
        there = exists('x0')
        if there:
            rtnl.talk(rtnl.link(17, 0, 'x0'))
        # Which error it is, others say too: EADDRINUSE, for instance.
        if bool(err) == there:
            return 'error %d, and the link %s there' % (
                err, 'is' if there else 'is not')
        return ''

    for fam, a in ('v4', '192.0.2.1'), ('v6', '2001:db8::1'):
        new = rtnl.link(16, NEW, 'x0', port=struct.pack('!H', 7480),
                        id=struct.pack('=Q', 5), **address(a))
        # Most of these are the core's, in register_netdevice(): once will do.
        if fam == 'v6':
            each_fault('%s: make a link' % fam, lambda m=new: rtnl.talk(m),
                       judge)
        rtnl.talk(new)
        def show_link():
            return json.loads(run('ip', '-n', ns, '-d', '-j', 'link', 'show',
                                  'x0'))

        turn = 0

        def change():
            nonlocal turn
            turn += 1
            b = a[:-1] + '%d' % (3 + turn % 2)
            return rtnl.talk(rtnl.link(16, 0, 'x0', ttl=bytes([turn]),
                                       **address(b)))

        each_fault('%s: change a link' % fam, change, lambda err, was:
                   'error %d, and it changed' % err
                   if err and show_link() != was else
                   'nothing changed' if not err and show_link() == was else '',
                   show_link)
        rtnl.talk(rtnl.link(17, 0, 'x0'))
    rtnl.sock.close()


# It says so in the kernel's log when it can track no more.
TRACKER = 'ref_tracker_alloc'


def reject(symbol):
    """Let succeed what is allocated below this function."""
    with open('/proc/kallsyms', encoding='ascii') as f:
        text = sorted((int(a, 16), name) for a, kind, name, *_ in
                      map(str.split, f) if kind in 'tT')
    start = end = 0
    for (a, name), (b, _) in zip(text, text[1:]):
        if name == symbol:
            start, end = a, b
    for knob, value in ('start', start), ('end', end):
        with open('/sys/kernel/debug/failslab/reject-' + knob, 'w',
                  encoding='ascii') as f:
            f.write('%#x' % value)


def namespaces():
    """A namespace is made, and then the first link in it."""
    reject('register_netdevice')
    here = os.open('/proc/self/ns/net', os.O_RDONLY)

    def act():
        try:
            if libc.unshare(0x40000000):
                return ctypes.get_errno()
            left = os.pread(NTH, 16, 0)
            os.pwrite(NTH, b'0', 0)
            rtnl = Rtnl()
            message = rtnl.link(16, NEW, 'x0', id=bytes(8),
                                **address('192.0.2.1'))
            os.pwrite(NTH, left, 0)
            err = rtnl.talk(message)
            rtnl.sock.close()
            return err
        finally:
            libc.setns(here, 0)

    libc = ctypes.CDLL(None, use_errno=True)
    each_fault('make a namespace and a link in it', act, lambda err, _: '')
    os.close(here)
    reject(TRACKER)


# --- packets -----------------------------------------------------------------


class Tap:
    """Packets written here are received in the context of the writer."""

    def __init__(self, name, flags, *addresses):
        with netns(ns):
            self.fd = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
            # IFF_TAP | IFF_NO_PI | IFF_VNET_HDR
            fcntl.ioctl(self.fd, 0x400454ca, struct.pack(
                '16sH22x', name.encode(), 0x5002 | flags))
        run('ip', '-n', ns, 'link', 'set', name, 'up')
        for a in addresses:
            run('ip', '-n', ns, 'addr', 'add', a, 'dev', name)
        self.mac = mac(ns, name)

    def packet(self, data):
        """Bytes to write for an IP packet."""
        return VNET.pack(0, 0, 0, 0, 0, 0), eth(
            data, ETH_P_IPV6 if data[0] >> 4 == 6 else ETH_P_IP, self.mac)

    def write(self, packet, pieces=None):
        head, data = packet
        if not pieces:
            return os.writev(self.fd, [head, data])
        return os.writev(self.fd, [head] + [
            data[a:b] for a, b in zip([0] + pieces, pieces + [len(data)])
            if a < b])

    def drain(self):
        n = 0
        try:
            while os.read(self.fd, 1 << 17):
                n += 1
        except BlockingIOError:
            pass
        return n


def setup():
    """IPv6 is off by default here, so that no device sends by itself."""
    global t0, t2, flows, out
    in_ns(ns, 'sysctl', '-qw', 'net.ipv6.conf.default.addr_gen_mode=1',
          'net.ipv6.conf.default.disable_ipv6=0')
    t0 = Tap('t0', 0, '192.0.2.2/24', '2001:db8::2/64')
    # IFF_NAPI | IFF_NAPI_FRAGS
    t2 = Tap('t2', 0x30, '198.51.100.2/24', '2001:db8:2::2/64')
    time.sleep(3)
    for a in '192.0.2.1', '2001:db8::1':
        run('ip', '-n', ns, 'neigh', 'add', a, 'lladdr', '02:00:00:00:00:09',
            'dev', 't0', 'nud', 'permanent')
        name = 'stt6' if is_v6(a) else 'stt4'
        run('ip', '-n', ns, 'link', 'add', name, 'type', 'stt', 'id', '1',
            'remote', a)
        in_ns(ns, 'sysctl', '-qw', 'net.ipv6.conf.%s.disable_ipv6=1' % name)
        run('ip', '-n', ns, 'link', 'set', name, 'up')
        in_ns(ns, 'ethtool', '-K', name, 'gro', 'off')
        # Any sender's, to have them in a pool of their own.
        run('ip', '-n', ns, 'link', 'add', 'any' + name[3:], 'up', 'type',
            'stt', 'id', '2', *(('local', '::') if is_v6(a) else ()))
    flows = {'v4': (t0, '192.0.2.1', '192.0.2.2'),
             'v6': (t0, '2001:db8::1', '2001:db8::2'),
             'v4, fragments': (t2, '198.51.100.1', '198.51.100.2'),
             'v6, fragments': (t2, '2001:db8:2::1', '2001:db8:2::2')}
    # A packet socket holds clones of received packets.
    out = Wire(ns, 't2').listen()
    ok('taps and links')


def inner_tcp(size, tos=0):
    a, b = '10.0.0.1', '10.0.0.2'
    return eth(ip(tcp(pattern(size), a, b, partial=True), a, b, 6, tos=tos),
               ETH_P_IP)


def transmit():
    gso = dict(gso_type=GSO_TCPV4, gso_size=1000, hdr_len=54, csum_start=34)
    a, b = '10.0.0.1', '10.0.0.2'
    big_udp = eth(ip(udp(pattern(6000), a, b, partial=True), a, b, 17),
                  ETH_P_IP)
    kinds = {
        'small': (eth(pattern(100), ETH_P_TEST), {}),
        'GSO': (inner_tcp(20000), gso),
        'GSO with a tag': (vlan_tag(inner_tcp(20000), 5), dict(
            gso, csum_start=38, hdr_len=58)),
        'GSO in software': (big_udp, dict(
            gso_type=GSO_UDP_L4, gso_size=1000, hdr_len=42, csum_start=34,
            csum_offset=6)),
    }
    for fam in 'v4', 'v6':
        dev = 'stt' + fam[1]
        tx = Wire(ns, dev, '02:00:00:00:00:02')
        # Clones again, so that heads are not ours.
        tap = Wire(ns, dev)
        tap.sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 0)
        tap.listen()

        def stats():
            s = {**ethstats(ns, dev), **linkstats(ns, dev)}
            return [s[k] for k in ('tx_frames', 'tx_dropped', 'tx_no_route')]

        for kind, (packet, args) in kinds.items():
            def send():
                try:
                    tx.send_frame(packet, **args)
                except OSError as e:
                    if e.errno not in NO_MEMORY:
                        raise

            def judge(_, was):
                t0.drain()
                tap.drain()
                return '' if sum(stats()) > sum(was) else 'nothing is counted'

            each_fault('%s: send, %s' % (fam, kind), send, judge, stats)
        tap.close()
        tx.close()


def shown(dev):
    return run('bridge', '-n', ns, 'fdb', 'show', 'dev', dev)


def table():
    """The forwarding database: what is said, and what is sent by it."""
    with netns(ns):
        rtnl = Rtnl()
    zero, mac1 = bytes(6), bytes.fromhex('020000000501')
    create, replace, append = 0x600, 0x500, 0xc00
    permanent, dynamic = 0xc0, 2

    for fam, a, b in (('v4', '192.0.2.1', '192.0.2.3'),
                      ('v6', '2001:db8::1', '2001:db8::3')):
        dev = 'fdb' + fam[1]
        run('ip', '-n', ns, 'link', 'add', dev, 'type', 'stt', 'id', '3',
            *(('local', '::') if is_v6(a) else ()))
        in_ns(ns, 'sysctl', '-qw', 'net.ipv6.conf.%s.disable_ipv6=1' % dev)
        run('ip', '-n', ns, 'link', 'set', dev, 'up')
        for n, via in (1, a), (2, b):
            run('ip', '-n', ns, 'nexthop', 'add', 'id', str(n), 'via', via,
                'fdb')
        run('ip', '-n', ns, 'nexthop', 'add', 'id', '10', 'group', '1/2',
            'fdb')
        with netns(ns):
            index = socket.if_nametoindex(dev)

        def say(kind, flags, station, dst=None, state=permanent, port=None,
                nhid=None):
            body = struct.pack('=BxHiHBB', 7, 0, index, state, 2, 0)
            body += nla(2, station)
            if dst:
                body += nla(1, ip_bytes(dst))
            if port:
                body += nla(6, struct.pack('!H', port))
            if nhid:
                body += nla(13, struct.pack('=I', nhid))
            return rtnl.talk(struct.pack('=IHHII', 16 + len(body), kind,
                                         5 | flags, 1, 0) + body)

        def judge(err, was):
            now = shown(dev)
            if bool(err) == (now == was):
                return ''
            return 'error %d, and there was\n%sand is\n%s' % (err, was, now)

        def step(name, act, *first):
            def before():
                for station in zero, mac1:
                    say(29, 0, station)
                for args in first:
                    if say(28, *args):
                        raise OSError('%s: %s' % (name, args))
                return shown(dev)
            each_fault('%s: FDB, %s' % (fam, name), act, judge, before)

        step('add', lambda: say(28, create, mac1, a))
        step('append', lambda: say(28, append, zero, b),
             (append, zero, a))
        step('replace', lambda: say(28, replace, mac1, b),
             (create, mac1, a))
        step('to dynamic', lambda: say(28, replace, mac1, a, dynamic),
             (create, mac1, a))
        step('to permanent', lambda: say(28, replace, mac1, a),
             (create, mac1, a, dynamic))
        step('add a group', lambda: say(28, create, mac1, nhid=10))

        # Copies to two destinations, and the way to a group's member.
        tx = Wire(ns, dev, '02:00:00:00:00:02')
        small = eth(pattern(100), ETH_P_TEST)

        def stats():
            s = {**ethstats(ns, dev), **linkstats(ns, dev)}
            return [s[k] for k in ('tx_frames', 'tx_dropped', 'tx_no_route')]

        def send(packet):
            try:
                tx.send_frame(packet)
            except OSError as e:
                if e.errno not in NO_MEMORY:
                    raise

        def counted(n):
            def judge(_, was):
                t0.drain()
                more = sum(stats()) - sum(was)
                return '' if more == n else 'of %d, %d are counted' % (n, more)
            return judge

        for station in zero, mac1:
            say(29, 0, station)
        say(28, append, zero, a)
        say(28, append, zero, a, permanent, 7472)
        each_fault('%s: FDB, send to two' % fam, lambda: send(small),
                   counted(2), stats)
        say(28, create, mac1, nhid=10)
        for n, via in (1, a), (2, a):
            run('ip', '-n', ns, 'nexthop', 'replace', 'id', str(n), 'via', via,
                'fdb')

        def forget():
            # Ways to members are made anew.
            run('ip', '-n', ns, 'nexthop', 'replace', 'id', '10', 'group',
                '1/2', 'fdb')
            return stats()

        each_fault('%s: FDB, send to a group' % fam,
                   lambda: send(mac1 + small[6:]), counted(1), forget)
        tx.close()
        run('ip', '-n', ns, 'link', 'del', dev)
        run('ip', '-n', ns, 'nexthop', 'flush')


def learning():
    """A frame from a MAC address that is not known yet."""
    for fam in 'v4', 'v6':
        tap, src, dst = flows[fam]
        dev = 'any' + fam[1]
        listener = Wire(ns, dev).listen()
        flow = Flow(src, dst, 50000)
        turn = 0
        station = ''

        def prepare():
            nonlocal turn, station
            turn += 1
            station = '02:00:00:00:06:%02x' % turn
            listener.drain()
            return ethstats(ns, dev)['fdb_full'], nomem()

        def act():
            return tap.write(tap.packet(flow.segment(frame(
                eth(pattern(60), ETH_P_TEST, src=station), id=2), new_id())))

        def judge(_, was):
            known = station in shown(dev)
            full = ethstats(ns, dev)['fdb_full'] - was[0]
            got = len(listener.drain())
            if not got:
                # Lost before its source address was looked at.
                return '' if nomem() > was[1] else 'nothing is counted'
            return '' if known != bool(full) else \
                'known: %s, fdb_full: %d' % (known, full)

        each_fault('%s: learn' % fam, act, judge, prepare)
        listener.close()


def nomem():
    c = counters(ns)
    return c['drop_nomem'] + c['reasm_nomem']


def receive():
    sysctl(ns, 'reasm_time_ms', 100)
    for fam, (tap, src, dst) in flows.items():
        dev = ('stt' if tap is t0 else 'any') + fam[1]
        id = 1 if tap is t0 else 2
        listener = Wire(ns, dev).listen()
        flow = Flow(src, dst, 50000)
        p_flags = dict(flags=P | T | V, l4=34)
        plain, big = eth(pattern(900), ETH_P_TEST), inner_tcp(9000)
        ce = inner_tcp(3000, tos=2)
        f = {'plain': frame(plain, id=id),
             'big': frame(big, id=id, mss=700, **p_flags),
             'ce': frame(ce, id=id, mss=700, **p_flags)}

        def whole(kind, **args):
            return lambda: [flow.segment(f[kind], new_id(), **args)]

        def parts(kind, *ranges):
            def make():
                i = new_id()
                n = len(f[kind])
                return [flow.segment(f[kind], i, a, min(b, n))
                        for a, b in ranges]
            return make

        kinds = {
            'whole': (whole('plain'), plain),
            'whole, GSO': (whole('big'), big),
            'whole, CE': (whole('ce', tos=3), None),
            'parts': (parts('plain', (300, 999), (0, 20), (20, 300)), plain),
            'parts, GSO': (parts('big', (0, 100), (4000, 9999), (100, 1400),
                                 (1400, 4000)), big),
            'overlapping parts': (parts('plain', (100, 300), (0, 150),
                                        (200, 700), (650, 999)), plain),
        }
        for kind, (make, inner) in kinds.items():
            todo = []

            def prepare():
                flow.sport = 49152 + random.randrange(16384)
                listener.drain()
                out.drain()
                todo[:] = [tap.packet(s) for s in make()]
                return nomem(), linkstats(ns, dev)['rx_packets']

            def act():
                for p in todo:
                    # Pieces of at most a page, the first of which is linear.
                    tap.write(p, None if tap is t0 else
                              [60, 70, 100] + list(range(500, len(p[1]),
                                                         3000)))

            def judge(_, was):
                tap.write(tap.packet(flow.segment(frame(
                    eth(b'end' + bytes(60), ETH_P_TEST), id=id), new_id())))
                got = [x.data for x in listener.receive_until(
                    lambda x: x.data[14:17] == b'end')]
                if inner and got not in ([], [inner]):
                    return 'delivered: ' + show(got)
                # The packet socket may have no memory either: count what the
                # device has delivered, besides the last packet.
                if (not got and nomem() == was[0] and
                        linkstats(ns, dev)['rx_packets'] == was[1] + 1):
                    return 'nothing is counted: %s' % counters(ns)
                return ''

            each_fault('%s: receive, %s' % (fam, kind), act, judge, prepare,
                       none=kind == 'whole' and tap is t0)

        # A frame that loses segments, and gets one of them late.
        sysctl(ns, 'reasm_max_frames_per_flow', 1)
        kinds = parts('big', (0, 1400), (2800, 4200), (7000, 9999))
        todo = []

        def prepare_loss():
            flow.sport = 49152 + random.randrange(16384)
            segs = kinds()
            i = parse_segment(segs[0]).id
            todo[:] = [tap.packet(s) for s in segs + [
                flow.segment(f['plain'], new_id(), 0, 300),
                flow.segment(f['big'], i, 1400, 2800)]]

        def act_loss():
            for p in todo:
                tap.write(p, None if tap is t0 else
                          [60, 70] + list(range(500, len(p[1]), 3000)))

        def judge_loss(_, __):
            listener.drain()
            out.drain()
            return ''

        each_fault('%s: receive, a frame in parts' % fam, act_loss, judge_loss,
                   prepare_loss)
        sysctl(ns, 'reasm_max_frames_per_flow', 8)
        listener.close()
    check('no memory is held', wait_until(
        lambda: not counters(ns)['reasm_mem'], 3 * PATIENCE), counters(ns))


reject(TRACKER)
main([links, namespaces, setup, transmit, table, receive, learning])
