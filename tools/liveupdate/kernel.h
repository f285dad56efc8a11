/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luoctl: load and start kernels, and let this one check what it hands over
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef TOOLS_LIVEUPDATE_KERNEL_H
#define TOOLS_LIVEUPDATE_KERNEL_H

struct host;

#define KERNEL_VERIFY	"/sys/kernel/debug/kho/out/verify"

/* Load a kernel, @initrd is -1 for none. Return 0 or a negative error number. */
int kernel_load(int kernel, int initrd, const char *cmdline);

/*
 * Let the kernel check what it hands over. Return its verdict, to be freed; NULL if it can't
 * make the check, and errno says why.
 */
char *kernel_verify(const struct host *host);

/* Start the loaded kernel. Return a negative error number if that fails. */
int kernel_start(void);

#endif /* TOOLS_LIVEUPDATE_KERNEL_H */
