/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wire format of named memory reservations.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_KHO_ABI_MEMBLOCK_H
#define _LINUX_KHO_ABI_MEMBLOCK_H

/**
 * DOC: KHO memblock reservations
 *
 * Regions that are named with ``reserve_mem=`` keep their address and content
 * across a kexec. The blob ``memblock`` is a flattened device tree::
 *
 *   / {
 *       compatible = "memblock-v1";
 *       NAME {
 *           compatible = "reserve-mem-v1";
 *           start = <u64>;
 *           size = <u64>;
 *       };
 *   };
 *
 * ``start`` is the physical address of the region and ``size`` its size in
 * bytes. Both are raw native-endian bytes, which may be unaligned. All pages
 * that the region overlaps are preserved.
 */

/* Name of the blob in the root FDT */
#define MEMBLOCK_KHO_FDT		"memblock"

#define MEMBLOCK_KHO_NODE_COMPATIBLE	"memblock-v1"
#define RESERVE_MEM_KHO_NODE_COMPATIBLE	"reserve-mem-v1"

#define RESERVE_MEM_KHO_START_PROP	"start"
#define RESERVE_MEM_KHO_SIZE_PROP	"size"

#endif /* _LINUX_KHO_ABI_MEMBLOCK_H */
