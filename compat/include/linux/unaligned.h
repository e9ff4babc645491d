/* SPDX-License-Identifier: GPL-2.0 */
/* Until 6.12 the header was each architecture's own. */
#ifdef STT_NO_UNALIGNED_H
#include <asm/unaligned.h>
#else
#include_next <linux/unaligned.h>
#endif
