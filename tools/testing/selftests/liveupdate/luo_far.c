// SPDX-License-Identifier: GPL-2.0
/*
 * Files in memory at high addresses
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * least=GIB on the command line is where that memory begins. What lies below 4 GiB
 * is the zone of devices that reach no further: it is taken last.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "luo.h"

#define SIZE		(16 << 20)

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

static void check_far(int fd)
{
	const char *least = guest_param("least");
	uint64_t phys = phys_of(fd);

	CHECK(least);
	guest_note("file at 0x%llx", (unsigned long long)phys);
	CHECK(phys >= strtoull(least, NULL, 10) << 30);
}

static void preserve_far_file(void)
{
	int fd = new_file(SIZE, 1);

	check_far(fd);
	CHECK(!luo_preserve(new_session("far"), fd, 1));
}

static void far_file_is_back(void)
{
	int fd = old_file(old_session("far"), 1);

	check_content(fd, 0, SIZE, 1);
	check_far(fd);
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
