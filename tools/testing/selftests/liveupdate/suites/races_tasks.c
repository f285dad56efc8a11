// SPDX-License-Identifier: GPL-2.0
/*
 * races: the operations of the tasks in one kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/memfd.h>
#include <linux/reboot.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <unistd.h>

#include "races.h"

#define UNFREEZABLE	7	/* number of a file of HANDLER */

#define NR_SHARED	3	/* names and files that all tasks use */
#define RESTLESS	0	/* number of the file that changes its size */
#define NR_LARGE	64	/* files in a large session */
#define NR_REQUESTS	50
#define SHARED_PAGES	10	/* of the files that all tasks use */

static int shared_files[NR_SHARED];

/* ---- files ---- */

/* Return a file of random size, with or without content, of small or huge pages. */
static int any_file(void)
{
	const size_t sizes[] = {
		0, 1, PAGE, 5 * PAGE + 1, 16 * PAGE, 2 * MIB + PAGE, 4 * MIB,
	};
	size_t size = sizes[any(ARRAY_SIZE(sizes))];
	int fd = new_memfd(0);

	CHECK(!ftruncate(fd, size));
	if (size && any(2))
		CHECK(!fallocate(fd, 0, 0, size));
	return fd;
}

static void new_files(int *files, size_t nr)
{
	while (nr--)
		*files++ = any_file();
}

/* Check and close files that are no longer preserved, nor open elsewhere. */
static void drop_files(const int *files, size_t nr)
{
	for (; nr--; files++) {
		check_thawed(*files);
		close(*files);
	}
}

/* ---- operations ---- */

/*
 * Return a new session. Its name is free as the previous session was closed, or will be
 * free if a process that had it was killed while reboot() was in progress.
 */
static int own_session(void)
{
	char name[NAME_LENGTH];
	int session, tries = 1000;

	own_name(name);
	while ((session = luo_create(races_dev, name)) < 0) {
		CHECK_EQ(errno, EEXIST);
		CHECK(tries--);
		usleep(10000);
	}
	return session;
}

/* Return a session with a shared name, or -1 if another task has that name now. */
static int shared_session(void)
{
	char name[NAME_LENGTH];
	int session;

	snprintf(name, sizeof(name), "shared %u", any(NR_SHARED));
	session = luo_create(races_dev, name);
	if (session < 0)
		CHECK_EQ(errno, EEXIST);
	return session;
}

static void check_own_files(int session, const int *files)
{
	int i;

	for (i = 0; i < NR_FILES; i++) {
		CHECK(!luo_preserve(session, files[i], i));
		CHECK_ERRNO(luo_preserve(session, files[i], NR_FILES), EBUSY);
		CHECK_ERRNO(ftruncate(files[i], 5 * MIB), EPERM);
	}
}

static void create_and_close(void)
{
	int session = any(2) ? own_session() : shared_session();
	int file = shared_files[any(NR_SHARED)];
	int files[NR_FILES];

	if (session < 0)
		return;
	new_files(files, NR_FILES);
	check_own_files(session, files);
	if (luo_preserve(session, file, -1))
		CHECK_EQ(errno, EBUSY);
	if (any(2)) {
		int other = dup(session);

		close(session);
		CHECK_ERRNO(luo_preserve(other, files[0], NR_FILES), EBUSY);
		session = other;
	}
	close(session);
	drop_files(files, NR_FILES);
}

/**
 * struct preserver - a thread that preserves files
 * @thread: the thread
 * @session: the session to preserve them in
 * @files: the files
 * @arrived: counter for meet() with another thread before each file, or NULL
 * @token: token of the first file
 * @done: number of files that it has preserved
 * @err: the first error
 */
struct preserver {
	pthread_t thread;
	int session;
	const int *files;
	int *arrived;
	int token;
	int done;
	int err;
};

static void *preserve_files(void *arg)
{
	struct preserver *p = arg;
	int i;

	for (i = 0; i < NR_FILES; i++) {
		if (p->arrived)
			meet(&p->arrived[i], 2);
		if (!luo_preserve(p->session, p->files[i], p->token + i))
			p->done++;
		else if (!p->err)
			p->err = errno;
	}
	return NULL;
}

/* Close the last descriptor while another thread preserves. */
static void close_in_between(void)
{
	int files[NR_FILES];
	struct preserver p = { .session = own_session(), .files = files };

	new_files(files, NR_FILES);
	CHECK(!pthread_create(&p.thread, NULL, preserve_files, &p));
	usleep(any(1000));
	close(p.session);
	CHECK(!pthread_join(p.thread, NULL));
	CHECK(p.done == NR_FILES || p.err == EBADF);
	drop_files(files, NR_FILES);
}

/**
 * struct rivals - two threads that preserve in the same session
 * @tokens: they use the same tokens
 * @files: they use the same files
 * @err: the error that one of them gets
 */
static const struct rivals {
	bool tokens;
	bool files;
	int err;
} rivals[] = {
	{ false, false, 0 },
	{ false, true, EBUSY },
	{ true, false, EEXIST },
};

static void preserve_by_two(void)
{
	const struct rivals *rival = &rivals[any(ARRAY_SIZE(rivals))];
	int arrived[NR_FILES] = {};
	int files[2][NR_FILES];
	struct preserver p[2] = {};
	int session = own_session();
	int i;

	for (i = 0; i < 2; i++)
		new_files(files[i], NR_FILES);
	for (i = 0; i < 2; i++) {
		p[i].session = session;
		p[i].arrived = arrived;
		p[i].files = files[rival->files ? 0 : i];
		p[i].token = rival->tokens ? 0 : i * NR_FILES;
		CHECK(!pthread_create(&p[i].thread, NULL, preserve_files, &p[i]));
	}
	for (i = 0; i < 2; i++) {
		CHECK(!pthread_join(p[i].thread, NULL));
		CHECK(!p[i].err || p[i].err == rival->err);
	}
	CHECK_EQ(p[0].done + p[1].done, rival->err ? NR_FILES : 2 * NR_FILES);
	close(session);
	for (i = 0; i < 2; i++)
		drop_files(files[i], NR_FILES);
}

/* A session with many files takes long to freeze and to close. */
static void close_large(void)
{
	static int files[NR_LARGE];
	int session = own_session();
	int i;

	for (i = 0; i < NR_LARGE; i++) {
		if (!files[i])
			files[i] = new_memfd(0);
		CHECK(!luo_preserve(session, files[i], i));
	}
	close(session);
}

static void __noreturn preserve_for_ever(const char *name, const int *files)
{
	int session, i;

	for (;;) {
		session = luo_create(races_dev, name);
		CHECK(session >= 0);
		for (i = 0; i < NR_FILES; i++)
			CHECK(!luo_preserve(session, files[i], i));
		close(session);
	}
}

static void kill_preserver(void)
{
	char name[NAME_LENGTH];
	int files[NR_FILES];
	pid_t pid;
	int i;

	own_name(name);
	new_files(files, NR_FILES);
	pid = fork_task();
	if (!pid)
		preserve_for_ever(name, files);
	usleep(any(20000));
	kill_child(pid);
	for (i = 0; i < NR_FILES; i++)
		check_thaws(files[i]);
	drop_files(files, NR_FILES);
	close(own_session());
}

/* The handler can't freeze the file with this number. */
static void abort_reboot(void)
{
	int fd = new_number(UNFREEZABLE);
	int other = new_memfd(0);
	int session = own_session();

	CHECK(!luo_preserve(session, fd, 1));
	CHECK_ERRNO(reboot(LINUX_REBOOT_CMD_KEXEC), EREMOTEIO);
	CHECK(!luo_preserve(session, other, 2));
	close(session);
	close(other);
	close(fd);
}

static void check_open_to_change(int ret, int err)
{
	if (ret < 0)
		CHECK_EQ(errno, err);
}

/* The size of a file can be changed unless the file is preserved. */
static void change_size(void)
{
	const int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	int fd = shared_files[RESTLESS];
	off_t at = any(4 * MIB);

	check_open_to_change(ftruncate(fd, at), EPERM);
	check_open_to_change(pwrite(fd, "x", 1, any(4 * MIB)), EPERM);
	check_open_to_change(fallocate(fd, 0, any(4 * MIB), 1 + any(MIB)),
			     EOPNOTSUPP);
	check_open_to_change(fallocate(fd, punch, at, 1 + any(MIB)), EOPNOTSUPP);
	usleep(any(1000));
}

/*
 * Write through a mapping, and swap the page out if the file is not preserved. The
 * content must stay the same.
 */
static void write_mapped(void)
{
	int fd = shared_files[RESTLESS + 1 + any(NR_SHARED - RESTLESS - 1)];
	size_t size = SHARED_PAGES * PAGE;
	char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	size_t at;

	CHECK(map != MAP_FAILED);
	for (at = any(PAGE); at < size; at += PAGE)
		__atomic_fetch_or(&map[at], 0, __ATOMIC_RELAXED);
	if (any(2))
		CHECK(!madvise(map, size, MADV_PAGEOUT));
	usleep(any(500));
	CHECK(!munmap(map, size));
}

/* Use memory, and let the kernel reclaim it. With KASAN, swapping takes long. */
static void press(void)
{
	size_t size = 64 * MIB;
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	CHECK(mem != MAP_FAILED);
	CHECK(!madvise(mem, size, MADV_PAGEOUT));
	CHECK(!munmap(mem, size));
	usleep(any(50000));
}

/* A message keeps a session alive until it is received or its sockets are closed. */
static void send_session(void)
{
	int session = own_session();
	int file = any_file();
	char name[NAME_LENGTH];
	int sockets[2];

	CHECK(!luo_preserve(session, file, 1));
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
	send_fd(sockets[0], session);
	close(session);

	own_name(name);
	CHECK_ERRNO(luo_create(races_dev, name), EEXIST);
	if (any(2)) {
		session = receive_fd(sockets[1]);
		CHECK_ERRNO(luo_preserve(session, file, 2), EBUSY);
		close(session);
	}
	close(sockets[0]);
	close(sockets[1]);
	drop_files(&file, 1);
}

/* A session lives as long as a process that has inherited it. */
static void inherit_session(void)
{
	int session = own_session();
	char name[NAME_LENGTH];
	pid_t pid;

	pid = fork_task();
	if (!pid) {
		pause();
		_exit(0);
	}
	close(session);
	own_name(name);
	CHECK_ERRNO(luo_create(races_dev, name), EEXIST);
	kill_child(pid);
	close(own_session());
}

/* Return @right, a number close to it, or a random number. */
static unsigned int any_number(unsigned int right)
{
	switch (any(8)) {
	case 0:
		return right + 1;
	case 1:
		return right - 1;
	case 2:
		return 1U << any(32);
	case 3:
		return any(1U << 31);
	default:
		return right;
	}
}

/* Place a request near the end of the page. The kernel must not read past the end. */
static void *fill_request(char *page)
{
	static const unsigned int sizes[] = {
		sizeof(struct liveupdate_session_finish),
		sizeof(struct liveupdate_session_preserve_fd),
		sizeof(struct liveupdate_ioctl_create_session),
	};
	unsigned int size = sizes[any(ARRAY_SIZE(sizes))];
	char *request = page + PAGE - 8 * (1 + any(20));
	unsigned int *word;

	memset(page, 0, PAGE);
	for (word = (void *)request; (char *)word < page + PAGE; word++)
		if ((char *)word < request + size || !any(8))
			*word = any_number(any(16));
	*(unsigned int *)request = any_number(size);
	return request;
}

/* Make random requests. They must not affect sessions of other tasks. */
static void make_requests(void)
{
	static const unsigned int first[] = {
		LIVEUPDATE_IOCTL_CREATE_SESSION, LIVEUPDATE_SESSION_PRESERVE_FD,
	};
	int lowest = own_session();
	/* A page that is followed by an unmapped one */
	char *page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int i;

	CHECK(page != MAP_FAILED);
	CHECK(!munmap(page + PAGE, PAGE));
	for (i = 0; i < NR_REQUESTS; i++) {
		unsigned int nr = any_number(first[any(2)] + any(4));

		ioctl(any(2) ? races_dev : lowest + (int)any(4), nr,
		      fill_request(page));
	}
	CHECK(!munmap(page, PAGE));
	/* Close the descriptors that the requests have opened. */
	for (i = 0; i <= NR_REQUESTS; i++)
		close(lowest + i);
}

/* Files of several tasks share an FLB, and their handler comes and goes. */
static void share_state(void)
{
	int fd = open(any(2) ? "/dev/luo_flb_a" : "/dev/luo_flb_b",
		      O_RDWR | O_CLOEXEC);
	int session;

	/* load_handlers() removes the module now and then. */
	if (fd < 0) {
		CHECK(errno == ENOENT || errno == ENODEV || errno == ENXIO);
		usleep(any(2000));
		return;
	}
	session = own_session();
	if (luo_preserve(session, fd, 1))
		CHECK_EQ(errno, ENOENT);
	close(fd);
	close(session);
}

static void load_handlers(void)
{
	int i;

	CHECK(!guest_insmod(FLB_MODULE, ""));
	for (i = 0; i < 4; i++)
		share_state();
	while (guest_rmmod(FLB_MODULE)) {
		CHECK_EQ(errno, EWOULDBLOCK);
		sched_yield();
	}
}

static void read_and_open(void)
{
	char *summary = guest_read_file(OUT_SUMMARY);

	CHECK(summary && strstr(summary, "\nsessions: "));
	free(summary);
	CHECK_ERRNO(luo_open(), EBUSY);
}

/* ---- the tasks ---- */

/* Let kernel threads preserve memory. */
static void preserve_in_kernel(void)
{
	char args[64];

	snprintf(args, sizeof(args), "rounds=1000 seed=%u", any(1U << 31));
	CHECK(!guest_insmod(MODULE, args));
	CHECK(!guest_rmmod(MODULE));
}

#define TASK(round, nr_rounds)	{ #round, round, nr_rounds }

/**
 * struct task - what a process of the storm does
 * @name: name of @round
 * @round: one operation
 * @nr_rounds: how often the process repeats it
 */
static const struct task {
	const char *name;
	void (*round)(void);
	int nr_rounds;
} tasks[] = {
	TASK(preserve_in_kernel, 8),
	TASK(create_and_close, 60),
	TASK(create_and_close, 60),
	TASK(close_in_between, 60),
	TASK(preserve_by_two, 50),
	TASK(close_large, 150),
	TASK(kill_preserver, 40),
	TASK(abort_reboot, 150),
	TASK(change_size, 800),
	TASK(write_mapped, 500),
	TASK(press, 10),
	TASK(send_session, 100),
	TASK(inherit_session, 60),
	TASK(make_requests, 100),
	TASK(share_state, 300),
	TASK(share_state, 300),
	TASK(load_handlers, 20),
	TASK(read_and_open, 500),
};

static void run_task(const struct task *task)
{
	int i;

	for (i = 0; i < task->nr_rounds; i++)
		task->round();
	/* If the others never end, the log says which ones. */
	guest_note("%s has ended", task->name);
}

void run_tasks(void)
{
	char args[32];
	size_t i;

	snprintf(args, sizeof(args), "fail_freeze=%d", UNFREEZABLE);
	CHECK(!guest_insmod(HANDLER, args));
	for (i = 0; i < ARRAY_SIZE(tasks); i++) {
		if (!fork_task()) {
			run_task(&tasks[i]);
			_exit(0);
		}
	}
	check_tasks(ARRAY_SIZE(tasks));
	CHECK(!guest_rmmod(HANDLER));
}

void open_shared_files(void)
{
	int i;

	for (i = 0; i < NR_SHARED; i++)
		shared_files[i] = new_file(SHARED_PAGES * PAGE, i);
}

void check_shared_files(void)
{
	int i;

	for (i = RESTLESS + 1; i < NR_SHARED; i++)
		check_content(shared_files[i], 0, SHARED_PAGES * PAGE, i);
	drop_files(shared_files, NR_SHARED);
}
