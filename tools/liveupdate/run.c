// SPDX-License-Identifier: GPL-2.0
/*
 * luoctl run: run a program whose memfds survive live updates
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "host.h"
#include "luoctl.h"
#include "run.h"
#include "spawn.h"

/* Without a restore command, a program that has run so long has its state back. */
#define SETTLE_MS	5000

/* How long to wait at the start for luod */
#define LUOD_WAIT_MS	10000

static const int forwarded[] = {
	SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2,
};

int64_t run_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Children */

int run_start(struct run *run, bool restored)
{
	const struct spawn spawn = {
		.memfds = &run->memfds,
		.id = run->id,
		.restored = restored,
	};
	pid_t pid;

	memfds_rewind(&run->memfds);
	pid = spawn_program(&spawn, run->argv, false);
	if (pid < 0)
		return pid;
	run->main_pid = pid;
	return 0;
}

void run_start_hook(struct run *run, const char *command)
{
	const struct spawn spawn = {
		.memfds = &run->memfds,
		.id = run->id,
		.restored = run->claimed >= 0,
		.main_pid = run->main_pid,
	};
	pid_t pid = spawn_shell(&spawn, command);

	if (pid < 0) {
		warnx("%s: %s can't be started: %s", run->id, command, strerror(-pid));
		return;
	}
	run->hook_pid = pid;
	run->hook = command;
}

void run_done(struct run *run)
{
	int err;

	run->done_at = 0;
	if (run->claimed < 0)
		return;

	/* luod may have been started again, and not know that it is claimed. */
	err = session_finish(run->claimed);
	if (err)
		warnx("%s: the session can't be finished: %s", run->id, strerror(-err));
	close(run->claimed);
	run->claimed = -1;
	if (run->luod.sock >= 0)
		connection_send(&run->luod, message_request("DONE", run->id));
}

static void main_ended(struct run *run, int wait_status)
{
	run->main_pid = 0;
	run->exit_code = spawn_exit_code(wait_status);
	if (!run->restore && !run->exit_code)
		run_done(run);
}

static void reap(struct run *run)
{
	int wait_status;
	pid_t pid;

	while ((pid = waitpid(-1, &wait_status, WNOHANG)) > 0) {
		if (pid == run->main_pid)
			main_ended(run, wait_status);
		else if (pid == run->hook_pid)
			update_hook_ended(run, wait_status);
	}
}

/* Signals */

static sigset_t watched_signals(void)
{
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (i = 0; i < ARRAY_SIZE(forwarded); i++)
		sigaddset(&set, forwarded[i]);
	return set;
}

static int open_signals(void)
{
	sigset_t set = watched_signals();
	int fd;

	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		err(LUOCTL_RUN_FAILED, "signalfd");
	return fd;
}

static bool asks_to_end(int signal)
{
	return signal == SIGTERM || signal == SIGINT || signal == SIGQUIT ||
	       signal == SIGHUP;
}

static void take_signals(struct run *run, int fd)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD) {
			reap(run);
			continue;
		}
		if (asks_to_end(info.ssi_signo))
			run->terminate = true;
		/* A terminal sends its signals to the program, too. */
		if (info.ssi_code != SI_KERNEL && run->main_pid)
			kill(run->main_pid, info.ssi_signo);
	}
}

/* luod */

static void connect_again(struct run *run)
{
	run->retry_at = run_clock() + RUN_RETRY_MS;
	if (run->luod.sock >= 0 || !connection_connect(&run->luod))
		update_subscribe(run);
}

static void take_messages(struct run *run)
{
	struct json_object *message;
	int ret, fd;

	while ((ret = connection_next(&run->luod, &message, &fd)) > 0) {
		update_message(run, message, fd);
		json_object_put(message);
	}
	if (ret < 0)
		update_disconnected(run);
}

static void read_messages(struct run *run)
{
	ssize_t got = message_receive(&run->luod.reader, run->luod.sock, true);

	if (got > 0)
		take_messages(run);
	else if (got != -EINTR)
		update_disconnected(run);
}

/* The main loop */

static int64_t earlier(int64_t time, int64_t other)
{
	return !time || (other && other < time) ? other : time;
}

static int time_left(const struct run *run)
{
	int64_t next = earlier(run->retry_at, run->done_at), left;

	if (run->cancelled)
		next = earlier(next, run->quiesce_until);
	if (!next)
		return -1;
	left = next - run_clock();
	return left > 0 ? left : 0;
}

static void check_clock(struct run *run)
{
	int64_t now = run_clock();

	if (run->done_at && now >= run->done_at)
		run_done(run);
	if (run->retry_at && now >= run->retry_at)
		connect_again(run);
	if (run->cancelled && run->quiesce_until && now >= run->quiesce_until)
		update_quiesce_timeout(run);
}

/*
 * A program that has ended in an update is started again if the update is called off. Wait
 * for that. But systemd wants it to end in any case before it starts the next kernel.
 */
static bool finished(const struct run *run)
{
	return !run->main_pid && (run->phase == RUN_NORMAL || run->terminate);
}

static int loop(struct run *run, int signals)
{
	struct pollfd fds[] = {
		{ .fd = signals, .events = POLLIN },
		{ .events = POLLIN },
	};

	/* Messages that have come together with an answer */
	take_messages(run);

	while (!finished(run)) {
		fds[1].fd = run->luod.sock;
		if (poll(fds, 2, time_left(run)) < 0 && errno != EINTR)
			err(LUOCTL_RUN_FAILED, "poll");

		if (fds[0].revents)
			take_signals(run, signals);
		if (run->luod.sock >= 0 && fds[1].revents)
			read_messages(run);
		check_clock(run);
	}

	if (run->hook_pid)
		kill(-run->hook_pid, SIGTERM);
	return run->exit_code;
}

/* The start */

/* Return whether luod can be reached. Exit if it has to be and can't. */
static bool find_luod(struct run *run)
{
	int64_t end = run_clock() + LUOD_WAIT_MS;
	int err;

	while ((err = connection_connect(&run->luod))) {
		if (!host_exists(&host_system, "/dev/liveupdate")) {
			warnx("%s: this kernel has no live update, see luoctl check",
			      run->id);
			return false;
		}
		if (run_clock() >= end)
			errx(LUOCTL_RUN_FAILED,
			     "%s: luod can't be reached: %s; the previous kernel may have left the state of %s; start luod and try again",
			     run->id, strerror(-err), run->id);
		usleep(100000);
	}
	return true;
}

/* Return the session that the previous kernel has left, -1 if there is none. */
static int claim(struct run *run)
{
	struct json_object *answer;
	int error, fd = -1;

	error = connection_request(&run->luod, message_request("CLAIM", run->id), &answer,
				   &fd);
	if (error)
		errx(LUOCTL_RUN_FAILED, "%s: luod: %s", run->id, strerror(-error));

	error = connection_answer_error(answer);
	if (error && error != -ENOENT && error != -ESTALE)
		errx(LUOCTL_RUN_FAILED, "%s: the session can't be claimed: %s", run->id,
		     connection_answer_message(answer));
	if (!error && fd < 0)
		errx(LUOCTL_RUN_FAILED, "%s: luod has sent no session", run->id);
	json_object_put(answer);
	return fd;
}

/* Nothing is discarded: the session is kept if this process exits. */
static void retrieve_memfds(struct run *run)
{
	const struct memfd *failed;
	int error = memfds_retrieve(&run->memfds, run->claimed, &failed);

	if (error == -ENOENT)
		errx(LUOCTL_RUN_FAILED,
		     "%s: the session of the previous kernel has no memfd \"%s\"; name it as before, or run: luoctl discard %s",
		     run->id, failed->name, run->id);
	if (error)
		errx(LUOCTL_RUN_FAILED, "%s: memfd \"%s\" can't be retrieved: %s",
		     run->id, failed->name, strerror(-error));
}

static void create_memfds(struct run *run)
{
	const struct memfd *failed;
	int error = memfds_create(&run->memfds, &failed);

	if (error)
		errx(LUOCTL_RUN_FAILED, "%s: memfd \"%s\" can't be created: %s", run->id,
		     failed->name, strerror(-error));
}

static int exit_code_of_start(int error)
{
	if (error == -ENOENT)
		return LUOCTL_NOT_FOUND;
	return error == -EACCES || error == -ENOEXEC ? LUOCTL_NOT_EXECUTABLE :
						       LUOCTL_RUN_FAILED;
}

static void start_program(struct run *run)
{
	bool restored = run->claimed >= 0;
	int error = run_start(run, restored);

	if (error)
		errx(exit_code_of_start(error), "%s: %s", run->argv[0], strerror(-error));
	if (restored && run->restore)
		run_start_hook(run, run->restore);
	else if (restored)
		run->done_at = run_clock() + SETTLE_MS;
}

static int run_program(struct run *run)
{
	bool found = find_luod(run);
	int signals;

	if (found)
		run->claimed = claim(run);
	if (run->claimed >= 0)
		retrieve_memfds(run);
	else
		create_memfds(run);

	signals = open_signals();
	start_program(run);
	if (found)
		update_subscribe(run);
	return loop(run, signals);
}

static int run_command(int argc, char **argv)
{
	static const struct option options[] = {
		{ "memfd", required_argument, NULL, 'm' },
		{ "quiesce", required_argument, NULL, 'q' },
		{ "resume", required_argument, NULL, 'r' },
		{ "restore", required_argument, NULL, 's' },
		LUOCTL_HELP_OPTION,
		{}
	};
	static struct run run = { .luod = CONNECTION_INIT, .session = -1, .claimed = -1 };
	const char *fault = NULL;
	int option;

	/* The options follow the name, and are followed by the program with its options. */
	if (argc > 1 && argv[1][0] != '-') {
		run.id = argv[1];
		argv[1] = argv[0];
		argc--;
		argv++;
	}
	while (!fault &&
	       (option = luoctl_getopt(&luoctl_run_command, argc, argv, options)) >= 0) {
		if (option == 'm')
			fault = memfds_add(&run.memfds, optarg);
		else if (option == 'q')
			run.quiesce = optarg;
		else if (option == 'r')
			run.resume = optarg;
		else
			run.restore = optarg;
	}
	if (!run.id)
		fault = "name the session";
	else if (!fault && optind == argc)
		fault = "name a program";
	if (fault)
		return luoctl_usage(&luoctl_run_command, fault);

	run.argv = argv + optind;
	return run_program(&run);
}

const struct luoctl_command luoctl_run_command = {
	.name = "run",
	.synopsis = "NAME [--memfd NAME=SIZE]... [OPTION]... [--] PROGRAM [ARGUMENT]...",
	.summary = "Run a program whose memory survives live updates",
	.details =
"  --memfd NAME=SIZE   give it a memfd of this size (K, M, G, T), or the one that the\n"
"                      previous kernel had; NAME has up to 8 characters;\n"
"                      NAME=SIZE,hugetlb=2M: of huge pages of 2 MiB\n"
"  --quiesce COMMAND   before a live update: stop changes, bring all state to the memfds\n"
"  --resume COMMAND    after an update that was called off: go on\n"
"  --restore COMMAND   after the start in the next kernel: bring the state back\n"
"\n"
"The memfds are descriptors 3, 4, ... of the program, as for sd_listen_fds(3):\n"
"LISTEN_FDS is their number, LISTEN_FDNAMES has their names. LUO_RESTORED is 1 if they\n"
"have their content from before, otherwise 0. The commands are run by the shell with the\n"
"same descriptors, and LUO_PID is the program's process id.\n"
"\n"
"If the program ends while an update is under way, it is started again if the update is\n"
"called off. Signals are passed on to it. The exit code is that of the program, or 125\n"
"if luoctl fails, 126 if the program can't be executed, 127 if it is not found.\n",
	/* The program has options of its own. */
	.options = "+",
	.run = run_command,
};
