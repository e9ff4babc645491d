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

#endif /* _STT_COMPAT_NETDEVICE_H */
