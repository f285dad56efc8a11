// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kexec handover: scratch regions and preservable ranges.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/cma.h>
#include <linux/ctype.h>
#include <linux/init.h>
#include <linux/initrd.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kmemleak.h>
#include <linux/math64.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/page-isolation.h>
#include <linux/pfn.h>
#include <linux/range.h>
#include <linux/set_memory.h>
#include <linux/sizes.h>
#include <linux/sort.h>
#include <linux/swiotlb.h>

#include <asm/sections.h>

#include <linux/kho/boot.h>

#include "../../mm/internal.h"
#include "kexec_handover_internal.h"

/* The end of memory that all devices can address. A kernel needs some below it. */
#define KHO_LOW_END		((phys_addr_t)ARCH_LOW_ADDRESS_LIMIT + 1)

/* A value of kho_scratch= that is enough for another kernel like this one */
#define KHO_SUFFICIENT_PERCENT	200

/* Room in scratch by default for what a next kernel needs more than this one */
#define KHO_SCRATCH_SPARE	((phys_addr_t)SZ_32M + SZ_8M)

/* The regions that the next kernel boots in, inherited from kernel to kernel */
struct kho_scratch *kho_scratch __ro_after_init;
unsigned int kho_scratch_cnt __ro_after_init;

/*
 * PFN ranges (end exclusive) that can hold preserved memory: RAM that firmware
 * describes, minus scratch and firmware reservations.
 */
static struct range *kho_preservable __ro_after_init;
static unsigned int kho_nr_preservable __ro_after_init;
static unsigned int kho_max_preservable __initdata;

/*
 * At boot: pages of RAM, bytes that the kernel had reserved for itself, bytes that it had
 * allocated, and those of them that it had allocated when it could read a map.
 */
static unsigned long kho_nr_ram_pages __ro_after_init;
static u64 kho_reserved __ro_after_init;
static u64 kho_allocated __ro_after_init;
static u64 kho_allocated_early __ro_after_init;

/*
 * Command line
 */

/**
 * struct kho_scratch_option - value of kho_scratch=, all zero for the default
 * @percent: size as a percentage of the kernel's own boot-time allocations; 0 if
 *	     the sizes below apply
 * @low:     bytes below %KHO_LOW_END
 * @global:  bytes anywhere
 * @node:    bytes on each node that has memory
 */
struct kho_scratch_option {
	unsigned int percent;
	u64 low;
	u64 global;
	u64 node;
};

static struct kho_scratch_option kho_scratch_option __initdata;

/* Unlike memparse(), detect numbers that are too large. */
static int __init kho_parse_number(char **arg, u64 *number)
{
	size_t len = strspn(*arg, "0123456789");
	char digits[21] = "";

	if (len >= sizeof(digits))
		return -EINVAL;

	memcpy(digits, *arg, len);
	*arg += len;
	return kstrtou64(digits, 10, number);
}

static unsigned int __init kho_parse_unit(char **arg)
{
	static const char units[] = "KMGT";
	const char *unit = strchr(units, toupper(**arg));

	if (!unit || !*unit)
		return 0;

	*arg += 1;
	return (unit - units + 1) * 10;
}

static int __init kho_parse_size(char **arg, char delimiter, u64 *size)
{
	int err = kho_parse_number(arg, size);

	if (err || check_shl_overflow(*size, kho_parse_unit(arg), size) ||
	    *size > PHYS_ADDR_MAX / 4 || **arg != delimiter)
		return -EINVAL;

	*arg += 1;
	return 0;
}

static int __init kho_parse_scratch_option(char *arg,
					   struct kho_scratch_option *option)
{
	u64 percent;

	if (strchr(arg, '%')) {
		if (kho_parse_number(&arg, &percent) || strcmp(arg, "%") ||
		    !percent || percent > UINT_MAX)
			return -EINVAL;
		option->percent = percent;
		return 0;
	}

	if (kho_parse_size(&arg, ',', &option->low) ||
	    kho_parse_size(&arg, ',', &option->global) ||
	    kho_parse_size(&arg, '\0', &option->node))
		return -EINVAL;

	return option->low || option->global || option->node ? 0 : -EINVAL;
}

static int __init kho_parse_scratch(char *arg)
{
	struct kho_scratch_option option = {};

	if (!arg || kho_parse_scratch_option(arg, &option)) {
		option = (struct kho_scratch_option){};
		pr_err("kho_scratch=%s is malformed (low,global,node sizes or nn%%): using the default\n",
		       arg ?: "");
	}
	kho_scratch_option = option;

	return 0;
}
early_param("kho_scratch", kho_parse_scratch);

/*
 * Reservation
 */

static bool __init kho_alloc_scratch_part(phys_addr_t size, phys_addr_t limit,
					  int nid)
{
	struct kho_scratch *scratch = &kho_scratch[kho_scratch_cnt];

	scratch->addr = memblock_alloc_range_nid(size, KHO_SCRATCH_ALIGN, 0,
						 limit, nid,
						 nid != NUMA_NO_NODE);
	if (!scratch->addr)
		return false;

	scratch->size = size;
	kho_scratch_cnt++;

	/* The region is freed for movable pages later, so never scan it for pointers. */
	kmemleak_ignore_phys(scratch->addr);
	return true;
}

static phys_addr_t __init kho_half(phys_addr_t size)
{
	return round_up(size / 2, KHO_SCRATCH_ALIGN);
}

/*
 * Reserve @size bytes, in one region if possible. The kernel may lie in the middle
 * of memory, so halve the size of a part that finds no room, but only twice.
 */
static int __init kho_alloc_scratch(phys_addr_t size, phys_addr_t limit, int nid)
{
	phys_addr_t left = round_up(size, KHO_SCRATCH_ALIGN);
	phys_addr_t least = left / 4;
	phys_addr_t part = left;

	while (left) {
		if (kho_alloc_scratch_part(part, limit, nid)) {
			left -= part;
		} else if (part > KHO_SCRATCH_ALIGN && kho_half(part) >= least) {
			part = kho_half(part);
		} else {
			pr_err("no room for %pa bytes of scratch\n", &left);
			return -ENOMEM;
		}
		part = min(part, left);
	}

	return 0;
}

static phys_addr_t __init kho_scaled(phys_addr_t size)
{
	return mul_u64_u32_div(size, kho_scratch_option.percent, 100);
}

/* Return the size of swiotlb's buffer, which is allocated after scratch. */
static phys_addr_t __init kho_swiotlb_size(void)
{
	unsigned long end_pfn = max(max_pfn, max_possible_pfn);

	if (!IS_ENABLED(CONFIG_SWIOTLB) ||
	    PFN_PHYS(end_pfn) <= KHO_LOW_END)
		return 0;

	return swiotlb_size_or_default();
}

static phys_addr_t __init kho_low_size(void)
{
	if (!kho_scratch_option.percent)
		return kho_scratch_option.low;

	return kho_scaled(memblock_kernel_reserved_size(KHO_LOW_END,
							NUMA_NO_NODE) +
			  kho_swiotlb_size());
}

/* Allocations below KHO_LOW_END count for kho_low_size(). */
static phys_addr_t __init kho_node_size(int nid)
{
	if (!kho_scratch_option.percent)
		return kho_scratch_option.node;

	return kho_scaled(memblock_kernel_reserved_size(PHYS_ADDR_MAX, nid) -
			  memblock_kernel_reserved_size(KHO_LOW_END, nid));
}

static phys_addr_t __init kho_initrd_size(void)
{
	return IS_ENABLED(CONFIG_BLK_DEV_INITRD) ? initrd_end - initrd_start : 0;
}

/*
 * Determine how much scratch an image like that of this kernel needs. The decompressor
 * may place the kernel elsewhere in scratch, so there must be room for two of it. The next
 * initrd may be larger.
 */
static phys_addr_t __init kho_default_size(void)
{
	phys_addr_t initrd = kho_initrd_size();

	return 2 * (phys_addr_t)(_end - _text) + initrd + initrd / 4 +
	       kho_early_size(false) + KHO_SCRATCH_SPARE;
}

/*
 * Reserve the default: one region. The next kernel allocates from it until it can read
 * the map. Then it finds the room that this kernel's own allocations take, which are not
 * preserved, on each node and in low memory. If the region is in low memory as well, a
 * kernel that needs more low memory than this one falls back to it.
 */
static int __init kho_alloc_default_scratch(void)
{
	phys_addr_t size = round_up(kho_default_size(), KHO_SCRATCH_ALIGN);

	if (kho_alloc_scratch_part(size, KHO_LOW_END, NUMA_NO_NODE))
		return 0;

	return kho_alloc_scratch(size, MEMBLOCK_ALLOC_ACCESSIBLE, NUMA_NO_NODE);
}

static bool __init kho_has_scratch_option(void)
{
	return kho_scratch_option.percent || kho_scratch_option.low ||
	       kho_scratch_option.global || kho_scratch_option.node;
}

static int __init kho_alloc_scratches(void)
{
	phys_addr_t low;
	int nid, err;

	if (!kho_has_scratch_option())
		return kho_alloc_default_scratch();

	low = kho_low_size();
	err = kho_alloc_scratch(low, KHO_LOW_END, NUMA_NO_NODE);
	if (!err)
		err = kho_alloc_scratch(kho_scratch_option.global,
					MEMBLOCK_ALLOC_ACCESSIBLE, NUMA_NO_NODE);
	if (err)
		return err;

	/* Ignore nodes without room. The next kernel falls back to other nodes. */
	for_each_node_state(nid, N_MEMORY)
		kho_alloc_scratch(kho_node_size(nid), MEMBLOCK_ALLOC_ACCESSIBLE,
				  nid);

	return kho_scratch_cnt ? 0 : -ENOMEM;
}

/* One allocation has room for the scratch regions, followed by the preservable ranges. */
static size_t __init kho_arrays_size(unsigned int scratch_cnt)
{
	return size_add(array_size(scratch_cnt, sizeof(*kho_scratch)),
			array_size(kho_max_preservable, sizeof(*kho_preservable)));
}

static int __init kho_alloc_arrays(unsigned int scratch_cnt)
{
	const struct memblock_region *region;

	/* Each hole splits at most one range into two. */
	kho_max_preservable = memblock.memory.cnt + scratch_cnt;
	for_each_reserved_mem_region(region)
		if (region->flags & MEMBLOCK_RSRV_FIRMWARE)
			kho_max_preservable++;

	kho_scratch = memblock_alloc(kho_arrays_size(scratch_cnt), SMP_CACHE_BYTES);
	if (!kho_scratch)
		return -ENOMEM;

	kho_preservable = (struct range *)(kho_scratch + scratch_cnt);
	return 0;
}

static int __init kho_cmp_scratch(const void *a, const void *b)
{
	const struct kho_scratch *scratch_a = a, *scratch_b = b;

	return (scratch_a->addr > scratch_b->addr) -
	       (scratch_a->addr < scratch_b->addr);
}

/* Loaders of kexec images search regions by ascending address. */
static void __init kho_sort_scratch(void)
{
	sort(kho_scratch, kho_scratch_cnt, sizeof(*kho_scratch), kho_cmp_scratch, NULL);
}

static int __init kho_reserve_scratch(void)
{
	unsigned int cnt = (2 + num_node_state(N_MEMORY)) * KHO_SCRATCH_PARTS;
	int err;

	err = kho_alloc_arrays(cnt);
	if (err)
		return err;

	err = kho_alloc_scratches();
	if (!err) {
		kho_sort_scratch();
		return 0;
	}

	while (kho_scratch_cnt) {
		kho_scratch_cnt--;
		memblock_phys_free(kho_scratch[kho_scratch_cnt].addr,
				   kho_scratch[kho_scratch_cnt].size);
	}
	memblock_free(kho_scratch, kho_arrays_size(cnt));
	kho_scratch = NULL;
	return err;
}

/*
 * Keep the inherited regions unchanged, for any number of handovers to follow. Other kernels
 * may have empty ones, or another order.
 */
static int __init kho_inherit_scratch(void)
{
	const struct kho_scratch *inherited = phys_to_virt(kho_in.scratch_phys);
	unsigned int i;
	int err;

	err = kho_alloc_arrays(kho_in.scratch_cnt);
	if (err)
		return err;

	for (i = 0; i < kho_in.scratch_cnt; i++)
		if (inherited[i].size)
			kho_scratch[kho_scratch_cnt++] = inherited[i];
	kho_sort_scratch();
	return 0;
}

static void __init kho_note_preservable(void)
{
	const struct memblock_region *region;
	phys_addr_t start, end;
	unsigned int nr = 0, i;
	u64 iter;

	/* Memory regions also end where only the node or the flags change. */
	for_each_mem_range(iter, &start, &end)
		nr = add_range_with_merge(kho_preservable, kho_max_preservable, nr,
					  PFN_UP(start), PFN_DOWN(end));

	for (i = 0; i < kho_scratch_cnt; i++)
		subtract_range(kho_preservable, kho_max_preservable,
			       PHYS_PFN(kho_scratch[i].addr),
			       PHYS_PFN(kho_scratch[i].addr + kho_scratch[i].size));

	/* The next kernel reserves the same regions. */
	for_each_reserved_mem_region(region)
		if (region->flags & MEMBLOCK_RSRV_FIRMWARE)
			subtract_range(kho_preservable, kho_max_preservable,
				       PFN_DOWN(region->base),
				       PFN_UP(region->base + region->size));

	kho_nr_preservable = clean_sort_range(kho_preservable, kho_max_preservable);
}

/**
 * kho_note_early_size - note how much the kernel has allocated so far
 *
 * Only the first call counts.
 *
 * Context: Boot, when a map could be read.
 */
void __init kho_note_early_size(void)
{
	if (!kho_allocated_early)
		kho_allocated_early = memblock_kernel_allocated_size();
}

static void __init kho_note_sizes(void)
{
	kho_nr_ram_pages = PHYS_PFN(memblock_phys_mem_size());
	kho_reserved = memblock_kernel_reserved_size(PHYS_ADDR_MAX, NUMA_NO_NODE) +
		       kho_swiotlb_size();
	kho_allocated = memblock_kernel_allocated_size() + kho_swiotlb_size();
}

/**
 * kho_setup_scratch - inherit or reserve scratch, and record preservable ranges
 *
 * Context: Boot, before memory is freed to the page allocator.
 * Return: 0 or an error.
 */
int __init kho_setup_scratch(void)
{
	unsigned int i;
	int err;

	kho_note_sizes();
	err = kho_in.scratch_inherited ? kho_inherit_scratch() : kho_reserve_scratch();
	if (err) {
		pr_err("disabled: no memory for scratch; see kho_scratch=\n");
		return err;
	}

	kho_note_preservable();
	for (i = 0; i < kho_scratch_cnt; i++)
		pr_info("scratch: [mem %#018llx-%#018llx]\n",
			(u64)kho_scratch[i].addr,
			(u64)(kho_scratch[i].addr + kho_scratch[i].size - 1));
	return 0;
}

/**
 * kho_init_scratch - make scratch available for movable pages
 *
 * Context: Initcall.
 */
void __init kho_init_scratch(void)
{
	unsigned long pfn, end_pfn;
	struct page *page;
	unsigned int i;

	for (i = 0; i < kho_scratch_cnt; i++) {
		pfn = PHYS_PFN(kho_scratch[i].addr);
		end_pfn = pfn + PHYS_PFN(kho_scratch[i].size);
		totalcma_pages += end_pfn - pfn;

		for (; pfn < end_pfn; pfn += pageblock_nr_pages) {
			page = pfn_to_page(pfn);

			/* mm has freed inherited scratch as MIGRATE_CMA, but not counted it. */
			if (kho_in.scratch_inherited)
				page_zone(page)->cma_pages += pageblock_nr_pages;
			else
				init_cma_reserved_pageblock(page);
		}
	}
}

/**
 * kho_find_preservable - find the preservable range that a page lies in
 * @pfn: page frame number
 *
 * Context: Any context, after boot.
 * Return: the range, or NULL if the page cannot be preserved.
 */
const struct range *kho_find_preservable(unsigned long pfn)
{
	unsigned int i;

	for (i = 0; i < kho_nr_preservable; i++)
		if (pfn >= kho_preservable[i].start && pfn < kho_preservable[i].end)
			return &kho_preservable[i];

	return NULL;
}

/**
 * kho_is_preservable - check whether pages can be preserved
 * @pfn: first page frame number
 * @nr:  number of pages
 *
 * Context: Any context, after boot.
 * Return: true if the pages lie in one preservable range.
 */
bool kho_is_preservable(unsigned long pfn, unsigned long nr)
{
	const struct range *range = kho_find_preservable(pfn);

	return range && nr <= range->end - pfn;
}

/**
 * kho_walk_unpreservable - call a function for each range that can't be preserved
 * @fn:  the function. It gets the first page frame number of the range, and that past its
 *	 end.
 * @arg: passed to @fn
 *
 * The last range ends where the address space does.
 *
 * Context: Any context, after boot.
 * Return: 0, or the first value other than 0 that @fn returned. That ends the walk.
 */
int kho_walk_unpreservable(int (*fn)(unsigned long start_pfn, unsigned long end_pfn, void *arg),
			   void *arg)
{
	unsigned long pfn = 0;
	unsigned int i;
	int err;

	for (i = 0; i < kho_nr_preservable; i++) {
		err = fn(pfn, kho_preservable[i].start, arg);
		if (err)
			return err;
		pfn = kho_preservable[i].end;
	}

	return fn(pfn, KHO_RADIX_END_PFN, arg);
}

/**
 * kho_overlaps_scratch - check whether memory overlaps scratch
 * @start: physical address of the memory
 * @end:   physical address of its end, exclusive
 *
 * Context: Any context, after boot.
 * Return: true if part of it lies in a scratch region.
 */
bool kho_overlaps_scratch(u64 start, u64 end)
{
	unsigned int i;

	for (i = 0; i < kho_scratch_cnt; i++)
		if (start < kho_scratch[i].addr + kho_scratch[i].size &&
		    end > kho_scratch[i].addr)
			return true;

	return false;
}

/**
 * kho_overlaps_ram - check whether memory overlaps what a handover can use
 * @start: physical address of the memory
 * @end:   physical address of its end, exclusive
 *
 * Context: Any context, after boot.
 * Return: true if part of it lies in scratch or can be preserved.
 */
bool kho_overlaps_ram(u64 start, u64 end)
{
	unsigned int i;

	for (i = 0; i < kho_nr_preservable; i++)
		if (start < PFN_PHYS(kho_preservable[i].end) &&
		    end > PFN_PHYS(kho_preservable[i].start))
			return true;

	return kho_overlaps_scratch(start, end);
}

static u64 kho_common_size(u64 start_a, u64 end_a, u64 start_b, u64 end_b)
{
	u64 start = max(start_a, start_b), end = min(end_a, end_b);

	return start < end ? end - start : 0;
}

/**
 * kho_scratch_inside - add up what scratch regions have inside of a range
 * @start: physical address of the range
 * @end:   physical address of its end, exclusive
 *
 * Context: Any context, after boot.
 * Return: bytes.
 */
u64 kho_scratch_inside(u64 start, u64 end)
{
	unsigned int i;
	u64 size = 0;

	for (i = 0; i < kho_scratch_cnt; i++)
		size += kho_common_size(start, end, kho_scratch[i].addr,
					kho_scratch[i].addr + kho_scratch[i].size);

	return size;
}

/**
 * kho_ram_outside_scratch - add up the preservable memory inside of a range
 * @start: physical address of the range
 * @end:   physical address of its end, exclusive
 *
 * Context: Any context, after boot.
 * Return: bytes.
 */
u64 kho_ram_outside_scratch(u64 start, u64 end)
{
	unsigned int i;
	u64 size = 0;

	for (i = 0; i < kho_nr_preservable; i++)
		size += kho_common_size(start, end, PFN_PHYS(kho_preservable[i].start),
					PFN_PHYS(kho_preservable[i].end));

	return size;
}

/**
 * kho_ram_span - return the range from the first to the last preservable memory
 *
 * Context: Any context, after boot.
 * Return: physical addresses, end exclusive.
 */
struct range kho_ram_span(void)
{
	if (!kho_nr_preservable)
		return (struct range){};

	return (struct range){
		.start = PFN_PHYS(kho_preservable[0].start),
		.end = PFN_PHYS(kho_preservable[kho_nr_preservable - 1].end),
	};
}

/**
 * kho_scratch_size - add up the scratch regions
 *
 * Context: Any context, after boot.
 * Return: their size in bytes.
 */
u64 kho_scratch_size(void)
{
	return kho_scratch_inside(0, U64_MAX);
}

/* If the direct map consists of base pages, its page tables are in kho_allocated_early. */
static bool kho_has_base_pages(void)
{
	/* Other architectures can set single pages of a direct map of huge pages. */
	return debug_pagealloc_enabled() ||
	       (IS_ENABLED(CONFIG_ARM64) && can_set_direct_map());
}

/**
 * kho_early_size - estimate what the next kernel allocates until it has read the map
 * @base_pages: its direct map consists of base pages
 *
 * Context: Any context, after kho_setup_scratch() has begun.
 * Return: bytes that a kernel needs that reads the map early.
 */
u64 kho_early_size(bool base_pages)
{
	u64 gaps = PFN_PHYS((u64)kho_nr_ram_pages) / SZ_2M * sizeof(struct range);
	u64 tables = (u64)kho_nr_ram_pages * sizeof(u64);
	u64 size = kho_allocated_early;

	/* Page tables have an entry for each page, and those of higher levels less. */
	if (base_pages && !kho_has_base_pages())
		size += tables + tables / 256;

	return size + gaps;
}

/**
 * kho_boot_size - estimate what the next kernel allocates at boot
 *
 * Context: Any context, after boot.
 * Return: bytes that a kernel needs that does not read the map early.
 */
u64 kho_boot_size(void)
{
	return kho_allocated;
}

/**
 * kho_sufficient_percent - find a value for kho_scratch=
 * @size: bytes that a kernel needs at least
 *
 * Context: Any context, after boot.
 * Return: a percentage for one and a half times @size, or more.
 */
unsigned int kho_sufficient_percent(u64 size)
{
	return max_t(u64, KHO_SUFFICIENT_PERCENT, DIV_ROUND_UP(size * 150, kho_reserved));
}
