/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The messages between luod and its clients: one JSON object a line
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * luod.8 describes the protocol. A message can carry a descriptor.
 */
#ifndef TOOLS_LIVEUPDATE_MESSAGE_H
#define TOOLS_LIVEUPDATE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/un.h>

#include <json.h>

#define LUOD_SOCKET	"/run/luod/liveupdate.sock"

/* The longest message in bytes, with the newline */
#define MESSAGE_MAX	4096

/**
 * struct message_reader - splits what comes from a socket into messages
 * @data: the bytes that were received and not used yet, NULL if there are none
 * @len: number of bytes in @data
 * @fd: the descriptor that was received and not used yet, or -1
 * @fd_end: @fd belongs to the message of which the byte before this one in @data is a part
 */
struct message_reader {
	char *data;
	size_t len;
	int fd;
	size_t fd_end;
};

#define MESSAGE_READER_INIT	{ .fd = -1 }

/*
 * Add bytes to a reader, at most message_room(). Return 0 or -ENOMEM. message_receive() does
 * it with bytes from a socket.
 */
int message_feed(struct message_reader *reader, const char *bytes, size_t len);
size_t message_room(const struct message_reader *reader);

/*
 * Receive bytes, with or without a descriptor. Without @take_fd the kernel closes the
 * descriptors that come with them. Return the number of bytes, 0 after the last one, or a
 * negative error number.
 */
ssize_t message_receive(struct message_reader *reader, int sock, bool take_fd);

/*
 * Take the next message. Return 1 with a new reference in @message and its descriptor or -1
 * in @fd, 0 if the message is not complete, or a negative error number: -EMSGSIZE if a message
 * is too long, -EBADMSG if it is not a JSON object, -ENOMEM. After an error the reader can
 * only be freed.
 */
int message_next(struct message_reader *reader, struct json_object **message, int *fd);

/* Free the bytes, and close a descriptor that was not taken. */
void message_reader_free(struct message_reader *reader);

/* Return a member, or NULL if there is none of that type. A string has no NUL in it. */
const char *message_string(struct json_object *message, const char *key);
/* Set @value if there is a member of that type. */
bool message_bool(struct json_object *message, const char *key, bool *value);
bool message_int(struct json_object *message, const char *key, int64_t *value);

/*
 * Add a member, but no string that is NULL. If memory is short the message is freed and set to
 * NULL. With NULL as the message they do nothing, so that only the last result needs a check.
 */
void message_add_string(struct json_object **message, const char *key, const char *value);
void message_add_bool(struct json_object **message, const char *key, bool value);
void message_add_int(struct json_object **message, const char *key, int64_t value);
/* The same with a new reference to any value, which is freed if it can't be added. */
void message_add_value(struct json_object **message, const char *key, struct json_object *value);

/* Return a new request {"cmd":CMD,"id":ID}, without "id" if it is NULL, or NULL. */
struct json_object *message_request(const char *cmd, const char *id);

/*
 * Write a message with its newline to @line. Return the length, or a negative error number:
 * -EMSGSIZE if it is too long, -ENOMEM if @message is NULL or memory is short.
 */
ssize_t message_format(struct json_object *message, char line[MESSAGE_MAX]);

/* Set the address of a socket. Return 0 or -ENAMETOOLONG. */
int message_address(struct sockaddr_un *address, const char *path);

/* Return a connection to luod, or a negative error number. */
int message_connect(const char *path);

/*
 * Send a line of @len bytes or a whole message, with a descriptor unless @fd is -1. Return
 * the number of bytes, which on a non-blocking socket can be less than @len, or 0 for a
 * message, or a negative error number.
 */
ssize_t message_send_line(int sock, const char *line, size_t len, int fd);
int message_send(int sock, struct json_object *message, int fd);

#endif /* TOOLS_LIVEUPDATE_MESSAGE_H */
