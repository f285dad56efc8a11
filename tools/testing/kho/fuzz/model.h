/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Model of a radix tree: a sorted array of keys
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * A key is the same number as in the tree, but its meaning is computed independently.
 */
#ifndef _KHO_FUZZ_MODEL_H
#define _KHO_FUZZ_MODEL_H

#include <linux/bits.h>
#include <linux/types.h>

#define MODEL_MAX	4096

/* End of the page frame numbers */
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

/* A range of pages that blocks cover without gaps */
struct model_range {
	unsigned long pfn;
	unsigned long end_pfn;
};

u64 model_key(unsigned long pfn, unsigned int order);
struct model_block model_block(u64 key);

bool model_has(const struct model *model, u64 key);
/* These return false if the key existed, or did not exist, or if the array is full. */
bool model_add(struct model *model, u64 key);
bool model_del(struct model *model, u64 key);

/* Return the order of the block that starts at @pfn, -1 if there is none. */
int model_order_at(const struct model *model, unsigned long pfn);
bool model_overlaps(const struct model *model, unsigned long pfn, unsigned long nr);
/* Return whether the block lies in another one, or contains one. */
bool model_is_inside(const struct model *model, const struct model_block *block);
bool model_has_inside(const struct model *model, const struct model_block *block);
bool model_is_overlapped(const struct model *model, const struct model_block *block);
bool model_contains(const struct model *model, unsigned long pfn, unsigned long nr);

/* Get the ranges in a window. The array must have room for MODEL_MAX ranges. */
unsigned int model_ranges(const struct model *model, unsigned long pfn,
			  unsigned long end_pfn, struct model_range *ranges);

#endif
