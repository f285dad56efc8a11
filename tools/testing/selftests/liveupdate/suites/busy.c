// SPDX-License-Identifier: GPL-2.0
/*
 * busy: memory that is in use
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
	GUEST_TEST(load_on_full_host),
};

GUEST_SUITE(busy, 1)
