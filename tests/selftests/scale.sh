#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Ten thousand devices in one namespace: they work, and creating, listing and
# deleting them takes no longer than for as many vxlan devices; nor does putting
# VLANs and bridges on top of them, nor what happens to a device that is none of
# them.
#
#	x                                             h2
#	stt1 ... stt10000, one id each                stt0 with the last one's id
#	 |        |
#	VLANs    bridges (on a tenth of them each)    other (a dummy)
#	eth0 192.0.2.1 ------------- veth ----------- eth0 192.0.2.2
#
# kernels: stock
# slow: yes
# timeout: 2400

# shellcheck disable=SC2154 # namespaces are set by new_ns
. "${BASH_SOURCE[0]%/*}/lib.sh"
require ping

n=${STT_SCALE:-10000}

# took NAME COMMAND...: adds the milliseconds that it takes to the variable.
took() {
	local name=$1 start

	shift
	start=$(date +%s%N)
	"$@" >"$tmp/out" 2>&1
	printf -v "$name" %d $((${!name:-0} +
				($(date +%s%N) - start) / 1000000))
}

# gone NS: delete it, and wait until the kernel has. A device that goes with
# it is seen to leave the other end of its veth pair.
# shellcheck disable=SC2317 # by took
gone() {
	ip netns del "$1"
	wait_for 600 sh -c '! ip link show dev mark0'
}

# measure KIND NS: create, list and delete devices of that kind in there.
measure() {
	local kind=$1 ns=$2 i arg=

	[ "$kind" = stt ] || arg='dstport 4789'
	for ((i = 1; i <= n; i++)); do
		echo "link add $kind$i type $kind id $i remote 192.0.2.2 $arg"
		echo "link set $kind$i up"
	done >"$tmp/batch"
	took "create_$kind" ip -n "$ns" -b "$tmp/batch"
	took "list_$kind" ip -n "$ns" -d link show
	check_eq "$kind: all are listed" "$(grep -c ": ${kind}[0-9]" "$tmp/out")" \
		"$n"

	for ((i = 1; i <= n / 10; i++)); do
		echo "link add link $kind$i name v$i type vlan id 7"
		echo "link set v$i up"
	done >"$tmp/batch"
	took "vlans_$kind" ip -n "$ns" -b "$tmp/batch"
	for ((i = 1; i <= n / 10; i++)); do
		echo "link add b$i type bridge"
		echo "link set $kind$((n / 10 + i)) master b$i"
		echo "link set b$i up"
	done >"$tmp/batch"
	took "bridges_$kind" ip -n "$ns" -b "$tmp/batch"
	check_eq "$kind: the last bridge has its port" \
		"$(ip -n "$ns" -br link show master b$((n / 10)) | wc -l)" 1

	ip -n "$ns" link add other type dummy
	for ((i = 1; i <= 100; i++)); do
		echo 'link set other mtu 1400'
		echo 'link set other up'
		echo 'link set other mtu 1500'
		echo 'link set other down'
	done >"$tmp/batch"
	took "events_$kind" ip -n "$ns" -b "$tmp/batch"
}

# times WHAT: stt's against vxlan's; the same work twice differs by as much.
times() {
	local s=${1}_stt v=${1}_vxlan

	echo "# $1: stt ${!s} ms, vxlan ${!v} ms"
	check_num "$1: no longer than vxlan" "${!s}" -le $((${!v} * 13 / 10))
}

# works NS: the last device works, and its neighbours receive nothing.
works() {
	stt_add "$h2" stt0 id "$n" remote 192.0.2.1
	addr "$h2" stt0 10.0.0.2/24
	addr "$1" "stt$n" 10.0.0.1/24
	check 'one of many devices works' \
		in_ns "$1" ping -q -c 3 -i 0.2 10.0.0.2
	check_eq 'the other devices received nothing' \
		"$(linkstat "$1" stt1 rx_packets)$(linkstat "$1" \
			stt$((n - 1)) rx_packets)" 00
	ip -n "$h2" link del stt0
}

# With PREEMPT_RT ten thousand vxlan devices take six minutes to go, and tasks
# that wait for RTNL meanwhile are reported as hung.
hung=/proc/sys/kernel/hung_task_timeout_secs
[ ! -e $hung ] || { patience=$(<$hung); echo 0 >$hung; }

new_ns h2
in_ns "$h2" sysctl -qw net.ipv6.conf.default.disable_ipv6=1
# Twice each, in turns: the machine has other things to do, too.
for kind in stt vxlan stt vxlan; do
	x=
	new_ns x
	# The same for both: without IPv6, which would have work for each.
	in_ns "$x" sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	link_ns "$x" eth0 "$h2" eth0
	addr "$x" eth0 192.0.2.1/24
	addr "$h2" eth0 192.0.2.2/24
	ip link add mark0 type veth peer name mark1 netns "$x"
	measure $kind "$x"
	[ $kind = vxlan ] || works "$x"
	took delete_$kind gone "$x"
done

[ ! -e $hung ] || echo "$patience" >$hung
times create
times list
times vlans
times bridges
times events
times delete
tap_done
