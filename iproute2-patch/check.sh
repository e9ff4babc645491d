#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check.sh [--local] - is the patch for iproute2 what the repository says, and
# do patch and plugin work with the iproute2 of every Debian suite?
#
#   here		the patch is what make-patch.sh makes now, and the manual
#			pages name every option
#   sources		patch and git take it without fuzz; the ip that comes
#			of it passes test-args.sh and has the plugin's help
#   distributions	each suite's own ip loads the plugin and passes
#
# Sources and packages come from the machine's own mirror and are kept in the
# cache; nothing gets installed.  What the mirror does not have is skipped.
# --local leaves out all that needs it.  TAP on stdout, exit status 0 or 1.

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/../tests/vm/common.sh"
cd "$STT_TOP/iproute2-patch"

source_suites=(bookworm trixie sid)
binary_suites=(bookworm bookworm-backports trixie sid)
patch=0001-ip-add-stt-link-type.patch
plugin=$STT_TOP/build/ip/link_stt.so
cache=$STT_CACHE/iproute2

local_only=
case ${1-} in
--local) local_only=y ;;
'')	;;
*)	die "unknown option $1" ;;
esac

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

lock iproute2
tests=0
failed=0

# ok NAME COMMAND...: the command's output shows when it fails.
ok() {
	local name=$1

	shift
	tests=$((tests + 1))
	if "$@" >"$tmp/out" 2>&1; then
		echo "ok $tests - $name"
	else
		failed=$((failed + 1))
		echo "not ok $tests - $name"
		tail -n 40 "$tmp/out" | sed 's/^/# /'
		return 1
	fi
}

skip() {
	tests=$((tests + 1))
	echo "ok $tests - $1 # SKIP $2"
}

# ---------------------------------------------------------------------- here

same_as_made() {
	./make-patch.sh - >"$tmp/made"
	diff -u "$patch" "$tmp/made"
}

# names_options FILE: every option of the usage text, as a word of its own.
names_options() {
	local missing=0 option

	IP_LIB_DIR=${plugin%/*} ip link help stt >"$tmp/usage" || return
	while read -r option; do
		if ! grep -qw "$option" "$1"; then
			echo "$1 does not name $option"
			missing=1
		fi
	done < <(sed '/^Where/,$d' "$tmp/usage" | sed 's/\[no\]//g' |
		 grep -owE '[a-z][a-z0-9]+' | sort -u)
	return "$missing"
}

if command -v git >/dev/null; then
	ok 'the patch is what make-patch.sh makes' same_as_made || true
else
	skip 'the patch is what make-patch.sh makes' 'no git'
fi
ok 'the plugin builds' make -s
ok 'the manual page names every option' names_options ip-link-stt.8 || true
ok "ip-link's manual page names every option" \
	names_options upstream/existing.diff || true

# ------------------------------------------------------------------- sources

# private_apt NAME LINE...: make the array APT hold options that let apt-get see
# these sources only, LINE being "TYPE SUITE".
private_apt() {
	local dir=$STT_CACHE/apt/iproute2-$1 uri line

	shift
	uri=$(debian_mirror)
	[ -n "$uri" ] || return
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	for line in "$@"; do
		printf '%s [signed-by=%s] %s %s main\n' "${line% *}" \
			/usr/share/keyrings/debian-archive-keyring.gpg \
			"$uri" "${line#* }"
	done >"$dir/sources.list"
	APT=(-qq -o "Dir::Etc::sourcelist=$dir/sources.list"
	     -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$dir/lists"
	     -o "Dir::Cache=$dir/cache" -o Acquire::Languages=none
	     -o APT::Sandbox::User=root -o Acquire::Retries=3)
	apt-get "${APT[@]}" update
}

# source_dir SUITE: get its iproute2 as upstream released it; prints the
# directory, or fails when the mirror has none.
source_dir() {
	local dir=$cache/source/$1 new

	if [ ! -d "$dir" ]; then
		mkdir -p "$cache/source"
		new=$(mktemp -d "$cache/source/new.XXXXXX")
		# shellcheck disable=SC2015
		private_apt "source-$1" "deb-src $1" >&2 &&
		(cd "$new" && apt-get "${APT[@]}" source --download-only \
			iproute2 >&2) &&
		tar -xf "$(echo "$new"/iproute2_*.orig.tar.*)" -C "$new" \
			--strip-components=1 &&
		mv "$new" "$dir" || { rm -rf "$new"; return 1; }
	fi
	echo "$dir"
}

takes_patch() {
	patch --dry-run --fuzz=0 -p1 -d "$1" <"$patch"
}

takes_mail() {
	local git=(git -C "$tmp/git" -c user.name=- -c user.email=-)

	rm -rf "$tmp/git"
	cp -r "$1" "$tmp/git" && "${git[@]}" init -q &&
		"${git[@]}" add -f . && "${git[@]}" commit -q -m base &&
		"${git[@]}" am <"$patch"
}

# build SOURCE DIR: only the library and ip.
build() {
	rm -rf "$2" "$2.new"
	mkdir -p "${2%/*}"
	cp -r "$1" "$2.new" && patch -s -p1 -d "$2.new" <"$patch" &&
		(cd "$2.new" && ./configure) &&
		make -s -C "$2.new" SUBDIRS='lib ip' && mv "$2.new" "$2"
}

# has_plugins_help IP: asked both ways, and in the list of kinds.
has_plugins_help() {
	"$1" link add type stt help 2>"$tmp/help"
	diff -u "$tmp/usage" "$tmp/help" || return
	"$1" link help stt >"$tmp/help"
	diff -u "$tmp/usage" "$tmp/help" || return
	"$1" link help >"$tmp/help" 2>&1
	grep -w stt "$tmp/help"
}

check_source() {
	local suite=$1 built name src

	if ! src=$(source_dir "$suite" 2>"$tmp/err"); then
		skip "source of $suite" 'the mirror does not have it'
		tail -n 5 "$tmp/err" | sed 's/^/# /'
		return
	fi
	name="source of $suite, $(sed -n 's/.*"\(.*\)".*/\1/p' \
		"$src/include/version.h")"

	ok "$name: patch takes it without fuzz" takes_patch "$src" || return 0
	if command -v git >/dev/null; then
		ok "$name: git am takes it" takes_mail "$src" || return 0
	fi

	built=$cache/built/$suite-$(cat "$patch" "$src/include/version.h" |
		sha256sum | cut -c 1-16)
	if [ ! -x "$built/ip/ip" ]; then
		rm -rf "$cache/built/$suite"-*
		ok "$name: builds" build "$src" "$built" || return 0
	fi
	ok "$name: the plugin's help" has_plugins_help "$built/ip/ip" || true
	ok "$name: test-args.sh" \
		env IP="$built/ip/ip" PLUGIN= ./test-args.sh || true
}

# ------------------------------------------------------------- distributions

# stock_ip SUITE: get its ip and what that needs, down to the C library, and
# print the name of a script that runs it.
stock_ip() {
	local dir=$cache/stock/$1 deb lib loader sources=("deb $1")

	if [ ! -x "$dir/run" ]; then
		case $1 in
		*-backports) sources+=("deb ${1%-backports}") ;;
		esac
		rm -rf "$dir"
		mkdir -p "$dir/debs/partial" "$dir/root"
		private_apt "stock-$1" "${sources[@]}" >&2 &&
		apt-get "${APT[@]}" -o Dir::State::status=/dev/null \
			-o "Dir::Cache::archives=$dir/debs" \
			-o APT::Install-Recommends=false --download-only -y \
			-t "$1" install iproute2 >&2 || return
		for deb in "$dir"/debs/{lib,zlib,iproute2}*.deb; do
			dpkg -x "$deb" "$dir/root" >&2 || return
		done
		rm -r "$dir/debs"
		lib=$(find "$dir/root" -name libc.so.6 -printf '%h' -quit)
		loader=$(find "$dir/root" -name 'ld-linux*' -type f -print -quit)
		[ -n "$lib" ] && [ -n "$loader" ] || return
		lib=${lib##*/}
		# Only the loader may preload: this shell is the machine's own.
		cat >"$dir/run" <<-RUN
		#!/bin/sh
		preload=\${LD_PRELOAD-}
		unset LD_PRELOAD
		exec $loader \${preload:+--preload "\$preload"} \\
		    --library-path $dir/root/lib/$lib:$dir/root/usr/lib/$lib \\
		    $(find "$dir/root" -path '*bin/ip' -type f) "\$@"
		RUN
		chmod +x "$dir/run"
	fi
	echo "$dir/run"
}

# page_takes_hunks DIR: a binary package has one of the files that the patch
# changes, which tells something where the mirror has no source.
page_takes_hunks() {
	mkdir -p "$tmp/page/man/man8" &&
		zcat "$1/root/usr/share/man/man8/ip-link.8.gz" \
			>"$tmp/page/man/man8/ip-link.8.in" &&
		sed -n '/^diff .*ip-link/,$p' upstream/existing.diff |
		patch --dry-run --fuzz=0 -p1 -d "$tmp/page"
}

check_stock() {
	local name run

	if ! run=$(stock_ip "$1" 2>"$tmp/err"); then
		skip "ip of $1" 'the mirror does not have it'
		tail -n 5 "$tmp/err" | sed 's/^/# /'
		return
	fi
	name="ip of $1, $("$run" -V | sed 's/.*iproute2-\([^,]*\).*/\1/')"
	ok "$name: test-args.sh" \
		env IP="$run" PLUGIN="$plugin" ./test-args.sh || true
	ok "$name: its manual page takes the patch without fuzz" \
		page_takes_hunks "${run%/*}" || true
}

ok "this machine's ip: test-args.sh" ./test-args.sh || true
if [ -z "$local_only" ]; then
	for suite in "${source_suites[@]}"; do
		check_source "$suite"
	done
	for suite in "${binary_suites[@]}"; do
		check_stock "$suite"
	done
fi

echo "1..$tests"
[ "$failed" -eq 0 ]
