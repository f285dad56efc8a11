// SPDX-License-Identifier: GPL-2.0
/*
 * luod: the answer to LIST
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <string.h>

#include "client.h"
#include "list.h"
#include "message.h"
#include "session.h"
#include "update.h"

/* Limits for the text of one side of a session and of the rest of an answer: quotes are escaped */
#define SIDE_MAX	(2 * NAME_SIZE + 80)
#define REST_MAX	(2 * NAME_SIZE + 80)

/* Add one side of a session to an array that is NULL if memory is short. */
static void add_side(struct json_object **array, const char *id, const char *direction,
		     const char *state, const struct client *client)
{
	struct json_object *side = json_object_new_object();

	message_add_string(&side, "id", id);
	message_add_string(&side, "direction", direction);
	message_add_string(&side, "state", state);
	if (client && client_pid(client))
		message_add_int(&side, "pid", client_pid(client));

	if (*array && side && !json_object_array_add(*array, side))
		return;
	json_object_put(side);
	json_object_put(*array);
	*array = NULL;
}

static void add_session(struct json_object **array, const struct session *session)
{
	if (session->out.state != OUT_NONE)
		add_side(array, session->id, "outgoing", outgoing_state_name(session->out.state),
			 session->out.client);
	if (session->in.state != IN_NONE)
		add_side(array, session->id, "incoming", incoming_state_name(session->in.state),
			 session->in.client);
}

struct json_object *list_sessions(struct json_object *answer, const char *after)
{
	struct json_object *array = json_object_new_array();
	size_t i, room = MESSAGE_MAX - REST_MAX;

	for (i = session_after(after); i < session_count && room >= 2 * SIDE_MAX; i++) {
		add_session(&array, sessions[i]);
		room -= 2 * SIDE_MAX;
	}

	message_add_string(&answer, "state", update_state_name());
	message_add_value(&answer, "sessions", array);
	if (i < session_count)
		message_add_string(&answer, "next", sessions[i - 1]->id);
	return answer;
}
