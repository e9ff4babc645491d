#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A forwarding database of 100,000 entries: they come in by a batch, are found,
# shown, flushed, and go with their device while packets flow.
#
#	h1: stt0 10.0.0.1 ------------------- h2: stt0 10.0.0.2
#	    eth0 192.0.2.1 ----- veth -----       eth0 192.0.2.2
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

# A hundred peers, of which most are not there.
python3 -c "
for i in range($count):
    print('fdb add 02:01:%02x:%02x:%02x:%02x dev stt0 dst 198.51.100.%d static'
          % (i >> 24, i >> 16 & 255, i >> 8 & 255, i & 255, i % 100 + 1))
" >"$tmp/batch"
check 'a batch of 100,000' bridge -n "$h1" -b "$tmp/batch"
check_eq 'they are there' "$(entries "$h1" stt0 '^02:01')" $count
check_eq 'the last is found' \
	"$(fdb "$h1" get 02:01:00:01:86:9f dev stt0 self | sed 's/ *$//')" \
	'02:01:00:01:86:9f dev stt0 dst 198.51.100.100 self static'
check 'packets to unknown stations' in_ns "$h1" ping -q -c 3 -i 0.2 -W 5 \
	10.0.0.2
fdb "$h1" add "$(station 2)" dev stt0 dst "$a2" static
check 'packets to a known station' in_ns "$h1" ping -q -c 3 -i 0.2 -W 5 \
	10.0.0.2
check 'all ways change' ip -n "$h1" link set stt0 type stt tos 0x48
check 'packets after that' in_ns "$h1" ping -q -c 3 -i 0.2 -W 5 10.0.0.2
background in_ns "$h1" ping -q -i 0.01 10.0.0.2 >/dev/null
check 'flush dynamic ones, of which there are none' \
	fdb "$h1" flush dev stt0 dynamic
check_eq 'all are there' "$(entries "$h1" stt0 '^02:01')" $count
start=$SECONDS
check 'the device goes under traffic' ip -n "$h1" link del stt0
# vxlan's tables take as long; what is meant is minutes.
check_num 'at once' $((SECONDS - start)) -lt $((20 * slowness))

tap_done
