// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the KHO radix tree.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/prandom.h>
#include <linux/range.h>

#include "../kho_radix.h"

#define MAX_ORDER	((unsigned int)KHO_RADIX_MAX_ORDER)
#define LEAF_BITS	BIT(KHO_BITMAP_SIZE_LOG2)
#define END_PFN		BIT(KHO_ORDER_0_LOG2)
#define TOP		(KHO_TREE_MAX_DEPTH - 1)

/* Number of nodes of a tree with a single leaf */
#define NODES_OF_ONE	((long)KHO_TREE_MAX_DEPTH)

static struct kho_radix_tree tree;

/* The ranges of page frame numbers that the last walk has visited */
static struct {
	struct range ranges[8];
	unsigned int nr;
} seen;

static int radix_test_init(struct kunit *test)
{
	memset(&tree, 0, sizeof(tree));
	return kho_radix_init(&tree);
}

static void radix_test_exit(struct kunit *test)
{
	if (tree.root)
		kho_radix_destroy(&tree);
}

static int count_node(phys_addr_t node, unsigned int level, void *arg)
{
	long *nr = arg;

	++*nr;
	return 0;
}

static long nr_nodes(void)
{
	long nr = 0;
	int err = kho_radix_walk_nodes(&tree, count_node, &nr);

	return err ?: nr;
}

static void add(struct kunit *test, unsigned long pfn, unsigned int order)
{
	KUNIT_EXPECT_EQ(test, kho_radix_add_page(&tree, pfn, order), 0);
}

static void add_blocks(struct kunit *test, unsigned long pfn, unsigned long nr,
		       unsigned int order)
{
	KUNIT_EXPECT_EQ(test, kho_radix_add_range(&tree, pfn, nr, order), 0);
}

static void del(struct kunit *test, unsigned long pfn, unsigned int order)
{
	KUNIT_EXPECT_EQ(test, kho_radix_del_page(&tree, pfn, order), 0);
}

static bool has_block(unsigned long pfn, unsigned int order)
{
	return kho_radix_test_range(&tree, pfn, 1, order);
}

/* Return a mask of the orders of the blocks in the tree. */
static u64 orders_of(void)
{
	struct kho_radix_stats stats;
	unsigned int order;
	u64 orders = 0;

	kho_radix_count_all(&tree, &stats);
	for (order = 0; order <= MAX_ORDER; order++)
		if (stats.nr_blocks[order])
			orders |= BIT_ULL(order);

	return orders;
}

/* Keys */

static void key_has_marker_of_its_order(struct kunit *test)
{
	unsigned int order;

	for (order = 0; order <= MAX_ORDER; order++)
		KUNIT_EXPECT_EQ(test, kho_radix_key(0, order),
				BIT_ULL(64 - PAGE_SHIFT - order));
}

static void key_holds_address_below_marker(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, kho_radix_key(5, 0),
			BIT_ULL(64 - PAGE_SHIFT) | 5);
	KUNIT_EXPECT_EQ(test, kho_radix_key(12, 2),
			BIT_ULL(62 - PAGE_SHIFT) | 3);
}

static void keys_of_all_orders_decode_to_their_block(struct kunit *test)
{
	unsigned int order;

	for (order = 0; order <= MAX_ORDER; order++) {
		phys_addr_t size = (phys_addr_t)PAGE_SIZE << order;
		phys_addr_t phys[] = { 0, size, 0 - size };
		unsigned int i, decoded;

		for (i = 0; i < ARRAY_SIZE(phys); i++) {
			u64 key = kho_radix_key(PHYS_PFN(phys[i]), order);

			KUNIT_EXPECT_EQ(test, kho_radix_decode_key(key, &decoded),
					phys[i]);
			KUNIT_EXPECT_EQ(test, decoded, order);
		}
	}
}

static void orders_do_not_share_keys(struct kunit *test)
{
	unsigned int order;

	for (order = 1; order <= MAX_ORDER; order++) {
		unsigned long last = KHO_RADIX_END_PFN - (1UL << order);

		KUNIT_EXPECT_EQ(test, kho_radix_key(last, order) + 1,
				kho_radix_key(0, order - 1));
	}
	KUNIT_EXPECT_EQ(test, kho_radix_key(0, MAX_ORDER), 2ULL);
}

/* Single blocks */

static void new_tree_has_only_a_root(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, nr_nodes(), 1);
	KUNIT_EXPECT_EQ(test, orders_of(), 0ULL);
	KUNIT_EXPECT_FALSE(test, has_block(0, 0));
}

static void added_block_has_only_its_order(struct kunit *test)
{
	add(test, 64, 3);
	KUNIT_EXPECT_TRUE(test, has_block(64, 3));
	KUNIT_EXPECT_FALSE(test, has_block(64, 2));
	KUNIT_EXPECT_FALSE(test, has_block(64, 4));
	KUNIT_EXPECT_FALSE(test, has_block(72, 3));
	KUNIT_EXPECT_EQ(test, nr_nodes(), NODES_OF_ONE);
}

static void blocks_of_all_orders_are_added_and_removed(struct kunit *test)
{
	unsigned int order;

	for (order = 0; order < MAX_ORDER; order++) {
		unsigned long pfn = END_PFN - BIT(order);

		add(test, pfn, order);
		KUNIT_EXPECT_TRUE(test, has_block(pfn, order));
		KUNIT_EXPECT_EQ(test, orders_of(), BIT_ULL(order));
		del(test, pfn, order);
		KUNIT_EXPECT_EQ(test, nr_nodes(), 1);
	}
}

static void block_is_not_added_twice(struct kunit *test)
{
	add(test, 7, 0);
	KUNIT_EXPECT_EQ(test, kho_radix_add_page(&tree, 7, 0), -EEXIST);
	KUNIT_EXPECT_TRUE(test, has_block(7, 0));
}

static void overlapping_block_is_not_added(struct kunit *test)
{
	static const struct {
		unsigned long pfn;
		unsigned int order;
	} blocks[] = {
		/* Contained in the block, the block itself, and containing it */
		{ 512, 0 }, { 700, 0 }, { 1023, 0 }, { 768, 8 }, { 512, 9 },
		{ 0, 10 }, { 0, MAX_ORDER },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(blocks); i++) {
		unsigned long pfn = blocks[i].pfn;
		unsigned int order = blocks[i].order;

		add(test, 512, 9);
		KUNIT_EXPECT_EQ(test, kho_radix_add_page(&tree, pfn, order), -EEXIST);
		KUNIT_EXPECT_EQ(test, kho_radix_add_range(&tree, pfn, 1, order), -EEXIST);
		del(test, 512, 9);
		KUNIT_EXPECT_EQ(test, nr_nodes(), 1);

		add(test, pfn, order);
		KUNIT_EXPECT_EQ(test, kho_radix_add_page(&tree, 512, 9), -EEXIST);
		del(test, pfn, order);
		KUNIT_EXPECT_EQ(test, nr_nodes(), 1);
	}
}

static void block_is_not_removed_twice(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, kho_radix_del_page(&tree, 7, 0), -ENOENT);
	add(test, 7, 0);
	del(test, 7, 0);
	KUNIT_EXPECT_EQ(test, kho_radix_del_page(&tree, 7, 0), -ENOENT);
}

static void invalid_blocks_are_refused(struct kunit *test)
{
	static const struct {
		unsigned long pfn;
		unsigned int order;
	} bad[] = {
		{ 1, 1 }, { 3, 1 }, { 512, 10 }, { 0, KHO_RADIX_MAX_ORDER + 1 },
		{ 0, 64 }, { 0, UINT_MAX }, { END_PFN, 0 }, { ULONG_MAX, 0 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		KUNIT_EXPECT_EQ(test, kho_radix_add_page(&tree, bad[i].pfn,
							 bad[i].order), -EINVAL);
		KUNIT_EXPECT_EQ(test, kho_radix_del_page(&tree, bad[i].pfn,
							 bad[i].order), -EINVAL);
		KUNIT_EXPECT_FALSE(test, has_block(bad[i].pfn, bad[i].order));
	}
	KUNIT_EXPECT_EQ(test, nr_nodes(), 1);
}

static void node_is_freed_when_it_is_empty(struct kunit *test)
{
	add(test, 0, 0);
	add(test, LEAF_BITS - 1, 0);
	add(test, LEAF_BITS, 0);
	KUNIT_EXPECT_EQ(test, nr_nodes(), NODES_OF_ONE + 1);

	del(test, 0, 0);
	KUNIT_EXPECT_EQ(test, nr_nodes(), NODES_OF_ONE + 1);
	del(test, LEAF_BITS - 1, 0);
	KUNIT_EXPECT_EQ(test, nr_nodes(), NODES_OF_ONE);
	del(test, LEAF_BITS, 0);
	KUNIT_EXPECT_EQ(test, nr_nodes(), 1);
}

static void root_never_moves(struct kunit *test)
{
	struct kho_radix_node *root = tree.root;

	add(test, 7, 0);
	del(test, 7, 0);
	KUNIT_EXPECT_PTR_EQ(test, tree.root, root);
}

/* Ranges */

static void range_equals_single_blocks(struct kunit *test)
{
	unsigned long i;

	add_blocks(test, 60, 200, 2);
	KUNIT_EXPECT_FALSE(test, has_block(56, 2));
	for (i = 0; i < 200; i++)
		del(test, 60 + 4 * i, 2);
	KUNIT_EXPECT_EQ(test, nr_nodes(), 1);
}

static void range_crosses_leaves(struct kunit *test)
{
	unsigned long pfn = LEAF_BITS - 3, nr = LEAF_BITS + 6;

	add_blocks(test, pfn, nr, 0);
	KUNIT_EXPECT_EQ(test, nr_nodes(), NODES_OF_ONE + 2);
	KUNIT_EXPECT_FALSE(test, has_block(pfn - 1, 0));
	KUNIT_EXPECT_TRUE(test, has_block(pfn, 0));
	KUNIT_EXPECT_TRUE(test, has_block(pfn + nr - 1, 0));
	KUNIT_EXPECT_FALSE(test, has_block(pfn + nr, 0));

	KUNIT_EXPECT_EQ(test, kho_radix_del_range(&tree, pfn, nr, 0), 0);
	KUNIT_EXPECT_EQ(test, nr_nodes(), 1);
}

static void range_is_added_completely_or_not_at_all(struct kunit *test)
{
	unsigned long last = 2 * LEAF_BITS + 100;

	add(test, last, 0);
	KUNIT_EXPECT_EQ(test, kho_radix_add_range(&tree, 5, last - 4, 0), -EEXIST);
	KUNIT_EXPECT_EQ(test, nr_nodes(), NODES_OF_ONE);
	KUNIT_EXPECT_FALSE(test, kho_radix_overlaps(&tree, 0, last));
	KUNIT_EXPECT_TRUE(test, has_block(last, 0));
}

static void overlapping_range_is_not_added(struct kunit *test)
{
	const unsigned int leaf_order = KHO_BITMAP_SIZE_LOG2;

	/* Only the last page of the range lies in the block. */
	add(test, 2 * LEAF_BITS, 9);
	KUNIT_EXPECT_EQ(test, kho_radix_add_range(&tree, 5, 2 * LEAF_BITS - 4, 0),
			-EEXIST);
	KUNIT_EXPECT_EQ(test, nr_nodes(), NODES_OF_ONE);
	add_blocks(test, 5, 2 * LEAF_BITS - 5, 0);

	/* These blocks contain pages of the range, in two leaves. */
	KUNIT_EXPECT_EQ(test, kho_radix_add_range(&tree, 0, 2, leaf_order + 1), -EEXIST);
	KUNIT_EXPECT_EQ(test, kho_radix_add_page(&tree, 0, leaf_order + 2), -EEXIST);
}

static void range_is_removed_completely_or_not_at_all(struct kunit *test)
{
	unsigned long nr = 2 * LEAF_BITS;

	add_blocks(test, 5, nr, 0);
	del(test, nr, 0);
	KUNIT_EXPECT_EQ(test, kho_radix_del_range(&tree, 5, nr, 0), -ENOENT);
	KUNIT_EXPECT_TRUE(test, kho_radix_contains(&tree, 5, nr - 5));
	KUNIT_EXPECT_TRUE(test, kho_radix_contains(&tree, nr + 1, 4));
}

static void test_range_requires_all_blocks(struct kunit *test)
{
	const unsigned long nr = LEAF_BITS + 100;

	add_blocks(test, 60, nr, 0);
	KUNIT_EXPECT_TRUE(test, kho_radix_test_range(&tree, 60, nr, 0));
	KUNIT_EXPECT_TRUE(test, kho_radix_test_range(&tree, 63, 2, 0));
	KUNIT_EXPECT_FALSE(test, kho_radix_test_range(&tree, 59, 2, 0));
	KUNIT_EXPECT_FALSE(test, kho_radix_test_range(&tree, 60, nr + 1, 0));
	KUNIT_EXPECT_FALSE(test, kho_radix_test_range(&tree, 60, 1, 1));
	KUNIT_EXPECT_FALSE(test, kho_radix_test_range(&tree, 60, 0, 0));

	del(test, LEAF_BITS, 0);
	KUNIT_EXPECT_FALSE(test, kho_radix_test_range(&tree, 60, nr, 0));
}

/* The tree remembers the leaf that was used last, which must not outlive it. */
static void freed_leaf_is_forgotten(struct kunit *test)
{
	static const unsigned long pfns[] = { 5, LEAF_BITS + 5 };
	unsigned int i, round;

	for (round = 0; round < 4; round++) {
		for (i = 0; i < 2; i++)
			add(test, pfns[i], 0);
		KUNIT_EXPECT_EQ(test, nr_nodes(), NODES_OF_ONE + 1);

		/* Even rounds remove the leaf that was used last after the other one. */
		for (i = 0; i < 2; i++) {
			unsigned long pfn = pfns[(i + round) % 2];

			del(test, pfn, 0);
			KUNIT_EXPECT_FALSE(test, has_block(pfn, 0));
			KUNIT_EXPECT_EQ(test, kho_radix_del_page(&tree, pfn, 0), -ENOENT);
		}
		KUNIT_EXPECT_EQ(test, nr_nodes(), 1);
	}
}

/* The fast path, which works only for the leaf that was used last */
static const struct range limits = { .end = LEAF_BITS / 2 };

static void add_within_limits(struct kunit *test, unsigned long pfn)
{
	KUNIT_EXPECT_EQ(test, kho_radix_add_page_within(&tree, pfn, 0, &limits), 0);
}

static bool add_to_last(unsigned long pfn)
{
	guard(mutex)(&tree.lock);
	return kho_radix_add_to_last(&tree, pfn, 0);
}

static bool del_from_last(unsigned long pfn)
{
	guard(mutex)(&tree.lock);
	return kho_radix_del_from_last(&tree, pfn, 0);
}

static void fast_path_changes_last_leaf(struct kunit *test)
{
	if (IS_ENABLED(CONFIG_KEXEC_HANDOVER_DEBUG))
		kunit_skip(test, "the debug option disables the fast path");

	KUNIT_EXPECT_FALSE(test, add_to_last(5));
	add_within_limits(test, 5);
	KUNIT_EXPECT_TRUE(test, add_to_last(6));
	KUNIT_EXPECT_FALSE(test, add_to_last(6));
	KUNIT_EXPECT_FALSE(test, add_to_last(limits.end));
	KUNIT_EXPECT_FALSE(test, add_to_last(LEAF_BITS));
	KUNIT_EXPECT_TRUE(test, kho_radix_test_range(&tree, 5, 2, 0));

	/* Removing the last block of a leaf frees the leaf, on the slow path. */
	KUNIT_EXPECT_FALSE(test, del_from_last(7));
	KUNIT_EXPECT_TRUE(test, del_from_last(5));
	KUNIT_EXPECT_FALSE(test, del_from_last(6));
	del(test, 6, 0);
	KUNIT_EXPECT_EQ(test, nr_nodes(), 1);

	KUNIT_EXPECT_FALSE(test, add_to_last(6));
	KUNIT_EXPECT_FALSE(test, del_from_last(6));
}

static void fast_path_leaves_out_other_orders(struct kunit *test)
{
	if (IS_ENABLED(CONFIG_KEXEC_HANDOVER_DEBUG))
		kunit_skip(test, "the debug option disables the fast path");

	add(test, 512, 9);
	add(test, 1536, 9);
	add_within_limits(test, 1100);
	KUNIT_EXPECT_FALSE(test, add_to_last(1023));
	KUNIT_EXPECT_TRUE(test, add_to_last(1024));
	KUNIT_EXPECT_TRUE(test, add_to_last(1535));
	KUNIT_EXPECT_FALSE(test, add_to_last(1536));

	/* A new block of another order ends it. */
	add(test, 1028, 2);
	KUNIT_EXPECT_FALSE(test, add_to_last(1030));
	KUNIT_EXPECT_EQ(test, kho_radix_add_page_within(&tree, 1030, 0, &limits),
			-EEXIST);
}

static void invalid_ranges_are_refused(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, kho_radix_add_range(&tree, 8, 0, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, kho_radix_add_range(&tree, 9, 4, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, kho_radix_add_range(&tree, END_PFN - 4, 5, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, kho_radix_add_range(&tree, 8, ULONG_MAX, 3), -EINVAL);
	KUNIT_EXPECT_EQ(test, kho_radix_add_range(&tree, 0, 1, MAX_ORDER + 1),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, kho_radix_del_range(&tree, 8, 0, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, nr_nodes(), 1);
}

/* Lookups */

static void count_all_sees_all_orders(struct kunit *test)
{
	add(test, 1, 0);
	add(test, 512, 9);
	add(test, BIT(MAX_ORDER), MAX_ORDER);
	KUNIT_EXPECT_EQ(test, orders_of(),
			BIT_ULL(0) | BIT_ULL(9) | BIT_ULL(MAX_ORDER));
}

/* The largest orders share a leaf. Add a block of another order to it. */
static void orders_that_share_a_leaf_are_found(struct kunit *test)
{
	add(test, 0, MAX_ORDER - 2);
	KUNIT_EXPECT_GT(test, nr_nodes(), 1);
	add(test, BIT(MAX_ORDER), MAX_ORDER);
	KUNIT_EXPECT_EQ(test, kho_radix_block_order(&tree, 0), MAX_ORDER - 2);
	KUNIT_EXPECT_EQ(test, kho_radix_block_order(&tree, BIT(MAX_ORDER)),
			MAX_ORDER);
	KUNIT_EXPECT_TRUE(test, kho_radix_overlaps(&tree, BIT(MAX_ORDER) + 5, 1));
}

static void block_order_is_found_at_block_start(struct kunit *test)
{
	add(test, 512, 9);
	add(test, 1024, 0);
	KUNIT_EXPECT_EQ(test, kho_radix_block_order(&tree, 512), 9);
	KUNIT_EXPECT_EQ(test, kho_radix_block_order(&tree, 768), -ENOENT);
	KUNIT_EXPECT_EQ(test, kho_radix_block_order(&tree, 1024), 0);
	KUNIT_EXPECT_EQ(test, kho_radix_block_order(&tree, 1025), -ENOENT);
	KUNIT_EXPECT_EQ(test, kho_radix_block_order(&tree, 0), -ENOENT);
}

static void contains_combines_blocks(struct kunit *test)
{
	add_blocks(test, 500, 12, 0);
	add(test, 512, 9);
	add_blocks(test, 1024, 3, 1);

	KUNIT_EXPECT_TRUE(test, kho_radix_contains(&tree, 500, 530));
	KUNIT_EXPECT_TRUE(test, kho_radix_contains(&tree, 700, 1));
	KUNIT_EXPECT_FALSE(test, kho_radix_contains(&tree, 499, 2));
	KUNIT_EXPECT_FALSE(test, kho_radix_contains(&tree, 500, 531));
}

static void contains_finds_holes(struct kunit *test)
{
	add_blocks(test, 100, 50, 0);
	add_blocks(test, 151, 50, 0);
	KUNIT_EXPECT_TRUE(test, kho_radix_contains(&tree, 100, 50));
	KUNIT_EXPECT_FALSE(test, kho_radix_contains(&tree, 100, 101));
	KUNIT_EXPECT_FALSE(test, kho_radix_contains(&tree, 100, 0));
	KUNIT_EXPECT_FALSE(test, kho_radix_contains(&tree, 100, ULONG_MAX));
}

static void overlaps_finds_blocks_of_all_orders(struct kunit *test)
{
	add(test, 512, 9);
	KUNIT_EXPECT_FALSE(test, kho_radix_overlaps(&tree, 0, 512));
	KUNIT_EXPECT_TRUE(test, kho_radix_overlaps(&tree, 0, 513));
	KUNIT_EXPECT_TRUE(test, kho_radix_overlaps(&tree, 700, 1));
	KUNIT_EXPECT_TRUE(test, kho_radix_overlaps(&tree, 0, 4096));
	KUNIT_EXPECT_TRUE(test, kho_radix_overlaps(&tree, 1023, 9));
	KUNIT_EXPECT_FALSE(test, kho_radix_overlaps(&tree, 1024, 4096));
}

/* Walks */

struct seen_block {
	u64 phys;
	u64 order;
};

static struct seen_block seen_blocks[4];
static unsigned int nr_seen_blocks;

static int see_block(phys_addr_t phys, unsigned int order)
{
	if (nr_seen_blocks == ARRAY_SIZE(seen_blocks))
		return -E2BIG;
	seen_blocks[nr_seen_blocks++] = (struct seen_block){ phys, order };
	return 0;
}

static void walk_tree_visits_each_block_once(struct kunit *test)
{
	static const struct seen_block expected[] = {
		{ PFN_PHYS(8), 3 }, { PFN_PHYS(3), 0 }, { PFN_PHYS(END_PFN / 2), 0 },
	};

	nr_seen_blocks = 0;
	add(test, END_PFN / 2, 0);
	add(test, 3, 0);
	add(test, 8, 3);
	KUNIT_EXPECT_EQ(test, kho_radix_walk_tree(&tree, see_block), 0);
	KUNIT_EXPECT_EQ(test, nr_seen_blocks, 3);
	KUNIT_EXPECT_MEMEQ(test, seen_blocks, expected, sizeof(expected));
}

static void walk_tree_stops_on_error(struct kunit *test)
{
	nr_seen_blocks = 0;
	add_blocks(test, 0, 5, 0);
	KUNIT_EXPECT_EQ(test, kho_radix_walk_tree(&tree, see_block), -E2BIG);
}

static int see_range(phys_addr_t start, phys_addr_t end, void *arg)
{
	if (seen.nr == ARRAY_SIZE(seen.ranges))
		return -E2BIG;
	seen.ranges[seen.nr++] = (struct range){ PHYS_PFN(start), PHYS_PFN(end) };
	return 0;
}

static int walk_ranges(void)
{
	seen.nr = 0;
	return kho_radix_walk_ranges(&tree, see_range, NULL);
}

static int walk_window(unsigned long start_pfn, unsigned long end_pfn)
{
	seen.nr = 0;
	return kho_radix_walk_window(&tree, start_pfn, end_pfn, see_range, NULL);
}

static void expect_seen(struct kunit *test, const struct range *expected,
			unsigned int nr)
{
	KUNIT_ASSERT_EQ(test, seen.nr, nr);
	KUNIT_EXPECT_MEMEQ(test, seen.ranges, expected, nr * sizeof(*expected));
}

static void walk_ranges_of_empty_tree(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, walk_ranges(), 0);
	KUNIT_EXPECT_EQ(test, seen.nr, 0);
}

static void walk_ranges_merges_orders(struct kunit *test)
{
	static const struct range expected[] = {
		{ 0, 1 }, { 510, 1028 }, { 1536, 2048 },
	};

	add(test, 1536, 9);
	add(test, 512, 9);
	add(test, 1024, 2);
	add_blocks(test, 510, 2, 0);
	add(test, 0, 0);
	KUNIT_EXPECT_EQ(test, walk_ranges(), 0);
	expect_seen(test, expected, ARRAY_SIZE(expected));
}

static void walk_ranges_joins_leaves(struct kunit *test)
{
	static const struct range expected = { LEAF_BITS - 1, 3 * LEAF_BITS - 1 };

	add_blocks(test, LEAF_BITS - 1, 2 * LEAF_BITS, 0);
	KUNIT_EXPECT_EQ(test, walk_ranges(), 0);
	expect_seen(test, &expected, 1);
}

static void walk_ranges_skips_gaps_of_any_size(struct kunit *test)
{
	static const unsigned long pfns[] = {
		0, 2, 63, 66, LEAF_BITS + 1, LEAF_BITS << KHO_TABLE_SIZE_LOG2,
		END_PFN / 2, END_PFN - 2,
	};
	struct range expected[ARRAY_SIZE(pfns)];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pfns); i++) {
		add(test, pfns[i], 0);
		expected[i] = (struct range){ pfns[i], pfns[i] + 1 };
	}
	KUNIT_EXPECT_EQ(test, walk_ranges(), 0);
	expect_seen(test, expected, ARRAY_SIZE(pfns));
}

/* Draw the ranges of a walk into a bitmap. They must not adjoin or overlap. */
struct drawing {
	unsigned long *bitmap;
	unsigned long end_pfn;	/* end of the last range */
};

static int draw_range(phys_addr_t start, phys_addr_t end, void *arg)
{
	struct drawing *drawing = arg;

	if (start >= end || (PHYS_PFN(start) && PHYS_PFN(start) <= drawing->end_pfn))
		return -ERANGE;

	bitmap_set(drawing->bitmap, PHYS_PFN(start), PHYS_PFN(end - start));
	drawing->end_pfn = PHYS_PFN(end);
	return 0;
}

/* Add runs of random length and of orders 0 and 1, some across leaves. */
static void add_random_runs(struct kunit *test, unsigned long *expected,
			    unsigned long end_pfn)
{
	struct rnd_state rnd;
	unsigned long pfn = 0;

	prandom_seed_state(&rnd, 1);
	while (pfn < end_pfn) {
		u32 word = prandom_u32_state(&rnd);
		unsigned int order = word >> 31;
		unsigned long nr = 1 + (word & (word & BIT(20) ? 0xff : 7));

		pfn = round_up(pfn + (word >> 8 & 7), 1UL << order);
		if (pfn + (nr << order) > end_pfn)
			break;
		KUNIT_ASSERT_EQ(test, kho_radix_add_range(&tree, pfn, nr, order), 0);
		bitmap_set(expected, pfn, nr << order);
		pfn += nr << order;
	}
}

static void walk_ranges_visits_random_runs(struct kunit *test)
{
	const unsigned long nr = 3 * LEAF_BITS;
	unsigned long *expected = kunit_kzalloc(test, BITS_TO_BYTES(nr), GFP_KERNEL);
	struct drawing drawing = {
		.bitmap = kunit_kzalloc(test, BITS_TO_BYTES(nr), GFP_KERNEL),
	};
	unsigned long start;

	KUNIT_ASSERT_NOT_NULL(test, expected);
	KUNIT_ASSERT_NOT_NULL(test, drawing.bitmap);
	add_random_runs(test, expected, nr);

	KUNIT_EXPECT_EQ(test, kho_radix_walk_ranges(&tree, draw_range, &drawing), 0);
	KUNIT_EXPECT_TRUE(test, bitmap_equal(drawing.bitmap, expected, nr));

	/* Walk again in windows. */
	bitmap_zero(drawing.bitmap, nr);
	for (start = 0; start < nr; start += 1001) {
		unsigned long end = min(start + 1001, nr);

		drawing.end_pfn = 0;
		KUNIT_EXPECT_EQ(test, kho_radix_walk_window(&tree, start, end,
							    draw_range, &drawing), 0);
		KUNIT_EXPECT_EQ(test, kho_radix_count_pages(&tree, start, end),
				bitmap_weight(expected, end) - bitmap_weight(expected, start));
	}
	KUNIT_EXPECT_TRUE(test, bitmap_equal(drawing.bitmap, expected, nr));
}

static void walk_ranges_of_all_orders(struct kunit *test)
{
	static const struct range expected = { 1, BIT(MAX_ORDER) };
	unsigned int order;

	/* Adjacent blocks of 1, 2, 4, ... pages, each aligned to its size */
	for (order = 0; order < MAX_ORDER; order++)
		add(test, BIT(order), order);
	KUNIT_EXPECT_EQ(test, walk_ranges(), 0);
	expect_seen(test, &expected, 1);
}

static void walk_ranges_stops_on_error(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i <= ARRAY_SIZE(seen.ranges); i++)
		add(test, 2 * i, 0);
	KUNIT_EXPECT_EQ(test, walk_ranges(), -E2BIG);
}

/*
 * Overlaps, which only a tree of another kernel has: blocks of 512 pages at 512 and
 * at 1024, and page @pfn, which lies in the first one.
 */
static void make_overlap(struct kunit *test, unsigned long pfn)
{
	struct kho_radix_leaf *leaf;

	add_blocks(test, 512, 2, 9);
	add_blocks(test, 1536, 2, 0);
	leaf = tree.last_leaf;
	__set_bit(pfn, leaf->bitmap);
	set_page_private(virt_to_page(leaf), 3);
}

static void walk_ranges_joins_overlaps(struct kunit *test)
{
	static const struct range all = { 512, 1538 }, overlaps = { 512, 1024 };
	static const unsigned long pfns[] = { 512, 700, 1023 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pfns); i++) {
		make_overlap(test, pfns[i]);
		KUNIT_EXPECT_EQ(test, walk_ranges(), 0);
		expect_seen(test, &all, 1);

		seen.nr = 0;
		KUNIT_EXPECT_EQ(test, kho_radix_walk_overlaps(&tree, see_range, NULL),
				0);
		expect_seen(test, &overlaps, 1);
		kho_radix_destroy(&tree);
		KUNIT_ASSERT_EQ(test, kho_radix_init(&tree), 0);
	}
}

static void lookups_ignore_overlaps(struct kunit *test)
{
	make_overlap(test, 700);
	KUNIT_EXPECT_EQ(test, walk_ranges(), 0);
	KUNIT_EXPECT_EQ(test, kho_radix_block_order(&tree, 512), -ENOENT);
	KUNIT_EXPECT_EQ(test, kho_radix_block_order(&tree, 700), -ENOENT);
	KUNIT_EXPECT_FALSE(test, has_block(512, 9));
	KUNIT_EXPECT_FALSE(test, has_block(700, 0));
	KUNIT_EXPECT_FALSE(test, kho_radix_contains(&tree, 700, 1));
	KUNIT_EXPECT_FALSE(test, kho_radix_contains(&tree, 512, 1));
	KUNIT_EXPECT_FALSE(test, kho_radix_contains(&tree, 1023, 2));
	KUNIT_EXPECT_TRUE(test, kho_radix_overlaps(&tree, 600, 1));

	/* Neighbours of the same orders do not overlap. */
	KUNIT_EXPECT_EQ(test, kho_radix_block_order(&tree, 1024), 9);
	KUNIT_EXPECT_TRUE(test, has_block(1024, 9));
	KUNIT_EXPECT_FALSE(test, kho_radix_test_range(&tree, 512, 2, 9));
	KUNIT_EXPECT_TRUE(test, kho_radix_contains(&tree, 1024, 514));
	KUNIT_EXPECT_EQ(test, kho_radix_block_order(&tree, 1537), 0);
}

static void tree_of_this_kernel_has_no_overlaps(struct kunit *test)
{
	add(test, 512, 9);
	add_blocks(test, 1024, 2, 0);
	KUNIT_EXPECT_EQ(test, walk_ranges(), 0);
	seen.nr = 0;
	KUNIT_EXPECT_EQ(test, kho_radix_walk_overlaps(&tree, see_range, NULL), 0);
	KUNIT_EXPECT_EQ(test, seen.nr, 0);
	KUNIT_EXPECT_TRUE(test, kho_radix_contains(&tree, 600, 426));
}

static void note_overlaps_of_several_orders(struct kunit *test)
{
	make_overlap(test, 700);
	KUNIT_EXPECT_EQ(test, kho_radix_note_overlaps(&tree), 0);
	KUNIT_EXPECT_TRUE(test, tree.overlaps);
	KUNIT_EXPECT_FALSE(test, has_block(512, 9));
}

static void note_overlaps_of_neighbours(struct kunit *test)
{
	add(test, 512, 9);
	add_blocks(test, 1024, 2, 0);
	tree.overlaps = true;
	KUNIT_EXPECT_EQ(test, kho_radix_note_overlaps(&tree), 0);
	KUNIT_EXPECT_FALSE(test, tree.overlaps);
}

static void note_overlaps_of_one_order(struct kunit *test)
{
	add_blocks(test, 512, 2, 9);
	tree.overlaps = true;
	KUNIT_EXPECT_EQ(test, kho_radix_note_overlaps(&tree), 0);
	KUNIT_EXPECT_FALSE(test, tree.overlaps);
}

static void walk_ranges_refuses_end_of_address_space(struct kunit *test)
{
	add(test, END_PFN - 1, 0);
	KUNIT_EXPECT_EQ(test, walk_ranges(), -EINVAL);
}

static void walk_window_cuts_ranges(struct kunit *test)
{
	static const struct range expected[] = { { 1000, 1024 }, { 2000, 2050 } };

	add(test, 512, 9);
	add_blocks(test, 2000, 100, 0);
	KUNIT_EXPECT_EQ(test, walk_window(1000, 2050), 0);
	expect_seen(test, expected, ARRAY_SIZE(expected));
}

static void walk_window_between_blocks_is_empty(struct kunit *test)
{
	add(test, 512, 9);
	KUNIT_EXPECT_EQ(test, walk_window(0, 512), 0);
	KUNIT_EXPECT_EQ(test, seen.nr, 0);
	KUNIT_EXPECT_EQ(test, walk_window(1024, 5000), 0);
	KUNIT_EXPECT_EQ(test, seen.nr, 0);
}

/* Damaged trees */

static int expect_next_level(phys_addr_t node, unsigned int level, void *arg)
{
	unsigned int *expected = arg;

	if (!IS_ALIGNED(node, PAGE_SIZE) || level != *expected)
		return -EBADMSG;
	--*expected;
	return 0;
}

static void walk_nodes_visits_parents_first(struct kunit *test)
{
	unsigned int level = TOP;

	add(test, 7, 0);
	KUNIT_EXPECT_EQ(test, kho_radix_walk_nodes(&tree, expect_next_level,
						   &level), 0);
	KUNIT_EXPECT_EQ(test, level, (unsigned int)-1);
}

static int refuse_level(phys_addr_t node, unsigned int level, void *arg)
{
	return level == *(unsigned int *)arg ? -EINVAL : 0;
}

static void walk_nodes_calls_back_before_reading(struct kunit *test)
{
	unsigned int level = TOP - 1;

	/* This address is not RAM, so reading it would crash. */
	tree.root->table[0] = BIT_ULL(62);
	KUNIT_EXPECT_EQ(test, kho_radix_walk_nodes(&tree, refuse_level, &level), -EINVAL);
	tree.root->table[0] = 0;
}

static void walk_nodes_can_refuse_the_root(struct kunit *test)
{
	unsigned int level = TOP;

	KUNIT_EXPECT_EQ(test, kho_radix_walk_nodes(&tree, refuse_level, &level), -EINVAL);
}

static void walk_nodes_refuses_misaligned_children(struct kunit *test)
{
	tree.root->table[0] = virt_to_phys(tree.root) + 8;
	KUNIT_EXPECT_EQ(test, nr_nodes(), -EINVAL);
	tree.root->table[0] = 0;
}

static void walk_nodes_refuses_high_markers(struct kunit *test)
{
	unsigned int shift = KHO_BITMAP_SIZE_LOG2 + (TOP - 1) * KHO_TABLE_SIZE_LOG2;
	unsigned long slot = BIT(KHO_ORDER_0_LOG2 + 1 - shift);

	tree.root->table[slot] = virt_to_phys(tree.root);
	KUNIT_EXPECT_EQ(test, nr_nodes(), -EINVAL);
	tree.root->table[slot] = 0;
}

static struct kho_radix_leaf *lowest_leaf(void)
{
	void *node = tree.root;
	unsigned int level;

	for (level = TOP; level; level--)
		node = phys_to_virt(((struct kho_radix_node *)node)->table[0]);

	return node;
}

static void walk_nodes_refuses_keys_without_order(struct kunit *test)
{
	struct kho_radix_leaf *leaf;
	unsigned int key;

	/* The first block of the largest order has key 2, in the first leaf. */
	KUNIT_ASSERT_EQ(test, kho_radix_add_page(&tree, 0, MAX_ORDER), 0);
	leaf = lowest_leaf();
	for (key = 0; key < 2; key++) {
		__set_bit(key, leaf->bitmap);
		KUNIT_EXPECT_EQ(test, nr_nodes(), -EINVAL);
		__clear_bit(key, leaf->bitmap);
	}
	KUNIT_EXPECT_EQ(test, nr_nodes(), NODES_OF_ONE);
}

static int spend_budget(phys_addr_t node, unsigned int level, void *arg)
{
	long *budget = arg;

	return (*budget)-- ? 0 : -EINVAL;
}

static void walk_nodes_can_be_limited(struct kunit *test)
{
	struct kho_radix_node *trap;
	long budget = 1000;

	/* All children of this node are the node itself, so a walk never ends. */
	trap = (void *)__get_free_page(GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, trap);
	memset64(trap->table, virt_to_phys(trap), ARRAY_SIZE(trap->table));
	tree.root->table[0] = virt_to_phys(trap);
	KUNIT_EXPECT_EQ(test, kho_radix_walk_nodes(&tree, spend_budget, &budget),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, budget, -1);
	tree.root->table[0] = 0;
	free_page((unsigned long)trap);
}

static void empty_incoming_nodes_are_accepted(struct kunit *test)
{
	unsigned long node = get_zeroed_page(GFP_KERNEL);

	KUNIT_ASSERT_NE(test, node, 0UL);
	tree.root->table[0] = virt_to_phys((void *)node);
	KUNIT_EXPECT_EQ(test, nr_nodes(), 2);
	KUNIT_EXPECT_EQ(test, orders_of(), 0ULL);
	KUNIT_EXPECT_EQ(test, walk_ranges(), 0);
	KUNIT_EXPECT_EQ(test, seen.nr, 0);
	tree.root->table[0] = 0;
	free_page(node);
}

/* Blocks of another tree */

static void blocks_of_another_tree_are_added(struct kunit *test)
{
	struct kho_radix_tree source = {};
	unsigned long nr;

	KUNIT_ASSERT_EQ(test, kho_radix_init(&source), 0);
	KUNIT_EXPECT_EQ(test, kho_radix_add_tree(&tree, &source, NULL, &nr), 0);
	KUNIT_EXPECT_EQ(test, nr_nodes(), 1);

	add(test, 3, 0);
	KUNIT_EXPECT_EQ(test, kho_radix_add_range(&source, LEAF_BITS - 2, 4, 0), 0);
	KUNIT_EXPECT_EQ(test, kho_radix_add_page(&source, 512, 9), 0);
	KUNIT_EXPECT_EQ(test, kho_radix_add_tree(&tree, &source, NULL, &nr), 0);
	KUNIT_EXPECT_EQ(test, nr, 0);

	KUNIT_EXPECT_TRUE(test, kho_radix_test_range(&tree, LEAF_BITS - 2, 4, 0));
	KUNIT_EXPECT_TRUE(test, has_block(512, 9));
	/* The counts of the nodes are right if all of them are freed. */
	del(test, 3, 0);
	del(test, 512, 9);
	KUNIT_EXPECT_EQ(test, kho_radix_del_range(&tree, LEAF_BITS - 2, 4, 0), 0);
	KUNIT_EXPECT_EQ(test, nr_nodes(), 1);
	KUNIT_EXPECT_TRUE(test, kho_radix_test_range(&source, LEAF_BITS - 2, 4, 0));
	kho_radix_destroy(&source);
}

static bool leave_out_even(unsigned long pfn, unsigned long nr, unsigned int order)
{
	return nr == 1 && pfn % 2;
}

static void filtered_blocks_are_left_out(struct kunit *test)
{
	struct kho_radix_tree source = {};
	unsigned long nr;

	KUNIT_ASSERT_EQ(test, kho_radix_init(&source), 0);
	KUNIT_EXPECT_EQ(test, kho_radix_add_range(&source, 1000, 100, 0), 0);
	/* The only block of this leaf is left out. */
	KUNIT_EXPECT_EQ(test, kho_radix_add_page(&source, 2 * LEAF_BITS, 0), 0);
	KUNIT_EXPECT_EQ(test, kho_radix_add_tree(&tree, &source, leave_out_even, &nr),
			0);

	KUNIT_EXPECT_FALSE(test, has_block(1000, 0));
	KUNIT_EXPECT_TRUE(test, has_block(1001, 0));
	KUNIT_EXPECT_TRUE(test, has_block(1099, 0));
	KUNIT_EXPECT_FALSE(test, has_block(2 * LEAF_BITS, 0));
	KUNIT_EXPECT_EQ(test, nr_nodes(), NODES_OF_ONE);
	KUNIT_EXPECT_EQ(test, nr, 0);
	kho_radix_destroy(&source);
}

static void overlapping_blocks_of_another_tree_are_left_out(struct kunit *test)
{
	struct kho_radix_tree source = {};
	unsigned long nr;

	add(test, 64, 4);
	add(test, 513, 0);
	KUNIT_ASSERT_EQ(test, kho_radix_init(&source), 0);
	KUNIT_EXPECT_EQ(test, kho_radix_add_range(&source, 60, 30, 0), 0);
	KUNIT_EXPECT_EQ(test, kho_radix_add_page(&source, 512, 9), 0);
	KUNIT_EXPECT_EQ(test, kho_radix_add_tree(&tree, &source, NULL, &nr), 0);

	KUNIT_EXPECT_EQ(test, nr, 17);
	KUNIT_EXPECT_TRUE(test, kho_radix_test_range(&tree, 60, 4, 0));
	KUNIT_EXPECT_FALSE(test, has_block(64, 0));
	KUNIT_EXPECT_TRUE(test, kho_radix_test_range(&tree, 80, 10, 0));
	KUNIT_EXPECT_FALSE(test, has_block(512, 9));
	kho_radix_destroy(&source);
}

static struct kunit_case radix_cases[] = {
	KUNIT_CASE(key_has_marker_of_its_order),
	KUNIT_CASE(key_holds_address_below_marker),
	KUNIT_CASE(keys_of_all_orders_decode_to_their_block),
	KUNIT_CASE(orders_do_not_share_keys),
	KUNIT_CASE(new_tree_has_only_a_root),
	KUNIT_CASE(added_block_has_only_its_order),
	KUNIT_CASE(blocks_of_all_orders_are_added_and_removed),
	KUNIT_CASE(block_is_not_added_twice),
	KUNIT_CASE(overlapping_block_is_not_added),
	KUNIT_CASE(block_is_not_removed_twice),
	KUNIT_CASE(invalid_blocks_are_refused),
	KUNIT_CASE(node_is_freed_when_it_is_empty),
	KUNIT_CASE(root_never_moves),
	KUNIT_CASE(range_equals_single_blocks),
	KUNIT_CASE(range_crosses_leaves),
	KUNIT_CASE(range_is_added_completely_or_not_at_all),
	KUNIT_CASE(overlapping_range_is_not_added),
	KUNIT_CASE(range_is_removed_completely_or_not_at_all),
	KUNIT_CASE(test_range_requires_all_blocks),
	KUNIT_CASE(freed_leaf_is_forgotten),
	KUNIT_CASE(fast_path_changes_last_leaf),
	KUNIT_CASE(fast_path_leaves_out_other_orders),
	KUNIT_CASE(invalid_ranges_are_refused),
	KUNIT_CASE(count_all_sees_all_orders),
	KUNIT_CASE(orders_that_share_a_leaf_are_found),
	KUNIT_CASE(block_order_is_found_at_block_start),
	KUNIT_CASE(contains_combines_blocks),
	KUNIT_CASE(contains_finds_holes),
	KUNIT_CASE(overlaps_finds_blocks_of_all_orders),
	KUNIT_CASE(walk_tree_visits_each_block_once),
	KUNIT_CASE(walk_tree_stops_on_error),
	KUNIT_CASE(walk_ranges_of_empty_tree),
	KUNIT_CASE(walk_ranges_merges_orders),
	KUNIT_CASE(walk_ranges_joins_leaves),
	KUNIT_CASE(walk_ranges_skips_gaps_of_any_size),
	KUNIT_CASE(walk_ranges_visits_random_runs),
	KUNIT_CASE(walk_ranges_of_all_orders),
	KUNIT_CASE(walk_ranges_stops_on_error),
	KUNIT_CASE(walk_ranges_joins_overlaps),
	KUNIT_CASE(lookups_ignore_overlaps),
	KUNIT_CASE(tree_of_this_kernel_has_no_overlaps),
	KUNIT_CASE(note_overlaps_of_several_orders),
	KUNIT_CASE(note_overlaps_of_neighbours),
	KUNIT_CASE(note_overlaps_of_one_order),
	KUNIT_CASE(walk_ranges_refuses_end_of_address_space),
	KUNIT_CASE(walk_window_cuts_ranges),
	KUNIT_CASE(walk_window_between_blocks_is_empty),
	KUNIT_CASE(walk_nodes_visits_parents_first),
	KUNIT_CASE(walk_nodes_calls_back_before_reading),
	KUNIT_CASE(walk_nodes_can_refuse_the_root),
	KUNIT_CASE(walk_nodes_refuses_misaligned_children),
	KUNIT_CASE(walk_nodes_refuses_high_markers),
	KUNIT_CASE(walk_nodes_refuses_keys_without_order),
	KUNIT_CASE(walk_nodes_can_be_limited),
	KUNIT_CASE(empty_incoming_nodes_are_accepted),
	KUNIT_CASE(blocks_of_another_tree_are_added),
	KUNIT_CASE(filtered_blocks_are_left_out),
	KUNIT_CASE(overlapping_blocks_of_another_tree_are_left_out),
	{}
};

static struct kunit_suite radix_suite = {
	.name = "kho-radix",
	.init = radix_test_init,
	.exit = radix_test_exit,
	.test_cases = radix_cases,
};

kunit_test_suite(radix_suite);
