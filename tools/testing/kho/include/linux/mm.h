/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pages, folios and the page allocator of the simulated machine: see shim/mm.c
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_LINUX_MM_H
#define _KHO_LINUX_MM_H

#include <linux/align.h>
#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/log2.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/pfn.h>
#include <linux/poison.h>
#include <linux/sched.h>

#include <asm/page.h>

#define PAGE_ALIGN(addr)	ALIGN(addr, PAGE_SIZE)
#define PAGE_ALIGN_DOWN(addr)	ALIGN_DOWN(addr, PAGE_SIZE)
#define PAGE_ALIGNED(addr)	IS_ALIGNED((unsigned long)(addr), PAGE_SIZE)

#define pgoff_t			unsigned long
#define ARCH_LOW_ADDRESS_LIMIT	0xffffffffULL
#define SMP_CACHE_BYTES		64
#define PHYS_ADDR_MAX		(~(phys_addr_t)0)
#define PG_reserved		0

/* As large as the kernel's, so that the benchmark has the same cache misses */
struct page {
	void *mapping;
	unsigned long index;
	unsigned long private;
	unsigned long flags;
	struct page *next_free;
	struct page *head;
	unsigned int order;
	int count;
	bool allocated;
	bool preserved;
	bool incoming;	/* preserved by the previous kernel, and not handed on */
	bool large;
} __aligned(64);

struct folio {
	union {
		struct page page;
		struct {
			void *mapping;
			unsigned long index;
		};
	};
};

extern struct page *mem_map;

/* Call this once, before anything else. */
void mm_init(void);
/* Start again with a machine on which nothing is allocated. */
void mm_reset(void);
/* Allocate between these offsets from now on; treat all of that memory as free. */
void mm_allocate_from(unsigned long start, unsigned long end);
/* Mark a block as allocated. */
void mm_adopt(struct page *page);
/* Forbid access to a block. It stays allocated. */
void mm_hide(struct page *page);
/* Mark a block as preserved by this kernel, or not. */
void mm_mark_preserved(struct page *page, bool preserved);
/* Mark a block as preserved by the previous kernel. */
void mm_mark_incoming(struct page *page);

unsigned long mm_nr_allocated(void);
unsigned long mm_nr_preserved(void);
/* Return the number of pages up to the last one that was ever allocated. */
unsigned long mm_nr_used(void);

static inline struct page *virt_to_page(const void *virt)
{
	return mem_map + (ram_offset_virt(virt) >> PAGE_SHIFT);
}

static inline struct page *pfn_to_page(unsigned long pfn)
{
	return mem_map + (ram_offset((phys_addr_t)pfn << PAGE_SHIFT) >> PAGE_SHIFT);
}

static inline unsigned long page_to_pfn(const struct page *page)
{
	return (RAM_START >> PAGE_SHIFT) + (page - mem_map);
}

static inline phys_addr_t page_to_phys(const struct page *page)
{
	return (phys_addr_t)page_to_pfn(page) << PAGE_SHIFT;
}

static inline void *page_address(const struct page *page)
{
	return ram + ((page - mem_map) << PAGE_SHIFT);
}

static inline unsigned long page_private(const struct page *page)
{
	return page->private;
}

static inline void set_page_private(struct page *page, unsigned long private)
{
	page->private = private;
}

static inline void *folio_address(const struct folio *folio)
{
	return page_address(&folio->page);
}

static inline unsigned int get_order(unsigned long size)
{
	unsigned int order = 0;

	while (PAGE_SIZE << order < size)
		order++;

	return order;
}

/* Some more pages than were ever allocated */
static inline unsigned long get_num_physpages(void)
{
	return mm_nr_used() + 1024;
}

struct page *alloc_pages(gfp_t gfp, unsigned int order);
void __free_pages(struct page *page, unsigned int order);

static inline void free_pages(unsigned long addr, unsigned int order)
{
	if (addr)
		__free_pages(virt_to_page((void *)addr), order);
}

#define free_page(addr)		free_pages(addr, 0)

/* Drop a reference. */
static inline void __free_page(struct page *page)
{
	if (page->count > 1)
		page->count--;
	else
		__free_pages(page, 0);
}

static inline unsigned long get_zeroed_page(gfp_t gfp)
{
	struct page *page = alloc_pages(gfp, 0);

	return page ? (unsigned long)page_address(page) : 0;
}

static inline void set_page_count(struct page *page, int count)
{
	page->count = count;
}

/* Called for pages that have not been allocated */
static inline void init_page_count(struct page *page)
{
	mm_adopt(page);
	set_page_count(page, 1);
}

static inline void set_compound_head(struct page *page, struct page *head)
{
	page->head = head;
}

static inline void __folio_set_head(struct folio *folio)
{
	folio->page.large = true;
}

static inline void prep_compound_head(struct page *page, unsigned int order)
{
	page->order = order;
}

static inline struct folio *page_rmappable_folio(struct page *page)
{
	init_page_count(page);
	return (struct folio *)page;
}

static inline unsigned int folio_order(const struct folio *folio)
{
	return folio->page.order;
}

static inline bool folio_test_large(const struct folio *folio)
{
	return folio->page.large;
}

static inline unsigned long folio_nr_pages(const struct folio *folio)
{
	return 1UL << folio_order(folio);
}

static inline struct folio *pfn_folio(unsigned long pfn)
{
	return (struct folio *)pfn_to_page(pfn);
}

static inline struct folio *virt_to_folio(const void *virt)
{
	return (struct folio *)virt_to_page(virt);
}

#define nth_page(page, nr)	((page) + (nr))
#define folio_page(folio, nr)	(&(folio)->page + (nr))
#define folio_pfn(folio)	page_to_pfn(&(folio)->page)

static inline struct folio *folio_alloc(gfp_t gfp, unsigned int order)
{
	struct page *page = alloc_pages(gfp, order);

	if (page)
		page->large = order;
	return (struct folio *)page;
}

static inline void folio_get(struct folio *folio)
{
	folio->page.count++;
}

static inline void get_page(struct page *page)
{
	page->count++;
}

static inline void folio_put(struct folio *folio)
{
	if (!--folio->page.count)
		__free_pages(&folio->page, folio->page.order);
}

/*
 * Boot
 */

/* The kernel image: see shim/machine.h */
extern char _text[], _end[];
phys_addr_t __pa_symbol(const char *symbol);

extern unsigned long max_pfn, max_possible_pfn;

#define page_zone(page)				((void)(page), &shim_zone)
#define adjust_managed_page_count(page, nr)	((void)(page), shim_zone.managed_pages += (nr))

void *early_memremap(phys_addr_t phys, size_t size);
void early_memunmap(void *mem, size_t size);
void free_reserved_area(void *start, void *end, int poison, const char *name);

#endif
