#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Everything goes while everything comes: links deleted and made, set down and
# up, changed and moved, namespaces deleted and the module unloaded, under
# traffic both ways and under a flood of frames that stay open.
#
#	a                           h1                          h2
#	hand-made segments          stt0 10.0.0.1               stt0 10.0.0.2
#	flood0 ------ veth -------- flood1
#	                            eth0 -------- veth -------- eth0
#
# lifetime.sh does the same with less in the way.
#
# kernels: all
# slow: yes
# timeout: 600

# check calls functions.
# shellcheck disable=SC2317,SC2119,SC2086
. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_py.sh"
require ping

a=''
rounds=${STT_CHURN_ROUNDS:-4}

topology() {
	local family=$1 ns

	setup_pair "$family"
	new_ns a
	link_ns "$a" flood0 "$h1" flood1
	addr "$h1" flood1 198.51.100.1/24 2001:db8:9::1/64
	stt_pair
	stt_add "$h1" any4 id 9
	stt_add "$h1" any6 id 9 local ::
	one_by_one "$h1" eth0
	one_by_one "$h2" eth0
	for ns in "$h1" "$h2"; do
		in_ns "$ns" sh -c 'echo 9000 >/proc/sys/net/stt/reasm_time_ms
			echo 1000000 >/proc/sys/net/stt/reasm_high_thresh'
	done
	ip -n "$h1" link set stt0 address 02:00:00:00:00:01
	background in_ns "$h1" ping -q -i 0.01 -s 5000 10.0.0.2 >/dev/null 2>&1
	background in_ns "$h2" ping -q -i 0.01 -s 9000 10.0.0.1 >/dev/null 2>&1
	# Its exit, when the namespace goes, is no failure.
	PYTHONDONTWRITEBYTECODE=1 background /usr/bin/python3 \
		"${BASH_SOURCE[0]%/*}/churn.py" "$a" "$h1" >/dev/null 2>&1
	wait_for 90 eval "[ \$(counter $h1 reasm_queues) -gt 20 ]"
}

again() {
	addr "$h1" stt0 10.0.0.1/24
	ip -n "$h1" link set stt0 address 02:00:00:00:00:01
}

flows() { wait_for 15 in_ns "$h1" ping -q -c 1 -W 2 10.0.0.2; }

down_and_up() {
	local i

	for ((i = 0; i < rounds; i++)); do
		ip -n "$h1" link set stt0 down || return
		ip -n "$h1" link set any4 down || return
		ip -n "$h1" link set any4 up || return
		ip -n "$h1" link set stt0 up || return
	done
}

change() {
	local n

	for ((n = 1; n <= rounds; n++)); do
		ip -n "$h1" link set any4 type stt remote 198.51.100.$((n + 1)) ||
			return
		ip -n "$h1" link set stt0 type stt nopartial tos "$(printf 0x%x $((n * 4)))" ||
			return
		ip -n "$h1" link set stt0 type stt partial ttl $n fwmark $n ||
			return
		ip -n "$h1" link set any6 type stt remote 2001:db8:9::$n ||
			return
		ip -n "$h1" link set any4 type stt remote 0.0.0.0 2>/dev/null
	done
}

delete_and_make() {
	local i

	for ((i = 0; i < rounds; i++)); do
		ip -n "$h1" link del any4 || return
		ip -n "$h1" link del stt0 || return
		stt_add "$h1" stt0 id 1 local "$a1" remote "$a2" || return
		stt_add "$h1" any4 id 9 || return
	done
}

# All of the port's, so that hooks go as well.
last_of_a_port() {
	local n

	for ((n = 0; n < rounds / 2; n++)); do
		ip -n "$h1" link del any4
		ip -n "$h1" link del any6
		ip -n "$h1" link del stt0
		stt_add "$h1" any4 id 9 || return
		stt_add "$h1" any6 id 9 local :: || return
		stt_add "$h1" stt0 id 1 local "$a1" remote "$a2" || return
	done
}

move() {
	local n

	for ((n = 0; n < rounds / 2; n++)); do
		ip -n "$h1" link set stt0 netns "$a" || return
		ip -n "$a" link set stt0 up || return
		ip -n "$a" link set stt0 netns "$h1" || return
		ip -n "$h1" link set stt0 up || return
	done
}

for family in v4 v6; do
	check "$family: traffic and flood" topology $family
	if [ $family = v4 ]; then
		check "$family: down and up" down_and_up
		check "$family: traffic flows" flows
		check "$family: changes" change
		check "$family: traffic flows" flows
		check "$family: delete and make" delete_and_make
		again
		check "$family: traffic flows" flows
	fi
	check "$family: the last one of a port" last_of_a_port
	again
	check "$family: move away and back" move
	again
	check "$family: traffic flows" flows
	if [ $family = v4 ]; then
		check "$family: the module unloads" \
			timeout $((60 * slowness)) rmmod stt
		check "$family: the module loads again" insmod "$STT_KO"
		check "$family: links are made after the reload" stt_pair
		check "$family: traffic flows" flows
	fi
	check "$family: the namespace goes, with open frames" eval \
		"ip netns pids $h1 | xargs -r kill -9; ip netns del $h1"
	check "$family: the other as well" eval \
		"ip netns pids $h2 | xargs -r kill -9; ip netns del $h2"
	teardown
done

check_fails 'no device was waited for in vain' \
	grep -q 'unregister_netdevice: waiting' <(dmesg)

tap_done
