#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# probe.sh SRCTREE - what the kernel of these headers has not, as -D flags
#
# Debian's kernels carry backports, so the version number tells nothing: each
# line asks the headers themselves. The shims in compat/include go by these.
# What is neither there in its new form nor in the old one that its shim is
# written for makes the only output "unknown" and the names of the probes,
# which Kbuild turns into an error of one line.

inc=$1/include
flags='' unknown=''

# has FILE PATTERN
has() {
	grep -qE "$2" "$inc/$1" 2>/dev/null
}

# probe NAME FILE PATTERN [OLD-FILE OLD-PATTERN]: say -DSTT_NO_NAME unless FILE
# has PATTERN; then OLD-FILE must have OLD-PATTERN.
probe() {
	if has "$2" "$3"; then
		return
	elif [ $# -gt 3 ] && ! has "$4" "$5"; then
		unknown="$unknown $1 (include/$2)"
	fi
	flags="$flags -DSTT_NO_$1"
}

# need NAME FILE PATTERN: the code relies on it, and nothing here replaces it.
need() {
	has "$2" "$3" || unknown="$unknown $1 (include/$2)"
}

# The enum of drop reasons moved within net/ in 6.3.
reasons=net/dropreason-core.h
[ -e "$inc/$reasons" ] || reasons=net/dropreason.h

# Since 6.0 at the latest.
need DROP_REASON	$reasons		SKB_DROP_REASON_NOT_SPECIFIED
need TSO_MAX		linux/netdevice.h	netif_set_tso_max_size
need KFREE_LIST_REASON	linux/skbuff.h		kfree_skb_list_reason
need LINK_OPS		net/rtnetlink.h		'struct rtnl_link_ops \{'

probe UNALIGNED_H	linux/unaligned.h	. \
	asm-generic/unaligned.h			get_unaligned
probe GSO_H		net/gso.h		. \
	linux/netdevice.h			skb_gso_segment
probe SKBUFF_REF_H	linux/skbuff_ref.h	. \
	linux/skbuff.h				skb_frag_ref
probe KZALLOC_OBJ	linux/slab.h		'define kzalloc_obj' \
	linux/slab.h				kzalloc
probe NEWLINK_PARAMS	net/rtnetlink.h		'struct rtnl_newlink_params \{' \
	net/rtnetlink.h				'\(\*newlink\)\(struct net \*'
probe LINK_NET_CAPABLE	net/rtnetlink.h		rtnl_dev_link_net_capable
probe CONFIGURE_LINK_NLH net/rtnetlink.h	'rtnl_configure_link\(.*(ifm,$|portid)' \
	net/rtnetlink.h				'rtnl_configure_link\(.*ifm\);'
probe HAS_LISTENERS	linux/rtnetlink.h	rtnl_has_listeners \
	linux/netlink.h				netlink_has_listeners
probe EXIT_RTNL		net/net_namespace.h	'\(\*exit_rtnl\)' \
	net/net_namespace.h			'\(\*(exit_batch_rtnl|pre_exit)\)'
probe EXIT_BATCH_RTNL	net/net_namespace.h	'\(\*exit_batch_rtnl\)'
probe SYSCTL_SZ		net/net_namespace.h	register_net_sysctl_sz \
	net/net_namespace.h			register_net_sysctl
probe GSO_IPV4_MAX	linux/netdevice.h	gso_ipv4_max_size \
	linux/netdevice.h			gso_max_size
probe GSO_ACCECN	linux/skbuff.h		SKB_GSO_TCP_ACCECN
probe DEV_LLTX		linux/netdevice.h	'lltx:1' \
	linux/netdev_features.h			NETIF_F_LLTX
probe CHANGE_PROTO_DOWN	linux/netdevice.h	'change_proto_down:1' \
	linux/netdevice.h			IFF_CHANGE_PROTO_DOWN
probe TIMER_CONTAINER_OF linux/timer.h		'define timer_container_of' \
	linux/timer.h				'define from_timer'
probe TIMER_DELETE_SYNC	linux/timer.h		timer_delete_sync \
	linux/timer.h				del_timer_sync
probe FDB_NOTIFIED	linux/netdevice.h	'bool \*notified'
probe FDB_BULK_NLMSG	linux/netdevice.h	'\(\*ndo_fdb_del_bulk\)\(struct nlmsghdr'
probe NETPOLL_SETUP_DEV	linux/netdevice.h \
	'\(\*ndo_netpoll_setup\)\(struct net_device \*dev\)' \
	linux/netdevice.h			'\(\*ndo_netpoll_setup\)\(.*,$'
probe FDB_DUMP_CONTEXT	linux/rtnetlink.h	'struct ndo_fdb_dump_context'
probe NH_FDB_PORT	net/nexthop.h		'\*dst_port\)'
probe TUNNEL_BITMAP	net/ip_tunnels.h	'define IP_TUNNEL_DECLARE_FLAGS' \
	net/ip_tunnels.h			'__be16[[:space:]]+tun_flags'
probe TUNNEL_NHID	net/ip_tunnels.h	'u32[[:space:]]+nhid;'
probe HOTDATA		net/hotdata.h		max_backlog \
	linux/netdevice.h			netdev_max_backlog
for reason in FRAG_REASM_TIMEOUT FRAG_TOO_FAR DUP_FRAG NOMEM UNHANDLED_PROTO \
	      SKB_BAD_GSO IP_TUNNEL_ECN TUNNEL_TXINFO \
	      MAC_INVALID_SOURCE LOCAL_MAC NO_TX_TARGET RECURSION_LIMIT; do
	probe "$reason"	$reasons	"SKB_DROP_REASON_$reason\\b"
done

if [ -n "$unknown" ]; then
	echo "unknown$unknown"
else
	echo "$flags"
fi
