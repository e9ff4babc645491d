#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# dkms.sh add VERSION RELEASE - build and install /usr/src/stt-VERSION by DKMS
#                       for the kernel RELEASE, in place of any other version
# dkms.sh remove [DESTDIR] - away with whatever "make dkms" registered
#
# What the package stt-dkms registered is apt's, and stays.

set -eu
die() { echo "stt: $*" >&2; exit 1; }

# The versions that DKMS knows or has sources of.
versions() {
	{ find "$1/var/lib/dkms/stt" -mindepth 1 -maxdepth 1 -type d \
		-printf '%f\n' 2>/dev/null || true
	  find "$1/usr/src" -mindepth 1 -maxdepth 1 -name 'stt-[0-9]*' \
		-printf '%f\n' 2>/dev/null | sed 's/^stt-//' || true
	} | grep '^[0-9]' | sort -u
}

packaged() { dpkg-query -S "/usr/src/stt-$1/dkms.conf" >/dev/null 2>&1; }

# remove_all DESTDIR [KEEP]: the sources of the version KEEP stay.
remove_all() {
	for v in $(versions "$1"); do
		if [ -z "$1" ] && packaged "$v"; then
			continue
		fi
		if [ -z "$1" ] && [ -d "/var/lib/dkms/stt/$v" ]; then
			dkms remove "stt/$v" --all ||
				die "DKMS does not remove stt/$v"
		fi
		[ "$v" = "${2:-}" ] || rm -rf "$1/usr/src/stt-$v"
	done
}

case $1 in
add)
	command -v dkms >/dev/null || die 'there is no dkms: apt install dkms'
	for v in $(versions ''); do
		if packaged "$v"; then
			die "the package stt-dkms is installed ($v):" \
			    "apt purge stt-dkms first"
		fi
	done
	remove_all '' "$2"
	# A module that was installed by hand would be in its way.
	rm -rf "/lib/modules/$3/updates/stt" "/lib/modules/$3/extra/stt.ko" \
		"/lib/modules/$3/extra/ovs/vport-stt.ko"
	dkms add "stt/$2"
	dkms build "stt/$2" -k "$3"
	dkms install "stt/$2" -k "$3" ;;
remove)
	remove_all "${2:-}" ;;
*)
	die "$1?" ;;
esac
