// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kexec handover: check a root FDT and a map of preserved memory.
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The state of the previous kernel is checked at boot, and that of this kernel before a
 * kexec.
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/kernel.h>
#include <linux/kexec_handover.h>
#include <linux/libfdt.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/range.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include <linux/kho/abi/kexec_handover.h>
#include <linux/kho/compat.h>
#include <linux/kho/note.h>

#include "kexec_handover_internal.h"

static const struct kho_compat_range kho_compat_range = {
	.name = "kho",
	.lowest = KHO_ROOT_LOWEST,
	.highest = KHO_ROOT_HIGHEST,
};

static const struct kho_compat_range *const kho_compat_ranges[] = {
	&kho_compat_range,
	&kho_compat_table[KHO_COMPAT_RADIX],
	&kho_compat_table[KHO_COMPAT_VMALLOC],
};

/*
 * The version is a list of strings, the versions that a reader can take it for. Log what
 * is wrong with the first one if this kernel reads none of them.
 */
static int kho_check_version(const char *list, int size, const char *component)
{
	const char *str, *end = list + size;

	for (str = list; str < end; str += strnlen(str, end - str) + 1)
		if (!kho_compat_check(NULL, str, end - str, kho_compat_ranges,
				      ARRAY_SIZE(kho_compat_ranges)))
			return 0;

	return kho_compat_check(component, list, size, kho_compat_ranges,
				ARRAY_SIZE(kho_compat_ranges));
}

/**
 * kho_check_root - check a root FDT except for its subtrees
 * @fdt:       the FDT, one page
 * @name:      what it is called in messages
 * @component: who logs a version that can't be read; NULL to log nothing
 * @map_phys:  where to store the address of the map, which is not checked
 *
 * Context: Any. May be called before memory can be allocated.
 * Return: 0 or -EINVAL.
 */
int kho_check_root(const void *fdt, const char *name, const char *component, u64 *map_phys)
{
	const char *compatible;
	const void *map;
	int len;

	if (fdt_check_header(fdt) || fdt_totalsize(fdt) > PAGE_SIZE) {
		pr_err("%s is damaged\n", name);
		return -EINVAL;
	}

	compatible = fdt_getprop(fdt, 0, "compatible", &len);
	if (!compatible) {
		pr_err("%s has no version\n", name);
		return -EINVAL;
	}
	if (kho_check_version(compatible, len, component))
		return -EINVAL;

	map = fdt_getprop(fdt, 0, KHO_FDT_MEMORY_MAP_PROP_NAME, &len);
	if (!map || len != sizeof(u64)) {
		pr_err("%s has no " KHO_FDT_MEMORY_MAP_PROP_NAME "\n", name);
		return -EINVAL;
	}

	*map_phys = get_unaligned((const u64 *)map);
	return 0;
}

/**
 * kho_check_node - check a node of a map before it is read
 * @memory: what memory the map may use
 * @node:   physical address of the node
 *
 * Context: Any.
 * Return: 0; -EINVAL for a node that must not be read, or for more nodes than there are
 * pages.
 */
int kho_check_node(struct kho_memory *memory, phys_addr_t node)
{
	if (!memory->is_node(node)) {
		pr_err("%s has a node at %pa, which is not free RAM outside of scratch\n",
		       memory->map, &node);
		return -EINVAL;
	}
	if (++memory->nr_nodes > memory->nr_ram) {
		pr_err("%s has more nodes than there are pages of RAM\n", memory->map);
		return -EINVAL;
	}

	return 0;
}

/**
 * kho_check_node_unpreserved - check that a map does not preserve one of its nodes
 * @memory: what memory the map may use. All nodes of the map have been checked.
 * @node:   physical address of the node
 *
 * Restoring such a page would let its new owner overwrite the map.
 *
 * Context: Any. The map must not change during the call.
 * Return: 0 or -EINVAL.
 */
int kho_check_node_unpreserved(const struct kho_memory *memory, phys_addr_t node)
{
	if (!kho_radix_has_orders(memory->tree, PHYS_PFN(node), 1, memory->tree->orders))
		return 0;

	pr_err("%s preserves its own node at %pa\n", memory->map, &node);
	return -EINVAL;
}

static int kho_note_range(phys_addr_t start, phys_addr_t end, void *arg)
{
	struct range *found = arg;

	found->start = start;
	found->end = end;
	return -EINVAL;
}

/**
 * kho_check_excluded - check that a map preserves nothing of a range
 * @memory:    what memory the map may use. All nodes of the map have been checked.
 * @start_pfn: first page frame number of the range
 * @end_pfn:   page frame number past its end
 * @use:       end of the message "map has [mem ...], which ..."
 *
 * A machine has few ranges that can't be preserved, but maps can have millions of preserved
 * ones. So this is called for the former.
 *
 * Context: Any. The map must not change during the call.
 * Return: 0 or -EINVAL.
 */
int kho_check_excluded(const struct kho_memory *memory, unsigned long start_pfn,
		       unsigned long end_pfn, const char *use)
{
	struct range found = {};
	int err;

	err = kho_radix_walk_window(memory->tree, start_pfn, end_pfn, kho_note_range, &found);
	if (found.end)
		pr_err("%s has [mem %#llx-%#llx], which %s\n", memory->map, found.start,
		       found.end - 1, use);
	return err;
}
