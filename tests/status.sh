#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# status.sh - tools/stt-status in roots that are made of empty files: its exit
# status is about the kernel that boots next, and about no other

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/vm/common.sh"
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
bad=0

# expect NAME STATUS PATTERN
expect() {
	local said rc=0

	said=$("$STT_TOP/tools/stt-status" --root "$root") || rc=$?
	if [ "$rc" -ne "$2" ] || ! grep -qE -- "$3" <<<"$said"; then
		printf '%s: status %s, not %s and /%s/:\n%s\n' "$1" "$rc" \
			"$2" "$3" "$said"
		bad=1
	fi
}

kernel() {
	mkdir -p "$root/boot" "$root/lib/modules/$1/updates/dkms"
	touch "$root/boot/vmlinuz-$1"
}
has() { touch "$root/lib/modules/$1/updates/dkms/$2.ko"; }

kernel 6.1.0-9-amd64
expect 'one kernel without' 1 '6.1.0-9-amd64 \(boots next\): no module, no linux-headers'
has 6.1.0-9-amd64 stt
expect 'one kernel with' 0 'boots next\): stt.* by DKMS'
kernel 6.1.0-10-amd64
expect 'a newer kernel without' 1 '6.1.0-10-amd64 \(boots next\): no module'
expect 'the older one has it' 1 '6.1.0-9-amd64: stt'
ln -s boot/vmlinuz-6.1.0-9-amd64 "$root/vmlinuz"
expect 'the link leads to the older one' 0 '9-amd64 \(boots next\): stt'
ln -sfn boot/vmlinuz-6.1.0-10-amd64 "$root/vmlinuz"
expect 'the link leads to the newer one' 1 '10-amd64 \(boots next\): no module'
has 6.1.0-10-amd64 stt
expect 'both have it' 0 '10-amd64 \(boots next\): stt'
has 6.1.0-9-amd64 vport-stt
expect 'vport-stt only for the older one' 1 '10-amd64.*no vport-stt'
has 6.1.0-10-amd64 vport-stt
expect 'vport-stt for both' 0 '10-amd64 \(boots next\): stt.*, vport-stt'
rm "$root/boot/vmlinuz-6.1.0-10-amd64"
ln -sfn boot/vmlinuz-6.1.0-9-amd64 "$root/vmlinuz"
rm "$root"/lib/modules/6.1.0-10-amd64/updates/dkms/*.ko
expect 'a purged kernel does not count' 0 '9-amd64 \(boots next\)'
exit "$bad"
