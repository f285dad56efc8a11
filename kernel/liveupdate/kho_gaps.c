// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kexec handover: gaps between preserved memory, for allocation at boot.
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The map can have millions of blocks, so boot-time allocation does not walk it.
 * While the map is checked, the gaps that are large enough are recorded in a list.
 * Smaller gaps are not used until the page allocator has them.
 *
 * Memory that a kernel allocated at boot, and has not freed since, is not preserved. So
 * the next kernel finds about that much room, even if all other memory is preserved. Most
 * of that memory holds struct pages, in blocks of 2 MiB or more: the gaps are large enough.
 */

#include <linux/init.h>
#include <linux/memblock.h>
#include <linux/minmax.h>
#include <linux/range.h>
#include <linux/sizes.h>

#include <linux/kho/boot.h>

#include "kexec_handover_internal.h"

/* The smallest gap that is recorded. User-space tests have less memory. */
#ifndef KHO_GAP_SIZE
#define KHO_GAP_SIZE	SZ_2M
#endif

static bool __init kho_is_gap_memory(const struct memblock_region *region)
{
	return !(region->flags & (MEMBLOCK_KHO_SCRATCH | MEMBLOCK_NOMAP));
}

/**
 * kho_gaps_max - determine how many gaps there can be
 *
 * Context: Boot, when all memory is known.
 * Return: an upper bound.
 */
unsigned long __init kho_gaps_max(void)
{
	const struct memblock_region *region;
	unsigned long max = 0;

	for_each_mem_region(region)
		if (kho_is_gap_memory(region))
			max += region->size / KHO_GAP_SIZE;

	return max;
}

static void __init kho_record_gap(phys_addr_t start, phys_addr_t end)
{
	if (end - start >= KHO_GAP_SIZE && kho_in.nr_gaps < kho_in.max_gaps)
		kho_in.gaps[kho_in.nr_gaps++] = (struct range){
			.start = start,
			.end = end,
		};
}

/**
 * kho_gaps_add - record the gaps in a range that is not preserved
 * @scan: state of the scan; zero before the first call
 * @end:  physical address of the end of the range, exclusive
 *
 * The range begins where that of the previous call ended. Its parts that are RAM outside
 * scratch are gaps.
 *
 * Context: Boot, while the map is checked.
 */
void __init kho_gaps_add(struct kho_gap_scan *scan, phys_addr_t end)
{
	/* Most gaps between scattered pages are too small. */
	if (end - scan->next < KHO_GAP_SIZE) {
		scan->next = end;
		return;
	}

	for (; scan->region < memblock.memory.cnt; scan->region++) {
		const struct memblock_region *region =
			&memblock.memory.regions[scan->region];
		phys_addr_t region_end = region->base + region->size;

		if (region->base >= end)
			break;
		if (kho_is_gap_memory(region) && region_end > scan->next)
			kho_record_gap(max(region->base, scan->next),
				       min(region_end, end));
		if (region_end >= end)
			break;
	}
	scan->next = end;
}

/* Return the highest aligned address at which @size bytes fit, 0 if there is none. */
static phys_addr_t __init kho_fit(phys_addr_t start, phys_addr_t end,
				  phys_addr_t size, phys_addr_t align)
{
	phys_addr_t addr;

	if (start >= end || end - start < size)
		return 0;

	addr = round_down(end - size, align);
	return addr >= start ? addr : 0;
}

/* Return the number of gaps that begin below @end. */
static unsigned long __init kho_count_gaps(phys_addr_t end)
{
	unsigned long low = 0, high = kho_in.nr_gaps;

	while (low < high) {
		unsigned long mid = low + (high - low) / 2;

		if (kho_in.gaps[mid].start < end)
			low = mid + 1;
		else
			high = mid;
	}

	return low;
}

/**
 * kho_find_unpreserved - find room that does not overlap preserved memory
 * @start: physical address of a range that is free apart from preserved memory
 * @end:   physical address past its end
 * @size:  bytes to find
 * @align: alignment in bytes, a power of two
 *
 * Only the recorded gaps are searched. Smaller ones may have room, too.
 *
 * Context: Boot, before initcalls.
 * Return: the highest physical address that fits, or 0 if there is none or if the
 * map has not been read yet.
 */
phys_addr_t __init kho_find_unpreserved(phys_addr_t start, phys_addr_t end,
					phys_addr_t size, phys_addr_t align)
{
	phys_addr_t found = 0;
	unsigned long i;

	if (kho_in.state == KHO_IN_NONE)
		return kho_fit(start, end, size, align);
	if (kho_in.state != KHO_IN_READ)
		return 0;

	for (i = kho_count_gaps(end); i && !found; i--) {
		const struct range *gap = &kho_in.gaps[i - 1];

		if (gap->end <= start)
			break;
		found = kho_fit(max_t(phys_addr_t, start, gap->start),
				min_t(phys_addr_t, end, gap->end), size, align);
	}

	return found;
}
