/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The radix tree of preserved memory.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_KHO_RADIX_TREE_H
#define _LINUX_KHO_RADIX_TREE_H

#include <linux/errno.h>
#include <linux/mutex.h>
#include <linux/range.h>
#include <linux/types.h>

#include <linux/kho/abi/radix_tree.h>

struct page;

/**
 * struct kho_radix_tree - a set of blocks of memory
 * @root:      the root node, which never moves
 * @orders:    mask of the orders that the tree can have blocks of; for a tree
 *	       from another kernel set by kho_radix_walk_nodes()
 * @last_leaf: the leaf that was used last, NULL for none
 * @last_page: struct page of @last_leaf
 * @last_nr:   number of @last_leaf, 0 for none
 * @window:    page frame numbers (end exclusive) where the tree has no blocks but
 *	       those of @last_leaf, so that more of them can be added without
 *	       looking for overlaps; may be empty
 * @overlaps:  the tree, which is damaged or from another kernel, has blocks that overlap;
 *	       set by kho_radix_walk_ranges() and kho_radix_note_overlaps()
 * @lock:      serializes all access; the functions take it themselves
 */
struct kho_radix_tree {
	struct kho_radix_node *root;
	u64 orders;
	struct kho_radix_leaf *last_leaf;
	struct page *last_page;
	u64 last_nr;
	struct range window;
	bool overlaps;
	struct mutex lock; /* all nodes, their entry counts, and the above */
};

/**
 * typedef kho_radix_block_fn - callback of kho_radix_walk_tree()
 * @phys:  physical address of the block
 * @order: log2 of the block's size in pages
 *
 * Context: The tree's lock is held: must not use the same tree.
 * Return: 0 to continue, anything else stops the walk.
 */
typedef int (*kho_radix_block_fn)(phys_addr_t phys, unsigned int order);

#ifdef CONFIG_KEXEC_HANDOVER

int kho_radix_init(struct kho_radix_tree *tree);
void kho_radix_destroy(struct kho_radix_tree *tree);

int kho_radix_add_page(struct kho_radix_tree *tree, unsigned long pfn,
		       unsigned int order);
int kho_radix_del_page(struct kho_radix_tree *tree, unsigned long pfn,
		       unsigned int order);
int kho_radix_add_range(struct kho_radix_tree *tree, unsigned long pfn,
			unsigned long nr, unsigned int order);
int kho_radix_del_range(struct kho_radix_tree *tree, unsigned long pfn,
			unsigned long nr, unsigned int order);

int kho_radix_walk_tree(struct kho_radix_tree *tree, kho_radix_block_fn cb);

#else

static inline int kho_radix_init(struct kho_radix_tree *tree)
{
	return -EOPNOTSUPP;
}

static inline void kho_radix_destroy(struct kho_radix_tree *tree)
{
}

static inline int kho_radix_add_page(struct kho_radix_tree *tree,
				     unsigned long pfn, unsigned int order)
{
	return -EOPNOTSUPP;
}

static inline int kho_radix_del_page(struct kho_radix_tree *tree,
				     unsigned long pfn, unsigned int order)
{
	return -EOPNOTSUPP;
}

static inline int kho_radix_add_range(struct kho_radix_tree *tree,
				      unsigned long pfn, unsigned long nr,
				      unsigned int order)
{
	return -EOPNOTSUPP;
}

static inline int kho_radix_del_range(struct kho_radix_tree *tree,
				      unsigned long pfn, unsigned long nr,
				      unsigned int order)
{
	return -EOPNOTSUPP;
}

static inline int kho_radix_walk_tree(struct kho_radix_tree *tree,
				      kho_radix_block_fn cb)
{
	return -EOPNOTSUPP;
}

#endif /* CONFIG_KEXEC_HANDOVER */

#endif /* _LINUX_KHO_RADIX_TREE_H */
