// SPDX-License-Identifier: GPL-2.0-only
/*
 * The radix tree of preserved memory.
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The tree is a set of 64-bit keys, each of which stands for a block of 2^order
 * pages. include/linux/kho/abi/radix_tree.h describes the format.
 *
 * The next kernel reads the nodes where they are, and the kexec may happen at
 * any time. So a node is zeroed before it is linked and unlinked before it is
 * freed, and the nodes alone are enough to read the tree.
 */

#include <linux/align.h>
#include <linux/bitmap.h>
#include <linux/bits.h>
#include <linux/cleanup.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "kho_radix.h"

/*
 * Leaves
 */

/* Return the leaf for @key, NULL if the tree has none. */
static __always_inline struct kho_radix_leaf *
kho_radix_find_leaf(struct kho_radix_tree *tree, u64 key)
{
	struct kho_radix_leaf *leaf;

	if (likely(tree->last_nr == kho_radix_leaf_nr(key)))
		return tree->last_leaf;

	leaf = kho_radix_descend(tree, key);
	if (leaf)
		kho_radix_remember(tree, key, leaf);
	return leaf;
}

static struct kho_radix_leaf *kho_radix_get_leaf(struct kho_radix_tree *tree,
						 u64 key)
{
	struct kho_radix_leaf *leaf = kho_radix_find_leaf(tree, key);

	return leaf ?: kho_radix_create_leaf(tree, key);
}

/* Add @diff to the entry count of the leaf for @key, which is @tree->last_leaf. */
static __always_inline void kho_radix_update_leaf(struct kho_radix_tree *tree,
						  u64 key, long diff)
{
	unsigned long entries = page_private(tree->last_page) + diff;

	set_page_private(tree->last_page, entries);
	if (unlikely(!entries))
		kho_radix_drop_leaf(tree, key);
	if (IS_ENABLED(CONFIG_KEXEC_HANDOVER_DEBUG))
		kho_radix_check(tree, key);
}

/*
 * Looking for blocks of other orders
 */

/* How far to look for the next block, in bits of a leaf */
#define KHO_RADIX_LOOK		512U

/*
 * Find the bits around [first, last] that are clear: those before in the same word,
 * and some of those after. Return false if one of [first, last] is set.
 */
static bool kho_radix_clear_bits_around(const struct kho_radix_leaf *leaf,
					unsigned int first, unsigned int last,
					struct range *bits)
{
	unsigned long before = leaf->bitmap[BIT_WORD(first)] &
			       ~BITMAP_FIRST_WORD_MASK(first);

	bits->start = round_down(first, BITS_PER_LONG) + fls64(before);
	bits->end = find_next_bit(leaf->bitmap, round_up(last + 1, KHO_RADIX_LOOK),
				  first);
	return bits->end > last;
}

/*
 * Narrow @window to memory around [pfn, last_pfn] that has no blocks of @order.
 * Return false if [pfn, last_pfn] has some.
 */
static bool kho_radix_avoid_order(struct kho_radix_tree *tree, unsigned long pfn,
				  unsigned long last_pfn, unsigned int order,
				  struct range *window)
{
	u64 first = kho_radix_key(pfn, order), last = kho_radix_key(last_pfn, order);
	u64 base = ALIGN_DOWN(first, KHO_RADIX_LEAF_BITS);
	u64 marker = kho_radix_marker(order);
	struct range bits = { .end = KHO_RADIX_LEAF_BITS };
	struct kho_radix_leaf *leaf;

	if (kho_radix_leaf_nr(first) != kho_radix_leaf_nr(last)) {
		window->start = pfn;
		window->end = last_pfn + 1;
		return !kho_radix_has_key(tree, first, last);
	}

	leaf = kho_radix_descend(tree, first);
	if (leaf && !kho_radix_clear_bits_around(leaf, first - base, last - base,
						 &bits))
		return false;

	/* The first leaf also has keys of other orders. */
	first = max(base + bits.start, marker);
	last = min(base + bits.end, 2 * marker);
	window->start = max(window->start, (first - marker) << order);
	window->end = min(window->end, (last - marker) << order);
	return true;
}

/*
 * Check that no blocks of other orders than @order overlap @nr pages. Narrow
 * @window, which contains them, to memory without such blocks.
 */
static bool kho_radix_avoid_others(struct kho_radix_tree *tree, unsigned long pfn,
				   unsigned long nr, unsigned int order,
				   struct range *window)
{
	u64 orders = tree->orders & ~BIT_ULL(order);

	for (; orders; orders &= orders - 1)
		if (!kho_radix_avoid_order(tree, pfn, pfn + nr - 1,
					   __ffs64(orders), window))
			return false;

	return true;
}

/*
 * Check whether blocks of the tree overlap blocks of other orders. Only a tree of
 * another kernel has overlaps, and kho_radix_walk_ranges() has noticed them.
 */
static bool kho_radix_is_overlapped(const struct kho_radix_tree *tree,
				    unsigned long pfn, unsigned long nr,
				    unsigned int order)
{
	return unlikely(tree->overlaps) &&
	       kho_radix_has_orders(tree, pfn, nr << order, ~BIT_ULL(order));
}

/*
 * Single blocks
 */

/* Add a block. Narrow @window to memory without blocks of other orders. */
static int kho_radix_add_block(struct kho_radix_tree *tree, unsigned long pfn,
			       unsigned int order, struct range *window)
{
	u64 key = kho_radix_key(pfn, order);
	struct kho_radix_leaf *leaf;

	lockdep_assert_held(&tree->lock);
	if (!kho_radix_avoid_others(tree, pfn, 1UL << order, order, window))
		return -EEXIST;
	leaf = kho_radix_get_leaf(tree, key);
	if (!leaf)
		return -ENOMEM;
	if (__test_and_set_bit(kho_radix_bit(key), leaf->bitmap))
		return -EEXIST;

	kho_radix_update_leaf(tree, key, 1);
	return 0;
}

/**
 * kho_radix_add_page - add a block
 * @tree:  the tree
 * @pfn:   page frame number of the block's first page
 * @order: log2 of the block's size in pages
 *
 * Context: May sleep; takes the tree's lock.
 * Return: 0; -EINVAL if @order or @pfn is too large, or @pfn is not aligned to
 * the block's size; -EEXIST if the block contains, equals or lies in a block that
 * the tree has; -ENOMEM. After an error the tree is unchanged.
 */
int kho_radix_add_page(struct kho_radix_tree *tree, unsigned long pfn,
		       unsigned int order)
{
	struct range unused = { .end = KHO_RADIX_END_PFN };

	if (!kho_radix_valid_block(pfn, order))
		return -EINVAL;

	guard(mutex)(&tree->lock);
	return kho_radix_add_block(tree, pfn, order, &unused);
}
EXPORT_SYMBOL_GPL(kho_radix_add_page);

/**
 * kho_radix_add_page_within - add a block and prepare the fast path
 * @tree:   the tree
 * @pfn:    page frame number of the block's first page
 * @order:  log2 of the block's size in pages
 * @limits: page frame numbers, end exclusive, where the caller may add blocks; the
 *	    block must lie in this range
 *
 * Like kho_radix_add_page(). Afterwards kho_radix_add_to_last() can add blocks of
 * this order nearby, within @limits.
 *
 * Context: May sleep; takes the tree's lock.
 * Return: as kho_radix_add_page().
 */
int kho_radix_add_page_within(struct kho_radix_tree *tree, unsigned long pfn,
			      unsigned int order, const struct range *limits)
{
	struct range window = *limits;
	int err;

	if (!kho_radix_valid_block(pfn, order))
		return -EINVAL;

	guard(mutex)(&tree->lock);
	err = kho_radix_add_block(tree, pfn, order, &window);
	/* A leaf with blocks of several orders has no window. */
	if (!err && is_power_of_2(kho_radix_leaf_orders(kho_radix_key(pfn, order))))
		tree->window = window;
	return err;
}

/**
 * kho_radix_del_page - remove a block
 * @tree:  the tree
 * @pfn:   page frame number of the block's first page
 * @order: log2 of the block's size in pages
 *
 * Nodes that become empty are freed.
 *
 * Context: May sleep; takes the tree's lock.
 * Return: 0; -EINVAL if @order or @pfn is too large, or @pfn is not aligned to
 * the block's size; -ENOENT if the tree does not have this block.
 */
int kho_radix_del_page(struct kho_radix_tree *tree, unsigned long pfn,
		       unsigned int order)
{
	struct kho_radix_leaf *leaf;
	u64 key;

	if (!kho_radix_valid_block(pfn, order))
		return -EINVAL;

	key = kho_radix_key(pfn, order);
	guard(mutex)(&tree->lock);
	leaf = kho_radix_find_leaf(tree, key);
	if (!leaf || !__test_and_clear_bit(kho_radix_bit(key), leaf->bitmap))
		return -ENOENT;

	kho_radix_update_leaf(tree, key, -1);
	return 0;
}
EXPORT_SYMBOL_GPL(kho_radix_del_page);

/*
 * Ranges of blocks of one order
 */

/* Return the number of keys in [key, end) that belong to the leaf for @key. */
static unsigned long kho_radix_nr_in_leaf(u64 key, u64 end)
{
	return min_t(u64, end - key, KHO_RADIX_LEAF_BITS - kho_radix_bit(key));
}

/* Return a mask of the bits in [bit, end) that are in the same word as @bit. */
static unsigned long kho_radix_mask(unsigned int bit, unsigned int end)
{
	unsigned long mask = BITMAP_FIRST_WORD_MASK(bit);

	if (BIT_WORD(bit) == BIT_WORD(end))
		mask &= BITMAP_LAST_WORD_MASK(end);
	return mask;
}

/* Return the first bit of the word after the one with @bit. */
static unsigned int kho_radix_next_word_bit(unsigned int bit)
{
	return round_down(bit, BITS_PER_LONG) + BITS_PER_LONG;
}

/*
 * The next three functions do not use the bitmap library: most ranges are
 * short, and the function calls would cost more than the work.
 */

/* Add @nr keys from @key on, which all belong to one leaf. */
static int kho_radix_set_bits(struct kho_radix_tree *tree, u64 key,
			      unsigned long nr)
{
	struct kho_radix_leaf *leaf = kho_radix_get_leaf(tree, key);
	unsigned int start = kho_radix_bit(key), end = start + nr, bit;

	if (!leaf)
		return -ENOMEM;
	for (bit = start; bit < end; bit = kho_radix_next_word_bit(bit))
		if (leaf->bitmap[BIT_WORD(bit)] & kho_radix_mask(bit, end))
			return -EEXIST;

	for (bit = start; bit < end; bit = kho_radix_next_word_bit(bit))
		leaf->bitmap[BIT_WORD(bit)] |= kho_radix_mask(bit, end);
	kho_radix_update_leaf(tree, key, nr);
	return 0;
}

/* Remove @nr keys from @key on, which are all present in one leaf. */
static void kho_radix_clear_bits(struct kho_radix_tree *tree, u64 key,
				 unsigned long nr)
{
	struct kho_radix_leaf *leaf = kho_radix_find_leaf(tree, key);
	unsigned int start = kho_radix_bit(key), end = start + nr, bit;

	for (bit = start; bit < end; bit = kho_radix_next_word_bit(bit))
		leaf->bitmap[BIT_WORD(bit)] &= ~kho_radix_mask(bit, end);
	kho_radix_update_leaf(tree, key, -(long)nr);
}

/* Check that the tree has @nr keys from @key on, which belong to one leaf. */
static bool kho_radix_test_bits(struct kho_radix_tree *tree, u64 key,
				unsigned long nr)
{
	const struct kho_radix_leaf *leaf = kho_radix_find_leaf(tree, key);
	unsigned int start = kho_radix_bit(key), end = start + nr, bit;

	if (!leaf)
		return false;
	for (bit = start; bit < end; bit = kho_radix_next_word_bit(bit))
		if (~leaf->bitmap[BIT_WORD(bit)] & kho_radix_mask(bit, end))
			return false;

	return true;
}

/* Check that the tree has all keys in [key, end). */
static bool kho_radix_test_keys(struct kho_radix_tree *tree, u64 key, u64 end)
{
	unsigned long nr;

	for (; key < end; key += nr) {
		nr = kho_radix_nr_in_leaf(key, end);
		if (!kho_radix_test_bits(tree, key, nr))
			return false;
	}

	return true;
}

/* Remove the keys in [key, end), which are all present. */
static void kho_radix_clear_keys(struct kho_radix_tree *tree, u64 key, u64 end)
{
	unsigned long nr;

	for (; key < end; key += nr) {
		nr = kho_radix_nr_in_leaf(key, end);
		kho_radix_clear_bits(tree, key, nr);
	}
}

/**
 * kho_radix_add_range - add contiguous blocks of one order
 * @tree:  the tree
 * @pfn:   page frame number of the first block's first page
 * @nr:    number of blocks
 * @order: log2 of the size of each block in pages
 *
 * This is much faster than adding the blocks one by one, because it sets whole
 * words of a leaf at once.
 *
 * Context: May sleep; takes the tree's lock.
 * Return: 0; -EINVAL if @order is too large, @pfn is not aligned to the size of
 * a block, @nr is 0 or the range ends too high; -EEXIST if one of the blocks
 * contains, equals or lies in a block that the tree has; -ENOMEM. After an error
 * the tree is unchanged.
 */
int kho_radix_add_range(struct kho_radix_tree *tree, unsigned long pfn,
			unsigned long nr, unsigned int order)
{
	struct range unused = { .end = KHO_RADIX_END_PFN };
	u64 first, key, end;
	unsigned long part;
	int err;

	if (!kho_radix_valid_range(pfn, nr, order))
		return -EINVAL;

	first = kho_radix_key(pfn, order);
	end = first + nr;
	guard(mutex)(&tree->lock);
	if (!kho_radix_avoid_others(tree, pfn, nr << order, order, &unused))
		return -EEXIST;
	for (key = first; key < end; key += part) {
		part = kho_radix_nr_in_leaf(key, end);
		err = kho_radix_set_bits(tree, key, part);
		if (err) {
			kho_radix_clear_keys(tree, first, key);
			return err;
		}
	}

	return 0;
}
EXPORT_SYMBOL_GPL(kho_radix_add_range);

/**
 * kho_radix_del_range - remove contiguous blocks of one order
 * @tree:  the tree
 * @pfn:   page frame number of the first block's first page
 * @nr:    number of blocks
 * @order: log2 of the size of each block in pages
 *
 * Nodes that become empty are freed.
 *
 * Context: May sleep; takes the tree's lock.
 * Return: 0; -EINVAL if @order is too large, @pfn is not aligned to the size of
 * a block, @nr is 0 or the range ends too high; -ENOENT if the tree lacks one of
 * the blocks. After an error the tree is unchanged.
 */
int kho_radix_del_range(struct kho_radix_tree *tree, unsigned long pfn,
			unsigned long nr, unsigned int order)
{
	u64 first;

	if (!kho_radix_valid_range(pfn, nr, order))
		return -EINVAL;

	first = kho_radix_key(pfn, order);
	guard(mutex)(&tree->lock);
	if (!kho_radix_test_keys(tree, first, first + nr))
		return -ENOENT;
	kho_radix_clear_keys(tree, first, first + nr);

	return 0;
}
EXPORT_SYMBOL_GPL(kho_radix_del_range);

/**
 * kho_radix_test_range - check that a tree has contiguous blocks of one order
 * @tree:  the tree
 * @pfn:   page frame number of the first block's first page
 * @nr:    number of blocks
 * @order: log2 of the size of each block in pages
 *
 * Context: May sleep; takes the tree's lock.
 * Return: true if the tree has all of these blocks; false if @nr is 0, or if one
 * of the blocks overlaps another.
 */
bool kho_radix_test_range(struct kho_radix_tree *tree, unsigned long pfn,
			  unsigned long nr, unsigned int order)
{
	u64 first;

	if (!kho_radix_valid_range(pfn, nr, order))
		return false;

	first = kho_radix_key(pfn, order);
	guard(mutex)(&tree->lock);
	return kho_radix_test_keys(tree, first, first + nr) &&
	       !kho_radix_is_overlapped(tree, pfn, nr, order);
}

/*
 * Lookups by page frame number, whatever the order
 */

static bool kho_radix_test_key(struct kho_radix_tree *tree, u64 key)
{
	const struct kho_radix_leaf *leaf = kho_radix_find_leaf(tree, key);

	return leaf && test_bit(kho_radix_bit(key), leaf->bitmap);
}

/**
 * kho_radix_block_order - return the order of the block that starts at a page
 * @tree: the tree
 * @pfn:  page frame number
 *
 * Context: May sleep; takes the tree's lock.
 * Return: the order of the block whose first page is @pfn, -ENOENT if there is
 * none or if it overlaps another.
 */
int kho_radix_block_order(struct kho_radix_tree *tree, unsigned long pfn)
{
	u64 orders;

	if (!kho_radix_valid_block(pfn, 0))
		return -ENOENT;

	guard(mutex)(&tree->lock);
	for (orders = tree->orders; orders; orders &= orders - 1) {
		unsigned int order = __ffs64(orders);

		if (!kho_radix_valid_block(pfn, order))
			break;
		if (kho_radix_test_key(tree, kho_radix_key(pfn, order)))
			return kho_radix_is_overlapped(tree, pfn, 1, order) ?
			       -ENOENT : order;
	}

	return -ENOENT;
}

/**
 * kho_radix_has_blocks - check that a range of pages consists of whole blocks of a tree
 * @tree: the tree
 * @pfn:  first page frame number of the range
 * @nr:   number of pages in the range
 *
 * Context: May sleep; takes the tree's lock.
 * Return: true if each page of the range lies in a block, and no block reaches beyond the
 * range or overlaps another; false if @nr is 0.
 */
bool kho_radix_has_blocks(struct kho_radix_tree *tree, unsigned long pfn,
			  unsigned long nr)
{
	if (!kho_radix_valid_range(pfn, nr, 0))
		return false;

	while (nr) {
		int order = kho_radix_block_order(tree, pfn);

		if (order < 0 || 1UL << order > nr)
			return false;
		pfn += 1UL << order;
		nr -= 1UL << order;
	}

	return true;
}

/* Return the word of a leaf that has @key, shifted so that @key is in bit 0. */
static unsigned long kho_radix_word(const struct kho_radix_leaf *leaf, u64 key)
{
	unsigned int bit = kho_radix_bit(key);

	return leaf->bitmap[BIT_WORD(bit)] >> bit % BITS_PER_LONG;
}

/*
 * Return the end, exclusive, of the run of keys in @leaf that starts with @key.
 * A run ends with the leaf, even if the next leaf continues it.
 */
static u64 kho_radix_run_end(const struct kho_radix_leaf *leaf, u64 key)
{
	do {
		unsigned long word = kho_radix_word(leaf, key);

		if (~word)
			key += ffz(word);
		else
			key += BITS_PER_LONG;
	} while (!(key % BITS_PER_LONG) && kho_radix_bit(key) &&
		 kho_radix_word(leaf, key) & 1);

	return key;
}

/*
 * Find the block that contains @pfn, and the blocks of the same order that
 * follow it without a gap in the same leaf, up to the one that contains @last_pfn.
 * Return the end of the last one, exclusive; @pfn if no block contains it or one
 * of them overlaps another.
 */
static unsigned long kho_radix_covered_end(struct kho_radix_tree *tree,
					   unsigned long pfn,
					   unsigned long last_pfn)
{
	u64 orders;

	for (orders = tree->orders; orders; orders &= orders - 1) {
		unsigned int order = __ffs64(orders);
		u64 key = kho_radix_key(pfn, order), end;
		u64 marker = kho_radix_marker(order);

		if (!kho_radix_test_key(tree, key))
			continue;
		end = min(kho_radix_run_end(tree->last_leaf, key),
			  kho_radix_key(last_pfn, order) + 1);
		if (kho_radix_is_overlapped(tree, ALIGN_DOWN(pfn, 1UL << order),
					    end - key, order))
			break;
		return (end - marker) << order;
	}

	return pfn;
}

/**
 * kho_radix_contains - check that blocks of a tree cover a whole range of pages
 * @tree: the tree
 * @pfn:  first page frame number of the range
 * @nr:   number of pages in the range
 *
 * Any number of blocks of any orders may cover the range together.
 *
 * Context: May sleep; takes the tree's lock.
 * Return: true if each page of the range lies in a block; false if @nr is 0, or
 * if one of these blocks overlaps another.
 */
bool kho_radix_contains(struct kho_radix_tree *tree, unsigned long pfn,
			unsigned long nr)
{
	unsigned long covered, end;

	if (!kho_radix_valid_range(pfn, nr, 0))
		return false;

	guard(mutex)(&tree->lock);
	for (end = pfn + nr; pfn < end; pfn = covered) {
		covered = kho_radix_covered_end(tree, pfn, end - 1);
		if (covered == pfn)
			return false;
	}

	return true;
}

/*
 * The blocks of another tree
 */

/**
 * struct kho_radix_copy - state of adding the blocks of another tree
 * @tree:	 the tree that gets them
 * @filter:	 selects the blocks to add, NULL for all
 * @window:	 page frame numbers, end exclusive, of memory where @tree has no blocks of
 *		 other orders than that of the current leaf
 * @nr_overlaps: number of blocks that are not added because they overlap others
 */
struct kho_radix_copy {
	struct kho_radix_tree *tree;
	kho_radix_filter_fn filter;
	struct range window;
	unsigned long nr_overlaps;
};

/* Check whether all blocks of @order in a range can be added. */
typedef bool (*kho_radix_check_fn)(struct kho_radix_copy *copy, unsigned long pfn,
				   unsigned long nr, unsigned int order);

static bool kho_radix_passes_filter(struct kho_radix_copy *copy, unsigned long pfn,
				    unsigned long nr, unsigned int order)
{
	return !copy->filter || copy->filter(pfn, nr, order);
}

static bool kho_radix_has_room(struct kho_radix_copy *copy, unsigned long pfn,
			       unsigned long nr, unsigned int order)
{
	struct range window = { .end = KHO_RADIX_END_PFN };

	if (pfn >= copy->window.start && pfn + nr <= copy->window.end)
		return true;
	if (!kho_radix_avoid_others(copy->tree, pfn, nr, order, &window))
		return false;

	/* A leaf with blocks of several orders has no window. */
	if (is_power_of_2(kho_radix_leaf_orders(kho_radix_key(pfn, order))))
		copy->window = window;
	return true;
}

/*
 * Return those of the @nr lowest bits of @word whose blocks pass a check. Bit 0 is for
 * @key. If all blocks together do not pass, check each half. @nr is a power of two and
 * @key a multiple of it, so unless @key is 0 all blocks are of one order.
 */
static unsigned long kho_radix_select(struct kho_radix_copy *copy,
				      kho_radix_check_fn check, u64 key,
				      unsigned int nr, unsigned long word)
{
	unsigned int order, half = nr / 2;
	phys_addr_t phys;

	if (!word)
		return 0;
	if (key >= nr) {
		phys = kho_radix_decode_key(key, &order);
		if (check(copy, PHYS_PFN(phys), (unsigned long)nr << order, order))
			return word;
	}
	if (!half)
		return 0;

	return kho_radix_select(copy, check, key, half,
				word & GENMASK(half - 1, 0)) |
	       kho_radix_select(copy, check, key + half, half, word >> half) << half;
}

/*
 * Add the blocks of @source, a leaf of another tree whose first key is @base. The tree
 * has a leaf for it.
 */
static void kho_radix_copy_leaf(struct kho_radix_copy *copy, u64 base,
				const struct kho_radix_leaf *source)
{
	struct kho_radix_leaf *leaf = kho_radix_find_leaf(copy->tree, base);
	unsigned long added = 0;
	unsigned int i;

	copy->window = (struct range){};
	for (i = 0; i < KHO_RADIX_LEAF_WORDS; i++) {
		u64 key = base + i * BITS_PER_LONG;
		unsigned long wanted, room;

		wanted = kho_radix_select(copy, kho_radix_passes_filter, key,
					  BITS_PER_LONG, source->bitmap[i]);
		room = kho_radix_select(copy, kho_radix_has_room, key, BITS_PER_LONG,
					wanted & ~leaf->bitmap[i]);
		leaf->bitmap[i] |= room;
		added += hweight_long(room);
		copy->nr_overlaps += hweight_long(wanted & ~room);
	}

	/* This frees the leaf if it is empty. */
	kho_radix_update_leaf(copy->tree, base, added);
}

/* Make sure that @tree has all leaves of @source. */
static int kho_radix_add_leaves(struct kho_radix_tree *tree,
				const struct kho_radix_tree *source)
{
	u64 key;

	for (key = 0; kho_radix_next_leaf(source, &key, KHO_RADIX_MAX_KEY);
	     key += KHO_RADIX_LEAF_BITS)
		if (!kho_radix_get_leaf(tree, key))
			return -ENOMEM;

	return 0;
}

/* Undo kho_radix_add_leaves(). */
static void kho_radix_drop_leaves(struct kho_radix_tree *tree,
				  const struct kho_radix_tree *source)
{
	u64 key;

	/* The update frees the leaf if it is empty. */
	for (key = 0; kho_radix_next_leaf(source, &key, KHO_RADIX_MAX_KEY);
	     key += KHO_RADIX_LEAF_BITS)
		if (kho_radix_find_leaf(tree, key))
			kho_radix_update_leaf(tree, key, 0);
}

static unsigned long kho_radix_copy_leaves(struct kho_radix_tree *tree,
					   const struct kho_radix_tree *source,
					   kho_radix_filter_fn filter)
{
	struct kho_radix_copy copy = { .tree = tree, .filter = filter };
	const struct kho_radix_leaf *leaf;
	u64 key;

	for (key = 0; (leaf = kho_radix_next_leaf(source, &key, KHO_RADIX_MAX_KEY));
	     key += KHO_RADIX_LEAF_BITS) {
		kho_radix_copy_leaf(&copy, key, leaf);
		cond_resched();
	}

	return copy.nr_overlaps;
}

/**
 * kho_radix_add_tree - add the blocks of another tree
 * @tree:   the tree
 * @source: the other tree
 * @filter: selects the blocks to add, NULL for all
 * @nr_overlaps: where to store the number of blocks that are not added because they
 *	    contain, equal or lie in a block that @tree has
 *
 * The cost is that of the bitmap words of @source, not of its blocks. All memory is
 * allocated before the first block is added.
 *
 * Context: May sleep; takes the lock of @source, and inside it that of @tree.
 * Return: 0 or -ENOMEM. After an error the tree is unchanged.
 */
int kho_radix_add_tree(struct kho_radix_tree *tree, struct kho_radix_tree *source,
		       kho_radix_filter_fn filter, unsigned long *nr_overlaps)
{
	int err;

	guard(mutex)(&source->lock);
	mutex_lock_nested(&tree->lock, SINGLE_DEPTH_NESTING);
	err = kho_radix_add_leaves(tree, source);
	if (err)
		kho_radix_drop_leaves(tree, source);
	else
		*nr_overlaps = kho_radix_copy_leaves(tree, source, filter);
	mutex_unlock(&tree->lock);

	return err;
}
