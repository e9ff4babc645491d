#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# ovs.sh - the distribution's Open vSwitch and OVN, for use in VMs only
#
# Downloads them by apt, with what they depend on and this machine misses, and
# unpacks all of it into build/ovs. Nothing is installed: the packages would
# start their daemons here and load a kernel module.

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/common.sh"

packages=(openvswitch-switch ovn-central ovn-host)
dir=$STT_TOP/build/ovs
debs=$STT_CACHE/debs/ovs
lock ovs
[ ! -e "$dir/.complete" ] || exit 0

apt_own
mkdir -p "$debs/partial"
fetch() {
	apt-get "${APT[@]}" -y --no-install-recommends --download-only \
		-o "Dir::Cache::archives=$debs" install "${packages[@]}" >&2
}
if ! compgen -G "$debs/openvswitch-switch_*.deb" >/dev/null; then
	fetch || { apt-get "${APT[@]}" update >&2 && fetch; } ||
		die "cannot download ${packages[*]}"
fi

rm -rf "$dir"
mkdir -p "$dir"
for deb in "$debs"/*.deb; do
	[ ! -e "$deb" ] || dpkg -x "$deb" "$dir"
done
# Installed already: nothing was downloaded.
for prog in lib/openvswitch-switch/ovs-vswitchd bin/ovn-controller; do
	[ -x "$dir/usr/$prog" ] || [ -x "/usr/$prog" ] ||
		die "no ${prog##*/} in ${packages[*]}"
done
touch "$dir/.complete"
