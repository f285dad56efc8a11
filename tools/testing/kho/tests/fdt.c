// SPDX-License-Identifier: GPL-2.0
/*
 * Handovers from kernel to kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <string.h>

#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/kexec.h>
#include <linux/mm.h>
#include <linux/pfn.h>

#include <linux/kexec_handover.h>
#include <linux/kho/boot.h>
#include <linux/kho/image.h>

#include "shim/check.h"
#include "shim/machine.h"
#include "shim/print.h"
#include "shim/random.h"
#include "shim/reboot.h"
#include "tests/test.h"

#include "kernel/liveupdate/kexec_handover_internal.h"

#define NR_BLOCKS	20

static phys_addr_t blocks[NR_BLOCKS];
static unsigned int orders[NR_BLOCKS];

static void start(void)
{
	kho_early_init(machine_is_ram);
	kho_memory_init();
	check(!initcall_kho_init());
	check(kho_is_enabled());
}

static void next_kernel(phys_addr_t fdt, phys_addr_t scratch, size_t scratch_size)
{
	machine_kexec();
	kho_populate(fdt, PAGE_SIZE, scratch, scratch_size);
	start();
}

static void preserve_some(unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		struct folio *folio;

		orders[i] = random_below(MAX_PAGE_ORDER + 1);
		folio = kho_alloc_folio(orders[i]);
		check(!kho_preserve_folio(folio));
		blocks[i] = page_to_phys(&folio->page);
	}
}

static void restore_some(unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		struct folio *folio = kho_restore_folio(blocks[i]);

		check(folio && folio_order(folio) == orders[i]);
		check(page_to_phys(&folio->page) == blocks[i]);
		check(!kho_restore_folio(blocks[i]));
	}
}

static void random_handovers(void)
{
	unsigned int i, nr;
	phys_addr_t phys;
	size_t size;
	void *blob;

	for (i = 0; i < 200; i++) {
		machine_cold_boot();
		start();
		nr = random_below(NR_BLOCKS + 1);
		preserve_some(nr);
		blob = kho_alloc_preserve(100);
		check(!kho_add_subtree("blob", blob, 100));

		next_kernel(virt_to_phys(kho_out.fdt), virt_to_phys(kho_scratch),
			    kho_scratch_cnt * sizeof(*kho_scratch));
		check(is_kho_boot());
		check(kho_scratch_cnt == 2);
		restore_some(nr);
		check(!kho_retrieve_subtree("blob", &phys, &size));
		check(phys_to_virt(phys) == blob && size == 100);
		mm_reset();
	}
	check(!shim_log_warnings);
}

static phys_addr_t preserve_folio(unsigned int order)
{
	struct folio *folio = kho_alloc_folio(order);

	check(!kho_preserve_folio(folio));
	return page_to_phys(&folio->page);
}

static void overlap_is_refused(void)
{
	struct folio *folio;
	struct page *page;

	machine_cold_boot();
	start();
	folio = kho_alloc_folio(3);
	page = &folio->page;
	check(!kho_preserve_folio(folio));
	check(kho_preserve_pages(page, 8) == -EEXIST);
	check(kho_preserve_pages(page + 3, 1) == -EEXIST);
	check(kho_preserve_pages(page + 1, 10) == -EEXIST);

	/* Blocks that are not preserved as such */
	kho_unpreserve_pages(page, 4);
	check(shim_log_warnings == 1);
	kho_unpreserve_pages(page + 3, 1);
	shim_log_warnings = 0;
	check(kho_preserve_folio(folio) == -EEXIST);

	kho_unpreserve_folio(folio);
	check(!kho_preserve_pages(page + 3, 1));
	check(kho_preserve_folio(folio) == -EEXIST);
	check(!kho_preserve_pages(page + 4, 4));
	check(!shim_log_warnings);
	mm_reset();
}

/* Another kernel has preserved a page of a folio, too. */
static void overlap_is_withheld(void)
{
	phys_addr_t folio, inside, page;
	u64 key;

	machine_cold_boot();
	start();
	folio = preserve_folio(3);
	inside = folio + 5 * PAGE_SIZE;
	page = preserve_folio(0);
	key = kho_radix_key(PHYS_PFN(inside), 0);
	check(kho_out.tree.last_nr == kho_radix_leaf_nr(key));
	__set_bit(kho_radix_bit(key), kho_out.tree.last_leaf->bitmap);

	next_kernel(virt_to_phys(kho_out.fdt), virt_to_phys(kho_scratch),
		    kho_scratch_cnt * sizeof(*kho_scratch));
	check(is_kho_boot());
	check(kho_in.tree.overlaps);
	check(!kho_incoming_contains(folio, PAGE_SIZE));
	check(!kho_incoming_contains(inside, PAGE_SIZE));
	check(!kho_incoming_has_pages(folio, 8));
	check(kho_incoming_order(folio) == -ENOENT);
	check(!kho_restore_folio(folio));
	check(!kho_restore_folio(inside));
	check(!kho_restore_pages(folio, 8));
	check(kho_restore_folio(page));
	mm_reset();
	check(!shim_log_warnings);
}

/* Some architectures cannot read structures at misaligned addresses. */
static void misaligned_scratch_is_refused(void)
{
	size_t size;
	void *copy;

	machine_cold_boot();
	start();
	size = kho_scratch_cnt * sizeof(*kho_scratch);
	copy = page_address(alloc_pages(GFP_KERNEL, 0)) + 4;
	memcpy(copy, kho_scratch, size);

	next_kernel(virt_to_phys(kho_out.fdt), virt_to_phys(copy), size);
	check(!is_kho_boot());
	mm_reset();
}

/* Leave all memory out, but for holes between @nr ranges. */
static void leave_ranges_out(struct kimage *image, unsigned int nr)
{
	unsigned int i;

	kho_image_leave_out_all(image);
	for (i = 1; i < nr; i++)
		kho_image_put_back(image, 2 * i, 2 * i + 1);
}

static void image_without_preserved_memory_has_flaw(void)
{
	struct kimage image = {};
	phys_addr_t page;

	machine_cold_boot();
	start();
	page = preserve_folio(0);
	image.kho.fdt = virt_to_phys(kho_out.fdt);
	kexec_image = &image;
	check(!kho_image_flaw());

	kho_image_leave_out(&image, page + PAGE_SIZE - 1, page + PAGE_SIZE);
	check(kho_image_flaw());
	kho_image_put_back(&image, 0, ULLONG_MAX);
	check(!kho_image_flaw());

	kho_image_retype(&image, page, page + 1);
	check(kho_image_flaw());
	kho_image_put_back(&image, 0, ULLONG_MAX);
	check(kho_image_flaw());
	kho_image_leave_out_all(&image);
	kho_image_put_back(&image, 0, ULLONG_MAX);
	check(!kho_image_flaw());
	kexec_image = NULL;
	mm_reset();
}

/* There can be more ranges than are recorded. */
static void many_ranges_are_left_out(void)
{
	struct kimage image = {};
	phys_addr_t page;
	unsigned int i;

	machine_cold_boot();
	start();
	page = preserve_folio(0);
	image.kho.fdt = virt_to_phys(kho_out.fdt);
	kexec_image = &image;

	leave_ranges_out(&image, KHO_IMAGE_RANGES);
	check(image.kho.left_out.nr == KHO_IMAGE_RANGES);
	check(kho_image_flaw());
	kho_image_put_back(&image, RAM_START - 2, RAM_START - 1);
	check(kho_image_flaw());
	kho_image_put_back(&image, RAM_START, ULLONG_MAX);
	check(!kho_image_flaw());

	kho_image_put_back(&image, 0, ULLONG_MAX);
	for (i = 0; i < 2 * KHO_IMAGE_RANGES; i++)
		kho_image_leave_out(&image, page + 2 * i, page + 2 * i + 1);
	check(image.kho.left_out.nr == KHO_IMAGE_RANGES);
	check(kho_image_flaw());
	kho_image_put_back(&image, page, page + 4 * KHO_IMAGE_RANGES - 1);
	check(!kho_image_flaw());
	kexec_image = NULL;
	mm_reset();
}

const struct test_case test_cases[] = {
	{ "blocks and subtrees are handed over", random_handovers },
	{ "blocks that overlap are refused", overlap_is_refused },
	{ "incoming blocks that overlap are withheld", overlap_is_withheld },
	{ "an image that leaves out preserved memory has a flaw",
	  image_without_preserved_memory_has_flaw },
	{ "an image can leave out more ranges than are recorded", many_ranges_are_left_out },
	{ "misaligned scratch regions are refused", misaligned_scratch_is_refused },
	{}
};
