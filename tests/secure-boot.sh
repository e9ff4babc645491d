#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# secure-boot.sh ROOT KERNEL - a machine with Secure Boot loads the module that
# DKMS built, once the key that DKMS signed it with is enrolled
#
# ROOT is a Debian with stt-dkms and mokutil installed, KERNEL its kernel as
# kernel.sh makes it. The machine has the firmware and the boot loaders that
# Debian ships, with Microsoft's keys and Debian's, as bought. What the user does
# is what docs/install.md says.

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/vm/common.sh"
cd "$STT_TOP"

root=$1 kernel=$2
disk=$STT_TOP/build/secure-boot
password=opensesame
bad=0

rm -rf "$disk"
apt_own
fetch_debs "$disk/debs" ovmf shim-signed shim-helpers-amd64-signed \
	grub-efi-amd64-signed
for deb in "$disk"/debs/*.deb; do
	dpkg -x "$deb" "$disk/root"
done
cp "$disk/root/usr/share/OVMF/OVMF_CODE_4M.ms.fd" "$disk/code.fd"
cp "$disk/root/usr/share/OVMF/OVMF_VARS_4M.ms.fd" "$disk/vars.fd"
boot=$disk/efi/EFI/BOOT
mkdir -p "$boot"
cp "$disk/root/usr/lib/shim/shimx64.efi.signed" "$boot/BOOTX64.EFI"
cp "$disk/root/usr/lib/shim/mmx64.efi.signed" "$boot/mmx64.efi"
cp "$disk/root/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed" \
	"$boot/grubx64.efi"

cat >"$disk/common" <<END
set -e
mount --bind /proc $root/proc
mount --rbind /sys $root/sys
mount -t efivarfs efivarfs $root/sys/firmware/efi/efivars
mount --rbind /dev $root/dev
mount -t tmpfs tmp $root/tmp
run() { chroot $root "\$@"; }
# expect TEXT COMMAND...: it says so, whatever its exit status.
expect() {
	local text=\$1 said

	shift
	said=\$(run "\$@" 2>&1) || true
	grep -qi -- "\$text" <<<"\$said" && return
	echo "not \$text but \$said, from: \$*"
	exit 1
}
END
cat >"$disk/before" <<END
. $disk/common
expect 'SecureBoot enabled' mokutil --sb-state
expect 'is not enrolled' mokutil --test-key /var/lib/dkms/mok.pub
expect . modinfo -F signer stt
expect 'Key was rejected by service' modprobe stt
# What mokutil would ask for, without a terminal.
run mokutil --generate-hash=$password >$root/tmp/hash
run mokutil --import /var/lib/dkms/mok.pub --hash-file /tmp/hash
END
cat >"$disk/after" <<END
. $disk/common
expect 'SecureBoot enabled' mokutil --sb-state
expect 'is already enrolled' mokutil --test-key /var/lib/dkms/mok.pub
# Its signature stands behind the end of what a module consists of.
ko=\$(run modinfo -n stt)
case \$ko in
*.xz)	xz -dc "$root\$ko" ;;
*)	cat "$root\$ko" ;;
esac >/run/signed.ko
objcopy --strip-debug /run/signed.ko $root/tmp/unsigned.ko
expect 'Key was rejected by service' insmod /tmp/unsigned.ko
run ip link add stt0 type stt id 42 remote 192.0.2.2
run ip -d link show stt0 | grep 'stt id 42 remote 192.0.2.2'
grep -w ^stt /proc/modules
END

step() {
	tests/vm/vm.sh -k "$kernel" -t 900 -b "$disk" -o "$disk/$1.vm" -- \
		bash "$disk/$1" >"$disk/$1.log" 2>&1 && return
	bad=1
	echo "Secure Boot, $1 the key is enrolled:"
	tail -n 20 "$disk/$1.log"
}

say 'Secure Boot: the key is unknown'
step before
say 'Secure Boot: a person enrolls it'
mapfile -t machine < <(firmware "$disk")
tests/vm/mok-manager.py "$password" qemu-system-x86_64 \
	-accel tcg -cpu max -m 512 -nodefaults -no-user-config -no-reboot \
	-display none -serial stdio "${machine[@]}" 2>"$disk/enroll.log" || {
	bad=1
	tail -n 20 "$disk/enroll.log"
}
say 'Secure Boot: the key is known'
step after

[ "$bad" -ne 0 ] || rm -rf "$disk"
exit "$bad"
