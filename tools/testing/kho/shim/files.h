/* SPDX-License-Identifier: GPL-2.0 */
/*
 * System calls of the simulated process
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_SHIM_FILES_H
#define _KHO_SHIM_FILES_H

/* Open /dev/liveupdate. Like the other calls, return -errno on failure. */
int sys_open_device(void);
long sys_ioctl(int fd, unsigned int cmd, void *arg);
void sys_close(int fd);

/* Close all descriptors. */
void close_all(void);
/* Drop all descriptors without a call into the kernel, which is gone. */
void forget_files(void);

#endif
