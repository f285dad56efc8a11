/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The radix tree of preserved memory.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_KHO_RADIX_TREE_H
#define _LINUX_KHO_RADIX_TREE_H

#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include <linux/kho/abi/radix_tree.h>
#include <linux/kho/compat.h>

struct page;

/**
 * struct kho_radix_tree - a set of memory blocks
 * @root:      the root node; it stays in place for the tree's whole life
 * @orders:    mask of the orders that it may have blocks of; in a tree from
 *	       another kernel, from kho_radix_walk_nodes() on
 * @last_leaf: the leaf that was needed last: next time it may be the same one
 * @last_page: its struct page
 * @last_nr:   which leaf that is, 0 for none
 * @lock:      serializes all access, taken by the functions themselves
 */
struct kho_radix_tree {
	struct kho_radix_node *root;
	u64 orders;
	struct kho_radix_leaf *last_leaf;
	struct page *last_page;
	u64 last_nr;
	struct mutex lock; /* all nodes, their entry counts, and the above */
};

/**
 * struct kho_radix_stats - how much there is in a tree
 * @nr_blocks: number of blocks of each order
 * @nr_nodes:  number of nodes, the root included
 */
struct kho_radix_stats {
	unsigned long nr_blocks[KHO_RADIX_MAX_ORDER + 1];
	unsigned long nr_nodes;
};

/**
 * typedef kho_radix_block_fn - what kho_radix_walk_tree() calls for each block
 * @phys:  physical address of the block
 * @order: log2 of its size in pages
 *
 * Context: Called with the tree's lock held: must not use the same tree.
 * Return: 0 to go on, anything else stops the walk.
 */
typedef int (*kho_radix_block_fn)(phys_addr_t phys, unsigned int order);

/**
 * typedef kho_radix_range_fn - what kho_radix_walk_ranges() calls for each range
 * @start: physical address of its first byte
 * @end:   physical address of the first byte behind it
 * @arg:   what the caller of the walk gave
 *
 * Context: Called with the tree's lock held: must not use the same tree.
 * Return: 0 to go on, anything else stops the walk.
 */
typedef int (*kho_radix_range_fn)(phys_addr_t start, phys_addr_t end, void *arg);

/**
 * typedef kho_radix_node_fn - what kho_radix_walk_nodes() calls for each node
 * @node:  physical address of the node, page aligned; nothing has been read
 *	   from it yet
 * @level: its level, 0 for a leaf
 * @arg:   what the caller of the walk gave
 *
 * Context: Called with the tree's lock held: must not use the same tree.
 * Return: 0 to go on into the node, anything else stops the walk.
 */
typedef int (*kho_radix_node_fn)(phys_addr_t node, unsigned int level, void *arg);

/**
 * kho_radix_encode_key - the key that stands for a block
 * @phys:  physical address of the block, aligned to its size
 * @order: log2 of its size in pages, at most %KHO_RADIX_MAX_ORDER
 *
 * Return: the key.
 */
static inline u64 kho_radix_encode_key(phys_addr_t phys, unsigned int order)
{
	return 1ULL << (KHO_ORDER_0_LOG2 - order) |
	       (u64)phys >> PAGE_SHIFT >> order;
}

/**
 * kho_radix_decode_key - the block that a key stands for
 * @key:   a well-formed key
 * @order: where to store log2 of the block's size in pages
 *
 * Return: the physical address of the block.
 */
static inline phys_addr_t kho_radix_decode_key(u64 key, unsigned int *order)
{
	unsigned int marker = fls64(key) - 1;

	*order = KHO_ORDER_0_LOG2 - marker;
	return (key ^ 1ULL << marker) << *order << PAGE_SHIFT;
}

#ifdef CONFIG_KEXEC_HANDOVER

extern const struct kho_compat_range kho_radix_compat_range;

int kho_radix_init(struct kho_radix_tree *tree);
void kho_radix_destroy(struct kho_radix_tree *tree);
void kho_radix_adopt(struct kho_radix_tree *tree);

int kho_radix_add_page(struct kho_radix_tree *tree, unsigned long pfn,
		       unsigned int order);
int kho_radix_del_page(struct kho_radix_tree *tree, unsigned long pfn,
		       unsigned int order);
int kho_radix_add_range(struct kho_radix_tree *tree, unsigned long pfn,
			unsigned long nr, unsigned int order);
int kho_radix_del_range(struct kho_radix_tree *tree, unsigned long pfn,
			unsigned long nr, unsigned int order);

bool kho_radix_test_page(struct kho_radix_tree *tree, unsigned long pfn,
			 unsigned int order);
bool kho_radix_test_range(struct kho_radix_tree *tree, unsigned long pfn,
			  unsigned long nr, unsigned int order);
int kho_radix_block_order(struct kho_radix_tree *tree, unsigned long pfn);
bool kho_radix_contains(struct kho_radix_tree *tree, unsigned long pfn,
			unsigned long nr);
bool kho_radix_overlaps(struct kho_radix_tree *tree, unsigned long pfn,
			unsigned long nr);
u64 kho_radix_orders(struct kho_radix_tree *tree);
void kho_radix_count_all(struct kho_radix_tree *tree,
			 struct kho_radix_stats *stats);

int kho_radix_walk_tree(struct kho_radix_tree *tree, kho_radix_block_fn cb);
int kho_radix_walk_ranges(struct kho_radix_tree *tree, kho_radix_range_fn cb,
			  void *arg);
int kho_radix_walk_window(const struct kho_radix_tree *tree,
			  unsigned long start_pfn, unsigned long end_pfn,
			  kho_radix_range_fn cb, void *arg);
int kho_radix_walk_nodes(struct kho_radix_tree *tree, kho_radix_node_fn cb,
			 void *arg);

#else

static const struct kho_compat_range kho_radix_compat_range __maybe_unused;

static inline int kho_radix_init(struct kho_radix_tree *tree)
{
	return -EOPNOTSUPP;
}

static inline void kho_radix_destroy(struct kho_radix_tree *tree)
{
}

static inline void kho_radix_adopt(struct kho_radix_tree *tree)
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

static inline bool kho_radix_test_page(struct kho_radix_tree *tree,
				       unsigned long pfn, unsigned int order)
{
	return false;
}

static inline bool kho_radix_test_range(struct kho_radix_tree *tree,
					unsigned long pfn, unsigned long nr,
					unsigned int order)
{
	return false;
}

static inline int kho_radix_block_order(struct kho_radix_tree *tree,
					unsigned long pfn)
{
	return -EOPNOTSUPP;
}

static inline bool kho_radix_contains(struct kho_radix_tree *tree,
				      unsigned long pfn, unsigned long nr)
{
	return false;
}

static inline bool kho_radix_overlaps(struct kho_radix_tree *tree,
				      unsigned long pfn, unsigned long nr)
{
	return false;
}

static inline u64 kho_radix_orders(struct kho_radix_tree *tree)
{
	return 0;
}

static inline void kho_radix_count_all(struct kho_radix_tree *tree,
				       struct kho_radix_stats *stats)
{
	*stats = (struct kho_radix_stats){};
}

static inline int kho_radix_walk_tree(struct kho_radix_tree *tree,
				      kho_radix_block_fn cb)
{
	return -EOPNOTSUPP;
}

static inline int kho_radix_walk_ranges(struct kho_radix_tree *tree,
					kho_radix_range_fn cb, void *arg)
{
	return -EOPNOTSUPP;
}

static inline int kho_radix_walk_window(const struct kho_radix_tree *tree,
					unsigned long start_pfn,
					unsigned long end_pfn,
					kho_radix_range_fn cb, void *arg)
{
	return -EOPNOTSUPP;
}

static inline int kho_radix_walk_nodes(struct kho_radix_tree *tree,
				       kho_radix_node_fn cb, void *arg)
{
	return -EOPNOTSUPP;
}

#endif /* CONFIG_KEXEC_HANDOVER */

#endif /* _LINUX_KHO_RADIX_TREE_H */
