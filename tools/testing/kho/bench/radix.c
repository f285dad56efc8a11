// SPDX-License-Identifier: GPL-2.0
/*
 * The radix tree of preserved memory
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Keys are generated before anything is measured. Lookups and deletions have the order of
 * the additions.
 */

#include <stdlib.h>

#include <linux/align.h>
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pfn.h>

#include <linux/kho/radix_tree.h>

#include "bench/bench.h"
#include "kernel/liveupdate/kho_radix.h"
#include "shim/check.h"
#include "shim/random.h"

/* Length of the range that an operation adds or deletes */
#define RANGE_PAGES	512UL

/* Random keys are spread over this many pages, or more if there are many keys */
#define RANDOM_SPAN	(1UL << (36 - PAGE_SHIFT))

struct key {
	u32 pfn;
	u32 order;
};

static struct kho_radix_tree tree;
static struct key *keys;
static unsigned long nr_keys;
static unsigned long nr_pages;

/*
 * Sets of keys
 */

/* Allocate @nr keys, each for @unit pages. */
static void load_start(unsigned long nr, unsigned long unit)
{
	random_start(1);
	nr_keys = nr;
	nr_pages = nr * unit;
	keys = calloc(nr, sizeof(*keys));
	check(keys);
	check(!kho_radix_init(&tree));
}

static void load_every(unsigned long step, unsigned long nr, unsigned long unit)
{
	unsigned long i;

	load_start(nr, unit);
	for (i = 0; i < nr; i++)
		keys[i].pfn = i * step * unit;
}

/* The first keys of a shuffled span */
static void load_shuffled(unsigned long nr, unsigned long unit)
{
	unsigned long span = max(RANDOM_SPAN / unit, nr / 3 * 4);
	u32 *slots = calloc(span, sizeof(*slots));
	unsigned long i, picked;

	check(slots);
	load_start(nr, unit);
	for (i = 0; i < span; i++)
		slots[i] = i;
	for (i = 0; i < nr; i++) {
		picked = i + random_below(span - i);
		keys[i].pfn = slots[picked] * unit;
		slots[picked] = slots[i];
	}
	free(slots);
}

static void load_dense(unsigned long pages)
{
	load_every(1, pages, 1);
}

static void load_strided(unsigned long pages)
{
	load_every(2, pages, 1);
}

static void load_random(unsigned long pages)
{
	load_shuffled(pages, 1);
}

/* Blocks of all orders of the page allocator, with gaps */
static void load_mixed(unsigned long pages)
{
	unsigned long pfn = 0;

	load_start(pages, 1);
	nr_keys = 0;
	for (nr_pages = 0; nr_pages < pages; nr_keys++) {
		unsigned int order = random_below(MAX_PAGE_ORDER + 1);

		pfn = ALIGN(pfn, 1UL << order);
		keys[nr_keys] = (struct key){ .pfn = pfn, .order = order };
		nr_pages += 1UL << order;
		pfn += (1UL << order) + random_below(2);
	}
}

static void load_dense_ranges(unsigned long pages)
{
	load_every(1, DIV_ROUND_UP(pages, RANGE_PAGES), RANGE_PAGES);
}

static void load_strided_ranges(unsigned long pages)
{
	load_every(2, DIV_ROUND_UP(pages, RANGE_PAGES), RANGE_PAGES);
}

static void load_random_ranges(unsigned long pages)
{
	load_shuffled(DIV_ROUND_UP(pages, RANGE_PAGES), RANGE_PAGES);
}

static void check_empty(void)
{
	struct kho_radix_stats stats;

	kho_radix_count_all(&tree, &stats);
	check(stats.nr_nodes == 1);
	check(mm_nr_allocated() == 1);
}

static void unload(void)
{
	check_empty();
	kho_radix_destroy(&tree);
	check(!mm_nr_allocated());
	free(keys);
}

/*
 * Single blocks
 */

static void check_full(void)
{
	unsigned long pages = 0;
	struct kho_radix_stats stats;
	unsigned int order;

	kho_radix_count_all(&tree, &stats);
	for (order = 0; order <= KHO_RADIX_MAX_ORDER; order++)
		pages += stats.nr_blocks[order] << order;
	check(pages == nr_pages);
	check(stats.nr_nodes == mm_nr_allocated());
}

static unsigned long run_add(void)
{
	unsigned long i;

	for (i = 0; i < nr_keys; i++)
		check(!kho_radix_add_page(&tree, keys[i].pfn, keys[i].order));

	return nr_keys;
}

static unsigned long run_del(void)
{
	unsigned long i;

	for (i = 0; i < nr_keys; i++)
		check(!kho_radix_del_page(&tree, keys[i].pfn, keys[i].order));

	return nr_keys;
}

static unsigned long run_lookup(void)
{
	unsigned long i;

	for (i = 0; i < nr_keys; i++)
		check(kho_radix_block_order(&tree, keys[i].pfn) == keys[i].order);

	return nr_keys;
}

static unsigned long seen_keys, seen_pages;

static int see_block(phys_addr_t phys, unsigned int order)
{
	seen_keys++;
	seen_pages += 1UL << order;
	return 0;
}

static unsigned long run_walk_tree(void)
{
	seen_keys = 0;
	seen_pages = 0;
	check(!kho_radix_walk_tree(&tree, see_block));
	check(seen_keys == nr_keys);
	check(seen_pages == nr_pages);

	return nr_keys;
}

static int see_range(phys_addr_t start, phys_addr_t end, void *arg)
{
	seen_pages += PHYS_PFN(end - start);
	return 0;
}

static unsigned long run_walk_ranges(void)
{
	seen_pages = 0;
	check(!kho_radix_walk_ranges(&tree, see_range, NULL));
	check(seen_pages == nr_pages);

	return nr_keys;
}

static void fill(void)
{
	run_add();
	check_full();
}

static void empty(void)
{
	check_full();
	run_del();
	check_empty();
}

const struct bench_suite bench_pages = {
	.ops = (const struct bench_op[]){
		{
			.name = "add",
			.help = "kho_radix_add_page() of one block",
			.run = run_add,
			.undo = empty,
		}, {
			.name = "del",
			.help = "kho_radix_del_page() of one block",
			.begin = fill,
			.run = run_del,
			.undo = fill,
			.end = empty,
		}, {
			.name = "lookup",
			.help = "kho_radix_block_order() of one block",
			.begin = fill,
			.run = run_lookup,
			.end = empty,
		}, {
			.name = "walk-tree",
			.help = "one block in kho_radix_walk_tree()",
			.begin = fill,
			.run = run_walk_tree,
			.end = empty,
		}, {
			.name = "walk-ranges",
			.help = "one block in kho_radix_walk_ranges(), which merges the orders",
			.begin = fill,
			.run = run_walk_ranges,
			.end = empty,
		}, {}
	},
	.inputs = (const struct bench_input[]){
		{ "dense", load_dense },
		{ "strided", load_strided },
		{ "random", load_random },
		{ "mixed", load_mixed },
		{}
	},
	.unload = unload,
	.unit_size = PAGE_SIZE,
};

/*
 * Ranges of single pages
 */

static unsigned long run_add_range(void)
{
	unsigned long i;

	for (i = 0; i < nr_keys; i++)
		check(!kho_radix_add_range(&tree, keys[i].pfn, RANGE_PAGES, 0));

	return nr_keys;
}

static unsigned long run_del_range(void)
{
	unsigned long i;

	for (i = 0; i < nr_keys; i++)
		check(!kho_radix_del_range(&tree, keys[i].pfn, RANGE_PAGES, 0));

	return nr_keys;
}

static void fill_ranges(void)
{
	run_add_range();
	check_full();
}

static void empty_ranges(void)
{
	check_full();
	run_del_range();
	check_empty();
}

const struct bench_suite bench_ranges = {
	.ops = (const struct bench_op[]){
		{
			.name = "add-range",
			.help = "kho_radix_add_range() of 512 pages",
			.run = run_add_range,
			.undo = empty_ranges,
		}, {
			.name = "del-range",
			.help = "kho_radix_del_range() of 512 pages",
			.begin = fill_ranges,
			.run = run_del_range,
			.undo = fill_ranges,
			.end = empty_ranges,
		}, {}
	},
	.inputs = (const struct bench_input[]){
		{ "dense", load_dense_ranges },
		{ "strided", load_strided_ranges },
		{ "random", load_random_ranges },
		{}
	},
	.unload = unload,
	.unit_size = PAGE_SIZE,
};
