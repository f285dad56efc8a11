// SPDX-License-Identifier: GPL-2.0
/*
 * Send the coverage counters of a kernel to the host
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Before a guest leaves a kernel that was built with CONFIG_GCOV_KERNEL, it writes
 * the counters to its second serial port. Each file is a line "gcda SIZE KERNEL PATH"
 * and SIZE bytes.
 */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <termios.h>
#include <unistd.h>

#include "gcov.h"

#define DEBUG_DIR	"/sys/kernel/debug"
#define GCOV_DIR	DEBUG_DIR "/gcov"
#define GCOV_PORT	"/dev/ttyS1"
#define OPEN_FILES	16

static int port_fd = -1;
static int kernel_nr;

static int open_port(void)
{
	struct termios raw;
	int fd = open(GCOV_PORT, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (tcgetattr(fd, &raw)) {
		close(fd);
		return -1;
	}
	cfmakeraw(&raw);
	cfsetspeed(&raw, B115200);
	tcsetattr(fd, TCSANOW, &raw);
	return fd;
}

static int write_all(const char *data, size_t len)
{
	while (len) {
		ssize_t done = write(port_fd, data, len);

		if (done <= 0)
			return -1;
		data += done;
		len -= done;
	}
	return 0;
}

/* stat() reports a size of 0 for these files, so read up to the end. */
static ssize_t read_counters(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t got;

	if (fd < 0)
		return -1;
	while ((got = read(fd, buf + len, size - len)) > 0)
		len += got;
	close(fd);
	return got || len == size ? -1 : (ssize_t)len;
}

static int send_counters(const char *path, const struct stat *st, int type,
			 struct FTW *ftw)
{
	static char counters[1 << 20];
	char head[1024];
	ssize_t len;
	int ret;

	if (type != FTW_F || strcmp(path + strlen(path) - 5, ".gcda"))
		return 0;
	len = read_counters(path, counters, sizeof(counters));
	if (len < 0)
		return -1;
	ret = snprintf(head, sizeof(head), "gcda %zd %d %s\n", len, kernel_nr,
		       path + strlen(GCOV_DIR));
	return write_all(head, ret) || write_all(counters, len);
}

int guest_save_coverage(int kernel)
{
	int ret;

	if (access(GCOV_DIR, F_OK) &&
	    (mount("debugfs", DEBUG_DIR, "debugfs", 0, NULL) ||
	     access(GCOV_DIR, F_OK)))
		return 0;

	port_fd = open_port();
	if (port_fd < 0)
		return 0;
	kernel_nr = kernel;
	ret = nftw(GCOV_DIR, send_counters, OPEN_FILES, FTW_PHYS);
	tcdrain(port_fd);
	close(port_fd);
	return ret;
}
