// SPDX-License-Identifier: GPL-2.0
/*
 * Comparing a radix tree with its model
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pfn.h>

#include <linux/kho/radix_tree.h>

#include "fuzz/compare.h"
#include "shim/check.h"
#include "shim/faults.h"

/*
 * Reading
 */

/* Bits of a key: index in a leaf, and index in each level of tables */
#define LEAF_BITS	(PAGE_SHIFT + 3)
#define TABLE_BITS	(PAGE_SHIFT - 3)
#define TOP_LEVEL	DIV_ROUND_UP(65 - PAGE_SHIFT - LEAF_BITS, TABLE_BITS)

static bool model_read(struct model *model, u64 phys, unsigned int level, u64 base)
{
	const u64 *words = phys_to_virt(phys);
	unsigned int i, shift = level ? LEAF_BITS + TABLE_BITS * (level - 1) : 0;
	bool good = true;

	if (!level) {
		for (i = 0; i < 8 * PAGE_SIZE; i++) {
			if (!(words[i / 64] >> i % 64))
				i |= 63;
			else if (words[i / 64] >> i % 64 & 1)
				good &= base + i >= 2 && model_add(model, base + i);
		}
		return good;
	}

	for (i = 0; i < 1 << TABLE_BITS && good; i++)
		if (words[i])
			good &= model_read(model, words[i], level - 1,
					   base + ((u64)i << shift));
	return good;
}

bool radix_model_read(struct model *model, u64 root)
{
	return model_read(model, root, TOP_LEVEL, 0);
}

/*
 * Walks
 */

/* The expected blocks. The callback of kho_radix_walk_tree() has no argument. */
static const struct model *walked;
static unsigned int walked_nr;

static int expect_block(phys_addr_t phys, unsigned int order)
{
	struct model_block block;

	check(walked_nr < walked->nr);
	block = model_block(walked->keys[walked_nr++]);
	check(phys == PFN_PHYS(block.pfn));
	check(order == block.order);
	return 0;
}

struct expected_ranges {
	struct model_range ranges[MODEL_MAX];
	unsigned int nr;
	unsigned int seen;
};

static int expect_range(phys_addr_t start, phys_addr_t end, void *arg)
{
	struct expected_ranges *expected = arg;
	const struct model_range *range = &expected->ranges[expected->seen++];

	check(expected->seen <= expected->nr);
	check(start == PFN_PHYS(range->pfn));
	check(end == PFN_PHYS(range->end_pfn));
	return 0;
}

static void compare_window(struct kho_radix_tree *tree, const struct model *model,
			   unsigned long pfn, unsigned long end_pfn)
{
	static struct expected_ranges expected;
	bool damaged = false;
	int err;

	expected.seen = 0;
	expected.nr = model_ranges(model, pfn, end_pfn, expected.ranges);
	/* The end of this range does not fit into an address. */
	if (expected.nr && expected.ranges[expected.nr - 1].end_pfn == MODEL_END_PFN) {
		expected.nr--;
		damaged = true;
	}

	err = kho_radix_walk_window(tree, pfn, end_pfn, expect_range, &expected);
	check(err == (damaged ? -EINVAL : 0));
	check(expected.seen == expected.nr);
}

static void compare_counts(struct kho_radix_tree *tree, const struct model *model)
{
	struct kho_radix_stats stats;
	unsigned int i;

	kho_radix_count_all(tree, &stats);
	for (i = 0; i < model->nr; i++) {
		unsigned int order = model_block(model->keys[i]).order;

		check(stats.nr_blocks[order]--);
	}
	for (i = 0; i <= KHO_RADIX_MAX_ORDER; i++)
		check(!stats.nr_blocks[i]);
}

/*
 * Overlaps, which only a tree of another kernel has. Lookups ignore the blocks once the
 * kernel has noticed.
 */

static bool is_ignored(struct kho_radix_tree *tree, const struct model *model,
		       unsigned long pfn, unsigned int order)
{
	struct model_block block = model_block(model_key(pfn, order));

	return tree->overlaps && model_is_overlapped(model, &block);
}

/* Check whether one of the blocks that have pages in the range is ignored. */
static bool has_ignored(struct kho_radix_tree *tree, const struct model *model,
			unsigned long pfn, unsigned long nr)
{
	unsigned int i;

	for (i = 0; i < model->nr && tree->overlaps; i++) {
		struct model_block block = model_block(model->keys[i]);

		if (block.pfn < pfn + nr && block.end_pfn > pfn &&
		    model_is_overlapped(model, &block))
			return true;
	}

	return false;
}

struct expected_overlaps {
	const struct model *model;
	unsigned int seen;
};

static int expect_overlap(phys_addr_t start, phys_addr_t end, void *arg)
{
	struct expected_overlaps *expected = arg;
	struct model_block block;
	u64 key;

	key = model_key(PHYS_PFN(start), __builtin_ctzll(PHYS_PFN(end - start)));
	block = model_block(key);
	check(start == PFN_PHYS(block.pfn) && end == PFN_PHYS(block.end_pfn));
	check(model_has(expected->model, key));
	check(model_has_inside(expected->model, &block));
	check(!model_is_inside(expected->model, &block));
	expected->seen++;
	return 0;
}

static void compare_overlaps(struct kho_radix_tree *tree, const struct model *model)
{
	struct expected_overlaps expected = { .model = model };
	unsigned int i, nr = 0;

	for (i = 0; i < model->nr; i++) {
		struct model_block block = model_block(model->keys[i]);

		nr += model_has_inside(model, &block) && !model_is_inside(model, &block);
	}

	check(tree->overlaps || !nr);
	check(!kho_radix_walk_overlaps(tree, expect_overlap, &expected));
	check(expected.seen == nr);
}

static int see_range(phys_addr_t start, phys_addr_t end, void *arg)
{
	return 0;
}

void radix_notice_overlaps(struct kho_radix_tree *tree, const struct model *model)
{
	int err = kho_radix_walk_ranges(tree, see_range, NULL);
	unsigned int i = 0;

	check(!err || err == -EINVAL);
	while (i < model->nr) {
		struct model_block block = model_block(model->keys[i]);

		if (model_is_overlapped(model, &block))
			break;
		i++;
	}
	check(tree->overlaps == (i < model->nr));
}

void radix_compare(struct kho_radix_tree *tree, const struct model *model)
{
	walked = model;
	walked_nr = 0;
	check(!kho_radix_walk_tree(tree, expect_block));
	check(walked_nr == model->nr);

	compare_window(tree, model, 0, MODEL_END_PFN);
	compare_counts(tree, model);
	compare_overlaps(tree, model);
}

void radix_compare_at(struct kho_radix_tree *tree, const struct model *model,
		      unsigned long pfn, unsigned long nr)
{
	int order;

	pfn %= MODEL_END_PFN;
	nr = min(nr, MODEL_END_PFN - pfn);
	order = model_order_at(model, pfn);
	if (order >= 0 && is_ignored(tree, model, pfn, order)) {
		check(!kho_radix_test_range(tree, pfn, 1, order));
		order = -1;
	}
	check(kho_radix_block_order(tree, pfn) == (order < 0 ? -ENOENT : order));
	if (order >= 0)
		check(kho_radix_test_range(tree, pfn, 1, order));
	if (nr) {
		check(kho_radix_overlaps(tree, pfn, nr) == model_overlaps(model, pfn, nr));
		check(kho_radix_contains(tree, pfn, nr) ==
		      (model_contains(model, pfn, nr) && !has_ignored(tree, model, pfn, nr)));
	}
	compare_window(tree, model, pfn, pfn + nr);
}

/*
 * Operations
 */

struct operation {
	unsigned int kind;
	unsigned int order;
	unsigned long pfn;
	unsigned long nr;
};

/* Most operations are on neighbouring blocks at both ends of memory. */
static struct operation decode(u64 code)
{
	struct operation op = {
		.kind = code % 8,
		.order = (code >> 3 & 7) < 6 ? (code >> 3 & 7) : code >> 6 & 63,
		.nr = code >> 12 & 15,
	};
	u64 index = code >> 24 & 0xffff;

	if (code >> 16 & 1)
		op.nr <<= 4;
	if (code >> 17 & 1)
		index <<= code >> 18 & 31;
	op.pfn = op.order < 64 - PAGE_SHIFT ? index << op.order : index;
	if (code >> 23 & 1)
		op.pfn = MODEL_END_PFN - op.pfn;
	/* Few are misaligned. */
	if ((code >> 60) == 15)
		op.pfn++;
	return op;
}

static bool is_valid(const struct operation *op)
{
	return op->order <= KHO_RADIX_MAX_ORDER &&
	       !(op->pfn & ((1UL << op->order) - 1)) && op->pfn < MODEL_END_PFN &&
	       op->nr && op->nr <= (MODEL_END_PFN - op->pfn) >> op->order;
}

static unsigned long nr_there(const struct model *model, const struct operation *op)
{
	unsigned long nr = 0, i;

	for (i = 0; i < op->nr; i++)
		nr += model_has(model, model_key(op->pfn, op->order) + i);

	return nr;
}

static void expect_added(struct model *model, const struct operation *op, int err)
{
	bool overlaps = is_valid(op) && model_overlaps(model, op->pfn, op->nr << op->order);
	unsigned long i;

	if (!is_valid(op)) {
		check(err == -EINVAL);
	} else if (err == -ENOMEM) {
		check(shim_failed);
	} else if (err) {
		check(err == -EEXIST && overlaps);
	} else {
		check(!overlaps);
		for (i = 0; i < op->nr; i++)
			check(model_add(model, model_key(op->pfn, op->order) + i));
	}
}

static void expect_deleted(struct model *model, const struct operation *op, int err)
{
	unsigned long i;

	if (!is_valid(op)) {
		check(err == -EINVAL);
	} else if (err) {
		check(err == -ENOENT && nr_there(model, op) < op->nr);
	} else {
		for (i = 0; i < op->nr; i++)
			check(model_del(model, model_key(op->pfn, op->order) + i));
	}
}

/* Add and delete blocks like kho_preserve_folio() and kho_unpreserve_folio(). */

static int add_fast(struct kho_radix_tree *tree, const struct operation *op)
{
	const struct range all = { .end = MODEL_END_PFN };
	bool done;

	mutex_lock(&tree->lock);
	done = is_valid(op) && kho_radix_add_to_last(tree, op->pfn, op->order);
	mutex_unlock(&tree->lock);
	return done ? 0 : kho_radix_add_page_within(tree, op->pfn, op->order, &all);
}

static int del_fast(struct kho_radix_tree *tree, const struct operation *op)
{
	bool done;

	mutex_lock(&tree->lock);
	done = is_valid(op) && kho_radix_del_from_last(tree, op->pfn, op->order);
	mutex_unlock(&tree->lock);
	return done ? 0 : kho_radix_del_page(tree, op->pfn, op->order);
}

void radix_operate(struct kho_radix_tree *tree, struct model *model, u64 code)
{
	struct operation op = decode(code);

	if (op.kind == 1 || op.kind == 3 || op.kind == 5 || op.kind == 6)
		op.nr = 1;
	switch (op.kind) {
	case 0:
		if (model->nr + op.nr <= MODEL_MAX)
			expect_added(model, &op,
				     kho_radix_add_range(tree, op.pfn, op.nr, op.order));
		break;
	case 1:
		if (model->nr < MODEL_MAX)
			expect_added(model, &op, kho_radix_add_page(tree, op.pfn, op.order));
		break;
	case 2:
		expect_deleted(model, &op,
			       kho_radix_del_range(tree, op.pfn, op.nr, op.order));
		break;
	case 3:
		expect_deleted(model, &op, kho_radix_del_page(tree, op.pfn, op.order));
		break;
	case 4:
		check(kho_radix_test_range(tree, op.pfn, op.nr, op.order) ==
		      (is_valid(&op) && nr_there(model, &op) == op.nr &&
		       !has_ignored(tree, model, op.pfn, op.nr << op.order)));
		break;
	case 5:
		if (model->nr < MODEL_MAX)
			expect_added(model, &op, add_fast(tree, &op));
		break;
	case 6:
		expect_deleted(model, &op, del_fast(tree, &op));
		break;
	default:
		radix_compare_at(tree, model, op.pfn, op.nr);
	}
}
