#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# waiting.sh - what is said to somebody who waits: names are judged before
# anything is built, locks say who has them, kernel builds how far they are, and
# errors name the file that one edits

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/vm/common.sh"
cd "$STT_TOP"

bad=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# says NAME PATTERN: what a command printed, in $tmp/out.
says() {
	grep -qE -- "$2" "$tmp/out" || {
		printf '%s: no /%s/ in:\n%s\n' "$1" "$2" "$(tail "$tmp/out")"
		bad=1
	}
}

# A cache without anything in it: whoever builds has to fetch first, and the
# file that would come of it is not there.
if STT_CACHE=$tmp/cache tests/check.sh smok >"$tmp/out" 2>&1; then
	echo 'a test named smok ran'
	bad=1
fi
says 'a mistyped name' 'no test smok; like it are: .*smoke.* \(T=help'
[ "$(wc -l <"$tmp/out")" -eq 1 ] ||
	{ echo "more than a line: $(<"$tmp/out")"; bad=1; }
[ ! -e "$tmp/cache" ] || { echo 'something was fetched for it'; bad=1; }
for name in lib run lib_fdb ''; do
	if [ -n "$name" ] && tests/check.sh "$name" >"$tmp/out" 2>&1; then
		echo "$name passes for a test"
		bad=1
	fi
done

# Every test is listed, and says what it is about.
tests/check.sh help >"$tmp/out"
for test in tests/selftests/*.sh; do
	name=$(basename "$test" .sh)
	case $name in lib|lib_*|run) continue ;; esac
	says "T=help: $name" "^$name  *[^ (].{6}"
done

# A lock that another has.
(
	STT_CACHE=$tmp/cache
	lock thing 'the thing'
	touch "$tmp/held"
	until grep -q 'waiting for' "$tmp/out" 2>/dev/null; do sleep 0.2; done
) &
until [ -e "$tmp/held" ]; do sleep 0.1; done
: >"$tmp/out"
(STT_CACHE=$tmp/cache lock thing 'the thing') 2>"$tmp/out"
wait
says 'a lock' 'waiting for the thing, which another run is at'
says 'a lock' 'waited [0-9]+ s for the thing'

# The build of a kernel that takes longer than half a minute, in small.
eval "$(sed -n '/^compile()/,/^}/p' tests/vm/kernel.sh | sed 's/sleep 30/sleep 1/')"
(
	STT_CACHE=$tmp/cache
	mkdir -p "$STT_CACHE/kernels"
	took files-small 4
	# shellcheck disable=SC2016
	compile small sh -c 'for i in 1 2 3; do
		echo "  CC      file$i.o"; sleep 1; done'
) 2>"$tmp/out"
says 'a kernel' 'building small, 4 files; took'
says 'a kernel' 'building small: [1-3] of 4 files'

# The compiler's complaints, about a file as one edits it.
if tests/vm/build.sh stock-6.1 KUNIT=1 KCFLAGS=-Dstt_drop=1 \
   >"$tmp/out" 2>&1; then
	echo 'nonsense compiles'
	bad=1
fi
says 'an error' '^(stt_|include/)[a-z_/]*\.[ch]:[0-9]+:'
if grep -E '/build/stock-6.1-kunit/[a-z]' "$tmp/out"; then
	echo 'the copy is named'
	bad=1
fi

exit "$bad"
