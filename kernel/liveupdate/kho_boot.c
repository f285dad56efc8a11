// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kexec handover: read the root FDT, scratch regions and map of the previous
 * kernel at boot.
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * None of it is trusted. kho_populate() only records addresses. kho_early_init()
 * reads the root FDT and the scratch regions, and confines memblock to scratch.
 * kho_validate_map() checks the map once all memory is in the direct map. State
 * that is refused is ignored, and the kernel boots on without it.
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/crash_dump.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kmemleak.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/pfn.h>
#include <linux/range.h>
#include <linux/sort.h>

#include <asm/sections.h>

#include <linux/kho/abi/kexec_handover.h>
#include <linux/kho/boot.h>

#include "kexec_handover_internal.h"

/*
 * Before the first allocation: root FDT and scratch regions
 */

/**
 * kho_populate - record where the previous kernel left its state
 * @fdt_phys:	  physical address of the root FDT
 * @fdt_len:	  its size in bytes, the page size of the previous kernel
 * @scratch_phys: physical address of the array of &struct kho_scratch
 * @scratch_len:  its size in bytes
 *
 * Architectures call this as soon as they know these addresses. Nothing is read
 * yet, because kho=off on the command line may disable kexec handover.
 *
 * Context: Early boot.
 */
void __init kho_populate(phys_addr_t fdt_phys, u64 fdt_len,
			 phys_addr_t scratch_phys, u64 scratch_len)
{
	phys_addr_t end;

	if (fdt_len != PAGE_SIZE) {
		pr_err("handover refused: previous kernel has pages of %llu bytes, this kernel of %lu\n",
		       fdt_len, PAGE_SIZE);
		return;
	}
	if (!fdt_phys || !PAGE_ALIGNED(fdt_phys) ||
	    check_add_overflow(fdt_phys, fdt_len, &end)) {
		pr_err("handover refused: root FDT at %pa\n", &fdt_phys);
		return;
	}
	if (!scratch_phys || !IS_ALIGNED(scratch_phys, sizeof(u64)) || !scratch_len ||
	    scratch_len % sizeof(struct kho_scratch) ||
	    scratch_len / sizeof(struct kho_scratch) > KHO_SCRATCH_MAX ||
	    check_add_overflow(scratch_phys, scratch_len, &end)) {
		pr_err("handover refused: %llu bytes of scratch regions at %pa\n",
		       scratch_len, &scratch_phys);
		return;
	}

	kho_in.fdt_phys = fdt_phys;
	kho_in.scratch_phys = scratch_phys;
	kho_in.scratch_cnt = scratch_len / sizeof(struct kho_scratch);
	kho_in.state = KHO_IN_CLAIMED;
}

static int __init kho_read_root(kho_is_ram_fn is_ram)
{
	u64 map_phys = 0;
	void *fdt;
	int err;

	if (!is_ram(kho_in.fdt_phys, kho_in.fdt_phys + PAGE_SIZE)) {
		pr_err("root FDT at %pa is not in RAM\n", &kho_in.fdt_phys);
		return -EINVAL;
	}

	fdt = early_memremap(kho_in.fdt_phys, PAGE_SIZE);
	if (!fdt)
		return -ENOMEM;

	err = kho_check_root(fdt, "root FDT", "KHO", &map_phys);
	early_memunmap(fdt, PAGE_SIZE);
	kho_in.map_phys = map_phys;
	return err;
}

static int __init kho_check_scratch(const struct kho_scratch *scratch,
				    unsigned int i, kho_is_ram_fn is_ram)
{
	phys_addr_t addr = scratch[i].addr, size = scratch[i].size, end;
	unsigned int other;

	/* Some kernels have an entry for each node, also for one without scratch. */
	if (!size)
		return 0;

	if (!IS_ALIGNED(addr | size, KHO_SCRATCH_ALIGN) ||
	    check_add_overflow(addr, size, &end) || !is_ram(addr, end)) {
		pr_err("scratch region %u at %pa of %pa bytes is not in RAM or misaligned\n",
		       i, &addr, &size);
		return -EINVAL;
	}
	if (memblock_addrs_overlap(addr, size, kho_in.fdt_phys, PAGE_SIZE)) {
		pr_err("root FDT lies in scratch region %u\n", i);
		return -EINVAL;
	}

	for (other = 0; other < i; other++)
		if (scratch[other].size &&
		    memblock_addrs_overlap(addr, size, scratch[other].addr,
					   scratch[other].size)) {
			pr_err("scratch regions %u and %u overlap\n", other, i);
			return -EINVAL;
		}

	return 0;
}

/*
 * The kernel image must lie in scratch, otherwise it has already overwritten
 * preserved memory.
 */
static int __init kho_check_image(const struct kho_scratch *scratch,
				  unsigned int cnt)
{
	phys_addr_t start = __pa_symbol(_text), end = __pa_symbol(_end);
	unsigned int i;

	for (i = 0; i < cnt; i++)
		if (start >= scratch[i].addr &&
		    end <= scratch[i].addr + scratch[i].size)
			return 0;

	pr_err("this kernel at [mem %#llx-%#llx] is not in a scratch region\n",
	       (u64)start, (u64)end - 1);
	return -EINVAL;
}

static int __init kho_mark_scratch(const struct kho_scratch *scratch,
				   unsigned int cnt, kho_is_ram_fn is_ram)
{
	unsigned int i;
	int err;

	/* memblock's array cannot grow yet. Marking a region adds at most two. */
	if (2 * cnt + 1 > memblock.memory.max - memblock.memory.cnt) {
		pr_err("%u scratch regions are more than can be handled\n", cnt);
		return -EINVAL;
	}

	for (i = 0; i < cnt; i++) {
		err = kho_check_scratch(scratch, i, is_ram);
		if (err)
			return err;
	}
	err = kho_check_image(scratch, cnt);
	if (err)
		return err;

	/* The architecture may not have added firmware's memory map yet. */
	for (i = 0; i < cnt; i++) {
		if (!scratch[i].size)
			continue;
		err = memblock_add(scratch[i].addr, scratch[i].size);
		if (!err)
			err = memblock_mark_kho_scratch(scratch[i].addr,
							scratch[i].size);
		if (err)
			break;
	}

	return err;
}

static int __init kho_read_scratch(kho_is_ram_fn is_ram)
{
	size_t size = kho_in.scratch_cnt * sizeof(struct kho_scratch);
	phys_addr_t phys = kho_in.scratch_phys;
	struct kho_scratch *scratch;
	int err;

	if (!is_ram(phys, phys + size)) {
		pr_err("scratch regions at %pa are not in RAM\n", &phys);
		return -EINVAL;
	}

	scratch = early_memremap(phys, size);
	if (!scratch)
		return -ENOMEM;

	err = kho_mark_scratch(scratch, kho_in.scratch_cnt, is_ram);
	early_memunmap(scratch, size);
	return err;
}

/* Disable kexec handover in kernels that do not support it. */
static void __init kho_check_supported(void)
{
	const char *why;

	if (is_kdump_kernel())
		why = "a crash dump kernel";
	else if (IS_ENABLED(CONFIG_KMSAN))
		why = "a kernel with KMSAN, which does not support preserved memory";
	else
		return;

	if (kho_is_enabled())
		pr_info("disabled in %s\n", why);
	kho_disable();
}

/**
 * kho_early_init - confine memblock to scratch if there is incoming state
 * @is_ram: returns whether firmware describes a range as RAM
 *
 * Architectures call this after the command line has been parsed and before the
 * first memblock allocation.
 *
 * Context: Early boot.
 */
void __init kho_early_init(kho_is_ram_fn is_ram)
{
	kho_check_supported();
	if (kho_in.state != KHO_IN_CLAIMED)
		return;

	if (!kho_is_enabled()) {
		pr_warn("handover ignored: kexec handover is off in this kernel\n");
		kho_in.state = KHO_IN_NONE;
		return;
	}

	if (kho_read_root(is_ram) || kho_read_scratch(is_ram)) {
		pr_err("handover refused: booting on without it\n");
		kho_in.state = KHO_IN_NONE;
		return;
	}

	memblock_reserve(kho_in.scratch_phys,
			 kho_in.scratch_cnt * sizeof(struct kho_scratch));
	memblock_set_kho_scratch_only();

	/* Page tables must come from memory that is mapped first: the top of scratch. */
	memblock_set_bottom_up(false);
	kho_in.scratch_inherited = true;
	kho_in.state = KHO_IN_FOUND;
}

/*
 * With the direct map: the map of preserved memory
 */

/**
 * struct kho_map_check - state of the walk over the ranges of the incoming map
 * @node:      index of the first node that is not below the current range
 * @nr_ranges: number of ranges so far
 * @nr_pages:  number of pages in these ranges
 * @gaps:      the scan for gaps between the ranges and nodes
 */
struct kho_map_check {
	unsigned long node;
	unsigned long nr_ranges;
	unsigned long nr_pages;
	struct kho_gap_scan gaps;
};

/* Record the gaps before a range that is in use. */
static void __init kho_gap_ends(struct kho_map_check *check, phys_addr_t start,
				phys_addr_t end)
{
	kho_gaps_add(&check->gaps, start);
	check->gaps.next = end;
}

/* Record the gaps between the nodes below @end_pfn. */
static void __init kho_pass_nodes(struct kho_map_check *check, unsigned long end_pfn)
{
	while (check->node < kho_in.nr_nodes &&
	       kho_in.node_pfns[check->node] < end_pfn) {
		phys_addr_t node = PFN_PHYS(kho_in.node_pfns[check->node++]);

		kho_gap_ends(check, node, node + PAGE_SIZE);
	}
}

static int __init kho_read_range(phys_addr_t start, phys_addr_t end, void *arg)
{
	struct kho_map_check *check = arg;

	kho_pass_nodes(check, PHYS_PFN(start));
	kho_gap_ends(check, start, end);
	check->nr_ranges++;
	check->nr_pages += PHYS_PFN(end - start);
	return 0;
}

static bool __init kho_valid_node(phys_addr_t node)
{
	return node && PAGE_ALIGNED(node) && memblock_is_map_memory(node) &&
	       !memblock_is_kho_scratch(node) && !memblock_is_reserved(node) &&
	       node != kho_in.fdt_phys;
}

static int __init kho_count_node(phys_addr_t node, unsigned int level, void *arg)
{
	return kho_check_node(arg, node);
}

static int __init kho_note_node(phys_addr_t node, unsigned int level, void *arg)
{
	unsigned long *next = arg;

	kho_in.node_pfns[(*next)++] = PHYS_PFN(node);
	return 0;
}

static int __init kho_cmp_pfn(const void *a, const void *b)
{
	unsigned long pfn_a = *(const unsigned long *)a;
	unsigned long pfn_b = *(const unsigned long *)b;

	return (pfn_a > pfn_b) - (pfn_a < pfn_b);
}

static size_t __init kho_node_list_size(void)
{
	return PAGE_ALIGN(kho_in.nr_nodes * sizeof(*kho_in.node_pfns));
}

static int __init kho_check_nodes(const struct kho_memory *memory)
{
	unsigned long i;
	int err;

	for (i = 0; i < kho_in.nr_nodes; i++) {
		/* A node with two parents would be freed twice. */
		if (i && kho_in.node_pfns[i] == kho_in.node_pfns[i - 1]) {
			pr_err("map has the node at pfn %#lx twice\n",
			       kho_in.node_pfns[i]);
			return -EINVAL;
		}
		err = kho_check_node_unpreserved(memory, PFN_PHYS(kho_in.node_pfns[i]));
		if (err)
			return err;
	}

	return 0;
}

static int __init kho_collect_nodes(struct kho_memory *memory)
{
	unsigned long i = 0;
	int err;

	err = kho_radix_walk_nodes(&kho_in.tree, kho_count_node, memory);
	if (err)
		return err;

	kho_in.nr_nodes = memory->nr_nodes;
	kho_in.node_pfns = memblock_alloc(kho_node_list_size(), PAGE_SIZE);
	if (!kho_in.node_pfns) {
		pr_err("no memory for a list of the map's %lu nodes\n",
		       kho_in.nr_nodes);
		return -ENOMEM;
	}

	err = kho_radix_walk_nodes(&kho_in.tree, kho_note_node, &i);
	if (err)
		return err;

	sort(kho_in.node_pfns, kho_in.nr_nodes, sizeof(*kho_in.node_pfns),
	     kho_cmp_pfn, NULL);

	return kho_check_nodes(memory);
}

static size_t __init kho_gap_list_size(void)
{
	return PAGE_ALIGN(kho_in.max_gaps * sizeof(*kho_in.gaps));
}

/*
 * Allocate a list that has room for all gaps. If scratch is too small for it, make do
 * with less: then some of the gaps are not used.
 */
static void __init kho_alloc_gaps(void)
{
	kho_in.max_gaps = kho_gaps_max();
	while (kho_in.max_gaps && !kho_in.gaps) {
		kho_in.gaps = memblock_alloc_raw(kho_gap_list_size(), PAGE_SIZE);
		if (!kho_in.gaps)
			kho_in.max_gaps /= 2;
	}
}

/* Free the part of the list that is not in use. */
static void __init kho_trim_gaps(void)
{
	size_t size = kho_gap_list_size(), used;

	kho_in.max_gaps = kho_in.nr_gaps;
	used = kho_gap_list_size();
	if (used < size)
		memblock_free((void *)kho_in.gaps + used, size - used);
}

static void __init kho_forget_lists(void)
{
	memblock_free(kho_in.node_pfns, kho_node_list_size());
	memblock_free(kho_in.gaps, kho_gap_list_size());
	kho_in.node_pfns = NULL;
	kho_in.nr_nodes = 0;
	kho_in.gaps = NULL;
	kho_in.nr_gaps = 0;
}

/**
 * struct kho_overlaps - blocks of the incoming map that overlap
 * @nr_ranges: number of ranges that the blocks cover
 * @nr_pages:  number of pages in these ranges
 * @lowest:    start of the lowest range
 */
struct kho_overlaps {
	unsigned long nr_ranges;
	unsigned long nr_pages;
	phys_addr_t lowest;
};

static int __init kho_count_overlap(phys_addr_t start, phys_addr_t end, void *arg)
{
	struct kho_overlaps *overlaps = arg;

	if (!overlaps->nr_ranges || start < overlaps->lowest)
		overlaps->lowest = start;
	overlaps->nr_ranges++;
	overlaps->nr_pages += PHYS_PFN(end - start);
	return 0;
}

/*
 * Blocks that overlap have several owners. If one was restored, its new owner could
 * overwrite or free memory of the others. So none of them is restored, and all of
 * their memory is withheld. Other blocks are not affected.
 */
static void __init kho_report_overlaps(void)
{
	struct kho_overlaps overlaps = {};

	kho_radix_walk_overlaps(&kho_in.tree, kho_count_overlap, &overlaps);
	if (overlaps.nr_ranges)
		pr_err("map has blocks that overlap, in %lu ranges from %pa on: their %lu pages stay reserved and can't be restored\n",
		       overlaps.nr_ranges, &overlaps.lowest, overlaps.nr_pages);
}

/* Return the page frame numbers of a region, which may start or end inside a page. */
static struct range __init kho_region_pfns(const struct memblock_region *region)
{
	return (struct range){
		.start = PFN_DOWN(region->base),
		/* The end can be the highest address. */
		.end = PFN_DOWN(region->base + region->size - 1) + 1,
	};
}

/* Check that all preserved memory is RAM outside of scratch. */
static int __init kho_check_ram(const struct kho_memory *memory)
{
	const struct memblock_region *region;
	phys_addr_t end = 0;
	struct range pfns;
	int err = 0;

	for_each_mem_region(region) {
		pfns = kho_region_pfns(region);
		if (region->base > end)
			err = kho_check_excluded(memory, PFN_DOWN(end), PFN_UP(region->base),
						 KHO_NOT_RAM);
		if (!err && region->flags & (MEMBLOCK_KHO_SCRATCH | MEMBLOCK_NOMAP))
			err = kho_check_excluded(memory, pfns.start, pfns.end, KHO_NOT_RAM);
		if (err)
			return err;
		end = region->base + region->size;
	}

	return kho_check_excluded(memory, PFN_DOWN(end), KHO_RADIX_END_PFN, KHO_NOT_RAM);
}

/* Check that this kernel and its boot loader have reserved no preserved memory. */
static int __init kho_check_reserved(const struct kho_memory *memory)
{
	const struct memblock_region *region;
	struct range pfns;
	int err;

	for_each_reserved_mem_region(region) {
		pfns = kho_region_pfns(region);
		err = kho_check_excluded(memory, pfns.start, pfns.end, "this kernel uses");
		if (err)
			return err;
	}

	return 0;
}

static int __init kho_check_map(void)
{
	struct kho_memory memory = {
		.map = "map",
		.tree = &kho_in.tree,
		.is_node = kho_valid_node,
		.nr_ram = PHYS_PFN(memblock_phys_mem_size()),
	};
	struct kho_map_check check = {};
	int err;

	if (!kho_valid_node(kho_in.map_phys)) {
		pr_err("root of the map at %pa is not free RAM outside of scratch\n",
		       &kho_in.map_phys);
		return -EINVAL;
	}
	kho_in.tree.root = phys_to_virt(kho_in.map_phys);

	err = kho_collect_nodes(&memory);
	err = err ?: kho_check_ram(&memory);
	err = err ?: kho_check_reserved(&memory);
	if (err)
		return err;

	kho_alloc_gaps();
	err = kho_radix_walk_ranges(&kho_in.tree, kho_read_range, &check);
	if (err)
		return err;

	kho_pass_nodes(&check, ULONG_MAX);
	kho_gaps_add(&check.gaps, PHYS_ADDR_MAX);
	kho_trim_gaps();

	pr_info("%lu pages preserved in %lu ranges, %lu tree nodes\n",
		check.nr_pages, check.nr_ranges, kho_in.nr_nodes);
	kho_report_overlaps();
	return 0;
}

/**
 * kho_validate_map - validate the map of preserved memory
 *
 * Architectures call this as soon as all memory is in the direct map. From then on
 * memblock allocates from memory that is not preserved. Does nothing after the first
 * call. If the map is refused, preserved memory is not known and is lost: end the
 * confinement of memblock to scratch.
 *
 * Context: Boot. All memory must be in the direct map.
 */
void __init kho_validate_map(void)
{
	kho_note_early_size();
	if (kho_in.state != KHO_IN_FOUND)
		return;

	if (!kho_check_map()) {
		memblock_reserve(kho_in.fdt_phys, PAGE_SIZE);
		kho_in.state = KHO_IN_READ;
		return;
	}

	pr_err("handover refused: its map of preserved memory is damaged\n");
	kho_forget_lists();
	kho_in.state = KHO_IN_NONE;
	memblock_clear_kho_scratch_only();
}

static bool __init kho_has_preserved(const struct range *pfns)
{
	return kho_radix_overlaps(&kho_in.tree, pfns->start, pfns->end - pfns->start);
}

/**
 * kho_note_reserved - record which preserved memory this kernel reserved
 *
 * Context: Boot, when memory can no longer be reserved at a fixed address.
 */
void __init kho_note_reserved(void)
{
	const struct memblock_region *region;
	struct range pfns;

	if (!is_kho_boot())
		return;

	for_each_reserved_mem_region(region) {
		pfns = kho_region_pfns(region);
		if (!kho_has_preserved(&pfns))
			continue;
		/* Regions are sorted. If there are too many, the last entry covers the rest. */
		if (kho_in.nr_reserved < ARRAY_SIZE(kho_in.reserved))
			kho_in.reserved[kho_in.nr_reserved++] = pfns;
		else
			kho_in.reserved[kho_in.nr_reserved - 1].end = pfns.end;
	}
}

/* Free memory that was allocated from memblock. */
static void __init kho_free_list(void *list, size_t size)
{
	if (!size)
		return;

	kmemleak_free_part_phys(virt_to_phys(list), size);
	free_reserved_area(list, list + size, -1, NULL);
}

/**
 * kho_adopt_incoming - make the nodes of the incoming map ordinary pages
 *
 * From then on blocks can be restored, which frees empty nodes.
 *
 * Context: Initcall.
 */
void __init kho_adopt_incoming(void)
{
	if (!is_kho_boot())
		return;

	kho_radix_adopt(&kho_in.tree);
	kho_free_list(kho_in.node_pfns, kho_node_list_size());
	kho_free_list(kho_in.gaps, kho_gap_list_size());
	kho_in.node_pfns = NULL;
	kho_in.gaps = NULL;
	kho_in.adopted = true;
	/* It is reserved for good. Not all kernels have it in their map. */
	kho_radix_del_page(&kho_in.tree, PHYS_PFN(kho_in.fdt_phys), 0);
}
