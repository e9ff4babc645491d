# SPDX-License-Identifier: GPL-2.0
"""ecn.py H1 H2 A1 A2 TOS - DSCP and ECN between inner and outer headers

H1 and H2 have stt0 with id 1 and tos TOS, which is a number (the pipe model)
or "inherit" (the uniform one).  The number's lower two bits mean nothing.
Inner frames go into H1's stt0 and are looked at on the wire; segments go to H2
over the wire and are looked at on its stt0.
"""

import sys

from sttlib import (ETH_HLEN, ETH_P_IP, ETH_P_IPV6, ETH_P_TEST, Flow, Wire,
                    check, check_eq, counters, eth, frame, ip, linkstats, mac,
                    main, new_id, parse_ip)

H1, H2, A1, A2, TOS = sys.argv[1:]
UNIFORM = TOS == 'inherit'
NAME = 'outer %s, tos %s: ' % ('v6' if ':' in A1 else 'v4', TOS)

NOT, ECT1, ECT0, CE = range(4)
ECN = ['Not-ECT', 'ECT(1)', 'ECT(0)', 'CE']
# RFC 6040, figure 4: row inner, column outer; None is dropped.
DECAP = {
    NOT:  {NOT: NOT,  ECT0: NOT,  ECT1: NOT,  CE: None},
    ECT0: {NOT: ECT0, ECT0: ECT0, ECT1: ECT1, CE: CE},
    ECT1: {NOT: ECT1, ECT0: ECT1, ECT1: ECT1, CE: CE},
    CE:   {NOT: CE,   ECT0: CE,   ECT1: CE,   CE: CE},
}
# DSCPs, in place: inner, of the first segment, of the others.
INNER, FIRST, OTHERS = 0x28, 0x48, 0xe0

eth1, stt1 = Wire(H1, 'eth0', mac(H2, 'eth0')), Wire(H1, 'stt0')
eth2, stt2 = Wire(H2, 'eth0').listen(), Wire(H2, 'stt0').listen()
flow = Flow(A1, A2)
tags = 0


def tag():
    global tags
    tags += 1
    return b'<%05d>' % tags


def inner(family, dsfield, text):
    """An inner frame; protocol 253 is for experiments (RFC 3692)."""
    text = text.ljust(180, b'\x5a')
    if family == 'v4':
        return eth(ip(text, '10.9.0.1', '10.9.0.2', 253, tos=dsfield),
                   ETH_P_IP)
    if family == 'v6':
        return eth(ip(text, 'fd09::1', 'fd09::2', 253, tos=dsfield),
                   ETH_P_IPV6)
    return eth(text, ETH_P_TEST)


def one(wire, text):
    """The packet with this text that comes from a wire."""
    got = []

    def here(p):
        got.append(p.data)
        return text in p.data
    wire.receive_until(here)
    return got[-1]


def encap():
    """W11: outer DSCP is TOS or the inner one, outer ECN the inner one."""
    wrong = []
    for family in 'v4', 'v6', 'other':
        for ecn in range(4):
            text = tag()
            sent = inner(family, 0xb8 | ecn, text)
            stt1.send_frame(sent)
            got = one(eth2, text)
            want = 0xb8 if UNIFORM else int(TOS, 0) & 0xfc
            want |= ecn
            if family == 'other':
                want = 0 if UNIFORM else int(TOS, 0) & 0xfc
            tos = parse_ip(got[ETH_HLEN:]).tos
            if tos != want:
                wrong.append('inner %s %#x: outer %#x, not %#x' %
                             (family, 0xb8 | ecn, tos, want))
            if sent not in got:
                wrong.append('inner %s changed on the way' % family)
    check(NAME + 'outer DSCP and ECN (W11)', not wrong, *wrong)


class Decap:
    """Sends frames to H2 and looks at what comes out."""

    def __init__(self):
        self.wrong, self.drops = [], 0
        self.before = counters(H2)['drop_ecn'], linkstats(H2, 'stt0')

    def send(self, family, iecn, oecn, cuts=(), mark=None, order=None,
             again=None, wide=False):
        """A frame cut at @cuts. @oecn is the ECN of segment @mark, while the
        others have ECT(0); of all without @mark. Segments go in @order, where
        @again comes once more, with @oecn; a @wide second has the first's
        bytes, too."""
        text = tag()
        data = frame(inner(family, INNER | iecn, text))
        edges, ident = [0, *cuts, len(data)], new_id()
        pairs = list(zip(edges, edges[1:]))
        if wide:
            pairs[1] = 0, edges[2]
        segments = [flow.segment(
            data, ident, a, b, tos=(OTHERS if i else FIRST) |
            (oecn if mark in (None, i) else ECT0))
            for i, (a, b) in enumerate(pairs)]
        segments = [segments[i] for i in order or range(len(segments))]
        if again is not None:
            a, b = pairs[again]
            segments.insert(again + 1, flow.segment(data, ident, a, b,
                                                    tos=OTHERS | oecn))
        eth1.send(*segments)

        what = 'inner %s %s, outer %s' % (family, ECN[iecn], ECN[oecn])
        want = DECAP[iecn][oecn]
        if family == 'other':
            want = inner(family, 0, text)
        elif want is not None:
            want = inner(family, want | (FIRST if UNIFORM else INNER), text)
        if want is None:
            # Order is kept: what comes behind shows that it does not come.
            last = tag()
            data = frame(inner(family, INNER, last))
            eth1.send(flow.segment(data, new_id()))
            self.drops += 1
            if any(text in p.data
                   for p in stt2.receive_until(lambda p: last in p.data)):
                self.wrong.append(what + ': not dropped')
            return
        got = one(stt2, text)
        # Checksums and all.
        if got != want:
            tos = parse_ip(got[ETH_HLEN:]).tos if family != 'other' else 0
            self.wrong.append('%s: %#x, or changed otherwise' % (what, tos))

    def done(self, name):
        check(NAME + name, not self.wrong, *self.wrong)
        drops, stats = self.before
        check_eq(NAME + name + ': drop_ecn', counters(H2)['drop_ecn'] - drops,
                 self.drops)
        check_eq(NAME + name + ': rx_errors', linkstats(H2, 'stt0')[
            'rx_errors'] - stats['rx_errors'], self.drops)


def decap():
    """R14: the whole table."""
    d = Decap()
    for oecn in range(4):
        for family in 'v4', 'v6':
            for iecn in range(4):
                d.send(family, iecn, oecn)
        d.send('other', NOT, oecn)
    d.done('RFC 6040 decapsulation (R14)')


def split():
    """R14: CE on any segment is CE of the frame, DSCP is the first one's."""
    d = Decap()
    cuts = 60, 130
    for family in 'v4', 'v6', 'other':
        for mark in range(3):
            for iecn in NOT, ECT0:
                d.send(family, iecn, CE, cuts, mark)
        d.send(family, ECT0, ECT0, cuts, order=(2, 1, 0))
        d.send(family, ECT0, CE, cuts, mark=1, order=(1, 2, 0))
        d.send(family, ECT0, CE, cuts, mark=0, order=(1, 2, 0))
        d.send(family, ECT0, CE, cuts, mark=3, again=0)
        d.send(family, ECT0, CE, cuts, mark=3, again=1)
        d.send(family, ECT0, ECT0, cuts, wide=True)
        d.send(family, ECT0, CE, cuts, mark=1, wide=True)
    d.done('CE on one of three segments, DSCP of the first (R14)')


main([encap, decap, split])
