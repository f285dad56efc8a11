// SPDX-License-Identifier: GPL-2.0
/*
 * Live Update Orchestrator: listing the sessions of the previous kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#define pr_fmt(fmt) "LUO: " fmt

#include <linux/align.h>
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/luo.h>
#include <linux/kho/block.h>
#include <linux/kho/compat.h>
#include <linux/kho/note.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/string.h>

#include "luo_internal.h"

static const struct kho_compat_range luo_compat_range = {
	.name = "luo",
	.lowest = KHO_LUO_LOWEST,
	.highest = KHO_LUO_HIGHEST,
};

static const struct kho_compat_range *const luo_compat_ranges[] = {
	&luo_compat_range,
	&kho_compat_table[KHO_COMPAT_BLOCK],
};

/**
 * luo_read_ser - read the header of LUO's state
 * @component: who logs what is wrong with its version; NULL to log nothing
 * @blob: the state, not trusted
 * @size: its size in bytes
 * @ser: where to store the fields after the version string. The string of the previous
 *	 kernel can have another length than LUO_ABI_COMPATIBLE.
 *
 * Context: Any.
 * Return: 0, or -EINVAL if it can't be read.
 */
int luo_read_ser(const char *component, const void *blob, size_t size, struct luo_ser *ser)
{
	const size_t offset = offsetof(struct luo_ser, liveupdate_num);
	ssize_t len;
	int err;

	err = kho_compat_check(component, blob, size, luo_compat_ranges,
			       ARRAY_SIZE(luo_compat_ranges));
	if (err)
		return err;

	len = kho_compat_len(blob, size);
	if (len < 0 || len > size || size - len < sizeof(*ser) - offset) {
		pr_err("incoming state of %zu bytes is truncated\n", size);
		return -EINVAL;
	}

	memcpy((void *)ser + offset, blob + len, sizeof(*ser) - offset);
	return 0;
}

/**
 * luo_session_set_incoming - set the address of the previous kernel's sessions
 * @sessions_pa: physical address of the chain of their entries, 0 if there is none
 * @err: 0, or the error that the incoming state of LUO was refused with
 *
 * Context: Once, before incoming sessions are needed.
 */
void __init luo_session_set_incoming(u64 sessions_pa, int err)
{
	luo_incoming.sessions_pa = sessions_pa;
	luo_incoming.err = err;
}

static int luo_incoming_add(const struct luo_session_ser *ser)
{
	struct luo_session *session;
	int err;

	if (!luo_session_name_valid(ser->name)) {
		pr_err("incoming session has an invalid name\n");
		return -EINVAL;
	}

	session = luo_session_alloc(ser->name, &luo_incoming);
	if (!session)
		return -ENOMEM;
	session->ser = ser->file_set;

	err = luo_session_link(&luo_incoming, session);
	if (err) {
		if (err == -EEXIST)
			pr_err("incoming session '%*pE' exists twice\n",
			       (int)strlen(session->name), session->name);
		luo_session_put(session);
	}
	return err;
}

static void luo_incoming_free_all(void)
{
	struct luo_session *session, *next;

	list_for_each_entry_safe(session, next, &luo_incoming.sessions, list) {
		luo_session_unlink(&luo_incoming, session);
		luo_session_put(session);
	}
}

/* Create a session for each entry of the chain. */
static int luo_incoming_list(void)
{
	struct kho_block_set *blocks = &luo_incoming.blocks;
	struct luo_session_ser *ser;
	struct kho_block_it it;
	int err;

	/* An earlier call that failed with -ENOMEM may have restored the blocks. */
	if (!blocks->nr_blocks) {
		err = kho_block_restore(blocks, luo_incoming.sessions_pa);
		if (err)
			return err;
	}

	kho_block_it_init(&it, blocks);
	while ((ser = kho_block_it_read(&it))) {
		err = luo_incoming_add(ser);
		if (err) {
			luo_incoming_free_all();
			return err;
		}
	}

	kho_block_destroy(blocks);
	luo_incoming.listed = true;
	return 0;
}

/* The session's lock is not taken, because no other task can use the session yet. */
static int luo_incoming_load_one(struct luo_session *session)
{
	int err;

	lockdep_assert_held(&luo_incoming.lock);
	err = luo_file_deserialize(&session->files, &session->ser);
	if (!err || err == -ENOMEM)
		return err;

	pr_err("files of incoming session '%*pE' refused: %pe\n",
	       (int)strlen(session->name), session->name, ERR_PTR(err));
	session->err = -EIO;
	return 0;
}

/* List the files of all sessions. A damaged session does not affect others. */
static int luo_incoming_load(void)
{
	struct luo_session *session;
	bool damaged = false;
	int err;

	list_for_each_entry(session, &luo_incoming.sessions, list) {
		if (!session->loaded) {
			err = luo_incoming_load_one(session);
			if (err)
				return err;
			session->loaded = true;
		}
		if (session->err)
			damaged = true;
	}

	/* The files of a damaged session stay reserved, and so does what they share. */
	if (!damaged)
		luo_file_kinds_complete();
	luo_incoming.loaded = true;
	return 0;
}

static int luo_incoming_deserialize(void)
{
	int err;

	lockdep_assert_held(&luo_incoming.lock);
	if (luo_incoming.err)
		return -EIO;
	if (luo_incoming.loaded)
		return 0;

	/* Ignore a damaged table of FLBs: sessions do not depend on it. */
	err = luo_flb_deserialize();
	if (err == -ENOMEM)
		return err;

	err = luo_incoming.listed ? 0 : luo_incoming_list();
	if (!err)
		err = luo_incoming_load();
	if (!err)
		return 0;

	pr_err("incoming sessions can't be listed: %pe\n", ERR_PTR(err));
	if (err == -ENOMEM)
		return err;

	luo_incoming.err = err;
	return -EIO;
}

/**
 * luo_session_refused_pa - return the address of the list that was refused
 *
 * The entries and all that they refer to are still preserved.
 *
 * Context: May sleep. After luo_session_deserialize().
 * Return: the physical address of the first block of the list; 0 if the list was not
 * refused, or is not known or not in preserved memory.
 */
u64 luo_session_refused_pa(void)
{
	u64 pa = luo_incoming.sessions_pa;

	guard(mutex)(&luo_incoming.lock);
	return luo_incoming.err && IS_ALIGNED(pa, KHO_BLOCK_SIZE) &&
	       kho_incoming_contains(pa, KHO_BLOCK_SIZE) ? pa : 0;
}

/**
 * luo_session_deserialize - list the sessions of the previous kernel
 *
 * Call this before incoming sessions are used. Only the first successful call lists
 * them. It takes memory and time in proportion to their number, so this is not done
 * at boot. If the list is refused, its memory and all that the entries refer to stay
 * reserved, and this and all later calls return -EIO.
 *
 * All entries are read, checked and copied before a file can be retrieved. A
 * damaged chain can overlap the content of a preserved file, which user space can
 * change once the file is retrieved.
 *
 * Context: May sleep.
 * Return: 0, -EIO if the list or the state of LUO is damaged, or -ENOMEM or -EINTR,
 * after which it can be called again.
 */
int luo_session_deserialize(void)
{
	int err;

	err = mutex_lock_killable(&luo_incoming.lock);
	if (err)
		return err;

	err = luo_incoming_deserialize();
	mutex_unlock(&luo_incoming.lock);
	return err;
}

/**
 * luo_session_count - count the sessions that the previous kernel handed over
 * @sessions_pa: physical address of the chain of their entries, 0 if there is none
 *
 * Frees the chain. For a kernel that does not use the sessions.
 *
 * Context: Initcalls, after core_initcall.
 * Return: their number, 0 if the chain is damaged.
 */
u64 __init luo_session_count(u64 sessions_pa)
{
	struct kho_block_set blocks =
		KHO_BLOCK_SET_INIT(blocks, sizeof(struct luo_session_ser));
	struct kho_block_it it;
	u64 count = 0;

	if (kho_block_restore(&blocks, sessions_pa))
		return 0;

	kho_block_it_init(&it, &blocks);
	while (kho_block_it_read(&it))
		count++;
	kho_block_destroy(&blocks);
	return count;
}
