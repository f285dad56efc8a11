// SPDX-License-Identifier: GPL-2.0
/*
 * pins: a small machine with scratch can pin memory for a long time
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <stdio.h>
#include <sys/mman.h>

#include "../kho.h"

#define SIZE	(256UL << 20)

static void pins(void)
{
	char args[80];
	void *mem;

	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	CHECK(mem != MAP_FAILED);
	snprintf(args, sizeof(args), "addr=%lu size=%lu", (unsigned long)mem, SIZE);
	guest_log_mark();
	CHECK(!guest_insmod("kho_pin_test", args));
	snprintf(args, sizeof(args), "kho_pin_test: pinned %lu of %lu pages",
		 SIZE / PAGE, SIZE / PAGE);
	CHECK(guest_log_since(args));
	CHECK(!guest_rmmod("kho_pin_test"));
	CHECK(!munmap(mem, SIZE));
}

static const struct guest_test pins_tests[] = {
	{ "quarter_of_memory", { pins, pins } },
};

GUEST_SUITE(pins, 2, .need = "kho_pin_test")
