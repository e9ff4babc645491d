#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Packets of one flow arrive in order whatever their size: small ones, which do
# not go through GRO, wait for those that do. Also while threaded NAPI is
# switched on and off, with RPS, and with gro_flush_timeout on the tunnel.
#
#	h1: stt0 10.0.0.1 ----- STT ----- h2: stt0 10.0.0.2
#
# kernels: all
# timeout: 200

# shellcheck disable=SC2016,SC2119,SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_py.sh"
require ping python3 taskset

# A large packet is held on purpose, a small one follows.
setup_pair v4
quiet "$h1" default
quiet "$h2" default
stt_add "$h1" stt0 id 1 local "$a1" remote "$a2"
stt_add "$h2" stt0 id 1 local "$a2" remote "$a1"
py_checks order.py "$h1" "$h2"
teardown

# datagrams NAME: 1500 of mixed sizes, from one CPU, as packets that come in on
# several may pass each other on any network; all are in order, and most arrive.
datagrams() {
	local receiver n='' late=''

	background in_ns "$h2" python3 -u -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)
s.bind(("", 6000))
last, late, n = -1, 0, 0
while True:
    d = s.recv(2000)
    if d == b"end":
        break
    x = int.from_bytes(d[:4], "big")
    n, late, last = n + 1, late + (x < last), max(x, last)
print(n, late)' >"$tmp/got"
	receiver=$!
	wait_for 10 eval "in_ns $h2 ss -Hlun sport = :6000 | grep -q 6000"
	in_ns "$h1" taskset -c 0 python3 -c '
import random, socket, time
random.seed(1)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("10.0.0.2", 6000))
for i in range(1500):
    s.send(i.to_bytes(4, "big") + b"x" * random.choice((20, 100, 600, 1300)))
    if i % 20 == 0:
        time.sleep(0.01)
for i in range(3):
    time.sleep(0.3)
    try:
        s.send(b"end")
    except ConnectionRefusedError:
        break'
	wait_for 20 eval "! kill -0 $receiver"
	read -r n late <"$tmp/got"
	check_num "$1: datagrams arrive" "${n:-0}" -ge 800
	check_eq "$1: no datagram overtakes another" "${late:-none}" 0
}

setup_pair v4
stt_pair
napi=/sys/class/net/stt0
check 'the peer answers' wait_for 10 in_ns "$h1" ping -q -c 1 -W 1 10.0.0.2
datagrams 'as set up'
background ip netns exec "$h2" sh -c \
	"while :; do for v in 1 0; do echo \$v >$napi/threaded; sleep 0.05; done; done"
toggler=$!
datagrams 'threaded NAPI switched on and off'
in_ns "$h2" sh -c "echo 3 >$napi/queues/rx-0/rps_cpus"
datagrams 'threaded NAPI switched on and off, RPS'
kill "$toggler"
wait "$toggler" 2>/dev/null

# Packets are queued when the device goes down, and when it goes for good.
echo 1 | in_ns "$h2" tee $napi/threaded >/dev/null
background ip netns exec "$h1" ping -q -f -s 900 10.0.0.2 >/dev/null 2>&1
flood=$!
for _ in 1 2 3; do
	sleep 0.3
	ip -n "$h2" link set stt0 down
	ip -n "$h2" link set stt0 up
done
check 'packets arrive after the device was down under load' \
	wait_for 10 in_ns "$h1" ping -q -c 1 -W 1 -s 900 10.0.0.2
check 'the device can be deleted under load' ip -n "$h2" link del stt0
kill "$flood"
tap_done
