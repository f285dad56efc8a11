// SPDX-License-Identifier: GPL-2.0
/*
 * Preserve much of a node's memory, so that little of it is left for the next kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Each preserved page has the address of the next one. If the previous kernel has
 * preserved such pages, check and free them instead.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>

#define NAME	"kho-fragments-test"
#define MAGIC	0x6672616775656e74ULL

static int nid;
module_param(nid, int, 0444);
MODULE_PARM_DESC(nid, "the node");

static unsigned long stride = 1;
module_param(stride, ulong, 0444);
MODULE_PARM_DESC(stride, "preserve every stride-th page");

struct link {
	u64 magic;
	u64 next;
	u64 nr;		/* of the pages that follow */
};

static int preserve_page(struct page *page, struct link *head)
{
	struct link *link = page_address(page);
	int err = kho_preserve_pages(page, 1);

	if (err)
		return err;

	link->magic = MAGIC ^ page_to_phys(page);
	link->next = head->next;
	link->nr = head->nr++;
	head->next = page_to_phys(page);
	return 0;
}

static int preserve_block(struct page *page, unsigned int order, struct link *head,
			  struct list_head *rest)
{
	unsigned long i;
	int err = 0;

	split_page(page, order);
	for (i = 0; i < 1UL << order && !err; i++) {
		if (page_to_pfn(page + i) % stride)
			list_add(&page[i].lru, rest);
		else
			err = preserve_page(page + i, head);
	}
	cond_resched();

	return err;
}

/* Preserved pages stay allocated for good. */
static int preserve(void)
{
	gfp_t gfp = GFP_NOWAIT | __GFP_THISNODE | __GFP_NOWARN;
	int order = MAX_PAGE_ORDER, least = stride > 1 ? pageblock_order : 0;
	struct link *head = kho_alloc_preserve(sizeof(*head));
	struct page *page, *tmp;
	LIST_HEAD(rest);
	int err;

	if (IS_ERR(head))
		return PTR_ERR(head);

	head->magic = MAGIC;
	err = kho_add_subtree(NAME, head, sizeof(*head));
	while (!err && order >= least) {
		page = alloc_pages_node(nid, gfp, order);
		if (page)
			err = preserve_block(page, order, head, &rest);
		else
			order--;
	}

	list_for_each_entry_safe(page, tmp, &rest, lru)
		__free_page(page);
	pr_info("preserved %llu pages of node %d: %d\n", head->nr, nid, err);
	return err;
}

static int restore(phys_addr_t phys)
{
	struct link head = *(struct link *)phys_to_virt(phys), link;
	u64 nr = head.nr, next = head.next;

	kho_restore_free(phys_to_virt(phys));
	if (head.magic != MAGIC)
		return -EINVAL;

	while (nr) {
		struct page *page = kho_restore_pages(next, 1);

		if (!page) {
			pr_err("page at %#llx is not preserved\n", next);
			return -ENOENT;
		}
		link = *(struct link *)page_address(page);
		__free_page(page);
		if (link.magic != (MAGIC ^ next) || link.nr != --nr) {
			pr_err("page at %#llx has other content\n", next);
			return -EINVAL;
		}
		next = link.next;
		cond_resched();
	}

	pr_info("restored %llu pages\n", head.nr);
	return 0;
}

static int __init kho_fragments_test_init(void)
{
	phys_addr_t phys;
	int err = kho_retrieve_subtree(NAME, &phys, NULL);

	if (!stride)
		return -EINVAL;
	if (err == -ENOENT)
		return preserve();

	return err ?: restore(phys);
}
module_init(kho_fragments_test_init);

static void __exit kho_fragments_test_exit(void)
{
}
module_exit(kho_fragments_test_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Test that kernels boot with little memory that is not preserved");
