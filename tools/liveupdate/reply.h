/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luod: the messages that are sent to clients
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Each returns a new message, or NULL if memory is short. client_send() accepts both.
 */
#ifndef TOOLS_LIVEUPDATE_REPLY_H
#define TOOLS_LIVEUPDATE_REPLY_H

#include <stddef.h>

struct json_object;

/* The longest text in bytes that a message can have for people, with the NUL */
#define TEXT_SIZE	256

/* Answer a request that has succeeded. @id can be NULL. */
struct json_object *reply_ok(const char *cmd, const char *id);

/* Answer one that has failed. @cmd and @id can be NULL; no @text means that of the error. */
struct json_object *reply_error(const char *cmd, const char *id, int err, const char *text);

/* Report an event of the update with that number. @text can be NULL. */
struct json_object *reply_event(const char *event, const char *id, unsigned int update,
				const char *text);

/* Copy a text of any length to @to, and cut it between two characters if it is too long. */
void reply_copy_text(char to[TEXT_SIZE], const char *text);

#endif /* TOOLS_LIVEUPDATE_REPLY_H */
