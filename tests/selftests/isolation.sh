#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A frame reaches the device that it is for, and no other: many devices of all
# kinds, ids that differ in one bit, several peers, ports and namespaces, drawn
# at random and compared with what R11 says.
#
#	s                        r1, r2
#	frames from many         devices with or without remote and local, and
#	addresses, by hand       external ones; some moved to c1 and c2
#	eth0 ------ bridge ----- eth0, three addresses of each family
#
# kernels: all
# timeout: 300

# shellcheck disable=SC2154 # namespaces are set by new_ns
. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_py.sh"

new_ns s sw r1 r2 c1 c2
ip -n "$sw" link add br0 type bridge mcast_snooping 0
ip -n "$sw" link set br0 up
for ns in "$s" "$r1" "$r2"; do
	link_ns "$ns" eth0 "$sw" "p-${ns%-*}"
	ip -n "$sw" link set "p-${ns%-*}" master br0
done
for n in 1 2; do
	ns=r$n
	for a in 1 2 3; do
		addr "${!ns}" eth0 192.0.2.$n$a/24 2001:db8::$n:$a/64
	done
done
for ns in "$s" "$r1" "$r2" "$c1" "$c2"; do
	quiet "$ns" default
done
py_checks isolation.py "$s" "$r1" "$r2" "$c1" "$c2"
tap_done
