/* SPDX-License-Identifier: GPL-2.0 */
/* What iplink_stt.c takes from iproute2's rt_names.h; see utils.h. */
#ifndef _STT_PLUGIN_RT_NAMES_H
#define _STT_PLUGIN_RT_NAMES_H

#include <asm/types.h>

int rtnl_dsfield_a2n(__u32 *id, const char *arg);

#endif /* _STT_PLUGIN_RT_NAMES_H */
