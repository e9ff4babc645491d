#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# compat.sh [KERNEL] - a kernel whose API the probes do not know stops with one
# line that names the probe, instead of pages of errors
#
# Takes headers away from a copy of a real build tree, and one function's name
# as if it had been changed. Then features that this kernel has and older ones
# lack are taken away one by one, and what uses them still compiles: no kernel
# at hand builds the other side of those probes.

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
[ "$bad" -ne 0 ] || echo "$said"
cp -f "$tree/include/net/rtnetlink.h" "$common/include/net/rtnetlink.h.new"
mv "$common/include/net/rtnetlink.h.new" "$common/include/net/rtnetlink.h"

# without PROBE FILE SCRIPT OBJECT...: with what sed's script does to that header
# the probe says no, and these objects compile without a warning.
without() {
	local probe=$1 file=$common/include/$2 script=$3 said was

	shift 3
	was=$(sh "$probes" "$common")
	if [[ " $was " == *" -DSTT_NO_$probe "* ]]; then
		echo "# $probe: this kernel has not got it"
		return
	fi
	sed -E "$script" "$file" >"$work/header"
	cp "$file" "$work/saved"
	rm "$file"
	cp "$work/header" "$file"
	said=$(sh "$probes" "$common")
	expect "without $probe" " -DSTT_NO_$probe( |$)" "$said"
	rm -f "${@/#/$work/stt/}"
	if ! said=$(make -C "$build" M="$work/stt" W=1 CC="${CC:-gcc}" "$@" 2>&1) ||
	   grep -i 'warning' <<<"$said" | grep -qv 'the compiler differs'; then
		printf 'without %s:\n%s\n' "$probe" "$said"
		bad=1
	else
		echo "without $probe: $* compiles"
	fi
	rm "$file"
	cp "$work/saved" "$file"
}
rm -f "$work/stt"/*.o
without HAS_LISTENERS linux/rtnetlink.h \
	's/rtnl_has_listeners/rtnl_listeners_gone/' stt_fdb_msg.o
without CONFIGURE_LINK_NLH net/rtnetlink.h \
	'/^int rtnl_configure_link/{N; s/ifm,.*/ifm);/}' stt_netlink.o
without LINK_NET_CAPABLE net/rtnetlink.h \
	's/rtnl_dev_link_net_capable/rtnl_capable_gone/' stt_netlink.o \
	stt_fdb_netlink.o
without EXIT_BATCH_RTNL net/net_namespace.h \
	's/exit_batch_rtnl/exit_batch_gone/' stt_main.o
without TIMER_DELETE_SYNC linux/timer.h \
	's/timer_delete_sync/timer_sync_gone/' stt_reasm.o
exit "$bad"
