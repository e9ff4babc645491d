#!/bin/busybox sh
# shellcheck shell=dash disable=SC1091
# SPDX-License-Identifier: GPL-2.0
#
# The guest's /init, run by busybox from the initramfs: finds the host's root
# over 9p, makes what has to be writable writable, and hands over to
# guest-run.sh. vm.sh puts the modules the kernel needs into /modules and the
# settings into /vm.conf.

/bin/busybox --install -s /bin
export PATH=/bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys

while read -r ko; do
	insmod "/modules/$ko"
done </modules/order

. /vm.conf

opts=trans=virtio,version=9p2000.L,msize=262144
mkdir /host
if ! mount -t 9p -o $opts,cache=loose,ro hostroot /host; then
	echo "stt-vm: no root over 9p" >/dev/kmsg
	poweroff -f
fi

# The host's root is read-only. Folders that are written to become tmpfs, and
# those of our own paths that they would hide are put back.
mkdir /keep
n=0
for dir in $KEEP; do
	n=$((n + 1))
	mkdir "/keep/$n"
	mount --bind "/host$dir" "/keep/$n"
done
for dir in run tmp var/tmp var/lib root mnt home; do
	case $dir in
	var/lib|home) continue ;;
	esac
	[ -d "/host/$dir" ] && mount -t tmpfs tmpfs "/host/$dir"
done
n=0
for dir in $KEEP; do
	n=$((n + 1))
	if [ ! -d "/host$dir" ]; then
		mkdir -p "/host$dir" || echo "stt-vm: no $dir" >/dev/kmsg
	fi
	mount --bind "/keep/$n" "/host$dir"
	umount "/keep/$n"
done

mkdir -p /host/run/vm
mount -t 9p -o $opts,cache=none vm /host/run/vm

modules=/host/lib/modules
[ -d $modules ] || modules=/host/usr/lib/modules
mount --bind "/host$KERNEL/modules/lib/modules" $modules

mount --move /dev /host/dev
mount --move /proc /host/proc
mount --move /sys /host/sys
mkdir -p /host/dev/pts /host/dev/shm
ln -s /proc/self/fd /host/dev/fd
mount -t devpts devpts /host/dev/pts
mount -t tmpfs shm /host/dev/shm
mount -t debugfs debug /host/sys/kernel/debug
mount -t tracefs tracing /host/sys/kernel/tracing
mount -t bpf bpf /host/sys/fs/bpf
mount -t cgroup2 cgroup /host/sys/fs/cgroup

exec switch_root /host /bin/bash /run/vm/guest-run.sh
