// SPDX-License-Identifier: GPL-2.0
/*
 * The messages between luod and its clients: one JSON object a line
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "message.h"

/* An answer to LIST is an object with an array of objects. */
#define DEPTH_MAX	4

#define PLAIN	(JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)

/* Receiving */

size_t message_room(const struct message_reader *reader)
{
	return MESSAGE_MAX - reader->len;
}

int message_feed(struct message_reader *reader, const char *bytes, size_t len)
{
	char *data = realloc(reader->data, reader->len + len);

	if (!data)
		return -ENOMEM;

	memcpy(data + reader->len, bytes, len);
	reader->data = data;
	reader->len += len;
	return 0;
}

/* Drop the first @len bytes. A reader without bytes needs no memory. */
static void drop(struct message_reader *reader, size_t len)
{
	reader->len -= len;
	memmove(reader->data, reader->data + len, reader->len);
	reader->fd_end = reader->fd_end > len ? reader->fd_end - len : 0;
	if (!reader->len) {
		free(reader->data);
		reader->data = NULL;
	}
}

static void keep_fd(struct message_reader *reader, int fd)
{
	if (reader->fd >= 0)
		close(reader->fd);
	reader->fd = fd;
	/* The kernel does not return bytes of later messages together with a descriptor. */
	reader->fd_end = reader->len;
}

static int received_fd(struct msghdr *msg)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);
	int fd;

	if (!cmsg || cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	return fd;
}

ssize_t message_receive(struct message_reader *reader, int sock, bool take_fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	char bytes[MESSAGE_MAX];
	struct iovec iov = { .iov_base = bytes, .iov_len = message_room(reader) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t got;
	int err, fd;

	if (take_fd) {
		msg.msg_control = &control;
		/* CMSG_SPACE() has room for two on 64-bit machines. */
		msg.msg_controllen = CMSG_LEN(sizeof(int));
	}

	got = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	if (got < 0)
		return -errno;

	fd = received_fd(&msg);
	err = got ? message_feed(reader, bytes, got) : 0;
	if (fd >= 0)
		keep_fd(reader, fd);
	return err ? err : got;
}

static bool is_blank(const char *start, const char *end)
{
	while (start < end && strchr(" \t\r\n", *start))
		start++;
	return start == end;
}

/* Return a new reference to the object that is all of a line, or NULL. */
static struct json_object *parse(struct json_tokener *tokener, const char *line, size_t len)
{
	struct json_object *object;

	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	object = json_tokener_parse_ex(tokener, line, len);
	if (json_tokener_get_error(tokener) == json_tokener_success &&
	    json_object_is_type(object, json_type_object) &&
	    is_blank(line + json_tokener_get_parse_end(tokener), line + len))
		return object;

	json_object_put(object);
	return NULL;
}

static int parse_line(const char *line, size_t len, struct json_object **message)
{
	struct json_tokener *tokener;

	/* The parser would stop at a NUL and ignore the rest. */
	if (memchr(line, '\0', len))
		return -EBADMSG;

	tokener = json_tokener_new_ex(DEPTH_MAX);
	if (!tokener)
		return -ENOMEM;

	*message = parse(tokener, line, len);
	json_tokener_free(tokener);
	return *message ? 1 : -EBADMSG;
}

int message_next(struct message_reader *reader, struct json_object **message, int *fd)
{
	char *end = reader->len ? memchr(reader->data, '\n', reader->len) : NULL;
	size_t len;
	int ret;

	if (!end)
		return message_room(reader) ? 0 : -EMSGSIZE;

	len = end + 1 - reader->data;
	ret = parse_line(reader->data, len, message);
	if (ret < 0)
		return ret;

	*fd = -1;
	if (reader->fd >= 0 && reader->fd_end <= len) {
		*fd = reader->fd;
		reader->fd = -1;
	}
	drop(reader, len);
	return 1;
}

void message_reader_free(struct message_reader *reader)
{
	if (reader->fd >= 0)
		close(reader->fd);
	free(reader->data);
	*reader = (struct message_reader)MESSAGE_READER_INIT;
}

/* Members of a message */

static struct json_object *member(struct json_object *message, const char *key,
				  enum json_type type)
{
	struct json_object *value;

	if (!json_object_object_get_ex(message, key, &value) ||
	    !json_object_is_type(value, type))
		return NULL;
	return value;
}

const char *message_string(struct json_object *message, const char *key)
{
	struct json_object *value = member(message, key, json_type_string);
	const char *string;

	if (!value)
		return NULL;

	string = json_object_get_string(value);
	return strlen(string) == (size_t)json_object_get_string_len(value) ? string : NULL;
}

bool message_bool(struct json_object *message, const char *key, bool *value)
{
	struct json_object *object = member(message, key, json_type_boolean);

	if (object)
		*value = json_object_get_boolean(object);
	return object;
}

bool message_int(struct json_object *message, const char *key, int64_t *value)
{
	struct json_object *object = member(message, key, json_type_int);

	if (object)
		*value = json_object_get_int64(object);
	return object;
}

/* Sending */

void message_add_value(struct json_object **message, const char *key, struct json_object *value)
{
	if (*message && value && !json_object_object_add(*message, key, value))
		return;

	json_object_put(value);
	json_object_put(*message);
	*message = NULL;
}

void message_add_string(struct json_object **message, const char *key, const char *value)
{
	if (*message && value)
		message_add_value(message, key, json_object_new_string(value));
}

void message_add_bool(struct json_object **message, const char *key, bool value)
{
	if (*message)
		message_add_value(message, key, json_object_new_boolean(value));
}

void message_add_int(struct json_object **message, const char *key, int64_t value)
{
	if (*message)
		message_add_value(message, key, json_object_new_int64(value));
}

struct json_object *message_request(const char *cmd, const char *id)
{
	struct json_object *message = json_object_new_object();

	message_add_string(&message, "cmd", cmd);
	message_add_string(&message, "id", id);
	return message;
}

ssize_t message_format(struct json_object *message, char line[MESSAGE_MAX])
{
	const char *json;
	size_t len;

	if (!message)
		return -ENOMEM;
	json = json_object_to_json_string_length(message, PLAIN, &len);
	if (!json)
		return -ENOMEM;
	if (len >= MESSAGE_MAX)
		return -EMSGSIZE;

	memcpy(line, json, len);
	line[len] = '\n';
	return len + 1;
}

int message_address(struct sockaddr_un *address, const char *path)
{
	size_t len = strlen(path);

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (len >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	memcpy(address->sun_path, path, len);
	return 0;
}

int message_connect(const char *path)
{
	struct sockaddr_un address;
	int sock, err = message_address(&address, path);

	if (err)
		return err;

	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	if (connect(sock, (struct sockaddr *)&address, sizeof(address))) {
		err = -errno;
		close(sock);
		return err;
	}
	return sock;
}

ssize_t message_send_line(int sock, const char *line, size_t len, int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = (char *)line, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t sent;

	if (fd >= 0) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control.space);
	}

	sent = sendmsg(sock, &msg, MSG_NOSIGNAL);
	return sent < 0 ? -errno : sent;
}

int message_send(int sock, struct json_object *message, int fd)
{
	char line[MESSAGE_MAX];
	ssize_t len = message_format(message, line), done, sent;

	/* The descriptor goes with the first bytes. */
	for (done = 0; done < len; done += sent, fd = -1) {
		sent = message_send_line(sock, line + done, len - done, fd);
		if (sent < 0)
			return sent;
	}
	return len < 0 ? len : 0;
}
