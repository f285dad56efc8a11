// SPDX-License-Identifier: GPL-2.0
/*
 * The agent of the demo: init of three kernels in a row
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The first kernel copies /file into a memfd and hands it to the second, which
 * hands it to the third. Only the initrd of the first kernel has /file. Each
 * kernel reports its results as "demo: STEP NAME VALUE" in the kernel log, and the
 * host compares them.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "init.h"
#include "liveupdate.h"
#include "log.h"

#define SESSION		"demo"
#define TOKEN_FILE	1
#define TOKEN_CLOCK	2
#define LAST_STEP	3

/* The content of the clock memfd: the time when user space of a kernel ended */
struct clock_page {
	__u64 reboot_ticks;
};

static int step;

static void report(const char *name, const char *fmt, ...)
{
	char value[500];
	va_list args;

	va_start(args, fmt);
	vsnprintf(value, sizeof(value), fmt, args);
	va_end(args);
	guest_say("demo: %d %s %s", step, name, value);
}

static void __noreturn die(const char *what)
{
	report("error", "%s: %s", what, strerror(errno));
	guest_power_off();
}

/* Return @ret unless it is an error. */
static int need(int ret, const char *what)
{
	if (ret < 0)
		die(what);
	return ret;
}

/* Return a counter that keeps running during a kexec. */
static __u64 ticks(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	__u64 count;

	asm volatile("isb; mrs %0, cntvct_el0" : "=r" (count));
	return count;
#else
#error "this architecture has no clock that is known to run on during a kexec"
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

static off_t size_of(int fd)
{
	struct stat st;

	need(fstat(fd, &st), "fstat");
	return st.st_size;
}

static int new_memfd(const char *name, size_t size)
{
	int fd = need(memfd_create(name, MFD_ALLOW_SEALING), "memfd_create");

	need(ftruncate(fd, size), "ftruncate");
	return fd;
}

static int memfd_of_file(const char *path)
{
	int fd = new_memfd("file", 0);

	need(guest_copy(path, fd, SIZE_MAX), path);
	need(unlink(path), path);
	return fd;
}

static void report_file(int fd)
{
	char path[64], *const argv[] = { "/busybox", "sha256sum", path, NULL };
	int status = -1;
	char *sum;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fd);
	sum = guest_run(&status, argv);
	if (!sum || status) {
		errno = EIO;
		die("sha256sum");
	}
	report("size", "%lld", (long long)size_of(fd));
	report("sha256", "%.64s", sum);
	free(sum);
}

static struct clock_page *map_clock(int fd)
{
	void *page = mmap(NULL, sizeof(struct clock_page), PROT_READ | PROT_WRITE,
			  MAP_SHARED, fd, 0);

	if (page == MAP_FAILED)
		die("mmap");
	return page;
}

/* Retrieve the file, and report how long user space was gone. */
static int take_over(__u64 first_ticks)
{
	int dev = need(luo_open(), LUO_DEVICE);
	__u64 start = now_ns();
	int session = need(luo_retrieve(dev, SESSION), "RETRIEVE_SESSION");
	int fd = need(luo_retrieve_fd(session, TOKEN_FILE), "RETRIEVE_FD");
	int clock;

	report("retrieve_ns", "%llu", (unsigned long long)(now_ns() - start));
	clock = need(luo_retrieve_fd(session, TOKEN_CLOCK), "RETRIEVE_FD");
	report("blackout_ns", "%.0f",
	       (first_ticks - map_clock(clock)->reboot_ticks) / ticks_per_ns());
	need(luo_finish(session), "FINISH");
	close(session);
	close(clock);
	close(dev);
	report_file(fd);
	return fd;
}

/*
 * Load the other kernel, with the first part of this guest's initrd. The second
 * part has the file.
 */
static void load_next_kernel(void)
{
	static const char initrd[] = "/tmp/initrd";
	long size = guest_param_number("demo_initrd_size");
	int fd = need(open(initrd, O_WRONLY | O_CREAT | O_TRUNC, 0600), initrd);
	char line[256];

	need(guest_copy("/sys/firmware/initrd", fd, size), "/sys/firmware/initrd");
	close(fd);
	snprintf(line, sizeof(line),
		 "console=%s panic=-1 retain_initrd kho=on liveupdate=on demo_step=%d demo_initrd_size=%ld",
		 guest_param("console"), step + 1, size);
	need(guest_load_kernel(step % 2 ? "/kernel-b" : "/kernel-a", initrd, line, 0),
	     "kexec_file_load");
	need(unlink(initrd), initrd);
}

static void hand_over(int fd)
{
	int dev = need(luo_open(), LUO_DEVICE);
	int clock = new_memfd("clock", sizeof(struct clock_page));
	struct clock_page *page = map_clock(clock);
	__u64 start;
	int session;

	load_next_kernel();
	start = now_ns();
	session = need(luo_create(dev, SESSION), "CREATE_SESSION");
	need(luo_preserve(session, fd, TOKEN_FILE), "PRESERVE_FD");
	report("preserve_ns", "%llu", (unsigned long long)(now_ns() - start));
	need(luo_preserve(session, clock, TOKEN_CLOCK), "PRESERVE_FD");

	page->reboot_ticks = ticks();
	reboot(RB_KEXEC);
	die("reboot");
}

int main(void)
{
	__u64 first_ticks = ticks();
	struct utsname uts;
	int fd;

	guest_set_up();
	step = guest_param_number("demo_step");
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
	guest_power_off();
}
