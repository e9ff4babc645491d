#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# tools.sh - programs that tests run in the guest and that nobody would want to
# have installed for it on the host: unpacked into build/tools

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/common.sh"

dir=$STT_TOP/build/tools
[ ! -e "$dir/.complete-4" ] || exit 0
rm -rf "$dir"
apt_own
# With what of it this machine lacks, but nothing newer than what it has.
mapfile -t packages < <(apt-get "${APT[@]}" -s --no-install-recommends \
	install network-manager dbus-daemon ifupdown ufw firewalld |
	awk '$1 == "Inst" && $3 ~ /^\(/ { print $2 }')
# ufw has to come with its files: the test gives it a root of its own.
[[ " ${packages[*]} " == *' ufw '* ]] || packages+=(ufw)
fetch_debs "$dir/debs" "${packages[@]}"
mkdir -p "$dir/debs"
for deb in "$dir"/debs/*.deb; do
	[ ! -e "$deb" ] || dpkg -x "$deb" "$dir"
done
rm -r "$dir/debs"
touch "$dir/.complete-4"
