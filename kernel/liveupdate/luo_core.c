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
#include <linux/kstrtox.h>
#include <linux/liveupdate.h>
#include <linux/miscdevice.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "luo_internal.h"

struct luo_state luo_state;

static int __init luo_parse_param(char *arg)
{
	return kstrtobool(arg, &luo_state.enabled);
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
	return luo_state.enabled && kho_is_enabled();
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

	luo_state.incoming_compatible = kstrndup(phys_to_virt(phys), size, GFP_KERNEL);
	if (!luo_state.incoming_compatible)
		return -ENOMEM;

	luo_state.incoming_ser = phys_to_virt(phys);
	luo_state.liveupdate_num = ser.liveupdate_num;
	luo_state.sessions_pa = ser.sessions_pa;
	luo_flb_set_incoming(ser.flbs_pa, 0);
	pr_info("live update %llu since cold boot\n", luo_state.liveupdate_num);
	return 0;
}

/* Reads only: struct pages may not be ready to be freed yet. */
static int __init luo_early_init(void)
{
	if (luo_state.enabled && !kho_is_enabled())
		pr_warn("disabled, it needs kexec handover (kho=on)\n");

	if (liveupdate_enabled() && is_kho_boot())
		luo_state.incoming_err = luo_read_incoming();
	if (luo_state.incoming_err)
		luo_flb_set_incoming(0, luo_state.incoming_err);

	return 0;
}
early_initcall(luo_early_init);

/* Requests */

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

	if (luo_state.incoming_err)
		return -EIO;

	/* A damaged table harms those who ask for what is in it, nobody else. */
	err = luo_flb_deserialize();
	if (err == -ENOMEM)
		return err;

	err = luo_session_deserialize(luo_state.sessions_pa);
	if (!err || err == -ENOMEM)
		return err;

	luo_state.incoming_err = err;
	return -EIO;
}

static int luo_device_open(struct inode *inode, struct file *file)
{
	int err;

	if (atomic_cmpxchg_acquire(&luo_state.in_use, 0, 1))
		return -EBUSY;

	err = luo_list_incoming();
	if (err)
		atomic_set_release(&luo_state.in_use, 0);
	return err;
}

static int luo_device_release(struct inode *inode, struct file *file)
{
	atomic_set_release(&luo_state.in_use, 0);
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
	ser->liveupdate_num = luo_state.liveupdate_num + 1;

	err = kho_add_subtree(LUO_KHO_ENTRY_NAME, ser, sizeof(*ser));
	if (err) {
		kho_unpreserve_free(ser);
		return err;
	}

	luo_state.outgoing_ser = ser;
	return 0;
}

static void __init luo_outgoing_exit(void)
{
	kho_remove_subtree(luo_state.outgoing_ser);
	kho_unpreserve_free(luo_state.outgoing_ser);
	luo_state.outgoing_ser = NULL;
}

static int __init luo_late_init(void)
{
	int err;

	if (!liveupdate_enabled())
		return 0;

	/* All of it that is needed was copied. */
	if (luo_state.incoming_ser)
		kho_restore_free(luo_state.incoming_ser);
	luo_state.incoming_ser = NULL;

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

	return 0;

err_outgoing:
	luo_outgoing_exit();
err_session:
	luo_session_exit();
err_file:
	luo_file_exit();
err_out:
	pr_err("no live update: %pe\n", ERR_PTR(err));
	luo_state.enabled = false;
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

	if (!luo_state.outgoing_ser)
		return 0;

	err = luo_session_serialize(luo_state.outgoing_ser);
	if (err)
		pr_err("live update given up: %pe\n", ERR_PTR(err));
	return err;
}
