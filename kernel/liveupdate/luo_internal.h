/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Live Update Orchestrator: internal interfaces
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_LUO_INTERNAL_H
#define _LINUX_LUO_INTERNAL_H

#include <linux/atomic.h>
#include <linux/build_bug.h>
#include <linux/kho/block.h>
#include <linux/kho/image.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/liveupdate.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/rhashtable.h>
#include <linux/rwsem.h>
#include <linux/types.h>

struct file;
struct kho_compat_range;

/*
 * Locks, outermost first:
 *
 *   luo_freeze_rwsem        held for reading to change sessions, for writing to
 *                           freeze and serialize them. It is taken before
 *                           system_transition_mutex and the kexec lock.
 *   luo_session.lock        the files of a session
 *   luo_file_handlers_rwsem the lists of file handlers and of FLBs
 *   luo_flb.lock            one FLB
 *   luo_file_kinds.lock     the numbers of incoming files of each kind
 *   luo_flb_out.lock        the outgoing table of FLBs
 *   luo_flb_in.lock         reading the incoming table of FLBs
 *
 * luo_session_set.lock guards the sessions of one direction. It nests inside
 * luo_freeze_rwsem and outside luo_file_kinds.lock and luo_flb_in.lock, and is not
 * held together with the other locks. To list sessions and their files, take a
 * reference to one session after the other.
 *
 * Locks that file handlers take nest inside luo_session.lock, and outside
 * luo_flb.lock because the callbacks of handlers can use FLBs. Locks that the
 * callbacks of FLBs take nest inside luo_flb.lock.
 *
 * SIGKILL must end every wait in a request, in close() and in reboot(). A request holds
 * luo_freeze_rwsem and luo_session.lock while preserve() or retrieve() waits for a
 * program. So they are taken killably, or not waited for. Without requests on the session
 * luo_session.lock is held shortly, as the other locks always are.
 */

/* Command line, form of the outgoing state */

extern enum kho_form luo_form;

void luo_disable(void);
int luo_store_version(char *stored, const char *version);

/* Ioctls */

/**
 * struct luo_ucmd - an ioctl that is being executed
 * @ctx: what the file descriptor refers to
 * @ubuffer: the structure in user space
 * @user_size: its size in bytes
 * @cmd: the kernel's copy, zero past @user_size
 */
struct luo_ucmd {
	void *ctx;
	void __user *ubuffer;
	u32 user_size;
	void *cmd;
};

/**
 * struct luo_ioctl_op - an ioctl of the device or of a session
 * @size: size of its structure in bytes
 * @min_size: size of the first version of the structure in bytes
 * @ioctl_num: its number
 * @execute: executes it
 */
struct luo_ioctl_op {
	unsigned int size;
	unsigned int min_size;
	unsigned int ioctl_num;
	int (*execute)(struct luo_ucmd *ucmd);
};

/* Has room for the structure of any ioctl. */
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
struct luo_flb_link *
luo_file_handler_find_flb(const struct liveupdate_file_handler *fh,
			  const struct liveupdate_flb *flb);
bool luo_version_supported(const char *own,
			   const struct kho_compat_range *versions,
			   const char *incoming);

struct luo_file_kind;

int luo_file_kinds_init(void);
void luo_file_kinds_exit(void);
struct luo_file_kind *luo_file_kind_get(const char *compatible);
void luo_file_kind_put(struct luo_file_kind *kind);
void luo_file_kinds_complete(void);
bool luo_file_kinds_need(const struct liveupdate_flb *flb);

/* State that files share (FLB) */

/**
 * struct luo_flb_incoming - an entry of the previous kernel's table of FLBs
 * @name: version string, NUL-terminated
 * @data: the number that was handed over
 * @count: the number of files that depended on it, or more
 * @nr_refs: references from liveupdate_flb_get_incoming()
 * @retrieve_status: see &struct liveupdate_flb_op_args
 * @finished: finish() was called
 * @handed_on: it was not retrieved, and the entry is copied for the next kernel
 * @again: it was retrieved, and is preserved again as this FLB; otherwise NULL
 * @object: what retrieve() returned, or what it has kept for another attempt
 *
 * @name, @data and @count are constant. The lock of the FLB with this name guards the
 * other members.
 */
struct luo_flb_incoming {
	char name[LIVEUPDATE_FLB_COMPAT_LENGTH];
	u64 data;
	u64 count;
	unsigned long nr_refs;
	int retrieve_status;
	bool finished;
	bool handed_on;
	struct luo_flb *again;
	void *object;
};

/**
 * struct luo_flb - a registered FLB
 * @refs: one reference while it is registered, and one of each task that unlocks @lock
 *	  after it may have been unregistered
 * @flb: the owner's structure
 * @list: in luo_flbs; guarded by luo_file_handlers_rwsem
 * @nr_handlers: number of handlers that it is registered with; guarded by
 *		 luo_file_handlers_rwsem
 * @lock: guards the members below, and is held while callbacks run
 * @preserved: preserve() was called and unpreserve() was not
 * @preserved_list: in luo_flb_out.preserved; guarded by luo_flb_out.lock
 * @nr_files: outgoing files that depend on it
 * @nr_refs: references from liveupdate_flb_get_outgoing()
 * @data: the number that is handed over
 * @object: what preserve() returned
 * @incoming: the previous kernel's entry, NULL if it was not looked up
 * @incoming_err: the error of looking it up, or 0
 */
struct luo_flb {
	struct kref refs;
	struct liveupdate_flb *flb;
	struct list_head list;
	unsigned int nr_handlers;

	struct mutex lock; /* guards the members below */
	bool preserved;
	struct list_head preserved_list;
	u64 nr_files;
	unsigned long nr_refs;
	u64 data;
	void *object;
	struct luo_flb_incoming *incoming;
	int incoming_err;
};

/* The number of entries that a table of this size has room for. */
static inline u64 luo_flb_capacity(size_t size)
{
	return (size - sizeof(struct luo_flb_header_ser)) /
	       sizeof(struct luo_flb_ser);
}

void luo_flb_set_incoming(u64 table_pa, int err);
int luo_flb_deserialize(void);
struct luo_flb_incoming *luo_flb_find_incoming(const char *compatible);
struct luo_flb_incoming *luo_flb_next_incoming(struct luo_flb_incoming *entry);

u64 luo_flb_refused_pa(void);
int luo_flb_verify(u64 table_pa);

int luo_flb_table_grow(u64 nr);
void luo_flb_table_shrink(void);
int luo_flb_table_add(struct luo_flb *luo);
void luo_flb_table_remove(struct luo_flb *luo);
int luo_flb_check_readable(void);
void luo_flb_serialize(struct luo_ser *ser);

int luo_flb_hand_on(void);
void luo_flb_take_back(void);

int luo_flb_preserve_all(struct liveupdate_file_handler *fh);
void luo_flb_unpreserve_all(struct liveupdate_file_handler *fh);
void luo_flb_finish_unused(void);

/* Files */

/**
 * struct luo_file_set - the files of a session
 * @files: list of struct luo_file, in the order in which they were preserved
 * @count: number of files
 * @blocks: outgoing: has room for @count entries
 */
struct luo_file_set {
	struct list_head files;
	u64 count;
	struct kho_block_set blocks;
};

/**
 * struct luo_file_key - key of a file in luo_files_by_key
 * @set: the files of its session
 * @token: identifies the file among them
 */
struct luo_file_key {
	struct luo_file_set *set;
	u64 token;
};

/**
 * struct luo_file_state - what the handler of a file keeps in one direction
 * @data: the number that is handed over
 * @private_data: the handler's own
 */
struct luo_file_state {
	u64 data;
	void *private_data;
};

/**
 * struct luo_file - a file in a session
 * @key: session and token
 * @key_node: in luo_files_by_key if @has_key
 * @id: the number that identifies the file to its handler
 * @id_node: in luo_files_by_id if @has_id
 * @list: in luo_file_set.files
 * @has_key: false for an incoming file whose token is a duplicate
 * @has_id: @id is set, and the file can't be preserved again
 * @damaged: incoming: the entry is damaged, and the file can't be retrieved
 * @retrieve_status: see &struct liveupdate_file_op_args
 * @unread: incoming: its handler can't read it, and has restored nothing of it
 * @converted: it is serialized in the version of mainline as well, which is handed over
 * @handler: its handler with a reference. Incoming files: NULL until first use.
 * @file: the open file, NULL for an incoming file that was not retrieved
 * @in: incoming: the state from the previous kernel
 * @out: the state for the next kernel. Incoming files: only if they were retrieved, and
 *	 while they are preserved again.
 * @compatible: incoming: the version string of the previous kernel; empty otherwise
 * @kind: incoming: what it is counted in; NULL if the version string is malformed
 * @rcu: frees the file after lookups in the hash tables that can see it
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
	bool unread;
	bool converted;
	int retrieve_status;
	struct liveupdate_file_handler *handler;
	struct file *file;
	struct luo_file_state in;
	struct luo_file_state out;
	char compatible[LIVEUPDATE_HNDL_COMPAT_LENGTH];
	struct luo_file_kind *kind;
	struct rcu_head rcu;
};

/*
 * Check whether a file is preserved for the next kernel, or will be: it is an outgoing
 * one, or was retrieved. Other incoming files are handed on as they came.
 */
static inline bool luo_file_is_open(const struct luo_file *lf)
{
	return lf->file;
}

/* A handler that could not retrieve a file has freed what it restored. */
static inline bool luo_file_is_lost(const struct luo_file *lf)
{
	return lf->retrieve_status < 0 && !lf->unread;
}

int luo_file_init(void);
void luo_file_exit(void);
void luo_file_set_init(struct luo_file_set *set);

struct liveupdate_file_op_args luo_file_out_args(const struct luo_file *lf);
void luo_file_take_args(struct luo_file_state *state,
			const struct liveupdate_file_op_args *args);
struct luo_file *luo_file_alloc(struct luo_file_set *set, u64 token);
void luo_file_free(struct luo_file *lf);
struct luo_file *luo_file_find(struct luo_file_set *set, u64 token);
int luo_file_add_key(struct luo_file *lf);
int luo_file_add_id(struct luo_file *lf);
int luo_file_call_preserve(struct luo_file *lf);
void luo_file_call_unpreserve(struct luo_file *lf);

int luo_file_preserve(struct luo_file_set *set, int fd, u64 token);
void luo_file_unpreserve_all(struct luo_file_set *set);
int luo_file_convert_all(struct luo_file_set *set);
void luo_file_unconvert_all(struct luo_file_set *set);
int luo_file_check_readable(const struct luo_file_set *set);
int luo_file_freeze_all(struct luo_file_set *set, struct luo_file_set_ser *ser);
void luo_file_unfreeze_all(struct luo_file_set *set);
int luo_file_verify_all(struct luo_file_set *set, const struct luo_file_set_ser *ser);

int luo_file_deserialize(struct luo_file_set *set,
			 const struct luo_file_set_ser *ser);
struct file *luo_file_retrieve(struct luo_file_set *set, u64 token);
int luo_file_finish_all(struct luo_file_set *set);
int luo_file_retrieve_all(struct luo_file_set *set);
int luo_file_preserve_again(struct luo_file_set *set);
void luo_file_unpreserve_again(struct luo_file_set *set);

/* Sessions */

/**
 * struct luo_session_set - the sessions of one direction
 * @lock: guards the other members
 * @names: the sessions by name
 * @sessions: the sessions in the order in which they were created
 * @count: number of sessions
 * @last_nr: number of the session that was created last
 * @blocks: outgoing: has room for @count entries
 * @sessions_pa: incoming: physical address of the chain of their entries, or 0
 * @err: incoming: why they can't be listed, or 0
 * @listed: incoming: the sessions of the previous kernel are in @sessions
 * @loaded: incoming: and their files are listed
 */
struct luo_session_set {
	struct mutex lock; /* guards the other members */
	struct rhashtable names;
	struct list_head sessions;
	u64 count;
	u64 last_nr;
	struct kho_block_set blocks;
	u64 sessions_pa;
	int err;
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
 * @refs: one reference from creation until the session is removed from its set,
 *	  and those of luo_session_next(). They keep the structure, not the files.
 * @late_node: in the list of sessions that end after the release of their own file
 * @retrieved: incoming: an open session file refers to it; guarded by
 *	       luo_session_set.lock
 * @err: incoming: why it can't be retrieved, or 0; guarded by luo_session_set.lock
 * @ser: incoming: address of the entries of its files, and their number; guarded by
 *	 luo_session_set.lock
 * @loaded: incoming: the files are listed or @err is set; guarded by
 *	    luo_session_set.lock
 * @closed: incoming: a program has closed its last descriptor; no lock, as no other
 *	    task has a reference to the session's own file
 * @lock: guards @files and @finished
 * @files: its files
 * @finished: incoming: the files were finished
 * @replaced: incoming: an outgoing session has its name, so it is not handed on;
 *	      guarded by luo_freeze_rwsem, which is held for writing
 * @lost: incoming: it is damaged, and @ser is not in preserved memory, so it is not
 *	  handed on; guarded by luo_freeze_rwsem, which is held for writing
 */
struct luo_session {
	char name[LIVEUPDATE_SESSION_NAME_LENGTH];
	struct luo_session_set *set;
	struct rhash_head name_node;
	struct list_head list;
	u64 nr;
	struct kref refs;
	struct llist_node late_node;
	bool retrieved;
	int err;
	struct luo_file_set_ser ser;
	bool loaded;
	bool closed;

	struct mutex lock; /* guards files and finished */
	struct luo_file_set files;
	bool finished;
	bool replaced;
	bool lost;
};

extern struct luo_session_set luo_outgoing;
extern struct luo_session_set luo_incoming;
extern struct rw_semaphore luo_freeze_rwsem;
extern bool luo_frozen;

int luo_session_init(void);
void luo_session_exit(void);
bool luo_session_name_valid(const char *name);
struct luo_session *luo_session_alloc(const char *name,
				      struct luo_session_set *set);
void luo_session_put(struct luo_session *session);
int luo_session_link(struct luo_session_set *set, struct luo_session *session);
void luo_session_unlink(struct luo_session_set *set, struct luo_session *session);
struct luo_session *luo_session_find(struct luo_session_set *set,
				     const char *name);
struct luo_session *luo_session_next(struct luo_session_set *set,
				     struct luo_session *session);

/* Listing the sessions of the previous kernel */

int luo_read_ser(const char *component, const void *blob, size_t size, struct luo_ser *ser);
void luo_session_set_incoming(u64 sessions_pa, int err);
int luo_session_deserialize(void);
u64 luo_session_refused_pa(void);
u64 luo_session_count(u64 sessions_pa);

/* The files of sessions */

struct file *luo_session_create(const char *name);
struct file *luo_session_retrieve(const char *name);
int luo_incoming_finish(struct luo_session *session);
void luo_session_end_late(void);
void luo_session_wake_late(void);

/* Serialization */

int luo_session_freeze_lock(void);
void luo_session_freeze_unlock(void);
int luo_session_prepare(void);
void luo_session_unprepare(void);
size_t luo_write_outgoing(void);
int luo_session_verify_prepared(void);
int luo_session_serialize(struct luo_ser *ser);
int luo_session_verify_all(void);

/* Core */

/**
 * struct luo_core - the incoming and the outgoing state
 * @incoming_ser: the incoming state, NULL if there is none or it was freed
 * @incoming_compatible: its version string, NULL if there is none
 * @refused: incoming state that can't be read and can be handed on, NULL if there is none
 * @refused_size: its size in bytes
 * @refused_again: the root FDT has @refused instead of @outgoing_blob; guarded by
 *		   luo_freeze_rwsem, which is held for writing
 * @liveupdate_num: number of live updates from the last cold boot to this kernel
 * @outgoing: the state for the next kernel
 * @outgoing_blob: the same in the form that the next kernel gets, NULL if LUO is off
 * @in_use: the device is open
 */
struct luo_core {
	struct luo_ser *incoming_ser;
	char *incoming_compatible;
	void *refused;
	size_t refused_size;
	bool refused_again;
	u64 liveupdate_num;
	struct luo_ser outgoing;
	void *outgoing_blob;
	atomic_t in_use;
};

extern struct luo_core luo_core;

#endif /* _LINUX_LUO_INTERNAL_H */
