#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# peer.sh [COMMAND [ARG]...] - in one of the two VMs of pair.sh: sets up the
# link, and runs the command; without one (VM 2), a shell for the other VM
#
# The shell is one bash at the other end of a TCP connection, so that what it
# defines stays. on_peer of tests/selftests/lib.sh talks to it.

set -u
cd "${BASH_SOURCE[0]%/*}/../selftests" || exit 1

modprobe virtio_net || exit 1
ip link set lo up
ip link set eth0 up || exit 1
ip addr add "192.0.2.$STT_VM/24" dev eth0
ip addr add "2001:db8::$STT_VM/64" dev eth0 nodad

if [ $# -gt 0 ]; then
	cd ../.. || exit 1
	"$@"
	rc=$?
	# Should nobody have done it: the other VM ends.
	echo exit 2>/dev/null >/dev/tcp/192.0.2.2/7000
	exit $rc
fi

# Its last words are the verdict of this VM.
busybox nc -l -p 7000 -e /bin/bash
exit 0
