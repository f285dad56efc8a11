// SPDX-License-Identifier: GPL-2.0
/*
 * The page allocator
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * New blocks are taken from the lowest free address upwards. A freed block goes to a list
 * of its order and is never merged or split. With the address sanitizer, free memory cannot
 * be accessed.
 */

#include <string.h>
#include <sys/mman.h>

#include <linux/kernel.h>
#include <linux/mm.h>

#include "shim/check.h"
#include "shim/faults.h"

/* These macros do nothing unless the address sanitizer is on. */
#include <sanitizer/asan_interface.h>

struct page *mem_map;
struct zone shim_zone;

unsigned int shim_fail_at;
bool shim_failed;

static struct page *free_blocks[MAX_PAGE_ORDER + 1];
static unsigned long top;	/* end of the memory that was ever allocated, an offset */
static unsigned long limit;	/* end of the memory that can be allocated */
static unsigned long nr_allocated;

void mm_init(void)
{
	ram_init();
	mem_map = ram_reserve((RAM_SIZE >> PAGE_SHIFT) * sizeof(*mem_map),
			      PROT_READ | PROT_WRITE);
	limit = RAM_SIZE;
}

unsigned long mm_nr_allocated(void)
{
	return nr_allocated;
}

unsigned long mm_nr_used(void)
{
	return top >> PAGE_SHIFT;
}

unsigned long mm_nr_preserved(void)
{
	unsigned long nr = 0, i;

	for (i = 0; i < mm_nr_used(); i++)
		nr += mem_map[i].preserved;

	return nr;
}

void mm_reset(void)
{
	ASAN_POISON_MEMORY_REGION(ram, ram_opened());
	memset(mem_map, 0, (ram_opened() >> PAGE_SHIFT) * sizeof(*mem_map));
	memset(free_blocks, 0, sizeof(free_blocks));
	top = 0;
	limit = RAM_SIZE;
	nr_allocated = 0;
}

void mm_allocate_from(unsigned long start, unsigned long end)
{
	memset(free_blocks, 0, sizeof(free_blocks));
	ram_open(end);
	top = start;
	limit = end;
}

void mm_adopt(struct page *page)
{
	nr_allocated += page->allocated ? 0 : 1UL << page->order;
	page->allocated = true;
}

void mm_hide(struct page *page)
{
	ASAN_POISON_MEMORY_REGION(page_address(page), PAGE_SIZE << page->order);
}

void mm_mark_preserved(struct page *page, bool preserved)
{
	unsigned long i;

	for (i = 0; i < 1UL << page->order; i++) {
		page[i].preserved = preserved;
		page[i].incoming = false;
	}
}

void mm_mark_incoming(struct page *page)
{
	unsigned long i;

	mm_mark_preserved(page, true);
	for (i = 0; i < 1UL << page->order; i++)
		page[i].incoming = true;
}

bool shim_fail_now(void)
{
	if (--shim_fail_at)
		return false;

	shim_failed = true;
	return true;
}

static struct page *take_free(unsigned int order)
{
	struct page *page = free_blocks[order];

	if (page)
		free_blocks[order] = page->next_free;

	return page;
}

/* Memory that is skipped to align a large block stays unused. */
static struct page *take_new(unsigned int order)
{
	unsigned long size = PAGE_SIZE << order;
	unsigned long start = ALIGN(top, size);

	if (start > limit || size > limit - start)
		return NULL;

	top = start + size;
	ram_open(ALIGN(top, PAGE_SIZE << MAX_PAGE_ORDER));
	return mem_map + (start >> PAGE_SHIFT);
}

/* The block is zeroed for any @gfp. */
struct page *alloc_pages(gfp_t gfp, unsigned int order)
{
	struct page *page;

	if (order > MAX_PAGE_ORDER || shim_should_fail())
		return NULL;

	page = take_free(order) ?: take_new(order);
	if (!page)
		return NULL;

	*page = (struct page){ .order = order, .allocated = true, .count = 1 };
	nr_allocated += 1UL << order;
	ASAN_UNPOISON_MEMORY_REGION(page_address(page), PAGE_SIZE << order);
	memset(page_address(page), 0, PAGE_SIZE << order);
	return page;
}

void __free_pages(struct page *page, unsigned int order)
{
	if (!page->allocated || page->order != order)
		die("%p is not an allocated block of order %u", page_address(page), order);

	page->allocated = false;
	page->next_free = free_blocks[order];
	free_blocks[order] = page;
	nr_allocated -= 1UL << order;
	ASAN_POISON_MEMORY_REGION(page_address(page), PAGE_SIZE << order);
}
