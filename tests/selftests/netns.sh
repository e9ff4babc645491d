#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A device with its underlay in another namespace: what root of a container may
# do with it, and namespaces deleted in every order under traffic. Other objects
# that go away are in lifetime.sh.
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
require ping unshare nsenter

# --- moved ---------------------------------------------------------------------

for family in v4 v6; do
	setup_apart $family
	check "$family: the underlay stays where it was" \
		in_ns "$c1" ping -q -c 3 -i 0.2 -W 5 -s 3000 10.0.0.2
	check "$family: ip shows link-netns of the underlay" \
		eval "ip -n $c1 -d link show stt0 | grep -q link-netns"
	check_num "$family: frames count for the device" \
		"$(ethstat "$c1" stt0 rx_frames)" -ge 3
	check "$family: a moved device is changed in its namespace" \
		ip -n "$c1" link set stt0 type stt ttl 9
	check "$family: another of its key is refused in the underlay" eval \
		"! ip -n $h1 link add x type stt id 1 local $a1 remote $a2"
	ip -n "$c1" link del stt0
	check "$family: made in one with the underlay in the other" \
		ip -n "$c1" link add stt0 link-netns "$h1" type stt id 1 \
		local "$a1" remote "$a2"
	addr "$c1" stt0 10.0.0.1/24
	ip -n "$c1" link set stt0 up
	check "$family: traffic flows with link-netns" \
		in_ns "$c1" ping -q -c 3 -i 0.2 -W 5 -s 3000 10.0.0.2
	check "$family: back home" ip -n "$c1" link set stt0 netns "$h1"
	addr "$h1" stt0 10.0.0.1/24
	ip -n "$h1" link set stt0 up
	check "$family: traffic flows back home" \
		in_ns "$h1" ping -q -c 3 -i 0.2 -W 5 10.0.0.2
	teardown
done

# --- a container ---------------------------------------------------------------

setup_pair v4
stt_pair id 1
background unshare -U -r -n sleep 1000
pid=$!
wait_for 10 test ! /proc/$pid/ns/net -ef /proc/self/ns/net
wait_for 10 grep -q . /proc/$pid/uid_map
# Its root, and ours in its network.
inside() { nsenter -t $pid -U -n --preserve-credentials "$@"; }
above() { nsenter -t $pid -n "$@"; }

ip -n "$h1" link set stt0 netns "$pid"
check 'container: the device is set up by its owner' inside ip link set stt0 up
inside ip addr add 10.0.0.1/24 dev stt0
check 'container: traffic flows' \
	above ping -q -c 3 -i 0.2 -W 5 10.0.0.2
was=$(above ip -d link show stt0 | sed -n 's/^ *stt \(.*\) addrgen.*/\1/p')
for change in 'remote 192.0.2.3' 'local 192.0.2.9' 'ttl 3' 'fwmark 7' \
	      'tos 4' 'df unset'; do
	# shellcheck disable=SC2086
	check_refused "container: may not change $change" \
		'does not administer|not permitted' \
		inside ip link set stt0 type stt $change
done
check_eq 'container: nothing changed' "$(above ip -d link show stt0 |
	sed -n 's/^ *stt \(.*\) addrgen.*/\1/p')" "$was"
check "container: the underlay's owner may" \
	above ip link set stt0 type stt ttl 9
check 'container: traffic flows still' \
	above ping -q -c 3 -i 0.2 -W 5 10.0.0.2
check_fails 'container: no device over our underlay' \
	inside ip link add stt1 link-netnsid 0 type stt id 7
check 'container: a device over its own' \
	inside ip link add stt1 type stt id 7
check_fails "container: no more of the kernel's memory" inside \
	sh -c 'echo 1000000000 >/proc/sys/net/stt/reasm_high_thresh'
check 'container: less is fine' inside \
	sh -c 'echo 1000000 >/proc/sys/net/stt/reasm_high_thresh'
chatter "$h2" 10.0.0.1
kill -9 $pid
wait $pid 2>/dev/null
check 'container: gone under traffic, and the key is free' wait_for 20 \
	ip -n "$h1" link add stt0 type stt id 1 local "$a1" remote "$a2"
teardown

# --- namespaces go -------------------------------------------------------------

# gone NS: with the processes in it, which would keep it.
gone() {
	ip netns pids "$1" | xargs -r kill -9
	ip netns del "$1"
}

for order in 'h1 c1 h2' 'h1 h2 c1' 'c1 h1 h2' 'c1 h2 h1' 'h2 h1 c1' \
	     'h2 c1 h1'; do
	setup_apart v4
	chatter "$c1" 10.0.0.2
	chatter "$h2" 10.0.0.1
	wait_for 10 eval "[ \$(ethstat $c1 stt0 rx_frames) -gt 20 ]"
	for name in $order; do
		gone "${!name}"
		# The device goes with its underlay, wherever it is.
		if [ "$name" = h1 ] && ip netns pids "$c1" >/dev/null 2>&1 &&
		   has_dev "$c1" lo; then
			check "order $order: stt0 went with its underlay" \
				wait_for 30 no_dev "$c1" stt0
		fi
	done
	ok "order $order"
	teardown
done

# Both families at once, and a device of the namespace itself beside.
setup_apart v6
stt_add "$h1" stt1 id 2 remote 192.0.2.2
stt_add "$h2" stt1 id 2 remote 192.0.2.1
addr "$h1" stt1 10.1.0.1/24
addr "$h2" stt1 10.1.0.2/24
chatter "$c1" 10.0.0.2
chatter "$h2" 10.1.0.1
gone "$h1"
check 'two families: the moved one went too' wait_for 30 no_dev "$c1" stt0
teardown

# A namespace that is still being taken apart holds this up; one that never
# will be, for ever.
check 'all namespaces went' timeout $((60 * slowness)) rmmod stt
check 'the module loads again' insmod "$STT_KO"

tap_done
