/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A vmalloc area that was handed over, read by a simple model
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_FUZZ_AREA_H
#define _KHO_FUZZ_AREA_H

#include <linux/kho/abi/vmalloc.h>

#include "fuzz/image.h"

/* Limit of pages in an area. A damaged area can contain a page many times. */
#define AREA_MAX_PAGES	2048

/**
 * struct area - an area
 * @pages:     its pages
 * @nr:	       number of @pages
 * @has_twins: a page is in @pages twice
 * @taken:     indexed by page: whether restoring the area ends its preservation
 */
struct area {
	struct page *pages[AREA_MAX_PAGES];
	unsigned int nr;
	bool has_twins;
	bool taken[IMAGE_MAX_PAGES];
};

/* Return whether the area is valid. Does not check @has_twins. */
bool area_read(struct area *area, const struct kho_vmalloc *preservation);

/* Return the number of pages that are taken. */
unsigned long area_taken(const struct area *area);

#endif
