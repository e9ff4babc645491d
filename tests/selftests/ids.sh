#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# /proc/net/stt_ids: frames, bytes and drops for each context id of an external
# device, and one line for a device that has one id. Ids that strangers make up
# do not fill the table.
#
#	h1                                 h2
#	stt0 external                      stt0 external
#	  10.1.0.1, id 101                   10.1.0.2
#	  10.2.0.1, id 2^60 + 1              10.2.0.2
#	s5 10.5.0.1, id 5, port 7001       s5 10.5.0.2
#	eth0 192.0.2.1 -------- veth ----- eth0 192.0.2.2
#
# kernels: all
# timeout: 200

# shellcheck disable=SC2154,SC2016,SC2119
. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_py.sh"
require ping python3

wide=$(((1 << 60) + 1))

# All neighbours are permanent: an ARP frame between two readings would count.

# row NS DEV ID: the rest of its line.
row() {
	in_ns "$1" awk -v d="$2" -v i="$3" \
		'$1 == d && $2 == i { $1 = $2 = ""; print substr($0, 3) }' \
		/proc/net/stt_ids
}

# value NS DEV ID COLUMN
value() {
	in_ns "$1" awk -v d="$2" -v i="$3" -v c="$4" '
		NR == 1 { for (n = 1; n <= NF; n++) if ($n == c) col = n }
		$1 == d && $2 == i { print $col }' /proc/net/stt_ids
}

# side NS LOCAL REMOTE PEER
side() {
	stt_add "$1" stt0 external
	in_ns "$1" sysctl -qw net.ipv6.conf.stt0.disable_ipv6=1
	ip -n "$1" link set stt0 address "02:00:00:00:00:0$2"
	addr "$1" stt0 "10.1.0.$2/32" "10.2.0.$2/32"
	ip -n "$1" route add "10.1.0.$3" encap ip id 101 dst "$4" dev stt0 \
		src "10.1.0.$2"
	ip -n "$1" route add "10.2.0.$3" encap ip id "$wide" dst "$4" \
		dev stt0 src "10.2.0.$2"
	ip -n "$1" neigh add "10.1.0.$3" lladdr "02:00:00:00:00:0$3" dev stt0
	ip -n "$1" neigh add "10.2.0.$3" lladdr "02:00:00:00:00:0$3" dev stt0
	stt_add "$1" s5 id 5 dstport 7001 remote "$4"
	in_ns "$1" sysctl -qw net.ipv6.conf.s5.disable_ipv6=1
	ip -n "$1" link set s5 address "02:00:00:00:05:0$2"
	addr "$1" s5 "10.5.0.$2/24"
	ip -n "$1" neigh add "10.5.0.$3" lladdr "02:00:00:00:05:0$3" dev s5
}

setup_pair v4
side "$h1" 1 2 192.0.2.2
side "$h2" 2 1 192.0.2.1

check_eq 'the first line names the columns' \
	"$(in_ns "$h1" head -n 1 /proc/net/stt_ids)" \
	'device id rx_frames rx_bytes rx_drops tx_frames tx_bytes tx_drops'
check_num 'a device with an id has a line from the start' \
	"$(row "$h1" s5 5 | wc -w)" -eq 6
check_eq 'an id that is not in use has none' "$(row "$h1" stt0 101)" ''
check_eq 'an external device has a line for the rest' \
	"$(row "$h1" stt0 -)" '0 0 0 0 0 0'

check 'the first id is used' in_ns "$h1" ping -q -c 3 -i 0.2 -s 100 10.1.0.2
check 'the second id is used' in_ns "$h1" ping -q -c 2 -i 0.2 -s 200 10.2.0.2
check 'the device with an id is used' in_ns "$h1" ping -q -c 2 10.5.0.2
# Ethernet, IPv4, ICMP
for ns in "$h1" "$h2"; do
	check_eq "${ns%%-*}: frames and bytes of the first id" \
		"$(row "$ns" stt0 101)" '3 426 0 3 426 0'
	check_eq "${ns%%-*}: frames and bytes of an id of 61 bits" \
		"$(row "$ns" stt0 $wide)" '2 484 0 2 484 0'
	check_eq "${ns%%-*}: no other id" "$(row "$ns" stt0 -)" '0 0 0 0 0 0'
done
check_eq 'a device with an id shows what ip -s link does' \
	"$(value "$h1" s5 5 rx_frames) $(value "$h1" s5 5 tx_bytes)" \
	"$(linkstat "$h1" s5 rx_packets) $(linkstat "$h1" s5 tx_bytes)"

ip -n "$h1" route add blackhole 192.0.2.99
ip -n "$h1" route add 10.3.0.2 encap ip id 101 dst 192.0.2.99 dev stt0 \
	src 10.1.0.1
ip -n "$h1" neigh add 10.3.0.2 lladdr 02:00:00:00:00:09 dev stt0
in_ns "$h1" ping -q -c 2 -i 0.2 -W 0.2 10.3.0.2 >/dev/null
check_eq 'a packet without a route is a drop of its id' \
	"$(value "$h1" stt0 101 tx_drops)" 2

# A CE mark that the inner packet cannot carry (RFC 6040).
cat >"$tmp/send.py" <<'END'
import sys
from sttlib import *
ns1, ns2, what = sys.argv[1:4]
wire = Wire(ns1, 'eth0', mac(ns2, 'eth0'))
inner = eth(ip(udp(b'x' * 20, '10.9.0.1', '10.9.0.2'), '10.9.0.1', '10.9.0.2',
               17), ETH_P_IP)
flow = Flow('192.0.2.1', '192.0.2.2')
if what == 'ce':
    wire.send(*flow.segments(frame(inner, id=101), [], tos=3))
else:
    for i in range(1200):
        wire.send(*flow.segments(frame(inner, id=(1 << 32) + i), []))
END
send() {
	PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="${BASH_SOURCE[0]%/*}" \
		/usr/bin/python3 "$tmp/send.py" "$h1" "$h2" "$1"
}

send ce
check 'a frame dropped on receipt is a drop of its id' wait_for 10 eval \
	"[ \"\$(value $h2 stt0 101 rx_drops)\" = 1 ]"

before=$(ethstat "$h2" stt0 rx_frames)
send strangers
check 'frames of 1200 made-up ids are received' wait_for 30 eval \
	"[ \"\$(ethstat $h2 stt0 rx_frames)\" -ge $((before + 1200)) ]"
check_num 'some made-up ids get lines' \
	"$(in_ns "$h2" grep -c '^stt0 4294' /proc/net/stt_ids)" -ge 1000
check_num '1024 made-up ids get lines at most' \
	"$(in_ns "$h2" grep -c '^stt0 4294' /proc/net/stt_ids)" -le 1024
check_eq 'lines of made-up ids and the rest add up' \
	"$(in_ns "$h2" awk '$1 == "stt0" && ($2 == "-" || $2 ~ /^4294/) {
		n += $3 } END { print n }' /proc/net/stt_ids)" 1200
ip -n "$h2" route add 10.4.0.1 encap ip id 404 dst 192.0.2.1 dev stt0 \
	src 10.1.0.2
ip -n "$h2" neigh add 10.4.0.1 lladdr 02:00:00:00:00:01 dev stt0
in_ns "$h2" ping -q -c 2 -i 0.2 -W 0.2 10.4.0.1 >/dev/null
check_eq 'an id that is sent with still gets a line' \
	"$(value "$h2" stt0 404 tx_frames)" 2

ip -n "$h1" link del stt0
check_eq 'lines go with the device' \
	"$(in_ns "$h1" grep -c '^stt0 ' /proc/net/stt_ids)" 0
tap_done
