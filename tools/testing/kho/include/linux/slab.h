/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_SLAB_H
#define _KHO_LINUX_SLAB_H

#include <linux/cleanup.h>
#include <linux/gfp.h>
#include <linux/types.h>

void *kmalloc(size_t size, gfp_t gfp);
void *kmalloc_array(size_t nr, size_t size, gfp_t gfp);
void *kvrealloc(const void *mem, size_t size, gfp_t gfp);
void *kmemdup(const void *mem, size_t size, gfp_t gfp);
char *kstrndup(const char *str, size_t max, gfp_t gfp);
void kfree(const void *mem);

/* Return the number of allocated objects. */
unsigned long slab_objects(void);
/* Free all objects, because the kernel that owned them is gone. */
void slab_reset(void);

#define kzalloc(size, gfp)		kmalloc(size, (gfp) | __GFP_ZERO)
#define kvmalloc_array(nr, size, gfp)	kmalloc_array(nr, size, gfp)
#define kvcalloc(nr, size, gfp)		kmalloc_array(nr, size, (gfp) | __GFP_ZERO)
/* Also frees vmalloc areas */
void kvfree(const void *mem);

DEFINE_FREE(kfree, void *, kfree(_T))

#endif
