// SPDX-License-Identifier: GPL-2.0
/*
 * Pin memory of the program that loads this module for a long time
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * This is what drivers do with buffers that are registered for RDMA, VFIO or io_uring.
 * The pages must leave scratch, which is memory for movable pages only.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sizes.h>

static unsigned long addr;
module_param(addr, ulong, 0);
MODULE_PARM_DESC(addr, "address of the memory");

static unsigned long size;
module_param(size, ulong, 0);
MODULE_PARM_DESC(size, "its size in bytes");

/* Pin all pages and unpin them again. Return 0 or an error. */
static int pin(struct page **pages, unsigned long nr)
{
	unsigned long done;
	int ret = 0;

	for (done = 0; done < nr; done += ret) {
		ret = pin_user_pages_fast(addr + done * PAGE_SIZE,
					  min(nr - done, SZ_16M >> PAGE_SHIFT),
					  FOLL_WRITE | FOLL_LONGTERM, pages + done);
		if (ret <= 0)
			break;
	}
	pr_info("pinned %lu of %lu pages\n", done, nr);
	unpin_user_pages(pages, done);
	return ret < 0 ? ret : 0;
}

static int __init kho_pin_test_init(void)
{
	unsigned long nr = size >> PAGE_SHIFT;
	struct page **pages;
	int err;

	pages = kvmalloc_array(nr, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	err = pin(pages, nr);
	kvfree(pages);
	return err;
}
module_init(kho_pin_test_init);

static void __exit kho_pin_test_exit(void)
{
}
module_exit(kho_pin_test_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Test that memory in scratch can be pinned for a long time");
