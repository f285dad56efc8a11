// SPDX-License-Identifier: GPL-2.0
/*
 * vmalloc areas without page tables
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * An area is a buffer. Its content is copied from the pages when vmalloc_adopt_pages()
 * attaches them, and back to the pages when find_vm_area() looks the area up, or by
 * vmalloc_write_back().
 */

#include <string.h>

#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "shim/check.h"

static LIST_HEAD(areas);

struct vm_struct *vmalloc_map_pages(struct page **pages, unsigned int nr_pages,
				    unsigned int order, unsigned long vm_flags,
				    const void *caller)
{
	struct vm_struct *area = kzalloc(sizeof(*area), GFP_KERNEL);

	if (!area)
		return NULL;

	area->addr = kmalloc((size_t)nr_pages << PAGE_SHIFT, GFP_KERNEL);
	if (!area->addr) {
		kfree(area);
		return NULL;
	}

	area->flags = VM_ALLOC | vm_flags;
	area->page_order = order;
	list_add(&area->list, &areas);
	return area;
}

void *vmalloc_adopt_pages(struct vm_struct *area, struct page **pages,
			  unsigned int nr_pages)
{
	unsigned int i;

	area->pages = pages;
	area->nr_pages = nr_pages;
	for (i = 0; i < nr_pages; i++)
		memcpy(area->addr + i * PAGE_SIZE, page_address(pages[i]), PAGE_SIZE);

	return area->addr;
}

void free_vm_area(struct vm_struct *area)
{
	list_del(&area->list);
	kfree(area->addr);
	kfree(area);
}

struct vm_struct *find_vm_area_struct(const void *addr)
{
	struct vm_struct *area;

	list_for_each_entry(area, &areas, list)
		if (area->addr == addr)
			return area;

	return NULL;
}

static void write_back(struct vm_struct *area)
{
	unsigned int i;

	for (i = 0; i < area->nr_pages; i++)
		memcpy(page_address(area->pages[i]), area->addr + i * PAGE_SIZE, PAGE_SIZE);
}

struct vm_struct *find_vm_area(const void *addr)
{
	struct vm_struct *area = find_vm_area_struct(addr);

	if (area)
		write_back(area);
	return area;
}

void vmalloc_write_back(void)
{
	struct vm_struct *area;

	list_for_each_entry(area, &areas, list)
		write_back(area);
}

static void free_blocks(struct page **pages, unsigned int nr_pages)
{
	unsigned int i, nr;

	for (i = 0; i < nr_pages; i += nr) {
		nr = 1U << pages[i]->order;
		__free_pages(pages[i], pages[i]->order);
	}
	kfree(pages);
}

/* As in the kernel, @pages lists every page of a block. */
void *vmalloc_order(unsigned long size, unsigned int order)
{
	unsigned int nr_pages = size >> PAGE_SHIFT, nr, i;
	struct page **pages = kvcalloc(nr_pages, sizeof(*pages), GFP_KERNEL), *block;
	struct vm_struct *area;

	if (!pages)
		return NULL;

	for (nr = 0; nr < nr_pages; nr += 1U << order) {
		block = alloc_pages(GFP_KERNEL, order);
		if (!block)
			goto fail;
		for (i = 0; i < 1U << order; i++)
			pages[nr + i] = block + i;
	}

	area = vmalloc_map_pages(pages, nr_pages, order, order ? VM_ALLOW_HUGE_VMAP : 0, NULL);
	if (area)
		return vmalloc_adopt_pages(area, pages, nr_pages);
fail:
	free_blocks(pages, nr);
	return NULL;
}

void *__vmalloc_array(size_t nr, size_t size, gfp_t gfp)
{
	return vmalloc_order(PAGE_ALIGN(nr * size), 0);
}

void kvfree(const void *mem)
{
	if (find_vm_area_struct(mem))
		vfree(mem);
	else
		kfree(mem);
}

/* The pages may be a block, or restored pages of order 0 that once were a block. */
void vfree(const void *addr)
{
	struct vm_struct *area;

	if (!addr)
		return;

	area = find_vm_area_struct(addr);
	if (!area)
		die("%p is not a vmalloc area", addr);

	free_blocks(area->pages, area->nr_pages);
	free_vm_area(area);
}
