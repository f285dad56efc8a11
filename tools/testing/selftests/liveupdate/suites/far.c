// SPDX-License-Identifier: GPL-2.0
/*
 * far: files in memory at high addresses
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The parameter far= names an address in GiB. The guest has a node whose memory is
 * all above it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "../luo.h"

#define SIZE		(16 << 20)
#define FAR_NODE	1

static uint64_t far_memory(void)
{
	const char *gib = guest_param("far");

	CHECK(gib);
	return strtoull(gib, NULL, 0) << 30;
}

/* Return the physical address of the first page of a file. */
static uint64_t phys_of(int fd)
{
	void *mem = mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	uint64_t phys;

	CHECK(mem != MAP_FAILED);
	phys = guest_phys_of(mem);
	CHECK(!munmap(mem, PAGE));
	return phys;
}

static void preserve_far_file(void)
{
	int session = new_session("far");
	int fd;

	bind_memory(FAR_NODE);
	fd = new_file(SIZE, 1);
	CHECK(phys_of(fd) >= far_memory());
	unbind_memory();
	CHECK(!luo_preserve(session, fd, 1));
}

static void far_file_is_back(void)
{
	int fd = old_file(old_session("far"), 1);

	check_content(fd, 0, SIZE, 1);
	CHECK(phys_of(fd) >= far_memory());
}

static const struct guest_test far_tests[] = {
	{ "file_stays_there", { preserve_far_file, far_file_is_back } },
};

GUEST_SUITE(far, 2)
