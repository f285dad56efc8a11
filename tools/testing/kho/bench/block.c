// SPDX-License-Identifier: GPL-2.0
/*
 * Arrays in preserved blocks
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include <linux/kho/block.h>

#include "bench/bench.h"
#include "shim/check.h"

/* As large as a file in a live update */
struct entry {
	u64 value;
	u64 unused[7];
};

static struct kho_block_set outgoing, incoming;
static unsigned long nr_entries;

static void load(unsigned long nr)
{
	nr_entries = nr;
	kho_block_set_init(&outgoing, sizeof(struct entry));
	kho_block_set_init(&incoming, sizeof(struct entry));
}

static void unload(void)
{
	check(!outgoing.nr_blocks);
	check(!incoming.nr_blocks);
	check(!mm_nr_allocated());
}

static unsigned long run_append(void)
{
	struct kho_block_it it;
	struct entry *entry;
	unsigned long i;

	for (i = 0; i < nr_entries; i++) {
		check(!kho_block_grow(&outgoing, i));
		if (!i)
			kho_block_it_init(&it, &outgoing);
		entry = kho_block_it_next(&it);
		check(entry);
		entry->value = i;
	}
	kho_block_it_finalize(&it);

	return nr_entries;
}

static unsigned long read_all(struct kho_block_set *bs)
{
	const struct entry *entry;
	struct kho_block_it it;
	unsigned long i = 0;

	kho_block_it_init(&it, bs);
	while ((entry = kho_block_it_read(&it)))
		check(entry->value == i++);
	check(i == nr_entries);

	return i;
}

static unsigned long run_read(void)
{
	return read_all(&outgoing);
}

static unsigned long run_restore(void)
{
	u64 head_pa = kho_block_set_head_pa(&outgoing);

	check(!kho_block_restore(&incoming, head_pa));
	check(incoming.nr_blocks == outgoing.nr_blocks);

	return incoming.nr_blocks;
}

static void fill(void)
{
	run_append();
	check(outgoing.nr_blocks == mm_nr_allocated());
}

static void empty(void)
{
	read_all(&outgoing);
	kho_block_destroy(&outgoing);
}

/* Free the incoming set, but not its blocks. They belong to the outgoing set. */
static void forget_incoming(void)
{
	struct kho_block *block, *next;

	read_all(&incoming);
	list_for_each_entry_safe(block, next, &incoming.blocks, list)
		kfree(block);
	kho_block_set_init(&incoming, sizeof(struct entry));
}

const struct bench_suite bench_blocks = {
	.ops = (const struct bench_op[]){
		{
			.name = "block-append",
			.help = "kho_block_grow() and kho_block_it_next() of one entry",
			.run = run_append,
			.undo = empty,
		}, {
			.name = "block-read",
			.help = "kho_block_it_read() of one entry",
			.begin = fill,
			.run = run_read,
			.end = empty,
		}, {
			.name = "block-restore",
			.help = "one block in kho_block_restore()",
			.begin = fill,
			.run = run_restore,
			.undo = forget_incoming,
			.end = empty,
		}, {}
	},
	.inputs = (const struct bench_input[]){
		{ "64 bytes", load },
		{}
	},
	.unload = unload,
	.unit_size = sizeof(struct entry),
};
