// SPDX-License-Identifier: GPL-2.0
/*
 * options: kernel parameters that change how memory is set up keep everything
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Each kernel but the first has one of these options. It finds what the kernel
 * before it has preserved, and preserves the same for the next one. options=N on
 * the command line selects the first N options.
 */
#include <stdio.h>

#include "../luo.h"

#define FILE_SIZE	(16 * MIB + 123)

/* Words of a command line. The most important ones come first. */
static const char *const options[] = {
	"numa=off",
	"hugepages=64 cma=64M",
	"movablecore=512M",
	"crashkernel=256M",
	"memtest=1",
#if defined(__x86_64__)
	"memory_corruption_check=1",
	"memmap=64K$512K",
#endif
	"kernelcore=512M",
	"mem=64G",
	"hashdist=0",
	"init_on_alloc=1 init_on_free=1",
	"nokaslr",
	"maxcpus=1",
	"swiotlb=force",
	"debug_pagealloc=on page_poison=1",
	"transparent_hugepage=never",
};

static struct guest_test options_tests[ARRAY_SIZE(options)];

static int nr_options(void)
{
	int nr = guest_param_number("options");

	return nr > 0 && nr < (int)ARRAY_SIZE(options) ? nr : (int)ARRAY_SIZE(options);
}

static const char *options_append(int kernel)
{
	return options[kernel - 2];
}

static void preserve(void)
{
	int session = new_session("options");

	CHECK(!luo_preserve(session, new_file(FILE_SIZE, 1), 1));
	CHECK(!luo_preserve(session, new_file(PAGE, 2), 2));
}

static void retrieve(void)
{
	int session = old_session("options");

	check_content(old_file(session, 1), 0, FILE_SIZE, 1);
	check_content(old_file(session, 2), 0, PAGE, 2);
	check_free_memory();
	finish_and_close(session);
}

/* A test is named after its option. */
static void set_up_tests(struct guest_suite *suite)
{
	static char names[ARRAY_SIZE(options)][40];
	int i, c;

	for (i = 0; i < nr_options(); i++) {
		snprintf(names[i], sizeof(names[i]), "%s", options[i]);
		for (c = 0; names[i][c]; c++)
			if (names[i][c] == ' ')
				names[i][c] = ',';
		options_tests[i] = (struct guest_test){
			.name = names[i],
			.step = { preserve, retrieve },
			.after = i,
		};
	}
	suite->nr_tests = nr_options();
	suite->kernels = nr_options() + 1;
}

GUEST_SUITE(options, 1, .append = options_append, .set_up = set_up_tests, .forget = true)
