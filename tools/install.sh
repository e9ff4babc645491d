#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# install.sh note RELEASE          say so when another kernel is running
# install.sh add RELEASE KDIR [DESTDIR]   the modules that were built here
# install.sh remove [DESTDIR]      whatever add installed, for any kernel
#
# They go to updates/stt below the kernel's modules.

set -eu
die() { echo "stt: $*" >&2; exit 1; }
here=$(cd "${0%/*}/.." && pwd)

note() {
	[ "$1" = "$(uname -r)" ] ||
		echo "note: this is for Linux $1; $(uname -r) is running" \
		     "(KDIR= names another build tree)"
}

# sign KDIR MODULE...: where the kernel was built with a key of its own.
sign() {
	kdir=$1
	shift
	[ -e "$kdir/certs/signing_key.pem" ] || return 0
	for ko; do
		"$kdir/scripts/sign-file" sha256 "$kdir/certs/signing_key.pem" \
			"$kdir/certs/signing_key.x509" "$ko"
	done
}

add() {
	modules=$3/lib/modules/$1
	if [ -z "$3" ]; then
		command -v depmod >/dev/null ||
			die 'there is no depmod: apt install kmod'
		ls "$modules"/updates/dkms/stt.ko* >/dev/null 2>&1 &&
			die "DKMS has stt for Linux $1 already: make uninstall," \
			    'or apt purge stt-dkms, comes first'
	fi
	rm -rf "$modules/updates/stt"
	install -d "$modules/updates/stt"
	for ko in stt.ko ovs/vport-stt.ko; do
		[ ! -e "$here/$ko" ] ||
			install -m 644 "$here/$ko" "$modules/updates/stt/"
	done
	sign "$2" "$modules"/updates/stt/*.ko
	[ -n "$3" ] || depmod "$1"
}

# Earlier versions of this project installed to extra/.
remove() {
	for modules in "$1"/lib/modules/*; do
		[ -e "$modules/updates/stt" ] ||
			[ -e "$modules/extra/stt.ko" ] || continue
		rm -rf "$modules/updates/stt" "$modules/extra/stt.ko" \
			"$modules/extra/ovs/vport-stt.ko"
		for dir in extra/ovs extra updates; do
			rmdir "$modules/$dir" 2>/dev/null || true
		done
		[ -n "$1" ] || depmod "${modules##*/}"
	done
}

case $1 in
note)	note "$2" ;;
add)	add "$2" "$3" "${4:-}" ;;
remove)	remove "${2:-}" ;;
*)	die "$1?" ;;
esac
