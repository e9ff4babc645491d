/* SPDX-License-Identifier: GPL-2.0 */
/* stt_path.c: paths to peers, their routes and path MTUs. */
#ifndef _STT_PATH_H
#define _STT_PATH_H

#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/rhashtable.h>
#include <net/dst_cache.h>

#include "stt_addr.h"

struct stt_conf;
struct stt_id_counters;
struct stt_net;

/**
 * enum stt_path_use - why a path is known, which decides whether its peer may
 *	send us incomplete frames (R8)
 * @STT_PATH_CONF: a device names the peer
 * @STT_PATH_STATIC: a static entry of a forwarding database names it
 * @STT_PATH_LEARNED: packets were sent there, or came from there
 */
enum stt_path_use {
	STT_PATH_CONF,
	STT_PATH_STATIC,
	STT_PATH_LEARNED,
};

/**
 * struct stt_path_key - what a path is looked up by
 * @remote: the peer
 * @dport: port that is sent to
 * @family: AF_INET or AF_INET6
 * @number: port number of the endpoint that sends
 * @use: enum stt_path_use
 * @local: source address, or any
 * @link: outgoing interface, or 0
 * @scope: as in &struct stt_conf_key; stt_scope() knows it
 * @mark: fwmark of the lookup
 * @sport_min: lowest source port sent with, host order
 * @sport_max: highest
 * @tos: DSCP of the lookup when the route is cached
 * @pad: 0
 *
 * Hashed and compared as words: no holes.
 */
struct stt_path_key {
	union stt_addr	remote;
	__be16		dport;
	u16		family;
	__be16		number;
	u16		use;
	union stt_addr	local;
	int		link;
	int		scope;
	u32		mark;
	u16		sport_min;
	u16		sport_max;
	u32		tos;
	u32		pad;
} __aligned(8);

static_assert(sizeof(struct stt_path_key) == 64);

/**
 * struct stt_path_peer_key - what a received packet knows of a path
 * @remote: the peer
 * @local: our address, or any
 * @scope: as in &struct stt_conf_key
 * @dport: the peer's port
 * @family: AF_INET or AF_INET6
 *
 * Hashed and compared as words: no holes.
 */
struct stt_path_peer_key {
	union stt_addr	remote;
	union stt_addr	local;
	int		scope;
	__be16		dport;
	u16		family;
};

static_assert(sizeof(struct stt_path_peer_key) == 40);

/**
 * struct stt_path_peer - the paths that a received packet cannot tell apart
 * @node: in &stt_net.path_peers
 * @key: what it is found by
 * @paths: &struct stt_path, by @of_peer; &stt_net.path_lock
 * @npaths: how many; &stt_net.path_lock
 * @named: how many of them send from the port that they send to, by enum
 *	stt_path_use, and for %STT_PATH_CONF how many devices that are up name
 *	them; written under &stt_net.path_lock
 * @rcu: frees it
 *
 * Paths that differ in marks, links, source ports or DSCP alone are in one of
 * these: however many there are, one lookup tells whether a device or a static
 * FDB entry names the sender of a segment.  It lives while it has paths.
 */
struct stt_path_peer {
	struct rhash_head		node;
	struct stt_path_peer_key	key;
	struct list_head		paths;
	unsigned int			npaths;
	unsigned int			named[STT_PATH_LEARNED + 1];
	struct rcu_head			rcu;
};

/**
 * struct stt_path - one path to a peer, with its route
 * @node: in &stt_net.paths
 * @key: what it is found by
 * @net: namespace; the path goes before it does
 * @refs: its users; the last one takes it out of the table
 * @last_tx: jiffies of the last frame sent; an ICMP error is believed for
 *	%STT_PEER_RECENT after it (W12)
 * @cache: the route, where caching it changes nothing
 * @kept: in &stt_net.kept, or empty
 * @peer: what a packet from the peer finds it by
 * @of_peer: in &stt_path_peer.paths
 * @rcu: frees it
 *
 * Shared by all configurations and FDB entries with the same key.  While it is
 * in the table it has a reference: the last one goes with &stt_net.path_lock
 * held.
 */
struct stt_path {
	struct rhash_head	node;
	struct stt_path_key	key;
	struct net		*net;
	refcount_t		refs;
	unsigned long		last_tx;
	struct dst_cache	cache;
	struct list_head	kept;
	struct stt_path_peer	*peer;
	struct list_head	of_peer;
	struct rcu_head		rcu;
};

#define STT_PEER_RECENT		(60 * HZ)

/**
 * stt_path_used - note that a frame is sent this way
 * @path: path
 *
 * Written once a jiffy, so that CPUs do not take the line from each other.
 */
static inline void stt_path_used(struct stt_path *path)
{
	unsigned long last = READ_ONCE(path->last_tx), now = jiffies;

	if (time_after(now, last))
		WRITE_ONCE(path->last_tx, now);
}

/* One ICMP message changes the routes of at most so many paths. */
#define STT_QUOTED_PATHS	16

/**
 * struct stt_dest - where a frame goes, and in what
 * @id: context id on the wire
 * @key: of the route lookup: @path's own key where there is a path
 * @path: remembers that something was sent, and the route; or NULL
 * @cache: the caller's route cache, to be used in place of @path's; or NULL
 * @counters: external: this CPU's for @id; else NULL
 * @label: fixed IPv6 flow label
 * @label_inherit: copy the inner one instead
 * @ttl: outer TTL or hop limit, 0: the route's
 * @ttl_inherit: copy the inner one instead
 * @tos: outer DSCP, in the upper six bits; the others are the inner ECN's
 * @tos_inherit: uniform model: copy DSCP (W11)
 * @df: enum ifla_stt_df
 * @mark_mask: which bits of a packet's mark go in front of @id: with group
 *	policy the low 16, else none
 * @localbypass: what is sent to this host needs no headers
 */
struct stt_dest {
	u64				id;
	const struct stt_path_key	*key;
	struct stt_path			*path;
	struct dst_cache		*cache;
	struct stt_id_counters		*counters;
	__be32				label;
	bool				label_inherit;
	u8				ttl;
	bool				ttl_inherit;
	u8				tos;
	bool				tos_inherit;
	u8				df;
	u16				mark_mask;
	bool				localbypass;
};

int stt_scope(struct net *net, sa_family_t family,
	      const union stt_addr *remote, const union stt_addr *local,
	      int link);
void stt_path_key_init(const struct stt_conf *conf, struct stt_path_key *key);
struct stt_path *stt_path_get(struct net *net, const struct stt_path_key *key,
			      gfp_t gfp);
void stt_path_put(struct stt_path *path);
struct stt_path *stt_path_keep_rcu(struct net *net,
				   const struct stt_path_key *key);
struct stt_path *stt_path_find_rcu(struct stt_net *sn,
				   const struct stt_path_key *key);
void stt_path_listen(struct stt_path *path, int n);
bool stt_path_named_rcu(struct stt_net *sn,
			const struct stt_path_peer_key *key, bool statics);
bool stt_path_quoted_rcu(struct stt_net *sn,
			 const struct stt_path_peer_key *key, int link);
unsigned int stt_path_quoted_get(struct stt_net *sn,
				 const struct stt_path_peer_key *key, int link,
				 u16 sport,
				 struct stt_path *paths[STT_QUOTED_PATHS]);
struct dst_entry *stt_dest_route(struct net *net, const struct stt_dest *dest,
				 u8 tos, __be32 label, __be16 sport,
				 union stt_addr *saddr);
struct net_device *stt_route_dev(struct net *net,
				 const struct stt_path_key *key, __be32 label);
int stt_paths_init(struct stt_net *sn);
void stt_paths_free(struct stt_net *sn);

#endif /* _STT_PATH_H */
