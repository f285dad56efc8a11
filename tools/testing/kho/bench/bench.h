/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is measured, and on what
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_BENCH_H
#define _KHO_BENCH_H

#include <linux/compiler.h>
#include <linux/types.h>

/**
 * struct bench_op - an operation that is measured
 * @name:  its name, in the table and for the command line
 * @help:  what one of it is
 * @begin: prepares the runs; may be NULL
 * @run:   the measured part; returns how many operations it has done
 * @undo:  puts things back after each run; may be NULL
 * @end:   undoes @begin; may be NULL
 *
 * All functions check what they have done and die if it is wrong.
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
 * struct bench_input - what operations work on
 * @name: its name in the table
 * @load: makes it from @nr pages or entries
 */
struct bench_input {
	const char *name;
	void (*load)(unsigned long nr);
};

/**
 * struct bench_suite - operations that share their inputs
 * @ops:	the operations, up to one without a name
 * @inputs:	the inputs, up to one without a name
 * @unload:	undoes &bench_input.load
 * @unit_size:	bytes that a page or an entry has
 */
struct bench_suite {
	const struct bench_op *ops;
	const struct bench_input *inputs;
	void (*unload)(void);
	size_t unit_size;
};

extern const struct bench_suite bench_pages, bench_ranges, bench_blocks;

#endif
