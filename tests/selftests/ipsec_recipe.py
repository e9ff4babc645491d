# SPDX-License-Identifier: GPL-2.0
"""Checks of ipsec_recipe.sh: segments in the clear."""

import sys

from sttlib import *  # pylint: disable=wildcard-import,unused-wildcard-import

h1, x, h2, fam = sys.argv[1:5]

data = frame(eth(pattern(300), ETH_P_TEST), id=42)
six = fam == 'v6'
peers = [
    ('the peer', h1, 'eth0', '2001:db8::1' if six else '192.0.2.1',
     '2001:db8::2' if six else '192.0.2.2'),
    ('the peer, from elsewhere', x, 'eth1',
     '2001:db8::1' if six else '192.0.2.1',
     '2001:db8::2' if six else '192.0.2.2'),
    ('a stranger', x, 'eth1', '2001:db8:5::9' if six else '198.51.100.9',
     '2001:db8:5::2' if six else '198.51.100.2'),
]


def cleartext():
    for who, ns, to, src, dst in peers:
        wire = Wire(ns, 'eth0', mac(h2, to))
        flow = Flow(src, dst)
        before = counters(h2)
        frames = ethstats(h2, 'stt0')['rx_frames']
        wire.send(flow.segment(data, new_id()), *flow.segments(data, [50]))
        wrong = counted(h2, before, drop_policy=3)
        check('%s: in the clear, as %s: refused (R2a)' % (fam, who),
              not wrong and ethstats(h2, 'stt0')['rx_frames'] == frames,
              wrong)
        wire.close()


main([cleartext])
