/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Internals of the radix tree of preserved memory.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LIVEUPDATE_KHO_RADIX_H
#define _LIVEUPDATE_KHO_RADIX_H

#include <linux/align.h>
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/io.h>
#include <linux/lockdep.h>
#include <linux/mm_types.h>
#include <linux/range.h>
#include <linux/types.h>

#include <linux/kho/radix_tree.h>

#define KHO_RADIX_TOP		(KHO_TREE_MAX_DEPTH - 1)
#define KHO_RADIX_SLOTS		BIT(KHO_TABLE_SIZE_LOG2)
#define KHO_RADIX_LEAF_BITS	BIT(KHO_BITMAP_SIZE_LOG2)
#define KHO_RADIX_LEAF_MASK	(KHO_RADIX_LEAF_BITS - 1)
#define KHO_RADIX_LEAF_WORDS	(KHO_RADIX_LEAF_BITS / BITS_PER_LONG)
#define KHO_RADIX_END_PFN	BIT_ULL(KHO_ORDER_0_LOG2)
#define KHO_RADIX_MIN_KEY	2ULL
#define KHO_RADIX_MAX_KEY	(2 * KHO_RADIX_END_PFN - 1)

/**
 * struct kho_radix_stats - size of a tree
 * @nr_blocks: number of blocks of each order
 * @nr_nodes:  number of nodes, including the root
 */
struct kho_radix_stats {
	unsigned long nr_blocks[KHO_RADIX_MAX_ORDER + 1];
	unsigned long nr_nodes;
};

/**
 * typedef kho_radix_range_fn - callback of kho_radix_walk_ranges()
 * @start: physical address of the range
 * @end:   physical address of the end of the range, exclusive
 * @arg:   argument of the walk
 *
 * Context: The tree's lock may be held: must not use the same tree.
 * Return: 0 to continue, anything else stops the walk.
 */
typedef int (*kho_radix_range_fn)(phys_addr_t start, phys_addr_t end, void *arg);

/**
 * typedef kho_radix_node_fn - callback of kho_radix_walk_nodes()
 * @node:  physical address of the node, page aligned. The walk has not read the
 *	   node yet.
 * @level: level of the node, 0 for a leaf
 * @arg:   argument of the walk
 *
 * Context: The tree's lock is held: must not use functions that take it.
 * Return: 0 to continue with the node's children, anything else stops the walk.
 */
typedef int (*kho_radix_node_fn)(phys_addr_t node, unsigned int level, void *arg);

/**
 * typedef kho_radix_filter_fn - callback of kho_radix_add_tree()
 * @pfn:   first page frame number of a range
 * @nr:	   number of pages in the range, that of one or more whole blocks
 * @order: order of the blocks
 *
 * Context: The locks of both trees are held: must not take them.
 * Return: true if each block of @order in the range is to be added. If not, it is called
 * for parts of the range, down to single blocks.
 */
typedef bool (*kho_radix_filter_fn)(unsigned long pfn, unsigned long nr,
				    unsigned int order);

static inline u64 kho_radix_marker(unsigned int order)
{
	return 1ULL << (KHO_ORDER_0_LOG2 - order);
}

/*
 * Return the key of the block of @order that contains @pfn. For
 * KHO_RADIX_END_PFN this is the key after the last one of @order.
 */
static inline u64 kho_radix_key(unsigned long pfn, unsigned int order)
{
	return kho_radix_marker(order) + (pfn >> order);
}

/* Return the physical address and the order of the block of a well-formed key. */
static inline phys_addr_t kho_radix_decode_key(u64 key, unsigned int *order)
{
	unsigned int marker = fls64(key) - 1;

	*order = KHO_ORDER_0_LOG2 - marker;
	return (key ^ 1ULL << marker) << *order << PAGE_SHIFT;
}

/* Return the position of the lowest key bit that selects a slot on @level. */
static inline unsigned int kho_radix_shift(unsigned int level)
{
	return KHO_BITMAP_SIZE_LOG2 + (level - 1) * KHO_TABLE_SIZE_LOG2;
}

static inline unsigned int kho_radix_slot(u64 key, unsigned int level)
{
	return (key >> kho_radix_shift(level)) & (KHO_RADIX_SLOTS - 1);
}

static inline unsigned int kho_radix_bit(u64 key)
{
	return key & KHO_RADIX_LEAF_MASK;
}

/* Return the number of the leaf for @key, counted from 1. */
static inline u64 kho_radix_leaf_nr(u64 key)
{
	return (key >> KHO_BITMAP_SIZE_LOG2) + 1;
}

/*
 * Return a mask of the orders that the leaf for @key can hold. All leaves but
 * the first one hold blocks of a single order.
 */
static inline u64 kho_radix_leaf_orders(u64 key)
{
	if (key > KHO_RADIX_LEAF_MASK)
		return BIT_ULL(KHO_ORDER_0_LOG2 + 1 - fls64(key));

	return GENMASK_ULL(KHO_RADIX_MAX_ORDER,
			   KHO_ORDER_0_LOG2 + 1 - KHO_BITMAP_SIZE_LOG2);
}

static inline bool kho_radix_valid_block(unsigned long pfn, unsigned int order)
{
	return order <= KHO_RADIX_MAX_ORDER && IS_ALIGNED(pfn, 1UL << order) &&
	       pfn < KHO_RADIX_END_PFN;
}

static inline bool kho_radix_valid_range(unsigned long pfn, unsigned long nr,
					 unsigned int order)
{
	return kho_radix_valid_block(pfn, order) && nr &&
	       nr <= (KHO_RADIX_END_PFN - pfn) >> order;
}

static inline void *kho_radix_child(const struct kho_radix_node *node,
				    unsigned int slot)
{
	u64 child = node->table[slot];

	return child ? phys_to_virt(child) : NULL;
}

/*
 * The fast path: most blocks are added to and removed from the leaf that was
 * used last. In this case the functions below change the leaf and return true.
 * If they return false, the tree is unchanged and the caller must take the slow
 * path, which also determines the error. The block must be valid and the caller
 * must hold the tree's lock.
 *
 * CONFIG_KEXEC_HANDOVER_DEBUG disables the fast path, because only the slow
 * path checks the tree.
 */

static __always_inline bool
kho_radix_is_in_last_leaf(const struct kho_radix_tree *tree, u64 key)
{
	lockdep_assert_held(&tree->lock);
	return !IS_ENABLED(CONFIG_KEXEC_HANDOVER_DEBUG) &&
	       tree->last_nr == kho_radix_leaf_nr(key);
}

static __always_inline bool kho_radix_add_to_last(struct kho_radix_tree *tree,
						  unsigned long pfn,
						  unsigned int order)
{
	u64 key = kho_radix_marker(order) | pfn >> order;

	if (pfn < tree->window.start || pfn + (1UL << order) > tree->window.end ||
	    !kho_radix_is_in_last_leaf(tree, key) ||
	    __test_and_set_bit(kho_radix_bit(key), tree->last_leaf->bitmap))
		return false;

	tree->last_page->private++;
	return true;
}

/* The last block of a leaf is left to the slow path, which frees the leaf. */
static __always_inline bool
kho_radix_del_from_last(struct kho_radix_tree *tree, unsigned long pfn,
			unsigned int order)
{
	u64 key = kho_radix_marker(order) | pfn >> order;

	if (!kho_radix_is_in_last_leaf(tree, key) ||
	    tree->last_page->private == 1 ||
	    !__test_and_clear_bit(kho_radix_bit(key), tree->last_leaf->bitmap))
		return false;

	tree->last_page->private--;
	return true;
}

struct kho_radix_leaf *kho_radix_descend(const struct kho_radix_tree *tree, u64 key);
struct kho_radix_leaf *kho_radix_create_leaf(struct kho_radix_tree *tree, u64 key);
void kho_radix_drop_leaf(struct kho_radix_tree *tree, u64 key);
void kho_radix_remember(struct kho_radix_tree *tree, u64 key,
			struct kho_radix_leaf *leaf);
void kho_radix_check(struct kho_radix_tree *tree, u64 key);
bool kho_radix_check_id(const void *node, unsigned int level, u64 *next_id);
void kho_radix_adopt(struct kho_radix_tree *tree);

int kho_radix_add_page_within(struct kho_radix_tree *tree, unsigned long pfn,
			      unsigned int order, const struct range *limits);
bool kho_radix_test_range(struct kho_radix_tree *tree, unsigned long pfn,
			  unsigned long nr, unsigned int order);
int kho_radix_block_order(struct kho_radix_tree *tree, unsigned long pfn);
bool kho_radix_has_blocks(struct kho_radix_tree *tree, unsigned long pfn,
			  unsigned long nr);
bool kho_radix_contains(struct kho_radix_tree *tree, unsigned long pfn,
			unsigned long nr);
int kho_radix_add_tree(struct kho_radix_tree *tree, struct kho_radix_tree *source,
		       kho_radix_filter_fn filter, unsigned long *nr_overlaps);

const struct kho_radix_leaf *
kho_radix_next_leaf(const struct kho_radix_tree *tree, u64 *key, u64 last);
bool kho_radix_has_key(const struct kho_radix_tree *tree, u64 key, u64 last);
bool kho_radix_has_orders(const struct kho_radix_tree *tree, unsigned long pfn,
			  unsigned long nr, u64 orders);
bool kho_radix_overlaps(struct kho_radix_tree *tree, unsigned long pfn,
			unsigned long nr);
int kho_radix_note_overlaps(struct kho_radix_tree *tree);
int kho_radix_walk_overlaps(struct kho_radix_tree *tree, kho_radix_range_fn cb,
			    void *arg);
int kho_radix_walk_ranges(struct kho_radix_tree *tree, kho_radix_range_fn cb,
			  void *arg);
unsigned long kho_radix_count_pages(const struct kho_radix_tree *tree,
				    unsigned long start_pfn, unsigned long end_pfn);
int kho_radix_walk_window(const struct kho_radix_tree *tree,
			  unsigned long start_pfn, unsigned long end_pfn,
			  kho_radix_range_fn cb, void *arg);
int kho_radix_walk_nodes(struct kho_radix_tree *tree, kho_radix_node_fn cb,
			 void *arg);
void kho_radix_count_all(struct kho_radix_tree *tree,
			 struct kho_radix_stats *stats);

#endif /* _LIVEUPDATE_KHO_RADIX_H */
