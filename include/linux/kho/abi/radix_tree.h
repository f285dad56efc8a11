/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wire format of the KHO radix tree.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_KHO_ABI_RADIX_TREE_H
#define _LINUX_KHO_ABI_RADIX_TREE_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/math.h>
#include <linux/types.h>

#include <asm/page.h>

/**
 * DOC: KHO radix tree
 *
 * The tree is a set of 64-bit keys. Each key stands for a preserved block of
 * 2^order pages::
 *
 *	key = (1 << (64 - PAGE_SHIFT - order)) | (phys >> (PAGE_SHIFT + order))
 *
 * The position of the highest set bit, the marker, determines the order. The
 * bits below it are the address. Orders range from 0 to 63 - PAGE_SHIFT, so a
 * key is malformed if its marker is above bit %KHO_ORDER_0_LOG2 or is bit 0,
 * and if it has no marker.
 *
 * A writer never lets blocks overlap. A reader that finds an overlap keeps the
 * union of these blocks reserved and restores none of them. It does not know which
 * of their owners is right. All other blocks are restored as usual.
 *
 * Each node is one page. A node of the upper levels is a table of the physical
 * addresses of its children, 0 for none. A node of level 0 is a bitmap with one
 * bit for each key. With 4 KiB pages there are six levels::
 *
 *	level      5      4      3      2      1      0
 *	key bits 59:51  50:42  41:33  32:24  23:15  14:0
 *
 * So the keys of one order form a sorted bitmap, where adjacent blocks are
 * adjacent bits.
 *
 * The nodes are ordinary pages of the kernel that wrote the tree, and the tree
 * does not list them as preserved. The kernel that reads the tree must reserve
 * or copy them if it needs the tree after its page allocator has started.
 *
 * The tree records the address and the size of a block. Only the owner of a
 * block knows if it is a folio or a range of single pages.
 */

#define KHO_RADIX_COMPATIBLE	"radix-v1"

/**
 * enum kho_radix_consts - geometry of the tree, determined by PAGE_SIZE
 * @KHO_ORDER_0_LOG2:		position of the marker bit in keys of order 0
 * @KHO_TABLE_SIZE_LOG2:	log2 of the number of entries in a table
 * @KHO_BITMAP_SIZE_LOG2:	log2 of the number of bits in a leaf
 * @KHO_TREE_MAX_DEPTH:		number of levels, including the leaves
 * @KHO_RADIX_MAX_ORDER:	largest order of a block
 */
enum kho_radix_consts {
	KHO_ORDER_0_LOG2 = 64 - PAGE_SHIFT,
	KHO_TABLE_SIZE_LOG2 = PAGE_SHIFT - 3,
	KHO_BITMAP_SIZE_LOG2 = PAGE_SHIFT + 3,
	KHO_TREE_MAX_DEPTH = DIV_ROUND_UP(KHO_ORDER_0_LOG2 -
					  KHO_BITMAP_SIZE_LOG2 + 1,
					  KHO_TABLE_SIZE_LOG2) + 1,
	KHO_RADIX_MAX_ORDER = 63 - PAGE_SHIFT,
};

/**
 * struct kho_radix_node - a node of the upper levels
 * @table: physical addresses of the children, 0 for none
 */
struct kho_radix_node {
	u64 table[PAGE_SIZE / sizeof(u64)];
};

static_assert(sizeof(struct kho_radix_node) == PAGE_SIZE);
static_assert(sizeof(struct kho_radix_node) ==
	      sizeof(u64) << KHO_TABLE_SIZE_LOG2);

/**
 * struct kho_radix_leaf - a node of level 0
 * @bitmap: one bit for each key, in native words
 */
struct kho_radix_leaf {
	unsigned long bitmap[PAGE_SIZE / sizeof(unsigned long)];
};

static_assert(sizeof(struct kho_radix_leaf) == PAGE_SIZE);
static_assert(sizeof(struct kho_radix_leaf) * BITS_PER_BYTE ==
	      1UL << KHO_BITMAP_SIZE_LOG2);

#endif /* _LINUX_KHO_ABI_RADIX_TREE_H */
