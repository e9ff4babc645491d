// SPDX-License-Identifier: GPL-2.0
/*
 * Multicast underlay (R16): the groups that an endpoint has joined, and on
 * which lower devices.
 *
 * Memberships are taken on the lower device itself, which counts its users.
 * Without a socket, the limit of memberships per socket does not apply.  A
 * membership survives a lower device that is down.  It is lost when the lower
 * device loses IP (its MTU became too small), and is taken again when IP
 * returns.
 */
#include <linux/igmp.h>
#include <linux/inetdevice.h>
#include <linux/slab.h>
#include <net/addrconf.h>
#include <net/ipv6.h>

#include "include/stt_addr.h"
#include "include/stt_conf.h"
#include "include/stt_mcast.h"
#include "include/stt_port.h"

/**
 * struct stt_group_key - a group on a lower device
 * @addr: the group
 * @scope: as in &struct stt_conf_key
 * @pad: 0
 */
struct stt_group_key {
	union stt_addr	addr;
	int		scope;
	u32		pad;
};

static_assert(sizeof(struct stt_group_key) == 24);

/**
 * struct stt_group - a membership of an endpoint
 * @node: in &stt_port.groups
 * @key: lookup key
 * @port: the endpoint; all users hold references to it
 * @in4: IPv4 state of the lower device at the time of joining, or NULL; a
 *	reference
 * @in6: the same for IPv6
 * @refs: number of running devices that use it; protected by RTNL
 * @rcu: for kfree_rcu()
 *
 * Lives while @refs is not 0, and is freed after a grace period.
 */
struct stt_group {
	struct rhash_head	node;
	struct stt_group_key	key;
	struct stt_port		*port;
	struct in_device	*in4;
	struct inet6_dev	*in6;
	unsigned int		refs;
	struct rcu_head		rcu;
};

/* Few ports have any. */
const struct rhashtable_params stt_group_params = {
	.nelem_hint		= 1,
	.key_len		= sizeof(struct stt_group_key),
	.key_offset		= offsetof(struct stt_group, key),
	.head_offset		= offsetof(struct stt_group, node),
	.automatic_shrinking	= true,
};

static struct stt_group *stt_group_find(struct stt_port *port,
					const union stt_addr *addr, int scope)
{
	struct stt_group_key key = { .addr = *addr, .scope = scope };

	return rhashtable_lookup_fast(&port->groups, &key, stt_group_params);
}

/**
 * stt_group_joined - test whether any device of a port has joined a group
 * @port: endpoint that the packets are sent to
 * @addr: the group
 * @scope: as in &struct stt_flow_key, negative
 *
 * Context: RCU read side.
 * Return: true if one has joined.
 */
bool stt_group_joined(struct stt_port *port, const union stt_addr *addr,
		      int scope)
{
	return stt_group_find(port, addr, scope);
}

/* ---- the lower device -------------------------------------------------- */

static int stt_group_join4(struct stt_group *group, struct net_device *lower)
{
	struct in_device *in4 = __in_dev_get_rtnl(lower);

	if (!in4)
		return -ENODEV;
	in_dev_hold(in4);
	group->in4 = in4;
	ip_mc_inc_group(in4, group->key.addr.v4);

	return 0;
}

/* A dead in_device has dropped its memberships already. */
static void stt_group_leave4(struct stt_group *group)
{
	struct in_device *in4 = group->in4;

	if (!in4)
		return;
	if (!in4->dead)
		ip_mc_dec_group(in4, group->key.addr.v4);
	group->in4 = NULL;
	in_dev_put(in4);
}

#if IS_ENABLED(CONFIG_IPV6)
static int stt_group_join6(struct stt_group *group, struct net_device *lower)
{
	struct inet6_dev *in6 = in6_dev_get(lower);
	int err;

	if (!in6)
		return -ENODEV;
	err = ipv6_dev_mc_inc(lower, &group->key.addr.v6);
	if (err) {
		in6_dev_put(in6);
		return err;
	}
	group->in6 = in6;

	return 0;
}

static void stt_group_leave6(struct stt_group *group)
{
	struct inet6_dev *in6 = group->in6;

	if (!in6)
		return;
	if (__in6_dev_get(in6->dev) == in6)
		ipv6_dev_mc_dec(in6->dev, &group->key.addr.v6);
	group->in6 = NULL;
	in6_dev_put(in6);
}

static bool stt_group_is_in6(const struct stt_group *group,
			     const struct net_device *lower)
{
	return group->in6 && group->in6 == __in6_dev_get(lower);
}
#else
static int stt_group_join6(struct stt_group *group, struct net_device *lower)
{
	return -EAFNOSUPPORT;
}

static void stt_group_leave6(struct stt_group *group)
{
}

static bool stt_group_is_in6(const struct stt_group *group,
			     const struct net_device *lower)
{
	return false;
}
#endif

static int stt_group_join(struct stt_group *group, struct net_device *lower)
{
	if (group->port->family == AF_INET6)
		return stt_group_join6(group, lower);

	return stt_group_join4(group, lower);
}

static void stt_group_leave(struct stt_group *group)
{
	stt_group_leave4(group);
	stt_group_leave6(group);
}

static bool stt_group_is_in(const struct stt_group *group,
			    const struct net_device *lower)
{
	if (group->port->family == AF_INET6)
		return stt_group_is_in6(group, lower);

	return group->in4 && group->in4 == __in_dev_get_rtnl(lower);
}

/* ---- references -------------------------------------------------------- */

/**
 * stt_group_get - join the group of a configuration
 * @conf: configuration of a device that is up; has a port
 *
 * Context: process context with RTNL held; sleeps.
 * Return: a reference, or NULL for a configuration without a group, or an
 * ERR_PTR: -ENODEV if the lower device has no IP of this family, -ENOMEM, or
 * what joining an IPv6 group returned.
 */
struct stt_group *stt_group_get(const struct stt_conf *conf)
{
	const struct stt_conf_key *key = &conf->group;
	struct net_device *lower;
	struct stt_group *group;
	int err;

	ASSERT_RTNL();

	if (!stt_conf_has_group(conf))
		return NULL;
	group = stt_group_find(conf->port, &key->local, key->scope);
	if (group) {
		group->refs++;
		return group;
	}

	lower = __dev_get_by_index(conf->port->net, conf->link);
	if (!lower)
		return ERR_PTR(-ENODEV);
	group = kzalloc_obj(*group, GFP_KERNEL);
	if (!group)
		return ERR_PTR(-ENOMEM);
	group->key.addr = key->local;
	group->key.scope = key->scope;
	group->port = conf->port;
	group->refs = 1;
	err = stt_group_join(group, lower);
	if (err)
		goto err_free;
	err = rhashtable_insert_fast(&group->port->groups, &group->node,
				     stt_group_params);
	if (err)
		goto err_leave;

	return group;

err_leave:
	stt_group_leave(group);
err_free:
	kfree(group);
	return ERR_PTR(err);
}

/**
 * stt_group_put - drop a reference; dropping the last one leaves the group
 * @group: a reference, or NULL
 *
 * Context: process context with RTNL held; sleeps.
 */
void stt_group_put(struct stt_group *group)
{
	ASSERT_RTNL();

	if (!group || --group->refs)
		return;

	rhashtable_remove_fast(&group->port->groups, &group->node,
			       stt_group_params);
	stt_group_leave(group);
	kfree_rcu(group, rcu);
}

/**
 * stt_group_refresh - join again if the lower device lost or regained IP
 * @group: group on @lower
 * @lower: lower device
 *
 * Context: process context with RTNL held; sleeps.
 */
void stt_group_refresh(struct stt_group *group, struct net_device *lower)
{
	int err;

	ASSERT_RTNL();

	if (stt_group_is_in(group, lower))
		return;
	stt_group_leave(group);
	err = stt_group_join(group, lower);
	/* Without IP on the lower device there is nothing to join yet. */
	if (err && err != -ENODEV && net_ratelimit())
		netdev_warn(lower, "stt does not join its group again: %d\n",
			    err);
}
