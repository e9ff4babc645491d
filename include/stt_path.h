/* SPDX-License-Identifier: GPL-2.0 */
/* stt_path.c: ways to peers, their routes and path MTUs. */
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
 * enum stt_path_use - on whose behalf a way is known, which says whether
 *	frames from its peer are welcome (R8)
 * @STT_PATH_CONF: a device names the peer
 * @STT_PATH_STATIC: a static entry of a forwarding database does
 * @STT_PATH_LEARNED: packets said so
 */
enum stt_path_use {
	STT_PATH_CONF,
	STT_PATH_STATIC,
	STT_PATH_LEARNED,
};

/**
 * struct stt_path_key - how a way to a peer is asked for
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
 * Hashed up to @family, compared as words: no holes.
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
 * struct stt_path - a way to a peer, as routing sees it
 * @node: in &stt_net.paths
 * @key: how it is asked for
 * @net: namespace; the path goes before it does
 * @refs: who uses it; the last one takes it out of the table
 * @last_tx: jiffies of the last frame sent; an ICMP error is believed for
 *	%STT_PEER_RECENT after it (W12)
 * @cache: the route, where caching it changes nothing
 * @kept: in &stt_net.kept, or empty
 * @rcu: frees it
 *
 * Shared by all that reach the peer in the same way.  While it is in the table
 * it has a reference: the last one goes with &stt_net.path_lock held.
 */
struct stt_path {
	struct rhlist_head	node;
	struct stt_path_key	key;
	struct net		*net;
	refcount_t		refs;
	unsigned long		last_tx;
	struct dst_cache	cache;
	struct list_head	kept;
	struct rcu_head		rcu;
};

#define STT_PEER_RECENT		(60 * HZ)

/**
 * struct stt_dest - where a frame goes, and in what
 * @id: context id on the wire
 * @key: how the route is asked for: @path's own key where there is a path
 * @path: remembers that something was sent, and the route; NULL: nobody does
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
void stt_path_key(const struct stt_conf *conf, struct stt_path_key *key);
struct stt_path *stt_path_get(struct net *net, const struct stt_path_key *key,
			      gfp_t gfp);
void stt_path_put(struct stt_path *path);
struct stt_path *stt_path_keep_rcu(struct net *net,
				   const struct stt_path_key *key);
struct stt_path *stt_path_find_rcu(struct stt_net *sn,
				   const struct stt_path_key *key);
struct rhlist_head *stt_paths_rcu(struct stt_net *sn, sa_family_t family,
				  const union stt_addr *remote, __be16 dport);
struct dst_entry *stt_dest_route(struct net *net, const struct stt_dest *dest,
				 u8 tos, __be32 label, __be16 sport,
				 union stt_addr *saddr);
int stt_paths_init(struct stt_net *sn);
void stt_paths_free(struct stt_net *sn);

#endif /* _STT_PATH_H */
