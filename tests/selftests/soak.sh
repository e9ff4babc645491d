#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A bad network for a while: loss, reordering, duplication and corruption at
# the same time, both ways. Every datagram that arrives carries the hash of
# what it should be, every TCP transfer is compared whole: nothing corrupt is
# ever delivered, and what TCP sends arrives.
#
#	h1                  r                   h2
#	stt0 10.0.0.1                           stt0 10.0.0.2
#	eth0 ------- netem [ eth0 eth1 ] netem ------- eth0
#
# STT_SOAK_SECONDS=N for N seconds instead of 20 (each family gets half).
#
# kernels: all
# timeout: 300

. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_py.sh"
modprobe -q sch_netem

for family in v4 v6; do
	setup_routed $family
	check "$family: both ends" stt_pair
	ip -n "$h1" link set stt0 mtu 9000
	ip -n "$h2" link set stt0 mtu 9000
	for ns in "$h1" "$h2"; do
		one_by_one "$ns" eth0
		# Segments meet again in a GRO that has seen some of everything.
		in_ns "$ns" ethtool -K eth0 gro on >/dev/null
	done
	check "$family: the way is good" \
		wait_for 10 in_ns "$h1" ping -q -c 1 -W 2 10.0.0.2
	for dev in eth0 eth1; do
		in_ns "$r" tc qdisc add dev $dev root netem limit 10000 \
			delay 3ms 2ms loss 1% duplicate 2% corrupt 1% \
			reorder 20% || skip_all 'no netem'
	done
	py_checks soak.py "$h1" "$h2" "${STT_SOAK_SECONDS:-20}"
	check_num "$family: damaged packets came, and were refused" \
		"$(($(counter "$h2" drop_csum) + $(counter "$h1" drop_csum)))" \
		-gt 0
	check_num "$family: frames were put together" \
		"$(counter "$h2" reasm_ok)" -gt 0
	check_num "$family: others were delivered in parts" \
		"$(($(counter "$h2" partial_frames) +
		    $(counter "$h1" partial_frames)))" -gt 0
	in_ns "$h2" sed 's/^/# /' /proc/net/stt
	teardown
done

tap_done
