// SPDX-License-Identifier: GPL-2.0
/*
 * memfds of huge pages from kernel to kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <linux/kernel.h>

#include "fuzz/hugetlb.h"
#include "shim/check.h"
#include "shim/faults.h"
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

const struct test_case test_cases[] = {
	{ "memfds of huge pages are retrieved", files_are_retrieved },
	{ "those that are not retrieved are freed", discarded_files_are_freed },
	{ "those of a size that the kernel lacks are freed", foreign_files_are_freed },
	{ "a list with pages that have no address is refused", pages_have_addresses },
	{ "pages of another size are not freed", pages_of_others_stay },
	{ "retrieving succeeds after a failed allocation", memory_is_short },
	{}
};
