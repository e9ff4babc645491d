// SPDX-License-Identifier: GPL-2.0
/*
 * Ways to peers: which route a frame takes, and for how long that is known.
 * All that reach a peer in the same way share one.
 */
#include <linux/slab.h>
#include <net/dst.h>
#include <net/dst_cache.h>
#include <net/flow.h>
#include <net/inet_dscp.h>
#include <net/ip6_fib.h>
#include <net/ip6_route.h>
#include <net/ip_fib.h>
#include <net/l3mdev.h>
#include <net/nexthop.h>
#include <net/route.h>
#include <net/sock.h>

#include "include/stt.h"

/* The whole of it, as words. */
static bool stt_path_key_equal(const struct stt_path_key *a,
			       const struct stt_path_key *b)
{
	const u64 *x = (const u64 *)a, *y = (const u64 *)b;
	u64 differs = 0;
	int i;

	for (i = 0; i < sizeof(*a) / sizeof(*x); i++)
		differs |= x[i] ^ y[i];

	return !differs;
}

static const struct rhashtable_params stt_path_params = {
	.key_len		= offsetofend(struct stt_path_key, family),
	.key_offset		= offsetof(struct stt_path, key),
	.head_offset		= offsetof(struct stt_path, node),
	.automatic_shrinking	= true,
};

static_assert(offsetofend(struct stt_path_key, family) == 20);

/* A namespace keeps so many ways that nobody holds: 6 MB of memory or so. */
#define STT_PATHS_KEPT		16384

static void stt_path_free_rcu(struct rcu_head *head)
{
	struct stt_path *path = container_of(head, struct stt_path, rcu);

	dst_cache_destroy(&path->cache);
	kfree(path);
}

/* Nobody has a reference to it now. */
static void stt_path_remove(struct stt_net *sn, struct stt_path *path)
{
	lockdep_assert_held(&sn->path_lock);

	rhltable_remove(&sn->paths, &path->node, stt_path_params);
	/* Pairs with stt_external_dest(). */
	smp_store_release(&sn->path_gen, sn->path_gen + 1);
	call_rcu(&path->rcu, stt_path_free_rcu);
}

/* Let go of the ways that were kept, and were not used for long. */
static void stt_paths_age(struct work_struct *work)
{
	struct stt_net *sn = container_of(to_delayed_work(work),
					  struct stt_net, ageing);
	struct stt_path *path, *tmp;
	bool more;

	spin_lock_bh(&sn->path_lock);
	list_for_each_entry_safe(path, tmp, &sn->kept, kept) {
		if (time_before(jiffies, READ_ONCE(path->last_tx) +
					 STT_PEER_RECENT))
			continue;
		list_del_init(&path->kept);
		WRITE_ONCE(sn->nkept, sn->nkept - 1);
		if (refcount_dec_and_test(&path->refs))
			stt_path_remove(sn, path);
	}
	more = !list_empty(&sn->kept);
	spin_unlock_bh(&sn->path_lock);

	if (more)
		schedule_delayed_work(&sn->ageing, STT_PEER_RECENT);
}

/**
 * stt_paths_init - an empty table of ways
 * @sn: namespace
 *
 * Return: 0 or -ENOMEM.
 */
int stt_paths_init(struct stt_net *sn)
{
	spin_lock_init(&sn->path_lock);
	INIT_LIST_HEAD(&sn->kept);
	INIT_DELAYED_WORK(&sn->ageing, stt_paths_age);

	return rhltable_init(&sn->paths, &stt_path_params);
}

/**
 * stt_paths_free - undo stt_paths_init()
 * @sn: namespace, without any devices by now
 */
void stt_paths_free(struct stt_net *sn)
{
	struct stt_path *path, *tmp;

	cancel_delayed_work_sync(&sn->ageing);
	/* No packet looks at them any more; routes are due back now. */
	list_for_each_entry_safe(path, tmp, &sn->kept, kept) {
		rhltable_remove(&sn->paths, &path->node, stt_path_params);
		dst_cache_destroy(&path->cache);
		kfree(path);
	}
	rhltable_destroy(&sn->paths);
}

/**
 * stt_scope - the ifindex that addresses are meant in
 * @net: namespace
 * @family: AF_INET or AF_INET6
 * @remote: the peer, or any
 * @local: ours, or any
 * @link: outgoing interface, or 0
 *
 * Context: any.
 * Return: what &stt_conf_key.scope tells.
 */
int stt_scope(struct net *net, sa_family_t family,
	      const union stt_addr *remote, const union stt_addr *local,
	      int link)
{
	if (family == AF_INET6 &&
	    (ipv6_addr_type(&remote->v6) & IPV6_ADDR_LINKLOCAL ||
	     ipv6_addr_type(&local->v6) & IPV6_ADDR_LINKLOCAL))
		return link;

	return link ? l3mdev_master_ifindex_by_index(net, link) : 0;
}

/**
 * stt_path_key - how a configuration asks for its way
 * @conf: has a port
 * @key: filled in; who sends elsewhere changes it before it is used
 */
void stt_path_key(const struct stt_conf *conf, struct stt_path_key *key)
{
	memset(key, 0, sizeof(*key));
	key->remote = *stt_conf_target(conf);
	key->dport = conf->port->number;
	key->family = conf->port->family;
	key->number = conf->port->number;
	key->local = conf->key.local;
	key->link = conf->link;
	key->scope = conf->key.scope;
	key->mark = conf->fwmark;
	key->sport_min = conf->sport_min;
	key->sport_max = conf->sport_max;
	key->tos = conf->dest.tos & INET_DSCP_MASK;
}

/**
 * stt_paths_rcu - the ways to a peer
 * @sn: namespace
 * @family: AF_INET or AF_INET6
 * @remote: the peer
 * @dport: its port
 *
 * Context: RCU read side.
 * Return: a list of &struct stt_path, for rhl_for_each_entry_rcu(), or NULL.
 */
struct rhlist_head *stt_paths_rcu(struct stt_net *sn, sa_family_t family,
				  const union stt_addr *remote, __be16 dport)
{
	const struct stt_path_key key = {
		.remote = *remote, .dport = dport, .family = family,
	};

	return rhltable_lookup(&sn->paths, &key, stt_path_params);
}

/**
 * stt_path_find_rcu - a way, if somebody uses it
 * @sn: namespace
 * @key: how it is asked for
 *
 * Context: RCU read side.
 * Return: the path, without a reference, or NULL.
 */
struct stt_path *stt_path_find_rcu(struct stt_net *sn,
				   const struct stt_path_key *key)
{
	struct rhlist_head *pos, *list;
	struct stt_path *path;

	list = rhltable_lookup(&sn->paths, key, stt_path_params);
	rhl_for_each_entry_rcu(path, pos, list, node)
		if (stt_path_key_equal(&path->key, key))
			return path;

	return NULL;
}

static struct stt_path *stt_path_alloc(struct net *net,
				       const struct stt_path_key *key,
				       gfp_t gfp)
{
	struct stt_path *path = kzalloc_obj(*path, gfp);

	if (!path)
		return NULL;
	if (dst_cache_init(&path->cache, gfp)) {
		kfree(path);
		return NULL;
	}
	path->key = *key;
	path->net = net;
	refcount_set(&path->refs, 1);
	INIT_LIST_HEAD(&path->kept);
	path->last_tx = jiffies - STT_PEER_RECENT - 1;

	return path;
}

/**
 * stt_path_get - a way to a peer, shared by all who ask for the same
 * @net: namespace
 * @key: how it is asked for; stt_path_key() begins it
 * @gfp: GFP_KERNEL where the caller may sleep, else GFP_ATOMIC
 *
 * Context: process, or BH.
 * Return: a reference, or -ENOMEM.
 */
struct stt_path *stt_path_get(struct net *net, const struct stt_path_key *key,
			      gfp_t gfp)
{
	struct stt_net *sn = stt_net(net);
	struct stt_path *path, *made;
	int err;

	rcu_read_lock();
	path = stt_path_find_rcu(sn, key);
	if (path && !refcount_inc_not_zero(&path->refs))
		path = NULL;
	rcu_read_unlock();
	if (path)
		return path;

	made = stt_path_alloc(net, key, gfp);
	if (!made)
		return ERR_PTR(-ENOMEM);

	spin_lock_bh(&sn->path_lock);
	rcu_read_lock();
	path = stt_path_find_rcu(sn, key);
	if (path)
		refcount_inc(&path->refs);
	rcu_read_unlock();
	err = path ? 0 : rhltable_insert(&sn->paths, &made->node,
					 stt_path_params);
	spin_unlock_bh(&sn->path_lock);
	if (!path && !err)
		return made;

	/* Nobody saw it. */
	dst_cache_destroy(&made->cache);
	kfree(made);

	return path ? : ERR_PTR(err);
}

/**
 * stt_path_put - give a reference back
 * @path: a reference, or NULL
 *
 * The last one frees the path after a grace period.
 *
 * Context: process, or BH.
 */
void stt_path_put(struct stt_path *path)
{
	struct stt_net *sn;

	if (!path)
		return;

	if (refcount_dec_not_one(&path->refs))
		return;

	sn = stt_net(path->net);
	spin_lock_bh(&sn->path_lock);
	if (refcount_dec_and_test(&path->refs))
		stt_path_remove(sn, path);
	spin_unlock_bh(&sn->path_lock);
}

/**
 * stt_path_keep_rcu - a way for a frame whose destination nobody configured
 * @net: namespace
 * @key: how it is asked for
 *
 * One that nobody else holds is kept for %STT_PEER_RECENT after its last frame.
 *
 * Context: BH disabled, RCU read side.
 * Return: the path, without a reference, or NULL when there is no memory or
 * so many are kept already.
 */
struct stt_path *stt_path_keep_rcu(struct net *net,
				   const struct stt_path_key *key)
{
	struct stt_net *sn = stt_net(net);
	bool keep = false;
	struct stt_path *path;

	path = stt_path_find_rcu(sn, key);
	if (likely(path))
		return path;
	if (READ_ONCE(sn->nkept) >= STT_PATHS_KEPT)
		return NULL;

	path = stt_path_get(net, key, GFP_ATOMIC);
	if (IS_ERR(path))
		return NULL;
	spin_lock_bh(&sn->path_lock);
	if (list_empty(&path->kept)) {
		WRITE_ONCE(path->last_tx, jiffies);
		list_add_tail(&path->kept, &sn->kept);
		WRITE_ONCE(sn->nkept, sn->nkept + 1);
		keep = true;
	}
	spin_unlock_bh(&sn->path_lock);
	if (keep)
		schedule_delayed_work(&sn->ageing, STT_PEER_RECENT);
	else
		stt_path_put(path);

	return path;
}

/*
 * A route may be kept only if the next frame, which differs in its source
 * port alone, were to get the same: not with several next hops, with rules
 * that look at ports, or with IPsec policies, which may.
 */
static bool stt_route_is_fixed4(struct net *net, struct flowi4 *fl4)
{
	struct fib_result res;
	bool fixed = true;

#ifdef CONFIG_IP_MULTIPLE_TABLES
	if (READ_ONCE(net->ipv4.fib_rules_require_fldissect))
		return false;
#endif
	rcu_read_lock();
	if (fib_lookup(net, fl4, &res, 0) || !res.fi ||
	    fib_info_num_path(res.fi) > 1)
		fixed = false;
	rcu_read_unlock();

	return fixed;
}

static bool stt_has_xfrm_policy(const struct net *net)
{
#ifdef CONFIG_XFRM
	return net->xfrm.policy_count[XFRM_POLICY_OUT];
#else
	return false;
#endif
}

static struct dst_entry *stt_route4(struct net *net,
				    const struct stt_path_key *key, u8 tos,
				    __be16 sport, struct dst_cache *cache,
				    union stt_addr *saddr)
{
	struct flowi4 fl4;
	struct rtable *rt;

	if (cache) {
		rt = dst_cache_get_ip4(cache, &saddr->v4);
		if (rt)
			return &rt->dst;
	}

	memset(&fl4, 0, sizeof(fl4));
	flowi4_init_output(&fl4, key->link, key->mark, tos & INET_DSCP_MASK,
			   RT_SCOPE_UNIVERSE, IPPROTO_TCP, 0,
			   key->remote.v4, key->local.v4,
			   key->dport, sport, sock_net_uid(net, NULL));
	rt = ip_route_output_flow(net, &fl4, NULL);
	if (IS_ERR(rt))
		return ERR_CAST(rt);
	saddr->v4 = fl4.saddr;

	if (cache && stt_route_is_fixed4(net, &fl4))
		dst_cache_set_ip4(cache, &rt->dst, fl4.saddr);

	return &rt->dst;
}

#if IS_ENABLED(CONFIG_IPV6)
static bool stt_route_is_fixed6(const struct net *net,
				const struct dst_entry *dst)
{
	const struct fib6_info *from;
	bool fixed = true;

#ifdef CONFIG_IPV6_MULTIPLE_TABLES
	if (READ_ONCE(net->ipv6.fib6_rules_require_fldissect))
		return false;
#endif
	rcu_read_lock();
	from = rcu_dereference(container_of(dst, struct rt6_info, dst)->from);
	if (from && (READ_ONCE(from->fib6_nsiblings) ||
		     (from->nh && nexthop_is_multipath(from->nh))))
		fixed = false;
	rcu_read_unlock();

	return fixed;
}

static struct dst_entry *stt_route6(struct net *net,
				    const struct stt_path_key *key, u8 tos,
				    __be32 label, __be16 sport,
				    struct dst_cache *cache,
				    union stt_addr *saddr)
{
	struct dst_entry *dst;
	struct flowi6 fl6;

	if (cache) {
		dst = dst_cache_get_ip6(cache, &saddr->v6);
		if (dst)
			return dst;
	}

	memset(&fl6, 0, sizeof(fl6));
	fl6.flowi6_oif = key->link;
	fl6.flowi6_mark = key->mark;
	fl6.flowi6_proto = IPPROTO_TCP;
	fl6.daddr = key->remote.v6;
	fl6.saddr = key->local.v6;
	fl6.fl6_dport = key->dport;
	fl6.fl6_sport = sport;
	fl6.flowlabel = ip6_make_flowinfo(tos & INET_DSCP_MASK, label);
	dst = ip6_dst_lookup_flow(net, NULL, &fl6, NULL);
	if (IS_ERR(dst))
		return dst;
	saddr->v6 = fl6.saddr;

	if (cache && stt_route_is_fixed6(net, dst))
		dst_cache_set_ip6(cache, dst, &fl6.saddr);

	return dst;
}
#else
static struct dst_entry *stt_route6(struct net *net,
				    const struct stt_path_key *key, u8 tos,
				    __be32 label, __be16 sport,
				    struct dst_cache *cache,
				    union stt_addr *saddr)
{
	return ERR_PTR(-EAFNOSUPPORT);
}
#endif

/**
 * stt_dest_route - the route of a frame
 * @net: the underlay's namespace
 * @dest: where it goes
 * @tos: outer DSCP, in the upper six bits
 * @label: outer flow label, for IPv6
 * @sport: outer source port
 * @saddr: set to the source address
 *
 * The lookup has protocol and ports, so that IPsec policies, rules and
 * multipath hashes see what will be sent.
 *
 * Context: BH disabled.
 * Return: a reference to a route, or what the lookup returned.
 */
struct dst_entry *stt_dest_route(struct net *net, const struct stt_dest *dest,
				 u8 tos, __be32 label, __be16 sport,
				 union stt_addr *saddr)
{
	const struct stt_path_key *key = dest->key;
	struct dst_cache *cache = dest->cache;

	if (!cache && dest->path)
		cache = &dest->path->cache;
	if ((tos ^ key->tos) & INET_DSCP_MASK || stt_has_xfrm_policy(net))
		cache = NULL;

	if (key->family == AF_INET6)
		return stt_route6(net, key, tos, label, sport, cache, saddr);

	return stt_route4(net, key, tos, sport, cache, saddr);
}
