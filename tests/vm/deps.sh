#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# deps.sh [--all] - install the Debian packages that the tests need and that are
# missing; costs nothing when none is. Knows Debian 12 and 13.

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/common.sh"

required=(
	# to build modules and kernels
	build-essential linux-headers-amd64 linux-libc-dev bc bison flex cpio
	dwarves kmod libelf-dev libssl-dev rsync xz-utils
	# to boot a VM
	busybox-static qemu-system-x86
	# to test in it
	conntrack ethtool iperf3 iproute2 iptables iputils-ping
	nftables python3 python3-scapy tcpdump tshark procps
	libmnl-dev bpftool
)
# A test or a check that misses one of these is skipped, and says so.
optional=(clang coccinelle shellcheck sparse strace debhelper dh-dkms lintian bpftrace
	  dropwatch)
# What only check-all needs.
if [ "${1:-}" = --all ]; then
	optional+=(mmdebstrap gcc-aarch64-linux-gnu gcc-powerpc-linux-gnu
		   qemu-system-arm qemu-system-ppc)
fi

installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = \
		installed ]
}

missing=()
for pkg in "${required[@]}" "${optional[@]}"; do
	installed "$pkg" || missing+=("$pkg")
done
[ ${#missing[@]} -gt 0 ] || exit 0

[ "$(id -u)" -eq 0 ] || die "root is needed to install: ${missing[*]}"
command -v apt-get >/dev/null || die "not Debian: install ${missing[*]}"
say "installing ${missing[*]}"

apt-get -qq update >&2 || say "apt-get update failed, going on"
available=()
for pkg in "${missing[@]}"; do
	if [[ "$(apt-cache policy "$pkg")" == *'Candidate: '[0-9]* ]]; then
		available+=("$pkg")
	elif [[ " ${optional[*]} " == *" $pkg "* ]]; then
		say "this release has no package $pkg; what needs it is skipped"
	else
		die "this release has no package $pkg"
	fi
done
[ ${#available[@]} -eq 0 ] ||
	apt-get -qq -o DPkg::Lock::Timeout=300 install --no-install-recommends \
		"${available[@]}" >/dev/null </dev/null ||
	die "apt-get cannot install ${available[*]}"
