// SPDX-License-Identifier: GPL-2.0
/*
 * luoctl: load and start kernels, and let this one check what it hands over
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <errno.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host.h"
#include "kernel.h"

int kernel_load(int kernel, int initrd, const char *cmdline)
{
	unsigned long flags = initrd < 0 ? KEXEC_FILE_NO_INITRAMFS : 0;

	return syscall(SYS_kexec_file_load, kernel, initrd, strlen(cmdline) + 1, cmdline,
		       flags) ? -errno : 0;
}

char *kernel_verify(const struct host *host)
{
	return host_read(host, KERNEL_VERIFY);
}

int kernel_start(void)
{
	return reboot(LINUX_REBOOT_CMD_KEXEC) ? -errno : 0;
}
