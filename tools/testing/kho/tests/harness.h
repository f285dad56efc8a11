/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests and the fuzzers share
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_HARNESS_H
#define _KHO_HARNESS_H

#include <linux/compiler.h>
#include <linux/types.h>

/* Takes an input that is worth to start from. */
typedef void (*seed_fn)(const char *name, const void *data, size_t size);

/**
 * struct target - a reader of what another kernel has left
 * @run:   have it read @size bytes, and check what it has made of them. Any bytes
 *	   will do. Dies if something is wrong. Leaves nothing behind.
 * @seeds: make inputs, those that the kernel writes among them
 */
struct target {
	void (*run)(const u8 *data, size_t size);
	void (*seeds)(seed_fn add);
};

/* Each program has one. */
extern const struct target target;

/**
 * struct test_case - what a test program does
 * @name: what it shows
 * @run:  dies if it fails
 */
struct test_case {
	const char *name;
	void (*run)(void);
};

/* Up to one without a name */
extern const struct test_case test_cases[];

/* Have a test program's target read one of its seeds. */
void run_seed(const char *name);
/* One of an image, whose reader meets this failure; 0 is none. */
void run_seed_failing(const char *name, unsigned int fail_at);

void die(const char *fmt, ...) __noreturn __printf(1, 2);

#define check(cond) \
	((cond) ? (void)0 : die("%s:%d: wrong: %s", __FILE__, __LINE__, #cond))

/* Random numbers; the same sequence from the same seed */
void random_start(u64 seed);
u64 random_u64(void);
unsigned long random_below(unsigned long limit);

#endif
