// SPDX-License-Identifier: GPL-2.0
/*
 * Model of a radix tree: a sorted array of keys
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "fuzz/model.h"

/* The order whose first key is 1 */
#define TOP_ORDER	(64 - PAGE_SHIFT)

u64 model_key(unsigned long pfn, unsigned int order)
{
	return (1ULL << (TOP_ORDER - order)) + (pfn >> order);
}

struct model_block model_block(u64 key)
{
	unsigned int highest = 63 - __builtin_clzll(key);
	struct model_block block = { .order = TOP_ORDER - highest };
	u64 first = 1ULL << highest;

	block.pfn = (key - first) << block.order;
	block.end_pfn = block.pfn + (1UL << block.order);
	return block;
}

/* Return the index of the key, or the index at which to insert it. */
static unsigned int find(const struct model *model, u64 key)
{
	unsigned int low = 0, high = model->nr, mid;

	while (low < high) {
		mid = (low + high) / 2;
		if (model->keys[mid] < key)
			low = mid + 1;
		else
			high = mid;
	}

	return low;
}

bool model_has(const struct model *model, u64 key)
{
	unsigned int i = find(model, key);

	return i < model->nr && model->keys[i] == key;
}

bool model_add(struct model *model, u64 key)
{
	unsigned int i = find(model, key);

	if (model->nr == MODEL_MAX || (i < model->nr && model->keys[i] == key))
		return false;

	memmove(model->keys + i + 1, model->keys + i, (model->nr - i) * sizeof(key));
	model->keys[i] = key;
	model->nr++;
	return true;
}

bool model_del(struct model *model, u64 key)
{
	unsigned int i = find(model, key);

	if (i == model->nr || model->keys[i] != key)
		return false;

	model->nr--;
	memmove(model->keys + i, model->keys + i + 1, (model->nr - i) * sizeof(key));
	return true;
}

int model_order_at(const struct model *model, unsigned long pfn)
{
	unsigned int order;

	/* A damaged tree can have several blocks there; the smallest one counts. */
	for (order = 0; order < TOP_ORDER; order++)
		if (!(pfn & ((1UL << order) - 1)) &&
		    model_has(model, model_key(pfn, order)))
			return order;

	return -1;
}

bool model_overlaps(const struct model *model, unsigned long pfn, unsigned long nr)
{
	unsigned int i;

	for (i = 0; i < model->nr; i++) {
		struct model_block block = model_block(model->keys[i]);

		if (block.pfn < pfn + nr && block.end_pfn > pfn)
			return true;
	}

	return false;
}

bool model_is_inside(const struct model *model, const struct model_block *block)
{
	unsigned int order;

	for (order = block->order + 1; order < TOP_ORDER; order++)
		if (model_has(model, model_key(block->pfn, order)))
			return true;

	return false;
}

bool model_has_inside(const struct model *model, const struct model_block *block)
{
	unsigned int order;

	for (order = 0; order < block->order; order++)
		if (find(model, model_key(block->pfn, order)) !=
		    find(model, model_key(block->end_pfn - 1, order) + 1))
			return true;

	return false;
}

bool model_is_overlapped(const struct model *model, const struct model_block *block)
{
	return model_is_inside(model, block) || model_has_inside(model, block);
}

/* Return the end of the longest block that contains @pfn, or @pfn if there is none. */
static unsigned long covered_up_to(const struct model *model, unsigned long pfn)
{
	unsigned long end_pfn = pfn;
	unsigned int i;

	for (i = 0; i < model->nr; i++) {
		struct model_block block = model_block(model->keys[i]);

		if (block.pfn <= pfn && block.end_pfn > end_pfn)
			end_pfn = block.end_pfn;
	}

	return end_pfn;
}

bool model_contains(const struct model *model, unsigned long pfn, unsigned long nr)
{
	unsigned long end_pfn = pfn + nr, covered;

	for (; pfn < end_pfn; pfn = covered) {
		covered = covered_up_to(model, pfn);
		if (covered == pfn)
			return false;
	}

	return nr;
}

static int compare_pfns(const void *a, const void *b)
{
	const struct model_range *range_a = a, *range_b = b;

	return (range_a->pfn > range_b->pfn) - (range_a->pfn < range_b->pfn);
}

static unsigned int blocks_in_window(const struct model *model, unsigned long pfn,
				     unsigned long end_pfn, struct model_range *ranges)
{
	unsigned int nr = 0, i;

	for (i = 0; i < model->nr; i++) {
		struct model_block block = model_block(model->keys[i]);
		struct model_range range = {
			max(block.pfn, pfn), min(block.end_pfn, end_pfn)
		};

		if (range.pfn < range.end_pfn)
			ranges[nr++] = range;
	}
	qsort(ranges, nr, sizeof(*ranges), compare_pfns);

	return nr;
}

unsigned int model_ranges(const struct model *model, unsigned long pfn,
			  unsigned long end_pfn, struct model_range *ranges)
{
	unsigned int nr = blocks_in_window(model, pfn, end_pfn, ranges);
	unsigned int last = 0, i;

	for (i = 1; i < nr; i++) {
		if (ranges[i].pfn <= ranges[last].end_pfn)
			ranges[last].end_pfn = max(ranges[last].end_pfn,
						   ranges[i].end_pfn);
		else
			ranges[++last] = ranges[i];
	}

	return nr ? last + 1 : 0;
}
