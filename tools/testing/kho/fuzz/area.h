/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A vmalloc area that was handed over, read without any care for time or memory
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_AREA_H
#define _KHO_AREA_H

#include <linux/kho/abi/vmalloc.h>

#include "fuzz/image.h"

/* A page may be there many times. */
#define AREA_MAX_PAGES	2048

/**
 * struct area - an area
 * @pages:     its pages
 * @nr:	       number of them
 * @has_twins: a page is there twice
 * @taken:     what was preserved and is not when the area is restored, by number of the
 *	       page in the machine
 */
struct area {
	struct page *pages[AREA_MAX_PAGES];
	unsigned int nr;
	bool has_twins;
	bool taken[IMAGE_MAX_PAGES];
};

/* Returns whether it is a good one, but for @has_twins. */
bool area_read(struct area *area, const struct kho_vmalloc *preservation);

unsigned long area_taken(const struct area *area);

#endif
