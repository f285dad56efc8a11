// SPDX-License-Identifier: GPL-2.0
/*
 * Files in memory at high addresses
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The guest has a node of its own for memory that is all above so many GiB.
 */
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "luo.h"

#define SIZE		(16 << 20)
#define FAR_NODE	1

static uint64_t far_memory(void)
{
	const char *gib = guest_param("far");

	CHECK(gib);
	return strtoull(gib, NULL, 0) << 30;
}

/* Where the first page of a file is. In an entry of pagemap 55 bits tell the pfn. */
static uint64_t phys_of(int fd)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	void *mem;
	uint64_t entry;

	mem = mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	CHECK(mem != MAP_FAILED);
	CHECK_EQ(pread(pagemap, &entry, sizeof(entry),
		       (uintptr_t)mem / PAGE * sizeof(entry)), sizeof(entry));
	CHECK(!munmap(mem, PAGE));
	close(pagemap);
	return (entry & ((1ULL << 55) - 1)) * PAGE;
}

static void preserve_far_file(void)
{
	unsigned long nodes = 1UL << FAR_NODE;
	int session = new_session("far");
	int fd;

	CHECK(!syscall(SYS_set_mempolicy, MPOL_BIND, &nodes, 8 * sizeof(nodes)));
	fd = new_file(SIZE, 1);
	CHECK(phys_of(fd) >= far_memory());
	CHECK(!syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0));
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

const struct guest_suite far_suite = {
	.name = "far",
	.tests = far_tests,
	.nr_tests = ARRAY_SIZE(far_tests),
	.kernels = 2,
};
