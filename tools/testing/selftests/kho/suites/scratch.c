// SPDX-License-Identifier: GPL-2.0
/*
 * scratch, sizes, no_room: kho_scratch= on the command line
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <stdlib.h>

#include "../kho.h"

#define MIB	(1024ULL * 1024)

/* ---- scratch: malformed values ---- */

static void malformed_is_reported(void)
{
	const char *value = guest_param("kho_scratch");
	char *log = guest_log();
	const char *line;
	bool reported = false;

	CHECK(log && value);
	for (line = log; (line = strstr(line, "KHO: ")); line++) {
		size_t len = strcspn(line, "\n");
		const char *option = strstr(line, "kho_scratch");

		reported |= option && option < line + len;
	}
	free(log);
	CHECK(reported);
}

/* The default is one region if there is room for it. */
static void default_is_used(void)
{
	unsigned long long total, size;
	struct ranges scratch;
	int i;

	need_scratch(&scratch);
	for (i = 0; i < scratch.nr; i++) {
		size = range_size(&scratch.r[i]);
		/* The malformed values start with these sizes. */
		CHECK(size != 16 * MIB && size != 64 * MIB);
	}
	total = total_size(&scratch);
	guest_note("%llu MiB in %d regions", total / MIB, scratch.nr);
	CHECK_EQ(scratch.nr, 1);
	CHECK(total >= 32 * MIB);
}

static void image_still_loads(void)
{
	CHECK(!guest_load_image(0));
}

static const struct guest_test scratch_tests[] = {
	GUEST_TEST(malformed_is_reported),
	GUEST_TEST(default_is_used),
	{ "image_loads", { image_still_loads } },
};

GUEST_SUITE(scratch, 1)

/* ---- sizes: kho_scratch=16M,256M,64M on two nodes ---- */

static void sizes_are_honoured(void)
{
	static const unsigned long long wanted[] = {
		16 * MIB, 256 * MIB, 64 * MIB, 64 * MIB,
	};
	struct ranges scratch;
	size_t i;
	int j;

	CHECK(!read_scratch(&scratch));
	CHECK_EQ(scratch.nr, ARRAY_SIZE(wanted));
	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		for (j = 0; j < scratch.nr; j++)
			if (range_size(&scratch.r[j]) == wanted[i])
				break;
		CHECK(j < scratch.nr);
		scratch.r[j].end = scratch.r[j].start;
	}
}

/* The second kernel gets other sizes, which must have no effect. */
static const char *sizes_append(int kernel)
{
	return kernel == 2 ? "kho_scratch=8M,128M,32M" : NULL;
}

static const struct guest_test sizes_tests[] = {
	GUEST_TEST(sizes_are_honoured),
	{ "inherited_regions_win", { [1] = sizes_are_honoured } },
};

GUEST_SUITE(sizes, 2, .append = sizes_append)

/* ---- no_room: more scratch than there is memory ---- */

static void boots_without_kho(void)
{
	CHECK(!kho_is_on());
	CHECK_LOGGED("KHO: disabled: no memory for scratch");
	if (guest_has_module("test_kho"))
		CHECK_ERRNO(guest_insmod("test_kho", ""), EOPNOTSUPP);
	CHECK(!guest_load_image(0));
}

static const struct guest_test no_room_tests[] = {
	GUEST_TEST(boots_without_kho),
};

GUEST_SUITE(no_room, 1)
