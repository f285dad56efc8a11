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
 * An array of any length, kept in a chain of preserved one-page blocks. Each
 * block is a header, followed by header.count entries of a size that the owner
 * of the chain fixes. The entries of a chain are those of its first block, then
 * those of the second, and so on.
 *
 * An empty chain is the head address 0, or a single block with count 0. Only the
 * last block of a chain may have count 0.
 */

#define KHO_BLOCK_COMPATIBLE	"block-v1"

/* Bytes in a block, its header included */
#define KHO_BLOCK_SIZE		PAGE_SIZE

/**
 * struct kho_block_header_ser - what a block starts with
 * @next:  physical address of the next block, 0 in the last
 * @count: number of entries that follow
 */
struct kho_block_header_ser {
	u64 next;
	u64 count;
} __packed;

static_assert(sizeof(struct kho_block_header_ser) == 16);

#endif /* _LINUX_KHO_ABI_BLOCK_H */
