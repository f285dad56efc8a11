// SPDX-License-Identifier: GPL-2.0
/*
 * hugetlb_gigantic: memfds of pages of 1 GiB, on two nodes
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The second kernel has no pages of 1 GiB. It discards a file, and hands the others and the
 * number of their pages on. The third one has these pages, the fourth a smaller pool. The
 * files have all pages of the pool, because the second kernel uses other memory, and may
 * leave no whole GiB of it. If the first kernel has such pages, the third and the fourth
 * one have them, too.
 */
#include <linux/memfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../luo.h"

#define GIB		(1024L * MIB)
#define NODES		2
#define PAGES_DIR	"hugepages/hugepages-1048576kB"
#define POOL_DIR	"/sys/kernel/mm/" PAGES_DIR
/* The pool of the third kernel. The first one has a page more on node 1. */
#define REQUESTED	3
#define REQUEST		"hugepagesz=1G hugepages=0:1,1:2"

static bool has_gigantic(void)
{
	return !access(POOL_DIR, F_OK);
}

static long read_count(const char *dir, const char *name)
{
	char path[128], *text;
	long count;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	text = guest_read_file(path);
	CHECK(text);
	count = atol(text);
	free(text);
	return count;
}

static void check_pool(long total, long free, long surplus)
{
	CHECK_EQ(read_count(POOL_DIR, "nr_hugepages"), total);
	CHECK_EQ(read_count(POOL_DIR, "free_hugepages"), free);
	CHECK_EQ(read_count(POOL_DIR, "resv_hugepages"), 0);
	CHECK_EQ(read_count(POOL_DIR, "surplus_hugepages"), surplus);
}

/* The counts of the nodes add up to those of the pool. */
static void check_nodes(void)
{
	long total = 0, free = 0, surplus = 0;
	char dir[128];
	int node;

	for (node = 0; node < NODES; node++) {
		snprintf(dir, sizeof(dir), "/sys/devices/system/node/node%d/" PAGES_DIR, node);
		total += read_count(dir, "nr_hugepages");
		free += read_count(dir, "free_hugepages");
		surplus += read_count(dir, "surplus_hugepages");
		guest_note("node %d: %ld of %ld pages are free", node,
			   read_count(dir, "free_hugepages"), read_count(dir, "nr_hugepages"));
	}
	check_pool(total, free, surplus);
}

static void check_requested_nodes(int on_node1)
{
	CHECK_EQ(read_count("/sys/devices/system/node/node0/" PAGES_DIR, "nr_hugepages"), 1);
	CHECK_EQ(read_count("/sys/devices/system/node/node1/" PAGES_DIR, "nr_hugepages"),
		 on_node1);
	check_nodes();
}

static unsigned long *map_page(int fd, int index, int prot)
{
	void *map = mmap(NULL, GIB, prot, MAP_SHARED | MAP_NORESERVE, fd, index * GIB);

	CHECK(map != MAP_FAILED);
	return map;
}

#define STEP	(64 * 1024L / (long)sizeof(long))

static void write_page(int fd, int index, unsigned long seed)
{
	unsigned long *map = map_page(fd, index, PROT_READ | PROT_WRITE);
	long at;

	for (at = 0; at < GIB / (long)sizeof(*map); at += STEP) {
		map[at] = at + seed;
		map[at + STEP - 1] = at + seed;
	}
	CHECK(!munmap(map, GIB));
}

static void check_page(int fd, int index, unsigned long seed)
{
	unsigned long *map = map_page(fd, index, PROT_READ);
	long at, bad = 0;

	for (at = 0; at < GIB / (long)sizeof(*map); at += STEP)
		bad += map[at] != at + seed || map[at + STEP - 1] != at + seed;
	CHECK_EQ(bad, 0);
	CHECK(!munmap(map, GIB));
}

static int new_gigantic(int nr)
{
	int fd = memfd_create("gigantic", MFD_HUGETLB | MFD_HUGE_1GB | MFD_CLOEXEC);

	CHECK(fd >= 0);
	CHECK(!ftruncate(fd, nr * GIB));
	return fd;
}

/* Make a file with a page on node 1. */
static int new_gigantic_on_node1(void)
{
	int fd = new_gigantic(1);

	bind_memory(1);
	write_page(fd, 0, 4);
	unbind_memory();
	return fd;
}

static void check_gigantic(int fd)
{
	struct stat st;

	CHECK(!fstat(fd, &st));
	CHECK_EQ(st.st_size, 3 * GIB);
	CHECK_EQ(st.st_blocks * 512, 2 * GIB);
	check_page(fd, 0, 1);
	check_page(fd, 2, 2);
}

static void preserved(void)
{
	int fd;

	if (!has_gigantic())
		guest_skip("the CPU has no pages of 1 GiB");
	check_pool(REQUESTED + 1, REQUESTED + 1, 0);
	check_requested_nodes(3);
	CHECK(!luo_preserve(new_session("dropped"), new_gigantic_on_node1(), 1));
	fd = new_gigantic(3);
	write_page(fd, 0, 1);
	CHECK(!luo_preserve(new_session("gigantic"), fd, 1));
	/* A page that fills a hole later is preserved, too. */
	write_page(fd, 2, 2);
	fd = new_gigantic(1);
	write_page(fd, 0, 3);
	CHECK(!luo_preserve(new_session("discarded"), fd, 1));
	check_pool(REQUESTED + 1, 0, 0);
}

/* The memory of a file that is discarded becomes free memory of this kernel. */
static void drop(void)
{
	long total = guest_meminfo("MemTotal"), free = guest_meminfo("MemFree");
	int session = old_session("dropped");

	check_found(OUT_SUMMARY, "huge pages of 1048576 KiB on node 1: 3 pages", 1);
	CHECK_ERRNO(luo_retrieve_fd(session, 1), EIO);
	finish_and_close(session);
	/* Less than 1 MiB belonged to the session itself. */
	CHECK_EQ((guest_meminfo("MemTotal") - total) / 1024, GIB / MIB);
	CHECK(guest_meminfo("MemFree") - free > GIB / 1024 * 9 / 10);
	check_found(OUT_SUMMARY, "huge pages of 1048576 KiB on node 1: 2 pages", 1);
}

static void handed_on(void)
{
#ifndef __x86_64__
	guest_skip("no option hides pages of 1 GiB from the kernel");
#endif
	CHECK(!has_gigantic());
	CHECK_ERRNO(luo_retrieve_fd(old_session("gigantic"), 1), EIO);
	CHECK_LOGGED(" incoming pages of order 18 can't be used by this kernel");
	drop();
}

static void retrieved(void)
{
	int session, fd;

	CHECK(has_gigantic());
	check_pool(REQUESTED, REQUESTED - 3, 0);
	check_requested_nodes(2);
	session = old_session("gigantic");
	fd = old_file(session, 1);
	check_gigantic(fd);
	check_pool(REQUESTED, REQUESTED - 3, 0);
	finish_and_close(session);
	finish_and_close(old_session("discarded"));
	check_pool(REQUESTED, REQUESTED - 2, 0);
	check_requested_nodes(2);
	CHECK(!luo_preserve(new_session("again"), fd, 2));
}

/* More pages than requested are surplus pages, until no file has them. */
static void fewer_requested(void)
{
	int session, fd;

	CHECK(has_gigantic());
	check_pool(2, 0, 1);
	check_nodes();
	session = old_session("again");
	fd = old_file(session, 2);
	check_gigantic(fd);
	check_pool(2, 0, 1);
	finish_and_close(session);
	close(fd);
	check_pool(1, 1, 0);
	check_nodes();
	check_found(OUT_SUMMARY, "hugetlb", 0);
}

static const char *hugetlb_gigantic_append(int kernel)
{
	static const char *const append[] = {
		[2] = "clearcpuid=pdpe1gb",
		[3] = REQUEST,
		[4] = "hugepagesz=1G hugepages=1",
	};

	return append[kernel];
}

static const struct guest_test hugetlb_gigantic_tests[] = {
	{ "content", { preserved, handed_on, retrieved, fewer_requested } },
};

GUEST_SUITE(hugetlb_gigantic, 4, .need = "debugfs", .append = hugetlb_gigantic_append,
	    .drop = "hugepages", .forget = true)
