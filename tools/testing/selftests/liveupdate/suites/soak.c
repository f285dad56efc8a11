// SPDX-License-Identifier: GPL-2.0
/*
 * soak, load: many live updates in a row, and very large ones
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * soak: each kernel checks the file of the previous kernel, and writes new content.
 * The content follows from a checksum over everything that was written before. The
 * parameter kexecs= is the number of kexecs. With failing=N every Nth kernel has a
 * program that does not start, dies, or retrieves only half of the files. The kernel
 * after it finds everything that the kernel before it has left. With huge=N there is a
 * second file, which has N pages of hugetlb's pool.
 *
 * load: the parameters sessions= and files= are the numbers of sessions, and of files
 * in one session.
 */
#include <linux/memfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../luo.h"

#define WORDS		4096
#define TOKEN		1
#define MAX_KEXECS	2000
/* Files that do not change, with failing= */
#define NR_OTHERS	5
#define OTHER_SIZE	10000
/* The file of huge pages, with huge= */
#define HUGE_TOKEN	1000

/* Constants of the hash FNV-1a */
#define HASH_START	0xcbf29ce484222325ULL
#define HASH_FACTOR	0x100000001b3ULL

/* A prime that divides none of the numbers in use, so each index comes up once */
#define STRIDE		7919

/* ---- soak ---- */

/* The content after @count kernels, and the checksum over all that they wrote */
struct run {
	__u64 count;
	__u64 checksum;
	__u64 words[WORDS];
};

static void write_on(struct run *run)
{
	__u64 word = run->checksum;
	size_t i;

	for (i = 0; i < WORDS; i++) {
		word = word * HASH_FACTOR + 1;
		run->words[i] = word;
		run->checksum = (run->checksum ^ word) * HASH_FACTOR;
	}
	run->count++;
}

/* Check that @run is the content after @count kernels. */
static void check_run(const struct run *run, __u64 count)
{
	static struct run wanted = { .checksum = HASH_START };

	while (wanted.count < count)
		write_on(&wanted);
	CHECK_EQ(run->count, count);
	CHECK_EQ(run->checksum, wanted.checksum);
	CHECK(!memcmp(run->words, wanted.words, sizeof(wanted.words)));
}

/* The program of every Nth kernel fails, if failing=N. */
static bool program_fails(int kernel)
{
	int failing = guest_param_number("failing");

	return failing > 0 && kernel % failing == 0;
}

static int nr_others(void)
{
	return guest_param_number("failing") > 0 ? NR_OTHERS : 0;
}

/* The number of kernels up to this one whose program does not fail */
static __u64 nr_written(int kernel)
{
	int failing = guest_param_number("failing");

	return failing > 0 ? kernel - kernel / failing : kernel;
}

static struct run *map_run(int fd)
{
	struct run *run = mmap(NULL, sizeof(*run), PROT_READ | PROT_WRITE,
			       MAP_SHARED, fd, 0);

	CHECK(run != MAP_FAILED);
	return run;
}

static int first_file(void)
{
	int fd = new_memfd(0);

	CHECK(!ftruncate(fd, sizeof(struct run)));
	map_run(fd)->checksum = HASH_START;
	return fd;
}

static void check_others(int session, int nr)
{
	int i;

	for (i = 1; i <= nr; i++)
		check_content(old_file(session, TOKEN + i), 0, OTHER_SIZE, i);
}

/* ---- soak: huge pages ---- */

static int huge_fd = -1;

static long nr_huge(void)
{
	long nr = guest_param_number("huge");

	return nr > 0 ? nr : 0;
}

/* All pages of the pool are free, except those of the file. */
static void check_pool(long used)
{
	long total = guest_param_number("hugepages");

	CHECK_EQ(guest_meminfo("HugePages_Total"), total);
	CHECK_EQ(guest_meminfo("HugePages_Free"), total - used);
	CHECK_EQ(guest_meminfo("HugePages_Rsvd"), 0);
	CHECK_EQ(guest_meminfo("HugePages_Surp"), 0);
}

/* Each page starts with its number, and ends with the number of kernels that had it. */
static void write_huge(bool is_new)
{
	long words = guest_meminfo("Hugepagesize") * 1024 / sizeof(long), i;
	unsigned long *map = mmap(NULL, nr_huge() * words * sizeof(long),
				  PROT_READ | PROT_WRITE, MAP_SHARED, huge_fd, 0);

	CHECK(map != MAP_FAILED);
	for (i = 0; i < nr_huge(); i++) {
		unsigned long *page = map + i * words;

		if (is_new)
			page[0] = i;
		CHECK_EQ(page[0], i);
		CHECK_EQ(page[words - 1], guest_kernel() - 1);
		page[words - 1]++;
	}
	CHECK(!munmap(map, nr_huge() * words * sizeof(long)));
	check_pool(nr_huge());
}

static void first_huge_file(void)
{
	check_pool(0);
	huge_fd = memfd_create("huge", MFD_HUGETLB | MFD_CLOEXEC);
	CHECK(huge_fd >= 0);
	CHECK(!ftruncate(huge_fd, nr_huge() * guest_meminfo("Hugepagesize") * 1024));
	write_huge(true);
}

static void found_huge_file(int session)
{
	check_pool(nr_huge());
	huge_fd = old_file(session, HUGE_TOKEN);
	write_huge(false);
}

/* ---- soak: kernels ---- */

/* Retrieve the file of the previous kernel. */
static int found_file(void)
{
	int session = old_session("soak");
	int fd = old_file(session, TOKEN);

	check_size(fd, sizeof(struct run));
	check_run(map_run(fd), nr_written(guest_kernel() - 1));
	check_others(session, nr_others());
	if (nr_huge())
		found_huge_file(session);
	finish_and_close(session);
	return fd;
}

static void hand_on(int fd)
{
	int session = new_session("soak");
	int i;

	write_on(map_run(fd));
	CHECK(!luo_preserve(session, fd, TOKEN));
	if (nr_huge())
		CHECK(!luo_preserve(session, huge_fd, HUGE_TOKEN));
	for (i = 1; i <= nr_others(); i++)
		CHECK(!luo_preserve(session, new_file(OTHER_SIZE, i), TOKEN + i));
	/* The child holds the session and the files. */
	start_child(NULL);
}

static int retrieve_and_die(void)
{
	check_others(old_session("soak"), NR_OTHERS / 2);
	return 0;
}

static void fail(void)
{
	int failing = guest_param_number("failing");

	switch (guest_kernel() / failing % 3) {
	case 0:
		break;
	case 1:
		CHECK_EQ(run_in_child(retrieve_and_die), 0);
		break;
	case 2:
		check_others(old_session("soak"), NR_OTHERS / 2);
		start_child(NULL);
	}
}

static void write_in_turn(void)
{
	int fd;

	if (program_fails(guest_kernel())) {
		fail();
		return;
	}
	if (guest_kernel() == 1 && nr_huge())
		first_huge_file();
	fd = guest_kernel() == 1 ? first_file() : found_file();

	if (guest_kernel() <= guest_param_number("kexecs")) {
		hand_on(fd);
	} else if (nr_huge()) {
		close(huge_fd);
		check_pool(0);
	}
}

static struct guest_test soak_tests[MAX_KEXECS + 1];

static void set_up_kexecs(struct guest_suite *suite)
{
	static char names[MAX_KEXECS + 1][16];
	int nr = guest_param_number("kexecs");
	int i;

	/* A suite without tests fails. */
	suite->nr_tests = 0;
	if (nr <= 0 || nr > MAX_KEXECS)
		return;
	for (i = 0; i <= nr; i++) {
		snprintf(names[i], sizeof(names[i]), "kexec-%d", i);
		soak_tests[i] = (struct guest_test){
			.name = names[i],
			.step = { write_in_turn },
			.after = i,
		};
	}
	suite->nr_tests = nr + 1;
	suite->kernels = nr + 1;
}

GUEST_SUITE(soak, 1, .set_up = set_up_kexecs)

/* ---- load ---- */

static int small_file(__u64 content)
{
	int fd = new_memfd(0);

	CHECK_EQ(write(fd, &content, sizeof(content)), sizeof(content));
	return fd;
}

static void check_small_file(int fd, __u64 wanted)
{
	__u64 content;

	CHECK_EQ(pread(fd, &content, sizeof(content), 0), sizeof(content));
	CHECK_EQ(content, wanted);
	close(fd);
}

static void sessions_before(void)
{
	int nr = guest_param_number("sessions");
	char name[NAME_LENGTH];
	int dev = open_device();
	int i, fd, session;

	CHECK(nr > 0);
	for (i = 0; i < nr; i++) {
		snprintf(name, sizeof(name), "load %d", i);
		session = luo_create(dev, name);
		CHECK(session >= 0);
		fd = small_file(i);
		CHECK(!luo_preserve(session, fd, i));
		close(fd);
	}
	close(dev);
}

static void sessions_after(void)
{
	int nr = guest_param_number("sessions");
	char name[NAME_LENGTH];
	int dev = open_device();
	int i, at, session;

	for (i = 0; i < nr; i++) {
		at = (long)i * STRIDE % nr;
		snprintf(name, sizeof(name), "load %d", at);
		session = luo_retrieve(dev, name);
		CHECK(session >= 0);
		check_small_file(old_file(session, at), at);
		finish_and_close(session);
	}
	close(dev);
}

static void files_before(void)
{
	int session = new_session("load files");
	int nr = guest_param_number("files");
	int i, fd;

	CHECK(nr > 0);
	for (i = 0; i < nr; i++) {
		fd = small_file(i);
		CHECK(!luo_preserve(session, fd, i));
		close(fd);
	}
}

static void files_after(void)
{
	int session = old_session("load files");
	int nr = guest_param_number("files");
	int i, at;

	for (i = 0; i < nr; i++) {
		at = (long)i * STRIDE % nr;
		check_small_file(old_file(session, at), at);
	}
	CHECK(!luo_finish(session));
}

static const struct guest_test load_tests[] = {
	GUEST_TEST_OF_2(sessions),
	GUEST_TEST_OF_2(files),
};

GUEST_SUITE(load, 2)
