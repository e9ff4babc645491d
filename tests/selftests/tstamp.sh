#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Transmit time stamps (SO_TIMESTAMPING) of packets that go by a tunnel: each
# send gets its own, whether the NIC cuts frames (TSO) or software does.
#
#	h1: stt0 10.0.0.1 ----- STT ----- h2: stt0 10.0.0.2
#	eth0, TSO on or off               sinks for TCP and UDP
#
# kernels: all
# timeout: 200

# shellcheck disable=SC2119,SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_py.sh"
require ethtool

# sends NAME: with a tunnel over what was set up
sends() {
	stt_pair
	ip -n "$h1" link set stt0 mtu 8000
	ip -n "$h2" link set stt0 mtu 8000
	py_checks tstamp.py "$h1" "$h2" "$1"
	teardown
}

setup_pair v4
sends 'TSO on, v4'

for family in v4 v6; do
	setup_pair $family
	in_ns "$h1" ethtool -K eth0 tso off >/dev/null
	sends "TSO off, $family"
done

# The bridge says that it has TSO, its port has none.
setup_pair v4
in_ns "$h1" ethtool -K eth0 tso off >/dev/null
ip -n "$h1" link add br0 up type bridge
ip -n "$h1" addr flush dev eth0
ip -n "$h1" link set eth0 master br0
addr "$h1" br0 192.0.2.1/24
sends 'TSO off, below a bridge'
tap_done
