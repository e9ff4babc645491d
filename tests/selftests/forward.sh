#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Received frames go on (R12): to devices with and without TSO and
# scatter-gather, and into another tunnel. However the bytes of a frame were
# laid out when they came, the far end gets them, cut as the sender said.
#
# Here the segments are made by hand, so that their layout is known; TCP goes
# the same way in forward_tcp.sh.
#
#	h1                      h2                                  h3
#	hand-made segments      stt0 id 1 - br0 - out0 --- veth --- eth0
#	eth0 192.0.2.1 - veth - eth0 192.0.2.2
#	     2001:db8::1             2001:db8::2                    h4
#	                        stt2 id 2 - br1 - stt1 ==========   stt0
#	                        (stt6 and stt3: the same over IPv6)
#	                                          eth1 --- veth --- eth0
#	                        tap0 203.0.113.2                    203.0.113.130
#
# kernels: all
# timeout: 240

. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_py.sh"
require ethtool

bridge() {
	local ns=$1 br=$2 dev

	shift 2
	ip -n "$ns" link add "$br" type bridge mcast_snooping 0
	for dev in "$@"; do
		ip -n "$ns" link set "$dev" master "$br"
	done
	ip -n "$ns" link set "$br" up
}

setup_pair v4
new_ns h3 h4
# shellcheck disable=SC2154
{
	link_ns "$h2" out0 "$h3" eth0
	link_ns "$h2" eth1 "$h4" eth0
	addr "$h2" eth1 203.0.113.129/25
	addr "$h4" eth0 203.0.113.130/25
}
ip -n "$h1" link set eth0 mtu 9000
ip -n "$h2" link set eth0 mtu 9000
for ns in "$h2" "$h3" "$h4"; do
	quiet "$ns" default
done
quiet "$h2" out0
quiet "$h3" eth0
ip -n "$h2" link set out0 mtu 9000
ip -n "$h3" link set eth0 mtu 9000
# Nothing is lost here: a frame waits for its rest however slow the machine is.
check 'devices' stt_add "$h2" stt0 id 1 nopartial
check 'for IPv6 too' stt_add "$h2" stt6 id 1 local :: nopartial
check 'into the tunnel' stt_add "$h2" stt2 id 2 nopartial
check 'for IPv6 too' stt_add "$h2" stt3 id 2 local :: nopartial
check 'a tunnel to go on in' stt_add "$h2" stt1 id 77 remote 203.0.113.130
check 'the far end of a tunnel to go on in' stt_add "$h4" stt0 id 77 nopartial
for dev in stt0 stt6 stt2 stt3; do
	in_ns "$h2" ethtool -K $dev gro off >/dev/null
done
in_ns "$h4" ethtool -K stt0 gro off >/dev/null
bridge "$h2" br0 stt0 stt6 out0
bridge "$h2" br1 stt2 stt3 stt1
modprobe -q tun
py_checks forward.py layouts "$h1" "$h2" "$h3" "$h4"

tap_done
