/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_SHIM_LINUX_SLAB_H
#define _KHO_SHIM_LINUX_SLAB_H

#include <linux/cleanup.h>
#include <linux/gfp.h>
#include <linux/types.h>

void *kmalloc(size_t size, gfp_t gfp);
void *kmalloc_array(size_t nr, size_t size, gfp_t gfp);
void *kvrealloc(const void *mem, size_t size, gfp_t gfp);
char *kstrndup(const char *str, size_t max, gfp_t gfp);
void kfree(const void *mem);

/* How many have not been freed */
unsigned long slab_objects(void);
/* Free them all: the kernel that had them is no more. */
void slab_reset(void);

#define kzalloc(size, gfp)		kmalloc(size, (gfp) | __GFP_ZERO)
#define kvmalloc_array(nr, size, gfp)	kmalloc_array(nr, size, gfp)
#define kvcalloc(nr, size, gfp)		kmalloc_array(nr, size, (gfp) | __GFP_ZERO)
#define kvfree(mem)			kfree(mem)

DEFINE_FREE(kfree, void *, kfree(_T))

#endif
