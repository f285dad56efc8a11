// SPDX-License-Identifier: GPL-2.0
/*
 * races: many tasks that use /dev/liveupdate at the same time
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * A storm is a set of processes, each of which repeats one operation. The kernel
 * parameter seed= sets the seed of their random numbers. The order in which the
 * processes run still differs each time.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <unistd.h>

#include "races.h"

#define SHMEM_ENABLED	"/sys/kernel/mm/transparent_hugepage/shmem_enabled"

int races_dev;

void meet(int *arrived, int nr)
{
	int tries = 100000;

	__atomic_add_fetch(arrived, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(arrived, __ATOMIC_SEQ_CST) < nr && tries--)
		sched_yield();
}

/* ---- a storm in one kernel ---- */

static void storm_leaves_nothing(void)
{
	bool swaps;
	char *before;

	seed_tasks();
	swaps = swap_on();
	guest_note("%s swap", swaps ? "with" : "without");
	guest_write_file(SHMEM_ENABLED, "within_size");
	open_shared_files();
	races_dev = open_device();
	CHECK(!guest_load_image(0));
	before = guest_text_of(OUT_SUMMARY);
	forget_leaks();
	run_tasks();
	CHECK(!swaps || !swapoff(SWAP_DEVICE));
	CHECK(!guest_unload_image(0));
	check_shared_files();
	check_summary(before);
	check_no_leak();
	free(before);
}

/* ---- a program that does not wait ---- */

static bool written_enough;

static void *write_on(void *arg)
{
	const int *fd = arg;
	off_t at;

	for (at = 0; !__atomic_load_n(&written_enough, __ATOMIC_SEQ_CST);
	     at = (at + PAGE) % MIB)
		if (pwrite(*fd, "x", 1, at) != 1)
			return "can't be written";
	return NULL;
}

/* Preserving moves pages out of scratch while the program uses them. */
static void written_while_preserved(void)
{
	pthread_t thread;
	int i, fd, session;
	void *problem;

	for (i = 0; i < 50; i++) {
		fd = new_memfd(0);
		CHECK(!ftruncate(fd, MIB));
		CHECK(!fallocate(fd, 0, 0, MIB));
		session = new_session("written_while_preserved");
		written_enough = false;
		CHECK(!pthread_create(&thread, NULL, write_on, &fd));
		CHECK(!luo_preserve(session, fd, 1));
		__atomic_store_n(&written_enough, true, __ATOMIC_SEQ_CST);
		CHECK(!pthread_join(thread, &problem));
		CHECK(!problem);
		close(session);
		close(fd);
	}
}

/* ---- memory that the kernel's threads restore ---- */

static void restored_by_one_before(void)
{
	CHECK(!guest_insmod(MODULE, "leave=1"));
}

static void restored_by_one_after(void)
{
	CHECK(!guest_insmod(MODULE, "restore=1"));
	CHECK(!guest_rmmod(MODULE));
}

/* ---- a storm that the kexec ends ---- */

/* The content of their files depends on the token. */
#define NR_SURVIVORS	48
#define NR_UNENDING	4
#define NR_RETRIEVERS	4
#define MAX_SESSIONS	64

static void create_survivors(void)
{
	char name[NAME_LENGTH];
	int i, token, session;

	for (i = 0; i < NR_SURVIVORS; i++) {
		snprintf(name, sizeof(name), "survivor %d", i);
		session = luo_create(races_dev, name);
		CHECK(session >= 0);
		for (token = 0; token < NR_FILES; token++)
			CHECK(!luo_preserve(session, new_file(i % 8 * 5 * PAGE, token),
					    token));
	}
}

/* Once sessions are frozen the system calls of other tasks are refused. */
static void wait_for_kexec(void)
{
	CHECK_EQ(errno, EBUSY);
	for (;;)
		pause();
}

static void __noreturn unending(void)
{
	char name[NAME_LENGTH];
	int session, token, fd;

	own_name(name);
	for (;;) {
		session = luo_create(races_dev, name);
		if (session < 0)
			wait_for_kexec();
		for (token = 0; token < NR_FILES; token++) {
			fd = new_file(any(20 * PAGE), token);
			if (luo_preserve(session, fd, token))
				wait_for_kexec();
			close(fd);
		}
		close(session);
	}
}

static void kexec_in_a_storm_before(void)
{
	int i;

	seed_tasks();
	races_dev = open_device();
	create_survivors();
	for (i = 0; i < NR_UNENDING; i++)
		if (!fork_task())
			unending();
}

/* Memory that the retrieving processes share */
static struct {
	char names[MAX_SESSIONS][NAME_LENGTH];
	int nr_names;
	int arrived[MAX_SESSIONS];
	int wins[MAX_SESSIONS];
} *old;

static void list_old_sessions(void)
{
	char *summary = guest_text_of(IN_SUMMARY);
	const char *at = summary;

	while ((at = strstr(at, "\n  session \""))) {
		size_t len;

		at += strlen("\n  session \"");
		len = strcspn(at, "\"");
		CHECK(old->nr_names < MAX_SESSIONS && len < NAME_LENGTH);
		memcpy(old->names[old->nr_names++], at, len);
	}
	free(summary);
}

/**
 * struct retriever - a thread that retrieves files
 * @thread: the thread
 * @session: the session
 * @arrived: counter for meet() with another thread before each file, or NULL
 * @files: the files that it got, or -1
 * @err: an unexpected error
 */
struct retriever {
	pthread_t thread;
	int session;
	int *arrived;
	int files[NR_FILES];
	int err;
};

static void *retrieve_files(void *arg)
{
	struct retriever *r = arg;
	int i;

	for (i = 0; i < NR_FILES; i++) {
		if (r->arrived)
			meet(&r->arrived[i], 2);
		r->files[i] = luo_retrieve_fd(r->session, i);
		if (r->files[i] < 0 && errno != ENOENT)
			r->err = errno;
	}
	return NULL;
}

static void join_retriever(struct retriever *r)
{
	CHECK(!pthread_join(r->thread, NULL));
	CHECK_EQ(r->err, 0);
}

static void check_and_close(int fd, int token)
{
	struct stat st;

	if (fd < 0)
		return;
	CHECK(!fstat(fd, &st));
	check_content(fd, 0, st.st_size, token);
	close(fd);
}

static void check_same_file(int fd, int other)
{
	struct stat st, st_other;

	CHECK_EQ(fd < 0, other < 0);
	if (fd < 0)
		return;
	CHECK(!fstat(fd, &st));
	CHECK(!fstat(other, &st_other));
	CHECK_EQ(st.st_ino, st_other.st_ino);
}

/* Both threads get the same files. */
static void retrieve_twice(int session, bool complete)
{
	int arrived[NR_FILES] = {};
	struct retriever r[2] = {
		{ .session = session, .arrived = arrived },
		{ .session = session, .arrived = arrived },
	};
	int i;

	for (i = 0; i < 2; i++)
		CHECK(!pthread_create(&r[i].thread, NULL, retrieve_files, &r[i]));
	for (i = 0; i < 2; i++)
		join_retriever(&r[i]);
	for (i = 0; i < NR_FILES; i++) {
		CHECK(r[0].files[i] >= 0 || !complete);
		check_same_file(r[0].files[i], r[1].files[i]);
		check_and_close(r[0].files[i], i);
		check_and_close(r[1].files[i], i);
	}
}

/* A file that is retrieved before the session is finished is a normal file. */
static void retrieve_while_finishing(int session)
{
	struct retriever r = { .session = session };
	int i;

	CHECK(!pthread_create(&r.thread, NULL, retrieve_files, &r));
	usleep(any(1000));
	CHECK(!luo_finish(session));
	join_retriever(&r);
	for (i = 0; i < NR_FILES; i++)
		check_and_close(r.files[i], i);
}

static void use_old_session(int session, const char *name)
{
	bool survivor = !strncmp(name, "survivor ", 9);

	if (survivor || any(2))
		retrieve_twice(session, survivor);
	if (any(2))
		retrieve_while_finishing(session);
	close(session);
}

static void retrieve_sessions(void)
{
	int i, session;

	for (i = 0; i < old->nr_names; i++) {
		if (i % 2)
			meet(&old->arrived[i], NR_RETRIEVERS);
		session = luo_retrieve(races_dev, old->names[i]);
		if (session < 0) {
			CHECK(errno == EINVAL || errno == ENOENT);
			continue;
		}
		__atomic_add_fetch(&old->wins[i], 1, __ATOMIC_SEQ_CST);
		use_old_session(session, old->names[i]);
	}
}

static void retrieve_by_many(void)
{
	int i;

	for (i = 0; i < NR_RETRIEVERS; i++) {
		if (!fork_task()) {
			retrieve_sessions();
			_exit(0);
		}
	}
	check_tasks(NR_RETRIEVERS);
	for (i = 0; i < old->nr_names; i++)
		CHECK_EQ(old->wins[i], 1);
}

static void kexec_in_a_storm_after(void)
{
	seed_tasks();
	old = mmap(NULL, sizeof(*old), PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(old != MAP_FAILED);
	races_dev = open_device();
	/* The first request for a session lists them. */
	CHECK_ERRNO(luo_retrieve(races_dev, "never created"), ENOENT);
	list_old_sessions();
	guest_note("%d sessions", old->nr_names);
	CHECK(old->nr_names >= NR_SURVIVORS);
	retrieve_by_many();
	check_found(IN_SUMMARY, "\nsessions: 0\n", 1);
}

/* Everything was restored, and the tree has only its root. */
static void nothing_stays_reserved(void)
{
	check_found(IN_SUMMARY, "preserved, not restored: 0 blocks, 0 pages, ", 1);
	check_found(IN_SUMMARY, "tree: 1 nodes, ", 1);
	check_no_leak();
}

/* kexec_in_a_storm comes last: its storm in the first kernel lasts until the kexec. */
static const struct guest_test races_tests[] = {
	GUEST_TEST(written_while_preserved),
	GUEST_TEST(storm_leaves_nothing),
	GUEST_TEST_OF_2(restored_by_one),
	GUEST_TEST_OF_2(kexec_in_a_storm),
	GUEST_TEST_IN_2ND(nothing_stays_reserved),
};

GUEST_SUITE(races, 2, .need = "debugfs " MODULE " " FLB_MODULE " " HANDLER)
