#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# cross.sh arm64|powerpc OUTDIR - the unit tests on another architecture
#
# Builds the module with them, boots that architecture's kernel in an emulated
# machine with an initramfs of two files, and prints what the tests said as TAP.
# OUTDIR gets console.log and output.log, as vm.sh has them.

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/common.sh"
here=$STT_TOP/tests/vm
arch=$1
mkdir -p "$2"
out=$(cd "$2" && pwd)

case $arch in
arm64)	 machine=(qemu-system-aarch64 -M virt -cpu cortex-a57 -m 512)
	 console=ttyAMA0 ;;
powerpc) machine=(qemu-system-ppc -M "mac99,via=cuda" -m 512)
	 console=ttyS0 ;;
*)	 die "unknown architecture $arch" ;;
esac

kernel=$("$here/kernel.sh" "$arch")
ko=$("$here/build.sh" "$arch" KUNIT=1)
cross=$(sed -n 's/.*CROSS_COMPILE=\([^ ]*\).*/\1/p' "$kernel/make-args")

work=$(mktemp -d "${TMPDIR:-/tmp}/stt-cross.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

mkdir "$work/root"
"${cross}gcc" -Os -Wall -static -nostdlib -fno-stack-protector \
	-fno-asynchronous-unwind-tables -include nolibc.h \
	-I "$kernel/source/tools/include/nolibc" -I "$kernel/headers/include" \
	-o "$work/root/init" "$here/cross-init.c" -lgcc
"${cross}strip" -g -o "$work/root/stt.ko" "$ko"
(cd "$work/root" && find . | cpio --quiet -o -H newc) >"$work/initramfs"

rm -f "$out"/{console,output,qemu}.log
# In our process group, so that it ends with us.
timeout --foreground -k 10 900 "${machine[@]}" -nodefaults -no-reboot -display none \
	-kernel "$kernel/vmlinuz" -initrd "$work/initramfs" \
	-append "console=$console loglevel=8 panic=-1 oops=panic" \
	-serial "file:$out/console.log" </dev/null >"$out/qemu.log" 2>&1 ||
	cat "$out/qemu.log" >&2

{
	"$here/kunit-tap.sh" <"$out/console.log"
	for what in loaded unloaded; do
		grep -q "stt-test: $what, error 0" "$out/console.log" ||
			echo "not ok - kunit: the module was not $what"
	done
} | tee "$out/output.log"
! grep -q '^not ok' "$out/output.log"
