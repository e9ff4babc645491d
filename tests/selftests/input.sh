#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Packets of a flow are taken early once it is known what the host does with
# them. What the host is told to do from then on holds at once: rules, routes,
# addresses, policies, devices (R1, R2a, R11).
#
#	h1                                            h2
#	stt0 10.0.0.1                                 stt0 10.0.0.2
#	eth0 192.0.2.1, 2001:db8::1 ----- veth ------ eth0 192.0.2.2, 2001:db8::2
#
# kernels: all
# timeout: 300

# check calls functions.
# shellcheck disable=SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
require nft ping

received() { ethstat "$h2" "${1:-stt0}" rx_frames; }
more_than() { [ "$(received "$1")" -gt $(($2 + 5)) ]; }
flows() { wait_for 10 more_than "${1:-stt0}" "$(received "${1:-stt0}")"; }

# What is on the way when something changes arrives before this looks.
stands() {
	local before

	sleep 0.2
	before=$(received "${1:-stt0}")
	sleep 0.5
	[ "$(received "${1:-stt0}")" -eq "$before" ]
}

counts() { [ "$(counter "$h2" "$1")" -gt $(($2 + 5)) ]; }

# delivered: packets that IP of this family delivered to a protocol.
delivered() {
	local name=Ip

	[ "$family" = v4 ] || name=Ip6
	in_ns "$h2" nstat -asz | awk -v n="${name}InDelivers" '$1 == n { print $2 }'
}

# Each frame is a segment here, and its inner packet is IPv4.
counted() {
	local frames packets each=1

	[ "$family" = v6 ] || each=2
	packets=$(delivered) frames=$(received)
	flows stt0 && frames=$(($(received) - frames)) &&
	[ $(($(delivered) - packets)) -ge $(((frames - 1) * each)) ]
}

nft_h2() { in_ns "$h2" nft "$@"; }
drop_in() {
	nft_h2 "add table inet t; add chain inet t c {
		type filter hook $1 priority $2; }
		add rule inet t c tcp dport 7471 counter drop"
}

policy() {
	ip -n "$h2" xfrm policy "$1" dir in src "$a1" dst "$a2" proto tcp \
		dport 7471 "${@:2}"
}

for family in v4 v6; do
	setup_pair $family
	case $family in
	v4) ip=(ip -n "$h2") length=24 ;;
	v6) ip=(ip -n "$h2" -6) length=64 ;;
	esac
	stt_add "$h1" stt0 id 1 remote "$a2"
	stt_add "$h2" stt0 id 1 remote "$a1"
	addr "$h1" stt0 10.0.0.1/24
	addr "$h2" stt0 10.0.0.2/24
	# h1 sends whatever becomes of h2.
	ip -n "$h1" neigh replace 10.0.0.2 dev stt0 lladdr \
		"$(in_ns "$h2" cat /sys/class/net/stt0/address)"
	ip -n "$h1" neigh replace "$a2" dev eth0 lladdr \
		"$(in_ns "$h2" cat /sys/class/net/eth0/address)"
	background in_ns "$h1" ping -q -i 0.01 10.0.0.2 >/dev/null
	check "$family: frames arrive" flows

	check "$family: the host counts segments that are taken early" counted
	nft_h2 add table inet t
	nft_h2 'add chain inet t c { type filter hook prerouting priority 0; }'
	check "$family: the host counts segments that pass rules" counted
	nft_h2 delete table inet t

	for hook in 'prerouting -300' 'prerouting 0' 'input 0'; do
		# shellcheck disable=SC2086
		drop_in $hook
		check "$family: a rule in $hook stops frames" stands
		check "$family: a rule in $hook counts them" \
			eval "nft_h2 list table inet t | grep -q 'packets [1-9]'"
		nft_h2 delete table inet t
		check "$family: without a rule in $hook frames arrive" flows
	done

	"${ip[@]}" addr del "$a2/$length" dev eth0
	check "$family: without the address they do not" stands
	addr "$h2" eth0 "$a2/$length"
	check "$family: with it they do" flows

	if [ $family = v4 ]; then
		in_ns "$h2" sysctl -qw net.ipv4.conf.eth0.rp_filter=1
		ip -n "$h2" route add blackhole "$a1"
		check "$family: nothing from where no route leads" stands
		ip -n "$h2" route del blackhole "$a1"
		check "$family: with the route they come" flows
		# Rules for what is local come after this one.
		ip -n "$h2" rule add pref 10 lookup local
		ip -n "$h2" rule del pref 0 lookup local
		check "$family: rules in another order change nothing" flows
		ip -n "$h2" rule add pref 5 from "$a1" iif eth0 prohibit
		check "$family: a routing rule stops them" stands
		ip -n "$h2" rule del pref 5
		check "$family: without it they come" flows

		# Settings that change no route.
		in_ns "$h2" sysctl -qw net.ipv4.conf.eth0.rp_filter=0
		ip -n "$h2" link add dum0 type dummy
		ip -n "$h2" link set dum0 up
		ip -n "$h2" route add "$a1" dev dum0
		check "$family: frames come by another way than replies go" flows
		in_ns "$h2" sysctl -qw net.ipv4.conf.eth0.rp_filter=1
		check "$family: rp_filter stops spoofed frames of a known sender at once" stands
		in_ns "$h2" sysctl -qw net.ipv4.conf.eth0.rp_filter=2
		check "$family: loose rp_filter lets frames in" flows
		in_ns "$h2" sysctl -qw net.ipv4.conf.all.rp_filter=1
		in_ns "$h2" sysctl -qw net.ipv4.conf.eth0.rp_filter=0
		check "$family: rp_filter of all devices stops frames of a known sender" stands
		in_ns "$h2" sysctl -qw net.ipv4.conf.all.rp_filter=0
		check "$family: without it frames come" flows
		ip -n "$h2" link del dum0
	fi

	before=$(counter "$h2" drop_policy)
	policy add tmpl proto esp mode transport
	check "$family: an IPsec policy stops frames (R2a)" stands
	check "$family: frames an IPsec policy stops are counted" wait_for 10 \
		counts drop_policy "$before"
	policy delete
	check "$family: without it they come" flows

	before=$(counter "$h2" drop_policy)
	ip -n "$h2" xfrm policy setdefault in block
	check "$family: a default policy of block stops frames (R2a)" stands
	check "$family: frames a default policy stops are counted" wait_for 10 \
		counts drop_policy "$before"
	in_ns "$h2" sysctl -qw "net.ipv${family#v}.conf.eth0.disable_policy=1"
	"${ip[@]}" addr del "$a2/$length" dev eth0
	addr "$h2" eth0 "$a2/$length"
	check "$family: frames arrive where policies are disabled" flows
	ip -n "$h2" xfrm policy setdefault in accept
	in_ns "$h2" sysctl -qw "net.ipv${family#v}.conf.eth0.disable_policy=0"

	stt_add "$h2" stt1 id 1 local "$a2" remote "$a1"
	check "$family: a device that fits better has them (R11)" flows stt1
	check "$family: the other does not" stands
	ip -n "$h2" link set stt1 type stt remote \
		"$([ $family = v4 ] && echo 192.0.2.9 || echo 2001:db8::9)"
	check "$family: when that changes its peer, the first has them" flows
	ip -n "$h2" link del stt1

	before=$(counter "$h2" drop_no_device)
	ip -n "$h2" link set stt0 down
	check "$family: down: counted" wait_for 10 counts drop_no_device \
		"$before"
	ip -n "$h2" link set stt0 up
	check "$family: frames arrive after the device is up again" flows
	stt_add "$h2" stt2 id 2 local "$a2"
	ip -n "$h2" link del stt0
	before=$(counter "$h2" drop_no_device)
	check "$family: deleted: counted" wait_for 10 counts drop_no_device \
		"$before"
	stt_add "$h2" stt0 id 1 local "$a2"
	check "$family: frames arrive at a device made anew" flows

	before=$(counter "$h2" drop_no_device)
	ip -n "$h2" link set stt0 type stt local \
		"$([ $family = v4 ] && echo 192.0.2.9 || echo 2001:db8::9)"
	check "$family: of another address: counted" wait_for 10 \
		counts drop_no_device "$before"
	teardown
done

tap_done
