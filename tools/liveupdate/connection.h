/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luoctl: a connection to luod
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef TOOLS_LIVEUPDATE_CONNECTION_H
#define TOOLS_LIVEUPDATE_CONNECTION_H

#include "message.h"

/* struct connection - a connection, @sock is -1 if there is none */
struct connection {
	int sock;
	struct message_reader reader;
};

#define CONNECTION_INIT	{ .sock = -1, .reader = MESSAGE_READER_INIT }

/* luod's socket. Only tests use another one than LUOD_SOCKET. */
extern const char *connection_path;

/* Return 0 or a negative error number. */
int connection_connect(struct connection *connection);
void connection_close(struct connection *connection);

/*
 * Send a request, which is put. Return 0 or a negative error number. The answer comes with
 * the other messages.
 */
int connection_send(struct connection *connection, struct json_object *request);

/*
 * Wait for the next message. Return 0 with a new reference in @message and a descriptor or
 * -1 in @fd, or a negative error number: -ECONNRESET if luod is gone.
 */
int connection_receive(struct connection *connection, struct json_object **message, int *fd);

/*
 * Take the next message that was received already. Return 1 if there is one, 0 if not, or a
 * negative error number.
 */
int connection_next(struct connection *connection, struct json_object **message, int *fd);

/*
 * Send a request, which is put, and wait for the answer. Return 0 with a new reference in
 * @answer, which may say that the request failed, or a negative error number. @fd can be
 * NULL.
 */
int connection_request(struct connection *connection, struct json_object *request,
		       struct json_object **answer, int *fd);

/* Return 0, or the negative error number in an answer that says so. */
int connection_answer_error(struct json_object *answer);
/* Return what luod says about an error, never NULL. */
const char *connection_answer_message(struct json_object *answer);

#endif /* TOOLS_LIVEUPDATE_CONNECTION_H */
