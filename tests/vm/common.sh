# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Shared by the scripts that run on the host: where things are, messages, and
# Debian packages from suites other than the machine's own.

STT_TOP=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
STT_CACHE=${STT_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/stt}

# No pyenv, ccache or the like in front of the distribution's own tools.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export STT_TOP STT_CACHE PATH
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive

say() { printf '%s\n' "# $*" >&2; }
die() { printf '%s\n' "${0##*/}: $*" >&2; exit 1; }

# Only one process fetches or builds a given thing; the others wait for it, and
# say for what (lock NAME [WHAT]). The lock lasts until the calling (sub)shell
# ends.
lock() {
	local fd start=$SECONDS

	mkdir -p "$STT_CACHE/locks"
	exec {fd}>"$STT_CACHE/locks/$1"
	flock -n "$fd" && return
	say "waiting for ${2:-$1}, which another run is at" \
	    "($STT_CACHE/locks/$1)"
	flock "$fd"
	say "waited $((SECONDS - start)) s for ${2:-$1}"
}

# How long things took the last time, by name; in the cache.
# took NAME SECONDS; last_time NAME: seconds, or nothing.
took() {
	mkdir -p "$STT_CACHE/times"
	echo "$2" >"$STT_CACHE/times/${1//[^a-zA-Z0-9._-]/_}"
}

last_time() {
	cat "$STT_CACHE/times/${1//[^a-zA-Z0-9._-]/_}" 2>/dev/null || true
}

# about SECONDS: in words.
about() {
	if [ "$1" -lt 90 ]; then
		echo "$1 s"
	else
		echo "$((($1 + 30) / 60)) minutes"
	fi
}

# The mirror the machine itself uses, whatever the format of its sources.
debian_mirror() {
	# shellcheck disable=SC1091
	. /etc/os-release
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(CODENAME) $(RELEASE) $(REPO_URI)' \
		'Created-By: Packages' |
	awk -v c="$VERSION_CODENAME" '$1 == c || $2 == c { print $3; exit }'
}

# apt_suite SUITE [source]: make the array APT hold options that let apt-get
# and apt-cache see this suite only. Nothing is ever installed from it.
APT=()
apt_suite() {
	local dir=$STT_CACHE/apt/$1${2:+-source} uri

	APT=(-qq -o "Dir::Etc::sourcelist=$dir/sources.list"
	     -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$dir/lists"
	     -o Dir::State::status=/dev/null
	     -o "Dir::Cache=$dir/cache" -o Acquire::Languages=none
	     -o APT::Sandbox::User=root -o Acquire::Retries=3)
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	if [ -z "$(find "$dir/fresh" -mmin -720 2>/dev/null)" ]; then
		uri=$(debian_mirror)
		[ -n "$uri" ] || die "no Debian mirror in the apt sources"
		printf 'deb%s [signed-by=%s] %s %s main\n' "${2:+-src}" \
			/usr/share/keyrings/debian-archive-keyring.gpg \
			"$uri" "$1" >"$dir/sources.list"
		apt-get "${APT[@]}" update >&2 ||
			die "cannot read the suite $1 from $uri"
		touch "$dir/fresh"
	fi
}

# The machine's own suites.
apt_own() {
	APT=(-qq -o APT::Sandbox::User=root -o Acquire::Retries=3)
	if [ -z "$(apt-cache show linux-image-amd64 2>/dev/null)" ]; then
		apt-get "${APT[@]}" update >&2
	fi
}

# fetch_debs DIR PACKAGE...: download into DIR, with the suite chosen last.
fetch_debs() {
	local dir=$1

	shift
	mkdir -p "$dir"
	(cd "$dir" && { apt-get "${APT[@]}" download "$@" >&2 ||
		{ apt-get "${APT[@]}" update >&2 &&
		  apt-get "${APT[@]}" download "$@" >&2; }; }) ||
		die "cannot download $*"
}

# firmware DIR: QEMU's arguments, one a line, for a PC that boots from the files
# in DIR/efi by the firmware in DIR/code.fd. Only system management mode, which
# wants a q35, writes to the variables that Secure Boot goes by, DIR/vars.fd.
firmware() {
	printf '%s\n' -machine q35,smm=on \
		-global driver=cfi.pflash01,property=secure,value=on \
		-drive "if=pflash,unit=0,format=raw,readonly=on,file=$1/code.fd" \
		-drive "if=pflash,unit=1,format=raw,file=$1/vars.fd" \
		-drive "if=none,id=efi,format=raw,readonly=on,file=fat:$1/efi" \
		-device virtio-blk-pci,drive=efi
}
