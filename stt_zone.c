// SPDX-License-Identifier: GPL-2.0
/*
 * The VRFs and links in which an endpoint has configurations: where packets to
 * its TCP port are ours, and where the port is reserved.
 */
#include <linux/net.h>
#include <linux/slab.h>
#include <net/sock.h>

#include "include/stt.h"
#include "include/stt_conf.h"
#include "include/stt_mcast.h"
#include "include/stt_path.h"
#include "include/stt_port.h"
#include "include/stt_zone.h"

const struct rhashtable_params stt_zone_params = {
	.nelem_hint		= 2,
	.key_len		= sizeof(struct stt_zone_key),
	.key_offset		= offsetof(struct stt_zone, key),
	.head_offset		= offsetof(struct stt_zone, node),
	.automatic_shrinking	= true,
};

/* Context: RCU read side, or RTNL. */
static struct stt_zone *stt_zone_find(const struct stt_port *port,
				      int ifindex)
{
	const struct stt_zone_key key = {
		.ifindex = ifindex,
		.number = port->number,
		.family = port->family,
	};

	return rhashtable_lookup_fast(&stt_net(port->net)->zones, &key,
				      stt_zone_params);
}

static int stt_zone_bind(struct socket *sock, const struct stt_zone_key *key)
{
	union {
		struct sockaddr_in	v4;
		struct sockaddr_in6	v6;
	} addr = { };
	int len = sizeof(addr.v4);

	if (key->family == AF_INET6) {
		addr.v6.sin6_family = AF_INET6;
		addr.v6.sin6_port = key->number;
		len = sizeof(addr.v6);
	} else {
		addr.v4.sin_family = AF_INET;
		addr.v4.sin_port = key->number;
	}

	return kernel_bind(sock, (void *)&addr, len);
}

/* Do sockets of different VRFs conflict? */
static bool stt_zone_vrfs_collide(const struct net *net)
{
#ifdef CONFIG_NET_L3_MASTER_DEV
	return READ_ONCE(net->ipv4.sysctl_tcp_l3mdev_accept);
#else
	return false;
#endif
}

static void stt_zone_set_reuse(struct stt_port *port, unsigned char reuse)
{
	struct stt_zone *zone;

	hlist_for_each_entry(zone, &port->zones, in_port)
		if (zone->sock)
			zone->sock->sk->sk_reuse = reuse;
}

/*
 * With net.ipv4.tcp_l3mdev_accept a socket that is bound to no VRF keeps the
 * port from those of VRFs, and the other way round.  Ours must not
 * conflict with one another: they allow reuse while the new one is bound.
 */
static int stt_zone_bind_again(struct stt_port *port, struct socket *sock,
			       const struct stt_zone_key *key)
{
	int err;

	if (!stt_zone_vrfs_collide(port->net) || hlist_empty(&port->zones))
		return -EADDRINUSE;
	stt_zone_set_reuse(port, SK_CAN_REUSE);
	sock->sk->sk_reuse = SK_CAN_REUSE;
	err = stt_zone_bind(sock, key);
	sock->sk->sk_reuse = SK_NO_REUSE;
	stt_zone_set_reuse(port, SK_NO_REUSE);

	return err;
}

/*
 * A socket that is bound and never listens: packets do not find it, and the
 * port is taken.
 */
static int stt_zone_reserve(struct stt_port *port, struct stt_zone *zone,
			    struct netlink_ext_ack *extack)
{
	struct socket *sock;
	int err;

	err = sock_create_kern(port->net, port->family, SOCK_STREAM,
			       IPPROTO_TCP, &sock);
	if (err < 0) {
		NL_SET_ERR_MSG(extack, "Cannot create a socket for the port");
		return err;
	}
	if (port->family == AF_INET6)
		sock->sk->sk_ipv6only = 1;
	sock->sk->sk_bound_dev_if = zone->key.ifindex;

	err = stt_zone_bind(sock, &zone->key);
	if (err == -EADDRINUSE)
		err = stt_zone_bind_again(port, sock, &zone->key);
	if (err < 0) {
		if (err != -EADDRINUSE)
			NL_SET_ERR_MSG(extack,
				       "Cannot reserve the destination port");
		else if (zone->key.ifindex)
			NL_SET_ERR_MSG(extack,
				       "Destination port is taken by a TCP socket of the lower device's VRF");
		else
			NL_SET_ERR_MSG(extack,
				       "Destination port is taken by a TCP socket of this namespace");
		sock_release(sock);
		return err;
	}
	zone->sock = sock;

	return 0;
}

static void stt_zone_put(struct stt_port *port, int ifindex, bool wide)
{
	struct stt_zone *zone = stt_zone_find(port, ifindex);

	ASSERT_RTNL();

	if (WARN_ON_ONCE(!zone))
		return;
	WRITE_ONCE(zone->wide, zone->wide - wide);
	if (!ifindex)
		WRITE_ONCE(port->wide, zone->wide);
	if (--zone->refs)
		return;
	rhashtable_remove_fast(&stt_net(port->net)->zones, &zone->node,
			       stt_zone_params);
	hlist_del(&zone->in_port);
	if (zone->sock)
		sock_release(zone->sock);
	kfree_rcu(zone, rcu);
}

static struct stt_zone *stt_zone_create(struct stt_port *port, int ifindex,
					bool reserve,
					struct netlink_ext_ack *extack)
{
	struct stt_zone *zone = kzalloc_obj(*zone, GFP_KERNEL_ACCOUNT);
	int err = -ENOMEM;

	if (!zone)
		return ERR_PTR(err);
	zone->key.ifindex = ifindex;
	zone->key.number = port->number;
	zone->key.family = port->family;
	if (reserve) {
		err = stt_zone_reserve(port, zone, extack);
		if (err)
			goto err_free;
	}
	err = rhashtable_insert_fast(&stt_net(port->net)->zones, &zone->node,
				     stt_zone_params);
	if (err)
		goto err_sock;
	hlist_add_head(&zone->in_port, &port->zones);

	return zone;

err_sock:
	if (zone->sock)
		sock_release(zone->sock);
err_free:
	kfree(zone);
	return ERR_PTR(err);
}

static int stt_zone_get(struct stt_port *port, int ifindex, bool reserve,
			bool wide, struct netlink_ext_ack *extack)
{
	struct stt_zone *zone = stt_zone_find(port, ifindex);

	ASSERT_RTNL();

	if (!zone)
		zone = stt_zone_create(port, ifindex, reserve, extack);
	if (IS_ERR(zone))
		return PTR_ERR(zone);
	zone->refs++;
	WRITE_ONCE(zone->wide, zone->wide + wide);
	if (!ifindex)
		WRITE_ONCE(port->wide, zone->wide);

	return 0;
}

/* A link of its own, not the VRF's device. */
static bool stt_conf_has_link(const struct stt_conf *conf)
{
	return conf->link && conf->link != conf->vrf;
}

static int stt_zone_get_conf(struct stt_port *port,
			     const struct stt_conf *conf,
			     struct netlink_ext_ack *extack)
{
	bool wide = stt_conf_is_wide(conf);
	int err;

	err = stt_zone_get(port, conf->vrf, true, wide, extack);
	if (err || !stt_conf_has_link(conf))
		return err;
	err = stt_zone_get(port, conf->link, false, false, extack);
	if (err)
		stt_zone_put(port, conf->vrf, wide);

	return err;
}

static void stt_zone_put_conf(struct stt_port *port,
			      const struct stt_conf *conf)
{
	if (stt_conf_has_link(conf))
		stt_zone_put(port, conf->link, false);
	stt_zone_put(port, conf->vrf, stt_conf_is_wide(conf));
}

/**
 * stt_zones_get - have packets for a configuration taken, and its port
 *	reserved, where the configuration is
 * @conf: has its ports, link and VRF
 * @extack: says why not
 *
 * Context: RTNL; sleeps.
 * Return: 0; -EADDRINUSE when a TCP socket of the VRF has the port, -ENOMEM,
 * or what sockets return.
 */
int stt_zones_get(const struct stt_conf *conf, struct netlink_ext_ack *extack)
{
	int err;

	err = stt_zone_get_conf(conf->port, conf, extack);
	if (err || !conf->port6)
		return err;
	err = stt_zone_get_conf(conf->port6, conf, extack);
	if (err)
		stt_zone_put_conf(conf->port, conf);

	return err;
}

/**
 * stt_zones_put - undo stt_zones_get()
 * @conf: configuration, with link, VRF and key as they were
 *
 * Context: RTNL; sleeps.
 */
void stt_zones_put(const struct stt_conf *conf)
{
	if (conf->port6)
		stt_zone_put_conf(conf->port6, conf);
	stt_zone_put_conf(conf->port, conf);
}

static void stt_zone_count_any(struct stt_port *port, int ifindex, int n)
{
	struct stt_zone *zone = stt_zone_find(port, ifindex);

	if (!WARN_ON_ONCE(!zone))
		WRITE_ONCE(zone->any, zone->any + n);
}

/**
 * stt_zones_listen - a device goes up or down: its endpoints accept senders
 *	that it names, or any, or no longer do
 * @conf: its configuration
 * @on: it goes up
 *
 * Context: RTNL.
 */
void stt_zones_listen(const struct stt_conf *conf, bool on)
{
	struct stt_port *ports[] = { conf->port, conf->port6 };
	int i, n = on ? 1 : -1;

	ASSERT_RTNL();

	if (conf->dest.path)
		stt_path_listen(conf->dest.path, n);
	if (!stt_conf_any_remote(conf))
		return;
	for (i = 0; i < ARRAY_SIZE(ports) && ports[i]; i++) {
		if (stt_conf_is_wide(conf))
			stt_zone_count_any(ports[i], conf->vrf, n);
		if (stt_conf_has_link(conf))
			stt_zone_count_any(ports[i], conf->link, n);
	}
}

/* The zone of the other scope that a packet may be meant in, or NULL. */
static const struct stt_zone *
stt_zone_find_wider(const struct stt_port *port,
		    const struct stt_flow_key *from, int iif)
{
	int scope = stt_flow_wider_scope(port->net, from, iif);

	return scope != from->scope ? stt_zone_find(port, scope) : NULL;
}

/**
 * stt_zone_has_rcu - stt_zone_is_meant_rcu() where there are zones
 * @port: endpoint
 * @from: addresses of a packet, in a VRF, on a link or to a group
 * @iif: ifindex of the interface that it came in by, also in a VRF
 *
 * Context: RCU read side.
 */
bool stt_zone_has_rcu(struct stt_port *port, const struct stt_flow_key *from,
		      int iif)
{
	const struct stt_zone *zone;

	if (from->scope < 0)
		return stt_group_joined(port, &from->daddr, from->scope);

	zone = stt_zone_find(port, from->scope);
	if (zone && (READ_ONCE(zone->wide) || stt_flow_on_link(from, iif)))
		return true;
	zone = stt_zone_find_wider(port, from, iif);

	return zone && READ_ONCE(zone->wide);
}

/**
 * stt_zone_accepts_any_rcu - does a device that is up accept any sender where a
 *	packet came from (R8)
 * @port: endpoint that the packet was sent to
 * @from: its addresses
 * @iif: ifindex of the interface that it came in by, also in a VRF
 *
 * Context: RCU read side.
 */
bool stt_zone_accepts_any_rcu(const struct stt_port *port,
			      const struct stt_flow_key *from, int iif)
{
	const struct stt_zone *zone = stt_zone_find(port, from->scope);

	if (zone && READ_ONCE(zone->any))
		return true;
	zone = stt_zone_find_wider(port, from, iif);

	return zone && READ_ONCE(zone->any);
}
