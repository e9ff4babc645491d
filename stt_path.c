// SPDX-License-Identifier: GPL-2.0
/*
 * Paths to peers: which route a frame takes, and for how long that is
 * remembered.  All configurations and FDB entries that reach a peer with the
 * same addresses, ports, mark and link share one path.
 *
 * Two tables, so that no packet walks the paths to a peer, which may be
 * thousands where packets carry marks:
 *
 *	stt_net.paths: a path by all of its key, for what is sent
 *	stt_net.path_peers: by what a received packet tells of a path, how many
 *		of them name the sender, and a list of them
 *
 * Only ICMP errors look at that list.  They do not tell the mark of the packet
 * that they quote: each looks at %STT_QUOTED_SCAN paths and changes the routes
 * of %STT_QUOTED_PATHS of them at most, and the next one begins behind those.
 * The kernel keeps path MTUs by next hop and destination, so that all paths
 * over the same next hop get the new one.
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
#include "include/stt_addr.h"
#include "include/stt_conf.h"
#include "include/stt_path.h"
#include "include/stt_port.h"

static const struct rhashtable_params stt_path_params = {
	.key_len		= sizeof(struct stt_path_key),
	.key_offset		= offsetof(struct stt_path, key),
	.head_offset		= offsetof(struct stt_path, node),
	.automatic_shrinking	= true,
};

static const struct rhashtable_params stt_path_peer_params = {
	.key_len		= sizeof(struct stt_path_peer_key),
	.key_offset		= offsetof(struct stt_path_peer, key),
	.head_offset		= offsetof(struct stt_path_peer, node),
	.automatic_shrinking	= true,
};

/*
 * Paths that a namespace keeps for packets alone: 8 MB of memory at most.  To
 * destinations beyond that frames are sent with a route lookup each, and path
 * MTUs are not found.
 */
#define STT_PATHS_KEPT		16384

/* Of those, ageing looks at so many under the lock at a time. */
#define STT_PATHS_BATCH		64U

/* Paths that one ICMP message looks at. */
#define STT_QUOTED_SCAN		64U

/* ---- by peer ----------------------------------------------------------- */

static struct stt_path_peer *
stt_path_peer_find(struct stt_net *sn, const struct stt_path_peer_key *key)
{
	return rhashtable_lookup_fast(&sn->path_peers, key,
				      stt_path_peer_params);
}

static unsigned int *stt_path_peer_count(struct stt_net *sn,
					 const struct stt_path_peer_key *key)
{
	return &sn->npath_peers[!stt_addr_any(&key->local)];
}

static struct stt_path_peer *
stt_path_peer_make(struct stt_net *sn, const struct stt_path_peer_key *key)
{
	struct stt_path_peer *peer = kzalloc_obj(*peer, GFP_ATOMIC);
	unsigned int *count = stt_path_peer_count(sn, key);
	int err;

	if (!peer)
		return ERR_PTR(-ENOMEM);
	peer->key = *key;
	INIT_LIST_HEAD(&peer->paths);
	err = rhashtable_insert_fast(&sn->path_peers, &peer->node,
				     stt_path_peer_params);
	if (err) {
		kfree(peer);
		return ERR_PTR(err);
	}
	WRITE_ONCE(*count, *count + 1);

	return peer;
}

/* It has no paths left. */
static void stt_path_peer_drop(struct stt_net *sn, struct stt_path_peer *peer)
{
	unsigned int *count = stt_path_peer_count(sn, &peer->key);

	rhashtable_remove_fast(&sn->path_peers, &peer->node,
			       stt_path_peer_params);
	WRITE_ONCE(*count, *count - 1);
	kfree_rcu(peer, rcu);
}

/* That we send from another port does not mean that we listen on it. */
static void stt_path_peer_count_use(struct stt_path *path, int n)
{
	unsigned int *named = &path->peer->named[path->key.use];

	if (path->key.number == path->key.dport)
		WRITE_ONCE(*named, *named + n);
}

/* Let packets from the peer find a path.  The newest comes first. */
static int stt_path_peer_add(struct stt_net *sn, struct stt_path *path)
{
	const struct stt_path_peer_key key = {
		.remote = path->key.remote,
		.local = path->key.local,
		.scope = path->key.scope,
		.dport = path->key.dport,
		.family = path->key.family,
	};
	struct stt_path_peer *peer;

	lockdep_assert_held(&sn->path_lock);

	peer = stt_path_peer_find(sn, &key);
	if (!peer)
		peer = stt_path_peer_make(sn, &key);
	if (IS_ERR(peer))
		return PTR_ERR(peer);
	path->peer = peer;
	list_add(&path->of_peer, &peer->paths);
	peer->npaths++;
	if (path->key.use != STT_PATH_CONF)
		stt_path_peer_count_use(path, 1);

	return 0;
}

static void stt_path_peer_del(struct stt_net *sn, struct stt_path *path)
{
	struct stt_path_peer *peer = path->peer;

	lockdep_assert_held(&sn->path_lock);

	list_del(&path->of_peer);
	if (path->key.use != STT_PATH_CONF)
		stt_path_peer_count_use(path, -1);
	if (!--peer->npaths)
		stt_path_peer_drop(sn, peer);
}

/**
 * stt_path_listen - a device that names a path's peer goes up or down
 * @path: the path of its configuration
 * @n: 1 for up, -1 for down
 *
 * Context: RTNL.
 */
void stt_path_listen(struct stt_path *path, int n)
{
	struct stt_net *sn = stt_net(path->net);

	spin_lock_bh(&sn->path_lock);
	stt_path_peer_count_use(path, n);
	spin_unlock_bh(&sn->path_lock);
}

/* ---- life -------------------------------------------------------------- */

static void stt_path_free_rcu(struct rcu_head *head)
{
	struct stt_path *path = container_of(head, struct stt_path, rcu);

	dst_cache_destroy(&path->cache);
	kfree(path);
}

/* The last reference is gone. */
static void stt_path_remove(struct stt_net *sn, struct stt_path *path)
{
	lockdep_assert_held(&sn->path_lock);

	rhashtable_remove_fast(&sn->paths, &path->node, stt_path_params);
	stt_path_peer_del(sn, path);
	/* Pairs with stt_external_dest(). */
	smp_store_release(&sn->path_gen, sn->path_gen + 1);
	call_rcu(&path->rcu, stt_path_free_rcu);
}

/* Drop some of the paths that were kept and not used lately, oldest first. */
static void stt_paths_age_some(struct stt_net *sn, unsigned int n)
{
	struct stt_path *path;

	spin_lock_bh(&sn->path_lock);
	for (; n && sn->nkept; n--) {
		path = list_first_entry(&sn->kept, struct stt_path, kept);
		if (time_before(jiffies, READ_ONCE(path->last_tx) +
					 STT_PEER_RECENT)) {
			list_move_tail(&path->kept, &sn->kept);
			continue;
		}
		list_del_init(&path->kept);
		WRITE_ONCE(sn->nkept, sn->nkept - 1);
		if (refcount_dec_and_test(&path->refs))
			stt_path_remove(sn, path);
	}
	spin_unlock_bh(&sn->path_lock);
}

/* Look at each path that is kept, a few at a time. */
static void stt_paths_age(struct work_struct *work)
{
	struct stt_net *sn = container_of(to_delayed_work(work),
					  struct stt_net, ageing);
	unsigned int left = READ_ONCE(sn->nkept);

	while (left) {
		unsigned int n = min(left, STT_PATHS_BATCH);

		stt_paths_age_some(sn, n);
		left -= n;
		cond_resched();
	}

	if (READ_ONCE(sn->nkept))
		schedule_delayed_work(&sn->ageing, STT_PEER_RECENT);
}

/**
 * stt_paths_init - empty tables of paths
 * @sn: namespace
 *
 * Return: 0 or -ENOMEM.
 */
int stt_paths_init(struct stt_net *sn)
{
	int err;

	spin_lock_init(&sn->path_lock);
	INIT_LIST_HEAD(&sn->kept);
	INIT_DELAYED_WORK(&sn->ageing, stt_paths_age);

	err = rhashtable_init(&sn->paths, &stt_path_params);
	if (err)
		return err;
	err = rhashtable_init(&sn->path_peers, &stt_path_peer_params);
	if (err)
		rhashtable_destroy(&sn->paths);

	return err;
}

/**
 * stt_paths_free - undo stt_paths_init()
 * @sn: namespace, without any devices by now
 *
 * Context: sleeps.
 */
void stt_paths_free(struct stt_net *sn)
{
	struct stt_path *path, *tmp;

	cancel_delayed_work_sync(&sn->ageing);
	/* Packets cannot reach them any more; routes have to go back now. */
	list_for_each_entry_safe(path, tmp, &sn->kept, kept) {
		rhashtable_remove_fast(&sn->paths, &path->node,
				       stt_path_params);
		spin_lock_bh(&sn->path_lock);
		stt_path_peer_del(sn, path);
		spin_unlock_bh(&sn->path_lock);
		dst_cache_destroy(&path->cache);
		kfree(path);
		cond_resched();
	}
	rhashtable_destroy(&sn->path_peers);
	rhashtable_destroy(&sn->paths);
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
 * stt_path_key_init - the key of a configuration's own path
 * @conf: has a port
 * @key: filled in; a caller that sends elsewhere changes it before use
 */
void stt_path_key_init(const struct stt_conf *conf, struct stt_path_key *key)
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

/* A peer in the given scope, for any local address or for @key's. */
static struct stt_path_peer *
stt_path_peer_rcu(struct stt_net *sn, const struct stt_path_peer_key *key,
		  int scope, bool any)
{
	struct stt_path_peer_key k = *key;

	if (!READ_ONCE(sn->npath_peers[!any]))
		return NULL;
	k.scope = scope;
	if (any)
		memset(&k.local, 0, sizeof(k.local));

	return rhashtable_lookup(&sn->path_peers, &k, stt_path_peer_params);
}

static bool stt_path_peer_named(const struct stt_path_peer *peer, bool statics)
{
	return peer && (READ_ONCE(peer->named[STT_PATH_CONF]) ||
			(statics && READ_ONCE(peer->named[STT_PATH_STATIC])));
}

/**
 * stt_path_named_rcu - do we name the sender of a packet as a peer
 * @sn: namespace
 * @key: @remote is the sender, @local the address that it sent to, and
 *	@dport the port
 * @statics: by static FDB entries too, not only by devices
 *
 * Context: RCU read side.
 */
bool stt_path_named_rcu(struct stt_net *sn,
			const struct stt_path_peer_key *key, bool statics)
{
	return stt_path_peer_named(stt_path_peer_rcu(sn, key, key->scope, true),
				   statics) ||
	       stt_path_peer_named(stt_path_peer_rcu(sn, key, key->scope,
						     false), statics);
}

/**
 * stt_path_quoted_rcu - is there a path that a quoted packet may have taken
 * @sn: namespace
 * @key: @remote is where it was sent to, @local where from
 * @link: ifindex that is the scope if both are link-local
 *
 * Context: RCU read side.
 */
bool stt_path_quoted_rcu(struct stt_net *sn,
			 const struct stt_path_peer_key *key, int link)
{
	return stt_path_peer_rcu(sn, key, key->scope, true) ||
	       stt_path_peer_rcu(sn, key, key->scope, false) ||
	       stt_path_peer_rcu(sn, key, link, true) ||
	       stt_path_peer_rcu(sn, key, link, false);
}

static bool stt_path_sent(const struct stt_path *path, u16 sport)
{
	return sport >= path->key.sport_min && sport <= path->key.sport_max &&
	       !time_after(jiffies,
			   READ_ONCE(path->last_tx) + STT_PEER_RECENT);
}

/* Add to the @n paths in @paths; each that was looked at goes to the end. */
static unsigned int stt_path_peer_quoted(struct stt_path_peer *peer, u16 sport,
					 struct stt_path **paths,
					 unsigned int n)
{
	unsigned int left;
	struct stt_path *path;

	if (!peer)
		return n;
	left = min(peer->npaths, STT_QUOTED_SCAN);
	for (; left && n < STT_QUOTED_PATHS; left--) {
		path = list_first_entry(&peer->paths, struct stt_path, of_peer);
		list_move_tail(&path->of_peer, &peer->paths);
		if (stt_path_sent(path, sport))
			paths[n++] = path;
	}

	return n;
}

/**
 * stt_path_quoted_get - paths that a quoted packet may have taken
 * @sn: namespace
 * @key: @remote is where it was sent to, @local where from
 * @link: ifindex that is the scope if both are link-local
 * @sport: source port it was sent from, host order
 * @paths: filled in with paths, without references, that frames were sent on
 *	lately
 *
 * Of a peer with more than %STT_QUOTED_PATHS paths these are not all: the next
 * call returns others.
 *
 * Context: RCU read side.
 * Return: how many there are in @paths.
 */
unsigned int stt_path_quoted_get(struct stt_net *sn,
				 const struct stt_path_peer_key *key, int link,
				 u16 sport,
				 struct stt_path *paths[STT_QUOTED_PATHS])
{
	unsigned int n = 0;
	int i;

	spin_lock_bh(&sn->path_lock);
	for (i = 0; i < 2; i++) {
		n = stt_path_peer_quoted(stt_path_peer_rcu(sn, key, key->scope,
							   i), sport, paths, n);
		if (link == key->scope)
			continue;
		n = stt_path_peer_quoted(stt_path_peer_rcu(sn, key, link, i),
					 sport, paths, n);
	}
	spin_unlock_bh(&sn->path_lock);

	return n;
}

/**
 * stt_path_find_rcu - a path, if there is one with this key
 * @sn: namespace
 * @key: its key
 *
 * Context: RCU read side.
 * Return: the path, without a reference, or NULL.
 */
struct stt_path *stt_path_find_rcu(struct stt_net *sn,
				   const struct stt_path_key *key)
{
	return rhashtable_lookup(&sn->paths, key, stt_path_params);
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

/* Let packets find a path. */
static int stt_path_insert(struct stt_net *sn, struct stt_path *path)
{
	int err = stt_path_peer_add(sn, path);

	if (err)
		return err;
	err = rhashtable_insert_fast(&sn->paths, &path->node, stt_path_params);
	if (err)
		stt_path_peer_del(sn, path);

	return err;
}

/**
 * stt_path_get - a path to a peer, shared by all users of the same key
 * @net: namespace
 * @key: its key; stt_path_key_init() begins it
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
	err = path ? 0 : stt_path_insert(sn, made);
	spin_unlock_bh(&sn->path_lock);
	if (!path && !err)
		return made;

	/* Another CPU made it first, or there is no memory. */
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
 * stt_path_keep_rcu - a path for a frame whose destination is not configured
 * @net: namespace
 * @key: its key
 *
 * If it has no other user, it is kept for %STT_PEER_RECENT after its last
 * frame.
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

static void stt_flow4(struct net *net, struct flowi4 *fl4,
		      const struct stt_path_key *key, u8 tos, __be16 sport)
{
	memset(fl4, 0, sizeof(*fl4));
	flowi4_init_output(fl4, key->link, key->mark, tos & INET_DSCP_MASK,
			   RT_SCOPE_UNIVERSE, IPPROTO_TCP, 0,
			   key->remote.v4, key->local.v4,
			   key->dport, sport, sock_net_uid(net, NULL));
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

	stt_flow4(net, &fl4, key, tos, sport);
	rt = ip_route_output_flow(net, &fl4, NULL);
	if (IS_ERR(rt))
		return ERR_CAST(rt);
	saddr->v4 = fl4.saddr;

	/* Nothing else would notice that a redirect has expired. */
	if (cache && !(rt->rt_flags & RTCF_REDIRECTED) &&
	    stt_route_is_fixed4(net, &fl4))
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

static void stt_flow6(struct flowi6 *fl6, const struct stt_path_key *key,
		      u8 tos, __be32 label, __be16 sport)
{
	memset(fl6, 0, sizeof(*fl6));
	fl6->flowi6_oif = key->link;
	fl6->flowi6_mark = key->mark;
	fl6->flowi6_proto = IPPROTO_TCP;
	fl6->daddr = key->remote.v6;
	fl6->saddr = key->local.v6;
	fl6->fl6_dport = key->dport;
	fl6->fl6_sport = sport;
	fl6->flowlabel = ip6_make_flowinfo(tos & INET_DSCP_MASK, label);
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

	stt_flow6(&fl6, key, tos, label, sport);
	dst = ip6_dst_lookup_flow(net, NULL, &fl6, NULL);
	if (IS_ERR(dst))
		return dst;
	saddr->v6 = fl6.saddr;

	if (cache && stt_route_is_fixed6(net, dst))
		dst_cache_set_ip6(cache, dst, &fl6.saddr);

	return dst;
}

static struct dst_entry *stt_plain_route6(struct net *net,
					  const struct stt_path_key *key,
					  __be32 label)
{
	struct dst_entry *dst;
	struct flowi6 fl6;
	int err;

	stt_flow6(&fl6, key, key->tos, label, htons(key->sport_min));
	dst = ip6_route_output(net, NULL, &fl6);
	err = dst->error;
	if (!err)
		return dst;
	dst_release(dst);

	return ERR_PTR(err);
}
#else
static struct dst_entry *stt_plain_route6(struct net *net,
					  const struct stt_path_key *key,
					  __be32 label)
{
	return ERR_PTR(-EAFNOSUPPORT);
}

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

static struct dst_entry *stt_plain_route4(struct net *net,
					  const struct stt_path_key *key)
{
	struct flowi4 fl4;
	struct rtable *rt;

	stt_flow4(net, &fl4, key, key->tos, htons(key->sport_min));
	/* The variant without underscores asks IPsec as well. */
	rt = __ip_route_output_key(net, &fl4);

	return IS_ERR(rt) ? ERR_CAST(rt) : &rt->dst;
}

/**
 * stt_route_dev - the device that the route to a peer leads through
 * @net: the underlay's namespace
 * @key: how the route is asked for
 * @label: outer flow label, for IPv6
 *
 * For the control path: no IPsec policy is looked at, so no association is
 * negotiated before there is a packet, and no cache is filled.
 *
 * Context: process, or BH.
 * Return: a reference to a device, or NULL without a route.
 */
struct net_device *stt_route_dev(struct net *net,
				 const struct stt_path_key *key, __be32 label)
{
	struct net_device *dev;
	struct dst_entry *dst;

	if (key->family == AF_INET6)
		dst = stt_plain_route6(net, key, label);
	else
		dst = stt_plain_route4(net, key);
	if (IS_ERR(dst))
		return NULL;

	dev = dst->dev;
	dev_hold(dev);
	dst_release(dst);

	return dev;
}
