#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# /proc/net/stt_peers: what came from each peer and what was lost on the way,
# who gets a line and who does not, and the exporter that reads it.
#
#	h1                    r                             h2
#	stt0 10.0.0.1         drops what it is told to      stt0 10.0.0.2
#	eth0 192.0.2.1 ------ eth0, eth1 ------------------ eth0 198.51.100.2
#
# kernels: all
# timeout: 200

# shellcheck disable=SC2154,SC2016,SC2119
. "${BASH_SOURCE[0]%/*}/lib.sh"
require ping nft iperf3 awk

exporter=${BASH_SOURCE[0]%/*}/../../examples/prometheus/stt-exporter

# value NS ADDRESS PORT COLUMN
value() {
	in_ns "$1" awk -v a="$2" -v p="$3" -v c="$4" '
		NR == 1 { for (n = 1; n <= NF; n++) if ($n == c) col = n }
		$1 == a && $2 == p { print $col }' /proc/net/stt_peers
}

# drops RULE...: what the router drops from now on.
drops() {
	in_ns "$r" nft -f - <<-END
	table inet loss {
		chain forward {
			type filter hook forward priority 0
			$* counter drop
		}
	}
	END
}

lines() { in_ns "$1" tail -n +2 /proc/net/stt_peers | wc -l; }

setup_routed v4
stt_pair
for ns in "$h1" "$h2"; do
	ip -n "$ns" link set stt0 mtu 9000
	in_ns "$ns" sysctl -qw net.ipv6.conf.stt0.disable_ipv6=1
	one_by_one "$ns" eth0
done
# No ARP between two readings that are compared.
ip -n "$h1" neigh replace $i2 dev stt0 lladdr "$(mac "$h2" stt0)"
ip -n "$h2" neigh replace $i1 dev stt0 lladdr "$(mac "$h1" stt0)"

check_eq 'the first line names the columns' \
	"$(in_ns "$h2" head -n 1 /proc/net/stt_peers)" \
	'address port scope frames bytes reassembled incomplete lost partial'
check_eq 'a peer that a device names has a line' \
	"$(in_ns "$h1" sed -n 2p /proc/net/stt_peers | cut -d ' ' -f 1-3)" \
	"$a2 7471 0"
check 'packets of one segment and of many' eval \
	"in_ns $h1 ping -q -c 3 -i 0.2 $i2 &&
	 in_ns $h1 ping -q -c 3 -i 0.2 -s 8000 $i2"
for ns in "$h1" "$h2"; do
	peer=$a1
	[ "$ns" = "$h2" ] || peer=$a2
	check "${ns%%-*}: frames of its only peer are the device's" \
		wait_for 10 eval "[ \"\$(value $ns $peer 7471 frames)\" = \
			\"\$(ethstat $ns stt0 rx_frames)\" ]"
	check "${ns%%-*}: bytes of its only peer are the device's" \
		wait_for 10 eval "[ \"\$(value $ns $peer 7471 bytes)\" = \
			\"\$(linkstat $ns stt0 rx_bytes)\" ]"
	check_eq "${ns%%-*}: reassembled frames of its only peer too" \
		"$(value "$ns" $peer 7471 reassembled)" \
		"$(ethstat "$ns" stt0 rx_reassembled)"
	check_eq "${ns%%-*}: nothing is lost" \
		"$(value "$ns" $peer 7471 lost)" 0
done

# The last segment of each frame of 8 KB is below 1000 bytes, others are not.
in_ns "$h2" sysctl -qw net.stt.reasm_time_ms=4000
drops tcp dport 7471 meta length lt 1000
in_ns "$h1" ping -q -c 3 -i 0.2 -W 0.2 -s 8000 $i2 >/dev/null
check_eq 'frames that wait for a segment are incomplete' \
	"$(value "$h2" $a1 7471 incomplete)" 3
in_ns "$r" nft delete table inet loss
check 'frames whose segment never comes are lost' wait_for 30 eval \
	"[ \"\$(value $h2 $a1 7471 lost)\" = 3 ]"
check_eq 'lost frames are not incomplete any more' \
	"$(value "$h2" $a1 7471 incomplete)" 0
check_eq 'lost UDP frames are not partial' "$(value "$h2" $a1 7471 partial)" 0

drops tcp dport 7471 meta length gt 1000 numgen inc mod 60 0
iperf_server "$h2"
in_ns "$h1" iperf3 -c $i2 -n 6M >/dev/null 2>&1
in_ns "$r" nft delete table inet loss
sleep 0.1
check_num 'TCP with losses: frames are delivered in parts' \
	"$(value "$h2" $a1 7471 partial)" -gt 0
check_eq 'the only peer has all partial frames of /proc/net/stt' \
	"$(value "$h2" $a1 7471 partial)" "$(counter "$h2" partial_frames)"

stt_add "$h2" s9 id 9 dstport 7472
stt_add "$h1" s10 id 10 dstport 7472 local $a1 remote $a2
addr "$h1" s10 10.10.0.1/24
before=$(counter "$h2" drop_no_device)
in_ns "$h1" ping -q -c 2 -i 0.2 -W 0.2 10.10.0.2 >/dev/null
check_num 'frames of a sender that no device receives from are dropped' \
	"$(counter "$h2" drop_no_device)" -gt "$before"
check_eq 'a sender that no device receives from has no line' "$(value "$h2" $a1 7472 frames)" ''
ip -n "$h1" link del s10
stt_add "$h1" s9 id 9 dstport 7472 local $a1 remote $a2
addr "$h1" s9 10.10.0.1/24
in_ns "$h1" ping -q -c 2 -i 0.2 -W 0.2 10.10.0.2 >/dev/null
check_num 'a sender that a device receives from has a line on its port' \
	"$(value "$h2" $a1 7472 frames)" -ge 1
before=$(lines "$h2")
ip -n "$h2" link add s3 type stt id 3 remote 203.0.113.9 dstport 7474
check_eq 'a configured peer that never sent anything has a line' \
	"$(value "$h2" 203.0.113.9 7474 frames)" 0
bridge -n "$h2" fdb add 02:00:00:00:00:99 dev s9 dst 203.0.113.10 dynamic
check_eq 'a peer of a dynamic entry has no line' "$(lines "$h2")" $((before + 1))
bridge -n "$h2" fdb replace 02:00:00:00:00:98 dev s9 dst 203.0.113.11 static
check_eq 'a peer of a static entry has a line' "$(lines "$h2")" $((before + 2))

check 'the exporter runs' in_ns "$h2" "$exporter" "$tmp/stt.prom"
labels="address=\"$a1\",port=\"7471\",scope=\"0\""
check_eq 'the exporter writes what stt_peers says' \
	"$(sed -n "s/^stt_peer_lost_total{$labels} //p" "$tmp/stt.prom")" \
	"$(value "$h2" $a1 7471 lost)"
check 'the exporter writes what /proc/net/stt says' grep -qx \
	"stt_partial_frames_total $(counter "$h2" partial_frames)" \
	"$tmp/stt.prom"
check 'the exporter writes what stt_ids says' \
	grep -q '^stt_id_rx_frames_total{device="s9",id="9"} ' \
	"$tmp/stt.prom"
check_eq 'the exporter gives every metric one type' \
	"$(grep '^# TYPE' "$tmp/stt.prom" | sort | uniq -d)" ''
check_eq 'every line of the exporter is one that Prometheus reads' \
	"$(grep -vE '^(# (TYPE|HELP) [a-z_]+ .+|[a-z_]+(\{[^}]*\})? [0-9]+)$' \
		"$tmp/stt.prom")" ''
tap_done
