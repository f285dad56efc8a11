// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kexec handover: pages of its own.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/pgalloc_tag.h>
#include <linux/sched.h>

#include "kexec_handover_internal.h"

/**
 * kho_alloc_folio - allocate memory that the next kernel finds where it was
 * @order: log2 of its size in pages
 *
 * Memory that was plugged in after boot is not in the memory map that the next
 * kernel gets. Low memory was there at boot.
 *
 * Context: May sleep.
 * Return: a zeroed, unmovable folio, or NULL.
 */
struct folio *kho_alloc_folio(unsigned int order)
{
	gfp_t gfp = GFP_KERNEL | __GFP_ZERO;
	struct folio *folio = folio_alloc(gfp, order);

	if (!folio || !kho_enable || kho_has_home(folio_pfn(folio), 1UL << order))
		return folio;

	folio_put(folio);
	folio = folio_alloc(gfp | GFP_DMA32, order);
	if (!folio || kho_has_home(folio_pfn(folio), 1UL << order))
		return folio;

	folio_put(folio);
	return NULL;
}

/*
 * Withheld pages are as boot has initialized them: allocated, but not managed.
 * A block may be larger than what struct pages are contiguous for, and cross a
 * zone's end in this kernel.
 */
void kho_manage_pages(unsigned long pfn, unsigned long nr)
{
	unsigned long end_pfn = pfn + nr;

	while (pfn < end_pfn) {
		unsigned long chunk_end = min(end_pfn, ALIGN(pfn + 1, MAX_ORDER_NR_PAGES));
		struct page *page = pfn_to_page(pfn);

		adjust_managed_page_count(page, chunk_end - pfn);
		for (; pfn < chunk_end; pfn++, page++)
			clear_page_tag_ref(page);
		cond_resched();
	}
}

/**
 * kho_adopt_page - make a page that was withheld at boot an allocated page
 * @page: the page
 *
 * Context: May sleep; when all struct pages are initialized.
 */
void kho_adopt_page(struct page *page)
{
	kho_manage_pages(page_to_pfn(page), 1);
	init_page_count(page);
}
