// SPDX-License-Identifier: GPL-2.0
/*
 * Main function of a test program: its cases, all seeds of its target, damaged seeds
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <linux/kernel.h>

#include "fuzz/image.h"
#include "fuzz/target.h"
#include "shim/check.h"
#include "shim/print.h"
#include "shim/random.h"
#include "tests/test.h"

#define NR_DAMAGED	20000
#define MAX_SEEDS	64

static struct seed {
	const char *name;
	u8 *data;
	size_t size;
} seeds[MAX_SEEDS];
static unsigned int nr_seeds;

static void keep_seed(const char *name, const void *data, size_t size)
{
	struct seed *seed = &seeds[nr_seeds++];

	check(nr_seeds <= MAX_SEEDS);
	seed->name = strdup(name);
	seed->data = malloc(size);
	seed->size = size;
	memcpy(seed->data, data, size);
}

static struct seed *find_seed(const char *name)
{
	unsigned int i;

	for (i = 0; i < nr_seeds; i++)
		if (!strcmp(seeds[i].name, name))
			return &seeds[i];
	die("no seed '%s'", name);
}

void run_seed(const char *name)
{
	struct seed *seed = find_seed(name);

	target.run(seed->data, seed->size);
}

void run_seed_failing(const char *name, unsigned int fail_at)
{
	struct seed *seed = find_seed(name);
	u8 was = seed->data[IMAGE_FAIL_AT];

	check(fail_at <= 255);
	seed->data[IMAGE_FAIL_AT] = fail_at;
	target.run(seed->data, seed->size);
	seed->data[IMAGE_FAIL_AT] = was;
}

static void run_seeds(void)
{
	unsigned int i;

	for (i = 0; i < nr_seeds; i++)
		target.run(seeds[i].data, seeds[i].size);
}

static void damage(u8 *data, size_t size)
{
	static const u8 values[] = { 0, 1, 0x7f, 0x80, 0xff };
	u8 *byte = &data[random_below(size)];

	switch (random_below(3)) {
	case 0:
		*byte ^= 1 << random_below(8);
		break;
	case 1:
		*byte = values[random_below(ARRAY_SIZE(values))];
		break;
	default:
		*byte = random_u64();
	}
}

static void run_damaged_seeds(void)
{
	unsigned int i, nr;

	for (i = 0; i < NR_DAMAGED; i++) {
		const struct seed *seed = &seeds[random_below(nr_seeds)];
		size_t size = seed->size;
		u8 *copy = malloc(size);

		memcpy(copy, seed->data, size);
		for (nr = 1 + random_below(4); nr; nr--)
			damage(copy, size);
		if (!random_below(8))
			size = random_below(size);
		target.run(copy, size);
		free(copy);
	}
}

static const struct test_case common_cases[] = {
	{ "each seed", run_seeds },
	{ "seeds with random damage", run_damaged_seeds },
	{}
};

static unsigned int run_cases(const struct test_case *test, unsigned int nr)
{
	for (; test->name; test++) {
		test->run();
		printf("ok %u %s\n", ++nr, test->name);
		fflush(stdout);
	}

	return nr;
}

static unsigned int count_cases(const struct test_case *test)
{
	unsigned int nr = 0;

	while (test[nr].name)
		nr++;

	return nr;
}

/* The optional argument is the seed of the random numbers. */
int main(int argc, char *argv[])
{
	u64 seed = argc > 1 ? strtoull(argv[1], NULL, 0) : time(NULL);

	mm_init();
	shim_log_shown = false;
	target.seeds(keep_seed);

	printf("TAP version 13\n1..%u\n# RANDOM_SEED=%llu\n",
	       count_cases(test_cases) + count_cases(common_cases),
	       (unsigned long long)seed);
	random_start(seed);
	run_cases(common_cases, run_cases(test_cases, 0));

	return 0;
}
