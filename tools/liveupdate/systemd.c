// SPDX-License-Identifier: GPL-2.0
/*
 * luod: notifications to systemd, and descriptors that systemd keeps
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The protocols are described in sd_notify(3) and sd_listen_fds(3).
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"
#include "systemd.h"

#define LISTEN_FDS_START	3

/*
 * All have one name, because they are stored and removed together. The names of all
 * descriptors come back in one environment variable, of limited length.
 */
#define FD_NAME	"out"

/* systemd may have ended already. */
static const struct timeval send_timeout = { .tv_sec = 2 };

/* Return the length of the address, or 0. */
static socklen_t notify_address(struct sockaddr_un *address)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;

	if (!len || len >= sizeof(address->sun_path))
		return 0;

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(address->sun_path, path, len);
	/* An abstract address */
	if (path[0] == '@')
		address->sun_path[0] = '\0';
	return offsetof(struct sockaddr_un, sun_path) + len;
}

static int send_to_systemd(int sock, const char *text, const int *fds, int count)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(SYSTEMD_FDS_MAX * sizeof(int))];
	} control = { 0 };
	struct sockaddr_un address;
	struct iovec iov = { .iov_base = (char *)text, .iov_len = strlen(text) };
	struct msghdr msg = {
		.msg_name = &address,
		.msg_namelen = notify_address(&address),
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};

	if (count) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
	}
	return sendmsg(sock, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void notify(const char *text, const int *fds, int count)
{
	struct sockaddr_un address;
	int sock, err;

	if (!notify_address(&address))
		return;

	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0) {
		err = -errno;
	} else {
		setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &send_timeout, sizeof(send_timeout));
		err = send_to_systemd(sock, text, fds, count);
		close(sock);
	}
	if (err)
		log_line("systemd can't be notified: %s", strerror(-err));
}

void systemd_ready(void)
{
	notify("READY=1", NULL, 0);
}

void systemd_store_sessions(const int *fds, int count)
{
	notify("FDSTORE=1\nFDNAME=" FD_NAME, fds, count);
}

void systemd_forget_sessions(void)
{
	notify("FDSTOREREMOVE=1\nFDNAME=" FD_NAME, NULL, 0);
}

/* Return the number of descriptors that are meant for this process. */
static int listen_fds(void)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");

	if (!pid || !count || atol(pid) != getpid())
		return 0;
	return atoi(count);
}

void systemd_take_sessions(void (*take)(int fd))
{
	int fd, end = LISTEN_FDS_START + listen_fds();

	for (fd = LISTEN_FDS_START; fd < end; fd++) {
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		take(fd);
	}
}
