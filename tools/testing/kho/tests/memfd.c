// SPDX-License-Identifier: GPL-2.0
/*
 * memfds from kernel to kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <linux/kernel.h>

#include "fuzz/memfd.h"
#include "shim/check.h"
#include "shim/faults.h"
#include "tests/test.h"

static void memfds_are_retrieved(void)
{
	static const char *const seeds[] = {
		"empty", "pages", "pages-small", "reverse", "folios", "folios-small",
		"poisoned", "poisoned-small",
		"v2-empty", "v2-pages", "v2-folios", "v2-folios-small",
		"mainline-empty", "mainline-pages", "mainline-reverse", "mainline-folios",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(seeds); i++) {
		memfd_retrieved = 0;
		run_seed(seeds[i]);
		check(memfd_retrieved == 1);
		check(!memfd_still_preserved);
	}
}

/* Those of large folios, too, whether the folio is marked or not */
static void poisoned_pages_are_handed_over(void)
{
	run_seed("poisoned");
	check(memfd_nr_poisoned == 5);
	run_seed("poisoned-small");
	check(memfd_nr_poisoned == 5);
	run_seed("poisoned-discarded");
	check(memfd_nr_poisoned == 5);
}

static void discarded_memfds_are_freed(void)
{
	memfd_retrieved = 0;
	run_seed("pages-discarded");
	check(!memfd_still_preserved);
	run_seed("folios-discarded");
	check(!memfd_still_preserved);
	run_seed("poisoned-discarded");
	check(!memfd_still_preserved);
	run_seed("v2-pages-discarded");
	check(!memfd_still_preserved);
	check(!memfd_retrieved);
}

/* The runs before the damaged one, of a page each */
static void damaged_list_is_freed_in_part(void)
{
	memfd_retrieved = 0;
	run_seed("damaged");
	check(memfd_still_preserved == 2);
	run_seed("damaged-discarded");
	check(memfd_still_preserved == 2);
	check(!memfd_retrieved);
}

/* Fail each allocation in turn. A retry retrieves the file; without one it is freed. */
static void fail_in_turn(const char *seed, bool gives_up)
{
	unsigned int fail_at = 0;

	do {
		memfd_retrieved = 0;
		run_seed_failing(seed, ++fail_at);
		check(memfd_retrieved == 1 || (shim_failed && gives_up));
		check(!memfd_still_preserved);
	} while (shim_failed);
	check(fail_at > 5);
}

static void memory_is_short(void)
{
	fail_in_turn("pages", false);
	fail_in_turn("pages-small", false);
	fail_in_turn("reverse", false);
	fail_in_turn("reverse-given-up", true);
	fail_in_turn("folios", false);
	fail_in_turn("folios-small", false);
	fail_in_turn("folios-given-up", true);
	fail_in_turn("folios-given-up-small", true);
	fail_in_turn("poisoned", false);
	fail_in_turn("poisoned-small", false);
	fail_in_turn("poisoned-given-up", true);
	fail_in_turn("v2-pages", false);
	fail_in_turn("v2-folios", false);
	fail_in_turn("v2-folios-small", false);
	fail_in_turn("v2-folios-given-up", true);
}

const struct test_case test_cases[] = {
	{ "memfds are retrieved", memfds_are_retrieved },
	{ "poisoned pages are handed over", poisoned_pages_are_handed_over },
	{ "memfds that are not retrieved are freed", discarded_memfds_are_freed },
	{ "the part of a file before a damaged run is freed", damaged_list_is_freed_in_part },
	{ "retrieving succeeds after a failed allocation", memory_is_short },
	{}
};
