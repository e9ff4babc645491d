#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# vport.sh [KERNEL] - vport-stt is built only for an openvswitch that is what
# ovs/vport.h says, and says in one line why not
#
# Changes a copy of the declarations, and copies of the kernel's openvswitch.ko;
# only vport-stt.o is compiled. A kernel whose openvswitch exports nothing has
# to be told.

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/vm/common.sh"

kernel=$("$STT_TOP/tests/vm/kernel.sh" "${1:-stock-6.1}")
modules=$kernel/modules/lib/modules/$(<"$kernel/version")
work=$(mktemp -d "${TMPDIR:-/tmp}/stt-vport.XXXXXX")
trap 'rm -rf "$work"' EXIT
bad=0

# try NAME PATTERN [VAR=VALUE]...: the pattern is in the one line that is said;
# empty: it is built.
try() {
	local name=$1 pattern=$2 said

	shift 2
	rm -f "$work/src/ovs/"*.o
	said=$(make -C "$kernel/build" M="$work/src" CC="${CC:-gcc}" \
		STT_MODULES="$modules" STT_VMLINUX="$kernel/vmlinuz" "$@" \
		ovs/vport-stt.o 2>&1) || true
	if [ -z "$pattern" ] && [ -e "$work/src/ovs/vport-stt.o" ]; then
		echo "$name: built"
	elif [ "$pattern" ] && [ ! -e "$work/src/ovs/vport-stt.o" ] &&
	     [ "$(grep -cE "left out: .*$pattern" <<<"$said")" -eq 1 ]; then
		echo "$name: $(grep 'left out' <<<"$said")"
	else
		printf '%s: not /%s/:\n%s\n' "$name" "$pattern" "$said"
		bad=1
	fi
}

# fresh: the sources as they are.
fresh() {
	rm -rf "$work/src"
	mkdir -p "$work/src"
	cp -r "$STT_TOP"/{Kbuild,dkms.conf,include,compat,ovs,tools} "$work/src/"
	find "$work/src" -name '*.o' -delete
}

fresh
if ! grep -q __ovs_vport_ops_register "$kernel/build/Module.symvers"; then
	try 'nothing exported' 'takes no port types from other modules'
	exit "$bad"
fi
try 'as it is' ''

vport=$work/src/ovs/vport.h
sed -i '/struct hlist_node.*dp_hash_node/d' "$vport"
try 'a member is missing' 'vport.h says: .*no member named .*dp_hash_node'
fresh
sed -i 's/u16\(.*port_no;\)/u64\1/' "$vport"
try 'a member has another size' 'vport.h says: .*struct vport: size of port_no'
fresh
sed -i '/\*destroy)/{h;d}; /\*get_options/{x;G}' "$vport"
try 'members are exchanged' 'vport.h says: .*is elsewhere'
fresh
sed -i 's/possible_net_t.*net;/u64 more; &/' "$vport"
try 'a namespace is elsewhere' 'vport.h says: .*struct datapath: net'

fresh
own=$work/modules/kernel/net/openvswitch
mkdir -p "$own"
case $(echo "$modules"/kernel/net/openvswitch/openvswitch.ko*) in
*.xz)	xz -dc "$modules"/kernel/net/openvswitch/openvswitch.ko.xz ;;
*)	cat "$modules"/kernel/net/openvswitch/openvswitch.ko ;;
esac >"$work/openvswitch.ko"
objcopy -R .BTF "$work/openvswitch.ko" "$own/openvswitch.ko"
try 'no BTF' 'cannot be checked: .*has no BTF' STT_MODULES="$work/modules"
head -c 100000 "$work/openvswitch.ko" >"$own/openvswitch.ko"
try 'half a file' 'cannot be checked: .*has no BTF' STT_MODULES="$work/modules"
gzip -c "$work/openvswitch.ko" >"$own/openvswitch.ko"
try 'compressed' '' STT_MODULES="$work/modules"
exit "$bad"
