#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Receive packet steering of the tunnel device, above a NIC with several queues:
# the queue that a frame came in by is the NIC's, not the tunnel's.
#
#	h1                                       h2
#	stt0 10.0.0.1                            stt0 10.0.0.2, RPS on rx-0
#	eth0, 4 queues --------- veth ---------- eth0, 4 queues
#
# kernels: all
# timeout: 300

# check calls functions.
# shellcheck disable=SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
require ping ethtool python3

[ "$(nproc)" -gt 1 ] || skip_all 'RPS needs two CPUs'
cpus=$(printf %x $(((1 << $(nproc)) - 1)))

# A pair of hosts whose NICs have several queues.
setup_queues() {
	new_ns h1 h2
	ip link add name eth0 netns "$h1" numtxqueues 4 numrxqueues 4 \
		type veth peer name eth0 netns "$h2" numtxqueues 4 numrxqueues 4
	ip -n "$h1" link set eth0 up
	ip -n "$h2" link set eth0 up
	addr "$h1" eth0 192.0.2.1/24 2001:db8::1/64
	addr "$h2" eth0 192.0.2.2/24 2001:db8::2/64
	case $1 in
	v4) a1=192.0.2.1 a2=192.0.2.2 ;;
	v6) a1=2001:db8::1 a2=2001:db8::2 ;;
	esac
}

set_mask() {
	# shellcheck disable=SC2016
	in_ns "$1" sh -c 'echo "$1" >"/sys/class/net/$2"' sh "$3" "$2"
}

# send_by QUEUE: all that h1 sends leaves by this queue of its eth0.
send_by() {
	local q

	for q in 0 1 2 3; do
		set_mask "$h1" "eth0/queues/tx-$q/xps_cpus" 0
	done
	set_mask "$h1" "eth0/queues/tx-$1/xps_cpus" "$cpus"
}

# send SIZE: 200 datagrams of 50 flows over the tunnel.
send() {
	in_ns "$h1" python3 - "$1" <<-'END'
	import socket, sys
	for i in range(200):
	    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
	        s.sendto(bytes(int(sys.argv[1])), ("10.0.0.2", 9000 + i % 50))
	END
}

# spreads SIZE: RPS takes its part of such datagrams. What is counted is how
# often another CPU was woken: a busy one takes many datagrams at once.
spreads() {
	local before

	before=$(steered)
	for _ in {1..50}; do
		send "$1"
		[ $(($(steered) - before)) -le 20 ] || return 0
	done
	return 1
}

for family in v4 v6; do
	setup_queues $family
	stt_pair
	set_mask "$h2" stt0/queues/rx-0/rps_cpus "$cpus"
	check "$family: the tunnel works" \
		in_ns "$h1" ping -q -c 2 -i 0.2 -W 5 10.0.0.2
	for queue in 0 1 3; do
		send_by $queue
		check "$family: whole frames of NIC queue $queue are steered" \
			spreads 300
	done
	# Each frame is two segments, which h2 puts together.
	one_by_one "$h1" eth0
	in_ns "$h2" ethtool -K eth0 gro off
	before=$(ethstat "$h2" stt0 rx_reassembled)
	check "$family: reassembled frames of NIC queue 3 are steered" \
		spreads 2000
	check_num "$family: frames were reassembled" \
		"$(ethstat "$h2" stt0 rx_reassembled)" -gt $((before + 20))

	# A tunnel with queues of its own, fewer than the NIC's. The kernel warns
	# of a queue that a device does not have, which fails the test.
	ip -n "$h2" link del stt0
	ip -n "$h2" link add stt0 numtxqueues 2 numrxqueues 2 type stt id 1 \
		local "$a2" remote "$a1"
	ip -n "$h2" link set stt0 up
	addr "$h2" stt0 10.0.0.2/24
	ip -n "$h1" neigh flush dev stt0
	set_mask "$h2" stt0/queues/rx-0/rps_cpus "$cpus"
	set_mask "$h2" stt0/queues/rx-1/rps_cpus "$cpus"
	check "$family: frames reach a tunnel with fewer queues than the NIC" \
		in_ns "$h1" ping -q -c 2 -i 0.2 -W 5 10.0.0.2
	check "$family: frames for a tunnel with two queues are steered" \
		spreads 300
	teardown
done

tap_done
