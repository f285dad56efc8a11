// SPDX-License-Identifier: GPL-2.0
/*
 * memfds of huge pages from kernel to kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/kexec_handover.h>
#include <linux/liveupdate.h>

#include <linux/kho/abi/hugetlb.h>
#include <linux/kho/abi/vmalloc.h>

#include "fuzz/hugetlb.h"
#include "shim/check.h"
#include "shim/faults.h"
#include "shim/shmem.h"
#include "tests/test.h"

static void run_and_expect(const char *seed, unsigned int retrieved)
{
	hugetlb_retrieved = 0;
	run_seed(seed);
	check(hugetlb_retrieved == retrieved);
	check(!hugetlb_still_preserved);
}

static void run_and_keep(const char *seed, unsigned long preserved)
{
	hugetlb_retrieved = 0;
	run_seed(seed);
	check(!hugetlb_retrieved);
	check(hugetlb_still_preserved == preserved);
}

static void files_are_retrieved(void)
{
	run_and_expect("empty", 1);
	run_and_expect("pages", 1);
	run_and_expect("holes", 1);
}

static void discarded_files_are_freed(void)
{
	run_and_expect("pages-discarded", 0);
	run_and_expect("holes-discarded", 0);
}

/* Also by a kernel that has no pages of that size, whether it tries to retrieve it or not */
static void foreign_files_are_freed(void)
{
	run_and_expect("pages-foreign", 0);
	run_and_expect("holes-foreign", 0);
}

/* A list with a page past the last address is refused as a whole: two pages of order 2 stay. */
static void pages_have_addresses(void)
{
	run_and_keep("past-end", 8);
	run_and_keep("past-end-foreign", 8);
}

/* Only whole pages of the file's size are freed: two of order 0 and one of order 2 stay. */
static void pages_of_others_stay(void)
{
	run_and_keep("claimed-foreign", 6);
}

/* Fail each allocation in turn. A retry retrieves the file; without one it is freed. */
static void fail_in_turn(const char *seed, bool gives_up)
{
	unsigned int fail_at = 0;

	do {
		hugetlb_retrieved = 0;
		run_seed_failing(seed, ++fail_at);
		check(hugetlb_retrieved == 1 || (shim_failed && gives_up));
		check(!hugetlb_still_preserved);
	} while (shim_failed);
	check(fail_at > 5);
}

static void memory_is_short(void)
{
	fail_in_turn("pages", false);
	fail_in_turn("pages-given-up", true);
	fail_in_turn("holes", false);
	fail_in_turn("holes-given-up", true);
}

/* Verification before the kexec */

static int verify(struct liveupdate_file_op_args *args, bool frozen)
{
	args->frozen = frozen;
	return hugetlb_handler->ops->verify(args);
}

/* After freeze() the list is not checked again unless freeze() has replaced it. */
static void check_damaged(struct liveupdate_file_op_args *args, bool relisted)
{
	check(verify(args, false) == -EIO);
	check(verify(args, true) == (relisted ? -EIO : 0));
}

static void check_state(struct liveupdate_file_op_args *args)
{
	struct hugetlb_luo_ser *ser = phys_to_virt(args->serialized_data);

	ser->nr_runs++;
	check_damaged(args, true);
	ser->nr_runs--;
	ser->nr_pages++;
	check_damaged(args, true);
	ser->nr_pages--;
	ser->runs.first.phys += PAGE_SIZE;
	check_damaged(args, true);
	ser->runs.first.phys -= PAGE_SIZE;
	ser->seals = ~0U;
	check_damaged(args, true);
	ser->seals = 0;
	args->serialized_data += PAGE_SIZE;
	check_damaged(args, true);
	args->serialized_data -= PAGE_SIZE;
	check(!verify(args, false) && !verify(args, true));
}

static void check_list(struct liveupdate_file_op_args *args, bool relisted)
{
	struct hugetlb_luo_ser *ser = phys_to_virt(args->serialized_data);
	struct kho_vmalloc_chunk *chunk = phys_to_virt(ser->runs.first.phys);
	struct folio *folio = to_memfd(args->file)->folios[1];

	chunk->phys[0] += PAGE_SIZE;
	check_damaged(args, relisted);
	chunk->phys[0] -= PAGE_SIZE;
	kho_unpreserve_folio(folio);
	check_damaged(args, relisted);
	check(!kho_preserve_folio(folio));
	check(!verify(args, false) && !verify(args, true));
}

static void damage_is_found(void)
{
	struct file *file = hugetlb_start(2, 4);
	struct liveupdate_file_op_args args = { .handler = hugetlb_handler, .file = file };

	hugetlb_add_content(file, 0);
	hugetlb_add_content(file, 2);
	check(!hugetlb_handler->ops->preserve(&args));
	check(!hugetlb_handler->ops->freeze(&args));
	check_state(&args);
	check_list(&args, false);
	hugetlb_handler->ops->unfreeze(&args);

	hugetlb_add_content(file, 3);
	check(!hugetlb_handler->ops->freeze(&args));
	check_state(&args);
	check_list(&args, true);
	hugetlb_handler->ops->unfreeze(&args);
	check(!hugetlb_handler->ops->freeze(&args));
	check_list(&args, false);

	hugetlb_handler->ops->unpreserve(&args);
	hugetlb_stop();
}

const struct test_case test_cases[] = {
	{ "memfds of huge pages are retrieved", files_are_retrieved },
	{ "those that are not retrieved are freed", discarded_files_are_freed },
	{ "those of a size that the kernel lacks are freed", foreign_files_are_freed },
	{ "a list with pages that have no address is refused", pages_have_addresses },
	{ "pages of another size are not freed", pages_of_others_stay },
	{ "retrieving succeeds after a failed allocation", memory_is_short },
	{ "damage is found before it is handed over", damage_is_found },
	{}
};
