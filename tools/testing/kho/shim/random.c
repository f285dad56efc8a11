// SPDX-License-Identifier: GPL-2.0
/*
 * Random numbers
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include "shim/random.h"

static u64 state = 1;

void random_start(u64 seed)
{
	state = seed ?: 1;
}

/* xorshift64* */
u64 random_u64(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;

	return state * 0x2545f4914f6cdd1dULL;
}

unsigned long random_below(unsigned long limit)
{
	return (random_u64() >> 32) * limit >> 32;
}
