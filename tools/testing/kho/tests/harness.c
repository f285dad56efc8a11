// SPDX-License-Identifier: GPL-2.0
/*
 * What the tests and the fuzzers share
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness.h"
#include "shim/print.h"

static u64 random_state = 1;

/* What was logged last is mostly the reason. */
void die(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\nlast message: %s\n", shim_log_last());
	abort();
}

void random_start(u64 seed)
{
	random_state = seed ?: 1;
}

/* xorshift64* */
u64 random_u64(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;

	return random_state * 0x2545f4914f6cdd1dULL;
}

unsigned long random_below(unsigned long limit)
{
	return (random_u64() >> 32) * limit >> 32;
}
