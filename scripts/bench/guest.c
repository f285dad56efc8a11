// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's side of the benchmark: init of two kernels
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The first one does what bench_case= says, with bench_size=, and starts the
 * second; that one does the rest of it. What is measured goes to the serial port,
 * as "bench: FIGURE ITEMS TICKS". Ticks are the TSC's, which runs on over the
 * kexec: nanoseconds where QEMU counts instructions. "bench: map PAGES NODES" is
 * the size of the map of preserved memory, "bench: reboot TICKS" and "bench: init
 * TICKS" are the ends of the blackout.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/liveupdate.h>
#include <linux/reboot.h>

#define TICKS_PER_SECOND	1000000000ull
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#define PAGE_BYTES		4096
#define SYSLOG_ACTION_READ_ALL	3	/* of klogctl(), no header for user space has it */

/**
 * struct bench_case - what can be measured
 * @name: bench_case=
 * @preserve: in the first kernel
 * @retrieve: in the second one
 */
struct bench_case {
	const char *name;
	void (*preserve)(void);
	void (*retrieve)(void);
};

static const struct bench_case *bench;
static unsigned long size;
static int serial;

static __u64 ticks(void)
{
	return __builtin_ia32_rdtsc();
}

static void say(const char *fmt, ...)
{
	char line[300];
	va_list args;
	int len;

	len = snprintf(line, sizeof(line), "\nbench: ");
	va_start(args, fmt);
	len += vsnprintf(line + len, sizeof(line) - len - 1, fmt, args);
	va_end(args);
	line[len++] = '\n';
	if (write(serial, line, len) < 0)
		_exit(1);
}

static void say_figure(const char *figure, unsigned long items, __u64 time)
{
	say("%s %lu %llu", figure, items, time);
}

static void end(void)
{
	reboot(RB_POWER_OFF);
	reboot(RB_AUTOBOOT);
	_exit(1);
}

/* The kernel's own words may tell more than errno does. */
static void die(const char *what)
{
	char log[4096];
	int len, err = errno;

	len = klogctl(SYSLOG_ACTION_READ_ALL, log, sizeof(log) - 1);
	if (len > 0 && write(serial, log, len) < 0)
		_exit(1);
	say("failed: %s: %s", what, strerror(err));
	end();
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

/* One number from a file, or the number behind a word in it */
static __u64 read_number(const char *path, const char *word)
{
	char text[4096] = "", *found = text;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		die(path);
	close(fd);
	if (word) {
		found = strstr(text, word);
		if (!found) {
			errno = ENOENT;
			die(word);
		}
		found += strlen(word);
	}
	return strtoull(found, NULL, 0);
}

/*
 * What the second kernel has read of the first one's map: pages, and the tree
 * nodes that tell which they are. A kernel that does not say so has no figure.
 */
static void say_map(void)
{
	static char log[1 << 20];
	unsigned long pages, ranges, nodes;
	char *line;

	if (klogctl(SYSLOG_ACTION_READ_ALL, log, sizeof(log) - 1) < 0)
		die("kernel log");
	line = strstr(log, "KHO: ");
	while (line && sscanf(line, "KHO: %lu pages preserved in %lu ranges, %lu tree nodes",
			      &pages, &ranges, &nodes) != 3)
		line = strstr(line + 1, "KHO: ");
	if (line)
		say("map %lu %lu", pages, nodes);
}

/* LUO */

static int open_device(void)
{
	int fd = open("/dev/liveupdate", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		die("/dev/liveupdate");
	return fd;
}

static int create_session(int device, unsigned long nr)
{
	struct liveupdate_ioctl_create_session args = { .size = sizeof(args) };

	snprintf((char *)args.name, sizeof(args.name), "session %lu", nr);
	if (ioctl(device, LIVEUPDATE_IOCTL_CREATE_SESSION, &args))
		die("CREATE_SESSION");
	return args.fd;
}

static int retrieve_session(int device, unsigned long nr)
{
	struct liveupdate_ioctl_retrieve_session args = { .size = sizeof(args) };

	snprintf((char *)args.name, sizeof(args.name), "session %lu", nr);
	if (ioctl(device, LIVEUPDATE_IOCTL_RETRIEVE_SESSION, &args))
		die("RETRIEVE_SESSION");
	return args.fd;
}

static void preserve_fd(int session, int fd, __u64 token)
{
	struct liveupdate_session_preserve_fd args = {
		.size = sizeof(args),
		.fd = fd,
		.token = token,
	};

	if (ioctl(session, LIVEUPDATE_SESSION_PRESERVE_FD, &args))
		die("PRESERVE_FD");
}

static int retrieve_fd(int session, __u64 token)
{
	struct liveupdate_session_retrieve_fd args = {
		.size = sizeof(args),
		.token = token,
	};

	if (ioctl(session, LIVEUPDATE_SESSION_RETRIEVE_FD, &args))
		die("RETRIEVE_FD");
	return args.fd;
}

static void finish(int session)
{
	struct liveupdate_session_finish args = { .size = sizeof(args) };

	if (ioctl(session, LIVEUPDATE_SESSION_FINISH, &args))
		die("FINISH");
}

static int new_memfd(void)
{
	int fd = memfd_create("bench", MFD_CLOEXEC);

	if (fd < 0)
		die("memfd_create");
	return fd;
}

/* Cases: preserved pages; size in MiB */

static void load_module(unsigned long stride)
{
	char parameters[100];
	int fd = open("/kho_bench.ko", O_RDONLY | O_CLOEXEC);

	snprintf(parameters, sizeof(parameters), "mib=%lu stride=%lu", size, stride);
	if (fd < 0 || syscall(SYS_finit_module, fd, parameters, 0))
		die("kho_bench.ko");
	close(fd);
}

static __u64 parameter(const char *name)
{
	char path[100];

	snprintf(path, sizeof(path), "/sys/module/kho_bench/parameters/%s", name);
	return read_number(path, NULL);
}

static void preserve_pages(unsigned long stride)
{
	static const char *const figures[] = {
		"preserve", "unpreserve", "preserve_all", "unpreserve_all",
	};
	unsigned int i;

	load_module(stride);
	for (i = 0; i < ARRAY_SIZE(figures); i++)
		say_figure(figures[i], parameter("folios"), parameter(figures[i]));
}

static void preserve_contiguous(void)
{
	preserve_pages(1);
}

static void preserve_fragmented(void)
{
	preserve_pages(2);
}

/* Cases: one memfd; size in MiB */

static void preserve_memfd(const char *huge)
{
	int session = create_session(open_device(), 0);
	off_t bytes = (off_t)size << 20;
	int fd = new_memfd();
	__u64 start;

	write_file("/sys/kernel/mm/transparent_hugepage/shmem_enabled", huge);
	if (ftruncate(fd, bytes) ||
	    mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
		 fd, 0) == MAP_FAILED)
		die("content of the memfd");
	start = ticks();
	preserve_fd(session, fd, 1);
	say_figure("preserve_fd", bytes / PAGE_BYTES, ticks() - start);
}

static void preserve_small(void)
{
	preserve_memfd("never");
}

static void preserve_huge(void)
{
	preserve_memfd("force");
}

static void retrieve_memfd(void)
{
	int session = retrieve_session(open_device(), 0);
	off_t bytes = (off_t)size << 20;
	__u64 start;
	int fd;

	start = ticks();
	fd = retrieve_fd(session, 1);
	say_figure("retrieve_fd", bytes / PAGE_BYTES, ticks() - start);
	if (lseek(fd, 0, SEEK_END) != bytes)
		die("size of the memfd");
	start = ticks();
	finish(session);
	say_figure("finish", bytes / PAGE_BYTES, ticks() - start);
}

/* Cases: many sessions; size is their number */

static void preserve_sessions(void)
{
	int device = open_device();
	__u64 start = ticks();
	unsigned long i;

	for (i = 0; i < size; i++)
		create_session(device, i);
	say_figure("create", size, ticks() - start);
}

static void retrieve_sessions(void)
{
	__u64 start = ticks();
	int device = open_device();
	unsigned long i;

	/* The first to open the device has all sessions read. */
	say_figure("open", size, ticks() - start);
	start = ticks();
	for (i = 0; i < size; i++)
		retrieve_session(device, i);
	say_figure("retrieve", size, ticks() - start);
}

/* Cases: many memfds in one session; size is their number */

static void preserve_memfds(size_t bytes)
{
	static const char content[PAGE_BYTES];
	int *fds = calloc(size, sizeof(*fds));
	int session = create_session(open_device(), 0);
	unsigned long i;
	__u64 start;

	if (!fds)
		die("calloc");
	for (i = 0; i < size; i++) {
		fds[i] = new_memfd();
		if (write(fds[i], content, bytes) != (ssize_t)bytes)
			die("write");
	}
	start = ticks();
	for (i = 0; i < size; i++)
		preserve_fd(session, fds[i], i);
	say_figure("preserve_fds", size, ticks() - start);
}

static void preserve_pages_each(void)
{
	preserve_memfds(PAGE_BYTES);
}

static void preserve_empty(void)
{
	preserve_memfds(0);
}

static void retrieve_memfds(void)
{
	int session = retrieve_session(open_device(), 0);
	__u64 start = ticks();
	unsigned long i;

	for (i = 0; i < size; i++)
		retrieve_fd(session, i);
	say_figure("retrieve_fds", size, ticks() - start);
	start = ticks();
	finish(session);
	say_figure("finish", size, ticks() - start);
}

/* Both kernels */

static void do_nothing(void)
{
}

static const struct bench_case cases[] = {
	{ "nothing", do_nothing, do_nothing },
	{ "contiguous", preserve_contiguous, do_nothing },
	{ "fragmented", preserve_fragmented, do_nothing },
	{ "memfd-4k", preserve_small, retrieve_memfd },
	{ "memfd-2m", preserve_huge, retrieve_memfd },
	{ "sessions", preserve_sessions, retrieve_sessions },
	{ "memfds", preserve_pages_each, retrieve_memfds },
	{ "memfds-empty", preserve_empty, retrieve_memfds },
};

static void find_case(void)
{
	const char *name = getenv("bench_case");
	unsigned int i;

	size = strtoul(getenv("bench_size") ?: "0", NULL, 0);
	for (i = 0; name && i < ARRAY_SIZE(cases); i++)
		if (!strcmp(cases[i].name, name))
			bench = &cases[i];
	if (!bench) {
		errno = EINVAL;
		die("bench_case=");
	}
}

static void set_up(void)
{
	struct rlimit files = { 1 << 20, 1 << 20 };

	mkdir("/dev", 0755);
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	if (mount("devtmpfs", "/dev", "devtmpfs", 0, NULL))
		_exit(1);
	serial = open("/dev/ttyS0", O_WRONLY | O_NOCTTY | O_CLOEXEC);
	if (serial < 0)
		_exit(1);
	if (mount("proc", "/proc", "proc", 0, NULL) ||
	    mount("sysfs", "/sys", "sysfs", 0, NULL))
		die("mount");
	if (setrlimit(RLIMIT_NOFILE, &files))
		die("RLIMIT_NOFILE");
}

static void load_kernel(void)
{
	int kernel = open("/kernel", O_RDONLY | O_CLOEXEC);
	int initrd = open("/next.cpio", O_RDONLY | O_CLOEXEC);
	int len, fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	char line[2048];

	if (kernel < 0 || initrd < 0 || fd < 0)
		die("open");
	len = read(fd, line, 1024);
	if (len <= 0)
		die("/proc/cmdline");
	len += sprintf(line + len - 1, " bench_next=1");
	if (syscall(SYS_kexec_file_load, kernel, initrd, len, line, 0ul))
		die("kexec_file_load");
}

/*
 * Boot waits for clock edges: it starts at the same phase of a second each time,
 * and after the serial port has sent all that was said.
 */
static void start_next(void)
{
	__u64 start = (ticks() / TICKS_PER_SECOND + 2) * TICKS_PER_SECOND;

	say("reboot %llu", start);
	fsync(serial);
	while (ticks() < start)
		;
	reboot(RB_KEXEC);
	die("reboot");
}

int main(void)
{
	__u64 started = ticks();

	set_up();
	find_case();
	if (getenv("bench_next")) {
		say("init %llu", started);
		say_map();
		bench->retrieve();
		say("end");
		end();
	}

	bench->preserve();
	load_kernel();
	start_next();
}
