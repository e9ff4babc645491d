#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# ICMP redirects (W15): a tunnel takes the better first hop that its router
# names, as a socket does, where the host accepts redirects at all; forged
# messages change nothing.
#
#	h1                      r                      h2
#	stt0 10.0.0.1 ---------------- STT ----------- stt0 10.0.0.2
#	eth0 192.0.2.1/25       eth0 192.0.2.126       eth0 192.0.2.130/25
#	     2001:db8:1::1           192.0.2.254            2001:db8:2::2
#	                             fe80::ff
#	  |                       |                      |
#	  `------------------- switch -------------------'
#
# h1 reaches h2 by r, on the link that all three are on.
#
# kernels: all
# slow: yes
# timeout: 200

# new_ns and check name variables and functions.
# shellcheck disable=SC2119,SC2154,SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_py.sh"
require nft ping

# accept 0|1: whether h1 accepts redirects
accept() {
	in_ns "$h1" sysctl -qw net.ipv4.conf.{all,eth0}.accept_redirects="$1" \
		net.ipv6.conf.eth0.accept_redirects="$1"
}

# one_link FAMILY
one_link() {
	local ns n=0

	new_ns h1 r h2 switch
	ip -n "$switch" link add br0 up type bridge
	for ns in "$h1" "$r" "$h2"; do
		n=$((n + 1))
		link_ns "$ns" eth0 "$switch" "port$n"
		ip -n "$switch" link set "port$n" master br0
	done
	addr "$h1" eth0 192.0.2.1/25 2001:db8:1::1/64
	addr "$r" eth0 192.0.2.126/25 192.0.2.254/25 fe80::ff/64 \
		2001:db8:1::ff/64 2001:db8:2::ff/64
	addr "$h2" eth0 192.0.2.130/25 2001:db8:2::2/64
	in_ns "$r" sysctl -qw net.ipv4.ip_forward=1 \
		net.ipv6.conf.all.forwarding=1 \
		net.ipv4.conf.{all,eth0}.send_redirects=1
	accept 0
	ip -n "$h2" route add 192.0.2.0/25 dev eth0
	ip -n "$h2" -6 route add 2001:db8:1::/64 dev eth0
	if [ "$1" = v4 ]; then
		a1=192.0.2.1 a2=192.0.2.130 gw=192.0.2.126 net=192.0.2.128/25
	else
		a1=2001:db8:1::1 a2=2001:db8:2::2 gw=fe80::ff
		net=2001:db8:2::/64
	fi
}

pings() { in_ns "$h1" ping -q -c "$1" -i 0.2 -W 5 10.0.0.2; }

# by_router: of five more packets that h1 sends, how many go by r
by_router() {
	wire "$r" eth0 seen tcp dport 7471 ether saddr "$(mac "$h1" eth0)"
	pings 5 >/dev/null
	wired "$r" seen
	unwire "$r"
}

# The neighbour that a redirect names has to be found first: the first one only
# starts that.
straight() {
	pings 5
	[ "$(by_router)" -eq 0 ]
}

# follows NAME
follows() {
	check_num "$1: accept_redirects off: packets go by the router" \
		"$(by_router)" -ge 5
	accept 1
	check "$1: packets go directly after a redirect (W15)" \
		wait_for 20 straight
}

for family in v4 v6; do
	one_link $family
	ip -n "$h1" route add $net via $gw dev eth0
	stt_pair
	follows "$family"
	teardown

	one_link $family
	ip -n "$h1" route add $net via $gw dev eth0
	stt_pair dev eth0
	follows "$family, dev"
	teardown

	# Only marked packets have this route.
	one_link $family
	ip -n "$h1" route add $net via $gw dev eth0 table 100
	ip -n "$h1" "-${family#v}" rule add fwmark 7 lookup 100
	stt_pair fwmark 7
	follows "$family, fwmark"
	teardown

	one_link $family
	ip -n "$h1" link add blue type vrf table 10
	ip -n "$h1" link set blue up
	ip -n "$h1" link set eth0 master blue
	[ $family = v4 ] || addr "$h1" eth0 "$a1/64"
	ip -n "$h1" route add $net via $gw dev eth0 vrf blue
	stt_pair dev eth0
	follows "$family, VRF"
	teardown

	# What the host's firewall drops.
	one_link $family
	ip -n "$h1" route add $net via $gw dev eth0
	stt_pair
	in_ns "$h1" nft -f - <<-'END'
	table inet fw {
		chain input {
			type filter hook input priority 0
			icmp type redirect drop
			icmpv6 type nd-redirect drop
		}
	}
	END
	accept 1
	pings 5 >/dev/null
	check_num "$family: packets go by the router if a firewall drops redirects" \
		"$(by_router)" -ge 5
	# r stops sending them: those that follow are made by hand.
	in_ns "$r" sysctl -qw net.ipv4.conf.{all,eth0}.send_redirects=0
	in_ns "$r" nft -f - <<-'END'
	table inet fw {
		chain output {
			type filter hook output priority 0
			icmpv6 type nd-redirect drop
		}
	}
	END
	in_ns "$h1" nft delete table inet fw
	py_checks redirect.py "$h1" "$r" "$h2" "$a1" "$a2" "$gw"
	teardown
done
tap_done
