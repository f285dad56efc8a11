/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memblock: see shim/machine.c
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_LINUX_MEMBLOCK_H
#define _KHO_LINUX_MEMBLOCK_H

#include <linux/numa.h>
#include <linux/types.h>

#define MEMBLOCK_NOMAP			0x4
#define MEMBLOCK_KHO_SCRATCH		0x20
#define MEMBLOCK_RSRV_FIRMWARE		0x80
#define MEMBLOCK_ALLOC_ACCESSIBLE	0

struct memblock_region {
	phys_addr_t base;
	phys_addr_t size;
	unsigned int flags;
};

struct memblock_type {
	unsigned long cnt;
	unsigned long max;
	struct memblock_region *regions;
};

struct memblock {
	struct memblock_type memory;
	struct memblock_type reserved;
};

extern struct memblock memblock;

static inline bool memblock_addrs_overlap(phys_addr_t base1, phys_addr_t size1,
					  phys_addr_t base2, phys_addr_t size2)
{
	return base1 < base2 + size2 && base2 < base1 + size1;
}

int memblock_add(phys_addr_t base, phys_addr_t size);
int memblock_reserve(phys_addr_t base, phys_addr_t size);
int memblock_mark_kho_scratch(phys_addr_t base, phys_addr_t size);
#define memblock_set_kho_scratch_only()		((void)0)
#define memblock_clear_kho_scratch_only()	((void)0)
#define memblock_set_bottom_up(bottom_up)	((void)(bottom_up))

bool memblock_is_map_memory(phys_addr_t phys);
bool memblock_is_kho_scratch(phys_addr_t phys);
bool memblock_is_reserved(phys_addr_t phys);
phys_addr_t memblock_phys_mem_size(void);
phys_addr_t memblock_kernel_reserved_size(phys_addr_t limit, int nid);
phys_addr_t memblock_kernel_allocated_size(void);

void *memblock_alloc(phys_addr_t size, phys_addr_t align);
#define memblock_alloc_raw(size, align)		memblock_alloc(size, align)
void memblock_free(void *mem, size_t size);
phys_addr_t memblock_alloc_range_nid(phys_addr_t size, phys_addr_t align,
				     phys_addr_t start, phys_addr_t end, int nid,
				     bool exact_nid);
#define memblock_phys_free(base, size)	((void)(base), (void)(size))

static inline bool shim_mem_range(u64 i, phys_addr_t *start, phys_addr_t *end)
{
	if (i >= memblock.memory.cnt)
		return false;

	*start = memblock.memory.regions[i].base;
	*end = *start + memblock.memory.regions[i].size;
	return true;
}

static inline const struct memblock_region *shim_mem_region(u64 i)
{
	return i < memblock.memory.cnt ? &memblock.memory.regions[i] : NULL;
}

static inline const struct memblock_region *shim_reserved_region(u64 i)
{
	return i < memblock.reserved.cnt ? &memblock.reserved.regions[i] : NULL;
}

#define for_each_mem_range(i, start, end) \
	for (u64 __nr = 0; shim_mem_range((i) = __nr++, start, end);)

#define for_each_mem_region(region) \
	for (u64 __nr = 0; ((region) = shim_mem_region(__nr++));)

#define for_each_reserved_mem_region(region) \
	for (u64 __nr = 0; ((region) = shim_reserved_region(__nr++));)

#endif
