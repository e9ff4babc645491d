# SPDX-License-Identifier: GPL-2.0
"""order.py H1 H2 - a small packet behind a large one that is held on its way

A large packet goes through GRO, a small one behind it does not have to.  What
holds the large one is there on purpose, so nothing depends on time or luck.
"""

import glob
import os
import signal
import subprocess
import sys
import time

from sttlib import (ACK, PATIENCE, PSH, Wire, check, in_ns, ip, mac, main,
                    skip, tcp, wait_until)

H1, H2 = sys.argv[1:]
SRC, DST = '10.0.0.1', '10.0.0.9'       # not h2's own: nothing answers
DEV = 'stt0'
LARGE, SMALL = 1000, 1
PAUSE = 0.2     # longer than packets were assumed to be in GRO


def device(what, value):
    in_ns(H2, 'sh', '-c', 'echo %s >/sys/class/net/%s/%s' % (value, DEV, what))


class Pair:
    """The two packets of one flow, sent by h1 and received by h2."""

    def __init__(self, sport):
        self.sport = sport
        self.out = Wire(H1, DEV, mac(H2, DEV))
        self.into = Wire(H2, DEV).listen()

    def send(self, size, seq, flags):
        seg = tcp(bytes(size), SRC, DST, sport=self.sport, seq=seq,
                  flags=flags)
        self.out.send(ip(seg, SRC, DST, 6))

    def send_large(self):
        self.send(LARGE, 1, ACK)

    def send_small(self):
        self.send(SMALL, 1 + LARGE, ACK | PSH)

    def received(self):
        """Payload sizes, in order; GRO may make one packet of both."""
        end, sizes = time.monotonic() + PATIENCE, []
        while sum(sizes) < LARGE + SMALL and time.monotonic() < end:
            p = self.into.receive(1)
            if p and p.data[23] == 6 and \
               p.data[34:36] == self.sport.to_bytes(2, 'big'):
                sizes.append(len(p.data) - 14 - 20 - 20)
        return sizes

    def close(self):
        self.out.close()
        self.into.close()


def check_order(name, sizes):
    check(name, sizes in ([LARGE, SMALL], [LARGE + SMALL]),
          'payloads received, in order: %s' % sizes)


def flush_timeout():
    # GRO may hold packets for two seconds.
    device('gro_flush_timeout', 2000000000)
    pair = Pair(1001)
    try:
        pair.send_large()
        time.sleep(PAUSE)
        pair.send_small()
        check_order('gro_flush_timeout: a small packet does not overtake a '
                    'large one', pair.received())
    finally:
        pair.close()
        device('gro_flush_timeout', 0)


def napi_threads():
    """Process ids of the threads that poll h2's device."""
    found = []
    for name in glob.glob('/proc/[0-9]*/comm'):
        try:
            with open(name, encoding='utf-8') as f:
                if f.read().startswith('napi/%s-' % DEV):
                    found.append(int(name.split('/')[2]))
        except OSError:
            pass
    return found


HOG = '''
import os, sys
os.sched_setaffinity(0, {%d})
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
print("on", flush=True)
while True:
    pass
'''


def late_thread():
    """The thread that polls has no CPU when threaded NAPI is turned off."""
    name = 'threaded NAPI turned off while its thread is late: a small ' \
           'packet does not overtake a large one'
    cpus = os.cpu_count()
    if cpus < 2:
        skip(name, 'takes two CPUs')
        return
    other = max(range(cpus))
    with open('/proc/sys/kernel/sched_rt_runtime_us', 'r+',
              encoding='ascii') as f:
        before = f.read()
        f.seek(0)
        f.write('-1')
    device('threaded', 1)
    wait_until(napi_threads)
    for pid in napi_threads():
        os.sched_setaffinity(pid, {other})
    pair = Pair(1002)
    hog = subprocess.Popen([sys.executable, '-c', HOG % other],
                           stdout=subprocess.PIPE)
    try:
        hog.stdout.readline()
        pair.send_large()
        time.sleep(PAUSE)
        # Recent kernels wait for the thread here, or give it some time.
        off = subprocess.Popen(
            ['ip', 'netns', 'exec', H2, 'sh', '-c',
             'echo 0 >/sys/class/net/%s/threaded' % DEV])
        wait_until(lambda: off.poll() is not None, 1)
        pair.send_small()
        time.sleep(PAUSE)
        hog.send_signal(signal.SIGKILL)
        check_order(name, pair.received())
        check('threaded NAPI can be turned off', off.wait() == 0)
    finally:
        hog.kill()
        hog.wait()
        pair.close()
        with open('/proc/sys/kernel/sched_rt_runtime_us', 'w',
                  encoding='ascii') as f:
            f.write(before)


main([flush_timeout, late_thread])
