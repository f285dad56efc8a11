// SPDX-License-Identifier: GPL-2.0
/*
 * init of a guest that does one kexec, on any kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The initrd it is in holds the kernel to load as /kernel. CONSOLE is the name of
 * the guest's console.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

static const char next_line[] = "console=" CONSOLE " panic=-1 retain_initrd second";

static void end(const char *what)
{
	printf("plain kexec: %s\n", what);
	fflush(stdout);
	reboot(RB_POWER_OFF);
	reboot(RB_AUTOBOOT);
	exit(1);
}

static void fail(const char *what)
{
	printf("plain kexec: %s: %s\n", what, strerror(errno));
	end("failed");
}

static int is_second(void)
{
	char line[4096] = "";
	int fd = open("/proc/cmdline", O_RDONLY);

	if (fd < 0 || read(fd, line, sizeof(line) - 1) < 0)
		fail("/proc/cmdline");
	close(fd);
	return !!strstr(line, "second");
}

int main(void)
{
	struct utsname uts;
	int kernel, initrd;

	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	if (mount("proc", "/proc", "proc", 0, NULL) ||
	    mount("sysfs", "/sys", "sysfs", 0, NULL))
		fail("mount");
	uname(&uts);
	printf("plain kexec: %s %s\n", uts.release, uts.version);
	if (!access("/dev/liveupdate", F_OK))
		end("failed, /dev/liveupdate is there");
	if (is_second())
		end("second kernel reached");

	kernel = open("/kernel", O_RDONLY);
	initrd = open("/sys/firmware/initrd", O_RDONLY);
	if (kernel < 0 || initrd < 0)
		fail("/kernel or /sys/firmware/initrd");
	if (syscall(SYS_kexec_file_load, kernel, initrd, sizeof(next_line),
		    next_line, 0ul))
		fail("kexec_file_load");
	fflush(stdout);
	reboot(RB_KEXEC);
	fail("reboot");
	return 1;
}
