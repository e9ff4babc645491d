// SPDX-License-Identifier: GPL-2.0
/*
 * Ways to peers: which route a frame takes, and for how long that is known.
 * Devices that reach a peer in the same way share one.
 */
#include <linux/slab.h>
#include <net/dst.h>
#include <net/dst_cache.h>
#include <net/flow.h>
#include <net/inet_dscp.h>
#include <net/ip6_fib.h>
#include <net/ip6_route.h>
#include <net/ip_fib.h>
#include <net/nexthop.h>
#include <net/route.h>
#include <net/sock.h>

#include "include/stt.h"

const struct rhashtable_params stt_path_params = {
	.key_len		= sizeof(union stt_addr),
	.key_offset		= offsetof(struct stt_path, remote),
	.head_offset		= offsetof(struct stt_path, node),
	.automatic_shrinking	= true,
};

/**
 * stt_path_find_rcu - the ways to a peer
 * @port: endpoint
 * @remote: the peer
 *
 * Context: RCU read side.
 * Return: a list of &struct stt_path, for rhl_for_each_entry_rcu(), or NULL.
 */
struct rhlist_head *stt_path_find_rcu(struct stt_port *port,
				      const union stt_addr *remote)
{
	return rhltable_lookup(&port->paths, remote, stt_path_params);
}

static struct stt_path *stt_path_find_rtnl(const struct stt_conf *conf)
{
	struct stt_path *path, *found = NULL;
	struct rhlist_head *pos, *list;

	rcu_read_lock();
	list = stt_path_find_rcu(conf->port, &conf->key.remote);
	rhl_for_each_entry_rcu(path, pos, list, node) {
		if (stt_addr_equal(&path->local, &conf->key.local) &&
		    path->link == conf->link &&
		    path->scope == conf->key.scope &&
		    path->mark == conf->fwmark &&
		    path->tos == conf->tos &&
		    path->sport_min == conf->sport_min &&
		    path->sport_max == conf->sport_max) {
			found = path;
			break;
		}
	}
	rcu_read_unlock();

	return found;
}

/**
 * stt_path_get - the way that a configuration sends, shared with its like
 * @conf: has a remote address and a port
 *
 * Context: RTNL; sleeps.
 * Return: a reference, or -ENOMEM.
 */
struct stt_path *stt_path_get(const struct stt_conf *conf)
{
	struct stt_path *path;
	int err;

	ASSERT_RTNL();

	path = stt_path_find_rtnl(conf);
	if (path) {
		path->refs++;
		return path;
	}

	path = kzalloc_obj(*path, GFP_KERNEL);
	if (!path)
		return ERR_PTR(-ENOMEM);
	err = dst_cache_init(&path->cache, GFP_KERNEL);
	if (err)
		goto err_free;

	path->remote = conf->key.remote;
	path->local = conf->key.local;
	path->port = conf->port;
	path->link = conf->link;
	path->scope = conf->key.scope;
	path->mark = conf->fwmark;
	path->tos = conf->tos;
	path->sport_min = conf->sport_min;
	path->sport_max = conf->sport_max;
	path->refs = 1;
	path->last_tx = jiffies - STT_PEER_RECENT - 1;

	err = rhltable_insert(&path->port->paths, &path->node,
			      stt_path_params);
	if (err)
		goto err_cache;

	return path;

err_cache:
	dst_cache_destroy(&path->cache);
err_free:
	kfree(path);
	return ERR_PTR(err);
}

static void stt_path_free_rcu(struct rcu_head *head)
{
	struct stt_path *path = container_of(head, struct stt_path, rcu);

	dst_cache_destroy(&path->cache);
	kfree(path);
}

/**
 * stt_path_put - give a reference back
 * @path: a reference
 *
 * Context: RTNL.  The last one frees the path after a grace period.
 */
void stt_path_put(struct stt_path *path)
{
	ASSERT_RTNL();

	if (--path->refs)
		return;

	rhltable_remove(&path->port->paths, &path->node, stt_path_params);
	call_rcu(&path->rcu, stt_path_free_rcu);
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

static struct dst_entry *stt_path_route4(struct stt_path *path, u8 tos,
					 __be16 sport, bool cache,
					 union stt_addr *saddr)
{
	struct net *net = path->port->net;
	struct flowi4 fl4;
	struct rtable *rt;

	if (cache) {
		rt = dst_cache_get_ip4(&path->cache, &saddr->v4);
		if (rt)
			return &rt->dst;
	}

	memset(&fl4, 0, sizeof(fl4));
	flowi4_init_output(&fl4, path->link, path->mark, tos & INET_DSCP_MASK,
			   RT_SCOPE_UNIVERSE, IPPROTO_TCP, 0,
			   path->remote.v4, path->local.v4,
			   path->port->number, sport, sock_net_uid(net, NULL));
	rt = ip_route_output_flow(net, &fl4, NULL);
	if (IS_ERR(rt))
		return ERR_CAST(rt);
	saddr->v4 = fl4.saddr;

	if (cache && stt_route_is_fixed4(net, &fl4))
		dst_cache_set_ip4(&path->cache, &rt->dst, fl4.saddr);

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

static struct dst_entry *stt_path_route6(struct stt_path *path, u8 tos,
					 __be32 label, __be16 sport,
					 bool cache, union stt_addr *saddr)
{
	struct net *net = path->port->net;
	struct dst_entry *dst;
	struct flowi6 fl6;

	if (cache) {
		dst = dst_cache_get_ip6(&path->cache, &saddr->v6);
		if (dst)
			return dst;
	}

	memset(&fl6, 0, sizeof(fl6));
	fl6.flowi6_oif = path->link;
	fl6.flowi6_mark = path->mark;
	fl6.flowi6_proto = IPPROTO_TCP;
	fl6.daddr = path->remote.v6;
	fl6.saddr = path->local.v6;
	fl6.fl6_dport = path->port->number;
	fl6.fl6_sport = sport;
	fl6.flowlabel = ip6_make_flowinfo(tos & INET_DSCP_MASK, label);
	dst = ip6_dst_lookup_flow(net, NULL, &fl6, NULL);
	if (IS_ERR(dst))
		return dst;
	saddr->v6 = fl6.saddr;

	if (cache && stt_route_is_fixed6(net, dst))
		dst_cache_set_ip6(&path->cache, dst, &fl6.saddr);

	return dst;
}
#else
static struct dst_entry *stt_path_route6(struct stt_path *path, u8 tos,
					 __be32 label, __be16 sport,
					 bool cache, union stt_addr *saddr)
{
	return ERR_PTR(-EAFNOSUPPORT);
}
#endif

/**
 * stt_path_route - the route of a frame
 * @path: the way to the peer
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
struct dst_entry *stt_path_route(struct stt_path *path, u8 tos, __be32 label,
				 __be16 sport, union stt_addr *saddr)
{
	bool cache = !((tos ^ path->tos) & INET_DSCP_MASK) &&
		     !stt_has_xfrm_policy(path->port->net);

	if (path->port->family == AF_INET6)
		return stt_path_route6(path, tos, label, sport, cache, saddr);

	return stt_path_route4(path, tos, sport, cache, saddr);
}
