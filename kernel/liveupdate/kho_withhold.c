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

struct kho_find_walk {
	phys_addr_t size;
	phys_addr_t align;
	phys_addr_t found;
};

static void __init kho_find_in_gap(unsigned long start_pfn,
				   unsigned long end_pfn, void *arg)
{
	phys_addr_t start = PFN_PHYS(start_pfn), end = PFN_PHYS(end_pfn);
	struct kho_find_walk *find = arg;
	phys_addr_t addr;

	if (end - start < find->size)
		return;

	addr = round_down(end - find->size, find->align);
	if (addr >= start)
		find->found = addr;
}

/*
 * Search downwards in windows, to avoid a walk of all memory below the highest
 * place that fits.
 */
static void __init kho_find_downwards(unsigned long start_pfn,
				      unsigned long end_pfn,
				      struct kho_find_walk *find)
{
	unsigned long nr = PFN_UP(find->size);
	unsigned long window = max(4 * nr, PFN_DOWN((phys_addr_t)SZ_4G));
	unsigned long low;

	for (;;) {
		low = end_pfn - start_pfn > window ? end_pfn - window : start_pfn;
		kho_walk_gaps(low, end_pfn, kho_find_in_gap, find);
		if (find->found || low == start_pfn)
			return;
		/* A place that starts below this window can end inside it. */
		end_pfn = low + nr - 1;
	}
}

/**
 * kho_find_unpreserved - find room that does not overlap preserved memory
 * @start: physical address of a range that is otherwise free
 * @end:   physical address past its end
 * @size:  bytes to find
 * @align: alignment in bytes, a power of two
 *
 * Context: Boot, before initcalls.
 * Return: the highest physical address that fits, or 0 if there is none or if the
 * map has not been read yet.
 */
phys_addr_t __init kho_find_unpreserved(phys_addr_t start, phys_addr_t end,
					phys_addr_t size, phys_addr_t align)
{
	struct kho_find_walk find = { .size = size, .align = align };
	unsigned long start_pfn = PFN_UP(start), end_pfn = PFN_DOWN(end);

	if (start_pfn >= end_pfn)
		return 0;

	if (kho_in.state == KHO_IN_READ)
		kho_find_downwards(start_pfn, end_pfn, &find);
	else if (kho_in.state == KHO_IN_NONE)
		kho_find_in_gap(start_pfn, end_pfn, &find);

	return find.found;
}
