/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The wire format of the kexec handover's root.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_KHO_ABI_KEXEC_HANDOVER_H
#define _LINUX_KHO_ABI_KEXEC_HANDOVER_H

#include <linux/build_bug.h>
#include <linux/types.h>

#include <linux/kho/abi/compat.h>
#include <linux/kho/abi/radix_tree.h>
#include <linux/kho/abi/scratch.h>
#include <linux/kho/abi/vmalloc.h>

/**
 * DOC: KHO root FDT
 *
 * All that one kernel leaves for the next is found through one page, the root
 * FDT, a flattened device tree::
 *
 *   / {
 *       compatible = "kho-v4;radix-v1;vmalloc-v1";
 *       preserved-memory-map = <u64>;
 *       NAME {
 *           preserved-data = <u64>;
 *           blob-size = <u64>;
 *       };
 *   };
 *
 * ``preserved-memory-map`` is the physical address of the root node of the
 * radix tree that holds every preserved block of memory. Each child node names
 * a blob: ``preserved-data`` is its physical address and ``blob-size`` its
 * length in bytes. What a blob holds is its owner's affair; the memory it lies
 * in is preserved by its owner.
 *
 * The u64 properties are raw native-endian bytes, at any alignment.
 *
 * The length of the root FDT as it is handed over is the PAGE_SIZE of the
 * kernel that wrote it. A reader whose pages have another size refuses it
 * before reading anything.
 */

/* Base token of the root FDT: change it with the layout above. */
#define KHO_FDT_COMPAT_BASE		"kho-v4"

/* The root FDT's whole version string: its own token and those it contains. */
#define KHO_FDT_COMPATIBLE						\
	(KHO_FDT_COMPAT_BASE						\
	 KHO_SUB_COMPAT(KHO_RADIX_COMPATIBLE)				\
	 KHO_SUB_COMPAT(KHO_VMALLOC_COMPATIBLE))

/* Property of the root node: the radix tree's root. */
#define KHO_FDT_MEMORY_MAP_PROP_NAME	"preserved-memory-map"

/* Properties of each child node: a blob's address and size. */
#define KHO_SUB_TREE_PROP_NAME		"preserved-data"
#define KHO_SUB_TREE_SIZE_PROP_NAME	"blob-size"

static_assert(sizeof(struct kho_scratch) == 2 * sizeof(phys_addr_t));

#endif /* _LINUX_KHO_ABI_KEXEC_HANDOVER_H */
