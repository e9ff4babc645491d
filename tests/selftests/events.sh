#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What an event of one device costs beside a thousand tunnels that have nothing
# to do with it; and what devices do that nobody uses.
#
#	h1                                              h2
#	stt1 ... stt1000, remote 192.0.2.2, one id each
#	eth0 192.0.2.1 --------------- veth ----------- eth0 192.0.2.2
#	other (a dummy): its events are timed
#
# Times are compared within the run: with as many tunnels of vxlan (in h2), and
# with none (in h3). They are taken in turn, so that other load of the machine
# is the same for all three. scale has ten thousand.
#
# kernels: all
# slow: yes
# timeout: 900

# check and wait_for call functions and scripts.
# shellcheck disable=SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_fdb.sh"
require ping

n=1000
[ "$slowness" = 1 ] || n=300
trace=/sys/kernel/tracing

for i in {1..10}; do
	echo "link set other mtu 1400"
	echo "link set other down"
	echo "link set other mtu 1500"
	echo "link set other up"
done >"$tmp/events"

# cost NS: microseconds that these events take there.
cost() {
	local start

	start=$(date +%s%N)
	ip -n "$1" -b "$tmp/events" || return
	echo $((($(date +%s%N) - start) / 1000))
}
# least "NUMBER...": the smallest of them.
least() { tr ' ' '\n' <<<"$1" | grep . | sort -n | head -n 1; }

# many NS KIND FIRST LAST
many() {
	local i arg=

	[ "$2" = stt ] || arg='dstport 4789'
	for ((i = $3; i <= $4; i++)); do
		echo "link add $2$i type $2 id $i remote 192.0.2.2 $arg"
		echo "link set $2$i up"
	done >"$tmp/batch"
	ip -n "$1" -b "$tmp/batch"
}

mountpoint -q $trace || mount -t tracefs none $trace
queued=events/workqueue/workqueue_queue_work
[ -e $trace/$queued ] || skip_all 'this kernel does not trace work'
# ageings: how often a forwarding database was to be looked through.
ageings() { grep -c stt_fdb_age $trace/trace; }

setup_pair v4
for ns in "$h1" "$h2"; do
	in_ns "$ns" sysctl -qw net.ipv6.conf.default.disable_ipv6=1
done

# --- events of others ------------------------------------------------------------

new_ns h3
for ns in "$h1" "$h2" "$h3"; do
	ip -n "$ns" link add other type dummy
	ip -n "$ns" link set other up
done
many "$h2" vxlan 1 $n
echo 1 >$trace/$queued/enable
echo >$trace/trace
many "$h1" stt 1 $n
one=$(ageings)
alone='' vxlan='' stt=''
for i in {1..12}; do
	alone+=" $(cost "$h3")"
	vxlan+=" $(cost "$h2")"
	stt+=" $(cost "$h1")"
done
alone=$(least "$alone") vxlan=$(least "$vxlan") stt=$(least "$stt")
echo "# 40 events: $alone us alone, $vxlan us beside $n vxlan, $stt us beside $n stt"
check_num "events beside $n tunnels cost no more than beside vxlan" \
	"$stt" -le $((vxlan * 2 + alone))
check_eq 'devices without learnt entries start no ageing' "$one" 0

# Events of the lower device do reach them.
was=$(ip -n "$h1" -d link show stt$n | grep -o 'gso_max_size [0-9]*')
ip -n "$h1" link set eth0 gso_max_size 30000
ip -n "$h1" link set eth0 mtu 1400
now=$(ip -n "$h1" -d link show stt$n | grep -o 'gso_max_size [0-9]*')
check_num 'the lower device is followed' "${now#* }" -lt "${was#* }"
ip -n "$h1" link set eth0 gso_max_size 65536
ip -n "$h1" link set eth0 mtu 1500
check_eq 'a route that changes back is followed' \
	"$(ip -n "$h1" -d link show stt$n | grep -o 'gso_max_size [0-9]*')" \
	"$was"

# A VLAN on each of 100: N events, N times the cost of one.
for ((i = 1; i <= 100; i++)); do
	echo "link add link stt$i name v$i type vlan id 7"
	echo "link set v$i up"
done >"$tmp/batch"
check 'VLANs on tunnels' ip -n "$h1" -b "$tmp/batch"
check 'the underlay goes, the tunnels stay' eval \
	"ip -n $h1 link del eth0 && ip -n $h1 link show stt1 >/dev/null"
ip -n "$h1" link del stt1
teardown

# --- a route that changes ----------------------------------------------------------

setup_pair v4
link_ns "$h1" eth1 "$h2" eth1
addr "$h1" eth1 198.51.100.1/24
addr "$h2" eth1 198.51.100.2/24
ip -n "$h2" addr add 203.0.113.2/32 dev lo
ip -n "$h1" link set eth1 gso_max_size 30000
tso() { ip -n "$h1" -d link show stt0 | grep -o 'gso_max_size [0-9]*'; }
stt_add "$h2" stt0 id 1 remote 0.0.0.0
addr "$h2" stt0 10.0.0.2/24
stt_add "$h1" stt0 id 1 remote 203.0.113.2
addr "$h1" stt0 10.0.0.1/24
smaller() {
	local now

	in_ns "$h1" ping -q -c 1 -W 1 10.0.0.2 >/dev/null
	now=$(tso)
	[ "${now#* }" -lt 30000 ]
}
larger() { ! smaller; }
check 'a route appears: limits are those of its device' eval \
	"ip -n $h1 route add 203.0.113.2 via 198.51.100.2; wait_for 20 smaller"
ip -n "$h1" route replace 203.0.113.2 via 192.0.2.2
check 'a route changes: limits follow' wait_for 20 larger
teardown

# --- IPsec -------------------------------------------------------------------------

# A policy without an association: the first packet asks for one, a device that
# is made, set up or has an event below it does not.
setup_pair v4
for ns in "$h1" "$h2"; do
	in_ns "$ns" sysctl -qw net.ipv6.conf.default.disable_ipv6=1
done
ip -n "$h1" xfrm policy add dir out src 192.0.2.1/32 dst 192.0.2.2/32 \
	tmpl src 192.0.2.1 dst 192.0.2.2 proto esp mode transport
background ip netns exec "$h1" ip xfrm monitor acquire >"$tmp/acquire" 2>&1
sleep 1
stt_add "$h1" stt0 id 1 remote 192.0.2.2
in_ns "$h1" ip link set eth0 mtu 1400
in_ns "$h1" ip link set eth0 mtu 1500
ip -n "$h1" link set stt0 type stt ttl 9
sleep 1
check_eq 'IPsec: a device without packets asks for no association' \
	"$(wc -l <"$tmp/acquire")" 0
addr "$h1" stt0 10.0.0.1/24
in_ns "$h1" ping -q -c 1 -W 1 10.0.0.2 >/dev/null
check 'IPsec: the first packet does' wait_for 10 test -s "$tmp/acquire"
teardown

# --- forwarding databases ------------------------------------------------------------

# Entries of other kinds are added while one kind is flushed, and while others
# age: what is to stay stays, what is to go goes.
new_ns h1
stt_add "$h1" stt0 id 1 local 127.0.0.1 ageing 10
# macs BYTE: 2000 addresses.
macs() {
	local i

	for ((i = 0; i < 2000; i++)); do
		printf 'fdb %s 02:00:%s:00:%02x:%02x dev stt0 dst 127.0.0.2 %s\n' \
			"$2" "$1" $((i / 256)) $((i % 256)) "${3:-}"
	done
}
count() { bridge -n "$h1" fdb show dev stt0 | grep -c "^02:00:$1:"; }
macs 01 add dynamic >"$tmp/b1"
macs 02 add static >"$tmp/b2"
macs 03 add 'dynamic extern_learn' >"$tmp/b3"
bridge -n "$h1" -b "$tmp/b1"
check_num 'dynamic entries are there' "$(count 01)" -gt 0
check 'an entry that ages starts ageing' wait_for 60 eval \
	"[ \$(ageings) -gt 0 ]"
bridge -n "$h1" -b "$tmp/b3" & pids=$!
bridge -n "$h1" -b "$tmp/b2"
wait $pids
none_left() { [ "$(count 01)" -eq 0 ]; }
check 'dynamic entries age while others are added' wait_for 60 none_left
check_eq 'static ones stay' "$(count 02)" 2000
check_eq 'entries of a controller stay' "$(count 03)" 2000
bridge -n "$h1" fdb flush dev stt0 extern_learn 2>/dev/null ||
	ip -n "$h1" link set stt0 down
check_eq 'entries of a controller are flushed' "$(count 03)" 0
check_eq 'static ones stay still' "$(count 02)" 2000
echo 0 >$trace/$queued/enable
tap_done
