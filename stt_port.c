// SPDX-License-Identifier: GPL-2.0
/*
 * One endpoint: the reservation of its TCP port, and the devices behind it by
 * context id and addresses, and the one that takes the rest.
 */
#include <linux/bitops.h>
#include <linux/hash.h>
#include <linux/net.h>
#include <linux/slab.h>
#include <net/sock.h>

#include "include/stt.h"

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

/*
 * A socket that is bound and never listens: no packet finds it, and nobody
 * else gets its port.
 */
static int stt_port_reserve(struct stt_port *port,
			    struct netlink_ext_ack *extack)
{
	union {
		struct sockaddr_in	v4;
		struct sockaddr_in6	v6;
	} addr = { };
	int len = sizeof(addr.v4);
	struct socket *sock;
	int err;

	err = sock_create_kern(port->net, port->family, SOCK_STREAM,
			       IPPROTO_TCP, &sock);
	if (err < 0) {
		NL_SET_ERR_MSG(extack, "Cannot create a socket for the port");
		return err;
	}

	if (port->family == AF_INET6) {
		sock->sk->sk_ipv6only = 1;
		addr.v6.sin6_family = AF_INET6;
		addr.v6.sin6_port = port->number;
		len = sizeof(addr.v6);
	} else {
		addr.v4.sin_family = AF_INET;
		addr.v4.sin_port = port->number;
	}

	err = kernel_bind(sock, (void *)&addr, len);
	if (err < 0) {
		if (err == -EADDRINUSE)
			NL_SET_ERR_MSG(extack,
				       "Destination port is taken by a TCP socket of this namespace");
		else
			NL_SET_ERR_MSG(extack,
				       "Cannot reserve the destination port");
		sock_release(sock);
		return err;
	}
	port->sock = sock;

	return 0;
}

static int stt_port_watch_vrfs(struct net *net)
{
	struct net_device *dev;

	for_each_netdev(net, dev)
		if (netif_is_l3_master(dev))
			return stt_input_register_vrf(net);

	return 0;
}

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
					__be16 number, bool gbp,
					struct netlink_ext_ack *extack)
{
	unsigned int index = stt_family_index(family);
	struct stt_net *sn = stt_net(net);
	struct stt_port __rcu **place;
	struct stt_port *port;
	int err;

	/* These are for all ports, and stay for as long as the namespace. */
	if (!sn->reasm)
		sn->reasm = stt_reasm_alloc(sn);
	place = stt_port_place(sn, family, number);
	if (!place || !sn->reasm || (!sn->input && stt_input_init(sn)))
		return ERR_PTR(-ENOMEM);

	port = kzalloc_obj(*port, GFP_KERNEL_ACCOUNT);
	if (!port)
		return ERR_PTR(-ENOMEM);
	port->net = net;
	port->family = family;
	port->number = number;
	port->gbp = gbp;
	port->refs = 1;
	port->input = sn->input;
	/* Slots of stt_input.c outlive the port: no other begins here. */
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
	err = stt_port_reserve(port, extack);
	if (err)
		goto err_groups;
	if (!sn->nports[index]) {
		err = stt_input_register(net, family);
		if (err) {
			NL_SET_ERR_MSG(extack,
				       "Cannot register netfilter hooks");
			goto err_sock;
		}
	}
	sn->nports[index]++;
	err = stt_port_watch_vrfs(net);
	if (err) {
		NL_SET_ERR_MSG(extack, "Cannot register netfilter hooks");
		goto err_hooks;
	}
	rcu_assign_pointer(*place, port);

	return port;

err_hooks:
	if (!--sn->nports[index])
		stt_input_unregister(net, family);
err_sock:
	sock_release(port->sock);
err_groups:
	rhashtable_destroy(&port->groups);
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
 * Context: RTNL; sleeps.
 * Return: the endpoint, or -EADDRINUSE when a TCP socket has the port or it
 * is of the other kind as to group policy, -ENOMEM, or what sockets and hooks
 * return.
 */
struct stt_port *stt_port_get(struct net *net, sa_family_t family,
			      __be16 number, bool gbp,
			      struct netlink_ext_ack *extack)
{
	struct stt_port *port;

	ASSERT_RTNL();

	port = stt_port_find_rcu(stt_net(net), family, number);
	if (!port)
		return stt_port_create(net, family, number, gbp, extack);
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
 * @port: endpoint, without confs when this is the last reference; or NULL
 *
 * Context: RTNL; sleeps.
 */
void stt_port_put(struct stt_port *port)
{
	struct stt_net *sn;

	ASSERT_RTNL();

	if (!port || --port->refs)
		return;

	sn = stt_net(port->net);
	RCU_INIT_POINTER(*stt_port_place(sn, port->family, port->number), NULL);
	if (!--sn->nports[stt_family_index(port->family)])
		stt_input_unregister(port->net, port->family);

	/* Packets may still look at the port's tables. */
	synchronize_net();
	rhashtable_destroy(&port->groups);
	rhashtable_destroy(&port->group_confs);
	rhashtable_destroy(&port->confs);
	sock_release(port->sock);
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
 * stt_input_conf().  Those found by a group nobody remembers.
 */
static void stt_port_changed(struct stt_port *port)
{
	/* Pairs with stt_input_conf(). */
	smp_store_release(&port->gen, port->gen + 1);
}

/* A configuration is found by its key, and by its group if it has one. */
static int stt_port_insert_key(struct stt_port *port, struct stt_conf *conf)
{
	unsigned int *n = &port->matches[stt_conf_match(&conf->key)];
	int err;

	err = rhashtable_lookup_insert_fast(&port->confs, &conf->node,
					    stt_conf_params);
	if (!err)
		WRITE_ONCE(*n, *n + 1);
	stt_port_changed(port);

	return err;
}

/* One that was never inserted is no error: a device's setup failed. */
static void stt_port_remove_key(struct stt_port *port, struct stt_conf *conf)
{
	unsigned int *n = &port->matches[stt_conf_match(&conf->key)];

	if (!rhashtable_remove_fast(&port->confs, &conf->node,
				    stt_conf_params))
		WRITE_ONCE(*n, *n - 1);
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

/*
 * Is it sent to where a device that takes any sender listens?  Link-local ones
 * are in the scope of their link, and it knows those of its own.
 */
static bool stt_conf_hears(const struct stt_conf *conf,
			   const struct stt_flow_key *from)
{
	return (conf->key.scope == from->scope ||
		(conf->link && conf->link == from->scope)) &&
	       (stt_addr_any(&conf->key.local) ||
		stt_addr_equal(&conf->key.local, &from->daddr));
}

/* Takes it the device that takes the rest? */
static struct stt_conf *stt_port_external_rcu(const struct stt_port *port,
					      u64 id,
					      const struct stt_flow_key *from)
{
	struct stt_conf *conf = rcu_dereference(port->external);

	if (!conf || !stt_conf_hears(conf, from) ||
	    !stt_conf_takes_id(conf, id))
		return NULL;

	return conf;
}

/**
 * stt_port_conf_rcu - whose frame is this (R11)
 * @port: endpoint it was sent to
 * @id: its context id
 * @from: its addresses
 *
 * Kinds of configuration that do not exist are not looked for: where all
 * devices name their peer and nothing else, this is one lookup.
 *
 * Context: RCU read side.
 * Return: the most specific configuration that fits, or NULL.
 */
struct stt_conf *stt_port_conf_rcu(struct stt_port *port, u64 id,
				   const struct stt_flow_key *from)
{
	struct stt_conf_key key = { .id = id, .scope = from->scope };
	struct stt_conf *conf;

	if (READ_ONCE(port->matches[STT_MATCH_BOTH])) {
		key.remote = from->saddr;
		key.local = from->daddr;
		conf = rhashtable_lookup(&port->confs, &key, stt_conf_params);
		if (conf)
			return conf;
	}
	if (READ_ONCE(port->matches[STT_MATCH_REMOTE])) {
		key.remote = from->saddr;
		memset(&key.local, 0, sizeof(key.local));
		conf = rhashtable_lookup(&port->confs, &key, stt_conf_params);
		if (conf)
			return conf;
	}
	memset(&key.remote, 0, sizeof(key.remote));
	if (READ_ONCE(port->matches[STT_MATCH_LOCAL])) {
		key.local = from->daddr;
		conf = rhashtable_lookup(&port->confs, &key, stt_conf_params);
		if (conf)
			return conf;
	}
	if (READ_ONCE(port->matches[STT_MATCH_ID])) {
		memset(&key.local, 0, sizeof(key.local));
		conf = rhashtable_lookup(&port->confs, &key, stt_conf_params);
		if (conf)
			return conf;
	}
	/* A group's scope is none of those above. */
	if (from->scope < 0) {
		key.local = from->daddr;
		return rhashtable_lookup(&port->group_confs, &key,
					 stt_group_conf_params);
	}

	return stt_port_external_rcu(port, id, from);
}

/**
 * stt_port_accepts_rcu - could any device take a frame of this sender (R8)
 * @port: endpoint it is sent to
 * @from: its addresses
 *
 * Asked before memory is spent on a part of a frame, when the context id may
 * not be known yet.
 *
 * Context: RCU read side.
 */
enum stt_accept stt_port_accepts_rcu(struct stt_port *port,
				     const struct stt_flow_key *from)
{
	struct stt_conf *external = rcu_dereference(port->external);
	bool any = READ_ONCE(port->matches[STT_MATCH_ID]) ||
		   READ_ONCE(port->matches[STT_MATCH_LOCAL]) ||
		   (external && stt_conf_hears(external, from));
	const struct stt_path_peer_key key = {
		.remote = from->saddr, .local = from->daddr,
		.scope = from->scope, .dport = port->number,
		.family = port->family,
	};

	if (from->scope < 0)
		return stt_group_joined(port, &from->daddr, from->scope) ?
		       STT_ACCEPT_ANY : STT_ACCEPT_NONE;

	/* That we send there does not mean that we listen. */
	if (stt_path_named_rcu(stt_net(port->net), &key, any))
		return STT_ACCEPT_PEER;

	return any ? STT_ACCEPT_ANY : STT_ACCEPT_NONE;
}
