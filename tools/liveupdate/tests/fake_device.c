// SPDX-License-Identifier: GPL-2.0
/*
 * Tests: files take the place of /dev/liveupdate and its sessions
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * In the directory LUOD_FAKE_DIR, out/NAME is a session for the next kernel, and in/NAME one
 * of the previous kernel. A session exists as long as its file is locked. The lock belongs to
 * the open file, so it ends when the last copy of the descriptor is closed. A file contains
 * the data that the program has preserved. The device is locked while it is open.
 *
 * The tests add a file to let requests fail: create-error has the number of an error, and
 * "busy" as the content of a session lets FINISH fail.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "../device.h"

#define FINISHED	"finished"
#define BUSY		"busy"

static const char *fake_dir;

static void end(int signal)
{
	(void)signal;
	exit(0);
}

/* A regular exit lets the sanitizer look for leaks. */
__attribute__((constructor))
static void start(void)
{
	fake_dir = getenv("LUOD_FAKE_DIR");
	if (!fake_dir)
		abort();
	signal(SIGTERM, end);
}

static int open_locked(const char *kind, const char *name, int flags, int locked_error)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s%s", fake_dir, kind, name);
	fd = open(path, O_RDWR | O_CLOEXEC | flags, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		close(fd);
		return locked_error;
	}
	return fd;
}

static bool has_content(int fd, const char *content)
{
	char data[16] = "";

	return pread(fd, data, sizeof(data) - 1, 0) >= 0 && !strcmp(data, content);
}

int device_open(void)
{
	return open_locked("device", "", O_CREAT, -EBUSY);
}

static int create_error(void)
{
	char path[4096];
	int number = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/create-error", fake_dir);
	file = fopen(path, "r");
	if (!file)
		return 0;
	if (fscanf(file, "%d", &number) != 1)
		abort();
	fclose(file);
	return -number;
}

int device_create_session(int device, const char *name)
{
	int err = create_error(), fd;

	(void)device;
	if (err)
		return err;

	fd = open_locked("out/", name, O_CREAT, -EEXIST);
	if (fd >= 0 && ftruncate(fd, 0))
		abort();
	return fd;
}

int device_retrieve_session(int device, const char *name)
{
	int fd = open_locked("in/", name, 0, -EINVAL);

	(void)device;
	if (fd >= 0 && has_content(fd, FINISHED)) {
		close(fd);
		return -ENOENT;
	}
	return fd;
}

int session_finish(int session)
{
	if (has_content(session, BUSY))
		return -EBUSY;
	if (ftruncate(session, 0) ||
	    pwrite(session, FINISHED, strlen(FINISHED), 0) != strlen(FINISHED))
		abort();
	return 0;
}

int session_get_name(int session, char name[NAME_SIZE])
{
	char link[64], path[4096];
	ssize_t len;
	char *last;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", session);
	len = readlink(link, path, sizeof(path) - 1);
	if (len < 0)
		return -errno;
	path[len] = '\0';
	last = strrchr(path, '/');
	/* A pipe has no path, for example. */
	if (!last || strlen(last + 1) >= NAME_SIZE)
		return -ENOTTY;
	memcpy(name, last + 1, strlen(last + 1) + 1);
	return 0;
}
