// SPDX-License-Identifier: GPL-2.0
/*
 * Target: a vmalloc area from another kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The arguments of the reader are a struct kho_vmalloc.
 */

#include <string.h>

#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include <linux/kexec_handover.h>
#include <linux/kho/vmalloc.h>

#include "fuzz/area.h"
#include "fuzz/image.h"
#include "fuzz/target.h"
#include "shim/check.h"
#include "shim/faults.h"
#include "shim/print.h"

static void check_area(const struct area *expected, void *addr)
{
	const struct vm_struct *area = find_vm_area(addr);
	unsigned int i;

	check(area);
	check(area->nr_pages == expected->nr);
	for (i = 0; i < expected->nr; i++)
		check(area->pages[i] == expected->pages[i]);
}

static void restore(const struct kho_vmalloc *preservation)
{
	unsigned long preserved = mm_nr_preserved(), logged = shim_log_count;
	unsigned long allocated = mm_nr_allocated();
	struct area expected;
	bool good;
	void *addr;

	good = area_read(&expected, preservation);

	addr = kho_restore_vmalloc(preservation);
	if (addr) {
		check(good && !expected.has_twins);
		check_area(&expected, addr);
		vfree(addr);
		check(mm_nr_preserved() == preserved - area_taken(&expected));
	} else {
		check(!good || expected.has_twins || shim_failed);
		check(shim_log_count > logged || shim_failed);
		check(good || mm_nr_preserved() == preserved);
	}

	/* All restored memory was freed. */
	check(allocated - mm_nr_allocated() == preserved - mm_nr_preserved());
	check(!slab_objects());
}

static void run(const u8 *data, size_t size)
{
	struct kho_vmalloc preservation;
	struct image image;

	image_load(&image, data, size);
	image_hide_rest(&image);
	memcpy(&preservation, image.args, sizeof(preservation));
	restore(&preservation);
	mm_reset();
}

static void add_area(seed_fn add, const char *name, unsigned int nr_pages,
		     unsigned int order)
{
	void *area = vmalloc_order((unsigned long)nr_pages << PAGE_SHIFT, order);
	struct kho_vmalloc preservation;

	memset(area, 1, PAGE_SIZE);
	check(!kho_preserve_vmalloc(area, &preservation));
	image_save(add, name, (u64 *)&preservation, sizeof(preservation) / sizeof(u64));
	kho_unpreserve_vmalloc(&preservation);
	vfree(area);
	mm_reset();
}

/* Two chunks full of addresses of the same page */
static void add_twins(seed_fn add)
{
	static const u8 image[] = {
		2, 0, IMAGE_PRESERVED, IMAGE_PRESERVED,
		1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,	/* first = block 1 */
		0, 0, 1, 0, 0, 2, 0, 0, 1, 0, 0, 0,	/* 512 pages, flags 1 */
		1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,	/* next = block 1 */
		1, 1, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0,	/* each page is block 2 */
		3, 1, 2, 0, 0, 0xfe, 1, 0, 0, 0, 0, 0,
	};

	add("twins", image, sizeof(image));
}

static void seeds(seed_fn add)
{
	add_area(add, "page", 1, 0);
	add_area(add, "pages", 7, 0);
	add_area(add, "blocks", 24, 3);
	add_area(add, "block", 4, 2);
	add_twins(add);
}

const struct target target = {
	.run = run,
	.seeds = seeds,
};
