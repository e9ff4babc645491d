#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
#
# nfqueue.py NUMBER FILE - accept whatever comes through an NFQUEUE
#
# The verdict is what makes the kernel run the hooks behind the queue in this
# process's context. Makes FILE when it listens, and writes into it how many
# packets it has seen.

import socket
import struct
import sys

NFNL_QUEUE = 3
MSG_PACKET, MSG_VERDICT, MSG_CONFIG = 0, 1, 2
number, path = int(sys.argv[1]), sys.argv[2]


def attr(kind, data):
    size = 4 + len(data)
    return struct.pack('=HH', size, kind) + data + bytes(-size % 4)


def message(kind, data):
    body = struct.pack('=BB', 0, 0) + struct.pack('>H', number) + data
    return struct.pack('=IHHII', 16 + len(body), NFNL_QUEUE << 8 | kind, 1,
                       0, 0) + body


nl = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
nl.bind((0, 0))
nl.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
nl.send(message(MSG_CONFIG, attr(1, struct.pack('>BBH', 1, 0, 0))))
nl.send(message(MSG_CONFIG, attr(2, struct.pack('>IB', 0, 1))))
seen = 0
with open(path, 'w') as out:
    while True:
        data = nl.recv(65536)
        while len(data) >= 20:
            length, kind = struct.unpack_from('=IH', data)
            if kind == NFNL_QUEUE << 8 | MSG_PACKET:
                # The packet header is the first attribute: its id is behind.
                ident = data[24:28]
                nl.send(message(MSG_VERDICT,
                                attr(2, struct.pack('>I', 1) + ident)))
                seen += 1
                out.seek(0)
                out.write(f'{seen}\n')
                out.flush()
            data = data[(length + 3) & ~3:]
