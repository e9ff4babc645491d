#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Frames go where the host's routing says, at any time: changed routes, rules,
# several next hops; and what cannot go anywhere is counted.
#
#	h1                                            h2
#	stt0 10.0.0.1                                 stt0 10.0.0.2
#	lo 203.0.113.1                                lo 203.0.113.2
#	eth0 192.0.2.1 ------------- veth ----------- eth0 192.0.2.2
#	eth1 198.51.100.1 ---------- veth ----------- eth1 198.51.100.2
#
# IPv6: lo 2001:db8:f::, eth0 2001:db8:1::, eth1 2001:db8:2::, 1 and 2.
#
# kernels: all
# timeout: 400

. "${BASH_SOURCE[0]%/*}/lib.sh"
require nft ping

# two_links FAMILY: the topology; v0 and v1 are h2's addresses on the links.
two_links() {
	new_ns h1 h2
	for n in 0 1; do
		link_ns "$h1" eth$n "$h2" eth$n
	done
	for n in 1 2; do
		[ $n = 1 ] && ns=$h1 || ns=$h2
		addr "$ns" eth0 192.0.2.$n/24 2001:db8:1::$n/64
		addr "$ns" eth1 198.51.100.$n/24 2001:db8:2::$n/64
		addr "$ns" lo 203.0.113.$n/32 2001:db8:f::$n/128
		in_ns "$ns" sysctl -qw net.ipv4.fib_multipath_hash_policy=1 \
			net.ipv6.fib_multipath_hash_policy=1
	done
	if [ "$1" = v4 ]; then
		a1=203.0.113.1 a2=203.0.113.2 v0=192.0.2.2 v1=198.51.100.2
		len=32 ip=(ip -n "$h1")
		ip -n "$h2" route add "$a1" via 198.51.100.1
	else
		a1=2001:db8:f::1 a2=2001:db8:f::2 v0=2001:db8:1::2
		v1=2001:db8:2::2 len=128 ip=(ip -n "$h1" -6)
		ip -n "$h2" route add "$a1" via 2001:db8:2::1
	fi
}

# no_routes: none to the peer any more.
no_routes() {
	while "${ip[@]}" route del "$a2" 2>/dev/null; do
		:
	done
}

# over NAME LINK [PING-ARGS]...: traffic flows, and only over eth0 or eth1.
over() {
	local name=$1 used=$2 other=$((1 - $2))

	shift 2
	# Inner IPv4 only: ARP has no TOS to inherit.
	wire "$h2" eth0 at0 tcp dport 7471 @th,400,16 0x0800
	wire "$h2" eth1 at1 tcp dport 7471 @th,400,16 0x0800
	check "$name: traffic flows" \
		in_ns "$h1" ping -q -c 3 -i 0.2 -W 5 "$@" 10.0.0.2
	check_num "$name: over eth$used" "$(wired "$h2" "at$used")" -ge 3
	check_eq "$name: not over eth$other" "$(wired "$h2" "at$other")" 0
	unwire "$h2"
}

# spreads NAME: many flows use both links, one flow one of them.
spreads() {
	wire "$h2" eth0 at0 tcp dport 7471
	wire "$h2" eth1 at1 tcp dport 7471
	# shellcheck disable=SC2016
	in_ns "$h1" bash -c 'for p in {1001..1100}; do
		echo x >/dev/udp/10.0.0.2/$p; done' 2>/dev/null
	check_num "$1: many flows use eth0 (W5)" "$(wired "$h2" at0)" -ge 15
	check_num "$1: many flows use eth1 (W5)" "$(wired "$h2" at1)" -ge 15
	unwire "$h2"
	wire "$h2" eth0 at0 tcp dport 7471
	wire "$h2" eth1 at1 tcp dport 7471
	in_ns "$h1" bash -c 'exec 3>/dev/udp/10.0.0.2/2000
		for n in {1..40}; do echo x >&3; done' 2>/dev/null
	# Neighbours may be asked for in between.
	check_num "$1: one flow uses one link (W5)" \
		"$(printf '%s\n' "$(wired "$h2" at0)" "$(wired "$h2" at1)" |
		   sort -n | head -n 1)" -le 3
	unwire "$h2"
}

for family in v4 v6; do
	two_links $family
	"${ip[@]}" route add $a2 via $v0 metric 10
	stt_pair id 1
	for ns in "$h1" "$h2"; do
		in_ns "$ns" sysctl -qw net.ipv6.conf.stt0.disable_ipv6=1
	done

	# Every packet is a frame, and no frame asks for neighbours.
	ip -n "$h1" neigh add 10.0.0.2 dev stt0 nud permanent \
		lladdr "$(in_ns "$h2" cat /sys/class/net/stt0/address)"

	over "$family: first route" 0
	background in_ns "$h1" ping -q -i 0.05 10.0.0.2 >/dev/null
	busy=$!
	"${ip[@]}" route replace $a2 via $v1 metric 10
	over "$family: another route under traffic" 1
	"${ip[@]}" route add $a2 via $v0 metric 5
	over "$family: a better route" 0
	ip -n "$h1" link set eth0 down
	over "$family: the device of the route goes down" 1
	kill $busy
	ip netns pids "$h1" | xargs -r kill
	ip -n "$h1" link set eth0 up
	[ $family = v4 ] || addr "$h1" eth0 2001:db8:1::1/64 2>/dev/null
	no_routes
	"${ip[@]}" route add $a2 via $v0

	# A rule that looks at the port, when routes are cached already.
	over "$family: before a rule" 0
	"${ip[@]}" route add $a2 via $v1 table 100
	"${ip[@]}" rule add ipproto tcp dport 7471 lookup 100
	over "$family: a rule for port 7471" 1
	"${ip[@]}" rule del ipproto tcp dport 7471 lookup 100
	over "$family: without it" 0
	"${ip[@]}" rule add tos 0x10 lookup 100
	over "$family: a rule for a TOS that STT has not" 0
	ip -n "$h1" link set stt0 type stt tos 0x10
	over "$family: a rule for a TOS that it has" 1
	ip -n "$h1" link set stt0 type stt tos inherit
	over "$family: tos inherit, inner 0" 0
	over "$family: tos inherit, inner 0x10" 1 -Q 0x10
	ip -n "$h1" link set stt0 type stt tos 0
	"${ip[@]}" rule del tos 0x10 lookup 100

	# Several next hops.
	"${ip[@]}" route replace $a2 nexthop via $v0 nexthop via $v1
	spreads "$family: two next hops"
	ip -n "$h1" nexthop add id 1 via $v0 dev eth0
	ip -n "$h1" nexthop add id 2 via $v1 dev eth1
	ip -n "$h1" nexthop add id 10 group 1/2
	no_routes
	"${ip[@]}" route add $a2 nhid 10
	spreads "$family: a next hop group"
	ip -n "$h1" nexthop replace id 10 group 2
	over "$family: a group of one" 1
	no_routes

	# Nowhere to go.
	before=$(ethstat "$h1" stt0 tx_no_route)
	errors=$(linkstat "$h1" stt0 tx_errors)
	check_fails "$family: no route" \
		in_ns "$h1" ping -q -c 2 -i 0.2 -W 1 10.0.0.2
	check_num "$family: no route: tx_no_route" \
		"$(ethstat "$h1" stt0 tx_no_route)" -gt "$before"
	check_num "$family: no route: tx_errors" \
		"$(linkstat "$h1" stt0 tx_errors)" -gt "$errors"
	for kind in unreachable blackhole prohibit; do
		"${ip[@]}" route add $kind $a2
		before=$(ethstat "$h1" stt0 tx_no_route)
		check_fails "$family: $kind" \
			in_ns "$h1" ping -q -c 1 -W 1 10.0.0.2
		check_num "$family: $kind: tx_no_route" \
			"$(ethstat "$h1" stt0 tx_no_route)" -gt "$before"
		no_routes
	done

	# Through itself.
	in_ns "$h1" sysctl -qw net.ipv6.conf.stt0.disable_ipv6=0
	"${ip[@]}" route add $a2 dev stt0
	before=$(ethstat "$h1" stt0 tx_loop)
	check_fails "$family: a route through itself" \
		in_ns "$h1" ping -q -c 2 -i 0.2 -W 1 10.0.0.2
	check_num "$family: through itself: tx_loop" \
		"$(ethstat "$h1" stt0 tx_loop)" -gt "$before"
	"${ip[@]}" route del $a2 dev stt0

	"${ip[@]}" route add $a2 via $v0
	over "$family: a route again" 0

	# The local address goes and comes back.
	ip -n "$h1" addr del $a1/$len dev lo
	before=$(ethstat "$h1" stt0 tx_frames)
	check_fails "$family: the local address is gone" \
		in_ns "$h1" ping -q -c 1 -W 1 10.0.0.2
	addr "$h1" lo $a1/$len
	over "$family: the local address is back" 0

	# Two devices, each the other's way: an end, and no crash.
	stt_add "$h1" stt1 id 5 local $a1 remote ${a2%2}15
	stt_add "$h1" stt2 id 6 local $a1 remote ${a2%2}16
	mac1=$(in_ns "$h1" cat /sys/class/net/stt1/address)
	"${ip[@]}" route add ${a2%2}15 dev stt2
	"${ip[@]}" route add ${a2%2}16 dev stt1
	"${ip[@]}" neigh replace ${a2%2}15 lladdr "$mac1" dev stt2 nud permanent
	"${ip[@]}" neigh replace ${a2%2}16 lladdr "$mac1" dev stt1 nud permanent
	addr "$h1" stt1 10.5.0.1/24
	ip -n "$h1" neigh add 10.5.0.2 lladdr "$mac1" dev stt1 nud permanent
	check_fails "$family: two devices through each other" \
		in_ns "$h1" ping -q -c 3 -i 0.2 -W 1 10.5.0.2
	ip -n "$h1" link del stt1
	ip -n "$h1" link del stt2
	over "$family: after that" 0

	# One without a peer.
	stt_add "$h1" stt3 id 7 local $a1
	addr "$h1" stt3 10.6.0.1/24
	check_fails "$family: a device without a peer" \
		in_ns "$h1" ping -q -c 1 -W 1 10.6.0.2
	check_num "$family: no peer: tx_no_route" \
		"$(ethstat "$h1" stt3 tx_no_route)" -gt 0

	# TTL: the route's, the host's, the inner one, a fixed one (W11).
	[ $family = v4 ] && field='ip ttl' || field='ip6 hoplimit'
	ttl() {
		local name=$1 want=$2

		shift 2
		wire "$h2" eth0 ttl "tcp dport 7471 $field $want"
		in_ns "$h1" ping -q -c 2 -i 0.2 -W 5 "$@" 10.0.0.2 >/dev/null
		check_num "$family: ttl $name" "$(wired "$h2" ttl)" -ge 2
		unwire "$h2"
	}
	ttl 'auto' 64
	in_ns "$h1" sysctl -qw net.ipv4.ip_default_ttl=99 \
		net.ipv6.conf.all.hop_limit=99 net.ipv6.conf.eth0.hop_limit=99
	ttl "auto, the host's" 99 -t 64
	"${ip[@]}" route replace $a2 via $v0 hoplimit 77
	ttl "auto, the route's" 77
	ip -n "$h1" link set stt0 type stt ttl inherit
	ttl 'inherit' 33 -t 33
	ip -n "$h1" link set stt0 type stt ttl 5
	ttl 'fixed' 5 -t 33
	teardown
done

tap_done
