/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The requests of /dev/liveupdate and of its sessions as functions
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Each returns 0 or, if it is described so, a descriptor with close-on-exec, or else a
 * negative error number.
 */
#ifndef TOOLS_LIVEUPDATE_DEVICE_H
#define TOOLS_LIVEUPDATE_DEVICE_H

#include <stdint.h>

#include <linux/liveupdate.h>

/* Size of a buffer for the name of a session, with the NUL */
#define NAME_SIZE	LIVEUPDATE_SESSION_NAME_LENGTH

/*
 * Return a descriptor of the device. Only one process at a time can have it open, others
 * get -EBUSY. So close it right after the request: sessions do not need it any more.
 */
int device_open(void);

/* The same, but after -EBUSY try again for up to @ms milliseconds. */
int device_open_wait(unsigned int ms);

/* Return a descriptor of a new session. */
int device_create_session(int device, const char *name);

/* Return a descriptor of a session that the previous kernel handed over. */
int device_retrieve_session(int device, const char *name);

int session_preserve_fd(int session, int fd, uint64_t token);

/* Return a descriptor of the file. */
int session_retrieve_fd(int session, uint64_t token);

int session_finish(int session);
int session_get_name(int session, char name[NAME_SIZE]);

#endif /* TOOLS_LIVEUPDATE_DEVICE_H */
