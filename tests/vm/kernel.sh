#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kernel.sh NAME - get a kernel to test with, and print the directory it is in
#
# NAME is one of
#   stock        the distribution's own kernel
#   stock-6.1    Debian 12's
#   stock-6.12   Debian 13's, or its backport to Debian 12
#   debug-6.12   built here: KUnit, KASAN, lockdep, kmemleak, fault injection
#   stock-6.12-rt  the same with PREEMPT_RT
#   newest       built here: the newest source Debian offers, KUnit, lockdep
#   source       that source, unpacked
#   arm64, powerpc  that source, built for 64-bit ARM and for 32-bit, big-endian
#                PowerPC, with little but the network and KUnit; see cross.sh
#
# The directory holds vmlinuz, build (a KDIR), modules (lib/modules/VERSION
# below it) and version; for another architecture make-args, which make needs,
# source, and headers for programs. It lives in the cache, keyed by the version
# of the source, the configuration and the compiler, and is made only when
# missing.
# Nothing is installed. STT_REFRESH=1 looks for newer versions before a week
# has passed.

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/common.sh"

name=${1:?usage: kernel.sh NAME}
configs=$STT_TOP/tests/vm/configs
# shellcheck disable=SC1091
codename=$(. /etc/os-release && echo "$VERSION_CODENAME")

case $name in
stock)
	if [ "$codename" = bookworm ]; then name=stock-6.1
	else name=stock-6.12; fi ;;
stock-6.1|stock-6.12|stock-6.12-rt|debug-6.12|newest) ;;
source|arm64|powerpc) ;;
*)	die "unknown kernel $name" ;;
esac

# Where each kernel comes from, seen from this distribution.
select_suite() {
	case $codename:$1 in
	bookworm:stock-6.1|trixie:stock-6.12)
		apt_own ;;
	*:stock-6.1)
		apt_suite bookworm ;;
	bookworm:stock-6.12|bookworm:stock-6.12-rt)
		apt_suite bookworm-backports ;;
	trixie:stock-6.12-rt)
		apt_own ;;
	*:newest|*:source|*:arm64|*:powerpc)
		apt_suite trixie-backports ;;
	*)	apt_suite trixie ;;
	esac
}

# package=version of the newest package whose name matches the pattern.
candidate() {
	local pkg version

	pkg=$(apt-cache "${APT[@]}" pkgnames "${1%%[[*]*}" | grep -Ex "$1" |
	      sort -V | tail -n 1) || true
	[ -n "$pkg" ] || die "no package $1 for the kernel $name"
	version=$(apt-cache "${APT[@]}" policy "$pkg" |
		  sed -n 's/^ *Candidate: //p')
	echo "$pkg=$version"
}

depends_on() {
	apt-cache "${APT[@]}" show "$1" | sed -n 's/^Depends: //p' | head -n 1 |
	tr , '\n' | sed 's/^ *//; s/ *(= */=/; s/[ )].*//' | grep -E "$2"
}

# make_stock DIR IMAGE: unpack image and headers, and make the headers work
# from where they are.
make_stock() {
	local dir=$1 image=$2 headers debs version ver common kbuild

	version=${image#*=}
	ver=${image%%=*}
	ver=${ver#linux-image-}
	headers=linux-headers-$ver=$version
	common=$(depends_on "$headers" '^linux-headers-.*-common')
	kbuild=$(depends_on "$headers" '^linux-kbuild')
	debs=$dir/debs
	fetch_debs "$debs" "$image" "$headers" "${common%%=*}=$version" \
		"${kbuild%%=*}=$version"
	for deb in "$debs"/*.deb; do
		dpkg -x "$deb" "$dir/root"
	done
	rm -r "$debs"

	mkdir -p "$dir/modules/lib/modules"
	mv "$dir/root/boot/vmlinuz-$ver" "$dir/vmlinuz"
	if [ -d "$dir/root/usr/lib/modules/$ver/kernel" ]; then
		mv "$dir/root/usr/lib/modules/$ver" "$dir/modules/lib/modules/"
	else
		mv "$dir/root/lib/modules/$ver" "$dir/modules/lib/modules/"
	fi
	# Hundreds of megabytes that no guest here has a device for.
	rm -rf "$dir/modules/lib/modules/$ver/kernel/sound" \
	       "$dir/modules/lib/modules/$ver/kernel/drivers/"{gpu,media,staging,iio,infiniband,scsi,usb,mmc,mtd,hwmon,input,platform,isdn,comedi}
	depmod -b "$dir/modules" "$ver"

	sed -i "s|/usr/|$final/root/usr/|" \
		"$dir/root/usr/src/linux-headers-$ver/Makefile"
	# From 6.13 on the build tree is told apart by this variable, too.
	ln -s "root/usr/src/linux-headers-$ver" "$dir/build"
	ln -sfn "$final/build" "$dir/modules/lib/modules/$ver/build"
	ln -sfn "$final/root/usr/src/${common%%=*}" \
		"$dir/modules/lib/modules/$ver/source"
	echo "$ver" >"$dir/version"
}

# unpack_source SOURCE-PACKAGE=VERSION: print where the unpacked tree is.
unpack_source() {
	local src=$STT_CACHE/src/${1/=/_}

	if [ ! -e "$src/.complete" ]; then
		say "fetching $1, 150 MB, and unpacking it: a minute or two"
		rm -rf "$src"
		mkdir -p "$src"
		fetch_debs "$src/debs" "$1"
		dpkg -x "$src"/debs/*.deb "$src/root"
		tar -C "$src" -xf "$src"/root/usr/src/linux-source-*.tar.xz \
			--strip-components=1
		rm -r "$src/debs" "$src/root"
		touch "$src/.complete"
	fi
	echo "$src"
}

# Every line of the fragments must have taken effect, unless this kernel's
# Kconfig does not know the symbol at all.
check_config() {
	local src=$1 config=$2 line sym bad=0

	shift 2
	while read -r line; do
		sym=${line%%=*}
		sym=${sym#CONFIG_}
		grep -qx "$line" "$config" && continue
		if grep -rqE --include='Kconfig*' \
		   "^[[:space:]]*(menu)?config $sym\$" "$src"; then
			say "not set: $line"
			bad=1
		else
			say "unknown to this kernel: $line"
		fi
	done < <(grep -hE '^CONFIG_' "$@")
	while read -r sym; do
		if grep -q "^$sym=" "$config"; then
			say "not off: $sym"
			bad=1
		fi
	done < <(sed -n 's/^# \(CONFIG_[A-Z0-9_]*\) is not set$/\1/p' "$@")
	return $bad
}

# compile NAME COMMAND...: with the log in the cache, saying every half minute
# how far it is: of as many files as it had the last time.
compile() {
	local name=$1 log=$STT_CACHE/kernels/$1.log rc=0 pid files last

	shift
	last=$(last_time "files-$name")
	say "building $name${last:+, $last files}; took" \
	    "$(about "$(last_time "kernel-$name" | grep . || echo 420)")" \
	    "${last:+the last time}; log in $log"
	: >"$log"
	(
		start=$SECONDS
		while sleep 30; do
			files=$(grep -cE '^  (CC|AS|LD)' "$log") || true
			say "building $name: $files${last:+ of $last} files," \
			    "$(about $((SECONDS - start)))"
		done
	) &
	pid=$!
	"$@" >"$log" 2>&1 </dev/null || rc=$?
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null || true
	files=$(grep -cE '^  (CC|AS|LD)' "$log") || true
	# One that was resumed had fewer.
	[ "$rc" -ne 0 ] || [ "$files" -le "${last:-0}" ] ||
		took "files-$name" "$files"
	return "$rc"
}

# make_built DIR SOURCE FRAGMENT...: build, keep what external modules need.
make_built() {
	local dir=$1 src obj=$1/obj ver

	src=$(unpack_source "$2")
	shift 2
	mkdir -p "$obj"
	# Said here, lest defaults of a 32-bit kernel stay in the configuration.
	if [ ! -e "$obj/.configured" ]; then
		make -s -C "$src" O="$obj" ARCH=x86_64 tinyconfig >&2
		cat "$@" >>"$obj/.config"
		printf 'CONFIG_LOCALVERSION="-stt-%s"\n' "$name" \
			>>"$obj/.config"
		make -s -C "$src" O="$obj" olddefconfig >/dev/null \
			2>"$dir/olddef.log"
		check_config "$src" "$obj/.config" "$@" >&2 ||
			die "the configuration of $name did not work out"
		touch "$obj/.configured"
	fi
	KBUILD_BUILD_USER=stt KBUILD_BUILD_HOST=stt \
	compile "$name" make -C "$src" O="$obj" -j"$(nproc)" bzImage modules ||
		die "building $name failed: see $STT_CACHE/kernels/$name.log"
	rm -rf "$dir/modules" "$dir/build"
	ver=$(make -s -C "$src" O="$obj" kernelrelease)
	make -s -C "$src" O="$obj" modules_install \
		INSTALL_MOD_PATH="$dir/modules" DEPMOD=depmod >&2
	cp "$obj/arch/x86/boot/bzImage" "$dir/vmlinuz"
	cp "$obj/System.map" "$dir/System.map"

	# One self-contained tree: the sources' makefiles, scripts and headers
	# overlaid with what was generated, without the objects.
	mkdir "$dir/build"
	rsync -a --prune-empty-dirs --exclude='/Documentation' \
		--exclude='/arch/[!x]*/' --exclude='/drivers/gpu' \
		--exclude='/samples' --exclude='/sound' \
		--include='*/' --include='/scripts/**' --include='/tools/objtool/**' --include='Makefile*' \
		--include='Kbuild*' --include='Kconfig*' --include='*.h' \
		--include='*.lds' --include='*.lds.S' --include='/arch/x86/**.pl' \
		--include='/arch/x86/**.sh' --include='/arch/x86/**.tbl' \
		--exclude='*' "$src/" "$dir/build/"
	rsync -a --prune-empty-dirs --exclude='/source' --exclude='/Makefile' \
		--exclude='/vmlinux*' --exclude='/arch/x86/boot' \
		--include='*/' --include='/scripts/**' \
		--include='/tools/objtool/objtool' --include='*.h' \
		--include='/include/**' --include='/.config' \
		--include='/Module.symvers' --include='*.lds' \
		--exclude='*' "$obj/" "$dir/build/"
	find "$dir/build" -name '*.cmd' ! -path '*/scripts/*' -delete
	ln -sfn "$final/build" "$dir/modules/lib/modules/$ver/build"
	rm -f "$dir/modules/lib/modules/$ver/source"
	rm -r "$obj"
	# Others build from the newest.
	[ "$name" = newest ] || rm -r "$src"
	echo "$ver" >"$dir/version"
}

# make_cross DIR SOURCE FRAGMENT...: for another architecture, with all drivers
# built in. The source stays where it is: modules are compiled with it.
make_cross() {
	local dir=$1 src make image=vmlinux

	src=$(unpack_source "$2")
	shift 2
	make=(make -C "$src" O="$dir/build" ARCH="$name"
	      CROSS_COMPILE="$cross" -j"$(nproc)")
	mkdir -p "$dir/build" "$dir/modules/lib/modules"
	if [ ! -e "$dir/build/.configured" ]; then
		"${make[@]}" -s tinyconfig >&2
		cat "$@" >>"$dir/build/.config"
		"${make[@]}" -s olddefconfig >/dev/null 2>"$dir/olddef.log"
		check_config "$src" "$dir/build/.config" "$@" >&2 ||
			die "the configuration of $name did not work out"
		touch "$dir/build/.configured"
	fi
	[ "$name" = powerpc ] || image=Image
	KBUILD_BUILD_USER=stt KBUILD_BUILD_HOST=stt \
	compile "$name" "${make[@]}" "$image" modules headers_install \
		INSTALL_HDR_PATH="$dir/headers" ||
		die "building $name failed: see $STT_CACHE/kernels/$name.log"
	case $image in
	vmlinux) "${cross}strip" -o "$dir/vmlinuz" "$dir/build/vmlinux" ;;
	*)	 cp "$dir/build/arch/$name/boot/$image" "$dir/vmlinuz" ;;
	esac
	find "$dir/build" -name scripts -prune -o \
		\( -name '*.o' -o -name '*.a' -o -name '.*.cmd' -o \
		   -name 'vmlinux*' -o -name '*Image*' \) -type f \
		! -name crtsavres.o -exec rm {} +
	echo "ARCH=$name CROSS_COMPILE=$cross" >"$dir/make-args"
	ln -s "$src" "$dir/source"
	sed -i "s|$dir|$final|g" "$dir/build/Makefile"
	"${make[@]}" -s kernelrelease >"$dir/version"
}

lock "kernel-$name" "the kernel $name"

# What version to use is asked once a week: a test run must not need the
# network, or change its kernel from one hour to the next.
known=$STT_CACHE/kernels/$name.version
if [ -z "${STT_REFRESH:-}" ] &&
   [ -n "$(find "$known" -mtime -7 2>/dev/null)" ]; then
	pkg=$(cat "$known")
else
	pkg=$(
		select_suite "$name"
		case $name in
		stock-*)
			case $name in
			*-rt) meta=$(candidate linux-image-rt-amd64) ;;
			*)    meta=$(candidate linux-image-amd64) ;;
			esac
			depends_on "$meta" '^linux-image' |
			sed "/=/! s/\$/=${meta#*=}/" ;;
		debug-*)
			candidate 'linux-source-6[.]12' ;;
		newest|source|arm64|powerpc)
			candidate 'linux-source-[0-9]+[.][0-9]+' ;;
		esac
	) || true
	if [ -n "$pkg" ]; then
		mkdir -p "${known%/*}"
		echo "$pkg" >"$known"
	elif ! pkg=$(cat "$known" 2>/dev/null); then
		die "no source for the kernel $name"
	fi
fi

revision=1
case $name in
stock-*)   fragments=() revision=2 ;;
debug-*)   fragments=("$configs/base.config" "$configs/debug.config") ;;
newest)    fragments=("$configs/base.config" "$configs/newest.config") ;;
arm64)	   cross=aarch64-linux-gnu- ;;&
powerpc)   cross=powerpc-linux-gnu- ;;&
arm64|powerpc)
	   fragments=("$configs/cross.config" "$configs/$name.config")
	   revision=2 ;;
source)
	select_suite "$name"
	unpack_source "$pkg"
	exit ;;
esac

# Raise the number when what make_stock or make_built leaves behind changes.
key=$(cat - "${fragments[@]}" < <(echo $revision; gcc -dumpfullversion) |
      sha256sum | cut -c1-8)
final=$STT_CACHE/kernels/$name-$(tr '~:' '--' <<<"${pkg#*=}")-$key

if [ ! -e "$final/version" ]; then
	select_suite "$name"
	say "making the kernel $name (${pkg/=/ })"
	start=$SECONDS
	# Should the mirror have moved on, the next run asks anew.
	rm -rf "$final" "$known"
	# An interrupted build goes on where it was.
	if [ -e "$final.tmp/obj/.configured" ] ||
	   [ -e "$final.tmp/build/.configured" ]; then
		say "resuming the build in $final.tmp"
	else
		rm -rf "$final.tmp"
	fi
	mkdir -p "$final.tmp"
	case $name in
	stock-*) make_stock "$final.tmp" "$pkg" ;;
	arm64|powerpc)
		make_cross "$final.tmp" "$pkg" "${fragments[@]}" ;;
	*)	 make_built "$final.tmp" "$pkg" "${fragments[@]}" ;;
	esac
	mv "$final.tmp" "$final"
	echo "$pkg" >"$known"
	took "kernel-$name" $((SECONDS - start))
	# Older kernels of this name are of little more use.
	find "$STT_CACHE/kernels" -maxdepth 1 -name "$name-[0-9]*" \
		-mtime +14 ! -path "$final" -exec rm -rf {} +
fi
case $name in
arm64|powerpc)
	select_suite "$name"
	unpack_source "$pkg" >/dev/null ;;
esac
echo "$final"
