/* SPDX-License-Identifier: GPL-2.0 */
/* stt_dev.c: the net_device. */
#ifndef _STT_DEV_H
#define _STT_DEV_H

#include <net/rtnetlink.h>

#include "stt.h"

struct stt_conf;
struct stt_fdb_dest;
struct stt_fdb_entry;
struct stt_gro;
struct stt_group;
struct stt_ids;
struct stt_lower;

/* Kbuild says which, from tools/version.sh. */
#ifndef STT_MODULE_VERSION
#define STT_MODULE_VERSION	"unknown"
#endif

/**
 * struct stt_fdb - forwarding database of a device; see stt_fdb.h
 * @table: &struct stt_fdb_entry by &struct stt_fdb_key
 * @entries: all of them, oldest first
 * @lock: for writers
 * @count: entries
 * @links: destinations that name an interface
 * @plain: @own is the only destination: no lookup is needed
 * @zero: the entry for all MAC addresses without their own, or NULL
 * @own: the destination in @zero that is the remote or group, or NULL
 * @own_next: what becomes @own with the next configuration; RTNL
 * @own_added: and was not there before; RTNL
 * @nhs: nexthop groups in use
 * @nh_node: in &stt_net.nh_devs while it has any @nhs; RTNL
 * @walks: &struct stt_fdb_walker, positions to keep valid when entries go
 * @ageing: removes entries not refreshed for long, while the device is up and
 *	has entries that age
 */
struct stt_fdb {
	struct rhashtable	table;
	struct list_head	entries;
	spinlock_t		lock;	/* writers */
	unsigned int		count;
	unsigned int		links;
	bool			plain;
	struct stt_fdb_entry	*zero;
	struct stt_fdb_dest	*own;
	struct stt_fdb_dest	*own_next;
	bool			own_added;
	struct list_head	nhs;
	struct list_head	nh_node;
	struct list_head	walks;
	struct delayed_work	ageing;
};

/**
 * struct stt_netpoll - packets that netpoll sent with interrupts off
 * @queue: packets that wait for @work
 * @work: sends them
 */
struct stt_netpoll {
	struct sk_buff_head	queue;
	struct work_struct	work;
};

/**
 * struct stt_dev - private part of a net_device
 * @dev: the other part
 * @net: the underlay's namespace; the device goes before it does
 * @conf: the current configuration; written under RTNL
 * @group: the group that it is in while it is up, or NULL; RTNL
 * @fdb: forwarding database
 * @cpu: counters, and what else each CPU has of its own
 * @ids: external: counters for each context id; else NULL
 * @gro: received packets on their way through GRO
 * @netpoll: packets that a work item sends
 * @list: in &stt_net.devs; RTNL, readers RCU
 * @listed: it is there, and limits follow the lower device; RTNL
 * @lower: device that "dev" names, linked below this one, or NULL; a
 *	reference; RTNL
 * @lower_tracker: of that reference
 * @follows: the list that it is in: that of @lower, or of the device that the
 *	route to the remote led through when it was last looked up; or NULL; RTNL
 * @lower_node: in &stt_lower.devs; RTNL
 * @route_ifindex: where the route to the remote led when limits were set, 0 if
 *	nowhere; negative if no route has a say: written under RTNL
 * @moved_node: in &stt_net.moved, or empty
 * @look_after: jiffies before which the route is not looked up again
 * @gso_size: what stt_limits_set() made of the lower device's gso_max_size:
 *	a larger GSO packet is cut into several frames (W13); 0 if it is not
 *	known; written under RTNL
 */
struct stt_dev {
	struct net_device		*dev;
	struct net			*net;
	struct stt_conf __rcu		*conf;
	struct stt_group		*group;
	struct stt_fdb			fdb;
	struct stt_dev_cpu __percpu	*cpu;
	struct stt_ids			*ids;
	struct stt_gro __percpu		*gro;
	struct stt_netpoll		netpoll;
	struct list_head		list;
	bool				listed;
	struct net_device		*lower;
	netdevice_tracker		lower_tracker;
	struct stt_lower		*follows;
	struct hlist_node		lower_node;
	int				route_ifindex;
	struct list_head		moved_node;
	unsigned long			look_after;
	unsigned int			gso_size;
};

/* What "ip link add type" calls a device. */
#define STT_LINK_KIND		"stt"

static inline bool stt_is_dev(const struct net_device *dev)
{
	return dev->rtnl_link_ops &&
	       !strcmp(dev->rtnl_link_ops->kind, STT_LINK_KIND);
}

static inline struct stt_conf *stt_conf_rtnl(const struct stt_dev *stt)
{
	return rtnl_dereference(stt->conf);
}

static inline struct stt_conf *stt_conf_rcu(const struct stt_dev *stt)
{
	return rcu_dereference(stt->conf);
}

static inline void stt_dev_count(const struct stt_dev *stt,
				 enum stt_dev_counter c)
{
	struct stt_dev_cpu *s = this_cpu_ptr(stt->cpu);

	u64_stats_update_begin(&s->syncp);
	u64_stats_inc(&s->c[c]);
	u64_stats_update_end(&s->syncp);
}

void stt_setup(struct net_device *dev);

#endif /* _STT_DEV_H */
