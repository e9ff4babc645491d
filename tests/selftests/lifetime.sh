#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Hostile ends, all under traffic: lower devices that go, links made, changed,
# set down and deleted over and over, and the module that goes.
#
#	c1                      h1                         h2
#	stt0 10.0.0.1 . . . . . (the underlay of stt0)     stt0 10.0.0.2
#	                        eth0 -------- veth ------- eth0
#
# What is left behind shows as "unregister_netdevice: waiting" in the kernel's
# log, which fails any test.
#
# kernels: all
# timeout: 400

# check calls functions.
# shellcheck disable=SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
require ping

# --- lower devices go ------------------------------------------------------------

for family in v4 v6; do
	setup_pair $family
	stt_pair dev eth0
	chatter "$h1" 10.0.0.2
	chatter "$h2" 10.0.0.1
	check "$family: traffic over dev" \
		in_ns "$h1" ping -q -c 2 -i 0.2 -W 5 10.0.0.2
	check "$family: delete the lower device" ip -n "$h1" link del eth0
	check_fails "$family: stt0 went with its lower device" \
		has_dev "$h1" stt0
	check_fails "$family: stt0 of the peer went with its lower device" \
		has_dev "$h2" stt0
	teardown

	setup_pair $family
	stt_pair dev eth0
	new_ns c1
	chatter "$h1" 10.0.0.2
	chatter "$h2" 10.0.0.1
	check "$family: move the lower device away" \
		ip -n "$h1" link set eth0 netns "$c1"
	check_fails "$family: stt0 is gone" has_dev "$h1" stt0
	check "$family: the peer's is not" has_dev "$h2" stt0
	teardown
done

setup_pair v4
stt_pair
chatter "$h1" 10.0.0.2
check 'not bound: delete the lower device' ip -n "$h1" link del eth0
check 'not bound: stt0 stays' has_dev "$h1" stt0
check 'not bound: packets without a route are counted' \
	wait_for 10 eval "[ \$(ethstat $h1 stt0 tx_no_route) -gt 0 ]"
link_ns "$h1" eth0 "$h2" eth0
addr "$h1" eth0 192.0.2.1/24
addr "$h2" eth0 192.0.2.2/24
check 'not bound: a new lower device will do' \
	wait_for 10 in_ns "$h1" ping -q -c 1 -W 1 10.0.0.2
teardown

# --- loops ---------------------------------------------------------------------

setup_pair v4
stt_pair
ip -n "$h1" link set stt0 address 02:00:00:00:00:01
chatter "$h2" 10.0.0.1
chatter "$h2" 10.0.0.1 9000
up_and_down() {
	local _

	for _ in {1..15}; do
		ip -n "$h1" link set stt0 down || return
		ip -n "$h1" link set stt0 up || return
	done
}
check 'up and down under traffic' up_and_down
check 'traffic flows' in_ns "$h1" ping -q -c 3 -i 0.2 -W 5 10.0.0.2
make_and_delete() {
	local _

	for _ in {1..10}; do
		ip -n "$h1" link del stt0 || return
		stt_add "$h1" stt0 id 1 local "$a1" remote "$a2" \
			|| return
	done
}
check 'delete and create under traffic' make_and_delete
ip -n "$h1" link set stt0 address 02:00:00:00:00:01
addr "$h1" stt0 10.0.0.1/24
check 'traffic flows' in_ns "$h1" ping -q -c 3 -i 0.2 -W 5 10.0.0.2
chatter "$h1" 10.0.0.2
change_about() {
	local n

	for n in {1..15}; do
		ip -n "$h1" link set stt0 type stt ttl "$n" || return
		ip -n "$h2" link set stt0 type stt \
			tos "$(printf 0x%x $((n * 4)))" || return
	done
}
check 'changes under traffic' change_about
check 'traffic flows' in_ns "$h1" ping -q -c 3 -i 0.2 -W 5 10.0.0.2

# Three at once, on one port.
for n in 1 2 3; do
	for _ in {1..8}; do
		ip -n "$h1" link add x$n type stt id 10$n remote "$a2"
		ip -n "$h1" link set x$n up
		ip -n "$h1" link del x$n
	done &
	pids[n]=$!
done
check 'create and delete on three sides' eval \
	"wait ${pids[1]} && wait ${pids[2]} && wait ${pids[3]}"
check 'traffic flows' in_ns "$h1" ping -q -c 3 -i 0.2 -W 5 10.0.0.2
teardown

# --- the module goes ---------------------------------------------------------------

for n in 1 2; do
	setup_apart v4
	stt_add "$h1" stt1 id 2 remote "$a2"
	stt_add "$h2" stt1 id 2 remote "$a1"
	addr "$h1" stt1 10.1.0.1/24
	addr "$h2" stt1 10.1.0.2/24
	chatter "$c1" 10.0.0.2
	chatter "$h2" 10.1.0.1 9000
	wait_for 10 eval "[ \$(ethstat $c1 stt0 rx_frames) -gt 20 ]"
	check "unload $n under traffic" timeout $((60 * slowness)) rmmod stt
	check "unload $n: no device is left" \
		eval "no_dev $c1 stt0 && no_dev $h1 stt1 && no_dev $h2 stt1"
	check "load $n" insmod "$STT_KO"
	stt_add "$h1" stt1 id 2 remote "$a2"
	stt_add "$h2" stt1 id 2 remote "$a1"
	addr "$h1" stt1 10.1.0.1/24
	addr "$h2" stt1 10.1.0.2/24
	check "load $n: traffic flows" \
		in_ns "$h1" ping -q -c 3 -i 0.2 -W 5 10.1.0.2
	teardown
done

check_fails 'no device was waited for in vain' \
	grep -q 'unregister_netdevice: waiting' <(dmesg)

tap_done
