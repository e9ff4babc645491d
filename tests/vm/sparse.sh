#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# sparse.sh KERNEL-DIRECTORY - print the path of a sparse that can check it
#
# Kernels move faster than released sparse, and refuse one that does not know
# what they are written in. Then Debian's newest source is built, in the cache.

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/common.sh"

valid() {
	local check=$1/build/scripts/checker-valid.sh

	[ ! -e "$check" ] || [ "$(sh "$check" "$2" 2>/dev/null)" = 1 ]
}

if sparse=$(command -v sparse) && valid "$1" "$sparse"; then
	echo "$sparse"
	exit
fi

lock sparse
dir=$STT_CACHE/sparse
if [ ! -x "$dir/sparse" ]; then
	apt_suite sid source
	say 'building a newer sparse'
	rm -rf "$dir" "$dir.tmp"
	mkdir -p "$dir.tmp"
	(
		cd "$dir.tmp"
		apt-get "${APT[@]}" source --download-only sparse
		tar -xf sparse_*.orig.tar.* --strip-components=1
		make -s -j"$(nproc)" sparse
	) >&2
	mv "$dir.tmp" "$dir"
fi
valid "$1" "$dir/sparse" || die "no sparse that knows this kernel"
echo "$dir/sparse"
