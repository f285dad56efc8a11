// SPDX-License-Identifier: GPL-2.0
/*
 * Live Update Orchestrator: state that files share
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

/**
 * DOC: LUO file-lifecycle-bound state
 *
 * Some files can't be carried over alone: for example, many device files depend on
 * one IOMMU core. State that files share is called an FLB. An FLB is registered
 * with each file handler whose files depend on it. It is preserved with the first
 * such file and unpreserved with the last one. In the next kernel it is retrieved
 * on first use, which can be long before user space opens /dev/liveupdate, and at the
 * latest when it is preserved again. It is finished after the last incoming file that
 * can depend on it. The handlers of the next kernel determine which files these are.
 *
 * The table for the next kernel is in luo_flb_outgoing.c, and that of the previous
 * kernel in luo_flb_incoming.c.
 */

#define pr_fmt(fmt) "LUO: " fmt

#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/kexec_handover.h>
#include <linux/kho/compat.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/liveupdate.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/wait_bit.h>

#include "luo_internal.h"

/* All registered FLBs, guarded by luo_file_handlers_rwsem. */
static LIST_HEAD(luo_flbs);

/*
 * The FLB that reboot() is handing on, which can't be unregistered meanwhile. This takes
 * the place of luo_file_handlers_rwsem, because the callbacks of the FLB can take long.
 */
static struct luo_flb *luo_flb_handing_on;

/* Incoming: retrieving one FLB */

static int luo_flb_find_supported(struct luo_flb *luo)
{
	const struct liveupdate_flb *flb = luo->flb;
	struct luo_flb_incoming *in;

	in = luo_flb_find_incoming(flb->compatible);
	if (IS_ERR(in))
		return PTR_ERR(in);
	if (!luo_version_supported(flb->compatible, flb->versions, in->name))
		return -EIO;

	luo->incoming = in;
	return 0;
}

/* Look up the previous kernel's entry once. */
static int luo_flb_bind(struct luo_flb *luo)
{
	int err;

	lockdep_assert_held(&luo->lock);
	if (luo->incoming || luo->incoming_err)
		return luo->incoming_err;

	err = luo_flb_find_supported(luo);
	/* All errors except -ENOMEM are final. */
	if (err != -ENOMEM)
		luo->incoming_err = err;
	return err;
}

static struct liveupdate_flb_op_args luo_flb_in_args(const struct luo_flb *luo)
{
	const struct luo_flb_incoming *in = luo->incoming;

	return (struct liveupdate_flb_op_args) {
		.flb = luo->flb,
		.retrieve_status = in->retrieve_status,
		.data = in->data,
		.obj = in->object,
		.incoming_compatible = in->name,
	};
}

/*
 * An FLB that was retrieved, completely or in part, holds a reference to its module
 * until it is finished.
 */
static bool luo_flb_holds_module(const struct luo_flb_incoming *in)
{
	return in->retrieve_status > 0 || in->object;
}

/* All errors of retrieve() except -EAGAIN and -EINTR are final. */
static int luo_flb_call_retrieve(struct luo_flb *luo)
{
	struct liveupdate_flb_op_args args = luo_flb_in_args(luo);
	struct luo_flb_incoming *in = luo->incoming;
	struct module *owner = luo->flb->ops->owner;
	int err;

	if (!luo_flb_holds_module(in) && !try_module_get(owner))
		return -ENOENT;

	err = luo->flb->ops->retrieve(&args);
	if (!err) {
		in->object = args.obj;
		in->retrieve_status = 1;
		return 0;
	}

	if (err == -EAGAIN || err == -EINTR) {
		in->object = args.obj;
		err = err == -EAGAIN ? -ENOMEM : err;
	} else {
		/* Callers can retry after -ENOMEM. */
		err = err == -ENOMEM ? -EIO : err;
		pr_err("'%s' can't be retrieved: %pe\n", luo->flb->compatible,
		       ERR_PTR(err));
		in->object = NULL;
		in->retrieve_status = err;
	}
	if (!luo_flb_holds_module(in))
		module_put(owner);
	return err;
}

static int luo_flb_retrieve(struct luo_flb *luo)
{
	struct luo_flb_incoming *in = luo->incoming;

	lockdep_assert_held(&luo->lock);
	if (in->finished)
		return -ENOENT;
	if (in->handed_on)
		return -EBUSY;
	if (in->retrieve_status < 0)
		return in->retrieve_status;
	return in->retrieve_status ? 0 : luo_flb_call_retrieve(luo);
}

/* Outgoing */

/*
 * The state for the next kernel must include that of the previous one, because files
 * that are handed on depend on it. So retrieve it first.
 */
static int luo_flb_retrieve_first(struct luo_flb *luo)
{
	int err = luo_flb_bind(luo);

	err = err ?: luo_flb_retrieve(luo);
	/* After any other error it can't be handed on, either. */
	return err == -ENOMEM || err == -EINTR ? err : 0;
}

static int luo_flb_preserve(struct luo_flb *luo)
{
	struct liveupdate_flb_op_args args = { .flb = luo->flb };
	int err;

	lockdep_assert_held(&luo->lock);
	err = luo_flb_retrieve_first(luo);
	if (err)
		return err;
	err = luo_flb_table_add(luo);
	if (err)
		return err;

	err = luo->flb->ops->preserve(&args);
	if (err) {
		pr_err("'%s' can't be preserved: %pe\n", luo->flb->compatible,
		       ERR_PTR(err));
		luo_flb_table_remove(luo);
		return err;
	}

	luo->data = args.data;
	luo->object = args.obj;
	luo->preserved = true;
	return 0;
}

/* Unpreserve an FLB if no file depends on it and it has no references. */
static void luo_flb_try_unpreserve(struct luo_flb *luo)
{
	struct liveupdate_flb_op_args args = {
		.flb = luo->flb,
		.data = luo->data,
		.obj = luo->object,
	};

	lockdep_assert_held(&luo->lock);
	if (luo->nr_files || luo->nr_refs)
		return;

	luo->flb->ops->unpreserve(&args);
	luo->preserved = false;
	luo->data = 0;
	luo->object = NULL;
	luo_flb_table_remove(luo);
}

static int luo_flb_add_file(struct luo_flb *luo)
{
	int err;

	lockdep_assert_held(&luo->lock);
	if (!luo->preserved) {
		err = luo_flb_preserve(luo);
		if (err)
			return err;
	}
	luo->nr_files++;
	return 0;
}

static void luo_flb_remove_file(struct luo_flb *luo)
{
	guard(mutex)(&luo->lock);
	luo->nr_files--;
	luo_flb_try_unpreserve(luo);
}

/**
 * luo_flb_preserve_all - preserve the FLBs that a file depends on
 * @fh: the file's handler. The file holds a reference to it.
 *
 * If another file depends on the same FLB, it is preserved already, and only the
 * number of its files changes.
 *
 * Context: May sleep. The caller must exclude liveupdate_reboot().
 * Return: 0, -ENOMEM, -EINTR, or the error of the FLB that failed. After a failure
 * the file does not count for any FLB. Incoming FLBs stay retrieved.
 */
int luo_flb_preserve_all(struct liveupdate_file_handler *fh)
{
	struct luo_flb_link *link;
	int err;

	list_for_each_entry(link, &fh->flbs, list) {
		scoped_guard(mutex, &link->flb->luo->lock)
			err = luo_flb_add_file(link->flb->luo);
		if (err)
			goto err_remove;
	}
	return 0;

err_remove:
	list_for_each_entry_continue_reverse(link, &fh->flbs, list)
		luo_flb_remove_file(link->flb->luo);
	return err;
}

/**
 * luo_flb_unpreserve_all - undo luo_flb_preserve_all()
 * @fh: the file's handler. The file holds a reference to it.
 *
 * Context: May sleep. The caller must exclude liveupdate_reboot().
 */
void luo_flb_unpreserve_all(struct liveupdate_file_handler *fh)
{
	struct luo_flb_link *link;

	list_for_each_entry_reverse(link, &fh->flbs, list)
		luo_flb_remove_file(link->flb->luo);
}

/* Incoming: finishing one FLB */

static void luo_flb_call_finish(struct luo_flb *luo)
{
	struct liveupdate_flb_op_args args = luo_flb_in_args(luo);
	struct luo_flb_incoming *in = luo->incoming;
	bool put = luo_flb_holds_module(in);

	luo->flb->ops->finish(&args);
	in->finished = true;
	in->object = NULL;
	if (put)
		module_put(luo->flb->ops->owner);
}

/*
 * Finish an FLB if no incoming file can depend on it and it has no references. Do
 * nothing if the previous kernel did not hand it over, or its entry can't be used.
 */
static void luo_flb_try_finish(struct luo_flb *luo)
{
	lockdep_assert_held(&luo->lock);
	if (luo_flb_bind(luo) || luo->incoming->finished ||
	    luo->incoming->handed_on || luo->incoming->nr_refs ||
	    luo_file_kinds_need(luo->flb))
		return;

	luo_flb_call_finish(luo);
}

/**
 * luo_flb_finish_unused - finish the FLBs that no incoming file can depend on
 *
 * Call this after incoming files were finished.
 *
 * Context: May sleep.
 */
void luo_flb_finish_unused(void)
{
	struct luo_flb *luo;

	guard(rwsem_read)(&luo_file_handlers_rwsem);
	list_for_each_entry_reverse(luo, &luo_flbs, list) {
		guard(mutex)(&luo->lock);
		luo_flb_try_finish(luo);
	}
}

/* Handing on the FLBs that unfinished incoming files can depend on */

static struct luo_flb *luo_flb_find(const char *compatible)
{
	struct luo_flb *luo;

	lockdep_assert_held(&luo_file_handlers_rwsem);
	list_for_each_entry(luo, &luo_flbs, list) {
		if (kho_compat_same_base(compatible, LIVEUPDATE_FLB_COMPAT_LENGTH,
					 luo->flb->compatible))
			return luo;
	}
	return NULL;
}

/*
 * Prepare an incoming FLB for the next kernel. If it was retrieved, preserve it again.
 * If not, its entry will be copied, and from now on it can't be retrieved. If it was
 * retrieved in part, retrieve the rest.
 */
static int luo_flb_hand_on_known(struct luo_flb_incoming *in, struct luo_flb *luo)
{
	int err;

	guard(mutex)(&luo->lock);
	if (!in->finished && !in->retrieve_status && in->object) {
		err = luo_flb_retrieve_first(luo);
		if (err)
			return err;
	}
	if (in->finished || in->retrieve_status < 0)
		return 0;
	if (in->retrieve_status) {
		err = luo_flb_add_file(luo);
		if (err)
			return err;
		__module_get(luo->flb->ops->owner);
		in->again = luo;
		return 0;
	}
	/* The table can have one entry of this name only. */
	if (luo->nr_files) {
		pr_err("incoming '%*pE' can't be handed on beside '%s'\n",
		       (int)strlen(in->name), in->name, luo->flb->compatible);
		return -EEXIST;
	}
	in->handed_on = true;
	return 0;
}

static int luo_flb_hand_on_one(struct luo_flb_incoming *in)
{
	struct luo_flb *luo;
	int err;

	scoped_guard(rwsem_read, &luo_file_handlers_rwsem) {
		luo = luo_flb_find(in->name);
		WRITE_ONCE(luo_flb_handing_on, luo);
		/* An FLB that is registered after this must not be retrieved. */
		if (!luo)
			in->handed_on = !in->finished;
	}
	if (!luo)
		return 0;

	err = luo_flb_hand_on_known(in, luo);
	/* Once this is visible, the FLB can be unregistered and freed. */
	store_release_wake_up(&luo_flb_handing_on, NULL);
	return err;
}

static void luo_flb_free(struct kref *refs)
{
	struct luo_flb *luo = container_of(refs, struct luo_flb, refs);

	mutex_destroy(&luo->lock);
	kfree(luo);
}

static void luo_flb_take_back_one(struct luo_flb_incoming *in)
{
	struct luo_flb *luo = in->again;
	struct module *owner;

	in->handed_on = false;
	if (!luo)
		return;

	owner = luo->flb->ops->owner;
	in->again = NULL;
	/* It can be unregistered as soon as another task can take the lock. */
	kref_get(&luo->refs);
	luo_flb_remove_file(luo);
	kref_put(&luo->refs, luo_flb_free);
	module_put(owner);
}

/**
 * luo_flb_take_back - undo luo_flb_hand_on()
 *
 * Context: May sleep, after reboot() was given up. The caller must exclude changes of
 * outgoing files.
 */
void luo_flb_take_back(void)
{
	struct luo_flb_incoming *in = NULL;

	while ((in = luo_flb_next_incoming(in)))
		luo_flb_take_back_one(in);
	luo_flb_table_shrink();
}

/**
 * luo_flb_hand_on - prepare incoming FLBs for the next kernel
 *
 * Call this if incoming files are handed on. The handlers of some files may not be
 * known, so hand on all FLBs that are not finished. luo_flb_serialize() does the rest.
 *
 * Context: May sleep, before reboot() takes the kexec lock. The caller must exclude
 * changes of outgoing files.
 * Return: 0, -ENOMEM, -EINTR, -EEXIST if another version of an FLB is preserved, or the
 * error of the FLB that can't be preserved again. After a failure nothing is prepared.
 */
int luo_flb_hand_on(void)
{
	struct luo_flb_incoming *in = NULL;
	u64 count = 0;
	int err = 0;

	while (!err && (in = luo_flb_next_incoming(in))) {
		err = luo_flb_hand_on_one(in);
		count += in->handed_on;
	}
	if (!err && count)
		err = luo_flb_table_grow(count);
	if (err)
		luo_flb_take_back();
	return err;
}

/* References. Each one also holds a reference to the module of the FLB. */

/**
 * liveupdate_flb_get_incoming - get the incoming object
 * @flb: the FLB, which must be registered
 * @object: where to store the object that retrieve() returned
 *
 * The first call retrieves the FLB. It is not finished while it has references.
 * Once it is retrieved it can't be unregistered until it is finished, so a
 * module's init function must not fail after this call has succeeded.
 *
 * Context: May sleep. Takes a lock that is held while the FLB's callbacks run.
 * After core_initcall.
 * Return: 0, -EOPNOTSUPP if live update is not enabled, -EINVAL if @flb is not
 * registered, -ENOENT if nothing was handed over or it is finished, -EIO if what
 * was handed over is damaged or its version is not supported, -EBUSY if reboot() has
 * handed it on, -ENOMEM or -EINTR, after which it can be called again, or the final
 * error of retrieve().
 */
int liveupdate_flb_get_incoming(struct liveupdate_flb *flb, void **object)
{
	struct luo_flb *luo = flb->luo;
	int err;

	if (!liveupdate_enabled())
		return -EOPNOTSUPP;
	if (!luo)
		return -EINVAL;

	guard(mutex)(&luo->lock);
	err = luo_flb_bind(luo);
	if (err)
		return err;
	err = luo_flb_retrieve(luo);
	if (err)
		return err;

	__module_get(flb->ops->owner);
	luo->incoming->nr_refs++;
	*object = luo->incoming->object;
	return 0;
}
EXPORT_SYMBOL_GPL(liveupdate_flb_get_incoming);

/**
 * liveupdate_flb_put_incoming - drop a reference to the incoming object
 * @flb: the FLB, after a successful liveupdate_flb_get_incoming()
 *
 * Finishes the FLB if this was the last reference and no incoming file can depend on
 * it any more.
 *
 * Context: May sleep. Takes locks that are held while can_preserve() and the FLB's
 * callbacks run.
 */
void liveupdate_flb_put_incoming(struct liveupdate_flb *flb)
{
	struct module *owner = flb->ops->owner;
	struct luo_flb *luo;

	/* The FLB can be unregistered once it is finished and the lock is released. */
	scoped_guard(rwsem_read, &luo_file_handlers_rwsem) {
		luo = flb->luo;
		if (WARN_ON_ONCE(!luo))
			return;

		guard(mutex)(&luo->lock);
		if (WARN_ON_ONCE(!luo->incoming || !luo->incoming->nr_refs))
			return;

		luo->incoming->nr_refs--;
		luo_flb_try_finish(luo);
	}
	module_put(owner);
}
EXPORT_SYMBOL_GPL(liveupdate_flb_put_incoming);

/**
 * liveupdate_flb_get_outgoing - get the outgoing object
 * @flb: the FLB, which must be registered
 * @object: where to store the object that preserve() returned
 *
 * The FLB is not unpreserved while it has references. It is handed over only if a
 * file depends on it.
 *
 * Context: May sleep. Takes a lock that is held while the FLB's callbacks run.
 * Return: 0, -EOPNOTSUPP if live update is not enabled, -EINVAL if @flb is not
 * registered, -ENOENT if it is not preserved.
 */
int liveupdate_flb_get_outgoing(struct liveupdate_flb *flb, void **object)
{
	struct luo_flb *luo = flb->luo;

	if (!liveupdate_enabled())
		return -EOPNOTSUPP;
	if (!luo)
		return -EINVAL;

	guard(mutex)(&luo->lock);
	if (!luo->preserved)
		return -ENOENT;

	__module_get(flb->ops->owner);
	luo->nr_refs++;
	*object = luo->object;
	return 0;
}
EXPORT_SYMBOL_GPL(liveupdate_flb_get_outgoing);

/**
 * liveupdate_flb_put_outgoing - drop a reference to the outgoing object
 * @flb: the FLB, after a successful liveupdate_flb_get_outgoing()
 *
 * Unpreserves the FLB if this was the last reference and no file depends on it any
 * more.
 *
 * Context: May sleep. Takes a lock that is held while the FLB's callbacks run.
 */
void liveupdate_flb_put_outgoing(struct liveupdate_flb *flb)
{
	struct module *owner = flb->ops->owner;
	struct luo_flb *luo = flb->luo;

	if (WARN_ON_ONCE(!luo))
		return;

	/* It can be unregistered as soon as another task can take the lock. */
	kref_get(&luo->refs);
	mutex_lock(&luo->lock);
	if (WARN_ON_ONCE(!luo->preserved || !luo->nr_refs)) {
		owner = NULL;
	} else {
		luo->nr_refs--;
		luo_flb_try_unpreserve(luo);
	}
	mutex_unlock(&luo->lock);
	kref_put(&luo->refs, luo_flb_free);
	module_put(owner);
}
EXPORT_SYMBOL_GPL(liveupdate_flb_put_outgoing);

/* Registration */

static bool luo_flb_valid(const struct liveupdate_flb *flb)
{
	const struct liveupdate_flb_ops *ops = flb->ops;
	u32 version;

	return ops && ops->preserve && ops->unpreserve && ops->retrieve &&
	       ops->finish &&
	       !kho_compat_base_version(flb->compatible,
					sizeof(flb->compatible), &version);
}

/* An FLB is created when it is registered with its first handler. */
static struct luo_flb *luo_flb_create(struct liveupdate_flb *flb)
{
	struct luo_flb *luo;

	if (luo_flb_find(flb->compatible))
		return ERR_PTR(-EEXIST);

	luo = kzalloc(sizeof(*luo), GFP_KERNEL);
	if (!luo)
		return ERR_PTR(-ENOMEM);

	kref_init(&luo->refs);
	luo->flb = flb;
	mutex_init(&luo->lock);
	INIT_LIST_HEAD(&luo->preserved_list);
	list_add_tail(&luo->list, &luo_flbs);
	flb->luo = luo;
	return luo;
}

static void luo_flb_destroy(struct luo_flb *luo)
{
	luo->flb->luo = NULL;
	list_del(&luo->list);
	kref_put(&luo->refs, luo_flb_free);
}

/* Return true if unpreserve() or finish() still has to be called. */
static bool luo_flb_in_use(struct luo_flb *luo)
{
	const struct luo_flb_incoming *in;

	guard(mutex)(&luo->lock);
	in = luo->incoming;
	return luo->preserved ||
	       (in && luo_flb_holds_module(in) && !in->finished);
}

/**
 * liveupdate_register_flb - make files of one kind depend on shared state
 * @fh: the handler of these files, which must be registered
 * @flb: the shared state. It belongs to the caller, who must not free it while it
 *	 is registered.
 *
 * An FLB can be registered with any number of handlers.
 *
 * Context: May sleep.
 * Return: 0, -EOPNOTSUPP if live update is not enabled, -EINVAL if a callback is
 * missing or the version string is malformed, -ENOENT if the handler is not
 * registered, -EEXIST if @flb is registered with it already or the base token of
 * another FLB has the same name, -EBUSY while files use the handler, -ENOMEM.
 */
int liveupdate_register_flb(struct liveupdate_file_handler *fh,
			    struct liveupdate_flb *flb)
{
	struct luo_flb_link *link __free(kfree) = NULL;
	struct luo_flb *luo;

	if (!liveupdate_enabled())
		return -EOPNOTSUPP;
	if (!luo_flb_valid(flb))
		return -EINVAL;
	link = kzalloc(sizeof(*link), GFP_KERNEL);
	if (!link)
		return -ENOMEM;

	guard(rwsem_write)(&luo_file_handlers_rwsem);
	if (!luo_file_handler_registered(fh))
		return -ENOENT;
	if (luo_file_handler_find_flb(fh, flb))
		return -EEXIST;
	if (luo_file_handler_used(fh))
		return -EBUSY;

	luo = flb->luo ?: luo_flb_create(flb);
	if (IS_ERR(luo))
		return PTR_ERR(luo);

	luo->nr_handlers++;
	link->flb = flb;
	list_add_tail(&no_free_ptr(link)->list, &fh->flbs);
	return 0;
}
EXPORT_SYMBOL_GPL(liveupdate_register_flb);

static bool luo_flb_is_handed_on_now(const struct liveupdate_flb *flb)
{
	/* Pairs with the release in luo_flb_hand_on_one(), after its last use of the FLB. */
	struct luo_flb *luo = smp_load_acquire(&luo_flb_handing_on);

	return luo && luo == READ_ONCE(flb->luo);
}

/* Return -EAGAIN if reboot() uses the FLB. */
static int luo_flb_try_unregister(struct liveupdate_file_handler *fh,
				  struct liveupdate_flb *flb)
{
	struct luo_flb_link *link;
	struct luo_flb *luo;

	guard(rwsem_write)(&luo_file_handlers_rwsem);
	if (!luo_file_handler_registered(fh))
		return -ENOENT;
	link = luo_file_handler_find_flb(fh, flb);
	if (!link)
		return -ENOENT;
	luo = flb->luo;
	if (luo_file_handler_used(fh))
		return -EBUSY;
	if (luo->nr_handlers == 1) {
		if (luo_flb_is_handed_on_now(flb))
			return -EAGAIN;
		if (luo_flb_in_use(luo))
			return -EBUSY;
	}

	list_del(&link->list);
	kfree(link);
	if (!--luo->nr_handlers)
		luo_flb_destroy(luo);
	return 0;
}

/**
 * liveupdate_unregister_flb - undo liveupdate_register_flb()
 * @fh: the handler
 * @flb: the shared state
 *
 * An FLB must be unregistered from a handler before the handler is unregistered.
 * Each file that depends on the FLB and each reference to the FLB also holds a
 * reference to its module. So the module's exit function can rely on success.
 *
 * Context: May sleep. Waits while reboot() hands the FLB on.
 * Return: 0, -EOPNOTSUPP if live update is not enabled, -ENOENT if @flb is not
 * registered with the handler, -EBUSY while files use the handler. For the last
 * handler also -EBUSY if the FLB is preserved, or retrieved and not finished.
 */
int liveupdate_unregister_flb(struct liveupdate_file_handler *fh,
			      struct liveupdate_flb *flb)
{
	int err;

	if (!liveupdate_enabled())
		return -EOPNOTSUPP;

	while ((err = luo_flb_try_unregister(fh, flb)) == -EAGAIN)
		wait_var_event(&luo_flb_handing_on, !luo_flb_is_handed_on_now(flb));
	return err;
}
EXPORT_SYMBOL_GPL(liveupdate_unregister_flb);
