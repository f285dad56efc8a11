/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a program calls
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_LIVEUPDATE_FILES_H
#define _KHO_LIVEUPDATE_FILES_H

/* /dev/liveupdate; -errno on failure, here and below */
int sys_open_device(void);
long sys_ioctl(int fd, unsigned int cmd, void *arg);
void sys_close(int fd);

void close_all(void);
void forget_files(void);

#endif
