// SPDX-License-Identifier: GPL-2.0
/*
 * luoctl kexec: start the live update
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <err.h>
#include <errno.h>
#include <json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "connection.h"
#include "host.h"
#include "kernel.h"
#include "kmsg.h"
#include "luoctl.h"
#include "progress.h"
#include "show.h"
#include "state.h"

#define TIMEOUT_S	30
#define TIMEOUT_MAX_S	86400

/* Ten a second */
#define RECONNECT_TRIES	100

struct options {
	bool now;
	bool force;
	bool abort;
	long timeout_s;
};

/* Return whether nothing speaks against the update. */
static bool checked(void)
{
	struct json_object *list = state_ask_luod();
	struct json_object *state = state_collect(&host_system, list);
	struct json_object *findings = check_state(&host_system, state);
	bool failed = check_failed(findings);

	check_print(findings);
	json_object_put(findings);
	json_object_put(state);
	json_object_put(list);
	return !failed;
}

/*
 * Send a request and wait for the answer. Return whether luod could do it. Close the
 * connection if luod is gone.
 */
static bool request(struct connection *luod, struct json_object *request)
{
	struct json_object *answer;
	int error = connection_request(luod, request, &answer, NULL);

	if (error) {
		warnx("luod: %s", strerror(-error));
		connection_close(luod);
		return false;
	}
	error = connection_answer_error(answer);
	if (error)
		warnx("luod: %s", connection_answer_message(answer));
	json_object_put(answer);
	return !error;
}

/* Without the answer it is not known whether luod has committed the update. */
static void abort_unknown_update(struct connection *luod)
{
	const struct timespec pause = { .tv_nsec = 100 * 1000 * 1000 };
	int tries = RECONNECT_TRIES;
	struct json_object *answer;

	while (connection_connect(luod) && --tries)
		nanosleep(&pause, NULL);
	if (luod->sock >= 0 &&
	    !connection_request(luod, message_request("ABORT", NULL), &answer, NULL))
		json_object_put(answer);
	else
		warnx("luod can't be reached any more: when it is back, run luoctl kexec --abort");
}

static bool update(struct connection *luod, const struct options *options)
{
	struct json_object *message = message_request("UPDATE", NULL);
	bool ready;

	if (!message)
		err(LUOCTL_FAILED, NULL);
	json_object_object_add(message, "now", json_object_new_boolean(options->now));
	json_object_object_add(message, "timeout_ms",
			       json_object_new_int64(options->timeout_s * 1000LL));

	progress_start("waiting until all programs are ready");
	ready = request(luod, message);
	progress_stop();
	if (luod->sock < 0)
		abort_unknown_update(luod);
	return ready;
}

/* Return only if the kernel refuses it. */
static void kexec_now(void)
{
	struct json_object *log;
	int kmsg = kmsg_open(), error = kernel_start();

	warnx("the next kernel can't be started: %s", strerror(-error));
	log = kmsg_close(kmsg);
	kmsg_print(log);
	json_object_put(log);
}

/* Return whether systemd has begun to shut down. */
static bool kexec_by_systemd(void)
{
	int wait_status = -1;
	pid_t pid = fork();

	if (!pid) {
		execlp("systemctl", "systemctl", "kexec", NULL);
		warn("systemctl");
		_exit(LUOCTL_NOT_FOUND);
	}
	if (pid < 0 || waitpid(pid, &wait_status, 0) < 0)
		warn("systemctl");
	else if (wait_status)
		warnx("systemctl kexec has failed; without systemd use --now");
	return !wait_status;
}

static int kexec(const struct options *options)
{
	struct connection luod = CONNECTION_INIT;
	int error;

	if (!checked() && !options->force) {
		warnx("not started; see above, or use --force");
		return LUOCTL_FINDINGS;
	}

	error = connection_connect(&luod);
	if (error)
		errx(LUOCTL_FAILED, "luod can't be reached: %s", strerror(-error));

	/* systemd does it as well. Programs should not have to wait for it. */
	if (options->now)
		sync();
	if (!update(&luod, options))
		return LUOCTL_FAILED;

	if (options->now)
		kexec_now();
	else if (kexec_by_systemd())
		return LUOCTL_DONE;

	request(&luod, message_request("ABORT", NULL));
	return LUOCTL_FAILED;
}

static int call_off(void)
{
	struct connection luod = CONNECTION_INIT;
	int error = connection_connect(&luod);

	if (error)
		errx(LUOCTL_FAILED, "luod can't be reached: %s", strerror(-error));
	return request(&luod, message_request("ABORT", NULL)) ? LUOCTL_DONE : LUOCTL_FAILED;
}

static int run(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "now", no_argument, NULL, 'n' },
		{ "force", no_argument, NULL, 'f' },
		{ "abort", no_argument, NULL, 'a' },
		{ "timeout", required_argument, NULL, 't' },
		LUOCTL_HELP_OPTION,
		{}
	};
	struct options options = { .timeout_s = TIMEOUT_S };
	char *end = "";
	int option;

	while ((option = luoctl_getopt(&luoctl_kexec_command, argc, argv, long_options)) >=
	       0) {
		if (option == 'n')
			options.now = true;
		else if (option == 'f')
			options.force = true;
		else if (option == 'a')
			options.abort = true;
		else
			options.timeout_s = strtol(optarg, &end, 10);
	}
	if (optind < argc)
		return luoctl_usage(&luoctl_kexec_command, "it has no arguments");
	if (*end || options.timeout_s < 1 || options.timeout_s > TIMEOUT_MAX_S)
		return luoctl_usage(&luoctl_kexec_command,
				    "the timeout is 1 to 86400 seconds");
	if (options.abort && (options.now || options.force))
		return luoctl_usage(&luoctl_kexec_command, "--abort has no other options");

	show_need_root();
	return options.abort ? call_off() : kexec(&options);
}

const struct luoctl_command luoctl_kexec_command = {
	.name = "kexec",
	.synopsis = "[--now] [--force] [--timeout SECONDS] | --abort",
	.summary = "Start the live update",
	.details =
"Check as luoctl check does, let all programs quiesce and preserve their files, and then\n"
"run systemctl kexec. If a program is not ready, nothing happens and all of them go on.\n"
"\n"
"  --now              start the next kernel at once: no service is stopped and no file\n"
"                     system unmounted\n"
"  --force            go on even if the check has found an error\n"
"  --timeout SECONDS  how long programs can take; default 30\n"
"  --abort            call off an update after which no kexec has followed\n",
	.run = run,
};
