// SPDX-License-Identifier: GPL-2.0
/*
 * Live Update Orchestrator: files that are preserved for the next kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#define pr_fmt(fmt) "LUO: " fmt

#include <linux/bug.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/kho/block.h>
#include <linux/kho/image.h>
#include <linux/list.h>
#include <linux/liveupdate.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "luo_internal.h"

/**
 * luo_file_preserve - preserve a file in an outgoing session
 * @set: the session's files
 * @fd: the file's descriptor in the current process
 * @token: identifies the file in the session
 *
 * Context: May sleep. The caller must hold the session's lock, and exclude
 * liveupdate_reboot().
 * Return: 0, -EBADF, -EEXIST if the token is taken, -ENOENT if no handler takes
 * this kind of file, -EBUSY if it is preserved already, -ENOMEM, or the error of
 * the handler.
 */
int luo_file_preserve(struct luo_file_set *set, int fd, u64 token)
{
	struct liveupdate_file_handler *fh;
	struct luo_file *lf;
	int err;

	lf = luo_file_alloc(set, token);
	if (!lf)
		return -ENOMEM;

	err = -EBADF;
	lf->file = fget(fd);
	if (!lf->file)
		goto err_free;

	err = luo_file_add_key(lf);
	if (err)
		goto err_free;

	fh = luo_file_handler_get(lf->file);
	if (IS_ERR(fh)) {
		err = PTR_ERR(fh);
		goto err_free;
	}
	lf->handler = fh;

	err = luo_file_add_id(lf);
	if (err)
		goto err_free;

	err = kho_block_grow(&set->blocks, set->count);
	if (err)
		goto err_free;
	err = luo_file_call_preserve(lf);
	if (err)
		goto err_shrink;

	list_add_tail(&lf->list, &set->files);
	set->count++;
	return 0;

err_shrink:
	kho_block_shrink(&set->blocks, set->count);
err_free:
	luo_file_free(lf);
	return err;
}

/**
 * luo_file_unpreserve_all - unpreserve all files of an outgoing session
 * @set: the session's files
 *
 * Context: May sleep. The caller must hold the session's lock, and exclude
 * liveupdate_reboot().
 */
void luo_file_unpreserve_all(struct luo_file_set *set)
{
	struct luo_file *lf, *next;

	list_for_each_entry_safe_reverse(lf, next, &set->files, list) {
		luo_file_call_unpreserve(lf);
		luo_file_free(lf);
	}
	set->count = 0;
	kho_block_destroy(&set->blocks);
}

/* The form that mainline reads */

static int luo_file_convert(struct luo_file *lf)
{
	struct liveupdate_file_op_args args = luo_file_out_args(lf);
	int err;

	if (!luo_file_is_open(lf) || !lf->handler->ops->convert)
		return 0;

	err = lf->handler->ops->convert(&args);
	if (err == -EINTR)
		return err;
	if (err) {
		pr_err("'%s' can't hand over file with token %#llx as '%s': %pe%s\n",
		       lf->handler->compatible, lf->key.token, lf->handler->mainline,
		       ERR_PTR(err), err != -EOPNOTSUPP ? "" :
		       "; load another kernel, or close or finish the session");
		return err;
	}

	luo_file_take_args(&lf->out, &args);
	lf->converted = true;
	return 0;
}

static void luo_file_unconvert(struct luo_file *lf)
{
	struct liveupdate_file_op_args args = luo_file_out_args(lf);

	if (!lf->converted)
		return;

	lf->handler->ops->unconvert(&args);
	luo_file_take_args(&lf->out, &args);
	lf->converted = false;
}

/**
 * luo_file_convert_all - serialize the files of a session in the version of mainline
 * @set: the session's files, outgoing, or incoming after luo_file_preserve_again()
 *
 * Context: May sleep, before reboot() takes the kexec lock. The caller must hold the
 * session's lock.
 * Return: 0, or the error of the handler that failed. After a failure no file is converted.
 */
int luo_file_convert_all(struct luo_file_set *set)
{
	struct luo_file *lf;
	int err;

	list_for_each_entry(lf, &set->files, list) {
		err = luo_file_convert(lf);
		if (err)
			goto err_unconvert;
	}
	return 0;

err_unconvert:
	list_for_each_entry_continue_reverse(lf, &set->files, list)
		luo_file_unconvert(lf);
	return err;
}

/**
 * luo_file_unconvert_all - undo luo_file_convert_all()
 * @set: the session's files
 *
 * Context: May sleep, after reboot() was given up. The caller must hold the session's lock.
 */
void luo_file_unconvert_all(struct luo_file_set *set)
{
	struct luo_file *lf;

	list_for_each_entry_reverse(lf, &set->files, list)
		luo_file_unconvert(lf);
}

/* Serialization */

static int luo_file_call_freeze(struct luo_file *lf)
{
	struct liveupdate_file_op_args args = luo_file_out_args(lf);
	int err;

	if (!luo_file_is_open(lf) || !lf->handler->ops->freeze)
		return 0;

	err = lf->handler->ops->freeze(&args);
	if (!err)
		luo_file_take_args(&lf->out, &args);
	return err;
}

static void luo_file_call_unfreeze(struct luo_file *lf)
{
	struct liveupdate_file_op_args args = luo_file_out_args(lf);

	if (!luo_file_is_open(lf) || !lf->handler->ops->unfreeze)
		return;

	lf->handler->ops->unfreeze(&args);
	luo_file_take_args(&lf->out, &args);
}

/* Return what luo_store_version() makes the version string for the next kernel of. */
static const char *luo_file_compatible(const struct luo_file *lf)
{
	if (lf->converted)
		return lf->handler->mainline;
	return luo_file_is_open(lf) ? lf->handler->compatible : lf->compatible;
}

/**
 * luo_file_check_readable - check whether the next kernel reads the files of a session
 * @set: the session's files, outgoing, or incoming after luo_file_preserve_again()
 *
 * Context: May sleep, in liveupdate_reboot(). The caller must hold the session's lock.
 * Return: 0, or -EINVAL if it is known that it does not.
 */
int luo_file_check_readable(const struct luo_file_set *set)
{
	char version[LIVEUPDATE_HNDL_COMPAT_LENGTH];
	const char *compatible, *checked = NULL;
	const struct luo_file *lf;

	list_for_each_entry(lf, &set->files, list) {
		if (luo_file_is_lost(lf))
			continue;
		/* Most files of a session have the same handler. */
		compatible = luo_file_compatible(lf);
		if (checked && !strcmp(compatible, checked))
			continue;
		if (luo_store_version(version, compatible) || !kho_image_reads_file(version)) {
			pr_err("the loaded kernel can't read '%s', the file with token %#llx; load another kernel, or close or finish the session\n",
			       compatible, lf->key.token);
			return -EINVAL;
		}
		checked = compatible;
	}
	return 0;
}

/* luo_file_check_readable() has stored the version string before. */
static void luo_file_store(const struct luo_file *lf, struct luo_file_ser *ser)
{
	luo_store_version(ser->compatible, luo_file_compatible(lf));
	ser->data = luo_file_is_open(lf) ? lf->out.data : lf->in.data;
	ser->token = lf->key.token;
}

static int luo_file_freeze(struct luo_file *lf, struct kho_block_it *it)
{
	struct luo_file_ser *ser;
	int err;

	ser = kho_block_it_next(it);
	if (WARN_ON_ONCE(!ser))
		return -ENOSPC;

	err = luo_file_call_freeze(lf);
	if (err) {
		pr_err("'%s' can't freeze file with token %#llx: %pe\n",
		       lf->handler->compatible, lf->key.token, ERR_PTR(err));
		return err;
	}

	luo_file_store(lf, ser);
	return 0;
}

/**
 * luo_file_freeze_all - freeze and serialize the files of a session
 * @set: the session's files, outgoing, or incoming after luo_file_preserve_again()
 * @ser: where to store the address and the number of their entries
 *
 * Context: May sleep, in liveupdate_reboot(). The caller must hold the session's
 * lock.
 * Return: 0, or the error of the handler that failed. After a failure no file is
 * frozen.
 */
int luo_file_freeze_all(struct luo_file_set *set, struct luo_file_set_ser *ser)
{
	struct kho_block_it it;
	struct luo_file *lf;
	u64 count = 0;
	int err;

	kho_block_it_init(&it, &set->blocks);
	list_for_each_entry(lf, &set->files, list) {
		if (luo_file_is_lost(lf))
			continue;
		err = luo_file_freeze(lf, &it);
		if (err)
			goto err_unfreeze;
		count++;
	}
	kho_block_it_finalize(&it);
	/* Mainline refuses empty blocks. */
	kho_block_shrink(&set->blocks, count);

	ser->files = kho_block_set_head_pa(&set->blocks);
	ser->count = count;
	return 0;

err_unfreeze:
	list_for_each_entry_continue_reverse(lf, &set->files, list)
		luo_file_call_unfreeze(lf);
	return err;
}

/**
 * luo_file_unfreeze_all - undo luo_file_freeze_all()
 * @set: the session's files
 *
 * Context: May sleep, in liveupdate_reboot(). The caller must hold the session's
 * lock.
 */
void luo_file_unfreeze_all(struct luo_file_set *set)
{
	struct luo_file *lf;

	list_for_each_entry_reverse(lf, &set->files, list)
		luo_file_call_unfreeze(lf);
}

/* Verification */

static int luo_file_verify(const struct luo_file *lf, bool frozen)
{
	struct liveupdate_file_op_args args = luo_file_out_args(lf);
	int err;

	args.frozen = frozen;

	if (!luo_file_is_open(lf) || !lf->handler->ops->verify)
		return 0;

	err = lf->handler->ops->verify(&args);
	if (err && err != -EINTR && (frozen || err != -ENOMEM))
		pr_err("'%s' can't read back file with token %#llx: %pe\n",
		       lf->handler->compatible, lf->key.token, ERR_PTR(err));
	return err;
}

/* Check that the next entry is the one of the file. */
static int luo_file_verify_entry(const struct luo_file *lf, struct kho_block_it *it)
{
	const struct luo_file_ser *ser = kho_block_it_read(it);
	struct luo_file_ser expected;

	luo_file_store(lf, &expected);
	if (ser && !memcmp(ser, &expected, sizeof(expected)))
		return 0;

	pr_err("entry of outgoing file with token %#llx is damaged\n", lf->key.token);
	return -EIO;
}

/**
 * luo_file_verify_all - check that the next kernel can read the files of a session
 * @set: the session's files
 * @ser: what luo_file_freeze_all() has stored, NULL if the files are not frozen
 *
 * Files that are frozen must have been checked before, in the same reboot().
 *
 * Context: May sleep. The caller must hold the session's lock.
 * Return: 0, -EIO, -EINTR if a fatal signal is pending, or -ENOMEM if files that are not
 * frozen lack something that memory was too short for, and no other file is damaged.
 */
int luo_file_verify_all(struct luo_file_set *set, const struct luo_file_set_ser *ser)
{
	struct kho_block_it it;
	struct luo_file *lf;
	u64 count = 0;
	int err, incomplete = 0;

	kho_block_it_init(&it, &set->blocks);
	if (ser && ser->files && kho_block_verify(&set->blocks, ser->files))
		return -EIO;

	list_for_each_entry(lf, &set->files, list) {
		if (luo_file_is_lost(lf))
			continue;
		if (ser && luo_file_verify_entry(lf, &it))
			return -EIO;
		err = luo_file_verify(lf, ser);
		if (!ser && err == -ENOMEM)
			incomplete = err;
		else if (err)
			return err == -EINTR ? err : -EIO;
		count++;
		cond_resched();
	}
	if (!ser)
		return incomplete;
	if (ser->count == count && !kho_block_it_read(&it) && !ser->files == !count)
		return 0;

	pr_err("list of outgoing files is damaged: it has %llu files, not %llu\n", ser->count,
	       count);
	return -EIO;
}
