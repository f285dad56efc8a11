// SPDX-License-Identifier: GPL-2.0
/*
 * luoctl: a connection to luod
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "connection.h"

const char *connection_path = LUOD_SOCKET;

int connection_connect(struct connection *connection)
{
	int sock = message_connect(connection_path);

	if (sock < 0)
		return sock;
	connection->sock = sock;
	return 0;
}

void connection_close(struct connection *connection)
{
	if (connection->sock >= 0)
		close(connection->sock);
	connection->sock = -1;
	message_reader_free(&connection->reader);
}

int connection_send(struct connection *connection, struct json_object *request)
{
	int err = request ? message_send(connection->sock, request, -1) : -ENOMEM;

	json_object_put(request);
	return err;
}

int connection_next(struct connection *connection, struct json_object **message, int *fd)
{
	return message_next(&connection->reader, message, fd);
}

int connection_receive(struct connection *connection, struct json_object **message, int *fd)
{
	ssize_t got;
	int ret;

	while (!(ret = message_next(&connection->reader, message, fd))) {
		got = message_receive(&connection->reader, connection->sock, true);
		if (got == -EINTR)
			continue;
		if (got <= 0)
			return got ? got : -ECONNRESET;
	}

	return ret < 0 ? ret : 0;
}

int connection_request(struct connection *connection, struct json_object *request,
		       struct json_object **answer, int *fd)
{
	int err = connection_send(connection, request);
	int received = -1;
	bool ok;

	while (!err) {
		err = connection_receive(connection, answer, &received);
		if (err || message_bool(*answer, "ok", &ok))
			break;
		/* An event that has crossed the request */
		json_object_put(*answer);
		if (received >= 0)
			close(received);
	}

	if (err)
		return err;
	if (fd)
		*fd = received;
	else if (received >= 0)
		close(received);
	return 0;
}

int connection_answer_error(struct json_object *answer)
{
	const char *name = message_string(answer, "error");
	bool ok = false;
	int number;

	message_bool(answer, "ok", &ok);
	if (ok)
		return 0;
	if (!name)
		return -EPROTO;

	for (number = 1; number < 134; number++)
		if (strerrorname_np(number) && !strcmp(strerrorname_np(number), name))
			return -number;
	return -EPROTO;
}

const char *connection_answer_message(struct json_object *answer)
{
	const char *message = message_string(answer, "message");

	return message ? message : strerror(-connection_answer_error(answer));
}
