/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luoctl: load and start kernels
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef TOOLS_LIVEUPDATE_KERNEL_H
#define TOOLS_LIVEUPDATE_KERNEL_H

/* Load a kernel, @initrd is -1 for none. Return 0 or a negative error number. */
int kernel_load(int kernel, int initrd, const char *cmdline);

/* Start the loaded kernel. Return a negative error number if that fails. */
int kernel_start(void);

#endif /* TOOLS_LIVEUPDATE_KERNEL_H */
