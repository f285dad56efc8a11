// SPDX-License-Identifier: GPL-2.0
/*
 * Live Update Orchestrator: files and their handlers
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

/**
 * DOC: LUO files
 *
 * LUO knows nothing about what is in a file. A file handler does: it says which
 * files it takes, preserves them, and makes them again in the next kernel. What
 * passes from one to the other is the handler's version string and one number.
 *
 * All files of all sessions are in two hash tables. One finds a file by session
 * and token. The other holds what the handlers say identifies a file, so that
 * nothing is preserved twice; a retrieved file is in there until it is
 * finished.
 *
 * The handler of an incoming file is looked up when it is needed for the first
 * time, so it may be in a module that is loaded long after the boot.
 */

#define pr_fmt(fmt) "LUO: " fmt

#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kho/block.h>
#include <linux/kho/compat.h>
#include <linux/kho/summary.h>
#include <linux/list.h>
#include <linux/liveupdate.h>
#include <linux/module.h>
#include <linux/rhashtable.h>
#include <linux/sched.h>
#include <linux/rwsem.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "luo_internal.h"

/**
 * struct luo_file_key - what finds a file
 * @set: the session's files
 * @token: the file's name among them
 */
struct luo_file_key {
	struct luo_file_set *set;
	u64 token;
};

/**
 * struct luo_file - a file in a session
 * @key: session and token
 * @key_node: in luo_files_by_key, if @has_key
 * @id: what identifies the file itself
 * @id_node: in luo_files_by_id, if @has_id
 * @list: in luo_file_set.files
 * @has_key: false for an incoming file with a token that is not unique
 * @has_id: @id is known, nobody else can preserve the file
 * @damaged: incoming: the entry can't be trusted to be given to anybody
 * @retrieve_status: see &struct liveupdate_file_op_args
 * @handler: its handler, which the file keeps from being unregistered. Incoming
 *	     files get it when it is needed, NULL until then.
 * @file: the file itself, NULL for an incoming file that was not retrieved
 * @data: what is handed over
 * @private_data: the handler's own
 * @compatible: incoming: the previous kernel's version string, otherwise empty
 * @rcu: lookups in the hash tables may still see the file when it is freed
 */
struct luo_file {
	struct luo_file_key key;
	struct rhash_head key_node;
	unsigned long id;
	struct rhash_head id_node;
	struct list_head list;
	bool has_key;
	bool has_id;
	bool damaged;
	int retrieve_status;
	struct liveupdate_file_handler *handler;
	struct file *file;
	u64 data;
	void *private_data;
	char compatible[LIVEUPDATE_HNDL_COMPAT_LENGTH];
	struct rcu_head rcu;
};

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

/* Guards luo_file_handlers, and their use counts against unregistering. */
DECLARE_RWSEM(luo_file_handlers_rwsem);
static LIST_HEAD(luo_file_handlers);

/* Handlers */

/*
 * The file that uses a handler keeps it from being unregistered or unloaded, and
 * the FLBs that are registered with it.
 */
static bool luo_file_handler_tryget(struct liveupdate_file_handler *fh)
{
	lockdep_assert_held(&luo_file_handlers_rwsem);
	/* Until its init has succeeded the module may go, whoever holds it. */
	if (fh->ops->owner && module_is_coming(fh->ops->owner))
		return false;
	if (!try_module_get(fh->ops->owner))
		return false;
	if (!luo_flb_tryget_all(fh)) {
		module_put(fh->ops->owner);
		return false;
	}

	atomic_long_inc(&fh->nr_files);
	return true;
}

static void luo_file_handler_put(struct liveupdate_file_handler *fh)
{
	struct module *owner = fh->ops->owner;

	/* It can be unregistered as soon as its lock is released. */
	guard(rwsem_read)(&luo_file_handlers_rwsem);
	luo_flb_put_all(fh);
	atomic_long_dec(&fh->nr_files);
	module_put(owner);
}

/**
 * luo_file_handler_registered - can a file get this handler?
 * @fh: the handler
 *
 * Context: Any. The caller holds luo_file_handlers_rwsem.
 * Return: true when it is registered.
 */
bool luo_file_handler_registered(const struct liveupdate_file_handler *fh)
{
	const struct liveupdate_file_handler *other;

	lockdep_assert_held(&luo_file_handlers_rwsem);
	list_for_each_entry(other, &luo_file_handlers, list) {
		if (other == fh)
			return true;
	}
	return false;
}

/**
 * luo_file_handler_used - does a file hold this handler?
 * @fh: the handler
 *
 * Context: Any. The caller holds luo_file_handlers_rwsem for writing.
 * Return: true when it is used. It can't come to be while the lock is held.
 */
bool luo_file_handler_used(const struct liveupdate_file_handler *fh)
{
	lockdep_assert_held_write(&luo_file_handlers_rwsem);
	return atomic_long_read(&fh->nr_files);
}

/* Find a handler for a file that is to be preserved. */
static int luo_file_set_handler(struct luo_file *lf)
{
	struct liveupdate_file_handler *fh;

	guard(rwsem_read)(&luo_file_handlers_rwsem);
	list_for_each_entry(fh, &luo_file_handlers, list) {
		if (!fh->ops->can_preserve(fh, lf->file))
			continue;
		if (!luo_file_handler_tryget(fh))
			continue;
		lf->handler = fh;
		return 0;
	}
	return -ENOENT;
}

static struct liveupdate_file_handler *
luo_file_handler_find(const char *compatible)
{
	struct liveupdate_file_handler *fh;

	lockdep_assert_held(&luo_file_handlers_rwsem);
	list_for_each_entry(fh, &luo_file_handlers, list) {
		if (kho_compat_same_base(compatible,
					 LIVEUPDATE_HNDL_COMPAT_LENGTH,
					 fh->compatible))
			return fh;
	}
	return NULL;
}

static_assert(LIVEUPDATE_FLB_COMPAT_LENGTH == LIVEUPDATE_HNDL_COMPAT_LENGTH);

/**
 * luo_version_supported - does a handler or FLB read what was handed over?
 * @own: its own version string
 * @versions: the versions that it reads, NULL for its own alone
 * @incoming: the version string that was handed over
 *
 * Both strings have room for %LIVEUPDATE_HNDL_COMPAT_LENGTH bytes, and base
 * tokens of the same name.
 *
 * Context: Any.
 * Return: true when it does, otherwise the reason was logged.
 */
bool luo_version_supported(const char *own,
			   const struct kho_compat_range *versions,
			   const char *incoming)
{
	u32 version, lowest, highest;

	/* From a kernel of the same version there is nothing to take apart. */
	if (!versions && !strncmp(own, incoming, LIVEUPDATE_HNDL_COMPAT_LENGTH))
		return true;

	if (kho_compat_base_version(incoming, LIVEUPDATE_HNDL_COMPAT_LENGTH,
				    &version))
		return false;

	if (versions) {
		lowest = versions->lowest;
		highest = versions->highest;
	} else {
		if (kho_compat_base_version(own, LIVEUPDATE_HNDL_COMPAT_LENGTH,
					    &lowest))
			return false;
		highest = lowest;
	}

	if (version < lowest || version > highest) {
		pr_err("incoming '%*pE' not supported (its handler '%s' reads versions %u to %u)\n",
		       (int)strlen(incoming), incoming, own, lowest, highest);
		return false;
	}
	return true;
}

/* Find the handler for a file that the previous kernel left. */
static int luo_file_bind_handler(struct luo_file *lf)
{
	struct liveupdate_file_handler *fh;

	if (lf->handler)
		return 0;

	guard(rwsem_read)(&luo_file_handlers_rwsem);
	fh = luo_file_handler_find(lf->compatible);
	if (!fh)
		return -ENOENT;
	if (!luo_version_supported(fh->compatible, fh->versions, lf->compatible))
		return -EIO;
	if (!luo_file_handler_tryget(fh))
		return -ENOENT;

	lf->handler = fh;
	return 0;
}

static bool luo_file_handler_valid(const struct liveupdate_file_handler *fh)
{
	const struct liveupdate_file_ops *ops = fh->ops;
	u32 version;

	return ops && ops->can_preserve && ops->preserve && ops->unpreserve &&
	       ops->retrieve && ops->finish &&
	       !kho_compat_base_version(fh->compatible, sizeof(fh->compatible),
					&version);
}

/**
 * liveupdate_register_file_handler - make LUO preserve one kind of file
 * @fh: the handler. It stays the caller's and must not go away while it is
 *	registered.
 *
 * Files of this kind that the previous kernel left can be retrieved from now
 * on.
 *
 * Context: May sleep.
 * Return: 0, -EOPNOTSUPP when live update is not enabled, -EINVAL when a
 * callback is missing or the version string is malformed, -EEXIST when there is
 * a handler with the same base token's name.
 */
int liveupdate_register_file_handler(struct liveupdate_file_handler *fh)
{
	if (!liveupdate_enabled())
		return -EOPNOTSUPP;
	if (!luo_file_handler_valid(fh))
		return -EINVAL;

	scoped_guard(rwsem_write, &luo_file_handlers_rwsem) {
		if (luo_file_handler_find(fh->compatible))
			return -EEXIST;

		atomic_long_set(&fh->nr_files, 0);
		INIT_LIST_HEAD(&fh->flbs);
		list_add_tail(&fh->list, &luo_file_handlers);
	}

	liveupdate_test_register(fh);
	return 0;
}
EXPORT_SYMBOL_GPL(liveupdate_register_file_handler);

/**
 * liveupdate_unregister_file_handler - undo liveupdate_register_file_handler()
 * @fh: the handler
 *
 * Files that use the handler hold a reference to its module, so this doesn't
 * fail when it is called by the module's exit function after the FLBs that are
 * registered with the handler were unregistered.
 *
 * Context: May sleep.
 * Return: 0, -EOPNOTSUPP when live update is not enabled, -ENOENT when the
 * handler is not registered, -EBUSY while files use it or FLBs are registered
 * with it.
 */
int liveupdate_unregister_file_handler(struct liveupdate_file_handler *fh)
{
	if (!liveupdate_enabled())
		return -EOPNOTSUPP;

	liveupdate_test_unregister(fh);

	guard(rwsem_write)(&luo_file_handlers_rwsem);
	if (!luo_file_handler_registered(fh))
		return -ENOENT;
	if (luo_file_handler_used(fh) || !list_empty(&fh->flbs))
		return -EBUSY;

	list_del_init(&fh->list);
	return 0;
}
EXPORT_SYMBOL_GPL(liveupdate_unregister_file_handler);

/* One file */

static struct liveupdate_file_op_args luo_file_args(const struct luo_file *lf)
{
	return (struct liveupdate_file_op_args) {
		.handler = lf->handler,
		.retrieve_status = lf->retrieve_status,
		.file = lf->file,
		.serialized_data = lf->data,
		.private_data = lf->private_data,
		.incoming_compatible = lf->compatible[0] ? lf->compatible : NULL,
	};
}

/* Take over what a callback is free to set. */
static void luo_file_take_args(struct luo_file *lf,
			       const struct liveupdate_file_op_args *args)
{
	lf->data = args->serialized_data;
	lf->private_data = args->private_data;
}

static struct luo_file *luo_file_alloc(struct luo_file_set *set, u64 token)
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

/* Undo all that was done to a file but its handler's callbacks. */
static void luo_file_free(struct luo_file *lf)
{
	list_del(&lf->list);
	if (lf->has_key)
		rhashtable_remove_fast(&luo_files_by_key, &lf->key_node,
				       luo_files_by_key_params);
	/* The id may be an address that means something else after fput(). */
	if (lf->has_id)
		rhashtable_remove_fast(&luo_files_by_id, &lf->id_node,
				       luo_files_by_id_params);
	if (lf->file)
		fput(lf->file);
	if (lf->handler)
		luo_file_handler_put(lf->handler);
	kfree_rcu(lf, rcu);
}

static struct luo_file *luo_file_find(struct luo_file_set *set, u64 token)
{
	const struct luo_file_key key = { .set = set, .token = token };

	return rhashtable_lookup_fast(&luo_files_by_key, &key,
				      luo_files_by_key_params);
}

/* Make the token find the file. -EEXIST when it finds another one. */
static int luo_file_add_key(struct luo_file *lf)
{
	int err;

	err = rhashtable_lookup_insert_fast(&luo_files_by_key, &lf->key_node,
					    luo_files_by_key_params);
	if (err)
		return err == -EEXIST ? err : -ENOMEM;

	lf->has_key = true;
	return 0;
}

/* Keep everybody else from preserving the file. -EBUSY when it is preserved. */
static int luo_file_add_id(struct luo_file *lf)
{
	struct liveupdate_file_op_args args = luo_file_args(lf);
	int err;

	if (lf->handler->ops->get_id)
		lf->id = lf->handler->ops->get_id(&args);
	else
		lf->id = (unsigned long)lf->file;

	err = rhashtable_lookup_insert_fast(&luo_files_by_id, &lf->id_node,
					    luo_files_by_id_params);
	if (err)
		return err == -EEXIST ? -EBUSY : -ENOMEM;

	lf->has_id = true;
	return 0;
}

/* Outgoing files */

static int luo_file_call_preserve(struct luo_file *lf)
{
	struct liveupdate_file_op_args args = luo_file_args(lf);
	int err;

	err = luo_flb_preserve_all(lf->handler);
	if (err)
		return err;

	err = lf->handler->ops->preserve(&args);
	if (err) {
		luo_flb_unpreserve_all(lf->handler);
		return err;
	}

	luo_file_take_args(lf, &args);
	return 0;
}

static void luo_file_call_unpreserve(struct luo_file *lf)
{
	struct liveupdate_file_op_args args = luo_file_args(lf);

	lf->handler->ops->unpreserve(&args);
	luo_flb_unpreserve_all(lf->handler);
}

/**
 * luo_file_preserve - take a file into an outgoing session
 * @set: the session's files
 * @fd: the file's descriptor in the current process
 * @token: its name in the session
 *
 * Context: May sleep. The caller holds the session's lock and keeps
 * liveupdate_reboot() away.
 * Return: 0, -EBADF, -EEXIST when the token is taken, -ENOENT when no handler
 * takes this kind of file, -EBUSY when it is preserved already, -ENOMEM, or
 * what the handler returns.
 */
int luo_file_preserve(struct luo_file_set *set, int fd, u64 token)
{
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
	err = luo_file_set_handler(lf);
	if (err)
		goto err_free;
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
 * luo_file_unpreserve_all - take all files out of an outgoing session
 * @set: the session's files
 *
 * Context: May sleep. The caller holds the session's lock and keeps
 * liveupdate_reboot() away.
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

static int luo_file_call_freeze(struct luo_file *lf)
{
	struct liveupdate_file_op_args args = luo_file_args(lf);
	int err;

	if (!lf->handler->ops->freeze)
		return 0;

	err = lf->handler->ops->freeze(&args);
	if (!err)
		luo_file_take_args(lf, &args);
	return err;
}

static void luo_file_call_unfreeze(struct luo_file *lf)
{
	struct liveupdate_file_op_args args = luo_file_args(lf);

	if (!lf->handler->ops->unfreeze)
		return;

	lf->handler->ops->unfreeze(&args);
	luo_file_take_args(lf, &args);
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

	memcpy(ser->compatible, lf->handler->compatible,
	       sizeof(ser->compatible));
	ser->data = lf->data;
	ser->token = lf->key.token;
	return 0;
}

/**
 * luo_file_freeze_all - freeze and store the files of an outgoing session
 * @set: the session's files
 * @ser: where to store where they are
 *
 * Context: May sleep. The caller holds the session's lock, inside
 * liveupdate_reboot().
 * Return: 0 or the error of the handler that failed, then none is frozen.
 */
int luo_file_freeze_all(struct luo_file_set *set, struct luo_file_set_ser *ser)
{
	struct kho_block_it it;
	struct luo_file *lf;
	int err;

	kho_block_it_init(&it, &set->blocks);
	list_for_each_entry(lf, &set->files, list) {
		err = luo_file_freeze(lf, &it);
		if (err)
			goto err_unfreeze;
	}
	kho_block_it_finalize(&it);

	ser->files = set->count ? kho_block_set_head_pa(&set->blocks) : 0;
	ser->count = set->count;
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
 * Context: May sleep. The caller holds the session's lock, inside
 * liveupdate_reboot().
 */
void luo_file_unfreeze_all(struct luo_file_set *set)
{
	struct luo_file *lf;

	list_for_each_entry_reverse(lf, &set->files, list)
		luo_file_call_unfreeze(lf);
}

/* Incoming files */

/*
 * A token that is there twice tells nothing about which file is meant: nobody
 * gets either of them.
 */
static void luo_file_refuse_twins(struct luo_file *lf)
{
	struct luo_file *twin = luo_file_find(lf->key.set, lf->key.token);

	pr_err("incoming token %#llx exists twice in its session\n",
	       lf->key.token);
	lf->damaged = true;
	if (twin)
		twin->damaged = true;
}

static int luo_file_add_incoming(struct luo_file_set *set,
				 const struct luo_file_ser *ser)
{
	struct luo_file *lf;
	int err;

	lf = luo_file_alloc(set, ser->token);
	if (!lf)
		return -ENOMEM;

	lf->data = ser->data;
	if (strscpy(lf->compatible, ser->compatible) < 0) {
		pr_err("incoming file with token %#llx has an endless version string\n",
		       lf->key.token);
		lf->damaged = true;
		lf->compatible[0] = '\0';
	}

	err = luo_file_add_key(lf);
	if (err == -EEXIST) {
		luo_file_refuse_twins(lf);
	} else if (err) {
		luo_file_free(lf);
		return err;
	}

	list_add_tail(&lf->list, &set->files);
	set->count++;
	return 0;
}

static void luo_file_forget_all(struct luo_file_set *set)
{
	struct luo_file *lf, *next;

	list_for_each_entry_safe(lf, next, &set->files, list)
		luo_file_free(lf);
	set->count = 0;
}

/**
 * luo_file_deserialize - list the files that the previous kernel left
 * @set: the session's files, still none
 * @ser: where they are
 *
 * Files with something wrong are listed, too: they are discarded with the rest.
 * When the list itself is refused, it and all that it leads to stay reserved.
 *
 * Context: May sleep. Nobody else can reach the session yet.
 * Return: 0, -ENOMEM, after which it can be tried again, or another error when
 * the list is damaged.
 */
int luo_file_deserialize(struct luo_file_set *set,
			 const struct luo_file_set_ser *ser)
{
	struct luo_file_ser *entry;
	struct kho_block_it it;
	int err;

	/* They are there already if memory was short the last time. */
	if (!set->blocks.nr_blocks) {
		err = kho_block_restore(&set->blocks, ser->files);
		if (err)
			return err;
	}

	kho_block_it_init(&it, &set->blocks);
	while ((entry = kho_block_it_read(&it))) {
		err = luo_file_add_incoming(set, entry);
		if (err)
			goto err_forget;
	}

	if (set->count != ser->count) {
		pr_err("incoming session has %llu files, not %llu\n",
		       set->count, ser->count);
		err = -EINVAL;
		goto err_forget;
	}

	kho_block_destroy(&set->blocks);
	return 0;

err_forget:
	luo_file_forget_all(set);
	return err;
}

static int luo_file_call_retrieve(struct luo_file *lf)
{
	struct liveupdate_file_op_args args = luo_file_args(lf);
	int err;

	err = lf->handler->ops->retrieve(&args);
	luo_file_take_args(lf, &args);
	if (err == -EAGAIN)
		return -ENOMEM;

	/* ENOMEM tells a program that it may ask again. */
	if (err == -ENOMEM || (!err && WARN_ON_ONCE(!args.file)))
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

/* Retrieve a file that was not retrieved yet. */
static int luo_file_retrieve_first(struct luo_file *lf)
{
	int err;

	/* Another handler may be there next time: this is not remembered. */
	err = luo_file_bind_handler(lf);
	if (err)
		return err;

	return luo_file_call_retrieve(lf);
}

/**
 * luo_file_retrieve - get a file that the previous kernel left
 * @set: the session's files
 * @token: the file's name in the session
 *
 * Context: May sleep. The caller holds the session's lock.
 * Return: the open file with a reference for the caller, or an ERR_PTR: -ENOENT
 * when there is no such file or no handler for it, -EIO when its entry is
 * damaged or its version not supported, -ENOMEM, after which it can be tried
 * again, or what the handler returned when it failed for good.
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
		err = luo_file_retrieve_first(lf);
		if (err)
			return ERR_PTR(err);
	}

	/* It failed the last time if memory was short. */
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

	/* Nothing to wait for when nobody can tell what it is. */
	if (luo_file_bind_handler(lf) || !lf->handler->ops->can_finish)
		return true;

	args = luo_file_args(lf);
	return lf->handler->ops->can_finish(&args);
}

static void luo_file_finish(struct luo_file *lf)
{
	struct liveupdate_file_op_args args = luo_file_args(lf);

	if (!lf->handler) {
		pr_warn("no handler for '%*pE' with token %#llx, its memory stays reserved\n",
			(int)strlen(lf->compatible), lf->compatible,
			lf->key.token);
		return;
	}

	lf->handler->ops->finish(&args);
	luo_flb_finish_all(lf->handler);
}

/**
 * luo_file_finish_all - let go of all files of an incoming session
 * @set: the session's files
 *
 * Those that were not retrieved are discarded.
 *
 * Context: May sleep. The caller holds the session's lock.
 * Return: 0, or -EBUSY when a file is not ready, then nothing was done.
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
	return 0;
}

/* Summaries */

static void luo_file_show_state(struct seq_file *m, const struct luo_file *lf)
{
	if (lf->damaged)
		seq_puts(m, "damaged");
	else if (lf->retrieve_status < 0)
		seq_printf(m, "failed (%pe)", ERR_PTR(lf->retrieve_status));
	else if (lf->retrieve_status)
		seq_puts(m, "retrieved");
	else if (lf->file)
		seq_puts(m, "preserved");
	else
		seq_puts(m, "waiting");
}

/**
 * luo_file_show_all - list the files of a session in debugfs
 * @m:   the summary
 * @set: the session's files
 *
 * Context: May sleep. The caller holds the session's lock.
 */
void luo_file_show_all(struct seq_file *m, const struct luo_file_set *set)
{
	const struct luo_file *lf;

	list_for_each_entry(lf, &set->files, list) {
		seq_printf(m, "    token %#llx, handler ", lf->key.token);
		kho_summary_quote(m, lf->compatible[0] || !lf->handler ?
				     lf->compatible : lf->handler->compatible);
		seq_puts(m, ", ");
		luo_file_show_state(m, lf);
		seq_putc(m, '\n');
		cond_resched();
	}
}

/**
 * luo_file_set_init - initialize the files of a session
 * @set: what to initialize
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
 * luo_file_init - set up what all sessions share
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
 * Context: Before there are any files.
 */
void luo_file_exit(void)
{
	rhashtable_destroy(&luo_files_by_id);
	rhashtable_destroy(&luo_files_by_key);
}
