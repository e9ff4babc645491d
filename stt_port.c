// SPDX-License-Identifier: GPL-2.0
/*
 * One endpoint: the VRFs in which its TCP port is reserved, the devices behind
 * it by context id and addresses, and the catch-all one.
 */
#include <linux/bitops.h>
#include <linux/hash.h>
#include <linux/slab.h>

#include "include/stt.h"
#include "include/stt_addr.h"
#include "include/stt_conf.h"
#include "include/stt_mcast.h"
#include "include/stt_path.h"
#include "include/stt_port.h"
#include "include/stt_zone.h"

/* As words: every received frame looks one up. */
#define STT_CONF_KEY_WORDS	(sizeof(struct stt_conf_key) / sizeof(u64))

/* Keys are ours to choose, so this need not stand up to anybody. */
static u32 stt_conf_hash(const void *data, u32 len, u32 seed)
{
	const u64 *key = data;
	u64 hash = seed;
	int i;

	for (i = 0; i < STT_CONF_KEY_WORDS; i++)
		hash = (rol64(hash, 29) ^ key[i]) * GOLDEN_RATIO_64;

	return hash >> 32;
}

static int stt_conf_differs(struct rhashtable_compare_arg *arg,
			    const void *obj)
{
	const struct stt_conf *conf = obj;
	const u64 *a = arg->key, *b = (const u64 *)&conf->key;
	u64 differs = 0;
	int i;

	for (i = 0; i < STT_CONF_KEY_WORDS; i++)
		differs |= a[i] ^ b[i];

	return !!differs;
}

static const struct rhashtable_params stt_conf_params = {
	.key_len		= sizeof(struct stt_conf_key),
	.key_offset		= offsetof(struct stt_conf, key),
	.head_offset		= offsetof(struct stt_conf, node),
	.hashfn			= stt_conf_hash,
	.obj_cmpfn		= stt_conf_differs,
	.automatic_shrinking	= true,
};

/* Few ports have any. */
static const struct rhashtable_params stt_group_conf_params = {
	.nelem_hint		= 1,
	.key_len		= sizeof(struct stt_conf_key),
	.key_offset		= offsetof(struct stt_conf, group),
	.head_offset		= offsetof(struct stt_conf, group_node),
	.automatic_shrinking	= true,
};

/* Where the endpoint of a number belongs.  NULL without memory. */
static struct stt_port __rcu **stt_port_place(struct stt_net *sn,
					      sa_family_t family,
					      __be16 number)
{
	unsigned int n = ntohs(number), i = stt_family_index(family);
	struct stt_port_table *table = rtnl_dereference(sn->ports[i]);
	struct stt_port __rcu **leaf;

	if (!table) {
		table = kzalloc_obj(*table, GFP_KERNEL_ACCOUNT);
		if (!table)
			return NULL;
		rcu_assign_pointer(sn->ports[i], table);
	}
	leaf = rtnl_dereference(table->leaves[n / STT_PORT_LEAF]);
	if (!leaf) {
		leaf = kcalloc(STT_PORT_LEAF, sizeof(*leaf),
			       GFP_KERNEL_ACCOUNT);
		if (!leaf)
			return NULL;
		rcu_assign_pointer(table->leaves[n / STT_PORT_LEAF], leaf);
	}

	return &leaf[n % STT_PORT_LEAF];
}

/**
 * stt_port_tables_free - free what endpoints are found by
 * @sn: namespace without endpoints, and without packets that look for one
 */
void stt_port_tables_free(struct stt_net *sn)
{
	unsigned int i, n;

	for (i = 0; i < ARRAY_SIZE(sn->ports); i++) {
		struct stt_port_table *table;

		table = rcu_dereference_protected(sn->ports[i], true);
		for (n = 0; table && n < ARRAY_SIZE(table->leaves); n++)
			kfree(rcu_dereference_protected(table->leaves[n],
							true));
		kfree(table);
	}
}

static struct stt_port *stt_port_create(struct net *net, sa_family_t family,
					__be16 number, bool gbp)
{
	struct stt_net *sn = stt_net(net);
	struct stt_port __rcu **place;
	struct stt_port *port;
	int err;

	place = stt_port_place(sn, family, number);
	if (!place)
		return ERR_PTR(-ENOMEM);

	port = kzalloc_obj(*port, GFP_KERNEL_ACCOUNT);
	if (!port)
		return ERR_PTR(-ENOMEM);
	port->net = net;
	port->family = family;
	port->number = number;
	port->gbp = gbp;
	port->refs = 1;
	port->early = sn->early;
	/* Slots of stt_early.c outlive the port: no other begins here. */
	sn->port_gens += 1UL << (BITS_PER_LONG / 2);
	port->gen = sn->port_gens;

	err = rhashtable_init(&port->confs, &stt_conf_params);
	if (err)
		goto err_free;
	err = rhashtable_init(&port->group_confs, &stt_group_conf_params);
	if (err)
		goto err_confs;
	err = rhashtable_init(&port->groups, &stt_group_params);
	if (err)
		goto err_group_confs;
	rcu_assign_pointer(*place, port);

	return port;

err_group_confs:
	rhashtable_destroy(&port->group_confs);
err_confs:
	rhashtable_destroy(&port->confs);
err_free:
	kfree(port);
	return ERR_PTR(err);
}

/**
 * stt_port_get - take a reference to an endpoint, making it if need be
 * @net: namespace
 * @family: AF_INET or AF_INET6
 * @number: network order
 * @gbp: with group policy
 * @extack: says why not
 *
 * The caller holds stt_input_get() for the family.
 *
 * Context: RTNL; sleeps.
 * Return: the endpoint, or -EADDRINUSE when it is of the other kind as to group
 * policy, or -ENOMEM.
 */
struct stt_port *stt_port_get(struct net *net, sa_family_t family,
			      __be16 number, bool gbp,
			      struct netlink_ext_ack *extack)
{
	struct stt_port *port;

	ASSERT_RTNL();

	port = stt_port_find_rcu(stt_net(net), family, number);
	if (!port)
		return stt_port_create(net, family, number, gbp);
	if (port->gbp != gbp) {
		NL_SET_ERR_MSG(extack,
			       "Devices with and without group policy (gbp) cannot share a port");
		return ERR_PTR(-EADDRINUSE);
	}
	port->refs++;

	return port;
}

/**
 * stt_port_put - give a reference back; the last one closes the endpoint
 * @port: endpoint, without confs and zones when this is the last reference
 *
 * Context: RTNL; sleeps.
 */
void stt_port_put(struct stt_port *port)
{
	struct stt_net *sn;

	ASSERT_RTNL();

	if (--port->refs)
		return;

	sn = stt_net(port->net);
	RCU_INIT_POINTER(*stt_port_place(sn, port->family, port->number), NULL);
	/* Packets may still look at the port's tables. */
	synchronize_net();
	rhashtable_destroy(&port->groups);
	rhashtable_destroy(&port->group_confs);
	rhashtable_destroy(&port->confs);
	kfree(port);
}

static enum stt_match stt_conf_match(const struct stt_conf_key *key)
{
	if (stt_addr_any(&key->remote))
		return stt_addr_any(&key->local) ? STT_MATCH_ID :
						   STT_MATCH_LOCAL;

	return stt_addr_any(&key->local) ? STT_MATCH_REMOTE : STT_MATCH_BOTH;
}

/*
 * Another configuration may be found by its key from now on.  What was found
 * before this is forgotten before the caller's grace period ends; see
 * stt_early_conf().  Those found by a group nobody remembers.
 */
static void stt_port_changed(struct stt_port *port)
{
	/* Pairs with stt_early_conf(). */
	smp_store_release(&port->gen, port->gen + 1);
}

/* A configuration is found by its key, and by its group if it has one. */
static int stt_port_insert_key(struct stt_port *port, struct stt_conf *conf)
{
	unsigned int *n = &port->matches[stt_conf_match(&conf->key)];
	int err;

	err = rhashtable_lookup_insert_fast(&port->confs, &conf->node,
					    stt_conf_params);
	if (!err) {
		WRITE_ONCE(*n, *n + 1);
		WRITE_ONCE(port->nlinked,
			   port->nlinked + stt_conf_is_linked(conf));
	}
	stt_port_changed(port);

	return err;
}

/* One that was never inserted is no error: a device's setup failed. */
static void stt_port_remove_key(struct stt_port *port, struct stt_conf *conf)
{
	unsigned int *n = &port->matches[stt_conf_match(&conf->key)];

	if (!rhashtable_remove_fast(&port->confs, &conf->node,
				    stt_conf_params)) {
		WRITE_ONCE(*n, *n - 1);
		WRITE_ONCE(port->nlinked,
			   port->nlinked - stt_conf_is_linked(conf));
	}
	stt_port_changed(port);
}

static int stt_port_insert_group(struct stt_port *port, struct stt_conf *conf)
{
	if (!stt_conf_has_group(conf))
		return 0;

	return rhashtable_lookup_insert_fast(&port->group_confs,
					     &conf->group_node,
					     stt_group_conf_params);
}

static void stt_port_remove_group(struct stt_port *port, struct stt_conf *conf)
{
	if (stt_conf_has_group(conf))
		rhashtable_remove_fast(&port->group_confs, &conf->group_node,
				       stt_group_conf_params);
}

/* An external configuration has up to two endpoints. */
static int stt_port_set_external(struct stt_conf *conf)
{
	struct stt_port *ports[] = { conf->port, conf->port6 };
	int i;

	if (stt_port_external_taken(conf))
		return -EEXIST;
	for (i = 0; i < ARRAY_SIZE(ports); i++)
		if (ports[i]) {
			rcu_assign_pointer(ports[i]->external, conf);
			stt_port_changed(ports[i]);
		}

	return 0;
}

static void stt_port_clear_external(const struct stt_conf *conf)
{
	struct stt_port *ports[] = { conf->port, conf->port6 };
	int i;

	for (i = 0; i < ARRAY_SIZE(ports); i++)
		if (ports[i] && rtnl_dereference(ports[i]->external) == conf) {
			RCU_INIT_POINTER(ports[i]->external, NULL);
			stt_port_changed(ports[i]);
		}
}

/**
 * stt_port_add_conf - let received frames find a configuration
 * @port: its endpoint
 * @conf: configuration
 *
 * Context: RTNL.
 * Return: 0, -EEXIST when the key is taken, -ENOMEM.
 */
int stt_port_add_conf(struct stt_port *port, struct stt_conf *conf)
{
	int err;

	ASSERT_RTNL();

	if (conf->external)
		return stt_port_set_external(conf);
	err = stt_port_insert_key(port, conf);
	if (err)
		return err;
	err = stt_port_insert_group(port, conf);
	if (err)
		stt_port_remove_key(port, conf);

	return err;
}

/**
 * stt_port_del_conf - undo stt_port_add_conf()
 * @port: its endpoint
 * @conf: configuration; the caller frees it after a grace period
 *
 * Context: RTNL.
 */
void stt_port_del_conf(struct stt_port *port, struct stt_conf *conf)
{
	ASSERT_RTNL();

	if (conf->external) {
		stt_port_clear_external(conf);
		return;
	}
	stt_port_remove_key(port, conf);
	stt_port_remove_group(port, conf);
}

static bool stt_conf_same_key(const struct stt_conf_key *a,
			      const struct stt_conf_key *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static int stt_port_replace_group(struct stt_port *port, struct stt_conf *old,
				  struct stt_conf *conf)
{
	int err;

	if (stt_conf_has_group(conf) &&
	    stt_conf_same_key(&old->group, &conf->group))
		return rhashtable_replace_fast(&port->group_confs,
					       &old->group_node,
					       &conf->group_node,
					       stt_group_conf_params);
	err = stt_port_insert_group(port, conf);
	if (!err)
		stt_port_remove_group(port, old);

	return err;
}

/**
 * stt_port_replace_conf - let received frames find another configuration
 * @port: its endpoint
 * @old: the present one; the caller frees it after a grace period
 * @conf: the next one
 *
 * There is no moment at which neither is found.
 *
 * Context: RTNL.
 * Return: 0, -EEXIST when the key is another's, -ENOMEM.
 */
int stt_port_replace_conf(struct stt_port *port, struct stt_conf *old,
			  struct stt_conf *conf)
{
	bool same = stt_conf_same_key(&old->key, &conf->key);
	int err = 0;

	ASSERT_RTNL();

	if (conf->external)
		return stt_port_set_external(conf);
	if (!same)
		err = stt_port_insert_key(port, conf);
	if (err)
		return err;
	err = stt_port_replace_group(port, old, conf);
	if (err) {
		if (!same)
			stt_port_remove_key(port, conf);
		return err;
	}
	if (!same) {
		stt_port_remove_key(port, old);
		return 0;
	}
	err = rhashtable_replace_fast(&port->confs, &old->node, &conf->node,
				      stt_conf_params);
	WRITE_ONCE(port->nlinked, port->nlinked + stt_conf_is_linked(conf) -
				  stt_conf_is_linked(old));
	stt_port_changed(port);

	return err;
}

/**
 * stt_port_external_taken - has another external device one of the endpoints
 * @conf: external configuration
 *
 * Context: RTNL.
 */
bool stt_port_external_taken(const struct stt_conf *conf)
{
	struct stt_port *ports[] = { conf->port, conf->port6 };
	int i;

	for (i = 0; i < ARRAY_SIZE(ports); i++) {
		const struct stt_conf *old;

		old = ports[i] ? rtnl_dereference(ports[i]->external) : NULL;
		if (old && old->stt != conf->stt)
			return true;
	}

	return false;
}

/**
 * stt_port_conf_rtnl - the configuration with exactly this key
 * @port: endpoint
 * @key: key, or a group's
 *
 * Context: RTNL.
 * Return: the configuration or NULL.
 */
struct stt_conf *stt_port_conf_rtnl(struct stt_port *port,
				    const struct stt_conf_key *key)
{
	ASSERT_RTNL();

	if (key->scope < 0)
		return rhashtable_lookup_fast(&port->group_confs, key,
					      stt_group_conf_params);

	return rhashtable_lookup_fast(&port->confs, key, stt_conf_params);
}

/* Is a packet of these addresses in the scope of a catch-all device? */
static bool stt_conf_accepts(const struct stt_conf *conf,
			     const struct stt_flow_key *from, int vrf)
{
	return (conf->key.scope == from->scope || conf->key.scope == vrf ||
		(conf->link && conf->link == from->scope)) &&
	       (stt_addr_any(&conf->key.local) ||
		stt_addr_equal(&conf->key.local, &from->daddr));
}

/* Would the catch-all (external) device accept this frame? */
static struct stt_conf *stt_port_external_rcu(const struct stt_port *port,
					      u64 id,
					      const struct stt_flow_key *from,
					      int iif)
{
	struct stt_conf *conf = rcu_dereference(port->external);

	if (!conf || !stt_conf_takes_id(conf, id) ||
	    !stt_conf_accepts(conf, from,
			      stt_flow_wider_scope(port->net, from, iif)))
		return NULL;

	return conf;
}

static struct stt_conf *stt_port_lookup(struct stt_port *port,
					const struct stt_conf_key *key,
					enum stt_match match)
{
	if (!READ_ONCE(port->matches[match]))
		return NULL;

	return rhashtable_lookup(&port->confs, key, stt_conf_params);
}

/* The most specific configuration of a scope, but for groups and catch-all. */
static struct stt_conf *stt_port_match_rcu(struct stt_port *port, u64 id,
					   const struct stt_flow_key *from,
					   int scope)
{
	struct stt_conf_key key = { .id = id, .scope = scope };
	struct stt_conf *conf;

	key.remote = from->saddr;
	key.local = from->daddr;
	conf = stt_port_lookup(port, &key, STT_MATCH_BOTH);
	if (conf)
		return conf;
	memset(&key.local, 0, sizeof(key.local));
	conf = stt_port_lookup(port, &key, STT_MATCH_REMOTE);
	if (conf)
		return conf;
	memset(&key.remote, 0, sizeof(key.remote));
	key.local = from->daddr;
	conf = stt_port_lookup(port, &key, STT_MATCH_LOCAL);
	if (conf)
		return conf;
	memset(&key.local, 0, sizeof(key.local));

	return stt_port_lookup(port, &key, STT_MATCH_ID);
}

/*
 * A packet with link-local addresses that no configuration of its link names:
 * a device on that link accepts it if it accepts any sender.  One that comes
 * from outside the link may be for any device of the VRF.
 */
static struct stt_conf *stt_port_match_vrf_rcu(struct stt_port *port, u64 id,
					       const struct stt_flow_key *from,
					       int iif)
{
	int vrf = l3mdev_master_ifindex_by_index(port->net, iif);
	struct stt_conf *conf;

	conf = stt_port_match_rcu(port, id, from, vrf);
	if (conf && (conf->link == iif || stt_flow_from_outside(from, iif)))
		return conf;

	return NULL;
}

/* A packet with other addresses, for a device with a link-local group. */
static struct stt_conf *stt_port_match_link_rcu(struct stt_port *port, u64 id,
						int iif)
{
	const struct stt_conf_key key = { .id = id, .scope = iif };

	return rhashtable_lookup(&port->confs, &key, stt_conf_params);
}

static struct stt_conf *stt_port_match_group_rcu(struct stt_port *port, u64 id,
						 const struct stt_flow_key *from)
{
	const struct stt_conf_key key = {
		.id = id,
		.local = from->daddr,
		.scope = from->scope,
	};

	return rhashtable_lookup(&port->group_confs, &key,
				 stt_group_conf_params);
}

/**
 * stt_port_conf_rcu - find the configuration that a frame is for (R11)
 * @port: endpoint it was sent to
 * @id: its context id
 * @from: its addresses
 * @iif: ifindex of the interface that it came in by, also in a VRF; or 0
 *
 * Kinds of configuration that do not exist are not looked for: where all
 * devices name their peer and nothing else, this is one lookup.
 *
 * Context: RCU read side.
 * Return: the most specific configuration that fits, or NULL.
 */
struct stt_conf *stt_port_conf_rcu(struct stt_port *port, u64 id,
				   const struct stt_flow_key *from, int iif)
{
	struct stt_conf *conf;

	conf = stt_port_match_rcu(port, id, from, from->scope);
	if (conf)
		return conf;
	/* A group's scope is none of those above. */
	if (from->scope < 0)
		return stt_port_match_group_rcu(port, id, from);

	if (unlikely(stt_flow_on_link(from, iif)))
		conf = stt_port_match_vrf_rcu(port, id, from, iif);
	else if (unlikely(READ_ONCE(port->nlinked) && iif))
		conf = stt_port_match_link_rcu(port, id, iif);

	return conf ?: stt_port_external_rcu(port, id, from, iif);
}

/**
 * stt_port_accepts_rcu - could a device that is up accept a frame of this
 *	sender (R8)
 * @port: endpoint it is sent to
 * @from: its addresses
 * @iif: ifindex of the interface that it came in by, also in a VRF
 *
 * Asked before memory is spent on a part of a frame, when the context id may
 * not be known yet.
 *
 * Context: RCU read side.
 */
enum stt_accept stt_port_accepts_rcu(struct stt_port *port,
				     const struct stt_flow_key *from, int iif)
{
	struct stt_path_peer_key key = {
		.remote = from->saddr, .local = from->daddr,
		.scope = from->scope, .dport = port->number,
		.family = port->family,
	};
	bool any;

	if (from->scope < 0)
		return stt_group_joined(port, &from->daddr, from->scope) ?
		       STT_ACCEPT_ANY : STT_ACCEPT_NONE;

	any = stt_zone_accepts_any_rcu(port, from, iif);
	/* That we send there does not mean that we listen. */
	if (stt_path_named_rcu(stt_net(port->net), &key, any))
		return STT_ACCEPT_PEER;
	key.scope = stt_flow_wider_scope(port->net, from, iif);
	if (unlikely(key.scope != from->scope) &&
	    stt_path_named_rcu(stt_net(port->net), &key, any))
		return STT_ACCEPT_PEER;

	return any ? STT_ACCEPT_ANY : STT_ACCEPT_NONE;
}
