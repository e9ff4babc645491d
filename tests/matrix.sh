#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# matrix.sh [KERNEL]... - the table kernel x suite: does it build without
# warnings, is sparse silent, do unit tests and selftests pass
#
# Kernels as in kernel.sh, by default all of them; what a kernel cannot run
# (stock ones have no KUnit, other architectures no selftests) is a dash. Logs
# are in build/matrix, the table also in build/matrix/table.md.

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/vm/common.sh"
vm=$STT_TOP/tests/vm
out=$STT_TOP/build/matrix
cd "$STT_TOP"

kernels=("$@")
[ $# -gt 0 ] || kernels=(stock-6.1 stock-6.12 stock-6.12-rt newest debug-6.12
			 arm64 powerpc)
# Tests by name, for who has not the hours.
read -ra names <<<"${T:-}"
rm -rf "$out"
mkdir -p "$out"
bad=0

# cell LOG COMMAND...: sets the variable cell.
cell=''
cell() {
	local log=$out/$1

	shift
	if "$@" >"$log" 2>&1; then
		cell=ok
	else
		cell=FAIL bad=1
	fi
}

# tap LOG COMMAND...: sets the variable cell, and counts what the TAP says.
tap() {
	local log=$1 failed passed

	shift
	"$@" >"$log.log" 2>&1 && cell=ok || cell=FAIL
	passed=$(grep -cE '^ok ' "$log.log") || true
	failed=$(grep -cE '^not ok ' "$log.log") || true
	if [ "$failed" -gt 0 ] || [ "$passed" -eq 0 ]; then
		cell=FAIL
	fi
	[ "$cell" = ok ] || bad=1
	cell+=" ($passed$([ "$failed" -eq 0 ] || echo ", $failed failed"))"
}

# in_vm KERNEL KO COMMAND...
in_vm() {
	local kernel=$1 ko=$2 log

	shift 2
	log=$out/$kernel-$(basename "$1" .sh)
	tap "$log" "$vm/vm.sh" -k "$kernel" -t 14400 -o "$log" \
		-e "STT_KERNEL=$kernel" -e "STT_KO=$ko" \
		-e "STT_PLUGIN_DIR=$STT_TOP/build/ip" -- "$@"
}

# Called by name.
# shellcheck disable=SC2317
sparse() {
	local bin said

	bin=$("$vm/sparse.sh" "$("$vm/kernel.sh" "$1")") || return
	said=$("$vm/build.sh" "$1" LINT=1 CHECK="$bin" 2>&1 >/dev/null |
	       grep -E 'warning|error' || true)
	[ -z "$said" ] || { echo "$said"; return 1; }
}

make ip >"$out/ip" 2>&1
row() { printf '| %-14s | %-24s | %-8s | %-6s | %-12s | %-22s |\n' "$@"; }
{
	row kernel version 'W=1' sparse KUnit selftests
	row --- --- --- --- --- ---
} | tee "$out/table.md"
for k in "${kernels[@]}"; do
	version=- build=FAIL check=- unit=- self=-
	if dir=$("$vm/kernel.sh" "$k" 2>"$out/$k-kernel"); then
		version=$(cat "$dir/version")
		cell "$k-build" "$vm/build.sh" "$k"
		build=$cell
		cell "$k-sparse" sparse "$k"
		check=$cell
	else
		bad=1
	fi
	case $k:$build in
	newest:ok|debug-*:ok)
		if ko=$("$vm/build.sh" "$k" KUNIT=1 \
			 2>"$out/$k-kunit-build"); then
			in_vm "$k" "$ko" tests/vm/kunit.sh
			unit=$cell
		else
			unit=FAIL bad=1
		fi ;;
	arm64:ok|powerpc:ok)
		tap "$out/$k-kunit" "$vm/cross.sh" "$k" "$out/$k-kunit"
		unit=$cell ;;
	esac
	case $k:$build in
	stock*:ok|newest:ok|debug*:ok)
		in_vm "$k" "$STT_TOP/build/$k/stt.ko" \
			tests/selftests/run.sh --slow "${names[@]}"
		self=$cell ;;
	esac
	row "$k" "$version" "$build" "$check" "$unit" "$self" |
		tee -a "$out/table.md"
done
exit "$bad"
