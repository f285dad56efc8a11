/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vmalloc areas: see shim/vmalloc.c
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_LINUX_VMALLOC_H
#define _KHO_LINUX_VMALLOC_H

#include <linux/list.h>
#include <linux/mm.h>

#define VM_ALLOC		0x2
#define VM_ALLOW_HUGE_VMAP	0x400

struct vm_struct {
	struct list_head list;
	void *addr;
	unsigned long flags;
	struct page **pages;
	unsigned int nr_pages;
	unsigned int page_order;
};

static inline unsigned int vm_area_page_order(const struct vm_struct *area)
{
	return area->page_order;
}

struct vm_struct *vmalloc_map_pages(struct page **pages, unsigned int nr_pages,
				    unsigned int order, unsigned long vm_flags,
				    const void *caller);
void *vmalloc_adopt_pages(struct vm_struct *area, struct page **pages,
			  unsigned int nr_pages);
void free_vm_area(struct vm_struct *area);
struct vm_struct *find_vm_area(const void *addr);
/* The same, but do not write the content back to the pages. */
struct vm_struct *find_vm_area_struct(const void *addr);

/* Write the content of all areas back to their pages. */
void vmalloc_write_back(void);

void *__vmalloc_array(size_t nr, size_t size, gfp_t gfp);
void vfree(const void *addr);

/* Allocate an area of blocks of @order. @size must be a multiple of their size. */
void *vmalloc_order(unsigned long size, unsigned int order);

#endif
