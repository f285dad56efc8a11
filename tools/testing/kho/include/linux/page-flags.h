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
/* A poisoned page need not be marked in its folio. */
#define folio_test_has_hwpoisoned(folio)	folio_has(folio, FOLIO_HAS_POISONED)
#define folio_set_has_hwpoisoned(folio)		folio_gets(folio, FOLIO_HAS_POISONED)

/* Number of pages that were marked. One that was restored is not freed again. */
extern atomic_long_t num_poisoned_pages;

#define num_poisoned_pages_inc(pfn)	((void)(pfn), atomic_long_inc(&num_poisoned_pages))

static inline bool folio_contain_hwpoisoned_page(struct folio *folio)
{
	return folio_test_hwpoison(folio) || folio_test_has_hwpoisoned(folio);
}

#endif
