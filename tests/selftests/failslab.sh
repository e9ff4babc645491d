#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# No memory: each allocation below a function of ours fails once, by
# /proc/thread-self/fail-nth, while links are made and changed, namespaces are
# made, entries of the forwarding database, frames are sent, received,
# reassembled, delivered in parts, and MAC addresses learnt; then any of them
# fails now and then under traffic. Nothing crashes or leaks, refused requests
# leave nothing behind, dropped packets are counted.
#
#	h1                              h2
#	t0 192.0.2.2   taps: packets
#	t2 198.51.100.2   go in and out     (failslab.py)
#	stt4, stt6
#
#	eth0 ---------- veth ---------- eth0
#	stt0                            stt0    (under traffic)
#
# kernels: debug
# timeout: 300

# check calls functions.
# shellcheck disable=SC2317,SC2119,SC2086
. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_py.sh"
require iperf3 ping

slab=/sys/kernel/debug/failslab
if [ ! -e /proc/self/fail-nth ] || [ ! -e $slab/require-start ]; then
	skip_all 'the kernel cannot fail allocations'
fi
modprobe -q tun

# Only what is allocated below functions of the module. Its init functions are
# not among them.
start=$(cat /sys/module/stt/sections/.text)
end=$(grep -E ' [tT] .*\[stt\]$' /proc/kallsyms | sort | tail -n 1 |
      cut -d ' ' -f 1)
set_failslab() { echo "$2" >"$slab/$1"; }
set_failslab probability 0
set_failslab times -1
set_failslab interval 1
set_failslab verbose 0
set_failslab task-filter N
set_failslab ignore-gfp-wait N
set_failslab stacktrace-depth 32
set_failslab require-start "$start"
set_failslab require-end "0x$end"
echo 20 >/sys/kernel/debug/fail_page_alloc/min-order

new_ns h1
quiet "$h1" default
py_checks failslab.py "$h1"
teardown

# --- under traffic -----------------------------------------------------------------

dropped() {
	local n=0 ns name

	for ns in "$h1" "$h2"; do
		for name in drop_nomem reasm_nomem; do
			n=$((n + $(counter "$ns" $name)))
		done
		n=$((n + $(linkstat "$ns" stt0 tx_dropped)))
	done
	[ "$n" -gt "${1:-0}" ]
}

empty() {
	[ "$(counter "$h1" reasm_mem)$(counter "$h2" reasm_mem)" = 00 ]
}

for family in v4 v6; do
	setup_pair $family
	stt_pair
	# Segments on the wire: they are put together again.
	one_by_one "$h1" eth0
	one_by_one "$h2" eth0
	iperf_server "$h2"
	background in_ns "$h1" ping -q -f -s 9000 10.0.0.2 >/dev/null 2>&1
	background in_ns "$h2" ping -q -f -s 1000 10.0.0.1 >/dev/null 2>&1
	background in_ns "$h1" iperf3 -c 10.0.0.2 -t 3600 --bidir >/dev/null 2>&1
	set_failslab probability 10
	check "$family: allocations fail under traffic" \
		wait_for 20 dropped 100
	set_failslab probability 0
	kill "${bg_pids[@]}" 2>/dev/null
	check "$family: traffic flows after allocations failed" \
		wait_for 10 in_ns "$h1" ping -q -c 3 -i 0.2 -W 5 -s 9000 10.0.0.2
	check "$family: reassembly holds no memory afterwards" wait_for 20 empty
	teardown
done

# Objects without a reference. kmemleak looks at them when they are some seconds
# old, and two scans have to agree.
kmemleak=/sys/kernel/debug/kmemleak
leaks() {
	echo scan >$kmemleak
	sleep 6
	echo scan >$kmemleak
	# A module's functions are named with it.
	awk '/^unreferenced/ { if (rec ~ /\[stt\]/) printf "%s", rec; rec = "" }
	     { rec = rec $0 "\n" }
	     END { if (rec ~ /\[stt\]/) printf "%s", rec }' $kmemleak |
	head -n 40
}
if [ -w $kmemleak ]; then
	check_eq 'nothing leaked' "$(leaks)" ''
else
	skip 'nothing leaked' 'this kernel has no kmemleak'
fi

set_failslab require-start 0
set_failslab require-end 0xffffffffffffffff
set_failslab reject-start 0
set_failslab reject-end 0
set_failslab ignore-gfp-wait Y
set_failslab stacktrace-depth 0

tap_done
