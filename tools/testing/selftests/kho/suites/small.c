// SPDX-License-Identifier: GPL-2.0
/*
 * small: too little scratch is found before the kexec
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * With each size of scratch, the image is refused, or the next kernel keeps everything.
 */
#include "../kho.h"

#define MIB	(1024ULL * 1024)

/* The most scratch by default, if nothing is unusual */
#define DEFAULT_MAX	(160 * MIB)

static unsigned long long scratch_bytes(void)
{
	struct ranges scratch;

	need_scratch(&scratch);
	return total_size(&scratch);
}

static bool refusal_is_explained(void)
{
	return guest_log_since("KHO: no room in scratch for ") ||
	       guest_log_since("KHO: scratch of ");
}

static void load_and_preserve(void)
{
	guest_note("%llu MiB of scratch", scratch_bytes() / MIB);
	guest_log_mark();
	if (guest_load_image(0)) {
		CHECK_EQ(errno, EADDRNOTAVAIL);
		CHECK(refusal_is_explained());
		CHECK(!guest_param_word("enough"));
		guest_pass();
	}
	preserve_all();
}

static void default_is_small(void)
{
	if (guest_param("kho_scratch"))
		guest_pass();
	CHECK(scratch_bytes() <= DEFAULT_MAX);
}

/* There is no image if it was refused. */
static void leave(void)
{
	guest_kexec();
}

static const struct guest_test small_tests[] = {
	{ "kept_or_refused", { load_and_preserve, restore_all } },
	GUEST_TEST_IN_BOTH(default_is_small),
};

GUEST_SUITE(small, 2, .leave = leave)
