#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run.sh [-k KERNEL] - measure TCP through STT and its neighbours
#
# One VM with one CPU whose clock counts instructions: a rate measured inside
# says how many instructions a byte cost from socket to socket, both hosts
# together, and comes out the same on every machine and under any load. It says
# nothing about cache misses, which all tunnels have alike.

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/../tests/vm/common.sh"
vm=$STT_TOP/tests/vm

kernel=stock-6.1
[ "${1:-}" != -k ] || kernel=$2

"$vm/deps.sh"
make -s -C "$STT_TOP" ip >&2
ko=$("$vm/build.sh" "$kernel")
out=$STT_TOP/build/bench
"$vm/vm.sh" -k "$kernel" --icount -t 3600 -o "$out" -e "STT_KO=$ko" \
	-e "IP_LIB_DIR=$STT_TOP/build/ip" -- bench/guest.sh >&2
/usr/bin/python3 "$STT_TOP/bench/table.py" "$out/guest/results"
