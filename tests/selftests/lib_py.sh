# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For tests whose checks are written in Python: sourced after lib.sh.

[ -x /usr/bin/python3 ] || skip_all '/usr/bin/python3 is missing'

# py_checks SCRIPT [ARG]...: run a script of this directory. Each line that it
# begins with "ok - " or "not ok - " is a check of this test; lines behind it
# that begin with "#" say why. Anything that stops it halfway is a failure.
py_checks() {
	local script=$1 line ended=

	shift
	rm -f "${tmp:?}/pipe"
	mkfifo "$tmp/pipe"
	# Opening a pipe waits for the other end.
	PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -u \
		"${BASH_SOURCE[0]%/*}/$script" "$@" >"$tmp/pipe" 2>&1 &
	bg_pids+=($!)
	while IFS= read -r line; do
		case $line in
		'ok - '*' # SKIP '*)
			line=${line#ok - }
			skip "${line%% # SKIP *}" "${line#* # SKIP }" ;;
		'ok - '*)	ok "${line#ok - }" ;;
		'not ok - '*)	not_ok "${line#not ok - }" ;;
		'# end')	ended=yes ;;
		*)		echo "# ${line#\# }" ;;
		esac
	done <"$tmp/pipe"
	[ "$ended" ] || not_ok "$script $* ran to its end"
}

# quiet NS DEV...: a device that sends nothing by itself.
quiet() {
	local ns=$1 dev

	shift
	for dev in "$@"; do
		in_ns "$ns" sysctl -qw "net.ipv6.conf.$dev.disable_ipv6=1"
	done
}

# setup_wire OPTION...: after setup_pair, the devices that hand-made segments are
# sent to: in h2, stt4 on the IPv4 port and stt6 on the IPv6 port, with these
# options. They send nothing by themselves, and GRO is off.
# shellcheck disable=SC2154
setup_wire() {
	local dev

	quiet "$h2" default
	check 'IPv4 device' stt_add "$h2" stt4 "$@"
	check 'IPv6 device' stt_add "$h2" stt6 local :: "$@"
	for dev in stt4 stt6; do
		in_ns "$h2" ethtool -K $dev gro off >/dev/null
	done
}

# mac NS DEV
mac() {
	in_ns "$1" cat "/sys/class/net/$2/address"
}
