// SPDX-License-Identifier: GPL-2.0
/*
 * fragments: most of a node is preserved, or every second page of it
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "../kho.h"

#define KPF_RESERVED	32

/* The first kernel preserves, the second one restores. */
static void fragments(void)
{
	char args[64];

	snprintf(args, sizeof(args), "nid=1 stride=%s", guest_param("stride"));
	CHECK(!guest_insmod("kho_fragments_test", args));
	CHECK_LOGGED(guest_kernel() == 1 ? "kho_fragments_test: preserved " :
					   "kho_fragments_test: restored ");
}

static unsigned long long count_reserved(int fd, const struct range *range)
{
	unsigned long long pfn = range->start / PAGE, end = range->end / PAGE + 1, nr = 0;
	uint64_t flags[512];
	int i;

	for (; pfn < end; pfn += ARRAY_SIZE(flags)) {
		CHECK_EQ(pread(fd, flags, sizeof(flags), pfn * sizeof(*flags)),
			 sizeof(flags));
		for (i = 0; i < (int)ARRAY_SIZE(flags); i++)
			nr += flags[i] >> KPF_RESERVED & 1;
	}

	return nr;
}

/*
 * Struct pages take 32 MiB, but the kernel finds room for them where those of the
 * previous kernel were.
 */
static void scratch_stays_free(void)
{
	unsigned long long reserved = 0;
	struct ranges scratch;
	int fd, i;

	CHECK(!read_scratch(&scratch));
	fd = open("/proc/kpageflags", O_RDONLY);
	CHECK(fd >= 0);
	for (i = 0; i < scratch.nr; i++)
		reserved += count_reserved(fd, &scratch.r[i]) * PAGE;
	close(fd);
	guest_note("%llu KiB of scratch are reserved", reserved >> 10);
	CHECK(reserved < 40ULL << 20);
}

static const struct guest_test fragments_tests[] = {
	{ "preserved_on_a_node", { fragments, fragments } },
	GUEST_TEST_IN_2ND(scratch_stays_free),
};

GUEST_SUITE(fragments, 2, .need = "kho_fragments_test")
