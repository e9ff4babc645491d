/* SPDX-License-Identifier: GPL-2.0 */
/* Split off skbuff.h in 6.10. */
#ifdef STT_NO_SKBUFF_REF_H
#include <linux/skbuff.h>
#else
#include_next <linux/skbuff_ref.h>
#endif
