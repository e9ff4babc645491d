#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# tools.sh - programs that tests run in the guest and that nobody would want to
# have installed for it on the host: unpacked into build/tools

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/common.sh"

dir=$STT_TOP/build/tools
[ ! -e "$dir/.complete" ] || exit 0
rm -rf "$dir"
apt_own
fetch_debs "$dir/debs" ifupdown
for deb in "$dir"/debs/*.deb; do
	dpkg -x "$deb" "$dir"
done
rm -r "$dir/debs"
touch "$dir/.complete"
