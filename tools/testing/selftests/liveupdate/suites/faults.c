// SPDX-License-Identifier: GPL-2.0
/*
 * faults: allocations that fail
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * A system call is repeated. In the first attempt its first allocation fails, in the
 * second attempt its second one, and so on until all of them have failed once. Each
 * time the call must return an error and undo everything, or succeed without that
 * memory.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../luo.h"

#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define SHMEM_ENABLED	"/sys/kernel/mm/transparent_hugepage/shmem_enabled"
#define NR_SESSIONS	300
#define MAX_FAULTS	2000
/* Number of sessions that earlier tests have used */
#define SESSIONS_USED	"/tmp/sessions_used"

static int dev;

/* ---- faults ---- */

static void write_setting(const char *fault, const char *setting,
			  const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), DEBUGFS "/%s/%s", fault, setting);
	CHECK(!guest_write_file(path, value));
}

/* Let all allocations fail, also those that may sleep, without a log message. */
static void need_faults(void)
{
	guest_need_debugfs();
	if (access(FAIL_NTH, W_OK))
		guest_skip("the kernel has no FAULT_INJECTION");
	write_setting("failslab", "ignore-gfp-wait", "N");
	write_setting("failslab", "verbose", "0");
	write_setting("fail_page_alloc", "ignore-gfp-wait", "N");
	write_setting("fail_page_alloc", "ignore-gfp-highmem", "N");
	write_setting("fail_page_alloc", "min-order", "0");
	write_setting("fail_page_alloc", "verbose", "0");
}

/* FAIL_NTH stays open, because opening it allocates memory. */
static int fail_nth = -1;

/* Let the @nth allocation of this thread fail; 0 disarms. */
static void arm(int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", nth);

	if (fail_nth < 0)
		fail_nth = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	CHECK(fail_nth >= 0);
	CHECK_EQ(pwrite(fail_nth, text, len, 0), len);
}

/* Disarm, and return whether an allocation has failed. */
static bool disarm(void)
{
	char text[16] = "";

	CHECK(pread(fail_nth, text, sizeof(text) - 1, 0) > 0);
	arm(0);
	return !atoi(text);
}

/* ---- system calls ---- */

enum call { CREATE, PRESERVE, RETRIEVE, RETRIEVE_FD, FINISH };

struct request {
	int session;
	int fd;
	__u64 token;
	const char *name;
};

static int do_call(enum call call, struct request *req)
{
	switch (call) {
	case CREATE:
		return req->session = luo_create(dev, req->name);
	case PRESERVE:
		return luo_preserve(req->session, req->fd, req->token);
	case RETRIEVE:
		return req->session = luo_retrieve(dev, req->name);
	case RETRIEVE_FD:
		return req->fd = luo_retrieve_fd(req->session, req->token);
	default:
		return luo_finish(req->session);
	}
}

/**
 * struct attempt - a system call whose allocations fail one after another
 * @nth: the allocation that failed last
 * @failed: how often the call has failed
 */
struct attempt {
	int nth;
	int failed;
};

/*
 * Return whether the call has succeeded. @done is set if it has, and no allocation
 * has failed.
 */
static bool try(struct attempt *attempt, enum call call, struct request *req, bool *done)
{
	bool faulted;
	int ret, err;

	CHECK(attempt->nth < MAX_FAULTS);
	arm(++attempt->nth);
	ret = do_call(call, req);
	err = errno;
	faulted = disarm();
	*done = !faulted;
	if (ret >= 0)
		return true;
	guest_note("allocation %d: errno %d", attempt->nth, err);
	CHECK(faulted);
	CHECK_EQ(err, ENOMEM);
	attempt->failed++;
	return false;
}

/* Check that the call has failed at least once. */
static void check_tried(const char *what, const struct attempt *attempt)
{
	guest_note("%s: %d allocations, %d were needed", what, attempt->nth - 1,
		   attempt->failed);
	CHECK(attempt->failed);
}

/* ---- the old kernel ---- */

static void create_fails(void)
{
	struct request req = { .name = "create_fails" };
	struct attempt attempt = {};
	bool done = false;
	char *before;

	need_faults();
	dev = open_device();
	before = guest_text_of(OUT_SUMMARY);
	forget_leaks();
	while (!done) {
		if (try(&attempt, CREATE, &req, &done))
			close(req.session);
		check_summary(before);
	}
	check_tried("create", &attempt);
	check_no_leak();
	free(before);
}

/* The kinds of files: small pages with holes, huge pages, empty */
enum kind { KIND_SPARSE, KIND_HUGE, KIND_EMPTY, NR_KINDS };

static size_t size_of_kind(enum kind kind)
{
	const size_t sizes[] = { 700 * PAGE + 5, 2 * MIB, 0 };

	return sizes[kind];
}

static int new_file_of_kind(enum kind kind)
{
	size_t size = size_of_kind(kind);
	int fd = new_memfd(0);

	/* Huge pages are used only within the size of the file. */
	if (kind == KIND_HUGE)
		CHECK(!ftruncate(fd, size));
	fill(fd, 0, kind == KIND_SPARSE ? 10 * PAGE : size, kind);
	CHECK(!ftruncate(fd, size));
	return fd;
}

static void check_kind(int fd, enum kind kind)
{
	check_size(fd, size_of_kind(kind));
	if (kind == KIND_SPARSE) {
		check_content(fd, 0, 10 * PAGE, kind);
		check_zeros(fd, 10 * PAGE, size_of_kind(kind) - 10 * PAGE);
	} else {
		check_content(fd, 0, size_of_kind(kind), kind);
	}
}

/* The nodes of the tree depend on the address of the session's memory. */
static void preserve_kind(enum kind kind)
{
	char *start = guest_text_of(OUT_SUMMARY);
	struct request req = {
		.session = new_session("preserve_fails"),
		.token = kind,
	};
	char *before = guest_text_of(OUT_SUMMARY);
	struct attempt attempt = {};
	bool done = false;

	while (!done) {
		req.fd = new_file_of_kind(kind);
		if (try(&attempt, PRESERVE, &req, &done)) {
			close(req.session);
			check_summary(start);
			req.session = new_session("preserve_fails");
			free(before);
			before = guest_text_of(OUT_SUMMARY);
		} else {
			check_summary(before);
		}
		check_thawed(req.fd);
		close(req.fd);
	}
	check_tried("preserve", &attempt);
	close(req.session);
	check_summary(start);
	free(before);
	free(start);
}

static void preserve_fails(void)
{
	enum kind kind;

	need_faults();
	guest_write_file(SHMEM_ENABLED, "within_size");
	forget_leaks();
	for (kind = 0; kind < NR_KINDS; kind++)
		preserve_kind(kind);
	check_no_leak();
}

/* ---- the kexec, and the new kernel ---- */

static const char *session_name(int nr)
{
	static char name[NAME_LENGTH];

	snprintf(name, sizeof(name), "faults %d", nr);
	return name;
}

static void preserve_sessions(void)
{
	enum kind kind;
	int nr, session;

	for (nr = 0; nr < NR_SESSIONS; nr++) {
		session = luo_create(dev, session_name(nr));
		CHECK(session >= 0);
		for (kind = 0; kind < NR_KINDS; kind++) {
			int fd = new_file_of_kind(kind);

			CHECK(!luo_preserve(session, fd, kind));
			close(fd);
		}
	}
}

/* The last attempt meets no fault and boots the next kernel. */
static void kexec_fails_before(void)
{
	int nth, needed = 0;
	char *before;

	need_faults();
	guest_write_file(SHMEM_ENABLED, "within_size");
	dev = open_device();
	preserve_sessions();
	CHECK(!guest_load_image(0));
	before = guest_text_of(OUT_SUMMARY);
	for (nth = 1; nth < MAX_FAULTS; nth++) {
		guest_note("kexec: allocation %d, %d were needed", nth, needed++);
		arm(nth);
		CHECK(guest_kexec() < 0);
		CHECK_EQ(errno, ENOMEM);
		CHECK(disarm());
		check_summary(before);
	}
	CHECK(nth < MAX_FAULTS);
}

static void kexec_fails_after(void)
{
	int dev = open_device();

	close(dev);
}

static int next_session(void)
{
	char *text = guest_read_file(SESSIONS_USED);
	char next[16];
	int nr = text ? atoi(text) : 0;
	int fd = open(SESSIONS_USED, O_CREAT | O_WRONLY, 0600);

	snprintf(next, sizeof(next), "%d\n", nr + 1);
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, next, strlen(next)), strlen(next));
	close(fd);
	free(text);
	return nr;
}

static int next_retrieved(void)
{
	int session = luo_retrieve(dev, session_name(next_session()));

	CHECK(session >= 0);
	return session;
}

static void retrieve_session_fails(void)
{
	struct request req = { .name = session_name(next_session()) };
	struct attempt attempt = {};
	bool done = false;

	need_faults();
	dev = open_device();
	forget_leaks();
	while (!done) {
		if (!try(&attempt, RETRIEVE, &req, &done))
			continue;
		finish_and_close(req.session);
		if (!done)
			req.name = session_name(next_session());
	}
	check_tried("retrieve a session", &attempt);
	check_no_leak();
}

static long nr_reserved(void)
{
	char *summary = guest_text_of(IN_SUMMARY), *at;
	long pages;

	at = strstr(summary, "preserved, not restored: ");
	CHECK(at);
	at = strstr(at, " blocks, ");
	CHECK(at);
	pages = strtol(at + strlen(" blocks, "), NULL, 10);
	free(summary);
	return pages;
}

static void retrieve_all(int session)
{
	enum kind kind;
	int fd;

	for (kind = 0; kind < NR_KINDS; kind++) {
		fd = old_file(session, kind);
		check_kind(fd, kind);
		check_thawed(fd);
		close(fd);
	}
}

/*
 * After a failure the file is retrieved again, or discarded with its session. All
 * memory of the session must be freed in either case.
 */
static void retrieve_kind(enum kind kind, long nr_pages)
{
	struct attempt attempt = {};
	bool done = false;

	while (!done) {
		struct request req = { .token = kind };
		long before = nr_reserved();
		bool retrieved;

		req.session = next_retrieved();
		retrieved = try(&attempt, RETRIEVE_FD, &req, &done);
		if (retrieved)
			close(req.fd);
		if (retrieved || attempt.nth % 3)
			retrieve_all(req.session);
		finish_and_close(req.session);
		CHECK_EQ(before - nr_reserved(), nr_pages);
	}
	check_tried("retrieve a file", &attempt);
}

/* Return the number of reserved pages of a session that meets no fault. */
static long nr_pages_of_session(void)
{
	long before = nr_reserved();
	int session = next_retrieved();

	retrieve_all(session);
	finish_and_close(session);
	CHECK(before > nr_reserved());
	return before - nr_reserved();
}

/* Each attempt gets a little further than the one before. */
static void retrieve_in_steps(enum kind kind)
{
	struct request req = { .session = next_retrieved(), .token = kind };
	int nth, err, fd = -1;

	for (nth = 1; fd < 0 && nth < MAX_FAULTS; nth++) {
		arm(1 + nth / 4);
		fd = luo_retrieve_fd(req.session, req.token);
		err = errno;
		disarm();
		if (fd < 0)
			CHECK_EQ(err, ENOMEM);
	}
	guest_note("retrieved after %d times", nth);
	CHECK(fd >= 0);
	CHECK(nth > 2);
	check_kind(fd, kind);
	close(fd);
	retrieve_all(req.session);
	finish_and_close(req.session);
}

static void retrieve_fails(void)
{
	enum kind kind;
	long nr_pages;

	need_faults();
	guest_need_debugfs();
	dev = open_device();
	guest_write_file(SHMEM_ENABLED, "within_size");
	forget_leaks();
	nr_pages = nr_pages_of_session();
	for (kind = 0; kind < NR_KINDS; kind++) {
		retrieve_kind(kind, nr_pages);
		retrieve_in_steps(kind);
	}
	check_no_leak();
}

/* FINISH does not fail if its allocations do. */
static void finish_fails(void)
{
	struct attempt attempt = {};
	bool done = false;

	need_faults();
	dev = open_device();
	forget_leaks();
	while (!done) {
		struct request req = { .session = next_retrieved() };

		CHECK(try(&attempt, FINISH, &req, &done));
		close(req.session);
	}
	check_no_leak();
}

static const struct guest_test faults_tests[] = {
	GUEST_TEST(create_fails),
	GUEST_TEST(preserve_fails),
	GUEST_TEST_OF_2(kexec_fails),
	GUEST_TEST_IN_2ND(retrieve_session_fails),
	GUEST_TEST_IN_2ND(retrieve_fails),
	GUEST_TEST_IN_2ND(finish_fails),
};

GUEST_SUITE(faults, 2)
