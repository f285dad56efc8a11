// SPDX-License-Identifier: GPL-2.0
/*
 * Live Update Orchestrator: the files that the previous kernel handed over
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#define pr_fmt(fmt) "LUO: " fmt

#include <linux/bug.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kho/block.h>
#include <linux/list.h>
#include <linux/liveupdate.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "luo_internal.h"

/* Arguments of the callbacks that retrieve and finish a file of the previous kernel */
static struct liveupdate_file_op_args luo_file_in_args(const struct luo_file *lf)
{
	return (struct liveupdate_file_op_args) {
		.handler = lf->handler,
		.retrieve_status = lf->retrieve_status,
		.file = lf->file,
		.serialized_data = lf->in.data,
		.private_data = lf->in.private_data,
		.incoming_compatible = lf->compatible,
	};
}

/* A duplicate token is ambiguous, refuse both files. */
static void luo_file_refuse_duplicate(struct luo_file *lf)
{
	struct luo_file *other = luo_file_find(lf->key.set, lf->key.token);

	pr_err("incoming token %#llx exists twice in its session\n",
	       lf->key.token);
	lf->damaged = true;
	if (other)
		other->damaged = true;
}

static int luo_file_count_kind(struct luo_file *lf)
{
	struct luo_file_kind *kind = luo_file_kind_get(lf->compatible);

	if (IS_ERR(kind))
		return PTR_ERR(kind);
	lf->kind = kind;
	return 0;
}

static int luo_file_add_incoming(struct luo_file_set *set,
				 const struct luo_file_ser *ser)
{
	struct luo_file *lf;
	int err;

	lf = luo_file_alloc(set, ser->token);
	if (!lf)
		return -ENOMEM;

	lf->in.data = ser->data;
	if (strscpy(lf->compatible, ser->compatible) < 0) {
		pr_err("incoming file with token %#llx has an endless version string\n",
		       lf->key.token);
		lf->damaged = true;
		lf->compatible[0] = '\0';
	}

	err = luo_file_count_kind(lf);
	if (err)
		goto err_free;

	err = luo_file_add_key(lf);
	if (err == -EEXIST)
		luo_file_refuse_duplicate(lf);
	else if (err)
		goto err_free;

	list_add_tail(&lf->list, &set->files);
	set->count++;
	return 0;

err_free:
	luo_file_free(lf);
	return err;
}

static void luo_file_free_all(struct luo_file_set *set)
{
	struct luo_file *lf, *next;

	list_for_each_entry_safe(lf, next, &set->files, list)
		luo_file_free(lf);
	set->count = 0;
}

/**
 * luo_file_deserialize - list the files of an incoming session
 * @set: the session's files, empty
 * @ser: the address and the number of their entries
 *
 * Files whose entries are damaged are listed as well, and discarded when the
 * session is finished. If the list itself is refused, its memory and all that the
 * entries refer to stay reserved.
 *
 * Context: May sleep. No other task can use the session yet.
 * Return: 0, -ENOMEM, after which it can be called again, or another error if the
 * list is damaged.
 */
int luo_file_deserialize(struct luo_file_set *set,
			 const struct luo_file_set_ser *ser)
{
	struct luo_file_ser *entry;
	struct kho_block_it it;
	int err;

	/* An earlier call that failed with -ENOMEM may have restored the blocks. */
	if (!set->blocks.nr_blocks) {
		err = kho_block_restore(&set->blocks, ser->files);
		if (err)
			return err;
	}

	kho_block_it_init(&it, &set->blocks);
	while ((entry = kho_block_it_read(&it))) {
		err = luo_file_add_incoming(set, entry);
		if (err)
			goto err_free;
	}

	if (set->count != ser->count) {
		pr_err("incoming session has %llu files, not %llu\n",
		       set->count, ser->count);
		err = -EINVAL;
		goto err_free;
	}

	kho_block_destroy(&set->blocks);
	return 0;

err_free:
	luo_file_free_all(set);
	return err;
}

static int luo_file_bind_handler(struct luo_file *lf)
{
	struct liveupdate_file_handler *fh;

	if (lf->handler)
		return 0;

	fh = luo_file_handler_get_incoming(lf->compatible);
	if (IS_ERR(fh))
		return PTR_ERR(fh);
	lf->handler = fh;
	return 0;
}

/*
 * All errors of retrieve() except -EAGAIN and -EINTR are final. The lack of a handler
 * is not: it can be registered later.
 */
static int luo_file_retrieve_once(struct luo_file *lf)
{
	struct liveupdate_file_op_args args;
	int err;

	err = luo_file_bind_handler(lf);
	if (err)
		return err;

	args = luo_file_in_args(lf);
	err = lf->handler->ops->retrieve(&args);
	luo_file_take_args(&lf->in, &args);
	if (err == -EAGAIN)
		return -ENOMEM;
	if (err == -EINTR)
		return err;

	/* The next kernel may be able to read it: the one that it came from, for example. */
	lf->unread = err == -EPROTONOSUPPORT;

	/* Programs can retry after -ENOMEM, so a final error must be another one. */
	if (err == -ENOMEM || lf->unread || (!err && WARN_ON_ONCE(!args.file)))
		err = -EIO;
	if (err) {
		pr_err("'%s' can't retrieve file with token %#llx: %pe\n",
		       lf->handler->compatible, lf->key.token, ERR_PTR(err));
		lf->retrieve_status = err;
		return err;
	}

	lf->file = args.file;
	lf->retrieve_status = 1;
	return 0;
}

/**
 * luo_file_retrieve - retrieve a file of an incoming session
 * @set: the session's files
 * @token: identifies the file in the session
 *
 * Context: May sleep. The caller must hold the session's lock.
 * Return: the open file with a reference, or an ERR_PTR: -ENOENT if there is no
 * such file or no handler for it, -EIO if its entry is damaged or its version is
 * not supported, -ENOMEM or -EINTR, after which it can be called again, or the final
 * error of the handler.
 */
struct file *luo_file_retrieve(struct luo_file_set *set, u64 token)
{
	struct luo_file *lf;
	int err;

	lf = luo_file_find(set, token);
	if (!lf)
		return ERR_PTR(-ENOENT);
	if (lf->damaged)
		return ERR_PTR(-EIO);
	if (lf->retrieve_status < 0)
		return ERR_PTR(lf->retrieve_status);

	if (!lf->retrieve_status) {
		err = luo_file_retrieve_once(lf);
		if (err)
			return ERR_PTR(err);
	}

	/* An earlier call may have failed here with -ENOMEM. */
	if (!lf->has_id) {
		err = luo_file_add_id(lf);
		if (err)
			return ERR_PTR(err);
	}

	return get_file(lf->file);
}

static bool luo_file_can_finish(struct luo_file *lf)
{
	struct liveupdate_file_op_args args;

	/* A file without a handler was not retrieved, so it is ready. */
	if (luo_file_bind_handler(lf) || !lf->handler->ops->can_finish)
		return true;

	args = luo_file_in_args(lf);
	return lf->handler->ops->can_finish(&args);
}

static void luo_file_finish(struct luo_file *lf)
{
	struct liveupdate_file_op_args args = luo_file_in_args(lf);

	if (!lf->handler) {
		pr_warn("no handler for '%*pE' with token %#llx, its memory stays reserved\n",
			(int)strlen(lf->compatible), lf->compatible,
			lf->key.token);
		return;
	}

	lf->handler->ops->finish(&args);
}

/**
 * luo_file_finish_all - finish all files of an incoming session
 * @set: the session's files
 *
 * Files that were not retrieved are discarded.
 *
 * Context: May sleep. The caller must hold the session's lock.
 * Return: 0, or -EBUSY if a file is not ready. Then no file was finished.
 */
int luo_file_finish_all(struct luo_file_set *set)
{
	struct luo_file *lf, *next;

	list_for_each_entry(lf, &set->files, list) {
		if (!luo_file_can_finish(lf))
			return -EBUSY;
	}

	list_for_each_entry_safe_reverse(lf, next, &set->files, list) {
		luo_file_finish(lf);
		luo_file_free(lf);
	}
	set->count = 0;
	luo_flb_finish_unused();
	return 0;
}

/* Incoming files at the next kexec */

/**
 * luo_file_retrieve_all - retrieve the files of an incoming session that is replaced
 * @set: the session's files, not finished
 *
 * Files that were retrieved own their memory. That of others is handed on.
 *
 * Context: May sleep, before reboot() takes the kexec lock. The caller must hold the
 * session's lock.
 * Return: 0, -ENOMEM or -EINTR. Then some of the files were retrieved.
 */
int luo_file_retrieve_all(struct luo_file_set *set)
{
	struct luo_file *lf;
	int err;

	list_for_each_entry(lf, &set->files, list) {
		err = lf->retrieve_status ? 0 : luo_file_retrieve_once(lf);
		if (err == -ENOMEM || err == -EINTR)
			return err;
		if (err)
			pr_warn("file with token %#llx of a replaced session can't be retrieved: its memory stays reserved until a cold boot\n",
				lf->key.token);
	}
	return 0;
}

/*
 * Return whether a file has to be converted for mainline, even if mainline could read its
 * version: what it would lose is known only to the handler.
 */
static bool luo_file_must_convert(struct luo_file *lf)
{
	return luo_form == KHO_FORM_MAINLINE && !lf->damaged && !luo_file_bind_handler(lf) &&
	       lf->handler->ops->convert;
}

/*
 * Prepare an incoming file for the next kernel. If it was retrieved in part, its memory
 * is neither in the old state nor in a file. So retrieve the rest. A file has to be
 * retrieved to be converted, too.
 */
static int luo_file_preserve_one_again(struct luo_file *lf)
{
	int err;

	if (!lf->retrieve_status && (lf->in.private_data || luo_file_must_convert(lf))) {
		err = luo_file_retrieve_once(lf);
		if (err && !luo_file_is_lost(lf))
			return err;
	}

	if (luo_file_is_lost(lf)) {
		pr_warn("file with token %#llx could not be retrieved and is not handed on\n",
			lf->key.token);
		return 0;
	}
	if (!luo_file_is_open(lf))
		return 0;

	err = luo_file_call_preserve(lf);
	if (err)
		pr_err("'%s' can't preserve file with token %#llx again: %pe\n",
		       lf->handler->compatible, lf->key.token, ERR_PTR(err));
	return err;
}

static void luo_file_unpreserve_one_again(struct luo_file *lf)
{
	if (luo_file_is_open(lf))
		luo_file_call_unpreserve(lf);
}

/**
 * luo_file_preserve_again - prepare the files of an incoming session for the next kernel
 * @set: the session's files, not finished
 *
 * Preserve the files that were retrieved, and make room for the entries of all. After
 * that luo_file_freeze_all() can serialize them.
 *
 * Context: May sleep, before reboot() takes the kexec lock. The caller must hold the
 * session's lock.
 * Return: 0, -ENOMEM, or the error of the handler that failed. After a failure no file
 * is preserved.
 */
int luo_file_preserve_again(struct luo_file_set *set)
{
	struct luo_file *lf;
	u64 count = 0;
	int err;

	list_for_each_entry(lf, &set->files, list) {
		err = luo_file_preserve_one_again(lf);
		if (err)
			goto err_unpreserve;
		if (!luo_file_is_lost(lf))
			count++;
	}

	err = count ? kho_block_grow(&set->blocks, count - 1) : 0;
	if (!err)
		return 0;

	kho_block_destroy(&set->blocks);
err_unpreserve:
	list_for_each_entry_continue_reverse(lf, &set->files, list)
		luo_file_unpreserve_one_again(lf);
	return err;
}

/**
 * luo_file_unpreserve_again - undo luo_file_preserve_again()
 * @set: the session's files
 *
 * Context: May sleep, after reboot() was given up. The caller must hold the session's
 * lock.
 */
void luo_file_unpreserve_again(struct luo_file_set *set)
{
	struct luo_file *lf;

	kho_block_destroy(&set->blocks);
	list_for_each_entry_reverse(lf, &set->files, list)
		luo_file_unpreserve_one_again(lf);
}
