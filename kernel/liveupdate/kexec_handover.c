// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kexec handover: the core.
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * A kernel that hands over (outgoing state) keeps two things at fixed places: a
 * radix tree with each block of memory that is preserved, and a page with the
 * root FDT that names the tree and any number of blobs. Both are live; a kexec
 * image only carries the FDT's address. So it does not matter when the image
 * was loaded.
 *
 * A kernel that is handed over to (incoming state) boots in the scratch
 * regions, in which nothing preserved ever lies, until it has read the tree.
 * From then on preserved memory is withheld: the page allocator never sees it,
 * and nothing is stored for it. The tree itself tells, when a block is restored,
 * that it is there and how large it is, and forgets it at the same moment.
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/cleanup.h>
#include <linux/cma.h>
#include <linux/crash_dump.h>
#include <linux/ctype.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kexec.h>
#include <linux/kexec_handover.h>
#include <linux/kmemleak.h>
#include <linux/libfdt.h>
#include <linux/math64.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/page-isolation.h>
#include <linux/pfn.h>
#include <linux/pgalloc_tag.h>
#include <linux/range.h>
#include <linux/reboot.h>
#include <linux/sizes.h>
#include <linux/sort.h>
#include <linux/swiotlb.h>
#include <linux/unaligned.h>
#include <linux/utsname.h>

#include <kunit/static_stub.h>

#include <linux/kho/abi/kexec_handover.h>
#include <linux/kho/abi/kexec_metadata.h>
#include <linux/kho/compat.h>
#include <linux/kho/radix_tree.h>
#include <linux/kho/vmalloc.h>

#include "../../mm/internal.h"
#include "kexec_handover_internal.h"

/* The largest block of the page allocator: no smaller piece has one type. */
#define KHO_SCRATCH_ALIGN	(PAGE_SIZE << MAX_PAGE_ORDER)

/* Behind what all devices can reach, where the next kernel needs memory, too */
#define KHO_LOW_END		((phys_addr_t)ARCH_LOW_ADDRESS_LIMIT + 1)

/* In how many parts a region may be if there is no room for it in one */
#define KHO_SCRATCH_PARTS	5

/* Without kho_scratch=: of what the kernel itself has allocated */
#define KHO_SCRATCH_PERCENT	200

/* One below KHO_LOW_END, one anywhere, one on each node */
#define KHO_SCRATCH_MAX		((2 + MAX_NUMNODES) * KHO_SCRATCH_PARTS)

static const struct kho_compat_range kho_compat_range = {
	.name = "kho",
	.lowest = 4,
	.highest = 4,
};

static const struct kho_compat_range *const kho_compat_ranges[] = {
	&kho_compat_range,
	&kho_radix_compat_range,
	&kho_vmalloc_compat_range,
};

struct kho_incoming kho_in = {
	.tree.lock = __MUTEX_INITIALIZER(kho_in.tree.lock),
};

struct kho_outgoing kho_out = {
	.fdt_lock = __MUTEX_INITIALIZER(kho_out.fdt_lock),
	.tree.lock = __MUTEX_INITIALIZER(kho_out.tree.lock),
};

static bool kho_enable __ro_after_init =
	IS_ENABLED(CONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT);

/* The regions that the next kernel boots in; inherited from kernel to kernel */
struct kho_scratch *kho_scratch __ro_after_init;
unsigned int kho_scratch_cnt __ro_after_init;
static bool kho_scratch_inherited __initdata;

/*
 * Where memory can be preserved: what firmware described as RAM, as the next
 * kernel knows of no other, without scratch and what is reserved in any kernel. In
 * page frame numbers; the end of a range is behind it.
 */
static struct range *kho_homes __ro_after_init;
static unsigned int kho_homes_cnt __ro_after_init;
static size_t kho_homes_size __initdata;

/**
 * kho_is_enabled - is kexec handover enabled in this kernel?
 *
 * Context: Any.
 * Return: true if it is enabled by the command line or by default, and could be
 * set up.
 */
bool kho_is_enabled(void)
{
	return kho_enable;
}
EXPORT_SYMBOL_GPL(kho_is_enabled);

/**
 * is_kho_boot - was anything handed over to this kernel?
 *
 * Context: Any; settled before the first initcall.
 * Return: true if this kernel was booted with valid incoming state.
 */
bool is_kho_boot(void)
{
	return kho_in.state == KHO_IN_READ;
}
EXPORT_SYMBOL_GPL(is_kho_boot);

/*
 * Command line
 */

/**
 * struct kho_scratch_option - what kho_scratch= asks for
 * @percent: of what the kernel itself has allocated when scratch is reserved; 0
 *	     if the sizes count
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

static struct kho_scratch_option kho_scratch_option __initdata = {
	.percent = KHO_SCRATCH_PERCENT,
};

static int __init kho_parse_enable(char *arg)
{
	if (!arg || kstrtobool(arg, &kho_enable))
		pr_err("kho=%s is neither on nor off: ignored\n", arg ?: "");

	return 0;
}
early_param("kho", kho_parse_enable);

/* memparse() does not tell when a number is too large. */
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

static int __init kho_parse_percent(char *arg, unsigned int *percent)
{
	u64 number;

	if (kho_parse_number(&arg, &number) || strcmp(arg, "%") || !number ||
	    number > UINT_MAX)
		return -EINVAL;

	*percent = number;
	return 0;
}

static int __init kho_parse_scratch_option(char *arg,
					   struct kho_scratch_option *option)
{
	if (strchr(arg, '%'))
		return kho_parse_percent(arg, &option->percent);

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
		option = (struct kho_scratch_option){
			.percent = KHO_SCRATCH_PERCENT,
		};
		pr_err("kho_scratch=%s is malformed (low,global,node sizes or nn%%): using %u%%\n",
		       arg ?: "", option.percent);
	}
	kho_scratch_option = option;

	return 0;
}
early_param("kho_scratch", kho_parse_scratch);

/*
 * Boot, before anything is allocated: what was handed over?
 */

/**
 * kho_populate - note where the previous kernel left its state
 * @fdt_phys:	  physical address of the root FDT
 * @fdt_len:	  its size in bytes, which is the writer's page size
 * @scratch_phys: physical address of the array of &struct kho_scratch
 * @scratch_len:  its size in bytes
 *
 * For the architecture, as soon as it has found these. Nothing is read yet: the
 * command line, which may switch the handover off, is not known then.
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

static int __init kho_check_root(const void *fdt)
{
	const char *compatible;
	const void *map;
	int len;

	if (fdt_check_header(fdt) || fdt_totalsize(fdt) > PAGE_SIZE) {
		pr_err("root FDT is damaged\n");
		return -EINVAL;
	}

	compatible = fdt_getprop(fdt, 0, "compatible", &len);
	if (!compatible) {
		pr_err("root FDT has no version\n");
		return -EINVAL;
	}
	if (kho_compat_check("KHO", compatible, len, kho_compat_ranges,
			     ARRAY_SIZE(kho_compat_ranges)))
		return -EINVAL;

	map = fdt_getprop(fdt, 0, KHO_FDT_MEMORY_MAP_PROP_NAME, &len);
	if (!map || len != sizeof(u64)) {
		pr_err("root FDT has no " KHO_FDT_MEMORY_MAP_PROP_NAME "\n");
		return -EINVAL;
	}

	kho_in.map_phys = get_unaligned((const u64 *)map);
	return 0;
}

static int __init kho_read_root(kho_is_ram_fn is_ram)
{
	void *fdt;
	int err;

	if (!is_ram(kho_in.fdt_phys, kho_in.fdt_phys + PAGE_SIZE)) {
		pr_err("root FDT at %pa is not in RAM\n", &kho_in.fdt_phys);
		return -EINVAL;
	}

	fdt = early_memremap(kho_in.fdt_phys, PAGE_SIZE);
	if (!fdt)
		return -ENOMEM;

	err = kho_check_root(fdt);
	early_memunmap(fdt, PAGE_SIZE);
	return err;
}

static int __init kho_check_scratch(const struct kho_scratch *scratch,
				    unsigned int i, kho_is_ram_fn is_ram)
{
	phys_addr_t addr = scratch[i].addr, size = scratch[i].size, end;
	unsigned int other;

	if (!size || !IS_ALIGNED(addr | size, KHO_SCRATCH_ALIGN) ||
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
		if (memblock_addrs_overlap(addr, size, scratch[other].addr,
					   scratch[other].size)) {
			pr_err("scratch regions %u and %u overlap\n", other, i);
			return -EINVAL;
		}

	return 0;
}

/* This kernel has been put where nothing is preserved, or it is too late. */
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

	/* The array can't grow yet, and a region may split another in three. */
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

	/* Firmware's memory map may not have been added yet. */
	for (i = 0; i < cnt; i++) {
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

/* Switch kexec handover off, with a message, in a kernel that can't do it. */
static void __init kho_check_supported(void)
{
	const char *why;

	if (is_kdump_kernel())
		why = "a crash dump kernel";
	else if (IS_ENABLED(CONFIG_KMSAN))
		why = "a kernel with KMSAN, which knows nothing of preserved memory";
	else
		return;

	if (kho_enable)
		pr_info("disabled in %s\n", why);
	kho_enable = false;
}

/**
 * kho_early_init - confine this boot to scratch if anything was handed over
 * @is_ram: tells whether a range of memory is RAM according to firmware
 *
 * For the architecture, when the command line has been parsed and before the
 * first memblock allocation.
 *
 * Context: Early boot.
 */
void __init kho_early_init(kho_is_ram_fn is_ram)
{
	kho_check_supported();
	if (kho_in.state != KHO_IN_CLAIMED)
		return;

	if (!kho_enable) {
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

	/* Page tables come from what is mapped first: the top of scratch. */
	memblock_set_bottom_up(false);
	kho_scratch_inherited = true;
	kho_in.state = KHO_IN_FOUND;
}

/*
 * Boot, with the direct map: what is preserved?
 */

/**
 * struct kho_map_check - where the check of the incoming map stands
 * @region:    memory region of memblock that the check has reached
 * @reserved:  reserved region of memblock that the check has reached
 * @node:      index of the first node that is not below the checked ranges
 * @nr_ranges: number of ranges so far
 * @nr_pages:  number of pages in them
 */
struct kho_map_check {
	unsigned long region;
	unsigned long reserved;
	unsigned long node;
	unsigned long nr_ranges;
	unsigned long nr_pages;
};

/*
 * Is the range RAM, and outside of scratch? Ranges come by rising address, so
 * the regions are passed once in a whole map.
 */
static bool __init kho_check_range_memory(struct kho_map_check *check,
					  phys_addr_t start, phys_addr_t end)
{
	const struct memblock_type *memory = &memblock.memory;

	for (; check->region < memory->cnt; check->region++) {
		const struct memblock_region *region =
			&memory->regions[check->region];

		if (region->base + region->size <= start)
			continue;
		if (region->base > start ||
		    region->flags & (MEMBLOCK_KHO_SCRATCH | MEMBLOCK_NOMAP))
			return false;
		start = region->base + region->size;
		if (start >= end)
			return true;
	}

	return false;
}

/* Does this kernel, or what it was booted with, use any of the range? */
static bool __init kho_range_is_used(struct kho_map_check *check,
				     phys_addr_t start, phys_addr_t end)
{
	const struct memblock_type *reserved = &memblock.reserved;

	for (; check->reserved < reserved->cnt; check->reserved++) {
		const struct memblock_region *region =
			&reserved->regions[check->reserved];

		if (region->base + region->size > start)
			return region->base < end;
	}

	return false;
}

static int __init kho_check_range(phys_addr_t start, phys_addr_t end, void *arg)
{
	struct kho_map_check *check = arg;

	if (!kho_check_range_memory(check, start, end)) {
		pr_err("map has [mem %#llx-%#llx], which is not RAM outside of scratch\n",
		       (u64)start, (u64)end - 1);
		return -EINVAL;
	}
	if (kho_range_is_used(check, start, end)) {
		pr_err("map has [mem %#llx-%#llx], which this kernel uses\n",
		       (u64)start, (u64)end - 1);
		return -EINVAL;
	}

	/* Who restores such a page would write into the map. */
	while (check->node < kho_in.nr_nodes &&
	       kho_in.node_pfns[check->node] < PHYS_PFN(start))
		check->node++;
	if (check->node < kho_in.nr_nodes &&
	    kho_in.node_pfns[check->node] < PHYS_PFN(end)) {
		pr_err("map preserves its own node at pfn %#lx\n",
		       kho_in.node_pfns[check->node]);
		return -EINVAL;
	}

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

/* Refuse what must not be read, and more nodes than there can be. */
static int __init kho_count_node(phys_addr_t node, unsigned int level, void *arg)
{
	if (!kho_valid_node(node)) {
		pr_err("map has a node at %pa, which is not free RAM outside of scratch\n",
		       &node);
		return -EINVAL;
	}
	if (++kho_in.nr_nodes > PHYS_PFN(memblock_phys_mem_size())) {
		pr_err("map has more nodes than there are pages of RAM\n");
		return -EINVAL;
	}

	return 0;
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

static int __init kho_collect_nodes(void)
{
	unsigned long i = 0;
	int err;

	err = kho_radix_walk_nodes(&kho_in.tree, kho_count_node, NULL);
	if (err)
		return err;

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

	/* A node with two parents would be given back twice. */
	for (i = 1; i < kho_in.nr_nodes; i++)
		if (kho_in.node_pfns[i] == kho_in.node_pfns[i - 1]) {
			pr_err("map has the node at pfn %#lx twice\n",
			       kho_in.node_pfns[i]);
			return -EINVAL;
		}

	return 0;
}

static int __init kho_check_map(void)
{
	struct kho_map_check check = {};
	int err;

	if (!kho_valid_node(kho_in.map_phys)) {
		pr_err("root of the map at %pa is not free RAM outside of scratch\n",
		       &kho_in.map_phys);
		return -EINVAL;
	}
	kho_in.tree.root = phys_to_virt(kho_in.map_phys);

	err = kho_collect_nodes();
	if (err)
		return err;

	err = kho_radix_walk_ranges(&kho_in.tree, kho_check_range, &check);
	if (err)
		return err;

	pr_info("%lu pages preserved in %lu ranges, %lu tree nodes\n",
		check.nr_pages, check.nr_ranges, kho_in.nr_nodes);
	return 0;
}

/**
 * kho_read_map - find out what is preserved
 *
 * The first call does it. A map that is refused ends the confinement of memblock
 * to scratch: nothing of it is known to be preserved.
 *
 * Context: Boot, from when all memory is in the direct map.
 */
void __init kho_read_map(void)
{
	if (kho_in.state != KHO_IN_FOUND)
		return;

	if (!kho_check_map()) {
		memblock_reserve(kho_in.fdt_phys, PAGE_SIZE);
		kho_in.state = KHO_IN_READ;
		return;
	}

	pr_err("handover refused: its map of preserved memory is damaged\n");
	memblock_free(kho_in.node_pfns, kho_node_list_size());
	kho_in.node_pfns = NULL;
	kho_in.nr_nodes = 0;
	kho_in.state = KHO_IN_NONE;
	memblock_clear_kho_scratch_only();
}

/*
 * Boot: withhold what is preserved
 */

typedef void (*kho_gap_fn)(unsigned long start_pfn, unsigned long end_pfn,
			   void *arg);

struct kho_gap_walk {
	unsigned long next_pfn;
	kho_gap_fn fn;
	void *arg;
};

static int __init kho_gap_before(phys_addr_t start, phys_addr_t end, void *arg)
{
	struct kho_gap_walk *walk = arg;

	if (walk->next_pfn < PHYS_PFN(start))
		walk->fn(walk->next_pfn, PHYS_PFN(start), walk->arg);
	walk->next_pfn = PHYS_PFN(end);
	return 0;
}

/* Call @fn for each gap between blocks of the map. */
static void __init kho_walk_block_gaps(unsigned long start_pfn,
				       unsigned long end_pfn, kho_gap_fn fn,
				       void *arg)
{
	struct kho_gap_walk walk = {
		.next_pfn = start_pfn,
		.fn = fn,
		.arg = arg,
	};

	if (start_pfn >= end_pfn)
		return;

	kho_radix_walk_window(&kho_in.tree, start_pfn, end_pfn, kho_gap_before,
			      &walk);
	if (walk.next_pfn < end_pfn)
		fn(walk.next_pfn, end_pfn, arg);
}

/* Index of the first node at @pfn or above */
static unsigned long __init kho_first_node(unsigned long pfn)
{
	unsigned long low = 0, high = kho_in.nr_nodes;

	while (low < high) {
		unsigned long mid = low + (high - low) / 2;

		if (kho_in.node_pfns[mid] < pfn)
			low = mid + 1;
		else
			high = mid;
	}

	return low;
}

/* Call @fn for each gap between blocks and nodes of the map. */
static void __init kho_walk_gaps(unsigned long start_pfn, unsigned long end_pfn,
				 kho_gap_fn fn, void *arg)
{
	unsigned long i;

	for (i = kho_first_node(start_pfn);
	     i < kho_in.nr_nodes && kho_in.node_pfns[i] < end_pfn; i++) {
		kho_walk_block_gaps(start_pfn, kho_in.node_pfns[i], fn, arg);
		start_pfn = kho_in.node_pfns[i] + 1;
	}

	kho_walk_block_gaps(start_pfn, end_pfn, fn, arg);
}

struct kho_unpreserved_walk {
	kho_pfn_range_fn fn;
	unsigned long nr_pages;
};

static void __init kho_unpreserved_gap(unsigned long start_pfn,
				       unsigned long end_pfn, void *arg)
{
	struct kho_unpreserved_walk *walk = arg;

	walk->fn(start_pfn, end_pfn);
	walk->nr_pages += end_pfn - start_pfn;
}

/**
 * kho_walk_unpreserved - call a function for what is not preserved
 * @start_pfn: first page frame number of a range
 * @end_pfn:   page frame number behind the range
 * @fn:	       called for each part of the range that the previous kernel has not
 *	       preserved, by rising address
 *
 * Nothing has to be reserved anywhere for preserved memory: whoever frees memory
 * to the page allocator at boot asks here first, for as large a range as it
 * likes. A call costs a few descents into the map and nothing for each page.
 *
 * Context: Boot, until the first initcall. Any; takes no locks, as the map does
 * not change before.
 * Return: the number of pages that @fn was called for.
 */
unsigned long __init kho_walk_unpreserved(unsigned long start_pfn,
					  unsigned long end_pfn,
					  kho_pfn_range_fn fn)
{
	struct kho_unpreserved_walk walk = { .fn = fn };

	if (!is_kho_boot()) {
		fn(start_pfn, end_pfn);
		return end_pfn - start_pfn;
	}

	kho_walk_gaps(start_pfn, end_pfn, kho_unpreserved_gap, &walk);
	return walk.nr_pages;
}

struct kho_find_walk {
	phys_addr_t size;
	phys_addr_t align;
	phys_addr_t found;
};

static void __init kho_find_in_gap(unsigned long start_pfn,
				   unsigned long end_pfn, void *arg)
{
	phys_addr_t start = PFN_PHYS(start_pfn), end = PFN_PHYS(end_pfn);
	struct kho_find_walk *find = arg;
	phys_addr_t addr;

	if (end - start < find->size)
		return;

	addr = round_down(end - find->size, find->align);
	if (addr >= start)
		find->found = addr;
}

/* Window by window, so that what lies below the place is not walked. */
static void __init kho_find_downwards(unsigned long start_pfn,
				      unsigned long end_pfn,
				      struct kho_find_walk *find)
{
	unsigned long nr = PFN_UP(find->size);
	unsigned long window = max(4 * nr, PFN_DOWN((phys_addr_t)SZ_4G));
	unsigned long low;

	for (;;) {
		low = end_pfn - start_pfn > window ? end_pfn - window : start_pfn;
		kho_walk_gaps(low, end_pfn, kho_find_in_gap, find);
		if (find->found || low == start_pfn)
			return;
		/* What begins below the window may reach into it. */
		end_pfn = low + nr - 1;
	}
}

/**
 * kho_find_unpreserved - find room outside of preserved memory
 * @start: physical address of a range of memory that is otherwise free
 * @end:   physical address behind the range
 * @size:  bytes to find
 * @align: alignment in bytes, a power of two
 *
 * Context: Boot, until the first initcall.
 * Return: the highest physical address that fits, 0 if none does or if it is
 * not known what is preserved.
 */
phys_addr_t __init kho_find_unpreserved(phys_addr_t start, phys_addr_t end,
					phys_addr_t size, phys_addr_t align)
{
	struct kho_find_walk find = { .size = size, .align = align };
	unsigned long start_pfn = PFN_UP(start), end_pfn = PFN_DOWN(end);

	if (start_pfn >= end_pfn)
		return 0;

	if (kho_in.state == KHO_IN_READ)
		kho_find_downwards(start_pfn, end_pfn, &find);
	else if (kho_in.state == KHO_IN_NONE)
		kho_find_in_gap(start_pfn, end_pfn, &find);

	return find.found;
}

/*
 * Boot: scratch
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

	/* It is freed in a moment, and only to be used by movable pages. */
	kmemleak_ignore_phys(scratch->addr);
	return true;
}

static phys_addr_t __init kho_half(phys_addr_t size)
{
	return round_up(size / 2, KHO_SCRATCH_ALIGN);
}

/* The kernel may lie right in the middle: then half the size is tried, twice. */
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

/* The software IOMMU's buffer will be allocated after scratch is. */
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

/* What lies below the limit has been counted there. */
static phys_addr_t __init kho_node_size(int nid)
{
	if (!kho_scratch_option.percent)
		return kho_scratch_option.node;

	return kho_scaled(memblock_kernel_reserved_size(PHYS_ADDR_MAX, nid) -
			  memblock_kernel_reserved_size(KHO_LOW_END, nid));
}

static int __init kho_alloc_scratches(void)
{
	phys_addr_t low = kho_low_size();
	int nid, err;

	err = kho_alloc_scratch(low, KHO_LOW_END, NUMA_NO_NODE);
	if (!err)
		err = kho_alloc_scratch(kho_scratch_option.global,
					MEMBLOCK_ALLOC_ACCESSIBLE, NUMA_NO_NODE);
	if (err)
		return err;

	/* A node without room can do without: the next kernel goes elsewhere. */
	for_each_node_state(nid, N_MEMORY)
		kho_alloc_scratch(kho_node_size(nid), MEMBLOCK_ALLOC_ACCESSIBLE,
				  nid);

	return kho_scratch_cnt ? 0 : -ENOMEM;
}

static unsigned int __init kho_nr_firmware_regions(void)
{
	const struct memblock_region *region;
	unsigned int nr = 0;

	for_each_reserved_mem_region(region)
		if (region->flags & MEMBLOCK_RSRV_FIRMWARE)
			nr++;

	return nr;
}

static int __init kho_alloc_homes(unsigned int scratch_cnt)
{
	/* A hole splits a range of memory in two at most. */
	kho_homes_size = array_size(memblock.memory.cnt + scratch_cnt +
				    kho_nr_firmware_regions(),
				    sizeof(*kho_homes));
	kho_homes = memblock_alloc(kho_homes_size, SMP_CACHE_BYTES);

	return kho_homes ? 0 : -ENOMEM;
}

static size_t __init kho_scratch_array_size(unsigned int cnt)
{
	return array_size(cnt, sizeof(*kho_scratch));
}

static int __init kho_alloc_scratch_array(unsigned int cnt)
{
	kho_scratch = memblock_alloc(kho_scratch_array_size(cnt), PAGE_SIZE);

	return kho_scratch ? 0 : -ENOMEM;
}

static int __init kho_cmp_scratch(const void *a, const void *b)
{
	const struct kho_scratch *scratch_a = a, *scratch_b = b;

	return (scratch_a->addr > scratch_b->addr) -
	       (scratch_a->addr < scratch_b->addr);
}

static int __init kho_reserve_scratch(void)
{
	unsigned int cnt = (2 + num_node_state(N_MEMORY)) * KHO_SCRATCH_PARTS;
	int err;

	err = kho_alloc_homes(cnt);
	if (!err)
		err = kho_alloc_scratch_array(cnt);
	if (err)
		return err;

	err = kho_alloc_scratches();
	if (!err) {
		/* Loaders of images go upwards through holes in memory. */
		sort(kho_scratch, kho_scratch_cnt, sizeof(*kho_scratch),
		     kho_cmp_scratch, NULL);
		return 0;
	}

	while (kho_scratch_cnt) {
		kho_scratch_cnt--;
		memblock_phys_free(kho_scratch[kho_scratch_cnt].addr,
				   kho_scratch[kho_scratch_cnt].size);
	}
	memblock_free(kho_scratch, kho_scratch_array_size(cnt));
	kho_scratch = NULL;
	return err;
}

/* Unchanged, so that any number of handovers can follow */
static int __init kho_inherit_scratch(void)
{
	int err = kho_alloc_homes(kho_in.scratch_cnt);

	if (!err)
		err = kho_alloc_scratch_array(kho_in.scratch_cnt);
	if (err)
		return err;

	kho_scratch_cnt = kho_in.scratch_cnt;
	memcpy(kho_scratch, phys_to_virt(kho_in.scratch_phys),
	       kho_scratch_cnt * sizeof(*kho_scratch));
	return 0;
}

/* Neighbours of different node or flags are one range here. */
static void __init kho_add_home(unsigned long start_pfn, unsigned long end_pfn)
{
	if (start_pfn >= end_pfn)
		return;

	if (kho_homes_cnt && kho_homes[kho_homes_cnt - 1].end == start_pfn)
		kho_homes_cnt--;
	else
		kho_homes[kho_homes_cnt].start = start_pfn;
	kho_homes[kho_homes_cnt++].end = end_pfn;
}

/* Is [@addr, @addr + @size) the lowest so far of what is at or above @start? */
static void __init kho_lower_hole(phys_addr_t start, phys_addr_t addr,
				  phys_addr_t size, struct range *hole)
{
	if (addr + size > start && addr < hole->start) {
		hole->start = addr;
		hole->end = addr + size;
	}
}

/*
 * What of a range is no home, from its lowest address on; nothing if all is. @hole
 * has physical addresses, and its end is behind it.
 */
static bool __init kho_first_hole(phys_addr_t start, phys_addr_t end,
				  struct range *hole)
{
	const struct memblock_region *region;
	unsigned int i;

	hole->start = end;
	for (i = 0; i < kho_scratch_cnt; i++)
		kho_lower_hole(start, kho_scratch[i].addr, kho_scratch[i].size,
			       hole);

	/* The next kernel will reserve it as well. */
	for_each_reserved_mem_region(region)
		if (region->flags & MEMBLOCK_RSRV_FIRMWARE)
			kho_lower_hole(start, region->base, region->size, hole);

	return hole->start < end;
}

static void __init kho_note_homes(void)
{
	phys_addr_t start, end;
	struct range hole;
	u64 i;

	for_each_mem_range(i, &start, &end) {
		while (start < end && kho_first_hole(start, end, &hole)) {
			kho_add_home(PFN_UP(start), PFN_DOWN(hole.start));
			start = hole.end;
		}
		kho_add_home(PFN_UP(start), PFN_DOWN(end));
	}
}

/* From now on nobody reserves memory that is not free. */
static void __init kho_note_reserved(void)
{
	const struct memblock_region *region;

	if (!is_kho_boot())
		return;

	for_each_reserved_mem_region(region)
		if (kho_radix_overlaps(&kho_in.tree, PFN_DOWN(region->base),
				       PFN_UP(region->base + region->size) -
				       PFN_DOWN(region->base)))
			kho_in.some_reserved = true;
}

static void __init kho_print_scratch(void)
{
	unsigned int i;

	for (i = 0; i < kho_scratch_cnt; i++)
		pr_info("scratch: [mem %#018llx-%#018llx]\n",
			(u64)kho_scratch[i].addr,
			(u64)(kho_scratch[i].addr + kho_scratch[i].size - 1));
}

/**
 * kho_memory_init - find out what is preserved, or reserve scratch
 *
 * Context: Boot, before memory is freed to the page allocator.
 */
void __init kho_memory_init(void)
{
	int err;

	if (!kho_enable)
		return;

	/* A map that is refused leaves scratch what it was. */
	kho_read_map();
	err = kho_scratch_inherited ? kho_inherit_scratch() :
				      kho_reserve_scratch();
	if (err) {
		pr_err("disabled: no memory for scratch; see kho_scratch=\n");
		memblock_free(kho_homes, kho_homes_size);
		kho_homes = NULL;
		kho_enable = false;
		return;
	}

	kho_note_homes();
	kho_note_reserved();
	kho_print_scratch();
}

/*
 * Initcall: ready for preserving and restoring
 */

/* What is free of it has been freed, with the right type, as all free memory. */
static void __init kho_init_inherited_block(struct page *page)
{
	page_zone(page)->cma_pages += pageblock_nr_pages;
}

static void __init kho_init_scratch_blocks(void (*init)(struct page *page))
{
	unsigned long pfn, end_pfn;
	unsigned int i;

	for (i = 0; i < kho_scratch_cnt; i++) {
		pfn = PHYS_PFN(kho_scratch[i].addr);
		end_pfn = pfn + PHYS_PFN(kho_scratch[i].size);
		totalcma_pages += end_pfn - pfn;

		for (; pfn < end_pfn; pfn += pageblock_nr_pages)
			init(pfn_to_page(pfn));
	}
}

/* The nodes become pages like any other, so that they can be freed one by one. */
static void __init kho_adopt_incoming(void)
{
	size_t size = kho_node_list_size();

	if (!is_kho_boot())
		return;

	kho_radix_adopt(&kho_in.tree);
	kmemleak_free_part_phys(virt_to_phys(kho_in.node_pfns), size);
	free_reserved_area(kho_in.node_pfns, (void *)kho_in.node_pfns + size, -1,
			   NULL);
	kho_in.node_pfns = NULL;
	kho_in.adopted = true;
}

static int __init kho_create_root(void *fdt)
{
	u64 map = virt_to_phys(kho_out.tree.root);
	int err;

	err = fdt_create(fdt, PAGE_SIZE);
	err = err ?: fdt_finish_reservemap(fdt);
	err = err ?: fdt_begin_node(fdt, "");
	err = err ?: fdt_property_string(fdt, "compatible", KHO_FDT_COMPATIBLE);
	err = err ?: fdt_property(fdt, KHO_FDT_MEMORY_MAP_PROP_NAME, &map,
				  sizeof(map));
	err = err ?: fdt_end_node(fdt);
	err = err ?: fdt_finish(fdt);

	/* The rest of the page is room for subtrees. */
	err = err ?: fdt_open_into(fdt, fdt, PAGE_SIZE);
	return err ? -EINVAL : 0;
}

static int __init kho_init_outgoing(void)
{
	void *fdt;
	int err;

	err = kho_radix_init(&kho_out.tree);
	if (err)
		return err;

	/* Unmovable, so it is not in scratch. */
	fdt = (void *)get_zeroed_page(GFP_KERNEL);
	err = fdt ? kho_create_root(fdt) : -ENOMEM;
	if (err) {
		free_page((unsigned long)fdt);
		kho_radix_destroy(&kho_out.tree);
		/* Who preserves takes it first, to be told that there is no FDT. */
		mutex_init(&kho_out.tree.lock);
		return err;
	}

	kho_out.fdt = fdt;
	return 0;
}

static bool __init kho_valid_metadata(const struct kho_kexec_metadata *metadata,
				      size_t size)
{
	const char *release = metadata->previous_release;

	return size >= sizeof(*metadata) &&
	       metadata->version == KHO_METADATA_VERSION &&
	       strnlen(release, KHO_METADATA_RELEASE_LENGTH) <
	       KHO_METADATA_RELEASE_LENGTH;
}

/* Kexecs since the last cold boot, as far as the previous kernel told */
static u32 __init kho_read_metadata(void)
{
	const struct kho_kexec_metadata *metadata;
	phys_addr_t phys;
	size_t size;
	u32 count;
	int err;

	err = kho_retrieve_subtree(KHO_METADATA_NODE_NAME, &phys, &size);
	if (err == -ENOENT)
		return 0;
	if (err || !kho_valid_metadata(phys_to_virt(phys), size)) {
		pr_warn("exec from: unknown, its metadata is damaged or of another version\n");
		return 0;
	}

	metadata = phys_to_virt(phys);
	count = metadata->kexec_count;
	pr_info("exec from: %*pE (count %u)\n",
		(int)strlen(metadata->previous_release),
		metadata->previous_release, count);

	kho_restore_free(phys_to_virt(phys));
	return count;
}

/* Only for the log: a kernel without room for it hands over all the same. */
static void __init kho_init_metadata(void)
{
	u32 count = kho_read_metadata();
	struct kho_kexec_metadata *metadata;

	metadata = kho_alloc_preserve(sizeof(*metadata));
	if (IS_ERR(metadata))
		return;

	metadata->version = KHO_METADATA_VERSION;
	metadata->kexec_count = count + 1;
	strscpy(metadata->previous_release, init_utsname()->release);
	if (kho_add_subtree(KHO_METADATA_NODE_NAME, metadata, sizeof(*metadata)))
		kho_unpreserve_free(metadata);
}

/*
 * libfdt moves things around: the other CPUs must not be stopped in the middle
 * of it. The tree needs no such care, it is consistent at any moment.
 */
static int kho_close(struct notifier_block *nb, unsigned long action, void *data)
{
	guard(mutex)(&kho_out.fdt_lock);
	kho_out.closed = kexec_in_progress;
	return NOTIFY_DONE;
}

static struct notifier_block kho_reboot_notifier = {
	.notifier_call = kho_close,
};

static int __init kho_init(void)
{
	int err;

	if (!kho_enable)
		return 0;

	kho_init_scratch_blocks(kho_scratch_inherited ?
				kho_init_inherited_block :
				init_cma_reserved_pageblock);
	kho_adopt_incoming();
	err = kho_init_outgoing();
	if (err) {
		pr_err("disabled: could not set up outgoing state (%d)\n", err);
		kho_enable = false;
		return err;
	}

	kho_debugfs_keep_incoming();
	kho_init_metadata();
	register_reboot_notifier(&kho_reboot_notifier);
	return 0;
}
core_initcall(kho_init);

/*
 * Preserving
 */

/* Where @pfn can be preserved, NULL if it can't */
static const struct range *kho_find_home(unsigned long pfn)
{
	unsigned int i;

	for (i = 0; i < kho_homes_cnt; i++)
		if (pfn >= kho_homes[i].start && pfn < kho_homes[i].end)
			return &kho_homes[i];

	return NULL;
}

static bool kho_has_home(unsigned long pfn, unsigned long nr)
{
	const struct range *home = kho_find_home(pfn);

	return home && nr <= home->end - pfn;
}

/* Whoever comes next is likely to have the same home. */
static void kho_remember_home(const struct range *home)
{
	guard(mutex)(&kho_out.tree.lock);
	kho_out.home = *home;
}

/* Would the pages survive, and would the next kernel know them as RAM? */
static int kho_check_preservable(unsigned long pfn, unsigned long nr)
{
	const struct range *home = kho_find_home(pfn);

	if (!kho_out.fdt)
		return -EOPNOTSUPP;
	if (!home || !nr || nr > home->end - pfn)
		return -EINVAL;

	if (IS_ENABLED(CONFIG_KEXEC_HANDOVER_DEBUG) &&
	    kho_radix_overlaps(&kho_out.tree, pfn, nr)) {
		pr_err("of %lu pages from pfn %#lx on, some are preserved already\n",
		       nr, pfn);
		return -EEXIST;
	}

	kho_remember_home(home);
	return 0;
}

static void kho_forget(unsigned long pfn, unsigned long nr, unsigned int order)
{
	int err;

	if (!kho_out.fdt)
		return;

	if (nr == 1)
		err = kho_radix_del_page(&kho_out.tree, pfn, order);
	else
		err = kho_radix_del_range(&kho_out.tree, pfn, nr, order);
	WARN_ONCE(err, "KHO: %lu blocks of order %u at pfn %#lx were not preserved\n",
		  nr, order, pfn);
}

static noinline int kho_preserve_block(unsigned long pfn, unsigned int order)
{
	int err = kho_check_preservable(pfn, 1UL << order);

	return err ?: kho_radix_add_page(&kho_out.tree, pfn, order);
}

/**
 * kho_preserve_folio - preserve a folio over the next kexec
 * @folio: the folio; it must stay allocated and in its place until it is
 *	   unpreserved or the kexec happens
 *
 * Content that is written after this call, up to the kexec, is preserved too.
 *
 * Context: May sleep.
 * Return: 0; -EOPNOTSUPP if kexec handover is off; -EINVAL if the folio lies in
 * scratch or where the next kernel would not see RAM; -EEXIST if it is preserved
 * already; -ENOMEM.
 */
int kho_preserve_folio(struct folio *folio)
{
	unsigned int order = folio_order(folio);
	unsigned long pfn = folio_pfn(folio);
	bool done;

	mutex_lock(&kho_out.tree.lock);
	done = pfn >= kho_out.home.start &&
	       pfn + (1UL << order) <= kho_out.home.end &&
	       kho_radix_add_to_last(&kho_out.tree, pfn, order);
	mutex_unlock(&kho_out.tree.lock);

	return likely(done) ? 0 : kho_preserve_block(pfn, order);
}
EXPORT_SYMBOL_GPL(kho_preserve_folio);

/**
 * kho_unpreserve_folio - undo kho_preserve_folio()
 * @folio: a preserved folio
 *
 * Context: May sleep.
 */
void kho_unpreserve_folio(struct folio *folio)
{
	unsigned int order = folio_order(folio);
	unsigned long pfn = folio_pfn(folio);
	bool done;

	mutex_lock(&kho_out.tree.lock);
	done = kho_radix_del_from_last(&kho_out.tree, pfn, order);
	mutex_unlock(&kho_out.tree.lock);

	if (unlikely(!done))
		kho_forget(pfn, 1, order);
}
EXPORT_SYMBOL_GPL(kho_unpreserve_folio);

/* How many of @folios from the first on are neighbours, and single pages? */
static unsigned long kho_page_run(struct folio **folios, unsigned long nr)
{
	struct page *next = folio_page(folios[0], 0);
	unsigned long i;

	for (i = 0; i < nr && folios[i] == (struct folio *)next &&
	     !folio_test_large(folios[i]); i++)
		next++;

	return i;
}

/* How many of @folios from the first on are neighbours of the same order? */
static unsigned long kho_folio_run(struct folio **folios, unsigned long nr)
{
	unsigned int order = folio_order(folios[0]);
	unsigned long pfn = folio_pfn(folios[0]), i;
	unsigned long chunk_end = ALIGN(pfn + 1, MAX_ORDER_NR_PAGES);

	/*
	 * There may be very many single pages: the least work for each. Struct
	 * pages are contiguous for as many as the page allocator has.
	 */
	if (!order)
		return kho_page_run(folios, min(nr, chunk_end - pfn));

	for (i = 1; i < nr && folio_order(folios[i]) == order; i++)
		if (folio_pfn(folios[i]) != pfn + (i << order))
			break;

	return i;
}

static int kho_preserve_run(struct folio **folios, unsigned long run)
{
	unsigned long pfn = folio_pfn(folios[0]);
	unsigned int order = folio_order(folios[0]);
	int err;

	if (run == 1)
		return kho_preserve_folio(folios[0]);

	err = kho_check_preservable(pfn, run << order);
	return err ?: kho_radix_add_range(&kho_out.tree, pfn, run, order);
}

static void kho_unpreserve_run(struct folio **folios, unsigned long run)
{
	if (run == 1)
		kho_unpreserve_folio(folios[0]);
	else
		kho_forget(folio_pfn(folios[0]), run, folio_order(folios[0]));
}

/**
 * kho_preserve_folios - preserve many folios over the next kexec
 * @folios: array of the folios
 * @nr:	    number of folios in the array
 *
 * Like kho_preserve_folio() for each of them, but faster: folios that follow one
 * another in memory as in the array, and are of the same order, are preserved at
 * once.
 *
 * Context: May sleep.
 * Return: 0, or an error of kho_preserve_folio(); then none of them is preserved.
 */
int kho_preserve_folios(struct folio **folios, unsigned long nr)
{
	unsigned long i, run;
	int err;

	for (i = 0; i < nr; i += run) {
		run = kho_folio_run(folios + i, nr - i);
		err = kho_preserve_run(folios + i, run);
		if (err) {
			kho_unpreserve_folios(folios, i);
			return err;
		}
		cond_resched();
	}

	return 0;
}
EXPORT_SYMBOL_GPL(kho_preserve_folios);

/**
 * kho_unpreserve_folios - undo kho_preserve_folios()
 * @folios: array of preserved folios
 * @nr:	    number of folios in the array
 *
 * Context: May sleep.
 */
void kho_unpreserve_folios(struct folio **folios, unsigned long nr)
{
	unsigned long i, run;

	for (i = 0; i < nr; i += run) {
		run = kho_folio_run(folios + i, nr - i);
		kho_unpreserve_run(folios + i, run);
		cond_resched();
	}
}
EXPORT_SYMBOL_GPL(kho_unpreserve_folios);

/*
 * The order of the largest block that starts at @pfn, ends at @end_pfn at most,
 * and lies on one node: the next kernel gives it back as a whole.
 */
static unsigned int kho_block_order(unsigned long pfn, unsigned long end_pfn)
{
	unsigned int order = min_t(unsigned int, __ffs(pfn | 1UL << KHO_RADIX_MAX_ORDER),
				   ilog2(end_pfn - pfn));
	unsigned long next_pfn;

	for (next_pfn = pageblock_end_pfn(pfn);
	     next_pfn < pfn + (1UL << order) && order;
	     next_pfn += pageblock_nr_pages)
		while (next_pfn < pfn + (1UL << order) &&
		       pfn_to_nid(next_pfn) != pfn_to_nid(pfn))
			order--;

	/* Nodes may meet inside of a pageblock, too. */
	while (order && pfn_to_nid(pfn + (1UL << order) - 1) != pfn_to_nid(pfn))
		order--;

	return order;
}

/* A range that ends where a block did is made up of the same blocks. */
static void kho_forget_pages(unsigned long pfn, unsigned long end_pfn)
{
	unsigned int order;

	for (; pfn < end_pfn; pfn += 1UL << order) {
		order = kho_block_order(pfn, end_pfn);
		kho_forget(pfn, 1, order);
	}
}

/**
 * kho_preserve_pages - preserve contiguous pages over the next kexec
 * @page: the first page
 * @nr:	  number of pages
 *
 * The pages are single ones: each has a reference count of its own, in the next
 * kernel too. They are kept in as few blocks as possible, so the same range has
 * to be given to kho_unpreserve_pages() and kho_restore_pages().
 *
 * Context: May sleep.
 * Return: 0, or an error of kho_preserve_folio(); then none of them is preserved.
 */
int kho_preserve_pages(struct page *page, unsigned long nr)
{
	unsigned long start_pfn = page_to_pfn(page);
	unsigned long pfn, end_pfn = start_pfn + nr;
	unsigned int order;
	int err;

	err = kho_check_preservable(start_pfn, nr);
	if (err)
		return err;

	for (pfn = start_pfn; pfn < end_pfn; pfn += 1UL << order) {
		order = kho_block_order(pfn, end_pfn);
		err = kho_radix_add_page(&kho_out.tree, pfn, order);
		if (err) {
			kho_forget_pages(start_pfn, pfn);
			return err;
		}
	}

	return 0;
}
EXPORT_SYMBOL_GPL(kho_preserve_pages);

/**
 * kho_unpreserve_pages - undo kho_preserve_pages()
 * @page: the first page, as it was given to kho_preserve_pages()
 * @nr:	  number of pages, likewise
 *
 * Context: May sleep.
 */
void kho_unpreserve_pages(struct page *page, unsigned long nr)
{
	kho_forget_pages(page_to_pfn(page), page_to_pfn(page) + nr);
}
EXPORT_SYMBOL_GPL(kho_unpreserve_pages);

/*
 * Restoring
 */

/**
 * kho_incoming_contains - is a range wholly preserved by the previous kernel?
 * @phys: physical address of the range
 * @size: its size in bytes
 *
 * The check to make first on every address that was handed over.
 *
 * Context: May sleep; from early initcalls on.
 * Return: true if all pages of the range are preserved and have not been
 * restored; false for an empty range.
 */
bool kho_incoming_contains(phys_addr_t phys, size_t size)
{
	phys_addr_t end;

	KUNIT_STATIC_STUB_REDIRECT(kho_incoming_contains, phys, size);

	if (!is_kho_boot() || !size || check_add_overflow(phys, size, &end))
		return false;

	return kho_radix_contains(&kho_in.tree, PHYS_PFN(phys),
				  PHYS_PFN(end - 1) - PHYS_PFN(phys) + 1);
}
EXPORT_SYMBOL_GPL(kho_incoming_contains);

/**
 * kho_incoming_order - how large is a block that the previous kernel preserved?
 * @phys: physical address of the block
 *
 * Context: May sleep; from early initcalls on.
 * Return: log2 of the block's size in pages; -ENOENT if no preserved block starts
 * at @phys, or it was restored.
 */
int kho_incoming_order(phys_addr_t phys)
{
	if (!is_kho_boot() || !PAGE_ALIGNED(phys))
		return -ENOENT;

	return kho_radix_block_order(&kho_in.tree, PHYS_PFN(phys));
}
EXPORT_SYMBOL_GPL(kho_incoming_order);

/*
 * Withheld pages are as boot has initialized them: allocated, but not managed.
 * A block may be larger than what struct pages are contiguous for, and cross a
 * zone's end in this kernel.
 */
static void kho_manage_pages(unsigned long pfn, unsigned long nr)
{
	unsigned long end_pfn = pfn + nr;

	while (pfn < end_pfn) {
		unsigned long chunk_end = min(end_pfn, ALIGN(pfn + 1, MAX_ORDER_NR_PAGES));
		struct page *page = pfn_to_page(pfn);

		adjust_managed_page_count(page, chunk_end - pfn);
		for (; pfn < chunk_end; pfn++, page++)
			clear_page_tag_ref(page);
		cond_resched();
	}
}

/**
 * kho_adopt_page - make a page that was withheld at boot an allocated page
 * @page: the page
 *
 * Context: May sleep; when all struct pages are initialized.
 */
void kho_adopt_page(struct page *page)
{
	kho_manage_pages(page_to_pfn(page), 1);
	init_page_count(page);
}

static bool kho_can_restore(phys_addr_t phys)
{
	return is_kho_boot() && kho_in.adopted && PAGE_ALIGNED(phys);
}

/*
 * What this kernel reserved at boot is not to be restored, even if the map has
 * it: a reserve_mem= region that was revived, the root FDT, what firmware placed.
 */
static bool kho_is_withheld(unsigned long pfn, unsigned long nr)
{
	unsigned long end_pfn = pfn + nr, flags = 0;

	if (!kho_in.some_reserved)
		return true;

	/* Struct pages are contiguous for as many as the page allocator has. */
	while (pfn < end_pfn) {
		unsigned long chunk_end = min(end_pfn, ALIGN(pfn + 1, MAX_ORDER_NR_PAGES));
		const struct page *page = pfn_to_page(pfn);

		for (; pfn < chunk_end; pfn++, page++)
			flags |= page->flags;
	}

	return !(flags & BIT(PG_reserved));
}

/* Take the block that starts at @pfn out of the map. */
static int kho_take_block(unsigned long pfn, unsigned long max_nr)
{
	int order = kho_radix_block_order(&kho_in.tree, pfn);

	if (order < 0 || 1UL << order > max_nr ||
	    !kho_is_withheld(pfn, 1UL << order))
		return -ENOENT;

	return kho_radix_del_page(&kho_in.tree, pfn, order) ?: order;
}

static __always_inline void kho_make_tail(struct page *page, unsigned long i)
{
	page[i].mapping = TAIL_MAPPING;
	set_compound_head(page + i, page);
	set_page_count(page + i, 0);
}

/*
 * As prep_compound_page(), for pages that are as boot has initialized them: each
 * has a reference, and nothing in it that would have to be cleared.
 */
static void kho_make_compound(struct folio *folio, unsigned int order)
{
	unsigned long nr = 1UL << order, i;
	struct page *page = &folio->page;

	__folio_set_head(folio);
	kho_make_tail(page, 1);
	for (i = 2; i < nr; i += 2) {
		kho_make_tail(page, i);
		kho_make_tail(page, i + 1);
	}
	prep_compound_head(page, order);
}

/**
 * kho_restore_folio - take over a folio that the previous kernel preserved
 * @phys: physical address of the folio
 *
 * The folio is the caller's, with one reference, like one from folio_alloc().
 *
 * Context: May sleep; from the initcall level after core on.
 * Return: the folio; NULL if none is preserved at @phys, if it was restored
 * before, or if its order is above MAX_PAGE_ORDER.
 */
struct folio *kho_restore_folio(phys_addr_t phys)
{
	struct folio *folio;
	int order;

	KUNIT_STATIC_STUB_REDIRECT(kho_restore_folio, phys);

	if (!kho_can_restore(phys))
		return NULL;

	order = kho_take_block(PHYS_PFN(phys), MAX_ORDER_NR_PAGES);
	if (order < 0)
		return NULL;

	kho_manage_pages(PHYS_PFN(phys), 1UL << order);
	folio = (struct folio *)pfn_to_page(PHYS_PFN(phys));
	if (order)
		kho_make_compound(folio, order);

	return page_rmappable_folio(&folio->page);
}
EXPORT_SYMBOL_GPL(kho_restore_folio);

/* How many of the addresses from the first on are those of neighbouring pages? */
static unsigned int kho_phys_run(const phys_addr_t *phys, unsigned int nr)
{
	unsigned int i;

	for (i = 1; i < nr; i++)
		if (phys[i] != phys[i - 1] + PAGE_SIZE)
			break;

	return i;
}

/* Take over single pages that lie one behind another: all of them, or none. */
static bool kho_take_run(phys_addr_t phys, unsigned int nr)
{
	unsigned long pfn = PHYS_PFN(phys);

	if (!kho_can_restore(phys) ||
	    !kho_radix_test_range(&kho_in.tree, pfn, nr, 0) ||
	    !kho_is_withheld(pfn, nr) ||
	    kho_radix_del_range(&kho_in.tree, pfn, nr, 0))
		return false;

	kho_manage_pages(pfn, nr);
	return true;
}

/**
 * kho_restore_folios - take over many folios that the previous kernel preserved
 * @phys:   array of their physical addresses
 * @folios: where to store them; NULL in place of one that can't be had
 * @nr:	    number of entries in both arrays
 *
 * Like kho_restore_folio() for each of them, but faster if there are single pages
 * among them that follow one another in memory as in the array.
 *
 * Context: May sleep; from the initcall level after core on.
 */
void kho_restore_folios(const phys_addr_t *phys, struct folio **folios,
			unsigned int nr)
{
	unsigned int i = 0, end;

	while (i < nr) {
		end = i + kho_phys_run(phys + i, nr - i);
		if (end - i > 1 && kho_take_run(phys[i], end - i))
			for (; i < end; i++)
				folios[i] = pfn_folio(PHYS_PFN(phys[i]));
		else
			for (; i < end; i++)
				folios[i] = kho_restore_folio(phys[i]);
	}
}
EXPORT_SYMBOL_GPL(kho_restore_folios);

/**
 * kho_incoming_has_pages - is a range what was given to kho_preserve_pages()?
 * @phys: physical address of the first page
 * @nr:	  number of pages
 *
 * Context: May sleep; from when the map has been read.
 * Return: true if whole blocks make up the range, none of which has been
 * restored; false for an empty range.
 */
bool kho_incoming_has_pages(phys_addr_t phys, unsigned long nr)
{
	unsigned long pfn = PHYS_PFN(phys), end_pfn;

	KUNIT_STATIC_STUB_REDIRECT(kho_incoming_has_pages, phys, nr);

	if (!is_kho_boot() || !nr || !PAGE_ALIGNED(phys) ||
	    check_add_overflow(pfn, nr, &end_pfn))
		return false;

	while (pfn < end_pfn) {
		int order = kho_radix_block_order(&kho_in.tree, pfn);

		if (order < 0 || 1UL << order > end_pfn - pfn)
			return false;
		pfn += 1UL << order;
	}

	return true;
}

static void kho_free_pages(unsigned long pfn, unsigned long end_pfn)
{
	for (; pfn < end_pfn; pfn++)
		__free_page(pfn_to_page(pfn));
}

/**
 * kho_restore_pages - take over pages that the previous kernel preserved
 * @phys: physical address of the first page
 * @nr:	  number of pages
 *
 * The pages are the caller's, each with one reference.
 *
 * Context: May sleep; from the initcall level after core on.
 * Return: the first page; NULL if @nr pages from @phys on are not what was given
 * to kho_preserve_pages(), or were restored before. Then nothing is restored.
 */
struct page *kho_restore_pages(phys_addr_t phys, unsigned long nr)
{
	unsigned long start_pfn = PHYS_PFN(phys), end_pfn = start_pfn + nr;
	unsigned long pfn;

	KUNIT_STATIC_STUB_REDIRECT(kho_restore_pages, phys, nr);

	if (!kho_can_restore(phys) || !kho_incoming_has_pages(phys, nr) ||
	    !kho_is_withheld(start_pfn, nr))
		return NULL;

	for (pfn = start_pfn; pfn < end_pfn;) {
		int order = kho_take_block(pfn, end_pfn - pfn);

		/* Only if the same pages are restored twice at the same time */
		if (order < 0) {
			kho_free_pages(start_pfn, pfn);
			return NULL;
		}

		kho_manage_pages(pfn, 1UL << order);
		pfn += 1UL << order;
	}

	return pfn_to_page(start_pfn);
}
EXPORT_SYMBOL_GPL(kho_restore_pages);

/*
 * Memory for serialized state
 */

/**
 * kho_alloc_folio - allocate memory that the next kernel finds where it was
 * @order: log2 of its size in pages
 *
 * Memory that was plugged in after boot is not in the memory map that the next
 * kernel gets. Low memory was there at boot.
 *
 * Context: May sleep.
 * Return: a zeroed, unmovable folio, or NULL.
 */
struct folio *kho_alloc_folio(unsigned int order)
{
	gfp_t gfp = GFP_KERNEL | __GFP_ZERO;
	struct folio *folio = folio_alloc(gfp, order);

	if (!folio || !kho_homes_cnt || kho_has_home(folio_pfn(folio), 1UL << order))
		return folio;

	folio_put(folio);
	folio = folio_alloc(gfp | GFP_DMA32, order);
	if (!folio || kho_has_home(folio_pfn(folio), 1UL << order))
		return folio;

	folio_put(folio);
	return NULL;
}

/**
 * kho_alloc_preserve - allocate memory for state that is handed over
 * @size: in bytes
 *
 * Context: May sleep.
 * Return: zeroed, physically contiguous, preserved memory, page aligned; an
 * ERR_PTR() of -EINVAL if @size is 0, -E2BIG if it is larger than the page
 * allocator's largest block, -EOPNOTSUPP if kexec handover is off, or -ENOMEM.
 */
void *kho_alloc_preserve(size_t size)
{
	struct folio *folio;
	unsigned int order;
	int err;

	if (!kho_out.fdt)
		return ERR_PTR(-EOPNOTSUPP);
	if (!size)
		return ERR_PTR(-EINVAL);

	order = get_order(size);
	if (order > MAX_PAGE_ORDER)
		return ERR_PTR(-E2BIG);

	folio = kho_alloc_folio(order);
	if (!folio)
		return ERR_PTR(-ENOMEM);

	err = kho_preserve_folio(folio);
	if (err) {
		folio_put(folio);
		return ERR_PTR(err);
	}

	return folio_address(folio);
}
EXPORT_SYMBOL_GPL(kho_alloc_preserve);

/**
 * kho_unpreserve_free - undo kho_alloc_preserve()
 * @mem: what kho_alloc_preserve() returned; NULL and error pointers are ignored
 *
 * Context: May sleep.
 */
void kho_unpreserve_free(void *mem)
{
	struct folio *folio;

	if (IS_ERR_OR_NULL(mem))
		return;

	folio = virt_to_folio(mem);
	kho_unpreserve_folio(folio);
	folio_put(folio);
}
EXPORT_SYMBOL_GPL(kho_unpreserve_free);

/**
 * kho_restore_free - free memory that the previous kernel's kho_alloc_preserve()
 *		      gave out
 * @mem: its address in the direct map; nothing happens if it is not preserved
 *	 or was restored before
 *
 * Context: May sleep; from the initcall level after core on.
 */
void kho_restore_free(void *mem)
{
	struct folio *folio;

	KUNIT_STATIC_STUB_REDIRECT(kho_restore_free, mem);

	if (IS_ERR_OR_NULL(mem))
		return;

	folio = kho_restore_folio(virt_to_phys(mem));
	if (folio)
		folio_put(folio);
}
EXPORT_SYMBOL_GPL(kho_restore_free);

/*
 * Subtrees
 */

/* Unlike fdt_subnode_offset(), don't take "name@1" for "name". */
static int kho_find_subtree(const void *fdt, const char *wanted)
{
	const char *name;
	int node;

	fdt_for_each_subnode(node, fdt, 0) {
		name = fdt_get_name(fdt, node, NULL);
		if (name && !strcmp(name, wanted))
			return node;
	}

	return node;
}

static int kho_add_blob(void *fdt, const char *name, u64 phys, u64 size)
{
	int node = fdt_add_subnode(fdt, 0, name);

	if (node < 0)
		return node == -FDT_ERR_NOSPACE ? -ENOMEM : -EINVAL;

	/* A property is put in front of those that are there. */
	if (!fdt_setprop(fdt, node, KHO_SUB_TREE_SIZE_PROP_NAME, &size,
			 sizeof(size)) &&
	    !fdt_setprop(fdt, node, KHO_SUB_TREE_PROP_NAME, &phys, sizeof(phys)))
		return 0;

	fdt_del_node(fdt, node);
	return -ENOMEM;
}

/**
 * kho_add_subtree - hand over a blob by name
 * @name: a name that no other blob has
 * @blob: the blob in the direct map; its owner preserves its memory
 * @size: its size in bytes
 *
 * Context: May sleep.
 * Return: 0; -EEXIST if the name is taken; -ENOMEM if the root FDT is full;
 * -EINVAL for an empty name, one with a slash or an at sign, or an empty blob;
 * -EBUSY if a kexec is under way; -EOPNOTSUPP if kexec handover is off.
 */
int kho_add_subtree(const char *name, void *blob, size_t size)
{
	int err;

	if (!kho_out.fdt)
		return -EOPNOTSUPP;
	/* Device tree has a meaning of its own for these characters. */
	if (!*name || strpbrk(name, "/@") || !size)
		return -EINVAL;

	guard(mutex)(&kho_out.fdt_lock);
	if (kho_out.closed)
		return -EBUSY;
	if (kho_find_subtree(kho_out.fdt, name) >= 0)
		return -EEXIST;

	err = kho_add_blob(kho_out.fdt, name, virt_to_phys(blob), size);
	if (!err)
		kho_debugfs_add_blob(name, blob, size);
	return err;
}
EXPORT_SYMBOL_GPL(kho_add_subtree);

/**
 * kho_get_u64 - read a number from a root FDT
 * @fdt:  the FDT, maybe from another kernel
 * @node: offset of a node
 * @name: name of one of its properties
 *
 * Context: Any.
 * Return: the number, 0 if there is no such property or it is malformed.
 */
u64 kho_get_u64(const void *fdt, int node, const char *name)
{
	int len;
	const void *prop = fdt_getprop(fdt, node, name, &len);

	return prop && len == sizeof(u64) ? get_unaligned((const u64 *)prop) : 0;
}

/* The outgoing node that names a blob; negative if there is none. */
static int kho_find_blob(void *blob)
{
	int node;

	fdt_for_each_subnode(node, kho_out.fdt, 0)
		if (kho_get_u64(kho_out.fdt, node, KHO_SUB_TREE_PROP_NAME) ==
		    virt_to_phys(blob))
			break;

	return node;
}

/**
 * kho_remove_subtree - undo kho_add_subtree()
 * @blob: the blob
 *
 * Context: May sleep.
 */
void kho_remove_subtree(void *blob)
{
	int node;

	if (!kho_out.fdt)
		return;

	guard(mutex)(&kho_out.fdt_lock);
	node = kho_find_blob(blob);
	if (node < 0)
		return;

	/* The owner is about to free the blob, also when it is too late here. */
	kho_debugfs_remove_blob(fdt_get_name(kho_out.fdt, node, NULL));
	if (!kho_out.closed)
		fdt_del_node(kho_out.fdt, node);
}
EXPORT_SYMBOL_GPL(kho_remove_subtree);

/**
 * kho_retrieve_subtree - find a blob that the previous kernel handed over
 * @name: its name
 * @phys: where to store its physical address
 * @size: where to store its size in bytes, or NULL
 *
 * What the blob holds is not to be trusted.
 *
 * Context: May sleep; from early initcalls on.
 * Return: 0; -ENOENT if there is no such blob; -EINVAL if there is but its
 * memory is not preserved (or has been restored), or its entry is malformed;
 * -EOPNOTSUPP if kexec handover is off.
 */
int kho_retrieve_subtree(const char *name, phys_addr_t *phys, size_t *size)
{
	u64 blob_phys, blob_size;
	const void *fdt;
	int node;

	if (!kho_enable)
		return -EOPNOTSUPP;
	if (!is_kho_boot())
		return -ENOENT;

	fdt = phys_to_virt(kho_in.fdt_phys);
	node = kho_find_subtree(fdt, name);
	if (node == -FDT_ERR_NOTFOUND)
		return -ENOENT;
	if (node < 0)
		return -EINVAL;

	blob_phys = kho_get_u64(fdt, node, KHO_SUB_TREE_PROP_NAME);
	blob_size = kho_get_u64(fdt, node, KHO_SUB_TREE_SIZE_PROP_NAME);
	if (!blob_phys || !kho_incoming_contains(blob_phys, blob_size))
		return -EINVAL;

	*phys = blob_phys;
	if (size)
		*size = blob_size;
	return 0;
}
EXPORT_SYMBOL_GPL(kho_retrieve_subtree);

/*
 * Kexec images
 */

/**
 * kho_image_needs_scratch - must a kexec image stay within scratch?
 * @image: the image
 *
 * A crash kernel has memory of its own and is left alone.
 *
 * Context: Any.
 * Return: true if the image's segments could overwrite preserved memory when it
 * starts.
 */
bool kho_image_needs_scratch(const struct kimage *image)
{
	return kho_out.fdt && image->type != KEXEC_TYPE_CRASH;
}

/**
 * kho_walk_scratch - offer each scratch region to a search for a segment's place
 * @kbuf: what is searched for
 * @fn:	  called for each region with @kbuf; returns non-zero to stop
 *
 * Context: Called with the kexec lock held.
 * Return: 0, or what @fn returned.
 */
int kho_walk_scratch(struct kexec_buf *kbuf, kho_hole_fn fn)
{
	struct resource res = {};
	unsigned int i;
	int ret = 0;

	for (i = 0; i < kho_scratch_cnt && !ret; i++) {
		res.start = kho_scratch[i].addr;
		res.end = kho_scratch[i].addr + kho_scratch[i].size - 1;
		ret = fn(&res, kbuf);
	}

	/* No error yet: loaders may try with the other segments elsewhere. */
	if (!ret && !kbuf->image->kho.unplaced)
		kbuf->image->kho.unplaced = kbuf->memsz;
	return ret;
}

/**
 * kho_explain_failed_load - say so when a kexec image found no room in scratch
 * @image: the image, which could not be loaded
 * @err:   the error, negative, that its loader returned
 *
 * The caller can only return the error, which says little.
 *
 * Context: Called with the kexec lock held.
 */
void kho_explain_failed_load(const struct kimage *image, int err)
{
	if (err == -EADDRNOTAVAIL && image->kho.unplaced)
		pr_err("no room in scratch for %lu bytes of the kexec image; see kho_scratch=\n",
		       image->kho.unplaced);
}

/**
 * kho_fill_kimage - make a kexec image carry the handover
 * @image: the image, loaded by kexec_file_load()
 *
 * Context: Called with the kexec lock held.
 * Return: 0, also if the image is to carry nothing, or an error of
 * kexec_add_buffer().
 */
int kho_fill_kimage(struct kimage *image)
{
	struct kexec_buf kbuf = {
		.image = image,
		.buffer = kho_scratch,
		.bufsz = kho_scratch_cnt * sizeof(*kho_scratch),
		.memsz = kho_scratch_cnt * sizeof(*kho_scratch),
		.buf_align = PAGE_SIZE,
		.buf_max = ULONG_MAX,
		.mem = KEXEC_BUF_MEM_UNKNOWN,
		.top_down = true,
	};
	int err;

	if (!kho_image_needs_scratch(image))
		return 0;

	/* Without what found no room before, the image can be loaded. */
	image->kho.unplaced = 0;

	err = kexec_add_buffer(&kbuf);
	if (err)
		return err;

	image->kho.fdt = virt_to_phys(kho_out.fdt);
	image->kho.scratch = kbuf.mem;
	image->kho.scratch_size = kbuf.bufsz;
	return 0;
}

/**
 * kho_image_can_carry - would a kexec now carry the handover?
 *
 * Context: Called with the kexec lock held.
 * Return: true if the loaded image was loaded by kexec_file_load() while kexec
 * handover was enabled, and replaces this kernel for good.
 */
bool kho_image_can_carry(void)
{
	return kexec_image && kexec_image->kho.fdt &&
	       !kexec_image->preserve_context;
}
