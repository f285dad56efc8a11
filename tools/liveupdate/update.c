// SPDX-License-Identifier: GPL-2.0
/*
 * luod: an update, from its start to the kexec
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "device.h"
#include "log.h"
#include "message.h"
#include "reply.h"
#include "session.h"
#include "systemd.h"
#include "update.h"

enum update_state {
	IDLE,
	PRESERVING,
	COMMITTED,
};

/**
 * struct update - the update that is under way, if any
 * @state: how far it is
 * @number: counts updates
 * @requester: the client that waits for the answer, or that does the kexec, or NULL
 * @now: the requester does the kexec without a shutdown of the system
 * @timeout_ms: the time that clients have
 * @deadline: when it is over
 */
static struct update {
	enum update_state state;
	unsigned int number;
	struct client *requester;
	bool now;
	int64_t timeout_ms;
	int64_t deadline;
} update;

const char *update_state_name(void)
{
	static const char *const names[] = {
		[IDLE] = "idle",
		[PRESERVING] = "preserving",
		[COMMITTED] = "committed",
	};

	return names[update.state];
}

/* Return the first session in this state, or NULL. */
static struct session *first_in_state(enum outgoing_state state)
{
	size_t i;

	for (i = 0; i < session_count; i++) {
		if (sessions[i]->out.state == state)
			return sessions[i];
	}
	return NULL;
}

static bool has_started(const struct session *session)
{
	return session->out.state > OUT_STARTING;
}

/* The end of an update */

static void cancel_sessions(const char *text)
{
	struct session *session;
	size_t i;

	/* Backwards, because sessions are removed. */
	for (i = session_count; i > 0; i--) {
		session = sessions[i - 1];
		if (session->out.state == OUT_NONE)
			continue;
		if (has_started(session) && session->out.client)
			client_send(session->out.client,
				    reply_event("CANCELLED", session->id, update.number, text), -1);
		session_close(session);
		session_put(session);
	}
}

int update_cancel(int err, const char *fmt, ...)
{
	char text[2 * TEXT_SIZE];
	va_list args;

	if (update.state == IDLE)
		return -ENOENT;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);

	log_line("update %u is called off: %s", update.number, text);
	cancel_sessions(text);
	if (update.state == COMMITTED)
		systemd_forget_sessions();
	else if (update.requester)
		client_send(update.requester, reply_error("UPDATE", NULL, err, text), -1);
	update.state = IDLE;
	update.requester = NULL;
	return 0;
}

/* Let systemd hold the sessions as well. Without systemd, or if it fails, luod must not die. */
static void store_sessions(void)
{
	int fds[SYSTEMD_FDS_MAX], count = 0;
	size_t i;

	for (i = 0; i < session_count; i++) {
		if (sessions[i]->out.fd >= 0)
			fds[count++] = sessions[i]->out.fd;
		if (count == SYSTEMD_FDS_MAX) {
			systemd_store_sessions(fds, count);
			count = 0;
		}
	}
	if (count)
		systemd_store_sessions(fds, count);
}

static void tell_requester(unsigned int count)
{
	struct json_object *message = reply_ok("UPDATE", NULL);

	message_add_int(&message, "update", update.number);
	message_add_int(&message, "sessions", count);
	client_send(update.requester, message, -1);
	if (!update.now)
		update.requester = NULL;
}

/* Tell each client once. Return the number of sessions. */
static unsigned int tell_clients(void)
{
	unsigned int count = 0;
	struct session *session;
	size_t i;

	for (i = 0; i < session_count; i++) {
		session = sessions[i];
		count += has_started(session);
		if (session->out.state == OUT_READY && session->out.client) {
			session->out.state = OUT_COMMITTED;
			client_send(session->out.client,
				    reply_event("COMMIT", session->id, update.number, NULL), -1);
		}
	}
	return count;
}

/*
 * luod can die at any point of this. If sessions are stored, each client was told, so luod can
 * go on with the commit when it is started again. If none are, the requester has no answer, so
 * there will be no kexec.
 */
static void commit(void)
{
	unsigned int count;

	update.state = COMMITTED;
	count = tell_clients();
	store_sessions();
	log_line("update %u is committed: %u sessions", update.number, count);
	tell_requester(count);
}

/* The way to the commit */

static void start_client(struct session *session)
{
	struct json_object *message;

	message = reply_event("START_PRESERVATION", session->id, update.number, NULL);
	message_add_int(&message, "timeout_ms", update.timeout_ms);
	session->out.state = OUT_PRESERVING;
	client_send(session->out.client, message, session->out.fd);
}

/*
 * Create the sessions of all clients that wait for theirs. One that exists is still open in
 * a process that has it from an update that was called off, so try again until time is up.
 * Return 0 or the error that ends the update.
 */
static int create_sessions(int device)
{
	struct session *session;
	size_t i;
	int fd;

	for (i = 0; i < session_count; i++) {
		session = sessions[i];
		if (session->out.state != OUT_STARTING)
			continue;
		fd = device_create_session(device, session->id);
		if (fd == -EEXIST)
			continue;
		if (fd < 0) {
			update_cancel(fd, "session %s can't be created: %s", session->id,
				      strerror(-fd));
			return fd;
		}
		session->out.fd = fd;
		start_client(session);
	}
	return 0;
}

static void start_sessions(void)
{
	int device = device_open();

	if (device == -EBUSY)
		return;
	if (device < 0) {
		update_cancel(device, "/dev/liveupdate: %s", strerror(-device));
		return;
	}
	create_sessions(device);
	close(device);
}

static void time_out(void)
{
	struct session *session = first_in_state(OUT_PRESERVING);

	if (session)
		update_cancel(-ETIMEDOUT, "%s: not ready within %lld ms", session->id,
			      (long long)update.timeout_ms);
	else
		update_cancel(-ETIMEDOUT, "%s: the old session or /dev/liveupdate is open",
			      first_in_state(OUT_STARTING)->id);
}

void update_run(void)
{
	if (update.state == COMMITTED)
		tell_clients();
	if (update.state != PRESERVING)
		return;

	if (first_in_state(OUT_STARTING))
		start_sessions();
	if (update.state != PRESERVING)
		return;

	if (!first_in_state(OUT_STARTING) && !first_in_state(OUT_PRESERVING))
		commit();
	else if (clock_ms() >= update.deadline)
		time_out();
}

int update_timeout(void)
{
	int64_t left;

	if (update.state != PRESERVING)
		return -1;
	if (first_in_state(OUT_STARTING))
		return RETRY_MS;
	left = update.deadline - clock_ms();
	return left < 0 ? 0 : left;
}

int update_start(struct client *requester, bool now, int64_t timeout_ms)
{
	size_t i;

	if (update.state != IDLE)
		return -EBUSY;

	update.state = PRESERVING;
	update.number++;
	update.requester = requester;
	update.now = now;
	update.timeout_ms = timeout_ms;
	update.deadline = clock_ms() + timeout_ms;
	for (i = 0; i < session_count; i++) {
		if (sessions[i]->out.state == OUT_SUBSCRIBED)
			sessions[i]->out.state = OUT_STARTING;
	}
	return 0;
}

/* Clients */

int update_join(struct session *session, struct client *client)
{
	if (update.state == IDLE)
		session->out.state = OUT_SUBSCRIBED;
	else if (update.state == PRESERVING)
		session->out.state = OUT_STARTING;
	else if (has_started(session))
		session->out.state = OUT_READY;
	else
		return -EBUSY;

	session->out.client = client;
	return 0;
}

int update_leave(struct session *session)
{
	if (update.state == COMMITTED)
		return -EBUSY;

	session->out.client = NULL;
	session_close(session);
	session_put(session);
	return 0;
}

static bool is_current(const struct session *session, int64_t number)
{
	return update.state == PRESERVING && number == update.number && has_started(session);
}

int update_ready(struct session *session, int64_t number)
{
	if (!is_current(session, number))
		return -ESTALE;
	session->out.state = OUT_READY;
	return 0;
}

int update_failed(struct session *session, int64_t number, const char *text)
{
	if (!is_current(session, number))
		return -ESTALE;
	return update_cancel(-ECANCELED, "%s: %s", session->id, text);
}

/* Forget a client that has ended. Return whether it had a session, and the id of one. */
static bool forget_client(struct client *client, char id[NAME_SIZE])
{
	struct session *session;
	bool found = false;
	size_t i;

	for (i = session_count; i > 0; i--) {
		session = sessions[i - 1];
		if (session->out.state == OUT_NONE || session->out.client != client)
			continue;
		memcpy(id, session->id, NAME_SIZE);
		found = true;
		session->out.client = NULL;
		if (update.state != COMMITTED) {
			session_close(session);
			session_put(session);
		}
	}
	return found;
}

void update_client_gone(struct client *client)
{
	bool was_requester = client == update.requester;
	char id[NAME_SIZE];

	if (was_requester)
		update.requester = NULL;
	if (forget_client(client, id) && update.state == PRESERVING)
		update_cancel(-ECANCELED, "%s: its program has disconnected", id);
	else if (was_requester)
		update_cancel(-ECANCELED, "the program that has started it has disconnected");
}

/* The last update was committed if systemd has sessions of it. */

static void restore_session(int fd)
{
	struct session *session = NULL;
	char id[NAME_SIZE];

	if (!session_get_name(fd, id))
		session = session_get(id);
	if (!session || session->out.fd >= 0) {
		log_line("a descriptor that systemd has kept is dropped");
		close(fd);
		return;
	}

	session->out.fd = fd;
	session->out.state = OUT_COMMITTED;
	update.state = COMMITTED;
}

void update_restore(void)
{
	systemd_take_sessions(restore_session);
	if (update.state != COMMITTED)
		return;

	update.number = 1;
	log_line("started again after a commit, with %zu sessions", session_count);
}
