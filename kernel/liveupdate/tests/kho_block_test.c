// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of chains of KHO blocks.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <kunit/test.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>

#include <linux/kho/block.h>

#include "fake_kho.h"

struct entry {
	u64 value[5];
};

#define CAPACITY	\
	((PAGE_SIZE - sizeof(struct kho_block_header_ser)) / sizeof(struct entry))

static struct kho_block_set out, in;

static int block_test_init(struct kunit *test)
{
	kho_block_set_init(&out, sizeof(struct entry));
	kho_block_set_init(&in, sizeof(struct entry));
	if (!kho_is_enabled())
		kunit_skip(test, "needs kho=on");

	fake_kho_start(test);
	return 0;
}

static void block_test_exit(struct kunit *test)
{
	kho_block_destroy(&in);
	kho_block_destroy(&out);
}

/* Make room for @count entries in the outgoing set. */
static void grow_to(struct kunit *test, u64 count)
{
	KUNIT_ASSERT_EQ(test, kho_block_grow(&out, count - 1), 0);
}

/* Store @count entries with the values 0, 1, 2, ... */
static void store(struct kunit *test, u64 count)
{
	struct kho_block_it it;
	u64 i;

	grow_to(test, count);
	kho_block_it_init(&it, &out);
	for (i = 0; i < count; i++) {
		struct entry *entry = kho_block_it_next(&it);

		KUNIT_ASSERT_NOT_NULL(test, entry);
		entry->value[0] = i;
	}
	kho_block_it_finalize(&it);
}

/* Read a set with the values 0, 1, 2, ... Return the number of entries. */
static u64 read_all(struct kunit *test, struct kho_block_set *bs)
{
	struct kho_block_it it;
	struct entry *entry;
	u64 i = 0;

	kho_block_it_init(&it, bs);
	while ((entry = kho_block_it_read(&it)))
		KUNIT_EXPECT_EQ(test, entry->value[0], i++);

	return i;
}

static int restore(struct kunit *test)
{
	return kho_block_restore(&in, kho_block_set_head_pa(&out));
}

static struct kho_block_header_ser *nth_block(struct kunit *test, unsigned int nr)
{
	struct kho_block *block;

	list_for_each_entry(block, &out.blocks, list)
		if (!nr--)
			return block->ser;

	KUNIT_FAIL_AND_ABORT(test, "no such block");
	return NULL;
}

/* Growing and shrinking */

static void new_set_has_no_blocks(struct kunit *test)
{
	struct kho_block_it it;

	KUNIT_EXPECT_EQ(test, kho_block_set_head_pa(&out), 0ULL);
	kho_block_it_init(&it, &out);
	KUNIT_EXPECT_NULL(test, kho_block_it_next(&it));
	KUNIT_EXPECT_NULL(test, kho_block_it_read(&it));
	KUNIT_EXPECT_NULL(test, kho_block_it_prev(&it));
	kho_block_it_finalize(&it);
}

static void initializer_equals_init(struct kunit *test)
{
	struct kho_block_set bs = KHO_BLOCK_SET_INIT(bs, sizeof(struct entry));

	KUNIT_EXPECT_EQ(test, kho_block_capacity(&bs), CAPACITY);
	KUNIT_EXPECT_EQ(test, kho_block_grow(&bs, 0), 0);
	kho_block_destroy(&bs);
}

static void grow_adds_a_block_when_the_set_is_full(struct kunit *test)
{
	u64 count;

	for (count = 0; count < 3 * CAPACITY; count++) {
		KUNIT_EXPECT_EQ(test, kho_block_grow(&out, count), 0);
		KUNIT_EXPECT_EQ(test, out.nr_blocks, count / CAPACITY + 1);
	}
}

static void grow_leaves_the_head_in_place(struct kunit *test)
{
	u64 head_pa;

	grow_to(test, 1);
	head_pa = kho_block_set_head_pa(&out);
	KUNIT_EXPECT_NE(test, head_pa, 0ULL);
	grow_to(test, CAPACITY + 1);
	KUNIT_EXPECT_EQ(test, kho_block_set_head_pa(&out), head_pa);
}

static void grow_links_the_blocks(struct kunit *test)
{
	grow_to(test, 2 * CAPACITY + 1);
	KUNIT_EXPECT_EQ(test, nth_block(test, 0)->next,
			virt_to_phys(nth_block(test, 1)));
	KUNIT_EXPECT_EQ(test, nth_block(test, 1)->next,
			virt_to_phys(nth_block(test, 2)));
	KUNIT_EXPECT_EQ(test, nth_block(test, 2)->next, 0ULL);
}

static void shrink_frees_unneeded_blocks(struct kunit *test)
{
	grow_to(test, 3 * CAPACITY);
	kho_block_shrink(&out, 2 * CAPACITY + 1);
	KUNIT_EXPECT_EQ(test, out.nr_blocks, 3);
	kho_block_shrink(&out, 2 * CAPACITY);
	KUNIT_EXPECT_EQ(test, out.nr_blocks, 2);
	KUNIT_EXPECT_EQ(test, nth_block(test, 1)->next, 0ULL);
	kho_block_shrink(&out, 0);
	KUNIT_EXPECT_EQ(test, out.nr_blocks, 0);
	KUNIT_EXPECT_EQ(test, kho_block_set_head_pa(&out), 0ULL);
}

static void entries_that_do_not_fit_are_refused(struct kunit *test)
{
	struct kho_block_set bs = KHO_BLOCK_SET_INIT(bs, PAGE_SIZE);

	KUNIT_EXPECT_EQ(test, kho_block_grow(&bs, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, kho_block_restore(&bs, PAGE_SIZE), -EINVAL);
}

/* Entries */

static void stored_entries_are_read_in_order(struct kunit *test)
{
	static const u64 counts[] = { 1, CAPACITY - 1, CAPACITY, CAPACITY + 1,
				      3 * CAPACITY, 3 * CAPACITY + 7 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		store(test, counts[i]);
		KUNIT_EXPECT_EQ(test, read_all(test, &out), counts[i]);
	}
}

static void entries_do_not_count_before_finalize(struct kunit *test)
{
	struct kho_block_it it;

	grow_to(test, 2);
	kho_block_it_init(&it, &out);
	KUNIT_EXPECT_NOT_NULL(test, kho_block_it_next(&it));
	KUNIT_EXPECT_EQ(test, read_all(test, &out), 0);
}

static void next_ends_with_the_last_block(struct kunit *test)
{
	struct kho_block_it it;
	u64 i;

	grow_to(test, 2 * CAPACITY);
	kho_block_it_init(&it, &out);
	for (i = 0; i < 2 * CAPACITY; i++)
		KUNIT_EXPECT_NOT_NULL(test, kho_block_it_next(&it));
	KUNIT_EXPECT_NULL(test, kho_block_it_next(&it));
}

static void prev_goes_back_over_blocks(struct kunit *test)
{
	struct kho_block_it it;
	struct entry *entry;
	u64 i;

	/* The first block still has the count of the first store(). */
	store(test, 3);
	store(test, CAPACITY + 2);
	kho_block_it_init(&it, &out);
	for (i = 0; i < CAPACITY + 2; i++)
		KUNIT_EXPECT_NOT_NULL(test, kho_block_it_next(&it));
	while ((entry = kho_block_it_prev(&it)))
		KUNIT_EXPECT_EQ(test, entry->value[0], --i);
	KUNIT_EXPECT_EQ(test, i, 0ULL);
}

static void prev_undoes_read(struct kunit *test)
{
	struct kho_block_it it;
	void *entry;

	store(test, 2);
	kho_block_it_init(&it, &out);
	entry = kho_block_it_read(&it);
	KUNIT_EXPECT_PTR_EQ(test, kho_block_it_prev(&it), entry);
	KUNIT_EXPECT_PTR_EQ(test, kho_block_it_read(&it), entry);
}

static void clear_keeps_the_blocks(struct kunit *test)
{
	store(test, CAPACITY + 1);
	kho_block_set_clear(&out);
	KUNIT_EXPECT_EQ(test, out.nr_blocks, 2);
	KUNIT_EXPECT_EQ(test, read_all(test, &out), 0);
}

/* Restoring */

static void restored_set_has_the_same_entries(struct kunit *test)
{
	store(test, 3 * CAPACITY + 7);
	KUNIT_EXPECT_EQ(test, restore(test), 0);
	KUNIT_EXPECT_EQ(test, read_all(test, &in), 3 * CAPACITY + 7);
	KUNIT_EXPECT_EQ(test, fake_kho.nr_freed, 0);
}

static void destroy_frees_restored_blocks(struct kunit *test)
{
	store(test, 3 * CAPACITY);
	KUNIT_EXPECT_EQ(test, restore(test), 0);
	kho_block_destroy(&in);
	KUNIT_EXPECT_EQ(test, fake_kho.nr_freed, 3);
	KUNIT_EXPECT_EQ(test, in.nr_blocks, 0);
}

static void restored_set_does_not_grow(struct kunit *test)
{
	store(test, 1);
	KUNIT_EXPECT_EQ(test, restore(test), 0);
	KUNIT_EXPECT_EQ(test, kho_block_grow(&in, CAPACITY), -EINVAL);
}

static void empty_chains_are_accepted(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, kho_block_restore(&in, 0), 0);
	KUNIT_EXPECT_EQ(test, read_all(test, &in), 0);

	grow_to(test, 1);
	KUNIT_EXPECT_EQ(test, restore(test), 0);
	KUNIT_EXPECT_EQ(test, read_all(test, &in), 0);
}

static void last_block_may_be_empty(struct kunit *test)
{
	store(test, CAPACITY);
	grow_to(test, CAPACITY + 1);
	KUNIT_EXPECT_EQ(test, restore(test), 0);
	KUNIT_EXPECT_EQ(test, read_all(test, &in), CAPACITY);
}

static void expect_refused(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, restore(test), -EINVAL);
	KUNIT_EXPECT_EQ(test, in.nr_blocks, 0);
	KUNIT_EXPECT_EQ(test, fake_kho.nr_freed, 0);
}

static void empty_block_before_the_last_is_refused(struct kunit *test)
{
	store(test, 2 * CAPACITY);
	nth_block(test, 0)->count = 0;
	expect_refused(test);
}

static void count_over_capacity_is_refused(struct kunit *test)
{
	store(test, CAPACITY + 1);
	nth_block(test, 1)->count = CAPACITY + 1;
	expect_refused(test);
	nth_block(test, 1)->count = U64_MAX;
	expect_refused(test);
}

static void cycles_of_any_length_are_refused(struct kunit *test)
{
	unsigned int back;

	store(test, 9 * CAPACITY);
	for (back = 0; back < 9; back++) {
		nth_block(test, 8)->next = virt_to_phys(nth_block(test, back));
		expect_refused(test);
	}
}

static void misaligned_block_is_refused(struct kunit *test)
{
	store(test, 2 * CAPACITY);
	nth_block(test, 0)->next += sizeof(u64);
	expect_refused(test);
}

static void unpreserved_block_is_refused(struct kunit *test)
{
	store(test, 3 * CAPACITY);
	fake_kho.lost = virt_to_phys(nth_block(test, 2));
	expect_refused(test);
	fake_kho.lost = virt_to_phys(nth_block(test, 0));
	expect_refused(test);
}

static void verified_chain_is_that_of_the_set(struct kunit *test)
{
	struct kho_block_header_ser *first, *last;
	u64 head_pa;

	KUNIT_EXPECT_EQ(test, kho_block_verify(&out, 0), 0);
	KUNIT_EXPECT_EQ(test, kho_block_verify(&out, PAGE_SIZE), -EINVAL);
	store(test, 2 * CAPACITY);
	head_pa = kho_block_set_head_pa(&out);
	first = nth_block(test, 0);
	last = nth_block(test, 1);
	KUNIT_EXPECT_EQ(test, kho_block_verify(&out, head_pa), 0);

	KUNIT_EXPECT_EQ(test, kho_block_verify(&out, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, kho_block_verify(&out, first->next), -EINVAL);
	last->next = head_pa;
	KUNIT_EXPECT_EQ(test, kho_block_verify(&out, head_pa), -EINVAL);
	last->next = 0;
	last->count = CAPACITY + 1;
	KUNIT_EXPECT_EQ(test, kho_block_verify(&out, head_pa), -EINVAL);
	last->count = 0;
	KUNIT_EXPECT_EQ(test, kho_block_verify(&out, head_pa), 0);
	first->count = 0;
	KUNIT_EXPECT_EQ(test, kho_block_verify(&out, head_pa), -EINVAL);
	first->count = CAPACITY;

	kho_unpreserve_folio(virt_to_folio(last));
	KUNIT_EXPECT_EQ(test, kho_block_verify(&out, head_pa), -EINVAL);
	KUNIT_ASSERT_EQ(test, kho_preserve_folio(virt_to_folio(last)), 0);
	KUNIT_EXPECT_EQ(test, kho_block_verify(&out, head_pa), 0);
}

static void restore_into_a_used_set_is_refused(struct kunit *test)
{
	store(test, 1);
	KUNIT_EXPECT_EQ(test, kho_block_restore(&out, kho_block_set_head_pa(&out)),
			-EINVAL);
}

static struct kunit_case block_cases[] = {
	KUNIT_CASE(new_set_has_no_blocks),
	KUNIT_CASE(initializer_equals_init),
	KUNIT_CASE(grow_adds_a_block_when_the_set_is_full),
	KUNIT_CASE(grow_leaves_the_head_in_place),
	KUNIT_CASE(grow_links_the_blocks),
	KUNIT_CASE(shrink_frees_unneeded_blocks),
	KUNIT_CASE(entries_that_do_not_fit_are_refused),
	KUNIT_CASE(stored_entries_are_read_in_order),
	KUNIT_CASE(entries_do_not_count_before_finalize),
	KUNIT_CASE(next_ends_with_the_last_block),
	KUNIT_CASE(prev_goes_back_over_blocks),
	KUNIT_CASE(prev_undoes_read),
	KUNIT_CASE(clear_keeps_the_blocks),
	KUNIT_CASE(restored_set_has_the_same_entries),
	KUNIT_CASE(destroy_frees_restored_blocks),
	KUNIT_CASE(restored_set_does_not_grow),
	KUNIT_CASE(empty_chains_are_accepted),
	KUNIT_CASE(last_block_may_be_empty),
	KUNIT_CASE(empty_block_before_the_last_is_refused),
	KUNIT_CASE(count_over_capacity_is_refused),
	KUNIT_CASE(cycles_of_any_length_are_refused),
	KUNIT_CASE(misaligned_block_is_refused),
	KUNIT_CASE(unpreserved_block_is_refused),
	KUNIT_CASE(restore_into_a_used_set_is_refused),
	KUNIT_CASE(verified_chain_is_that_of_the_set),
	{}
};

static struct kunit_suite block_suite = {
	.name = "kho-block",
	.init = block_test_init,
	.exit = block_test_exit,
	.test_cases = block_cases,
};

kunit_test_suite(block_suite);
