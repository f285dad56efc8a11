// SPDX-License-Identifier: GPL-2.0
/*
 * luoctl run: what happens in a live update
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The program quiesces, its memfds are preserved in the session that luod has sent, and
 * luod gets READY. If the update is called off, the program goes on. It may have ended in
 * between: some programs only write their state when they end. Then it is started again
 * with the same memfds, as in the next kernel.
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "device.h"
#include "run.h"
#include "spawn.h"

/* How long a command has to end after SIGTERM */
#define KILL_MS	5000

static void close_session(struct run *run)
{
	if (run->session >= 0)
		close(run->session);
	run->session = -1;
}

/* If luod is gone, the end of the connection is noticed next. */
static void answer(struct run *run, const char *cmd, const char *message)
{
	struct json_object *request = message_request(cmd, run->id);

	if (request)
		json_object_object_add(request, "update",
				       json_object_new_int64(run->update));
	if (request && message)
		json_object_object_add(request, "message",
				       json_object_new_string(message));
	connection_send(&run->luod, request);
}

static void start_again(struct run *run)
{
	int err = run_start(run, true);

	if (err) {
		warnx("%s: %s can't be started again: %s", run->id, run->argv[0],
		      strerror(-err));
		run->terminate = true;
	} else if (run->restore) {
		run_start_hook(run, run->restore);
	}
}

/* Let the program go on. luod has closed the session or is about to. */
static void go_on(struct run *run)
{
	close_session(run);
	run->phase = RUN_NORMAL;
	run->cancelled = false;
	run->overdue = false;
	run->quiesce_until = 0;

	if (run->terminate)
		return;
	/* A program that has ended without all its state can't be started again. */
	if (!run->main_pid && run->complete)
		start_again(run);
	else if (run->main_pid && run->quiesced && run->resume)
		run_start_hook(run, run->resume);
}

static void fail(struct run *run, const char *message)
{
	warnx("%s: not ready for the live update: %s", run->id, message);
	answer(run, "FAILED", message);
	go_on(run);
}

static void preserve(struct run *run)
{
	const struct memfd *failed;
	char message[128];
	int err = memfds_preserve(&run->memfds, run->session, &failed);

	if (err) {
		snprintf(message, sizeof(message), "%s can't be preserved: %s",
			 failed->name, strerror(-err));
		fail(run, message);
		return;
	}

	/* From now on luod alone holds the session. */
	close_session(run);
	run->phase = RUN_READY;
	answer(run, "READY", NULL);
}

static const char *why_not_now(const struct run *run)
{
	if (run->claimed >= 0)
		return "the state of the previous kernel is not restored yet";
	if (!run->main_pid)
		return "the program does not run";
	return NULL;
}

static void start_quiesce(struct run *run)
{
	run->phase = RUN_QUIESCE;
	run->quiesced = false;
	run->complete = !run->quiesce;
	if (!run->quiesce) {
		preserve(run);
		return;
	}

	run_start_hook(run, run->quiesce);
	run->quiesced = run->hook_pid;
	if (!run->quiesced)
		fail(run, "the quiesce command can't be started");
}

static void start_update(struct run *run, struct json_object *message, int session)
{
	const char *reason = why_not_now(run);
	int64_t timeout_ms = 0;

	if (session < 0 || !message_int(message, "update", &run->update)) {
		warnx("%s: luod has sent no session", run->id);
		if (session >= 0)
			close(session);
		return;
	}

	run->session = session;
	if (reason) {
		warnx("%s: not ready for the live update: %s", run->id, reason);
		answer(run, "FAILED", reason);
		close_session(run);
		return;
	}

	message_int(message, "timeout_ms", &timeout_ms);
	run->quiesce_until = run_clock() + timeout_ms;
	if (run->hook_pid)
		run->phase = RUN_WAIT;
	else
		start_quiesce(run);
}

static void cancel(struct run *run, const char *reason)
{
	if (run->phase == RUN_NORMAL)
		return;

	warnx("%s: the live update is called off: %s", run->id, reason);
	if (run->phase == RUN_WAIT) {
		close_session(run);
		run->phase = RUN_NORMAL;
		return;
	}
	if (run->phase != RUN_QUIESCE) {
		go_on(run);
		return;
	}

	/*
	 * Only its exit code says whether all state is in the memfds, which matters if the
	 * program ends. So it may use all of its time.
	 */
	run->cancelled = true;
	if (run_clock() >= run->quiesce_until)
		update_quiesce_timeout(run);
}

void update_quiesce_timeout(struct run *run)
{
	kill(-run->hook_pid, run->overdue ? SIGKILL : SIGTERM);
	run->quiesce_until = run->overdue ? 0 : run_clock() + KILL_MS;
	run->overdue = true;
}

static void quiesce_ended(struct run *run, int exit_code)
{
	char message[80];

	run->complete = !exit_code;
	if (run->cancelled) {
		go_on(run);
	} else if (exit_code) {
		snprintf(message, sizeof(message),
			 "the quiesce command has failed with exit code %d", exit_code);
		fail(run, message);
	} else {
		preserve(run);
	}
}

/* As long as the session is claimed, what was restored can be had once more. */
static void restore_ended(struct run *run, int exit_code)
{
	if (!exit_code) {
		run_done(run);
		return;
	}

	warnx("%s: the restore command has failed with exit code %d", run->id, exit_code);
	if (run->claimed >= 0 && run->main_pid) {
		warnx("%s: stopping %s, the session keeps the state", run->id,
		      run->argv[0]);
		kill(run->main_pid, SIGTERM);
	}
}

void update_hook_ended(struct run *run, int wait_status)
{
	int exit_code = spawn_exit_code(wait_status);
	const char *hook = run->hook;

	run->hook_pid = 0;
	run->hook = NULL;
	if (run->phase == RUN_QUIESCE)
		quiesce_ended(run, exit_code);
	else if (hook == run->restore)
		restore_ended(run, exit_code);
	else if (exit_code)
		warnx("%s: the resume command has failed with exit code %d", run->id,
		      exit_code);

	if (run->phase == RUN_WAIT)
		start_quiesce(run);
}

void update_subscribe(struct run *run)
{
	run->committed = false;
	connection_send(&run->luod, message_request("SUBSCRIBE", run->id));
}

static void subscribe_failed(struct run *run, struct json_object *message)
{
	if (!run->retry_at)
		warnx("%s: takes no part in live updates, trying again: %s", run->id,
		      connection_answer_message(message));
	run->retry_at = run_clock() + RUN_RETRY_MS;
}

/*
 * If luod still has the session after COMMIT, it sends COMMIT again. The answer to VERSION
 * comes after that.
 */
static void subscribed(struct run *run)
{
	run->retry_at = 0;
	if (run->phase == RUN_COMMIT)
		connection_send(&run->luod, message_request("VERSION", NULL));
}

static void take_answer(struct run *run, struct json_object *message, const char *cmd)
{
	int err = connection_answer_error(message);

	if (!strcmp(cmd, "SUBSCRIBE")) {
		if (err)
			subscribe_failed(run, message);
		else
			subscribed(run);
	} else if (!strcmp(cmd, "VERSION")) {
		if (run->phase == RUN_COMMIT && !run->committed)
			cancel(run, "luod has lost the session");
	} else if (err && err != -ESTALE && strcmp(cmd, "DONE")) {
		warnx("%s: luod: %s: %s", run->id, cmd,
		      connection_answer_message(message));
	}
}

/*
 * The program was started again after the commit, or luod died before it could send COMMIT.
 * Then the preserved state is out of date.
 */
static void take_commit(struct run *run)
{
	run->committed = true;
	if (run->phase == RUN_READY) {
		run->phase = RUN_COMMIT;
	} else if (run->phase == RUN_NORMAL) {
		warnx("%s: has gone on, so the live update is called off", run->id);
		connection_send(&run->luod, message_request("ABORT", NULL));
	}
}

static void take_event(struct run *run, struct json_object *message, const char *event)
{
	const char *reason = message_string(message, "message");

	if (!strcmp(event, "CANCELLED"))
		cancel(run, reason ? reason : "no reason given");
	else if (!strcmp(event, "COMMIT"))
		take_commit(run);
}

void update_message(struct run *run, struct json_object *message, int fd)
{
	const char *event = message_string(message, "event");
	const char *cmd = message_string(message, "cmd");

	if (event && !strcmp(event, "START_PRESERVATION")) {
		start_update(run, message, fd);
		return;
	}

	if (event)
		take_event(run, message, event);
	else if (cmd)
		take_answer(run, message, cmd);
	if (fd >= 0)
		close(fd);
}

/*
 * After COMMIT the kexec may follow, with the state that is preserved. So the program must
 * not go on and change it, until luod says that it is called off.
 */
void update_disconnected(struct run *run)
{
	warnx("%s: luod is gone, trying to reach it again", run->id);
	connection_close(&run->luod);
	run->retry_at = run_clock() + RUN_RETRY_MS;
	if (run->phase != RUN_COMMIT)
		cancel(run, "luod is gone");
}
