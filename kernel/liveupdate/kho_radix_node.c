// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nodes of the radix tree of preserved memory: allocate, find, free and adopt them.
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * page_private() of a node's page counts the node's entries: children of a
 * table, blocks of a leaf. Functions that change the tree use the count to free
 * a node as soon as it is empty. Lookups and walks do not need it. The page's index
 * identifies the node in its tree; only the check before a kexec needs it.
 */

#include <linux/bitmap.h>
#include <linux/bits.h>
#include <linux/bug.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>

#include "kexec_handover_internal.h"
#include "kho_radix.h"

/*
 * Nodes
 */

/*
 * Return the number that identifies the node for @key on @level. It increases from node
 * to node of a walk that visits a node before its children.
 */
static u64 kho_radix_make_id(u64 key, unsigned int level)
{
	u64 base = round_down(key, 1ULL << kho_radix_shift(level + 1));

	static_assert(KHO_TREE_MAX_DEPTH <= 8);
	return base << 3 | (KHO_RADIX_TOP - level);
}

/* Nodes must be unmovable, so that they are outside of scratch. */
static void *kho_radix_alloc_node(u64 key, unsigned int level)
{
	struct folio *folio = kho_alloc_folio(0);

	if (!folio)
		return NULL;

	set_page_private(&folio->page, 0);
	folio->page.index = kho_radix_make_id(key, level);
	return folio_address(folio);
}

static void kho_radix_free_node(void *node)
{
	set_page_private(virt_to_page(node), 0);
	free_page((unsigned long)node);
}

static unsigned long kho_radix_entries(void *node)
{
	return page_private(virt_to_page(node));
}

static void kho_radix_add_entries(void *node, long diff)
{
	struct page *page = virt_to_page(node);

	set_page_private(page, page_private(page) + diff);
}

/* Count the entries of a node by reading it. */
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

/*
 * Finding leaves
 */

/**
 * kho_radix_remember - note the leaf that is used last
 * @tree: the tree
 * @key:  a key that belongs to the leaf
 * @leaf: the leaf, NULL for none
 *
 * Context: Caller must hold the tree's lock.
 */
void kho_radix_remember(struct kho_radix_tree *tree, u64 key,
			struct kho_radix_leaf *leaf)
{
	tree->last_leaf = leaf;
	tree->last_page = leaf ? virt_to_page(leaf) : NULL;
	tree->last_nr = leaf ? kho_radix_leaf_nr(key) : 0;
	tree->window = (struct range){};
}

/**
 * kho_radix_descend - find a leaf from the root down
 * @tree: the tree
 * @key:  a key that belongs to the leaf
 *
 * Context: Caller must hold the tree's lock.
 * Return: the leaf, NULL if the tree has none for @key.
 */
struct kho_radix_leaf *kho_radix_descend(const struct kho_radix_tree *tree, u64 key)
{
	void *node = tree->root;
	unsigned int level;

	for (level = KHO_RADIX_TOP; level && node; level--)
		node = kho_radix_child(node, kho_radix_slot(key, level));

	return node;
}

/*
 * A cursor holds the nodes from the root down to the leaf for a key. It is
 * needed where nodes are added or removed.
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
	void *child = kho_radix_alloc_node(krc->key, level - 1);

	if (!child)
		return NULL;

	node->table[kho_radix_slot(krc->key, level)] = virt_to_phys(child);
	kho_radix_add_entries(node, 1);
	krc->path[level - 1] = child;
	return child;
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

/* Free the empty nodes on the path from @level upwards, but never the root. */
static void krc_prune(struct kho_radix_cursor *krc, unsigned int level)
{
	for (; level < KHO_RADIX_TOP; level++) {
		struct kho_radix_node *parent = krc->path[level + 1];

		if (kho_radix_entries(krc->path[level]))
			return;

		parent->table[kho_radix_slot(krc->key, level + 1)] = 0;
		kho_radix_add_entries(parent, -1);
		kho_radix_free_node(krc->path[level]);
	}
}

/**
 * kho_radix_create_leaf - add an empty leaf and remember it
 * @tree: the tree, which has no leaf for @key
 * @key:  a key that belongs to the leaf
 *
 * The caller must add a block to the leaf.
 *
 * Context: May sleep. Caller must hold the tree's lock.
 * Return: the leaf, NULL if there is not enough memory.
 */
struct kho_radix_leaf *kho_radix_create_leaf(struct kho_radix_tree *tree, u64 key)
{
	struct kho_radix_cursor krc = { .tree = tree, .key = key };
	unsigned int level;

	krc.path[KHO_RADIX_TOP] = tree->root;
	for (level = KHO_RADIX_TOP; level; level--) {
		if (krc_descend(&krc, level) || krc_add_child(&krc, level))
			continue;
		krc_prune(&krc, level);
		return NULL;
	}

	tree->orders |= kho_radix_leaf_orders(key);
	kho_radix_remember(tree, key, krc.path[0]);
	return krc.path[0];
}

/**
 * kho_radix_drop_leaf - free an empty leaf, and all tables that become empty with it
 * @tree: the tree
 * @key:  a key that belongs to the leaf
 *
 * Context: Caller must hold the tree's lock.
 */
void kho_radix_drop_leaf(struct kho_radix_tree *tree, u64 key)
{
	struct kho_radix_cursor krc = { .tree = tree, .key = key };

	kho_radix_remember(tree, key, NULL);
	if (krc_walk(&krc))
		krc_prune(&krc, 0);
}

/**
 * kho_radix_check - check the entry counts of the nodes from the root to a leaf
 * @tree: the tree
 * @key:  a key that belongs to the leaf
 *
 * Context: Caller must hold the tree's lock.
 */
void kho_radix_check(struct kho_radix_tree *tree, u64 key)
{
	struct kho_radix_cursor krc = { .tree = tree, .key = key };
	unsigned int level;

	krc_walk(&krc);
	for (level = KHO_TREE_MAX_DEPTH; level-- && krc.path[level];)
		WARN_ONCE(kho_radix_entries(krc.path[level]) !=
			  kho_radix_weight(krc.path[level], level),
			  "KHO: radix: wrong count of a node on level %u", level);
}

/**
 * kho_radix_check_id - check that a walk over a tree of this kernel finds each node once
 * @node:  the node, in the direct map
 * @level: its level according to the walk
 * @next_id: lowest number that the node can have, 0 for the root; moved past the node
 *
 * Context: Caller must hold the tree's lock.
 * Return: false if this is another node, or the walk has visited it before.
 */
bool kho_radix_check_id(const void *node, unsigned int level, u64 *next_id)
{
	u64 id = virt_to_page(node)->index;

	if (id < *next_id || (id & 7) != KHO_RADIX_TOP - level)
		return false;

	*next_id = id + 1;
	return true;
}

/*
 * Life of a tree
 */

/**
 * kho_radix_init - initialize an empty tree
 * @tree: the tree
 *
 * Context: May sleep.
 * Return: 0 or -ENOMEM.
 */
int kho_radix_init(struct kho_radix_tree *tree)
{
	mutex_init(&tree->lock);
	tree->orders = 0;
	tree->overlaps = false;
	kho_radix_remember(tree, 0, NULL);
	tree->root = kho_radix_alloc_node(0, KHO_RADIX_TOP);

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
 * @tree: the tree. A tree from another kernel must have been adopted.
 *
 * The tree must be initialized again before it is used again.
 *
 * Context: May sleep. The tree must not be in use.
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

static int kho_radix_adopt_node(phys_addr_t phys, unsigned int level, void *arg)
{
	void *node = phys_to_virt(phys);
	struct page *page = virt_to_page(node);

	kho_adopt_page(page);
	set_page_private(page, kho_radix_weight(node, level));
	return 0;
}

/**
 * kho_radix_adopt - take over the nodes of a tree from another kernel
 * @tree: the tree, which kho_radix_walk_nodes() has accepted. No node may be in
 *	  the tree twice or lie in one of its blocks.
 *
 * Afterwards the tree can be changed, and its nodes are freed when they become
 * empty.
 *
 * Context: May sleep; takes the tree's lock. All struct pages must be
 * initialized.
 */
void kho_radix_adopt(struct kho_radix_tree *tree)
{
	kho_radix_walk_nodes(tree, kho_radix_adopt_node, NULL);
}
