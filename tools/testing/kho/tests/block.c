// SPDX-License-Identifier: GPL-2.0
/*
 * Arrays in preserved blocks, compared with an array of their entries
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include <linux/kho/block.h>

#include "shim/check.h"
#include "shim/faults.h"
#include "shim/random.h"
#include "tests/test.h"

#define MAX_ENTRIES	600
#define NR_CHANGES	500

static u64 expected[MAX_ENTRIES];
static unsigned long nr_expected;

static unsigned long blocks_for(const struct kho_block_set *bs, unsigned long nr)
{
	return DIV_ROUND_UP(nr, kho_block_capacity(bs));
}

/* Store all entries, as the owner of a set does before a handover. */
static void store_all(struct kho_block_set *bs)
{
	struct kho_block_it it;
	unsigned long i;

	kho_block_it_init(&it, bs);
	for (i = 0; i < nr_expected; i++)
		*(u64 *)kho_block_it_next(&it) = expected[i];
	kho_block_it_finalize(&it);
}

static void check_all(struct kho_block_set *bs)
{
	struct kho_block_it it;
	unsigned long i;
	u64 *entry;

	kho_block_it_init(&it, bs);
	for (i = 0; (entry = kho_block_it_read(&it)); i++)
		check(i < nr_expected && *entry == expected[i]);
	check(i == nr_expected);
	while (i && (entry = kho_block_it_prev(&it)))
		check(*entry == expected[--i]);
	check(!i && !kho_block_it_prev(&it));
}

static void add_some(struct kho_block_set *bs)
{
	unsigned long nr = random_below(MAX_ENTRIES - nr_expected + 1);
	int err;

	shim_fail_at = random_below(4) ? 0 : 1 + random_below(8);
	for (; nr; nr--) {
		err = kho_block_grow(bs, nr_expected);
		if (err) {
			check(err == -ENOMEM && shim_failed);
			break;
		}
		expected[nr_expected++] = random_u64();
	}
	shim_fail_at = 0;
	shim_failed = false;
}

static void drop_some(struct kho_block_set *bs)
{
	nr_expected -= random_below(nr_expected + 1);
	kho_block_shrink(bs, nr_expected);
}

static void change(struct kho_block_set *bs)
{
	if (random_below(2))
		add_some(bs);
	else
		drop_some(bs);

	check(bs->nr_blocks >= blocks_for(bs, nr_expected));
	check(bs->nr_blocks <= blocks_for(bs, nr_expected) + 1);
	check(mm_nr_allocated() == bs->nr_blocks);
}

static void hand_over(struct kho_block_set *bs)
{
	struct kho_block_set incoming;
	u64 head_pa;

	kho_block_shrink(bs, nr_expected);
	store_all(bs);
	check_all(bs);
	head_pa = kho_block_set_head_pa(bs);
	check(!head_pa == !nr_expected);

	kho_block_set_init(&incoming, bs->entry_size);
	check(!kho_block_restore(&incoming, head_pa));
	check_all(&incoming);
	kho_block_destroy(&incoming);
	check(!mm_nr_allocated());
}

/* Free the set's list of blocks, which the next kernel does not get. */
static void forget(struct kho_block_set *bs)
{
	struct kho_block *block, *next;

	list_for_each_entry_safe(block, next, &bs->blocks, list)
		kfree(block);
	check(!slab_objects());
}

static void random_changes(void)
{
	static const size_t sizes[] = { 8, 64, 80, 2040, 2048, 4080 };
	struct kho_block_set bs;
	unsigned int i, j;

	for (i = 0; i < NR_CHANGES; i++) {
		kho_block_set_init(&bs, sizes[random_below(ARRAY_SIZE(sizes))]);
		nr_expected = 0;
		for (j = random_below(8); j; j--)
			change(&bs);
		hand_over(&bs);
		forget(&bs);
		mm_reset();
	}
}

const struct test_case test_cases[] = {
	{ "random changes of a set, then a handover", random_changes },
	{}
};
