/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wire format of chains of KHO blocks.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_KHO_ABI_BLOCK_H
#define _LINUX_KHO_ABI_BLOCK_H

#include <linux/build_bug.h>
#include <linux/types.h>

#include <asm/page.h>

/**
 * DOC: KHO blocks
 *
 * A chain of one-page blocks holds an array of any length. A block consists of
 * a header and count entries. The owner of the chain determines the size of an
 * entry. The array consists of the entries of the first block, those of the
 * second block, and so on.
 *
 * If the array is empty, the address of the first block is 0, or the chain is a
 * single block with count 0. Only the last block of a chain may have count 0.
 */

#define KHO_BLOCK_COMPATIBLE	"block-v1"

/* Size of a block in bytes, including the header */
#define KHO_BLOCK_SIZE		PAGE_SIZE

/**
 * struct kho_block_header_ser - header of a block
 * @next:  physical address of the next block, 0 in the last one
 * @count: number of entries that follow
 */
struct kho_block_header_ser {
	u64 next;
	u64 count;
} __packed;

static_assert(sizeof(struct kho_block_header_ser) == 16);

#endif /* _LINUX_KHO_ABI_BLOCK_H */
