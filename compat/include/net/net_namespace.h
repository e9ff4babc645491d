/* SPDX-License-Identifier: GPL-2.0 */
#include_next <net/net_namespace.h>

#ifndef _STT_COMPAT_NET_NAMESPACE_H
#define _STT_COMPAT_NET_NAMESPACE_H

/*
 * Since 6.6 a table's size is told, and since 6.11 it needs no empty entry
 * behind the last.
 */
#ifdef STT_NO_SYSCTL_SZ
static inline struct ctl_table_header *
register_net_sysctl_sz(struct net *net, const char *path,
		       struct ctl_table *const table, size_t size)
{
	return register_net_sysctl(net, path, table);
}

#define SYSCTL_SENTINEL		{ }
#else
#define SYSCTL_SENTINEL
#endif

/*
 * pernet_operations.exit_rtnl is since 6.16, exit_batch_rtnl was from 6.9 on
 * (and is in Debian's 6.1).  PERNET_EXIT_RTNL_SHIM(f) stands before the ops,
 * PERNET_EXIT_RTNL(f) in them.
 */
#ifndef STT_NO_EXIT_RTNL
#define PERNET_EXIT_RTNL(f)	.exit_rtnl = f
#define PERNET_EXIT_RTNL_SHIM(f)
#elif !defined(STT_NO_EXIT_BATCH_RTNL)
#define PERNET_EXIT_RTNL(f)	.exit_batch_rtnl = f##_shim
#define PERNET_EXIT_RTNL_SHIM(f)					\
	static void __net_exit f##_shim(struct list_head *nets,		\
					struct list_head *dev_kill_list) \
	{								\
		struct net *net;					\
									\
		list_for_each_entry(net, nets, exit_list)		\
			f(net, dev_kill_list);				\
	}
#else
#define PERNET_EXIT_RTNL(f)	.pre_exit = f##_shim
#define PERNET_EXIT_RTNL_SHIM(f)					\
	static void __net_exit f##_shim(struct net *net)		\
	{								\
		LIST_HEAD(dev_kill_list);				\
									\
		rtnl_lock();						\
		f(net, &dev_kill_list);					\
		unregister_netdevice_many(&dev_kill_list);		\
		rtnl_unlock();						\
	}
#endif

#endif /* _STT_COMPAT_NET_NAMESPACE_H */
