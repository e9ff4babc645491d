#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# dkms.sh RELEASE KDIR BUILT [ACTION] - for dkms.conf: will there be a
# vport-stt.ko?
#
# DKMS takes a module that was announced and is not built for a failure, and
# dkms.conf is read before the build, and for installed modules as well: what
# is in BUILT, DKMS's folder for this kernel, was built. Else, and when ACTION
# is a build that was forced ("buildtrue"), the answer is that of the kernel's
# build system, by trying: openvswitch.ko may have come since.

release=$1 kdir=$2 built=$3 action=${4:-}
here=$(cd "${0%/*}/.." && pwd) || exit 1

if [ "$action" != buildtrue ]; then
	for file in "$built"/module/vport-stt.ko*; do
		[ ! -e "$file" ] || exit 0
	done
	[ ! -d "$built/module" ] || exit 1
fi
grep -qs __ovs_vport_ops_register "$kdir/Module.symvers" || exit 1

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cp -r "$here/Kbuild" "$here/dkms.conf" "$here/compat" "$here/include" \
	"$here/ovs" "$here/tools" "$tmp"/ &&
KERNELRELEASE=$release make -s -C "$kdir" M="$tmp" ovs/vport-stt.o \
	>/dev/null 2>&1
