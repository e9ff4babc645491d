// SPDX-License-Identifier: GPL-2.0
/*
 * The "stt" link kind: what the user says becomes a configuration, and the
 * other way round.
 */
#include <linux/etherdevice.h>
#include <linux/module.h>
#include <net/addrconf.h>
#include <net/ip_tunnels.h>
#include <net/l3mdev.h>
#include <net/rtnetlink.h>
#include <net/stt.h>

#include "include/stt.h"
#include "include/stt_addr.h"
#include "include/stt_conf.h"
#include "include/stt_dev.h"
#include "include/stt_fdb.h"
#include "include/stt_limits.h"
#include "include/stt_lower.h"
#include "include/stt_netlink.h"
#include "include/stt_port.h"

static const struct nla_policy stt_policy[IFLA_STT_MAX + 1] = {
	[IFLA_STT_UNSPEC]	= { .strict_start_type = IFLA_STT_UNSPEC + 1 },
	[IFLA_STT_PORT]		= { .type = NLA_BE16 },
	[IFLA_STT_ID]		= { .type = NLA_U64 },
	[IFLA_STT_REMOTE]	= { .type = NLA_BE32 },
	[IFLA_STT_REMOTE6]	=
		NLA_POLICY_EXACT_LEN(sizeof(struct in6_addr)),
	[IFLA_STT_LOCAL]	= { .type = NLA_BE32 },
	[IFLA_STT_LOCAL6]	=
		NLA_POLICY_EXACT_LEN(sizeof(struct in6_addr)),
	[IFLA_STT_LINK]		= { .type = NLA_U32 },
	[IFLA_STT_PORT_RANGE]	=
		NLA_POLICY_EXACT_LEN(sizeof(struct ifla_stt_port_range)),
	[IFLA_STT_TTL]		= { .type = NLA_U8 },
	[IFLA_STT_TTL_INHERIT]	= NLA_POLICY_MAX(NLA_U8, 1),
	[IFLA_STT_TOS]		= { .type = NLA_U8 },
	[IFLA_STT_DF]		= NLA_POLICY_MAX(NLA_U8, STT_DF_MAX),
	[IFLA_STT_LABEL]	= { .type = NLA_BE32 },
	[IFLA_STT_LABEL_POLICY]	= NLA_POLICY_MAX(NLA_U32, STT_LABEL_MAX),
	[IFLA_STT_FWMARK]	= { .type = NLA_U32 },
	[IFLA_STT_PARTIAL]	= NLA_POLICY_MAX(NLA_U8, 1),
	[IFLA_STT_COLLECT_METADATA] = NLA_POLICY_MAX(NLA_U8, 1),
	[IFLA_STT_IDBITS]	= NLA_POLICY_RANGE(NLA_U8, 1, 64),
	[IFLA_STT_LEARNING]	= NLA_POLICY_MAX(NLA_U8, 1),
	[IFLA_STT_AGEING]	= { .type = NLA_U32 },
	[IFLA_STT_LIMIT]	= { .type = NLA_U32 },
	[IFLA_STT_PROXY]	= NLA_POLICY_MAX(NLA_U8, 1),
	[IFLA_STT_L2MISS]	= NLA_POLICY_MAX(NLA_U8, 1),
	[IFLA_STT_L3MISS]	= NLA_POLICY_MAX(NLA_U8, 1),
	[IFLA_STT_LOCALBYPASS]	= NLA_POLICY_MAX(NLA_U8, 1),
	[IFLA_STT_GBP]		= NLA_POLICY_MAX(NLA_U8, 1),
};

static int stt_validate_addrs(struct nlattr *data[],
			      struct netlink_ext_ack *extack)
{
	bool v4 = data[IFLA_STT_REMOTE] || data[IFLA_STT_LOCAL];
	bool v6 = data[IFLA_STT_REMOTE6] || data[IFLA_STT_LOCAL6];
	struct in6_addr a;

	if (v4 && v6) {
		NL_SET_ERR_MSG(extack,
			       "Remote and local address must be of one family");
		return -EINVAL;
	}
	if (v6 && !IS_ENABLED(CONFIG_IPV6)) {
		NL_SET_ERR_MSG(extack, "This kernel has no IPv6");
		return -EAFNOSUPPORT;
	}

	if (data[IFLA_STT_REMOTE]) {
		__be32 remote = nla_get_in_addr(data[IFLA_STT_REMOTE]);

		if (ipv4_is_lbcast(remote))
			return STT_REFUSE(extack, data, IFLA_STT_REMOTE,
					  -EINVAL,
					  "Remote address must be unicast or multicast");
	}
	if (data[IFLA_STT_LOCAL]) {
		__be32 local = nla_get_in_addr(data[IFLA_STT_LOCAL]);

		if (ipv4_is_multicast(local) || ipv4_is_lbcast(local))
			return STT_REFUSE(extack, data, IFLA_STT_LOCAL,
					  -EINVAL,
					  "Local address must be unicast");
	}
	if (data[IFLA_STT_REMOTE6]) {
		a = nla_get_in6_addr(data[IFLA_STT_REMOTE6]);
		if (ipv6_addr_v4mapped(&a))
			return STT_REFUSE(extack, data, IFLA_STT_REMOTE6,
					  -EINVAL,
					  "Remote address must not be IPv4-mapped");
	}
	if (data[IFLA_STT_LOCAL6]) {
		a = nla_get_in6_addr(data[IFLA_STT_LOCAL6]);
		if (ipv6_addr_is_multicast(&a))
			return STT_REFUSE(extack, data, IFLA_STT_LOCAL6,
					  -EINVAL,
					  "Local address must be unicast");
		if (ipv6_addr_v4mapped(&a))
			return STT_REFUSE(extack, data, IFLA_STT_LOCAL6,
					  -EINVAL,
					  "Local address must not be IPv4-mapped");
	}

	return 0;
}

/* The core skips attributes of tomorrow; a device without them is refused. */
static int stt_validate_known(struct nlattr *tb[],
			      struct netlink_ext_ack *extack)
{
	struct nlattr *info = NULL, *attr;
	int rem;

	if (tb[IFLA_LINKINFO])
		info = nla_find(nla_data(tb[IFLA_LINKINFO]),
				nla_len(tb[IFLA_LINKINFO]), IFLA_INFO_DATA);
	if (!info)
		return 0;
	nla_for_each_nested(attr, info, rem) {
		if (nla_type(attr) != IFLA_STT_UNSPEC &&
		    nla_type(attr) <= IFLA_STT_MAX)
			continue;
		NL_SET_ERR_MSG_ATTR(extack, attr, "Unknown attribute");
		return -EINVAL;
	}

	return 0;
}

static int stt_validate(struct nlattr *tb[], struct nlattr *data[],
			struct netlink_ext_ack *extack)
{
	int err;

	if (tb[IFLA_ADDRESS]) {
		if (nla_len(tb[IFLA_ADDRESS]) != ETH_ALEN) {
			NL_SET_ERR_MSG_ATTR(extack, tb[IFLA_ADDRESS],
					    "Not an Ethernet address");
			return -EINVAL;
		}
		if (!is_valid_ether_addr(nla_data(tb[IFLA_ADDRESS]))) {
			NL_SET_ERR_MSG_ATTR(extack, tb[IFLA_ADDRESS],
					    "Ethernet address is not unicast");
			return -EADDRNOTAVAIL;
		}
	}
	if (!data)
		return 0;
	err = stt_validate_known(tb, extack);
	if (err)
		return err;

	if (data[IFLA_STT_PORT] && !nla_get_be16(data[IFLA_STT_PORT]))
		return STT_REFUSE(extack, data, IFLA_STT_PORT, -EINVAL,
				  "Destination port must not be 0");
	if (data[IFLA_STT_PORT_RANGE]) {
		const struct ifla_stt_port_range *range;

		range = nla_data(data[IFLA_STT_PORT_RANGE]);
		if (!range->low || ntohs(range->high) < ntohs(range->low))
			return STT_REFUSE(extack, data, IFLA_STT_PORT_RANGE,
					  -EINVAL,
					  "Source ports must be a lowest and a highest one, neither of them 0");
	}
	if (data[IFLA_STT_TOS]) {
		u8 tos = nla_get_u8(data[IFLA_STT_TOS]);

		if (tos & INET_ECN_MASK && tos != STT_TOS_INHERIT)
			return STT_REFUSE(extack, data, IFLA_STT_TOS, -EINVAL,
					  "TOS has ECN bits, which always follow RFC 6040");
	}
	if (data[IFLA_STT_LABEL]) {
		__be32 label = nla_get_be32(data[IFLA_STT_LABEL]);

		if (label & ~IPV6_FLOWLABEL_MASK)
			return STT_REFUSE(extack, data, IFLA_STT_LABEL,
					  -EINVAL,
					  "Flow label has more than 20 bits");
	}

	return stt_validate_addrs(data, extack);
}

/* Is this an address of the host's, in the VRF of @lower if there is one? */
static bool stt_addr_is_ours(struct net *net, const struct net_device *lower,
			     const union stt_addr *addr, sa_family_t family)
{
	if (family == AF_INET6)
		return IS_ENABLED(CONFIG_IPV6) &&
		       ipv6_chk_addr_and_flags(net, &addr->v6, lower, true, 0,
					       0);
	if (lower)
		return inet_addr_type_dev_table(net, lower, addr->v4) ==
		       RTN_LOCAL;
	return inet_addr_type(net, addr->v4) == RTN_LOCAL;
}

/**
 * stt_warn_odd - say what is allowed, and yet is a mistake more often than not
 * @net: the underlay's namespace
 * @conf: the device's new configuration
 * @extack: gets the warning, which ip prints
 *
 * Addresses may come later, and a tunnel to oneself is good for tests.
 *
 * Context: RTNL.
 */
static void stt_warn_odd(struct net *net, const struct stt_conf *conf,
			 struct netlink_ext_ack *extack)
{
	const struct net_device *lower = NULL;
	sa_family_t family = conf->port->family;

	if (conf->link)
		lower = __dev_get_by_index(net, conf->link);
	if (conf->l3miss && !conf->proxy)
		NL_SET_ERR_MSG(extack,
			       "l3miss reports what proxy does not find, and proxy is off");
	else if (!stt_addr_any(&conf->key.local) &&
		 !stt_addr_is_ours(net, lower, &conf->key.local, family))
		NL_SET_ERR_MSG(extack,
			       "No device of this host has the local address yet");
	else if (!stt_conf_any_remote(conf) &&
		 stt_addr_is_ours(net, lower, &conf->key.remote, family))
		NL_SET_ERR_MSG(extack,
			       "The remote address is one of this host");
}

/* ---- life -------------------------------------------------------------- */

/* Link a new device to the lower device that its configuration names. */
static int stt_link_lower(struct stt_dev *stt, const struct stt_conf *conf,
			  struct netlink_ext_ack *extack)
{
	struct net_device *lower = NULL;
	int err;

	if (conf->link)
		lower = __dev_get_by_index(stt->net, conf->link);
	err = stt_lower_prepare(stt, lower, extack);
	if (!err)
		stt_lower_commit(stt, lower);

	return err;
}

static int stt_newlink(struct net_device *dev,
		       struct rtnl_newlink_params *params,
		       struct netlink_ext_ack *extack)
{
	static struct nlattr *none[IFLA_STT_MAX + 1];
	struct net *net = rtnl_newlink_link_net(params);
	struct stt_dev *stt = netdev_priv(dev);
	struct stt_conf *conf;
	int err;

	stt->dev = dev;
	stt->net = net;
	conf = kzalloc_obj(*conf, GFP_KERNEL);
	if (!conf)
		return -ENOMEM;
	conf->stt = stt;
	err = stt_conf_new(net, conf, params->data ? : none, extack);
	if (err)
		goto err_free;

	rcu_assign_pointer(stt->conf, conf);
	stt_limits_set_mtu(dev, conf);
	/* A packet's metadata, and a route's, are with its dst. */
	if (conf->external)
		netif_keep_dst(dev);
	if (params->tb[IFLA_MTU] &&
	    nla_get_u32(params->tb[IFLA_MTU]) > dev->max_mtu) {
		NL_SET_ERR_MSG_ATTR(extack, params->tb[IFLA_MTU],
				    "MTU is above what a frame can hold");
		err = -EINVAL;
		goto err_conf;
	}
	err = register_netdevice(dev);
	if (err)
		goto err_conf;
	err = stt_link_lower(stt, conf, extack);
	if (err)
		goto err_unregister;
	err = stt_port_add_conf(conf->port, conf);
	if (err) {
		NL_SET_ERR_MSG(extack, "No memory for the device's id");
		goto err_unregister;
	}
	err = stt_fdb_prepare(stt, NULL, conf);
	if (err) {
		NL_SET_ERR_MSG(extack,
			       "No memory for the forwarding database");
		goto err_unregister;
	}
	stt_fdb_commit(stt, NULL, conf);
	list_add_rcu(&stt->list, &stt_net(net)->devs);
	stt->listed = true;
	stt_limits_disable_lro(stt->lower);
	stt_limits_set(dev, conf);

	stt_warn_odd(net, conf, extack);

	return 0;

err_unregister:
	stt_lower_release(stt);
	unregister_netdevice(dev);
err_conf:
	stt_conf_release(stt);
	return err;
err_free:
	kfree(conf);
	return err;
}

/**
 * stt_dellink - remove a device
 * @dev: stt device
 * @head: where to queue it for unregistration
 *
 * Its configuration goes with ndo_uninit, when nothing is on its way out.
 *
 * Context: RTNL.
 */
void stt_dellink(struct net_device *dev, struct list_head *head)
{
	struct stt_dev *stt = netdev_priv(dev);

	list_del_rcu(&stt->list);
	stt->listed = false;
	stt_lower_release(stt);
	stt_fdb_clear(stt, true);
	unregister_netdevice_queue(dev, head);
}

/*
 * An external device with a local address serves its family, one without both.
 */
static int stt_check_external_local(const struct stt_conf *old,
				    struct nlattr *data[],
				    struct netlink_ext_ack *extack)
{
	const struct nlattr *v4 = data[IFLA_STT_LOCAL];
	const struct nlattr *v6 = data[IFLA_STT_LOCAL6];
	bool local = (v4 && nla_get_in_addr(v4)) ||
		     (v6 && !ipv6_addr_any(nla_data(v6)));

	if (local && old->port6) {
		NL_SET_ERR_MSG(extack,
			       "An external device that serves both address families cannot get a local address");
		return -EOPNOTSUPP;
	}
	if ((v4 || v6) && !local && !stt_addr_any(&old->key.local)) {
		NL_SET_ERR_MSG(extack,
			       "An external device that serves one address family cannot lose its local address");
		return -EOPNOTSUPP;
	}

	return 0;
}

/* Refuse to change attributes that cannot change; the same value is fine. */
static int stt_check_unchanged(const struct stt_conf *old,
			       struct nlattr *data[],
			       struct netlink_ext_ack *extack)
{
	int err;

	if (data[IFLA_STT_ID] && nla_get_u64(data[IFLA_STT_ID]) != old->key.id)
		return STT_REFUSE(extack, data, IFLA_STT_ID, -EOPNOTSUPP,
				  "The context id cannot change");
	if (data[IFLA_STT_PORT] &&
	    nla_get_be16(data[IFLA_STT_PORT]) != old->port->number)
		return STT_REFUSE(extack, data, IFLA_STT_PORT, -EOPNOTSUPP,
				  "The destination port cannot change");
	if (data[IFLA_STT_PORT_RANGE]) {
		const struct ifla_stt_port_range *range;

		range = nla_data(data[IFLA_STT_PORT_RANGE]);
		if (ntohs(range->low) != old->sport_min ||
		    ntohs(range->high) != old->sport_max)
			return STT_REFUSE(extack, data, IFLA_STT_PORT_RANGE,
					  -EOPNOTSUPP,
					  "The source port range cannot change");
	}
	if (data[IFLA_STT_COLLECT_METADATA] &&
	    nla_get_u8(data[IFLA_STT_COLLECT_METADATA]) != old->external)
		return STT_REFUSE(extack, data, IFLA_STT_COLLECT_METADATA,
				  -EOPNOTSUPP, "External mode cannot change");
	if (data[IFLA_STT_GBP] && nla_get_u8(data[IFLA_STT_GBP]) != old->gbp)
		return STT_REFUSE(extack, data, IFLA_STT_GBP, -EOPNOTSUPP,
				  "Group policy (gbp) cannot change");
	if (data[IFLA_STT_IDBITS] &&
	    nla_get_u8(data[IFLA_STT_IDBITS]) != old->idbits)
		return STT_REFUSE(extack, data, IFLA_STT_IDBITS, -EOPNOTSUPP,
				  "idbits cannot change");
	if (old->external) {
		err = stt_check_external_local(old, data, extack);
		if (err || old->port6)
			return err;
	}
	if (old->port->family == AF_INET6 ?
	    data[IFLA_STT_REMOTE] || data[IFLA_STT_LOCAL] :
	    data[IFLA_STT_REMOTE6] || data[IFLA_STT_LOCAL6]) {
		NL_SET_ERR_MSG(extack, "The address family cannot change");
		return -EOPNOTSUPP;
	}

	return 0;
}

static int stt_changelink(struct net_device *dev, struct nlattr *tb[],
			  struct nlattr *data[],
			  struct netlink_ext_ack *extack)
{
	struct stt_dev *stt = netdev_priv(dev);
	struct stt_conf *old = stt_conf_rtnl(stt), *conf;
	struct net_device *lower = NULL;
	int err;

	if (!rtnl_dev_link_net_capable(dev, stt->net)) {
		NL_SET_ERR_MSG(extack,
			       "The underlay is in a namespace that the caller does not administer");
		return -EPERM;
	}
	if (!data)
		return 0;
	err = stt_check_unchanged(old, data, extack);
	if (err)
		return err;

	conf = stt_conf_dup(old);
	if (!conf)
		return -ENOMEM;
	stt_conf_parse(conf, data);
	if (conf->external && !stt_addr_any(stt_conf_target(conf))) {
		NL_SET_ERR_MSG(extack,
			       "An external device has no remote address");
		err = -EINVAL;
		goto err_free;
	}
	err = stt_conf_set_link(stt->net, conf, data, extack);
	if (!err)
		err = stt_conf_check(stt->net, conf, conf->port->family,
				     extack);
	if (err)
		goto err_free;
	if (conf->link)
		lower = __dev_get_by_index(stt->net, conf->link);
	err = stt_lower_prepare(stt, lower, extack);
	if (err)
		goto err_free;
	err = stt_conf_change(stt, conf, extack);
	if (err) {
		stt_lower_abort(stt, lower);
		return err;
	}
	stt_lower_commit(stt, lower);
	stt_limits_disable_lro(lower);
	stt_limits_set(dev, conf);
	stt_warn_odd(stt->net, conf, extack);

	return 0;

err_free:
	stt_conf_free(conf);
	return err;
}

static size_t stt_get_size(const struct net_device *dev)
{
	return nla_total_size(sizeof(__be16)) +		/* PORT */
	       nla_total_size_64bit(sizeof(u64)) +	/* ID */
	       nla_total_size(sizeof(struct in6_addr)) * 2 + /* addresses */
	       nla_total_size(sizeof(u32)) +		/* LINK */
	       nla_total_size(sizeof(struct ifla_stt_port_range)) +
	       /* TTL, TTL_INHERIT, TOS, DF, PARTIAL, COLLECT_METADATA, IDBITS */
	       nla_total_size(sizeof(u8)) * 7 +
	       nla_total_size(sizeof(u8)) * 2 +		/* LOCALBYPASS, GBP */
	       nla_total_size(sizeof(u8)) * 3 +		/* PROXY, L[23]MISS */
	       nla_total_size(sizeof(u8)) +		/* LEARNING */
	       nla_total_size(sizeof(__be32)) +		/* LABEL */
	       /* POLICY, FWMARK, AGEING, LIMIT */
	       nla_total_size(sizeof(u32)) * 4;
}

static int stt_fill_addrs(struct sk_buff *skb, const struct stt_conf *conf)
{
	const union stt_addr *dest = stt_conf_target(conf);
	const struct stt_conf_key *key = &conf->key;
	bool v6 = conf->port->family == AF_INET6;
	int err = 0;

	/* Of IPv6, which nothing else would say: "::". */
	if (!stt_addr_any(dest) || (v6 && stt_addr_any(&key->local)))
		err = v6 ? nla_put_in6_addr(skb, IFLA_STT_REMOTE6, &dest->v6) :
			   nla_put_in_addr(skb, IFLA_STT_REMOTE, dest->v4);
	if (!err && !stt_addr_any(&key->local))
		err = v6 ? nla_put_in6_addr(skb, IFLA_STT_LOCAL6,
					    &key->local.v6) :
			   nla_put_in_addr(skb, IFLA_STT_LOCAL,
					   key->local.v4);

	return err;
}

static int stt_fill_info(struct sk_buff *skb, const struct net_device *dev)
{
	const struct stt_dev *stt = netdev_priv(dev);
	struct ifla_stt_port_range range;
	const struct stt_conf *conf;
	u32 policy;
	int err;

	/* Newer kernels dump links without RTNL. */
	rcu_read_lock();
	err = 0;
	conf = stt_conf_rcu(stt);
	if (!conf)
		goto unlock;

	range.low = htons(conf->sport_min);
	range.high = htons(conf->sport_max);
	policy = conf->dest.label_inherit ? STT_LABEL_INHERIT : STT_LABEL_FIXED;
	if (nla_put_be16(skb, IFLA_STT_PORT, conf->port->number) ||
	    nla_put_u64_64bit(skb, IFLA_STT_ID, conf->key.id,
			      IFLA_STT_UNSPEC) ||
	    stt_fill_addrs(skb, conf) ||
	    (conf->link && nla_put_u32(skb, IFLA_STT_LINK, conf->link)) ||
	    nla_put(skb, IFLA_STT_PORT_RANGE, sizeof(range), &range) ||
	    nla_put_u8(skb, IFLA_STT_TTL, conf->dest.ttl) ||
	    nla_put_u8(skb, IFLA_STT_TTL_INHERIT, conf->dest.ttl_inherit) ||
	    nla_put_u8(skb, IFLA_STT_TOS,
		       conf->dest.tos_inherit ? STT_TOS_INHERIT :
						 conf->dest.tos) ||
	    nla_put_u8(skb, IFLA_STT_DF, conf->dest.df) ||
	    nla_put_be32(skb, IFLA_STT_LABEL, conf->dest.label) ||
	    nla_put_u32(skb, IFLA_STT_LABEL_POLICY, policy) ||
	    nla_put_u32(skb, IFLA_STT_FWMARK, conf->fwmark) ||
	    nla_put_u8(skb, IFLA_STT_PROXY, conf->proxy) ||
	    nla_put_u8(skb, IFLA_STT_L2MISS, conf->l2miss) ||
	    nla_put_u8(skb, IFLA_STT_L3MISS, conf->l3miss) ||
	    nla_put_u8(skb, IFLA_STT_PARTIAL, conf->partial) ||
	    nla_put_u8(skb, IFLA_STT_LEARNING, conf->learning) ||
	    nla_put_u32(skb, IFLA_STT_AGEING, conf->ageing) ||
	    nla_put_u32(skb, IFLA_STT_LIMIT, conf->limit) ||
	    nla_put_u8(skb, IFLA_STT_COLLECT_METADATA, conf->external) ||
	    nla_put_u8(skb, IFLA_STT_LOCALBYPASS, conf->dest.localbypass) ||
	    nla_put_u8(skb, IFLA_STT_GBP, conf->gbp) ||
	    (conf->external &&
	     nla_put_u8(skb, IFLA_STT_IDBITS, conf->idbits)))
		err = -EMSGSIZE;
unlock:
	rcu_read_unlock();
	return err;
}

static struct net *stt_get_link_net(const struct net_device *dev)
{
	return ((struct stt_dev *)netdev_priv(dev))->net;
}

RTNL_NEWLINK_SHIM(stt_newlink)

struct rtnl_link_ops stt_link_ops = {
	.kind		= STT_LINK_KIND,
	.maxtype	= IFLA_STT_MAX,
	.policy		= stt_policy,
	.priv_size	= sizeof(struct stt_dev),
	.setup		= stt_setup,
	.validate	= stt_validate,
	.newlink	= RTNL_NEWLINK(stt_newlink),
	.changelink	= stt_changelink,
	.dellink	= stt_dellink,
	.get_size	= stt_get_size,
	.fill_info	= stt_fill_info,
	.get_link_net	= stt_get_link_net,
};
MODULE_ALIAS_RTNL_LINK("stt");

/**
 * stt_dev_create_fb - make an external device for a flow based datapath
 * @net: its namespace, and that of its underlay
 * @name: its name; may have a %d
 * @name_assign_type: NET_NAME_*
 * @dst_port: TCP port of the tunnel
 * @extack: says why not; may be %NULL
 *
 * Its MTU is the largest there is: the datapath knows what its other ports
 * can take. It is down.
 *
 * Context: RTNL; sleeps.
 * Return: the device, or what newlink returns: -EADDRINUSE when the port is
 * a TCP socket's, -EEXIST when another device has its catch-all.
 */
struct net_device *stt_dev_create_fb(struct net *net, const char *name,
				     unsigned char name_assign_type,
				     __be16 dst_port,
				     struct netlink_ext_ack *extack)
{
	struct {
		struct nlattr	nla;
		__be16		value;
	} port = {
		.nla.nla_len	= nla_attr_size(sizeof(port.value)),
		.nla.nla_type	= IFLA_STT_PORT,
		.value		= dst_port,
	};
	struct {
		struct nlattr	nla;
		u8		value;
	} external = {
		.nla.nla_len	= nla_attr_size(sizeof(external.value)),
		.nla.nla_type	= IFLA_STT_COLLECT_METADATA,
		.value		= 1,
	};
	/* The metadata say when to set it. */
	struct {
		struct nlattr	nla;
		u8		value;
	} df = {
		.nla.nla_len	= nla_attr_size(sizeof(df.value)),
		.nla.nla_type	= IFLA_STT_DF,
		.value		= STT_DF_UNSET,
	};
	struct nlattr *data[IFLA_STT_MAX + 1] = {
		[IFLA_STT_PORT]			= &port.nla,
		[IFLA_STT_COLLECT_METADATA]	= &external.nla,
		[IFLA_STT_DF]			= &df.nla,
	};
	struct nlattr *tb[IFLA_MAX + 1] = { };
	struct rtnl_newlink_params params = {
		.src_net	= net,
		.tb		= tb,
		.data		= data,
	};
	struct net_device *dev;
	LIST_HEAD(kill);
	int err;

	ASSERT_RTNL();

	err = stt_validate(tb, data, extack);
	if (err)
		return ERR_PTR(err);
	dev = rtnl_create_link(net, name, name_assign_type, &stt_link_ops, tb,
			       extack);
	if (IS_ERR(dev))
		return dev;
	err = stt_newlink(dev, &params, extack);
	if (err) {
		free_netdev(dev);
		return ERR_PTR(err);
	}

	err = dev_set_mtu(dev, dev->max_mtu);
	if (!err)
		err = rtnl_configure_link(dev, NULL, 0, NULL);
	if (err) {
		stt_dellink(dev, &kill);
		unregister_netdevice_many(&kill);
		return ERR_PTR(err);
	}

	return dev;
}
EXPORT_SYMBOL_GPL(stt_dev_create_fb);
