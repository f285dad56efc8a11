/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luod: the table of sessions
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * An id can have a session for the next kernel and one of the previous kernel at the same
 * time.
 */
#ifndef TOOLS_LIVEUPDATE_SESSION_H
#define TOOLS_LIVEUPDATE_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "device.h"

struct client;

/* A session for the next kernel. Those up to OUT_STARTING exist in luod only. */
enum outgoing_state {
	OUT_NONE,
	OUT_SUBSCRIBED,
	OUT_STARTING,	/* the kernel has not created it yet */
	OUT_PRESERVING,	/* the client has it */
	OUT_READY,
	OUT_COMMITTED,	/* the client knows */
};

/* A session of the previous kernel */
enum incoming_state {
	IN_NONE,	/* never claimed, so there may be one */
	IN_CLAIMED,
	IN_HELD,	/* the client that has claimed it has disconnected */
	IN_DONE,
};

struct session {
	/* The name of its sessions in the kernel */
	char id[NAME_SIZE];
	struct {
		enum outgoing_state state;
		/* NULL if it has disconnected */
		struct client *client;
		/* -1 if the kernel has no session */
		int fd;
	} out;
	struct {
		enum incoming_state state;
		struct client *client;
		int fd;
	} in;
};

/* All of them, sorted by id */
extern struct session **sessions;
extern size_t session_count;

bool session_id_valid(const char *id);

/* Return the index in @sessions of the first one whose id is greater than @id. */
size_t session_after(const char *id);

/* Return the session, or NULL. */
struct session *session_find(const char *id);

/* The same, but add it if there is none. NULL means that memory is short. */
struct session *session_get(const char *id);

/* Free a session of which neither side is used. */
void session_put(struct session *session);

/*
 * Close the session for the next kernel. It stays subscribed if it has a client, otherwise
 * the side is not used any more. The caller must call session_put().
 */
void session_close(struct session *session);

const char *outgoing_state_name(enum outgoing_state state);
const char *incoming_state_name(enum incoming_state state);

#endif /* TOOLS_LIVEUPDATE_SESSION_H */
