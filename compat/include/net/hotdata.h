/* SPDX-License-Identifier: GPL-2.0 */
/* Before 6.9 the core's settings are variables of their own. */
#ifndef _STT_COMPAT_HOTDATA_H
#define _STT_COMPAT_HOTDATA_H

#ifdef STT_NO_HOTDATA			/* 6.9 */
#include <linux/netdevice.h>

struct stt_compat_hotdata {
	int	max_backlog;
};

#define net_hotdata	(*(struct stt_compat_hotdata *)&netdev_max_backlog)
#else
#include_next <net/hotdata.h>
#endif

#endif /* _STT_COMPAT_HOTDATA_H */
