/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The part of the in-tree openvswitch module's private interface that a port
 * type needs.  No headers package contains it, so it is declared here and
 * checked against vport_btf.h, which is generated from the BTF of the kernel's
 * openvswitch.ko: each member in BTF must be declared here with the same offset
 * and size.  Otherwise this does not compile, and probe.sh leaves the port type
 * out.  The checksums of exported symbols (CONFIG_MODVERSIONS) ensure that the
 * module only loads with that openvswitch.ko.
 *
 * Layouts: without upcall_stats up to 6.1, with it since 6.2.
 */
#ifndef _STT_OVS_VPORT_H
#define _STT_OVS_VPORT_H

#include <linux/build_bug.h>
#include <linux/list.h>
#include <linux/netdevice.h>
#include <linux/openvswitch.h>
#include <linux/rcupdate.h>
#include <net/net_namespace.h>

#include "vport_btf.h"

struct datapath;
struct vport_ops;
struct vport_portids;

struct vport {
	struct net_device	*dev;
	netdevice_tracker	dev_tracker;
	struct datapath		*dp;
	struct vport_portids __rcu *upcall_portids;
	u16			port_no;
	struct hlist_node	hash_node;
	struct hlist_node	dp_hash_node;
	const struct vport_ops	*ops;
#ifdef OVS_BTF_HAS_vport_upcall_stats
	void __percpu		*upcall_stats;
#endif
	struct list_head	detach_list;
	struct rcu_head		rcu;
};

struct vport_parms {
	const char		*name;
	enum ovs_vport_type	type;
	int			desired_ifindex;
	struct nlattr		*options;
	struct datapath		*dp;
	u16			port_no;
	struct nlattr		*upcall_portids;
};

struct vport_ops {
	enum ovs_vport_type	type;
	struct vport		*(*create)(const struct vport_parms *parms);
	void			(*destroy)(struct vport *vport);
	int			(*set_options)(struct vport *vport,
					       struct nlattr *options);
	int			(*get_options)(const struct vport *vport,
					       struct sk_buff *skb);
	int			(*send)(struct sk_buff *skb);
	struct module		*owner;
	struct list_head	list;
};

struct flow_table {
	void __rcu		*ti;
	void __rcu		*ufid_ti;
	void __rcu		*mask_cache;
	void __rcu		*mask_array;
	unsigned long		last_rehash;
	unsigned int		count;
	unsigned int		ufid_count;
};

/* The first members only: only openvswitch allocates one. */
struct datapath {
	struct rcu_head		rcu;
	struct list_head	list_node;
	struct flow_table	table;
	struct hlist_head	*ports;
	void __percpu		*stats_percpu;
	possible_net_t		net;
};

#define STT_OVS_OFFSET(s, m, offset)					\
	static_assert(offsetof(s, m) == (offset), #s ": " #m " is elsewhere")

#define STT_OVS_MEMBER(s, m, size)					\
	static_assert(sizeof_field(s, m) == (size), #s ": size of " #m)

OVS_BTF_OFFSETS_vport(STT_OVS_OFFSET)
OVS_BTF_SIZES_vport(STT_OVS_MEMBER)
static_assert(sizeof(struct vport) == OVS_BTF_SIZE_vport);

OVS_BTF_OFFSETS_vport_parms(STT_OVS_OFFSET)
OVS_BTF_SIZES_vport_parms(STT_OVS_MEMBER)
static_assert(sizeof(struct vport_parms) == OVS_BTF_SIZE_vport_parms);

OVS_BTF_OFFSETS_vport_ops(STT_OVS_OFFSET)
OVS_BTF_SIZES_vport_ops(STT_OVS_MEMBER)
static_assert(sizeof(struct vport_ops) == OVS_BTF_SIZE_vport_ops);

OVS_BTF_OFFSETS_datapath(STT_OVS_OFFSET)
OVS_BTF_SIZES_datapath(STT_OVS_MEMBER)

/* Private data, which ovs_vport_alloc() places after the vport. */
static inline void *vport_priv(const struct vport *vport)
{
	return (u8 *)vport + ALIGN(sizeof(*vport), 8);
}

static inline struct net *ovs_dp_get_net(const struct datapath *dp)
{
	return read_pnet(&dp->net);
}

int __ovs_vport_ops_register(struct vport_ops *ops);
void ovs_vport_ops_unregister(struct vport_ops *ops);
struct vport *ovs_vport_alloc(int priv_size, const struct vport_ops *ops,
			      const struct vport_parms *parms);
void ovs_vport_free(struct vport *vport);
struct vport *ovs_netdev_link(struct vport *vport, const char *name);
void ovs_netdev_tunnel_destroy(struct vport *vport);

#endif /* _STT_OVS_VPORT_H */
