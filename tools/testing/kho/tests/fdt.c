// SPDX-License-Identifier: GPL-2.0
/*
 * Handovers from kernel to kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <stdlib.h>
#include <string.h>

#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/kexec.h>
#include <linux/libfdt.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/pfn.h>

#include <linux/kexec_handover.h>
#include <linux/kho/abi/kexec_handover.h>
#include <linux/kho/abi/note.h>
#include <linux/kho/boot.h>
#include <linux/kho/image.h>
#include <linux/kho/note.h>

#include "shim/check.h"
#include "shim/machine.h"
#include "shim/print.h"
#include "shim/random.h"
#include "shim/reboot.h"
#include "tests/test.h"

#include "kernel/kexec_internal.h"
#include "kernel/liveupdate/kexec_handover_internal.h"

#define NR_BLOCKS	20

static phys_addr_t blocks[NR_BLOCKS];
static unsigned int orders[NR_BLOCKS];

static void start(void)
{
	check(!early_param_kho_parse_scratch((char []){ MACHINE_SCRATCH_OPTION }));
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

/*
 * Mainline names no component in the version, preserves the root FDT, and has scratch regions
 * that are empty and in any order.
 */
static void form_of_mainline(void)
{
	struct kho_scratch *scratch;

	machine_cold_boot();
	start();
	check(kho_scratch_cnt == 2);
	preserve_some(NR_BLOCKS);
	check(!fdt_setprop(kho_out.fdt, 0, "compatible", KHO_FDT_COMPAT_BASE,
			   sizeof(KHO_FDT_COMPAT_BASE)));
	check(kho_radix_overlaps(&kho_out.tree, PHYS_PFN(virt_to_phys(kho_out.fdt)), 1));
	scratch = page_address(alloc_pages(GFP_KERNEL | __GFP_ZERO, 0));
	scratch[0] = kho_scratch[1];
	scratch[1].addr = scratch[0].addr + PAGE_SIZE;
	scratch[2] = kho_scratch[0];

	next_kernel(virt_to_phys(kho_out.fdt), virt_to_phys(scratch), 4 * sizeof(*scratch));
	check(is_kho_boot());
	check(kho_scratch_cnt == 2 && kho_scratch[0].addr < kho_scratch[1].addr);
	restore_some(NR_BLOCKS);
	/* The root FDT is not handed on. */
	check(!kho_preserve_incoming());
	check(!kho_radix_overlaps(&kho_out.tree, PHYS_PFN(kho_in.fdt_phys), 1));
	check(!shim_log_warnings);
	mm_reset();
}

/* Each string of the version is one that the map can be taken for. */
static void one_of_the_versions_is_enough(void)
{
	static const char read[] = "kho-v9;radix-v1;vmalloc-v1\0kho-v4";
	static const char unread[] = "kho-v9\0kho-v8;radix-v1;vmalloc-v1\0kho-v4;radix-v7";

	machine_cold_boot();
	start();
	check(!fdt_setprop(kho_out.fdt, 0, "compatible", read, sizeof(read)));
	next_kernel(virt_to_phys(kho_out.fdt), virt_to_phys(kho_scratch),
		    kho_scratch_cnt * sizeof(*kho_scratch));
	check(is_kho_boot());
	mm_reset();

	machine_cold_boot();
	start();
	check(!fdt_setprop(kho_out.fdt, 0, "compatible", unread, sizeof(unread)));
	next_kernel(virt_to_phys(kho_out.fdt), virt_to_phys(kho_scratch),
		    kho_scratch_cnt * sizeof(*kho_scratch));
	check(!is_kho_boot());
	mm_reset();
}

static phys_addr_t preserve_folio(unsigned int order)
{
	struct folio *folio = kho_alloc_folio(order);

	check(!kho_preserve_folio(folio));
	return page_to_phys(&folio->page);
}

/* Mainline looks for a string of its own in the list. */
static void both_versions_are_written(void)
{
	static const char versions[] = "kho-v4;radix-v1;vmalloc-v1\0kho-v4";
	const void *found;
	int len;

	machine_cold_boot();
	start();
	found = fdt_getprop(kho_out.fdt, 0, "compatible", &len);
	check(found && len == sizeof(versions) && !memcmp(found, versions, len));
	mm_reset();
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

/* Add a block to the outgoing map that can't be preserved, or remove it. */
static void toggle_block(unsigned long pfn, unsigned int order)
{
	u64 key = kho_radix_key(pfn, order);
	struct kho_radix_leaf *leaf = kho_radix_descend(&kho_out.tree, key);

	check(leaf);
	__change_bit(kho_radix_bit(key), leaf->bitmap);
}

/* Return the entry of the outgoing map for the node on @level on the way to a page. */
static u64 *node_entry(unsigned long pfn, unsigned int level)
{
	struct kho_radix_node *node = kho_out.tree.root;
	u64 key = kho_radix_key(pfn, 0);
	unsigned int i;

	for (i = KHO_RADIX_TOP; i > level + 1; i--)
		node = kho_radix_child(node, kho_radix_slot(key, i));
	return &node->table[kho_radix_slot(key, i)];
}

static void check_verified(const char *reason)
{
	shim_log_count = 0;
	check(kho_verify_outgoing() == (reason ? -EIO : 0));
	check(reason ? shim_log_count && strstr(shim_last_line, reason) : !shim_log_count);
}

static void damaged_map_is_not_handed_over(void)
{
	static const unsigned long no_ram[] = {
		MACHINE_HOLE, MACHINE_SCRATCH, MACHINE_SCRATCH + MACHINE_SCRATCH_PAGES - 1,
		MACHINE_PAGES,
	};
	phys_addr_t folio, page, leaf;
	unsigned int i;
	u64 *entry;

	machine_cold_boot();
	start();
	folio = preserve_folio(3);
	page = preserve_folio(0);
	check_verified(NULL);

	for (i = 0; i < ARRAY_SIZE(no_ram); i++) {
		toggle_block(PHYS_PFN(RAM_START) + no_ram[i], 0);
		check_verified("not RAM outside of scratch");
		toggle_block(PHYS_PFN(RAM_START) + no_ram[i], 0);
	}
	toggle_block(PHYS_PFN(RAM_START) + MACHINE_HOLE, 3);
	check_verified("not RAM outside of scratch");
	toggle_block(PHYS_PFN(RAM_START) + MACHINE_HOLE, 3);

	toggle_block(PHYS_PFN(folio) + 5, 0);
	check_verified("overlap");
	toggle_block(PHYS_PFN(folio) + 5, 0);

	leaf = *node_entry(PHYS_PFN(page), 0);
	toggle_block(PHYS_PFN(leaf), 0);
	check_verified("preserves its own node");
	toggle_block(PHYS_PFN(leaf), 0);

	entry = node_entry(PHYS_PFN(page), 0);
	entry[1] = leaf;
	check_verified("twice, or at a wrong place");
	entry[1] = 0;
	*entry = *node_entry(PHYS_PFN(page), 1);
	check_verified("twice, or at a wrong place");
	*entry = virt_to_phys(kho_out.fdt);
	check_verified("not free RAM outside of scratch");
	*entry = RAM_START + PFN_PHYS(MACHINE_SCRATCH);
	check_verified("not free RAM outside of scratch");
	*entry = leaf + 8;
	check_verified("misaligned child");
	*entry = leaf;

	check_verified(NULL);
	check(!shim_log_warnings);
	mm_reset();
}

static void damaged_root_is_not_handed_over(void)
{
	char copy[PAGE_SIZE];
	void *blob;
	u64 map;

	machine_cold_boot();
	start();
	blob = kho_alloc_preserve(100);
	check(!kho_add_subtree("blob", blob, 100));
	check_verified(NULL);
	memcpy(copy, kho_out.fdt, PAGE_SIZE);

	memset(kho_out.fdt, 0, 4);
	check_verified("can't be read");
	memcpy(kho_out.fdt, copy, PAGE_SIZE);
	check(!fdt_setprop(kho_out.fdt, 0, "compatible", "kho-v9", 7));
	check_verified("can't be read");
	memcpy(kho_out.fdt, copy, PAGE_SIZE);
	map = virt_to_phys(blob);
	check(!fdt_setprop(kho_out.fdt, 0, KHO_FDT_MEMORY_MAP_PROP_NAME, &map, sizeof(map)));
	check_verified("can't be read");
	memcpy(kho_out.fdt, copy, PAGE_SIZE);

	kho_unpreserve_pages(virt_to_page(blob), 1);
	check_verified("outgoing blob 'blob' of 100 bytes");
	check(!kho_preserve_pages(virt_to_page(blob), 1));
	check_verified(NULL);
	mm_reset();
}

/* Memory that is handed on is preserved once, whether the kexec fails or not. */
static void handed_on_memory_is_verified(void)
{
	void *blob;

	machine_cold_boot();
	start();
	preserve_some(NR_BLOCKS);
	next_kernel(virt_to_phys(kho_out.fdt), virt_to_phys(kho_scratch),
		    kho_scratch_cnt * sizeof(*kho_scratch));
	check(!kho_outgoing_contains(blocks[0], PAGE_SIZE));

	blob = phys_to_virt(blocks[0]);
	check(!kho_add_subtree("blob", blob, PAGE_SIZE));
	check_verified("not preserved");
	check(!kho_preserve_incoming());
	check_verified(NULL);
	check(!kho_preserve_incoming());
	check_verified(NULL);
	kho_remove_subtree(blob);

	/* A block that is restored after all is not handed on. */
	restore_some(1);
	check(!kho_outgoing_contains(blocks[0], PAGE_SIZE));
	check(!kho_preserve_incoming());
	check(!kho_outgoing_contains(blocks[0], PAGE_SIZE));
	check_verified(NULL);
	check(!shim_log_warnings);
	mm_reset();
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

static const struct kho_note good_note = {
	.magic = { 'K', 'H', 'O', 'n' },
	.size = KHO_NOTE_SIZE,
	.version = KHO_NOTE_VERSION,
	.flags = KHO_NOTE_EARLY_MAP,
	.root = { KHO_ROOT_LOWEST, KHO_ROOT_HIGHEST },
	.radix = { KHO_RADIX_LOWEST, KHO_RADIX_HIGHEST },
	.vmalloc = { KHO_VMALLOC_LOWEST, KHO_VMALLOC_HIGHEST },
	.block = { KHO_BLOCK_LOWEST, KHO_BLOCK_HIGHEST },
	.luo = { KHO_LUO_LOWEST, KHO_LUO_HIGHEST },
	.memfd = { KHO_MEMFD_LOWEST, KHO_MEMFD_HIGHEST },
	.hugetlb = { KHO_HUGETLB_LOWEST, KHO_HUGETLB_HIGHEST },
};

/* Return what is known of an image with @size bytes at @area. */
static struct kho_image read_note(const void *area, size_t size)
{
	struct kimage image = { .kho.fdt = virt_to_phys(kho_out.fdt) };
	/* ASAN detects accesses past the end. */
	char *copy = malloc(size);

	check(copy);
	memcpy(copy, area, size);
	kho_image_read_note(&image, copy, size);
	free(copy);
	return image.kho;
}

static struct kho_image read_changed(size_t at, char value)
{
	struct kho_note note = good_note;

	((char *)&note)[at] ^= value;
	return read_note(&note, sizeof(note));
}

static void note_is_found(void)
{
	char area[sizeof(good_note) + 16];
	struct kho_image found;
	size_t at;

	machine_cold_boot();
	start();
	for (at = 0; at <= sizeof(area) - sizeof(good_note); at++) {
		memset(area, 'K', sizeof(area));
		memcpy(area + at, &good_note, sizeof(good_note));
		found = read_note(area, sizeof(area));
		check(found.early_map == !(at % 4) && !found.base_pages && !found.flaw);
	}

	found = read_changed(offsetof(struct kho_note, flags), KHO_NOTE_EARLY_MAP);
	check(!found.early_map && !found.base_pages && !found.flaw);
	found = read_changed(offsetof(struct kho_note, flags), 0x80);
	check(found.early_map && !found.base_pages && !found.flaw);
	mm_reset();
}

/* Later kernels can append fields. */
static void long_note_is_read(void)
{
	struct {
		struct kho_note note;
		char more[16];
	} area = { .note = good_note };
	size_t more;

	machine_cold_boot();
	start();
	for (more = 0; more <= sizeof(area.more) + 16; more++) {
		area.note.size = sizeof(area.note) + more;
		check(read_note(&area, sizeof(area)).early_map ==
		      (more <= sizeof(area.more)));
	}
	mm_reset();
}

/* The command line takes precedence over the flags of the note. */
static void options_change_flags(void)
{
	static const u32 flags[] = {
		KHO_NOTE_RODATA_FULL, KHO_NOTE_DEBUG_PAGEALLOC, KHO_NOTE_LATE_KFENCE,
	};
	struct kho_note note = good_note;
	size_t i;

	machine_cold_boot();
	start();
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		struct kimage image = { .kho.fdt = virt_to_phys(kho_out.fdt) };

		note.flags = KHO_NOTE_EARLY_MAP | flags[i];
		kho_image_read_note(&image, &note, sizeof(note));
		check(image.kho.early_map && image.kho.base_pages);
		kho_image_set_flag(&image, flags[(i + 1) % ARRAY_SIZE(flags)], false);
		kho_image_read_note(&image, &note, sizeof(note));
		check(image.kho.base_pages);
		kho_image_set_flag(&image, flags[i], false);
		kho_image_read_note(&image, &note, sizeof(note));
		check(!image.kho.base_pages);
		kho_image_read_note(&image, &good_note, sizeof(good_note));
		check(!image.kho.base_pages);
		/* The last one counts. */
		kho_image_set_flag(&image, flags[i], true);
		kho_image_read_note(&image, &good_note, sizeof(good_note));
		check(image.kho.early_map && image.kho.base_pages);
	}
	mm_reset();
}

/* Sessions and memfds matter if this kernel can hand them over. */
static void versions_of_user_are_compared(void)
{
	static const struct kho_image_switch user = { .option = "user", .off = "user=off" };
	static const size_t at[] = { offsetof(struct kho_note, block),
				     offsetof(struct kho_note, luo) };
	struct kimage image = { .nr_segments = 1 };
	size_t i;

	machine_cold_boot();
	start();
	for (i = 0; i < ARRAY_SIZE(at); i++)
		check(!read_changed(at[i], 0x40).user_flaw);
	kho_add_image_switch(&user);
	check(!read_note(&good_note, sizeof(good_note)).user_flaw);
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		image.kho = read_changed(at[i], 0x40);
		check(image.kho.user_flaw && !image.kho.flaw);
		kexec_image = &image;
		check(kho_image_flaw() == image.kho.user_flaw);
		kexec_image = NULL;
	}
	/* The next kernel is confined all the same. */
	image.segment[0].memsz = kho_scratch_size() + 1;
	check(kho_check_kimage(&image) == -EADDRNOTAVAIL);
	/* There may be sessions without memfds. */
	check(!read_changed(offsetof(struct kho_note, memfd), 0x40).user_flaw);
	kho_add_image_switch(NULL);
	mm_reset();
}

static bool reads(const struct kho_image *found, const char *compatible)
{
	struct kimage image = { .kho = *found };
	bool ret;

	kexec_image = &image;
	check(kho_image_has_note() == !!found->note.size);
	ret = kho_image_reads(compatible);
	kexec_image = NULL;
	return ret;
}

/* Files can only be compared with the note once it is known that there are some. */
static void versions_of_files_are_compared(void)
{
	static const char long_name[] =
		"a-name-that-is-much-longer-than-any-name-that-the-note-of-an-image-has-v9";
	struct kho_note note = good_note;
	struct kho_image found;

	machine_cold_boot();
	start();
	found = read_note(&note, sizeof(note));
	check(reads(&found, "memfd-v2;vmalloc-v1") && reads(&found, "memfd-v3"));
	check(!reads(&found, "memfd-v1") && !reads(&found, "memfd-v4;vmalloc-v1"));
	check(reads(&found, "memfd-hugetlb-v1") && !reads(&found, "memfd-hugetlb-v2"));
	/* Other handlers, and names that are like those in the note */
	check(reads(&found, "mem-v9") && reads(&found, "memfd-x-v9"));
	check(reads(&found, "") && reads(&found, "memfd-v") && reads(&found, "memfd"));
	check(reads(&found, long_name));

	/* The kernel lacks both kinds. */
	note.memfd = (struct kho_note_versions){};
	note.hugetlb = (struct kho_note_versions){};
	found = read_note(&note, sizeof(note));
	check(!reads(&found, "memfd-v3") && !reads(&found, "memfd-hugetlb-v1"));

	/* A kernel with the first form of the note has no memfds of huge pages. */
	note = good_note;
	note.size = KHO_NOTE_MIN_SIZE;
	found = read_note(&note, KHO_NOTE_MIN_SIZE);
	check(reads(&found, "memfd-v3") && !reads(&found, "memfd-hugetlb-v1"));
	found = read_note(&note, sizeof(note));
	check(reads(&found, "memfd-v3") && !reads(&found, "memfd-hugetlb-v1"));

	/* Without a note nothing is known, except of mainline. */
	note.version = 0;
	found = read_note(&note, sizeof(note));
	memcpy(found.release, "6.12.1", sizeof("6.12.1"));
	check(reads(&found, "memfd-v9") && reads(&found, "memfd-hugetlb-v9"));
	mm_reset();
}

static enum kho_form form_of(const char *release, bool has_note)
{
	struct kimage image = {
		.kho.fdt = PAGE_SIZE,
		.kho.note.size = has_note ? KHO_NOTE_SIZE : 0,
	};
	enum kho_form form, peeked;

	/* Without a NUL */
	kho_image_set_release(&image, release, strlen(release));
	kexec_image = &image;
	form = kho_image_form();
	check(!kho_peek_image_form(&peeked) && peeked == form);
	/* An image that carries nothing */
	if (!kho_form_is_forced()) {
		image.kho.flaw = "kho=off";
		check(kho_image_form() == KHO_FORM_COMPOSED);
		image.kho.flaw = NULL;
		image.kho.fdt = 0;
		check(kho_image_form() == KHO_FORM_COMPOSED);
	}
	kexec_image = NULL;
	return form;
}

static void set_form(const char *form)
{
	char buf[64];

	check(!module_param_abi->set(form, NULL));
	module_param_abi->get(buf, NULL);
	check(!strncmp(buf, form, strcspn(form, "\n")));
}

static void form_depends_on_image(void)
{
	static const char *const others[] = {
		"7.3.4", "6.1.12", "6.120.1", "6.13", "", "\x80", "6.12x",
	};
	enum kho_form form;
	size_t i;

	machine_cold_boot();
	start();
	check(kho_image_form() == KHO_FORM_COMPOSED);
	check(form_of("6.12.5-kho (a@b) #1", false) == KHO_FORM_COMPOSED);
	check(form_of("6.12", false) == KHO_FORM_COMPOSED);
	check(form_of("6.12-rc1", false) == KHO_FORM_COMPOSED);
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		check(form_of(others[i], false) == KHO_FORM_MAINLINE);
		check(form_of(others[i], true) == KHO_FORM_COMPOSED);
	}

	set_form("composed\n");
	check(form_of("7.3.4", false) == KHO_FORM_COMPOSED);
	set_form("mainline");
	check(form_of("6.12.5", true) == KHO_FORM_MAINLINE);
	check(kho_image_form() == KHO_FORM_MAINLINE);
	check(module_param_abi->set("mainlin", NULL) == -EINVAL);
	check(module_param_abi->set("", NULL) == -EINVAL);
	set_form("auto");
	check(kho_image_form() == KHO_FORM_COMPOSED);

	/* Another task is loading an image, and does not have to wait for readers. */
	check(kexec_trylock());
	check(!kho_peek_image_form(&form) && form == KHO_FORM_COMPOSED);
	check(!strcmp(kho_image_verdict(), "not loaded"));
	kexec_unlock();
	mm_reset();
}

static void check_release(const char *image, size_t size, const char *expected)
{
	struct kimage kimage = {};
	/* ASAN detects accesses past the end. */
	char *copy = malloc(size);

	check(copy);
	memcpy(copy, image, size);
	kho_image_find_release(&kimage, copy, size);
	check(!strcmp(kimage.kho.release, expected));
	free(copy);
}

static void release_is_found(void)
{
	static const char image[] =
		"LLinux version %s\0Linux version 7\0Linux version 7.3.4 (a@b)";
	char name[2 * KHO_RELEASE_LENGTH];
	size_t len;

	check_release(image, sizeof(image), "7");
	check_release(image + 34, sizeof(image) - 34, "7.3.4");
	for (len = 0; len < 33; len++)
		check_release(image, len, "");
	check_release(image, 33, "7");

	memset(name, '7', sizeof(name));
	memcpy(name, "Linux version ", 14);
	memset(name + 14 + KHO_RELEASE_LENGTH - 1, 0, 1);
	check_release(name, sizeof(name), name + 14);
}

static bool reads_file(const struct kho_image *found, const char *compatible)
{
	struct kimage image = { .kho = *found };
	bool ret;

	kexec_image = &image;
	ret = kho_image_reads_file(compatible);
	kexec_image = NULL;
	return ret;
}

/* Mainline's versions are known, those of other kernels without a note are not. */
static void versions_of_mainline_are_known(void)
{
	struct kho_image image = { .fdt = PAGE_SIZE, .release = "7.3.4" };

	machine_cold_boot();
	start();
	check(reads(&image, "memfd-v2"));
	check(!reads(&image, "memfd-v3;vmalloc-v1") && !reads(&image, "memfd-v1"));
	check(!reads(&image, "memfd-hugetlb-v1") && reads(&image, "other-v1"));
	check(reads_file(&image, "memfd-v2") && !reads_file(&image, "memfd-v3"));
	check(!reads_file(&image, "memfd-hugetlb-v1") && !reads_file(&image, "other-v1"));
	/* Only the user knows which modules the kernel has. */
	set_form("mainline");
	check(reads_file(&image, "other-v1") && !reads_file(&image, "memfd-v3"));
	set_form("composed");
	check(reads(&image, "memfd-v3;vmalloc-v1") && reads_file(&image, "other-v1"));
	set_form("auto");
	image.note.size = KHO_NOTE_SIZE;
	check(reads_file(&image, "other-v1") && !reads_file(&image, "memfd-v2"));
	mm_reset();
}

/* Notes of older kernels are shorter. */
static bool is_short_note(const struct kho_note *note)
{
	return note->size >= KHO_NOTE_MIN_SIZE && note->size < KHO_NOTE_SIZE;
}

static bool has_flag(const struct kho_image *found, u32 flag)
{
	struct kimage image = { .kho = *found };
	bool ret;

	kexec_image = &image;
	ret = kho_image_has_flag(flag);
	kexec_image = NULL;
	return ret;
}

static void flags_are_read(void)
{
	struct kho_note note = good_note;
	struct kho_image found;

	machine_cold_boot();
	start();
	check(kho_image_has_flag(KHO_NOTE_MEMORY_FAILURE));
	found = read_note(&note, sizeof(note));
	check(has_flag(&found, KHO_NOTE_EARLY_MAP));
	check(!has_flag(&found, KHO_NOTE_MEMORY_FAILURE));
	note.flags = KHO_NOTE_MEMORY_FAILURE;
	found = read_note(&note, sizeof(note));
	check(!has_flag(&found, KHO_NOTE_EARLY_MAP));
	check(has_flag(&found, KHO_NOTE_MEMORY_FAILURE));
	check(!found.early_map && !found.base_pages);

	/* Without a note nothing is known. */
	note.version = 0;
	found = read_note(&note, sizeof(note));
	check(has_flag(&found, KHO_NOTE_MEMORY_FAILURE));
	mm_reset();
}

static void damaged_note_is_ignored(void)
{
	struct kho_image found;
	struct kho_note note;
	size_t at;

	machine_cold_boot();
	start();
	/* Magic, size and version */
	for (at = 0; at < offsetof(struct kho_note, flags); at++) {
		/* A larger size would not fit. */
		do {
			note = good_note;
			((u8 *)&note)[at] ^= 1 + random_below(255);
		} while (is_short_note(&note));
		found = read_note(&note, sizeof(note));
		check(!found.early_map && !found.base_pages && !found.flaw);
	}
	for (at = 0; at < sizeof(good_note); at++) {
		found = read_note(&good_note, at);
		check(!found.early_map && !found.flaw);
	}
	/* Versions that are not handed over */
	for (at = offsetof(struct kho_note, root); at < offsetof(struct kho_note, block); at += 4) {
		/* Only higher ones, only lower ones */
		found = read_changed(at, 0x40);
		check(found.flaw);
		found = read_changed(at + 2, ((const char *)&good_note)[at + 2]);
		check(found.flaw);
	}
	mm_reset();
}

/* An image of 6.12 without a note needs as much scratch as this kernel allocated. */
static void late_image_needs_more_scratch(void)
{
	struct kimage image = { .nr_segments = 1, .kho.release = "6.12" };
	size_t room;

	machine_cold_boot();
	start();
	room = kho_scratch_size() - kho_boot_size();
	image.segment[0].memsz = room;
	check(!kho_check_kimage(&image));
	image.segment[0].memsz = room + 1;
	check(kho_check_kimage(&image) == -EADDRNOTAVAIL);
	image.kho.flaw = "it is not confined";
	check(!kho_check_kimage(&image));

	/* Page tables and the like need more than this machine has. */
	image = (struct kimage){ .kho.early_map = true };
	check(kho_check_kimage(&image) == -EADDRNOTAVAIL);
	/* Page tables are beside what else this kernel had allocated. */
	check(kho_early_size(true) >= kho_early_size(false) + MACHINE_PAGES / 2 * sizeof(u64));
	check(kho_early_size(false) <= kho_boot_size() + PAGE_SIZE);
	mm_reset();
}

/* Mainline uses units of 16 pages in which nothing is preserved. */
static void room_for_mainline_depends_on_what_is_preserved(void)
{
	struct kimage image = {
		.nr_segments = 1, .kho.fdt = PAGE_SIZE, .kho.release = "7.3.4",
	};
	size_t room, nr = 0;

	machine_cold_boot();
	start();
	kexec_image = &image;
	room = kho_scratch_size() - kho_boot_size();
	image.segment[0].memsz = room;
	check(!kho_image_check_room());
	for (; !kho_image_check_room(); nr++)
		image.segment[0].memsz += 16 * PAGE_SIZE;
	check(nr > 1);

	/* It is too large by one unit now. */
	image.segment[0].memsz -= 16 * PAGE_SIZE;
	check(!kho_image_check_room());
	image.kho.early_map = true;
	image.segment[0].memsz += 16 * PAGE_SIZE;
	check(!kho_image_check_room());
	image.kho.user_flaw = "liveupdate=off";
	image.kho.early_map = false;
	check(kho_image_check_room() == -EINVAL);
	image.kho.user_flaw = NULL;
	image.kho.early_map = false;
	image.kho.flaw = "it is not confined";
	check(!kho_image_check_room());
	image.kho.flaw = NULL;
	image.segment[0].memsz -= 16 * PAGE_SIZE;

	/* The unit of a page is lost, unless another page of it is preserved. */
	for (nr = 0; !kho_image_check_room(); nr++) {
		check(nr < 32);
		preserve_folio(0);
	}
	image.segment[0].memsz -= 16 * PAGE_SIZE;
	check(!kho_image_check_room());
	kexec_image = NULL;
	mm_reset();
}

const struct test_case test_cases[] = {
	{ "blocks and subtrees are handed over", random_handovers },
	{ "a handover in the form of mainline is read", form_of_mainline },
	{ "one of several versions is enough", one_of_the_versions_is_enough },
	{ "the versions of both forms are written", both_versions_are_written },
	{ "blocks that overlap are refused", overlap_is_refused },
	{ "incoming blocks that overlap are withheld", overlap_is_withheld },
	{ "an image that leaves out preserved memory has a flaw",
	  image_without_preserved_memory_has_flaw },
	{ "an image can leave out more ranges than are recorded", many_ranges_are_left_out },
	{ "a damaged map is not handed over", damaged_map_is_not_handed_over },
	{ "a damaged root FDT is not handed over", damaged_root_is_not_handed_over },
	{ "memory that is handed on is verified", handed_on_memory_is_verified },
	{ "misaligned scratch regions are refused", misaligned_scratch_is_refused },
	{ "the note of an image is found", note_is_found },
	{ "a note can have more fields", long_note_is_read },
	{ "options of an image change flags of its note", options_change_flags },
	{ "versions of sessions are compared", versions_of_user_are_compared },
	{ "versions of files are compared", versions_of_files_are_compared },
	{ "versions of mainline are known", versions_of_mainline_are_known },
	{ "the form depends on the image", form_depends_on_image },
	{ "the release of an image is found", release_is_found },
	{ "the flags of a note are read", flags_are_read },
	{ "a damaged note is ignored", damaged_note_is_ignored },
	{ "an image that reads the map late needs more scratch", late_image_needs_more_scratch },
	{ "room for mainline depends on what is preserved",
	  room_for_mainline_depends_on_what_is_preserved },
	{}
};
