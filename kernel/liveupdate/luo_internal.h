/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Live Update Orchestrator: what its parts know of each other
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_LUO_INTERNAL_H
#define _LINUX_LUO_INTERNAL_H

#include <linux/atomic.h>
#include <linux/build_bug.h>
#include <linux/kho/block.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/liveupdate.h>
#include <linux/mutex.h>
#include <linux/rhashtable.h>
#include <linux/rwsem.h>
#include <linux/types.h>

struct file;
struct kho_compat_range;

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

union luo_ucmd_buffer {
	struct liveupdate_ioctl_create_session create;
	struct liveupdate_ioctl_retrieve_session retrieve;
	struct liveupdate_session_preserve_fd preserve_fd;
	struct liveupdate_session_retrieve_fd retrieve_fd;
	struct liveupdate_session_finish finish;
	struct liveupdate_session_get_name get_name;
};

#define LUO_IOCTL_OP(_ioctl, _fn, _struct, _last)			\
	{								\
		.size = sizeof(_struct) +				\
			BUILD_BUG_ON_ZERO(sizeof(union luo_ucmd_buffer) < \
					  sizeof(_struct)),		\
		.min_size = offsetofend(_struct, _last),		\
		.ioctl_num = _ioctl,					\
		.execute = _fn,						\
	}

long luo_ioctl(const struct luo_ioctl_op *ops, unsigned int nr_ops, void *ctx,
	       unsigned int cmd, unsigned long arg);
int luo_ucmd_respond(struct luo_ucmd *ucmd, size_t cmd_len);
int luo_ucmd_respond_file(struct luo_ucmd *ucmd, size_t cmd_len, s32 *fd,
			  struct file *file);

/* File handlers */

/**
 * struct luo_flb_link - an FLB that is registered with a file handler
 * @flb: the FLB
 * @list: in liveupdate_file_handler.flbs
 */
struct luo_flb_link {
	struct liveupdate_flb *flb;
	struct list_head list;
};

extern struct rw_semaphore luo_file_handlers_rwsem;

bool luo_file_handler_registered(const struct liveupdate_file_handler *fh);
bool luo_file_handler_used(const struct liveupdate_file_handler *fh);
struct liveupdate_file_handler *luo_file_handler_get(struct file *file);
struct liveupdate_file_handler *
luo_file_handler_get_incoming(const char *compatible);
void luo_file_handler_put(struct liveupdate_file_handler *fh);
bool luo_version_supported(const char *own,
			   const struct kho_compat_range *versions,
			   const char *incoming);

/* State that files share */

void luo_flb_set_incoming(u64 table_pa, int err);
int luo_flb_deserialize(void);
void luo_flb_serialize(struct luo_ser *ser);

int luo_flb_preserve_all(struct liveupdate_file_handler *fh);
void luo_flb_unpreserve_all(struct liveupdate_file_handler *fh);
void luo_flb_finish_all(struct liveupdate_file_handler *fh);

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

/**
 * struct luo_file_key - what finds a file
 * @set: the session's files
 * @token: the file's name among them
 */
struct luo_file_key {
	struct luo_file_set *set;
	u64 token;
};

/**
 * struct luo_file - a file in a session
 * @key: session and token
 * @key_node: in luo_files_by_key, if @has_key
 * @id: what identifies the file itself
 * @id_node: in luo_files_by_id, if @has_id
 * @list: in luo_file_set.files
 * @has_key: false for an incoming file with a token that is not unique
 * @has_id: @id is known, nobody else can preserve the file
 * @damaged: incoming: the entry can't be trusted to be given to anybody
 * @retrieve_status: see &struct liveupdate_file_op_args
 * @handler: its handler, which the file keeps from being unregistered. Incoming
 *	     files get it when it is needed, NULL until then.
 * @file: the file itself, NULL for an incoming file that was not retrieved
 * @data: what is handed over
 * @private_data: the handler's own
 * @compatible: incoming: the previous kernel's version string, otherwise empty
 * @rcu: lookups in the hash tables may still see the file when it is freed
 */
struct luo_file {
	struct luo_file_key key;
	struct rhash_head key_node;
	unsigned long id;
	struct rhash_head id_node;
	struct list_head list;
	bool has_key;
	bool has_id;
	bool damaged;
	int retrieve_status;
	struct liveupdate_file_handler *handler;
	struct file *file;
	u64 data;
	void *private_data;
	char compatible[LIVEUPDATE_HNDL_COMPAT_LENGTH];
	struct rcu_head rcu;
};

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


/* Sessions */

/**
 * struct luo_session_set - the sessions of one direction
 * @lock: guards the rest
 * @names: the sessions by name
 * @sessions: the sessions in the order of their creation
 * @count: number of them
 * @last_nr: number of the youngest one there has been
 * @blocks: outgoing: room for @count entries
 * @listed: incoming: the previous kernel's sessions are in here
 * @loaded: incoming: and so are their files
 */
struct luo_session_set {
	struct mutex lock; /* guards what follows */
	struct rhashtable names;
	struct list_head sessions;
	u64 count;
	u64 last_nr;
	struct kho_block_set blocks;
	bool listed;
	bool loaded;
};

/**
 * struct luo_session - a session
 * @name: its name, padded with NULs
 * @set: its direction
 * @name_node: in luo_session_set.names
 * @list: in luo_session_set.sessions, or empty
 * @nr: number in the order of creation; guarded by luo_session_set.lock
 * @refs: one is held from its creation to its end, and one by each reader of a
 *	  summary that is at it. They keep the structure, not what is in it.
 * @retrieved: incoming: a file descriptor has it; guarded by luo_session_set.lock
 * @err: incoming: what is wrong with it; guarded by luo_session_set.lock
 * @ser: incoming: where to find the files; guarded by luo_session_set.lock
 * @loaded: incoming: they were found, or @err says why not; guarded by
 *	    luo_session_set.lock
 * @lock: guards @files
 * @files: its files
 */
struct luo_session {
	char name[LIVEUPDATE_SESSION_NAME_LENGTH];
	struct luo_session_set *set;
	struct rhash_head name_node;
	struct list_head list;
	u64 nr;
	struct kref refs;
	bool retrieved;
	int err;
	struct luo_file_set_ser ser;
	bool loaded;

	struct mutex lock; /* guards files */
	struct luo_file_set files;
};

extern struct luo_session_set luo_outgoing;
extern struct luo_session_set luo_incoming;
extern bool luo_frozen;

int luo_session_init(void);
void luo_session_exit(void);
struct luo_session *luo_session_next(struct luo_session_set *set,
				     struct luo_session *session);
void luo_session_put(struct luo_session *session);

int luo_session_deserialize(u64 sessions_pa);
int luo_session_serialize(struct luo_ser *ser);

struct file *luo_session_create(const char *name);
struct file *luo_session_retrieve(const char *name);
void luo_session_put_back(struct file *file);

/* What there is once */

/**
 * struct luo_state - everything there is once
 * @enabled: liveupdate=on
 * @incoming_err: what is wrong with the state that the previous kernel left
 * @incoming_ser: that state, NULL when there is none or it was read
 * @incoming_compatible: its version string, NULL when there is none
 * @liveupdate_num: live updates between the last cold boot and this kernel
 * @sessions_pa: chain of incoming sessions, physical address
 * @outgoing_ser: the state for the next kernel
 * @in_use: the device is open
 */
struct luo_state {
	bool enabled;
	int incoming_err;
	struct luo_ser *incoming_ser;
	char *incoming_compatible;
	u64 liveupdate_num;
	u64 sessions_pa;
	struct luo_ser *outgoing_ser;
	atomic_t in_use;
};

extern struct luo_state luo_state;

#endif /* _LINUX_LUO_INTERNAL_H */
