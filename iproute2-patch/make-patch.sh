#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Writes the patch for iproute2, in the form of git format-patch, from what
# stands in this repository:
#
#   iplink_stt.c, ../include/uapi/linux/if_stt.h, upstream/add_type_stt.t
#			the files that iproute2 does not have yet
#   upstream/existing.diff
#			hunks for those that it has, with no more context than
#			iproute2 6.1 and 7.x have in common
#   upstream/message.txt	the mail's header and text
#
# No source of iproute2 is needed.  With "-" the patch goes to stdout.

set -eu
cd "$(dirname "$0")"

patch=0001-ip-add-stt-link-type.patch
case $# in
0)	;;
1)	[ "$1" = - ] || { echo "usage: $0 [-]" >&2; exit 2; } ;;
*)	echo "usage: $0 [-]" >&2; exit 2 ;;
esac

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# Nobody's settings shall show in the patch.
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_DIFF_OPTS GIT_EXTERNAL_DIFF
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null HOME="$tmp"

new=$tmp/new
install -D -m 644 iplink_stt.c "$new/ip/iplink_stt.c"
install -D -m 644 ../include/uapi/linux/if_stt.h \
	"$new/include/uapi/linux/if_stt.h"
install -D -m 755 upstream/add_type_stt.t \
	"$new/testsuite/tests/ip/link/add_type_stt.t"
git -C "$new" init -q
git -C "$new" add .

{
	cat upstream/existing.diff
	git -C "$new" diff --cached --no-color --no-ext-diff --abbrev=7
} >"$tmp/diff"

{
	cat upstream/message.txt
	(cd "$tmp" && git apply --stat --summary diff)
	echo
	cat "$tmp/diff"
	printf -- '-- \nstt\n\n'
} >"$tmp/patch"

if [ $# -eq 1 ]; then
	cat "$tmp/patch"
else
	cat "$tmp/patch" >"$patch"
fi
