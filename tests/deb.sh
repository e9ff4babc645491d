#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# deb.sh - the Debian packages: they build, lintian has nothing to say, and what
# they hold works from a root that they are unpacked into
#
# Nothing is installed; tests/deb-root.sh does that, in a Debian of its own.

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/vm/common.sh"
cd "$STT_TOP"

bad=0
fail() {
	echo "$*"
	bad=1
}

have_all() { command -v dh && command -v dh_dkms; } >/dev/null
have_all ||
	die 'debhelper or dh-dkms is missing'
mkdir -p build
make deb >build/deb.log 2>&1 || { tail -n 40 build/deb.log; exit 1; }
release=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
version=$(tools/version.sh)
[ "$(dpkg-parsechangelog -l debian/changelog -S Version)" = "$release" ] ||
	fail "debian/changelog is not of version $release"
grep -q "^## $release" CHANGELOG.md || fail "CHANGELOG.md has no $release"
case $version in
"$release"|"$release"+[0-9]*.g[0-9a-f]*) ;;
*)	fail "version $version does not grow out of $release" ;;
esac
dpkg --compare-versions "$version" ge "$release" ||
	fail "version $version is older than $release"

if command -v lintian >/dev/null; then
	said=$(lintian --allow-root --tag-display-limit 0 -I \
		build/deb/*.changes 2>&1) || true
	[ -z "$said" ] || fail "lintian: $said"
else
	say 'no lintian'
fi

root=build/deb/root
rm -rf "$root"
for pkg in stt-dkms stt-tools; do
	dpkg-deb -x build/deb/${pkg}_"${version}"_*.deb "$root"
	dpkg-deb --ctrl-tarfile build/deb/${pkg}_"${version}"_*.deb |
		tar -t >/dev/null
done

# All that the module is made of: what git has is there.
src=$root/usr/src/stt-$version
for f in Kbuild Makefile compat/probe.sh tools/version.sh stt_*.c include/*.h; do
	cmp -s "$f" "$src/$f" || fail "$f is not in stt-dkms"
done
[ "$("$src/tools/version.sh")" = "$version" ] ||
	fail "stt-dkms says it is $("$src/tools/version.sh")"
grep -q '^AUTOINSTALL="yes"' "$src/dkms.conf" || fail 'no AUTOINSTALL'
if grep -rIl 'tests/' "$src" --include='*.sh' | grep .; then
	fail 'tests are in stt-dkms'
fi

# ip learns the type from the package's plugin.
lib=$(dirname "$(find "$root" -name link_stt.so)")
said=$(IP_LIB_DIR=$lib ip link help stt 2>&1) || true
grep -q 'CONTEXT_ID' <<<"$said" || fail "ip does not load the plugin: $said"
words=$(tr -cs 'a-z0-9' '\n' <<<"$said" | sort -u)
man -l "$root/usr/share/man/man8/ip-link-stt.8.gz" >/dev/null 2>&1 ||
	! command -v man >/dev/null || fail 'no manual page'
said=$(tests/docs.sh "$root/usr/share/doc/stt-tools") || fail "$said"
if command -v systemd-analyze >/dev/null; then
	said=$(systemd-analyze verify "$root"/usr/lib/systemd/system/stt@.service \
		2>&1 | grep 'stt@' | grep -v "Command 'man" || true)
	[ -z "$said" ] || fail "$said"
fi

# complete WORD...: what bash offers for the last word.
complete() {
	bash --norc --noprofile -c '
		[ ! -r /usr/share/bash-completion/bash_completion ] ||
			. /usr/share/bash-completion/bash_completion
		. "$1"
		shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		COMP_LINE=$* COMP_POINT=${#COMP_LINE}
		_stt_ip ip "${!#}" "${COMP_WORDS[COMP_CWORD - 1]}"
		echo ${COMPREPLY[*]}' - \
		"$root/etc/bash_completion.d/stt" "$@" 2>&1
}
[[ " $(complete ip link add x type s) " == *' stt '* ]] ||
	fail "completion of a type: $(complete ip link add x type s)"
[ "$(complete ip link add x type stt no)" = \
  'nopartial noexternal nolearning noproxy nol2miss nol3miss nolocalbypass nogbp' ] ||
	fail "completion of an option: $(complete ip link add x type stt no)"
[ "$(complete ip link add x type stt id 5 df un)" = unset ] ||
	fail 'completion of a value'
for word in $(complete ip link add x type stt ''); do
	grep -qx "${word#no}" <<<"$words" || [ "$word" = help ] ||
		fail "completion knows $word, ip does not"
done

exit "$bad"
