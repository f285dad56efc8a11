// SPDX-License-Identifier: GPL-2.0
/*
 * A vmalloc area that was handed over, read by a simple model
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <string.h>

#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pfn.h>

#include <linux/kexec_handover.h>

#include "fuzz/area.h"

static bool is_there(u64 phys, unsigned int order)
{
	return phys && !(phys & ((PAGE_SIZE << order) - 1)) &&
	       kho_incoming_has_pages(phys, 1UL << order);
}

static void add_pages(struct area *area, u64 phys, unsigned int order)
{
	unsigned long i;

	for (i = 0; i < 1UL << order; i++) {
		struct page *page = pfn_to_page(PHYS_PFN(phys)) + i;

		area->has_twins |= area->taken[page - mem_map];
		area->taken[page - mem_map] = true;
		area->pages[area->nr++] = page;
	}
}

/* Other kernels may append an empty chunk to one that is full. */
static bool is_empty_chunk(u64 phys)
{
	const struct kho_vmalloc_chunk *chunk;

	if (!is_there(phys, 0))
		return false;
	chunk = phys_to_virt(phys);
	return !chunk->phys[0] && !chunk->hdr.next.phys;
}

static bool read_chunks(struct area *area, u64 phys, unsigned int left, unsigned int order)
{
	const struct kho_vmalloc_chunk *chunk;
	unsigned int i = 0;

	for (; left; phys = chunk->hdr.next.phys) {
		if (!is_there(phys, 0))
			return false;
		chunk = phys_to_virt(phys);
		for (i = 0; i < KHO_VMALLOC_SIZE && left; i++, left--) {
			if (!is_there(chunk->phys[i], order))
				return false;
			add_pages(area, chunk->phys[i], order);
		}
		if (i < KHO_VMALLOC_SIZE && chunk->phys[i])
			return false;
	}

	return !phys || (i == KHO_VMALLOC_SIZE && is_empty_chunk(phys));
}

/* A damaged chunk can be one of the area's pages, too. */
static void take_chunks(struct area *area, u64 phys)
{
	const struct kho_vmalloc_chunk *chunk;

	for (; phys; phys = chunk->hdr.next.phys) {
		chunk = phys_to_virt(phys);
		area->taken[pfn_to_page(PHYS_PFN(phys)) - mem_map] = true;
	}
}

bool area_read(struct area *area, const struct kho_vmalloc *preservation)
{
	unsigned int order = preservation->order, nr = preservation->total_pages;

	memset(area, 0, sizeof(*area));
	if (order > MAX_PAGE_ORDER || (preservation->flags & ~2) != 1 || !nr ||
	    nr > AREA_MAX_PAGES || nr > get_num_physpages() || nr % (1U << order) ||
	    !read_chunks(area, preservation->first.phys, nr >> order, order))
		return false;

	take_chunks(area, preservation->first.phys);
	return true;
}

unsigned long area_taken(const struct area *area)
{
	unsigned long nr = 0, i;

	for (i = 0; i < IMAGE_MAX_PAGES; i++)
		nr += area->taken[i];

	return nr;
}
