#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# upstream.sh [--build] - the tree as a series for the newest kernel source:
# it can be made, applies, and checkpatch --strict has nothing to say
#
# With --build each step of it builds with W=1, and the whole built in and as a
# module, unit tests included; the selftests install.

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/vm/common.sh"
cd "$STT_TOP"

ksrc=$("$STT_TOP/tests/vm/kernel.sh" source)
out=$STT_TOP/build/upstream
tree=$out/tree
obj=$out/obj
rm -rf "$out"
upstream/make-series.sh -o "$out" "$ksrc" >/dev/null

# Only what stands there already can be in a patch's way.
mkdir -p "$tree"
if [ "${1:-}" = --build ]; then
	# Links where they can be: patch and git replace files.
	cp -al "$ksrc/." "$tree" 2>/dev/null || cp -a "$ksrc/." "$tree"
else
	while read -r f; do
		[ ! -e "$ksrc/$f" ] ||
			install -D -m 644 "$ksrc/$f" "$tree/$f"
	done < <(sed -n 's|^--- a/||p' "$out"/*.patch | sort -u)
fi

build() {
	make -s -C "$tree" O="$obj" W=1 KCFLAGS=-Werror -j"$(nproc)" "$@"
}

# config y|m [LINE]...
config() {
	mkdir -p "$obj"
	make -s -C "$tree" O="$obj" ARCH=x86_64 tinyconfig >/dev/null
	cat "$STT_TOP/tests/vm/configs/cross.config" >>"$obj/.config"
	printf '%s\n' CONFIG_64BIT=y "CONFIG_STT=$1" "${@:2}" >>"$obj/.config"
	make -s -C "$tree" O="$obj" olddefconfig >/dev/null 2>&1
}

bad=0
for patch in "$out"/*.patch; do
	name=${patch##*/}
	patch -s -p1 -d "$tree" <"$patch"
	said=$(cd "$ksrc" && perl scripts/checkpatch.pl --strict --terse \
		--show-types --no-summary -q "$patch") || true
	if [ -n "$said" ]; then
		printf '%s\n' "$said"
		bad=1
	fi
	case $name in
	000[23]-*)
		[ "${1:-}" = --build ] || continue
		say "builds: $name"
		config y CONFIG_STT_KUNIT_TEST=y
		build drivers/net/stt/ ;;
	esac
done
# Words that compat/ has made up: those it says in both arms of a condition.
words=$(sed -nE 's/^(static inline .*[ *]|#define )([a-z][a-z_0-9]+)\(.*/\2/p' \
		compat/include/*/*.h | sort | uniq -d | paste -sd '|')
if grep -rnE "SHIM|STT_NO_|compat|\<($words)\(" "$tree/drivers/net/stt"; then
	echo 'something of compat/ is left'
	bad=1
fi

if [ "${1:-}" = --build ]; then
	grep -q '^CONFIG_STT_KUNIT_TEST=y' "$obj/.config"
	[ -s "$obj/drivers/net/stt/built-in.a" ]
	config m
	build KBUILD_MODPOST_WARN=1 drivers/net/stt/stt.ko 2>&1 |
		grep -vE 'undefined!|Module.symvers|unresolved|MODPOST_WARN|modversions|own risk' || true
	modinfo "$obj/drivers/net/stt/stt.ko" | grep -q '^intree: *Y'
	make -s -C "$tree/tools/testing/selftests/net/stt" install \
		INSTALL_PATH="$out/selftests" >/dev/null 2>"$out/selftests.log" ||
		{ cat "$out/selftests.log"; bad=1; }
	find "$out/selftests" -name smoke.sh | grep -q . || bad=1
fi
exit "$bad"
