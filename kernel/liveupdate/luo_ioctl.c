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
 * luo_ucmd_respond - copy a request's structure back to its caller
 * @ucmd: the request
 * @cmd_len: size of the structure, bytes
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
 * luo_ucmd_respond_file - complete a request that returns a file descriptor
 * @ucmd: the request
 * @cmd_len: size of its structure, bytes
 * @fd: where the descriptor goes in the kernel's copy of it
 * @file: the file, whose reference goes to the descriptor on success
 *
 * The descriptor comes into being once the reply has reached user space.
 *
 * Context: May sleep.
 * Return: 0, -EMFILE, -ENFILE, -ENOMEM or -EFAULT. After a failure @file is
 * still the caller's.
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
 * luo_ioctl - check a request and execute it
 * @ops: the requests that the file descriptor knows
 * @nr_ops: number of them
 * @ctx: what the file descriptor stands for
 * @cmd: the request's number
 * @arg: address of the caller's structure
 *
 * Context: May sleep.
 * Return: what the request returns, -ENOTTY for an unknown one, -EINVAL or
 * -E2BIG for a structure of the wrong size, -EFAULT.
 */
long luo_ioctl(const struct luo_ioctl_op *ops, unsigned int nr_ops, void *ctx,
	       unsigned int cmd, unsigned long arg)
{
	struct luo_ucmd ucmd = {
		.ctx = ctx,
		.ubuffer = (void __user *)arg,
	};
	const struct luo_ioctl_op *op;
	union luo_ucmd_buffer buf;
	int err;

	op = luo_ioctl_find(ops, nr_ops, cmd);
	if (!op)
		return -ENOTTY;

	err = get_user(ucmd.user_size, (u32 __user *)ucmd.ubuffer);
	if (err)
		return err;
	if (ucmd.user_size < op->min_size)
		return -EINVAL;

	ucmd.cmd = &buf;
	err = copy_struct_from_user(ucmd.cmd, op->size, ucmd.ubuffer,
				    ucmd.user_size);
	if (err)
		return err;

	return op->execute(&ucmd);
}
