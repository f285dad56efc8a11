// SPDX-License-Identifier: GPL-2.0
/*
 * Live Update Orchestrator: boot, device, reboot
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

/**
 * DOC: Live Update Orchestrator
 *
 * LUO carries open files across a kexec. A program opens /dev/liveupdate, creates
 * sessions and puts file descriptors into them. Each kind of file has a handler
 * in the kernel, which uses KHO to preserve what belongs to the file.
 * reboot(LINUX_REBOOT_CMD_KEXEC) freezes and serializes all sessions. In the next
 * kernel, programs retrieve the sessions by name and the files by token.
 *
 * luo_core.c has the device, the initcalls and liveupdate_reboot(). The sessions
 * of both directions are in luo_session.c. luo_session_file.c lets programs use them,
 * luo_serialize.c writes them for the next kernel, and luo_incoming.c lists those of
 * the previous one. luo_file.c, luo_file_outgoing.c and luo_file_incoming.c do the same
 * for the files of a session. State that files share is in luo_flb.c, and the file
 * handlers are in luo_handler.c.
 */

#define pr_fmt(fmt) "LUO: " fmt

#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/luo.h>
#include <linux/kho/image.h>
#include <linux/liveupdate.h>
#include <linux/miscdevice.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "luo_internal.h"

/* Incoming state */

static int __init luo_read_incoming(void)
{
	struct luo_ser ser;
	phys_addr_t phys;
	size_t size;
	void *blob;
	int err;

	err = kho_retrieve_subtree(LUO_KHO_ENTRY_NAME, &phys, &size);
	if (err == -ENOENT)
		return 0;
	if (err) {
		pr_err("incoming state can't be found: %pe\n", ERR_PTR(err));
		return err;
	}

	blob = phys_to_virt(phys);
	luo_core.refused = blob;
	luo_core.refused_size = size;
	err = luo_read_ser("LUO", blob, size, &ser);
	if (err)
		return err;

	luo_core.incoming_compatible = kstrndup(blob, size, GFP_KERNEL);
	if (!luo_core.incoming_compatible)
		return -ENOMEM;

	luo_core.refused = NULL;
	luo_core.incoming_ser = blob;
	luo_core.liveupdate_num = ser.liveupdate_num;
	luo_session_set_incoming(ser.sessions_pa, 0);
	luo_flb_set_incoming(ser.flbs_pa, 0);
	pr_info("live update %llu since cold boot\n", ser.liveupdate_num);
	return 0;
}

/* It is too early to free incoming_ser: struct pages may not be initialized. */
static int __init luo_early_init(void)
{
	int err;

	if (!liveupdate_enabled() || !is_kho_boot())
		return 0;

	err = luo_read_incoming();
	if (err) {
		luo_session_set_incoming(0, err);
		luo_flb_set_incoming(0, err);
	}
	return 0;
}
early_initcall(luo_early_init);

/* The device's ioctls */

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
		fput(file);
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

/* The device */

/*
 * Called with misc_mtx held, which every open of a misc device needs. So don't list
 * the incoming sessions here.
 */
static int luo_device_open(struct inode *inode, struct file *file)
{
	return atomic_cmpxchg_acquire(&luo_core.in_use, 0, 1) ? -EBUSY : 0;
}

static int luo_device_release(struct inode *inode, struct file *file)
{
	atomic_set_release(&luo_core.in_use, 0);
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
	void *blob;
	int err;

	blob = kho_alloc_preserve(sizeof(struct luo_ser));
	if (IS_ERR(blob))
		return PTR_ERR(blob);

	luo_core.outgoing_blob = blob;
	luo_core.outgoing.liveupdate_num = luo_core.liveupdate_num + 1;
	err = kho_add_subtree(LUO_KHO_ENTRY_NAME, blob, luo_write_outgoing());
	if (err) {
		kho_unpreserve_free(blob);
		luo_core.outgoing_blob = NULL;
	}
	return err;
}

static void __init luo_outgoing_exit(void)
{
	kho_remove_subtree(luo_core.outgoing_blob);
	kho_unpreserve_free(luo_core.outgoing_blob);
	luo_core.outgoing_blob = NULL;
}

/*
 * Replace the blob of LUO by another one, or by one of another size. The root FDT has room
 * for it, so this does not fail unless its memory is damaged.
 */
static int luo_replace_subtree(void *old, void *blob, size_t size)
{
	kho_remove_subtree(old);
	return kho_add_subtree(LUO_KHO_ENTRY_NAME, blob, size);
}

/*
 * State of the previous kernel that was refused is handed on as it came, because another
 * kernel may be able to read it: for example the one that it came from. There can be
 * one state only, so this is not possible if there are sessions of this kernel. Mainline
 * panics if it can't read it.
 */
static bool luo_hands_refused_on(void)
{
	return luo_core.refused && !luo_outgoing.count && luo_form == KHO_FORM_COMPOSED;
}

static int luo_hand_on_refused(void)
{
	int err = kho_preserve_incoming();

	if (err)
		return err;
	/* This kernel has reserved the memory that its address leads to. */
	if (!kho_outgoing_contains(virt_to_phys(luo_core.refused), luo_core.refused_size)) {
		pr_warn("state of the previous kernel that can't be read is not handed on: it is not in preserved memory\n");
		luo_core.refused = NULL;
		return 0;
	}

	luo_core.refused_again = true;
	return luo_replace_subtree(luo_core.outgoing_blob, luo_core.refused,
				   luo_core.refused_size);
}

/* Let the root FDT refer to the state that the next kernel gets. */
static int luo_choose_subtree(void)
{
	if (luo_hands_refused_on())
		return luo_hand_on_refused();

	return luo_form == KHO_FORM_COMPOSED ? 0 :
	       luo_replace_subtree(luo_core.outgoing_blob, luo_core.outgoing_blob,
				   luo_write_outgoing());
}

/* Undo luo_choose_subtree() unless sessions were serialized. */
static void luo_restore_subtree(void)
{
	void *old = luo_core.refused_again ? luo_core.refused : luo_core.outgoing_blob;
	bool changed = luo_core.refused_again || luo_form != KHO_FORM_COMPOSED;

	if (!changed || luo_frozen)
		return;

	luo_core.refused_again = false;
	luo_form = KHO_FORM_COMPOSED;
	WARN_ON_ONCE(luo_replace_subtree(old, luo_core.outgoing_blob, luo_write_outgoing()));
}

static void luo_report_refused(void)
{
	/* Otherwise the image can't carry anything. */
	if (!luo_core.refused || !luo_frozen)
		return;

	if (luo_core.refused_again)
		pr_info("state of the previous kernel that can't be read is handed on as it came\n");
	else if (luo_form == KHO_FORM_MAINLINE)
		pr_warn("state of the previous kernel that can't be read is not handed on: mainline could not boot with it\n");
	else
		pr_warn("state of the previous kernel that can't be read is not handed on, because there are new sessions\n");
}

static const struct kho_image_switch luo_switch = {
	.option = "liveupdate",
	.off = "liveupdate= on its command line is off",
};

/* With LUO off, sessions are not read and so can't be handed on. Report their number. */
static void __init luo_report_dropped(void)
{
	struct luo_ser ser;
	phys_addr_t phys;
	size_t size;
	u64 count;

	if (kho_retrieve_subtree(LUO_KHO_ENTRY_NAME, &phys, &size) ||
	    luo_read_ser("LUO", phys_to_virt(phys), size, &ser))
		return;

	count = luo_session_count(ser.sessions_pa);
	if (count)
		pr_warn("off in this kernel: %llu session(s) of the previous kernel are dropped\n",
			count);
}

static int __init luo_late_init(void)
{
	int err;

	if (!liveupdate_enabled()) {
		luo_report_dropped();
		return 0;
	}

	/* luo_read_incoming() copied what is needed of it. */
	if (luo_core.incoming_ser)
		kho_restore_free(luo_core.incoming_ser);
	luo_core.incoming_ser = NULL;

	err = luo_file_kinds_init();
	if (err)
		goto err_out;
	err = luo_file_init();
	if (err)
		goto err_kinds;
	err = luo_session_init();
	if (err)
		goto err_file;
	err = luo_outgoing_init();
	if (err)
		goto err_session;
	err = misc_register(&luo_device);
	if (err)
		goto err_outgoing;
	kho_add_image_switch(&luo_switch);
	return 0;

err_outgoing:
	luo_outgoing_exit();
err_session:
	luo_session_exit();
err_file:
	luo_file_exit();
err_kinds:
	luo_file_kinds_exit();
err_out:
	pr_err("no live update: %pe\n", ERR_PTR(err));
	luo_disable();
	return err;
}
late_initcall(luo_late_init);

/**
 * liveupdate_reboot_lock - wait for changes of sessions, and keep others out
 *
 * reboot(LINUX_REBOOT_CMD_KEXEC) calls this before it takes other locks. Another
 * task may be preserving a large file. Files that are handed on are preserved here, and
 * the file handlers check what all files have preserved. If the kexec lock were held
 * meanwhile, a panic could not boot the crash kernel. The system could not be rebooted in
 * another way, either, if system_transition_mutex were held.
 *
 * Context: May sleep, ends on a fatal signal.
 * Return: 0, after which the caller must call liveupdate_reboot_unlock(), -EINTR,
 * -EIO if what is handed over is damaged, -EBUSY if all sessions were handed over already,
 * -EEXIST if a new session has the name of an incoming one that was not retrieved, -ENOMEM,
 * or the error of the handler that failed. After an error nothing is preserved again.
 */
int liveupdate_reboot_lock(void)
{
	int err;

	err = luo_session_freeze_lock();
	if (err || !luo_core.outgoing_blob)
		return err;

	err = kho_peek_image_form(&luo_form);
	err = err ?: luo_session_prepare();
	if (err)
		goto err_restore;
	err = luo_choose_subtree();
	err = err ?: luo_session_verify_prepared();
	if (err)
		goto err_unprepare;
	return 0;

err_unprepare:
	luo_session_unprepare();
err_restore:
	luo_restore_subtree();
	pr_err("live update given up: %pe\n", ERR_PTR(err));
	luo_session_freeze_unlock();
	return err;
}

/**
 * liveupdate_reboot_unlock - undo liveupdate_reboot_lock()
 *
 * Context: May sleep.
 */
void liveupdate_reboot_unlock(void)
{
	if (luo_core.outgoing_blob) {
		luo_session_unprepare();
		luo_restore_subtree();
	}
	luo_session_freeze_unlock();
}

/**
 * liveupdate_reboot - hand all sessions over to the next kernel
 *
 * reboot(LINUX_REBOOT_CMD_KEXEC) calls this before anything is shut down. It
 * freezes and serializes every outgoing session, and every incoming one that is not
 * finished, and checks that the next kernel can read all that is handed over. If that
 * fails, it is undone, and the caller must give up the reboot. After success sessions
 * can't be changed any more, and the kexec must not fail.
 *
 * Context: May sleep. The caller must hold the lock of liveupdate_reboot_lock(), and
 * the kexec lock.
 * Return: 0 on success or if there is nothing to hand over, -EINVAL if the loaded
 * image can't carry or read the sessions, -EIO if what is handed over is damaged, -EBUSY if
 * it needs another form than the one that was loaded when the lock was taken, -ENOMEM, or
 * the error of the handler that failed.
 */
int liveupdate_reboot(void)
{
	int err;

	if (!luo_core.outgoing_blob)
		return kho_verify_reboot();

	err = luo_session_serialize(&luo_core.outgoing);
	if (err)
		pr_err("live update given up: %pe\n", ERR_PTR(err));
	luo_report_refused();
	return err;
}
