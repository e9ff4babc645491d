#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# known.sh KDIR - do the probes know the kernel of this build tree?
#
# For dkms.conf: a kernel that they do not know is skipped, not failed, so that
# apt can configure it. Says in one line what is unknown.

kdir=$1
here=${0%/*}/..
# Debian's and others' build trees refer to the tree that has the headers.
tree=$(sed -n 's|^include \(/.*\)/Makefile$|\1|p' "$kdir/Makefile" 2>/dev/null |
       head -n 1)
[ -e "${tree:-$kdir}/include/linux/netdevice.h" ] || exit 0
said=$(sh "$here/compat/probe.sh" "${tree:-$kdir}")
case $said in
unknown*)
	echo "stt: compat/probe.sh does not know how this kernel does:" \
		"${said#unknown }" >&2
	exit 1 ;;
esac
