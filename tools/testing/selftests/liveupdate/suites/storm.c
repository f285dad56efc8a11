// SPDX-License-Identifier: GPL-2.0
/*
 * storm: a host whose memory is almost all preserved
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Files that take 85% of the memory are preserved, half of them in huge pages. While
 * they are, many tasks preserve, retrieve and close other files, are killed, load images
 * and try to reboot. All of that may fail with ENOMEM, but it must not let the OOM killer
 * end a program, must not hang, and must leave the memory as it was. The parameter
 * storm= is the number of seconds, and seed= the seed of random numbers.
 */
#include <linux/memfd.h>
#include <linux/reboot.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../luo.h"

#define SHMEM_ENABLED	"/sys/kernel/mm/transparent_hugepage/shmem_enabled"
#define UNFREEZABLE	7	/* number of a file of HANDLER */

#define KERNELS		3
#define MAX_FILES	256
#define SIZE_TOKEN	MAX_FILES
#define BULK_PERCENT	85
#define BULK_FILE	(32L * MIB)
#define SMALL_FILE	(3L * MIB / 2)
#define HUGE_FILE	(4L * MIB)
/* Far more than is left: more than all scratch, and than what is free beside it */
#define HOLLOW_FILE	(400L * MIB)

/* Sessions that a kernel leaves to the storm in the next one */
#define NR_LEFT		6
#define LEFT_SIZE	(NR_LEFT * (SMALL_FILE + HUGE_FILE))

/* How far the size of free memory may be off, in KiB */
#define FREE_SLACK	(16 * 1024)

/* Time to prepare and check the files, in seconds */
#define EXTRA_SECONDS	400

static int dev;
static time_t storm_end;

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* ---- files ---- */

static __u64 *map_file(int fd, size_t size)
{
	__u64 *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	CHECK(map != MAP_FAILED);
	return map;
}

/* Make a file with a different word in each page. */
static int new_words(size_t size, __u64 content)
{
	int fd = new_memfd(0);
	__u64 *map;
	size_t i;

	CHECK(!ftruncate(fd, size));
	map = map_file(fd, size);
	for (i = 0; i < size / sizeof(*map); i += PAGE / sizeof(*map))
		map[i] = content + i;
	CHECK(!munmap(map, size));
	return fd;
}

static void check_words(int fd, size_t size, __u64 content)
{
	__u64 *map;
	size_t i;

	check_size(fd, size);
	map = map_file(fd, size);
	for (i = 0; i < size / sizeof(*map); i += PAGE / sizeof(*map))
		if (map[i] != content + i)
			guest_fail(__FILE__, __LINE__, "wrong word in page %zu of file %llu",
				   i * sizeof(*map) / PAGE, (unsigned long long)content);
	CHECK(!munmap(map, size));
}

static bool is_huge(int token)
{
	return token % 2;
}

/* Decide whether files that are filled from now on get huge pages. */
static void use_huge_pages(const char *when)
{
	guest_write_file(SHMEM_ENABLED, when);
}

static size_t size_left(int token)
{
	return is_huge(token) ? HUGE_FILE : SMALL_FILE;
}

/* ---- operations ---- */

/* Under pressure a call may fail like this, and must not have any other effect. */
static bool check_may_fail(int ret)
{
	if (ret < 0 && errno != ENOMEM && errno != EBUSY)
		CHECK_EQ(errno, ENOMEM);
	return ret < 0;
}

static int own_session(void)
{
	char name[NAME_LENGTH];

	own_name(name);
	return luo_create(dev, name);
}

static void preserve_and_close(bool huge)
{
	size_t size = size_left(huge);
	int session = own_session();
	int fd, tries = 1 + any(3);

	if (check_may_fail(session))
		return;
	fd = new_words(size, 1);
	while (check_may_fail(luo_preserve(session, fd, 1)) && tries--)
		usleep(any(10000));
	close(session);
	check_words(fd, size, 1);
	CHECK(!ftruncate(fd, 0));
	close(fd);
}

static void preserve_small(void)
{
	preserve_and_close(false);
}

static void preserve_huge(void)
{
	preserve_and_close(true);
}

/* Holes that would take more memory than there is */
static void preserve_hollow(void)
{
	int session = own_session();
	int fd;

	if (check_may_fail(session))
		return;
	fd = new_memfd(0);
	CHECK(!ftruncate(fd, HOLLOW_FILE));
	CHECK_ERRNO(luo_preserve(session, fd, 1), ENOMEM);
	CHECK(!ftruncate(fd, 0));
	close(fd);
	close(session);
	usleep(any(200000));
}

static void __noreturn preserve_for_ever(int fd)
{
	int session;

	for (;;) {
		session = own_session();
		if (check_may_fail(session))
			continue;
		check_may_fail(luo_preserve(session, fd, 1));
		close(session);
	}
}

static void kill_preserver(void)
{
	bool huge = any(2);
	size_t size = size_left(huge);
	int fd = new_words(size, 2);
	pid_t pid = fork_task();

	if (!pid)
		preserve_for_ever(fd);
	usleep(any(100000));
	kill_child(pid);
	check_words(fd, size, 2);
	close(fd);
}

static void *close_session(void *arg)
{
	usleep(any(20000));
	close(*(int *)arg);
	return NULL;
}

/* Close the descriptor of a session that another thread uses. */
static void close_in_between(void)
{
	int session = own_session();
	pthread_t thread;
	int fd;

	if (check_may_fail(session))
		return;
	fd = new_words(SMALL_FILE, 3);
	CHECK(!pthread_create(&thread, NULL, close_session, &session));
	if (luo_preserve(session, fd, 1) && errno != EBADF)
		check_may_fail(-1);
	CHECK(!pthread_join(thread, NULL));
	check_words(fd, SMALL_FILE, 3);
	close(fd);
}

/* The handler can't freeze the file with this number. All the others are frozen. */
static void abort_reboot(void)
{
	int fd = new_number(UNFREEZABLE);
	int session = own_session();

	if (!check_may_fail(session)) {
		if (!check_may_fail(luo_preserve(session, fd, 1)) &&
		    reboot(LINUX_REBOOT_CMD_KEXEC) && errno != EREMOTEIO)
			check_may_fail(-1);
		close(session);
	}
	close(fd);
	usleep(any(500000));
}

static void load_image(void)
{
	check_may_fail(guest_load_image(0));
	usleep(any(2000000));
}

/* Memory of programs, which can be in scratch */
static void press(void)
{
	size_t size = (4 + any(8)) * MIB;
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	CHECK(mem != MAP_FAILED);
	usleep(any(100000));
	CHECK(!munmap(mem, size));
}

/* ---- sessions that the previous kernel has left ---- */

static const char *left_name(int nr)
{
	static char name[NAME_LENGTH];

	snprintf(name, sizeof(name), "left %d", nr);
	return name;
}

static void leave_sessions(void)
{
	int nr, token;

	for (nr = 0; nr < NR_LEFT; nr++) {
		int session = luo_create(dev, left_name(nr));

		CHECK(session >= 0);
		for (token = 0; token < 2; token++) {
			int fd = new_words(size_left(token), nr);

			CHECK(!luo_preserve(session, fd, token));
			close(fd);
		}
	}
}

/* Retrieve a file, for which there may be no memory yet. */
static int get_left(int session, int token)
{
	int fd;

	while (check_may_fail(fd = luo_retrieve_fd(session, token)))
		usleep(any(10000));
	return fd;
}

/*
 * Retrieve a session. If a process that had it was killed while reboot() was in progress,
 * it is given back when that has ended.
 */
static int retrieve_session(int nr)
{
	int session;

	while ((session = luo_retrieve(dev, left_name(nr))) < 0) {
		if (errno != EINVAL)
			check_may_fail(session);
		usleep(any(10000));
	}
	return session;
}

static void __noreturn retrieve_for_ever(int nr)
{
	int session = retrieve_session(nr);

	get_left(session, 0);
	get_left(session, 1);
	for (;;)
		pause();
}

/* A task that retrieves the session is killed at some time. Then it can be retrieved again. */
static void retrieve_one(int nr)
{
	int session, token, fd;
	pid_t pid;

	pid = fork_task();
	if (!pid)
		retrieve_for_ever(nr);
	usleep(any(50000));
	kill_child(pid);

	session = retrieve_session(nr);
	for (token = 0; token < 2; token++) {
		if (!any(4))
			continue;
		fd = get_left(session, token);
		check_words(fd, size_left(token), nr);
		close(fd);
	}
	if (any(2))
		CHECK(!luo_finish(session));
	close(session);
}

/* In turn, so that there is some to retrieve until the end. */
static void retrieve_left(void)
{
	static int nr;

	if (guest_kernel() > 1 && nr < NR_LEFT && (nr || any(2)))
		retrieve_one(nr++);
	sleep(1);
}

static void retrieve_rest(void)
{
	int nr, session;

	for (nr = 0; nr < NR_LEFT && guest_kernel() > 1; nr++) {
		session = luo_retrieve(dev, left_name(nr));
		if (session >= 0)
			finish_and_close(session);
		else
			CHECK_EQ(errno, ENOENT);
	}
}

/* ---- the storm ---- */

static void (*const tasks[])(void) = {
	preserve_small, preserve_small, preserve_huge, preserve_huge, preserve_hollow,
	kill_preserver, kill_preserver, close_in_between, abort_reboot, load_image, press,
	retrieve_left,
};

static void storm(void)
{
	size_t i;

	storm_end = now() + guest_param_number("storm") / (KERNELS - 1);
	for (i = 0; i < ARRAY_SIZE(tasks); i++) {
		if (fork_task())
			continue;
		while (now() < storm_end)
			tasks[i]();
		_exit(0);
	}
	check_tasks(i);
	retrieve_rest();
}

static long nr_oom_kills(void)
{
	char *text = guest_text_of("/proc/vmstat"), *at = strstr(text, "\noom_kill ");
	long nr;

	CHECK(at);
	nr = atol(at + strlen("\noom_kill "));
	free(text);
	return nr;
}

static long free_memory(void)
{
	CHECK(!guest_write_file("/proc/sys/vm/drop_caches", "3"));
	return guest_free_memory();
}

static void check_memory(const char *what, long seen, long wanted)
{
	guest_note("%s: %ld KiB free, should be %ld", what, seen, wanted);
	CHECK(labs(seen - wanted) < FREE_SLACK);
}

static void cut_line(char *text, const char *start)
{
	char *line = strstr(text, start), *next;

	if (line) {
		next = line + strcspn(line, "\n");
		memmove(line, next, strlen(next) + 1);
	}
}

/* Return what is preserved, without the lines on sessions that the storm retrieves. */
static char *what_is_preserved(void)
{
	char *text = guest_text_of(OUT_SUMMARY);

	cut_line(text, "handed on unless restored");
	cut_line(text, "sessions of the previous kernel");
	return text;
}

static void check_storm(void)
{
	char *before = what_is_preserved(), *after;
	long kills = nr_oom_kills();
	long size = free_memory();
	char args[32];

	snprintf(args, sizeof(args), "fail_freeze=%d", UNFREEZABLE);
	CHECK(!guest_insmod(HANDLER, args));
	use_huge_pages("within_size");
	storm();
	CHECK(!guest_rmmod(HANDLER));
	after = what_is_preserved();
	check_same_lines(before, after);
	free(before);
	free(after);
	CHECK_EQ(nr_oom_kills(), kills);
	if (guest_kernel() > 1)
		size += LEFT_SIZE / 1024;
	check_memory("after the storm", free_memory(), size);
}

/* ---- most of the memory ---- */

static int nr_bulk(void)
{
	return guest_meminfo("MemTotal") / 100 * BULK_PERCENT / (BULK_FILE / 1024);
}

static void start(void)
{
	alarm((guest_param_number("storm") + EXTRA_SECONDS) *
	      (guest_param_number("patience") ?: 1));
	seed_tasks();
	dev = open_device();
}

/* Leave the size of free memory to the last kernel. */
static void preserve_size(int session, __u64 size)
{
	int fd = new_memfd(0);

	CHECK_EQ(write(fd, &size, sizeof(size)), sizeof(size));
	CHECK(!luo_preserve(session, fd, SIZE_TOKEN));
	close(fd);
}

static __u64 preserved_size(int session)
{
	int fd = old_file(session, SIZE_TOKEN);
	__u64 size;

	CHECK_EQ(pread(fd, &size, sizeof(size), 0), sizeof(size));
	close(fd);
	return size;
}

static void storm_before(void)
{
	long size;
	int session, token;

	start();
	size = free_memory();
	session = luo_create(dev, "bulk");
	CHECK(session >= 0);
	preserve_size(session, size);
	guest_note("%d files of %ld MiB", nr_bulk(), BULK_FILE / MIB);
	for (token = 0; token < nr_bulk(); token++) {
		int fd;

		use_huge_pages(is_huge(token) ? "always" : "never");
		fd = new_words(BULK_FILE, token);
		CHECK(!luo_preserve(session, fd, token));
		close(fd);
	}
	check_storm();
	leave_sessions();
}

/* Retrieve and check all files, and get the size of free memory. Return their number. */
static int retrieve_bulk(int files[MAX_FILES], __u64 *size)
{
	int session = luo_retrieve(dev, "bulk");
	int nr;

	CHECK(session >= 0);
	*size = preserved_size(session);
	for (nr = 0; nr < MAX_FILES; nr++) {
		files[nr] = luo_retrieve_fd(session, nr);
		if (files[nr] < 0)
			break;
		check_words(files[nr], BULK_FILE, nr);
	}
	CHECK_EQ(errno, ENOENT);
	finish_and_close(session);
	return nr;
}

static void storm_between(void)
{
	int files[MAX_FILES];
	int session, nr;
	__u64 size;

	start();
	nr = retrieve_bulk(files, &size);

	session = luo_create(dev, "bulk");
	CHECK(session >= 0);
	preserve_size(session, size);
	while (nr--) {
		CHECK(!luo_preserve(session, files[nr], nr));
		close(files[nr]);
	}
	check_storm();
	leave_sessions();
}

/* The memory is as it was before the first file was preserved. */
static void storm_after(void)
{
	int files[MAX_FILES];
	__u64 size;
	int nr;

	start();
	nr = retrieve_bulk(files, &size);
	while (nr--)
		close(files[nr]);
	retrieve_rest();
	check_found(IN_SUMMARY, "preserved, not restored: 0 blocks, 0 pages, ", 1);
	/* The first kernel had one as well. */
	CHECK(!guest_load_image(0));
	check_memory("at the end", free_memory(), size);
}

static const struct guest_test storm_tests[] = {
	GUEST_TEST_OF_3(storm),
};

GUEST_SUITE(storm, KERNELS, .need = "debugfs " HANDLER, .load = GUEST_LOAD_FIRST)
