// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls of /dev/liveupdate as functions
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>

#include "liveupdate.h"

int luo_open(void)
{
	return open(LUO_DEVICE, O_RDWR | O_CLOEXEC);
}

static void copy_name(__u8 *to, const char *name)
{
	size_t len = strlen(name);

	memcpy(to, name, len < NAME_LENGTH ? len : NAME_LENGTH);
}

int luo_create(int dev, const char *name)
{
	struct liveupdate_ioctl_create_session arg = { .size = sizeof(arg) };

	copy_name(arg.name, name);
	return ioctl(dev, LIVEUPDATE_IOCTL_CREATE_SESSION, &arg) ? -1 : arg.fd;
}

int luo_retrieve(int dev, const char *name)
{
	struct liveupdate_ioctl_retrieve_session arg = { .size = sizeof(arg) };

	copy_name(arg.name, name);
	return ioctl(dev, LIVEUPDATE_IOCTL_RETRIEVE_SESSION, &arg) ? -1 : arg.fd;
}

int luo_preserve(int session, int fd, __u64 token)
{
	struct liveupdate_session_preserve_fd arg = {
		.size = sizeof(arg),
		.fd = fd,
		.token = token,
	};

	return ioctl(session, LIVEUPDATE_SESSION_PRESERVE_FD, &arg);
}

int luo_retrieve_fd(int session, __u64 token)
{
	struct liveupdate_session_retrieve_fd arg = {
		.size = sizeof(arg),
		.token = token,
	};

	return ioctl(session, LIVEUPDATE_SESSION_RETRIEVE_FD, &arg) ? -1 : arg.fd;
}

int luo_finish(int session)
{
	struct liveupdate_session_finish arg = { .size = sizeof(arg) };

	return ioctl(session, LIVEUPDATE_SESSION_FINISH, &arg);
}

int luo_get_name(int session, char name[NAME_LENGTH])
{
	struct liveupdate_session_get_name arg = { .size = sizeof(arg) };

	if (ioctl(session, LIVEUPDATE_SESSION_GET_NAME, &arg))
		return -1;
	memcpy(name, arg.name, NAME_LENGTH);
	return 0;
}
