// SPDX-License-Identifier: GPL-2.0
/*
 * Live Update Orchestrator: the previous kernel's table of FLBs
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#define pr_fmt(fmt) "LUO: " fmt

#include <kunit/static_stub.h>
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/luo.h>
#include <linux/kho/compat.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "luo_internal.h"

/* Once the table is loaded its entries do not move. */
static struct {
	struct mutex lock; /* guards the other members */
	u64 table_pa;
	int err;
	bool loaded;
	struct luo_flb_incoming *entries;
	size_t nr_entries;
} luo_flb_in = {
	.lock = __MUTEX_INITIALIZER(luo_flb_in.lock),
};

/**
 * luo_flb_set_incoming - set the address of the previous kernel's table
 * @table_pa: its physical address, 0 if there is none
 * @err: 0, or the error that the incoming state of LUO was refused with
 *
 * Context: Once, before the table is needed.
 */
void __init luo_flb_set_incoming(u64 table_pa, int err)
{
	luo_flb_in.table_pa = table_pa;
	luo_flb_in.err = err;
}

/* The table must lie in one block, because its writer allocated it at once. */
static int luo_flb_check_table(u64 table_pa, const struct kho_source *source)
{
	const struct luo_flb_header_ser *table;

	if (!PAGE_ALIGNED(table_pa) ||
	    !source->contains(table_pa, PAGE_SIZE)) {
		pr_err("%s FLB table at %#llx is not in preserved memory\n",
		       source->name, table_pa);
		return -EINVAL;
	}

	table = phys_to_virt(table_pa);
	if (!table->pgcnt || table->pgcnt > MAX_ORDER_NR_PAGES ||
	    !source->contains(table_pa, table->pgcnt << PAGE_SHIFT)) {
		pr_err("%s FLB table of %llu pages is not in preserved memory\n",
		       source->name, table->pgcnt);
		return -EINVAL;
	}

	if (table->count > luo_flb_capacity(table->pgcnt << PAGE_SHIFT)) {
		pr_err("%s FLB table of %llu pages has no room for %llu entries\n",
		       source->name, table->pgcnt, table->count);
		return -EINVAL;
	}
	return 0;
}

static int luo_flb_check_entry(const struct luo_flb_ser *ser, const struct kho_source *source)
{
	u32 version;

	if (kho_compat_base_version(ser->name, sizeof(ser->name), &version)) {
		pr_err("%s FLB '%*pE' has a malformed version string\n",
		       source->name, (int)strnlen(ser->name, sizeof(ser->name)), ser->name);
		return -EINVAL;
	}
	if (!ser->count) {
		pr_err("%s FLB '%*pE' belongs to no file\n",
		       source->name, (int)strlen(ser->name), ser->name);
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
		err = luo_flb_check_entry(&ser[i], &kho_from_previous);
		if (err) {
			kvfree(entries);
			return err;
		}
		strscpy(entries[i].name, ser[i].name);
		entries[i].data = ser[i].data;
		entries[i].count = ser[i].count;
	}

	luo_flb_in.entries = entries;
	luo_flb_in.nr_entries = nr;
	return 0;
}

static int luo_flb_read_table(u64 table_pa)
{
	struct luo_flb_header_ser *table;
	int err;

	err = luo_flb_check_table(table_pa, &kho_from_previous);
	if (err)
		return err;

	table = phys_to_virt(table_pa);
	if (table->count) {
		err = luo_flb_copy_entries((void *)(table + 1), table->count);
		if (err)
			return err;
	}

	kho_restore_free(table);
	return 0;
}

/**
 * luo_flb_deserialize - read the previous kernel's table
 *
 * Only the first successful call reads it. If the table is refused, its memory
 * and everything that its entries refer to stay reserved, and this and all later
 * calls return -EIO.
 *
 * Context: May sleep. After core_initcall.
 * Return: 0, -EIO if the table is damaged, or -ENOMEM, after which it can be
 * called again.
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

/**
 * luo_flb_refused_pa - return the address of the table that was refused
 *
 * Context: May sleep. After luo_flb_deserialize().
 * Return: the physical address of the table; 0 if it was not refused, or is not known or
 * not in preserved memory.
 */
u64 luo_flb_refused_pa(void)
{
	u64 pa = luo_flb_in.table_pa;

	guard(mutex)(&luo_flb_in.lock);
	return luo_flb_in.err && PAGE_ALIGNED(pa) &&
	       kho_incoming_contains(pa, PAGE_SIZE) ? pa : 0;
}

/**
 * luo_flb_verify - check that the next kernel can read the table of FLBs
 * @table_pa: its physical address as it is handed over, 0 if there is none
 *
 * Context: May sleep, in liveupdate_reboot().
 * Return: 0, also for a table that this kernel can't read and hands on, or -EINVAL.
 */
int luo_flb_verify(u64 table_pa)
{
	const struct luo_flb_header_ser *table;
	const struct luo_flb_ser *ser;
	u64 i;
	int err;

	if (!table_pa || table_pa == luo_flb_refused_pa())
		return 0;
	err = luo_flb_check_table(table_pa, &kho_for_next);
	if (err)
		return err;

	table = phys_to_virt(table_pa);
	ser = (const struct luo_flb_ser *)(table + 1);
	for (i = 0; i < table->count && !err; i++)
		err = luo_flb_check_entry(&ser[i], &kho_for_next);
	return err;
}

/**
 * luo_flb_find_incoming - find an entry of the previous kernel's table
 * @compatible: version string of an FLB. The entry is the one whose base token
 *		has the same name.
 *
 * Context: May sleep. After core_initcall.
 * Return: the entry, or an ERR_PTR: -ENOENT if there is none, -EIO if there is
 * more than one or the table is damaged, -ENOMEM.
 */
struct luo_flb_incoming *luo_flb_find_incoming(const char *compatible)
{
	struct luo_flb_incoming *entry, *found = NULL;
	size_t i;
	int err;

	KUNIT_STATIC_STUB_REDIRECT(luo_flb_find_incoming, compatible);

	err = luo_flb_deserialize();
	if (err)
		return ERR_PTR(err);

	for (i = 0; i < luo_flb_in.nr_entries; i++) {
		entry = &luo_flb_in.entries[i];
		if (!kho_compat_same_base(entry->name, sizeof(entry->name),
					  compatible))
			continue;
		/* Duplicate names are ambiguous, refuse both. */
		if (found) {
			pr_err("incoming FLB '%*pE' exists twice\n",
			       (int)strlen(entry->name), entry->name);
			return ERR_PTR(-EIO);
		}
		found = entry;
	}
	return found ?: ERR_PTR(-ENOENT);
}

/**
 * luo_flb_next_incoming - walk the entries of the previous kernel's table
 * @entry: the last entry that was returned, NULL to start
 *
 * Context: May sleep.
 * Return: the next entry, or NULL, also if the table was not read or was refused.
 */
struct luo_flb_incoming *luo_flb_next_incoming(struct luo_flb_incoming *entry)
{
	guard(mutex)(&luo_flb_in.lock);
	entry = entry ? entry + 1 : luo_flb_in.entries;
	return entry < luo_flb_in.entries + luo_flb_in.nr_entries ? entry : NULL;
}
