#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# lint.sh - what can be found without running the code
#
# checkpatch --strict, W=1 and sparse on the oldest and the newest kernel, the
# layers of the objects, the kernel's own coccinelle scripts, shellcheck, and
# what tests/prose.py reads.
# Prints findings only; any makes it fail. The files that are looked at are those in git, and new ones.

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/vm/common.sh"
vm=$STT_TOP/tests/vm
cd "$STT_TOP"

findings=0

# ours PATTERN...: our own files; what was copied from elsewhere is not.
ours() {
	git ls-files --cached --others --exclude-standard -- "$@" |
	grep -v '^iproute2-patch/plugin/'
}

# report NAME: whatever comes in is a finding.
report() {
	local out

	out=$(cat)
	if [ -n "$out" ]; then
		printf '== %s\n%s\n' "$1" "$out"
		findings=1
	else
		printf '== %s: clean\n' "$1"
	fi
}

have() {
	command -v "$1" >/dev/null && return
	say "$1 is missing: not checked"
	return 1
}

report 'rule numbers, examples and names of tests' < <(tests/prose.py || true)

"$vm/deps.sh"
newest=$("$vm/kernel.sh" newest)

# bench/insn.c is a guest in QEMU, and speaks its types.
mapfile -t sources < <(ours '*.c' '*.h' Kbuild Kconfig '*/Kbuild' |
		       grep -vx bench/insn.c)
report 'checkpatch --strict' < <(
	perl "$newest/build/scripts/checkpatch.pl" --no-tree --strict \
		--terse --show-types --no-summary -q -f "${sources[@]}" || true)

for k in stock-6.1 newest; do
	sparse=$("$vm/sparse.sh" "$("$vm/kernel.sh" "$k")")
	report "sparse and W=1 on $k" < <(
		"$vm/build.sh" "$k" LINT=1 CHECK="$sparse" 2>&1 >/dev/null |
		grep -E 'warning|error|WARNING|ERROR' || true)
done

report 'layers (the order in Kbuild) and names' < <(
	tests/layers.py build/newest-lint || true)

# What "make coccicheck MODE=report" does, less the scripts that need an OCaml
# compiler, at the first of which it would give up.
coccicheck() {
	local dir=$STT_TOP/build/coccicheck script opts

	rm -rf "$dir"
	mkdir -p "$dir"
	mapfile -t sources < <(ours 'stt_*.[ch]' include compat tests/kunit)
	cp --parents "${sources[@]}" "$dir"
	while read -r script; do
		if grep -q 'script:ocaml' "$script" ||
		   ! grep -q '^virtual report' "$script"; then
			continue
		fi
		opts=$(sed -n 's|^// *Options: *||p' "$script")
		# shellcheck disable=SC2086
		spatch -D report --very-quiet --no-show-diff $opts \
			--cocci-file "$script" --dir "$dir" \
			-I "$newest/build/include" -I "$dir/include" \
			</dev/null 2>&1 || echo "$script failed"
	done < <(find "$newest/build/scripts/coccinelle" -name '*.cocci') |
	grep -v 'should .* be a metavariable' | sed "s|$dir/||"
}

if have spatch; then
	report coccicheck < <(coccicheck || true)
fi

if have shellcheck; then
	mapfile -t sources < <(ours '*.sh' .ci/run)
	report shellcheck < <(shellcheck -x -f gcc "${sources[@]}" || true)
fi
exit "$findings"
