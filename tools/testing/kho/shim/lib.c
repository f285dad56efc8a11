// SPDX-License-Identifier: GPL-2.0
/*
 * Functions of the kernel's library that tools/lib/ does not have
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/bitmap.h>
#include <linux/kernel.h>
#include <linux/kstrtox.h>

/* Sets whole words, as the kernel's does, because the benchmark measures it. */
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

void *memchr_inv(const void *start, int c, size_t bytes)
{
	const unsigned char *at = start;

	for (; bytes; bytes--, at++)
		if (*at != (unsigned char)c)
			return (void *)at;
	return NULL;
}

/* Reads at most @size bytes of @src. */
ssize_t shim_strscpy(char *dst, const char *src, size_t size)
{
	size_t len = strnlen(src, size);

	if (len < size) {
		memcpy(dst, src, len + 1);
		return len;
	}

	memcpy(dst, src, size - 1);
	dst[size - 1] = '\0';
	return -E2BIG;
}

ssize_t shim_strscpy_pad(char *dst, const char *src, size_t size)
{
	memset(dst, 0, size);
	return shim_strscpy(dst, src, size);
}

int kstrtobool(const char *str, bool *res)
{
	*res = !strcmp(str, "on");
	return 0;
}

int kstrtou64(const char *str, unsigned int base, u64 *res)
{
	char *end;

	errno = 0;
	*res = strtoull(str, &end, base);
	return errno || !*str || *end ? -EINVAL : 0;
}
