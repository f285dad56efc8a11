/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wire format of the root FDT.
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
 * The root FDT is a flattened device tree in one page. It leads to all other
 * state that a kernel hands over::
 *
 *   / {
 *       compatible = "kho-v4;radix-v1;vmalloc-v1", "kho-v4";
 *       preserved-memory-map = <u64>;
 *       NAME {
 *           preserved-data = <u64>;
 *           blob-size = <u64>;
 *       };
 *   };
 *
 * ``compatible`` is a list of version strings. A reader takes the state for any one of
 * them that it can read. The second one is for mainline, which reads only strings that are
 * equal to its own.
 *
 * ``preserved-memory-map`` is the physical address of the root node of the
 * radix tree with all preserved blocks of memory. Each child node names a blob:
 * ``preserved-data`` is its physical address and ``blob-size`` its size in
 * bytes. The owner of a blob determines its format and preserves its memory.
 *
 * The page of the root FDT is a preserved block, too. Kernels that reserve it before they
 * read the map need not restore it.
 *
 * The u64 properties are raw native-endian bytes, which may be unaligned.
 *
 * The boot protocol passes the address and the length of the root FDT. The
 * length is the PAGE_SIZE of the kernel that wrote it. A kernel whose PAGE_SIZE
 * differs refuses the handover before it reads anything.
 */

/* Base token of the root FDT. It changes with the format above. */
#define KHO_FDT_COMPAT_BASE		"kho-v4"

/* Version string of the root FDT */
#define KHO_FDT_COMPATIBLE						\
	(KHO_FDT_COMPAT_BASE						\
	 KHO_SUB_COMPAT(KHO_RADIX_COMPATIBLE)				\
	 KHO_SUB_COMPAT(KHO_VMALLOC_COMPATIBLE))

/* Property of the root node */
#define KHO_FDT_MEMORY_MAP_PROP_NAME	"preserved-memory-map"

/* Properties of the child nodes */
#define KHO_SUB_TREE_PROP_NAME		"preserved-data"
#define KHO_SUB_TREE_SIZE_PROP_NAME	"blob-size"

static_assert(sizeof(struct kho_scratch) == 2 * sizeof(phys_addr_t));

#endif /* _LINUX_KHO_ABI_KEXEC_HANDOVER_H */
