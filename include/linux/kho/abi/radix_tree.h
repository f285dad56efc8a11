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
 * The tree holds a set of 64-bit keys. In the map of preserved memory a key
 * stands for one preserved block of 2^order pages::
 *
 *	key = (1 << (64 - PAGE_SHIFT - order)) | (phys >> (PAGE_SHIFT + order))
 *
 * The position of the highest set bit tells the order, the bits below it tell
 * the address. Orders run from 0 to 63 - PAGE_SHIFT. Key 0 has no marker, key 1
 * has one below the largest order, and a marker above %KHO_ORDER_0_LOG2 has no
 * order: all these are malformed. Blocks never overlap.
 *
 * Every node is one page. On the upper levels it is a table of the physical
 * addresses of its children, 0 where there is none; on level 0 it is a bitmap
 * with one bit for each key. With 4 KiB pages there are six levels::
 *
 *	level      5      4      3      2      1      0
 *	key bits 59:51  50:42  41:33  32:24  23:15  14:0
 *
 * So the keys of one order form one sorted bitmap, and blocks that are
 * neighbours in memory are neighbouring bits.
 *
 * The nodes lie in ordinary pages of the kernel that wrote them, and the tree
 * does not list them as preserved. The kernel that reads the tree must keep
 * (or copy) them itself if it needs them later than its page allocator.
 *
 * The tree tells where blocks start and how large they are. Whether a block was
 * a folio or a range of single pages is known only to who preserved it.
 */

#define KHO_RADIX_COMPATIBLE	"radix-v1"

/**
 * enum kho_radix_consts - geometry of the tree; all follow from PAGE_SIZE
 * @KHO_ORDER_0_LOG2:		position of the marker bit in keys of order 0
 * @KHO_TABLE_SIZE_LOG2:	log2 of the number of entries in a table
 * @KHO_BITMAP_SIZE_LOG2:	log2 of the number of bits in a leaf
 * @KHO_TREE_MAX_DEPTH:		number of levels, the leaves included
 * @KHO_RADIX_MAX_ORDER:	the largest order that a key can express
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
 * struct kho_radix_node - a node above the leaves
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
