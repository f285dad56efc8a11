// SPDX-License-Identifier: GPL-2.0
/*
 * What tools/lib/ lacks of the kernel's library
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <linux/bitmap.h>
#include <linux/kernel.h>

/* Whole words in the middle, as in the kernel */
void bitmap_set(unsigned long *map, unsigned int start, unsigned int nbits)
{
	unsigned long *word = map + BIT_WORD(start);
	unsigned long *last = map + BIT_WORD(start + nbits - 1);
	unsigned long mask = BITMAP_FIRST_WORD_MASK(start);

	if (!nbits)
		return;

	for (; word < last; word++) {
		*word |= mask;
		mask = ~0UL;
	}
	*word |= mask & BITMAP_LAST_WORD_MASK(start + nbits);
}

void shim_print(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
}
