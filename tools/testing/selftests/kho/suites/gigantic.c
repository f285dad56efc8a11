// SPDX-License-Identifier: GPL-2.0
/*
 * gigantic: pages of 1 GiB that the command line asks for
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../kho.h"

#define GIGANTIC_SIZE	(1024ULL << 20)
#define NR_GIGANTIC	2
#define GIGANTIC_DIR	"hugepages/hugepages-1048576kB/nr_hugepages"

static bool gigantic_in_cma(void)
{
	const char *how = guest_param("gigantic");

	return how && guest_after(how, "hugetlb_cma=");
}

static void need_gigantic(void)
{
	if (access("/sys/kernel/mm/" GIGANTIC_DIR, F_OK))
		guest_skip("the CPU has no pages of 1 GiB");
}

static int nr_gigantic(const char *dir)
{
	char path[128], *text;
	int nr;

	snprintf(path, sizeof(path), "%s/" GIGANTIC_DIR, dir);
	text = guest_read_file(path);
	nr = text ? atoi(text) : -1;
	free(text);
	return nr;
}

static void write_nr_gigantic(const char *nr)
{
	CHECK(!guest_write_file("/sys/kernel/mm/" GIGANTIC_DIR, nr));
	CHECK_EQ(nr_gigantic("/sys/kernel/mm"), atoi(nr));
}

static void gigantic_pages_are_there(void)
{
	need_gigantic();
	if (gigantic_in_cma())
		write_nr_gigantic("2");
	CHECK_EQ(nr_gigantic("/sys/kernel/mm"), NR_GIGANTIC);
	CHECK_EQ(nr_gigantic("/sys/devices/system/node/node0"), 1);
	CHECK_EQ(nr_gigantic("/sys/devices/system/node/node1"), 1);
}

/* The kernel clears these pages, so preserved memory in them would be lost. */
static void gigantic_pages_outside_scratch(void)
{
	struct ranges scratch;
	char *pages;
	int i;

	need_gigantic();
	need_scratch(&scratch);
	pages = mmap(NULL, NR_GIGANTIC * GIGANTIC_SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_HUGETLB |
		     30 << MAP_HUGE_SHIFT, -1, 0);
	CHECK(pages != MAP_FAILED);
	for (i = 0; i < NR_GIGANTIC; i++) {
		struct range page;

		page.start = guest_phys_of(pages + i * GIGANTIC_SIZE);
		page.end = page.start + GIGANTIC_SIZE - 1;
		guest_note("kernel %d: page at %#llx", guest_kernel(), page.start);
		CHECK(!overlaps(&scratch, &page));
	}
	CHECK(!munmap(pages, NR_GIGANTIC * GIGANTIC_SIZE));
}

/* A kernel does not need these pages to boot, so they don't enlarge scratch. */
static void scratch_as_without(void)
{
	const char *param = guest_param("plain_scratch");
	unsigned long long plain = param ? strtoull(param, NULL, 0) : 0;
	struct ranges scratch;
	unsigned long long now;

	need_gigantic();
	CHECK(plain);
	CHECK(!read_scratch(&scratch));
	now = total_size(&scratch);
	guest_note("%llu MiB of scratch, %llu without gigantic pages", now >> 20,
		   plain >> 20);
	CHECK(now <= plain + (16ULL << 20));
	CHECK(plain <= now + (16ULL << 20));
}

static void gigantic_pages_are_freed(void)
{
	long before = guest_meminfo("MemFree");
	long freed = NR_GIGANTIC * (GIGANTIC_SIZE >> 10);
	long after;

	need_gigantic();
	write_nr_gigantic("0");
	after = guest_meminfo("MemFree");
	guest_note("MemFree %ld KiB, then %ld", before, after);
	CHECK(after - before > freed - freed / 100);
}

/* With hugetlb_cma= no page is allocated at boot, and the area has room for all. */
static void too_many_are_reported(void)
{
	need_gigantic();
	if (gigantic_in_cma()) {
		CHECK_LOGGED("HugeTLB: hugetlb_cma is enabled, skip boot time allocation");
		write_nr_gigantic("2");
	} else {
		CHECK_LOGGED("HugeTLB: allocating 3 of page size 1.00 GiB failed");
		CHECK(nr_gigantic("/sys/kernel/mm") >= NR_GIGANTIC);
	}
}

/*
 * Kernel 3 is the first one with gigantic pages. It must boot without a handover,
 * so kexec handover is off in kernel 2.
 */
static const char *gigantic_append(int kernel)
{
	static char append[256];
	const char *how = guest_param("gigantic");
	struct ranges scratch;

	switch (kernel) {
	case 2:
		read_scratch(&scratch);
		snprintf(append, sizeof(append), "kho=off plain_scratch=%#llx",
			 total_size(&scratch));
		break;
	case 3 ... 5:
		snprintf(append, sizeof(append), "kho=on hugepagesz=1G %s",
			 how ? how : "");
		break;
	default:
		snprintf(append, sizeof(append),
			 "hugepagesz=1G hugepages=0:3,1:3");
	}
	return append;
}

static const struct guest_test gigantic_tests[] = {
	{ "not_counted_into_scratch", { [2] = scratch_as_without } },
	{ "on_each_node_again", { [2 ... 4] = gigantic_pages_are_there } },
	{ "not_in_scratch", { [2 ... 4] = gigantic_pages_outside_scratch } },
	{ "not_in_preserved_memory",
	  { [2] = preserve_all, restore_and_preserve, restore_and_preserve,
	    restore_all } },
	{ "can_be_freed", { [4] = gigantic_pages_are_freed } },
	{ "too_many_are_reported", { [5] = too_many_are_reported } },
};

GUEST_SUITE(gigantic, 6, .append = gigantic_append, .drop = "hugepages")
