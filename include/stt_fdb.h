/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The forwarding database of a device: MAC address -> destinations.  A device
 * in external mode has one table for all context ids: MAC address and id ->
 * destinations.
 *
 *	stt_fdb ---- stt_fdb_entry ---- stt_fdb_dest ---- stt_path
 *	(device)     (MAC)      |       (a peer)
 *	                        `------ stt_fdb_nh ------ nexthop group
 *
 * Users change it under RTNL, received packets and ageing do without: all
 * writers take &stt_fdb.lock, readers go by RCU.  Inside of that lock the
 * namespace's &stt_net.path_lock and &stt_net.peers_lock are taken, one at a
 * time, and no other.
 */
#ifndef _STT_FDB_H
#define _STT_FDB_H

#include <linux/if_ether.h>
#include <linux/list.h>
#include <linux/neighbour.h>
#include <linux/rhashtable.h>

#include "stt_conf.h"
#include "stt_dev.h"

/* As in vxlan, seconds. */
#define STT_FDB_AGEING		300

/**
 * struct stt_fdb_key - what an entry is found by
 * @mac: MAC address; all zero: the default entry
 * @pad: 0
 * @id: external: context id of the inner packets.  Else 0: a device with an id
 *	has no other
 */
struct stt_fdb_key {
	u8	mac[ETH_ALEN];
	u16	pad;
	u64	id;
};

/* Hashed by words, compared as bytes: no holes. */
static_assert(sizeof(struct stt_fdb_key) == 16);

/**
 * struct stt_fdb_where - a destination as users name it
 * @addr: the peer
 * @id: context id of the frames
 * @link: ifindex they leave through, 0: the route's
 * @port: destination port
 * @family: AF_INET or AF_INET6
 */
struct stt_fdb_where {
	union stt_addr	addr;
	u64		id;
	int		link;
	__be16		port;
	u16		family;
};

/**
 * struct stt_fdb_dest - one destination of an entry or nexthop group
 * @list: in &stt_fdb_entry.dests or &stt_fdb_nh.dests
 * @at: where it is
 * @path: the way there; a reference
 * @next: the way there with the device's next configuration; a reference, or
 *	NULL
 * @rcu: frees it
 */
struct stt_fdb_dest {
	struct list_head	list;
	struct stt_fdb_where	at;
	struct stt_path __rcu	*path;
	struct stt_path		*next;
	struct rcu_head		rcu;
};

/**
 * struct stt_fdb_nh - a nexthop group, and the device's entries that use it
 * @list: in &stt_fdb.nhs
 * @nh: the group; a reference
 * @entries: &stt_fdb_entry.nh_list; it goes with the last
 * @dests: ways to members, made when they are first sent to
 * @rcu: frees it
 */
struct stt_fdb_nh {
	struct list_head	list;
	struct nexthop		*nh;
	struct list_head	entries;
	struct list_head	dests;
	struct rcu_head		rcu;
};

/**
 * struct stt_fdb_entry - what is known of a MAC address
 * @node: in &stt_fdb.table
 * @list: in &stt_fdb.entries
 * @key: the address
 * @state: NUD_*
 * @flags: NTF_*
 * @by_user: added or changed by netlink
 * @dead: not in the table any more
 * @updated: jiffies when a packet of the station came, or the entry changed
 * @used: jiffies when a packet was sent to it
 * @dests: &stt_fdb_dest: one, or for the all-zero and multicast addresses
 *	several; none with @nh
 * @nh: nexthop group in place of destinations
 * @nh_list: in &stt_fdb_nh.entries
 * @rcu: frees it
 */
struct stt_fdb_entry {
	struct rhash_head	node;
	struct list_head	list;
	struct stt_fdb_key	key;
	u16			state;
	u8			flags;
	bool			by_user;
	bool			dead;
	unsigned long		updated;
	unsigned long		used;
	struct list_head	dests;
	struct stt_fdb_nh __rcu	*nh;
	struct list_head	nh_list;
	struct rcu_head		rcu;
};

/* Ageing and learning leave it alone. */
static inline bool stt_fdb_is_static(u16 state)
{
	return state & (NUD_PERMANENT | NUD_NOARP);
}

/* Only writers free and change paths, or who has the only pointer. */
static inline struct stt_path *
stt_fdb_dest_path(const struct stt_fdb_dest *dest)
{
	return rcu_dereference_protected(dest->path, true);
}

static inline enum stt_path_use
stt_fdb_use(const struct stt_fdb_dest *dest)
{
	return stt_fdb_dest_path(dest)->key.use;
}

/*
 * The id in the key of an entry for packets with context id @id.  Other
 * devices than external ones have one id, which the key leaves out.
 */
static inline u64 stt_fdb_key_id(const struct stt_conf *conf, u64 id)
{
	return conf->external ? id : 0;
}

/* The context id that frames have unless a destination names another. */
static inline u64 stt_fdb_frame_id(const struct stt_conf *conf,
				   const struct stt_fdb_key *key)
{
	return conf->external ? key->id : conf->key.id;
}

static inline struct stt_dev *stt_fdb_dev(struct stt_fdb *fdb)
{
	return container_of(fdb, struct stt_dev, fdb);
}

/**
 * stt_fdb_links - count of FDB destinations that name an interface
 * @sn: namespace
 * @link: ifindex; others may share its counter
 */
static inline atomic_t *stt_fdb_links(struct stt_net *sn, int link)
{
	return &sn->fdb_links[(unsigned int)link % STT_FDB_LINK_HASH];
}

/* ---- stt_fdb_dest.c: destinations --------------------------------------- */

bool stt_fdb_at_equal(const struct stt_fdb_where *a,
		      const struct stt_fdb_where *b);
void stt_fdb_path_key(const struct stt_conf *conf,
		      const struct stt_fdb_where *at, enum stt_path_use use,
		      struct stt_path_key *key);
struct stt_path *stt_fdb_path(const struct stt_conf *conf,
			      const struct stt_fdb_where *at,
			      enum stt_path_use use, gfp_t gfp);
struct stt_fdb_dest *stt_fdb_dest_alloc(const struct stt_conf *conf,
					const struct stt_fdb_where *at,
					enum stt_path_use use, gfp_t gfp);
void stt_fdb_dest_free(struct stt_fdb_dest *dest);
void stt_fdb_dest_reroute(struct stt_fdb_dest *dest, struct stt_path *path);

/* ---- stt_fdb.c: the table ----------------------------------------------- */

/**
 * struct stt_fdb_walker - a walk through all entries of a table
 * @list: in &stt_fdb.walks
 * @next: the entry to visit next, or the list's head
 * @last: the entry to end with
 *
 * Guarded by &stt_fdb.lock, which is not held all the time: stt_fdb_remove()
 * keeps @next and @last valid.
 */
struct stt_fdb_walker {
	struct list_head	list;
	struct list_head	*next;
	struct list_head	*last;
};

int stt_fdb_walk(struct stt_fdb *fdb,
		 int (*visit)(struct stt_fdb *fdb, struct stt_fdb_entry *entry,
			      void *arg),
		 void *arg);
void stt_fdb_age_start(struct stt_dev *stt, const struct stt_conf *conf,
		       const struct stt_fdb_entry *entry);

int stt_fdb_init(struct stt_dev *stt);
void stt_fdb_exit(struct stt_dev *stt);
void stt_fdb_open(struct stt_dev *stt);
void stt_fdb_stop(struct stt_dev *stt);
void stt_fdb_clear(struct stt_dev *stt, bool notify);
bool stt_fdb_source(const struct stt_conf *conf,
		    const struct stt_flow_key *from, u64 id, const u8 *mac);

#define STT_FDB_BATCH		64	/* entries visited with the lock held */

struct stt_fdb_entry *stt_fdb_find_rcu(struct stt_fdb *fdb, const u8 *mac,
				       u64 id);
struct stt_fdb_entry *stt_fdb_find(struct stt_fdb *fdb,
				   const struct stt_fdb_key *key);
struct stt_fdb_dest *stt_fdb_dest_find(struct stt_fdb_entry *entry,
				       const struct stt_fdb_where *at);
struct stt_fdb_entry *stt_fdb_entry_alloc(const struct stt_fdb_key *key,
					  u16 state, u8 flags, gfp_t gfp);
int stt_fdb_insert(struct stt_fdb *fdb, struct stt_fdb_entry *entry);
void stt_fdb_remove(struct stt_fdb *fdb, struct stt_fdb_entry *entry,
		    bool notify);
void stt_fdb_dest_add(struct stt_fdb *fdb, struct stt_fdb_entry *entry,
		      struct stt_fdb_dest *dest);
void stt_fdb_dest_replace(struct stt_fdb *fdb, struct stt_fdb_entry *entry,
			  struct stt_fdb_dest *dest);
void stt_fdb_dest_remove(struct stt_fdb *fdb, struct stt_fdb_entry *entry,
			 struct stt_fdb_dest *dest);
void stt_fdb_changed(struct stt_fdb *fdb);
int stt_fdb_restate(const struct stt_conf *conf, struct stt_fdb_entry *entry,
		    u16 state);

/* ---- stt_fdb_msg.c: messages about entries ------------------------------ */

/* The first context id that tools cannot name. */
#define STT_FDB_VNIS	BIT(24)

int stt_fdb_fill(struct sk_buff *skb, const struct stt_dev *stt,
		 const struct stt_fdb_entry *entry,
		 const struct stt_fdb_dest *dest, u32 portid, u32 seq,
		 int type, unsigned int nl_flags);
void stt_fdb_notify(struct stt_dev *stt, const struct stt_fdb_entry *entry,
		    const struct stt_fdb_dest *dest, int type);

/* ---- stt_fdb_nh.c: nexthop groups -------------------------------------- */

struct stt_fdb_nh *stt_fdb_nh_find(const struct stt_fdb *fdb, u32 id);
struct stt_fdb_nh *stt_fdb_nh_get(struct stt_fdb *fdb, u32 id,
				  struct netlink_ext_ack *extack);
void stt_fdb_nh_put(struct stt_fdb *fdb, struct stt_fdb_nh *group);
struct stt_fdb_dest *stt_fdb_nh_select(const struct stt_conf *conf,
				       struct stt_fdb_nh *group, u32 hash);
bool stt_fdb_nh_where(const struct stt_conf *conf, struct nexthop *nh,
		      u32 hash, struct stt_fdb_where *at);
void stt_fdb_nh_forget(struct stt_fdb *fdb);

/* ---- stt_fdb_conf.c: how an FDB follows its device --------------------- */

int stt_fdb_prepare(struct stt_dev *stt, const struct stt_conf *old,
		    const struct stt_conf *conf);
void stt_fdb_abort(struct stt_dev *stt);
void stt_fdb_commit(struct stt_dev *stt, const struct stt_conf *old,
		    const struct stt_conf *conf);
void stt_fdb_link_gone(struct stt_net *sn, int link);
int stt_fdb_nh_register(struct stt_net *sn);
void stt_fdb_nh_unregister(struct stt_net *sn);

/* ---- stt_fdb_netlink.c: bridge fdb --------------------------------------- */

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

#endif /* _STT_FDB_H */
