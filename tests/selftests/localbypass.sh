#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Traffic to the same host: handed over directly with localbypass, through the
# stack without; and loops, which are refused and counted.
#
#	h
#	lo 203.0.113.1, .2     2001:db8::1, ::2
#	stt1 id 7 from .1 to .2, moved to t1: 10.0.0.1, fd00::1
#	stt2 id 7 from .2 to .1, moved to t2: 10.0.0.2, fd00::2
#
# kernels: all
# timeout: 400

# shellcheck disable=SC2154 # namespaces are set by new_ns
. "${BASH_SOURCE[0]%/*}/lib.sh"
require nft ping iperf3

# through_lo: packets for the port that lo saw
through_lo() { echo $(($(wired "$h" lo4) + $(wired "$h" lo6))); }

run() {
	local fam=$1 x1=$2 x2=$3 before

	new_ns h t1 t2
	addr "$h" lo 203.0.113.1/32 203.0.113.2/32 2001:db8::1/128 \
		2001:db8::2/128
	ip -n "$h" link add stt1 type stt id 7 local "$x1" remote "$x2"
	ip -n "$h" link add stt2 type stt id 7 local "$x2" remote "$x1"
	for n in 1 2; do
		ns=t$n
		ip -n "$h" link set stt$n netns "${!ns}"
		addr "${!ns}" stt$n 10.0.0.$n/24 fd00::$n/64
		ip -n "${!ns}" link set stt$n up
	done
	wire "$h" lo lo4 meta protocol ip tcp dport 7471
	wire "$h" lo lo6 meta protocol ip6 tcp dport 7471

	check "$fam: ping" in_ns "$t1" ping -q -c 3 -i 0.2 10.0.0.2
	check "$fam: ping, inner IPv6" in_ns "$t1" ping -q -c 3 -i 0.2 fd00::2
	# Before both were up, packets could not be delivered.
	before=$(linkstat "$t1" stt1 tx_errors)
	iperf_server "$t2"
	check "$fam: TCP" in_ns "$t1" iperf3 -c 10.0.0.2 -n 20M
	check_eq "$fam: TCP does not go through the stack" "$(through_lo)" 0
	check_num "$fam: the sender counts" \
		"$(linkstat "$t1" stt1 tx_packets)" -gt 6
	check_num "$fam: the receiver counts" \
		"$(ethstat "$t2" stt2 rx_single)" -gt 6
	check_eq "$fam: no errors" "$(linkstat "$t1" stt1 tx_errors)" \
		"$before"
	ip -n "$t2" link set stt2 down
	before=$(counter "$h" drop_no_device)
	in_ns "$t1" ping -q -c 2 -i 0.2 -W 1 10.0.0.2 >/dev/null
	check_num "$fam: a receiver that is down gets nothing" \
		"$(counter "$h" drop_no_device)" -ge $((before + 2))
	ip -n "$t2" link set stt2 up

	check "$fam: nolocalbypass while up" \
		ip -n "$t1" link set stt1 type stt nolocalbypass
	check_eq "$fam: ip shows nolocalbypass" \
		"$(ip -n "$t1" -d link show stt1 |
		grep -oE '(no)?localbypass')" nolocalbypass
	check "$fam: ping through the stack" \
		in_ns "$t1" ping -q -c 3 -i 0.2 -s 4000 10.0.0.2
	check_num "$fam: lo sees it" "$(through_lo)" -ge 3
	check "$fam: localbypass again" \
		ip -n "$t1" link set stt1 type stt localbypass
	check_eq "$fam: ip shows localbypass" "$(ip -n "$t1" -d link show stt1 |
		grep -oE '(no)?localbypass')" localbypass
	before=$(through_lo)
	check "$fam: ping, directly again" \
		in_ns "$t1" ping -q -c 3 -i 0.2 -s 4000 10.0.0.2
	check_eq "$fam: lo does not see it" "$(through_lo)" "$before"

	# Without a device at that address packets go to a socket, or are
	# refused. The neighbour discovery of the two is not to be counted.
	ip -n "$t1" link del stt1
	ip -n "$t2" link del stt2
	stt_add "$h" stt3 id 8 local "$x1" remote "$x2"
	addr "$h" stt3 10.3.0.1/24
	ip -n "$h" neigh replace 10.3.0.2 lladdr 02:00:00:00:00:02 dev stt3
	before=$(through_lo)
	in_ns "$h" ping -q -c 2 -i 0.2 -W 1 10.3.0.2 >/dev/null
	check_num "$fam: no such id here: an error" \
		"$(linkstat "$h" stt3 tx_errors)" -ge 2
	check_eq "$fam: nothing on lo" "$(through_lo)" "$before"
	ip -n "$h" link set stt3 type stt nolocalbypass
	in_ns "$h" ping -q -c 2 -i 0.2 -W 1 10.3.0.2 >/dev/null
	check_num "$fam: without localbypass lo has it" "$(through_lo)" -ge \
		$((before + 2))

	# Itself.
	stt_add "$h" stt4 id 9 local "$x1" remote "$x1"
	addr "$h" stt4 10.4.0.1/24
	ip -n "$h" neigh replace 10.4.0.2 lladdr 02:00:00:00:00:02 dev stt4
	in_ns "$h" ping -q -c 2 -i 0.2 -W 1 10.4.0.2 >/dev/null
	check_num "$fam: a device that sends to itself: counted" \
		"$(ethstat "$h" stt4 tx_loop)" -ge 2
	check_eq "$fam: a device that sends to itself: receives nothing" \
		"$(linkstat "$h" stt4 rx_packets)" 0
	teardown
}

run v4 203.0.113.1 203.0.113.2
run v6 2001:db8::1 2001:db8::2

# Through another tunnel, and two, back to where it came from.
new_ns h
ip -n "$h" link add eth0 type dummy
ip -n "$h" link set eth0 up
addr "$h" eth0 192.0.2.1/24
stt_add "$h" stt0 id 1 remote 10.9.0.2
addr "$h" stt0 10.8.0.1/24
ip -n "$h" neigh replace 10.8.0.2 lladdr 02:00:00:00:00:02 dev stt0
ip -n "$h" link add vx0 type vxlan id 1 remote 10.8.0.2 dstport 4789
ip -n "$h" link set vx0 up
addr "$h" vx0 10.9.0.1/24
ip -n "$h" neigh replace 10.9.0.2 lladdr 02:00:00:00:00:02 dev vx0
in_ns "$h" ping -q -c 3 -i 0.2 -W 1 10.8.0.2 >/dev/null
check_num 'a loop through vxlan: counted' "$(ethstat "$h" stt0 tx_loop)" -ge 3
check_eq 'nothing else is' "$(ethstat "$h" stt0 tx_too_big)" 0
ip -n "$h" link del vx0
stt_add "$h" stt1 id 2 remote 10.8.0.2
addr "$h" stt1 10.9.0.1/24
ip -n "$h" neigh replace 10.9.0.2 lladdr 02:00:00:00:00:02 dev stt1
before=$(ethstat "$h" stt0 tx_loop)
in_ns "$h" ping -q -c 3 -i 0.2 -W 1 10.8.0.2 >/dev/null
check_num 'a loop through another stt: counted' \
	"$(ethstat "$h" stt0 tx_loop)" -ge $((before + 3))
# A tunnel in a tunnel is no loop.
ip -n "$h" link del stt1
ip -n "$h" link set stt0 type stt remote 192.0.2.2
ip -n "$h" neigh replace 192.0.2.2 lladdr 02:00:00:00:00:02 dev eth0
stt_add "$h" stt1 id 2 remote 10.8.0.2
addr "$h" stt1 10.9.0.1/24
ip -n "$h" neigh replace 10.9.0.2 lladdr 02:00:00:00:00:02 dev stt1
before=$(linkstat "$h" eth0 tx_packets)
in_ns "$h" ping -q -c 3 -i 0.2 -W 1 10.9.0.2 >/dev/null
check_num 'stt in stt is sent' "$(linkstat "$h" eth0 tx_packets)" -ge \
	$((before + 3))
tap_done
