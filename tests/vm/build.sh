#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# build.sh KERNEL [VAR=VALUE]... - build the module for a kernel of kernel.sh
#
# Builds a copy of the sources in build/KERNEL (build/KERNEL-kunit with
# KUNIT=1, which links the unit tests in, KERNEL-lint with LINT=1, which calls
# sparse as well), so that builds for several kernels
# do not disturb each other, and prints the path of stt.ko. A warning of the
# compiler or of modpost fails the build. Other variables go to make.

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/common.sh"

name=${1:?usage: build.sh KERNEL [KUNIT=1] [VAR=VALUE]...}
shift
dir=$STT_TOP/build/$name
args=()
for arg in "$@"; do
	if [ "$arg" = KUNIT=1 ]; then
		dir=$dir-kunit
		args+=(CONFIG_STT_KUNIT_TEST=y)
	elif [ "$arg" = LINT=1 ]; then
		dir=$dir-lint
		args+=(C=2)
		# Stock kernels have no KUnit, and 6.1's is too old for us.
		[[ $name == stock* ]] || args+=(CONFIG_STT_KUNIT_TEST=y)
	else
		args+=("$arg")
	fi
done

kernel=$("$STT_TOP/tests/vm/kernel.sh" "$name")
# Built with this machine's compiler: it need not be the kernel's own.
cc=(CC="${CC:-gcc}")
if [ -e "$kernel/make-args" ]; then
	read -ra cc <"$kernel/make-args"
fi
lock "build-$(md5sum <<<"$dir" | cut -c1-12)" "the build for $name"

# Objects of another kernel, or of other settings, are of no use.
stamp="$kernel ${args[*]}"
[ "$(cat "$dir/.stamp" 2>/dev/null)" = "$stamp" ] || rm -rf "$dir"
mkdir -p "$dir"
echo "$stamp" >"$dir/.stamp"
cd "$STT_TOP"
sources=()
for src in Kbuild Kconfig *.[ch] include compat ovs tools dkms.conf tests/kunit; do
	[ ! -e "$src" ] || sources+=("$src")
done
rsync -aR --delete --exclude='*.o' --exclude='*.ko' --exclude='*.mod' \
	--exclude='*.mod.c' --exclude='.*' --exclude=vport_btf.h \
	"${sources[@]}" "$dir/"

# A failed build leaves nothing that a later step could take for its result,
# nor objects whose warnings would not be repeated. What the compiler complains
# of is named as the file that one edits, not as its copy.
fail() {
	sed "s|$dir/||g" "$log" >&2
	rm -rf "$dir"
	die "$1"
}

log=$dir.log
rm -f "$dir/stt.ko"
if ! make -C "$kernel/build" M="$dir" W=1 "${cc[@]}" \
     STT_MODULES="$kernel/modules/lib/modules/$(<"$kernel/version")" \
     STT_VMLINUX="$kernel/vmlinuz" \
     -j"$(nproc)" "${args[@]}" modules >"$log" 2>&1; then
	fail "stt.ko does not build for $name"
fi
if grep -i 'warning' "$log" | grep -v 'the compiler differs' >/dev/null; then
	fail "warnings in the build for $name"
fi
echo "$dir/stt.ko"
