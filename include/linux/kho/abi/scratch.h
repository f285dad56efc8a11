/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wire format of the scratch regions.
 *
 * This is a separate header because the x86 decompressor includes it too.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_KHO_ABI_SCRATCH_H
#define _LINUX_KHO_ABI_SCRATCH_H

#include <linux/types.h>

/**
 * DOC: KHO scratch regions
 *
 * The boot protocol passes the address and the size of an array of struct
 * kho_scratch, which is in a segment of the kexec image. The size of the array
 * determines the number of entries.
 *
 * Regions don't overlap. They contain the new kernel, its initrd and everything
 * else that the kexec image loads, and the new kernel allocates memory only
 * there until it has read the map. The root FDT and the map lie outside of
 * them.
 *
 * Each kernel hands over the same regions. Entries of size 0 are skipped.
 */

/**
 * struct kho_scratch - a region where no page is ever preserved
 * @addr: physical address, aligned to the largest block of the page allocator
 * @size: size in bytes, aligned likewise
 */
struct kho_scratch {
	phys_addr_t addr;
	phys_addr_t size;
};

#endif /* _LINUX_KHO_ABI_SCRATCH_H */
