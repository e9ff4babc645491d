/* SPDX-License-Identifier: GPL-2.0 */
#include_next <linux/timer.h>

#ifndef _STT_COMPAT_TIMER_H
#define _STT_COMPAT_TIMER_H

/* Named del_timer_sync() until 6.2. */
#ifdef STT_NO_TIMER_DELETE_SYNC
#define timer_delete_sync(timer)	del_timer_sync(timer)
#endif

/* Named from_timer() until 6.16. */
#ifdef STT_NO_TIMER_CONTAINER_OF
#define timer_container_of(var, timer, field)	\
	container_of(timer, typeof(*(var)), field)
#endif

#endif /* _STT_COMPAT_TIMER_H */
