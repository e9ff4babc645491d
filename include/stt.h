/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stateless Transport Tunneling: how the module's structures hang together,
 * and what all files need.  Each source file has a header of its name.
 *
 *	stt_net ---- stt_port ---- stt_conf ---- stt_dev (a net_device)
 *	(netns)  |   (family,  |   (immutable,
 *	         |    port)         by id and addresses)
 *	         |-- stt_path (a path to a peer)
 *	         `-- stt_reasm (frames that did not come whole)
 *
 * Everything that configures is done under RTNL.  Packets look at it under
 * RCU: a port, a conf or a path is unlinked first and freed a grace period
 * later.
 */
#ifndef _STT_H
#define _STT_H

#include <linux/list.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/rhashtable.h>
#include <linux/skbuff.h>
#include <linux/workqueue.h>
#include <net/ip.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "stt_addr.h"
#include "stt_stats.h"

struct stt_early;
struct stt_port_table;
struct stt_reasm;

/*
 * With BH disabled we own this CPU's data, except on PREEMPT_RT without
 * CONFIG_PREEMPT_RT_NEEDS_BH_LOCK (6.18), where softirqs preempt each other.
 * Caches for each CPU have no lock: they are off there, and on older kernels
 * with PREEMPT_RT.
 */
static inline bool stt_bh_exclusive(void)
{
	return !IS_ENABLED(CONFIG_PREEMPT_RT) ||
	       IS_ENABLED(CONFIG_PREEMPT_RT_NEEDS_BH_LOCK);
}

/**
 * struct stt_flow_key - whose frame ids belong together (R6)
 * @saddr: the sender
 * @daddr: our address, or a group's
 * @sport: outer source port
 * @dport: outer destination port
 * @scope: as in &struct stt_conf_key
 * @family: AF_INET or AF_INET6
 *
 * Hashed and compared as bytes: no holes.
 */
struct stt_flow_key {
	union stt_addr	saddr;
	union stt_addr	daddr;
	__be16		sport;
	__be16		dport;
	int		scope;
	u32		family;
};

static_assert(sizeof(struct stt_flow_key) == 44);

/**
 * struct stt_skb_cb - what stays with a segment, and then with its frame
 * @iif: ifindex of the interface that it came in by, also in a VRF; IPv4 and
 *	IPv6 have put it there
 * @offset: of the segment's first byte in the frame
 * @frame_len: length of the whole frame
 * @segments: packets that made it up, 1 for a segment
 * @dsfield: DSCP and ECN of the outer header; for a frame the first
 *	segment's DSCP, and CE where any segment had it (R14)
 */
struct stt_skb_cb {
	int	iif;
	u16	offset;
	u16	frame_len;
	u16	segments;
	u8	dsfield;
};

static inline struct stt_skb_cb *stt_skb_cb(struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct stt_skb_cb) > sizeof(skb->cb));
	BUILD_BUG_ON(offsetof(struct stt_skb_cb, iif) !=
		     offsetof(struct inet_skb_parm, iif) ||
		     offsetof(struct stt_skb_cb, iif) !=
		     offsetof(struct inet6_skb_parm, iif));
	return (struct stt_skb_cb *)skb->cb;
}

/**
 * struct stt_reasm_limits - what a namespace grants incomplete frames
 * @high_thresh: bytes of memory, truesize
 * @time_ms: how long a frame may wait for its last segment
 * @max_frames: incomplete frames one flow keeps open: so many newer ones of
 *	the flow show that a frame is lost
 *
 * sysctls: written at any time, read once per use.
 */
struct stt_reasm_limits {
	unsigned long	high_thresh;
	unsigned int	time_ms;
	unsigned int	max_frames;
};

#define STT_REASM_SYSCTLS	3

static inline unsigned int stt_family_index(sa_family_t family)
{
	return family == AF_INET6;
}

/* What stt_input.c hooks into; the last one is for VRFs. */
enum stt_hook {
	STT_HOOK_PRE,
	STT_HOOK_IN,
	STT_HOOK_OUT,
	STT_HOOKS
};

/**
 * struct stt_net - what a namespace holds as an underlay
 * @net: the namespace
 * @ports: endpoints by port number, per family; made with the first one, gone
 *	with the namespace
 * @path_gen: changes when a path goes; written under @path_lock
 * @ninputs: references to endpoints, per family; the hooks are registered while
 *	there is one; RTNL
 * @hooks: netfilter's, per family; those that stand have a priv; RTNL
 * @zones: &struct stt_zone by &struct stt_zone_key; written under RTNL
 * @devs: devices whose underlay this is; RTNL
 * @lowers: &struct stt_lower by ifindex: which devices send through which
 *	interface; RTNL
 * @moved: devices with packets that left through another device than limits
 *	were set for, &stt_dev.moved_node
 * @moved_lock: guards @moved
 * @moved_work: sets their limits again
 * @fdb_links: FDB destinations that name an interface, counted by its ifindex
 * @nh_devs: devices with nexthop groups in their FDB, &stt_fdb.nh_node; RTNL
 * @nexthops: is told of nexthops that their FDBs may use
 * @paths: &struct stt_path by &struct stt_path_key
 * @path_peers: &struct stt_path_peer by &struct stt_path_peer_key
 * @npath_peers: how many there are for any local address, and for one, so that
 *	receive looks only for kinds that exist; written under @path_lock
 * @path_lock: for writers of the two tables; also guards @kept
 * @kept: paths to which only packets refer, for as long as they are used
 * @nkept: how many
 * @ageing: drops those that were not used lately
 * @reasm: incomplete frames; made with the first port, gone with the namespace
 * @early: routes that packets to the ports took, stt_early.c's; as @reasm
 * @port_gens: &stt_port.gen of the next port; RTNL
 * @counters: %STT_NET_COUNTERS
 * @limits: sysctls
 * @sysctl: their table
 * @peers: &struct stt_peer, stt_peers.c's
 * @peer_list: all of them, oldest first
 * @peers_lock: for writers of these
 * @peers_gen: changes when a peer goes; written under @peers_lock
 * @peers_evicted: jiffies when one was last looked for that may go
 * @npeers: how many there are
 * @lro_ifindex: lower device whose LRO was warned of, or 0; RTNL
 */
struct stt_net {
#define STT_FDB_LINK_HASH	256
	struct net			*net;
	struct stt_port_table __rcu	*ports[2];
	unsigned long			path_gen;
	unsigned int			ninputs[2];
	struct nf_hook_ops		hooks[2][STT_HOOKS];
	struct rhashtable		zones;
	struct list_head		devs;
	struct rhashtable		lowers;
	struct list_head		moved;
	spinlock_t			moved_lock;	/* @moved */
	struct delayed_work		moved_work;
	atomic_t			fdb_links[STT_FDB_LINK_HASH];
	struct list_head		nh_devs;
	struct notifier_block		nexthops;
	struct rhashtable		paths;
	struct rhashtable		path_peers;
	unsigned int			npath_peers[2];
	spinlock_t			path_lock;	/* @paths, @kept */
	struct list_head		kept;
	unsigned int			nkept;
	struct delayed_work		ageing;
	struct stt_reasm		*reasm;
	struct stt_early __percpu	*early;
	unsigned long			port_gens;
	struct stt_net_counters __percpu *counters;
	struct stt_reasm_limits		limits;
	struct ctl_table_header		*sysctl;
	struct rhashtable		peers;
	struct list_head		peer_list;
	spinlock_t			peers_lock;	/* writers */
	unsigned long			peers_gen;
	unsigned long			peers_evicted;
	unsigned int			npeers;
	int				lro_ifindex;
};

extern unsigned int stt_net_id;

static inline struct stt_net *stt_net(const struct net *net)
{
	return net_generic(net, stt_net_id);
}

static inline void stt_net_count(struct stt_net *sn, enum stt_net_counter c)
{
	this_cpu_inc(sn->counters->c[c]);
}

#endif /* _STT_H */
