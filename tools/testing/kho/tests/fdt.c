// SPDX-License-Identifier: GPL-2.0
/*
 * Handovers from kernel to kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <string.h>

#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pfn.h>

#include <linux/kexec_handover.h>
#include <linux/kho/boot.h>

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
	machine_mark_reserved();
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

const struct test_case test_cases[] = {
	{ "blocks and subtrees are handed over", random_handovers },
	{ "misaligned scratch regions are refused", misaligned_scratch_is_refused },
	{}
};
