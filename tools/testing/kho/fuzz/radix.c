// SPDX-License-Identifier: GPL-2.0
/*
 * Target: a radix tree from another kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The first argument of the reader is the address of the root. This kernel adopts a valid
 * tree and does the operations that the following arguments encode.
 */

#include <string.h>

#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pfn.h>

#include <linux/kho/radix_tree.h>

#include "fuzz/compare.h"
#include "fuzz/image.h"
#include "fuzz/target.h"
#include "shim/check.h"
#include "shim/faults.h"
#include "shim/print.h"

#define MAX_NODES	32
#define MAX_OPERATIONS	64

struct nodes {
	phys_addr_t nodes[MAX_NODES];
	unsigned int nr;
};

/* A node must be an allocated page. The core checks this with memblock. */
static bool is_node(phys_addr_t phys)
{
	const struct page *page;

	if (!phys || !PAGE_ALIGNED(phys) ||
	    phys - RAM_START >= mm_nr_used() << PAGE_SHIFT)
		return false;

	page = pfn_to_page(PHYS_PFN(phys));
	return page->allocated && !page->order;
}

static int note_node(phys_addr_t phys, unsigned int level, void *arg)
{
	struct nodes *nodes = arg;

	if (!is_node(phys))
		return -ENXIO;
	if (nodes->nr == MAX_NODES)
		return -E2BIG;

	nodes->nodes[nodes->nr++] = phys;
	return 0;
}

static bool has_twins(const struct nodes *nodes)
{
	unsigned int i, j;

	for (i = 0; i < nodes->nr; i++)
		for (j = 0; j < i; j++)
			if (nodes->nodes[i] == nodes->nodes[j])
				return true;

	return false;
}

/* Compare at both ends of some blocks, inside and outside. */
static void compare_at_blocks(struct kho_radix_tree *tree, const struct model *model)
{
	unsigned int step = model->nr / 8 + 1, i;

	for (i = 0; i < model->nr; i += step) {
		struct model_block block = model_block(model->keys[i]);

		radix_compare_at(tree, model, block.pfn - 1, 2);
		radix_compare_at(tree, model, block.pfn, block.end_pfn - block.pfn);
		radix_compare_at(tree, model, block.end_pfn, 1000);
	}
}

static void use_tree(struct kho_radix_tree *tree, struct model *model,
		     const struct image *image, unsigned int nr_nodes)
{
	unsigned long others = mm_nr_allocated() - nr_nodes;
	unsigned int i;

	kho_radix_adopt(tree);
	for (i = 1; i <= MAX_OPERATIONS && image->args[i]; i++)
		radix_operate(tree, model, image->args[i]);
	radix_compare(tree, model);

	while (model->nr) {
		struct model_block block = model_block(model->keys[model->nr - 1]);

		check(!kho_radix_del_page(tree, block.pfn, block.order));
		model_del(model, model->keys[model->nr - 1]);
	}
	radix_compare(tree, model);
	kho_radix_destroy(tree);
	check(mm_nr_allocated() == others);
}

static void read_tree(const struct image *image)
{
	struct kho_radix_tree tree = {};
	struct nodes nodes = {};
	unsigned long logged = shim_log_count;
	static struct model model;
	int err;

	if (!is_node(image->args[0]))
		return;

	mutex_init(&tree.lock);
	tree.root = phys_to_virt(image->args[0]);
	model.nr = 0;
	err = kho_radix_walk_nodes(&tree, note_node, &nodes);
	if (err) {
		check(err == -ENXIO || err == -E2BIG || err == -EINVAL);
		check(err != -EINVAL || shim_log_count > logged);
		return;
	}

	check(nodes.nr && nodes.nodes[0] == image->args[0]);
	if (!radix_model_read(&model, image->args[0]))
		return;

	radix_notice_overlaps(&tree, &model);
	radix_compare(&tree, &model);
	compare_at_blocks(&tree, &model);
	if (!has_twins(&nodes))
		use_tree(&tree, &model, image, nodes.nr);
}

static void run(const u8 *data, size_t size)
{
	struct image image;

	image_load(&image, data, size);
	read_tree(&image);
	mm_reset();
}

static void add_tree(seed_fn add, const char *name, struct kho_radix_tree *tree)
{
	u64 args[] = {
		virt_to_phys(tree->root),
		0x00000001000001, 0x00000105008000, 0x00000000008005, 0x00000100000003,
		0x00000001005002, 0x00000001002004, 0x00000003801008, 0x00000107820031,
	};

	image_save(add, name, args, ARRAY_SIZE(args));
	kho_radix_destroy(tree);
	mm_reset();
}

static void seeds(seed_fn add)
{
	struct kho_radix_tree tree;
	unsigned int order;

	check(!kho_radix_init(&tree));
	add_tree(add, "empty", &tree);

	check(!kho_radix_init(&tree));
	check(!kho_radix_add_page(&tree, 0x12345, 0));
	add_tree(add, "one", &tree);

	check(!kho_radix_init(&tree));
	check(!kho_radix_add_range(&tree, 0x7fe0, 100, 0));
	check(!kho_radix_add_range(&tree, 0x10000, 8, 4));
	check(!kho_radix_add_page(&tree, 0x10080, 7));
	add_tree(add, "ranges", &tree);

	check(!kho_radix_init(&tree));
	for (order = 37; order <= KHO_RADIX_MAX_ORDER; order++)
		check(!kho_radix_add_page(&tree, 1UL << order, order));
	add_tree(add, "lowest-leaf", &tree);

	check(!kho_radix_init(&tree));
	check(!kho_radix_add_page(&tree, ~0UL >> PAGE_SHIFT, 0));
	add_tree(add, "highest", &tree);

	/* A page in a block of 16 pages, which this kernel would refuse to add */
	check(!kho_radix_init(&tree));
	check(!kho_radix_add_range(&tree, 0x1000, 4, 4));
	check(!kho_radix_add_page(&tree, 0x2000, 0));
	__set_bit(0x1015, tree.last_leaf->bitmap);
	add_tree(add, "overlap", &tree);
}

const struct target target = {
	.run = run,
	.seeds = seeds,
};
