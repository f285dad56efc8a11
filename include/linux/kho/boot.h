/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kexec handover: what mm and the architectures use, most of it while they boot.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_KHO_BOOT_H
#define _LINUX_KHO_BOOT_H

#include <linux/types.h>

/* Returns whether a range of physical addresses (end exclusive) is RAM */
typedef bool (*kho_is_ram_fn)(phys_addr_t start, phys_addr_t end);
/* Called for a range of page frame numbers (end exclusive) */
typedef void (*kho_pfn_range_fn)(unsigned long start_pfn, unsigned long end_pfn);

#ifdef CONFIG_KEXEC_HANDOVER

void kho_populate(phys_addr_t fdt_phys, u64 fdt_len,
		  phys_addr_t scratch_phys, u64 scratch_len);
void kho_early_init(kho_is_ram_fn is_ram);
void kho_memory_init(void);

void kho_validate_map(void);
phys_addr_t kho_find_unpreserved(phys_addr_t start, phys_addr_t end,
				 phys_addr_t size, phys_addr_t align);
bool kho_is_unpreserved(phys_addr_t start, phys_addr_t end);
unsigned long kho_walk_unpreserved(unsigned long start_pfn, unsigned long end_pfn,
				   kho_pfn_range_fn fn, kho_pfn_range_fn rest);
unsigned long kho_count_unpreserved(unsigned long start_pfn, unsigned long end_pfn);

bool kho_is_preservable(unsigned long pfn, unsigned long nr);

#else

static inline void kho_populate(phys_addr_t fdt_phys, u64 fdt_len,
				phys_addr_t scratch_phys, u64 scratch_len)
{
}

static inline void kho_early_init(kho_is_ram_fn is_ram)
{
}

static inline void kho_memory_init(void)
{
}

static inline void kho_validate_map(void)
{
}

static inline phys_addr_t kho_find_unpreserved(phys_addr_t start,
					       phys_addr_t end,
					       phys_addr_t size,
					       phys_addr_t align)
{
	return 0;
}

static inline bool kho_is_unpreserved(phys_addr_t start, phys_addr_t end)
{
	return true;
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

#endif /* CONFIG_KEXEC_HANDOVER */

#endif /* _LINUX_KHO_BOOT_H */
