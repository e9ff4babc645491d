# SPDX-License-Identifier: GPL-2.0
"""Checks of bounds.sh, which draws the topology."""

from sttlib import *  # pylint: disable=wildcard-import,unused-wildcard-import

h1, h2 = sys.argv[1:3]

A, B = '192.0.2.1', '192.0.2.2'
MANY = 16000
RUNS = 5
VNET_NONE = VNET.pack(0, GSO_NONE, 0, 0, 0, 0)


def bound(ns):
    """A packet socket that sends by eth0."""
    with netns(ns):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sock.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 64 << 20)
    sock.bind(('eth0', 0))
    return sock


class Peer:
    """A host as the other one sees it: what it sends costs that one's CPU."""

    def __init__(self, ns, other, src, dst):
        self.sock = bound(ns)
        self.wire = Wire(ns, 'eth0', mac(other, 'eth0'))
        self.src, self.dst = src, dst
        self.first = self.template(40)
        self.last = self.template(60)
        self.whole = self.template(100)
        self.byte = self.template(1)
        # What it costs to send a packet that the other drops at once.
        self.base = min(Blast(self.sock, [VNET_NONE + eth(
            bytes(100), ETH_P_TEST, self.wire.dst, self.wire.mac)] *
            512).send() for _ in range(RUNS))

    def template(self, n):
        t = Template(self.wire, self.src, self.dst, n)
        t.head = VNET.pack(NEEDS_CSUM, GSO_NONE, 0, 0, t.l4, 16)
        return t

    def make(self, t, data=None, **fields):
        p = t.make(**fields)
        if data is not None:
            p = p[:t.l4 + 20] + data
        return t.head + p

    def blast(self, packets):
        return Blast(self.sock, packets).send()

    def cost(self, turns):
        """What one of these packets costs; each turn is a list of them."""
        return min(self.blast(t) for t in turns) - self.base


def data_of(id):
    return frame(eth(bytes(100 - HLEN - ETH_HLEN), ETH_P_TEST), id=id)


def halves(peer, id, sport=60001, n=256):
    """Turns of frames of two segments each."""
    d = data_of(id)
    return [[p for _ in range(n) for f in [new_id()] for p in (
        peer.make(peer.first, d[:40], sport=sport, id=f, seq=100 << 16),
        peer.make(peer.last, d[40:], sport=sport, id=f, seq=100 << 16 | 40))]
        for _ in range(RUNS)]


def wholes(peer, id, sport=60001, n=512):
    d = data_of(id)
    return [[peer.make(peer.whole, d, sport=sport, id=new_id(),
                       seq=100 << 16) for _ in range(n)] for _ in range(RUNS)]


def check_cost(name, few, many):
    print('# %s: %d ns, where there is little of it %d' % (name, many, few))
    check(name + ' at most half as much again', few > 0 and
          many <= 1.5 * few, '%d, %d' % (few, many))


def fill(peer, packets):
    before = counters(h2)['reasm_queues']
    peer.blast(packets)
    n = counters(h2)['reasm_queues'] - before
    return check('%d frames are open' % len(packets), n == len(packets), n,
                 counters(h2))


def flows_and_sources():
    sysctl(h2, 'reasm_high_thresh', 512 << 20)
    sysctl(h2, 'reasm_time_ms', 30000)
    peer = Peer(h1, h2, A, B)
    # Known from now on, by the frames that are complete.
    one = peer.make(peer.byte, sport=60002, id=new_id(), seq=100 << 16)
    peer.blast([one])
    few = peer.cost(halves(peer, 2))
    few_whole = peer.cost(wholes(peer, 2))
    for n in MANY, 57000:
        have = counters(h2)['reasm_queues']
        fill(peer, [peer.make(peer.byte, sport=s, id=new_id(), seq=100 << 16)
                    for s in range(have + 1, n + 1)])
        check_cost('a segment beside %d open flows of its source costs (R8a)'
                   % n, few, peer.cost(halves(peer, 2)))
        check_cost('a whole frame beside %d open flows of its source costs '
                   '(R8a)' % n, few_whole, peer.cost(wholes(peer, 2)))
    check('open frames expire in time', wait_until(
        lambda: not counters(h2)['reasm_queues'], 40 + PATIENCE),
        counters(h2))
    fill(peer, [peer.make(peer.byte, src=struct.pack('!I', 0x0a000001 + n),
                          sport=60000, id=new_id(), seq=100 << 16)
                for n in range(MANY)])
    check_cost('a segment beside %d open sources costs (R8a)' % MANY, few,
               peer.cost(halves(peer, 2)))
    check_cost('a whole frame beside %d open sources costs (R8a)' % MANY,
               few_whole, peer.cost(wholes(peer, 2)))
    check('open frames expire in time', wait_until(
        lambda: not counters(h2)['reasm_queues'], 40 + PATIENCE),
        counters(h2))


def frames_of_a_flow():
    """Another segment of an open frame, where there are others."""
    peer = Peer(h1, h2, A, B)
    n = 250
    sysctl(h2, 'reasm_max_frames_per_flow', 256)

    def open_frame(sport):
        return peer.make(peer.byte, sport=sport, id=new_id(), seq=100 << 16)

    one = open_frame(60010)
    all_ = [open_frame(60011) for _ in range(n)]
    fill(peer, [one])
    fill(peer, all_)
    check_cost('a segment beside %d open frames of its flow costs (R8a)' % n,
               peer.cost([[one] * n] * RUNS), peer.cost([all_] * RUNS))


class Marks:
    """Inner packets of h1 with some number of marks."""

    def __init__(self):
        with netns(h1):
            self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 64 << 20)
        self.sock.connect(('10.5.0.2', 9))
        self.all = Blast(self.sock, [bytes(64)] * (MANY + 500))
        self.some = Blast(self.sock, [bytes(64)] * 1024)

    def use(self, n):
        in_ns(h1, 'nft', 'flush chain ip t o; add rule ip t o ip daddr '
              '10.5.0.2 meta mark set numgen inc mod %d' % n)
        self.all.send()

    def cost(self):
        return min(self.some.send() for _ in range(RUNS))


def needed(sport):
    """ICMP: fragmentation needed, about a segment of h1."""
    quoted = Flow(A, B, sport=sport).segment(bytes(1400), 1)[:28]
    body = struct.pack('!BBHHH', 3, 4, 0, 0, 1400) + quoted
    return ip(put16(body, 2, csum(body)), B, A, 1)


def marks():
    m = Marks()
    sysctl(h1, 'reasm_time_ms', 30000)
    back = Peer(h2, h1, B, A)
    icmp = [VNET_NONE + eth(needed(50000), ETH_P_IP, back.wire.dst,
                            back.wire.mac)] * 512
    m.use(1)
    few, few_seg = m.cost(), back.cost(halves(back, 7))
    m.use(16)
    few_icmp = back.cost([icmp] * RUNS)
    m.use(MANY)
    check_cost('a packet to a peer with %d marks in use costs (R8a)' % MANY,
               few, m.cost())
    check_cost('a segment of a peer with %d marks in use costs (R8a)' % MANY,
               few_seg, back.cost(halves(back, 7)))
    check_cost('an ICMP message about a peer with %d marks in use, beside 16, '
               'costs (R8a)' % MANY, few_icmp, back.cost([icmp] * RUNS))
    mtu = in_ns(h1, 'ip', 'route', 'get', B)
    check('the ICMP error is believed (W12)', 'mtu 1400' in mtu, mtu)


def routed():
    """Packets that came in and were routed, of all namespaces."""
    with open('/proc/net/stat/rt_cache', encoding='ascii') as f:
        names = next(f).split()
        n = names.index('in_slow_tot')
        return sum(int(line.split()[n], 16) for line in f)


def strangers():
    """What is remembered of a peer's packets survives those of others."""
    peer = Peer(h1, h2, A, B)
    known = wholes(peer, 2, n=10)[0]
    peer.blast(known)
    before = routed()
    peer.blast(known)
    check_eq('packets of a known sender need no route lookup',
             routed() - before, 0)
    for what, make in (
            ('with bad checksums', lambda src: eth(
                Flow(src, B).segment(data_of(2), new_id(), bad=True),
                ETH_P_IP, peer.wire.dst, peer.wire.mac)),
            ('for no device', lambda src: eth(
                Flow(src, B).segment(data_of(9), new_id()),
                ETH_P_IP, peer.wire.dst, peer.wire.mac)),
            ('in parts', lambda src: eth(
                Flow(src, B).segment(data_of(2), new_id(), 0, 50),
                ETH_P_IP, peer.wire.dst, peer.wire.mac))):
        peer.blast([VNET_NONE + make('10.7.%d.%d' % (n >> 8, n & 255))
                    for n in range(512)])
        before = routed()
        peer.blast(known)
        check_eq('neither after packets of 512 strangers, ' + what,
                 routed() - before, 0)


main([flows_and_sources, frames_of_a_flow, strangers, marks])
