// SPDX-License-Identifier: GPL-2.0
/*
 * Configurations of devices: made of attributes, checked, replaced.
 *
 * A configuration is made whole before anything sees it, so that what is
 * refused leaves nothing behind.
 */
#include <linux/slab.h>
#include <net/addrconf.h>
#include <net/ip_tunnels.h>
#include <net/l3mdev.h>
#include <net/rtnetlink.h>

#include "include/stt.h"
#include "include/stt_addr.h"
#include "include/stt_conf.h"
#include "include/stt_dev.h"
#include "include/stt_external.h"
#include "include/stt_fdb.h"
#include "include/stt_input.h"
#include "include/stt_mcast.h"
#include "include/stt_netlink.h"
#include "include/stt_path.h"
#include "include/stt_peers.h"
#include "include/stt_port.h"
#include "include/stt_proto.h"
#include "include/stt_zone.h"

/* What a conf says before the user says anything. */
static void stt_conf_default(struct stt_conf *conf)
{
	conf->sport_min = STT_SRC_PORT_MIN;
	conf->sport_max = STT_SRC_PORT_MAX;
	conf->dest.df = STT_DF_SET;
	conf->partial = true;
	conf->idbits = 64;
	conf->dest.localbypass = true;
	conf->ageing = STT_FDB_AGEING;
}

/* Frames go to a peer or to a group. */
static void stt_conf_set_dest(struct stt_conf *conf,
			      const union stt_addr *dest, sa_family_t family)
{
	const union stt_addr any = { };
	bool group = stt_addr_multicast(dest, family);

	conf->key.remote = group ? any : *dest;
	conf->group.local = group ? *dest : any;
}

/**
 * stt_conf_parse - take over the attributes that may change
 * @conf: configuration
 * @data: attributes, each of them validated
 */
void stt_conf_parse(struct stt_conf *conf, struct nlattr *data[])
{
	union stt_addr dest = { };

	if (data[IFLA_STT_REMOTE]) {
		dest.v4 = nla_get_in_addr(data[IFLA_STT_REMOTE]);
		stt_conf_set_dest(conf, &dest, AF_INET);
	}
	if (data[IFLA_STT_REMOTE6]) {
		dest.v6 = nla_get_in6_addr(data[IFLA_STT_REMOTE6]);
		stt_conf_set_dest(conf, &dest, AF_INET6);
	}
	if (data[IFLA_STT_LOCAL])
		conf->key.local.v4 = nla_get_in_addr(data[IFLA_STT_LOCAL]);
	if (data[IFLA_STT_LOCAL6])
		conf->key.local.v6 = nla_get_in6_addr(data[IFLA_STT_LOCAL6]);
	if (data[IFLA_STT_TTL]) {
		conf->dest.ttl = nla_get_u8(data[IFLA_STT_TTL]);
		conf->dest.ttl_inherit = false;
	}
	if (data[IFLA_STT_TTL_INHERIT]) {
		conf->dest.ttl_inherit = nla_get_u8(data[IFLA_STT_TTL_INHERIT]);
		if (conf->dest.ttl_inherit)
			conf->dest.ttl = 0;
	}
	if (data[IFLA_STT_TOS]) {
		conf->dest.tos = nla_get_u8(data[IFLA_STT_TOS]);
		conf->dest.tos_inherit = conf->dest.tos == STT_TOS_INHERIT;
		if (conf->dest.tos_inherit)
			conf->dest.tos = 0;
	}
	if (data[IFLA_STT_DF])
		conf->dest.df = nla_get_u8(data[IFLA_STT_DF]);
	if (data[IFLA_STT_LABEL]) {
		conf->dest.label = nla_get_be32(data[IFLA_STT_LABEL]);
		conf->dest.label_inherit = false;
	}
	if (data[IFLA_STT_LABEL_POLICY])
		conf->dest.label_inherit =
			nla_get_u32(data[IFLA_STT_LABEL_POLICY]) ==
			STT_LABEL_INHERIT;
	if (data[IFLA_STT_FWMARK])
		conf->fwmark = nla_get_u32(data[IFLA_STT_FWMARK]);
	if (data[IFLA_STT_PARTIAL])
		conf->partial = nla_get_u8(data[IFLA_STT_PARTIAL]);
	if (data[IFLA_STT_LOCALBYPASS])
		conf->dest.localbypass =
			nla_get_u8(data[IFLA_STT_LOCALBYPASS]);
	if (data[IFLA_STT_PROXY])
		conf->proxy = nla_get_u8(data[IFLA_STT_PROXY]);
	if (data[IFLA_STT_L2MISS])
		conf->l2miss = nla_get_u8(data[IFLA_STT_L2MISS]);
	if (data[IFLA_STT_L3MISS])
		conf->l3miss = nla_get_u8(data[IFLA_STT_L3MISS]);
	if (data[IFLA_STT_LEARNING])
		conf->learning = nla_get_u8(data[IFLA_STT_LEARNING]);
	if (data[IFLA_STT_AGEING])
		conf->ageing = nla_get_u32(data[IFLA_STT_AGEING]);
	if (data[IFLA_STT_LIMIT])
		conf->limit = nla_get_u32(data[IFLA_STT_LIMIT]);
}

static bool stt_is_v6(struct nlattr *data[])
{
	return data[IFLA_STT_REMOTE6] || data[IFLA_STT_LOCAL6];
}

/* What tells of which scope our peers are; of a group, if we do not. */
static const union stt_addr *stt_conf_far(const struct stt_conf *conf)
{
	return stt_addr_any(&conf->key.local) ? stt_conf_target(conf) :
						&conf->key.remote;
}

/* Do addresses of this configuration mean something on one link only? */
static bool stt_conf_linklocal(const struct stt_conf *conf)
{
	return (ipv6_addr_type(&stt_conf_far(conf)->v6) |
		ipv6_addr_type(&conf->key.local.v6)) & IPV6_ADDR_LINKLOCAL;
}

/* The ifindex that a device's addresses are meant in. */
static int stt_conf_scope(struct net *net, const struct stt_conf *conf,
			  sa_family_t family)
{
	return stt_scope(net, family, stt_conf_far(conf), &conf->key.local,
			 conf->link);
}

/**
 * stt_conf_check - see to relations between attributes that the whole shows
 * @net: the underlay's namespace
 * @conf: configuration; its scope is filled in
 * @family: of the addresses
 * @extack: says why not
 *
 * Context: RTNL.
 * Return: 0, or why not.
 */
int stt_conf_check(struct net *net, struct stt_conf *conf, sa_family_t family,
		   struct netlink_ext_ack *extack)
{
	if (stt_conf_has_group(conf) && !conf->link) {
		NL_SET_ERR_MSG(extack,
			       "A multicast group needs a lower device (dev)");
		return -EINVAL;
	}
	if (stt_conf_has_group(conf) &&
	    netif_index_is_l3_master(net, conf->link)) {
		NL_SET_ERR_MSG(extack,
			       "A multicast group is joined on a device of a VRF, not on the VRF");
		return -EINVAL;
	}
	if (family == AF_INET6 && !conf->link && stt_conf_linklocal(conf)) {
		NL_SET_ERR_MSG(extack,
			       "A link-local remote or local address needs a lower device (dev)");
		return -EINVAL;
	}
	if (family != AF_INET6 && !conf->external &&
	    (conf->dest.label || conf->dest.label_inherit)) {
		NL_SET_ERR_MSG(extack, "Flow labels are for IPv6 underlays");
		return -EINVAL;
	}
	conf->key.scope = stt_conf_scope(net, conf, family);
	conf->vrf = l3mdev_master_ifindex_by_index(net, conf->link);
	conf->group.id = conf->key.id;
	conf->group.scope = -conf->link;
	conf->snoop = conf->learning ||
		      (stt_conf_any_remote(conf) && !conf->external);

	return 0;
}

static int stt_conf_check_unique(struct stt_conf *conf,
				 struct netlink_ext_ack *extack)
{
	struct stt_conf *other;

	if (conf->external) {
		if (!stt_port_external_taken(conf))
			return 0;
		NL_SET_ERR_MSG(extack,
			       "Another external device takes this port's frames");
		return -EEXIST;
	}
	other = stt_port_conf_rtnl(conf->port, &conf->key);
	if (other && other->stt != conf->stt) {
		NL_SET_ERR_MSG(extack,
			       "Another device has this port, id, remote and local address");
		return -EEXIST;
	}
	if (!stt_conf_has_group(conf))
		return 0;
	other = stt_port_conf_rtnl(conf->port, &conf->group);
	if (other && other->stt != conf->stt) {
		NL_SET_ERR_MSG(extack,
			       "Another device has this port, id and group on the lower device");
		return -EEXIST;
	}

	return 0;
}

static int stt_conf_get_path(struct stt_conf *conf,
			     struct netlink_ext_ack *extack)
{
	struct stt_path_key key;
	struct stt_path *path;

	conf->dest.id = conf->key.id;
	if (conf->external) {
		if (!stt_external_init(conf))
			return 0;
		NL_SET_ERR_MSG(extack, "No memory for where packets go");
		return -ENOMEM;
	}
	if (stt_addr_any(stt_conf_target(conf)))
		return 0;
	stt_path_key_init(conf, &key);
	path = stt_path_get(conf->stt->net, &key, GFP_KERNEL);
	if (IS_ERR(path)) {
		NL_SET_ERR_MSG(extack, "No memory for the way to the peer");
		return PTR_ERR(path);
	}
	conf->dest.path = path;
	conf->dest.key = &path->key;
	stt_peer_configured(stt_net(conf->stt->net), &path->key);

	return 0;
}

static void stt_conf_free_rcu(struct rcu_head *head)
{
	struct stt_conf *conf = container_of(head, struct stt_conf, rcu);

	stt_external_free(conf);
	kfree(conf);
}

/**
 * stt_conf_free - free a configuration once no packet sees it
 * @conf: configuration that is not found any more
 *
 * Context: RTNL.
 */
void stt_conf_free(struct stt_conf *conf)
{
	stt_path_put(conf->dest.path);
	call_rcu(&conf->rcu, stt_conf_free_rcu);
}

/* An endpoint, and its family's packets. */
static struct stt_port *stt_conf_get_port(struct net *net, sa_family_t family,
					  __be16 number, bool gbp,
					  struct netlink_ext_ack *extack)
{
	struct stt_port *port;
	int err;

	err = stt_input_get(net, family, extack);
	if (err)
		return ERR_PTR(err);
	port = stt_port_get(net, family, number, gbp, extack);
	if (IS_ERR(port))
		stt_input_put(net, family);

	return port;
}

/* Packets may look at the endpoint until stt_port_put() has waited for them. */
static void stt_conf_put_port(struct stt_port *port)
{
	if (!port)
		return;
	stt_input_put(port->net, port->family);
	stt_port_put(port);
}

/**
 * stt_conf_release - give back a device's configuration, if it has one
 * @stt: device that nothing can be sent through any more
 *
 * Context: RTNL; sleeps.
 */
void stt_conf_release(struct stt_dev *stt)
{
	struct stt_conf *conf = stt_conf_rtnl(stt);
	struct stt_port *port, *port6;

	if (!conf)
		return;

	port = conf->port;
	port6 = conf->port6;
	RCU_INIT_POINTER(stt->conf, NULL);
	stt_port_del_conf(port, conf);
	stt_zones_put(conf);
	stt_conf_free(conf);
	stt_conf_put_port(port);
	stt_conf_put_port(port6);
}

/* External mode, and what does not go with it. */
static int stt_conf_external(struct stt_conf *conf, struct nlattr *data[],
			     struct netlink_ext_ack *extack)
{
	if (data[IFLA_STT_COLLECT_METADATA])
		conf->external = nla_get_u8(data[IFLA_STT_COLLECT_METADATA]);
	if (!conf->external) {
		if (data[IFLA_STT_IDBITS])
			return STT_REFUSE(extack, data, IFLA_STT_IDBITS,
					  -EINVAL,
					  "idbits is for external devices");
		return 0;
	}

	if (conf->key.id)
		return STT_REFUSE(extack, data, IFLA_STT_ID, -EINVAL,
				  "The metadata name the context id of an external device's packets");
	if (!stt_addr_any(stt_conf_target(conf))) {
		NL_SET_ERR_MSG(extack,
			       "The metadata name the remote address of an external device's packets");
		return -EINVAL;
	}
	if (conf->gbp)
		conf->idbits = STT_GBP_SHIFT;
	if (data[IFLA_STT_IDBITS]) {
		u8 idbits = nla_get_u8(data[IFLA_STT_IDBITS]);

		if (idbits > conf->idbits)
			return STT_REFUSE(extack, data, IFLA_STT_IDBITS,
					  -EINVAL,
					  "Group policy (gbp) leaves 48 bits for the context id");
		conf->idbits = idbits;
	}

	return 0;
}

/* Group policy, and what it leaves of the context id. */
static int stt_conf_gbp(struct stt_conf *conf, struct nlattr *data[],
			struct netlink_ext_ack *extack)
{
	if (data[IFLA_STT_GBP])
		conf->gbp = nla_get_u8(data[IFLA_STT_GBP]);
	if (!conf->gbp)
		return 0;
	if (conf->key.id & ~STT_GBP_ID_MASK)
		return STT_REFUSE(extack, data, IFLA_STT_ID, -EINVAL,
				  "Group policy (gbp) leaves 48 bits for the context id");
	conf->dest.mark_mask = STT_GBP_MARK;

	return 0;
}

/* Take the endpoints; an external device may serve both families. */
static int stt_conf_get_ports(struct net *net, struct stt_conf *conf,
			      sa_family_t family, __be16 number,
			      struct netlink_ext_ack *extack)
{
	struct stt_port *port;

	port = stt_conf_get_port(net, family, number, conf->gbp, extack);
	if (IS_ERR(port))
		return PTR_ERR(port);
	conf->port = port;
	if (!conf->external || family != AF_INET || !ipv6_mod_enabled() ||
	    !stt_addr_any(&conf->key.local))
		return 0;

	port = stt_conf_get_port(net, AF_INET6, number, conf->gbp, extack);
	if (IS_ERR(port)) {
		stt_conf_put_port(conf->port);
		conf->port = NULL;
		return PTR_ERR(port);
	}
	conf->port6 = port;

	return 0;
}

/**
 * stt_conf_set_link - take over the lower device, if the user names one
 * @net: the underlay's namespace
 * @conf: configuration
 * @data: attributes, each of them validated
 * @extack: says why not
 *
 * Context: RTNL.
 * Return: 0; -ENODEV if there is no such device, -ELOOP if it is the tunnel.
 */
int stt_conf_set_link(struct net *net, struct stt_conf *conf,
		      struct nlattr *data[], struct netlink_ext_ack *extack)
{
	struct net_device *lower;

	if (!data[IFLA_STT_LINK])
		return 0;
	conf->link = nla_get_u32(data[IFLA_STT_LINK]);
	if (!conf->link)
		return 0;
	lower = __dev_get_by_index(net, conf->link);
	if (!lower)
		return STT_REFUSE(extack, data, IFLA_STT_LINK, -ENODEV,
				  "No such lower device in the underlay's namespace");
	if (lower == conf->stt->dev)
		return STT_REFUSE(extack, data, IFLA_STT_LINK, -ELOOP,
				  "A device cannot be its own lower device");

	return 0;
}

/**
 * stt_conf_new - make the configuration of a new device
 * @net: the underlay's namespace
 * @conf: filled in; holds references to endpoints and to its way afterwards
 * @data: attributes, each of them validated
 * @extack: says why not
 *
 * Context: RTNL; sleeps.
 * Return: 0, or why not, with nothing held.
 */
int stt_conf_new(struct net *net, struct stt_conf *conf, struct nlattr *data[],
		 struct netlink_ext_ack *extack)
{
	sa_family_t family = stt_is_v6(data) ? AF_INET6 : AF_INET;
	__be16 number = htons(STT_DST_PORT);
	int err;

	stt_conf_default(conf);
	stt_conf_parse(conf, data);
	if (data[IFLA_STT_ID])
		conf->key.id = nla_get_u64(data[IFLA_STT_ID]);
	err = stt_conf_gbp(conf, data, extack);
	if (!err)
		err = stt_conf_external(conf, data, extack);
	if (err)
		return err;
	/* A device with a remote address has nothing to learn. */
	if (!data[IFLA_STT_LEARNING])
		conf->learning = stt_conf_any_remote(conf) && !conf->external;
	conf->rx_extra = conf->external || conf->gbp;
	if (data[IFLA_STT_PORT])
		number = nla_get_be16(data[IFLA_STT_PORT]);
	if (data[IFLA_STT_PORT_RANGE]) {
		const struct ifla_stt_port_range *range;

		range = nla_data(data[IFLA_STT_PORT_RANGE]);
		conf->sport_min = ntohs(range->low);
		conf->sport_max = ntohs(range->high);
	}
	err = stt_conf_set_link(net, conf, data, extack);
	if (!err)
		err = stt_conf_check(net, conf, family, extack);
	if (err)
		return err;

	err = stt_conf_get_ports(net, conf, family, number, extack);
	if (err)
		return err;
	err = stt_zones_get(conf, extack);
	if (err)
		goto err_ports;
	err = stt_conf_check_unique(conf, extack);
	if (!err)
		err = stt_conf_get_path(conf, extack);
	if (err)
		goto err_zones;

	return 0;

err_zones:
	stt_zones_put(conf);
err_ports:
	stt_conf_put_port(conf->port);
	stt_conf_put_port(conf->port6);
	return err;
}

/* Let packets see @conf in place of the device's present one. */
static int stt_conf_replace(struct stt_dev *stt, struct stt_conf *conf,
			    struct netlink_ext_ack *extack)
{
	struct stt_conf *old = stt_conf_rtnl(stt);
	struct stt_group *group = NULL;
	int err;

	err = stt_fdb_prepare(stt, old, conf);
	if (err) {
		NL_SET_ERR_MSG(extack,
			       "No memory for the forwarding database");
		return err;
	}
	if (netif_running(stt->dev)) {
		group = stt_group_get(conf);
		if (IS_ERR(group)) {
			NL_SET_ERR_MSG(extack, "Cannot join the group");
			stt_fdb_abort(stt);
			return PTR_ERR(group);
		}
	}
	err = stt_port_replace_conf(conf->port, old, conf);
	if (err) {
		NL_SET_ERR_MSG(extack, "No memory for the device's id");
		stt_group_put(group);
		stt_fdb_abort(stt);
		return err;
	}
	rcu_assign_pointer(stt->conf, conf);
	if (netif_running(stt->dev)) {
		stt_zones_listen(conf, true);
		stt_zones_listen(old, false);
	}
	/* Joined before left: a group that stays is not left at all. */
	stt_group_put(stt->group);
	stt->group = group;
	stt_fdb_commit(stt, old, conf);
	stt_zones_put(old);
	stt_conf_free(old);

	return 0;
}

/**
 * stt_conf_dup - a copy to be changed
 * @old: a device's configuration
 *
 * Return: a configuration that nobody sees and that holds nothing, or NULL.
 */
struct stt_conf *stt_conf_dup(const struct stt_conf *old)
{
	struct stt_conf *conf = kmemdup(old, sizeof(*old), GFP_KERNEL);

	if (conf) {
		memset(&conf->node, 0, sizeof(conf->node));
		memset(&conf->group_node, 0, sizeof(conf->group_node));
		conf->dest.path = NULL;
		conf->dest.key = NULL;
		conf->sent = NULL;
	}

	return conf;
}

/**
 * stt_conf_change - give a device a changed copy of its configuration
 * @stt: device
 * @conf: the copy; taken over, and freed when it is refused
 * @extack: says why not
 *
 * Context: RTNL; sleeps.
 * Return: 0, or why not, with the device as it was.
 */
int stt_conf_change(struct stt_dev *stt, struct stt_conf *conf,
		    struct netlink_ext_ack *extack)
{
	int err;

	err = stt_conf_check_unique(conf, extack);
	if (!err)
		err = stt_conf_get_path(conf, extack);
	if (err)
		goto err_free;
	err = stt_zones_get(conf, extack);
	if (err)
		goto err_free;
	err = stt_conf_replace(stt, conf, extack);
	if (err)
		goto err_zones;

	return 0;

err_zones:
	stt_zones_put(conf);
err_free:
	stt_conf_free(conf);
	return err;
}

/**
 * stt_rescope - a device's lower device went into or out of a VRF
 * @stt: device
 *
 * Context: RTNL.
 * Return: 0, or an error that leaves the device as it was.
 */
int stt_rescope(struct stt_dev *stt)
{
	struct stt_conf *old = stt_conf_rtnl(stt), *conf;
	int scope, vrf;

	scope = stt_conf_scope(stt->net, old, old->port->family);
	vrf = l3mdev_master_ifindex_by_index(stt->net, old->link);
	if (scope == old->key.scope && vrf == old->vrf)
		return 0;
	conf = stt_conf_dup(old);
	if (!conf)
		return -ENOMEM;
	conf->key.scope = scope;
	conf->vrf = vrf;

	return stt_conf_change(stt, conf, NULL);
}
