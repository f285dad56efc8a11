/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pages with hardware memory errors
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_LINUX_PAGE_FLAGS_H
#define _KHO_LINUX_PAGE_FLAGS_H

#include <linux/atomic.h>
#include <linux/pagemap.h>

#define PageHWPoison(page)		(!!((page)->flags & BIT(FOLIO_POISONED)))
#define SetPageHWPoison(page)		((page)->flags |= BIT(FOLIO_POISONED))
#define folio_test_hwpoison(folio)	folio_has(folio, FOLIO_POISONED)
#define folio_test_has_hwpoisoned(folio)	folio_contain_hwpoisoned_page(folio)

/* Number of pages that were marked. One that was restored is not freed again. */
extern atomic_long_t num_poisoned_pages;

#define num_poisoned_pages_inc(pfn)	((void)(pfn), atomic_long_inc(&num_poisoned_pages))

static inline bool folio_contain_hwpoisoned_page(struct folio *folio)
{
	unsigned long i;

	for (i = 0; i < folio_nr_pages(folio); i++)
		if (PageHWPoison(folio_page(folio, i)))
			return true;
	return false;
}

#endif
