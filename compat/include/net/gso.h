/* SPDX-License-Identifier: GPL-2.0 */
/* Until 6.5 skb_gso_segment() was declared among all else. */
#ifdef STT_NO_GSO_H
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#else
#include_next <net/gso.h>
#endif
