// SPDX-License-Identifier: GPL-2.0-only
/*
 * The radix tree of preserved memory.
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The tree is a set of 64-bit keys, each standing for a block of 2^order pages;
 * include/linux/kho/abi/radix_tree.h has its format. It is handed to the next
 * kernel as it stands, at any moment: so a node is filled before it is linked
 * and unlinked before it is freed, and no state outside of the nodes is needed
 * to read them.
 *
 * How many entries a node has is kept in the private field of its struct page.
 * Only changes of the tree use it, to give a node back as soon as it is empty.
 */

#define pr_fmt(fmt) "KHO: radix: " fmt

#include <linux/align.h>
#include <linux/bitmap.h>
#include <linux/bits.h>
#include <linux/bug.h>
#include <linux/cleanup.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/printk.h>

#include <linux/kho/radix_tree.h>

#include "kexec_handover_internal.h"

#define KHO_RADIX_TOP		(KHO_TREE_MAX_DEPTH - 1)
#define KHO_RADIX_SLOTS		BIT(KHO_TABLE_SIZE_LOG2)
#define KHO_RADIX_LEAF_BITS	BIT(KHO_BITMAP_SIZE_LOG2)
#define KHO_RADIX_LEAF_MASK	(KHO_RADIX_LEAF_BITS - 1)
#define KHO_RADIX_MIN_KEY	2ULL
#define KHO_RADIX_MAX_KEY	(2 * KHO_RADIX_END_PFN - 1)
#define KHO_RADIX_END_PFN	BIT_ULL(KHO_ORDER_0_LOG2)

/* The orders that share the lowest leaf */
#define KHO_RADIX_LOW_ORDERS						\
	GENMASK_ULL(KHO_RADIX_MAX_ORDER,				\
		    KHO_ORDER_0_LOG2 + 1 - KHO_BITMAP_SIZE_LOG2)

const struct kho_compat_range kho_radix_compat_range = {
	.name = "radix",
	.lowest = 1,
	.highest = 1,
};
EXPORT_SYMBOL_GPL(kho_radix_compat_range);

/*
 * Keys
 */

static u64 kho_radix_marker(unsigned int order)
{
	return 1ULL << (KHO_ORDER_0_LOG2 - order);
}

/* The key of the block of @order that holds @pfn */
static u64 kho_radix_key(unsigned long pfn, unsigned int order)
{
	return kho_radix_marker(order) + (pfn >> order);
}

/* Number of the key's bits that lie below what selects a slot on @level */
static unsigned int kho_radix_shift(unsigned int level)
{
	return KHO_BITMAP_SIZE_LOG2 + (level - 1) * KHO_TABLE_SIZE_LOG2;
}

static unsigned int kho_radix_slot(u64 key, unsigned int level)
{
	return (key >> kho_radix_shift(level)) & (KHO_RADIX_SLOTS - 1);
}

static unsigned int kho_radix_bit(u64 key)
{
	return key & KHO_RADIX_LEAF_MASK;
}

/* How many of the keys from @key to @last share the leaf of @key */
static unsigned long kho_radix_share(u64 key, u64 last)
{
	return min_t(u64, last - key, KHO_RADIX_LEAF_MASK - kho_radix_bit(key)) + 1;
}

/* Which orders can the leaf of @key have? One, but for the lowest leaf. */
static u64 kho_radix_leaf_orders(u64 key)
{
	return key > KHO_RADIX_LEAF_MASK ?
	       BIT_ULL(KHO_ORDER_0_LOG2 + 1 - fls64(key)) : KHO_RADIX_LOW_ORDERS;
}

static bool kho_radix_valid_block(unsigned long pfn, unsigned int order)
{
	return order <= KHO_RADIX_MAX_ORDER && IS_ALIGNED(pfn, 1UL << order) &&
	       pfn < KHO_RADIX_END_PFN;
}

static bool kho_radix_valid(unsigned long pfn, unsigned long nr,
			    unsigned int order)
{
	return kho_radix_valid_block(pfn, order) && nr &&
	       nr <= (KHO_RADIX_END_PFN - pfn) >> order;
}

/*
 * Nodes
 */

static void *kho_radix_child(const struct kho_radix_node *node,
			     unsigned int slot)
{
	u64 child = node->table[slot];

	return child ? phys_to_virt(child) : NULL;
}

static unsigned long kho_radix_entries(void *node)
{
	return page_private(virt_to_page(node));
}

static void kho_radix_count(void *node, long diff)
{
	struct page *page = virt_to_page(node);

	set_page_private(page, page_private(page) + diff);
}

/* Entries that a node has in fact */
static unsigned long kho_radix_weight(const void *node, unsigned int level)
{
	const struct kho_radix_node *table = node;
	const struct kho_radix_leaf *leaf = node;
	unsigned long weight = 0;
	unsigned int slot;

	if (!level)
		return bitmap_weight(leaf->bitmap, KHO_RADIX_LEAF_BITS);

	for (slot = 0; slot < KHO_RADIX_SLOTS; slot++)
		weight += !!table->table[slot];

	return weight;
}

/* Nodes must not be movable: in scratch the next kernel would overwrite them. */
static void *kho_radix_alloc_node(void)
{
	struct folio *folio = kho_alloc_folio(0);

	if (!folio)
		return NULL;

	set_page_private(&folio->page, 0);
	return folio_address(folio);
}

static void kho_radix_free_node(void *node)
{
	set_page_private(virt_to_page(node), 0);
	free_page((unsigned long)node);
}

static struct kho_radix_leaf *kho_radix_descend(struct kho_radix_tree *tree,
						u64 key)
{
	void *node = tree->root;
	unsigned int level;

	for (level = KHO_RADIX_TOP; level && node; level--)
		node = kho_radix_child(node, kho_radix_slot(key, level));

	return node;
}

static void kho_radix_remember(struct kho_radix_tree *tree, u64 key,
			       struct kho_radix_leaf *leaf)
{
	tree->last_leaf = leaf;
	tree->last_page = leaf ? virt_to_page(leaf) : NULL;
	tree->last_nr = leaf ? kho_radix_leaf_nr(key) : 0;
}

/* Neighbours are in the same leaf, and come one after another. */
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

static bool kho_radix_test_key(struct kho_radix_tree *tree, u64 key)
{
	const struct kho_radix_leaf *leaf = kho_radix_find_leaf(tree, key);

	return leaf && test_bit(kho_radix_bit(key), leaf->bitmap);
}

/*
 * The cursor: the way from the root down to the leaf of one key. It is needed
 * where nodes come or go.
 */

struct kho_radix_cursor {
	struct kho_radix_tree *tree;
	u64 key;
	void *path[KHO_TREE_MAX_DEPTH];
};

static void *krc_descend(struct kho_radix_cursor *krc, unsigned int level)
{
	void *child = kho_radix_child(krc->path[level],
				      kho_radix_slot(krc->key, level));

	krc->path[level - 1] = child;
	return child;
}

static void *krc_add_child(struct kho_radix_cursor *krc, unsigned int level)
{
	struct kho_radix_node *node = krc->path[level];
	void *child = kho_radix_alloc_node();

	if (!child)
		return NULL;

	node->table[kho_radix_slot(krc->key, level)] = virt_to_phys(child);
	kho_radix_count(node, 1);
	krc->path[level - 1] = child;
	return child;
}

/* Give back the nodes from @level up that are empty; the root stays. */
static void krc_prune(struct kho_radix_cursor *krc, unsigned int level)
{
	for (; level < KHO_RADIX_TOP; level++) {
		struct kho_radix_node *parent = krc->path[level + 1];

		if (kho_radix_entries(krc->path[level]))
			return;

		parent->table[kho_radix_slot(krc->key, level + 1)] = 0;
		kho_radix_count(parent, -1);
		kho_radix_free_node(krc->path[level]);
	}
}

static struct kho_radix_leaf *krc_walk(struct kho_radix_cursor *krc)
{
	unsigned int level;

	krc->path[KHO_RADIX_TOP] = krc->tree->root;
	for (level = KHO_RADIX_TOP; level; level--)
		if (!krc_descend(krc, level))
			return NULL;

	return krc->path[0];
}

static struct kho_radix_leaf *krc_create(struct kho_radix_cursor *krc)
{
	unsigned int level;

	krc->path[KHO_RADIX_TOP] = krc->tree->root;
	for (level = KHO_RADIX_TOP; level; level--) {
		if (krc_descend(krc, level) || krc_add_child(krc, level))
			continue;
		krc_prune(krc, level);
		return NULL;
	}

	return krc->path[0];
}

static noinline struct kho_radix_leaf *
kho_radix_create_leaf(struct kho_radix_tree *tree, u64 key)
{
	struct kho_radix_cursor krc = { .tree = tree, .key = key };
	struct kho_radix_leaf *leaf = krc_create(&krc);

	if (leaf)
		tree->orders |= kho_radix_leaf_orders(key);
	kho_radix_remember(tree, key, leaf);
	return leaf;
}

static struct kho_radix_leaf *kho_radix_get_leaf(struct kho_radix_tree *tree,
						 u64 key)
{
	struct kho_radix_leaf *leaf = kho_radix_find_leaf(tree, key);

	return leaf ?: kho_radix_create_leaf(tree, key);
}

/* Free the leaf of @key, which has become empty, and what is so above it. */
static noinline void kho_radix_drop_leaf(struct kho_radix_tree *tree, u64 key)
{
	struct kho_radix_cursor krc = { .tree = tree, .key = key };

	kho_radix_remember(tree, key, NULL);
	if (krc_walk(&krc))
		krc_prune(&krc, 0);
}

/* Count entries of the leaf of @key, the last one that was looked for. */
static __always_inline void kho_radix_count_leaf(struct kho_radix_tree *tree,
						 u64 key, long diff)
{
	unsigned long entries = page_private(tree->last_page) + diff;

	set_page_private(tree->last_page, entries);
	if (unlikely(!entries))
		kho_radix_drop_leaf(tree, key);
}

/* All nodes between the root and the leaf of @key know their entries. */
static void kho_radix_check(struct kho_radix_tree *tree, u64 key)
{
	struct kho_radix_cursor krc = { .tree = tree, .key = key };
	unsigned int level;

	if (!IS_ENABLED(CONFIG_KEXEC_HANDOVER_DEBUG))
		return;

	krc_walk(&krc);
	for (level = KHO_TREE_MAX_DEPTH; level-- && krc.path[level];)
		WARN_ONCE(kho_radix_entries(krc.path[level]) !=
			  kho_radix_weight(krc.path[level], level),
			  "KHO: radix: wrong count of a node on level %u", level);
}

/**
 * kho_radix_init - initialize an empty tree
 * @tree: the tree
 *
 * Context: May sleep.
 * Return: 0, or -ENOMEM.
 */
int kho_radix_init(struct kho_radix_tree *tree)
{
	mutex_init(&tree->lock);
	tree->orders = 0;
	kho_radix_remember(tree, 0, NULL);
	tree->root = kho_radix_alloc_node();

	return tree->root ? 0 : -ENOMEM;
}
EXPORT_SYMBOL_GPL(kho_radix_init);

static void kho_radix_free_below(struct kho_radix_node *node,
				 unsigned int level)
{
	unsigned int slot;

	for (slot = 0; slot < KHO_RADIX_SLOTS; slot++) {
		void *child = kho_radix_child(node, slot);

		if (!child)
			continue;
		if (level > 1)
			kho_radix_free_below(child, level - 1);
		kho_radix_free_node(child);
	}
}

/**
 * kho_radix_destroy - free all nodes of a tree
 * @tree: the tree; a tree from another kernel must have been adopted
 *
 * Afterwards the tree can be initialized again, and is good for nothing else.
 *
 * Context: May sleep. Nobody else uses the tree any more.
 */
void kho_radix_destroy(struct kho_radix_tree *tree)
{
	if (!tree->root)
		return;

	kho_radix_remember(tree, 0, NULL);
	kho_radix_free_below(tree->root, KHO_RADIX_TOP);
	kho_radix_free_node(tree->root);
	tree->root = NULL;
	mutex_destroy(&tree->lock);
}
EXPORT_SYMBOL_GPL(kho_radix_destroy);

/*
 * Changes
 */

static int kho_radix_add_key(struct kho_radix_tree *tree, u64 key)
{
	struct kho_radix_leaf *leaf = kho_radix_get_leaf(tree, key);

	if (!leaf)
		return -ENOMEM;
	if (__test_and_set_bit(kho_radix_bit(key), leaf->bitmap))
		return -EEXIST;

	kho_radix_count_leaf(tree, key, 1);
	return 0;
}

static int kho_radix_del_key(struct kho_radix_tree *tree, u64 key)
{
	struct kho_radix_leaf *leaf = kho_radix_find_leaf(tree, key);

	if (!leaf || !__test_and_clear_bit(kho_radix_bit(key), leaf->bitmap))
		return -ENOENT;

	kho_radix_count_leaf(tree, key, -1);
	return 0;
}

/**
 * kho_radix_add_page - add one block
 * @tree:  the tree
 * @pfn:   page frame number of the block's first page
 * @order: log2 of the block's size in pages
 *
 * Whether the block overlaps blocks of other orders is for the caller to know;
 * see kho_radix_overlaps().
 *
 * Context: May sleep; takes the tree's lock.
 * Return: 0; -EINVAL if @order is too large, or @pfn too large or not aligned
 * to it; -EEXIST if the tree has this block; -ENOMEM. After an error the tree
 * is as it was.
 */
int kho_radix_add_page(struct kho_radix_tree *tree, unsigned long pfn,
		       unsigned int order)
{
	u64 key;
	int err;

	if (!kho_radix_valid_block(pfn, order))
		return -EINVAL;

	key = kho_radix_key(pfn, order);
	guard(mutex)(&tree->lock);
	err = kho_radix_add_key(tree, key);
	kho_radix_check(tree, key);

	return err;
}
EXPORT_SYMBOL_GPL(kho_radix_add_page);

/**
 * kho_radix_del_page - remove one block
 * @tree:  the tree
 * @pfn:   page frame number of the block's first page
 * @order: log2 of the block's size in pages
 *
 * Nodes that become empty are freed.
 *
 * Context: May sleep; takes the tree's lock.
 * Return: 0; -EINVAL if @order is too large, or @pfn too large or not aligned
 * to it; -ENOENT if the tree does not have this block.
 */
int kho_radix_del_page(struct kho_radix_tree *tree, unsigned long pfn,
		       unsigned int order)
{
	u64 key;
	int err;

	if (!kho_radix_valid_block(pfn, order))
		return -EINVAL;

	key = kho_radix_key(pfn, order);
	guard(mutex)(&tree->lock);
	err = kho_radix_del_key(tree, key);
	kho_radix_check(tree, key);

	return err;
}
EXPORT_SYMBOL_GPL(kho_radix_del_page);

/* Which bits of the word that has @bit lie from there up to, without, @end? */
static unsigned long kho_radix_mask(unsigned int bit, unsigned int end)
{
	unsigned long mask = BITMAP_FIRST_WORD_MASK(bit);

	if (BIT_WORD(bit) == BIT_WORD(end))
		mask &= BITMAP_LAST_WORD_MASK(end);
	return mask;
}

/* The first bit of the word behind the one that has @bit */
static unsigned int kho_radix_behind_word(unsigned int bit)
{
	return round_down(bit, BITS_PER_LONG) + BITS_PER_LONG;
}

/*
 * These three go over words themselves: runs are short more often than not, and a
 * call of the bitmap library for each costs more than the rest.
 */

/* Add @nr keys from @key on, all in one leaf. */
static int kho_radix_fill(struct kho_radix_tree *tree, u64 key,
			  unsigned long nr)
{
	struct kho_radix_leaf *leaf = kho_radix_get_leaf(tree, key);
	unsigned int start = kho_radix_bit(key), end = start + nr, bit;

	if (!leaf)
		return -ENOMEM;
	for (bit = start; bit < end; bit = kho_radix_behind_word(bit))
		if (leaf->bitmap[BIT_WORD(bit)] & kho_radix_mask(bit, end))
			return -EEXIST;

	for (bit = start; bit < end; bit = kho_radix_behind_word(bit))
		leaf->bitmap[BIT_WORD(bit)] |= kho_radix_mask(bit, end);
	kho_radix_count_leaf(tree, key, nr);
	kho_radix_check(tree, key);
	return 0;
}

/* Remove @nr keys from @key on, all present in one leaf. */
static void kho_radix_clear(struct kho_radix_tree *tree, u64 key,
			    unsigned long nr)
{
	struct kho_radix_leaf *leaf = kho_radix_find_leaf(tree, key);
	unsigned int start = kho_radix_bit(key), end = start + nr, bit;

	for (bit = start; bit < end; bit = kho_radix_behind_word(bit))
		leaf->bitmap[BIT_WORD(bit)] &= ~kho_radix_mask(bit, end);
	kho_radix_count_leaf(tree, key, -(long)nr);
	kho_radix_check(tree, key);
}

/* Are @nr keys from @key on, all in one leaf, in the tree? */
static bool kho_radix_full(struct kho_radix_tree *tree, u64 key,
			   unsigned long nr)
{
	const struct kho_radix_leaf *leaf = kho_radix_find_leaf(tree, key);
	unsigned int start = kho_radix_bit(key), end = start + nr, bit;

	if (!leaf)
		return false;
	for (bit = start; bit < end; bit = kho_radix_behind_word(bit))
		if (~leaf->bitmap[BIT_WORD(bit)] & kho_radix_mask(bit, end))
			return false;

	return true;
}

/* Are all keys from @key up to, without, @end in the tree? */
static bool kho_radix_test_keys(struct kho_radix_tree *tree, u64 key, u64 end)
{
	unsigned long nr;

	for (; key < end; key += nr) {
		nr = kho_radix_share(key, end - 1);
		if (!kho_radix_full(tree, key, nr))
			return false;
	}

	return true;
}

/* Remove keys that are known to be in the tree: from @key up to, without, @end */
static void kho_radix_clear_keys(struct kho_radix_tree *tree, u64 key, u64 end)
{
	unsigned long nr;

	for (; key < end; key += nr) {
		nr = kho_radix_share(key, end - 1);
		kho_radix_clear(tree, key, nr);
	}
}

/**
 * kho_radix_add_range - add neighbouring blocks of one order
 * @tree:  the tree
 * @pfn:   page frame number of the first block's first page
 * @nr:    number of blocks
 * @order: log2 of the size of each block in pages
 *
 * Costs far less than adding them one by one: whole words of a leaf are set at
 * once.
 *
 * Context: May sleep; takes the tree's lock.
 * Return: 0; -EINVAL if @order is too large, @pfn not aligned to it, @nr 0 or
 * the range too high; -EEXIST if the tree has one of the blocks; -ENOMEM. After
 * an error the tree is as it was.
 */
int kho_radix_add_range(struct kho_radix_tree *tree, unsigned long pfn,
			unsigned long nr, unsigned int order)
{
	u64 first, key, last;
	unsigned long share;
	int err;

	if (!kho_radix_valid(pfn, nr, order))
		return -EINVAL;

	first = kho_radix_key(pfn, order);
	last = first + nr - 1;
	guard(mutex)(&tree->lock);
	for (key = first; key <= last; key += share) {
		share = kho_radix_share(key, last);
		err = kho_radix_fill(tree, key, share);
		if (err) {
			kho_radix_clear_keys(tree, first, key);
			return err;
		}
	}

	return 0;
}
EXPORT_SYMBOL_GPL(kho_radix_add_range);

/**
 * kho_radix_del_range - remove neighbouring blocks of one order
 * @tree:  the tree
 * @pfn:   page frame number of the first block's first page
 * @nr:    number of blocks
 * @order: log2 of the size of each block in pages
 *
 * Nodes that become empty are freed.
 *
 * Context: May sleep; takes the tree's lock.
 * Return: 0; -EINVAL if @order is too large, @pfn not aligned to it, @nr 0 or
 * the range too high; -ENOENT if the tree does not have all of the blocks.
 * After an error the tree is as it was.
 */
int kho_radix_del_range(struct kho_radix_tree *tree, unsigned long pfn,
			unsigned long nr, unsigned int order)
{
	u64 first;

	if (!kho_radix_valid(pfn, nr, order))
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
 * kho_radix_test_range - are neighbouring blocks of one order in a tree?
 * @tree:  the tree
 * @pfn:   page frame number of the first block's first page
 * @nr:    number of blocks
 * @order: log2 of the size of each block in pages
 *
 * Context: May sleep; takes the tree's lock.
 * Return: true if the tree has all of these blocks; false for none.
 */
bool kho_radix_test_range(struct kho_radix_tree *tree, unsigned long pfn,
			  unsigned long nr, unsigned int order)
{
	u64 first;

	if (!kho_radix_valid(pfn, nr, order))
		return false;

	first = kho_radix_key(pfn, order);
	guard(mutex)(&tree->lock);
	return kho_radix_test_keys(tree, first, first + nr);
}
EXPORT_SYMBOL_GPL(kho_radix_test_range);

/*
 * Searching upwards
 */

/* Up to which slot of a table, without, can keys from @key to @last be? */
static unsigned int kho_radix_end_slot(u64 key, u64 last, unsigned int level)
{
	unsigned int shift = kho_radix_shift(level);
	u64 further = (last >> shift) - (key >> shift);

	return min_t(u64, kho_radix_slot(key, level) + further + 1,
		     KHO_RADIX_SLOTS);
}

/*
 * The first leaf that can hold a key from @key to @last, NULL if there is none.
 * Moves @key up to the first key of that leaf if it is in front of it, or behind
 * @last. Each table is scanned once as long as @key grows, and only where keys up
 * to @last can be.
 */
static const struct kho_radix_leaf *
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

/* Move @key to the first key from itself to @last that the tree has, if any. */
static bool kho_radix_next_key(const struct kho_radix_tree *tree, u64 *key,
			       u64 last)
{
	while (*key <= last) {
		const struct kho_radix_leaf *leaf =
			kho_radix_next_leaf(tree, key, last);
		unsigned long bit;

		if (!leaf)
			return false;
		bit = find_next_bit(leaf->bitmap, KHO_RADIX_LEAF_BITS,
				    kho_radix_bit(*key));
		*key = ALIGN_DOWN(*key, KHO_RADIX_LEAF_BITS) + bit;
		if (bit < KHO_RADIX_LEAF_BITS)
			return *key <= last;
	}

	return false;
}

static bool __kho_radix_overlaps(const struct kho_radix_tree *tree,
				 unsigned long pfn, unsigned long nr)
{
	u64 orders;

	for (orders = tree->orders; orders; orders &= orders - 1) {
		unsigned int order = __ffs64(orders);
		u64 key = kho_radix_key(pfn, order);

		if (kho_radix_next_key(tree, &key,
				       kho_radix_key(pfn + nr - 1, order)))
			return true;
	}

	return false;
}

static u64 __kho_radix_orders(const struct kho_radix_tree *tree)
{
	u64 orders = 0;
	u64 key;

	for (key = KHO_RADIX_MIN_KEY;
	     kho_radix_next_key(tree, &key, KHO_RADIX_MAX_KEY);
	     key = 1ULL << fls64(key))
		orders |= BIT_ULL(KHO_ORDER_0_LOG2 + 1 - fls64(key));

	return orders;
}

/**
 * kho_radix_orders - the orders of the blocks in a tree
 * @tree: the tree
 *
 * Context: May sleep; takes the tree's lock.
 * Return: a mask; bit N is set if there is a block of order N.
 */
u64 kho_radix_orders(struct kho_radix_tree *tree)
{
	guard(mutex)(&tree->lock);
	return __kho_radix_orders(tree);
}
EXPORT_SYMBOL_GPL(kho_radix_orders);

/**
 * kho_radix_overlaps - does any block of a tree reach into a range of pages?
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
	if (!kho_radix_valid(pfn, nr, 0))
		return false;

	guard(mutex)(&tree->lock);
	return __kho_radix_overlaps(tree, pfn, nr);
}
EXPORT_SYMBOL_GPL(kho_radix_overlaps);

/**
 * kho_radix_test_page - is a block in a tree?
 * @tree:  the tree
 * @pfn:   page frame number of the block's first page
 * @order: log2 of the block's size in pages
 *
 * Context: May sleep; takes the tree's lock.
 * Return: true if the tree has exactly this block.
 */
bool kho_radix_test_page(struct kho_radix_tree *tree, unsigned long pfn,
			 unsigned int order)
{
	if (!kho_radix_valid_block(pfn, order))
		return false;

	guard(mutex)(&tree->lock);
	return kho_radix_test_key(tree, kho_radix_key(pfn, order));
}
EXPORT_SYMBOL_GPL(kho_radix_test_page);

/**
 * kho_radix_block_order - the size of the block that starts at a page
 * @tree: the tree
 * @pfn:  page frame number
 *
 * Context: May sleep; takes the tree's lock.
 * Return: the order of the block whose first page is @pfn, -ENOENT if there is
 * none.
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
			return order;
	}

	return -ENOENT;
}
EXPORT_SYMBOL_GPL(kho_radix_block_order);

/* The bits of a leaf from @key up to the end of its word, the lowest first */
static unsigned long kho_radix_word(const struct kho_radix_leaf *leaf, u64 key)
{
	unsigned int bit = kho_radix_bit(key);

	return leaf->bitmap[BIT_WORD(bit)] >> bit % BITS_PER_LONG;
}

/* How far keys from @key on are in the leaf one after another; not its end */
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

/* How far memory is in blocks, seen from @pfn; @pfn if it is in none itself. */
static unsigned long kho_radix_covered(struct kho_radix_tree *tree,
				       unsigned long pfn)
{
	u64 orders;

	for (orders = tree->orders; orders; orders &= orders - 1) {
		unsigned int order = __ffs64(orders);
		u64 key = kho_radix_key(pfn, order);
		u64 marker = kho_radix_marker(order), end;

		if (!kho_radix_test_key(tree, key))
			continue;
		end = kho_radix_run_end(tree->last_leaf, key);
		return (min(end, 2 * marker) - marker) << order;
	}

	return pfn;
}

/**
 * kho_radix_contains - does a range of pages lie wholly in blocks of a tree?
 * @tree: the tree
 * @pfn:  first page frame number of the range
 * @nr:   number of pages in the range
 *
 * Any number of blocks of any orders may make up the range.
 *
 * Context: May sleep; takes the tree's lock.
 * Return: true if every page of the range lies in a block; false for an empty
 * range.
 */
bool kho_radix_contains(struct kho_radix_tree *tree, unsigned long pfn,
			unsigned long nr)
{
	unsigned long covered, end;

	if (!kho_radix_valid(pfn, nr, 0))
		return false;

	guard(mutex)(&tree->lock);
	for (end = pfn + nr; pfn < end; pfn = covered) {
		covered = kho_radix_covered(tree, pfn);
		if (covered == pfn)
			return false;
	}

	return true;
}
EXPORT_SYMBOL_GPL(kho_radix_contains);

/*
 * Walks
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
 * The blocks come by falling order, and in each order by rising address.
 *
 * Context: May sleep; takes the tree's lock.
 * Return: 0, or what @cb returned to stop the walk.
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
 * Each order is a sorted bitmap of its own. A merge looks at one run of each:
 * neighbouring blocks in one leaf, the lowest that it has not yet passed. What is
 * behind the run in its word is remembered, so that a run costs a few instructions
 * and only a new leaf a descent from the root.
 */
struct kho_radix_run {
	const struct kho_radix_leaf *leaf;
	unsigned long word;
	unsigned long start_pfn;
	unsigned long end_pfn;
};

struct kho_radix_merge {
	const struct kho_radix_tree *tree;
	unsigned long first_pfn;
	unsigned long last_pfn;
	u64 orders;
	struct kho_radix_run runs[KHO_RADIX_MAX_ORDER + 1];
};

/* Look at what the word that has @key holds from there up to @last. */
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

/* The key of the first word from @key on that holds something; 0 if none does */
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

/* A run reaches the end of its word: it has what follows in its leaf, too. */
static u64 kho_radix_extend_run(struct kho_radix_run *run, u64 key, u64 last)
{
	unsigned int bits = BITS_PER_LONG;

	run->word = 0;
	while (bits == BITS_PER_LONG && key <= last && kho_radix_bit(key)) {
		run->word = kho_radix_load_word(run->leaf, key, last);
		bits = ~run->word ? ffz(run->word) : BITS_PER_LONG;
		run->word &= bits == BITS_PER_LONG ? 0 : ~0UL << bits;
		key += bits;
	}

	return key;
}

/* Go on to the next run of @order; without one the order leaves the merge. */
static void kho_radix_next_run(struct kho_radix_merge *merge, unsigned int order)
{
	struct kho_radix_run *run = &merge->runs[order];
	u64 last = kho_radix_key(merge->last_pfn, order);
	u64 key = kho_radix_key(run->end_pfn, order);
	u64 marker = kho_radix_marker(order);
	unsigned long carried;

	if (!run->word)
		key = kho_radix_next_word(merge->tree, run, key, last);
	if (!key) {
		merge->orders &= ~BIT_ULL(order);
		return;
	}

	key = round_down(key, BITS_PER_LONG);
	run->start_pfn = (key + __ffs(run->word) - marker) << order;

	/* The carry goes through the lowest run, to the bit behind it. */
	carried = run->word + (run->word & -run->word);
	run->word &= carried;
	if (carried)
		key += __ffs(carried);
	else
		key = kho_radix_extend_run(run, key + BITS_PER_LONG, last);
	run->end_pfn = (key - marker) << order;
}

/* Each order starts with the block that holds @pfn, or the first one behind. */
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
 * The order that has the lowest run; only if there is any. What starts in front
 * of @bound_pfn is in the runs of this order alone.
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

/* What has been merged to one range so far */
struct kho_radix_range {
	unsigned long start_pfn;
	unsigned long end_pfn;
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

/* Put a run behind the range, or begin a new one with it. */
static int kho_radix_add_run(struct kho_radix_range *range,
			     unsigned long start_pfn, unsigned long end_pfn)
{
	int err;

	if (start_pfn < range->end_pfn) {
		pr_err("blocks overlap at pfn %#lx\n", start_pfn);
		return -EINVAL;
	}
	if (start_pfn > range->end_pfn) {
		err = kho_radix_emit(range);
		if (err)
			return err;
		range->start_pfn = start_pfn;
	}

	range->end_pfn = end_pfn;
	return 0;
}

/* Take runs of the order that has the lowest one until it is another's turn. */
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

/**
 * kho_radix_walk_window - call a function for each range of memory in a window
 * @tree:      the tree
 * @start_pfn: first page frame number of the window
 * @end_pfn:   page frame number behind the window
 * @cb:	       the function
 * @arg:       passed to @cb
 *
 * Like kho_radix_walk_ranges(), for the part of each range that lies in the
 * window.
 *
 * Context: Any; takes no lock. The tree must not change meanwhile.
 * Return: 0; -EINVAL if blocks overlap (@cb has been called for the ranges in
 * front of them); or what @cb returned to stop the walk.
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
	struct kho_radix_merge merge;
	int err = 0;

	if (start_pfn >= end_pfn)
		return 0;

	kho_radix_merge_start(&merge, tree, start_pfn, end_pfn - 1);
	while (merge.orders && !err)
		err = kho_radix_merge_runs(&merge, &range);

	return err ?: kho_radix_emit(&range);
}
EXPORT_SYMBOL_GPL(kho_radix_walk_window);

/**
 * kho_radix_walk_ranges - call a function for each range of memory in a tree
 * @tree: the tree
 * @cb:   the function
 * @arg:  passed to @cb
 *
 * Ranges come by rising address, blocks of all orders merged, neighbouring ones
 * put together to the largest ranges that there are. A range costs the words of
 * the bitmaps that it spans, not its pages.
 *
 * Nothing is allocated, so that it can run before the page allocator does. The
 * tree may be from another kernel if kho_radix_walk_nodes() found no fault.
 *
 * Context: May sleep; takes the tree's lock.
 * Return: 0; -EINVAL if blocks overlap (@cb has been called for the ranges in
 * front of them); or what @cb returned to stop the walk.
 */
int kho_radix_walk_ranges(struct kho_radix_tree *tree, kho_radix_range_fn cb,
			  void *arg)
{
	guard(mutex)(&tree->lock);
	return kho_radix_walk_window(tree, 0, KHO_RADIX_END_PFN, cb, arg);
}
EXPORT_SYMBOL_GPL(kho_radix_walk_ranges);

/*
 * Trees from another kernel
 */

/* The lowest leaf has two bits that are no keys. */
static int kho_radix_check_leaf(const struct kho_radix_leaf *leaf, u64 base)
{
	u64 key = base + find_first_bit(leaf->bitmap, KHO_RADIX_LEAF_BITS);

	if (key >= KHO_RADIX_MIN_KEY)
		return 0;

	pr_err("malformed key %llu\n", key);
	return -EINVAL;
}

/* May a table on @level have @child as what holds the keys from @base on? */
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

static int __kho_radix_walk_nodes(struct kho_radix_tree *tree,
				  kho_radix_node_fn cb, void *arg)
{
	int err = cb(virt_to_phys(tree->root), KHO_RADIX_TOP, arg);

	if (err)
		return err;

	return kho_radix_walk_below(tree->root, KHO_RADIX_TOP, 0, cb, arg);
}

/* A leaf that is there already, even an empty one, may get any block of its orders. */
static void kho_radix_note_orders(struct kho_radix_tree *tree)
{
	u64 key;

	for (key = KHO_RADIX_MIN_KEY;
	     kho_radix_next_leaf(tree, &key, KHO_RADIX_MAX_KEY);
	     key = 1ULL << fls64(key))
		tree->orders |= kho_radix_leaf_orders(key);
}

/**
 * kho_radix_walk_nodes - call a function for each node of a tree, and check it
 * @tree: the tree, maybe from another kernel and damaged
 * @cb:   the function
 * @arg:  passed to @cb
 *
 * A node comes before its children and before anything in it is read, the root
 * first. So @cb can refuse addresses that must not be read. It must also refuse
 * more nodes than there can be: the tables of a damaged tree may all name the
 * same page, and the walk would take forever.
 *
 * The walk itself refuses children that are not page aligned and keys that
 * stand for no block. What it has passed is fit for all other functions that
 * don't change the tree.
 *
 * Context: May sleep; takes the tree's lock.
 * Return: 0; -EINVAL if the tree is damaged; or what @cb returned to stop the
 * walk.
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
EXPORT_SYMBOL_GPL(kho_radix_walk_nodes);

/* Only the lowest leaf has blocks of more than one order. */
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
 * kho_radix_count_all - count a tree's blocks and nodes
 * @tree:  the tree
 * @stats: where to store what was counted
 *
 * Costs the tree's nodes, not its blocks.
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
EXPORT_SYMBOL_GPL(kho_radix_count_all);

static int kho_radix_adopt_node(phys_addr_t phys, unsigned int level, void *arg)
{
	void *node = phys_to_virt(phys);
	struct page *page = virt_to_page(node);

	kho_adopt_page(page);
	set_page_private(page, kho_radix_weight(node, level));
	return 0;
}

/**
 * kho_radix_adopt - make a tree from another kernel one of this kernel's own
 * @tree: the tree, passed by kho_radix_walk_nodes() before; the caller has seen
 *	  that no node is there twice or lies in a block
 *
 * Afterwards the tree can be changed, and its nodes are freed when they become
 * empty.
 *
 * Context: May sleep; takes the tree's lock. All struct pages are initialized.
 */
void kho_radix_adopt(struct kho_radix_tree *tree)
{
	guard(mutex)(&tree->lock);
	__kho_radix_walk_nodes(tree, kho_radix_adopt_node, NULL);
}
