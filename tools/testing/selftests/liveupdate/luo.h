/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of /dev/liveupdate share
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef SELFTESTS_LIVEUPDATE_LUO_H
#define SELFTESTS_LIVEUPDATE_LUO_H

#include <linux/liveupdate.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "../kho/guest.h"

#define LUO_DEVICE	"/dev/liveupdate"
#define NAME_LENGTH	LIVEUPDATE_SESSION_NAME_LENGTH

/* Not every C library has it yet. */
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC	0x0020
#endif

/* The requests: a descriptor, 0 or -1 with errno. Names are cut to fit. */
int luo_open(void);
int luo_create(int dev, const char *name);
int luo_retrieve(int dev, const char *name);
int luo_preserve(int session, int fd, __u64 token);
int luo_retrieve_fd(int session, __u64 token);
int luo_finish(int session);
int luo_get_name(int session, char name[NAME_LENGTH]);

/* The same with a device opened and closed for it; the step fails otherwise. */
int new_session(const char *name);
int old_session(const char *name);
/* RETRIEVE_SESSION of @name gives the error @err. */
void check_no_old_session(const char *name, int err);
int old_file(int session, __u64 token);

/* Files; the step fails when they can't be made. */
int new_memfd(unsigned int flags);
/* A memfd with a pattern of @size bytes that depends on @seed. */
int new_file(size_t size, unsigned int seed);
void fill(int fd, off_t start, size_t size, unsigned int seed);
void check_content(int fd, off_t start, size_t size, unsigned int seed);
void check_zeros(int fd, off_t start, size_t size);
void check_size(int fd, off_t size);

/* A preserved file of this size: what it must allow, and what refuse. */
void check_frozen(int fd, size_t size);
/* A file that nobody preserves can be written, grow and shrink. */
void check_thawed(int fd);

/* Counts in /proc/meminfo may be this far from the truth, KiB. */
#define MEMINFO_SLACK	2048

#define NOBODY		65534

/*
 * What a process without rights gets to see of memory is zero, and what it writes
 * there is not found in preserved memory later.
 */
void check_free_memory(void);

#define SWAP_DEVICE	"/dev/ram0"

/* Swap to a RAM disk; false where that is not possible. swapoff() ends it. */
bool swap_on(void);

int nr_open_fds(void);
/* A copy that the kernel can read and not write. */
void *read_only_copy(const void *from, size_t len);

#define DEBUGFS		"/sys/kernel/debug"
#define OUT_SUMMARY	DEBUGFS "/kho/out/summary"
#define IN_SUMMARY	DEBUGFS "/kho/in/summary"

/* Mount debugfs; the step is skipped where there is none. */
void need_debugfs(void);

/* The summary has @text @wanted times. */
void check_found(const char *path, const char *text, int wanted);
/*
 * What OUT_SUMMARY tells is what it was: blocks of each order, the tree's nodes,
 * blobs, sessions.
 */
void check_summary(const char *before);

/* Once an object is old enough kmemleak tells, if it is there, who lost it. */
void forget_leaks(void);
void check_no_leak(void);

extern const struct guest_suite rules_suite;
extern const struct guest_suite kexec_suite;
extern const struct guest_suite disabled_suite;
extern const struct guest_suite handler_suite;
extern const struct guest_suite flb_suite;
extern const struct guest_suite flb_refused_suite;
extern const struct guest_suite hotplug_suite;
extern const struct guest_suite far_suite;
extern const struct guest_suite debugfs_suite;
extern const struct guest_suite tools_suite;
extern const struct guest_suite tools_crash_suite;
extern const struct guest_suite sample_suite;
extern const struct guest_suite sample_refused_suite;
extern const struct guest_suite races_suite;
extern const struct guest_suite faults_suite;
extern const struct guest_suite load_suite;
extern struct guest_suite hostile_suite;
extern struct guest_suite soak_suite;

#endif /* SELFTESTS_LIVEUPDATE_LUO_H */
