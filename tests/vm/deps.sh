#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# deps.sh [--demo | --all] - install the Debian packages that the tests need (the
# demo, all the tests there are) and that are missing; costs nothing when none
# is. Says how large they are first, and removes none. Knows Debian 12 and 13.

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/common.sh"

# To build one module, boot a VM, and show it there.
demo=(
	gcc make libc6-dev linux-libc-dev cpio kmod rsync xz-utils
	qemu-system-x86
	ethtool iperf3 iproute2 iputils-ping tcpdump
)
required=(
	"${demo[@]}"
	# to build kernels
	build-essential linux-headers-amd64 bc bison flex
	dwarves libelf-dev libssl-dev zstd
	# to test in a VM
	conntrack iptables nftables python3 python3-scapy tshark procps
	libmnl-dev bpftool
)
# A test or a check that misses one of these is skipped, and says so.
optional=(clang coccinelle shellcheck sparse strace debhelper dh-dkms lintian bpftrace
	  dropwatch mmdebstrap)
# What only check-all needs.
if [ "${1:-}" = --demo ]; then
	required=("${demo[@]}")
	optional=()
elif [ "${1:-}" = --all ]; then
	optional+=(gcc-aarch64-linux-gnu gcc-powerpc-linux-gnu
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
say "missing: ${missing[*]}"

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
[ ${#available[@]} -gt 0 ] || exit 0
apt=(apt-get -o DPkg::Lock::Timeout=300 --no-install-recommends --no-remove
     install "${available[@]}")
plan=$("${apt[@]}" --assume-no 2>&1 </dev/null) || true
say "apt-get installs $(sed -n 's/.* \([0-9]*\) newly installed.*/\1/p' \
	<<<"$plan") packages: $(sed -nE 's/^Need to get (.*) of archives\./\1/p
	s/^After this operation, (.*) of additional disk space.*/, \1 on disk/p' \
	<<<"$plan" | tr -d '\n')"
"${apt[@]}" -qq >/dev/null </dev/null ||
	die "apt-get cannot install ${available[*]}"
