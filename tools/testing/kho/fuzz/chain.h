/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A chain of blocks, read by a simple model
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_FUZZ_CHAIN_H
#define _KHO_FUZZ_CHAIN_H

#include <linux/kho/abi/block.h>

#include "fuzz/image.h"

/**
 * struct chain - a chain of blocks
 * @blocks:    the blocks
 * @nr_blocks: number of @blocks
 * @nr_freed:  number of pages that are freed when the chain is destroyed
 */
struct chain {
	struct kho_block_header_ser *blocks[IMAGE_MAX_PAGES];
	unsigned int nr_blocks;
	unsigned long nr_freed;
};

/* Return whether the chain is valid. A block has room for @capacity entries. */
bool chain_read(struct chain *chain, u64 pa, unsigned long capacity);

/* Return the number of entries. */
u64 chain_count(const struct chain *chain);
/* Return the entry at @index. */
void *chain_entry(const struct chain *chain, u64 index, size_t entry_size);

#endif
