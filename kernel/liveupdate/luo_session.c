// SPDX-License-Identifier: GPL-2.0
/*
 * Live Update Orchestrator: sessions
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

/**
 * DOC: LUO sessions
 *
 * A session is a named set of files. It also has a file of its own, through which
 * user space holds it.
 *
 * An outgoing session is created in this kernel for the next one. Releasing its own
 * file unpreserves and frees the session. An incoming session was handed over by
 * the previous kernel. It is finished and freed when a program finishes it or closes
 * its last descriptor, provided that all files in it are ready. If its own file is
 * released without such a decision, for example because the program dies, the session
 * can be retrieved again, with all of its files.
 *
 * The entries of outgoing sessions are in a chain of blocks. Creating a session
 * allocates the room for its entry, so that reboot() only fills in the chain and
 * does not run out of memory.
 */

#define pr_fmt(fmt) "LUO: " fmt

#include <linux/cleanup.h>
#include <linux/kho/block.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/liveupdate.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/rhashtable.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "luo_internal.h"

static const struct rhashtable_params luo_session_params = {
	.key_len = LIVEUPDATE_SESSION_NAME_LENGTH,
	.key_offset = offsetof(struct luo_session, name),
	.head_offset = offsetof(struct luo_session, name_node),
	.automatic_shrinking = true,
};

struct luo_session_set luo_outgoing;
struct luo_session_set luo_incoming;

/*
 * Held for reading to change sessions and their files, for writing to serialize them. A
 * reader can hold it for as long as a handler waits for a program, so it is taken
 * killably. The release of a session's file can't fail: instead of waiting, it leaves
 * the session to luo_session_end_late().
 */
DECLARE_RWSEM(luo_freeze_rwsem);
/* All sessions are serialized and must not change any more. */
bool luo_frozen;

/* One session */

/**
 * luo_session_name_valid - check the name of a session
 * @name: %LIVEUPDATE_SESSION_NAME_LENGTH bytes from user space or another kernel
 *
 * Context: Any.
 * Return: whether it ends within these bytes and is not empty.
 */
bool luo_session_name_valid(const char *name)
{
	size_t len = strnlen(name, LIVEUPDATE_SESSION_NAME_LENGTH);

	return len && len < LIVEUPDATE_SESSION_NAME_LENGTH;
}

/**
 * luo_session_alloc - allocate a session
 * @name: its name, which luo_session_name_valid() accepts
 * @set: the set that it will belong to
 *
 * Context: May sleep.
 * Return: the session with a reference, or NULL if there is not enough memory.
 */
struct luo_session *luo_session_alloc(const char *name,
				      struct luo_session_set *set)
{
	struct luo_session *session;

	session = kzalloc(sizeof(*session), GFP_KERNEL_ACCOUNT);
	if (!session)
		return NULL;

	strscpy_pad(session->name, name);
	session->set = set;
	INIT_LIST_HEAD(&session->list);
	kref_init(&session->refs);
	mutex_init(&session->lock);
	luo_file_set_init(&session->files);
	return session;
}

static void luo_session_free(struct kref *refs)
{
	struct luo_session *session = container_of(refs, struct luo_session, refs);

	mutex_destroy(&session->lock);
	kfree(session);
}

/**
 * luo_session_put - drop a reference to a session
 * @session: the session
 *
 * A session that is in a set or has files must not lose its last reference.
 *
 * Context: Any.
 */
void luo_session_put(struct luo_session *session)
{
	kref_put(&session->refs, luo_session_free);
}

/* One set of sessions */

/**
 * luo_session_find - find a session by name
 * @set: the sessions of one direction. The caller must hold their lock.
 * @name: the name
 *
 * Context: May sleep.
 * Return: the session without a reference, or NULL.
 */
struct luo_session *luo_session_find(struct luo_session_set *set,
				     const char *name)
{
	char key[LIVEUPDATE_SESSION_NAME_LENGTH];

	lockdep_assert_held(&set->lock);
	strscpy_pad(key, name);
	return rhashtable_lookup_fast(&set->names, key, luo_session_params);
}

/**
 * luo_session_link - add a session to the sessions of one direction
 * @set: the sessions. The caller must hold their lock.
 * @session: the session. The set does not take a reference of its own.
 *
 * Context: May sleep.
 * Return: 0, -EEXIST if there is a session of this name, or -ENOMEM.
 */
int luo_session_link(struct luo_session_set *set, struct luo_session *session)
{
	int err;

	/* Lookups hold the lock, too, so sessions can be freed without waiting for RCU. */
	lockdep_assert_held(&set->lock);
	err = rhashtable_lookup_insert_fast(&set->names, &session->name_node,
					    luo_session_params);
	if (err)
		return err == -EEXIST ? err : -ENOMEM;

	list_add_tail(&session->list, &set->sessions);
	session->nr = ++set->last_nr;
	set->count++;
	return 0;
}

/**
 * luo_session_unlink - remove a session from the sessions of one direction
 * @set: the sessions. The caller must hold their lock.
 * @session: the session
 *
 * Context: May sleep.
 */
void luo_session_unlink(struct luo_session_set *set, struct luo_session *session)
{
	lockdep_assert_held(&set->lock);
	rhashtable_remove_fast(&set->names, &session->name_node,
			       luo_session_params);
	list_del_init(&session->list);
	set->count--;
}

/**
 * luo_session_next - walk the sessions of one direction
 * @set: the sessions
 * @session: the last one that was returned, NULL to start. Its reference is
 *	     dropped.
 *
 * Sessions can be created and removed between two calls.
 *
 * Context: May sleep.
 * Return: the next session with a reference, or NULL.
 */
struct luo_session *luo_session_next(struct luo_session_set *set,
				     struct luo_session *session)
{
	struct luo_session *next;

	guard(mutex)(&set->lock);
	/* If @session was removed, search for the one created after it. */
	if (session && !list_empty(&session->list))
		next = session;
	else
		next = list_entry(&set->sessions, struct luo_session, list);

	list_for_each_entry_continue(next, &set->sessions, list) {
		if (!session || next->nr > session->nr) {
			kref_get(&next->refs);
			goto out;
		}
	}
	next = NULL;
out:
	if (session)
		luo_session_put(session);
	return next;
}

/* Both sets */

static int luo_session_set_init(struct luo_session_set *set)
{
	mutex_init(&set->lock);
	INIT_LIST_HEAD(&set->sessions);
	kho_block_set_init(&set->blocks, sizeof(struct luo_session_ser));
	return rhashtable_init(&set->names, &luo_session_params);
}

/**
 * luo_session_init - set up the outgoing and the incoming sessions
 *
 * Context: Once, before any other function of this file.
 * Return: 0 or -ENOMEM.
 */
int luo_session_init(void)
{
	int err;

	err = luo_session_set_init(&luo_outgoing);
	if (err)
		return err;

	err = luo_session_set_init(&luo_incoming);
	if (err)
		rhashtable_destroy(&luo_outgoing.names);
	return err;
}

/**
 * luo_session_exit - undo luo_session_init()
 *
 * Context: Initcalls, before any session exists.
 */
void luo_session_exit(void)
{
	rhashtable_destroy(&luo_incoming.names);
	rhashtable_destroy(&luo_outgoing.names);
}
