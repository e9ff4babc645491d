#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What ethtool shows and sets: driver, statistics by name, features that mean
# what they say, link settings; and the GSO maximum, which follows the
# underlay so that no GSO packet is cut in software (INTERFACE, W7, W8, W9).
#
#	h1                                            h2
#	stt0 10.0.0.1                                 stt0 10.0.0.2
#	stt0.5 10.5.0.1                               stt0.5 10.5.0.2
#	eth0 192.0.2.1 -------------- veth ---------- eth0 192.0.2.2
#
# kernels: all
# timeout: 400

# check calls functions.
# shellcheck disable=SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_py.sh"
require ethtool jq iperf3 nft

# feature NS NAME: "on", "off", "on [fixed]".
feature() {
	in_ns "$1" ethtool -k stt0 | sed -n "s/^[[:space:]]*$2: //p"
}

# move [IPERF-ARGS]...: TCP through the tunnel.
move() {
	in_ns "$h1" timeout $((30 * slowness)) iperf3 -c 10.0.0.2 -n 500K "$@"
}

# both NAME: it works in both directions, in this state.
both() {
	check "$1: TCP" move
	check "$1: TCP the other way" move -R
}

limits() {
	ip -n "$1" -d -j link show "$2" |
	jq -r '.[0] | "\(.gso_max_size) \(.tso_max_size)"'
}

setup_pair v4
stt_pair id 1
in_ns "$h1" ethtool -i stt0 >"$tmp/info"
check_eq 'driver' "$(sed -n 's/^driver: //p' "$tmp/info")" stt
check_eq 'version is the module'\''s' \
	"$(sed -n 's/^version: //p' "$tmp/info")" \
	"$(cat /sys/module/stt/version)"
check_eq 'statistics' "$(in_ns "$h1" ethtool -S stt0 |
	sed -n 's/^ *\([a-z_]*\): [0-9]*$/\1/p' | sort | xargs)" \
	"$(echo rx_frames rx_segments rx_single rx_reassembled rx_partial \
	   tx_frames tx_tso tx_sw_offload tx_too_big tx_no_route tx_loop \
	   tx_bad_key fdb_full |
	   xargs -n 1 | sort | xargs)"
in_ns "$h1" ethtool stt0 >"$tmp/link"
check 'without dev the speed is unknown' grep -q 'Speed: Unknown' "$tmp/link"
check 'the lower device changes' ip -n "$h1" link set stt0 type stt dev eth0
in_ns "$h1" ethtool stt0 >"$tmp/link"
check 'speed is that of the lower device' grep -q 'Speed: 10000Mb/s' "$tmp/link"
check 'duplex is that of the lower device' grep -q 'Duplex: Full' "$tmp/link"
check 'link detected' grep -q 'Link detected: yes' "$tmp/link"

# --- statistics mean what they say ---------------------------------------------

frames1=$(ethstat "$h1" stt0 tx_frames) frames2=$(ethstat "$h2" stt0 rx_frames)
packets=$(linkstat "$h1" stt0 tx_packets)
in_ns "$h1" ping -q -c 5 -i 0.2 -W 5 10.0.0.2 >/dev/null
check_num 'tx_frames counts' \
	$(($(ethstat "$h1" stt0 tx_frames) - frames1)) -ge 5
check_num 'rx_frames counts' \
	$(($(ethstat "$h2" stt0 rx_frames) - frames2)) -ge 5
check_num 'ip -s link counts' \
	$(($(linkstat "$h1" stt0 tx_packets) - packets)) -ge 5
one_by_one "$h1" eth0
before=$(ethstat "$h2" stt0 rx_reassembled)
in_ns "$h1" ping -q -c 3 -i 0.2 -W 5 -s 1450 10.0.0.2 >/dev/null
check_num 'rx_reassembled counts' \
	$(($(ethstat "$h2" stt0 rx_reassembled) - before)) -ge 3
# One snapshot: neighbours are looked for all the time.
in_ns "$h2" ethtool -S stt0 >"$tmp/stats"
# shellcheck disable=SC2016
check 'rx_single and rx_reassembled are rx_frames' \
	awk '{ n[$1] = $2 }
	     END { sum = n["rx_single:"] + n["rx_reassembled:"]
		   sum += n["rx_partial:"]
		   exit sum != n["rx_frames:"] }' \
	"$tmp/stats"
in_ns "$h1" ethtool -K eth0 tso on gso on >/dev/null

# --- features ------------------------------------------------------------------

iperf_server "$h2"
# Whole in one segment, unless it is a GSO packet.
ip -n "$h1" link set stt0 mtu 1400
ip -n "$h2" link set stt0 mtu 1400

for name in tx-checksumming rx-checksumming scatter-gather \
	    tcp-segmentation-offload generic-segmentation-offload \
	    generic-receive-offload tx-vlan-offload; do
	check_eq "$name is on" "$(feature "$h1" $name)" on
done
both 'all on'

# wire_flag FLAG: count first segments of frames that have it, in byte 1 of
# the STT header; they have offset 0.
wire_flag() {
	wire "$h2" eth0 "flag$1" \
		"tcp dport 7471 @th,48,16 0 @th,168,8 & $1 != 0"
	wire "$h2" eth0 mss 'tcp dport 7471 @th,48,16 0 @th,192,16 != 0'
}
wire_flag 2
check 'tso on: TCP' move
check_num 'tso on: frames have P (W7)' "$(wired "$h2" flag2)" -gt 10
check_num 'tso on: frames have an MSS (W7)' "$(wired "$h2" mss)" -gt 0
unwire "$h2"

# toggle FEATURE LONG-NAME: off, and it works; later on again.
toggle() {
	check "$1 off" in_ns "$h1" ethtool -K stt0 "$1" off
	check_eq "$1 off: shown" "$(feature "$h1" "$2")" off
}
back() {
	check "$1 on again" in_ns "$h1" ethtool -K stt0 "$1" on
	check_eq "$1 on again: shown" "$(feature "$h1" "$2")" on
}

toggle tso tcp-segmentation-offload
before=$(ethstat "$h1" stt0 tx_tso)
wire_flag 2
both 'tso off'
check_eq 'tso off: no frame is more than a segment' \
	"$(ethstat "$h1" stt0 tx_tso)" "$before"
check_eq 'tso off: no frame has an MSS' "$(wired "$h2" mss)" 0
check_num 'tso off: P is still there' "$(wired "$h2" flag2)" -gt 10
unwire "$h2"
back tso tcp-segmentation-offload

toggle tx tx-checksumming
# 7.3 leaves one of TCP's kinds on, and with it what stands for all of them.
check_eq 'tx off: tso is off too' \
	"$(feature "$h1" tx-tcp-segmentation | cut -d' ' -f 1)" off
wire_flag 2
both 'tx off'
check_eq 'tx off: no frame has P (W7)' "$(wired "$h2" flag2)" 0
unwire "$h2"
check_eq 'tx off: checksums were right' "$(linkstat "$h2" stt0 rx_errors)" 0
back tx tx-checksumming
in_ns "$h1" ethtool -K stt0 tso on >/dev/null

for pair in 'sg scatter-gather' 'gso generic-segmentation-offload' \
	    'gro generic-receive-offload' 'rx rx-checksumming'; do
	# shellcheck disable=SC2086
	toggle $pair
	both "${pair% *} off"
	# shellcheck disable=SC2086
	back $pair
done
in_ns "$h1" ethtool -K stt0 tso on gso on >/dev/null

# What the sender says it verified is believed only with rx on.
py_checks ethtool.py "$h1" "$h2" "$a1" "$a2" 1 10.0.0.2
in_ns "$h2" ethtool -K stt0 rx off
py_checks ethtool.py "$h1" "$h2" "$a1" "$a2" 0 10.0.0.2
in_ns "$h2" ethtool -K stt0 rx on

# A tag is in the VLAN field, with VLAN offload and without (W9).
for ns in "$h1" "$h2"; do
	ip -n "$ns" link add link stt0 name stt0.5 type vlan id 5
	ip -n "$ns" link set stt0.5 up
done
addr "$h1" stt0.5 10.5.0.1/24
addr "$h2" stt0.5 10.5.0.2/24
wire "$h2" eth0 tagged 'tcp dport 7471 @th,48,16 0 @th,208,16 0x1005'
for state in on off; do
	in_ns "$h1" ethtool -K stt0 txvlan $state
	before=$(wired "$h2" tagged)
	check "txvlan $state: ping" \
		in_ns "$h1" ping -q -c 3 -i 0.2 -W 5 10.5.0.2
	check_num "txvlan $state: tag in the VLAN field (W9)" \
		$(($(wired "$h2" tagged) - before)) -ge 3
	check "txvlan $state: TCP" in_ns "$h1" timeout $((30 * slowness)) \
		iperf3 -c 10.5.0.2 -n 500K
done
teardown

# --- GSO maximum ---------------------------------------------------------------

# count, and counted: $frames of stt0 that left h1 since, in $packets of eth0.
count() {
	frames=$(ethstat "$h1" stt0 tx_frames)
	packets=$(linkstat "$h1" eth0 tx_packets)
}
counted() {
	packets=$(($(linkstat "$h1" eth0 tx_packets) - packets))
	frames=$(($(ethstat "$h1" stt0 tx_frames) - frames))
}

for family in v4 v6; do
	setup_pair $family
	stt_pair id 1
	[ $family = v4 ] && hdrs=72 mtu=65449 || hdrs=92 mtu=65429
	check_eq "$family: gso_max_size and tso_max_size" \
		"$(limits "$h1" stt0)" "$((65536 - hdrs)) 524280"

	# Packets on eth0 are frames: none was cut on the way.
	iperf_server "$h2"
	for m in 1500 9000 $mtu; do
		ip -n "$h1" link set stt0 mtu "$m"
		ip -n "$h2" link set stt0 mtu "$m"
		tso=$(ethstat "$h1" stt0 tx_tso)
		soft=$(ethstat "$h1" stt0 tx_sw_offload)
		count
		check "$family: MTU $m: TCP" in_ns "$h1" \
			timeout $((30 * slowness)) iperf3 -c 10.0.0.2 -n 10M
		counted
		check_num "$family: MTU $m: frames are handed to TSO" \
			$(($(ethstat "$h1" stt0 tx_tso) - tso)) -gt 100
		# What TCP sends in a millisecond: little on a slow machine.
		check_num "$family: MTU $m: frames of 8 KB on average" \
			$((10 << 20)) -ge $((frames * 8192 / slowness))
		check_num "$family: MTU $m: packets are not cut in software" \
			"$packets" -le $((frames + frames / 10 + 20))
		check_eq "$family: MTU $m: nothing resolved in software" \
			"$(ethstat "$h1" stt0 tx_sw_offload)" "$soft"
	done

	# Larger is slow, and works.
	[ $family = v4 ] && largest=65463 || largest=65483
	ip -n "$h1" link set stt0 mtu "$largest"
	ip -n "$h2" link set stt0 mtu "$largest"
	check "$family: MTU $largest: TCP" in_ns "$h1" \
		timeout $((30 * slowness)) iperf3 -c 10.0.0.2 -n 2M
	check "$family: MTU $largest: a packet of that size" \
		in_ns "$h1" ping -q -c 2 -i 0.2 -W 5 -s $((largest - 28)) \
		-M 'do' 10.0.0.2

	# The underlay takes less, and its devices may change.
	ip -n "$h1" link set eth0 gso_max_size 32768
	ip -n "$h1" link set stt0 down
	ip -n "$h1" link set stt0 up
	check_eq "$family: the limit follows an underlay of 32 KB" \
		"$(limits "$h1" stt0)" "$((32768 - hdrs)) 524280"
	ip -n "$h1" link set eth0 gso_max_size 65536
	ip -n "$h1" link set stt0 type stt ttl 9
	check_eq "$family: the limit follows an underlay of 64 KB again" \
		"$(limits "$h1" stt0)" "$((65536 - hdrs)) 524280"

	# What a NIC takes in segments counts as well: behind its own headers and
	# IP's, TCP's and the link's, 16 of the MTU.
	[ $family = v4 ] && ip=20 || ip=40
	segments_of() { echo $((14 + ip + 20 + 16 * ($1 - ip - 20) - hdrs)); }
	most=$(segments_of 1500)
	ip -n "$h1" link set eth0 gso_max_segs 16
	ip -n "$h1" link set stt0 mtu 1500
	ip -n "$h2" link set stt0 mtu 1500
	ip -n "$h1" link set stt0 type stt ttl 8
	check_eq "$family: an underlay of 16 segments" "$(limits "$h1" stt0)" \
		"$most 524280"
	count
	check "$family: 16 segments: TCP" in_ns "$h1" \
		timeout $((30 * slowness)) iperf3 -c 10.0.0.2 -n 4M
	counted
	check_num "$family: 16 segments: not cut in software" \
		"$packets" -le $((frames + frames / 10 + 20))
	ip -n "$h1" link set eth0 mtu 1400
	most=$(segments_of 1400)
	check_eq "$family: 16 segments of another MTU" "$(limits "$h1" stt0)" \
		"$most 524280"
	stt_add "$h1" both external dev eth0 dstport 7001
	ip=40 hdrs=92
	most=$(segments_of 1400)
	check_eq "$family: for both address families" "$(limits "$h1" both)" \
		"$most 524280"
	ip -n "$h1" link set eth0 mtu 1500 gso_max_segs 65535
	teardown
done

tap_done
