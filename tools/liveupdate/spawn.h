/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luoctl run: start programs with memfds
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef TOOLS_LIVEUPDATE_SPAWN_H
#define TOOLS_LIVEUPDATE_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

struct memfds;

/**
 * struct spawn - what programs are started with
 * @memfds: their descriptors from 3 on
 * @id: LUO_ID, the name of the session
 * @restored: LUO_RESTORED, whether the content of the memfds is to be used
 * @main_pid: LUO_PID, the main program, for the commands that deal with it; or 0
 */
struct spawn {
	const struct memfds *memfds;
	const char *id;
	bool restored;
	pid_t main_pid;
};

/*
 * Start a program, in a process group of its own if @own_group. Return its process id, or a
 * negative error number if it can't be executed.
 */
pid_t spawn_program(const struct spawn *spawn, char *const argv[], bool own_group);

/* Start a command of the shell in a process group of its own. */
pid_t spawn_shell(const struct spawn *spawn, const char *command);

/* Return the exit code that the shell would show for a program. */
int spawn_exit_code(int wait_status);

#endif /* TOOLS_LIVEUPDATE_SPAWN_H */
