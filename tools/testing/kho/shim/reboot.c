// SPDX-License-Identifier: GPL-2.0
/*
 * A kernel that boots knows nothing of the one before: the writable data of the
 * kernel's files, which are in sections of their own, are put back to what they were
 * when the program was started
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <stdlib.h>

#include <linux/kernel.h>
#include <linux/types.h>

#include "shim/reboot.h"

static char *saved_data;

/* Word by word: what is between variables is poisoned, for the C library, too. */
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
