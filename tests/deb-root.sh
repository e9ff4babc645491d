#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# deb-root.sh - the packages in a Debian of their own: apt installs them, dkms
# builds for the stock kernel there, that kernel boots and its ip makes a
# tunnel, with Secure Boot as well, and purging leaves no trace
#
# The root is made from the machine's mirror, in build/deb-root. Needs root,
# mmdebstrap or debootstrap, and minutes.

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/vm/common.sh"
cd "$STT_TOP"

suite=${1:-$(. /etc/os-release && echo "$VERSION_CODENAME")}
root=$STT_TOP/build/deb-root
bad=0
fail() {
	echo "$*"
	bad=1
}

[ "$(id -u)" -eq 0 ] || die 'root is needed'
mkdir -p build
make deb >build/deb.log 2>&1 || die 'the packages do not build'

finish() {
	for dir in proc sys dev; do
		mountpoint -q "$root/$dir" && umount -l "$root/$dir"
	done
	return 0
}
trap finish EXIT
finish
rm -rf --one-file-system "$root"
mirror=$(debian_mirror)
say "making a root of $suite"
packages=linux-image-amd64,linux-headers-amd64,dkms,iproute2,kmod,mokutil,ca-certificates
if command -v mmdebstrap >/dev/null; then
	mmdebstrap --quiet --variant=minbase --include="$packages" \
		"$suite" "$root" "$mirror" >build/deb-root.log 2>&1
else
	debootstrap --variant=minbase --include="$packages" "$suite" "$root" \
		"$mirror" >build/deb-root.log 2>&1
fi || { tail -n 20 build/deb-root.log; die 'no root'; }

mkdir -p "$root/root/debs"
cp build/deb/stt-dkms_*.deb build/deb/stt-tools_*.deb "$root/root/debs/"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --make-rslave "$root/sys"

inside() {
	chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

# What there is, less what apt, dpkg, depmod and logs always change.
listing() {
	(cd "$root" && find . -xdev \( -path ./proc -o -path ./sys \
		-o -path ./var/cache -o -path ./var/log -o -path ./tmp \
		-o -path ./root -o -path ./var/lib/apt \
		-o -path ./var/lib/dpkg -o -name 'initrd.img-*' \
		-o -path './var/lib/dkms/mok.*' -o -name 'ld.so.cache*' \
		\) -prune -o -print | sort)
}

listing >build/deb-root.before
say 'installing'
inside sh -c 'apt-get -qq install --no-install-recommends /root/debs/*.deb' \
	>build/deb-root.install 2>&1 </dev/null ||
	{ tail -n 40 build/deb-root.install; die 'apt does not install them'; }
ver=$(find "$root/lib/modules/" -maxdepth 1 -name '*-amd64' -printf '%f\n' |
      sort -V | tail -n 1)
inside dkms status stt | grep "$ver" | grep -q installed ||
	fail "dkms: $(inside dkms status stt)"
inside modinfo -k "$ver" -F alias stt | grep -qx rtnl-link-stt ||
	fail 'modinfo: no alias rtnl-link-stt'
inside modinfo -k "$ver" stt >build/deb-root.modinfo

# The kernel of that root, with its modules; ip from there as well.
kernel=$STT_TOP/build/deb-root.kernel
rm -rf "$kernel"
mkdir -p "$kernel/modules/lib"
cp "$root/boot/vmlinuz-$ver" "$kernel/vmlinuz"
echo "$ver" >"$kernel/version"
cp -a "$root/lib/modules" "$kernel/modules/lib/"
cat >build/deb-root.guest <<-END
	set -e
	mount --bind /proc $root/proc
	mount --rbind /sys $root/sys
	mount --rbind /dev $root/dev
	run() { chroot $root /usr/sbin/ip "\$@"; }
	run link add dummy0 type dummy
	run addr add 192.0.2.1/24 dev dummy0
	run link set dummy0 up
	run link add stt0 type stt id 42 local 192.0.2.1 remote 192.0.2.2
	run link set stt0 up
	run -d link show stt0 | grep 'stt id 42 remote 192.0.2.2'
	grep -qw ^stt /proc/modules
	run link del stt0
	rmmod stt
END
say 'booting it'
# The host's programs are its shell; what is tested comes from the root.
tests/vm/vm.sh -k "$kernel" -t 900 -o build/deb-root.vm -- \
	bash build/deb-root.guest || fail 'no tunnel with the packages'
tests/secure-boot.sh "$root" "$kernel" || fail 'not with Secure Boot'

say 'purging'
inside sh -c 'apt-get -qq purge stt-dkms stt-tools' \
	>build/deb-root.purge 2>&1 </dev/null ||
	fail "apt does not purge them: $(tail -n 20 build/deb-root.purge)"
listing >build/deb-root.after
diff build/deb-root.before build/deb-root.after >build/deb-root.diff ||
	fail "left behind: $(head -n 20 build/deb-root.diff)"
inside dpkg-query -W 2>/dev/null | grep -E '^stt-' && fail 'dpkg knows them'

[ "$bad" -ne 0 ] || { finish; rm -rf --one-file-system "$root" "$kernel"; }
exit "$bad"
