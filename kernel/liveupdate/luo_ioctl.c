// SPDX-License-Identifier: GPL-2.0
/*
 * Live Update Orchestrator: ioctl dispatcher
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/liveupdate.h>
#include <linux/minmax.h>
#include <linux/uaccess.h>

#include "luo_internal.h"

/**
 * luo_ucmd_respond - copy the structure of an ioctl back to user space
 * @ucmd: the ioctl
 * @cmd_len: size of the structure in bytes
 *
 * Context: May sleep.
 * Return: 0 or -EFAULT.
 */
int luo_ucmd_respond(struct luo_ucmd *ucmd, size_t cmd_len)
{
	if (copy_to_user(ucmd->ubuffer, ucmd->cmd,
			 min_t(size_t, ucmd->user_size, cmd_len)))
		return -EFAULT;
	return 0;
}

/**
 * luo_ucmd_respond_file - complete an ioctl that returns a file descriptor
 * @ucmd: the ioctl
 * @cmd_len: size of its structure in bytes
 * @fd: the member of the kernel's copy that takes the descriptor
 * @file: the file. On success the descriptor takes over its reference.
 *
 * The descriptor is installed only after the structure was copied to user space.
 *
 * Context: May sleep.
 * Return: 0, -EMFILE, -ENFILE, -ENOMEM or -EFAULT. After a failure the caller
 * still owns the reference to @file.
 */
int luo_ucmd_respond_file(struct luo_ucmd *ucmd, size_t cmd_len, s32 *fd,
			  struct file *file)
{
	int err;

	*fd = get_unused_fd_flags(O_CLOEXEC);
	if (*fd < 0)
		return *fd;

	err = luo_ucmd_respond(ucmd, cmd_len);
	if (err) {
		put_unused_fd(*fd);
		return err;
	}

	fd_install(*fd, file);
	return 0;
}

static const struct luo_ioctl_op *
luo_ioctl_find(const struct luo_ioctl_op *ops, unsigned int nr_ops,
	       unsigned int cmd)
{
	unsigned int i;

	for (i = 0; i < nr_ops; i++) {
		if (ops[i].ioctl_num == cmd)
			return &ops[i];
	}
	return NULL;
}

/**
 * luo_ioctl - check an ioctl and execute it
 * @ops: the ioctls of this kind of file
 * @nr_ops: number of them
 * @ctx: what the file descriptor refers to
 * @cmd: number of the ioctl
 * @arg: address of its structure in user space
 *
 * Context: May sleep.
 * Return: what the ioctl returns, -ENOTTY for an unknown number, -EINVAL or
 * -E2BIG for a structure of the wrong size, or -EFAULT.
 */
long luo_ioctl(const struct luo_ioctl_op *ops, unsigned int nr_ops, void *ctx,
	       unsigned int cmd, unsigned long arg)
{
	union luo_ucmd_buffer buf;
	struct luo_ucmd ucmd = {
		.ctx = ctx,
		.ubuffer = (void __user *)arg,
		.cmd = &buf,
	};
	const struct luo_ioctl_op *op;
	int err;

	op = luo_ioctl_find(ops, nr_ops, cmd);
	if (!op)
		return -ENOTTY;

	err = get_user(ucmd.user_size, (u32 __user *)ucmd.ubuffer);
	if (err)
		return err;
	if (ucmd.user_size < op->min_size)
		return -EINVAL;

	err = copy_struct_from_user(ucmd.cmd, op->size, ucmd.ubuffer,
				    ucmd.user_size);
	if (err)
		return err;

	return op->execute(&ucmd);
}
