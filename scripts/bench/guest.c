// SPDX-License-Identifier: GPL-2.0
/*
 * The program of the benchmark's guests: init of two kernels
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The first kernel runs the first half of the case that bench_case= names, with
 * bench_size=, and starts the second kernel, which runs the second half. Figures go
 * to the serial port as "bench: FIGURE ITEMS TICKS". Ticks are those of the TSC,
 * which keeps running during the kexec; they are nanoseconds if QEMU counts
 * instructions. "bench: map PAGES NODES" is the size of the map of preserved
 * memory. "bench: reboot TICKS" and "bench: init TICKS" are the start and the end of
 * the blackout.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/memfd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "init.h"
#include "liveupdate.h"
#include "log.h"

#define TICKS_PER_SECOND	1000000000ull
#define PAGE_BYTES		4096
#define LUOD_SOCKET		"/run/luod/liveupdate.sock"

/**
 * struct bench_case - one case of the benchmark
 * @name: the value of bench_case=
 * @preserve: its first half, which runs in the first kernel; NULL if there is nothing to do
 * @arg: the argument of @preserve
 * @retrieve: its second half, or NULL
 */
struct bench_case {
	const char *name;
	void (*preserve)(unsigned long arg);
	unsigned long arg;
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

/* Report an error, and the kernel log, which may give its reason. */
static void __noreturn die(const char *what)
{
	const char *error = strerror(errno);
	char *log = guest_log();

	if (log && write(serial, log, strlen(log)) < 0)
		_exit(1);
	say("failed: %s: %s", what, error);
	guest_power_off();
}

/* Return @ret unless it is an error. */
static int need(int ret, const char *what)
{
	if (ret < 0)
		die(what);
	return ret;
}

/*
 * Report what the second kernel has read of the first kernel's map: the number of
 * pages and of tree nodes. Other kernels may not log them.
 */
static void say_map(void)
{
	unsigned long pages, ranges, nodes;
	char *line = guest_log();

	while (line && (line = strstr(line, "KHO: "))) {
		if (sscanf(line, "KHO: %lu pages preserved in %lu ranges, %lu tree nodes",
			   &pages, &ranges, &nodes) == 3) {
			say("map %lu %lu", pages, nodes);
			return;
		}
		line++;
	}
}

static int open_device(void)
{
	return need(luo_open(), LUO_DEVICE);
}

static const char *session_name(unsigned long nr)
{
	static char name[NAME_LENGTH];

	snprintf(name, sizeof(name), "session %lu", nr);
	return name;
}

static int create_session(int device, unsigned long nr)
{
	return need(luo_create(device, session_name(nr)), "CREATE_SESSION");
}

static int retrieve_session(int device, unsigned long nr)
{
	return need(luo_retrieve(device, session_name(nr)), "RETRIEVE_SESSION");
}

static void preserve_fd(int session, int fd, __u64 token)
{
	need(luo_preserve(session, fd, token), "PRESERVE_FD");
}

static int retrieve_fd(int session, __u64 token)
{
	return need(luo_retrieve_fd(session, token), "RETRIEVE_FD");
}

static int new_memfd(void)
{
	return need(memfd_create("bench", MFD_CLOEXEC), "memfd_create");
}

/* Cases: preserved pages; size in MiB */

static void load_module(unsigned long stride, const char *kind)
{
	char parameters[100];
	int fd = open("/kho_bench.ko", O_RDONLY | O_CLOEXEC);

	snprintf(parameters, sizeof(parameters), "mib=%lu stride=%lu %s", size, stride, kind);
	if (fd < 0 || syscall(SYS_finit_module, fd, parameters, 0))
		die("kho_bench.ko");
	close(fd);
}

static __u64 parameter(const char *name)
{
	char path[100], *text;
	__u64 value;

	snprintf(path, sizeof(path), "/sys/module/kho_bench/parameters/%s", name);
	text = guest_read_file(path);
	if (!text)
		die(path);
	value = strtoull(text, NULL, 0);
	free(text);
	return value;
}

static void say_pages(void)
{
	static const char *const figures[] = {
		"preserve", "unpreserve", "preserve_all", "unpreserve_all",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(figures); i++)
		say_figure(figures[i], parameter("folios"), parameter(figures[i]));
}

static void preserve_pages(unsigned long stride)
{
	load_module(stride, "");
	say_pages();
}

static void preserve_mixed(unsigned long stride)
{
	load_module(stride, "blocks=1");
	say_pages();
}

static void preserve_large(unsigned long stride)
{
	load_module(stride, "large=1");
	say_pages();
}

/* Cases: one memfd; size in MiB */

static void fill_memfd(int fd)
{
	off_t bytes = (off_t)size << 20;

	if (ftruncate(fd, bytes) ||
	    mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
		 fd, 0) == MAP_FAILED)
		die("content of the memfd");
}

static int make_memfd(bool huge)
{
	int fd = new_memfd();

	need(guest_write_file("/sys/kernel/mm/transparent_hugepage/shmem_enabled",
			      huge ? "force" : "never"), "shmem_enabled");
	fill_memfd(fd);
	return fd;
}

static void preserve_this_memfd(int fd)
{
	int session = create_session(open_device(), 0);
	__u64 start = ticks();

	preserve_fd(session, fd, 1);
	say_figure("preserve_fd", (size << 20) / PAGE_BYTES, ticks() - start);
}

static void preserve_memfd(unsigned long huge)
{
	preserve_this_memfd(make_memfd(huge));
}

/* Scratch is so large that the file lies in it, and has to be moved. */
static void preserve_memfd_in_scratch(unsigned long huge)
{
	long free_before = guest_meminfo("CmaFree");
	int fd = make_memfd(huge);

	if (free_before - guest_meminfo("CmaFree") < (long)size << 9)
		die("memfd outside scratch");
	preserve_this_memfd(fd);
}

/* @page_size: a flag of memfd_create() */
static void preserve_hugetlb(unsigned long page_size)
{
	int fd = need(memfd_create("bench", MFD_CLOEXEC | MFD_HUGETLB | page_size),
		      "memfd_create");

	fill_memfd(fd);
	preserve_this_memfd(fd);
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
	need(luo_finish(session), "FINISH");
	say_figure("finish", bytes / PAGE_BYTES, ticks() - start);
}

/* Cases: many sessions; size is their number */

static void preserve_sessions(unsigned long first)
{
	int device = open_device();
	__u64 start = ticks();
	unsigned long i;

	for (i = 0; i < size; i++)
		create_session(device, first + i);
	say_figure("create", size, ticks() - start);
}

static void retrieve_sessions(void)
{
	__u64 start = ticks();
	int device = open_device();
	unsigned long i;

	/* The first request reads all sessions. */
	for (i = 0; i < size; i++)
		retrieve_session(device, i);
	say_figure("retrieve", size, ticks() - start);
}

/* Cases: many memfds in one session; size is their number */

static void preserve_memfds(unsigned long bytes)
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

static void retrieve_memfds(void)
{
	int session = retrieve_session(open_device(), 0);
	__u64 start = ticks();
	unsigned long i;

	for (i = 0; i < size; i++)
		retrieve_fd(session, i);
	say_figure("retrieve_fds", size, ticks() - start);
	start = ticks();
	need(luo_finish(session), "FINISH");
	say_figure("finish", size, ticks() - start);
}

/*
 * Case: an update with luod and luoctl, whose clients preserve nothing; size is their number.
 * luoctl must not call reboot(), so that the update is called off. A client is told so.
 */

static void load_kernel(void);

static pid_t start_program(char *const argv[])
{
	pid_t pid = need(fork(), "fork");
	int null;

	if (pid)
		return pid;

	/* reboot() fails at once. */
	prctl(PR_CAPBSET_DROP, CAP_SYS_BOOT);
	null = open("/dev/null", O_RDWR);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	execv(argv[0], argv);
	_exit(127);
}

static int connect_to_luod(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = LUOD_SOCKET };
	int sock = need(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");

	if (!connect(sock, (struct sockaddr *)&address, sizeof(address)))
		return sock;
	close(sock);
	return -1;
}

static void start_luod(void)
{
	char *const argv[] = { "/luod", NULL };
	int sock;

	mkdir("/run", 0755);
	start_program(argv);
	while ((sock = connect_to_luod()) < 0)
		usleep(10000);
	close(sock);
}

__printf(2, 3)
static void send_line(int sock, const char *fmt, ...)
{
	char line[200];
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (write(sock, line, len) != len)
		die("luod");
}

/* Receive what luod has sent, without descriptors: luod keeps the sessions. */
static const char *receive(int sock)
{
	static char lines[4096];
	ssize_t len = need(recv(sock, lines, sizeof(lines) - 1, 0), "luod");

	lines[len] = '\0';
	if (!len || strstr(lines, "\"error\""))
		die("answer of luod");
	return lines;
}

/* A client, which is ready at once. When the update is called off, it writes the time. */
static void __noreturn run_client(unsigned long nr, int pipe)
{
	int sock = need(connect_to_luod(), "luod");
	const char *lines;
	__u64 end;

	send_line(sock, "{\"cmd\":\"SUBSCRIBE\",\"id\":\"%s\"}\n", session_name(nr));
	receive(sock);
	need(write(pipe, "", 1), "pipe");
	for (;;) {
		lines = receive(sock);
		end = ticks();
		if (strstr(lines, "CANCELLED"))
			break;
		if (strstr(lines, "START_PRESERVATION"))
			send_line(sock, "{\"cmd\":\"READY\",\"id\":\"%s\",\"update\":1}\n",
				  session_name(nr));
	}
	need(write(pipe, &end, sizeof(end)), "pipe");
	_exit(0);
}

static void start_clients(const int *fds)
{
	unsigned long i;
	char byte;

	for (i = 0; i < size; i++)
		if (!need(fork(), "fork"))
			run_client(i, fds[0]);
	for (i = 0; i < size; i++)
		need(read(fds[1], &byte, 1), "pipe");
}

static void call_off_update(unsigned long unused)
{
	char *const argv[] = { "/luoctl", "kexec", "--now", NULL };
	__u64 start, end;
	int fds[2];

	(void)unused;
	need(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), "socketpair");
	load_kernel();
	start_luod();
	start_clients(fds);

	start = ticks();
	start_program(argv);
	if (read(fds[1], &end, sizeof(end)) != sizeof(end))
		die("end of the update");
	say_figure("update", size, end - start);
}

/* Both kernels */

/* Report how long the check takes that is part of reboot(). Other kernels have none. */
static void say_verify(void)
{
	char text[100];
	__u64 start;
	ssize_t len;
	int fd;

	fd = open("/sys/kernel/debug/kho/out/verify", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	start = ticks();
	len = need(read(fd, text, sizeof(text) - 1), "verify");
	say_figure("verify", size, ticks() - start);
	text[len] = '\0';
	if (!strstr(text, "no damage"))
		die("verify");
	close(fd);
}

static const struct bench_case cases[] = {
	{ "nothing", NULL, 0, NULL },
	{ "contiguous", preserve_pages, 1, NULL },
	{ "fragmented", preserve_pages, 2, NULL },
	{ "sparse", preserve_pages, (4 << 20) / PAGE_BYTES, NULL },
	{ "mixed", preserve_mixed, 1, NULL },
	{ "large", preserve_large, 1, NULL },
	{ "memfd-4k", preserve_memfd, false, retrieve_memfd },
	{ "memfd-2m", preserve_memfd, true, retrieve_memfd },
	{ "memfd-scratch", preserve_memfd_in_scratch, true, retrieve_memfd },
	{ "hugetlb-2m", preserve_hugetlb, MFD_HUGE_2MB, retrieve_memfd },
	{ "hugetlb-2m-hvo", preserve_hugetlb, MFD_HUGE_2MB, retrieve_memfd },
	{ "hugetlb-1g", preserve_hugetlb, MFD_HUGE_1GB, retrieve_memfd },
	{ "hugetlb-1g-hvo", preserve_hugetlb, MFD_HUGE_1GB, retrieve_memfd },
	{ "sessions", preserve_sessions, 0, retrieve_sessions },
	{ "memfds", preserve_memfds, PAGE_BYTES, retrieve_memfds },
	{ "memfds-empty", preserve_memfds, 0, retrieve_memfds },
	{ "update", call_off_update, 0, NULL },
};

static void find_case(void)
{
	const char *name = guest_param("bench_case");
	unsigned int i;

	for (i = 0; name && i < ARRAY_SIZE(cases); i++)
		if (!strcmp(cases[i].name, name))
			bench = &cases[i];
	if (!bench) {
		errno = EINVAL;
		die("bench_case=");
	}
	size = guest_param_number("bench_size");
}

static void set_up(void)
{
	guest_set_up();
	serial = open("/dev/ttyS0", O_WRONLY | O_NOCTTY | O_CLOEXEC);
	if (serial < 0)
		_exit(1);
}

static void load_kernel(void)
{
	char line[GUEST_CMDLINE_SIZE + 16];

	snprintf(line, sizeof(line), "%s bench_next", guest_cmdline);
	need(guest_load_kernel("/kernel", "/next.cpio", line, 0), "kexec_file_load");
}

/*
 * The boot waits for clock edges. So it starts at the same phase of a second each
 * time, and after the serial port has sent everything.
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
	if (guest_param_word("bench_next")) {
		say("init %llu", started);
		say_map();
		if (bench->retrieve)
			bench->retrieve();
		say("end");
		guest_power_off();
	}

	mount("none", "/sys/kernel/debug", "debugfs", 0, NULL);
	if (bench->preserve)
		bench->preserve(bench->arg);
	say_verify();
	load_kernel();
	start_next();
}
