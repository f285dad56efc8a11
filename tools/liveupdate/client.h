/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luod: the socket and its connections
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Nothing blocks. A client that does not read what is sent to it gets no further messages
 * handled until it has, so that no more is kept for it than the events of its sessions.
 */
#ifndef TOOLS_LIVEUPDATE_CLIENT_H
#define TOOLS_LIVEUPDATE_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct client;
struct json_object;

struct client_ops {
	/*
	 * Handle a message. False: it can't be handled now. Then it is passed again after a
	 * moment, and the messages after it wait. With @last it must be handled.
	 */
	bool (*message)(struct client *client, struct json_object *message, bool last);

	/* Bytes that are not a message were received: -EMSGSIZE or -EBADMSG. */
	void (*nonsense)(struct client *client, int err);

	/* The connection has ended, and the client will be freed. */
	void (*gone)(struct client *client);
};

/* Create the socket. Return 0 or a negative error number. */
int clients_listen(const char *path, const struct client_ops *ops);

/* How soon clients_wait() returns if nothing happens and something is to be tried again */
#define RETRY_MS	10

/*
 * Wait up to @timeout milliseconds, without limit if it is negative, and handle what clients
 * have sent. Return 0 or a negative error number.
 */
int clients_wait(int timeout);

/*
 * Send a message, with a copy of @fd unless that is -1. The reference is passed on. If it can't
 * be sent, or is NULL because memory was short, the client is disconnected.
 */
void client_send(struct client *client, struct json_object *message, int fd);

/* Disconnect a client, soon. It can be used until gone() was called. */
void client_disconnect(struct client *client);

/* Return the process that has connected, 0 if it is not known. */
pid_t client_pid(const struct client *client);

/* Milliseconds of a clock that does not jump */
int64_t clock_ms(void);

#endif /* TOOLS_LIVEUPDATE_CLIENT_H */
