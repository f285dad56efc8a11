// SPDX-License-Identifier: GPL-2.0
/*
 * Target: a chain of blocks from another kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Arguments of the reader: address of the first block, and size of an entry.
 */

#include <string.h>

#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/slab.h>

#include <linux/kexec_handover.h>
#include <linux/kho/block.h>

#include "fuzz/chain.h"
#include "fuzz/image.h"
#include "fuzz/target.h"
#include "shim/check.h"
#include "shim/faults.h"
#include "shim/print.h"

static void check_entries(const struct chain *chain, struct kho_block_set *bs)
{
	struct kho_block_it it;
	unsigned int i;
	u64 entry;

	kho_block_it_init(&it, bs);
	for (i = 0; i < chain->nr_blocks; i++)
		for (entry = 0; entry < chain->blocks[i]->count; entry++)
			check(kho_block_it_read(&it) == (void *)(chain->blocks[i] + 1) +
			      entry * bs->entry_size);
	check(!kho_block_it_read(&it));

	while (i--)
		for (entry = chain->blocks[i]->count; entry--;)
			check(kho_block_it_prev(&it) == (void *)(chain->blocks[i] + 1) +
			      entry * bs->entry_size);
	check(!kho_block_it_prev(&it));
}

static void read_chain(const struct image *image)
{
	unsigned long allocated = mm_nr_allocated(), logged = shim_log_count;
	unsigned long preserved = mm_nr_preserved();
	struct kho_block_set bs;
	struct chain chain;
	bool good;
	int err;

	kho_block_set_init(&bs, 1 + image->args[1] % (2 * KHO_BLOCK_SIZE));
	good = chain_read(&chain, image->args[0], kho_block_capacity(&bs));

	err = kho_block_restore(&bs, image->args[0]);
	if (err) {
		check(err == -ENOMEM ? shim_failed : err == -EINVAL && !good);
		check(err == -ENOMEM || shim_log_count > logged || !kho_block_capacity(&bs));
		check(!bs.nr_blocks);
		check(mm_nr_preserved() == preserved);
		check(mm_nr_allocated() == allocated);
	} else {
		check(good);
		check(bs.nr_blocks == chain.nr_blocks);
		check_entries(&chain, &bs);
		kho_block_destroy(&bs);
		check(mm_nr_preserved() == preserved - chain.nr_freed);
		check(mm_nr_allocated() == allocated - chain.nr_freed);
	}
	check(!slab_objects());
}

static void run(const u8 *data, size_t size)
{
	struct image image;

	image_load(&image, data, size);
	image_hide_rest(&image);
	read_chain(&image);
	mm_reset();
}

static void add_chain(seed_fn add, const char *name, unsigned long nr_entries,
		      size_t entry_size)
{
	struct kho_block_set bs;
	struct kho_block_it it;
	unsigned long i;
	u64 args[2];

	kho_block_set_init(&bs, entry_size);
	for (i = 0; i < nr_entries; i++) {
		check(!kho_block_grow(&bs, i));
		if (!i)
			kho_block_it_init(&it, &bs);
		memset(kho_block_it_next(&it), i + 1, entry_size);
	}
	if (nr_entries)
		kho_block_it_finalize(&it);

	args[0] = kho_block_set_head_pa(&bs);
	args[1] = entry_size - 1;
	image_save(add, name, args, ARRAY_SIZE(args));
	kho_block_destroy(&bs);
	mm_reset();
}

static void seeds(seed_fn add)
{
	add_chain(add, "empty", 0, 64);
	add_chain(add, "one", 1, 64);
	add_chain(add, "full", 51, 80);
	add_chain(add, "two", 64, 64);
	add_chain(add, "many", 15, 2040);
}

const struct target target = {
	.run = run,
	.seeds = seeds,
};
