#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# netconsole over a tunnel: netpoll sends with interrupts off, and IP output, which
# must not run like that, gets the packets with interrupts on.
#
#	this namespace                  h2
#	stt0 10.0.0.1 ------ STT ------ stt0 10.0.0.2
#	eth7 192.0.2.1 ---------------- eth0 192.0.2.2
#
# kernels: all

# check calls functions.
# shellcheck disable=SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
require ping python3
modprobe -q netconsole || skip_all 'no netconsole in this kernel'
mountpoint -q /sys/kernel/config ||
	mount -t configfs none /sys/kernel/config || skip_all 'no configfs'
[ -d /sys/kernel/tracing/events/net/net_dev_queue ] || skip_all 'no tracefs'

target=/sys/kernel/config/netconsole/stt
trace=/sys/kernel/tracing/instances/netconsole
undo() {
	set +e
	dmesg -n 1
	[ ! -d "$trace" ] || rmdir "$trace"
	[ ! -d "$target" ] || { echo 0 >"$target/enabled"; rmdir "$target"; }
	ip link del stt0
	ip link del eth7
	cleanup
} 2>/dev/null
trap undo EXIT

new_ns h2
ip link add eth7 type veth peer name eth0 netns "$h2"
ip addr add 192.0.2.1/24 dev eth7
ip link set eth7 up
ip -n "$h2" link set eth0 up
addr "$h2" eth0 192.0.2.2/24
ip link add stt0 type stt id 1 local 192.0.2.1 remote 192.0.2.2
ip link set stt0 up
ip addr add 10.0.0.1/24 dev stt0
stt_add "$h2" stt0 id 1 local 192.0.2.2 remote 192.0.2.1
addr "$h2" stt0 10.0.0.2/24
check 'the peer answers' wait_for 10 ping -q -c 1 -W 1 10.0.0.2

background in_ns "$h2" python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 6666))
while True:
    sys.stdout.write(s.recv(2000).decode(errors="replace"))
    sys.stdout.flush()' >"$tmp/lines"
check 'a logger listens' wait_for 10 eval \
	"in_ns $h2 ss -Hlun sport = :6666 | grep -q 6666"
mkdir $target
echo stt0 >$target/dev_name
echo 10.0.0.1 >$target/local_ip
echo 10.0.0.2 >$target/remote_ip
in_ns "$h2" cat /sys/class/net/stt0/address >$target/remote_mac
check 'netconsole accepts the tunnel' eval "echo 1 >$target/enabled"

dmesg -n 8
# log FROM TO
log() {
	local i

	for ((i = $1; i <= $2; i++)); do
		echo "<4>stt-netconsole $i" >/dev/kmsg
	done
}
arrived() { grep -o 'stt-netconsole [0-9]*' "$tmp/lines" | sort -u | wc -l; }
all_arrived() { [ "$(arrived)" -eq "$1" ]; }

# The tracepoint is in dev_queue_xmit(); its lines say with d or D when
# interrupts are off.
mkdir $trace
echo 'name == "eth7"' >$trace/events/net/net_dev_queue/filter
echo 1 >$trace/events/net/net_dev_queue/enable
log 1 20
check '20 lines arrive' wait_for 10 all_arrived 20
echo 0 >$trace/events/net/net_dev_queue/enable
check_num 'lines leave by the underlay' \
	"$(grep -c ' net_dev_queue: ' $trace/trace)" -ge 20
check_eq 'no line leaves with interrupts off' \
	"$(grep -cE '\] [dD][^ ]* .* net_dev_queue: ' $trace/trace)" 0
# While the tunnel is busy as well.
ping -q -f -c 300 -s 800 10.0.0.2 >/dev/null &
log 21 60
wait $!
check '60 lines arrive, with traffic beside them' \
	wait_for 10 all_arrived 60
# What waits to be sent goes with the device.
log 61 80
echo 0 >$target/enabled
check 'the device can be deleted at once' ip link del stt0
dmesg -n 1
tap_done
