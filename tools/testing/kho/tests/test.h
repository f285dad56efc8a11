/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Test cases
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_TESTS_TEST_H
#define _KHO_TESTS_TEST_H

/**
 * struct test_case - a test case
 * @name: its name in the results
 * @run:  does the test; dies if it fails
 */
struct test_case {
	const char *name;
	void (*run)(void);
};

/* The cases of this program; the last entry has no name. */
extern const struct test_case test_cases[];

/* Run the target on the seed of this name. */
void run_seed(const char *name);
/* The same, but the allocation of this number fails. The target must read images. */
void run_seed_failing(const char *name, unsigned int fail_at);

#endif
