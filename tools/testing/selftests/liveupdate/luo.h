/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Helpers of the suites of /dev/liveupdate
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef SELFTESTS_LIVEUPDATE_LUO_H
#define SELFTESTS_LIVEUPDATE_LUO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "../kho/guest/liveupdate.h"
#include "../kho/guest/runner.h"

#define MIB	(1024 * 1024)

/* Older C libraries don't define it. */
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC	0x0020
#endif

/* Open the device. The step fails if that fails. */
int open_device(void);
/* Create or retrieve a session. The device is open only during the call. */
int new_session(const char *name);
int old_session(const char *name);
/* Check that RETRIEVE_SESSION of @name fails with @err. */
void check_no_old_session(const char *name, int err);
/* Retrieve a file. */
int old_file(int session, __u64 token);
/* Finish a session and close it. */
void finish_and_close(int session);

/* Make a memfd. The step fails if that fails. */
int new_memfd(unsigned int flags);
/* Make one with a pattern of @size bytes that depends on @seed. */
int new_file(size_t size, unsigned int seed);
/* Open a file a second time. */
int open_again(int fd, int flags);
/* Make one, and preserve it in a new session. */
void preserve_file(const char *session, __u64 token, size_t size, unsigned int seed);
/* Check that a file has this size and pattern. */
void check_file(int fd, size_t size, unsigned int seed);
void fill(int fd, off_t start, size_t size, unsigned int seed);
void check_content(int fd, off_t start, size_t size, unsigned int seed);
void check_zeros(int fd, off_t start, size_t size);
void check_size(int fd, off_t size);
/* Check what a preserved file of this size allows, and what it refuses. */
void check_frozen(int fd, size_t size);
/* Check that a file can be written, grown and shrunk, as it is not preserved. */
void check_thawed(int fd);
/*
 * The same, but wait until the file is not preserved any more: a session ends after its
 * process if that is killed while reboot() is in progress.
 */
void check_thaws(int fd);

/* Files of luo_test_handler, which hold a number */
#define HANDLER		"luo_test_handler"
int new_number(__u64 number);
void check_number(int fd, __u64 wanted);
/* Make a session with files of these numbers, which are also their tokens. */
int preserve_numbers(const char *session, int first, int last);
/* Set a parameter of the module. Most name the number of a file that fails or waits. */
void set_handler(const char *param, int value);

/* Notes of the sample driver, and the number of each */
int new_note(int flags);
long long note_number(int fd);

/* Files of luo_test_flb, of kind 'a' or 'b' */
int new_flb_file(char kind);

/* How far counts in /proc/meminfo may be off, in KiB */
#define MEMINFO_SLACK	2048

#define NOBODY		65534

/* Return a random number. Each task has a seed of its own. */
unsigned int any(unsigned int below);
/* Begin with the seed in the parameter seed=, or another one each time. */
void seed_tasks(void);
/* Fork a task that dies with its parent. */
pid_t fork_task(void);
/* Wait for so many tasks, and check that they have succeeded. */
void check_tasks(int nr);
/* The name for the session of a task */
void own_name(char name[NAME_LENGTH]);

/* Call @fn in a child. Return its value, 0 to 255, or -1 if the child was killed. */
int run_in_child(int (*fn)(void));
/* Fork a child, which calls @fn unless it is NULL, and lives until kill_child(). */
pid_t start_child(void (*fn)(void));
/* Kill a child or a task. The step fails if it has ended before. */
void kill_child(pid_t pid);
/* Tests wait for a process no longer than this, in steps of 100 ms. */
#define PATIENCE	100
/* Wait until a process waits in the kernel for something else than a signal. */
void wait_until_blocked(pid_t pid);

/* Send a descriptor through a socket, or receive one. */
void send_fd(int sock, int fd);
int receive_fd(int sock);

/* Create a cgroup at this path below /cgroup, or skip the test. */
void make_memcg(const char *path);

/*
 * Check that a process without privileges gets zeroed memory only, and overwrite
 * that memory. Later checks would find the writes in preserved memory.
 */
void check_free_memory(void);

/* Load an image that can't carry a handover, with kexec_load(). 0 or -1 with errno. */
int load_old_way(unsigned long flags);

/* Allocate memory on one node only; return to the default. */
void bind_memory(int node);
void unbind_memory(void);

#define SWAP_DEVICE	"/dev/ram0"

/* Swap to a RAM disk. Return false if that is not possible. swapoff() ends it. */
bool swap_on(void);
/* Swap out all pages of a file, or skip the test. */
void page_out(int fd, size_t size);

int nr_open_fds(void);
/* Return a copy that the kernel can read, but not write. */
void *read_only_copy(const void *from, size_t len);

#define OUT_SUMMARY	DEBUGFS "/kho/out/summary"
#define IN_SUMMARY	DEBUGFS "/kho/in/summary"
#define OUT_VERIFY	DEBUGFS "/kho/out/verify"

/* Check that a text is still @before. Otherwise print the first line that is not. */
void check_same_lines(const char *before, const char *after);
/* Check that @path has @text @wanted times. */
void check_found(const char *path, const char *text, int wanted);
/*
 * Check that OUT_SUMMARY is still @before: the blocks of each order, the nodes of
 * the tree, the blobs and the sessions.
 */
void check_summary(const char *before);

/* kmemleak, if the kernel has it: forget earlier leaks, and look for new ones. */
void forget_leaks(void);
void check_no_leak(void);

/* Check that the kernel has logged these lines in this order since the mark. */
#define CHECK_ORDER(...)						\
	do {								\
		static const char *const lines[] = { __VA_ARGS__ };	\
									\
		check_order(lines, ARRAY_SIZE(lines));			\
	} while (0)
void check_order(const char *const *lines, size_t nr);

#endif /* SELFTESTS_LIVEUPDATE_LUO_H */
