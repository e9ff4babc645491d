/* SPDX-License-Identifier: GPL-2.0 */
#include_next <linux/netdevice.h>

#ifndef _STT_COMPAT_NETDEVICE_H
#define _STT_COMPAT_NETDEVICE_H

/* dev->lltx was a feature flag until 6.12. */
static inline void netdev_set_lltx(struct net_device *dev)
{
#ifdef STT_NO_DEV_LLTX
	dev->features |= NETIF_F_LLTX;
#else
	dev->lltx = true;
#endif
}

/* dev->change_proto_down was a private flag until 6.12. */
static inline void netdev_set_change_proto_down(struct net_device *dev)
{
#ifdef STT_NO_CHANGE_PROTO_DOWN
	dev->priv_flags |= IFF_CHANGE_PROTO_DOWN;
#else
	dev->change_proto_down = true;
#endif
}

/*
 * Change the GSO maxima that are still @old.  The core's own setter is not for
 * modules.  Since 6.3 IPv4 has a limit of its own.
 */
static inline void netdev_follow_gso_max(struct net_device *dev,
					 unsigned int old, unsigned int size)
{
	if (dev->gso_max_size == old)
		WRITE_ONCE(dev->gso_max_size, size);
#ifndef STT_NO_GSO_IPV4_MAX
	if (dev->gso_ipv4_max_size == old)
		WRITE_ONCE(dev->gso_ipv4_max_size, size);
#endif
}

static inline unsigned int netdev_get_gso_max(const struct net_device *dev,
					      bool v6)
{
#ifndef STT_NO_GSO_IPV4_MAX
	if (!v6)
		return READ_ONCE(dev->gso_ipv4_max_size);
#endif
	return READ_ONCE(dev->gso_max_size);
}

/* Since 6.3 GRO makes IPv4 packets above 64 KB, too. */
static inline unsigned int netdev_get_gro_max(const struct net_device *dev,
					      bool v6)
{
	if (v6)
		return READ_ONCE(dev->gro_max_size);
#ifndef STT_NO_GSO_IPV4_MAX
	return READ_ONCE(dev->gro_ipv4_max_size);
#else
	return GRO_LEGACY_MAX_SIZE;
#endif
}

/*
 * ndo_fdb_add and ndo_fdb_del tell since 6.15 whether they have told
 * listeners; before, the core tells them as well.  ndo_fdb_del_bulk gets the
 * message itself since 6.7.  NDO_FDB_ADD_SHIM(f) and so on stand before the
 * ops, NDO_FDB_ADD(f) and so on in them.
 */
#ifdef STT_NO_FDB_NOTIFIED
#define NDO_FDB_ADD(f)		f##_shim
#define NDO_FDB_ADD_SHIM(f)						\
	static int f##_shim(struct ndmsg *ndm, struct nlattr *tb[],	\
			    struct net_device *dev,			\
			    const unsigned char *addr, u16 vid,		\
			    u16 flags, struct netlink_ext_ack *extack)	\
	{								\
		bool notified;						\
									\
		return f(ndm, tb, dev, addr, vid, flags, &notified,	\
			 extack);					\
	}
#define NDO_FDB_DEL(f)		f##_shim
#define NDO_FDB_DEL_SHIM(f)						\
	static int f##_shim(struct ndmsg *ndm, struct nlattr *tb[],	\
			    struct net_device *dev,			\
			    const unsigned char *addr, u16 vid,		\
			    struct netlink_ext_ack *extack)		\
	{								\
		bool notified;						\
									\
		return f(ndm, tb, dev, addr, vid, &notified, extack);	\
	}
#else
#define NDO_FDB_ADD(f)		f
#define NDO_FDB_ADD_SHIM(f)
#define NDO_FDB_DEL(f)		f
#define NDO_FDB_DEL_SHIM(f)
#endif

#ifdef STT_NO_FDB_BULK_NLMSG
#define NDO_FDB_DEL_BULK(f)	f##_shim
#define NDO_FDB_DEL_BULK_SHIM(f)					\
	static int f##_shim(struct ndmsg *ndm, struct nlattr *tb[],	\
			    struct net_device *dev, u16 vid,		\
			    struct netlink_ext_ack *extack)		\
	{								\
		return f((void *)ndm - NLMSG_HDRLEN, dev, extack);	\
	}
#else
#define NDO_FDB_DEL_BULK(f)	f
#define NDO_FDB_DEL_BULK_SHIM(f)
#endif

/* Up to 6.12 at least, ndo_netpoll_setup gets a netpoll_info as well. */
#ifdef STT_NO_NETPOLL_SETUP_DEV
#define NDO_NETPOLL_SETUP(f)	f##_shim
#define NDO_NETPOLL_SETUP_SHIM(f)					\
	static int f##_shim(struct net_device *dev,			\
			    struct netpoll_info *info)			\
	{								\
		return f(dev);						\
	}
#else
#define NDO_NETPOLL_SETUP(f)	f
#define NDO_NETPOLL_SETUP_SHIM(f)
#endif

#endif /* _STT_COMPAT_NETDEVICE_H */
