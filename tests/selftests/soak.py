# SPDX-License-Identifier: GPL-2.0
"""Checks of soak.sh, which draws the topology."""

import hashlib
import sys

from sttlib import *  # pylint: disable=wildcard-import,unused-wildcard-import

h1, h2 = sys.argv[1:3]
SECONDS = float(sys.argv[3]) / 2

sent = bad = came = 0
stop = threading.Event()


def udp_sockets():
    with netns(h2):
        rx = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    rx.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
    # Both families come here.
    rx.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    rx.bind(('::', 4000))
    with netns(h1):
        tx = [socket.socket(f, socket.SOCK_DGRAM)
              for f in (socket.AF_INET, socket.AF_INET6)]
    tx[0].connect(('10.0.0.2', 4000))
    tx[1].connect(('fd00::2', 4000))
    return rx, tx


def sender(socks):
    """Datagrams of every size, also such that become fragments, each with its
    hash."""
    global sent
    rng = random.Random(1)
    while not stop.is_set():
        body = rng.randbytes(rng.choice((10, 500, 1400, 4000, 8000, 20000)))
        try:
            socks[sent & 1].send(hashlib.sha256(body).digest() + body)
        except OSError:
            pass
        sent += 1
        time.sleep(0.002)


def receiver(sock):
    global bad, came
    sock.settimeout(0.5)
    while not stop.is_set():
        try:
            data = sock.recv(1 << 16)
        except OSError:
            continue
        came += 1
        if hashlib.sha256(data[32:]).digest() != data[:32]:
            bad += 1


def soak():
    rx, tx = udp_sockets()
    threads = [threading.Thread(target=sender, args=(tx,)),
               threading.Thread(target=receiver, args=(rx,))]
    for t in threads:
        t.start()
    end = time.monotonic() + SECONDS
    errors, turns = [], 0
    try:
        while not errors and (not turns or time.monotonic() < end):
            turns += 1
            # Both ways at a time, by either family.
            a, b = (h2, h1) if turns & 1 else (h1, h2)
            to = {h1: ('10.0.0.1', 'fd00::1'),
                  h2: ('10.0.0.2', 'fd00::2')}[a][turns >> 1 & 1]
            e = transfer(a, to, b, size=200000, port=5000 + turns % 50)
            if e:
                errors.append('%d, to %s: %s' % (turns, to, e))
    finally:
        time.sleep(0.5)
        stop.set()
        for t in threads:
            t.join()
    check('%d TCP transfers each way arrive as they were sent' % turns,
          not errors, *errors)
    check('%d of %d datagrams arrived, none of them damaged' % (came, sent),
          came > 20 and not bad, '%d damaged' % bad)


main([soak])
