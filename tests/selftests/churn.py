# SPDX-License-Identifier: GPL-2.0
"""The flood of churn.sh: segments of frames that stay open, and whole ones, of
many flows, to a host that may not be there."""

import sys

from sttlib import *  # pylint: disable=wildcard-import,unused-wildcard-import

a, h1 = sys.argv[1:3]

wire = Wire(a, 'flood0', mac(h1, 'flood1'))
inner = eth(ip(tcp(bytes(3000), '10.0.0.1', '10.0.0.2', partial=True),
               '10.0.0.1', '10.0.0.2', 6), ETH_P_IP)
data = frame(inner, id=9, flags=P | T | V, l4=34, mss=500)
while True:
    n = random.randrange(180)
    v6 = n & 1
    flow = Flow('2001:db8:9::%x' % (2 + n % 9) if v6 else
                '198.51.100.%d' % (2 + n % 9),
                '2001:db8:9::1' if v6 else '198.51.100.1', 50000 + n % 20)
    segs = flow.segments(data, [700, 1400, 2100])
    # Often one is missing, then and when all but the first.
    if random.randrange(4):
        del segs[random.randrange(4)]
    wire.send(*segs[:random.randrange(1, 5)])
