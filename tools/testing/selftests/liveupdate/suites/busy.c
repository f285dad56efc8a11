// SPDX-License-Identifier: GPL-2.0
/*
 * busy: memory that is limited or in use
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Requests fail then, and must not let the OOM killer end a program.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../luo.h"

/* ---- the OOM killer ---- */

/* Return the number in the line "KEY NUMBER" of a file. */
static long number_in(const char *path, const char *key)
{
	char *text = guest_text_of(path);
	char line[64], *at = text;
	long number = -1;

	snprintf(line, sizeof(line), "%s ", key);
	for (; at && number < 0; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (guest_after(at, line))
			number = atol(at + strlen(line));
	}
	free(text);
	CHECK(number >= 0);
	return number;
}

static long nr_oom_kills(void)
{
	return number_in("/proc/vmstat", "oom_kill");
}

static void *new_memory(size_t size)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(mem != MAP_FAILED);
	return mem;
}

/* ---- a memory cgroup with a limit ---- */

#define MEMCG		"/cgroup/busy"
#define CHARGED_SIZE	(24 * MIB)
#define NR_CHARGED	2

static void charged_before(void)
{
	int session = new_session("charged");
	int token;

	for (token = 0; token < NR_CHARGED; token++) {
		int fd = new_file(CHARGED_SIZE, token);

		CHECK(!luo_preserve(session, fd, token));
		close(fd);
	}
}

static int charged_session;

/*
 * The limit is enough for one file. To have been refused the second one leaves this
 * process the memory to go on, and to try again when the limit has changed.
 */
static int retrieve_in_memcg(void)
{
	int first, second;

	if (guest_write_file(MEMCG "/cgroup.procs", "0"))
		return 2;
	first = luo_retrieve_fd(charged_session, 0);
	if (first < 0)
		return 3;
	if (luo_retrieve_fd(charged_session, 1) >= 0 || errno != ENOMEM)
		return 4;
	memset(new_memory(8 * MIB), 1, 8 * MIB);
	if (luo_retrieve_fd(charged_session, 1) >= 0 || errno != ENOMEM)
		return 5;
	if (guest_write_file(MEMCG "/memory.max", "70M"))
		return 6;
	second = luo_retrieve_fd(charged_session, 1);
	if (second < 0)
		return 7;
	check_file(first, CHARGED_SIZE, 0);
	check_file(second, CHARGED_SIZE, 1);
	return 0;
}

static void charged_after(void)
{
	charged_session = old_session("charged");
	make_memcg(MEMCG);
	CHECK(!guest_write_file(MEMCG "/memory.max", "40M"));
	CHECK_EQ(run_in_child(retrieve_in_memcg), 0);
	CHECK_EQ(number_in(MEMCG "/memory.events", "oom_kill"), 0);
	finish_and_close(charged_session);
}

/* ---- a limit that is close to the size of the file ---- */

#define CLOSE_MEMCG	"/cgroup/close"
#define CLOSE_SIZE	(8 * MIB)
#define CLOSE_STEP	(64 * 1024)
#define CLOSE_STEPS	64

static void close_limit_before(void)
{
	preserve_file("close_limit", 1, CLOSE_SIZE, 1);
}

static int close_session;

/* Return 0 if the file was retrieved, 1 if there is no memory for it. */
static int retrieve_close_to_limit(void)
{
	if (guest_write_file(CLOSE_MEMCG "/cgroup.procs", "0"))
		return 2;
	if (luo_retrieve_fd(close_session, 1) >= 0)
		return 0;
	if (errno != ENOMEM)
		return 3;
	memset(new_memory(4 * MIB), 1, 4 * MIB);
	return 1;
}

/* Whatever of the file does not fit, its pages or the nodes of its page cache */
static void close_limit_after(void)
{
	char limit[32];
	int i, res = 1;

	close_session = old_session("close_limit");
	make_memcg(CLOSE_MEMCG);
	for (i = 0; i < CLOSE_STEPS && res == 1; i++) {
		snprintf(limit, sizeof(limit), "%d", CLOSE_SIZE + i * CLOSE_STEP);
		CHECK(!guest_write_file(CLOSE_MEMCG "/memory.max", limit));
		res = run_in_child(retrieve_close_to_limit);
	}
	guest_note("retrieved with %d KiB more than its size", i * CLOSE_STEP / 1024);
	CHECK_EQ(res, 0);
	CHECK_EQ(number_in(CLOSE_MEMCG "/memory.events", "oom_kill"), 0);
	finish_and_close(close_session);
}

/* ---- a full host ---- */

#define BYSTANDER_SIZE	(16 * MIB)

/* A program that the OOM killer would pick first */
static void stand_by(void)
{
	CHECK(!guest_write_file("/proc/self/oom_score_adj", "1000"));
	memset(new_memory(BYSTANDER_SIZE), 1, BYSTANDER_SIZE);
}

static long size_of(const char *path)
{
	struct stat st;

	CHECK(!stat(path, &st));
	return st.st_size;
}

/* Preserve files until only @left bytes are free outside scratch. */
static void fill_host(int session, long left)
{
	__u64 token = 0;

	for (;;) {
		long spare = (guest_meminfo("MemFree") - guest_meminfo("CmaFree")) * 1024 -
			     left;
		int fd;

		if (spare < MIB)
			break;
		fd = new_file(spare < 16 * MIB ? spare : 16 * MIB, 1);
		CHECK(!luo_preserve(session, fd, token++));
		close(fd);
	}
}

/* @share: percentage of the size of an image that is free when it is loaded */
static void load_with(int share)
{
	long image = size_of("/kernel") + size_of(guest_initrd());
	int session = new_session("load_on_full_host");
	long kills = nr_oom_kills();

	fill_host(session, image / 100 * share);
	CHECK_ERRNO(guest_load_image(0), ENOMEM);
	CHECK_EQ(nr_oom_kills(), kills);
	close(session);
}

/* Loading takes two copies of the image. */
static void load_on_full_host(void)
{
	pid_t bystander = start_child(stand_by);

	load_with(50);
	load_with(130);
	CHECK(!guest_load_image(0));
	CHECK(!guest_unload_image(0));
	CHECK_EQ(waitpid(bystander, NULL, WNOHANG), 0);
	kill_child(bystander);
}

static const struct guest_test busy_tests[] = {
	GUEST_TEST_OF_2(charged),
	GUEST_TEST_OF_2(close_limit),
	GUEST_TEST(load_on_full_host),
};

GUEST_SUITE(busy, 2)
