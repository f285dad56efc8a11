// SPDX-License-Identifier: GPL-2.0
/*
 * hugetlb_without: a next kernel without hugetlb
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <linux/memfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../luo.h"

#define HUGE_SIZE	(2 * MIB)
/* The pool of the first kernel */
#define REQUESTED	20
#define VERSION		"memfd-hugetlb-v1;vmalloc-v1"

static unsigned long *map_shared(int fd, long size)
{
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	CHECK(map != MAP_FAILED);
	return map;
}

/* Each page of 4 KiB has a word of its own. */
static void fill_huge(int fd, int nr, bool check)
{
	unsigned long *map = map_shared(fd, nr * HUGE_SIZE);
	long at;

	for (at = 0; at < nr * HUGE_SIZE / (long)sizeof(*map); at += 512) {
		if (check)
			CHECK_EQ(map[at], at + 4711);
		else
			map[at] = at + 4711;
	}
	CHECK(!munmap(map, nr * HUGE_SIZE));
}

static int new_huge(int nr)
{
	int fd = memfd_create("huge", MFD_HUGETLB | MFD_HUGE_2MB | MFD_CLOEXEC);

	CHECK(fd >= 0);
	CHECK(!ftruncate(fd, nr * HUGE_SIZE));
	fill_huge(fd, nr, false);
	return fd;
}

static void check_pool(long total, long free, long surplus)
{
	CHECK_EQ(guest_meminfo("HugePages_Total"), total);
	CHECK_EQ(guest_meminfo("HugePages_Free"), free);
	CHECK_EQ(guest_meminfo("HugePages_Surp"), surplus);
}

/* The first kernel reports what the other one could not retrieve, and nothing is lost. */
static void refused_before(void)
{
	int session = new_session("huge");
	int fd = new_huge(3);

	check_pool(REQUESTED, REQUESTED - 3, 0);
	CHECK(!luo_preserve(session, fd, 1));
	CHECK(!guest_load_image(0));
	CHECK_LOGGED("KHO: the loaded kernel can't read memfds of huge pages of this kernel");
	CHECK_ERRNO(guest_kexec(), EINVAL);
	CHECK_LOGGED("LUO: the loaded kernel can't read '" VERSION "', the file with token 0x1");
	CHECK(!guest_unload_image(0));
	close(session);
	fill_huge(fd, 3, true);
	close(fd);
	check_pool(REQUESTED, REQUESTED, 0);
}

static void refused_after(void)
{
	CHECK(memfd_create("huge", MFD_HUGETLB | MFD_CLOEXEC) < 0);
	check_no_old_session("huge", ENOENT);
}

/* Other files are not affected. */
static void small_before(void)
{
	CHECK(!luo_preserve(new_session("small"), new_file(PAGE, 1), 1));
}

static void small_after(void)
{
	int session = old_session("small");

	check_file(old_file(session, 1), PAGE, 1);
	finish_and_close(session);
}

static const char *hugetlb_without_image(int kernel)
{
	return kernel == 2 ? GUEST_OTHER_KERNEL : "/kernel";
}

static const struct guest_test hugetlb_without_tests[] = {
	GUEST_TEST_OF_2(refused),
	GUEST_TEST_OF_2(small),
};

GUEST_SUITE(hugetlb_without, 2, .image = hugetlb_without_image)
