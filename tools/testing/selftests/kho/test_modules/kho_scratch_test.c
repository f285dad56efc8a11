// SPDX-License-Identifier: GPL-2.0
/*
 * Scratch memory can't be preserved
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Allocate movable pages until one is in scratch. Preserving it must fail, and
 * preserving other pages must succeed.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>

#define MAX_REGIONS	32
/* Blocks of 2^ORDER pages: enough of them for most of a small guest's memory */
#define ORDER		4
#define MAX_BLOCKS	(SZ_1G >> (PAGE_SHIFT + ORDER))

static unsigned long scratch[2 * MAX_REGIONS];
static unsigned int nr_scratch;
module_param_array(scratch, ulong, &nr_scratch, 0);
MODULE_PARM_DESC(scratch, "first and last address of each scratch region");

static bool in_scratch(struct page *page)
{
	phys_addr_t phys = page_to_phys(page);
	unsigned int i;

	for (i = 0; i + 1 < nr_scratch; i += 2)
		if (phys >= scratch[i] && phys <= scratch[i + 1])
			return true;
	return false;
}

static int check_refused(struct page *page)
{
	int err = kho_preserve_pages(page, 1);

	if (!err)
		kho_unpreserve_pages(page, 1);
	if (err == -EINVAL)
		return 0;
	pr_err("preserving a page in scratch gives %d\n", err);
	return -EINVAL;
}

static int check_taken(struct page *page)
{
	int err = kho_preserve_pages(page, 1);

	if (err) {
		pr_err("preserving a page outside scratch gives %d\n", err);
		return err;
	}
	kho_unpreserve_pages(page, 1);
	return 0;
}

/* Check a run of two pages, of which only the second one is in scratch. */
static int check_straddling(struct page *page)
{
	unsigned long pfn = page_to_pfn(page);
	struct page *before = pfn_to_online_page(pfn - 1);
	int err;

	if (!before || in_scratch(before))
		return 0;
	err = kho_preserve_pages(before, 2);
	if (err == -EINVAL)
		return 0;
	if (!err)
		kho_unpreserve_pages(before, 2);
	pr_err("preserving two pages around scratch's start gives %d\n", err);
	return -EINVAL;
}

static int check_regions(void)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i + 1 < nr_scratch && !err; i += 2)
		err = check_straddling(pfn_to_page(PHYS_PFN(scratch[i])));
	return err;
}

/* Return the first movable block in scratch. The other blocks go to @taken. */
static struct page *find_in_scratch(struct list_head *taken)
{
	struct page *page;
	unsigned int i;

	for (i = 0; i < MAX_BLOCKS; i++) {
		page = alloc_pages(GFP_HIGHUSER_MOVABLE | __GFP_NORETRY |
				   __GFP_NOWARN, ORDER);
		if (!page)
			return NULL;
		if (in_scratch(page))
			return page;
		list_add(&page->lru, taken);
	}
	return NULL;
}

static int __init kho_scratch_test_init(void)
{
	struct page *page, *next;
	LIST_HEAD(taken);
	int err;

	page = find_in_scratch(&taken);
	if (page) {
		err = check_refused(page);
		__free_pages(page, ORDER);
	} else {
		pr_info("no movable page lies in scratch\n");
		err = check_refused(pfn_to_page(PHYS_PFN(scratch[0])));
	}
	list_for_each_entry_safe(page, next, &taken, lru) {
		if (!err)
			err = check_taken(page);
		list_del(&page->lru);
		__free_pages(page, ORDER);
	}
	if (!err)
		err = check_regions();
	if (!err)
		pr_info("refused\n");
	return err;
}
module_init(kho_scratch_test_init);

static void __exit kho_scratch_test_exit(void)
{
}
module_exit(kho_scratch_test_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Test that scratch memory can't be preserved");
