// SPDX-License-Identifier: GPL-2.0
/*
 * Main functions of a fuzzer. The Makefile gives them the names that libFuzzer calls.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/mm.h>

#include "fuzz/target.h"
#include "shim/print.h"

static const char *seed_dir;

static void write_seed(const char *name, const void *data, size_t size)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", seed_dir, name);
	file = fopen(path, "w");
	if (!file || fwrite(data, 1, size, file) != size || fclose(file)) {
		perror(path);
		exit(1);
	}
}

/* --seeds DIR writes the seeds to DIR. libFuzzer handles all other options. */
int fuzz_initialize(int *argc, char ***argv)
{
	mm_init();
	shim_log_shown = getenv("KHO_FUZZ_LOG");
	if (*argc == 3 && !strcmp((*argv)[1], "--seeds")) {
		seed_dir = (*argv)[2];
		target.seeds(write_seed);
		exit(0);
	}

	return 0;
}

int fuzz_one_input(const u8 *data, size_t size)
{
	target.run(data, size);
	return 0;
}
