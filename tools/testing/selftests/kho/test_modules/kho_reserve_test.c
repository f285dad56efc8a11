// SPDX-License-Identifier: GPL-2.0
/*
 * A region of reserve_mem= keeps its place and content across a kexec
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Log the address and the size of a region, and how many kernels have had it before.
 * Then fill it for the next kernel.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sizes.h>

#define MAGIC	0x6b686f2d72657376ULL

static char *name;
module_param(name, charp, 0);
MODULE_PARM_DESC(name, "name of the region");

/* The first words of a region. A pattern fills the rest. */
struct header {
	u64 magic;
	u64 start;
	u64 size;
	u64 generation;
};

static u64 pattern(const struct header *header, size_t i)
{
	return (header->start + i) * (header->generation + 1) ^ MAGIC;
}

static bool is_ours(const struct header *header, phys_addr_t start,
		    phys_addr_t size)
{
	const u64 *words = (const u64 *)header;
	size_t i;

	if (header->magic != MAGIC || header->start != start ||
	    header->size != size)
		return false;

	for (i = sizeof(*header) / sizeof(*words); i < size / sizeof(*words); i++)
		if (words[i] != pattern(header, i))
			return false;

	return true;
}

static void fill(struct header *header, phys_addr_t start, phys_addr_t size,
		 u64 generation)
{
	u64 *words = (u64 *)header;
	size_t i;

	*header = (struct header) {
		.magic = MAGIC,
		.start = start,
		.size = size,
		.generation = generation,
	};
	for (i = sizeof(*header) / sizeof(*words); i < size / sizeof(*words); i++)
		words[i] = pattern(header, i);
}

/* Return whether all pages of the region are reserved. */
static bool is_reserved(phys_addr_t start, phys_addr_t size)
{
	unsigned long pfn;

	for (pfn = PHYS_PFN(start); pfn <= PHYS_PFN(start + size - 1); pfn++)
		if (!PageReserved(pfn_to_page(pfn)))
			return false;

	return true;
}

static int __init kho_reserve_test_init(void)
{
	struct header *header;
	phys_addr_t start, size;
	u64 generation = 0;

	if (!name || !reserve_mem_find_by_name(name, &start, &size)) {
		pr_err("there is no region %s\n", name ?: "");
		return -ENOENT;
	}

	if (!is_reserved(start, size)) {
		pr_err("region %s is not reserved\n", name);
		return -EFAULT;
	}

	header = phys_to_virt(start);
	if (is_ours(header, start, size))
		generation = header->generation + 1;

	pr_info("%s generation %llu [mem %#llx-%#llx]\n", name, generation,
		(u64)start, (u64)(start + size - 1));
	fill(header, start, size, generation);
	return 0;
}
module_init(kho_reserve_test_init);

static void __exit kho_reserve_test_exit(void)
{
}
module_exit(kho_reserve_test_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Test that reserve_mem= regions survive a kexec");
