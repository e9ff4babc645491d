#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# busybox.sh - print where a statically linked busybox is
#
# Debian's busybox and busybox-static exclude each other, and a machine may need
# the one it has: where that is not static, the package is fetched and unpacked
# in the cache, and nothing is installed.

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/common.sh"

static() { [ -x "$1" ] && ! ldd "$1" 2>/dev/null | grep -q '=>'; }

own=$(command -v busybox || true)
if [ -n "$own" ] && static "$own"; then
	echo "$own"
	exit
fi

dir=$STT_CACHE/busybox
lock busybox 'busybox'
if ! static "$dir/busybox"; then
	say 'fetching busybox-static, 1 MB; it is not installed'
	rm -rf "$dir"
	apt_own
	fetch_debs "$dir/debs" busybox-static
	dpkg -x "$dir"/debs/*.deb "$dir/root"
	cp "$(find "$dir/root" -path "*/bin/busybox" -type f | head -n 1)" "$dir/busybox"
	rm -r "$dir/debs" "$dir/root"
	static "$dir/busybox" || die 'the busybox of busybox-static is not static'
fi
echo "$dir/busybox"
