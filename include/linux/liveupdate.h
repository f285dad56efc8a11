/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Live Update Orchestrator: interface for file handlers and for kexec
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_LIVEUPDATE_H
#define _LINUX_LIVEUPDATE_H

#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/kexec_handover.h>
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
 * struct liveupdate_file_op_args - arguments of a file handler's callbacks
 * @handler: the handler itself
 * @retrieve_status: result of retrieve(): 0 if it was not called or will be called
 *		     again, 1 if it succeeded, otherwise its negative error. Set
 *		     by LUO for can_finish() and finish().
 * @file: the file. retrieve() sets it, LUO sets it for all other callbacks. NULL in
 *	  can_finish() and finish() for a file that was not retrieved.
 * @serialized_data: the number that is handed over to the next kernel, usually the
 *		     physical address of preserved memory. preserve() sets it,
 *		     convert(), unconvert() and freeze() may change it.
 * @private_data: for use by the handler. LUO keeps it from preserve() to
 *		  unpreserve() or the kexec, and from retrieve() to finish(), even
 *		  if retrieve() failed. A retrieved file that is preserved again has
 *		  both, and LUO passes the one that belongs to the callback.
 * @incoming_compatible: the version string that the previous kernel stored with
 *			 the file, NUL-terminated. The handler supports the
 *			 version of its base token. The other tokens are not
 *			 checked. NULL for outgoing files.
 * @frozen: only for verify(): it was called before freeze() in the same reboot(), and
 *	    succeeded or returned -ENOMEM. Set by LUO.
 */
struct liveupdate_file_op_args {
	struct liveupdate_file_handler *handler;
	int retrieve_status;
	struct file *file;
	u64 serialized_data;
	void *private_data;
	const char *incoming_compatible;
	bool frozen;
};

/**
 * struct liveupdate_file_ops - callbacks of a file handler
 * @can_preserve: return true if the handler takes the file. It must be cheap, and
 *		  must not change anything.
 * @preserve: preserve the file while the workload still runs. A failed call must
 *	      leave nothing preserved. If it takes long, return -EINTR when a fatal
 *	      signal is pending: reboot() waits for it.
 * @unpreserve: undo preserve()
 * @convert: optional. Serialize the preserved file once more, in the version that the
 *	     member @mainline of the handler names. Called in reboot(), before freeze(),
 *	     if the next kernel is a mainline kernel. If that version lacks something that
 *	     must not be lost, log it and return -EOPNOTSUPP: the reboot is given up. A
 *	     failed call must leave nothing converted. Ends on a fatal signal as
 *	     preserve() does.
 * @unconvert: undo convert(), if the reboot is given up. Both or neither must be set.
 * @freeze: optional. Store the last state before the kexec. Called in reboot().
 * @unfreeze: optional. Undo freeze() after the reboot was given up.
 * @verify: optional. Check that retrieve() could read what is preserved, best with the
 *	    code that it uses, and kho_for_next in place of kho_from_previous. Called in
 *	    reboot() before freeze(), when it may take long but ends on a fatal signal as
 *	    preserve() does, and again after freeze() of all files, with @frozen of the
 *	    arguments set. Then the kexec lock is held, so check only what freeze() can
 *	    have changed. Also called at any time between preserve() and unpreserve() if a
 *	    program asks for it. It must not change anything, and must not restore or
 *	    allocate memory. Return 0, or an error if the next kernel could not retrieve
 *	    the file: then the reboot is given up. Log what is wrong, unless it is only
 *	    that memory was short, and freeze() tries to preserve the rest: then return
 *	    -ENOMEM, which does not keep reboot() from that. Without it only the entry
 *	    that LUO has written is checked.
 * @retrieve: create the file from what the previous kernel handed over, and set
 *	      args->file to it. The caller gets the reference. Restore all memory
 *	      that the file has: what is not restored is handed on by a kexec, even
 *	      if the file is preserved anew. If memory is short, return -EAGAIN:
 *	      user space gets ENOMEM. If a fatal signal is pending, return -EINTR.
 *	      After these two errors user space can retry, and what was restored
 *	      can be kept in args->private_data. Every other error is final. Then
 *	      what was restored must be freed, and finish() is still called, with
 *	      the error in args->retrieve_status. User space gets EIO for a final
 *	      -ENOMEM. If the version is not supported and nothing was restored,
 *	      return -EPROTONOSUPPORT: user space gets EIO, and a kexec hands the
 *	      file on as it came.
 * @can_finish: optional. Return false if the file is not ready to be finished.
 * @finish: release the resources of the handler. Discard the file if it was not
 *	    retrieved.
 * @get_id: optional. Return a number that is the same for two open files if they
 *	    are the same object, so that it can't be preserved twice. It must not
 *	    change while the file is open, and must differ from the numbers of
 *	    other handlers: return an address, usually that of the inode. The
 *	    default is the address of the struct file.
 * @owner: THIS_MODULE. The module can't be unloaded while one of its files is
 *	   preserved, or retrieved and not finished.
 *
 * The life of a file: can_preserve(), preserve(), verify(), freeze(), verify(), kexec,
 * retrieve(), can_finish(), finish(). When it is aborted: unfreeze(), unpreserve(). If the next
 * kernel needs it, convert() comes before verify(), and unconvert() after unfreeze(). Files are
 * frozen in the order in which they were preserved. They are finished, unfrozen
 * and unpreserved in reverse order.
 *
 * A file whose session is not finished before the next kexec is handed on. If it was
 * retrieved, all from preserve() to verify() are called in reboot(), and unfreeze() and
 * unpreserve() if the reboot is given up. It can be preserved although it is retrieved:
 * finish() comes later, or not at all. If it was not retrieved, no callback is called.
 *
 * All callbacks run in process context and may sleep. The callbacks of one file
 * never run concurrently. Only preserve() and retrieve() may wait for a program, a device
 * or the network, and no longer than until a fatal signal is pending. The others can't
 * fail, or run with locks held that other tasks need: they must end in a bounded time.
 */
struct liveupdate_file_ops {
	bool (*can_preserve)(struct liveupdate_file_handler *handler,
			     struct file *file);
	int (*preserve)(struct liveupdate_file_op_args *args);
	void (*unpreserve)(struct liveupdate_file_op_args *args);
	int (*convert)(struct liveupdate_file_op_args *args);
	void (*unconvert)(struct liveupdate_file_op_args *args);
	int (*freeze)(struct liveupdate_file_op_args *args);
	void (*unfreeze)(struct liveupdate_file_op_args *args);
	int (*verify)(const struct liveupdate_file_op_args *args);
	int (*retrieve)(struct liveupdate_file_op_args *args);
	bool (*can_finish)(struct liveupdate_file_op_args *args);
	void (*finish)(struct liveupdate_file_op_args *args);
	unsigned long (*get_id)(struct file *file);
	struct module *owner;
};

/**
 * struct liveupdate_file_handler - preserves one kind of file
 * @ops: its callbacks
 * @compatible: its composed version string, stored with each file. An incoming
 *		file belongs to the handler whose base token has the same name.
 * @versions: name of the base token and the range of its versions that retrieve()
 *	      reads. NULL for the version in @compatible alone.
 * @mainline: the version string of the data that convert() writes. Without convert(),
 *	      mainline gets the base token of @compatible alone, if all contained
 *	      components are in version 1. Otherwise it can't get such files.
 */
struct liveupdate_file_handler {
	const struct liveupdate_file_ops *ops;
	const char compatible[LIVEUPDATE_HNDL_COMPAT_LENGTH];
	const struct kho_compat_range *versions;
	const char mainline[LIVEUPDATE_HNDL_COMPAT_LENGTH];

	/* private: guarded by luo_file_handlers_rwsem */
	struct list_head list;
	/* private: files that use the handler */
	atomic_long_t nr_files;
	/* private: FLBs that its files depend on; constant while nr_files > 0 */
	struct list_head flbs;
};

/**
 * struct liveupdate_flb_op_args - arguments of an FLB's callbacks
 * @flb: the FLB itself
 * @retrieve_status: result of retrieve(): 0 if it was not called or will be called
 *		     again, 1 if it succeeded, otherwise its negative error. Set
 *		     by LUO for finish().
 * @data: the number that is handed over to the next kernel, usually the physical
 *	  address of preserved memory. preserve() sets it.
 * @obj: what users of the FLB get. unpreserve() gets what preserve() has set,
 *	 finish() what retrieve() has set, and retrieve() what it has kept after
 *	 -EAGAIN or -EINTR. Otherwise NULL.
 * @incoming_compatible: the version string that the previous kernel stored with
 *			 the FLB, NUL-terminated. The FLB supports the version of
 *			 its base token. The other tokens are not checked. NULL in
 *			 preserve() and unpreserve().
 */
struct liveupdate_flb_op_args {
	struct liveupdate_flb *flb;
	int retrieve_status;
	u64 data;
	void *obj;
	const char *incoming_compatible;
};

/**
 * struct liveupdate_flb_ops - callbacks of an FLB
 * @preserve: called before the first file that depends on the FLB is preserved. If
 *	      the previous kernel handed over this FLB, it is retrieved first and not
 *	      yet finished: then files of that kernel may depend on it, and what is
 *	      preserved must include them. A failed call must leave nothing preserved.
 * @unpreserve: undo preserve(). Called after the last such file was unpreserved.
 * @retrieve: create the object from what the previous kernel handed over, and restore
 *	      its memory. If memory is short, return -EAGAIN, and -EINTR if a fatal
 *	      signal is pending. After these two errors it is called again when the
 *	      FLB is needed, and what was restored can be kept in args->obj. Users
 *	      get -ENOMEM or -EINTR. Every other error is final: what was restored
 *	      must be freed, and finish() is still called, with the error in
 *	      args->retrieve_status. Users get -EIO for a final -ENOMEM.
 * @finish: free the object, or what was handed over if it was not retrieved, and what
 *	    retrieve() has kept in args->obj.
 *	    Called once no incoming file can depend on the FLB any more. A file whose
 *	    handler is not registered can depend on every FLB.
 * @owner: THIS_MODULE. The module can't be unloaded while the FLB is preserved,
 *	   while it is retrieved and not finished, or while a file depends on it.
 *
 * All callbacks run in process context and may sleep, but must end in a bounded time:
 * other tasks wait for them, and SIGKILL does not end that. The callbacks of one FLB
 * never run concurrently. They must not call liveupdate_flb_get_incoming() and the
 * functions related to it, which take the lock that is held while callbacks run.
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
 * @compatible: its composed version string, stored with it. Incoming state belongs
 *		to the FLB whose base token has the same name.
 * @versions: name of the base token and the range of its versions that retrieve()
 *	      reads. NULL for the version in @compatible alone.
 */
struct liveupdate_flb {
	const struct liveupdate_flb_ops *ops;
	const char compatible[LIVEUPDATE_FLB_COMPAT_LENGTH];
	const struct kho_compat_range *versions;

	/* private: set while it is registered */
	struct luo_flb *luo;
};

#ifdef CONFIG_LIVEUPDATE

bool liveupdate_enabled(void);
int liveupdate_reboot_lock(void);
void liveupdate_reboot_unlock(void);
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

static inline int liveupdate_reboot_lock(void)
{
	return 0;
}

static inline void liveupdate_reboot_unlock(void)
{
}

static inline int liveupdate_reboot(void)
{
	return kho_verify_reboot();
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

/* Only with CONFIG_LIVEUPDATE_TEST */
void liveupdate_test_register(struct liveupdate_file_handler *fh);
void liveupdate_test_unregister(struct liveupdate_file_handler *fh);

#endif /* _LINUX_LIVEUPDATE_H */
