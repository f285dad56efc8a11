/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pages and folios as the core of kexec handover makes them of what boot has left
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_TESTS_LINUX_MM_H
#define _KHO_TESTS_LINUX_MM_H

#include "../../linux/mm.h"

#include <linux/bits.h>
#include <linux/log2.h>
#include <linux/numa.h>
#include <linux/pfn.h>
#include <linux/poison.h>

/* Pages in a page cache */
#define pgoff_t			unsigned long

#define ARCH_LOW_ADDRESS_LIMIT	0xffffffffULL
#define MAX_ORDER_NR_PAGES	BIT(MAX_PAGE_ORDER)
#define pageblock_order		MAX_PAGE_ORDER
#define pageblock_nr_pages	MAX_ORDER_NR_PAGES
#define pageblock_end_pfn(pfn)	ALIGN((pfn) + 1, pageblock_nr_pages)
#define PG_reserved		0
#define SMP_CACHE_BYTES		64
#define PHYS_ADDR_MAX		(~(phys_addr_t)0)

/* Where this kernel lies: see ../machine.h */
extern char _text[], _end[];
phys_addr_t __pa_symbol(const char *symbol);

extern unsigned long max_pfn, max_possible_pfn;

struct zone {
	unsigned long cma_pages;
	long managed_pages;
};

extern struct zone shim_zone;

#define page_zone(page)				((void)(page), &shim_zone)
#define adjust_managed_page_count(page, nr)	((void)(page), shim_zone.managed_pages += (nr))

void *early_memremap(phys_addr_t phys, size_t size);
void early_memunmap(void *mem, size_t size);
void free_reserved_area(void *start, void *end, int poison, const char *name);

static inline void set_page_count(struct page *page, int count)
{
	page->count = count;
}

/* It was nobody's until now. */
static inline void init_page_count(struct page *page)
{
	ram_adopt(page);
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

/* Boot has made it an allocated page, of which nobody knew. */
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

static inline void folio_put(struct folio *folio)
{
	if (!--folio->page.count)
		__free_pages(&folio->page, folio->page.order);
}

static inline unsigned long get_zeroed_page(gfp_t gfp)
{
	struct page *page = alloc_pages(gfp, 0);

	return page ? (unsigned long)page_address(page) : 0;
}

#endif
