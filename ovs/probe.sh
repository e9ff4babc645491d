#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# probe.sh OBJ COMPILER [FLAG]... - can vport-stt be built for this kernel?
#
# Called by ovs/Kbuild, in the kernel's build tree. Finds the kernel's
# openvswitch.ko and its BTF, writes OBJ/vport_btf.h from it, and has the
# compiler hold that against vport.h. Prints nothing when they agree, else why
# vport-stt is left out, in one line. From the environment:
#   CONFIG_OPENVSWITCH  y or m
#   KERNELRELEASE  of the kernel that is built for
#   HOSTCC         compiler for this machine
#   STT_MODULES    the kernel's /lib/modules/VERSION, when it is elsewhere
#   STT_VMLINUX    the kernel itself, for the BTF that openvswitch.ko's builds
#                  upon, when it is elsewhere

obj=$1
shift
here=${0%/*}
tmp=$obj/.probe
rm -rf "$tmp"
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp" || exit 1

no() {
	rm -f "$obj/vport_btf.h"
	printf '%s\n' "$*" | head -n 1
	exit 0
}

# unpack FILE: to standard output, whatever it is packed with.
unpack() {
	case $(od -An -tx1 -N4 "$1" | tr -d ' \n') in
	fd377a58)	xz -dc <"$1" ;;
	28b52ffd)	zstd -dcq <"$1" ;;
	1f8b*)		gzip -dc <"$1" ;;
	02214c18)	lz4 -dc <"$1" ;;
	*)		cat <"$1" ;;
	esac 2>/dev/null
}

# payload FILE: what a bzImage packs, by its own header (Documentation/arch/
# x86/boot.rst); any other file as it is.
payload() {
	if [ "$(od -An -c -j514 -N4 "$1" | tr -d ' ')" = HdrS ]; then
		setup=$(od -An -tu1 -j497 -N1 "$1" | tr -d ' ')
		# shellcheck disable=SC2046
		set -- "$1" $(od -An -tu4 -j584 -N8 "$1")
		tail -c +$(((setup + 1) * 512 + $2 + 1)) "$1" | head -c "$3"
	else
		cat "$1"
	fi
}

objtree=$(cd "${objtree:-.}" && pwd -P)
# Headers that were unpacked elsewhere have their kernel there, too.
case $objtree in
*/usr/src/*)	root=${objtree%/usr/src/*} ;;
*)		root='' ;;
esac
[ -n "$CONFIG_OPENVSWITCH" ] || no 'this kernel has no openvswitch'
for symbol in __ovs_vport_ops_register ovs_vport_ops_unregister \
	      ovs_vport_alloc ovs_vport_free ovs_netdev_link \
	      ovs_netdev_tunnel_destroy; do
	grep -q "[[:space:]]${symbol}[[:space:]]" "$objtree/Module.symvers" ||
		no "this kernel's openvswitch takes no port types from" \
		   "other modules ($symbol is not exported)"
done

modules=/lib/modules/$KERNELRELEASE
ko=''
for file in "$STT_MODULES"/kernel/net/openvswitch/openvswitch.ko* \
	    "$objtree"/net/openvswitch/openvswitch.ko* \
	    "$root$modules"/kernel/net/openvswitch/openvswitch.ko* \
	    "$modules"/kernel/net/openvswitch/openvswitch.ko*; do
	[ -n "$ko" ] || [ ! -f "$file" ] || ko=$file
done
[ -n "$ko" ] || no "openvswitch.ko of $KERNELRELEASE is not installed" \
	'(STT_MODULES= says where it is)'
unpack "$ko" >"$tmp/openvswitch.ko"

# Host programs of a kernel may be built with other flags: these suffice.
${HOSTCC:-cc} -O1 -o "$tmp/btf" "$here/btf.c" 2>"$tmp/err" ||
	no "ovs/btf.c does not compile: $(head -n 1 "$tmp/err")"

# The BTF that the module's refers to: in the headers, in /sys for the running
# kernel, else in the kernel's image.
why='no BTF found'
found=''
for file in "$objtree/vmlinux" \
	    "$( [ "$(uname -r)" != "$KERNELRELEASE" ] ||
		echo /sys/kernel/btf/vmlinux)" \
	    "$STT_VMLINUX" "$STT_MODULES/vmlinuz" \
	    "$root/boot/vmlinuz-$KERNELRELEASE" "$root$modules/vmlinuz" \
	    "/boot/vmlinuz-$KERNELRELEASE" "$modules/vmlinuz" \
	    "$root/usr/lib/debug/boot/vmlinux-$KERNELRELEASE"; do
	[ -r "$file" ] || continue
	case $file in
	*vmlinuz*|"$STT_VMLINUX")
		payload "$file" >"$tmp/payload"
		unpack "$tmp/payload" >"$tmp/vmlinux"
		base=$tmp/vmlinux ;;
	*)	base=$file ;;
	esac
	if "$tmp/btf" "$base" "$tmp/openvswitch.ko" \
	   vport vport_parms vport_ops datapath:net \
	   __ovs_vport_ops_register/1 ovs_vport_ops_unregister/1 \
	   ovs_vport_alloc/3 ovs_vport_free/1 ovs_netdev_link/2 \
	   ovs_netdev_tunnel_destroy/1 >"$tmp/vport_btf.h" 2>"$tmp/err"; then
		found=$file
		break
	fi
	why=$(sed "s|$tmp/||; s|^vmlinux has|$file has|; 1q" "$tmp/err")
done
[ -n "$found" ] ||
	no "the layout of $ko cannot be checked: $why (STT_VMLINUX= names the kernel image)"

# An older vport_btf.h must not get in its way.
cp "$here/vport.h" "$tmp/"
echo '#include "vport.h"' >"$tmp/check.c"
if ! "$@" -fsyntax-only "$tmp/check.c" 2>"$tmp/err"; then
	why=$(sed -n 's/.*error: \(static assertion failed: \)*//p' "$tmp/err")
	no "$ko is not what ovs/vport.h says:" "$why"
fi

# Objects are built anew only when the layout is.
cmp -s "$tmp/vport_btf.h" "$obj/vport_btf.h" ||
	mv "$tmp/vport_btf.h" "$obj/vport_btf.h"
