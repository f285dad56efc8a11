// SPDX-License-Identifier: GPL-2.0
/*
 * luod: the messages that are sent to clients
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <string.h>

#include "message.h"
#include "reply.h"

static struct json_object *answer(bool ok, const char *cmd, const char *id)
{
	struct json_object *message = json_object_new_object();

	message_add_bool(&message, "ok", ok);
	message_add_string(&message, "cmd", cmd);
	message_add_string(&message, "id", id);
	return message;
}

struct json_object *reply_ok(const char *cmd, const char *id)
{
	return answer(true, cmd, id);
}

struct json_object *reply_error(const char *cmd, const char *id, int err, const char *text)
{
	struct json_object *message = answer(false, cmd, id);

	message_add_string(&message, "error", strerrorname_np(-err));
	message_add_string(&message, "message", text ? text : strerror(-err));
	return message;
}

struct json_object *reply_event(const char *event, const char *id, unsigned int update,
				const char *text)
{
	struct json_object *message = json_object_new_object();

	message_add_string(&message, "event", event);
	message_add_string(&message, "id", id);
	message_add_int(&message, "update", update);
	message_add_string(&message, "message", text);
	return message;
}

void reply_copy_text(char to[TEXT_SIZE], const char *text)
{
	size_t len = strlen(text);

	if (len >= TEXT_SIZE) {
		len = TEXT_SIZE - 1;
		/* Bytes 10xxxxxx continue a character in UTF-8. */
		while (len && (text[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(to, text, len);
	to[len] = '\0';
}
