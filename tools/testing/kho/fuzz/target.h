/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A target of fuzzers and tests
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_FUZZ_TARGET_H
#define _KHO_FUZZ_TARGET_H

#include <linux/types.h>

/* Takes an input for the fuzzer to start from. */
typedef void (*seed_fn)(const char *name, const void *data, size_t size);

/**
 * struct target - a reader of data from another kernel
 * @run:   make an image from @size arbitrary bytes, have the kernel's code read it, and
 *	   check the result. Dies if a check fails. Leaves no state to the next run.
 * @seeds: make inputs. Most are handed over by the kernel's own code.
 */
struct target {
	void (*run)(const u8 *data, size_t size);
	void (*seeds)(seed_fn add);
};

/* Each program has one. */
extern const struct target target;

#endif
