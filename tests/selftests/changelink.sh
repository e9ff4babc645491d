#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# ip link set DEV type stt: what can change while the device is up changes, and
# traffic goes on (INTERFACE, Link).
#
#	h1                                            h2
#	stt0 10.0.0.1                                 stt0 10.0.0.2
#	eth0 192.0.2.1, .11 --------- veth ---------- eth0 192.0.2.2, .22
#	     2001:db8::1, ::11                             2001:db8::2, ::22
#
# kernels: all
# timeout: 300

# check calls functions.
# shellcheck disable=SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
require nft

# change NAME OPTION... -- NS MATCH...: change h1's device while it sends, and
# packets that match come to h2 afterwards.
change() {
	local name=$1 options=()

	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	changes=$((changes + 1))
	check "$name: change" ip -n "$h1" link set stt0 type stt "${options[@]}"
	wire "$h2" eth0 c$changes "$@"
	check "$name: on the wire" wait_for 10 wire_saw "$h2" c$changes
}
wire_saw() { [ "$(wired "$1" "$2")" -gt 0 ]; }
changes=0

for family in v4 v6; do
	setup_pair $family
	if [ $family = v4 ]; then
		b1=192.0.2.11 b2=192.0.2.22 ip=ip
		ttl='ip ttl' dscp='ip dscp'
	else
		b1=2001:db8::11 b2=2001:db8::22 ip=ip6
		ttl='ip6 hoplimit' dscp='ip6 dscp'
	fi
	mask=$([ $family = v4 ] && echo 24 || echo 64)
	addr "$h1" eth0 "$b1/$mask"
	addr "$h2" eth0 "$b2/$mask"
	stt_add "$h1" stt0 id 1 local "$a1" remote "$a2"
	stt_add "$h2" stt0 id 1 remote "$a1"
	addr "$h1" stt0 10.0.0.1/24
	addr "$h2" stt0 10.0.0.2/24
	index=$(in_ns "$h1" cat /sys/class/net/stt0/ifindex)
	background in_ns "$h1" ping -q -i 0.01 -s 2500 10.0.0.2 >/dev/null
	mine="tcp dport 7471"

	change "$family: ttl" ttl 33 -- "$mine $ttl 33"
	change "$family: ttl inherit" ttl inherit -- "$mine $ttl 64"
	change "$family: ttl auto" ttl auto -- "$mine $ttl 64"
	change "$family: tos" tos 0x48 -- "$mine $dscp 0x12"
	change "$family: tos inherit" tos inherit -- "$mine $dscp 0"
	change "$family: nopartial" nopartial -- "$mine"
	if [ $family = v4 ]; then
		change "$family: df unset" df unset -- \
			"$mine ip frag-off & 0x4000 == 0"
		change "$family: df set" df set -- \
			"$mine ip frag-off & 0x4000 == 0x4000"
	else
		change "$family: flowlabel" flowlabel 0xabcde -- \
			"$mine ip6 flowlabel 0xabcde"
		change "$family: no flowlabel" flowlabel 0 -- \
			"$mine ip6 flowlabel != 0xabcde"
	fi
	change "$family: remote" remote $b2 -- "$mine $ip daddr $b2"
	check "$family: remote: the peer follows" \
		ip -n "$h2" link set stt0 type stt local $b2
	check "$family: remote: traffic flows" \
		in_ns "$h1" ping -q -c 2 -i 0.2 -W 5 10.0.0.2
	change "$family: local" local $b1 -- "$mine $ip saddr $b1"
	check "$family: local: the peer follows" \
		ip -n "$h2" link set stt0 type stt remote $b1
	check "$family: local: traffic flows" \
		in_ns "$h1" ping -q -c 2 -i 0.2 -W 5 10.0.0.2
	in_ns "$h1" nft -f - <<-END
	table inet fw {
		chain out {
			type filter hook output priority 0
			meta mark 0x77 $mine counter
		}
	}
	END
	check "$family: fwmark: change" \
		ip -n "$h1" link set stt0 type stt fwmark 0x77
	check "$family: fwmark: on the packets" wait_for 10 \
		eval "in_ns $h1 nft list table inet fw |
		      grep -q 'packets [1-9]'"
	check "$family: everything at once" ip -n "$h1" link set stt0 type stt \
		remote "$a2" local "$a1" ttl 5 tos 0x20 df set fwmark 0
	check "$family: everything: the peer follows" \
		ip -n "$h2" link set stt0 type stt local "$a2" remote "$a1"
	check "$family: everything: traffic flows" \
		in_ns "$h1" ping -q -c 2 -i 0.2 -W 5 10.0.0.2
	check_eq "$family: the device keeps its ifindex" \
		"$(in_ns "$h1" cat /sys/class/net/stt0/ifindex)" "$index"
	teardown
done

tap_done
