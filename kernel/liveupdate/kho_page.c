// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kexec handover: allocate pages that can be preserved, check and adopt withheld pages.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <linux/align.h>
#include <linux/gfp.h>
#include <linux/kexec_handover.h>
#include <linux/mm.h>
#include <linux/pgalloc_tag.h>
#include <linux/range.h>
#include <linux/sched.h>

#include <linux/kho/boot.h>

#include "kexec_handover_internal.h"

/**
 * kho_alloc_folio - allocate memory that can be preserved
 * @order: log2 of its size in pages
 *
 * The next kernel's memory map lacks memory that was hot-added to this one. If
 * the first allocation is in such memory, retry in low memory, which is present
 * at boot.
 *
 * Context: May sleep. Does not invoke the OOM killer.
 * Return: a zeroed, unmovable folio, or NULL.
 */
struct folio *kho_alloc_folio(unsigned int order)
{
	gfp_t gfp = GFP_KERNEL | __GFP_ZERO | __GFP_RETRY_MAYFAIL | __GFP_NOWARN;
	struct folio *folio = folio_alloc(gfp, order);

	if (!folio || !kho_is_enabled() ||
	    kho_is_preservable(folio_pfn(folio), 1UL << order))
		return folio;

	folio_put(folio);
	folio = folio_alloc(gfp | GFP_DMA32, order);
	if (!folio || kho_is_preservable(folio_pfn(folio), 1UL << order))
		return folio;

	folio_put(folio);
	return NULL;
}

/**
 * kho_any_reserved - check whether this kernel reserved incoming memory at boot
 * @pfn: first page frame number
 * @nr:  number of pages
 *
 * Such pages stay reserved even if the map has them: a revived reserve_mem= region,
 * the root FDT, a region that firmware reserves.
 *
 * Context: Any.
 * Return: true if at least one of the pages is reserved.
 */
bool kho_any_reserved(unsigned long pfn, unsigned long nr)
{
	const struct range *range = kho_in.reserved;
	unsigned int i;

	for (i = 0; i < kho_in.nr_reserved; i++, range++)
		if (pfn < range->end && pfn + nr > range->start)
			return true;

	return false;
}

/*
 * Let memory allocation profiling count blocks as if they were allocated here. Only
 * the first page of a block gets a tag: when the block is freed no other tag is
 * cleared, and when it is split that tag is copied. alloc_hooks() needs a return value.
 */
static bool kho_tag_blocks_noprof(struct page *page, unsigned long nr,
				  unsigned int order)
{
	unsigned long i;

	if (!mem_alloc_profiling_enabled())
		return false;

	for (i = 0; i < nr; i += 1UL << order)
		pgalloc_tag_add(page + i, current, 1U << order);
	return true;
}

/**
 * kho_manage_pages - add withheld pages to the managed pages of their zones
 * @pfn:   first page frame number
 * @nr:	   number of pages
 * @order: log2 of the number of pages that are freed together
 *
 * Boot initializes withheld pages like allocated pages, but does not count them
 * as managed. Struct pages are contiguous, and in one zone, only up to the next
 * MAX_ORDER boundary.
 *
 * Context: May sleep.
 */
void kho_manage_pages(unsigned long pfn, unsigned long nr, unsigned int order)
{
	unsigned long end_pfn = pfn + nr;

	while (pfn < end_pfn) {
		unsigned long chunk_end = min(end_pfn, ALIGN(pfn + 1, MAX_ORDER_NR_PAGES));
		struct page *page = pfn_to_page(pfn);

		adjust_managed_page_count(page, chunk_end - pfn);
		/* A block may consist of several chunks. */
		if (IS_ALIGNED(pfn, 1UL << order))
			alloc_hooks(kho_tag_blocks_noprof(page, chunk_end - pfn, order));
		pfn = chunk_end;
		cond_resched();
	}
}

/**
 * kho_adopt_page - turn a withheld page into an allocated page
 * @page: the page
 *
 * Context: May sleep. All struct pages must be initialized.
 */
void kho_adopt_page(struct page *page)
{
	kho_manage_pages(page_to_pfn(page), 1, 0);
	init_page_count(page);
}
