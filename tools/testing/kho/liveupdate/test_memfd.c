// SPDX-License-Identifier: GPL-2.0
/*
 * memfds from kernel to kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <linux/kernel.h>

#include "harness.h"
#include "memfd_luo.h"

static void memfds_are_retrieved(void)
{
	static const char *const seeds[] = {
		"empty", "pages", "pages-small", "folios", "folios-small",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(seeds); i++) {
		memfd_retrieved = 0;
		run_seed(seeds[i]);
		check(memfd_retrieved == 1);
		check(!memfd_left_over);
	}
}

static void discarded_memfds_are_freed(void)
{
	memfd_retrieved = 0;
	run_seed("pages-discarded");
	check(!memfd_left_over);
	run_seed("folios-discarded");
	check(!memfd_left_over);
	check(!memfd_retrieved);
}

const struct test_case test_cases[] = {
	{ "memfds that are handed over are retrieved", memfds_are_retrieved },
	{ "those that nobody retrieves are freed", discarded_memfds_are_freed },
	{}
};
