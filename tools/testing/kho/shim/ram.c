// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of a simulated machine, and its page allocator
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Only pages that are touched take memory of the host. Blocks are taken from
 * the bottom up, and go back to a list of their own order. Above them nothing
 * can be touched; with the address sanitizer, nothing that is not allocated.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <linux/kernel.h>
#include <linux/mm.h>

#include "faults.h"

/* Defined away unless the address sanitizer is on */
#include <sanitizer/asan_interface.h>

#define OPEN_STEP	(PAGE_SIZE << MAX_PAGE_ORDER)

char *ram;
struct page *mem_map;

static struct page *free_blocks[MAX_PAGE_ORDER + 1];
static unsigned long top;	/* offset of what was never allocated */
static unsigned long limit;	/* offset of what can't be allocated */
static unsigned long opened;	/* offset of what can't be touched yet */
static unsigned long nr_allocated;

static void __noreturn no_room(void)
{
	perror("no room for the simulated memory");
	exit(1);
}

static void *reserve(size_t size, int prot)
{
	void *mem = mmap(NULL, size, prot,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED)
		no_room();

	return mem;
}

/* To be called once, before anything else of the shim */
void ram_init(void)
{
	ram = reserve(RAM_SIZE, PROT_NONE);
	mem_map = reserve((RAM_SIZE >> PAGE_SHIFT) * sizeof(*mem_map),
			  PROT_READ | PROT_WRITE);
	limit = RAM_SIZE;
}

/* Up to there the memory can be touched, as far as it is allocated. */
static void open_up_to(unsigned long end)
{
	while (opened < end) {
		if (mprotect(ram + opened, OPEN_STEP, PROT_READ | PROT_WRITE))
			no_room();
		ASAN_POISON_MEMORY_REGION(ram + opened, OPEN_STEP);
		opened += OPEN_STEP;
	}
}

unsigned long ram_allocated_pages(void)
{
	return nr_allocated;
}

unsigned long ram_used_pages(void)
{
	return top >> PAGE_SHIFT;
}

/* Another machine: all of the memory is as it was when nothing was allocated. */
void ram_reset(void)
{
	ASAN_POISON_MEMORY_REGION(ram, opened);
	memset(mem_map, 0, (opened >> PAGE_SHIFT) * sizeof(*mem_map));
	memset(free_blocks, 0, sizeof(free_blocks));
	top = 0;
	limit = RAM_SIZE;
	nr_allocated = 0;
}

/* What is between two offsets is new and to be allocated. */
void ram_allocate_from(unsigned long start, unsigned long end)
{
	memset(free_blocks, 0, sizeof(free_blocks));
	open_up_to(end);
	top = start;
	limit = end;
}

/* A page that was nobody's is an allocated one. */
void ram_adopt(struct page *page)
{
	nr_allocated += page->allocated ? 0 : 1UL << page->order;
	page->allocated = true;
}

/* Nobody may touch the block any more, and nobody gets it. */
void ram_hide(struct page *page)
{
	ASAN_POISON_MEMORY_REGION(page_address(page), PAGE_SIZE << page->order);
}

void ram_no_such_phys(phys_addr_t phys)
{
	fprintf(stderr, "%#llx is no physical address of the simulated memory\n",
		(unsigned long long)phys);
	abort();
}

void ram_no_such_virt(const void *virt)
{
	fprintf(stderr, "%p does not point into the simulated memory\n", virt);
	abort();
}

static struct page *take_free(unsigned int order)
{
	struct page *page = free_blocks[order];

	if (page)
		free_blocks[order] = page->next_free;

	return page;
}

/* What is skipped to align a large block is not used any more. */
static struct page *take_new(unsigned int order)
{
	unsigned long size = PAGE_SIZE << order;
	unsigned long start = ALIGN(top, size);

	if (start > limit || size > limit - start)
		return NULL;

	top = start + size;
	open_up_to(top);
	return mem_map + (start >> PAGE_SHIFT);
}

/* The block is zeroed whatever @gfp is. */
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
	if (!page->allocated || page->order != order) {
		fprintf(stderr, "%p is no allocated block of order %u\n",
			page_address(page), order);
		abort();
	}

	page->allocated = false;
	page->next_free = free_blocks[order];
	free_blocks[order] = page;
	nr_allocated -= 1UL << order;
	ASAN_POISON_MEMORY_REGION(page_address(page), PAGE_SIZE << order);
}

unsigned long ram_preserved_pages(void)
{
	unsigned long nr = 0, i;

	for (i = 0; i < ram_used_pages(); i++)
		nr += mem_map[i].preserved;

	return nr;
}

/* A block as a whole, however it is preserved in the kernel */
void ram_mark_preserved(struct page *page, bool preserved)
{
	unsigned long i;

	for (i = 0; i < 1UL << page->order; i++)
		page[i].preserved = preserved;
}
