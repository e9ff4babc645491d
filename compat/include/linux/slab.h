/* SPDX-License-Identifier: GPL-2.0 */
#include_next <linux/slab.h>

#ifndef _STT_COMPAT_SLAB_H
#define _STT_COMPAT_SLAB_H

/* Since 7.0, and one by one in stable kernels before it. */
#ifdef STT_NO_KZALLOC_OBJ
#define kzalloc_obj(obj, gfp)	kzalloc(sizeof(obj), gfp)
#endif
#ifndef kvzalloc_obj
#define kvzalloc_obj(obj, gfp)	kvzalloc(sizeof(obj), gfp)
#endif

#endif /* _STT_COMPAT_SLAB_H */
