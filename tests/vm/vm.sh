#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# vm.sh [OPTION]... [--] COMMAND [ARG]... - run a command as root in a VM
#
#   -k KERNEL    name for kernel.sh, or a directory as it makes; default stock
#   -c CPUS      default 2
#   -m MB        memory, default 1024, 2048 for debug kernels
#   -t SECONDS   for everything, boot included; default 600
#   -o OUTDIR    console.log, output.log, dmesg, kmemleak, and guest/, which
#                the guest sees as /run/vm; default a temporary directory,
#                deleted when all went well
#   -e VAR=VAL   in the command's environment
#   -a ARGS      more kernel command line
#   -n TAP,MAC   a NIC (virtio-net) at this tap device of ours; the guest loads
#                its driver with "modprobe virtio_net"
#   -b DIR       boot from a disk, with Secure Boot on: by the firmware
#                DIR/code.fd, with its variables in DIR/vars.fd, and the boot
#                loaders in DIR/efi, where kernel and grub.cfg are added
#   -q ARGS      more of QEMU's arguments
#   --icount     one CPU whose clock counts instructions: slow, but times and
#                rates measured inside repeat exactly
#
# The guest sees the host's root read-only, so every program of the host is
# there. What the command prints comes out here as it is printed. The exit
# status is the command's; it is 125 when the guest gave no verdict (crash,
# oops, any kernel warning, timeout), and 124 when the command succeeded but
# the kernel complained or the module leaked memory. STT_KVM=1 uses KVM instead
# of emulation: /dev/kvm may be there and yet hang, so that has to be asked for.

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/common.sh"
here=$STT_TOP/tests/vm

kernel=stock cpus=2 mem='' timeout=600 out='' append='' icount='' disk='' qemu=() env=() nic=()
while [ $# -gt 0 ]; do
	case $1 in
	-k) kernel=$2; shift ;;
	-c) cpus=$2; shift ;;
	-m) mem=$2; shift ;;
	-t) timeout=$2; shift ;;
	-o) out=$2; shift ;;
	-e) env+=("$2"); shift ;;
	-a) append=$2; shift ;;
	-n) nic=(-netdev "tap,id=nic,ifname=${2%%,*},script=no,downscript=no,vhost=off"
		 -device "virtio-net-pci,netdev=nic,mac=${2#*,}")
	    shift ;;
	-b) disk=$2; shift ;;
	-q) read -ra qemu <<<"$2"; shift ;;
	--icount) icount=1 ;;
	--) shift; break ;;
	-*) die "unknown option $1" ;;
	*)  break ;;
	esac
	shift
done
[ $# -gt 0 ] || die "no command"

[ -d "$kernel" ] || kernel=$("$here/kernel.sh" "$kernel")
ver=$(cat "$kernel/version")
case $ver in
*debug*) mem=${mem:-2048} ;;
esac

keep_out=1
if [ -z "$out" ]; then
	out=$(mktemp -d "${TMPDIR:-/tmp}/stt-vm.XXXXXX")
	keep_out=
fi
mkdir -p "$out/guest"
out=$(cd "$out" && pwd)
rm -f "$out"/{console.log,output.log,dmesg,kmemleak,splats} \
      "$out"/guest/{rc,dmesg,kmemleak}
work=$(mktemp -d "${TMPDIR:-/tmp}/stt-initramfs.XXXXXX")
qemu_pid='' tee_pid=''
# shellcheck disable=SC2317
finish() {
	[ -n "$qemu_pid" ] && kill "$qemu_pid" 2>/dev/null
	rm -rf "$work"
	return 0
}
trap finish EXIT
trap 'exit 130' INT TERM

# What the guest is to do.
cp "$here/guest-run.sh" "$out/guest/"
{
	for var in "${env[@]}"; do
		printf 'export %s=%q\n' "${var%%=*}" "${var#*=}"
	done
	printf 'cd %q\n' "$STT_TOP"
	printf '%q ' "$@"
	echo
} >"$out/guest/command.sh"

# The initramfs: busybox, our init, and the modules that lead to a root over
# 9p, in the order they have to be loaded; none where they are built in.
mkdir -p "$work"/{bin,dev,proc,sys,modules}
cp "$("$here/busybox.sh")" "$work/bin/busybox"
mkdir -p "$out/guest/bin"
cp "$work/bin/busybox" "$out/guest/bin/"
cp "$here/guest-init.sh" "$work/init"
chmod +x "$work/init"
: >"$work/modules/order"
for module in virtio_pci virtio_console 9pnet_virtio 9p; do
	modprobe -d "$kernel/modules" -S "$ver" --show-depends "$module" |
	sed -n 's/^insmod \([^ ]*\).*/\1/p'
done | awk '!seen[$0]++' | while read -r ko; do
	base=${ko##*/}
	case $base in
	*.xz) base=${base%.xz}; xz -dc "$ko" >"$work/modules/$base" ;;
	*)    cp "$ko" "$work/modules/" ;;
	esac
	echo "$base" >>"$work/modules/order"
done
cat >"$work/vm.conf" <<EOF
KERNEL='$kernel'
KEEP='$STT_TOP $kernel'
EOF
(cd "$work" && find . | cpio --quiet -o -H newc | gzip -1) >"$work.img"
rm -rf "$work"
mv "$work.img" "$out/initramfs.img"

# Without five-level paging: 6.12 forgets for a moment at boot that it has it,
# and if the timer strikes then, KASAN takes good addresses for wild ones.
#
# Without fast string instructions (ERMS): the kernel then copies and clears
# eight bytes at a time and not one, and each costs the emulator the same.
accel=(-accel 'tcg,thread=multi' -cpu 'max,la57=off,erms=off')
if [ -n "$icount" ]; then
	accel=(-accel 'tcg,thread=single' -icount 'shift=0,sleep=off'
	       -cpu 'max,la57=off')
	cpus=1
elif [ -n "${STT_KVM:-}" ]; then
	accel=(-accel kvm -cpu host)
fi

# pci=noacpi: no interrupt lines are needed, and to read their table from ACPI
# takes an emulated KASAN kernel two minutes. Nor is it stuck when it takes
# half a minute for what is done in one go. norandmaps: QEMU translates a
# library again for each address that it is mapped at, and to start a program
# takes three times as long.
cmdline="console=ttyS0 loglevel=5 log_buf_len=4M panic=-1 oops=panic \
panic_on_warn=1 nokaslr norandmaps mitigations=off random.trust_cpu=on \
pci=noacpi rcupdate.rcu_cpu_stall_timeout=300 watchdog_thresh=60 $append"
if [ -z "$disk" ]; then
	boot=(-kernel "$kernel/vmlinuz" -initrd "$out/initramfs.img"
	      -append "$cmdline")
else
	cp "$kernel/vmlinuz" "$out/initramfs.img" "$disk/efi/"
	mkdir -p "$disk/efi/EFI/debian"
	cat >"$disk/efi/EFI/debian/grub.cfg" <<-EOF
		linux /vmlinuz $cmdline
		initrd /initramfs.img
		boot
	EOF
	mapfile -t boot < <(firmware "$disk")
fi

# The vmxnet3 is for who loads its driver: a NIC that has LRO.
#
# Standard output of the guest goes through a virtio port to us and to a file;
# a pipe holds the guest back when nobody reads.
exec {port}> >(tee "$out/output.log")
tee_pid=$!
timeout -k 10 "$timeout" qemu-system-x86_64 "${accel[@]}" "${qemu[@]}" \
	-smp "$cpus" -m "${mem:-1024}" \
	-nodefaults -no-user-config -no-reboot -display none \
	"${boot[@]}" \
	-serial "file:$out/console.log" \
	-device virtio-rng-pci -device virtio-serial-pci "${nic[@]}" \
	-device vmxnet3,romfile= \
	-chardev "file,id=port,path=/dev/fd/$port" \
	-device virtserialport,chardev=port,name=output \
	-virtfs "local,path=/,mount_tag=hostroot,security_model=none,readonly=on,multidevs=remap" \
	-virtfs "local,path=$out/guest,mount_tag=vm,security_model=none,multidevs=remap" \
	</dev/null >"$out/qemu.log" 2>&1 &
qemu_pid=$!
exec {port}>&-

timed_out=
wait "$qemu_pid" || [ $? -ne 124 ] || timed_out=1
qemu_pid=
wait "$tee_pid" || true
rm -f "$out/initramfs.img"

# The verdict. Silence is not success.
fail() {
	printf 'vm: %s (%s, logs in %s)\n' "$1" "$ver" "$out" >&2
	keep_out=1
}

rc=125
if [ -s "$out/guest/rc" ]; then
	rc=$(cat "$out/guest/rc")
	cp "$out/guest/dmesg" "$out/dmesg"
	[ "$rc" -eq 0 ] || keep_out=1
else
	cp "$out/console.log" "$out/dmesg" 2>/dev/null || : >"$out/dmesg"
	fail "no verdict${timed_out:+, time ran out}"
	tail -n 60 "$out/dmesg" >&2
	cat "$out/qemu.log" >&2
fi

if "$here/splats.sh" <"$out/dmesg" >"$out/splats"; then
	rm "$out/splats"
else
	fail 'the kernel complained'
	head -n 40 "$out/splats" >&2
	[ "$rc" -ne 0 ] || rc=124
fi

# Only leaks that lead to our code: kernels leak a little on their own. Once the
# module is unloaded its functions are bare addresses in a backtrace.
if [ -s "$out/guest/kmemleak" ]; then
	cp "$out/guest/kmemleak" "$out/kmemleak"
	awk 'function flush() {
		if (rec ~ /stt_|\[stt\]|[ ]0xffffffff[0-9a-f]*\n/)
			printf "%s", rec
	     }
	     /^unreferenced/ { flush(); rec = "" }
	     { rec = rec $0 "\n" }
	     END { flush() }' "$out/kmemleak" >"$out/leaks"
	if [ -s "$out/leaks" ]; then
		fail 'memory leaked'
		head -n 60 "$out/leaks" >&2
		[ "$rc" -ne 0 ] || rc=124
	fi
fi

[ -n "$keep_out" ] || rm -rf "$out"
exit "$rc"
