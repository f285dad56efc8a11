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

static struct kho_radix_tree tree;
static struct model model;

static void operate(u64 mask)
{
	unsigned int i;

	model.nr = 0;
	check(!kho_radix_init(&tree));
	for (i = 0; i < NR_OPERATIONS; i++) {
		shim_failed = false;
		shim_fail_at = random_below(10) ? 0 : 1 + random_below(5);
		radix_operate(&tree, &model, random_u64() & mask);
		shim_fail_at = 0;
	}
	radix_compare(&tree, &model);
}

/* Delete all blocks. Only the root remains. */
static void empty(void)
{
	while (model.nr) {
		struct model_block block = model_block(model.keys[random_below(model.nr)]);

		check(!kho_radix_del_page(&tree, block.pfn, block.order));
		check(model_del(&model, model_key(block.pfn, block.order)));
	}
	check(mm_nr_allocated() == 1);
	radix_compare(&tree, &model);
	kho_radix_destroy(&tree);
	check(!mm_nr_allocated());
}

/* Few different blocks, so that they often meet */
static void dense_operations(void)
{
	unsigned int i;

	for (i = 0; i < NR_TREES; i++) {
		operate(0x3f00f03fULL | (i % 2 ? 1ULL << 23 : 0));
		empty();
	}
	mm_reset();
}

static void any_operations(void)
{
	unsigned int i;

	for (i = 0; i < NR_TREES; i++) {
		operate(~0ULL);
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

const struct test_case test_cases[] = {
	{ "blocks in a leaf that another kernel left empty are found", empty_leaf_is_filled },
	{ "random operations on neighbouring blocks", dense_operations },
	{ "random operations on any blocks", any_operations },
	{}
};
