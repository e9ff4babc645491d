#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What looks like STT and is not, and STT that hides (R1): the host's own TCP,
# TCP that is forwarded, other ports, what the host's filter refuses, IPv6
# extension headers, fragments.
#
#	h1                         h2 forwards                    h3
#	eth0 192.0.2.1 --- veth -- eth0 192.0.2.2
#	     2001:db8::1                2001:db8::2
#	                           eth1 198.51.100.2 --- veth --- eth0 198.51.100.3
#	                                2001:db8:1::2                  2001:db8:1::3
#	                           stt4 and stt6, port 7471
#
# kernels: all
# timeout: 180

. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_py.sh"
require ethtool nft

setup_pair v4
new_ns h3
# shellcheck disable=SC2154
link_ns "$h2" eth1 "$h3" eth0
addr "$h2" eth1 198.51.100.2/24 2001:db8:1::2/64
addr "$h3" eth0 198.51.100.3/24 2001:db8:1::3/64
in_ns "$h2" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
ip -n "$h1" route add 198.51.100.0/24 via 192.0.2.2
ip -n "$h1" -6 route add 2001:db8:1::/64 via 2001:db8::2
ip -n "$h3" route add 192.0.2.0/24 via 198.51.100.2
ip -n "$h3" -6 route add 2001:db8::/64 via 2001:db8:1::2
setup_wire id 1

py_checks wire_rx_tcp.py "$h1" "$h2" "$h3"

tap_done
