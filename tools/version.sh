#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# version.sh [DIR] - the version of these sources
#
# A release is what PACKAGE_VERSION in dkms.conf says. Behind it the number
# grows with each commit: 0.1+12.g1a2b3c4 is twelve commits behind the tag v0.1,
# or, without tags, behind the commit that wrote 0.1 into dkms.conf. ".dirty" at
# its end means uncommitted changes. Copies without git, those of DKMS among
# them, have had the whole number written into their dkms.conf.

dir=${1:-${0%/*}/..}
said() { sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$1" 2>/dev/null; }

version=$(said "$dir/dkms.conf")
case $version in
*+*)	echo "$version"; exit ;;
esac

# Whoever owns the tree: "sudo make install" is root's in a user's.
git_() {
	command git -c safe.directory='*' -C "$top" "$@" 2>/dev/null
}
top=$dir
top=$(git_ rev-parse --show-toplevel) || top=''
# Build trees are below ours; somebody else's repository may be above it.
if [ -n "$top" ] &&
   grep -qsx 'PACKAGE_NAME="stt"' "$top/dkms.conf"; then
	version=$(said "$top/dkms.conf")
	from=$(git_ rev-parse -q --verify "v$version^{commit}") ||
		from=$(git_ log -1 --format=%H -G'^PACKAGE_VERSION=' -- dkms.conf)
	n=$(git_ rev-list --count "${from:+$from..}HEAD") || n=0
	dirty=''
	git_ diff --quiet HEAD -- || dirty=.dirty
	if [ "$n" -gt 0 ] || [ -n "$dirty" ]; then
		version=$version+$n.g$(git_ rev-parse --short=7 HEAD)$dirty
	fi
fi
echo "${version:-0}"
