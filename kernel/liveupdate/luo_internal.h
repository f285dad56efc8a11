/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Live Update Orchestrator: what its parts know of each other
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_LUO_INTERNAL_H
#define _LINUX_LUO_INTERNAL_H

#include <linux/kho/block.h>
#include <linux/list.h>
#include <linux/liveupdate.h>
#include <linux/rwsem.h>
#include <linux/types.h>

struct file;
struct kho_compat_range;
struct luo_file;
struct seq_file;

/*
 * Locks, outermost first:
 *
 *   luo_freeze_rwsem        read: outgoing state is being changed;
 *                           write: it is being frozen and serialized
 *   luo_session.lock        the files of a session
 *   luo_file_handlers_rwsem the lists of file handlers and of FLBs
 *   luo_flb.lock            one FLB
 *   luo_flb_out.lock        the table of preserved FLBs
 *   luo_flb_in.lock         reading the previous kernel's table of FLBs
 *
 * luo_session_set.lock guards the sessions of one direction. It comes below
 * luo_freeze_rwsem and is not held together with the others: who lists sessions
 * and files holds a reference to a session from one lock to the other.
 *
 * The locks that handlers take come below luo_session.lock, and, as their
 * callbacks may use FLBs, above luo_flb.lock. Those that the callbacks of FLBs
 * take come below luo_flb.lock.
 */

/* Requests */

/**
 * struct luo_ucmd - a request that is being executed
 * @ctx: what the file descriptor stands for
 * @ubuffer: the caller's structure
 * @user_size: its size, bytes
 * @cmd: the kernel's copy, zero beyond @user_size
 */
struct luo_ucmd {
	void *ctx;
	void __user *ubuffer;
	u32 user_size;
	void *cmd;
};

/**
 * struct luo_ioctl_op - a request as the dispatcher knows it
 * @size: size of its structure, bytes
 * @min_size: size of the structure's first version, bytes
 * @ioctl_num: its number
 * @execute: does the work
 */
struct luo_ioctl_op {
	unsigned int size;
	unsigned int min_size;
	unsigned int ioctl_num;
	int (*execute)(struct luo_ucmd *ucmd);
};

#define LUO_IOCTL_OP(_ioctl, _fn, _struct, _last)	\
	{						\
		.size = sizeof(_struct),		\
		.min_size = offsetofend(_struct, _last),\
		.ioctl_num = _ioctl,			\
		.execute = _fn,				\
	}

long luo_ioctl(const struct luo_ioctl_op *ops, unsigned int nr_ops, void *ctx,
	       unsigned int cmd, unsigned long arg);
int luo_ucmd_respond(struct luo_ucmd *ucmd, size_t cmd_len);
int luo_ucmd_respond_file(struct luo_ucmd *ucmd, size_t cmd_len, s32 *fd,
			  struct file *file);

/* Files */

/**
 * struct luo_file_set - the files of a session
 * @files: all struct luo_file, in the order in which they were preserved
 * @count: number of them
 * @blocks: outgoing: room for @count entries
 */
struct luo_file_set {
	struct list_head files;
	u64 count;
	struct kho_block_set blocks;
};

extern struct rw_semaphore luo_file_handlers_rwsem;

bool luo_file_handler_registered(const struct liveupdate_file_handler *fh);
bool luo_file_handler_used(const struct liveupdate_file_handler *fh);
bool luo_version_supported(const char *own,
			   const struct kho_compat_range *versions,
			   const char *incoming);

int luo_file_init(void);
void luo_file_exit(void);

void luo_file_set_init(struct luo_file_set *set);
int luo_file_preserve(struct luo_file_set *set, int fd, u64 token);
void luo_file_unpreserve_all(struct luo_file_set *set);
int luo_file_freeze_all(struct luo_file_set *set, struct luo_file_set_ser *ser);
void luo_file_unfreeze_all(struct luo_file_set *set);

int luo_file_deserialize(struct luo_file_set *set,
			 const struct luo_file_set_ser *ser);
struct file *luo_file_retrieve(struct luo_file_set *set, u64 token);
int luo_file_finish_all(struct luo_file_set *set);

void luo_file_show_all(struct seq_file *m, const struct luo_file_set *set);

/* State that files share */

void luo_flb_set_incoming(u64 table_pa, int err);
int luo_flb_deserialize(void);
void luo_flb_serialize(struct luo_ser *ser);

int luo_flb_preserve_all(struct liveupdate_file_handler *fh);
void luo_flb_unpreserve_all(struct liveupdate_file_handler *fh);
void luo_flb_finish_all(struct liveupdate_file_handler *fh);

bool luo_flb_tryget_all(struct liveupdate_file_handler *fh);
void luo_flb_put_all(struct liveupdate_file_handler *fh);

/* Sessions */

int luo_session_init(void);
void luo_session_exit(void);
int luo_outgoing_show(struct seq_file *m);
int luo_incoming_show(struct seq_file *m);

int luo_session_deserialize(u64 sessions_pa);
int luo_session_serialize(struct luo_ser *ser);

struct file *luo_session_create(const char *name);
struct file *luo_session_retrieve(const char *name);
void luo_session_put_back(struct file *file);

#endif /* _LINUX_LUO_INTERNAL_H */
