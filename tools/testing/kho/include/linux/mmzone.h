/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_MMZONE_H
#define _KHO_LINUX_MMZONE_H

#include <linux/bits.h>

#ifndef MAX_PAGE_ORDER
#define MAX_PAGE_ORDER	10
#endif

#define MAX_ORDER_NR_PAGES	BIT(MAX_PAGE_ORDER)
#define pageblock_order		MAX_PAGE_ORDER
#define pageblock_nr_pages	MAX_ORDER_NR_PAGES
#define pageblock_end_pfn(pfn)	ALIGN((pfn) + 1, pageblock_nr_pages)

/* Memory has one node and one zone. */
#define pfn_to_nid(pfn)		((void)(pfn), 0)

struct zone {
	unsigned long cma_pages;
	long managed_pages;
};

extern struct zone shim_zone;

#endif
