/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stateless Transport Tunneling: the module's structures, and by source file
 * the functions that each offers to the others.
 *
 * How they hang together:
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
#include <linux/netfilter.h>
#include <linux/netdevice.h>
#include <linux/rhashtable.h>
#include <linux/skbuff.h>
#include <linux/u64_stats_sync.h>
#include <linux/workqueue.h>
#include <net/dropreason.h>
#include <net/dst_metadata.h>
#include <net/gro_cells.h>
#include <net/ip.h>
#include <net/ip_tunnels.h>
#include <net/l3mdev.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include <net/rtnetlink.h>

#include <uapi/linux/if_stt.h>
#include "stt_addr.h"
#include "stt_ids.h"
#include "stt_path.h"
#include "stt_peers.h"
#include "stt_proto.h"
#include "stt_stats.h"

/* Kbuild says which, from tools/version.sh. */
#ifndef STT_MODULE_VERSION
#define STT_MODULE_VERSION	"unknown"
#endif

/* IFLA_STT_TOS: the inner packet's; any other value has no ECN bits. */
#define STT_TOS_INHERIT		1

/*
 * Who has BH disabled has the CPU's softirqs to himself.  Not so with
 * PREEMPT_RT since 6.18, which has no lock of them: they preempt each other,
 * and what is remembered for each CPU would want one.  It has none: there, and
 * on older kernels with PREEMPT_RT, nothing is remembered.
 */
static inline bool stt_bh_exclusive(void)
{
	return !IS_ENABLED(CONFIG_PREEMPT_RT) ||
	       IS_ENABLED(CONFIG_PREEMPT_RT_NEEDS_BH_LOCK);
}

/* ---- reassembly -------------------------------------------------------- */

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

struct stt_lower;
struct stt_reasm;
struct stt_early;
struct stt_port_table;
struct stt_early_slot;
struct stt_external;
struct stt_ids;

/* ---- endpoints --------------------------------------------------------- */

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

/**
 * struct stt_conf_key - what a received frame finds its device by (R11)
 * @id: context id
 * @remote: the sender, or any
 * @local: the address it was sent to, or any
 * @scope: ifindex that the addresses are meant in: the VRF for packets of a
 *	VRF, the interface for a link-local sender, else 0.  A group's is
 *	the negative of the interface that the group is joined on
 * @pad: 0
 */
struct stt_conf_key {
	u64		id;
	union stt_addr	remote;
	union stt_addr	local;
	int		scope;
	u32		pad;
};

static_assert(sizeof(struct stt_conf_key) == 48);

/**
 * struct stt_conf - one configuration of a device
 * @node: in &stt_port.confs
 * @key: what it is found by
 * @group_node: in &stt_port.group_confs
 * @group: what frames to its group find it by: @group.local is the group, or
 *	any.  Where there is one @key.remote is any
 * @stt: the device
 * @port: the endpoint; a reference
 * @port6: external devices that name no local address serve both families:
 *	the other endpoint, also a reference; else NULL
 * @dest: what is sent with it; with a way to @key.remote or the group, a
 *	reference, if there is one, else without key and path: the pattern for
 *	others.
 *	&stt_dest.tos_inherit holds for receipt as well (R14)
 * @link: ifindex of the lower device, 0 for none
 * @vrf: ifindex of the VRF that @link is in or is, 0 for none
 * @fwmark: mark of the outer packets and of their route lookup
 * @sport_min: lowest outer source port, host order
 * @sport_max: highest
 * @partial: deliver what came of frames that lost segments (R15)
 * @external: packets' metadata say where they go and came from; instead of by
 *	its key it is found as &stt_port.external
 * @sent: external: where packets went, stt_external.c's; else NULL
 * @idbits: external: how many bits an id may have
 * @gbp: the endpoints' group policy
 * @rx_extra: received packets get more than their bytes
 * @proxy: answer requests for addresses from the neighbour table
 * @l2miss: tell of destinations that the FDB has not
 * @l3miss: tell of addresses that the neighbour table has not
 * @learning: learn from received frames where stations are
 * @snoop: look at the source address of received frames
 * @ageing: seconds until what was learnt is forgotten, 0: never
 * @limit: entries of the FDB beyond which nothing is learnt, 0: no limit
 * @rcu: frees it
 *
 * Never changes once a packet can see it: changelink makes a new one, links
 * it, unlinks the old one and frees that after a grace period.
 */
struct stt_conf {
	struct rhash_head	node;
	struct stt_conf_key	key;
	struct rhash_head	group_node;
	struct stt_conf_key	group;
	struct stt_dev		*stt;
	struct stt_port		*port;
	struct stt_port		*port6;
	struct stt_dest		dest;
	struct stt_external __percpu *sent;
	int			link;
	int			vrf;
	u32			fwmark;
	u16			sport_min;
	u16			sport_max;
	bool			partial;
	bool			external;
	bool			gbp;
	u8			idbits;
	bool			rx_extra;
	bool			proxy;
	bool			l2miss;
	bool			l3miss;
	bool			learning;
	bool			snoop;
	u32			ageing;
	u32			limit;
	struct rcu_head		rcu;
};

static inline bool stt_conf_has_group(const struct stt_conf *conf)
{
	return !stt_addr_any(&conf->group.local);
}

/* Does it accept frames of any sender? */
static inline bool stt_conf_any_remote(const struct stt_conf *conf)
{
	return stt_addr_any(&conf->key.remote);
}

/*
 * Is its key the link alone, for any sender and local address?  That is a
 * device with a link-local group; its peers may have global addresses.
 */
static inline bool stt_conf_is_linked(const struct stt_conf *conf)
{
	return conf->key.scope != conf->vrf && stt_conf_any_remote(conf) &&
	       stt_addr_any(&conf->key.local);
}

/* May packets with other than link-local addresses be for it? */
static inline bool stt_conf_is_wide(const struct stt_conf *conf)
{
	return conf->key.scope == conf->vrf || stt_conf_is_linked(conf);
}

/* Has an external device bits enough for this context id? */
static inline bool stt_conf_takes_id(const struct stt_conf *conf, u64 id)
{
	return conf->idbits == 64 || !(id >> conf->idbits);
}

/* Where frames go to unless something better is known. */
static inline const union stt_addr *stt_conf_target(const struct stt_conf *conf)
{
	return stt_conf_has_group(conf) ? &conf->group.local :
					  &conf->key.remote;
}

/* Which of remote and local a key names: most specific first (R11). */
enum stt_match {
	STT_MATCH_BOTH,
	STT_MATCH_REMOTE,
	STT_MATCH_LOCAL,
	STT_MATCH_ID,
	STT_MATCH_MAX
};

/**
 * struct stt_zone_key - an endpoint in a VRF or on a link
 * @ifindex: of the VRF or the link, 0 for what is in no VRF
 * @number: port number, network order
 * @family: AF_INET or AF_INET6
 */
struct stt_zone_key {
	int	ifindex;
	__be16	number;
	u16	family;
};

static_assert(sizeof(struct stt_zone_key) == 8);

/**
 * struct stt_zone - where an endpoint has configurations: a VRF or a link
 * @node: in &stt_net.zones
 * @key: what it is found by
 * @in_port: in &stt_port.zones; RTNL
 * @sock: bound to the port and never listening: keeps it from others in the
 *	VRF.  NULL for a link: the socket of its VRF does that
 * @refs: configurations; RTNL
 * @wide: those of them that stt_conf_is_wide() tells of; written under RTNL
 * @any: those of devices that are up and accept any sender; written under RTNL
 * @rcu: frees it
 *
 * A packet to the port is ours only where there is one of these (R1).  Each
 * configuration has one for its VRF, or for no VRF, and one for its link.
 */
struct stt_zone {
	struct rhash_head	node;
	struct stt_zone_key	key;
	struct hlist_node	in_port;
	struct socket		*sock;
	unsigned int		refs;
	unsigned int		wide;
	unsigned int		any;
	struct rcu_head		rcu;
};

/**
 * struct stt_port - one endpoint: a TCP port number of one family and
 *	namespace
 * @net: the namespace; the port goes before it does
 * @family: AF_INET or AF_INET6
 * @number: network order
 * @gbp: the upper 16 bits of context ids are group policies
 * @zones: where it has configurations; RTNL
 * @wide: &stt_zone.wide of what is in no VRF; written under RTNL
 * @nlinked: confs that stt_conf_is_linked() tells of; written under RTNL
 * @refs: confs that use it; RTNL
 * @confs: &struct stt_conf by &stt_conf.key; written under RTNL
 * @matches: how many confs there are of each kind, so that receive looks
 *	only for kinds that exist; written under RTNL
 * @group_confs: those with a group, by &stt_conf.group; written under RTNL
 * @groups: &struct stt_group that devices are in; written under RTNL
 * @external: takes the frames that no other takes; written under RTNL
 * @early: &stt_net.early
 * @gen: changes when frames may be another configuration's than before, and
 *	never is what it was for another port; written under RTNL
 */
struct stt_port {
	struct net		*net;
	sa_family_t		family;
	__be16			number;
	bool			gbp;
	struct hlist_head	zones;
	unsigned int		wide;
	unsigned int		nlinked;
	unsigned int		refs;
	struct rhashtable	confs;
	unsigned int		matches[STT_MATCH_MAX];
	struct rhashtable	group_confs;
	struct rhashtable	groups;
	struct stt_conf __rcu	*external;
	struct stt_early __percpu *early;
	unsigned long		gen;
};

/* The endpoint of that family, if the device has one. */
static inline const struct stt_port *stt_conf_port(const struct stt_conf *conf,
						   sa_family_t family)
{
	if (conf->port->family == family)
		return conf->port;

	return conf->port6 && conf->port6->family == family ? conf->port6 :
							      NULL;
}

/**
 * struct stt_port_table - the endpoints of a family by port number
 * @leaves: by the upper byte: arrays of %STT_PORT_LEAF endpoints, by the lower
 *
 * Each TCP packet to this host looks here, however many ports there are.
 * Written under RTNL; leaves stay for as long as the namespace.
 */
struct stt_port_table {
#define STT_PORT_LEAF	256
	struct stt_port __rcu	* __rcu *leaves[(U16_MAX + 1) / STT_PORT_LEAF];
};

/**
 * stt_port_find_rcu - the endpoint of a port number
 * @sn: namespace
 * @family: AF_INET or AF_INET6
 * @number: network order
 *
 * Context: RCU read side, or RTNL.
 * Return: the endpoint, without a reference, or NULL.
 */
static inline struct stt_port *
stt_port_find_rcu(const struct stt_net *sn, sa_family_t family, __be16 number)
{
	unsigned int n = ntohs(number);
	struct stt_port_table *table;
	struct stt_port __rcu **leaf;

	table = rcu_dereference_rtnl(sn->ports[stt_family_index(family)]);
	if (!table)
		return NULL;
	leaf = rcu_dereference_rtnl(table->leaves[n / STT_PORT_LEAF]);
	if (!leaf)
		return NULL;

	return rcu_dereference_rtnl(leaf[n % STT_PORT_LEAF]);
}

/* Take the sender's group off the context id on the wire; 0 if it has none. */
static inline u16 stt_port_policy(const struct stt_port *port, u64 *id)
{
	u16 policy;

	if (likely(!port->gbp))
		return 0;
	policy = *id >> STT_GBP_SHIFT;
	*id &= STT_GBP_ID_MASK;

	return policy;
}

/* As in vxlan, seconds. */
#define STT_FDB_AGEING		300

struct stt_fdb_entry;
struct stt_fdb_dest;

/**
 * struct stt_fdb - forwarding database of a device; see stt_fdb.h
 * @table: &struct stt_fdb_entry by &struct stt_fdb_key
 * @entries: all of them, oldest first
 * @lock: for writers
 * @count: entries
 * @links: destinations that name an interface
 * @plain: @own is all there is: nobody needs to look
 * @zero: the entry that stands for all stations without one, or NULL
 * @own: the destination in @zero that is the remote or group, or NULL
 * @own_next: what becomes @own with the next configuration; RTNL
 * @own_added: and was not there before; RTNL
 * @nhs: nexthop groups in use
 * @nh_node: in &stt_net.nh_devs while it has any @nhs; RTNL
 * @walks: &struct stt_fdb_walk, positions to keep valid when entries go
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
 * struct stt_dev - private part of a net_device
 * @dev: the other part
 * @net: the underlay's namespace; the device goes before it does
 * @conf: the current configuration; written under RTNL
 * @group: the group that it is in while it is up, or NULL; RTNL
 * @fdb: where stations are
 * @counters: %STT_DEV_COUNTERS and more
 * @ids: external: counters for each context id; else NULL
 * @cells: hands received packets to GRO
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
	struct stt_dev_counters __percpu *counters;
	struct stt_ids			*ids;
	struct gro_cells		cells;
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
	struct stt_dev_counters *s = this_cpu_ptr(stt->counters);

	u64_stats_update_begin(&s->syncp);
	u64_stats_inc(&s->c[c]);
	u64_stats_update_end(&s->syncp);
}

/* ---- stt_dev.c: the net_device ------------------------------------------- */

void stt_setup(struct net_device *dev);

/* ---- stt_netlink.c: the link kind -------------------------------------- */

/* Say what is wrong with an attribute; @err. */
#define STT_REFUSE(extack, data, attr, err, why) ({			\
	NL_SET_ERR_MSG_ATTR(extack, (data)[attr], why);			\
	err;								\
})

extern struct rtnl_link_ops stt_link_ops;
void stt_dellink(struct net_device *dev, struct list_head *head);

/* ---- stt_lower.c: the device below a tunnel ---------------------------- */

/**
 * struct stt_lower - an interface that frames of some devices leave through
 * @node: in &stt_net.lowers
 * @ifindex: of the interface, in the underlay's namespace
 * @devs: the devices, &stt_dev.lower_node; it goes with the last
 * @rcu: frees it
 */
struct stt_lower {
	struct rhash_head	node;
	int			ifindex;
	struct hlist_head	devs;
	struct rcu_head		rcu;
};

/**
 * enum stt_trust - how far a device takes limits from its lower device
 * @STT_TRUST_FULL: its limits do not depend on this device's
 * @STT_TRUST_TUNNEL: a route leads through another STT device: one more header
 *	is allowed for, whatever that device says
 * @STT_TRUST_NONE: it is this device, or stands on it
 */
enum stt_trust {
	STT_TRUST_FULL,
	STT_TRUST_TUNNEL,
	STT_TRUST_NONE,
};

int stt_lower_init(struct stt_net *sn);
void stt_lower_exit(struct stt_net *sn);
struct stt_lower *stt_lower_find(struct stt_net *sn, int ifindex);
void stt_lower_follow(struct stt_dev *stt, const struct net_device *lower);
int stt_lower_prepare(struct stt_dev *stt, struct net_device *lower,
		      struct netlink_ext_ack *extack);
void stt_lower_commit(struct stt_dev *stt, struct net_device *lower);
void stt_lower_abort(struct stt_dev *stt, struct net_device *lower);
void stt_lower_release(struct stt_dev *stt);
enum stt_trust stt_lower_trust(const struct stt_dev *stt,
			       struct net_device *lower);

/* ---- stt_limits.c: limits that follow the device below ------------------ */

void stt_limits_init(struct stt_net *sn);
void stt_limits_exit(struct stt_net *sn);
void stt_limits_set_mtu(struct net_device *dev, const struct stt_conf *conf);
void stt_limits_set(struct net_device *dev, const struct stt_conf *conf);
void stt_limits_disable_lro(struct net_device *lower);
void stt_limits_look(struct stt_dev *stt);
void stt_limits_unlook(struct stt_dev *stt);

/**
 * stt_limits_check - see whether the route still leads where limits come from
 * @stt: device
 * @dest: where a frame goes
 * @dev: the device that it leaves through
 *
 * Context: BH disabled, RCU read side.
 */
static inline void stt_limits_check(struct stt_dev *stt,
				    const struct stt_dest *dest,
				    const struct net_device *dev)
{
	int ifindex = READ_ONCE(stt->route_ifindex);

	if (unlikely(ifindex != dev->ifindex) && ifindex >= 0 && dest->path &&
	    dest->path->key.use == STT_PATH_CONF)
		stt_limits_look(stt);
}

/* ---- stt_conf.c: configurations of devices ----------------------------- */

void stt_conf_parse(struct stt_conf *conf, struct nlattr *data[]);
int stt_conf_check(struct net *net, struct stt_conf *conf, sa_family_t family,
		   struct netlink_ext_ack *extack);
void stt_conf_free(struct stt_conf *conf);
void stt_conf_release(struct stt_dev *stt);
int stt_conf_new(struct net *net, struct stt_conf *conf, struct nlattr *data[],
		 struct netlink_ext_ack *extack);
int stt_conf_set_link(struct net *net, struct stt_conf *conf,
		      struct nlattr *data[], struct netlink_ext_ack *extack);
struct stt_conf *stt_conf_dup(const struct stt_conf *old);
int stt_conf_change(struct stt_dev *stt, struct stt_conf *conf,
		    struct netlink_ext_ack *extack);
int stt_rescope(struct stt_dev *stt);

/* ---- stt_port.c: endpoints and the devices behind them ----------------- */

/**
 * enum stt_accept - could a device take a frame of some sender
 * @STT_ACCEPT_NONE: no
 * @STT_ACCEPT_ANY: one that takes any sender's
 * @STT_ACCEPT_PEER: one that names the sender as its peer
 */
enum stt_accept {
	STT_ACCEPT_NONE,
	STT_ACCEPT_ANY,
	STT_ACCEPT_PEER,
};

struct stt_port *stt_port_get(struct net *net, sa_family_t family,
			      __be16 number, bool gbp,
			      struct netlink_ext_ack *extack);
void stt_port_put(struct stt_port *port);
void stt_port_tables_free(struct stt_net *sn);
int stt_port_add_conf(struct stt_port *port, struct stt_conf *conf);
void stt_port_del_conf(struct stt_port *port, struct stt_conf *conf);
int stt_port_replace_conf(struct stt_port *port, struct stt_conf *old,
			  struct stt_conf *conf);
bool stt_port_external_taken(const struct stt_conf *conf);
struct stt_conf *stt_port_conf_rtnl(struct stt_port *port,
				    const struct stt_conf_key *key);
struct stt_conf *stt_port_conf_rcu(struct stt_port *port, u64 id,
				   const struct stt_flow_key *from, int iif);
enum stt_accept stt_port_accepts_rcu(struct stt_port *port,
				     const struct stt_flow_key *from, int iif);

/* ---- stt_zone.c: where packets are ours, and ports reserved ------------ */

bool stt_zone_has_rcu(struct stt_port *port, const struct stt_flow_key *from,
		      int iif);
int stt_zones_get(const struct stt_conf *conf, struct netlink_ext_ack *extack);
void stt_zones_put(const struct stt_conf *conf);
void stt_zones_listen(const struct stt_conf *conf, bool on);
extern const struct rhashtable_params stt_zone_params;
bool stt_zone_accepts_any_rcu(const struct stt_port *port,
			      const struct stt_flow_key *from, int iif);

/* Is the packet in the scope of a link, because of a link-local address? */
static inline bool stt_flow_on_link(const struct stt_flow_key *from, int iif)
{
	return from->scope > 0 && from->scope == iif;
}

/* Is it so for its destination alone?  Its sender may be behind a router. */
static inline bool stt_flow_from_outside(const struct stt_flow_key *from,
					 int iif)
{
	return stt_flow_on_link(from, iif) &&
	       !stt_addr_linklocal(&from->saddr, from->family);
}

/*
 * The other scope that a packet may be meant in: the VRF of its link if it
 * comes from outside the link.  Else its own.
 */
static inline int stt_flow_wider_scope(struct net *net,
				       const struct stt_flow_key *from, int iif)
{
	if (likely(!stt_flow_from_outside(from, iif)))
		return from->scope;

	return l3mdev_master_ifindex_by_index(net, iif);
}

/**
 * stt_zone_is_meant_rcu - could a packet be for a configuration (R1)
 * @port: endpoint of its port number
 * @from: its addresses
 * @iif: ifindex of the interface that it came in by, also in a VRF
 *
 * If not, the packet is TCP's.
 *
 * Context: RCU read side.
 */
static inline bool stt_zone_is_meant_rcu(struct stt_port *port,
					 const struct stt_flow_key *from,
					 int iif)
{
	if (likely(!from->scope))
		return READ_ONCE(port->wide);

	return stt_zone_has_rcu(port, from, iif);
}

/* ---- stt_path.c: paths to peers, their routes and path MTUs: stt_path.h - */

/* ---- stt_mcast.c: groups ------------------------------------------------ */

struct stt_group *stt_group_get(const struct stt_conf *conf);
void stt_group_put(struct stt_group *group);
void stt_group_refresh(struct stt_group *group, struct net_device *lower);
bool stt_group_joined(struct stt_port *port, const union stt_addr *addr,
		      int scope);
extern const struct rhashtable_params stt_group_params;

/* ---- stt_icmp.c: what routers tell us about our segments --------------- */

bool stt_icmp4(struct sk_buff *skb, struct net *net, int iif);
bool stt_icmp6(struct sk_buff *skb, struct net *net);
bool stt_redirect6(struct sk_buff *skb, struct net *net, int iif);

/* ---- stt_neigh.c: ARP and ND proxy, what tables lack -------------------- */

void stt_neigh_l2miss(const struct stt_conf *conf, const u8 *mac, u64 id);
bool stt_neigh_proxy(const struct stt_dev *stt, const struct stt_conf *conf,
		     struct sk_buff *skb);

/* ---- stt_inner.c: what an inner packet is ------------------------------ */

/**
 * struct stt_inner - what an inner packet is
 * @proto: ethertype behind any tags
 * @l3: offset of the IP header from the Ethernet header; 0 if not IP
 * @l4: offset of the TCP or UDP header, when @l4_proto is set
 * @l4_proto: IPPROTO_TCP or IPPROTO_UDP with a header of its own; 0 for
 *	other protocols and for IP fragments
 * @dsfield: DSCP and ECN, 0 if not IP
 * @ttl: TTL or hop limit, 0 if not IP
 * @df: IPv4 with DF, or IPv6
 * @label: IPv6 flow label
 */
struct stt_inner {
	__be16	proto;
	u16	l3;
	u16	l4;
	u8	l4_proto;
	u8	dsfield;
	u8	ttl;
	bool	df;
	__be32	label;
};

/* Where the IP packet ends by its own length; @data begins as @in says. */
static inline unsigned int stt_inner_end(const struct stt_inner *in,
					 const u8 *data)
{
	const u8 *l3 = data + in->l3;

	if (in->proto == htons(ETH_P_IP))
		return in->l3 + ntohs(((const struct iphdr *)l3)->tot_len);

	return in->l3 + sizeof(struct ipv6hdr) +
	       ntohs(((const struct ipv6hdr *)l3)->payload_len);
}

void stt_inner_parse(const struct sk_buff *skb, struct stt_inner *in);
u32 stt_inner_hash(struct sk_buff *skb, const struct stt_inner *in);

/* ---- stt_tx.c: inner packet -> STT frame -> IP ------------------------- */

bool stt_tx_offload(struct sk_buff *skb, const struct stt_inner *in,
		    struct stt_offload *off);
u16 stt_tx_sport(struct sk_buff *skb, const struct stt_inner *in, u16 min,
		 u16 max);
void stt_tx_init_ids(void);
#define STT_ID_BLOCK	256
u64 stt_tx_take_ids(atomic64_t *counter, u64 clock);
u32 stt_tx_next_id(void);
void stt_tx_to(struct stt_dev *stt, const struct stt_dest *dest,
	       struct sk_buff *skb, const struct stt_inner *in,
	       const struct stt_offload *off);

/* ---- stt_xmit.c: inner packet -> destinations --------------------------- */

netdev_tx_t stt_start_xmit(struct sk_buff *skb, struct net_device *dev);
int stt_fill_metadata_dst(struct net_device *dev, struct sk_buff *skb);

/* ---- stt_resend.c: retransmissions of inner TCP ------------------------- */

/* Packets below this size never fill two segments, nor much of a window. */
#define STT_RESEND_MIN		512

bool stt_resend_look(const struct sk_buff *skb, const struct stt_inner *in,
		     u32 hash, bool several);

/**
 * stt_resend_wanted - does an inner TCP send this again
 * @skb: inner packet, from the Ethernet header on
 * @in: what it is
 * @hash: of its flow and destination
 * @several: it makes a frame of several segments
 *
 * Remembers what was sent, so every frame has to be shown to it once.
 *
 * Context: BH disabled.
 * Return: whether the frame's first segment is to follow it.
 */
static inline bool stt_resend_wanted(const struct sk_buff *skb,
				     const struct stt_inner *in, u32 hash,
				     bool several)
{
	return skb->len >= STT_RESEND_MIN && in->l4_proto == IPPROTO_TCP &&
	       stt_resend_look(skb, in, hash, several);
}

struct sk_buff *stt_resend_copy(const struct sk_buff *skb,
				unsigned int headroom);

/* ---- stt_external.c: packets that carry where they go and came from ---- */

int stt_external_init(struct stt_conf *conf);
void stt_external_free(struct stt_conf *conf);
bool stt_external_dest(const struct stt_conf *conf, const struct sk_buff *skb,
		       struct stt_dest *dest, struct stt_path_key *key);
bool stt_external_id(const struct stt_conf *conf, const struct sk_buff *skb,
		     u64 *id, u32 *nhid);
struct metadata_dst *stt_external_rx_dst(struct metadata_dst **last,
					 const struct stt_flow_key *from,
					 const struct sk_buff *skb, u64 id,
					 u8 dsfield);

/* ---- stt_fdb.c: MAC address -> destinations ---------------------------- */

int stt_fdb_init(struct stt_dev *stt);
void stt_fdb_exit(struct stt_dev *stt);
void stt_fdb_open(struct stt_dev *stt);
void stt_fdb_stop(struct stt_dev *stt);
void stt_fdb_clear(struct stt_dev *stt, bool notify);
bool stt_fdb_source(const struct stt_conf *conf,
		    const struct stt_flow_key *from, u64 id, const u8 *mac);

/* ---- stt_fdb_conf.c: how an FDB follows its device --------------------- */

int stt_fdb_prepare(struct stt_dev *stt, const struct stt_conf *old,
		    const struct stt_conf *conf);
void stt_fdb_abort(struct stt_dev *stt);
void stt_fdb_commit(struct stt_dev *stt, const struct stt_conf *old,
		    const struct stt_conf *conf);
void stt_fdb_link_gone(struct stt_net *sn, int link);
int stt_fdb_nh_register(struct stt_net *sn);
void stt_fdb_nh_unregister(struct stt_net *sn);

/* ---- stt_fdb_netlink.c: bridge fdb, bridge monitor --------------------- */

int stt_fdb_add(struct ndmsg *ndm, struct nlattr *tb[],
		struct net_device *dev, const unsigned char *addr, u16 vid,
		u16 nl_flags, bool *notified, struct netlink_ext_ack *extack);
int stt_fdb_del(struct ndmsg *ndm, struct nlattr *tb[],
		struct net_device *dev, const unsigned char *addr, u16 vid,
		bool *notified, struct netlink_ext_ack *extack);
int stt_fdb_del_bulk(struct nlmsghdr *nlh, struct net_device *dev,
		     struct netlink_ext_ack *extack);
int stt_fdb_dump(struct sk_buff *skb, struct netlink_callback *cb,
		 struct net_device *dev, struct net_device *filter_dev,
		 int *idx);
int stt_fdb_get(struct sk_buff *skb, struct nlattr *tb[],
		struct net_device *dev, const unsigned char *addr, u16 vid,
		u32 portid, u32 seq, struct netlink_ext_ack *extack);

/* ---- stt_rx.c: segment -> frame ----------------------------------------- */

/**
 * struct stt_input_info - a packet to an endpoint, as IP knows it
 * @port: endpoint
 * @slot: what is known of such packets, or NULL
 * @from: addresses; the source port is filled in later
 * @id: frame id; filled in later
 * @thoff: offset of the TCP header from the IP header
 * @dsfield: DSCP and ECN
 * @learn: the packet came through routing and all hooks: once it is accepted,
 *	its route may be remembered for the next ones
 */
struct stt_input_info {
	struct stt_port		*port;
	struct stt_early_slot	*slot;
	struct stt_flow_key	from;
	u32			id;
	unsigned int		thoff;
	u8			dsfield;
	bool			learn;
};

void stt_rx_segment(struct stt_net *sn, struct stt_input_info *in,
		    struct sk_buff *skb);

/* ---- stt_deliver.c: frame -> inner packet -> device ---------------------- */

int stt_rx_offload(struct sk_buff *skb, const struct stt_inner *in,
		   const struct stt_offload *off, bool csum_offload);
void stt_rx_local(struct stt_net *sn, struct stt_conf *conf,
		  const struct stt_flow_key *from, struct sk_buff *skb,
		  const struct stt_offload *off, u16 policy, u8 dsfield);
bool stt_rx_partial(struct stt_net *sn, const struct stt_flow_key *from,
		    struct sk_buff *segs, enum stt_net_counter cause,
		    bool late);
bool stt_rx_takes_parts(struct stt_net *sn, const struct stt_flow_key *from,
			int iif, const u8 *headers, unsigned int hlen,
			unsigned int frame_len);
void stt_rx_frame(struct stt_net *sn, const struct stt_input_info *in,
		  struct sk_buff *skb, enum stt_dev_counter how);

/* ---- stt_input.c: IP -> segment ---------------------------------------- */

int stt_input_get(struct net *net, sa_family_t family,
		  struct netlink_ext_ack *extack);
void stt_input_put(struct net *net, sa_family_t family);
int stt_input_register_vrf(struct net *net);

/* ---- stt_partial.c: a frame with holes -> TCP packets ------------------ */

/**
 * struct stt_partial - what the packets of one frame have in common
 * @in: what the inner packet is
 * @hlen: bytes of headers, TCP's options included
 * @end: where the IP packet ends, from the Ethernet header on
 * @mss: inner MSS, 0 for none
 * @headers: the headers as they came; TCP's begins within 255 bytes
 */
struct stt_partial {
	struct stt_inner	in;
	unsigned int		hlen;
	unsigned int		end;
	unsigned int		mss;
	u8			headers[U8_MAX + 60] __aligned(4);
};

bool stt_partial_init(struct stt_partial *p, const struct sk_buff *skb,
		      const struct stt_offload *off, unsigned int frame_len);
struct sk_buff *stt_partial_packet(const struct stt_partial *p,
				   struct sk_buff *skb, unsigned int start);

/* ---- stt_reasm.c: segments -> frames ----------------------------------- */

struct stt_reasm *stt_reasm_alloc(struct stt_net *sn);
void stt_reasm_free(struct stt_reasm *reasm);
struct sk_buff *stt_reasm_add(struct stt_reasm *reasm,
			      const struct stt_flow_key *key, u32 id,
			      bool known, struct sk_buff *skb);

/* A sender that was heard of within a second: another frame says nothing new. */
#define STT_PEER_FRESH		HZ

static inline bool stt_peer_is_fresh(u32 heard)
{
	return (u32)jiffies - heard <= STT_PEER_FRESH;
}

static inline u32 stt_peer_stale(void)
{
	return (u32)jiffies - STT_PEER_FRESH - 1;
}

bool stt_peer_is_known(struct stt_reasm *reasm,
		       const struct stt_flow_key *from);
u32 stt_peer_learn(struct stt_reasm *reasm, const struct stt_flow_key *from);
bool stt_reasm_watches(const struct stt_reasm *reasm);
bool stt_reasm_passed(struct stt_reasm *reasm, const struct stt_flow_key *key,
		      u32 id);
unsigned long stt_reasm_mem(const struct stt_reasm *reasm);
unsigned int stt_reasm_frames(const struct stt_reasm *reasm);

/* ---- stt_source.c: senders ---------------------------------------------- */

unsigned int stt_source_open(struct stt_reasm *reasm,
			     const union stt_addr *addr, int scope,
			     sa_family_t family, __be16 port);

/* ---- stt_whole.c: frames that came whole -------------------------------- */

void stt_whole_note(struct stt_reasm *reasm, const struct stt_flow_key *key,
		    u32 id);

/* ---- stt_cut.c: BIG TCP ------------------------------------------------ */

struct sk_buff *stt_cut(struct sk_buff *skb, const struct stt_inner *in,
			unsigned int max);

/* ---- stt_skb.c: how the bytes of a packet are laid out ----------------- */

bool stt_skb_equal(const struct sk_buff *a, int a_off,
		   const struct sk_buff *b, int b_off, int len);
struct sk_buff *stt_skb_join(struct sk_buff *head, struct sk_buff *rest);
int stt_skb_make_cuttable(struct sk_buff *skb, unsigned int hlen,
			  unsigned int size);

#endif /* _STT_H */
