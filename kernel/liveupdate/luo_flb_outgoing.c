// SPDX-License-Identifier: GPL-2.0
/*
 * Live Update Orchestrator: the table of FLBs for the next kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

/**
 * DOC: LUO tables of FLBs
 *
 * LUO hands over a table that has an entry for each FLB: its version string, one
 * number, and the number of files that depend on it. The number is not used: the
 * handlers of both kernels can depend on different FLBs, and some kernels add the
 * references that were held. Preserving an FLB allocates the room for its entry, so that
 * reboot() only fills in the table and does not run out of memory.
 *
 * The next kernel copies the table when it is first needed. Whether an entry was
 * retrieved or finished is stored in this copy, not in struct luo_flb: the module
 * of an FLB can be loaded late, and more than once.
 */

#define pr_fmt(fmt) "LUO: " fmt

#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/luo.h>
#include <linux/kho/image.h>
#include <linux/list.h>
#include <linux/liveupdate.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/string.h>

#include "luo_internal.h"

static struct {
	struct mutex lock; /* guards the other members */
	struct list_head preserved;
	u64 nr_preserved;
	struct luo_flb_header_ser *table;	/* has room for nr_preserved */
	size_t size;				/* bytes */
} luo_flb_out = {
	.lock = __MUTEX_INITIALIZER(luo_flb_out.lock),
	.preserved = LIST_HEAD_INIT(luo_flb_out.preserved),
};

/* Make room for @nr entries. */
static int luo_flb_table_resize(u64 nr)
{
	size_t size = max(luo_flb_out.size, PAGE_SIZE);
	struct luo_flb_header_ser *table;

	lockdep_assert_held(&luo_flb_out.lock);
	while (nr > luo_flb_capacity(size))
		size *= 2;
	if (luo_flb_out.table && size == luo_flb_out.size)
		return 0;

	table = kho_alloc_preserve(size);
	if (IS_ERR(table))
		return PTR_ERR(table);

	if (luo_flb_out.table)
		kho_unpreserve_free(luo_flb_out.table);
	luo_flb_out.table = table;
	luo_flb_out.size = size;
	return 0;
}

/**
 * luo_flb_table_grow - make room for entries of FLBs that are handed on
 * @nr: their number
 *
 * Context: May sleep.
 * Return: 0 or -ENOMEM.
 */
int luo_flb_table_grow(u64 nr)
{
	guard(mutex)(&luo_flb_out.lock);
	return luo_flb_table_resize(luo_flb_out.nr_preserved + nr);
}

static void luo_flb_table_free_empty(void)
{
	lockdep_assert_held(&luo_flb_out.lock);
	if (luo_flb_out.nr_preserved)
		return;

	kho_unpreserve_free(luo_flb_out.table);
	luo_flb_out.table = NULL;
	luo_flb_out.size = 0;
}

/**
 * luo_flb_table_shrink - undo luo_flb_table_grow()
 *
 * Only an empty table is freed.
 *
 * Context: May sleep.
 */
void luo_flb_table_shrink(void)
{
	guard(mutex)(&luo_flb_out.lock);
	luo_flb_table_free_empty();
}

/**
 * luo_flb_table_add - make room for the entry of one more FLB
 * @luo: the FLB. The caller must hold its lock.
 *
 * Context: May sleep.
 * Return: 0 or -ENOMEM.
 */
int luo_flb_table_add(struct luo_flb *luo)
{
	int err;

	guard(mutex)(&luo_flb_out.lock);
	err = luo_flb_table_resize(luo_flb_out.nr_preserved + 1);
	if (err)
		return err;

	list_add_tail(&luo->preserved_list, &luo_flb_out.preserved);
	luo_flb_out.nr_preserved++;
	return 0;
}

/**
 * luo_flb_table_remove - undo luo_flb_table_add()
 * @luo: the FLB. The caller must hold its lock.
 *
 * Context: May sleep.
 */
void luo_flb_table_remove(struct luo_flb *luo)
{
	guard(mutex)(&luo_flb_out.lock);
	list_del_init(&luo->preserved_list);
	luo_flb_out.nr_preserved--;
	luo_flb_table_free_empty();
}

static int luo_flb_check_version(const char *name)
{
	char version[LIVEUPDATE_FLB_COMPAT_LENGTH];

	if (!luo_store_version(version, name) && kho_image_reads(version))
		return 0;

	pr_err("the loaded kernel can't read FLB '%s'; load another kernel, or close or finish the sessions\n",
	       name);
	return -EINVAL;
}

/**
 * luo_flb_check_readable - check whether the next kernel reads the FLBs
 *
 * Context: May sleep, in liveupdate_reboot().
 * Return: 0, or -EINVAL if it is known that it does not.
 */
int luo_flb_check_readable(void)
{
	struct luo_flb_incoming *in = NULL;
	struct luo_flb *luo;
	int err = 0;

	guard(mutex)(&luo_flb_out.lock);
	list_for_each_entry(luo, &luo_flb_out.preserved, preserved_list) {
		if (luo->nr_files && !err)
			err = luo_flb_check_version(luo->flb->compatible);
	}
	while (!err && (in = luo_flb_next_incoming(in))) {
		if (in->handed_on)
			err = luo_flb_check_version(in->name);
	}
	return err;
}

static struct luo_flb_ser *luo_flb_table_entry(u64 nr)
{
	return (struct luo_flb_ser *)(luo_flb_out.table + 1) + nr;
}

/* Some of the files that need it may be handed on as they came. They are not in nr_files. */
static u64 luo_flb_count(const struct luo_flb *luo)
{
	const struct luo_flb_incoming *in = luo->incoming;
	u64 count;

	if (!in || in->again != luo)
		return luo->nr_files;
	/* The number that came in is not trusted. */
	return check_add_overflow(luo->nr_files, in->count, &count) ? U64_MAX : count;
}

/*
 * Fill in the entries of preserved FLBs. Return their number. luo_flb_check_readable() has
 * stored all version strings before.
 */
static u64 luo_flb_store_preserved(void)
{
	struct luo_flb_ser *entry;
	struct luo_flb *luo;
	u64 nr = 0;

	list_for_each_entry(luo, &luo_flb_out.preserved, preserved_list) {
		/* References keep this FLB preserved, but no file depends on it. */
		if (!luo->nr_files)
			continue;
		entry = luo_flb_table_entry(nr++);
		luo_store_version(entry->name, luo->flb->compatible);
		entry->data = luo->data;
		entry->count = luo_flb_count(luo);
	}
	return nr;
}

/* Copy the entries of incoming FLBs that are handed on, after @nr entries. */
static u64 luo_flb_store_handed_on(u64 nr)
{
	struct luo_flb_incoming *in = NULL;
	struct luo_flb_ser *entry;

	while ((in = luo_flb_next_incoming(in))) {
		if (!in->handed_on)
			continue;
		entry = luo_flb_table_entry(nr++);
		luo_store_version(entry->name, in->name);
		entry->data = in->data;
		entry->count = in->count;
	}
	return nr;
}

/*
 * Fill in the table. Return its address, or 0 if it has no entries. Mainline gets a table
 * without entries, too.
 */
static u64 luo_flb_fill_table(void)
{
	struct luo_flb_header_ser *table = luo_flb_out.table;

	lockdep_assert_held(&luo_flb_out.lock);
	if (!table)
		return 0;

	table->pgcnt = luo_flb_out.size >> PAGE_SHIFT;
	table->count = luo_flb_store_handed_on(luo_flb_store_preserved());
	return table->count || luo_form == KHO_FORM_MAINLINE ? virt_to_phys(table) : 0;
}

/**
 * luo_flb_serialize - fill in the table for the next kernel
 * @ser: where to store the address of the table
 *
 * If the previous kernel's table was refused and there is no other, it is handed on as
 * it came: another kernel may be able to read it. Mainline always gets a new one.
 *
 * Context: May sleep. All files are frozen, and none can be preserved or
 * unpreserved.
 */
void luo_flb_serialize(struct luo_ser *ser)
{
	u64 refused_pa = luo_flb_refused_pa();

	guard(mutex)(&luo_flb_out.lock);
	ser->flbs_pa = luo_flb_fill_table();
	if (!ser->flbs_pa)
		ser->flbs_pa = refused_pa;
	else if (refused_pa)
		pr_warn("FLB table of the previous kernel that can't be read is not handed on, because there is a new one\n");
}
