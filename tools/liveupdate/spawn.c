// SPDX-License-Identifier: GPL-2.0
/*
 * luoctl run: start programs with memfds
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Descriptors and LISTEN_* are as with sd_listen_fds(3).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memfds.h"
#include "spawn.h"

#define FIRST_FD	3

static int set_number(const char *name, long number)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld", number);
	return setenv(name, text, 1);
}

static int set_environment(const struct spawn *spawn)
{
	char *names = memfds_names(spawn->memfds);
	int failed = !names || setenv("LISTEN_FDNAMES", names, 1) ||
		     set_number("LISTEN_FDS", spawn->memfds->count) ||
		     set_number("LISTEN_PID", getpid()) ||
		     set_number("LUO_RESTORED", spawn->restored) ||
		     setenv("LUO_ID", spawn->id, 1) ||
		     (spawn->main_pid ? set_number("LUO_PID", spawn->main_pid) :
					unsetenv("LUO_PID"));

	free(names);
	return failed ? -errno : 0;
}

/*
 * The descriptors may lie where others have to go. So copy all of them to places beyond,
 * and from there. Other descriptors are closed on exec.
 */
static int place_fds(const struct memfds *memfds)
{
	int beyond = FIRST_FD + memfds->count;
	size_t i;

	for (i = 0; i < memfds->count; i++) {
		memfds->list[i].fd = fcntl(memfds->list[i].fd, F_DUPFD_CLOEXEC, beyond);
		if (memfds->list[i].fd < 0)
			return -errno;
	}
	for (i = 0; i < memfds->count; i++)
		if (dup2(memfds->list[i].fd, FIRST_FD + i) < 0)
			return -errno;
	return 0;
}

/* Report the error through a pipe that a successful exec closes. */
static void exec_program(const struct spawn *spawn, char *const argv[], int report)
{
	sigset_t none;
	int err;

	/* Keep the pipe clear of the descriptors, too. */
	report = fcntl(report, F_DUPFD_CLOEXEC, FIRST_FD + (int)spawn->memfds->count);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);

	err = set_environment(spawn);
	if (!err)
		err = place_fds(spawn->memfds);
	if (!err) {
		execvp(argv[0], argv);
		err = -errno;
	}
	if (write(report, &err, sizeof(err)) < 0)
		perror("luoctl run");
	_exit(127);
}

static int read_report(int fd)
{
	ssize_t got;
	int err;

	do {
		got = read(fd, &err, sizeof(err));
	} while (got < 0 && errno == EINTR);

	return got == sizeof(err) ? err : 0;
}

pid_t spawn_program(const struct spawn *spawn, char *const argv[], bool own_group)
{
	int report[2], err;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC))
		return -errno;

	pid = fork();
	if (!pid) {
		if (own_group)
			setpgid(0, 0);
		exec_program(spawn, argv, report[1]);
	}
	err = pid < 0 ? -errno : 0;
	close(report[1]);
	if (!err)
		err = read_report(report[0]);
	close(report[0]);

	if (err && pid > 0)
		waitpid(pid, NULL, 0);
	return err ? err : pid;
}

pid_t spawn_shell(const struct spawn *spawn, const char *command)
{
	char *const argv[] = { "/bin/sh", "-c", (char *)command, NULL };

	return spawn_program(spawn, argv, true);
}

int spawn_exit_code(int wait_status)
{
	if (WIFSIGNALED(wait_status))
		return 128 + WTERMSIG(wait_status);
	return WEXITSTATUS(wait_status);
}
