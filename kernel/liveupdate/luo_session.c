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
 * released in another way, the program did not decide that. So the session can be
 * retrieved again, with all of its files.
 *
 * The entries of outgoing sessions are in a chain of blocks. Creating a session
 * allocates the room for its entry, so that reboot() only fills in the chain and
 * does not run out of memory.
 */

#define pr_fmt(fmt) "LUO: " fmt

#include <linux/align.h>
#include <linux/anon_inodes.h>
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/kexec_handover.h>
#include <linux/kho/block.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/liveupdate.h>
#include <linux/llist.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/rhashtable.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include <asm/barrier.h>

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
 * killably. The release of a session's file, which can't fail, leaves the session to
 * others instead.
 */
DECLARE_RWSEM(luo_freeze_rwsem);
/* All sessions are serialized and must not change any more. */
bool luo_frozen;

static void luo_late_work_fn(struct work_struct *work);

/* Sessions to end whose files were released without luo_freeze_rwsem */
static LLIST_HEAD(luo_late);
static DECLARE_WORK(luo_late_work, luo_late_work_fn);

/* One session */

static bool luo_session_name_valid(const char *name)
{
	size_t len = strnlen(name, LIVEUPDATE_SESSION_NAME_LENGTH);

	return len && len < LIVEUPDATE_SESSION_NAME_LENGTH;
}

/* The caller has checked the name. */
static struct luo_session *luo_session_alloc(const char *name,
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

/* Lookups hold the lock, too, so sessions can be freed without waiting for RCU. */
static int luo_session_link(struct luo_session_set *set,
			    struct luo_session *session)
{
	int err;

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

static void luo_session_unlink(struct luo_session_set *set,
			       struct luo_session *session)
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

/* Outgoing sessions */

static int luo_outgoing_add(struct luo_session *session)
{
	int err;

	guard(mutex)(&luo_outgoing.lock);
	err = kho_block_grow(&luo_outgoing.blocks, luo_outgoing.count);
	if (err)
		return err;

	err = luo_session_link(&luo_outgoing, session);
	if (err)
		kho_block_shrink(&luo_outgoing.blocks, luo_outgoing.count);
	return err;
}

static void luo_outgoing_remove(struct luo_session *session)
{
	guard(mutex)(&luo_outgoing.lock);
	luo_session_unlink(&luo_outgoing, session);
	kho_block_shrink(&luo_outgoing.blocks, luo_outgoing.count);
}

/**
 * luo_session_wake_late - let a worker end sessions that could not end at once
 *
 * The worker does not wait for luo_freeze_rwsem, but fails to get it while a task holds
 * it for writing or waits for it. So each such task calls this afterwards.
 *
 * Context: Any.
 */
void luo_session_wake_late(void)
{
	/* Either the worker gets the lock, or this sees what it has left. */
	smp_mb();
	if (!llist_empty(&luo_late))
		queue_work(system_unbound_wq, &luo_late_work);
}

static int luo_freeze_read_lock(void)
{
	int err;

	err = down_read_killable(&luo_freeze_rwsem);
	luo_session_wake_late();
	return err;
}

/* Let the caller change sessions until luo_end_change(). */
static int luo_begin_change(void)
{
	int err;

	err = luo_freeze_read_lock();
	if (err)
		return err;
	if (luo_frozen) {
		up_read(&luo_freeze_rwsem);
		return -EBUSY;
	}
	return 0;
}

static void luo_end_change(void)
{
	up_read(&luo_freeze_rwsem);
}

static void luo_outgoing_release(struct luo_session *session)
{
	luo_outgoing_remove(session);
	scoped_guard(mutex, &session->lock)
		luo_file_unpreserve_all(&session->files);
	luo_session_put(session);
}

static int luo_session_preserve_fd(struct luo_ucmd *ucmd)
{
	struct liveupdate_session_preserve_fd *cmd = ucmd->cmd;
	struct luo_session *session = ucmd->ctx;
	int err;

	if (session->set != &luo_outgoing)
		return -EINVAL;

	err = luo_begin_change();
	if (err)
		return err;

	err = mutex_lock_killable(&session->lock);
	if (!err) {
		err = luo_file_preserve(&session->files, cmd->fd, cmd->token);
		mutex_unlock(&session->lock);
	}

	luo_end_change();
	return err;
}

/* Incoming sessions */

/**
 * luo_incoming_finish - finish all files of an incoming session
 * @session: the session
 *
 * Context: May sleep. The caller must hold luo_freeze_rwsem and the session's lock.
 * Return: 0, or -EBUSY if a file is not ready. Then no file was finished.
 */
int luo_incoming_finish(struct luo_session *session)
{
	int err;

	lockdep_assert_held(&session->lock);
	err = luo_file_finish_all(&session->files);
	if (!err)
		session->finished = true;
	return err;
}

/* Mark an incoming session as retrieved. At most one file can refer to it. */
static struct luo_session *luo_incoming_take(const char *name)
{
	struct luo_session *session;

	guard(mutex)(&luo_incoming.lock);
	session = luo_session_find(&luo_incoming, name);
	if (!session)
		return ERR_PTR(-ENOENT);
	if (session->retrieved)
		return ERR_PTR(-EINVAL);
	if (session->err)
		return ERR_PTR(session->err);

	session->retrieved = true;
	session->closed = false;
	return session;
}

static void luo_incoming_give_back(struct luo_session *session)
{
	guard(mutex)(&luo_incoming.lock);
	session->retrieved = false;
}

/* The session is still marked as retrieved, so no other task can use it. */
static void luo_incoming_release(struct luo_session *session)
{
	if (session->closed) {
		scoped_guard(mutex, &session->lock)
			luo_incoming_finish(session);
	}
	if (!session->finished) {
		pr_info("session '%*pE' was not finished and can be retrieved again\n",
			(int)strlen(session->name), session->name);
		luo_incoming_give_back(session);
		return;
	}

	scoped_guard(mutex, &luo_incoming.lock)
		luo_session_unlink(&luo_incoming, session);
	luo_session_put(session);
}

static struct file *luo_incoming_retrieve_file(struct luo_session *session,
					       u64 token)
{
	struct file *file;
	int err;

	err = luo_begin_change();
	if (err)
		return ERR_PTR(err);

	err = mutex_lock_killable(&session->lock);
	if (err) {
		file = ERR_PTR(err);
		goto out;
	}
	file = luo_file_retrieve(&session->files, token);
	mutex_unlock(&session->lock);
out:
	luo_end_change();
	return file;
}

static int luo_session_retrieve_fd(struct luo_ucmd *ucmd)
{
	struct liveupdate_session_retrieve_fd *cmd = ucmd->cmd;
	struct luo_session *session = ucmd->ctx;
	struct file *file;
	int err;

	if (session->set != &luo_incoming)
		return -EINVAL;

	file = luo_incoming_retrieve_file(session, cmd->token);
	if (IS_ERR(file))
		return PTR_ERR(file);

	err = luo_ucmd_respond_file(ucmd, sizeof(*cmd), &cmd->fd, file);
	if (err)
		fput(file);
	return err;
}

static int luo_session_finish(struct luo_ucmd *ucmd)
{
	struct liveupdate_session_finish *cmd = ucmd->cmd;
	struct luo_session *session = ucmd->ctx;
	int err;

	if (session->set != &luo_incoming || cmd->reserved)
		return -EINVAL;

	err = luo_begin_change();
	if (err)
		return err;

	err = mutex_lock_killable(&session->lock);
	if (!err) {
		err = luo_incoming_finish(session);
		mutex_unlock(&session->lock);
	}

	luo_end_change();
	return err;
}

/* The ioctls and the file of a session */

static int luo_session_get_name(struct luo_ucmd *ucmd)
{
	struct liveupdate_session_get_name *cmd = ucmd->cmd;
	struct luo_session *session = ucmd->ctx;

	if (cmd->reserved)
		return -EINVAL;

	memcpy(cmd->name, session->name, sizeof(cmd->name));
	return luo_ucmd_respond(ucmd, sizeof(*cmd));
}

static const struct luo_ioctl_op luo_session_ops[] = {
	LUO_IOCTL_OP(LIVEUPDATE_SESSION_PRESERVE_FD, luo_session_preserve_fd,
		     struct liveupdate_session_preserve_fd, token),
	LUO_IOCTL_OP(LIVEUPDATE_SESSION_RETRIEVE_FD, luo_session_retrieve_fd,
		     struct liveupdate_session_retrieve_fd, token),
	LUO_IOCTL_OP(LIVEUPDATE_SESSION_FINISH, luo_session_finish,
		     struct liveupdate_session_finish, reserved),
	LUO_IOCTL_OP(LIVEUPDATE_SESSION_GET_NAME, luo_session_get_name,
		     struct liveupdate_session_get_name, name),
};

static long luo_session_ioctl(struct file *file, unsigned int cmd,
			      unsigned long arg)
{
	return luo_ioctl(luo_session_ops, ARRAY_SIZE(luo_session_ops),
			 file->private_data, cmd, arg);
}

/*
 * Note that a program closes the last descriptor: by close(), dup2() or exec(). An
 * exiting task does not count, it may have been killed. Neither does a file without
 * descriptors, which is released without a flush: it was in a message to a socket that
 * is gone, or could not be returned to user space.
 */
static int luo_session_flush(struct file *file, fl_owner_t id)
{
	struct luo_session *session = file->private_data;

	if (file_count(file) == 1 && !(current->flags & PF_EXITING))
		session->closed = true;
	return 0;
}

/* The caller must hold luo_freeze_rwsem. */
static void luo_session_end(struct luo_session *session)
{
	/* The session is serialized and belongs to the next kernel. */
	if (luo_frozen)
		return;

	if (session->set == &luo_outgoing)
		luo_outgoing_release(session);
	else
		luo_incoming_release(session);
}

/**
 * luo_session_end_late - end the sessions that could not end at once
 *
 * Context: May sleep. The caller must hold luo_freeze_rwsem.
 */
void luo_session_end_late(void)
{
	struct llist_node *node, *next;

	lockdep_assert_held(&luo_freeze_rwsem);
	for (node = llist_del_all(&luo_late); node; node = next) {
		next = node->next;
		luo_session_end(llist_entry(node, struct luo_session, late_node));
	}
}

/*
 * Do not wait: that can take as long as a program likes. Those that have the lock or wait
 * for it queue the work again.
 */
static void luo_late_work_fn(struct work_struct *work)
{
	if (down_read_trylock(&luo_freeze_rwsem)) {
		luo_session_end_late();
		up_read(&luo_freeze_rwsem);
	}
}

/*
 * Take luo_freeze_rwsem for reading, unless the task has to go on. reboot() can keep it
 * for long: it waits for requests, and preserves files that are handed on. An exiting task
 * gets no more signals, and a kernel thread releases files of others.
 */
static bool luo_session_try_lock(void)
{
	if (current->flags & (PF_EXITING | PF_KTHREAD))
		return down_read_trylock(&luo_freeze_rwsem);
	return !luo_freeze_read_lock();
}

static int luo_session_release(struct inode *inode, struct file *file)
{
	struct luo_session *session = file->private_data;

	if (!luo_session_try_lock()) {
		llist_add(&session->late_node, &luo_late);
		luo_session_wake_late();
		return 0;
	}

	luo_session_end(session);
	up_read(&luo_freeze_rwsem);
	return 0;
}

static const struct file_operations luo_session_fops = {
	.owner = THIS_MODULE,
	.flush = luo_session_flush,
	.release = luo_session_release,
	.unlocked_ioctl = luo_session_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct file *luo_session_getfile(struct luo_session *session)
{
	char name[sizeof("[luo_session] ") + LIVEUPDATE_SESSION_NAME_LENGTH];

	snprintf(name, sizeof(name), "[luo_session] %s", session->name);
	return anon_inode_getfile(name, &luo_session_fops, session, O_RDWR);
}

static struct file *luo_incoming_open(const char *name)
{
	struct luo_session *session;
	struct file *file;
	int err;

	err = luo_begin_change();
	if (err)
		return ERR_PTR(err);

	session = luo_incoming_take(name);
	if (IS_ERR(session)) {
		file = ERR_CAST(session);
		goto out;
	}

	file = luo_session_getfile(session);
	if (IS_ERR(file))
		luo_incoming_give_back(session);
out:
	luo_end_change();
	return file;
}

static struct file *luo_outgoing_open(struct luo_session *session)
{
	struct file *file;
	int err;

	err = luo_begin_change();
	if (err)
		return ERR_PTR(err);

	err = luo_outgoing_add(session);
	if (err) {
		file = ERR_PTR(err);
		goto out;
	}

	file = luo_session_getfile(session);
	if (IS_ERR(file))
		luo_outgoing_remove(session);
out:
	luo_end_change();
	return file;
}

/**
 * luo_session_create - create an outgoing session
 * @name: its name, %LIVEUPDATE_SESSION_NAME_LENGTH bytes from user space
 *
 * Context: May sleep.
 * Return: an open file that owns the session, or an ERR_PTR: -EINVAL for an
 * invalid name, -EEXIST if it is taken, -EBUSY after sessions were serialized,
 * -EINTR if a fatal signal is pending, -ENOMEM.
 */
struct file *luo_session_create(const char *name)
{
	struct luo_session *session;
	struct file *file;

	if (!luo_session_name_valid(name))
		return ERR_PTR(-EINVAL);

	session = luo_session_alloc(name, &luo_outgoing);
	if (!session)
		return ERR_PTR(-ENOMEM);

	file = luo_outgoing_open(session);
	if (IS_ERR(file))
		luo_session_put(session);
	return file;
}

/**
 * luo_session_retrieve - retrieve an incoming session
 * @name: its name, %LIVEUPDATE_SESSION_NAME_LENGTH bytes from user space
 *
 * If the caller drops the file before it has a descriptor, the session can be
 * retrieved again.
 *
 * Context: May sleep.
 * Return: an open file of the session, or an ERR_PTR: -EINVAL for an invalid name
 * or if the session is retrieved already, -ENOENT if there is no such session,
 * -EIO if its list of files or the state of LUO is damaged, -EBUSY after sessions were
 * serialized, -EINTR if a fatal signal is pending, -ENOMEM.
 */
struct file *luo_session_retrieve(const char *name)
{
	int err;

	if (!luo_session_name_valid(name))
		return ERR_PTR(-EINVAL);

	err = luo_session_deserialize();
	return err ? ERR_PTR(err) : luo_incoming_open(name);
}

/* Deserialization */

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
