// SPDX-License-Identifier: GPL-2.0
/*
 * Live Update Orchestrator: command line, boot, device, reboot
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

/**
 * DOC: Live Update Orchestrator
 *
 * LUO carries open files over a kexec. A program opens /dev/liveupdate, creates
 * sessions and puts file descriptors into them; each kind of file has a handler
 * in the kernel that knows how to preserve it with the means of KHO.
 * reboot(LINUX_REBOOT_CMD_KEXEC) freezes and serializes all of it, and programs
 * in the next kernel get the sessions by name and the files by token.
 *
 * This file has the device and the way through boot and reboot, luo_session.c
 * the sessions of both directions, luo_file.c the files in them and the
 * handlers, luo_flb.c what files share.
 */

#define pr_fmt(fmt) "LUO: " fmt

#include <linux/atomic.h>
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/luo.h>
#include <linux/kho/block.h>
#include <linux/kho/compat.h>
#include <linux/kho/summary.h>
#include <linux/kstrtox.h>
#include <linux/liveupdate.h>
#include <linux/miscdevice.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "luo_internal.h"

/**
 * struct luo_state - everything there is once
 * @enabled: liveupdate=on
 * @incoming_err: what is wrong with the state that the previous kernel left
 * @incoming_ser: that state, NULL when there is none or it was read
 * @incoming_compatible: its version string, NULL when there is none
 * @liveupdate_num: live updates between the last cold boot and this kernel
 * @sessions_pa: chain of incoming sessions, physical address
 * @outgoing_ser: the state for the next kernel
 * @in_use: the device is open
 */
static struct luo_state {
	bool enabled;
	int incoming_err;
	struct luo_ser *incoming_ser;
	char *incoming_compatible;
	u64 liveupdate_num;
	u64 sessions_pa;
	struct luo_ser *outgoing_ser;
	atomic_t in_use;
} luo;

static int __init luo_parse_param(char *arg)
{
	return kstrtobool(arg, &luo.enabled);
}
early_param("liveupdate", luo_parse_param);

/**
 * liveupdate_enabled - can files be carried over a kexec?
 *
 * Context: Any, after the command line is parsed.
 * Return: true when both live update and kexec handover are enabled.
 */
bool liveupdate_enabled(void)
{
	return luo.enabled && kho_is_enabled();
}
EXPORT_SYMBOL_GPL(liveupdate_enabled);

/* Incoming state */

static const struct kho_compat_range luo_compat_range = {
	.name = "luo",
	.lowest = 5,
	.highest = 5,
};

static const struct kho_compat_range *const luo_compat_ranges[] = {
	&luo_compat_range,
	&kho_compat_table[KHO_COMPAT_BLOCK],
};

/*
 * Read what follows the version string. The previous kernel's string is not
 * necessarily as long as ours.
 */
static int __init luo_read_ser(const void *blob, size_t size,
			       struct luo_ser *ser)
{
	const size_t ours = offsetof(struct luo_ser, liveupdate_num);
	ssize_t len;
	int err;

	err = kho_compat_check("LUO", blob, size, luo_compat_ranges,
			       ARRAY_SIZE(luo_compat_ranges));
	if (err)
		return err;

	len = kho_compat_len(blob, size);
	if (len < 0 || len > size || size - len < sizeof(*ser) - ours) {
		pr_err("incoming state of %zu bytes is truncated\n", size);
		return -EINVAL;
	}

	memcpy((void *)ser + ours, blob + len, sizeof(*ser) - ours);
	return 0;
}

static int __init luo_read_incoming(void)
{
	struct luo_ser ser;
	phys_addr_t phys;
	size_t size;
	int err;

	err = kho_retrieve_subtree(LUO_KHO_ENTRY_NAME, &phys, &size);
	if (err == -ENOENT)
		return 0;
	if (err) {
		pr_err("incoming state can't be found: %pe\n", ERR_PTR(err));
		return err;
	}

	err = luo_read_ser(phys_to_virt(phys), size, &ser);
	if (err)
		return err;

	luo.incoming_compatible = kstrndup(phys_to_virt(phys), size, GFP_KERNEL);
	if (!luo.incoming_compatible)
		return -ENOMEM;

	luo.incoming_ser = phys_to_virt(phys);
	luo.liveupdate_num = ser.liveupdate_num;
	luo.sessions_pa = ser.sessions_pa;
	luo_flb_set_incoming(ser.flbs_pa, 0);
	pr_info("live update %llu since cold boot\n", luo.liveupdate_num);
	return 0;
}

/* Reads only: struct pages may not be ready to be freed yet. */
static int __init luo_early_init(void)
{
	if (luo.enabled && !kho_is_enabled())
		pr_warn("disabled, it needs kexec handover (kho=on)\n");

	if (liveupdate_enabled() && is_kho_boot())
		luo.incoming_err = luo_read_incoming();
	if (luo.incoming_err)
		luo_flb_set_incoming(0, luo.incoming_err);

	return 0;
}
early_initcall(luo_early_init);

/* Requests */

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

union luo_ucmd_buffer {
	struct liveupdate_ioctl_create_session create;
	struct liveupdate_ioctl_retrieve_session retrieve;
	struct liveupdate_session_preserve_fd preserve_fd;
	struct liveupdate_session_retrieve_fd retrieve_fd;
	struct liveupdate_session_finish finish;
	struct liveupdate_session_get_name get_name;
};

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

	if (WARN_ON_ONCE(op->size > sizeof(buf)))
		return -EINVAL;
	ucmd.cmd = &buf;
	err = copy_struct_from_user(ucmd.cmd, op->size, ucmd.ubuffer,
				    ucmd.user_size);
	if (err)
		return err;

	return op->execute(&ucmd);
}

static int luo_ioctl_create_session(struct luo_ucmd *ucmd)
{
	struct liveupdate_ioctl_create_session *cmd = ucmd->cmd;
	struct file *file;
	int err;

	file = luo_session_create((const char *)cmd->name);
	if (IS_ERR(file))
		return PTR_ERR(file);

	err = luo_ucmd_respond_file(ucmd, sizeof(*cmd), &cmd->fd, file);
	if (err)
		fput(file);
	return err;
}

static int luo_ioctl_retrieve_session(struct luo_ucmd *ucmd)
{
	struct liveupdate_ioctl_retrieve_session *cmd = ucmd->cmd;
	struct file *file;
	int err;

	file = luo_session_retrieve((const char *)cmd->name);
	if (IS_ERR(file))
		return PTR_ERR(file);

	err = luo_ucmd_respond_file(ucmd, sizeof(*cmd), &cmd->fd, file);
	if (err)
		luo_session_put_back(file);
	return err;
}

static const struct luo_ioctl_op luo_device_ops[] = {
	LUO_IOCTL_OP(LIVEUPDATE_IOCTL_CREATE_SESSION, luo_ioctl_create_session,
		     struct liveupdate_ioctl_create_session, name),
	LUO_IOCTL_OP(LIVEUPDATE_IOCTL_RETRIEVE_SESSION,
		     luo_ioctl_retrieve_session,
		     struct liveupdate_ioctl_retrieve_session, name),
};

static long luo_device_ioctl(struct file *file, unsigned int cmd,
			     unsigned long arg)
{
	return luo_ioctl(luo_device_ops, ARRAY_SIZE(luo_device_ops), NULL, cmd,
			 arg);
}

/*
 * The device.
 *
 * What the previous kernel left is listed when it is opened first: that takes
 * memory and time in proportion to the number of sessions, which the boot does
 * not have to wait for.
 */
static int luo_list_incoming(void)
{
	int err;

	if (luo.incoming_err)
		return -EIO;

	/* A damaged table harms those who ask for what is in it, nobody else. */
	err = luo_flb_deserialize();
	if (err == -ENOMEM)
		return err;

	err = luo_session_deserialize(luo.sessions_pa);
	if (!err || err == -ENOMEM)
		return err;

	luo.incoming_err = err;
	return -EIO;
}

static int luo_device_open(struct inode *inode, struct file *file)
{
	int err;

	if (atomic_cmpxchg_acquire(&luo.in_use, 0, 1))
		return -EBUSY;

	err = luo_list_incoming();
	if (err)
		atomic_set_release(&luo.in_use, 0);
	return err;
}

static int luo_device_release(struct inode *inode, struct file *file)
{
	atomic_set_release(&luo.in_use, 0);
	return 0;
}

static const struct file_operations luo_device_fops = {
	.owner = THIS_MODULE,
	.open = luo_device_open,
	.release = luo_device_release,
	.unlocked_ioctl = luo_device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice luo_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "liveupdate",
	.fops = &luo_device_fops,
	.mode = 0600,
};

/* Outgoing state */

static int __init luo_outgoing_init(void)
{
	struct luo_ser *ser;
	int err;

	ser = kho_alloc_preserve(sizeof(*ser));
	if (IS_ERR(ser))
		return PTR_ERR(ser);

	strscpy(ser->compatible, LUO_ABI_COMPATIBLE);
	ser->liveupdate_num = luo.liveupdate_num + 1;

	err = kho_add_subtree(LUO_KHO_ENTRY_NAME, ser, sizeof(*ser));
	if (err) {
		kho_unpreserve_free(ser);
		return err;
	}

	luo.outgoing_ser = ser;
	return 0;
}

static void __init luo_outgoing_exit(void)
{
	kho_remove_subtree(luo.outgoing_ser);
	kho_unpreserve_free(luo.outgoing_ser);
	luo.outgoing_ser = NULL;
}

/* The LUO part of both summaries in debugfs */

static int luo_show_outgoing(struct seq_file *m)
{
	seq_puts(m, "LUO: version ");
	kho_summary_quote(m, luo.outgoing_ser->compatible);
	seq_printf(m, ", live update %llu since cold boot\n",
		   luo.outgoing_ser->liveupdate_num);
	return luo_outgoing_show(m);
}

static int luo_show_incoming(struct seq_file *m)
{
	int err = READ_ONCE(luo.incoming_err);

	if (luo.incoming_compatible) {
		seq_puts(m, "LUO: version ");
		kho_summary_quote(m, luo.incoming_compatible);
		seq_printf(m, ", live update %llu since cold boot\n",
			   luo.liveupdate_num);
	} else if (!err) {
		seq_puts(m, "LUO: nothing was handed over\n");
	}
	if (err)
		seq_printf(m, "LUO: refused (%pe)\n", ERR_PTR(err));
	return luo_incoming_show(m);
}

static struct kho_summary luo_summary = {
	.show_out = luo_show_outgoing,
	.show_in = luo_show_incoming,
};

static int __init luo_late_init(void)
{
	int err;

	if (!liveupdate_enabled())
		return 0;

	/* All of it that is needed was copied. */
	if (luo.incoming_ser)
		kho_restore_free(luo.incoming_ser);
	luo.incoming_ser = NULL;

	err = luo_file_init();
	if (err)
		goto err_out;
	err = luo_session_init();
	if (err)
		goto err_file;
	err = luo_outgoing_init();
	if (err)
		goto err_session;
	err = misc_register(&luo_device);
	if (err)
		goto err_outgoing;

	kho_summary_register(&luo_summary);
	return 0;

err_outgoing:
	luo_outgoing_exit();
err_session:
	luo_session_exit();
err_file:
	luo_file_exit();
err_out:
	pr_err("no live update: %pe\n", ERR_PTR(err));
	luo.enabled = false;
	return err;
}
late_initcall(luo_late_init);

/**
 * liveupdate_reboot - hand all sessions over to the next kernel
 *
 * Called by reboot(LINUX_REBOOT_CMD_KEXEC) while everything still runs. Freezes
 * and serializes every outgoing session. When it fails, all of that is undone,
 * the sessions live on, and the reboot must be given up. When it succeeds,
 * outgoing sessions can't be changed any more, and the kexec must not fail.
 *
 * Context: May sleep. The caller holds the kexec lock.
 * Return: 0 on success or when there is nothing to hand over, -EINVAL when the
 * loaded image can't carry the sessions, or the error of the handler that
 * failed.
 */
int liveupdate_reboot(void)
{
	int err;

	if (!luo.outgoing_ser)
		return 0;

	err = luo_session_serialize(luo.outgoing_ser);
	if (err)
		pr_err("live update given up: %pe\n", ERR_PTR(err));
	return err;
}
