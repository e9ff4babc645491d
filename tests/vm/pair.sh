#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# pair.sh [OPTION]... [--] COMMAND [ARG]... - run a command in a VM that has a
# second one beside it, on one Ethernet link
#
#   VM 1: COMMAND           eth0 192.0.2.1 ---- eth0 192.0.2.2    VM 2: peer.sh
#                                2001:db8::1         2001:db8::2
#
# Options are those of vm.sh, for both. The link is a bridge with two taps in a
# network namespace of its own: nothing of this machine's network is touched,
# but it takes root. VM 2 does what VM 1 says (peer.sh), and ends with it. The
# exit status is that of VM 1, or of VM 2 where that is worse.

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/common.sh"
here=$STT_TOP/tests/vm

if [ -z "${STT_PAIR_NETNS:-}" ]; then
	[ "$(id -u)" -eq 0 ] || die "needs root, for two taps and a bridge"
	STT_PAIR_NETNS=1 exec unshare -n "$here/pair.sh" "$@"
fi

options=() out='' keep_out=1
while [ $# -gt 0 ]; do
	case $1 in
	-o) out=$2; shift ;;
	--) shift; break ;;
	--icount) options+=("$1") ;;
	-*) options+=("$1" "$2"); shift ;;
	*)  break ;;
	esac
	shift
done
[ $# -gt 0 ] || die "no command"
if [ -z "$out" ]; then
	out=$(mktemp -d "${TMPDIR:-/tmp}/stt-pair.XXXXXX")
	keep_out=
fi
mkdir -p "$out/1" "$out/2"

ip link set lo up
ip link add br0 type bridge
ip link set br0 up
for i in 1 2; do
	ip tuntap add "tap$i" mode tap vnet_hdr
	ip link set "tap$i" master br0 up
done

"$here/vm.sh" "${options[@]}" -o "$out/2" -n tap2,52:54:00:00:00:02 \
	-e STT_VM=2 -- tests/vm/peer.sh >"$out/2.log" 2>&1 &
peer=$!
trap 'kill $peer 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM

ln -sfn 1/output.log "$out/output.log"
rc=0
"$here/vm.sh" "${options[@]}" -o "$out/1" -n tap1,52:54:00:00:00:01 \
	-e STT_VM=1 -- tests/vm/peer.sh "$@" || rc=$?
# A VM 1 that died has not told the other one to end.
[ "$rc" -ne 125 ] || kill "$peer" 2>/dev/null || true
rc2=0
wait "$peer" || rc2=$?
if [ "$rc2" -ne 0 ]; then
	sed 's/^/[VM 2] /' "$out/2.log" >&2
	[ "$rc" -ne 0 ] || rc=$rc2
fi
if [ "$rc" -eq 0 ] && [ -z "$keep_out" ]; then
	rm -rf "$out"
fi
exit "$rc"
