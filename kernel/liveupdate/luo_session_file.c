// SPDX-License-Identifier: GPL-2.0
/*
 * Live Update Orchestrator: the file through which a program holds a session
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#define pr_fmt(fmt) "LUO: " fmt

#include <linux/anon_inodes.h>
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kho/block.h>
#include <linux/list.h>
#include <linux/liveupdate.h>
#include <linux/llist.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include <asm/barrier.h>

#include "luo_internal.h"

static void luo_late_work_fn(struct work_struct *work);

/* Sessions to end later: luo_freeze_rwsem was not taken when their own file was released */
static LLIST_HEAD(luo_late);
static DECLARE_WORK(luo_late_work, luo_late_work_fn);

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
 * The worker does not wait for luo_freeze_rwsem. It can't get it while a task holds it
 * for writing or waits for it. So each such task calls this afterwards.
 *
 * Context: Any.
 */
void luo_session_wake_late(void)
{
	/* Either the worker gets the lock, or this sees the sessions that it has left. */
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
 * descriptors, which is released without a flush: it was in a message to a closed
 * socket, or could not be returned to user space.
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
 * Do not wait for the lock: a program can delay that for any time. Tasks that hold the lock
 * for writing or wait for it queue the work again.
 */
static void luo_late_work_fn(struct work_struct *work)
{
	if (down_read_trylock(&luo_freeze_rwsem)) {
		luo_session_end_late();
		up_read(&luo_freeze_rwsem);
	}
}

/*
 * Take luo_freeze_rwsem for reading. reboot() can keep it for long: it waits for requests,
 * and preserves files that are handed on. So return false instead of waiting if no signal
 * could end the wait, because the task is exiting, or is a kernel thread that releases
 * files of other tasks.
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
