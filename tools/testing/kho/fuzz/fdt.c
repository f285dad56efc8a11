// SPDX-License-Identifier: GPL-2.0
/*
 * Target: a whole handover: root FDT, scratch regions, map of preserved memory, subtrees
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Arguments of the reader: the four arguments of kho_populate(), then three page numbers for
 * queries.
 */

#include <string.h>

#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/libfdt.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/slab.h>

#include <linux/kexec_handover.h>
#include <linux/kho/abi/kexec_metadata.h>
#include <linux/kho/boot.h>
#include <linux/kho/radix_tree.h>

#include "fuzz/compare.h"
#include "fuzz/image.h"
#include "fuzz/target.h"
#include "shim/check.h"
#include "shim/faults.h"
#include "shim/machine.h"
#include "shim/print.h"
#include "shim/reboot.h"

#include "kernel/liveupdate/kexec_handover_internal.h"

/* Use of a page according to the map */
enum page_use {
	PAGE_FREE,
	PAGE_NODE,
	PAGE_PRESERVED,
	PAGE_FOUND_FREE,
};

static struct model model;
static u8 uses[MACHINE_PAGES];

static unsigned long page_nr(phys_addr_t phys)
{
	check(phys - RAM_START < (phys_addr_t)MACHINE_PAGES << PAGE_SHIFT);
	return PHYS_PFN(phys - RAM_START);
}

static void note_use(unsigned long pfn, unsigned long end_pfn, enum page_use use)
{
	unsigned long nr = page_nr(PFN_PHYS(pfn)), end = nr + end_pfn - pfn;

	check(end <= MACHINE_PAGES);
	for (; nr < end; nr++) {
		/* Each page has one use, but blocks can overlap. */
		check(uses[nr] == PAGE_FREE ||
		      (use == PAGE_PRESERVED && uses[nr] == use && kho_in.tree.overlaps));
		uses[nr] = use;
	}
}

/*
 * The map, read by a simple model
 */

static void model_note_nodes(u64 phys, unsigned int level)
{
	const u64 *words = phys_to_virt(phys);
	unsigned int i;

	note_use(PHYS_PFN(phys), PHYS_PFN(phys) + 1, PAGE_NODE);
	for (i = 0; level && i < PAGE_SIZE / sizeof(*words); i++)
		if (words[i])
			model_note_nodes(words[i], level - 1);
}

/* Check that a map that was accepted is valid. */
static void check_map(void)
{
	unsigned int i;

	memset(uses, PAGE_FREE, sizeof(uses));
	model_note_nodes(kho_in.map_phys, KHO_TREE_MAX_DEPTH - 1);
	model.nr = 0;
	check(radix_model_read(&model, kho_in.map_phys));
	for (i = 0; i < model.nr; i++) {
		struct model_block block = model_block(model.keys[i]);
		phys_addr_t start = PFN_PHYS(block.pfn), end = PFN_PHYS(block.end_pfn), phys;

		check(machine_is_ram(start, end));
		for (phys = start; phys < end; phys += PAGE_SIZE)
			check(!memblock_is_kho_scratch(phys));
		note_use(block.pfn, block.end_pfn, PAGE_PRESERVED);
		check(kho_in.tree.overlaps || !model_is_overlapped(&model, &block));
	}
	radix_compare(&kho_in.tree, &model);
}

/*
 * Queries of memory management at boot
 */

static void note_free(unsigned long pfn, unsigned long end_pfn)
{
	note_use(pfn, end_pfn, PAGE_FOUND_FREE);
}

static void note_preserved(unsigned long pfn, unsigned long end_pfn)
{
	unsigned long i;

	for (i = page_nr(PFN_PHYS(pfn)); pfn < end_pfn; pfn++, i++)
		check(uses[i] == PAGE_PRESERVED || uses[i] == PAGE_NODE);
}

static void note_nothing(unsigned long pfn, unsigned long end_pfn)
{
}

static void check_unpreserved(unsigned long pfn, unsigned long end_pfn)
{
	unsigned long nr, found = 0, first = pfn, i;

	nr = kho_walk_unpreserved(pfn, end_pfn, note_free, note_preserved);
	for (i = page_nr(PFN_PHYS(pfn)); pfn < end_pfn; pfn++, i++) {
		check(uses[i] != PAGE_FREE);
		if (uses[i] == PAGE_FOUND_FREE) {
			uses[i] = PAGE_FREE;
			found++;
		}
	}
	check(nr == found);
	check(kho_count_unpreserved(first, end_pfn) == found);
}

static bool is_gap_page(unsigned long nr)
{
	phys_addr_t phys = RAM_START + PFN_PHYS(nr);

	return nr < MACHINE_PAGES && uses[nr] == PAGE_FREE &&
	       machine_is_ram(phys, phys + PAGE_SIZE) && !memblock_is_kho_scratch(phys);
}

/* Return the highest page number in [nr, end) at which aligned pages fit, 0 if there is none. */
static unsigned long model_fit(unsigned long nr, unsigned long end, unsigned long nr_pages,
			       unsigned long align)
{
	unsigned long fit = end < nr_pages ? 0 : round_down(end - nr_pages, align);

	return fit >= nr && end >= nr + nr_pages ? fit : 0;
}

/* Return the highest place for the pages between two page numbers, in gaps of enough pages. */
static unsigned long model_find(unsigned long start, unsigned long end, unsigned long nr_pages,
				unsigned long align)
{
	unsigned long found = 0, nr, gap_end;

	for (nr = 0; nr < MACHINE_PAGES; nr = gap_end + 1) {
		for (gap_end = nr; is_gap_page(gap_end); gap_end++)
			;
		if (gap_end - nr >= KHO_GAP_SIZE >> PAGE_SHIFT)
			found = max(found, model_fit(max(nr, start), min(gap_end, end),
						     nr_pages, align));
	}

	return found;
}

static void check_room(unsigned long pfn, unsigned long end_pfn, unsigned long nr_pages,
		       unsigned long align)
{
	unsigned long nr = page_nr(PFN_PHYS(pfn));
	phys_addr_t phys = kho_find_unpreserved(PFN_PHYS(pfn), PFN_PHYS(end_pfn),
						PFN_PHYS(nr_pages), PFN_PHYS(align));

	check((phys ? page_nr(phys) : 0) == model_find(nr, nr + end_pfn - pfn, nr_pages, align));
}

static void check_is_unpreserved(unsigned long pfn, unsigned long end_pfn)
{
	bool is_free = true;
	unsigned long i;

	for (i = page_nr(PFN_PHYS(pfn)); i < page_nr(PFN_PHYS(pfn)) + end_pfn - pfn; i++)
		is_free = is_free && uses[i] == PAGE_FREE;
	check(kho_is_unpreserved(PFN_PHYS(pfn), PFN_PHYS(end_pfn)) == is_free);
	if (pfn < end_pfn)
		check(kho_is_unpreserved(PFN_PHYS(pfn + 1) - 1,
					 PFN_PHYS(end_pfn - 1) + 1) == is_free);
}

static void ask_about_memory(const struct image *image)
{
	unsigned long start_pfn = PHYS_PFN(RAM_START);
	unsigned long a = image->args[4] % MACHINE_PAGES, b = image->args[5] % MACHINE_PAGES;
	unsigned long nr = 1 + image->args[6] % 16, align = 1 << image->args[6] / 16 % 4;

	check_unpreserved(start_pfn, start_pfn + MACHINE_PAGES);
	check_unpreserved(start_pfn + min(a, b), start_pfn + max(a, b));
	check_is_unpreserved(start_pfn + min(a, b), start_pfn + max(a, b));
	check_is_unpreserved(start_pfn + a, start_pfn + a + 1);
	check_room(start_pfn + min(a, b), start_pfn + max(a, b), nr, align);
	check_room(start_pfn, start_pfn + MACHINE_PAGES, nr, align);
}

/*
 * Owners of preserved memory
 */

static void retrieve(const char *name)
{
	phys_addr_t phys;
	size_t size;
	int err;

	err = kho_retrieve_subtree(name, &phys, &size);
	check(!err || err == -ENOENT || err == -EINVAL);
	if (!err) {
		check(size && kho_incoming_contains(phys, size));
		check(uses[page_nr(phys)] == PAGE_PRESERVED);
		check(uses[page_nr(phys + size - 1)] == PAGE_PRESERVED);
	}
}

static void retrieve_all(void)
{
	const void *fdt = phys_to_virt(kho_in.fdt_phys);
	const char *name;
	int node;

	retrieve("LUO");
	retrieve("memblock");
	fdt_for_each_subnode(node, fdt, 0) {
		name = fdt_get_name(fdt, node, NULL);
		if (name)
			retrieve(name);
	}
}

static bool is_reserved(const struct model_block *block)
{
	unsigned long pfn;

	for (pfn = block->pfn; pfn < block->end_pfn; pfn++)
		if (pfn_to_page(pfn)->flags)
			return true;

	return false;
}

/* Restore a block as a folio, or as pages if its page number is odd or it is too large. */
static bool restore(const struct model_block *block)
{
	phys_addr_t phys = PFN_PHYS(block->pfn);
	unsigned long nr = block->end_pfn - block->pfn;

	if (block->pfn % 2) {
		struct page *page = kho_restore_pages(phys, nr);

		check(!page || page_to_phys(page) == phys);
		return page;
	}
	if (block->order <= MAX_PAGE_ORDER) {
		struct folio *folio = kho_restore_folio(phys);

		check(!folio || (folio_pfn(folio) == block->pfn &&
				 folio_order(folio) == block->order));
		return folio;
	}

	check(!kho_restore_folio(phys));
	return kho_restore_pages(phys, nr);
}

static void restore_all(void)
{
	unsigned int i, gone = 0;

	for (i = 0; i < model.nr; i++) {
		struct model_block block = model_block(model.keys[i]);
		unsigned long nr = block.end_pfn - block.pfn;
		long managed = shim_zone.managed_pages;

		if (model_is_overlapped(&model, &block)) {
			check(!kho_incoming_contains(PFN_PHYS(block.pfn), 1));
			check(!kho_incoming_has_pages(PFN_PHYS(block.pfn), nr));
			check(kho_incoming_order(PFN_PHYS(block.pfn)) < 0);
			check(!restore(&block));
			continue;
		}
		if (kho_incoming_order(PFN_PHYS(block.pfn)) < 0) {
			/*
			 * The core has freed the metadata after reading it. The root
			 * FDT is never restored.
			 */
			check(block.pfn == PHYS_PFN(kho_in.fdt_phys) || !gone++);
			continue;
		}
		check(kho_incoming_contains(PFN_PHYS(block.pfn), PFN_PHYS(nr)));
		if (is_reserved(&block)) {
			check(!restore(&block));
			continue;
		}
		check(restore(&block));
		check(shim_zone.managed_pages == managed + nr);
		check(!restore(&block));
		check(!kho_incoming_contains(PFN_PHYS(block.pfn), PAGE_SIZE));
	}
}

static void boot(const struct image *image)
{
	const u64 *args = image->args;
	unsigned long logged = shim_log_count;

	machine_kexec();
	kho_populate(args[0], args[1], args[2], args[3]);
	check(!early_param_kho_parse_scratch((char []){ MACHINE_SCRATCH_OPTION }));
	kho_early_init(machine_is_ram);
	kho_memory_init();
	if (!is_kho_boot()) {
		/* The reason is logged. */
		check(shim_log_count > logged);
		check(kho_walk_unpreserved(0, 1, note_nothing, NULL) == 1);
		return;
	}

	check_map();
	ask_about_memory(image);
	machine_mark_reserved();
	if (!kho_is_enabled())
		return;
	initcall_kho_init();
	if (!kho_is_enabled())
		return;
	retrieve_all();
	restore_all();
	check(!shim_log_warnings);
}

/*
 * The kernel reserves the scratch regions' array before it allocates memory. The shim
 * allocates memory of the second kernel all the same.
 */
static bool is_allocatable(phys_addr_t phys)
{
	return phys >= RAM_START + PFN_PHYS(MACHINE_HEAP) &&
	       phys < RAM_START + PFN_PHYS(MACHINE_PAGES);
}

static void run(const u8 *data, size_t size)
{
	struct image image;

	image_load(&image, data, size);
	if (!is_allocatable(image.args[2]))
		boot(&image);
	shim_fail_at = 0;
	check(!slab_objects());
	mm_reset();
}

/*
 * Seeds: handovers by the kernel
 */

static void start_outgoing(void)
{
	machine_cold_boot();
	check(!early_param_kho_parse_scratch((char []){ MACHINE_SCRATCH_OPTION }));
	kho_early_init(machine_is_ram);
	kho_memory_init();
	check(!initcall_kho_init());
	check(kho_is_enabled());
}

static void add_handover(seed_fn add, const char *name)
{
	u64 args[] = {
		virt_to_phys(kho_out.fdt), PAGE_SIZE, virt_to_phys(kho_scratch),
		kho_scratch_cnt * sizeof(*kho_scratch), 3, 100, 7,
	};

	image_save(add, name, args, ARRAY_SIZE(args));
	mm_reset();
}

static void add_empty(seed_fn add)
{
	start_outgoing();
	add_handover(add, "empty");
}

/* Add a page of a preserved folio to the map, which this kernel would refuse. */
static void add_overlap(struct folio *folio)
{
	unsigned long bit = (folio_pfn(folio) + 1) % KHO_RADIX_LEAF_BITS;

	check(!kho_preserve_folio(kho_alloc_folio(0)));
	check(kho_out.tree.last_nr == kho_radix_leaf_nr(kho_radix_key(folio_pfn(folio), 0)));
	__set_bit(bit, kho_out.tree.last_leaf->bitmap);
}

static void add_full(seed_fn add, const char *name, bool overlap)
{
	struct folio *folio;
	struct page *pages;
	void *blob;
	int i;

	start_outgoing();
	for (i = 0; i < 6; i++) {
		folio = kho_alloc_folio(i % 4);
		check(!kho_preserve_folio(folio));
		if (overlap && i == 3)
			add_overlap(folio);
	}
	pages = alloc_pages(GFP_KERNEL, 3);
	check(!kho_preserve_pages(pages, 7));
	blob = kho_alloc_preserve(40);
	check(!kho_add_subtree("LUO", blob, 40));
	blob = kho_alloc_preserve(3 * PAGE_SIZE);
	check(!kho_add_subtree("memblock", blob, 3 * PAGE_SIZE));
	check(!kho_add_subtree("other", blob, 1));
	add_handover(add, name);
}

static void seeds(seed_fn add)
{
	add_empty(add);
	add_full(add, "full", false);
	add_full(add, "overlap", true);
}

const struct target target = {
	.run = run,
	.seeds = seeds,
};
