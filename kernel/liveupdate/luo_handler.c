// SPDX-License-Identifier: GPL-2.0
/*
 * Live Update Orchestrator: file handlers
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

/**
 * DOC: LUO file handlers
 *
 * A file handler preserves one kind of file. Handlers can be in modules, and are
 * in a list while they are registered. Each handler has a list of the FLBs that
 * its files depend on.
 *
 * A file holds a reference to its handler. As long as a handler has references,
 * it can't be unregistered, its FLBs do not change, and its module and theirs
 * can't be unloaded.
 *
 * Incoming files are also counted by the names of their base tokens, from listing
 * until they are finished. So it is known whether a handler has incoming files, even
 * if it is registered long after they were listed.
 */

#define pr_fmt(fmt) "LUO: " fmt

#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/kho/compat.h>
#include <linux/list.h>
#include <linux/liveupdate.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rhashtable.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "luo_internal.h"

/* Held for writing to register, for reading to take and drop references. */
DECLARE_RWSEM(luo_file_handlers_rwsem);
static LIST_HEAD(luo_file_handlers);

/* Return true while the init function of the handler's module runs. */
static bool luo_file_handler_coming(const struct liveupdate_file_handler *fh)
{
	return fh->ops->owner && module_is_coming(fh->ops->owner);
}

static bool luo_file_handler_tryget(struct liveupdate_file_handler *fh)
{
	struct luo_flb_link *link;

	lockdep_assert_held(&luo_file_handlers_rwsem);
	/* The module is freed if its init function fails, whatever its refcount. */
	if (luo_file_handler_coming(fh))
		return false;
	if (!try_module_get(fh->ops->owner))
		return false;

	list_for_each_entry(link, &fh->flbs, list) {
		if (!try_module_get(link->flb->ops->owner))
			goto err_put;
	}

	atomic_long_inc(&fh->nr_files);
	return true;

err_put:
	list_for_each_entry_continue_reverse(link, &fh->flbs, list)
		module_put(link->flb->ops->owner);
	module_put(fh->ops->owner);
	return false;
}

/**
 * luo_file_handler_put - drop a reference to a handler
 * @fh: the handler
 *
 * Context: May sleep.
 */
void luo_file_handler_put(struct liveupdate_file_handler *fh)
{
	struct module *owner = fh->ops->owner;
	struct luo_flb_link *link;

	/* The handler can go away once the lock is released. */
	guard(rwsem_read)(&luo_file_handlers_rwsem);
	list_for_each_entry(link, &fh->flbs, list)
		module_put(link->flb->ops->owner);
	atomic_long_dec(&fh->nr_files);
	module_put(owner);
}

/**
 * luo_file_handler_registered - check whether a handler is registered
 * @fh: the handler
 *
 * Context: Any. The caller must hold luo_file_handlers_rwsem.
 * Return: true if it is registered.
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
 * luo_file_handler_used - check whether files use a handler
 * @fh: the handler
 *
 * Context: Any. The caller must hold luo_file_handlers_rwsem for writing, so that
 * no file can start to use the handler.
 * Return: true if it has references.
 */
bool luo_file_handler_used(const struct liveupdate_file_handler *fh)
{
	lockdep_assert_held_write(&luo_file_handlers_rwsem);
	return atomic_long_read(&fh->nr_files);
}

/**
 * luo_file_handler_find_flb - find an FLB among those of a handler
 * @fh: the handler
 * @flb: the FLB
 *
 * Context: Any. The caller must hold luo_file_handlers_rwsem.
 * Return: their link, or NULL if files of the handler do not depend on the FLB.
 */
struct luo_flb_link *
luo_file_handler_find_flb(const struct liveupdate_file_handler *fh,
			  const struct liveupdate_flb *flb)
{
	struct luo_flb_link *link;

	lockdep_assert_held(&luo_file_handlers_rwsem);
	list_for_each_entry(link, &fh->flbs, list) {
		if (link->flb == flb)
			return link;
	}
	return NULL;
}

/**
 * luo_file_handler_get - find the handler that can preserve a file
 * @file: the file
 *
 * Context: May sleep.
 * Return: the handler with a reference, or ERR_PTR(-ENOENT).
 */
struct liveupdate_file_handler *luo_file_handler_get(struct file *file)
{
	struct liveupdate_file_handler *fh;

	guard(rwsem_read)(&luo_file_handlers_rwsem);
	list_for_each_entry(fh, &luo_file_handlers, list) {
		if (fh->ops->can_preserve(fh, file) &&
		    luo_file_handler_tryget(fh))
			return fh;
	}
	return ERR_PTR(-ENOENT);
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
 * luo_version_supported - check whether a handler or FLB reads a version
 * @own: its own version string
 * @versions: the range of versions that it reads, NULL for its own alone
 * @incoming: the version string that was handed over
 *
 * Both strings have room for %LIVEUPDATE_HNDL_COMPAT_LENGTH bytes, and their base
 * tokens have the same name.
 *
 * Context: Any.
 * Return: true if it reads the version. Otherwise the reason is logged.
 */
bool luo_version_supported(const char *own,
			   const struct kho_compat_range *versions,
			   const char *incoming)
{
	u32 version, lowest, highest;

	/* Equal strings need not be parsed. */
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

/**
 * luo_file_handler_get_incoming - find the handler of an incoming file
 * @compatible: the version string that the previous kernel stored with the file
 *
 * Context: May sleep.
 * Return: the handler with a reference, or an ERR_PTR: -ENOENT if there is none,
 * -EIO if it does not support the version.
 */
struct liveupdate_file_handler *
luo_file_handler_get_incoming(const char *compatible)
{
	struct liveupdate_file_handler *fh;

	guard(rwsem_read)(&luo_file_handlers_rwsem);
	fh = luo_file_handler_find(compatible);
	if (!fh)
		return ERR_PTR(-ENOENT);
	if (!luo_version_supported(fh->compatible, fh->versions, compatible))
		return ERR_PTR(-EIO);
	if (!luo_file_handler_tryget(fh))
		return ERR_PTR(-ENOENT);
	return fh;
}

/* Kinds of incoming files */

/**
 * struct luo_file_kind - incoming files that belong to the same handler
 * @name: name of the base tokens of their version strings, padded with NULs
 * @node: in luo_file_kinds.names
 * @nr_files: those that are not finished
 */
struct luo_file_kind {
	char name[LIVEUPDATE_HNDL_COMPAT_LENGTH];
	struct rhash_head node;
	u64 nr_files;
};

static const struct rhashtable_params luo_file_kinds_params = {
	.key_len = LIVEUPDATE_HNDL_COMPAT_LENGTH,
	.key_offset = offsetof(struct luo_file_kind, name),
	.head_offset = offsetof(struct luo_file_kind, node),
	.automatic_shrinking = true,
};

/* Lookups hold the lock, too, so kinds can be freed without waiting for RCU. */
static struct {
	struct mutex lock; /* guards the other members */
	struct rhashtable names;
	u64 count;
	bool complete;
} luo_file_kinds = {
	.lock = __MUTEX_INITIALIZER(luo_file_kinds.lock),
};

static struct luo_file_kind *luo_file_kind_find(const char *name)
{
	lockdep_assert_held(&luo_file_kinds.lock);
	return rhashtable_lookup_fast(&luo_file_kinds.names, name,
				      luo_file_kinds_params);
}

static struct luo_file_kind *luo_file_kind_create(const char *name)
{
	struct luo_file_kind *kind;

	lockdep_assert_held(&luo_file_kinds.lock);
	kind = kzalloc(sizeof(*kind), GFP_KERNEL_ACCOUNT);
	if (!kind)
		return ERR_PTR(-ENOMEM);

	memcpy(kind->name, name, sizeof(kind->name));
	if (rhashtable_lookup_insert_fast(&luo_file_kinds.names, &kind->node,
					  luo_file_kinds_params)) {
		kfree(kind);
		return ERR_PTR(-ENOMEM);
	}
	luo_file_kinds.count++;
	return kind;
}

/**
 * luo_file_kind_get - count an incoming file
 * @compatible: the version string that the previous kernel stored with the file
 *
 * Context: May sleep.
 * Return: its kind, NULL if it can't have a handler because the string is malformed,
 * or ERR_PTR(-ENOMEM).
 */
struct luo_file_kind *luo_file_kind_get(const char *compatible)
{
	char name[LIVEUPDATE_HNDL_COMPAT_LENGTH];
	struct luo_file_kind *kind;

	if (kho_compat_base_name(compatible, sizeof(name), name))
		return NULL;

	guard(mutex)(&luo_file_kinds.lock);
	kind = luo_file_kind_find(name) ?: luo_file_kind_create(name);
	if (!IS_ERR(kind))
		kind->nr_files++;
	return kind;
}

/**
 * luo_file_kind_put - undo luo_file_kind_get() when a file is finished
 * @kind: what it returned, not an error
 *
 * Context: May sleep.
 */
void luo_file_kind_put(struct luo_file_kind *kind)
{
	if (!kind)
		return;

	guard(mutex)(&luo_file_kinds.lock);
	if (--kind->nr_files)
		return;

	luo_file_kinds.count--;
	rhashtable_remove_fast(&luo_file_kinds.names, &kind->node,
			       luo_file_kinds_params);
	kfree(kind);
}

/**
 * luo_file_kinds_complete - note that all incoming files have been counted
 *
 * Context: May sleep.
 */
void luo_file_kinds_complete(void)
{
	guard(mutex)(&luo_file_kinds.lock);
	luo_file_kinds.complete = true;
}

/**
 * luo_file_kinds_need - check whether incoming files depend on an FLB
 * @flb: the FLB
 *
 * If the handler of a file is not registered, the file may depend on any FLB.
 *
 * Context: May sleep. The caller must hold luo_file_handlers_rwsem.
 * Return: false if no incoming file that is not finished can depend on the FLB.
 */
bool luo_file_kinds_need(const struct liveupdate_flb *flb)
{
	char name[LIVEUPDATE_HNDL_COMPAT_LENGTH];
	struct liveupdate_file_handler *fh;
	u64 nr_known = 0;

	lockdep_assert_held(&luo_file_handlers_rwsem);
	guard(mutex)(&luo_file_kinds.lock);
	if (!luo_file_kinds.complete)
		return true;

	list_for_each_entry(fh, &luo_file_handlers, list) {
		if (kho_compat_base_name(fh->compatible, sizeof(name), name) ||
		    !luo_file_kind_find(name))
			continue;
		/* The module may be about to register FLBs with its handler. */
		if (luo_file_handler_coming(fh) ||
		    luo_file_handler_find_flb(fh, flb))
			return true;
		nr_known++;
	}
	return nr_known < luo_file_kinds.count;
}

/**
 * luo_file_kinds_init - set up the hash table of the kinds of incoming files
 *
 * Context: Once, before incoming files are listed.
 * Return: 0 or -ENOMEM.
 */
int luo_file_kinds_init(void)
{
	return rhashtable_init(&luo_file_kinds.names, &luo_file_kinds_params);
}

/**
 * luo_file_kinds_exit - undo luo_file_kinds_init()
 *
 * Context: Initcalls, before any file exists.
 */
void luo_file_kinds_exit(void)
{
	rhashtable_destroy(&luo_file_kinds.names);
}

/* Registration */

static bool luo_version_valid(const char *version)
{
	u32 number;

	return !kho_compat_base_version(version, LIVEUPDATE_HNDL_COMPAT_LENGTH, &number);
}

/* The callbacks that convert a file come together. */
static bool luo_file_handler_valid(const struct liveupdate_file_handler *fh)
{
	const struct liveupdate_file_ops *ops = fh->ops;

	return ops && ops->can_preserve && ops->preserve && ops->unpreserve &&
	       ops->retrieve && ops->finish && luo_version_valid(fh->compatible) &&
	       !ops->convert == !ops->unconvert &&
	       (!ops->convert || luo_version_valid(fh->mainline));
}

/**
 * liveupdate_register_file_handler - make LUO preserve one kind of file
 * @fh: the handler. It belongs to the caller, who must not free it while it is
 *	registered.
 *
 * Files of this kind that the previous kernel handed over can be retrieved once
 * the handler is registered.
 *
 * Context: May sleep.
 * Return: 0, -EOPNOTSUPP if live update is not enabled, -EINVAL if a callback is
 * missing or a version string is malformed, -EEXIST if there is a handler whose
 * base token has the same name.
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

	if (IS_ENABLED(CONFIG_LIVEUPDATE_TEST))
		liveupdate_test_register(fh);
	return 0;
}
EXPORT_SYMBOL_GPL(liveupdate_register_file_handler);

/**
 * liveupdate_unregister_file_handler - undo liveupdate_register_file_handler()
 * @fh: the handler
 *
 * Files that use the handler hold a reference to its module. So a module's exit
 * function can rely on success, after it has unregistered the FLBs that are
 * registered with the handler.
 *
 * Context: May sleep.
 * Return: 0, -EOPNOTSUPP if live update is not enabled, -ENOENT if the handler is
 * not registered, -EBUSY while files use it or FLBs are registered with it.
 */
int liveupdate_unregister_file_handler(struct liveupdate_file_handler *fh)
{
	if (!liveupdate_enabled())
		return -EOPNOTSUPP;

	if (IS_ENABLED(CONFIG_LIVEUPDATE_TEST))
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
