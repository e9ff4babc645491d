#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What a packet costs does not grow with what is configured, open or was sent
# before (R8a): marks, flows, sources, frames of a flow. Each cost is compared
# with the same one where there is little of it, in the same run; with a clock
# that counts instructions (vm.sh --icount) the figures repeat. And what an
# endpoint costs before anything is sent.
#
#	h1                                        h2
#	ext0: external, 16,000 marks in use       any4: id 2, from anybody
#	eth0 192.0.2.1 ---------- veth ---------- eth0 192.0.2.2
#
# kernels: stock
# slow: yes
# timeout: 300

# shellcheck disable=SC2154 # namespaces are set by setup_pair
. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_py.sh"
require nft

setup_pair v4
quiet "$h1" default
quiet "$h2" default
check 'devices' eval "stt_add $h1 ext0 external && stt_add $h2 any4 id 2"
in_ns "$h1" ethtool -K eth0 gro off >/dev/null
in_ns "$h2" ethtool -K eth0 gro off >/dev/null
in_ns "$h2" ethtool -K any4 gro off >/dev/null
in_ns "$h1" ethtool -K ext0 gro off >/dev/null
addr "$h1" ext0 10.5.0.1/32
ip -n "$h1" route add 10.5.0.2/32 encap ip id 7 dst 192.0.2.2 dev ext0
ip -n "$h1" neigh add 10.5.0.2 lladdr 02:00:00:00:00:07 dev ext0
in_ns "$h1" nft 'add table ip t; add chain ip t o {
	type filter hook output priority 0; }'
py_checks bounds.py "$h1" "$h2"
teardown

# --- an endpoint ------------------------------------------------------------------

# percpu: KB of memory that is there once for each CPU.
percpu() { awk '$1 == "Percpu:" { print $2 }' /proc/meminfo; }

# many KIND: sets the variable KIND to the KB of that which 200 devices on ports
# of their own take.
many() {
	local kind=$1 i before

	new_ns n
	for ((i = 0; i <= 200; i++)); do
		echo "link add $kind$i type $kind id 1 dstport $((20000 + i)) remote 192.0.2.9"
	done >"$tmp/batch"
	# What there is once for the namespace comes with the first one.
	head -n 1 "$tmp/batch" | ip -n "$n" -b -
	before=$(percpu)
	tail -n +2 "$tmp/batch" | ip -n "$n" -b -
	printf -v "$kind" %d $(($(percpu) - before))
}

# The module of vxlan is there before anything is measured.
modprobe -q vxlan
stt='' vxlan=''
many stt
many vxlan
echo "# per-CPU memory of 200 devices: stt $stt KB, vxlan $vxlan KB"
check_num 'a device on a port of its own takes no table for each CPU' \
	"$stt" -le $((3 * vxlan))

tap_done
