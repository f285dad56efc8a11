// SPDX-License-Identifier: GPL-2.0
/*
 * Live Update Orchestrator: one file of a session, and the tables of all files
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

/**
 * DOC: LUO files
 *
 * LUO does not know the content of files. The handler of a file preserves it, and
 * creates it again in the next kernel. For each file, LUO hands over its token,
 * the version string of its handler, and one number of the handler's choice.
 *
 * Files are in two hash tables. One finds a file by session and token. The other
 * finds preserved and retrieved files by the number that identifies them to their
 * handler, so that no file is preserved twice. A retrieved file stays in both until
 * it is finished.
 *
 * The handler of an incoming file is looked up on first use, so it can be in a
 * module that is loaded long after boot.
 *
 * A file can have two states: the one that the previous kernel handed over, and the one
 * that is preserved for the next kernel. An incoming file gets both if its session is
 * not finished before the kexec: it is handed on. If the file was retrieved, it is
 * preserved again like an outgoing one. Otherwise the entry of the previous kernel is
 * copied, and KHO hands its memory on. This takes neither its handler nor time.
 */

#define pr_fmt(fmt) "LUO: " fmt

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kho/block.h>
#include <linux/list.h>
#include <linux/liveupdate.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "luo_internal.h"

static const struct rhashtable_params luo_files_by_key_params = {
	.key_len = sizeof(struct luo_file_key),
	.key_offset = offsetof(struct luo_file, key),
	.head_offset = offsetof(struct luo_file, key_node),
	.automatic_shrinking = true,
};

static const struct rhashtable_params luo_files_by_id_params = {
	.key_len = sizeof(unsigned long),
	.key_offset = offsetof(struct luo_file, id),
	.head_offset = offsetof(struct luo_file, id_node),
	.automatic_shrinking = true,
};

static struct rhashtable luo_files_by_key;
static struct rhashtable luo_files_by_id;

/**
 * luo_file_out_args - arguments of the callbacks that preserve a file for the next kernel
 * @lf: the file
 *
 * Context: Any.
 * Return: the arguments.
 */
struct liveupdate_file_op_args luo_file_out_args(const struct luo_file *lf)
{
	return (struct liveupdate_file_op_args) {
		.handler = lf->handler,
		.file = lf->file,
		.serialized_data = lf->out.data,
		.private_data = lf->out.private_data,
	};
}

/**
 * luo_file_take_args - store what a callback has changed
 * @state: the state of the file, in the direction of the callback
 * @args: the arguments of the callback
 *
 * Context: Any.
 */
void luo_file_take_args(struct luo_file_state *state,
			const struct liveupdate_file_op_args *args)
{
	state->data = args->serialized_data;
	state->private_data = args->private_data;
}

/**
 * luo_file_alloc - allocate a file
 * @set: the files of its session, to which the caller adds it
 * @token: identifies the file in the session
 *
 * Context: May sleep.
 * Return: the file, or NULL if there is no memory.
 */
struct luo_file *luo_file_alloc(struct luo_file_set *set, u64 token)
{
	struct luo_file *lf;

	lf = kzalloc(sizeof(*lf), GFP_KERNEL_ACCOUNT);
	if (!lf)
		return NULL;

	lf->key.set = set;
	lf->key.token = token;
	INIT_LIST_HEAD(&lf->list);
	return lf;
}

/**
 * luo_file_free - free a file
 * @lf: the file, for which the caller has undone what the handler's callbacks did
 *
 * Context: May sleep. The caller must hold the session's lock.
 */
void luo_file_free(struct luo_file *lf)
{
	list_del(&lf->list);
	if (lf->has_key)
		rhashtable_remove_fast(&luo_files_by_key, &lf->key_node,
				       luo_files_by_key_params);
	/* Do this before fput(), after which the address in @id can be reused. */
	if (lf->has_id)
		rhashtable_remove_fast(&luo_files_by_id, &lf->id_node,
				       luo_files_by_id_params);
	if (lf->file)
		fput(lf->file);
	if (lf->handler)
		luo_file_handler_put(lf->handler);
	luo_file_kind_put(lf->kind);
	kfree_rcu(lf, rcu);
}

/**
 * luo_file_find - find a file by its token
 * @set: the files of its session
 * @token: identifies the file in the session
 *
 * Context: May sleep. The caller must hold the session's lock.
 * Return: the file, or NULL if there is none.
 */
struct luo_file *luo_file_find(struct luo_file_set *set, u64 token)
{
	const struct luo_file_key key = { .set = set, .token = token };

	return rhashtable_lookup_fast(&luo_files_by_key, &key,
				      luo_files_by_key_params);
}

/**
 * luo_file_add_key - let luo_file_find() find a file
 * @lf: the file
 *
 * Context: May sleep. The caller must hold the session's lock.
 * Return: 0, -EEXIST if the session has a file with this token, or -ENOMEM.
 */
int luo_file_add_key(struct luo_file *lf)
{
	int err;

	err = rhashtable_lookup_insert_fast(&luo_files_by_key, &lf->key_node,
					    luo_files_by_key_params);
	if (err)
		return err == -EEXIST ? err : -ENOMEM;

	lf->has_key = true;
	return 0;
}

/**
 * luo_file_add_id - exclude that a file is preserved once more
 * @lf: the file, which is open and has a handler
 *
 * Context: May sleep. The caller must hold the session's lock.
 * Return: 0, -EBUSY if the file is preserved already, or -ENOMEM.
 */
int luo_file_add_id(struct luo_file *lf)
{
	int err;

	if (lf->handler->ops->get_id)
		lf->id = lf->handler->ops->get_id(lf->file);
	else
		lf->id = (unsigned long)lf->file;

	err = rhashtable_lookup_insert_fast(&luo_files_by_id, &lf->id_node,
					    luo_files_by_id_params);
	if (err)
		return err == -EEXIST ? -EBUSY : -ENOMEM;

	lf->has_id = true;
	return 0;
}

/**
 * luo_file_call_preserve - let the handler preserve a file and the FLBs that it needs
 * @lf: the file
 *
 * Context: May sleep. The caller must hold the session's lock.
 * Return: 0, or the error of the handler or of an FLB.
 */
int luo_file_call_preserve(struct luo_file *lf)
{
	struct liveupdate_file_op_args args = luo_file_out_args(lf);
	int err;

	err = luo_flb_preserve_all(lf->handler);
	if (err)
		return err;

	err = lf->handler->ops->preserve(&args);
	if (err) {
		luo_flb_unpreserve_all(lf->handler);
		return err;
	}

	luo_file_take_args(&lf->out, &args);
	return 0;
}

/**
 * luo_file_call_unpreserve - undo luo_file_call_preserve()
 * @lf: the file
 *
 * Context: May sleep. The caller must hold the session's lock.
 */
void luo_file_call_unpreserve(struct luo_file *lf)
{
	struct liveupdate_file_op_args args = luo_file_out_args(lf);

	lf->handler->ops->unpreserve(&args);
	luo_flb_unpreserve_all(lf->handler);
	lf->out = (struct luo_file_state){};
}

/**
 * luo_file_set_init - initialize the files of a session
 * @set: the files
 *
 * Context: Any.
 */
void luo_file_set_init(struct luo_file_set *set)
{
	INIT_LIST_HEAD(&set->files);
	set->count = 0;
	kho_block_set_init(&set->blocks, sizeof(struct luo_file_ser));
}

/**
 * luo_file_init - set up the hash tables of all files
 *
 * Context: Once, before any file is preserved or retrieved.
 * Return: 0 or -ENOMEM.
 */
int luo_file_init(void)
{
	int err;

	err = rhashtable_init(&luo_files_by_key, &luo_files_by_key_params);
	if (err)
		return err;

	err = rhashtable_init(&luo_files_by_id, &luo_files_by_id_params);
	if (err)
		rhashtable_destroy(&luo_files_by_key);
	return err;
}

/**
 * luo_file_exit - undo luo_file_init()
 *
 * Context: Initcalls, before any file exists.
 */
void luo_file_exit(void)
{
	rhashtable_destroy(&luo_files_by_id);
	rhashtable_destroy(&luo_files_by_key);
}
