#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A forwarding database of 100,000 entries: they come in by a batch, are found,
# shown, flushed, and go with their device while packets flow. To add, to show
# and to delete them takes no longer than for as many of a vxlan device.
#
#	h1: stt0 10.0.0.1 ------------------- h2: stt0 10.0.0.2
#	    eth0 192.0.2.1 ----- veth -----       eth0 192.0.2.2
#	    v0 (vxlan)
#
# kernels: stock newest
# slow: yes
# timeout: 400

# check calls functions.
# shellcheck disable=SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_fdb.sh"
require python3

count=100000

setup_pair v4
for i in 1 2; do
	h=h$i a=a$i
	ip -n "${!h}" link add stt0 address "$(station $i)" type stt id 1 \
		local "${!a}" nolearning
	quiet_dev "${!h}" stt0
	ip -n "${!h}" link set stt0 up
	ip -n "${!h}" addr add 10.0.0.$i/24 dev stt0
done
fdb "$h1" append $zero dev stt0 dst "$a2"
fdb "$h2" append $zero dev stt0 dst "$a1"

# took NAME COMMAND...: adds the milliseconds that it takes to the variable.
took() {
	local name=$1 start

	shift
	start=$(date +%s%N)
	"$@" >"$tmp/out" 2>&1 || cat "$tmp/out"
	printf -v "$name" %d $((${!name:-0} +
		($(date +%s%N) - start) / 1000000))
}

# times WHAT: stt's against vxlan's; the same work twice differs by as much.
times() {
	local s=${1}_stt v=${1}_vxlan

	echo "# $1: stt ${!s} ms, vxlan ${!v} ms"
	check_num "$1: no longer than vxlan" "${!s}" -le $((${!v} * 13 / 10))
}

# A hundred peers, of which most are not there. By turns: what else the machine
# does is the same for both.
ip -n "$h1" link add v0 type vxlan id 1 local "$a1" dstport 4789 nolearning
quiet_dev "$h1" v0
ip -n "$h1" link set v0 up
part=$((count / 10))
for ((first = 0; first < count; first += part)); do
	for dev in v0 stt0; do
		python3 -c "
for i in range($first, $first + $part):
    print('fdb add 02:01:%02x:%02x:%02x:%02x dev $dev dst 198.51.100.%d static'
          % (i >> 24, i >> 16 & 255, i >> 8 & 255, i & 255, i % 100 + 1))
" >"$tmp/batch"
		case $dev in
		v0) took add_vxlan bridge -n "$h1" -b "$tmp/batch" ;;
		*)  took add_stt bridge -n "$h1" -b "$tmp/batch" ;;
		esac
	done
done
for _ in 1 2 3; do
	took show_vxlan bridge -n "$h1" fdb show dev v0
	check_eq 'vxlan shows all entries' \
		"$(grep -c '^02:01' "$tmp/out")" $count
	took show_stt bridge -n "$h1" fdb show dev stt0
	check_eq 'stt shows all entries' "$(grep -c '^02:01' "$tmp/out")" $count
done
check_eq 'the last is found' \
	"$(fdb "$h1" get 02:01:00:01:86:9f dev stt0 self | sed 's/ *$//')" \
	'02:01:00:01:86:9f dev stt0 dst 198.51.100.100 self static'
check 'packets to unknown MAC addresses' in_ns "$h1" ping -q -c 3 -i 0.2 -W 5 \
	10.0.0.2
fdb "$h1" add "$(station 2)" dev stt0 dst "$a2" static
check 'packets to a known MAC address' in_ns "$h1" ping -q -c 3 -i 0.2 -W 5 \
	10.0.0.2
check 'all routes change' ip -n "$h1" link set stt0 type stt tos 0x48
check 'packets after that' in_ns "$h1" ping -q -c 3 -i 0.2 -W 5 10.0.0.2
background in_ns "$h1" ping -q -i 0.01 10.0.0.2 >/dev/null
check 'flush dynamic ones, of which there are none' \
	fdb "$h1" flush dev stt0 dynamic
check_eq 'all are there' "$(entries "$h1" stt0 '^02:01')" $count
took delete_vxlan ip -n "$h1" link del v0
took delete_stt ip -n "$h1" link del stt0
check_fails 'the device goes under traffic' ip -n "$h1" link show stt0

times add
times show
times delete
tap_done
