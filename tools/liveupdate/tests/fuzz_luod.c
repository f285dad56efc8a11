// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzz luod's protocol: from the bytes that clients send to the messages that they get
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * All of luod is in here except its sockets (client.c), systemd and the device, which this
 * file replaces. The input is a text of lines, each with an action as its first character:
 *
 *	0 to 3	this client sends the rest of the line, with its newline
 *	a to d	the same client sends the rest without a newline
 *	A to D	the same client sends a whole message of spaces
 *	w to z	the same client disconnects
 *	+	a second passes
 *	-	the next request to the device fails, the next character says how
 *
 * The reader of a client must understand all messages of luod. The events of an update must
 * come in the order that luod.8 promises, and no descriptor may be left open at the end.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../client.h"
#include "../device.h"
#include "../message.h"
#include "../reply.h"
#include "../request.h"
#include "../session.h"
#include "../systemd.h"
/* Its number is reset, so that inputs do not depend on each other. */
#include "../update.c"

#define CLIENTS		4
#define STALL_MS	5000

#define CHECK(condition)						\
	do {								\
		if (!(condition)) {					\
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();					\
		}							\
	} while (0)

/* The connections */

struct client {
	bool connected, ended;
	struct message_reader reader;
	struct json_object *stalled;
	int64_t stalled_until;
};

static struct client clients[CLIENTS];
/* systemd has the sessions. */
static bool stored;
static int64_t now_ms;

int64_t clock_ms(void)
{
	return now_ms;
}

pid_t client_pid(const struct client *client)
{
	return client - clients;
}

void client_disconnect(struct client *client)
{
	client->ended = true;
}

/* The last event of one of the ids of a client */
static struct heard {
	char id[NAME_SIZE];
	const struct client *client;
	enum { HEARD_NOTHING, HEARD_START, HEARD_COMMIT } last;
	int64_t update;
} heard[256];

/* The update during which a client has disconnected that had not heard of its commit */
static int64_t broken_update;

static struct heard *heard_of(const struct client *client, const char *id)
{
	struct heard *place = heard;

	for (; place < heard + 256 && place->client; place++) {
		if (place->client == client && !strcmp(place->id, id))
			return place;
	}
	/* With more ids than there are places nothing is checked of the others. */
	if (place == heard + 256)
		return NULL;
	place->client = client;
	memcpy(place->id, id, strlen(id));
	return place;
}

static void hear_answer(const struct client *client, struct json_object *message)
{
	const char *cmd = message_string(message, "cmd");
	const char *id = message_string(message, "id");
	int64_t sessions_kept;
	struct heard *place;
	bool ok;

	CHECK(message_bool(message, "ok", &ok));
	if (ok && !strcmp(cmd, "UPDATE")) {
		CHECK(message_int(message, "sessions", &sessions_kept));
		CHECK(stored == (sessions_kept > 0));
	}
	if (!ok)
		CHECK(message_string(message, "error") && message_string(message, "message"));
	else
		CHECK(cmd);
	if (!ok || strcmp(cmd, "UNSUBSCRIBE"))
		return;

	place = heard_of(client, id);
	if (place)
		place->last = HEARD_NOTHING;
}

static void hear(const struct client *client, struct json_object *message, int fd)
{
	const char *event = message_string(message, "event");
	const char *id = message_string(message, "id");
	struct heard *place;
	int64_t number;

	if (!event) {
		hear_answer(client, message);
		return;
	}

	CHECK(id && session_id_valid(id));
	CHECK((fd >= 0) == !strcmp(event, "START_PRESERVATION"));
	place = heard_of(client, id);
	if (!place)
		return;
	if (!strcmp(event, "START_PRESERVATION")) {
		CHECK(place->last == HEARD_NOTHING);
		CHECK(message_int(message, "update", &place->update));
		place->last = HEARD_START;
	} else if (!strcmp(event, "COMMIT")) {
		CHECK(place->last != HEARD_COMMIT);
		CHECK(message_int(message, "update", &number) && number != broken_update);
		place->last = HEARD_COMMIT;
	} else {
		CHECK(!strcmp(event, "CANCELLED") && place->last != HEARD_NOTHING);
		place->last = HEARD_NOTHING;
	}
}

void client_send(struct client *client, struct json_object *message, int fd)
{
	struct message_reader reader = MESSAGE_READER_INIT;
	struct json_object *received;
	char line[MESSAGE_MAX];
	ssize_t len;
	int none;

	len = message_format(message, line);
	CHECK(len > 0);
	json_object_put(message);
	CHECK(fd < 0 || fcntl(fd, F_GETFD) >= 0);
	if (client->ended)
		return;

	CHECK(!message_feed(&reader, line, len));
	CHECK(message_next(&reader, &received, &none) == 1 && none == -1);
	CHECK(!reader.len);
	hear(client, received, fd);
	json_object_put(received);
	message_reader_free(&reader);
}

static void end_client(struct client *client)
{
	struct heard *place;

	request_ops.gone(client);
	for (place = heard; place < heard + 256; place++) {
		if (place->client != client)
			continue;
		if (place->last == HEARD_START)
			broken_update = place->update;
		place->last = HEARD_NOTHING;
	}
	json_object_put(client->stalled);
	message_reader_free(&client->reader);
	memset(client, 0, sizeof(*client));
}

static void end_clients(void)
{
	int i;

	for (i = 0; i < CLIENTS; i++) {
		if (clients[i].ended) {
			end_client(&clients[i]);
			i = -1;
		}
	}
}

static void handle(struct client *client, struct json_object *message)
{
	bool last = now_ms >= client->stalled_until;

	client->stalled = NULL;
	if (request_ops.message(client, message, last)) {
		json_object_put(message);
		return;
	}
	CHECK(!last);
	client->stalled = message;
}

static void handle_received(struct client *client)
{
	struct json_object *message;
	int ret, fd;

	while (!client->ended && !client->stalled) {
		ret = message_next(&client->reader, &message, &fd);
		if (!ret)
			break;
		CHECK(ret == 1 || ret == -EBADMSG || ret == -EMSGSIZE);
		if (ret < 0) {
			request_ops.nonsense(client, ret);
			client_disconnect(client);
			break;
		}
		CHECK(fd == -1);
		client->stalled_until = now_ms + STALL_MS;
		handle(client, message);
	}
}

static void retry_stalled(void)
{
	int i;

	for (i = 0; i < CLIENTS; i++) {
		if (!clients[i].stalled || clients[i].ended)
			continue;
		handle(&clients[i], clients[i].stalled);
		handle_received(&clients[i]);
	}
}

/* As in clients_wait() and in the loop of luod */
static void finish_round(void)
{
	retry_stalled();
	end_clients();
	update_run();
	CHECK(update_timeout() >= -1);
	end_clients();
}

static void send_bytes(struct client *client, const char *bytes, size_t len)
{
	size_t part, room;

	if (!client->connected) {
		client->connected = true;
		client->reader.fd = -1;
	}
	for (; len && !client->ended && !client->stalled; bytes += part, len -= part) {
		room = message_room(&client->reader);
		part = len < room ? len : room;
		CHECK(!message_feed(&client->reader, bytes, part));
		handle_received(client);
	}
	finish_round();
}

/* The device, whose sessions are any descriptors */

static const int device_errors[] = { EBUSY, EEXIST, ENOENT, EINVAL, ENOSPC, EMFILE };
static int device_error;

static int result(void)
{
	int err = -device_error;

	device_error = 0;
	return err ? err : open("/dev/null", O_RDWR | O_CLOEXEC);
}

int device_open(void)
{
	/* Other errors are those of the request. */
	return device_error == EBUSY || device_error == EMFILE ? result() :
		open("/dev/null", O_RDWR | O_CLOEXEC);
}

int device_create_session(int device, const char *name)
{
	CHECK(fcntl(device, F_GETFD) >= 0 && session_id_valid(name));
	return result();
}

int device_retrieve_session(int device, const char *name)
{
	CHECK(fcntl(device, F_GETFD) >= 0 && session_id_valid(name));
	return result();
}

int session_finish(int session)
{
	int err = -device_error;

	CHECK(fcntl(session, F_GETFD) >= 0);
	device_error = 0;
	return err;
}

int session_get_name(int session, char name[NAME_SIZE])
{
	(void)session;
	(void)name;
	return -ENOTTY;
}

/* systemd */

void systemd_store_sessions(const int *fds, int count)
{
	int i;

	CHECK(count > 0 && count <= SYSTEMD_FDS_MAX);
	/* Each client knows. */
	for (i = 0; i < (int)(sizeof(heard) / sizeof(*heard)); i++)
		CHECK(heard[i].last != HEARD_START || heard[i].client->ended);
	for (i = 0; i < count; i++)
		CHECK(fcntl(fds[i], F_GETFD) >= 0);
	stored = true;
}

void systemd_forget_sessions(void)
{
	stored = false;
}

void systemd_take_sessions(void (*take)(int fd))
{
	(void)take;
}

/* One input */

static void advance(int64_t ms)
{
	now_ms += ms;
	finish_round();
}

static void run_line(const char *line, size_t len)
{
	static char spaces[MESSAGE_MAX];
	char what = *line;

	if (what >= '0' && what < '0' + CLIENTS) {
		send_bytes(&clients[what - '0'], line + 1, len - 1);
	} else if (what >= 'a' && what < 'a' + CLIENTS) {
		send_bytes(&clients[what - 'a'], line + 1, len - 2);
	} else if (what >= 'A' && what < 'A' + CLIENTS) {
		memset(spaces, ' ', sizeof(spaces));
		send_bytes(&clients[what - 'A'], spaces, sizeof(spaces));
	} else if (what >= 'w' && what < 'w' + CLIENTS) {
		clients[what - 'w'].ended = clients[what - 'w'].connected;
		finish_round();
	} else if (what == '+') {
		advance(1000);
	} else if (what == '-') {
		device_error = device_errors[(unsigned char)line[1] %
					     (sizeof(device_errors) / sizeof(*device_errors))];
	}
}

static void forget_everything(void)
{
	size_t i;

	device_error = 0;
	for (i = 0; i < CLIENTS; i++)
		clients[i].ended = clients[i].connected;
	finish_round();
	update_cancel(-ECANCELED, "the input ends");
	CHECK(!stored);
	while (session_count) {
		struct session *session = sessions[session_count - 1];

		CHECK(session->out.state == OUT_NONE && session->out.fd == -1);
		CHECK(!session->in.client && session->in.state != IN_NONE);
		CHECK((session->in.fd >= 0) == (session->in.state == IN_HELD));
		if (session->in.fd >= 0)
			close(session->in.fd);
		session->in.state = IN_NONE;
		session_put(session);
	}
	memset(heard, 0, sizeof(heard));
	broken_update = 0;
	update.number = 0;
}

/* All lower numbers are in use, unless a descriptor was closed. */
static int lowest_free_fd(void)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	return fd;
}

static void run(const char *data, size_t size)
{
	int before = lowest_free_fd();
	const char *end;

	for (; size && (end = memchr(data, '\n', size)); size -= end + 1 - data, data = end + 1) {
		if (end > data)
			run_line(data, end + 1 - data);
	}
	forget_everything();
	CHECK(lowest_free_fd() == before);
}

int fuzz_one_input(const unsigned char *data, size_t size)
{
	run((const char *)data, size);
	return 0;
}

/* Conversations to start from */

#define START(n, id)	#n "{\"cmd\":\"SUBSCRIBE\",\"id\":\"" id "\"}\n"
#define READY(n, id)	#n "{\"cmd\":\"READY\",\"id\":\"" id "\",\"update\":1}\n"
#define FAILED(n, id)	#n "{\"cmd\":\"FAILED\",\"id\":\"" id "\",\"update\":1,\"message\":\"x\"}\n"
#define UPDATE		"3{\"cmd\":\"UPDATE\",\"now\":false,\"timeout_ms\":1500}\n"
#define NOW		"3{\"cmd\":\"UPDATE\",\"now\":true}\n"
#define CLAIM(n)	#n "{\"cmd\":\"CLAIM\",\"id\":\"old\"}\n"
#define DONE(n)		#n "{\"cmd\":\"DONE\",\"id\":\"old\"}\n"
#define LIST		"2{\"cmd\":\"LIST\",\"after\":\"a\"}\n"
#define ABORT		"2{\"cmd\":\"ABORT\"}\n"

static const char *const seeds[] = {
	START(0, "a") START(1, "b") UPDATE READY(0, "a") READY(1, "b") LIST ABORT,
	START(0, "a") START(0, "b") UPDATE READY(0, "a") FAILED(0, "b") NOW ABORT,
	START(0, "a") START(1, "b") NOW READY(0, "a") READY(1, "b") "z\n" NOW "+\n+\n",
	START(0, "a") UPDATE "w\n" START(0, "a") UPDATE "+\n+\n" LIST,
	START(0, "a") UPDATE READY(0, "a") "w\n" START(1, "a") ABORT,
	"-0\n" START(0, "a") UPDATE "-0\n+\n-1\n+\n" READY(0, "a") LIST,
	CLAIM(0) CLAIM(1) LIST "w\n" CLAIM(1) DONE(1) CLAIM(1) LIST,
	"-0\n" CLAIM(0) "-0\n+\n-0\n+\n-0\n+\n-0\n+\n-0\n+\n-0\n+\n" CLAIM(0),
	"-2\n" CLAIM(0) "-3\n" CLAIM(0) CLAIM(0) "-0\n" DONE(0) DONE(0),
	"a{\"cmd\":\nw\nb{\"cmd\":\"VERSION\"\n1 }\nC\n",
	"0{\"cmd\":\"UNSUBSCRIBE\",\"id\":\"a\"}\n0[]\n0{\"a\":{\"b\":[null,1e9,\"\\u00e4\"]}}\n",
};

#define SEEDS	(sizeof(seeds) / sizeof(*seeds))

/* --seeds DIR writes them to DIR. libFuzzer handles all other options. */
int fuzz_initialize(int *argc, char ***argv)
{
	char path[4096];
	FILE *file;
	size_t i;

	if (*argc != 3 || strcmp((*argv)[1], "--seeds"))
		return 0;
	for (i = 0; i < SEEDS; i++) {
		snprintf(path, sizeof(path), "%s/seed-%zu", (*argv)[2], i);
		file = fopen(path, "w");
		if (!file || fputs(seeds[i], file) < 0 || fclose(file)) {
			perror(path);
			exit(1);
		}
	}
	exit(0);
}
