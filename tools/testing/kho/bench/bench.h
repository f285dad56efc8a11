/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Operations that are measured, and their inputs
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_BENCH_BENCH_H
#define _KHO_BENCH_BENCH_H

#include <linux/compiler.h>
#include <linux/types.h>

/**
 * struct bench_op - an operation that is measured
 * @name:  its name in the table and on the command line
 * @help:  describes one operation
 * @begin: prepares the runs; may be NULL
 * @run:   the measured part; returns the number of operations
 * @undo:  undoes @run; may be NULL
 * @end:   undoes @begin; may be NULL
 *
 * All functions check their results, and die if they are wrong.
 */
struct bench_op {
	const char *name;
	const char *help;
	void (*begin)(void);
	unsigned long (*run)(void);
	void (*undo)(void);
	void (*end)(void);
};

/**
 * struct bench_input - an input of operations
 * @name: its name in the table
 * @load: generates an input of @nr pages or entries
 */
struct bench_input {
	const char *name;
	void (*load)(unsigned long nr);
};

/**
 * struct bench_suite - operations that share their inputs
 * @ops:	the operations; the last entry has no name
 * @inputs:	the inputs; the last entry has no name
 * @unload:	undoes &bench_input.load
 * @unit_size:	size of a page or an entry in bytes
 */
struct bench_suite {
	const struct bench_op *ops;
	const struct bench_input *inputs;
	void (*unload)(void);
	size_t unit_size;
};

extern const struct bench_suite bench_pages, bench_ranges, bench_blocks;

#endif
