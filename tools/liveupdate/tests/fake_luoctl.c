// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of luoctl: another root directory, and what takes the place of the kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * LUOCTL_FAKE_ROOT is the root directory of the system that luoctl describes, and
 * LUOCTL_FAKE_SOCKET luod's socket. Sessions are those of fake_device.c. The content of a
 * preserved file is copied to files/SESSION-TOKEN in LUOD_FAKE_DIR. There, the tests add a
 * file to let requests fail, with the number of an error: preserve-error, load-error,
 * verify-error or start-error. The file loaded has the kernel that was loaded, and started
 * exists after a kexec.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../connection.h"
#include "../device.h"
#include "../host.h"
#include "../kernel.h"
#include "../luoctl.h"

static const char *fake_dir;

__attribute__((constructor))
static void start(void)
{
	const char *root = getenv("LUOCTL_FAKE_ROOT");
	const char *path = getenv("LUOCTL_FAKE_SOCKET");

	fake_dir = getenv("LUOD_FAKE_DIR");
	if (!root || !path || !fake_dir)
		abort();
	host_system.root = root;
	connection_path = path;
}

__printf(2, 3)
static FILE *open_file(const char *mode, const char *format, ...)
{
	char name[256], path[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	snprintf(path, sizeof(path), "%s/%s", fake_dir, name);
	return fopen(path, mode);
}

static int error_of(const char *name)
{
	FILE *file = open_file("re", "%s-error", name);
	int number = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%d", &number) != 1)
		abort();
	fclose(file);
	return -number;
}

int device_open_wait(unsigned int ms)
{
	(void)ms;
	return device_open();
}

/* Copy from the start, and leave the position of @from alone. */
static void copy(int from, int to)
{
	struct stat st;
	off_t offset = 0;

	if (fstat(from, &st))
		abort();
	while (offset < st.st_size)
		if (sendfile(to, from, &offset, st.st_size - offset) <= 0)
			abort();
}

int session_preserve_fd(int session, int fd, uint64_t token)
{
	char name[NAME_SIZE];
	int err = error_of("preserve");
	FILE *file;

	if (!err)
		err = session_get_name(session, name);
	if (err)
		return err;

	file = open_file("we", "files/%s-%#llx", name, (unsigned long long)token);
	if (!file)
		abort();
	copy(fd, fileno(file));
	fclose(file);
	return 0;
}

int session_retrieve_fd(int session, uint64_t token)
{
	char name[NAME_SIZE];
	int err = session_get_name(session, name), fd;
	FILE *file;

	if (err)
		return err;
	file = open_file("re", "files/%s-%#llx", name, (unsigned long long)token);
	if (!file)
		return -errno;

	fd = memfd_create("retrieved", MFD_CLOEXEC);
	if (fd < 0)
		abort();
	copy(fileno(file), fd);
	fclose(file);
	return fd;
}

int kernel_load(int kernel, int initrd, const char *cmdline)
{
	int err = error_of("load");
	FILE *file;

	if (err)
		return err;
	file = open_file("we", "loaded");
	if (!file)
		abort();
	copy(kernel, fileno(file));
	fprintf(file, "%d %s\n", initrd >= 0, cmdline);
	fclose(file);
	return 0;
}

char *kernel_verify(const struct host *host)
{
	int err = error_of("verify");

	if (!err)
		return host_read(host, KERNEL_VERIFY);
	errno = -err;
	return NULL;
}

int kernel_start(void)
{
	int err = error_of("start");
	FILE *file;

	if (err)
		return err;
	file = open_file("we", "started");
	if (!file)
		abort();
	fclose(file);
	exit(0);
}
