#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# proxy: requests for an address in the device's neighbour table are answered
# locally, as by vxlan; other requests do not get through.
#
#	c1              h1                              h2
#	eth0 .......... p1 - br0 - stt0 ............... stt0
#	10.0.0.10                                       10.0.0.2
#	fd00::10        eth0 192.0.2.1 -------- veth -- eth0 192.0.2.2
#
# kernels: all
# timeout: 300

# check calls functions.
# shellcheck disable=SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_py.sh"
require ping nft bridge

c1=''
mac1=02:00:00:00:00:01 mac2=02:00:00:00:00:02 mac3=02:00:00:00:00:03

setup_pair v4
new_ns c1
link_ns "$c1" eth0 "$h1" p1
ip -n "$c1" link set eth0 address $mac1
ip -n "$h1" link add br0 type bridge forward_delay 0 mcast_snooping 0
ip -n "$h1" link set br0 up
ip -n "$h1" link set p1 master br0
stt_add "$h1" stt0 id 1 remote "$a2" proxy
stt_add "$h2" stt0 id 1 remote "$a1"
ip -n "$h2" link set stt0 address $mac2
ip -n "$h1" link set stt0 master br0
addr "$c1" eth0 10.0.0.10/24 fd00::10/64
addr "$h2" stt0 10.0.0.2/24 fd00::2/64

# What comes to h2 by the tunnel.
wire "$h2" stt0 asked arp operation request
wire_more() {
	in_ns "$h2" nft -f - <<-END
	table netdev wire {
		counter w_ns { }
		counter w_tag { }
		counter w_reply { }
		chain w_asked {
			icmpv6 type nd-neighbor-solicit counter name w_ns
			vlan type arp counter name w_tag
			arp operation reply counter name w_reply
		}
	}
	END
}
wire_more

# asks ADDRESS: c1 learns where it is. (One ping may be lost: h2 asks back.)
asks() {
	ip -n "$c1" neigh flush dev eth0 >/dev/null 2>&1
	in_ns "$c1" ping -q -c 3 -i 0.3 -w 5 "$1" >/dev/null
}
knows() {
	ip -n "$c1" neigh show "$1" dev eth0 | grep -q "lladdr ${2:-$mac2}"
}
asks_in_vain() {
	ip -n "$c1" neigh flush dev eth0 >/dev/null 2>&1
	in_ns "$c1" ping -q -c 1 -W 1 "$1" >/dev/null
	! knows "$1" "..:"
}
dropped() { linkstat "$h1" stt0 tx_dropped; }

for dst in 10.0.0.2 fd00::2; do
	case $dst in
	*:*) counter=ns ;;
	*)   counter=asked ;;
	esac
	before=$(dropped)
	check "$dst: not in the table: no answer" asks_in_vain $dst
	check_num "$dst: counted" "$(dropped)" -gt "$before"
	ip -n "$h1" neigh replace $dst lladdr $mac2 dev stt0 nud permanent
	check "$dst: in the table: traffic flows" asks $dst
	check "$dst: the answer is the table's" knows $dst
	check_eq "$dst: no request reaches the other end" \
		"$(wired "$h2" $counter)" 0
	ip -n "$h1" neigh replace $dst lladdr $mac2 dev stt0 nud stale
	check "$dst: a stale entry is no answer" asks_in_vain $dst
	ip -n "$h1" neigh replace $dst lladdr $mac2 dev stt0 nud reachable
	check "$dst: reachable" asks $dst
done
ip -n "$h1" neigh replace fd00::2 lladdr $mac2 dev stt0 nud permanent
check 'no router' eval \
	"asks fd00::2; ! ip -n $c1 neigh show fd00::2 | grep -q router"
ip -n "$h1" neigh replace fd00::2 lladdr $mac2 dev stt0 nud permanent router
check 'a router' eval \
	"asks fd00::2; ip -n $c1 neigh show fd00::2 | grep -q router"
ip -n "$h1" neigh replace 10.0.0.2 lladdr $mac2 dev stt0 nud permanent

check_num 'answers of others get through' "$(wired "$h2" reply)" -gt 0

# --- odd requests -----------------------------------------------------------------

py_checks neigh_proxy.py "$c1"
check 'a request in a VLAN gets through' \
	wait_for 10 eval "[ \$(wired $h2 tag) -gt 0 ]"

# --- with the bridge's own ---------------------------------------------------------

bridge -n "$h1" link set dev stt0 neigh_suppress on
check 'neigh_suppress: from the table of stt0' eval "asks 10.0.0.2 && knows 10.0.0.2"
check 'neigh_suppress: ND' eval "asks fd00::2 && knows fd00::2"
ip -n "$h1" neigh replace 10.0.0.3 lladdr $mac3 dev br0 nud permanent
bridge -n "$h1" fdb replace $mac3 dev stt0 master static
ip -n "$c1" neigh flush dev eth0
in_ns "$c1" ping -q -c 1 -W 1 10.0.0.3 >/dev/null
check 'neigh_suppress: from the table of br0' knows 10.0.0.3 $mac3
check 'neigh_suppress: neither' asks_in_vain 10.0.0.4

# --- without ---------------------------------------------------------------------

before=$(wired "$h2" asked)
check 'noproxy' ip -n "$h1" link set stt0 type stt noproxy
ip -n "$h1" neigh del 10.0.0.2 dev stt0
check 'noproxy: traffic flows' asks 10.0.0.2
check_num 'noproxy: h2 was asked' "$(wired "$h2" asked)" -gt "$before"

tap_done
