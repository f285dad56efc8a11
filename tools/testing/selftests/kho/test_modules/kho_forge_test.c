// SPDX-License-Identifier: GPL-2.0
/*
 * Leave the next kernel regions of reserve_mem= with something wrong
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * They are handed over by nobody else where the command line names none.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/memblock.h>
#include <linux/libfdt.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/string.h>

/* libfdt is not there for modules. All names of properties, one after another: */
#define STRINGS		"compatible\0start\0size"
#define COMPATIBLE_OFF	0
#define START_OFF	11
#define SIZE_OFF	17

static void *put_u32(void *at, u32 value)
{
	*(__be32 *)at = cpu_to_be32(value);
	return at + sizeof(__be32);
}

static void *put_node(void *at, const char *name)
{
	at = put_u32(at, FDT_BEGIN_NODE);
	memcpy(at, name, strlen(name) + 1);
	return at + ALIGN(strlen(name) + 1, FDT_TAGSIZE);
}

static void *put_prop(void *at, u32 name_off, const void *value, u32 size)
{
	at = put_u32(at, FDT_PROP);
	at = put_u32(at, size);
	at = put_u32(at, name_off);
	memcpy(at, value, size);
	return at + ALIGN(size, FDT_TAGSIZE);
}

struct forged_region {
	const char *name;
	u64 start;
	u64 size;
};

static void *put_region(void *at, const struct forged_region *region)
{
	const char *compatible = RESERVE_MEM_KHO_NODE_COMPATIBLE;

	at = put_node(at, region->name);
	at = put_prop(at, COMPATIBLE_OFF, compatible, strlen(compatible) + 1);
	at = put_prop(at, START_OFF, &region->start, sizeof(region->start));
	at = put_prop(at, SIZE_OFF, &region->size, sizeof(region->size));
	return put_u32(at, FDT_END_NODE);
}

/* @fdt is a zeroed page; a header, an empty memory map, the tree, the names */
static int hand_over_regions(struct fdt_header *fdt,
			     const struct forged_region *regions, unsigned int nr)
{
	void *map = fdt + 1;
	void *tree = map + sizeof(struct fdt_reserve_entry);
	void *at = tree;
	const char *compatible = MEMBLOCK_KHO_NODE_COMPATIBLE;
	unsigned int i;

	at = put_node(at, "");
	at = put_prop(at, COMPATIBLE_OFF, compatible, strlen(compatible) + 1);
	for (i = 0; i < nr; i++)
		at = put_region(at, &regions[i]);
	at = put_u32(at, FDT_END_NODE);
	at = put_u32(at, FDT_END);
	memcpy(at, STRINGS, sizeof(STRINGS));

	fdt->magic = cpu_to_be32(FDT_MAGIC);
	fdt->totalsize = cpu_to_be32(at + sizeof(STRINGS) - (void *)fdt);
	fdt->off_dt_struct = cpu_to_be32(tree - (void *)fdt);
	fdt->off_dt_strings = cpu_to_be32(at - (void *)fdt);
	fdt->off_mem_rsvmap = cpu_to_be32(map - (void *)fdt);
	fdt->version = cpu_to_be32(17);
	fdt->last_comp_version = cpu_to_be32(16);
	fdt->size_dt_strings = cpu_to_be32(sizeof(STRINGS));
	fdt->size_dt_struct = cpu_to_be32(at - tree);
	return kho_add_subtree(MEMBLOCK_KHO_FDT, fdt,
			       be32_to_cpu(fdt->totalsize));
}

/*
 * Regions that are not preserved, a part of something else, longer than memory,
 * or the FDT itself; and a good one, with a name that another begins with. What
 * was allocated stays for the rest of this kernel.
 */
static int __init kho_forge_test_init(void)
{
	void *fdt = kho_alloc_preserve(PAGE_SIZE);
	void *good = kho_alloc_preserve(PAGE_SIZE);
	void *large = kho_alloc_preserve(4 * PAGE_SIZE);
	void *lost = (void *)get_zeroed_page(GFP_KERNEL);
	struct forged_region regions[] = {
		{ "lost", virt_to_phys(lost), PAGE_SIZE },
		{ "part", virt_to_phys(large) + PAGE_SIZE, PAGE_SIZE },
		{ "dropped", virt_to_phys(large) + PAGE_SIZE, PAGE_SIZE },
		{ "endless", virt_to_phys(good), U64_MAX },
		{ "itself", virt_to_phys(fdt), PAGE_SIZE },
		{ "good@1", virt_to_phys(lost), PAGE_SIZE },
		{ "good", virt_to_phys(good), PAGE_SIZE },
	};

	if (IS_ERR(fdt) || IS_ERR(good) || IS_ERR(large) || !lost)
		return -ENOMEM;
	return hand_over_regions(fdt, regions, ARRAY_SIZE(regions));
}

module_init(kho_forge_test_init);

static void __exit kho_forge_test_exit(void)
{
}
module_exit(kho_forge_test_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Leave the next kernel a damaged handover");
