// SPDX-License-Identifier: GPL-2.0
/*
 * busy: memory that is limited, in use, or provided by userfaultfd
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Requests fail then, and must not let the OOM killer end a program, nor change a file.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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

/* Load an empty file and one that is too large: each fails with its own error. */
static void load_unfit_files(void)
{
	static const char path[] = "/tmp/unfit";

	CHECK(!close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)));
	CHECK_ERRNO(guest_load_kernel(path, NULL, "", 0), EINVAL);
	CHECK(!truncate(path, 1L << 40));
	CHECK_ERRNO(guest_load_kernel(path, NULL, "", 0), EFBIG);
	unlink(path);
}

/* @share: percentage of the size of an image that is free when it is loaded */
static void load_with(int share)
{
	long image = size_of("/kernel") + size_of(guest_initrd());
	int session = new_session("load_on_full_host");
	long kills = nr_oom_kills();

	fill_host(session, image / 100 * share);
	CHECK_ERRNO(guest_load_image(0), ENOMEM);
	load_unfit_files();
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

/* ---- userfaultfd ---- */

#define NR_PAGES	16
#define NR_PRESENT	8

static int new_userfaultfd(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (uffd < 0)
		guest_skip("no userfaultfd (USERFAULTFD): %m");
	CHECK(!ioctl(uffd, UFFDIO_API, &api));
	return uffd;
}

static int try_register(int uffd, void *map, size_t size, __u64 mode)
{
	struct uffdio_register arg = {
		.range = { (unsigned long)map, size },
		.mode = mode,
	};

	return ioctl(uffd, UFFDIO_REGISTER, &arg);
}

static void unregister(int uffd, void *map, size_t size)
{
	struct uffdio_range range = { (unsigned long)map, size };

	CHECK(!ioctl(uffd, UFFDIO_UNREGISTER, &range));
}

/* Provide a missing page. */
static int provide(int uffd, void *page)
{
	static char content[MAX_PAGE];
	struct uffdio_copy copy = {
		.dst = (unsigned long)page,
		.src = (unsigned long)content,
		.len = PAGE,
	};

	memset(content, 0x5a, PAGE);
	return ioctl(uffd, UFFDIO_COPY, &copy);
}

/* Half of its pages are holes. */
static int new_sparse_file(void)
{
	int fd = new_file(NR_PRESENT * PAGE, 1);

	CHECK(!ftruncate(fd, NR_PAGES * PAGE));
	return fd;
}

static char *map_file(int fd, int flags)
{
	char *map = mmap(NULL, NR_PAGES * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);

	CHECK(map != MAP_FAILED);
	return map;
}

/* A page that is missing must not become a page of zeros. */
static void missing_pages(void)
{
	static const int flags[] = { MAP_SHARED, MAP_PRIVATE };
	int session = new_session("missing_pages");
	int uffd = new_userfaultfd();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		int fd = new_sparse_file();
		char *map = map_file(fd, flags[i]);
		struct stat st;

		CHECK(!try_register(uffd, map, NR_PAGES * PAGE,
				    UFFDIO_REGISTER_MODE_MISSING));
		CHECK_ERRNO(luo_preserve(session, fd, i), EBUSY);
		CHECK(!fstat(fd, &st));
		CHECK_EQ(st.st_blocks, NR_PRESENT * PAGE / 512);
		CHECK(!provide(uffd, map + NR_PRESENT * PAGE));
		CHECK_EQ(map[NR_PRESENT * PAGE], 0x5a);

		unregister(uffd, map, NR_PAGES * PAGE);
		CHECK(!luo_preserve(session, fd, i));
		CHECK(!munmap(map, NR_PAGES * PAGE));
		close(fd);
	}
	close(uffd);
	close(session);
}

/* Preserving does not affect who is notified of accesses to present pages. */
static void present_pages(void)
{
	static const __u64 modes[] = {
		UFFDIO_REGISTER_MODE_WP, UFFDIO_REGISTER_MODE_MINOR,
	};
	int session = new_session("present_pages");
	int uffd = new_userfaultfd();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		int fd = new_sparse_file();
		char *map = map_file(fd, MAP_SHARED);

		/* Not all architectures have both. */
		if (!try_register(uffd, map, NR_PAGES * PAGE, modes[i]))
			CHECK(!luo_preserve(session, fd, i));
		else
			CHECK_EQ(errno, EINVAL);
		CHECK(!munmap(map, NR_PAGES * PAGE));
		close(fd);
	}
	close(uffd);
	close(session);
}

/* Missing pages of a preserved file can be provided, and none can be removed. */
static void registered_later_before(void)
{
	int session = new_session("registered_later");
	int uffd = new_userfaultfd();
	int fd = new_sparse_file();
	char *map = map_file(fd, MAP_SHARED);
	struct pollfd event = { .fd = uffd, .events = POLLIN };

	CHECK(!luo_preserve(session, fd, 1));
	CHECK(!try_register(uffd, map, NR_PAGES * PAGE, UFFDIO_REGISTER_MODE_MISSING));
	CHECK_ERRNO(madvise(map, PAGE, MADV_REMOVE), EOPNOTSUPP);
	CHECK_ERRNO(provide(uffd, map), EEXIST);
	CHECK(!provide(uffd, map + (NR_PAGES - 1) * PAGE));
	CHECK_EQ(map[(NR_PAGES - 1) * PAGE], 0x5a);
	map[(NR_PAGES - 1) * PAGE] = 1;
	CHECK_EQ(poll(&event, 1, 0), 0);
	check_content(fd, 0, NR_PRESENT * PAGE, 1);
}

static void registered_later_after(void)
{
	int session = old_session("registered_later");
	int fd = old_file(session, 1);
	char byte;

	check_content(fd, 0, NR_PRESENT * PAGE, 1);
	check_zeros(fd, NR_PRESENT * PAGE, (NR_PAGES - 1 - NR_PRESENT) * PAGE);
	CHECK_EQ(pread(fd, &byte, 1, (NR_PAGES - 1) * PAGE), 1);
	CHECK_EQ(byte, 1);
	finish_and_close(session);
}

static const struct guest_test busy_tests[] = {
	GUEST_TEST_OF_2(charged),
	GUEST_TEST_OF_2(close_limit),
	GUEST_TEST(missing_pages),
	GUEST_TEST(present_pages),
	GUEST_TEST_OF_2(registered_later),
	GUEST_TEST(load_on_full_host),
};

GUEST_SUITE(busy, 2)
