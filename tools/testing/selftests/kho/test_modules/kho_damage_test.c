// SPDX-License-Identifier: GPL-2.0
/*
 * Damage what kexec handover itself leaves the next kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The root FDT's address is KHO's secret: it is found by what is in it. From there
 * on the FDT and the map of preserved memory are what the ABI says, and can be
 * damaged. What is to be, is named in the parameter.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/kexec_handover.h>
#include <linux/kho/abi/kexec_metadata.h>
#include <linux/libfdt.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/unaligned.h>

/* Allocated, and in the first MiB of RAM that each kernel keeps for itself. */
#define FIRST_MIB_PFN	PHYS_PFN(SZ_64K + SZ_16K)

static char *what = "";
module_param(what, charp, 0);
MODULE_PARM_DESC(what, "magic, unversioned, version, mapless, root, node, twins, crowd, own_node, overlap, used, metadata_version or metadata_release");

/* Finding them */

/* The name of a subtree that no other FDT in memory has */
static char mark[32];

/* Pages are looked at that are somebody else's, and may have gone. */
static bool is_root_fdt(const void *page)
{
	static u8 fdt[PAGE_SIZE];
	unsigned int i;

	if (copy_from_kernel_nofault(fdt, page, sizeof(__be32)) ||
	    get_unaligned_be32(fdt) != FDT_MAGIC ||
	    copy_from_kernel_nofault(fdt, page, PAGE_SIZE))
		return false;
	for (i = 0; i + sizeof(mark) <= PAGE_SIZE; i++)
		if (!strcmp(fdt + i, mark))
			return true;
	return false;
}

static void *find_on_node(int nid)
{
	unsigned long pfn;

	for (pfn = node_start_pfn(nid); pfn < node_end_pfn(nid); pfn++) {
		struct page *page = pfn_to_online_page(pfn);

		if (page && page_count(page) == 1 && !PageReserved(page) &&
		    is_root_fdt(page_address(page)))
			return page_address(page);
	}
	return NULL;
}

static void *find_root_fdt(void)
{
	void *found = NULL;
	int nid;

	for_each_online_node(nid) {
		found = find_on_node(nid);
		if (found)
			break;
	}
	return found;
}

static char *find_in_fdt(void *fdt, const char *text)
{
	unsigned int i;

	for (i = 0; i + strlen(text) <= PAGE_SIZE; i++)
		if (!memcmp(fdt + i, text, strlen(text)))
			return fdt + i;
	return NULL;
}

/* Where the FDT has the physical address of the map's root */
static void *find_map_property(void *fdt)
{
	const char *strings = fdt + get_unaligned_be32(fdt + 12);
	const char *name = find_in_fdt(fdt, KHO_FDT_MEMORY_MAP_PROP_NAME);
	u32 *word = fdt + get_unaligned_be32(fdt + 8);

	if (!name)
		return NULL;
	for (; (void *)(word + 5) <= fdt + PAGE_SIZE; word++)
		if (be32_to_cpup((__be32 *)word) == FDT_PROP &&
		    be32_to_cpup((__be32 *)word + 1) == sizeof(u64) &&
		    be32_to_cpup((__be32 *)word + 2) == name - strings)
			return word + 3;
	return NULL;
}

static u64 *first_child(u64 *table)
{
	while (!*table)
		table++;
	return table;
}

/* A table of level @level, 5 for the root. A leaf is level 0. */
static u64 *table_of_level(void *fdt, int level)
{
	u64 *table = phys_to_virt(get_unaligned((u64 *)find_map_property(fdt)));
	int i;

	for (i = KHO_TREE_MAX_DEPTH - 1; i > level; i--)
		table = phys_to_virt(*first_child(table));
	return table;
}

/* Damaging them */

static int forge_magic(void *fdt)
{
	put_unaligned_be32(0, fdt);
	return 0;
}

static int forge_unversioned(void *fdt)
{
	find_in_fdt(fdt, "compatible")[0] = 'C';
	return 0;
}

static int forge_version(void *fdt)
{
	char *version = find_in_fdt(fdt, "kho-v4");

	version[strlen("kho-v")] = '9';
	return 0;
}

static int forge_mapless(void *fdt)
{
	find_in_fdt(fdt, KHO_FDT_MEMORY_MAP_PROP_NAME)[0] = 'P';
	return 0;
}

static int forge_root(void *fdt)
{
	put_unaligned(BIT_ULL(45), (u64 *)find_map_property(fdt));
	return 0;
}

static int forge_node(void *fdt)
{
	*first_child(table_of_level(fdt, 2)) = BIT_ULL(45);
	return 0;
}

static int forge_twins(void *fdt)
{
	u64 *table = table_of_level(fdt, 1);
	u64 *child = first_child(table);
	u64 *last = table + PAGE_SIZE / sizeof(u64) - 1;

	*(child == last ? table : last) = *child;
	return 0;
}

/* Few pages, but 512 ways to go from each of them. */
static int forge_crowd(void *fdt)
{
	int level;

	for (level = 1; level <= 3; level++) {
		u64 *table = table_of_level(fdt, level);

		memset64(table, *first_child(table), PAGE_SIZE / sizeof(u64));
	}
	return 0;
}

static int forge_own_node(void *fdt)
{
	return kho_preserve_pages(virt_to_page(table_of_level(fdt, 1)), 1);
}

static int forge_overlap(void *fdt)
{
	struct folio *folio = folio_alloc(GFP_KERNEL, 1);

	if (!folio)
		return -ENOMEM;
	return kho_preserve_folio(folio) ?:
	       kho_preserve_pages(folio_page(folio, 1), 1);
}

static int forge_used(void *fdt)
{
	return kho_preserve_pages(pfn_to_page(FIRST_MIB_PFN), 1);
}

/* The metadata's address is the first property of 8 bytes of its subtree. */
static struct kho_kexec_metadata *find_metadata(void *fdt)
{
	u32 *word = (u32 *)find_in_fdt(fdt, KHO_METADATA_NODE_NAME);

	if (!word)
		return NULL;
	for (; (void *)(word + 5) <= fdt + PAGE_SIZE; word++)
		if (be32_to_cpup((__be32 *)word) == FDT_PROP &&
		    be32_to_cpup((__be32 *)word + 1) == sizeof(u64))
			return phys_to_virt(get_unaligned((u64 *)(word + 3)));
	return NULL;
}

static int forge_metadata_version(void *fdt)
{
	find_metadata(fdt)->version = KHO_METADATA_VERSION + 1;
	return 0;
}

static int forge_metadata_release(void *fdt)
{
	struct kho_kexec_metadata *metadata = find_metadata(fdt);

	memset(metadata->previous_release, 'x', sizeof(metadata->previous_release));
	return 0;
}

static const struct {
	const char *name;
	int (*forge)(void *fdt);
} forgeries[] = {
	{ "magic", forge_magic },
	{ "unversioned", forge_unversioned },
	{ "version", forge_version },
	{ "mapless", forge_mapless },
	{ "root", forge_root },
	{ "node", forge_node },
	{ "twins", forge_twins },
	{ "crowd", forge_crowd },
	{ "own_node", forge_own_node },
	{ "overlap", forge_overlap },
	{ "used", forge_used },
	{ "metadata_version", forge_metadata_version },
	{ "metadata_release", forge_metadata_release },
};

static int forge(void *fdt)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(forgeries); i++)
		if (!strcmp(what, forgeries[i].name))
			return forgeries[i].forge(fdt);
	return -EINVAL;
}

static int __init kho_damage_test_init(void)
{
	void *blob = kho_alloc_preserve(PAGE_SIZE);
	void *fdt;
	int err;

	if (IS_ERR(blob))
		return PTR_ERR(blob);
	snprintf(mark, sizeof(mark), "forged-%08x", get_random_u32());
	err = kho_add_subtree(mark, blob, PAGE_SIZE);
	if (err)
		return err;
	fdt = find_root_fdt();
	if (!fdt || !find_map_property(fdt) || !find_metadata(fdt)) {
		pr_err("no root FDT found, or not all in it\n");
		return -ENOENT;
	}
	return forge(fdt);
}
module_init(kho_damage_test_init);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Leave the next kernel a damaged handover");
