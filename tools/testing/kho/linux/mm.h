/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pages of the simulated machine
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_SHIM_LINUX_MM_H
#define _KHO_SHIM_LINUX_MM_H

#include <linux/align.h>
#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mmzone.h>
#include <linux/sched.h>

#include <asm/page.h>

#define PAGE_ALIGN(addr)	ALIGN(addr, PAGE_SIZE)
#define PAGE_ALIGN_DOWN(addr)	ALIGN_DOWN(addr, PAGE_SIZE)
#define PAGE_ALIGNED(addr)	IS_ALIGNED((unsigned long)(addr), PAGE_SIZE)

/* As large as the kernel's: what it costs in cache is part of what is measured. */
struct page {
	void *mapping;
	unsigned long index;
	unsigned long private;
	unsigned long flags;
	struct page *next_free;
	struct page *head;
	unsigned int order;
	int count;
	bool allocated;
	bool preserved;
	bool large;
} __aligned(64);

struct folio {
	union {
		struct page page;
		struct {
			void *mapping;
			unsigned long index;
		};
	};
};

extern struct page *mem_map;

static inline struct page *virt_to_page(const void *virt)
{
	return mem_map + (ram_offset_virt(virt) >> PAGE_SHIFT);
}

static inline struct page *pfn_to_page(unsigned long pfn)
{
	return mem_map + (ram_offset((phys_addr_t)pfn << PAGE_SHIFT) >> PAGE_SHIFT);
}

static inline unsigned long page_to_pfn(const struct page *page)
{
	return (RAM_START >> PAGE_SHIFT) + (page - mem_map);
}

static inline phys_addr_t page_to_phys(const struct page *page)
{
	return (phys_addr_t)page_to_pfn(page) << PAGE_SHIFT;
}

static inline void *page_address(const struct page *page)
{
	return ram + ((page - mem_map) << PAGE_SHIFT);
}

static inline unsigned long page_private(const struct page *page)
{
	return page->private;
}

static inline void set_page_private(struct page *page, unsigned long private)
{
	page->private = private;
}

static inline void *folio_address(const struct folio *folio)
{
	return page_address(&folio->page);
}

static inline unsigned int get_order(unsigned long size)
{
	unsigned int order = 0;

	while (PAGE_SIZE << order < size)
		order++;

	return order;
}

/* This kernel has a little more than has ever been allocated. */
static inline unsigned long get_num_physpages(void)
{
	return ram_used_pages() + 1024;
}

struct page *alloc_pages(gfp_t gfp, unsigned int order);
void __free_pages(struct page *page, unsigned int order);

static inline void free_pages(unsigned long addr, unsigned int order)
{
	if (addr)
		__free_pages(virt_to_page((void *)addr), order);
}

#define free_page(addr)		free_pages(addr, 0)
#define __free_page(page)	__free_pages(page, 0)

#endif
