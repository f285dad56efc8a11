/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A sorted set of blocks: what a radix tree has to be equal to
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Nothing here is clever. A key is the same number as in the tree, but what it
 * stands for is calculated anew.
 */
#ifndef _KHO_MODEL_H
#define _KHO_MODEL_H

#include <linux/bits.h>
#include <linux/types.h>

#define MODEL_MAX	4096

/* Page frame numbers are below this. */
#define MODEL_END_PFN	BIT(64 - PAGE_SHIFT)

struct model {
	u64 keys[MODEL_MAX];
	unsigned int nr;
};

struct model_block {
	unsigned long pfn;
	unsigned long end_pfn;
	unsigned int order;
};

/* Pages that lie in blocks, one behind another */
struct model_range {
	unsigned long pfn;
	unsigned long end_pfn;
};

u64 model_key(unsigned long pfn, unsigned int order);
struct model_block model_block(u64 key);

bool model_has(const struct model *model, u64 key);
/* These fail if it was there, if it was not, and if there is no room. */
bool model_add(struct model *model, u64 key);
bool model_del(struct model *model, u64 key);

/* -1 for none */
int model_order_at(const struct model *model, unsigned long pfn);
bool model_overlaps(const struct model *model, unsigned long pfn, unsigned long nr);
bool model_contains(const struct model *model, unsigned long pfn, unsigned long nr);

/*
 * The parts of ranges in a window, as many as there are before blocks overlap in
 * it; then *overlap is set. The array has room for MODEL_MAX.
 */
unsigned int model_ranges(const struct model *model, unsigned long pfn,
			  unsigned long end_pfn, struct model_range *ranges,
			  bool *overlap);

#endif
