// SPDX-License-Identifier: GPL-2.0
/*
 * luod: the requests of clients
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "device.h"
#include "list.h"
#include "log.h"
#include "message.h"
#include "reply.h"
#include "request.h"
#include "session.h"
#include "update.h"

/* Of the protocol in luod.8 */
#define VERSION	1

#define TIMEOUT_DEFAULT_MS	30000
#define TIMEOUT_MAX_MS		86400000

/* Results of a request, besides 0 and negative error numbers */
enum {
	ANSWER_LATER = 1,
	TRY_AGAIN,
};

/**
 * struct request - a request that is being handled
 * @client: the client that has sent it
 * @message: the request
 * @cmd: its cmd, or NULL
 * @id: its id, or NULL if it has none or that is not valid
 * @last: it must not be tried again
 * @answer: the answer if it succeeds, NULL for one without further members
 * @fd: the descriptor that goes with the answer, or -1
 * @text: explains why it has failed, empty if the error says it all
 */
struct request {
	struct client *client;
	struct json_object *message;
	const char *cmd;
	const char *id;
	bool last;
	struct json_object *answer;
	int fd;
	char text[TEXT_SIZE];
};

__printf(3, 4)
static int fail(struct request *request, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(request->text, sizeof(request->text), fmt, args);
	va_end(args);
	return err;
}

/* Taking part in an update */

static int subscribe(struct request *request)
{
	struct session *session = session_get(request->id);
	int err;

	if (!session)
		return -ENOMEM;
	if (session->out.client == request->client)
		return 0;
	if (session->out.client)
		return fail(request, -EEXIST, "another client has subscribed this id");

	err = update_join(session, request->client);
	if (err) {
		session_put(session);
		return fail(request, err, "an update is committed");
	}
	return 0;
}

/* Find the session that this client has subscribed. */
static int find_subscribed(struct request *request, struct session **session)
{
	*session = session_find(request->id);
	if (!*session || (*session)->out.client != request->client)
		return fail(request, -ENOENT, "this client has not subscribed this id");
	return 0;
}

static int unsubscribe(struct request *request)
{
	struct session *session;
	int err = find_subscribed(request, &session);

	if (err)
		return err;
	err = update_leave(session);
	return err ? fail(request, err, "the update is committed") : 0;
}

/* Find the session and the number of the update of READY and FAILED. */
static int find_updated(struct request *request, struct session **session, int64_t *number)
{
	if (!message_int(request->message, "update", number))
		return fail(request, -EINVAL, "the number 'update' is missing");
	return find_subscribed(request, session);
}

static int ready(struct request *request)
{
	struct session *session;
	int64_t number;
	int err = find_updated(request, &session, &number);

	if (err)
		return err;
	err = update_ready(session, number);
	return err ? fail(request, err, "this update is over") : 0;
}

static int failed(struct request *request)
{
	const char *message = message_string(request->message, "message");
	struct session *session;
	char text[TEXT_SIZE];
	int64_t number;
	int err = find_updated(request, &session, &number);

	if (err)
		return err;
	reply_copy_text(text, message ? message : "failed");
	err = update_failed(session, number, text);
	return err ? fail(request, err, "this update is over") : 0;
}

/* Taking a session back */

/* Retrieve the session from the kernel. */
static int retrieve(struct request *request, struct session *session)
{
	int device = device_open(), fd;

	if (device == -EBUSY && !request->last)
		return TRY_AGAIN;
	if (device < 0)
		return fail(request, device, "/dev/liveupdate: %s", strerror(-device));

	fd = device_retrieve_session(device, session->id);
	close(device);
	if (fd == -ENOENT)
		return fail(request, fd, "the previous kernel left no such session");
	if (fd == -EINVAL)
		return fail(request, -EBUSY, "a process that is no client has this session");
	if (fd < 0)
		return fd;

	session->in.fd = fd;
	session->in.state = IN_HELD;
	return 0;
}

static int claim_session(struct request *request, struct session *session)
{
	int ret = 0;

	if (session->in.state == IN_DONE)
		return fail(request, -ESTALE, "this session is done");
	if (session->in.client && session->in.client != request->client)
		return fail(request, -EBUSY, "another client has claimed this session");
	if (session->in.state == IN_NONE)
		ret = retrieve(request, session);
	if (ret)
		return ret;

	session->in.state = IN_CLAIMED;
	session->in.client = request->client;
	request->fd = session->in.fd;
	return 0;
}

static int claim(struct request *request)
{
	struct session *session = session_get(request->id);
	int ret;

	if (!session)
		return -ENOMEM;
	ret = claim_session(request, session);
	if (ret)
		session_put(session);
	return ret;
}

/* The client may have finished it already, which does no harm. */
static int done(struct request *request)
{
	struct session *session = session_find(request->id);
	int err;

	if (!session || session->in.client != request->client)
		return fail(request, -ENOENT, "this client has not claimed this id");

	err = session_finish(session->in.fd);
	if (err)
		return err;

	close(session->in.fd);
	session->in.fd = -1;
	session->in.client = NULL;
	session->in.state = IN_DONE;
	return 0;
}

static void let_go_of_claimed(struct client *client)
{
	size_t i;

	for (i = 0; i < session_count; i++) {
		if (sessions[i]->in.client != client)
			continue;
		sessions[i]->in.client = NULL;
		sessions[i]->in.state = IN_HELD;
	}
}

/* Requests of luoctl */

static int start_update(struct request *request)
{
	int64_t timeout = TIMEOUT_DEFAULT_MS;
	bool now;
	int err;

	if (!message_bool(request->message, "now", &now))
		return fail(request, -EINVAL, "'now' is neither true nor false");
	message_int(request->message, "timeout_ms", &timeout);
	if (timeout < 1 || timeout > TIMEOUT_MAX_MS)
		return fail(request, -EINVAL, "'timeout_ms' is not 1 to %d", TIMEOUT_MAX_MS);

	err = update_start(request->client, now, timeout);
	return err ? fail(request, err, "an update is under way already") : ANSWER_LATER;
}

static int abort_update(struct request *request)
{
	int err = update_cancel(-ECANCELED, "ABORT was requested");

	return err ? fail(request, err, "no update is under way") : 0;
}

static int list(struct request *request)
{
	const char *after = message_string(request->message, "after");

	request->answer = list_sessions(reply_ok(request->cmd, NULL), after ? after : "");
	return request->answer ? 0 : -ENOMEM;
}

static int version(struct request *request)
{
	request->answer = reply_ok(request->cmd, NULL);
	message_add_int(&request->answer, "version", VERSION);
	return request->answer ? 0 : -ENOMEM;
}

static const struct command {
	const char *cmd;
	bool has_id;
	int (*handle)(struct request *request);
} commands[] = {
	{ "SUBSCRIBE", true, subscribe },
	{ "UNSUBSCRIBE", true, unsubscribe },
	{ "READY", true, ready },
	{ "FAILED", true, failed },
	{ "CLAIM", true, claim },
	{ "DONE", true, done },
	{ "UPDATE", false, start_update },
	{ "ABORT", false, abort_update },
	{ "LIST", false, list },
	{ "VERSION", false, version },
};

static int handle(struct request *request)
{
	const struct command *command;
	size_t i;

	if (!request->cmd)
		return fail(request, -EINVAL, "'cmd' is missing");

	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		command = &commands[i];
		if (strcmp(command->cmd, request->cmd))
			continue;
		if (command->has_id && !request->id)
			return fail(request, -EINVAL, "'id' is not a name for a session");
		return command->handle(request);
	}
	/* Not repeated in the answer, as it can have any length */
	request->cmd = NULL;
	return fail(request, -EOPNOTSUPP, "unknown 'cmd'");
}

static void answer(struct request *request, int err)
{
	struct json_object *message;

	if (err)
		message = reply_error(request->cmd, request->id, err,
				      *request->text ? request->text : NULL);
	else if (request->answer)
		message = request->answer;
	else
		message = reply_ok(request->cmd, request->id);
	client_send(request->client, message, err ? -1 : request->fd);
}

static bool handle_message(struct client *client, struct json_object *message, bool last)
{
	struct request request = {
		.client = client,
		.message = message,
		.cmd = message_string(message, "cmd"),
		.id = message_string(message, "id"),
		.last = last,
		.fd = -1,
	};
	int ret;

	if (request.id && !session_id_valid(request.id))
		request.id = NULL;

	ret = handle(&request);
	if (ret <= 0)
		answer(&request, ret);
	/* COMMIT comes before the answer to the next request. */
	update_run();
	return ret != TRY_AGAIN;
}

static void handle_nonsense(struct client *client, int err)
{
	client_send(client, reply_error(NULL, NULL, err, NULL), -1);
}

static void handle_gone(struct client *client)
{
	let_go_of_claimed(client);
	update_client_gone(client);
}

const struct client_ops request_ops = {
	.message = handle_message,
	.nonsense = handle_nonsense,
	.gone = handle_gone,
};
