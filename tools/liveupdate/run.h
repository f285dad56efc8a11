/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luoctl run: run a program whose memfds survive live updates
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef TOOLS_LIVEUPDATE_RUN_H
#define TOOLS_LIVEUPDATE_RUN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "connection.h"
#include "memfds.h"

/**
 * enum run_phase - how far a live update is
 * @RUN_NORMAL: none is under way
 * @RUN_WAIT: a command of the last one has to end first
 * @RUN_QUIESCE: the quiesce command runs
 * @RUN_READY: all is preserved
 * @RUN_COMMIT: the kexec follows
 */
enum run_phase {
	RUN_NORMAL,
	RUN_WAIT,
	RUN_QUIESCE,
	RUN_READY,
	RUN_COMMIT,
};

/**
 * struct run - a program
 * @id: name of the session
 * @argv: the program and its arguments
 * @quiesce: shell command that brings all state into the memfds, NULL for none
 * @resume: shell command that lets the program go on if there is no kexec
 * @restore: shell command that brings the state back after the start
 * @memfds: its memfds
 * @luod: connection to luod
 * @main_pid: the program, 0 if it does not run
 * @exit_code: that of the program
 * @terminate: a signal has asked the program to end
 * @hook_pid: the shell command that runs, 0 for none
 * @hook: which one it is
 * @phase: how far an update is
 * @quiesced: the quiesce command has been started in this update
 * @complete: it has succeeded, so the memfds have all state
 * @cancelled: the update is off as soon as the quiesce command has ended
 * @overdue: it has got SIGTERM
 * @quiesce_until: when a cancelled quiesce command gets the next signal, in ms; or 0
 * @update: number of the update
 * @session: its session, -1 if it is not needed
 * @claimed: the session of the previous kernel, kept until the state is restored; or -1
 * @done_at: when that is the case, in ms; 0 if the restore command decides
 * @committed: luod has sent COMMIT on this connection
 * @retry_at: when to connect or subscribe again, in ms; 0 if that is not needed
 */
struct run {
	const char *id;
	char **argv;
	const char *quiesce;
	const char *resume;
	const char *restore;
	struct memfds memfds;

	struct connection luod;
	pid_t main_pid;
	int exit_code;
	bool terminate;

	pid_t hook_pid;
	const char *hook;

	enum run_phase phase;
	bool quiesced;
	bool complete;
	bool cancelled;
	bool overdue;
	int64_t quiesce_until;
	int64_t update;
	int session;

	int claimed;
	int64_t done_at;

	bool committed;
	int64_t retry_at;
};

/* How long until luod is asked again */
#define RUN_RETRY_MS	1000

/* Start the program. Return 0 or a negative error number. */
int run_start(struct run *run, bool restored);

/* The state has come back: the kernel does not have to keep the session any more. */
void run_done(struct run *run);

/* Return a clock in ms that does not jump. */
int64_t run_clock(void);

/* Start a shell command. */
void run_start_hook(struct run *run, const char *command);

/* Subscribe on a connection. The answer comes with the other messages. */
void update_subscribe(struct run *run);

/* React to a message of luod, to the end of the connection, and to that of a hook. */
void update_message(struct run *run, struct json_object *message, int fd);
void update_disconnected(struct run *run);
void update_hook_ended(struct run *run, int wait_status);

/* The quiesce command of an update that is off has had its time. */
void update_quiesce_timeout(struct run *run);

#endif /* TOOLS_LIVEUPDATE_RUN_H */
