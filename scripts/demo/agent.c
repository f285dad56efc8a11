// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's side of the demo: init of three kernels in a row
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The first one copies /file into a memfd and hands it to the second, that one
 * to the third. Only the first kernel's initrd has /file. Each reports what it
 * sees to the host, as "demo: STEP NAME VALUE" in the kernel log: the host
 * compares. CONSOLE is the name of the guest's console.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/liveupdate.h>
#include <linux/reboot.h>

#define SESSION		"demo"
#define TOKEN_FILE	1
#define TOKEN_CLOCK	2
#define LAST_STEP	3

/* What the clock memfd holds: when user space of the old kernel ended. */
struct clock_page {
	__u64 reboot_ticks;
};

static int step;

/* One record, so that the console shows it as a whole line. */
static void report(const char *name, const char *fmt, ...)
{
	char line[600];
	va_list args;
	int fd, len;

	len = snprintf(line, sizeof(line), "<5>demo: %d %s ", step, name);
	va_start(args, fmt);
	vsnprintf(line + len, sizeof(line) - len, fmt, args);
	va_end(args);
	fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, line, strlen(line)) < 0)
		perror("/dev/kmsg");
	close(fd);
}

static void power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	reboot(RB_AUTOBOOT);
	_exit(1);
}

static void die(const char *what)
{
	report("error", "%s: %s", what, strerror(errno));
	power_off();
}

/* A counter that runs on through a kexec. */
static __u64 ticks(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	__u64 count;

	asm volatile("isb; mrs %0, cntvct_el0" : "=r" (count));
	return count;
#else
#error "no clock that runs on through a kexec is known for this architecture"
#endif
}

static __u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static double ticks_per_ns(void)
{
	__u64 start_ns = now_ns(), start = ticks();

	usleep(200000);
	return (double)(ticks() - start) / (now_ns() - start_ns);
}

/* Value of NAME= on the kernel command line. */
static long parameter(const char *name)
{
	char line[4096] = "", *found;
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, line, sizeof(line) - 1) < 0)
		die("/proc/cmdline");
	close(fd);
	found = strstr(line, name);
	if (!found) {
		errno = ENOENT;
		die(name);
	}
	return strtol(found + strlen(name), NULL, 10);
}

static void copy_bytes(int from, int to, size_t size)
{
	static char buffer[1 << 20];

	while (size) {
		size_t want = size < sizeof(buffer) ? size : sizeof(buffer);
		ssize_t got = read(from, buffer, want);

		if (got <= 0 || write(to, buffer, got) != got)
			die("copy");
		size -= got;
	}
}

static off_t size_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		die("fstat");
	return st.st_size;
}

static int new_memfd(const char *name, size_t size)
{
	int fd = memfd_create(name, MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, size))
		die("memfd_create");
	return fd;
}

static int memfd_of_file(const char *path)
{
	int from = open(path, O_RDONLY | O_CLOEXEC), fd;

	if (from < 0)
		die(path);
	fd = new_memfd("file", size_of(from));
	copy_bytes(from, fd, size_of(from));
	close(from);
	if (unlink(path))
		die(path);
	return fd;
}

static void report_file(int fd)
{
	char path[64], sum[65] = "";
	int pipes[2], status;
	pid_t pid;

	if (pipe(pipes))
		die("pipe");
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fd);
	pid = fork();
	if (!pid) {
		dup2(pipes[1], STDOUT_FILENO);
		execl("/busybox", "sha256sum", path, NULL);
		_exit(127);
	}
	close(pipes[1]);
	if (read(pipes[0], sum, 64) != 64 || waitpid(pid, &status, 0) != pid || status) {
		errno = EIO;
		die("sha256sum");
	}
	close(pipes[0]);
	report("size", "%lld", (long long)size_of(fd));
	report("sha256", "%s", sum);
}

static int open_liveupdate(void)
{
	int fd = open("/dev/liveupdate", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		die("/dev/liveupdate");
	return fd;
}

static int create_session(int dev)
{
	struct liveupdate_ioctl_create_session arg = {
		.size = sizeof(arg), .name = SESSION,
	};

	if (ioctl(dev, LIVEUPDATE_IOCTL_CREATE_SESSION, &arg))
		die("CREATE_SESSION");
	return arg.fd;
}

static int retrieve_session(int dev)
{
	struct liveupdate_ioctl_retrieve_session arg = {
		.size = sizeof(arg), .name = SESSION,
	};

	if (ioctl(dev, LIVEUPDATE_IOCTL_RETRIEVE_SESSION, &arg))
		die("RETRIEVE_SESSION");
	return arg.fd;
}

static void preserve(int session, int fd, __u64 token)
{
	struct liveupdate_session_preserve_fd arg = {
		.size = sizeof(arg), .fd = fd, .token = token,
	};

	if (ioctl(session, LIVEUPDATE_SESSION_PRESERVE_FD, &arg))
		die("PRESERVE_FD");
}

static int retrieve(int session, __u64 token)
{
	struct liveupdate_session_retrieve_fd arg = {
		.size = sizeof(arg), .token = token,
	};

	if (ioctl(session, LIVEUPDATE_SESSION_RETRIEVE_FD, &arg))
		die("RETRIEVE_FD");
	return arg.fd;
}

static void finish(int session)
{
	struct liveupdate_session_finish arg = { .size = sizeof(arg) };

	if (ioctl(session, LIVEUPDATE_SESSION_FINISH, &arg))
		die("FINISH");
	close(session);
}

static struct clock_page *map_clock(int fd)
{
	void *page = mmap(NULL, sizeof(struct clock_page), PROT_READ | PROT_WRITE,
			  MAP_SHARED, fd, 0);

	if (page == MAP_FAILED)
		die("mmap");
	return page;
}

/* The file from the kernel before, and how long user space was gone. */
static int take_over(__u64 first_ticks)
{
	int dev = open_liveupdate();
	__u64 start = now_ns();
	int session = retrieve_session(dev);
	int fd = retrieve(session, TOKEN_FILE);
	int clock;

	report("retrieve_ns", "%llu", (unsigned long long)(now_ns() - start));
	clock = retrieve(session, TOKEN_CLOCK);
	report("blackout_ns", "%.0f",
	       (first_ticks - map_clock(clock)->reboot_ticks) / ticks_per_ns());
	finish(session);
	close(clock);
	close(dev);
	report_file(fd);
	return fd;
}

/*
 * The other kernel, with the first part of the initrd that this guest was
 * started with: that part does not hold the file.
 */
static void load_next_kernel(void)
{
	long size = parameter("demo_initrd_size=");
	int from = open("/sys/firmware/initrd", O_RDONLY | O_CLOEXEC);
	int initrd = new_memfd("initrd", 0);
	const char *path = step % 2 ? "/kernel-b" : "/kernel-a";
	int kernel = open(path, O_RDONLY | O_CLOEXEC);
	char line[256];
	int length;

	if (from < 0)
		die("/sys/firmware/initrd");
	if (kernel < 0)
		die(path);
	copy_bytes(from, initrd, size);
	length = snprintf(line, sizeof(line),
			  "console=%s panic=-1 retain_initrd kho=on liveupdate=on demo_step=%d demo_initrd_size=%ld",
			  CONSOLE, step + 1, size);
	if (syscall(SYS_kexec_file_load, kernel, initrd, length + 1, line, 0ul))
		die("kexec_file_load");
	close(from);
	close(initrd);
	close(kernel);
}

static void hand_over(int fd)
{
	int dev = open_liveupdate();
	int clock = new_memfd("clock", sizeof(struct clock_page));
	struct clock_page *page = map_clock(clock);
	__u64 start;
	int session;

	load_next_kernel();
	start = now_ns();
	session = create_session(dev);
	preserve(session, fd, TOKEN_FILE);
	report("preserve_ns", "%llu", (unsigned long long)(now_ns() - start));
	preserve(session, clock, TOKEN_CLOCK);

	page->reboot_ticks = ticks();
	reboot(RB_KEXEC);
	die("reboot");
}

static void mount_all(void)
{
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	if (mount("proc", "/proc", "proc", 0, NULL) ||
	    mount("sysfs", "/sys", "sysfs", 0, NULL) ||
	    (mount("devtmpfs", "/dev", "devtmpfs", 0, NULL) && errno != EBUSY))
		die("mount");
}

int main(void)
{
	__u64 first_ticks = ticks();
	struct utsname uts;
	int fd;

	mount_all();
	step = parameter("demo_step=");
	uname(&uts);
	report("kernel", "%s %s", uts.release, uts.version);
	if (step == 1) {
		fd = memfd_of_file("/file");
		report_file(fd);
	} else {
		if (!access("/file", F_OK)) {
			errno = EEXIST;
			die("/file in a later kernel's initrd");
		}
		fd = take_over(first_ticks);
	}
	if (step < LAST_STEP)
		hand_over(fd);
	report("end", "reached");
	power_off();
}
