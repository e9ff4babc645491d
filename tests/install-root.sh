#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# install-root.sh [SUITE [WAY]...] - does installing work as README and
# docs/install.md print it, on a Debian that has nothing yet?
#
# SUITE is bookworm or trixie, by default the machine's own. A WAY is
#   hand      README, "Or by hand"
#   dkms      docs/install.md, "DKMS without packages"; a newer version takes
#             the place of the older one
#   package   README, "Debian 12 or 13, from packages"; likewise
# by default all. Each starts in a fresh root, runs the commands in the order in
# which they are printed, and looks for a module where that kernel's modprobe
# looks, a plugin that ip loads, and nothing left behind by the undoing.
#
# The roots come from the machine's mirror; a small one without any package of
# ours is kept in the cache. Needs root and mmdebstrap or debootstrap.

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/vm/common.sh"
cd "$STT_TOP"

suite=${1:-$(. /etc/os-release && echo "$VERSION_CODENAME")}
shift || true
ways=("$@")
[ $# -gt 0 ] || ways=(hand dkms package)
[ "$(id -u)" -eq 0 ] || die 'root is needed'
[ -e /usr/share/debootstrap/scripts/sid ] || command -v mmdebstrap >/dev/null ||
	die 'mmdebstrap is missing: apt install mmdebstrap'

mkdir -p build "$STT_CACHE/roots/$suite-debs/partial"
root=$STT_TOP/build/install-root
log=$STT_TOP/build/install-root.log
bad=0
way=''
fail() {
	echo "$suite, $way: $*"
	bad=1
}

finish() {
	local dir

	for dir in proc var/cache/apt/archives; do
		! mountpoint -q "$root/$dir" || umount -l "$root/$dir"
	done
}
# shellcheck disable=SC2317
at_exit() {
	finish
	[ "$bad" -ne 0 ] || rm -rf --one-file-system "$root"
}
trap at_exit EXIT

# base: print the archive of a root without anything in it.
base() {
	local tar=$STT_CACHE/roots/$suite.tar

	if [ -z "$(find "$tar" -mtime -7 2>/dev/null)" ]; then
		say "making a root of $suite, a minute or two"
		if command -v mmdebstrap >/dev/null; then
			mmdebstrap --quiet --variant=minbase "$suite" \
				"$tar.tmp.tar" "$(debian_mirror)" >"$log" 2>&1
		else
			rm -rf "$tar.dir"
			debootstrap --variant=minbase "$suite" "$tar.dir" \
				"$(debian_mirror)" >"$log" 2>&1 &&
			tar -C "$tar.dir" -cf "$tar.tmp.tar" . &&
			rm -rf "$tar.dir"
		fi || { tail -n 20 "$log"; die "no root of $suite"; }
		mv "$tar.tmp.tar" "$tar"
	fi
	echo "$tar"
}

# fresh: a new root with these sources in it, as a clone has them.
fresh() {
	local tar

	tar=$(base)
	finish
	rm -rf --one-file-system "$root"
	mkdir -p "$root"
	tar -C "$root" -xf "$tar" --exclude='./dev/*'
	mkdir -p "$root/root/stt"
	git -c safe.directory='*' ls-files -z --cached --others \
		--exclude-standard | xargs -0 cp --parents -t "$root/root/stt" -a
	printf '#!/bin/sh\nexec "$@"\n' >"$root/usr/local/bin/sudo"
	chmod 755 "$root/usr/local/bin/sudo"
	# Asked of apt on a terminal; what it downloads is kept for the next root.
	cat >"$root/etc/apt/apt.conf.d/90test" <<-'EOF'
	APT::Get::Assume-Yes "true";
	APT::Install-Recommends "false";
	APT::Sandbox::User "root";
	Binary::apt::APT::Keep-Downloaded-Packages "true";
	APT::Keep-Downloaded-Packages "true";
	Acquire::Retries "3";
	EOF
	mknod -m 666 "$root/dev/null" c 1 3
	mknod -m 666 "$root/dev/urandom" c 1 9
	ln -sfn /proc/self/fd "$root/dev/fd"
	mount -t proc proc "$root/proc"
	mount --bind "$STT_CACHE/roots/$suite-debs" \
		"$root/var/cache/apt/archives"
	inside apt-get -qq update >"$log" 2>&1
}

inside() {
	chroot "$root" /usr/bin/env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
		sh -c 'cd /root/stt && exec "$@"' - "$@" </dev/null
}

# blocks FILE TEXT: the command block behind the first line that has the text.
block() {
	awk -v text="$2" '
		!found && index($0, text) { found = 1; next }
		found && /^    / { sub(/^    /, ""); print; got = 1; next }
		found && got { exit }' "$1"
}

# as_printed FILE TEXT: run that block. What sets up more than files is not for
# a root.
as_printed() {
	local commands

	commands=$(block "$1" "$2")
	[ -n "$commands" ] || { fail "$1: no commands behind '$2'"; return 1; }
	commands=$(grep -v modprobe <<<"$commands")
	printf '%s\n' "$commands" >"$root/root/commands"
	inside sh -ec '. /root/commands' >"$log" 2>&1 || {
		fail "this fails: $commands"
		tail -n 25 "$log"
		return 1
	}
}

# The kernel whose headers are there.
release() {
	find "$root"/lib/modules/*/ -maxdepth 1 -name build -printf '%h\n' |
	sed 's|.*/||' | sort -V | tail -n 1
}

# module_is VERSION: where modprobe finds it, for the kernel it is for.
module_is() {
	local ver got

	ver=$(release)
	got=$(inside modinfo -k "$ver" -F version stt 2>&1) ||
		{ fail "no module for $ver: $got"; return; }
	[ "$got" = "$1" ] || fail "version $got is installed, not $1"
	got=$(inside modinfo -k "$ver" -F vermagic stt)
	[ "${got%% *}" = "$ver" ] || fail "$ver has a module for ${got%% *}"
	got=$(inside modinfo -k "$ver" -F alias stt)
	grep -qx rtnl-link-stt <<<"$got" || fail 'no alias rtnl-link-stt'
	got=$(find "$root/lib/modules" -name 'stt.ko*' | wc -l)
	[ "$got" -eq 1 ] || fail "$got modules are installed"
	got=$(inside ip link help stt 2>&1) || true
	grep -q CONTEXT_ID <<<"$got" || fail "ip does not know the type: $got"
}

# What there is, less what apt, depmod and the build itself leave.
listing() {
	(cd "$root" && find . -xdev \( -path ./proc -o -path ./var/cache \
		-o -path ./var/log -o -path ./tmp -o -path ./root \
		-o -path ./var/lib/apt -o -path ./var/lib/dpkg \
		-o -path ./var/lib/dkms -o -name 'modules.*' \
		-o -name 'ld.so.cache*' \) -prune -o -print | sort)
}

undone() {
	listing | diff "$STT_TOP/build/install-root.before" - >"$log" ||
		{ fail 'left behind:'; grep '^[<>]' "$log" | head -n 20; }
}

# noise: nothing that looks like a failure is said on the way.
noise() {
	# A root that has headers only has no lists of the kernel's modules.
	! grep -vE '^make|modules\.(order|builtin)' "$log" |
		grep -iE 'sign-file|System\.map|BTF|cannot|no such file|fail' ||
		fail 'the output above looks like a failure'
}

set_version() {
	sed -i "s/^PACKAGE_VERSION=.*/PACKAGE_VERSION=\"$1\"/" \
		"$root/root/stt/dkms.conf"
}

# In front of the first make, of each way: what a clone has been given.
packages_of() {
	block "$1" "$2" | grep 'apt install' | grep -v build/deb
}

by_hand() {
	printf '%s\n' "$(packages_of README.md 'Or by hand')" \
		>"$root/root/commands"
	inside sh -ec '. /root/commands' >"$log" 2>&1 ||
		{ fail 'the packages cannot be installed'; tail "$log"; return; }
	listing >build/install-root.before
	as_printed README.md 'Or by hand' || return 0
	noise
	module_is "$version"
	inside make uninstall >"$log" 2>&1 || fail "uninstall: $(tail "$log")"
	undone
}

by_dkms() {
	as_printed docs/install.md '## DKMS without packages' || return 0
	module_is "$version"
	set_version 9.9
	as_printed docs/install.md '## DKMS without packages' || return 0
	module_is 9.9
	[ "$(inside dkms status stt | wc -l)" -eq 1 ] ||
		fail "more than one version: $(inside dkms status stt)"
	inside make uninstall >"$log" 2>&1 || fail "uninstall: $(tail "$log")"
	[ -z "$(find "$root"/lib/modules "$root"/usr/src \
		-name 'stt*')" ] || fail "left behind: $(find \
		"$root"/lib/modules "$root"/usr/src -name 'stt*')"
}

by_package() {
	as_printed README.md 'from packages' || return 0
	module_is "$version"
	set_version 9.9
	as_printed README.md 'from packages' || return 0
	module_is 9.9
	inside apt-get -qq purge stt-dkms stt-tools >"$log" 2>&1 ||
		fail "purge: $(tail "$log")"
	[ -z "$(find "$root"/lib/modules "$root"/usr/src -name 'stt*')" ] ||
		fail 'purging leaves modules behind'
}

version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
for way in "${ways[@]}"; do
	start=$SECONDS
	fresh
	case $way in
	hand)	 by_hand ;;
	dkms)	 by_dkms ;;
	package) by_package ;;
	*)	 die "unknown way $way" ;;
	esac
	say "$suite, $way: $((SECONDS - start)) s"
done
exit "$bad"
