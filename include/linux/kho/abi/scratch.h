/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The description of scratch memory that one kernel leaves for the next.
 *
 * Apart from the rest of the ABI because boot code that runs before the kernel
 * proper (the x86 decompressor) reads it too.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_KHO_ABI_SCRATCH_H
#define _LINUX_KHO_ABI_SCRATCH_H

#include <linux/types.h>

/**
 * DOC: KHO scratch regions
 *
 * The boot protocol leads to an array of struct kho_scratch, which stands in a
 * segment of the kexec image. The number of entries follows from the size of the
 * array.
 *
 * Regions don't overlap. The new kernel, its initrd and all else that the kexec
 * image brings lie in them, and until the map has been read the new kernel
 * allocates memory in them only. The root FDT and the map lie elsewhere.
 *
 * The array is handed on unchanged from kernel to kernel.
 */

/**
 * struct kho_scratch - a region in which no preserved page ever lies
 * @addr: physical address, aligned to the largest block of the page allocator
 * @size: in bytes, a multiple of the same
 *
 * The next kernel gets an array of these. It runs inside them until it has
 * read which memory is preserved.
 */
struct kho_scratch {
	phys_addr_t addr;
	phys_addr_t size;
};

#endif /* _LINUX_KHO_ABI_SCRATCH_H */
