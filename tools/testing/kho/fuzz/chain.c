// SPDX-License-Identifier: GPL-2.0
/*
 * A chain of blocks, read by a simple model
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <linux/kernel.h>
#include <linux/mm.h>

#include <linux/kexec_handover.h>

#include "fuzz/chain.h"

static bool has_block(const struct chain *chain, const void *block)
{
	unsigned int i;

	for (i = 0; i < chain->nr_blocks; i++)
		if (chain->blocks[i] == block)
			return true;

	return false;
}

bool chain_read(struct chain *chain, u64 pa, unsigned long capacity)
{
	struct kho_block_header_ser *ser;

	chain->nr_blocks = 0;
	chain->nr_freed = 0;
	for (; pa; pa = ser->next) {
		if (!PAGE_ALIGNED(pa) || !kho_incoming_contains(pa, PAGE_SIZE))
			return false;
		ser = phys_to_virt(pa);
		if (has_block(chain, ser) || ser->count > capacity ||
		    (!ser->count && ser->next))
			return false;
		chain->blocks[chain->nr_blocks++] = ser;
		/* A page inside a larger preserved block cannot be freed alone. */
		chain->nr_freed += kho_incoming_order(pa) >= 0 ?
				   1UL << kho_incoming_order(pa) : 0;
	}

	return capacity;
}

u64 chain_count(const struct chain *chain)
{
	unsigned int i;
	u64 count = 0;

	for (i = 0; i < chain->nr_blocks; i++)
		count += chain->blocks[i]->count;

	return count;
}

void *chain_entry(const struct chain *chain, u64 index, size_t entry_size)
{
	unsigned int i;

	for (i = 0; i < chain->nr_blocks; i++) {
		if (index < chain->blocks[i]->count)
			return (void *)(chain->blocks[i] + 1) + index * entry_size;
		index -= chain->blocks[i]->count;
	}

	return NULL;
}
