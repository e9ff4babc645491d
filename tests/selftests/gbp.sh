#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Group policy: the low 16 bits of a packet's mark, its security group, arrive
# in the mark of the packet that the peer delivers. nft and tc see the group
# there, the other bits of a mark stay, and a packet without a group has 0.
#
#	h1                                            h2
#	stt0 10.0.0.1 id 5 gbp                        stt0 10.0.0.2 id 5 gbp
#	eth0 192.0.2.1 ------------- veth ----------- eth0 192.0.2.2
#
# kernels: all
# timeout: 180

# shellcheck disable=SC2154 # namespaces are set by new_ns
. "${BASH_SOURCE[0]%/*}/lib.sh"
require nft ping tc

setup_pair v4

check 'devices with group policy' stt_pair id 5 gbp
check_eq 'ip shows gbp' "$(ip -n "$h1" -d link show stt0 |
	grep -o ' gbp' | xargs)" gbp
link_refused 'a device without it on its port' 'cannot share a port' id 6
link_refused 'an external one without it' 'cannot share a port' external
link_refused 'an id of 49 bits' 'leaves 48 bits' id 0x1000000000000 gbp
link_refused 'idbits 49' 'leaves 48 bits' external gbp idbits 49
check 'an id of 48 bits' ip -n "$h1" link add stt9 type stt \
	id 0xffffffffffff gbp
ip -n "$h1" link del stt9
check_refused 'gbp cannot change' 'cannot change' \
	ip -n "$h1" link set stt0 type stt nogbp
check 'a device without gbp on a port of its own' \
	ip -n "$h1" link add stt8 type stt id 5 dstport 7472
link_refused 'a device with it on a port without it' 'cannot share a port' \
	id 6 gbp dstport 7472
ip -n "$h1" link del stt8

# sends NS MARK: what leaves by stt0 has that mark. outer NS MARK: the packets
# of the underlay that come in have it.
sends() {
	in_ns "$1" nft -f - <<-EOF
	table inet groups
	delete table inet groups
	table inet groups {
		chain out {
			type filter hook output priority 0
			oifname "stt*" meta mark set $2
		}
	}
	EOF
}
outer() {
	in_ns "$1" nft -f - <<-EOF
	table netdev outer
	delete table netdev outer
	table netdev outer {
		chain in {
			type filter hook ingress device eth0 priority 0
			tcp dport 7471 meta mark set $2
		}
	}
	EOF
}

# arrives NAME MARK [PING-ARG]...: that is the mark of what h2 gets from h1.
arrives() {
	local name=$1 mark=$2

	shift 2
	in_ns "$h2" nft -f - <<-EOF
	table inet seen
	delete table inet seen
	table inet seen {
		counter as { }
		counter other { }
		chain in {
			type filter hook input priority -300
			iifname != "stt*" accept
			icmp type != echo-request accept
			meta mark $mark counter name as accept
			counter name other
		}
	}
	EOF
	in_ns "$h1" ping -q -c 3 -i 0.1 -W 2 "$@" 10.0.0.2 >/dev/null
	check_eq "$name" "$(in_ns "$h2" nft list counters |
		awk '$1 == "packets" { print $2 }' | xargs)" '3 0'
	in_ns "$h2" nft delete table inet seen
}

arrives 'no group' 0
sends "$h1" 0x123
arrives 'a group (nft)' 0x123
arrives 'a group, of frames in segments' 0x123 -s 6000
sends "$h1" 0x00450123
arrives 'only the low 16 bits go' 0x123
outer "$h2" 0xabcd7777
arrives 'the other bits of the mark stay' 0xabcd0123
sends "$h1" 0
arrives 'no group is none, whatever the underlay says' 0xabcd0000
in_ns "$h2" nft delete table netdev outer

# A rule by group, at the receiver, without an address in it.
sends "$h1" 0x123
in_ns "$h2" nft -f - <<-EOF
table inet guard {
	chain in {
		type filter hook input priority 0
		iifname "stt0" meta mark & 0xffff == 0x123 drop
	}
}
EOF
check_fails 'a rule keeps the group out' \
	in_ns "$h1" ping -q -c 1 -W 1 10.0.0.2
sends "$h1" '(meta mark & 0xffff0000) | 0x124'
check 'another group may in' in_ns "$h1" ping -q -c 1 -W 5 10.0.0.2
in_ns "$h2" nft delete table inet guard

in_ns "$h2" tc qdisc add dev stt0 clsact
in_ns "$h2" tc filter add dev stt0 ingress pref 1 handle 0x124 fw \
	action drop
in_ns "$h1" ping -q -c 2 -i 0.1 -W 1 10.0.0.2 >/dev/null
check_num 'a group (tc)' "$(in_ns "$h2" tc -s filter show dev stt0 ingress |
	awk '$1 == "Sent" { print $4; exit }')" -ge 2
in_ns "$h2" tc qdisc del dev stt0 clsact

# A mark that the namespace of the underlay set does not go to another one;
# the group does.
new_ns c
ip -n "$h2" link set stt0 netns "$c"
addr "$c" stt0 10.0.0.2/24
ip -n "$c" link set stt0 up
outer "$h2" 0xabcd7777
h2_was=$h2 h2=$c
arrives 'a device in another namespace' 0x124
h2=$h2_was
in_ns "$h2" nft delete table netdev outer
ip -n "$c" link del stt0

# On the wire: the upper 16 bits of the id.
stt_add "$h2" stt0 id 0x0124000000000005
in_ns "$h1" ping -q -c 2 -i 0.1 -W 1 10.0.0.2 >/dev/null
check_num 'on the wire the group is the upper 16 bits of the id' \
	"$(linkstat "$h2" stt0 rx_packets)" -ge 2
ip -n "$h2" link del stt0
stt_add "$h2" stt0 id 5 remote 192.0.2.1
before=$(counter "$h2" drop_no_device)
in_ns "$h1" ping -q -c 2 -i 0.1 -W 1 10.0.0.2 >/dev/null
check_num 'a device without group policy takes it for another id' \
	"$(counter "$h2" drop_no_device)" -ge $((before + 2))
ip -n "$h2" link del stt0

# External devices: id from the metadata, group from the mark.
ip -n "$h1" link del stt0
stt_add "$h1" stt0 external gbp
stt_add "$h2" stt0 external gbp
check_eq 'external: 48 bits for the id' "$(ip -n "$h1" -d link show stt0 |
	grep -oE 'idbits [0-9]+')" 'idbits 48'
for n in 1 2; do
	[ $n = 1 ] && ns=$h1 || ns=$h2
	addr "$ns" stt0 10.0.0.$n/32
	ip -n "$ns" route add 10.0.0.$((3 - n))/32 src 10.0.0.$n \
		encap ip id $(((1 << 48) - 1)) dst 192.0.2.$((3 - n)) dev stt0
done
sends "$h1" 0xfffe
arrives 'external: a group' 0xfffe
tap_done
