#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# External mode driven by eBPF: compiled programs set the tunnel key of what is
# sent, and let nothing pass that did not come with the right one.
#
#	h1                                            h2
#	stt0 external 10.0.0.1                        stt0 external 10.0.0.2
#	  egress: bpf_skb_set_tunnel_key                the same
#	  ingress: bpf_skb_get_tunnel_key
#	eth0 192.0.2.1 ------------- veth ----------- eth0 192.0.2.2
#	     2001:db8::1                                   2001:db8::2
#
# kernels: all
# timeout: 240

. "${BASH_SOURCE[0]%/*}/lib.sh"
require clang tc ping iperf3

# compile NAME [FLAG]...
# shellcheck disable=SC2317
compile() {
	local name=$1

	shift
	clang -O2 -target bpf -I"/usr/include/$(uname -m)-linux-gnu" \
		-D'SEC(name)=__attribute__((section(name), used))' \
		-D'__always_inline=inline __attribute__((always_inline))' \
		-DID=0xfedcba98 -DTOS=0x48 -DTTL=77 "$@" -Wall -Werror \
		-c "${BASH_SOURCE[0]%/*}/external_bpf.c" -o "$tmp/$name.o"
}

check 'the programs compile' compile right -DLABEL=0x54321
check 'programs that expect other metadata compile' \
	compile wrong -DLABEL=0x54322

# programs NS N FAMILY OBJECT
programs() {
	local ns=$1 n=$2 fam=$3 get=$4

	in_ns "$ns" tc qdisc replace dev stt0 clsact
	in_ns "$ns" tc filter del dev stt0 egress 2>/dev/null
	in_ns "$ns" tc filter del dev stt0 ingress 2>/dev/null
	in_ns "$ns" tc filter add dev stt0 egress bpf direct-action \
		object-file "$tmp/right.o" section "tc/set${fam}_$n" &&
	in_ns "$ns" tc filter add dev stt0 ingress bpf direct-action \
		object-file "$tmp/$get.o" section "tc/get${fam}_$n"
}

setup_pair v4
stt_add "$h1" stt0 external
stt_add "$h2" stt0 external
addr "$h1" stt0 10.0.0.1/24
addr "$h2" stt0 10.0.0.2/24
iperf_server "$h2"
for fam in 4 6; do
	check "IPv$fam: h1's programs" programs "$h1" 1 $fam right
	check "IPv$fam: h2's programs" programs "$h2" 2 $fam right
	check "IPv$fam: id, addresses, tos, ttl and label arrive" \
		in_ns "$h1" ping -q -c 3 -i 0.2 10.0.0.2
	before=$(ethstat "$h1" stt0 tx_tso)
	check "IPv$fam: TCP" in_ns "$h1" iperf3 -c 10.0.0.2 -n 4M
	check_num "IPv$fam: frames are left to TSO" \
		"$(ethstat "$h1" stt0 tx_tso)" -gt "$before"
done
programs "$h2" 2 6 wrong
check_fails 'a key that differs is seen to' \
	in_ns "$h1" ping -q -c 2 -i 0.2 -W 1 10.0.0.2

# What a program asks for is refused where the device is told so.
for ns in "$h1" "$h2"; do
	ip -n "$ns" link del stt0
done
stt_add "$h1" stt0 external idbits 31
addr "$h1" stt0 10.0.0.1/24
programs "$h1" 1 4 right
ip -n "$h1" neigh add 10.0.0.2 lladdr 02:00:00:00:00:02 dev stt0
before=$(ethstat "$h1" stt0 tx_bad_key)
in_ns "$h1" ping -q -c 2 -i 0.2 -W 1 10.0.0.2 >/dev/null
check_num 'an id of 32 bits where idbits is 31: counted' \
	"$(ethstat "$h1" stt0 tx_bad_key)" -ge $((before + 2))
tap_done
