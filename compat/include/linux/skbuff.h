/* SPDX-License-Identifier: GPL-2.0 */
#include_next <linux/skbuff.h>

#ifndef _STT_COMPAT_SKBUFF_H
#define _STT_COMPAT_SKBUFF_H

/* Since 6.15 AccECN has a GSO type. */
#ifdef STT_NO_GSO_ACCECN
#define SKB_GSO_TCP_ACCECN	0
#endif

#endif /* _STT_COMPAT_SKBUFF_H */
