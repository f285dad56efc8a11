// SPDX-License-Identifier: GPL-2.0
/*
 * Live Update Orchestrator: serializing sessions for the next kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

/**
 * DOC: LUO serialization
 *
 * reboot() freezes all outgoing sessions and fills in their entries. It hands on the
 * incoming sessions that are not finished, with all of their files, as if they were
 * outgoing. So a session is not lost if the kernel that got it has no program that
 * retrieves it. An outgoing session replaces the incoming one of the same name if a
 * program has that retrieved, and so knows of it. Sessions that this kernel can't read
 * are handed on as they came, because another kernel may be able to read them.
 *
 * The room for the entries of outgoing sessions and their files exists. Handing on
 * sessions takes memory for theirs, and time to preserve their files again. File handlers
 * need time to check what all files have preserved. So this is done before reboot() takes
 * the kexec lock. Until everything has succeeded, all can be undone.
 */

#define pr_fmt(fmt) "LUO: " fmt

#include <linux/align.h>
#include <linux/bug.h>
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/block.h>
#include <linux/kho/compat.h>
#include <linux/kho/image.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/string.h>

#include "luo_internal.h"

/* The longest chain that mainline reads. User-space tests have shorter ones. */
#ifndef LUO_MAINLINE_BLOCKS
#define LUO_MAINLINE_BLOCKS	10000U
#endif

/* Number of incoming sessions to hand on, guarded by luo_freeze_rwsem */
static u64 luo_nr_left;

/**
 * luo_session_freeze_lock - wait for changes of sessions, and keep others out
 *
 * Context: May sleep, ends on a fatal signal.
 * Return: 0, -EINTR, or -EBUSY after sessions were serialized.
 */
int luo_session_freeze_lock(void)
{
	int err;

	err = down_write_killable(&luo_freeze_rwsem);
	if (err) {
		luo_session_wake_late();
		return err;
	}
	if (luo_frozen) {
		up_write(&luo_freeze_rwsem);
		return -EBUSY;
	}
	return 0;
}

/**
 * luo_session_freeze_unlock - undo luo_session_freeze_lock()
 *
 * Sessions that should have ended meanwhile end before their names can be used again.
 *
 * Context: May sleep.
 */
void luo_session_freeze_unlock(void)
{
	if (luo_frozen) {
		up_read(&luo_freeze_rwsem);
		return;
	}

	luo_session_end_late();
	up_write(&luo_freeze_rwsem);
	luo_session_wake_late();
}

/* Handing on incoming sessions */

/*
 * Check whether a session is handed over. A damaged one is, too: another kernel may be
 * able to read it. The caller holds luo_freeze_rwsem for writing, which excludes all
 * changes.
 */
static bool luo_session_is_left(const struct luo_session *session)
{
	return !session->finished && !session->replaced && !session->lost;
}

static int luo_incoming_replace(const char *name)
{
	struct luo_session *session;

	guard(mutex)(&luo_incoming.lock);
	session = luo_session_find(&luo_incoming, name);
	if (!session || session->finished)
		return 0;
	if (!session->retrieved && !session->err) {
		pr_err("session '%*pE' of the previous kernel is not retrieved, and there is a new one of this name\n",
		       (int)strlen(name), name);
		return -EEXIST;
	}

	session->replaced = true;
	return 0;
}

/* Two sessions of one name can't be handed over. */
static int luo_incoming_replace_all(void)
{
	struct luo_session *session;
	int err;

	list_for_each_entry(session, &luo_outgoing.sessions, list) {
		err = luo_incoming_replace(session->name);
		if (err)
			return err;
	}
	return 0;
}

/*
 * The list of a damaged session's files can be in memory that is not preserved. Mainline
 * would panic or lose other sessions.
 */
static bool luo_incoming_is_lost(const struct luo_session *session)
{
	u64 files = session->ser.files;

	return session->err && (luo_form == KHO_FORM_MAINLINE ||
				!IS_ALIGNED(files, KHO_BLOCK_SIZE) ||
				!kho_incoming_contains(files, KHO_BLOCK_SIZE));
}

/* Determine which incoming sessions are handed on. */
static int luo_incoming_choose(void)
{
	struct luo_session *session;

	list_for_each_entry(session, &luo_incoming.sessions, list) {
		session->replaced = false;
		session->lost = luo_incoming_is_lost(session);
	}
	return luo_incoming_replace_all();
}

/*
 * Prepare the files of a session. The entry of a damaged session is copied, as its files
 * are not listed. The memory of files that were not retrieved is handed on, whatever
 * their session. If a session is replaced, no program could find such memory. So
 * retrieve its files, after which they own their memory. To discard them instead would
 * be too early here, and would take too long once nothing can fail any more.
 */
static int luo_incoming_preserve(struct luo_session *session)
{
	guard(mutex)(&session->lock);
	if (session->err)
		return 0;
	return session->replaced ? luo_file_retrieve_all(&session->files) :
				   luo_file_preserve_again(&session->files);
}

static void luo_incoming_unpreserve(struct luo_session *session)
{
	if (!luo_session_is_left(session) || session->err)
		return;

	guard(mutex)(&session->lock);
	luo_file_unpreserve_again(&session->files);
}

/* Make room for the entries of the sessions to hand on. */
static int luo_outgoing_make_room(u64 nr_left)
{
	int err;

	if (!nr_left)
		return 0;

	err = kho_block_grow(&luo_outgoing.blocks, luo_outgoing.count + nr_left - 1);
	if (err)
		kho_block_shrink(&luo_outgoing.blocks, luo_outgoing.count);
	return err;
}

/* Preserve the files that were retrieved, and count the sessions to hand on. */
static int luo_incoming_preserve_all(void)
{
	bool finished = !luo_session_refused_pa();
	struct luo_session *session;
	u64 count = 0;
	int err;

	list_for_each_entry(session, &luo_incoming.sessions, list) {
		if (session->finished)
			continue;
		finished = false;
		err = luo_incoming_preserve(session);
		if (err)
			goto err_unpreserve;
		count += luo_session_is_left(session);
	}

	/* The next kernel frees the FLBs that no file needs. */
	err = finished ? 0 : luo_flb_hand_on();
	if (err)
		goto err_unpreserve;
	err = luo_outgoing_make_room(count);
	if (err)
		goto err_take_back;

	luo_nr_left = count;
	return 0;

err_take_back:
	luo_flb_take_back();
err_unpreserve:
	list_for_each_entry_continue_reverse(session, &luo_incoming.sessions, list)
		luo_incoming_unpreserve(session);
	return err;
}

static int luo_session_convert(struct luo_session *session)
{
	int err;

	if (!luo_session_is_left(session) || session->err)
		return 0;

	guard(mutex)(&session->lock);
	err = luo_file_convert_all(&session->files);
	if (err && err != -EINTR)
		pr_err("session '%*pE' can't be handed over to mainline\n",
		       (int)strlen(session->name), session->name);
	return err;
}

static void luo_session_unconvert(struct luo_session *session)
{
	if (!luo_session_is_left(session) || session->err)
		return;

	guard(mutex)(&session->lock);
	luo_file_unconvert_all(&session->files);
}

/* Undo luo_session_convert() for all sessions, converted or not. */
static void luo_session_unconvert_all(void)
{
	struct luo_session *session;

	list_for_each_entry_reverse(session, &luo_incoming.sessions, list)
		luo_session_unconvert(session);
	list_for_each_entry_reverse(session, &luo_outgoing.sessions, list)
		luo_session_unconvert(session);
}

/* Convert all files for mainline, which also needs a table of FLBs if there are none. */
static int luo_session_convert_all(void)
{
	struct luo_session *session;
	int err;

	err = luo_flb_table_grow(0);
	if (err)
		return err;

	list_for_each_entry(session, &luo_outgoing.sessions, list) {
		err = luo_session_convert(session);
		if (err)
			return err;
	}
	list_for_each_entry(session, &luo_incoming.sessions, list) {
		err = luo_session_convert(session);
		if (err)
			return err;
	}
	return 0;
}

/**
 * luo_session_prepare - preserve what is to be handed on
 *
 * List the incoming sessions if that was not done before, and preserve the files again
 * that were retrieved and are not finished. Retrieve the files of replaced sessions, and
 * keep them. If the next kernel gets the form of mainline, convert all files.
 *
 * Context: May sleep. Ends on a fatal signal if the file handlers do. The caller must
 * hold the lock of luo_session_freeze_lock().
 * Return: 0, after which the caller must call luo_session_unprepare(), -EEXIST if a new
 * session has the name of an incoming one that is not retrieved, -ENOMEM, -EINTR, or the
 * error of the file handler or FLB that failed. After a failure nothing is preserved again.
 */
int luo_session_prepare(void)
{
	int err;

	lockdep_assert_held_write(&luo_freeze_rwsem);
	err = luo_session_deserialize();
	if (err == -ENOMEM || err == -EINTR)
		return err;

	/* Sessions that can't be read are not in the list. */
	err = luo_incoming_choose();
	if (!err)
		err = luo_incoming_preserve_all();
	if (err || luo_form == KHO_FORM_COMPOSED)
		return err;

	err = luo_session_convert_all();
	if (err)
		luo_session_unprepare();
	return err;
}

/**
 * luo_session_unprepare - undo luo_session_prepare() unless sessions were serialized
 *
 * Context: May sleep. The caller must hold the lock of luo_session_freeze_lock().
 */
void luo_session_unprepare(void)
{
	struct luo_session *session;

	if (luo_frozen)
		return;

	luo_session_unconvert_all();
	kho_block_shrink(&luo_outgoing.blocks, luo_outgoing.count);
	luo_flb_take_back();
	list_for_each_entry_reverse(session, &luo_incoming.sessions, list)
		luo_incoming_unpreserve(session);
	luo_nr_left = 0;
}

/* Serialization */

static int luo_session_freeze(struct luo_session *session,
			      struct kho_block_it *it)
{
	struct luo_session_ser *ser;

	ser = kho_block_it_next(it);
	if (WARN_ON_ONCE(!ser))
		return -ENOSPC;

	memcpy(ser->name, session->name, sizeof(ser->name));
	if (session->err) {
		ser->file_set = session->ser;
		return 0;
	}

	guard(mutex)(&session->lock);
	return luo_file_freeze_all(&session->files, &ser->file_set);
}

static void luo_session_unfreeze(struct luo_session *session)
{
	if (!luo_session_is_left(session))
		return;

	guard(mutex)(&session->lock);
	luo_file_unfreeze_all(&session->files);
}

static void luo_session_unfreeze_all(struct luo_session_set *set)
{
	struct luo_session *session;

	list_for_each_entry_reverse(session, &set->sessions, list)
		luo_session_unfreeze(session);
}

/* The caller holds luo_freeze_rwsem, so that no session is added or removed. */
static int luo_session_freeze_all(struct luo_session_set *set,
				  struct kho_block_it *it)
{
	struct luo_session *session;
	int err;

	list_for_each_entry(session, &set->sessions, list) {
		if (!luo_session_is_left(session))
			continue;
		err = luo_session_freeze(session, it);
		if (err)
			goto err_unfreeze;
	}
	return 0;

err_unfreeze:
	pr_err("session '%*pE' can't be handed over: %pe\n",
	       (int)strlen(session->name), session->name, ERR_PTR(err));
	list_for_each_entry_continue_reverse(session, &set->sessions, list)
		luo_session_unfreeze(session);
	return err;
}

/*
 * Freeze the sessions of both directions, and hand on the memory of files that were not
 * retrieved.
 */
static int luo_session_freeze_and_hand_on(void)
{
	struct kho_block_it it;
	int err;

	kho_block_it_init(&it, &luo_outgoing.blocks);
	err = luo_session_freeze_all(&luo_outgoing, &it);
	if (err)
		return err;
	err = luo_session_freeze_all(&luo_incoming, &it);
	if (err)
		goto err_outgoing;
	kho_block_it_finalize(&it);
	/* Mainline refuses empty blocks. */
	kho_block_shrink(&luo_outgoing.blocks, luo_outgoing.count + luo_nr_left);

	err = kho_preserve_incoming();
	if (err)
		goto err_incoming;
	return 0;

err_incoming:
	luo_session_unfreeze_all(&luo_incoming);
err_outgoing:
	luo_session_unfreeze_all(&luo_outgoing);
	return err;
}

/* The header */

static const char *luo_outgoing_version(void)
{
	return luo_form == KHO_FORM_MAINLINE ? LUO_ABI_COMPAT_BASE : LUO_ABI_COMPATIBLE;
}

/**
 * luo_write_outgoing - write the outgoing state in the form that the next kernel gets
 *
 * The offset of the fields depends on the version string.
 *
 * Context: Boot, or liveupdate_reboot().
 * Return: the size in bytes.
 */
size_t luo_write_outgoing(void)
{
	const size_t offset = offsetof(struct luo_ser, liveupdate_num);
	const size_t len = sizeof(struct luo_ser) - offset;
	size_t at;

	memset(luo_core.outgoing_blob, 0, sizeof(struct luo_ser));
	strscpy_pad(luo_core.outgoing.compatible, luo_outgoing_version());
	at = kho_compat_len(luo_core.outgoing.compatible, offset);
	memcpy(luo_core.outgoing_blob, luo_core.outgoing.compatible, at);
	memcpy(luo_core.outgoing_blob + at, &luo_core.outgoing.liveupdate_num, len);
	return at + len;
}

/* Verification */

static int luo_session_verify(struct luo_session *session, const struct luo_file_set_ser *ser)
{
	int err;

	lockdep_assert_held(&session->lock);
	err = luo_file_verify_all(&session->files, ser);
	if (err == -EIO)
		pr_err("the next kernel can't read session '%*pE'\n",
		       (int)strlen(session->name), session->name);
	return err;
}

/*
 * Call a function with the files of each session that is handed over, until it fails. The
 * files of damaged sessions are not known.
 */
static int luo_session_check_set(struct luo_session_set *set,
				 int (*check)(struct luo_session *session))
{
	struct luo_session *session;
	int err;

	list_for_each_entry(session, &set->sessions, list) {
		if (!luo_session_is_left(session) || session->err)
			continue;
		guard(mutex)(&session->lock);
		err = check(session);
		if (err)
			return err;
	}
	return 0;
}

static int luo_session_check_all(int (*check)(struct luo_session *session))
{
	return luo_session_check_set(&luo_outgoing, check) ?:
	       luo_session_check_set(&luo_incoming, check);
}

static int luo_session_has_files(struct luo_session *session)
{
	return session->files.count ? 1 : 0;
}

/* If memory was too short to preserve a file completely, freeze() tries it again. */
static int luo_session_verify_unfrozen(struct luo_session *session)
{
	int err = luo_session_verify(session, NULL);

	return err == -ENOMEM ? 0 : err;
}

/**
 * luo_session_verify_prepared - let the file handlers check what is to be handed over
 *
 * This takes too long to be done with the kexec lock held. Until the kexec only freeze() can
 * change what is checked here, and the handlers check that afterwards. No other callback is
 * called for a file, because luo_freeze_rwsem is held for writing, and only the owner of
 * memory unpreserves it. luo_session_serialize() checks the map again.
 *
 * Context: May sleep. Ends on a fatal signal if the file handlers do; the check of the map
 * does not. The caller must hold the lock of luo_session_freeze_lock(), and have called
 * luo_session_prepare().
 * Return: 0, -EIO if the next kernel could not read a file, or -EINTR.
 */
int luo_session_verify_prepared(void)
{
	int err;

	lockdep_assert_held_write(&luo_freeze_rwsem);
	/*
	 * Without files an image may be started that ignores the map, even a damaged one.
	 * With files only an image that carries them is started.
	 */
	if (!luo_session_check_all(luo_session_has_files))
		return 0;

	/* The handlers look memory up in the map. */
	err = kho_verify_outgoing();
	return err ?: luo_session_check_all(luo_session_verify_unfrozen);
}

static int luo_session_verify_entry(struct luo_session *session, struct kho_block_it *it)
{
	const struct luo_session_ser *ser = kho_block_it_read(it);

	if (!ser || !luo_session_name_valid(ser->name) || strcmp(ser->name, session->name)) {
		pr_err("entry of outgoing session '%*pE' is damaged\n",
		       (int)strlen(session->name), session->name);
		return -EIO;
	}
	/* This kernel can't read its files, either. */
	if (session->err)
		return 0;

	guard(mutex)(&session->lock);
	return luo_session_verify(session, &ser->file_set);
}

static int luo_session_verify_set(struct luo_session_set *set, struct kho_block_it *it)
{
	struct luo_session *session;
	int err;

	list_for_each_entry(session, &set->sessions, list) {
		if (!luo_session_is_left(session))
			continue;
		err = luo_session_verify_entry(session, it);
		if (err)
			return err;
	}
	return 0;
}

static int luo_session_verify_list(u64 sessions_pa)
{
	struct kho_block_it it;
	int err;

	/* A list that this kernel can't read is handed on as it came. */
	if (!(luo_outgoing.count + luo_nr_left))
		return 0;
	if (kho_block_verify(&luo_outgoing.blocks, sessions_pa))
		return -EIO;

	kho_block_it_init(&it, &luo_outgoing.blocks);
	err = luo_session_verify_set(&luo_outgoing, &it);
	err = err ?: luo_session_verify_set(&luo_incoming, &it);
	if (err || !kho_block_it_read(&it))
		return err;

	pr_err("list of outgoing sessions is too long\n");
	return -EIO;
}

/* Check what was serialized. The lists are those of this kernel, and read in their order. */
static int luo_session_verify_serialized(size_t size)
{
	void *blob = luo_core.outgoing_blob;
	const char *flaw = kho_image_flaw();
	struct luo_ser read;
	int err;

	/* freeze() can preserve more memory. */
	if (flaw) {
		pr_err("the loaded image can't carry what was preserved last: %s\n", flaw);
		return -EINVAL;
	}
	/* The checks below look memory up in the map. */
	err = kho_verify_reboot();
	if (err)
		return err;

	if (!kho_outgoing_contains(virt_to_phys(blob), size) ||
	    luo_read_ser(NULL, blob, size, &read)) {
		pr_err("outgoing state is damaged\n");
		return -EIO;
	}
	err = luo_session_verify_list(read.sessions_pa);
	if (err)
		return err;
	return luo_flb_verify(read.flbs_pa) ? -EIO : 0;
}

static int luo_session_try_verify(struct luo_session *session)
{
	int err = -EBUSY;

	if (!down_read_trylock(&luo_freeze_rwsem))
		return -EBUSY;
	if (!luo_frozen && mutex_trylock(&session->lock)) {
		err = luo_session_verify(session, NULL);
		mutex_unlock(&session->lock);
	}
	up_read(&luo_freeze_rwsem);
	return err;
}

/**
 * luo_session_verify_all - check what files have preserved for the next kernel so far
 *
 * Does not wait for other tasks, and lets reboot() go on after each session.
 *
 * Context: May sleep.
 * Return: 0, -EIO if the next kernel could not read a file, -EBUSY if a session is being
 * changed or a reboot has begun, -EINTR if a fatal signal is pending, or -ENOMEM if a file
 * is not preserved completely because memory was short, and none is damaged.
 */
int luo_session_verify_all(void)
{
	struct luo_session *session = NULL;
	int err, incomplete = 0;

	while ((session = luo_session_next(&luo_outgoing, session))) {
		err = luo_session_try_verify(session);
		if (err == -ENOMEM) {
			incomplete = err;
		} else if (err) {
			luo_session_put(session);
			return err;
		}
	}
	return incomplete;
}

/*
 * The image does not tell the next kernel where this one leaves its state. A damaged
 * session must not keep the system from such a kexec, because no program can finish it.
 */
static int luo_session_check_nothing_left(const char *flaw)
{
	struct luo_session *session;
	u64 count = 0;

	list_for_each_entry(session, &luo_incoming.sessions, list) {
		if (!session->finished && !session->err)
			count++;
	}
	if (!luo_outgoing.count && !count)
		return 0;

	pr_err("the loaded image can't carry %llu session(s): %s\n",
	       luo_outgoing.count + count, flaw);
	if (count)
		pr_err("%llu session(s) of the previous kernel are not finished\n",
		       count);
	return -EINVAL;
}

static int luo_session_check_readable(struct luo_session *session)
{
	int err;

	err = luo_file_check_readable(&session->files);
	if (err)
		pr_err("session '%*pE' can't be handed over: %pe\n",
		       (int)strlen(session->name), session->name, ERR_PTR(err));
	return err;
}

/* Check that mainline takes all lists. Their entries don't change any more. */
static int luo_session_check_lengths(void)
{
	struct luo_session *session;
	u64 nr_blocks = luo_outgoing.blocks.nr_blocks;

	list_for_each_entry(session, &luo_outgoing.sessions, list)
		nr_blocks = max_t(u64, nr_blocks, session->files.blocks.nr_blocks);
	list_for_each_entry(session, &luo_incoming.sessions, list)
		nr_blocks = max_t(u64, nr_blocks, session->files.blocks.nr_blocks);
	if (nr_blocks <= LUO_MAINLINE_BLOCKS)
		return 0;

	pr_err("the loaded kernel can't read a list of %llu blocks of sessions or files, but %u; close some\n",
	       nr_blocks, LUO_MAINLINE_BLOCKS);
	return -EINVAL;
}

/*
 * Compare the versions of all files and FLBs with the note of the loaded image, or with
 * those of mainline: otherwise what the next kernel does not read would be lost. Of other
 * kernels without a note nothing is known.
 */
static int luo_session_check_versions(void)
{
	int err;

	if (luo_form == KHO_FORM_MAINLINE) {
		err = luo_session_check_lengths();
		if (err)
			return err;
	} else if (!kho_image_has_note()) {
		if (luo_outgoing.count + luo_nr_left)
			pr_warn("the image of the loaded kernel has no note: it may not be able to read all sessions\n");
		return 0;
	}

	err = luo_session_check_all(luo_session_check_readable);
	return err ?: luo_flb_check_readable();
}

static void luo_incoming_report(void)
{
	struct luo_session *session;

	list_for_each_entry(session, &luo_incoming.sessions, list) {
		int len = strlen(session->name);

		if (session->replaced)
			pr_info("session '%*pE' of the previous kernel is replaced by the new one\n",
				len, session->name);
		else if (session->lost)
			pr_warn("damaged session '%*pE' of the previous kernel is not handed on: %s\n",
				len, session->name, luo_form == KHO_FORM_MAINLINE ?
				"mainline could not boot with it" :
				"its list of files is not in preserved memory");
	}
	if (luo_nr_left)
		pr_info("%llu session(s) of the previous kernel are handed on\n",
			luo_nr_left);
	if (luo_session_refused_pa() && luo_form == KHO_FORM_MAINLINE)
		pr_warn("sessions of the previous kernel that can't be read are not handed on: mainline could not boot with them\n");
	else if (luo_session_refused_pa() && luo_outgoing.count)
		pr_warn("sessions of the previous kernel that can't be read are not handed on, because there are new ones\n");
}

/**
 * luo_session_serialize - freeze and serialize all sessions that are handed over
 * @ser: where to store the addresses of their entries and of the table of FLBs
 *
 * These are the outgoing sessions, and the incoming ones that are not finished.
 *
 * After success no session can be changed any more, unless there was nothing to do
 * for an image that can't carry sessions. After a failure all sessions are as before.
 *
 * Context: May sleep. The caller must hold the lock of luo_session_freeze_lock() and
 * the kexec lock, and have called luo_session_prepare() and luo_session_verify_prepared().
 * Return: 0, -EINVAL if there are sessions and the loaded image can't carry or read
 * them, -EIO if what is handed over is damaged, -EBUSY if they were prepared for another
 * form, -ENOMEM, or the error of the file handler that failed.
 */
int luo_session_serialize(struct luo_ser *ser)
{
	const char *flaw;
	int err;

	lockdep_assert_held_write(&luo_freeze_rwsem);
	flaw = kho_image_flaw();
	if (flaw)
		return luo_session_check_nothing_left(flaw) ?: kho_verify_reboot();
	if (kho_image_form() != luo_form) {
		pr_err("another kernel was loaded, or liveupdate.abi= was changed\n");
		return -EBUSY;
	}
	err = luo_session_check_versions();
	if (err)
		return err;

	err = luo_session_freeze_and_hand_on();
	if (err)
		return err;

	if (luo_outgoing.count + luo_nr_left)
		ser->sessions_pa = kho_block_set_head_pa(&luo_outgoing.blocks);
	else if (luo_form == KHO_FORM_COMPOSED)
		ser->sessions_pa = luo_session_refused_pa();
	luo_flb_serialize(ser);
	err = luo_session_verify_serialized(luo_write_outgoing());
	if (err) {
		ser->sessions_pa = 0;
		ser->flbs_pa = 0;
		luo_write_outgoing();
		luo_session_unfreeze_all(&luo_incoming);
		luo_session_unfreeze_all(&luo_outgoing);
		return err;
	}

	luo_frozen = true;
	luo_incoming_report();
	/* Let other tasks see that they are too late, instead of waiting. */
	downgrade_write(&luo_freeze_rwsem);
	return 0;
}
