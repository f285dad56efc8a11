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
 * Every request takes a pointer to a structure. Its first member, size, is the
 * caller's sizeof() of that structure, so that structures can grow:
 *
 *  - A structure larger than the kernel knows is accepted when the part that
 *    the kernel does not know is zero, otherwise E2BIG is returned.
 *  - A structure smaller than the first version of it is refused with EINVAL.
 *  - A structure smaller than the kernel knows reads as zero in what is missing.
 *
 * An unknown request returns ENOTTY. Reserved members must be zero, otherwise
 * EINVAL is returned. A request that returns a file descriptor returns it with
 * O_CLOEXEC set.
 */

/* The ioctl type, recorded in Documentation/userspace-api/ioctl/ioctl-number.rst */
#define LIVEUPDATE_IOCTL_TYPE		0xBA

/* Room for a session's name, the terminating NUL included. */
#define LIVEUPDATE_SESSION_NAME_LENGTH	64

/* Requests on /dev/liveupdate */

/**
 * struct liveupdate_ioctl_create_session - ioctl(LIVEUPDATE_IOCTL_CREATE_SESSION)
 * @size: sizeof(struct liveupdate_ioctl_create_session)
 * @fd: Output: the file descriptor of the new session
 * @name: NUL-terminated name, not empty
 *
 * Create a session: a named set of files that the next kernel gets. It lives
 * as long as its file descriptor: closing the last one undoes every
 * preservation in it.
 *
 * Errors: EINVAL for a name that is empty or has no NUL, EEXIST when a session
 * that was created in this kernel has this name, ENOMEM, EBUSY while the
 * system is on its way into the next kernel.
 */
struct liveupdate_ioctl_create_session {
	__u32	size;
	__s32	fd;
	__u8	name[LIVEUPDATE_SESSION_NAME_LENGTH];
};

#define LIVEUPDATE_IOCTL_CREATE_SESSION		_IO(LIVEUPDATE_IOCTL_TYPE, 0x00)

/**
 * struct liveupdate_ioctl_retrieve_session - ioctl(LIVEUPDATE_IOCTL_RETRIEVE_SESSION)
 * @size: sizeof(struct liveupdate_ioctl_retrieve_session)
 * @fd: Output: the file descriptor of the session
 * @name: NUL-terminated name, not empty
 *
 * Get a session that the previous kernel handed over. Closing the descriptor
 * finishes the session as %LIVEUPDATE_SESSION_FINISH does. Where a file can't
 * be finished yet, the session can be retrieved again instead.
 *
 * Errors: EINVAL for a name that is empty or has no NUL, or when the session
 * is retrieved already, ENOENT when the previous kernel left no such session,
 * EIO when its list of files is damaged, ENOMEM.
 */
struct liveupdate_ioctl_retrieve_session {
	__u32	size;
	__s32	fd;
	__u8	name[LIVEUPDATE_SESSION_NAME_LENGTH];
};

#define LIVEUPDATE_IOCTL_RETRIEVE_SESSION	_IO(LIVEUPDATE_IOCTL_TYPE, 0x01)

/* Requests on a session's file descriptor */

/**
 * struct liveupdate_session_preserve_fd - ioctl(LIVEUPDATE_SESSION_PRESERVE_FD)
 * @size: sizeof(struct liveupdate_session_preserve_fd)
 * @fd: the file to preserve
 * @token: any number that is not used in this session yet; it names the file
 *         in the next kernel
 *
 * Take a file into the session. The file stays usable, within what its kind
 * allows while it is preserved.
 *
 * Errors: EINVAL when the session was not created in this kernel, EBADF for a
 * bad @fd, EEXIST when the session has a file with this token, ENOENT when
 * this kind of file can't be preserved, EBUSY when the file is preserved
 * already, in whichever session, or while the system is on its way into the
 * next kernel, EOPNOTSUPP when a property of the file can't be carried, EFBIG
 * when it is too large, ENOMEM.
 */
struct liveupdate_session_preserve_fd {
	__u32		size;
	__s32		fd;
	__aligned_u64	token;
};

#define LIVEUPDATE_SESSION_PRESERVE_FD		_IO(LIVEUPDATE_IOCTL_TYPE, 0x40)

/**
 * struct liveupdate_session_retrieve_fd - ioctl(LIVEUPDATE_SESSION_RETRIEVE_FD)
 * @size: sizeof(struct liveupdate_session_retrieve_fd)
 * @fd: Output: a new file descriptor of the preserved file
 * @token: the token that the file was preserved with
 *
 * Get a preserved file back, in any order. Asking twice gives two descriptors
 * of one open file. A failure of the file itself is final: the same error comes
 * back. After ENOENT and ENOMEM it can be tried again.
 *
 * Errors: EINVAL when the session was not handed over by the previous kernel,
 * ENOENT when it has no file with this token or nothing in this kernel handles
 * this kind of file, EIO when what was handed over is damaged or has an
 * unsupported version, ENOMEM.
 */
struct liveupdate_session_retrieve_fd {
	__u32		size;
	__s32		fd;
	__aligned_u64	token;
};

#define LIVEUPDATE_SESSION_RETRIEVE_FD		_IO(LIVEUPDATE_IOCTL_TYPE, 0x41)

/**
 * struct liveupdate_session_finish - ioctl(LIVEUPDATE_SESSION_FINISH)
 * @size: sizeof(struct liveupdate_session_finish)
 * @reserved: must be zero
 *
 * Tell the kernel that the session's files are restored to the caller's
 * satisfaction. The kernel lets go of them: retrieved files belong to their
 * descriptors alone, files that were never retrieved are discarded. Doing it
 * again is no error.
 *
 * Errors: EINVAL when the session was not handed over by the previous kernel,
 * EBUSY when a file is not ready; then nothing was finished.
 */
struct liveupdate_session_finish {
	__u32	size;
	__u32	reserved;
};

#define LIVEUPDATE_SESSION_FINISH		_IO(LIVEUPDATE_IOCTL_TYPE, 0x42)

/**
 * struct liveupdate_session_get_name - ioctl(LIVEUPDATE_SESSION_GET_NAME)
 * @size: sizeof(struct liveupdate_session_get_name)
 * @reserved: must be zero
 * @name: Output: the session's full name, NUL-terminated and padded with NULs
 *
 * Get the name of a session, of either direction.
 */
struct liveupdate_session_get_name {
	__u32	size;
	__u32	reserved;
	__u8	name[LIVEUPDATE_SESSION_NAME_LENGTH];
};

#define LIVEUPDATE_SESSION_GET_NAME		_IO(LIVEUPDATE_IOCTL_TYPE, 0x43)

#endif /* _UAPI_LINUX_LIVEUPDATE_H */
