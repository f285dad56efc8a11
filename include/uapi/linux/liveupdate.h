/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Live Update Orchestrator: the ioctls of /dev/liveupdate and of its sessions
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _UAPI_LINUX_LIVEUPDATE_H
#define _UAPI_LINUX_LIVEUPDATE_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * DOC: General ioctl format
 *
 * Every ioctl takes a pointer to a structure. The caller sets its first member,
 * size, to its own sizeof() of the structure, so that structures can grow:
 *
 *  - If the structure is larger than the kernel's, the additional bytes must be
 *    zero, otherwise E2BIG is returned.
 *  - If it is smaller than its first version, EINVAL is returned.
 *  - If it is smaller than the kernel's, the missing members are taken as zero.
 *
 * An unknown ioctl returns ENOTTY. Reserved members must be zero, otherwise EINVAL
 * is returned. Returned file descriptors have O_CLOEXEC set.
 */

/* The ioctl type, recorded in Documentation/userspace-api/ioctl/ioctl-number.rst */
#define LIVEUPDATE_IOCTL_TYPE		0xBA

/* Size of a session's name, including the terminating NUL. */
#define LIVEUPDATE_SESSION_NAME_LENGTH	64

/* Numbers of the ioctls of /dev/liveupdate, and of a session's file descriptor */
enum {
	LIVEUPDATE_CMD_BASE = 0x00,
	LIVEUPDATE_CMD_CREATE_SESSION = LIVEUPDATE_CMD_BASE,
	LIVEUPDATE_CMD_RETRIEVE_SESSION = 0x01,

	LIVEUPDATE_CMD_SESSION_BASE = 0x40,
	LIVEUPDATE_CMD_SESSION_PRESERVE_FD = LIVEUPDATE_CMD_SESSION_BASE,
	LIVEUPDATE_CMD_SESSION_RETRIEVE_FD = 0x41,
	LIVEUPDATE_CMD_SESSION_FINISH = 0x42,
	LIVEUPDATE_CMD_SESSION_GET_NAME = 0x43,
};

/* Ioctls of /dev/liveupdate */

/**
 * struct liveupdate_ioctl_create_session - ioctl(LIVEUPDATE_IOCTL_CREATE_SESSION)
 * @size: sizeof(struct liveupdate_ioctl_create_session)
 * @fd: Output: the file descriptor of the new session
 * @name: NUL-terminated name, not empty
 *
 * Create a session: a named set of files that are handed over to the next kernel.
 * It exists as long as its file descriptor is open. Closing the last descriptor
 * unpreserves all of its files.
 *
 * Errors: EINVAL if the name is empty or has no NUL, EEXIST if a session that was
 * created in this kernel has this name, ENOMEM, EBUSY if reboot() has serialized
 * the sessions, EINTR if a fatal signal ended the request.
 */
struct liveupdate_ioctl_create_session {
	__u32	size;
	__s32	fd;
	__u8	name[LIVEUPDATE_SESSION_NAME_LENGTH];
};

#define LIVEUPDATE_IOCTL_CREATE_SESSION \
	_IO(LIVEUPDATE_IOCTL_TYPE, LIVEUPDATE_CMD_CREATE_SESSION)

/**
 * struct liveupdate_ioctl_retrieve_session - ioctl(LIVEUPDATE_IOCTL_RETRIEVE_SESSION)
 * @size: sizeof(struct liveupdate_ioctl_retrieve_session)
 * @fd: Output: the file descriptor of the session
 * @name: NUL-terminated name, not empty
 *
 * Retrieve a session that the previous kernel handed over. Closing the last descriptor
 * finishes the session, as %LIVEUPDATE_SESSION_FINISH does. If a file can't be
 * finished yet, or the descriptor is closed because its process exits or with a socket
 * that it was sent to, the session is not finished and can be retrieved again. If it is
 * not finished when reboot() is called, it is handed over to the next kernel.
 *
 * Errors: EINVAL if the name is empty or has no NUL, or if the session is
 * retrieved already, ENOENT if the previous kernel handed over no such session,
 * EIO if its list of files is damaged, or what the previous kernel handed over can't
 * be read at all, EBUSY if reboot() has serialized the sessions, EINTR if a fatal signal
 * ended the request, ENOMEM.
 */
struct liveupdate_ioctl_retrieve_session {
	__u32	size;
	__s32	fd;
	__u8	name[LIVEUPDATE_SESSION_NAME_LENGTH];
};

#define LIVEUPDATE_IOCTL_RETRIEVE_SESSION \
	_IO(LIVEUPDATE_IOCTL_TYPE, LIVEUPDATE_CMD_RETRIEVE_SESSION)

/* Ioctls of a session's file descriptor */

/**
 * struct liveupdate_session_preserve_fd - ioctl(LIVEUPDATE_SESSION_PRESERVE_FD)
 * @size: sizeof(struct liveupdate_session_preserve_fd)
 * @fd: the file to preserve
 * @token: a number that is not used in this session yet. It identifies the file in
 *         the next kernel.
 *
 * Preserve a file in the session. The file can still be used, with the
 * restrictions that its file handler documents.
 *
 * Errors: EINVAL if the session was not created in this kernel, EBADF for a bad
 * @fd, EEXIST if the session has a file with this token, ENOENT if this kind of
 * file can't be preserved, EBUSY if the file is preserved already in any session, if
 * its use does not allow that (a memfd: userfaultfd for missing pages, or pages that
 * have to be moved and are in use), or if reboot() has serialized the sessions,
 * EOPNOTSUPP if a property of the file can't be carried, EINTR if a fatal signal ended
 * the request, ENOMEM. After an error nothing is preserved.
 */
struct liveupdate_session_preserve_fd {
	__u32		size;
	__s32		fd;
	__aligned_u64	token;
};

#define LIVEUPDATE_SESSION_PRESERVE_FD \
	_IO(LIVEUPDATE_IOCTL_TYPE, LIVEUPDATE_CMD_SESSION_PRESERVE_FD)

/**
 * struct liveupdate_session_retrieve_fd - ioctl(LIVEUPDATE_SESSION_RETRIEVE_FD)
 * @size: sizeof(struct liveupdate_session_retrieve_fd)
 * @fd: Output: a new file descriptor of the preserved file
 * @token: the token that the file was preserved with
 *
 * Retrieve a preserved file. Files can be retrieved in any order. Retrieving a file
 * again returns another descriptor of the same open file. After ENOENT, ENOMEM and
 * EINTR the call can be repeated. Every other error of the file is final, and
 * returned again.
 *
 * Errors: EINVAL if the session was not handed over by the previous kernel, ENOENT
 * if it has no file with this token or this kernel has no handler for this kind of
 * file, EIO if what was handed over is damaged or has an unsupported version, EINTR
 * if a fatal signal ended the request, EBUSY if reboot() has serialized the sessions,
 * ENOMEM if memory is short or the limit of the memory cgroup is too low.
 */
struct liveupdate_session_retrieve_fd {
	__u32		size;
	__s32		fd;
	__aligned_u64	token;
};

#define LIVEUPDATE_SESSION_RETRIEVE_FD \
	_IO(LIVEUPDATE_IOCTL_TYPE, LIVEUPDATE_CMD_SESSION_RETRIEVE_FD)

/**
 * struct liveupdate_session_finish - ioctl(LIVEUPDATE_SESSION_FINISH)
 * @size: sizeof(struct liveupdate_session_finish)
 * @reserved: must be zero
 *
 * Finish the session: the kernel drops its references to retrieved files, and
 * discards files that were not retrieved. A session can be finished again, which
 * does nothing.
 *
 * Errors: EINVAL if the session was not handed over by the previous kernel, EBUSY
 * if a file is not ready or reboot() has serialized the sessions, EINTR if a fatal
 * signal ended the request. After EBUSY and EINTR no file was finished.
 */
struct liveupdate_session_finish {
	__u32	size;
	__u32	reserved;
};

#define LIVEUPDATE_SESSION_FINISH \
	_IO(LIVEUPDATE_IOCTL_TYPE, LIVEUPDATE_CMD_SESSION_FINISH)

/**
 * struct liveupdate_session_get_name - ioctl(LIVEUPDATE_SESSION_GET_NAME)
 * @size: sizeof(struct liveupdate_session_get_name)
 * @reserved: must be zero
 * @name: Output: the session's full name, NUL-terminated and padded with NULs
 *
 * Get the name of a session, created or retrieved.
 */
struct liveupdate_session_get_name {
	__u32	size;
	__u32	reserved;
	__u8	name[LIVEUPDATE_SESSION_NAME_LENGTH];
};

#define LIVEUPDATE_SESSION_GET_NAME \
	_IO(LIVEUPDATE_IOCTL_TYPE, LIVEUPDATE_CMD_SESSION_GET_NAME)

#endif /* _UAPI_LINUX_LIVEUPDATE_H */
