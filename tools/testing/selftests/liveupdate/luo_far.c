// SPDX-License-Identifier: GPL-2.0
/*
 * Files in memory at high addresses, with large gaps below it
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The guest has such memory in nodes of its own.
 */
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "luo.h"

#define SIZE		(16 << 20)

static const struct {
	int node;
	uint64_t least;		/* physical address */
	const char *session;
} places[] = {
	{ 1, 4ULL << 30, "above 4 GiB" },
	{ 2, 512ULL << 30, "above 512 GiB" },
};

/* Where the first page of a file is. In an entry of pagemap 55 bits tell the pfn. */
static uint64_t phys_of(int fd)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	volatile char *mem;
	uint64_t entry;

	mem = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(mem != MAP_FAILED);
	CHECK(*mem | 1);
	CHECK_EQ(pread(pagemap, &entry, sizeof(entry),
		       (uintptr_t)mem / PAGE * sizeof(entry)), sizeof(entry));
	CHECK(!munmap((void *)mem, PAGE));
	close(pagemap);
	return (entry & ((1ULL << 55) - 1)) * PAGE;
}

static void preserve_at(unsigned int place)
{
	unsigned long nodes = 1UL << places[place].node;
	int fd;

	CHECK(!syscall(SYS_set_mempolicy, MPOL_BIND, &nodes, 8 * sizeof(nodes)));
	fd = new_file(SIZE, place);
	CHECK(phys_of(fd) >= places[place].least);
	CHECK(!syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0));
	CHECK(!luo_preserve(new_session(places[place].session), fd, 1));
}

static void is_back_at(unsigned int place)
{
	int fd = old_file(old_session(places[place].session), 1);

	check_content(fd, 0, SIZE, place);
	CHECK(phys_of(fd) >= places[place].least);
}

static void preserve_above_4_gib(void)
{
	preserve_at(0);
}

static void is_back_above_4_gib(void)
{
	is_back_at(0);
}

static void preserve_above_512_gib(void)
{
	preserve_at(1);
}

static void is_back_above_512_gib(void)
{
	is_back_at(1);
}

static const struct guest_test far_tests[] = {
	{ "above_4_gib", { preserve_above_4_gib, is_back_above_4_gib } },
	{ "above_512_gib", { preserve_above_512_gib, is_back_above_512_gib } },
};

const struct guest_suite far_suite = {
	.name = "far",
	.tests = far_tests,
	.nr_tests = ARRAY_SIZE(far_tests),
	.kernels = 2,
};
