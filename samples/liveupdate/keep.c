// SPDX-License-Identifier: GPL-2.0
/*
 * Keep a file's content in memory across a live update
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 *	keep save NAME FILE	before the kexec: copy FILE into a memfd, preserve
 *				the memfd in the session NAME, and run in the
 *				background
 *	keep load NAME FILE	after the kexec: write the content to FILE
 *
 * Documentation/userspace-api/liveupdate.rst explains this program step by step.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/liveupdate.h>

#define TOKEN	1

static int open_device(void)
{
	int fd = open("/dev/liveupdate", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		err(1, "/dev/liveupdate");
	return fd;
}

static void set_name(__u8 *to, const char *name)
{
	if (strlen(name) >= LIVEUPDATE_SESSION_NAME_LENGTH)
		errx(1, "%s: longer than %d bytes", name,
		     LIVEUPDATE_SESSION_NAME_LENGTH - 1);
	memcpy(to, name, strlen(name));
}

static void copy(int from, int to)
{
	char buf[65536];
	ssize_t got, done, put;

	while ((got = read(from, buf, sizeof(buf))) > 0) {
		for (done = 0; done < got; done += put) {
			put = write(to, buf + done, got - done);
			if (put < 0)
				err(1, "write");
		}
	}
	if (got < 0)
		err(1, "read");
}

static int memfd_of(const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	int memfd = memfd_create(path, MFD_CLOEXEC);

	if (file < 0)
		err(1, "%s", path);
	if (memfd < 0)
		err(1, "memfd_create");
	copy(file, memfd);
	close(file);
	return memfd;
}

static void save(const char *name, const char *path)
{
	struct liveupdate_ioctl_create_session create = {
		.size = sizeof(create),
	};
	struct liveupdate_session_preserve_fd preserve = {
		.size = sizeof(preserve),
		.token = TOKEN,
	};
	int device = open_device();

	preserve.fd = memfd_of(path);
	set_name(create.name, name);
	if (ioctl(device, LIVEUPDATE_IOCTL_CREATE_SESSION, &create))
		err(1, "session %s", name);
	if (ioctl(create.fd, LIVEUPDATE_SESSION_PRESERVE_FD, &preserve))
		err(1, "%s can't be preserved", path);

	/* Let others open the device. The session lasts as long as this process. */
	close(device);
	if (daemon(0, 0))
		err(1, "daemon");
	for (;;)
		pause();
}

static void load(const char *name, const char *path)
{
	struct liveupdate_ioctl_retrieve_session session = {
		.size = sizeof(session),
	};
	struct liveupdate_session_retrieve_fd retrieve = {
		.size = sizeof(retrieve),
		.token = TOKEN,
	};
	struct liveupdate_session_finish finish = {
		.size = sizeof(finish),
	};
	int file, device = open_device();

	set_name(session.name, name);
	if (ioctl(device, LIVEUPDATE_IOCTL_RETRIEVE_SESSION, &session))
		err(1, "session %s", name);
	if (ioctl(session.fd, LIVEUPDATE_SESSION_RETRIEVE_FD, &retrieve))
		err(1, "the file of session %s", name);

	file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (file < 0)
		err(1, "%s", path);
	if (lseek(retrieve.fd, 0, SEEK_SET))
		err(1, "lseek");
	copy(retrieve.fd, file);
	if (fsync(file) || close(file))
		err(1, "%s", path);

	/* After this the kernel does not keep the content any more. */
	if (ioctl(session.fd, LIVEUPDATE_SESSION_FINISH, &finish))
		err(1, "finish");
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "save"))
		save(argv[2], argv[3]);
	else if (argc == 4 && !strcmp(argv[1], "load"))
		load(argv[2], argv[3]);
	else
		errx(2, "usage: keep save|load NAME FILE");
	return 0;
}
