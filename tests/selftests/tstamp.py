# SPDX-License-Identifier: GPL-2.0
"""tstamp.py H1 H2 NAME - transmit time stamps of TCP and UDP over the tunnel

Linux: Documentation/networking/timestamping.rst.
"""

import socket
import struct
import sys
import threading

from sttlib import check_eq, main, netns, wait_until

H1, H2, NAME = sys.argv[1:]
SO_TIMESTAMPING = 37
TX_SOFTWARE, SOFTWARE, OPT_ID, TX_ACK, OPT_TSONLY = 2, 16, 128, 512, 2048
SND, ACK = 0, 2
N = 6


def stamps(sock, got):
    """Collect what the error queue has: (kind, key)."""
    while True:
        try:
            _, anc, _, _ = sock.recvmsg(
                0, 512, socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        for level, kind, data in anc:
            if (level, kind) in ((0, 11), (41, 25)):
                _, origin, _, _, _, info, key = struct.unpack('=IBBBBII',
                                                              data[:16])
                if origin == 4:
                    got.setdefault(info, []).append(key)


def sink(conn):
    try:
        while conn.recv(1 << 20):
            pass
    except OSError:
        pass


def tcp_sends(addr, size):
    family = socket.AF_INET6 if ':' in addr else socket.AF_INET
    with netns(H2):
        server = socket.socket(family)
    server.bind((addr, 0))
    server.listen()
    with netns(H1):
        s = socket.socket(family)
    s.connect((addr, server.getsockname()[1]))
    conn, _ = server.accept()
    threading.Thread(target=sink, args=(conn,), daemon=True).start()
    s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, TX_SOFTWARE | SOFTWARE |
                 OPT_ID | TX_ACK | OPT_TSONLY)
    got = {}

    def have(n):
        stamps(s, got)
        return all(len(set(got.get(k, []))) >= n for k in (SND, ACK))

    for i in range(N):
        s.sendall(bytes(size))
        wait_until(lambda i=i: have(i + 1), 5)
    keys = [size * (i + 1) - 1 for i in range(N)]
    check_eq('%s: TCP to %s, %d bytes: each send has its time stamp' %
             (NAME, addr, size), sorted(set(got.get(SND, []))), keys)
    check_eq('%s: TCP to %s, %d bytes: each send is acknowledged' %
             (NAME, addr, size), sorted(set(got.get(ACK, []))), keys)
    s.close()
    server.close()


def udp_sends(addr, size):
    family = socket.AF_INET6 if ':' in addr else socket.AF_INET
    with netns(H1):
        s = socket.socket(family, socket.SOCK_DGRAM)
    s.connect((addr, 9))
    s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, TX_SOFTWARE | SOFTWARE |
                 OPT_ID | OPT_TSONLY)
    got = {}

    def have(n):
        stamps(s, got)
        return len(set(got.get(SND, []))) >= n

    for i in range(N):
        try:
            s.send(bytes(size))
        except ConnectionRefusedError:
            s.send(bytes(size))
        wait_until(lambda i=i: have(i + 1), 5)
    check_eq('%s: UDP to %s, %d bytes: each send has its time stamp' %
             (NAME, addr, size), len(set(got.get(SND, []))), N)
    s.close()


def tcp():
    for addr in '10.0.0.2', 'fd00::2':
        for size in 1000, 60000:
            tcp_sends(addr, size)


def udp():
    # In one segment, and in several.
    for addr in '10.0.0.2', 'fd00::2':
        for size in 1000, 7000:
            udp_sends(addr, size)


main([tcp, udp])
