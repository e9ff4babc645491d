/* SPDX-License-Identifier: GPL-2.0 */
#include_next <net/nexthop.h>

#ifndef _STT_COMPAT_NEXTHOP_H
#define _STT_COMPAT_NEXTHOP_H

/* Nexthops of an FDB have a port since 7.1. */
#ifdef STT_NO_NH_FDB_PORT
#define nexthop_path_fdb_result(nh, hash, port)	\
	((void)(port), nexthop_path_fdb_result(nh, hash))
#endif

#endif /* _STT_COMPAT_NEXTHOP_H */
