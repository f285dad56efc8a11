// SPDX-License-Identifier: GPL-2.0
/*
 * Booting the next kernel in the same program
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The Makefile puts the writable data of the kernel's files into sections of their own.
 * At each boot they are reset to their state at the start of the program.
 */

#include <stdlib.h>

#include <linux/kernel.h>
#include <linux/types.h>

#include "shim/reboot.h"

static char *saved_data;

/* Not memcpy() and memset(): the address sanitizer forbids the gaps between variables. */
static void __attribute__((no_sanitize("address"))) copy(char *to, const char *from, size_t size)
{
	for (; size >= sizeof(u64); size -= sizeof(u64)) {
		WRITE_ONCE(*(u64 *)to, READ_ONCE(*(const u64 *)from));
		to += sizeof(u64);
		from += sizeof(u64);
	}
	while (size--)
		WRITE_ONCE(*to++, READ_ONCE(*from++));
}

static void __attribute__((no_sanitize("address"))) clear(char *mem, size_t size)
{
	for (; size >= sizeof(u64); size -= sizeof(u64)) {
		WRITE_ONCE(*(u64 *)mem, 0);
		mem += sizeof(u64);
	}
	while (size--)
		WRITE_ONCE(*mem++, 0);
}

void reboot(void)
{
	size_t size = __stop_kernel_data - __start_kernel_data;

	if (!saved_data) {
		saved_data = malloc(size);
		copy(saved_data, __start_kernel_data, size);
	}

	copy(__start_kernel_data, saved_data, size);
	clear(__start_kernel_bss, __stop_kernel_bss - __start_kernel_bss);
}
