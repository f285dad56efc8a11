/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kexec handover for the memblock simulator: the previous kernel preserved one range
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_KHO_BOOT_H
#define _LINUX_KHO_BOOT_H

#include <linux/types.h>

typedef void (*kho_pfn_range_fn)(unsigned long start_pfn, unsigned long end_pfn);

/* The preserved range; empty by default */
extern phys_addr_t kho_preserved_start, kho_preserved_end;
/* Whether the kernel has read which range that is */
extern bool kho_map_is_read;

static inline void kho_validate_map(void)
{
	kho_map_is_read = true;
}

static inline bool kho_is_unpreserved(phys_addr_t start, phys_addr_t end)
{
	return kho_map_is_read &&
	       (start >= kho_preserved_end || end <= kho_preserved_start);
}

static inline phys_addr_t kho_find_unpreserved(phys_addr_t start,
					       phys_addr_t end,
					       phys_addr_t size,
					       phys_addr_t align)
{
	while (kho_map_is_read && end >= start + size) {
		phys_addr_t addr = (end - size) & ~(align - 1);

		if (addr < start)
			break;
		if (kho_is_unpreserved(addr, addr + size))
			return addr;
		end = kho_preserved_start;
	}

	return 0;
}

static inline unsigned long kho_walk_unpreserved(unsigned long start_pfn,
						 unsigned long end_pfn,
						 kho_pfn_range_fn fn,
						 kho_pfn_range_fn rest)
{
	fn(start_pfn, end_pfn);
	return end_pfn - start_pfn;
}

static inline unsigned long kho_count_unpreserved(unsigned long start_pfn,
						  unsigned long end_pfn)
{
	return end_pfn - start_pfn;
}

#endif /* _LINUX_KHO_BOOT_H */
