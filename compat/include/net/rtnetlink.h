/* SPDX-License-Identifier: GPL-2.0 */
#include_next <net/rtnetlink.h>

#ifndef _STT_COMPAT_RTNETLINK_H
#define _STT_COMPAT_RTNETLINK_H

#include <linux/capability.h>
#include <linux/user_namespace.h>

/*
 * rtnl_link_ops.newlink takes struct rtnl_newlink_params since 6.15.  Before,
 * src_net was the link's namespace already, where one was asked for.
 * RTNL_NEWLINK_SHIM(f) stands before the ops, RTNL_NEWLINK(f) in them.
 */
#ifdef STT_NO_NEWLINK_PARAMS
struct rtnl_newlink_params {
	struct net *src_net;
	struct net *link_net;
	struct net *peer_net;
	struct nlattr **tb;
	struct nlattr **data;
};

static inline struct net *
rtnl_newlink_link_net(struct rtnl_newlink_params *p)
{
	return p->link_net ? : p->src_net;
}

#define RTNL_NEWLINK(f)		f##_shim
#define RTNL_NEWLINK_SHIM(f)						\
	static int f##_shim(struct net *src_net, struct net_device *dev, \
			    struct nlattr *tb[], struct nlattr *data[],	\
			    struct netlink_ext_ack *extack)		\
	{								\
		struct rtnl_newlink_params params = {			\
			.src_net = src_net,				\
			.tb = tb,					\
			.data = data,					\
		};							\
									\
		return f(dev, &params, extack);				\
	}
#else
#define RTNL_NEWLINK(f)		f
#define RTNL_NEWLINK_SHIM(f)
#endif

/* Since 7.2. */
#ifdef STT_NO_LINK_NET_CAPABLE
static inline bool rtnl_dev_link_net_capable(const struct net_device *dev,
					     const struct net *link_net)
{
	return net_eq(link_net, dev_net(dev)) ||
	       ns_capable(link_net->user_ns, CAP_NET_ADMIN);
}
#endif

/* Since 6.2 a new link can be announced as the answer to a request. */
#ifdef STT_NO_CONFIGURE_LINK_NLH
static inline int stt_configure_link(struct net_device *dev,
				     const struct ifinfomsg *ifm, u32 portid,
				     const struct nlmsghdr *nlh)
{
	return rtnl_configure_link(dev, ifm);
}

#define rtnl_configure_link	stt_configure_link
#endif

#endif /* _STT_COMPAT_RTNETLINK_H */
