// SPDX-License-Identifier: GPL-2.0
/*
 * Random operations on a radix tree and on its model
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <string.h>

#include <linux/kernel.h>
#include <linux/mm.h>

#include "fuzz/compare.h"
#include "shim/check.h"
#include "shim/faults.h"
#include "shim/random.h"
#include "tests/test.h"

#define NR_TREES	200
#define NR_OPERATIONS	200

/* Masks of the operations: few different blocks, so that they often meet, or any blocks */
#define DENSE	0x3f00f03fULL
#define ANY	(~0ULL)

static struct kho_radix_tree tree, other;
static struct model model, other_model;

static void operate_on(struct kho_radix_tree *tree, struct model *model, u64 mask)
{
	unsigned int i;

	model->nr = 0;
	check(!kho_radix_init(tree));
	for (i = 0; i < NR_OPERATIONS; i++) {
		shim_failed = false;
		shim_fail_at = random_below(10) ? 0 : 1 + random_below(5);
		radix_operate(tree, model, random_u64() & mask);
		shim_fail_at = 0;
	}
	radix_compare(tree, model);
}

static void operate(u64 mask)
{
	operate_on(&tree, &model, mask);
}

/* Delete all blocks. Only the root remains. */
static void empty_one(struct kho_radix_tree *tree, struct model *model)
{
	unsigned long others = mm_nr_allocated();
	struct kho_radix_stats stats;

	kho_radix_count_all(tree, &stats);
	others -= stats.nr_nodes;
	while (model->nr) {
		u64 key = model->keys[random_below(model->nr)];
		struct model_block block = model_block(key);

		check(!kho_radix_del_page(tree, block.pfn, block.order));
		check(model_del(model, key));
	}
	check(mm_nr_allocated() == others + 1);
	radix_compare(tree, model);
	kho_radix_destroy(tree);
	check(mm_nr_allocated() == others);
}

static void empty(void)
{
	empty_one(&tree, &model);
	check(!mm_nr_allocated());
}

static void dense_operations(void)
{
	unsigned int i;

	for (i = 0; i < NR_TREES; i++) {
		operate(DENSE | (i % 2 ? 1ULL << 23 : 0));
		empty();
	}
	mm_reset();
}

static void any_operations(void)
{
	unsigned int i;

	for (i = 0; i < NR_TREES; i++) {
		operate(ANY);
		empty();
	}
	mm_reset();
}

static int accept_node(phys_addr_t phys, unsigned int level, void *arg)
{
	return 0;
}

/* Another kernel may leave empty leaves. */
static void empty_leaf_is_filled(void)
{
	struct kho_radix_tree incoming = {};

	check(!kho_radix_init(&tree));
	check(!kho_radix_add_page(&tree, 1, 0));
	memset(tree.last_leaf, 0, PAGE_SIZE);

	mutex_init(&incoming.lock);
	incoming.root = tree.root;
	check(!kho_radix_walk_nodes(&incoming, accept_node, NULL));
	kho_radix_adopt(&incoming);
	check(!kho_radix_add_page(&incoming, 2, 0));
	check(kho_radix_overlaps(&incoming, 0, 8));
	check(!kho_radix_block_order(&incoming, 2));
	kho_radix_destroy(&incoming);
	check(!mm_nr_allocated());
	mm_reset();
}

/* A filter leaves out blocks with pages at these numbers. */
#define FILTER_FIRST	3
#define FILTER_LAST	17

static bool filter(unsigned long pfn, unsigned long nr, unsigned int order)
{
	check(nr && !(nr & ((1UL << order) - 1)));
	return pfn > FILTER_LAST || pfn + nr <= FILTER_FIRST;
}

/* Add the blocks of the other model. Return the number of those that overlap. */
static unsigned long add_other_model(bool filtered)
{
	static struct model before;
	unsigned long overlaps = 0;
	unsigned int i;

	before = model;
	for (i = 0; i < other_model.nr; i++) {
		struct model_block block = model_block(other_model.keys[i]);
		unsigned long nr = block.end_pfn - block.pfn;

		if (filtered && !filter(block.pfn, nr, block.order))
			continue;
		if (model_overlaps(&before, block.pfn, nr))
			overlaps++;
		else
			check(model_add(&model, other_model.keys[i]));
	}

	return overlaps;
}

/* Add a tree, with memory for some or for all of the nodes. */
static void add_other(bool filtered)
{
	unsigned long allocated = mm_nr_allocated(), nr;
	int err;

	shim_failed = false;
	shim_fail_at = random_below(2) ? 0 : 1 + random_below(10);
	err = kho_radix_add_tree(&tree, &other, filtered ? filter : NULL, &nr);
	shim_fail_at = 0;
	if (err) {
		check(err == -ENOMEM && shim_failed);
		check(mm_nr_allocated() == allocated);
		radix_compare(&tree, &model);
		check(!kho_radix_add_tree(&tree, &other, filtered ? filter : NULL, &nr));
	}

	check(nr == add_other_model(filtered));
	radix_compare(&tree, &model);
	radix_compare(&other, &other_model);
}

static void trees_are_added(void)
{
	unsigned int i;

	for (i = 0; i < 2 * NR_TREES; i++) {
		u64 mask = i % 2 ? DENSE : ANY;

		operate(mask);
		operate_on(&other, &other_model, mask);
		if (model.nr + other_model.nr <= MODEL_MAX)
			add_other(i % 4 < 2);
		empty_one(&other, &other_model);
		empty();
	}
	mm_reset();
}

/* Both trees have some of the blocks. There is no memory for the others. */
static void failed_addition_keeps_blocks(void)
{
	unsigned long nr;

	check(!kho_radix_init(&tree));
	check(!kho_radix_init(&other));
	check(!kho_radix_add_page(&tree, 1, 0));
	check(!kho_radix_add_range(&other, 0, 2, 0));
	check(!kho_radix_add_page(&other, 1UL << 20, 0));

	shim_fail_at = 1;
	check(kho_radix_add_tree(&tree, &other, NULL, &nr) == -ENOMEM);
	check(kho_radix_test_range(&tree, 1, 1, 0));
	check(kho_radix_block_order(&tree, 0) == -ENOENT);

	check(!kho_radix_add_tree(&tree, &other, NULL, &nr));
	check(nr == 1);
	check(kho_radix_test_range(&tree, 0, 2, 0));
	kho_radix_destroy(&other);
	kho_radix_destroy(&tree);
	check(!mm_nr_allocated());
	mm_reset();
}

/* One tree has a block that contains some of the other tree's, and one inside another. */
static void overlaps_are_not_added(void)
{
	unsigned long nr;

	check(!kho_radix_init(&tree));
	check(!kho_radix_init(&other));
	check(!kho_radix_add_page(&tree, 64, 4));
	check(!kho_radix_add_page(&tree, 513, 0));
	check(!kho_radix_add_range(&other, 60, 30, 0));
	check(!kho_radix_add_page(&other, 512, 9));
	check(!kho_radix_add_page(&other, 1024, 9));

	check(!kho_radix_add_tree(&tree, &other, NULL, &nr));
	check(nr == 16 + 1);
	check(kho_radix_test_range(&tree, 60, 4, 0));
	check(kho_radix_block_order(&tree, 64) == 4);
	check(kho_radix_test_range(&tree, 80, 10, 0));
	check(kho_radix_block_order(&tree, 512) == -ENOENT);
	check(kho_radix_block_order(&tree, 1024) == 9);
	kho_radix_destroy(&other);
	kho_radix_destroy(&tree);
	check(!mm_nr_allocated());
	mm_reset();
}

/* The first leaf has blocks of several orders. */
static void overlaps_in_the_first_leaf_are_not_added(void)
{
	const unsigned int order = KHO_RADIX_MAX_ORDER - 4;
	const unsigned long size = 1UL << order;
	unsigned long nr;

	check(!kho_radix_init(&tree));
	check(!kho_radix_init(&other));
	check(!kho_radix_add_page(&tree, size, order));
	check(!kho_radix_add_page(&other, 0, order));
	check(!kho_radix_add_page(&other, size, order - 1));

	check(!kho_radix_add_tree(&tree, &other, NULL, &nr));
	check(nr == 1);
	check(kho_radix_block_order(&tree, 0) == order);
	check(kho_radix_block_order(&tree, size) == order);
	kho_radix_destroy(&other);
	kho_radix_destroy(&tree);
	check(!mm_nr_allocated());
	mm_reset();
}

const struct test_case test_cases[] = {
	{ "blocks in a leaf that another kernel left empty are found", empty_leaf_is_filled },
	{ "random operations on neighbouring blocks", dense_operations },
	{ "random operations on any blocks", any_operations },
	{ "blocks of another tree are added unless they overlap", trees_are_added },
	{ "blocks that both trees have stay if no others can be added",
	  failed_addition_keeps_blocks },
	{ "blocks that overlap those of the tree are not added", overlaps_are_not_added },
	{ "blocks of several orders in a leaf are not added if they overlap",
	  overlaps_in_the_first_leaf_are_not_added },
	{}
};
