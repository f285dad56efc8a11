// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kexec handover: boot, withholding what is preserved.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <linux/init.h>
#include <linux/kexec_handover.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/pfn.h>
#include <linux/sizes.h>

#include <linux/kho/radix_tree.h>

#include "kexec_handover_internal.h"

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

/* Call @fn for each gap between blocks of the map. */
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

/* Index of the first node at @pfn or above */
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

/* Call @fn for each gap between blocks and nodes of the map. */
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
	unsigned long nr_pages;
};

static void __init kho_unpreserved_gap(unsigned long start_pfn,
				       unsigned long end_pfn, void *arg)
{
	struct kho_unpreserved_walk *walk = arg;

	walk->fn(start_pfn, end_pfn);
	walk->nr_pages += end_pfn - start_pfn;
}

/**
 * kho_walk_unpreserved - call a function for what is not preserved
 * @start_pfn: first page frame number of a range
 * @end_pfn:   page frame number behind the range
 * @fn:	       called for each part of the range that the previous kernel has not
 *	       preserved, by rising address
 *
 * Nothing has to be reserved anywhere for preserved memory: whoever frees memory
 * to the page allocator at boot asks here first, for as large a range as it
 * likes. A call costs a few descents into the map and nothing for each page.
 *
 * Context: Boot, until the first initcall. Any; takes no locks, as the map does
 * not change before.
 * Return: the number of pages that @fn was called for.
 */
unsigned long __init kho_walk_unpreserved(unsigned long start_pfn,
					  unsigned long end_pfn,
					  kho_pfn_range_fn fn)
{
	struct kho_unpreserved_walk walk = { .fn = fn };

	if (!is_kho_boot()) {
		fn(start_pfn, end_pfn);
		return end_pfn - start_pfn;
	}

	kho_walk_gaps(start_pfn, end_pfn, kho_unpreserved_gap, &walk);
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

/* Window by window, so that what lies below the place is not walked. */
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
		/* What begins below the window may reach into it. */
		end_pfn = low + nr - 1;
	}
}

/**
 * kho_find_unpreserved - find room outside of preserved memory
 * @start: physical address of a range of memory that is otherwise free
 * @end:   physical address behind the range
 * @size:  bytes to find
 * @align: alignment in bytes, a power of two
 *
 * Context: Boot, until the first initcall.
 * Return: the highest physical address that fits, 0 if none does or if it is
 * not known what is preserved.
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
