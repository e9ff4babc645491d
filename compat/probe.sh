#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# probe.sh SRCTREE - what the kernel of these headers has not, as -D flags
#
# Debian's kernels carry backports, so the version number tells nothing: each
# line asks the headers themselves. The shims in compat/include go by these.

inc=$1/include

# probe NAME FILE PATTERN: say -DSTT_NO_NAME unless FILE has PATTERN
probe() {
	grep -qE "$3" "$inc/$2" 2>/dev/null || printf ' -DSTT_NO_%s' "$1"
}

# The enum of drop reasons moved within net/ in 6.3.
reasons=net/dropreason-core.h
[ -e "$inc/$reasons" ] || reasons=net/dropreason.h

probe UNALIGNED_H	linux/unaligned.h	.
probe GSO_H		net/gso.h		.
probe SKBUFF_REF_H	linux/skbuff_ref.h	.
probe KZALLOC_OBJ	linux/slab.h		'define kzalloc_obj'
probe NEWLINK_PARAMS	net/rtnetlink.h		'struct rtnl_newlink_params \{'
probe LINK_NET_CAPABLE	net/rtnetlink.h		rtnl_dev_link_net_capable
probe EXIT_RTNL		net/net_namespace.h	'\(\*exit_rtnl\)'
probe EXIT_BATCH_RTNL	net/net_namespace.h	'\(\*exit_batch_rtnl\)'
probe SYSCTL_SZ		net/net_namespace.h	register_net_sysctl_sz
probe GSO_IPV4_MAX	linux/netdevice.h	gso_ipv4_max_size
probe DEV_LLTX		linux/netdevice.h	'lltx:1'
probe TIMER_CONTAINER_OF linux/timer.h		'define timer_container_of'
for reason in FRAG_REASM_TIMEOUT FRAG_TOO_FAR DUP_FRAG NOMEM UNHANDLED_PROTO \
	      SKB_BAD_GSO IP_TUNNEL_ECN; do
	probe "$reason"	$reasons	"SKB_DROP_REASON_$reason\\b"
done
echo
