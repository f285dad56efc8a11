// SPDX-License-Identifier: GPL-2.0
/*
 * A small machine on which the core of kexec handover boots, with the functions of
 * memblock and of the page allocator that it calls
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <string.h>

#include <linux/kernel.h>
#include <linux/kexec.h>
#include <linux/kexec_handover.h>
#include <linux/moduleparam.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/page-isolation.h>
#include <linux/pfn.h>

#include <sanitizer/asan_interface.h>

#include "shim/check.h"
#include "shim/machine.h"
#include "shim/reboot.h"

#define MAX_REGIONS	16

#define PAGES(nr)	((phys_addr_t)(nr) << PAGE_SHIFT)

unsigned long totalcma_pages;
unsigned long max_pfn, max_possible_pfn;
struct kimage *kexec_image;
atomic_t __kexec_lock;
bool kexec_in_progress;
char _text[1];

static struct memblock_region memory_regions[MAX_REGIONS];
static struct memblock_region reserved_regions[MAX_REGIONS];
static unsigned int nr_scratch;

struct memblock memblock = {
	.memory = { .max = MAX_REGIONS, .regions = memory_regions },
	.reserved = { .max = MAX_REGIONS, .regions = reserved_regions },
};

/*
 * memblock
 */

static void insert_region(struct memblock_type *type, unsigned long i,
			  phys_addr_t base, phys_addr_t size, unsigned int flags)
{
	check(type->cnt < type->max);
	memmove(&type->regions[i + 1], &type->regions[i],
		(type->cnt - i) * sizeof(*type->regions));
	type->regions[i] = (struct memblock_region){ base, size, flags };
	type->cnt++;
}

static const struct memblock_region *find_region(const struct memblock_type *type,
						 phys_addr_t phys)
{
	unsigned long i;

	for (i = 0; i < type->cnt; i++)
		if (phys - type->regions[i].base < type->regions[i].size)
			return &type->regions[i];

	return NULL;
}

/* Firmware has reported all RAM before. */
int memblock_add(phys_addr_t base, phys_addr_t size)
{
	check(machine_is_ram(base, base + size));
	return 0;
}

int memblock_reserve(phys_addr_t base, phys_addr_t size)
{
	unsigned long i = 0;

	while (i < memblock.reserved.cnt && memblock.reserved.regions[i].base < base)
		i++;
	insert_region(&memblock.reserved, i, base, size, 0);
	return 0;
}

static void split_memory_at(phys_addr_t phys)
{
	struct memblock_region *region;
	unsigned long i;

	for (i = 0; i < memblock.memory.cnt; i++) {
		region = &memblock.memory.regions[i];
		if (phys <= region->base || phys >= region->base + region->size)
			continue;
		insert_region(&memblock.memory, i + 1, phys,
			      region->base + region->size - phys, region->flags);
		region->size = phys - region->base;
	}
}

int memblock_mark_kho_scratch(phys_addr_t base, phys_addr_t size)
{
	unsigned long i;

	split_memory_at(base);
	split_memory_at(base + size);
	for (i = 0; i < memblock.memory.cnt; i++)
		if (memblock_addrs_overlap(base, size, memblock.memory.regions[i].base,
					   memblock.memory.regions[i].size))
			memblock.memory.regions[i].flags |= MEMBLOCK_KHO_SCRATCH;
	return 0;
}

bool memblock_is_map_memory(phys_addr_t phys)
{
	return find_region(&memblock.memory, phys);
}

bool memblock_is_kho_scratch(phys_addr_t phys)
{
	const struct memblock_region *region = find_region(&memblock.memory, phys);

	return region && region->flags & MEMBLOCK_KHO_SCRATCH;
}

bool memblock_is_reserved(phys_addr_t phys)
{
	return find_region(&memblock.reserved, phys);
}

phys_addr_t memblock_phys_mem_size(void)
{
	return PAGES(MACHINE_PAGES - (MACHINE_HOLE_END - MACHINE_HOLE));
}

phys_addr_t memblock_kernel_reserved_size(phys_addr_t limit, int nid)
{
	return limit == PHYS_ADDR_MAX ? PAGES(MACHINE_SCRATCH_PAGES) :
					PAGES(MACHINE_SCRATCH_PAGES / 2);
}

phys_addr_t memblock_kernel_allocated_size(void)
{
	return PAGES(MACHINE_SCRATCH_PAGES / 4);
}

void *memblock_alloc(phys_addr_t size, phys_addr_t align)
{
	struct page *page = alloc_pages(GFP_KERNEL, get_order(size));

	return page ? page_address(page) : NULL;
}

void memblock_free(void *mem, size_t size)
{
	if (mem)
		free_pages((unsigned long)mem, get_order(size));
}

phys_addr_t memblock_alloc_range_nid(phys_addr_t size, phys_addr_t align,
				     phys_addr_t start, phys_addr_t end, int nid,
				     bool exact_nid)
{
	if (size > PAGES(MACHINE_SCRATCH_PAGES) || nr_scratch == 2)
		return 0;

	return RAM_START + PAGES(MACHINE_SCRATCH + MACHINE_SCRATCH_PAGES * nr_scratch++);
}

/*
 * Boot
 */

phys_addr_t __pa_symbol(const char *symbol)
{
	return RAM_START + PAGES(symbol == _text ? MACHINE_SCRATCH : MACHINE_SCRATCH + 2);
}

void *early_memremap(phys_addr_t phys, size_t size)
{
	check(machine_is_ram(phys, phys + size));
	return phys_to_virt(phys);
}

void early_memunmap(void *mem, size_t size)
{
}

void free_reserved_area(void *start, void *end, int poison, const char *name)
{
	memblock_free(start, end - start);
}

void shim_init_scratch_block(struct page *page)
{
}

int kexec_add_buffer(struct kexec_buf *kbuf)
{
	return 0;
}

/* The next kernel has no command line. */
char *parse_args(const char *name, char *args, const struct kernel_param *params,
		 unsigned int num, s16 level_min, s16 level_max, void *arg,
		 parse_unknown_fn unknown)
{
	return NULL;
}

bool parameq(const char *name1, const char *name2)
{
	return !strcmp(name1, name2);
}

void arch_kho_note_option(struct kimage *image, const char *param, char *val)
{
}

bool machine_is_ram(phys_addr_t start, phys_addr_t end)
{
	phys_addr_t first = start - RAM_START, last = end - 1 - RAM_START;

	return start < end && last < PAGES(MACHINE_PAGES) && first <= last &&
	       (last < PAGES(MACHINE_HOLE) || first >= PAGES(MACHINE_HOLE_END));
}

static void start_memblock(void)
{
	memblock.memory.cnt = 0;
	memblock.reserved.cnt = 0;
	nr_scratch = 0;
	insert_region(&memblock.memory, 0, RAM_START, PAGES(MACHINE_HOLE), 0);
	insert_region(&memblock.memory, 1, RAM_START + PAGES(MACHINE_HOLE_END),
		      PAGES(MACHINE_PAGES - MACHINE_HOLE_END), 0);
	memblock_reserve(RAM_START + PAGES(MACHINE_SCRATCH), PAGES(2));
	memblock_reserve(RAM_START + PAGES(MACHINE_HEAP),
			 PAGES(MACHINE_PAGES - MACHINE_HEAP));
}

static void start_kernel(void)
{
	reboot();
	start_memblock();
	shim_zone = (struct zone){};
}

void machine_cold_boot(void)
{
	mm_allocate_from(0, PAGES(MACHINE_HOLE));
	start_kernel();
}

void machine_kexec(void)
{
	mm_allocate_from(PAGES(MACHINE_HEAP), PAGES(MACHINE_PAGES));
	/* An early kernel may read all of RAM, because it does not have the map yet. */
	ASAN_UNPOISON_MEMORY_REGION(ram, PAGES(MACHINE_PAGES));
	ASAN_POISON_MEMORY_REGION(ram + PAGES(MACHINE_HOLE),
				  PAGES(MACHINE_HOLE_END - MACHINE_HOLE));
	memset(mem_map, 0, MACHINE_PAGES * sizeof(*mem_map));
	start_kernel();
}

void machine_mark_reserved(void)
{
	const struct memblock_region *region;
	phys_addr_t phys;

	for_each_reserved_mem_region(region)
		for (phys = PAGE_ALIGN_DOWN(region->base);
		     phys < region->base + region->size; phys += PAGE_SIZE)
			pfn_to_page(PHYS_PFN(phys))->flags |= 1UL << PG_reserved;
}
