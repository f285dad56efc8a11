// SPDX-License-Identifier: GPL-2.0
/*
 * Random version strings
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <stdio.h>
#include <string.h>

#include <linux/kernel.h>

#include "fuzz/target.h"
#include "shim/random.h"
#include "tests/test.h"

#define NR_STRINGS	200000

/* Parts of tokens */
static const char *const pieces[] = {
	"kho", "luo", "block", "radix", "vmalloc", "memblock", "memfd", "a", "b", "c",
	"-v", "-v", "-v", "-v", "v", "-", ";", ";", ";", "",
	"0", "1", "2", "4", "5", "10", "01", "4294967295", "4294967296", "99999999999",
};

static void random_strings(void)
{
	char input[256];
	unsigned int i, nr;
	size_t len;

	for (i = 0; i < NR_STRINGS; i++) {
		input[0] = random_u64();
		len = 1;
		for (nr = random_below(12); nr; nr--)
			len += sprintf(input + len, "%s",
				       pieces[random_below(ARRAY_SIZE(pieces))]);
		/* with or without its NUL */
		target.run((u8 *)input, len + random_below(2));
	}
}

const struct test_case test_cases[] = {
	{ "random strings of parts of tokens", random_strings },
	{}
};
