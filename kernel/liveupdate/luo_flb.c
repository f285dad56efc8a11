// SPDX-License-Identifier: GPL-2.0
/*
 * Live Update Orchestrator: state that files share
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

/**
 * DOC: LUO file-lifecycle-bound state
 *
 * Some files can't be carried over alone: many device files depend on one IOMMU
 * core, say. What they share is an FLB. It is registered with each file handler
 * whose files depend on it, and lives as long as such files do: it is preserved
 * with the first of them and unpreserved with the last one; in the next kernel
 * it is retrieved when somebody asks for it, which may be long before user space
 * opens /dev/liveupdate, and finished with the last file.
 *
 * What passes from one kernel to the next is a table of the FLBs' version
 * strings, one number for each, and the number of files that depend on it. The
 * room for the table is set aside when FLBs are preserved, so that reboot()
 * doesn't run out of memory. The table is filled there.
 *
 * The next kernel copies the table when it is needed first. What it thinks of an
 * entry is kept with the copy and not with the FLB, whose module may be loaded
 * late and more than once.
 */

#define pr_fmt(fmt) "LUO: " fmt

#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/luo.h>
#include <linux/kho/compat.h>
#include <linux/list.h>
#include <linux/liveupdate.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "luo_internal.h"

/**
 * struct luo_flb_incoming - an entry of the previous kernel's table
 * @name: version string, NUL-terminated
 * @data: what was handed over
 * @nr_files: files that depend on it and are not finished
 * @nr_refs: references that liveupdate_flb_get_incoming() gave out
 * @retrieve_status: see &struct liveupdate_flb_op_args
 * @finished: it is gone
 * @object: what retrieve() made of it
 *
 * All but @name and @data are guarded by the lock of the FLB that has this name.
 */
struct luo_flb_incoming {
	char name[LIVEUPDATE_FLB_COMPAT_LENGTH];
	u64 data;
	u64 nr_files;
	unsigned long nr_refs;
	int retrieve_status;
	bool finished;
	void *object;
};

/**
 * struct luo_flb - an FLB that is registered
 * @flb: what its owner knows
 * @list: in luo_flbs; guarded by luo_file_handlers_rwsem
 * @nr_handlers: number of handlers that it is registered with; guarded by
 *		 luo_file_handlers_rwsem
 * @lock: guards what follows, and is held while callbacks run
 * @preserved: preserve() was called and unpreserve() was not
 * @preserved_list: in luo_flb_out.preserved; guarded by luo_flb_out.lock
 * @nr_files: outgoing files that depend on it
 * @nr_refs: references that liveupdate_flb_get_outgoing() gave out
 * @data: what is handed over
 * @object: what preserve() has made
 * @incoming: the previous kernel's entry, NULL until it is looked for
 * @incoming_err: why there is none
 */
struct luo_flb {
	struct liveupdate_flb *flb;
	struct list_head list;
	unsigned int nr_handlers;

	struct mutex lock; /* guards what follows */
	bool preserved;
	struct list_head preserved_list;
	u64 nr_files;
	unsigned long nr_refs;
	u64 data;
	void *object;
	struct luo_flb_incoming *incoming;
	int incoming_err;
};

/* All that are registered, guarded by luo_file_handlers_rwsem. */
static LIST_HEAD(luo_flbs);

/* The table for the next kernel. */
static struct {
	struct mutex lock; /* guards what follows */
	struct list_head preserved;
	u64 nr_preserved;
	struct luo_flb_header_ser *table;	/* has room for all of them */
	size_t size;				/* bytes */
} luo_flb_out = {
	.lock = __MUTEX_INITIALIZER(luo_flb_out.lock),
	.preserved = LIST_HEAD_INIT(luo_flb_out.preserved),
};

/* The previous kernel's table. Entries don't move any more once it is loaded. */
static struct {
	struct mutex lock; /* guards what follows */
	u64 table_pa;
	int err;
	bool loaded;
	struct luo_flb_incoming *entries;
	size_t nr_entries;
} luo_flb_in = {
	.lock = __MUTEX_INITIALIZER(luo_flb_in.lock),
};

/* Entries in a table of this size, bytes. */
static u64 luo_flb_capacity(size_t size)
{
	return (size - sizeof(struct luo_flb_header_ser)) /
	       sizeof(struct luo_flb_ser);
}

static struct luo_flb_ser *luo_flb_table_entries(struct luo_flb_header_ser *table)
{
	return (struct luo_flb_ser *)(table + 1);
}

/* Outgoing: the table */

static int luo_flb_table_grow(void)
{
	size_t size = max(2 * luo_flb_out.size, PAGE_SIZE);
	struct luo_flb_header_ser *table;

	lockdep_assert_held(&luo_flb_out.lock);
	table = kho_alloc_preserve(size);
	if (IS_ERR(table))
		return PTR_ERR(table);

	if (luo_flb_out.table)
		kho_unpreserve_free(luo_flb_out.table);
	luo_flb_out.table = table;
	luo_flb_out.size = size;
	return 0;
}

/* Make room for one more. */
static int luo_flb_table_add(struct luo_flb *luo)
{
	int err;

	guard(mutex)(&luo_flb_out.lock);
	if (!luo_flb_out.table ||
	    luo_flb_out.nr_preserved == luo_flb_capacity(luo_flb_out.size)) {
		err = luo_flb_table_grow();
		if (err)
			return err;
	}

	list_add_tail(&luo->preserved_list, &luo_flb_out.preserved);
	luo_flb_out.nr_preserved++;
	return 0;
}

static void luo_flb_table_remove(struct luo_flb *luo)
{
	guard(mutex)(&luo_flb_out.lock);
	list_del_init(&luo->preserved_list);
	if (--luo_flb_out.nr_preserved)
		return;

	kho_unpreserve_free(luo_flb_out.table);
	luo_flb_out.table = NULL;
	luo_flb_out.size = 0;
}

static void luo_flb_store(const struct luo_flb *luo, struct luo_flb_ser *ser)
{
	memcpy(ser->name, luo->flb->compatible, sizeof(ser->name));
	ser->data = luo->data;
	ser->count = luo->nr_files;
}

/**
 * luo_flb_serialize - store what files share
 * @ser: where to store where it is
 *
 * Context: May sleep. All files are frozen, and nobody can preserve or
 * unpreserve any.
 */
void luo_flb_serialize(struct luo_ser *ser)
{
	struct luo_flb_header_ser *table;
	struct luo_flb *luo;

	guard(mutex)(&luo_flb_out.lock);
	table = luo_flb_out.table;
	if (!table)
		return;

	table->pgcnt = luo_flb_out.size >> PAGE_SHIFT;
	table->count = 0;
	list_for_each_entry(luo, &luo_flb_out.preserved, preserved_list) {
		/* Somebody has a reference, but no file needs it any more. */
		if (!luo->nr_files)
			continue;
		luo_flb_store(luo, luo_flb_table_entries(table) + table->count);
		table->count++;
	}
	if (table->count)
		ser->flbs_pa = virt_to_phys(table);
}

/* Outgoing: one FLB */

static struct liveupdate_flb_op_args luo_flb_out_args(const struct luo_flb *luo)
{
	return (struct liveupdate_flb_op_args) {
		.flb = luo->flb,
		.serialized_data = luo->data,
		.object = luo->object,
	};
}

static int luo_flb_call_preserve(struct luo_flb *luo)
{
	struct liveupdate_flb_op_args args = { .flb = luo->flb };
	int err;

	err = luo->flb->ops->preserve(&args);
	if (err) {
		pr_err("'%s' can't be preserved: %pe\n", luo->flb->compatible,
		       ERR_PTR(err));
		return err;
	}

	luo->data = args.serialized_data;
	luo->object = args.object;
	luo->preserved = true;
	return 0;
}

static int luo_flb_preserve_first(struct luo_flb *luo)
{
	int err;

	lockdep_assert_held(&luo->lock);
	if (!try_module_get(luo->flb->ops->owner))
		return -ENOENT;

	err = luo_flb_table_add(luo);
	if (err)
		goto err_module;
	err = luo_flb_call_preserve(luo);
	if (err)
		goto err_table;
	return 0;

err_table:
	luo_flb_table_remove(luo);
err_module:
	module_put(luo->flb->ops->owner);
	return err;
}

/* Undo it, unless it is still in use. */
static void luo_flb_unpreserve_last(struct luo_flb *luo)
{
	struct liveupdate_flb_op_args args = luo_flb_out_args(luo);

	lockdep_assert_held(&luo->lock);
	if (luo->nr_files || luo->nr_refs)
		return;

	luo->flb->ops->unpreserve(&args);
	luo->preserved = false;
	luo->data = 0;
	luo->object = NULL;
	luo_flb_table_remove(luo);
	module_put(luo->flb->ops->owner);
}

static int luo_flb_add_file(struct luo_flb *luo)
{
	int err;

	guard(mutex)(&luo->lock);
	if (!luo->preserved) {
		err = luo_flb_preserve_first(luo);
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
	luo_flb_unpreserve_last(luo);
}

/**
 * luo_flb_preserve_all - preserve what a file depends on
 * @fh: the file's handler, which the file holds
 *
 * Does nothing but counting for what another file depends on already.
 *
 * Context: May sleep. The caller keeps liveupdate_reboot() away.
 * Return: 0, -ENOMEM or the error of the FLB that failed, then nothing was done.
 */
int luo_flb_preserve_all(struct liveupdate_file_handler *fh)
{
	struct luo_flb_link *link;
	int err;

	/* A handler that is held keeps its FLBs. */
	list_for_each_entry(link, &fh->flbs, list) {
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
 * @fh: the file's handler, which the file holds
 *
 * Context: May sleep. The caller keeps liveupdate_reboot() away.
 */
void luo_flb_unpreserve_all(struct liveupdate_file_handler *fh)
{
	struct luo_flb_link *link;

	list_for_each_entry_reverse(link, &fh->flbs, list)
		luo_flb_remove_file(link->flb->luo);
}

/* Incoming: the table */

/**
 * luo_flb_set_incoming - tell where the previous kernel's table is
 * @table_pa: its physical address, 0 for none
 * @err: what is wrong with the state that leads to it, or 0
 *
 * Context: Once, before anybody can ask for what is in the table.
 */
void __init luo_flb_set_incoming(u64 table_pa, int err)
{
	luo_flb_in.table_pa = table_pa;
	luo_flb_in.err = err;
}

/* Is all of the table there, in one block as its writer has allocated it? */
static int luo_flb_check_table(u64 table_pa)
{
	const struct luo_flb_header_ser *table;

	if (!PAGE_ALIGNED(table_pa) ||
	    !kho_incoming_contains(table_pa, PAGE_SIZE)) {
		pr_err("incoming FLB table at %#llx is not in preserved memory\n",
		       table_pa);
		return -EINVAL;
	}

	table = phys_to_virt(table_pa);
	if (!table->pgcnt || table->pgcnt > MAX_ORDER_NR_PAGES ||
	    !kho_incoming_contains(table_pa, table->pgcnt << PAGE_SHIFT)) {
		pr_err("incoming FLB table of %llu pages is not in preserved memory\n",
		       table->pgcnt);
		return -EINVAL;
	}

	if (table->count > luo_flb_capacity(table->pgcnt << PAGE_SHIFT)) {
		pr_err("incoming FLB table of %llu pages has no room for %llu entries\n",
		       table->pgcnt, table->count);
		return -EINVAL;
	}
	return 0;
}

static int luo_flb_check_entry(const struct luo_flb_ser *ser)
{
	u32 version;

	if (kho_compat_base_version(ser->name, sizeof(ser->name), &version)) {
		pr_err("incoming FLB '%*pE' has a malformed version string\n",
		       (int)strnlen(ser->name, sizeof(ser->name)), ser->name);
		return -EINVAL;
	}
	if (!ser->count) {
		pr_err("incoming FLB '%*pE' belongs to no file\n",
		       (int)strlen(ser->name), ser->name);
		return -EINVAL;
	}
	return 0;
}

static int luo_flb_copy_entries(const struct luo_flb_ser *ser, size_t nr)
{
	struct luo_flb_incoming *entries;
	size_t i;
	int err;

	entries = kvcalloc(nr, sizeof(*entries), GFP_KERNEL);
	if (!entries)
		return -ENOMEM;

	for (i = 0; i < nr; i++) {
		err = luo_flb_check_entry(&ser[i]);
		if (err) {
			kvfree(entries);
			return err;
		}
		strscpy(entries[i].name, ser[i].name);
		entries[i].data = ser[i].data;
		entries[i].nr_files = ser[i].count;
	}

	luo_flb_in.entries = entries;
	luo_flb_in.nr_entries = nr;
	return 0;
}

static int luo_flb_read_table(u64 table_pa)
{
	struct luo_flb_header_ser *table;
	int err;

	err = luo_flb_check_table(table_pa);
	if (err)
		return err;

	table = phys_to_virt(table_pa);
	if (table->count) {
		err = luo_flb_copy_entries(luo_flb_table_entries(table),
					   table->count);
		if (err)
			return err;
	}

	kho_restore_free(table);
	return 0;
}

/**
 * luo_flb_deserialize - read the table that the previous kernel left
 *
 * Does nothing when it was read already. When the table is refused, its memory
 * and all that it leads to stay reserved, and who asks for any of it gets -EIO.
 *
 * Context: May sleep. After core_initcall.
 * Return: 0, -ENOMEM, after which it can be tried again, or -EIO when the table
 * is damaged.
 */
int luo_flb_deserialize(void)
{
	int err;

	guard(mutex)(&luo_flb_in.lock);
	if (luo_flb_in.err)
		return -EIO;
	if (luo_flb_in.loaded || !luo_flb_in.table_pa)
		return 0;

	err = luo_flb_read_table(luo_flb_in.table_pa);
	if (err == -ENOMEM)
		return err;
	if (err) {
		luo_flb_in.err = err;
		return -EIO;
	}

	luo_flb_in.loaded = true;
	return 0;
}

/* Two of a name tell nothing about which one is meant: nobody gets either. */
static struct luo_flb_incoming *luo_flb_find_incoming(const char *compatible)
{
	struct luo_flb_incoming *entry, *found = NULL;
	size_t i;

	for (i = 0; i < luo_flb_in.nr_entries; i++) {
		entry = &luo_flb_in.entries[i];
		if (!kho_compat_same_base(entry->name, sizeof(entry->name),
					  compatible))
			continue;
		if (found) {
			pr_err("incoming FLB '%*pE' exists twice\n",
			       (int)strlen(entry->name), entry->name);
			return ERR_PTR(-EIO);
		}
		found = entry;
	}
	return found ?: ERR_PTR(-ENOENT);
}

/* Incoming: one FLB */

static int luo_flb_look_for_incoming(struct luo_flb *luo)
{
	const struct liveupdate_flb *flb = luo->flb;
	struct luo_flb_incoming *in;
	int err;

	err = luo_flb_deserialize();
	if (err)
		return err;
	in = luo_flb_find_incoming(flb->compatible);
	if (IS_ERR(in))
		return PTR_ERR(in);
	if (!luo_version_supported(flb->compatible, flb->versions, in->name))
		return -EIO;

	luo->incoming = in;
	return 0;
}

static int luo_flb_bind(struct luo_flb *luo)
{
	int err;

	lockdep_assert_held(&luo->lock);
	if (luo->incoming || luo->incoming_err)
		return luo->incoming_err;

	err = luo_flb_look_for_incoming(luo);
	/* There may be memory the next time, but nothing else changes. */
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
		.serialized_data = in->data,
		.object = in->object,
		.incoming_compatible = in->name,
	};
}

static int luo_flb_call_retrieve(struct luo_flb *luo)
{
	struct liveupdate_flb_op_args args = luo_flb_in_args(luo);
	struct luo_flb_incoming *in = luo->incoming;
	int err;

	err = luo->flb->ops->retrieve(&args);
	if (err) {
		pr_err("'%s' can't be retrieved: %pe\n", luo->flb->compatible,
		       ERR_PTR(err));
		in->retrieve_status = err;
		return err;
	}

	in->object = args.object;
	in->retrieve_status = 1;
	return 0;
}

/* The first use. From then to finish() the owner's module stays. */
static int luo_flb_retrieve(struct luo_flb *luo)
{
	struct luo_flb_incoming *in = luo->incoming;
	int err;

	lockdep_assert_held(&luo->lock);
	if (in->finished)
		return -ENOENT;
	if (in->retrieve_status < 0)
		return in->retrieve_status;
	if (in->retrieve_status)
		return 0;

	if (!try_module_get(luo->flb->ops->owner))
		return -ENOENT;
	err = luo_flb_call_retrieve(luo);
	if (err)
		module_put(luo->flb->ops->owner);
	return err;
}

/* Let go of it, unless it is still in use. */
static void luo_flb_finish_last(struct luo_flb *luo)
{
	struct liveupdate_flb_op_args args = luo_flb_in_args(luo);
	struct luo_flb_incoming *in = luo->incoming;

	lockdep_assert_held(&luo->lock);
	if (in->nr_files || in->nr_refs || in->finished)
		return;

	luo->flb->ops->finish(&args);
	in->finished = true;
	in->object = NULL;
	if (in->retrieve_status > 0)
		module_put(luo->flb->ops->owner);
}

static void luo_flb_finish_file(struct luo_flb *luo)
{
	guard(mutex)(&luo->lock);
	/* New here, or damaged: nothing to let go of. */
	if (luo_flb_bind(luo))
		return;

	if (luo->incoming->nr_files)
		luo->incoming->nr_files--;
	luo_flb_finish_last(luo);
}

/**
 * luo_flb_finish_all - let go of what a finished file depended on
 * @fh: the file's handler, which the file holds
 *
 * Context: May sleep.
 */
void luo_flb_finish_all(struct liveupdate_file_handler *fh)
{
	struct luo_flb_link *link;

	list_for_each_entry_reverse(link, &fh->flbs, list)
		luo_flb_finish_file(link->flb->luo);
}

/* Use */

/**
 * liveupdate_flb_get_incoming - use what the previous kernel left
 * @flb: the FLB, which is registered
 * @object: where to store what its retrieve() has made
 *
 * The first call retrieves it. While there is a reference it is not finished, and
 * as long as it is not, the FLB can't be unregistered: the init function of a
 * module must not fail after this has succeeded.
 *
 * Context: May sleep, takes a lock under which the FLB's callbacks run. After
 * core_initcall.
 * Return: 0, -EOPNOTSUPP when live update is not enabled, -EINVAL when @flb is
 * not registered, -ENOENT when nothing was left or it is finished, -EIO when
 * what was left is damaged or of a version that is not supported, -ENOMEM, or
 * what retrieve() returned when it was called.
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

	luo->incoming->nr_refs++;
	*object = luo->incoming->object;
	return 0;
}
EXPORT_SYMBOL_GPL(liveupdate_flb_get_incoming);

/**
 * liveupdate_flb_put_incoming - end a use of what the previous kernel left
 * @flb: the FLB, after a successful liveupdate_flb_get_incoming()
 *
 * Finishes it when no file depends on it any more and this was the last
 * reference.
 *
 * Context: May sleep, takes a lock under which the FLB's callbacks run.
 */
void liveupdate_flb_put_incoming(struct liveupdate_flb *flb)
{
	struct luo_flb *luo = flb->luo;

	if (WARN_ON_ONCE(!luo))
		return;

	guard(mutex)(&luo->lock);
	if (WARN_ON_ONCE(!luo->incoming || !luo->incoming->nr_refs))
		return;

	luo->incoming->nr_refs--;
	luo_flb_finish_last(luo);
}
EXPORT_SYMBOL_GPL(liveupdate_flb_put_incoming);

/**
 * liveupdate_flb_get_outgoing - use what is preserved for the next kernel
 * @flb: the FLB, which is registered
 * @object: where to store what its preserve() has made
 *
 * While there is a reference it is not unpreserved. It is handed over only as
 * long as a file depends on it.
 *
 * Context: May sleep, takes a lock under which the FLB's callbacks run.
 * Return: 0, -EOPNOTSUPP when live update is not enabled, -EINVAL when @flb is
 * not registered, -ENOENT when it is not preserved.
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

	luo->nr_refs++;
	*object = luo->object;
	return 0;
}
EXPORT_SYMBOL_GPL(liveupdate_flb_get_outgoing);

/**
 * liveupdate_flb_put_outgoing - end a use of what is preserved
 * @flb: the FLB, after a successful liveupdate_flb_get_outgoing()
 *
 * Unpreserves it when no file depends on it any more and this was the last
 * reference.
 *
 * Context: May sleep, takes a lock under which the FLB's callbacks run.
 */
void liveupdate_flb_put_outgoing(struct liveupdate_flb *flb)
{
	struct luo_flb *luo = flb->luo;

	if (WARN_ON_ONCE(!luo))
		return;

	guard(mutex)(&luo->lock);
	if (WARN_ON_ONCE(!luo->preserved || !luo->nr_refs))
		return;

	luo->nr_refs--;
	luo_flb_unpreserve_last(luo);
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

static bool luo_flb_name_taken(const struct liveupdate_flb *flb)
{
	struct luo_flb *luo;

	list_for_each_entry(luo, &luo_flbs, list) {
		if (kho_compat_same_base(flb->compatible,
					 sizeof(flb->compatible),
					 luo->flb->compatible))
			return true;
	}
	return false;
}

static struct luo_flb_link *
luo_flb_find_link(const struct liveupdate_file_handler *fh,
		  const struct liveupdate_flb *flb)
{
	struct luo_flb_link *link;

	list_for_each_entry(link, &fh->flbs, list) {
		if (link->flb == flb)
			return link;
	}
	return NULL;
}

/* What is registered with the first handler. */
static struct luo_flb *luo_flb_create(struct liveupdate_flb *flb)
{
	struct luo_flb *luo;

	if (luo_flb_name_taken(flb))
		return ERR_PTR(-EEXIST);

	luo = kzalloc(sizeof(*luo), GFP_KERNEL);
	if (!luo)
		return ERR_PTR(-ENOMEM);

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
	mutex_destroy(&luo->lock);
	kfree(luo);
}

/* Does it hold anything that only its callbacks can let go of? */
static bool luo_flb_in_use(struct luo_flb *luo)
{
	const struct luo_flb_incoming *in;

	guard(mutex)(&luo->lock);
	in = luo->incoming;
	return luo->preserved ||
	       (in && in->retrieve_status > 0 && !in->finished);
}

/* The registered FLB, which is new when this is its first handler. */
static struct luo_flb *luo_flb_get_registered(struct liveupdate_flb *flb)
{
	return flb->luo ?: luo_flb_create(flb);
}

/**
 * liveupdate_register_flb - bind shared state to one kind of file
 * @fh: the handler of those files, which is registered
 * @flb: the shared state. It stays the caller's and must not go away while it
 *	 is registered.
 *
 * It can be registered with any number of handlers.
 *
 * Context: May sleep.
 * Return: 0, -EOPNOTSUPP when live update is not enabled, -EINVAL when a
 * callback is missing or the version string is malformed, -ENOENT when the
 * handler is not registered, -EEXIST when @flb is registered with it already or
 * another FLB has the same base token's name, -EBUSY while files use the
 * handler, -ENOMEM.
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
	if (luo_flb_find_link(fh, flb))
		return -EEXIST;
	if (luo_file_handler_used(fh))
		return -EBUSY;

	luo = luo_flb_get_registered(flb);
	if (IS_ERR(luo))
		return PTR_ERR(luo);

	luo->nr_handlers++;
	link->flb = flb;
	list_add_tail(&no_free_ptr(link)->list, &fh->flbs);
	return 0;
}
EXPORT_SYMBOL_GPL(liveupdate_register_flb);

/**
 * liveupdate_unregister_flb - undo liveupdate_register_flb()
 * @fh: the handler
 * @flb: the shared state
 *
 * It must be unregistered from all handlers before they are. The files of its
 * handlers and whatever else uses the FLB hold a reference to the module that
 * owns it, so this doesn't fail when it is called by that module's exit
 * function.
 *
 * Context: May sleep.
 * Return: 0, -EOPNOTSUPP when live update is not enabled, -ENOENT when @flb is
 * not registered with the handler, -EBUSY while files use the handler, or when
 * it is the last one and the FLB is preserved, or retrieved and not finished.
 */
int liveupdate_unregister_flb(struct liveupdate_file_handler *fh,
			      struct liveupdate_flb *flb)
{
	struct luo_flb_link *link;
	struct luo_flb *luo;

	if (!liveupdate_enabled())
		return -EOPNOTSUPP;

	guard(rwsem_write)(&luo_file_handlers_rwsem);
	if (!luo_file_handler_registered(fh))
		return -ENOENT;
	link = luo_flb_find_link(fh, flb);
	if (!link)
		return -ENOENT;
	luo = flb->luo;
	if (luo_file_handler_used(fh))
		return -EBUSY;
	if (luo->nr_handlers == 1 && luo_flb_in_use(luo))
		return -EBUSY;

	list_del(&link->list);
	kfree(link);
	if (!--luo->nr_handlers)
		luo_flb_destroy(luo);
	return 0;
}
EXPORT_SYMBOL_GPL(liveupdate_unregister_flb);
