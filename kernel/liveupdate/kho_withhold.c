// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kexec handover: withhold preserved memory from the page allocator at boot.
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * mm walks the gaps between preserved blocks of the incoming map and frees only
 * these. The nodes of the map are withheld as well, although the map does not
 * list them. They are freed when they become empty. Blocks that overlap are withheld
 * like all others, but never restored.
 */

#include <linux/init.h>
#include <linux/kexec_handover.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/pfn.h>
#include <linux/sizes.h>

#include <linux/kho/boot.h>
#include <linux/kho/radix_tree.h>

#include "kexec_handover_internal.h"

/* Called for [start_pfn, end_pfn), a range that is not preserved */
typedef void (*kho_gap_fn)(unsigned long start_pfn, unsigned long end_pfn,
			   void *arg);

struct kho_gap_walk {
	unsigned long next_pfn;
	kho_gap_fn fn;
	void *arg;
};

static int __init kho_gap_before(phys_addr_t start, phys_addr_t end, void *arg)
{
	struct kho_gap_walk *walk = arg;

	if (walk->next_pfn < PHYS_PFN(start))
		walk->fn(walk->next_pfn, PHYS_PFN(start), walk->arg);
	walk->next_pfn = PHYS_PFN(end);
	return 0;
}

/* Call @fn for each gap between preserved blocks in [start_pfn, end_pfn). */
static void __init kho_walk_block_gaps(unsigned long start_pfn,
				       unsigned long end_pfn, kho_gap_fn fn,
				       void *arg)
{
	struct kho_gap_walk walk = {
		.next_pfn = start_pfn,
		.fn = fn,
		.arg = arg,
	};

	if (start_pfn >= end_pfn)
		return;

	kho_radix_walk_window(&kho_in.tree, start_pfn, end_pfn, kho_gap_before,
			      &walk);
	if (walk.next_pfn < end_pfn)
		fn(walk.next_pfn, end_pfn, arg);
}

/* Return the index of the first node at or above @pfn. */
static unsigned long __init kho_first_node(unsigned long pfn)
{
	unsigned long low = 0, high = kho_in.nr_nodes;

	while (low < high) {
		unsigned long mid = low + (high - low) / 2;

		if (kho_in.node_pfns[mid] < pfn)
			low = mid + 1;
		else
			high = mid;
	}

	return low;
}

/*
 * Call @fn for each gap between preserved blocks and tree nodes in
 * [start_pfn, end_pfn).
 */
static void __init kho_walk_gaps(unsigned long start_pfn, unsigned long end_pfn,
				 kho_gap_fn fn, void *arg)
{
	unsigned long i;

	for (i = kho_first_node(start_pfn);
	     i < kho_in.nr_nodes && kho_in.node_pfns[i] < end_pfn; i++) {
		kho_walk_block_gaps(start_pfn, kho_in.node_pfns[i], fn, arg);
		start_pfn = kho_in.node_pfns[i] + 1;
	}

	kho_walk_block_gaps(start_pfn, end_pfn, fn, arg);
}

struct kho_unpreserved_walk {
	kho_pfn_range_fn fn;
	kho_pfn_range_fn rest;
	unsigned long next_pfn;
	unsigned long nr_pages;
};

/* Call the second function for the preserved range that ends at @start_pfn, if any. */
static void __init kho_preserved_before(struct kho_unpreserved_walk *walk,
					unsigned long start_pfn)
{
	if (walk->rest && walk->next_pfn < start_pfn)
		walk->rest(walk->next_pfn, start_pfn);
}

static void __init kho_unpreserved_gap(unsigned long start_pfn,
				       unsigned long end_pfn, void *arg)
{
	struct kho_unpreserved_walk *walk = arg;

	kho_preserved_before(walk, start_pfn);
	walk->fn(start_pfn, end_pfn);
	walk->nr_pages += end_pfn - start_pfn;
	walk->next_pfn = end_pfn;
}

/**
 * kho_walk_unpreserved - call a function for each range that is not preserved
 * @start_pfn: first page frame number of the range to walk
 * @end_pfn:   page frame number past its end
 * @fn:	       called for each part of the range that is not preserved, in
 *	       ascending order
 * @rest:      called for each other part, after @fn for the parts before it; may be NULL
 *
 * Preserved memory is not reserved in memblock. So code that frees memory to the
 * page allocator at boot must free only the parts that this function finds. The
 * cost of a call depends on the number of preserved ranges and map nodes in the
 * range, not on its size.
 *
 * Context: Boot, before initcalls. Takes no locks, because the map does not change
 * before initcalls run.
 * Return: the number of pages in the ranges that @fn was called for.
 */
unsigned long __init kho_walk_unpreserved(unsigned long start_pfn,
					  unsigned long end_pfn,
					  kho_pfn_range_fn fn,
					  kho_pfn_range_fn rest)
{
	struct kho_unpreserved_walk walk = {
		.fn = fn,
		.rest = rest,
		.next_pfn = start_pfn,
	};

	if (!is_kho_boot()) {
		fn(start_pfn, end_pfn);
		return end_pfn - start_pfn;
	}

	kho_walk_gaps(start_pfn, end_pfn, kho_unpreserved_gap, &walk);
	kho_preserved_before(&walk, end_pfn);
	return walk.nr_pages;
}

static void __init kho_skip_range(unsigned long start_pfn, unsigned long end_pfn)
{
}

/**
 * kho_count_unpreserved - count the pages of a range that are not preserved
 * @start_pfn: first page frame number of the range
 * @end_pfn:   page frame number past its end
 *
 * Context: Boot, before initcalls.
 * Return: what kho_walk_unpreserved() would return, for less work.
 */
unsigned long __init kho_count_unpreserved(unsigned long start_pfn,
					   unsigned long end_pfn)
{
	if (!is_kho_boot())
		return end_pfn - start_pfn;
	/* Blocks that overlap would be counted twice. */
	if (kho_in.tree.overlaps)
		return kho_walk_unpreserved(start_pfn, end_pfn, kho_skip_range, NULL);

	return end_pfn - start_pfn -
	       (kho_first_node(end_pfn) - kho_first_node(start_pfn)) -
	       kho_radix_count_pages(&kho_in.tree, start_pfn, end_pfn);
}

/**
 * kho_is_unpreserved - check that no memory of a range is preserved
 * @start: physical address of the range
 * @end:   physical address past its end
 *
 * Context: Boot, before initcalls.
 * Return: true if none of it is preserved, false if part of it is or if the map has not
 * been read yet.
 */
bool __init kho_is_unpreserved(phys_addr_t start, phys_addr_t end)
{
	unsigned long pfn = PFN_DOWN(start), end_pfn = PFN_UP(end), node;

	if (kho_in.state != KHO_IN_READ)
		return kho_in.state == KHO_IN_NONE;

	node = kho_first_node(pfn);
	return !kho_radix_overlaps(&kho_in.tree, pfn, end_pfn - pfn) &&
	       (node == kho_in.nr_nodes || kho_in.node_pfns[node] >= end_pfn);
}
