#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Process 1 of the guest once the root is in place: runs the command, saves
# what the kernel had to say, and leaves the verdict in a file that the host
# reads. /run/vm is the host's OUTDIR/guest.

cd /
export HOME=/root LANG=C.UTF-8 LC_ALL=C.UTF-8 TERM=dumb USER=root
export PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin:/run/vm/bin
mkdir -p /run/netns /run/lock

# The port named "output" carries what the command prints to the host.
out=/dev/console
for port in /sys/class/virtio-ports/*; do
	if [ "$(cat "$port/name")" = output ]; then
		out=/dev/${port##*/}
	fi
done
exec >"$out" 2>&1 </dev/null

ip link set lo up
sysctl -qw kernel.printk_ratelimit=0 net.core.message_cost=0
kmemleak=/sys/kernel/debug/kmemleak
[ -w $kmemleak ] && echo scan=off >$kmemleak && echo clear >$kmemleak

# PID 1 ignores signals it has no handler for, and so would its children
# misbehave: the command gets a session of its own.
setsid --wait bash /run/vm/command.sh
rc=$?

# Objects freed by RCU or just allocated look leaked for a moment: only what
# two scans agree on counts. The module may name itself in either column.
if [ -w $kmemleak ]; then
	sleep 1
	echo scan >$kmemleak
	sleep 6
	echo scan >$kmemleak
	cat $kmemleak >/run/vm/kmemleak
fi

dmesg >/run/vm/dmesg
echo $rc >/run/vm/rc.tmp && mv /run/vm/rc.tmp /run/vm/rc
sync
echo o >/proc/sysrq-trigger
sleep 5
echo b >/proc/sysrq-trigger
sleep 60
