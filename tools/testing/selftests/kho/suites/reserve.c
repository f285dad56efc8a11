// SPDX-License-Identifier: GPL-2.0
/*
 * reserve: regions of reserve_mem=
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <stdio.h>
#include <stdlib.h>

#include "../kho.h"

/*
 * The module reports the generation of a region: how many kernels have had it
 * before. It then leaves the next generation in it.
 */
static void check_region(const char *name, int wanted_generation)
{
	char args[64], key[64], *log;
	struct ranges scratch, region;

	snprintf(args, sizeof(args), "name=%s", name);
	CHECK(!guest_insmod("kho_reserve_test", args));
	CHECK(!guest_rmmod("kho_reserve_test"));

	log = guest_log();
	CHECK(log);
	snprintf(key, sizeof(key), "kho_reserve_test: %s generation %d ", name,
		 wanted_generation);
	ranges_from_lines(&region, log, key, "[mem %llx-%llx]");
	free(log);
	CHECK_EQ(region.nr, 1);

	CHECK(!read_scratch(&scratch));
	CHECK(!overlaps(&scratch, &region.r[0]));
}

static void no_region(const char *name)
{
	char args[64];

	snprintf(args, sizeof(args), "name=%s", name);
	CHECK_ERRNO(guest_insmod("kho_reserve_test", args), ENOENT);
}

/* These two are on every command line. */
static void kept_region(void)
{
	check_region("kept", guest_kernel() - 1);
}

static void unaligned_region(void)
{
	check_region("odd", guest_kernel() - 1);
}

/* On the command line from the second kernel on, and larger from the third on */
static void late_region(void)
{
	check_region("late", guest_kernel() == 4 ? 1 : 0);
}

/* With another alignment from the third kernel on */
static void moved_region(void)
{
	check_region("moved", (guest_kernel() - 1) % 2);
}

static void changes_are_reported(void)
{
	CHECK_LOGGED("reserve_mem: late of the previous kernel has");
	CHECK_LOGGED("reserve_mem: moved of the previous kernel has");
}

#define GONE_KIB	(64 << 10)

static void dropped_region_is_free_before(void)
{
	check_region("gone", 0);
}

/* It is no longer on the command line, and its memory is free. */
static void dropped_region_is_free_after(void)
{
	long before = guest_param_number("mem_total");
	long now = guest_meminfo("MemTotal");

	no_region("gone");
	CHECK_LOGGED(", gone of the previous kernel");
	guest_note("MemTotal %ld KiB, before %ld", now, before);
	CHECK(before > 0);
	CHECK(now > before + GONE_KIB / 2);
}

static void absurd_size_is_refused(void)
{
	no_region("absurd");
}

static const char *reserve_append(int kernel)
{
	static char append[128];
	bool changed = kernel > 2;

	snprintf(append, sizeof(append), "%s %s mem_total=%ld",
		 changed ? "reserve_mem=0x80000:4K:late" :
			   "reserve_mem=0x40000:4K:late",
		 changed ? "reserve_mem=0x40000:256M:moved" :
			   "reserve_mem=0x40000:4K:moved",
		 guest_meminfo("MemTotal"));
	return append;
}

static const struct guest_test reserve_tests[] = {
	{ "region_keeps_place_and_content", { [0 ... 3] = kept_region } },
	{ "parts_of_pages_too", { [0 ... 3] = unaligned_region } },
	{ "new_and_larger_regions_are_fresh", { [1 ... 3] = late_region } },
	{ "other_alignment_is_fresh", { [0 ... 3] = moved_region } },
	{ "changes_are_reported", { [2] = changes_are_reported } },
	GUEST_TEST_OF_2(dropped_region_is_free),
	GUEST_TEST_IN_BOTH(absurd_size_is_refused),
};

GUEST_SUITE(reserve, 4, .need = "kho_reserve_test", .load = GUEST_LOAD_IN_TURN,
	    .append = reserve_append, .drop = "reserve_mem=0x")
