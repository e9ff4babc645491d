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

/*
 * The core's own setter is not for modules.  Since 6.3 IPv4 has a limit of its
 * own, which is the same up to 64 KB.
 */
static inline void netdev_set_gso_max(struct net_device *dev,
				      unsigned int size)
{
	WRITE_ONCE(dev->gso_max_size, size);
#ifndef STT_NO_GSO_IPV4_MAX
	WRITE_ONCE(dev->gso_ipv4_max_size, size);
#endif
}

#endif /* _STT_COMPAT_NETDEVICE_H */
