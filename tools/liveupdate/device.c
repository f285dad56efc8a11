// SPDX-License-Identifier: GPL-2.0
/*
 * The requests of /dev/liveupdate and of its sessions as functions
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "device.h"

#define DEVICE		"/dev/liveupdate"
#define RETRY_MS	10

int device_open(void)
{
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int device_open_wait(unsigned int ms)
{
	const struct timespec pause = { .tv_nsec = RETRY_MS * 1000000 };
	unsigned int waited;
	int fd;

	for (waited = 0;; waited += RETRY_MS) {
		fd = device_open();
		if (fd != -EBUSY || waited >= ms)
			return fd;
		nanosleep(&pause, NULL);
	}
}

static int request(int fd, unsigned long nr, void *arg)
{
	return ioctl(fd, nr, arg) ? -errno : 0;
}

/* The kernel takes an array without NUL for a bad name. */
static int set_name(__u8 to[NAME_SIZE], const char *name)
{
	size_t len = strlen(name);

	if (len >= NAME_SIZE)
		return -EINVAL;
	memcpy(to, name, len);
	return 0;
}

int device_create_session(int device, const char *name)
{
	struct liveupdate_ioctl_create_session arg = { .size = sizeof(arg) };
	int err = set_name(arg.name, name);

	if (!err)
		err = request(device, LIVEUPDATE_IOCTL_CREATE_SESSION, &arg);
	return err ? err : arg.fd;
}

int device_retrieve_session(int device, const char *name)
{
	struct liveupdate_ioctl_retrieve_session arg = { .size = sizeof(arg) };
	int err = set_name(arg.name, name);

	if (!err)
		err = request(device, LIVEUPDATE_IOCTL_RETRIEVE_SESSION, &arg);
	return err ? err : arg.fd;
}

int session_preserve_fd(int session, int fd, uint64_t token)
{
	struct liveupdate_session_preserve_fd arg = {
		.size = sizeof(arg),
		.fd = fd,
		.token = token,
	};

	return request(session, LIVEUPDATE_SESSION_PRESERVE_FD, &arg);
}

int session_retrieve_fd(int session, uint64_t token)
{
	struct liveupdate_session_retrieve_fd arg = {
		.size = sizeof(arg),
		.token = token,
	};
	int err = request(session, LIVEUPDATE_SESSION_RETRIEVE_FD, &arg);

	return err ? err : arg.fd;
}

int session_finish(int session)
{
	struct liveupdate_session_finish arg = { .size = sizeof(arg) };

	return request(session, LIVEUPDATE_SESSION_FINISH, &arg);
}

int session_get_name(int session, char name[NAME_SIZE])
{
	struct liveupdate_session_get_name arg = { .size = sizeof(arg) };
	int err = request(session, LIVEUPDATE_SESSION_GET_NAME, &arg);

	if (!err)
		memcpy(name, arg.name, NAME_SIZE);
	return err;
}
