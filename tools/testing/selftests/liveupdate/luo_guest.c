// SPDX-License-Identifier: GPL-2.0
/*
 * Helpers of the suites of /dev/liveupdate
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/kexec.h>
#include <linux/memfd.h>
#include <linux/mempolicy.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "luo.h"

#define CHUNK	(64 * 1024)
#define SMALL_PAGE	4096
#define CACHE_LINE	64
#define KMEMLEAK_AGE	5

/* Address of an image for kexec_load() that is never run; RAM on QEMU's board */
#ifdef __aarch64__
#define SEGMENT_AT	0x42000000UL
#else
#define SEGMENT_AT	0x2000000UL
#endif

int open_device(void)
{
	int dev = luo_open();

	CHECK(dev >= 0);
	return dev;
}

int new_session(const char *name)
{
	int dev = open_device();
	int session;

	session = luo_create(dev, name);
	CHECK(session >= 0);
	close(dev);
	return session;
}

int old_session(const char *name)
{
	int dev = open_device();
	int session;

	session = luo_retrieve(dev, name);
	CHECK(session >= 0);
	close(dev);
	return session;
}

void check_no_old_session(const char *name, int err)
{
	int dev = open_device();

	CHECK_ERRNO(luo_retrieve(dev, name), err);
	close(dev);
}

int old_file(int session, __u64 token)
{
	int fd = luo_retrieve_fd(session, token);

	if (fd < 0)
		guest_note("token %#llx", (unsigned long long)token);
	CHECK(fd >= 0);
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	return fd;
}

void finish_and_close(int session)
{
	CHECK(!luo_finish(session));
	close(session);
}

int new_memfd(unsigned int flags)
{
	int fd = memfd_create("luo_test", flags | MFD_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

/* All pages of a pattern differ, and so do the patterns of two seeds. */
static unsigned char pattern(off_t at, unsigned int seed)
{
	unsigned long x = (at / SMALL_PAGE) * 2654435761UL + seed * 40503UL + at;

	return (x >> 8) ^ x;
}

void fill(int fd, off_t start, size_t size, unsigned int seed)
{
	static unsigned char buf[CHUNK];
	size_t done, len, i;

	for (done = 0; done < size; done += len) {
		len = size - done < CHUNK ? size - done : CHUNK;
		for (i = 0; i < len; i++)
			buf[i] = pattern(start + done + i, seed);
		CHECK_EQ(pwrite(fd, buf, len, start + done), len);
	}
}

/* Compare with the pattern of @seed, or with zeros if that is NULL. */
static void check_bytes(int fd, off_t start, size_t size, const unsigned int *seed)
{
	static unsigned char buf[CHUNK];
	size_t done, len, i;

	for (done = 0; done < size; done += len) {
		len = size - done < CHUNK ? size - done : CHUNK;
		CHECK_EQ(pread(fd, buf, len, start + done), len);
		for (i = 0; i < len; i++)
			if (buf[i] != (seed ? pattern(start + done + i, *seed) : 0))
				guest_fail(__FILE__, __LINE__, "%s %u: wrong byte at %lld",
					   seed ? "seed" : "zeros", seed ? *seed : 0,
					   (long long)(start + done + i));
	}
}

void check_content(int fd, off_t start, size_t size, unsigned int seed)
{
	check_bytes(fd, start, size, &seed);
}

void check_zeros(int fd, off_t start, size_t size)
{
	check_bytes(fd, start, size, NULL);
}

void check_size(int fd, off_t size)
{
	struct stat st;

	CHECK(!fstat(fd, &st));
	CHECK_EQ(st.st_size, size);
}

int new_file(size_t size, unsigned int seed)
{
	int fd = new_memfd(MFD_ALLOW_SEALING);

	fill(fd, 0, size, seed);
	return fd;
}

int open_again(int fd, int flags)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fd = open(path, flags | O_CLOEXEC);
	CHECK(fd >= 0);
	return fd;
}

void preserve_file(const char *session, __u64 token, size_t size, unsigned int seed)
{
	CHECK(!luo_preserve(new_session(session), new_file(size, seed), token));
}

void check_file(int fd, size_t size, unsigned int seed)
{
	check_size(fd, size);
	check_content(fd, 0, size, seed);
}

static void check_written_inside(int fd, size_t size)
{
	unsigned char old, byte;
	unsigned char *map;

	CHECK_EQ(pread(fd, &old, 1, size - 1), 1);
	byte = ~old;
	CHECK_EQ(pwrite(fd, &byte, 1, size - 1), 1);
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	CHECK_EQ(map[size - 1], byte);
	map[size - 1] = old;
	CHECK_EQ(pread(fd, &byte, 1, size - 1), 1);
	CHECK_EQ(byte, old);
	CHECK_ERRNO(madvise(map, PAGE, MADV_REMOVE), EOPNOTSUPP);
	munmap(map, size);
}

void check_frozen(int fd, size_t size)
{
	const int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	char two[2] = "ab";
	int flags;

	check_written_inside(fd, size);
	CHECK_ERRNO(ftruncate(fd, size + 1), EPERM);
	CHECK_ERRNO(ftruncate(fd, size - 1), EPERM);
	CHECK_ERRNO(ftruncate(fd, 0), EPERM);
	CHECK_ERRNO(pwrite(fd, two, 1, size), EPERM);
	CHECK_ERRNO(pwrite(fd, two, 1, size + 10 * PAGE), EPERM);
	CHECK_ERRNO(fallocate(fd, 0, 0, size), EOPNOTSUPP);
	CHECK_ERRNO(fallocate(fd, 0, size, PAGE), EOPNOTSUPP);
	CHECK_ERRNO(fallocate(fd, FALLOC_FL_KEEP_SIZE, size, PAGE), EOPNOTSUPP);
	CHECK_ERRNO(fallocate(fd, punch, 0, PAGE), EOPNOTSUPP);

	flags = fcntl(fd, F_GETFL);
	CHECK(!fcntl(fd, F_SETFL, flags | O_APPEND));
	CHECK_ERRNO(write(fd, two, 1), EPERM);
	CHECK(!fcntl(fd, F_SETFL, flags));
	check_size(fd, size);
}

void check_thawed(int fd)
{
	fill(fd, 0, 2 * PAGE + 1, 77);
	CHECK(!ftruncate(fd, 2 * PAGE + 1));
	CHECK(!ftruncate(fd, 10 * PAGE));
	check_content(fd, 0, 2 * PAGE + 1, 77);
	check_zeros(fd, 2 * PAGE + 1, 8 * PAGE - 1);
	fill(fd, 9 * PAGE, 2 * PAGE, 78);
	check_content(fd, 9 * PAGE, 2 * PAGE, 78);
	CHECK(!fallocate(fd, 0, 0, 12 * PAGE));
	check_size(fd, 12 * PAGE);
	CHECK(!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 0, PAGE));
	check_zeros(fd, 0, PAGE);
	CHECK(!ftruncate(fd, PAGE));
	CHECK(!ftruncate(fd, 2 * PAGE));
	check_zeros(fd, 0, 2 * PAGE);
	CHECK(!ftruncate(fd, 0));
	check_size(fd, 0);
}

void check_thaws(int fd)
{
	int tries = 1000;
	struct stat st;

	CHECK(!fstat(fd, &st));
	while (ftruncate(fd, st.st_size + 1)) {
		CHECK_EQ(errno, EPERM);
		CHECK(tries--);
		usleep(10000);
	}
	check_thawed(fd);
}

int new_number(__u64 number)
{
	int fd = open("/dev/luo_test", O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, &number, sizeof(number)), sizeof(number));
	return fd;
}

void check_number(int fd, __u64 wanted)
{
	__u64 number;

	CHECK_EQ(read(fd, &number, sizeof(number)), sizeof(number));
	CHECK_EQ(number, wanted);
}

int preserve_numbers(const char *name, int first, int last)
{
	int session = new_session(name);
	int i;

	for (i = first; i <= last; i++)
		CHECK(!luo_preserve(session, new_number(i), i));
	return session;
}

void set_handler(const char *param, int value)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", value);
	CHECK(!guest_set_module_param(HANDLER, param, text));
}

long long note_number(int fd)
{
	long long number = -1;
	char path[64];
	char *text, *line;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	text = guest_text_of(path);
	line = strstr(text, "note:");
	if (line)
		number = atoll(line + strlen("note:"));
	free(text);
	CHECK(number > 0);
	return number;
}

int new_note(int flags)
{
	int fd = open("/dev/notepad", flags | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK(note_number(fd) > 0);
	return fd;
}

int new_flb_file(char kind)
{
	char path[] = "/dev/luo_flb_?";
	int fd;

	path[sizeof(path) - 2] = kind;
	fd = open(path, O_RDWR | O_CLOEXEC);
	CHECK(fd >= 0);
	return fd;
}

int nr_open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int nr = 0;

	CHECK(dir);
	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

void *read_only_copy(const void *from, size_t len)
{
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(page != MAP_FAILED);
	memcpy(page, from, len);
	CHECK(!mprotect(page, PAGE, PROT_READ));
	return page;
}

void check_same_lines(const char *before, const char *after)
{
	const char *line_before = before, *line = after;

	for (; *after && *after == *before; after++, before++) {
		if (*after != '\n')
			continue;
		line = after + 1;
		line_before = before + 1;
	}
	if (*after != *before)
		guest_fail(__FILE__, __LINE__, "'%.*s' was '%.*s'",
			   (int)strcspn(line, "\n"), line,
			   (int)strcspn(line_before, "\n"), line_before);
}

void check_summary(const char *before)
{
	char *summary = guest_text_of(OUT_SUMMARY);

	check_same_lines(before, summary);
	free(summary);
}

void forget_leaks(void)
{
	if (!access(KMEMLEAK, W_OK))
		guest_write_file(KMEMLEAK, "clear");
}

void check_no_leak(void)
{
	char *found;

	if (access(KMEMLEAK, W_OK))
		return;
	sleep(KMEMLEAK_AGE + 1);
	CHECK(!guest_write_file(KMEMLEAK, "scan"));
	CHECK(!guest_write_file(KMEMLEAK, "scan"));
	found = guest_text_of(KMEMLEAK);
	if (*found)
		guest_fail(__FILE__, __LINE__, "leaked: %.500s", found);
	free(found);
}

bool swap_on(void)
{
	/* The first page has the version, the last page and, at its end, the magic. */
	static unsigned int page[MAX_PAGE / sizeof(unsigned int)];
	int fd = open(SWAP_DEVICE, O_RDWR | O_CLOEXEC);
	off_t size;

	if (fd < 0)
		return false;
	size = lseek(fd, 0, SEEK_END);
	page[1024 / sizeof(*page)] = 1;
	page[1024 / sizeof(*page) + 1] = size / PAGE - 1;
	memcpy((char *)page + PAGE - 10, "SWAPSPACE2", 10);
	CHECK_EQ(pwrite(fd, page, PAGE, 0), PAGE);
	CHECK(!fsync(fd));
	close(fd);
	return !swapon(SWAP_DEVICE, 0);
}

static long swap_free(void)
{
	return guest_meminfo("SwapFree");
}

void page_out(int fd, size_t size)
{
	long before = swap_free();
	void *map = mmap(NULL, size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd,
			 0);

	CHECK(map != MAP_FAILED);
	CHECK(!madvise(map, size, MADV_PAGEOUT));
	CHECK(!munmap(map, size));
	guest_note("%ld of %zu KiB are swapped out", before - swap_free(),
		   size / 1024);
	if (before - swap_free() < 64)
		guest_skip("the kernel swaps nothing out");
}

static unsigned int seed;

unsigned int any(unsigned int below)
{
	return rand_r(&seed) % below;
}

void seed_tasks(void)
{
	const char *param = guest_param("seed");
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	seed = param ? atoi(param) : now.tv_nsec;
	guest_note("seed=%u", seed);
}

pid_t fork_task(void)
{
	pid_t pid;

	any(2);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

void check_tasks(int nr)
{
	int status;

	while (nr--) {
		CHECK(wait(&status) > 0);
		CHECK_EQ(status, 0);
	}
}

void own_name(char name[NAME_LENGTH])
{
	snprintf(name, NAME_LENGTH, "own %d", getpid());
}

int run_in_child(int (*fn)(void))
{
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (!pid)
		_exit(fn());
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

pid_t start_child(void (*fn)(void))
{
	int ready[2];
	char byte;
	pid_t pid;

	CHECK(!pipe2(ready, O_CLOEXEC));
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		close(ready[0]);
		if (fn)
			fn();
		CHECK_EQ(write(ready[1], "x", 1), 1);
		for (;;)
			pause();
	}
	close(ready[1]);
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

void kill_child(pid_t pid)
{
	int status;

	CHECK(!kill(pid, SIGKILL));
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
}

void wait_until_blocked(pid_t pid)
{
	char path[64];
	char *text;
	bool blocked;
	int i;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	for (i = 0; i < PATIENCE; i++) {
		text = guest_read_file(path);
		CHECK(text);
		blocked = strstr(text, ") D ");
		free(text);
		if (blocked)
			return;
		usleep(100000);
	}
	guest_fail(__FILE__, __LINE__, "process %d does not wait", pid);
}

/* A message of one byte that carries a descriptor */
struct fd_message {
	struct msghdr header;
	struct iovec data;
	char byte;
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
};

static void init_message(struct fd_message *msg, int fd)
{
	memset(msg, 0, sizeof(*msg));
	msg->data = (struct iovec){ &msg->byte, 1 };
	msg->header.msg_iov = &msg->data;
	msg->header.msg_iovlen = 1;
	msg->header.msg_control = &msg->control;
	msg->header.msg_controllen = sizeof(msg->control);
	msg->control.header.cmsg_level = SOL_SOCKET;
	msg->control.header.cmsg_type = SCM_RIGHTS;
	msg->control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&msg->control.header), &fd, sizeof(int));
}

void send_fd(int sock, int fd)
{
	struct fd_message msg;

	init_message(&msg, fd);
	CHECK_EQ(sendmsg(sock, &msg.header, 0), 1);
}

int receive_fd(int sock)
{
	struct fd_message msg;
	int fd;

	init_message(&msg, -1);
	CHECK_EQ(recvmsg(sock, &msg.header, MSG_CMSG_CLOEXEC), 1);
	memcpy(&fd, CMSG_DATA(&msg.control.header), sizeof(int));
	CHECK(fd >= 0);
	return fd;
}

void make_memcg(const char *path)
{
	if (mkdir("/cgroup", 0700))
		CHECK_EQ(errno, EEXIST);
	if ((mount("cgroup2", "/cgroup", "cgroup2", 0, NULL) && errno != EBUSY) ||
	    guest_write_file("/cgroup/cgroup.subtree_control", "+memory"))
		guest_skip("no memory cgroups (MEMCG)");
	CHECK(!mkdir(path, 0700));
}

/*
 * Map most of the free memory as a user without privileges. Memory that a test
 * preserves has no zero words, so it is enough to read one word of each cache line.
 */
static int look_at_memory(void)
{
	size_t size = (guest_meminfo("MemAvailable") / 4 * 3) << 10;
	unsigned char *mem;
	size_t i;

	if (setgid(NOBODY) || setuid(NOBODY))
		return 2;
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (mem == MAP_FAILED)
		return 3;
	for (i = 0; i < size; i += CACHE_LINE)
		if (*(unsigned long *)(mem + i))
			return 4;
	/* Later checks find these bytes if one of the pages is preserved memory. */
	for (i = 0; i < size; i += PAGE)
		mem[i] = 0x5a;
	return 0;
}

int load_old_way(unsigned long flags)
{
	static char code[MAX_PAGE];
	struct kexec_segment segment = {
		.buf = code,
		.bufsz = sizeof(code),
		.mem = (void *)SEGMENT_AT,
		.memsz = sizeof(code),
	};

	return syscall(SYS_kexec_load, SEGMENT_AT, 1, &segment,
		       KEXEC_ARCH_DEFAULT | flags);
}

void bind_memory(int node)
{
	unsigned long nodes = 1UL << node;

	CHECK(!syscall(SYS_set_mempolicy, MPOL_BIND, &nodes, 8 * sizeof(nodes)));
}

void unbind_memory(void)
{
	CHECK(!syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0));
}

void check_free_memory(void)
{
	CHECK_EQ(run_in_child(look_at_memory), 0);
}

void check_order(const char *const *lines, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (!guest_log_next(lines[i]))
			guest_fail(__FILE__, __LINE__, "log lacks '%s'",
				   lines[i]);
}
