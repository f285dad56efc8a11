// SPDX-License-Identifier: GPL-2.0
/*
 * luod: the table of sessions
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session.h"

struct session **sessions;
size_t session_count;

bool session_id_valid(const char *id)
{
	size_t len = strlen(id), i;

	if (!len || len >= NAME_SIZE)
		return false;
	for (i = 0; i < len; i++) {
		if (id[i] < ' ' || id[i] > '~' || id[i] == '/')
			return false;
	}
	return true;
}

size_t session_after(const char *id)
{
	size_t low = 0, high = session_count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (strcmp(sessions[middle]->id, id) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct session *session_find(const char *id)
{
	size_t index = session_after(id);

	if (!index || strcmp(sessions[index - 1]->id, id))
		return NULL;
	return sessions[index - 1];
}

/* Make room in the table for one more. */
static bool grow(void)
{
	struct session **table;

	/* The room doubles whenever the count is a power of two. */
	if (session_count & (session_count - 1))
		return true;

	table = reallocarray(sessions, session_count ? 2 * session_count : 1, sizeof(*table));
	if (table)
		sessions = table;
	return table;
}

static struct session *add(const char *id)
{
	size_t index = session_after(id);
	struct session *session;

	if (!grow())
		return NULL;

	session = calloc(1, sizeof(*session));
	if (!session)
		return NULL;

	memcpy(session->id, id, strlen(id));
	session->out.fd = -1;
	session->in.fd = -1;
	memmove(&sessions[index + 1], &sessions[index],
		(session_count - index) * sizeof(*sessions));
	sessions[index] = session;
	session_count++;
	return session;
}

struct session *session_get(const char *id)
{
	struct session *session = session_find(id);

	return session ? session : add(id);
}

void session_put(struct session *session)
{
	size_t index;

	if (session->out.state != OUT_NONE || session->in.state != IN_NONE)
		return;

	index = session_after(session->id);
	session_count--;
	memmove(&sessions[index - 1], &sessions[index],
		(session_count + 1 - index) * sizeof(*sessions));
	free(session);
}

void session_close(struct session *session)
{
	if (session->out.fd >= 0)
		close(session->out.fd);
	session->out.fd = -1;
	session->out.state = session->out.client ? OUT_SUBSCRIBED : OUT_NONE;
}

const char *outgoing_state_name(enum outgoing_state state)
{
	static const char *const names[] = {
		[OUT_NONE] = "none",
		[OUT_SUBSCRIBED] = "subscribed",
		[OUT_STARTING] = "starting",
		[OUT_PRESERVING] = "preserving",
		[OUT_READY] = "ready",
		[OUT_COMMITTED] = "committed",
	};

	return names[state];
}

const char *incoming_state_name(enum incoming_state state)
{
	static const char *const names[] = {
		[IN_NONE] = "none",
		[IN_CLAIMED] = "claimed",
		[IN_HELD] = "held",
		[IN_DONE] = "done",
	};

	return names[state];
}
