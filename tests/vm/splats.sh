#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# splats.sh <DMESG - print what a kernel log complains of; fail if it does
#
# panic_on_warn stops the guest at a WARNING, but lockdep, RCU, reference
# trackers and others only print.

patterns=(
	'BUG:' 'kernel BUG at' 'Oops' 'Kernel panic' 'general protection fault'
	'WARNING:' 'KASAN:' 'UBSAN:'
	'INFO: (possible|inconsistent|task|rcu|trying)' 'possible circular'
	'suspicious RCU' 'bad unlock balance' 'held lock freed'
	'lock held when returning' 'sleeping function called'
	'scheduling while atomic' 'unregister_netdevice: waiting'
	'refcount_t' 'ref_tracker:' 'leaked reference' 'ODEBUG:'
	'list_(add|del) corruption' 'soft lockup' 'hard LOCKUP'
	'rcu: INFO' 'detected stalls' 'self-detected stall'
	'stack-protector' 'segfault at .* in stt' 'page allocation failure'
	'DEBUG_LOCKS_WARN' 'netdevice.*leaked' 'cache.*Objects remaining'
)

pattern=$(IFS='|'; printf '%s' "${patterns[*]}")
# Said at boot of some kernels, about themselves and not about us.
harmless='clocksource|TSC|hrtimer: interrupt took|PCI: Fatal|Spectre|KASAN: .*shadow'

if found=$(grep -nE -A 25 "$pattern" | grep -vE "$harmless") &&
   grep -qE "$pattern" <<<"$found"; then
	head -n 100 <<<"$found"
	exit 1
fi
