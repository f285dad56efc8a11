/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Live Update Orchestrator: what the rest of the kernel calls
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_LIVEUPDATE_H
#define _LINUX_LIVEUPDATE_H

#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/kho/abi/luo.h>
#include <linux/list.h>
#include <linux/types.h>
#include <uapi/linux/liveupdate.h>

struct file;
struct kho_compat_range;
struct liveupdate_file_handler;
struct liveupdate_flb;
struct luo_flb;
struct module;

/**
 * struct liveupdate_file_op_args - what a file handler's callbacks are given
 * @handler: the handler itself
 * @retrieve_status: what became of retrieve(): 0 when it was not called, or is
 *		     to be called again, 1 when it succeeded, its negative error
 *		     otherwise. Set by LUO for can_finish() and finish().
 * @file: the file. Set by LUO for all callbacks but retrieve(), which sets it
 *	  itself; NULL in can_finish() and finish() for a file that was not
 *	  retrieved.
 * @serialized_data: the one number that reaches the next kernel, usually the
 *		     physical address of preserved memory. preserve() sets it,
 *		     freeze() may change it.
 * @private_data: the handler's own, kept from preserve() to unpreserve() or the
 *		  kexec, and from retrieve() to finish(), whatever retrieve()
 *		  returned
 * @incoming_compatible: the version string that the previous kernel stored with
 *			 the file, NUL-terminated. Its base token is one that
 *			 the handler reads, the rest of it was not looked at.
 *			 NULL for outgoing files.
 */
struct liveupdate_file_op_args {
	struct liveupdate_file_handler *handler;
	int retrieve_status;
	struct file *file;
	u64 serialized_data;
	void *private_data;
	const char *incoming_compatible;
};

/**
 * struct liveupdate_file_ops - the callbacks of a file handler
 * @can_preserve: does this handler take this file? Cheap, changes nothing.
 * @preserve: preserve the file. The workload still runs. All or nothing.
 * @unpreserve: undo preserve()
 * @freeze: optional, the last chance to store state before the kexec: it runs
 *	    inside reboot()
 * @unfreeze: optional, undo freeze(): the reboot was given up
 * @retrieve: make the file again from what the previous kernel left, and give
 *	      it in args->file with a reference that is the caller's. -EAGAIN
 *	      says that memory is short: nothing is lost, what was taken is kept
 *	      in args->private_data for the next call, and the user gets ENOMEM.
 *	      Any other failure is final: whatever was taken must be freed, and
 *	      finish() is called nevertheless, with args->retrieve_status set to
 *	      the error. -ENOMEM, too: then the user gets EIO.
 * @can_finish: optional, is the file ready to be let go of?
 * @finish: let go of the file. What was not retrieved is discarded.
 * @get_id: optional, a number that tells whether two open files are the same
 *	    object and so can't be preserved twice. It must not change while the
 *	    file is open, and two handlers' numbers must not meet: use an
 *	    address, usually the inode's. Without it, the address of the struct
 *	    file.
 * @owner: THIS_MODULE. The module stays as long as one of its files is
 *	   preserved or retrieved and not finished.
 *
 * The life of a file: can_preserve(), preserve(), freeze(), kexec, retrieve(),
 * can_finish(), finish(). When it is aborted: unfreeze(), unpreserve(). Files
 * are frozen in the order in which they were preserved, and finished, unfrozen
 * and unpreserved in the reverse order.
 *
 * All callbacks run in process context and may sleep. LUO calls those of one
 * file one at a time.
 */
struct liveupdate_file_ops {
	bool (*can_preserve)(struct liveupdate_file_handler *handler,
			     struct file *file);
	int (*preserve)(struct liveupdate_file_op_args *args);
	void (*unpreserve)(struct liveupdate_file_op_args *args);
	int (*freeze)(struct liveupdate_file_op_args *args);
	void (*unfreeze)(struct liveupdate_file_op_args *args);
	int (*retrieve)(struct liveupdate_file_op_args *args);
	bool (*can_finish)(struct liveupdate_file_op_args *args);
	void (*finish)(struct liveupdate_file_op_args *args);
	unsigned long (*get_id)(struct liveupdate_file_op_args *args);
	struct module *owner;
};

/**
 * struct liveupdate_file_handler - preserves one kind of file
 * @ops: its callbacks
 * @compatible: its composed version string, stored with each file. A file is
 *		given to the handler that has the same base token's name.
 * @versions: the base token's name and the range of its versions that
 *	      retrieve() reads. NULL for the version in @compatible alone.
 */
struct liveupdate_file_handler {
	const struct liveupdate_file_ops *ops;
	const char compatible[LIVEUPDATE_HNDL_COMPAT_LENGTH];
	const struct kho_compat_range *versions;

	/* private: guarded by luo_file_handlers_rwsem */
	struct list_head list;
	/* private: files that use the handler */
	atomic_long_t nr_files;
	/* private: what its files depend on; stays while a file uses it */
	struct list_head flbs;
};

/**
 * struct liveupdate_flb_op_args - what an FLB's callbacks are given
 * @flb: the FLB itself
 * @retrieve_status: what became of retrieve(): 0 when it was not called, 1
 *		     when it succeeded, its negative error otherwise. Set by LUO
 *		     for finish().
 * @serialized_data: the one number that reaches the next kernel, usually the
 *		     physical address of preserved memory. Set by preserve().
 * @object: what those who use the FLB get. Set by preserve() for unpreserve(),
 *	    and by retrieve() for finish(); otherwise NULL.
 * @incoming_compatible: the version string that the previous kernel stored with
 *			 the FLB, NUL-terminated. Its base token is one that the
 *			 FLB reads, the rest of it was not looked at. NULL for
 *			 preserve() and unpreserve().
 */
struct liveupdate_flb_op_args {
	struct liveupdate_flb *flb;
	int retrieve_status;
	u64 serialized_data;
	void *object;
	const char *incoming_compatible;
};

/**
 * struct liveupdate_flb_ops - the callbacks of an FLB
 * @preserve: the first file that depends on the FLB is about to be preserved.
 *	      All or nothing.
 * @unpreserve: undo preserve(): the last such file is not preserved any more
 * @retrieve: make the object again from what the previous kernel left. A
 *	      failure is final: whatever was taken must be freed, and finish() is
 *	      called nevertheless, with args->retrieve_status set to the error.
 * @finish: let go of the object: the last such file is finished. What was not
 *	    retrieved is discarded.
 * @owner: THIS_MODULE. The module stays as long as the FLB is preserved, or
 *	   retrieved and not finished, or a file depends on it.
 *
 * All callbacks run in process context and may sleep. LUO calls those of one FLB
 * one at a time. They can't use liveupdate_flb_get_incoming() and its siblings,
 * which wait for them to end.
 */
struct liveupdate_flb_ops {
	int (*preserve)(struct liveupdate_flb_op_args *args);
	void (*unpreserve)(struct liveupdate_flb_op_args *args);
	int (*retrieve)(struct liveupdate_flb_op_args *args);
	void (*finish)(struct liveupdate_flb_op_args *args);
	struct module *owner;
};

/**
 * struct liveupdate_flb - state that files share, bound to their life
 * @ops: its callbacks
 * @compatible: its composed version string, stored with it. What the previous
 *		kernel left is given to the FLB that has the same base token's
 *		name.
 * @versions: the base token's name and the range of its versions that
 *	      retrieve() reads. NULL for the version in @compatible alone.
 */
struct liveupdate_flb {
	const struct liveupdate_flb_ops *ops;
	const char compatible[LIVEUPDATE_FLB_COMPAT_LENGTH];
	const struct kho_compat_range *versions;

	/* private: what LUO knows of it, while it is registered */
	struct luo_flb *luo;
};

#ifdef CONFIG_LIVEUPDATE

bool liveupdate_enabled(void);
int liveupdate_reboot(void);
int liveupdate_register_file_handler(struct liveupdate_file_handler *fh);
int liveupdate_unregister_file_handler(struct liveupdate_file_handler *fh);

int liveupdate_register_flb(struct liveupdate_file_handler *fh,
			    struct liveupdate_flb *flb);
int liveupdate_unregister_flb(struct liveupdate_file_handler *fh,
			      struct liveupdate_flb *flb);
int liveupdate_flb_get_incoming(struct liveupdate_flb *flb, void **object);
void liveupdate_flb_put_incoming(struct liveupdate_flb *flb);
int liveupdate_flb_get_outgoing(struct liveupdate_flb *flb, void **object);
void liveupdate_flb_put_outgoing(struct liveupdate_flb *flb);

#else /* !CONFIG_LIVEUPDATE */

static inline bool liveupdate_enabled(void)
{
	return false;
}

static inline int liveupdate_reboot(void)
{
	return 0;
}

static inline int
liveupdate_register_file_handler(struct liveupdate_file_handler *fh)
{
	return -EOPNOTSUPP;
}

static inline int
liveupdate_unregister_file_handler(struct liveupdate_file_handler *fh)
{
	return -EOPNOTSUPP;
}

static inline int liveupdate_register_flb(struct liveupdate_file_handler *fh,
					  struct liveupdate_flb *flb)
{
	return -EOPNOTSUPP;
}

static inline int liveupdate_unregister_flb(struct liveupdate_file_handler *fh,
					    struct liveupdate_flb *flb)
{
	return -EOPNOTSUPP;
}

static inline int liveupdate_flb_get_incoming(struct liveupdate_flb *flb,
					      void **object)
{
	return -EOPNOTSUPP;
}

static inline void liveupdate_flb_put_incoming(struct liveupdate_flb *flb)
{
}

static inline int liveupdate_flb_get_outgoing(struct liveupdate_flb *flb,
					      void **object)
{
	return -EOPNOTSUPP;
}

static inline void liveupdate_flb_put_outgoing(struct liveupdate_flb *flb)
{
}

#endif /* CONFIG_LIVEUPDATE */

#ifdef CONFIG_LIVEUPDATE_TEST

void liveupdate_test_register(struct liveupdate_file_handler *fh);
void liveupdate_test_unregister(struct liveupdate_file_handler *fh);

#else

static inline void liveupdate_test_register(struct liveupdate_file_handler *fh)
{
}

static inline void
liveupdate_test_unregister(struct liveupdate_file_handler *fh)
{
}

#endif /* CONFIG_LIVEUPDATE_TEST */

#endif /* _LINUX_LIVEUPDATE_H */
