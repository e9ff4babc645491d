#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A fuzzer (tests/fuzz) against the receive path, and then with the netlink
# interface beside it: damaged frames, segments, ICMP messages and inner
# packets, in all the layouts that taps and links can give them, and between
# them honest frames, which all have to arrive as they were sent. Memory stays
# within its limit and is given back; the kernel's log is looked at as for any
# test.
#
#	f                                                    s
#	t0 t1 t2   taps: plain, NAPI, NAPI with fragments
#	u0 -------------- veth, GRO and TSO ---------------- u1   hand-made packets
#	w0 -------------- veth, GRO, without SG ------------ w1   hand-made packets
#	stt4 (v4, id 1, from anybody), stt6 (v6), hon4, hon6 (id 2, from .200, ::c8)
#	  |__ br0 __ va0 -- veth without TSO --------------- va1  what is delivered,
#	          |_ vb0 -- veth without SG ---------------- vb1  cut in three ways
#	          |_ vc0 -- veth with all offloads --------- vc1
#	sttx: what is sent . . . . (by u0) . . . . . . . . . sttx
#
# What is sent follows from the seed, which is printed: STT_FUZZ_SEED repeats
# it, STT_FUZZ_SECONDS is how long each of the two runs takes.
#
# kernels: all
# timeout: 300

# check calls functions.
# shellcheck disable=SC2317,SC2154,SC2086
. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_py.sh"
require ethtool bridge
modprobe -q tun
[ -c /dev/net/tun ] || skip_all 'no taps'

top=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
fuzz=$top/build/fuzz/stt-fuzz
if [ ! -x "$fuzz" ]; then
	require cc make
	fuzz=$tmp/stt-fuzz
	check 'build the fuzzer' make -C "$top/tests/fuzz" OUT="$fuzz"
fi
case $STT_KERNEL in
debug*) seconds=${STT_FUZZ_SECONDS:-40} ;;
*)	seconds=${STT_FUZZ_SECONDS:-10} ;;
esac
seed=${STT_FUZZ_SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}

# Bad packets are reported by others too, and a serial console is slow.
sysctl -qw net.core.message_cost=5 kernel.printk_ratelimit=5

topology() {
	local dev ns

	new_ns f s
	for ns in "$f" "$s"; do
		in_ns "$ns" sysctl -qw net.ipv6.conf.default.accept_dad=0 \
			net.ipv6.conf.default.addr_gen_mode=1 \
			net.core.netdev_max_backlog=100000 2>/dev/null
	done
	for dev in u w va vb vc; do
		link_ns "$f" ${dev}0 "$s" ${dev}1 65535
	done
	addr "$f" lo 192.0.2.2/32 2001:db8::2/128
	addr "$f" u0 192.0.2.3/24 2001:db8::3/64
	addr "$s" u1 192.0.2.99/24 2001:db8::99/64
	in_ns "$s" ethtool -K u1 tso off >/dev/null
	in_ns "$s" ethtool -K w1 sg off tso off >/dev/null
	in_ns "$f" ethtool -K u0 gro on >/dev/null
	in_ns "$f" ethtool -K w0 gro on >/dev/null

	ip -n "$f" link add br0 type bridge
	ip -n "$f" link set br0 mtu 65535 up
	stt_add "$f" stt4 id 1 &&
	stt_add "$f" stt6 id 1 local :: &&
	stt_add "$f" hon4 id 2 local 192.0.2.2 remote 192.0.2.200 &&
	stt_add "$f" hon6 id 2 local 2001:db8::2 remote 2001:db8::c8 &&
	stt_add "$f" other id 1 dstport 7473 remote 192.0.2.12 &&
	stt_add "$f" sttx id 1 local 192.0.2.3 remote 192.0.2.99 dev u0 &&
	stt_add "$s" sttx id 1 local 192.0.2.99 remote 192.0.2.3 || return
	ip -n "$f" link set sttx mtu 65449
	ip -n "$s" link set sttx mtu 65449
	for dev in va0 vb0 vc0 stt4 stt6 hon4 hon6; do
		case $dev in
		v*) ;;
		*)  ip -n "$f" link set $dev mtu 65463 ;;
		esac
		ip -n "$f" link set $dev master br0
		bridge -n "$f" link set dev $dev learning off
		case $dev in
		v*) ;;
		*)  bridge -n "$f" link set dev $dev flood off mcast_flood off
		    bridge -n "$f" link set dev $dev bcast_flood off ;;
		esac
	done
	in_ns "$f" ethtool -K va0 tso off gso on >/dev/null
	in_ns "$f" ethtool -K vb0 sg off tso off gso on >/dev/null
}

# What the fuzzer came to: a run that reached nothing has shown nothing. How
# far it comes is a matter of the machine.
reached() {
	local name names missing='' packets

	packets=$(sed -n 's/.* rounds, \([0-9]*\) packets.*/\1/p' "$tmp/said")
	packets=${packets:-0} names='reasm_ok drop_csum'
	[ "$packets" -lt 1000 ] ||
		names+=' reasm_duplicate drop_offload drop_length drop_peer'
	[ "$packets" -lt 5000 ] ||
		names+=' reasm_overlap reasm_evicted partial_packets drop_header
			drop_version drop_no_device drop_ecn'
	for name in $names; do
		[ "$(counter "$f" $name)" -gt 0 ] || missing+=" $name"
	done
	[ -z "$missing" ] || echo "never:$missing"
	[ -z "$missing" ]
}

for mode in '' --netlink; do
	check "topology $mode" topology
	echo "# seed $seed"
	in_ns "$f" "$fuzz" --seed "$seed" --seconds "$seconds" $mode "$s" |
		tee "$tmp/said"
	check_eq "fuzz $mode" "${PIPESTATUS[0]}" 0
	in_ns "$f" sed 's/^/# /' /proc/net/stt
	check "every kind of drop was reached $mode" reached
	teardown
	# Another one, and again the same from the same seed.
	seed=$((seed + 1))
done

tap_done
