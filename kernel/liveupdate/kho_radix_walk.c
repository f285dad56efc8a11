// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walking the radix tree of preserved memory, including trees from another
 * kernel.
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Nothing here changes a node or allocates memory, so all of it can run before
 * the page allocator does.
 */

#define pr_fmt(fmt) "KHO: radix: " fmt

#include <linux/align.h>
#include <linux/bitmap.h>
#include <linux/bits.h>
#include <linux/cleanup.h>
#include <linux/export.h>
#include <linux/io.h>
#include <linux/minmax.h>
#include <linux/pfn.h>
#include <linux/printk.h>
#include <linux/sched.h>

#include "kho_radix.h"

/*
 * Searching upwards
 */

/* Return the end, exclusive, of a table's slots for keys in [key, last]. */
static unsigned int kho_radix_end_slot(u64 key, u64 last, unsigned int level)
{
	unsigned int shift = kho_radix_shift(level);
	u64 further = (last >> shift) - (key >> shift);

	return min_t(u64, kho_radix_slot(key, level) + further + 1,
		     KHO_RADIX_SLOTS);
}

/**
 * kho_radix_next_leaf - find the next leaf
 * @tree: the tree
 * @key:  the first key to look for. Advanced to the first key of the leaf if that is
 *	  higher, or past @last if there is no leaf.
 * @last: the last key to look for
 *
 * As long as the caller only increases @key, each table is scanned once.
 *
 * Context: Any; takes no lock. The tree must not change during the call.
 * Return: the first leaf for a key in [key, last], NULL if the tree has none.
 */
const struct kho_radix_leaf *
kho_radix_next_leaf(const struct kho_radix_tree *tree, u64 *key, u64 last)
{
	const struct kho_radix_node *node = tree->root;
	unsigned int level = KHO_RADIX_TOP;

	while (level) {
		unsigned int end = kho_radix_end_slot(*key, last, level);
		unsigned int slot = kho_radix_slot(*key, level);
		unsigned int shift = kho_radix_shift(level);
		unsigned int next = slot;

		while (next < end && !node->table[next])
			next++;
		if (next > slot)
			*key = ((*key >> shift) + (next - slot)) << shift;
		if (*key > last)
			return NULL;

		if (next < end) {
			node = kho_radix_child(node, next);
			level--;
		} else {
			node = tree->root;
			level = KHO_RADIX_TOP;
		}
	}

	return (const struct kho_radix_leaf *)node;
}

/**
 * kho_radix_has_key - check for keys of a tree in a range
 * @tree: the tree
 * @key:  first key of the range
 * @last: last key of the range
 *
 * Context: The tree must not change.
 * Return: true if the tree has a key in the range.
 */
bool kho_radix_has_key(const struct kho_radix_tree *tree, u64 key, u64 last)
{
	const struct kho_radix_leaf *leaf;
	unsigned long bit;

	while (key <= last && (leaf = kho_radix_next_leaf(tree, &key, last))) {
		bit = find_next_bit(leaf->bitmap, KHO_RADIX_LEAF_BITS,
				    kho_radix_bit(key));
		key = ALIGN_DOWN(key, KHO_RADIX_LEAF_BITS) + bit;
		if (bit < KHO_RADIX_LEAF_BITS)
			return key <= last;
	}

	return false;
}

/**
 * kho_radix_has_orders - check for blocks of some orders in a range of pages
 * @tree:   the tree
 * @pfn:    first page frame number of the range, which must be valid
 * @nr:     number of pages in the range
 * @orders: mask of the orders
 *
 * Context: The tree must not change.
 * Return: true if at least one page of the range lies in such a block.
 */
bool kho_radix_has_orders(const struct kho_radix_tree *tree, unsigned long pfn,
			  unsigned long nr, u64 orders)
{
	for (orders &= tree->orders; orders; orders &= orders - 1) {
		unsigned int order = __ffs64(orders);

		if (kho_radix_has_key(tree, kho_radix_key(pfn, order),
				      kho_radix_key(pfn + nr - 1, order)))
			return true;
	}

	return false;
}

/**
 * kho_radix_overlaps - check for blocks of a tree in a range of pages
 * @tree: the tree
 * @pfn:  first page frame number of the range
 * @nr:   number of pages in the range
 *
 * Context: May sleep; takes the tree's lock.
 * Return: true if at least one page of the range lies in a block.
 */
bool kho_radix_overlaps(struct kho_radix_tree *tree, unsigned long pfn,
			unsigned long nr)
{
	if (!kho_radix_valid_range(pfn, nr, 0))
		return false;

	guard(mutex)(&tree->lock);
	return kho_radix_has_orders(tree, pfn, nr, tree->orders);
}

/*
 * Block by block
 */

static int kho_radix_walk_leaf(const struct kho_radix_leaf *leaf, u64 key,
			       kho_radix_block_fn cb)
{
	u64 base = ALIGN_DOWN(key, KHO_RADIX_LEAF_BITS);
	unsigned long bit = kho_radix_bit(key);
	int err;

	for_each_set_bit_from(bit, leaf->bitmap, KHO_RADIX_LEAF_BITS) {
		unsigned int order;
		phys_addr_t phys = kho_radix_decode_key(base + bit, &order);

		err = cb(phys, order);
		if (err)
			return err;
	}

	return 0;
}

/**
 * kho_radix_walk_tree - call a function for each block of a tree
 * @tree: the tree
 * @cb:   the function
 *
 * The blocks come in descending order of size, and blocks of one size in
 * ascending order of address.
 *
 * Context: May sleep; takes the tree's lock.
 * Return: 0, or the value with which @cb stopped the walk.
 */
int kho_radix_walk_tree(struct kho_radix_tree *tree, kho_radix_block_fn cb)
{
	const struct kho_radix_leaf *leaf;
	u64 key = KHO_RADIX_MIN_KEY;
	int err = 0;

	guard(mutex)(&tree->lock);
	while (!err && (leaf = kho_radix_next_leaf(tree, &key,
						   KHO_RADIX_MAX_KEY))) {
		err = kho_radix_walk_leaf(leaf, key, cb);
		key = ALIGN_DOWN(key, KHO_RADIX_LEAF_BITS) + KHO_RADIX_LEAF_BITS;
	}

	return err;
}
EXPORT_SYMBOL_GPL(kho_radix_walk_tree);

/*
 * Range by range
 *
 * The keys of each order form a sorted bitmap. The walk merges these bitmaps:
 * it keeps the current run of each order (contiguous blocks in one leaf) and
 * takes the lowest of them. A run also keeps the bits that follow it in its
 * word. So finding the next run takes a few instructions in most cases. Only a
 * new leaf requires a descent from the root.
 */

/**
 * struct kho_radix_run - the current run of an order
 * @leaf:      the leaf that has the run, NULL before the first run
 * @word:      the bits after the run in its word, at their positions; other bits are 0
 * @start_pfn: first page frame number of the run
 * @end_pfn:   page frame number of the run's end, exclusive
 */
struct kho_radix_run {
	const struct kho_radix_leaf *leaf;
	unsigned long word;
	unsigned long start_pfn;
	unsigned long end_pfn;
};

/**
 * struct kho_radix_merge - a walk over ranges of memory
 * @tree:      the tree
 * @first_pfn: first page frame number of the window
 * @last_pfn:  last page frame number of the window
 * @orders:    mask of the orders that have a current run
 * @runs:      the current run of each order in @orders
 */
struct kho_radix_merge {
	const struct kho_radix_tree *tree;
	unsigned long first_pfn;
	unsigned long last_pfn;
	u64 orders;
	struct kho_radix_run runs[KHO_RADIX_MAX_ORDER + 1];
};

/* Return the bits for keys in [key, last] of the word that has @key. */
static unsigned long kho_radix_load_word(const struct kho_radix_leaf *leaf,
					 u64 key, u64 last)
{
	unsigned int bit = kho_radix_bit(key);
	unsigned long word = leaf->bitmap[BIT_WORD(bit)];
	u64 further = last - round_down(key, BITS_PER_LONG);

	word &= BITMAP_FIRST_WORD_MASK(bit);
	return further < BITS_PER_LONG - 1 ?
	       word & BITMAP_LAST_WORD_MASK(further + 1) : word;
}

/*
 * Load the first word that has keys in [key, last]. Return @key if it lies in
 * this word, otherwise the word's first key; 0 if no word has keys.
 */
static u64 kho_radix_next_word(const struct kho_radix_tree *tree,
			       struct kho_radix_run *run, u64 key, u64 last)
{
	for (; key <= last; key = round_down(key, BITS_PER_LONG) + BITS_PER_LONG) {
		if (!run->leaf || !kho_radix_bit(key))
			run->leaf = kho_radix_next_leaf(tree, &key, last);
		if (!run->leaf)
			break;

		run->word = kho_radix_load_word(run->leaf, key, last);
		if (run->word)
			return key;
	}

	return 0;
}

/*
 * Extend a run that ends with its word. @key is the first key of the next word. A run
 * does not extend past its leaf. Return the end of the run, exclusive.
 */
static noinline u64 kho_radix_extend_run(struct kho_radix_run *run, u64 key, u64 last)
{
	unsigned int bits = BITS_PER_LONG;

	while (bits == BITS_PER_LONG && key <= last && kho_radix_bit(key)) {
		run->word = kho_radix_load_word(run->leaf, key, last);
		bits = ~run->word ? ffz(run->word) : BITS_PER_LONG;
		run->word &= bits == BITS_PER_LONG ? 0 : ~0UL << bits;
		key += bits;
	}

	return key;
}

/*
 * Move the end of the run to the next word that has keys of @order. Return false if there
 * is none.
 */
static noinline bool kho_radix_enter_word(struct kho_radix_merge *merge,
					  unsigned int order)
{
	struct kho_radix_run *run = &merge->runs[order];
	u64 last = kho_radix_key(merge->last_pfn, order);
	u64 key = kho_radix_key(run->end_pfn, order);

	key = kho_radix_next_word(merge->tree, run, key, last);
	run->end_pfn = (key - kho_radix_marker(order)) << order;
	return key;
}

/*
 * Advance to the next run of @order, or remove @order from the merge. Most runs end in the
 * same word: the code for the others is out of line.
 */
static __always_inline void kho_radix_next_run(struct kho_radix_merge *merge,
					       unsigned int order)
{
	struct kho_radix_run *run = &merge->runs[order];
	u64 marker = kho_radix_marker(order);
	unsigned long carried;
	u64 key;

	if (!run->word && !kho_radix_enter_word(merge, order)) {
		merge->orders &= ~BIT_ULL(order);
		return;
	}

	key = round_down(kho_radix_key(run->end_pfn, order), BITS_PER_LONG);
	run->start_pfn = (key + __ffs(run->word) - marker) << order;

	/* Adding the lowest bit clears the run and sets the bit after it. */
	carried = run->word + (run->word & -run->word);
	run->word &= carried;
	if (carried)
		key += __ffs(carried);
	else
		key = kho_radix_extend_run(run, key + BITS_PER_LONG,
					   kho_radix_key(merge->last_pfn, order));
	run->end_pfn = (key - marker) << order;
}

/* Start each order with the first block that ends after @pfn. */
static void kho_radix_merge_start(struct kho_radix_merge *merge,
				  const struct kho_radix_tree *tree,
				  unsigned long pfn, unsigned long last_pfn)
{
	u64 orders;

	merge->tree = tree;
	merge->first_pfn = pfn;
	merge->last_pfn = last_pfn;
	merge->orders = tree->orders;
	for (orders = merge->orders; orders; orders &= orders - 1) {
		unsigned int order = __ffs64(orders);

		merge->runs[order] = (struct kho_radix_run){ .end_pfn = pfn };
		kho_radix_next_run(merge, order);
	}
}

/*
 * Return the order with the lowest run; at least one order must have a run. Set
 * @bound_pfn to the lowest start of the other orders' runs.
 */
static unsigned int kho_radix_merge_lowest(const struct kho_radix_merge *merge,
					   unsigned long *bound_pfn)
{
	unsigned int lowest = __ffs64(merge->orders);
	u64 orders = merge->orders & (merge->orders - 1);

	*bound_pfn = KHO_RADIX_END_PFN;
	for (; orders; orders &= orders - 1) {
		unsigned int order = __ffs64(orders), other = order;

		if (merge->runs[order].start_pfn < merge->runs[lowest].start_pfn) {
			other = lowest;
			lowest = order;
		}
		*bound_pfn = min(*bound_pfn, merge->runs[other].start_pfn);
	}

	return lowest;
}

/* The range that has been merged so far, and its consumer */
struct kho_radix_range {
	unsigned long start_pfn;
	unsigned long end_pfn;
	bool overlaps;
	kho_radix_range_fn cb;
	void *arg;
};

static int kho_radix_emit(const struct kho_radix_range *range)
{
	if (range->start_pfn == range->end_pfn)
		return 0;
	if (range->end_pfn == KHO_RADIX_END_PFN) {
		pr_err("block at the very end of the address space\n");
		return -EINVAL;
	}

	return range->cb(PFN_PHYS(range->start_pfn), PFN_PHYS(range->end_pfn),
			 range->arg);
}

/* Append a run to the range, or emit the range and start a new one. */
static int kho_radix_add_run(struct kho_radix_range *range,
			     unsigned long start_pfn, unsigned long end_pfn)
{
	int err;

	if (start_pfn > range->end_pfn) {
		err = kho_radix_emit(range);
		if (err)
			return err;
		range->start_pfn = start_pfn;
	} else if (start_pfn < range->end_pfn) {
		range->overlaps = true;
		end_pfn = max(end_pfn, range->end_pfn);
	}

	range->end_pfn = end_pfn;
	return 0;
}

/* Take runs of the order with the lowest run until it is another order's turn. */
static int kho_radix_merge_runs(struct kho_radix_merge *merge,
				struct kho_radix_range *range)
{
	unsigned long bound_pfn;
	unsigned int order = kho_radix_merge_lowest(merge, &bound_pfn);
	struct kho_radix_run *run = &merge->runs[order];
	int err;

	do {
		err = kho_radix_add_run(range,
					max(run->start_pfn, merge->first_pfn),
					min(run->end_pfn, merge->last_pfn + 1));
		if (err)
			return err;
		kho_radix_next_run(merge, order);
	} while (merge->orders & BIT_ULL(order) && run->start_pfn < bound_pfn);

	return 0;
}

static int kho_radix_merge_all(const struct kho_radix_tree *tree,
			       struct kho_radix_range *range,
			       unsigned long end_pfn)
{
	struct kho_radix_merge merge;
	int err = 0;

	kho_radix_merge_start(&merge, tree, range->start_pfn, end_pfn - 1);
	while (merge.orders && !err)
		err = kho_radix_merge_runs(&merge, range);

	return err ?: kho_radix_emit(range);
}

/**
 * kho_radix_walk_window - call a function for each range of memory in a window
 * @tree:      the tree
 * @start_pfn: first page frame number of the window
 * @end_pfn:   page frame number of the window's end, exclusive
 * @cb:	       the function
 * @arg:       passed to @cb
 *
 * Like kho_radix_walk_ranges(), for the part of each range that lies in the
 * window.
 *
 * Context: Any; takes no lock. The tree must not change during the walk.
 * Return: 0, -EINVAL, or the value with which @cb stopped the walk.
 */
int kho_radix_walk_window(const struct kho_radix_tree *tree,
			  unsigned long start_pfn, unsigned long end_pfn,
			  kho_radix_range_fn cb, void *arg)
{
	struct kho_radix_range range = {
		.start_pfn = start_pfn,
		.end_pfn = start_pfn,
		.cb = cb,
		.arg = arg,
	};

	return start_pfn < end_pfn ? kho_radix_merge_all(tree, &range, end_pfn) : 0;
}

static unsigned long kho_radix_count_keys(const struct kho_radix_tree *tree,
					  u64 key, u64 last)
{
	struct kho_radix_run run = {};
	unsigned long count = 0;

	while ((key = kho_radix_next_word(tree, &run, key, last))) {
		count += hweight_long(run.word);
		key = round_down(key, BITS_PER_LONG) + BITS_PER_LONG;
	}

	return count;
}

/* Count the pages of a window that lie in blocks of @order. */
static unsigned long kho_radix_count_order(const struct kho_radix_tree *tree,
					   unsigned long start_pfn,
					   unsigned long end_pfn,
					   unsigned int order)
{
	u64 key = kho_radix_key(start_pfn, order);
	u64 last = kho_radix_key(end_pfn - 1, order);
	unsigned long block = 1UL << order;
	unsigned long nr;

	nr = kho_radix_count_keys(tree, key, last) << order;
	/* The first block can begin before the window, and the last one end after it. */
	if (!IS_ALIGNED(start_pfn, block) && kho_radix_has_key(tree, key, key))
		nr -= start_pfn & (block - 1);
	if (!IS_ALIGNED(end_pfn, block) && kho_radix_has_key(tree, last, last))
		nr -= -end_pfn & (block - 1);
	return nr;
}

/**
 * kho_radix_count_pages - count the pages of a window that lie in blocks
 * @tree:      the tree, of which no blocks overlap
 * @start_pfn: first page frame number of the window
 * @end_pfn:   page frame number of the window's end, exclusive
 *
 * This costs less than a walk: it looks at words of the bitmaps, not at ranges.
 *
 * Context: Any; takes no lock. The tree must not change during the call.
 * Return: the number of pages.
 */
unsigned long kho_radix_count_pages(const struct kho_radix_tree *tree,
				    unsigned long start_pfn, unsigned long end_pfn)
{
	unsigned long nr = 0;
	u64 orders;

	if (start_pfn >= end_pfn)
		return 0;

	for (orders = tree->orders; orders; orders &= orders - 1)
		nr += kho_radix_count_order(tree, start_pfn, end_pfn, __ffs64(orders));
	return nr;
}

static int __kho_radix_walk_ranges(struct kho_radix_tree *tree, kho_radix_range_fn cb,
				   void *arg)
{
	struct kho_radix_range range = { .cb = cb, .arg = arg };
	int err;

	err = kho_radix_merge_all(tree, &range, KHO_RADIX_END_PFN);
	tree->overlaps = range.overlaps;
	return err;
}

/**
 * kho_radix_walk_ranges - call a function for each range of memory in a tree
 * @tree: the tree
 * @cb:   the function
 * @arg:  passed to @cb
 *
 * The ranges come in ascending order. Blocks of all orders are merged, so
 * ranges never adjoin. The cost of a range is that of the bitmap words that it
 * spans, not of its pages.
 *
 * The tree may be from another kernel if kho_radix_walk_nodes() has accepted
 * it. Blocks of such a tree may overlap. Their union is part of a range, and from
 * then on lookups ignore each block that overlaps another.
 *
 * Context: May sleep; takes the tree's lock.
 * Return: 0; -EINVAL if there is a block at the very end of the address space,
 * after @cb has been called for all other ranges; or the value with which @cb
 * stopped the walk.
 */
int kho_radix_walk_ranges(struct kho_radix_tree *tree, kho_radix_range_fn cb,
			  void *arg)
{
	guard(mutex)(&tree->lock);
	return __kho_radix_walk_ranges(tree, cb, arg);
}

static int kho_radix_skip_range(phys_addr_t start, phys_addr_t end, void *arg)
{
	cond_resched();
	return 0;
}

/**
 * kho_radix_note_overlaps - find out whether blocks of a tree overlap
 * @tree: the tree
 *
 * Like kho_radix_walk_ranges() without a function to call. Blocks of one order can't
 * overlap, so a tree that has no others is not walked.
 *
 * Context: May sleep; takes the tree's lock.
 * Return: 0, or -EINVAL if the tree was walked and has a block at the very end of the
 * address space.
 */
int kho_radix_note_overlaps(struct kho_radix_tree *tree)
{
	guard(mutex)(&tree->lock);
	if (tree->orders & (tree->orders - 1))
		return __kho_radix_walk_ranges(tree, kho_radix_skip_range, NULL);

	tree->overlaps = false;
	return 0;
}

/* Call @cb for a block if it contains others and lies in none. */
static int kho_radix_check_overlap(const struct kho_radix_tree *tree, u64 key,
				   kho_radix_range_fn cb, void *arg)
{
	unsigned int order;
	phys_addr_t phys = kho_radix_decode_key(key, &order);
	unsigned long pfn = PHYS_PFN(phys), nr = 1UL << order;
	u64 smaller = BIT_ULL(order) - 1;

	if (!kho_radix_has_orders(tree, pfn, nr, smaller) ||
	    kho_radix_has_orders(tree, pfn, nr, ~(smaller | BIT_ULL(order))))
		return 0;

	return cb(phys, phys + PFN_PHYS(nr), arg);
}

/**
 * kho_radix_walk_overlaps - call a function for each range of overlapping blocks
 * @tree: the tree, for which kho_radix_walk_ranges() or kho_radix_note_overlaps() has
 *	  succeeded
 * @cb:   the function
 * @arg:  passed to @cb
 *
 * Blocks are aligned to their size, so of two blocks that overlap one contains the
 * other. A range is a block that contains others and does not lie in another. The
 * ranges come in no particular order.
 *
 * Context: May sleep; takes the tree's lock.
 * Return: 0, or the value with which @cb stopped the walk.
 */
int kho_radix_walk_overlaps(struct kho_radix_tree *tree, kho_radix_range_fn cb,
			    void *arg)
{
	/* A block of order 0 contains no others. */
	const u64 last = kho_radix_marker(0) - 1;
	const struct kho_radix_leaf *leaf;
	u64 key = KHO_RADIX_MIN_KEY;
	int err = 0;

	guard(mutex)(&tree->lock);
	if (!tree->overlaps)
		return 0;

	while (!err && (leaf = kho_radix_next_leaf(tree, &key, last))) {
		u64 base = ALIGN_DOWN(key, KHO_RADIX_LEAF_BITS);
		unsigned long bit = kho_radix_bit(key);

		for_each_set_bit_from(bit, leaf->bitmap, KHO_RADIX_LEAF_BITS) {
			err = kho_radix_check_overlap(tree, base + bit, cb, arg);
			if (err)
				break;
		}
		key = base + KHO_RADIX_LEAF_BITS;
	}

	return err;
}

/*
 * Node by node
 */

/* Refuse bits 0 and 1 of the first leaf, which do not stand for blocks. */
static int kho_radix_check_leaf(const struct kho_radix_leaf *leaf, u64 base)
{
	u64 key = base + find_first_bit(leaf->bitmap, KHO_RADIX_LEAF_BITS);

	if (key >= KHO_RADIX_MIN_KEY)
		return 0;

	pr_err("malformed key %llu\n", key);
	return -EINVAL;
}

/* Check an entry of a table on @level. @base is the lowest key below the entry. */
static int kho_radix_check_child(u64 child, u64 base, unsigned int level)
{
	if (base > KHO_RADIX_MAX_KEY) {
		pr_err("malformed keys from %#llx on\n", base);
		return -EINVAL;
	}
	if (!IS_ALIGNED(child, PAGE_SIZE)) {
		pr_err("misaligned child %#llx of a node on level %u\n", child,
		       level);
		return -EINVAL;
	}

	return 0;
}

static int kho_radix_walk_below(const struct kho_radix_node *node,
				unsigned int level, u64 base,
				kho_radix_node_fn cb, void *arg)
{
	unsigned int slot;
	int err;

	for (slot = 0; slot < KHO_RADIX_SLOTS; slot++) {
		u64 child_base = base + ((u64)slot << kho_radix_shift(level));
		u64 child = node->table[slot];

		if (!child)
			continue;
		err = kho_radix_check_child(child, child_base, level);
		if (!err)
			err = cb(child, level - 1, arg);
		if (err)
			return err;

		if (level > 1)
			err = kho_radix_walk_below(phys_to_virt(child), level - 1,
						   child_base, cb, arg);
		else
			err = kho_radix_check_leaf(phys_to_virt(child), child_base);
		if (err)
			return err;
	}

	return 0;
}

static int __kho_radix_walk_nodes(const struct kho_radix_tree *tree,
				  kho_radix_node_fn cb, void *arg)
{
	int err = cb(virt_to_phys(tree->root), KHO_RADIX_TOP, arg);

	if (err)
		return err;

	return kho_radix_walk_below(tree->root, KHO_RADIX_TOP, 0, cb, arg);
}

/* Note the orders of all leaves. This does not read their bitmaps: a leaf may be empty. */
static void kho_radix_note_orders(struct kho_radix_tree *tree)
{
	u64 key;

	for (key = KHO_RADIX_MIN_KEY;
	     kho_radix_next_leaf(tree, &key, KHO_RADIX_MAX_KEY);
	     key = 1ULL << fls64(key))
		tree->orders |= kho_radix_leaf_orders(key);
}

/**
 * kho_radix_walk_nodes - check a tree and call a function for each of its nodes
 * @tree: the tree, which may be from another kernel and damaged
 * @cb:   the function
 * @arg:  passed to @cb
 *
 * The walk starts with the root and visits a node before its children. @cb is
 * called before the node is read, so it can refuse addresses that must not be
 * read. It must also refuse to visit more nodes than there can be: the entries
 * of damaged tables may all name the same page, and the walk would not end.
 *
 * The walk itself refuses children that are not page aligned and keys that do
 * not stand for a block. If it succeeds, the tree can be used with all
 * functions that don't change it.
 *
 * Context: May sleep; takes the tree's lock.
 * Return: 0; -EINVAL if the tree is damaged; or the value with which @cb
 * stopped the walk.
 */
int kho_radix_walk_nodes(struct kho_radix_tree *tree, kho_radix_node_fn cb,
			 void *arg)
{
	int err;

	guard(mutex)(&tree->lock);
	err = __kho_radix_walk_nodes(tree, cb, arg);
	if (!err)
		kho_radix_note_orders(tree);

	return err;
}

/* All leaves but the first one have blocks of a single order. */
static void kho_radix_count_blocks(const struct kho_radix_leaf *leaf, u64 base,
				   struct kho_radix_stats *stats)
{
	unsigned int order;
	unsigned long bit;

	if (base) {
		kho_radix_decode_key(base, &order);
		stats->nr_blocks[order] += bitmap_weight(leaf->bitmap,
							 KHO_RADIX_LEAF_BITS);
		return;
	}

	bit = KHO_RADIX_MIN_KEY;
	for_each_set_bit_from(bit, leaf->bitmap, KHO_RADIX_LEAF_BITS) {
		kho_radix_decode_key(bit, &order);
		stats->nr_blocks[order]++;
	}
}

static int kho_radix_count_node(phys_addr_t phys, unsigned int level, void *arg)
{
	struct kho_radix_stats *stats = arg;

	stats->nr_nodes++;
	return 0;
}

/**
 * kho_radix_count_all - count the blocks and the nodes of a tree
 * @tree:  the tree
 * @stats: where to store the counts
 *
 * The cost depends on the number of nodes, not on the number of blocks.
 *
 * Context: May sleep; takes the tree's lock.
 */
void kho_radix_count_all(struct kho_radix_tree *tree,
			 struct kho_radix_stats *stats)
{
	const struct kho_radix_leaf *leaf;
	u64 key = KHO_RADIX_MIN_KEY;

	*stats = (struct kho_radix_stats){};
	guard(mutex)(&tree->lock);
	while ((leaf = kho_radix_next_leaf(tree, &key, KHO_RADIX_MAX_KEY))) {
		key = ALIGN_DOWN(key, KHO_RADIX_LEAF_BITS);
		kho_radix_count_blocks(leaf, key, stats);
		key += KHO_RADIX_LEAF_BITS;
		cond_resched();
	}
	__kho_radix_walk_nodes(tree, kho_radix_count_node, stats);
}
