#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# compat.sh [KERNEL] - a kernel whose API the probes do not know stops with one
# line that names the probe, instead of pages of errors
#
# Takes headers away from a copy of a real build tree, and one function's name
# as if it had been changed. Nothing of the module is compiled.

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/vm/common.sh"

kernel=$("$STT_TOP/tests/vm/kernel.sh" "${1:-stock-6.1}")
work=$(mktemp -d "${TMPDIR:-/tmp}/stt-compat.XXXXXX")
trap 'rm -rf "$work"' EXIT
tree=$(sed -n 's|^include \(.*\)/Makefile$|\1|p' "$kernel/build/Makefile")
[ -d "$tree/include" ] || die "no header tree behind $kernel/build"
bad=0

expect() {
	if grep -qE "$2" <<<"$3"; then
		return
	fi
	printf '%s: no /%s/ in:\n%s\n' "$1" "$2" "$3"
	bad=1
}

# Every probe with an old form, by its header's loss.
probes=$STT_TOP/compat/probe.sh
mkdir -p "$work/inc/include"
while read -r header names; do
	rm -rf "$work/inc/include"
	mkdir -p "$work/inc/include"/{linux,net,asm-generic}
	while read -r h; do
		[ ! -e "$tree/include/$h" ] ||
			ln -s "$tree/include/$h" "$work/inc/include/$h"
	done < <(grep -oE '(linux|net|asm-generic)/[a-z_0-9-]+\.h' "$probes" |
		 sort -u)
	rm -f "$work/inc/include/$header"
	said=$(sh "$probes" "$work/inc")
	for name in $names; do
		expect "without $header" "^unknown.* $name " "$said "
	done
done <<'END'
net/rtnetlink.h NEWLINK_PARAMS LINK_OPS
net/net_namespace.h EXIT_RTNL SYSCTL_SZ
linux/timer.h TIMER_CONTAINER_OF TIMER_DELETE_SYNC
linux/slab.h KZALLOC_OBJ
linux/skbuff.h KFREE_LIST_REASON
linux/netdevice.h TSO_MAX GSO_IPV4_MAX
END
expect "as it is" '^ *(-D|$)' "$(sh "$probes" "$tree")"

# As a user sees it: newlink takes something that nobody has heard of.
cp -al "$kernel/root/usr" "$work/usr"
build=$work/usr/src/$(readlink "$kernel/build" | sed 's|.*/||')
common=$work/usr/src/${tree##*/}
sed -i "s|^include .*|include $common/Makefile|" "$build/Makefile"
sed -i 's/(\*newlink)(struct net \*/(*newlink)(struct link_birth */' \
	"$common/include/net/rtnetlink.h"
mkdir "$work/stt"
cp -r "$STT_TOP"/{Kbuild,dkms.conf,stt_*.c,include,compat,ovs,tools} "$work/stt/"
if said=$(make -C "$build" M="$work/stt" modules 2>&1); then
	echo "a doctored kernel builds"
	bad=1
fi
expect 'make' 'does not know .*NEWLINK_PARAMS \(include/net/rtnetlink.h\)' \
	"$said"
# Besides it only what make itself says of its folders and its end.
said=$(grep -vE '^make|CC=|compiler|^ *warning: the comp|You are using|was built' \
	<<<"$said" || true)
if [ "$(wc -l <<<"$said")" -ne 1 ]; then
	printf 'more than one line:\n%s\n' "$said"
	bad=1
fi
[ "$bad" -eq 0 ] && echo "$said"
exit "$bad"
