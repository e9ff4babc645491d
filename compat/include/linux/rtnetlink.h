/* SPDX-License-Identifier: GPL-2.0 */
#include_next <linux/rtnetlink.h>

#ifndef _STT_COMPAT_LINUX_RTNETLINK_H
#define _STT_COMPAT_LINUX_RTNETLINK_H

/* Since 6.14; before, the third long of the callback's arguments. */
#ifdef STT_NO_FDB_DUMP_CONTEXT
struct ndo_fdb_dump_context {
	unsigned long ifindex[2];
	unsigned long fdb_idx;
};
#endif

/* Since 6.8. */
#ifdef STT_NO_HAS_LISTENERS
#include <linux/netlink.h>
#include <net/net_namespace.h>

static inline int rtnl_has_listeners(const struct net *net, u32 group)
{
	return netlink_has_listeners(net->rtnl, group);
}
#endif

#endif /* _STT_COMPAT_LINUX_RTNETLINK_H */
