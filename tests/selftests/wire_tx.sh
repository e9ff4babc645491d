#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What is on the wire: every segment of every kind of frame, field by field
# (W1, W3 to W7, W9 to W12), cut by software and handed to TSO whole, over
# both underlays; and what tshark makes of it.
#
#	h1                                h2
#	inner packets into                a capture
#	stt4 to 192.0.2.9, stt6 to
#	2001:db8::9, and more
#	eth0 192.0.2.1 ------- veth ----- eth0
#	     2001:db8::1                  no host has .9 or ::9: the neighbour
#	                                  entries are static, and h2 is silent
#
# kernels: all
# timeout: 240

. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_py.sh"
require ethtool

setup_pair v4
for a in 192.0.2.9 192.0.2.10 2001:db8::9 2001:db8::10; do
	ip -n "$h1" neigh add $a dev eth0 lladdr "$(mac "$h2" eth0)"
done
ip -n "$h1" route add 192.0.2.10 dev eth0 mtu lock 701
ip -n "$h1" route add 2001:db8::10 dev eth0 mtu lock 1283
quiet "$h1" default
check 'IPv4 device' stt_add "$h1" stt4 id 0x123456789abcdef0 remote 192.0.2.9
check 'IPv6 device' stt_add "$h1" stt6 id 0x123456789abcdef0 remote 2001:db8::9
ip -n "$h1" link set stt4 mtu 9000
ip -n "$h1" link set stt6 mtu 9000

py_checks wire_tx.py "$h1" "$h2" "$tmp/wire.pcap"

# The ids that tshark should find are in a file beside the capture. Starting it
# is slow, so that it is asked for everything at once.
if ! command -v tshark >/dev/null; then
	skip 'tshark finds nothing wrong' 'tshark is missing'
	tap_done
fi
tshark -r "$tmp/wire.pcap" -o ip.try_heuristic_first:TRUE \
	-o ipv6.try_heuristic_first:TRUE -o stt.reassemble:TRUE \
	-o ip.check_checksum:TRUE -T fields -E separator=';' -E occurrence=f \
	-e frame.number -e stt.stream_id -e stt.context_id -e stt.version \
	-e _ws.malformed -e ip.checksum.status -e _ws.expert.message \
	>"$tmp/tshark" 2>"$tmp/tshark.err"
check 'tshark reads the capture' test -s "$tmp/tshark"
check_eq 'tshark finds no malformed packet' \
	"$(cut -d';' -f5 "$tmp/tshark" | sort -u | tr -d '\n')" ''
check_eq 'tshark takes every packet for STT' \
	"$(awk -F';' '$2 == ""' "$tmp/tshark")" ''
check_eq 'tshark finds the context ids' \
	"$(awk -F';' '$3 != "" { print $3 }' "$tmp/tshark" | sort | uniq -c)" \
	"$(sort "$tmp/wire.pcap.ids" | uniq -c)"
check_eq 'tshark finds version 0' \
	"$(awk -F';' '$4 != "" { print $4 }' "$tmp/tshark" | sort -u)" 0

tap_done
