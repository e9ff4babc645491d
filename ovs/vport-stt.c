// SPDX-License-Identifier: GPL-2.0
/*
 * Open vSwitch port type STT: an external stt device for each destination port,
 * created and deleted by the datapath.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <net/netlink.h>
#include <net/rtnetlink.h>
#include <net/stt.h>

#include "vport.h"

/* The number that Open vSwitch uses; the in-tree enum does not reach it. */
#define OVS_VPORT_TYPE_STT	106

/**
 * struct stt_vport - private part of a port
 * @dst_port: destination port, host order
 */
struct stt_vport {
	u16	dst_port;
};

static struct vport_ops stt_vport_ops;

static int stt_vport_get_options(const struct vport *vport,
				 struct sk_buff *skb)
{
	const struct stt_vport *priv = vport_priv(vport);

	return nla_put_u16(skb, OVS_TUNNEL_ATTR_DST_PORT, priv->dst_port);
}

/* Create the device and set it up.  Open vSwitch shows no extack: log it. */
static int stt_vport_create_dev(struct net *net, const char *name,
				u16 dst_port)
{
	struct netlink_ext_ack extack = { };
	struct net_device *dev;
	int err = 0;

	rtnl_lock();
	dev = stt_dev_create_fb(net, name, NET_NAME_USER, htons(dst_port),
				&extack);
	if (IS_ERR(dev)) {
		err = PTR_ERR(dev);
	} else {
		err = dev_change_flags(dev, dev->flags | IFF_UP, &extack);
		if (err < 0)
			rtnl_delete_link(dev, 0, NULL);
	}
	rtnl_unlock();
	if (err < 0)
		net_warn_ratelimited("%s, port %u: %s (error %d)\n", name,
				     dst_port, extack._msg ? : "no device",
				     err);

	return err < 0 ? err : 0;
}

/* Delete a device that the datapath did not accept. */
static void stt_vport_delete_dev(struct net *net, const char *name)
{
	struct net_device *dev;

	rtnl_lock();
	dev = __dev_get_by_name(net, name);
	if (dev && dev->rtnl_link_ops &&
	    !strcmp(dev->rtnl_link_ops->kind, "stt"))
		rtnl_delete_link(dev, 0, NULL);
	rtnl_unlock();
}

/* Context: process context with ovs_mutex held; takes RTNL. */
static struct vport *stt_vport_create(const struct vport_parms *parms)
{
	struct net *net = ovs_dp_get_net(parms->dp);
	const struct nlattr *attr = NULL;
	struct stt_vport *priv;
	struct vport *vport;
	int err;

	if (parms->options)
		attr = nla_find_nested(parms->options,
				       OVS_TUNNEL_ATTR_DST_PORT);
	if (!attr || nla_len(attr) != sizeof(u16) || !nla_get_u16(attr))
		return ERR_PTR(-EINVAL);

	vport = ovs_vport_alloc(sizeof(*priv), &stt_vport_ops, parms);
	if (IS_ERR(vport))
		return vport;
	priv = vport_priv(vport);
	priv->dst_port = nla_get_u16(attr);

	err = stt_vport_create_dev(net, parms->name, priv->dst_port);
	if (err) {
		ovs_vport_free(vport);
		return ERR_PTR(err);
	}

	/* On failure this frees the vport, but not the device. */
	vport = ovs_netdev_link(vport, parms->name);
	if (IS_ERR(vport))
		stt_vport_delete_dev(net, parms->name);

	return vport;
}

static struct vport_ops stt_vport_ops = {
	.type		= (enum ovs_vport_type)OVS_VPORT_TYPE_STT,
	.create		= stt_vport_create,
	.destroy	= ovs_netdev_tunnel_destroy,
	.get_options	= stt_vport_get_options,
	.send		= dev_queue_xmit,
	.owner		= THIS_MODULE,
};

static int __init stt_vport_init(void)
{
	return __ovs_vport_ops_register(&stt_vport_ops);
}

static void __exit stt_vport_exit(void)
{
	ovs_vport_ops_unregister(&stt_vport_ops);
}

module_init(stt_vport_init);
module_exit(stt_vport_exit);

MODULE_DESCRIPTION("Open vSwitch port type STT");
MODULE_LICENSE("GPL");
MODULE_ALIAS("vport-type-106");
