// SPDX-License-Identifier: GPL-2.0
/*
 * One live update after the other, and very large ones
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * soak: each kernel finds the file of the one before, whose content follows from
 * a checksum over all that the kernels before have written, and writes on. The
 * parameter kexecs= says how often.
 *
 * load: as many sessions, and files in a session, as the parameters sessions=
 * and files= say.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "luo.h"

#define WORDS		4096
#define TOKEN		1
#define MAX_KEXECS	2000

/* Of the hash FNV-1a */
#define HASH_START	0xcbf29ce484222325ULL
#define HASH_FACTOR	0x100000001b3ULL

/* Neither of the numbers in use is a multiple: each comes up once. */
#define STRIDE		7919

/* 0 if it is not given */
static int count_of(const char *param)
{
	const char *value = guest_param(param);

	return value ? atoi(value) : 0;
}

/* ---- soak ---- */

/* What @count kernels have left, and the checksum over all that they wrote */
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

/* It is what so many kernels leave who have nothing else than each other's. */
static void check_run(const struct run *run, __u64 count)
{
	static struct run wanted = { .checksum = HASH_START };

	while (wanted.count < count)
		write_on(&wanted);
	CHECK_EQ(run->count, count);
	CHECK_EQ(run->checksum, wanted.checksum);
	CHECK(!memcmp(run->words, wanted.words, sizeof(wanted.words)));
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

/* The one that all kernels before have handed on */
static int found_file(void)
{
	int session = old_session("soak");
	int fd = old_file(session, TOKEN);

	check_size(fd, sizeof(struct run));
	check_run(map_run(fd), guest_kernel() - 1);
	CHECK(!luo_finish(session));
	close(session);
	return fd;
}

/* A process that keeps the session and the file stays behind. */
static void hand_on(int fd)
{
	pid_t pid;

	write_on(map_run(fd));
	CHECK(!luo_preserve(new_session("soak"), fd, TOKEN));
	pid = fork();
	CHECK(pid >= 0);
	if (!pid)
		for (;;)
			pause();
}

static void write_in_turn(void)
{
	int fd = guest_kernel() == 1 ? first_file() : found_file();

	if (guest_kernel() < soak_suite.kernels)
		hand_on(fd);
}

static struct guest_test soak_tests[MAX_KEXECS + 1];

static void set_up_kexecs(void)
{
	static char names[MAX_KEXECS + 1][16];
	int nr = count_of("kexecs");
	int i;

	/* Without a test the suite fails. */
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
	soak_suite.nr_tests = nr + 1;
	soak_suite.kernels = nr + 1;
}

struct guest_suite soak_suite = {
	.name = "soak",
	.tests = soak_tests,
	.set_up = set_up_kexecs,
};

/* ---- load ---- */

static void expect_descriptors(int nr)
{
	struct rlimit limit = { nr + 100, nr + 100 };

	CHECK(!setrlimit(RLIMIT_NOFILE, &limit));
}

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

static void name_session(char name[NAME_LENGTH], int i)
{
	snprintf(name, NAME_LENGTH, "load %d", i);
}

static void sessions_before(void)
{
	int nr = count_of("sessions");
	char name[NAME_LENGTH];
	int dev = luo_open();
	int i, fd, session;

	CHECK(dev >= 0 && nr > 0);
	expect_descriptors(nr);
	for (i = 0; i < nr; i++) {
		name_session(name, i);
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
	int nr = count_of("sessions");
	char name[NAME_LENGTH];
	int dev = luo_open();
	int i, at, session;

	CHECK(dev >= 0);
	for (i = 0; i < nr; i++) {
		at = (long)i * STRIDE % nr;
		name_session(name, at);
		session = luo_retrieve(dev, name);
		CHECK(session >= 0);
		check_small_file(old_file(session, at), at);
		CHECK(!luo_finish(session));
		close(session);
	}
	close(dev);
}

static void files_before(void)
{
	int session = new_session("load files");
	int nr = count_of("files");
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
	int nr = count_of("files");
	int i, at;

	for (i = 0; i < nr; i++) {
		at = (long)i * STRIDE % nr;
		check_small_file(old_file(session, at), at);
	}
	CHECK(!luo_finish(session));
}

#define TEST(name)	{ #name, { name ## _before, name ## _after } }

static const struct guest_test load_tests[] = {
	TEST(sessions),
	TEST(files),
};

const struct guest_suite load_suite = {
	.name = "load",
	.tests = load_tests,
	.nr_tests = ARRAY_SIZE(load_tests),
	.kernels = 2,
};
