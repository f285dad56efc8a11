// SPDX-License-Identifier: GPL-2.0
/*
 * luod: the socket and its connections
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "log.h"
#include "message.h"

#define EVENTS_MAX	64

/* How long a message is tried that can't be handled */
#define STALL_MS	5000

/* After accept() has failed */
#define ACCEPT_RETRY_MS	1000

/* A line that could not be sent yet */
struct line {
	struct line *next;
	size_t len, done;
	int fd;	/* goes with the first byte, then -1 */
	char data[];
};

/**
 * struct client - a connection
 * @next: next one of all clients
 * @prev: the pointer to this one
 * @next_ended: next one of those that are disconnected
 * @ended: it is disconnected
 * @sock: the socket
 * @pid: the process that has connected
 * @events: what epoll waits for
 * @reader: what was received
 * @stalled: the message that can't be handled yet, or NULL
 * @stalled_until: when it must be handled
 * @lines: what could not be sent yet, sent before anything else is read
 * @last_line: the pointer at the end of @lines
 */
struct client {
	struct client *next, **prev;
	struct client *next_ended;
	bool ended;
	int sock;
	pid_t pid;
	uint32_t events;
	struct message_reader reader;
	struct json_object *stalled;
	int64_t stalled_until;
	struct line *lines, **last_line;
};

static const struct client_ops *client_ops;
static struct client *clients, *ended_clients;
static unsigned int stalled_clients;
static int epoll_fd, listen_fd;
/* When clients are accepted again, 0 if they are */
static int64_t accept_after;

int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

pid_t client_pid(const struct client *client)
{
	return client->pid;
}

void client_disconnect(struct client *client)
{
	if (client->ended)
		return;
	client->ended = true;
	client->next_ended = ended_clients;
	ended_clients = client;
}

/* Sending */

static void free_line(struct line *line)
{
	if (line->fd >= 0)
		close(line->fd);
	free(line);
}

/* Return the number of bytes that were sent, or a negative error number. */
static ssize_t try_to_send(struct client *client, const char *data, size_t len, int fd)
{
	ssize_t sent = message_send_line(client->sock, data, len, fd);

	return sent == -EAGAIN || sent == -EINTR ? 0 : sent;
}

/* Keep a line until the client reads. Return 0 or a negative error number. */
static int queue(struct client *client, const char *data, size_t len, int fd)
{
	struct line *line = malloc(sizeof(*line) + len);
	int err;

	if (!line)
		return -ENOMEM;

	/* The caller may close its descriptor. */
	line->fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (fd >= 0 && line->fd < 0) {
		err = -errno;
		free(line);
		return err;
	}

	line->next = NULL;
	line->len = len;
	line->done = 0;
	memcpy(line->data, data, len);
	*client->last_line = line;
	client->last_line = &line->next;
	return 0;
}

static int send_or_queue(struct client *client, const char *data, size_t len, int fd)
{
	ssize_t sent = 0;

	if (!client->lines)
		sent = try_to_send(client, data, len, fd);
	if (sent < 0)
		return sent;
	if ((size_t)sent == len)
		return 0;
	return queue(client, data + sent, len - sent, sent ? -1 : fd);
}

/* Send what was queued. */
static void send_queued(struct client *client)
{
	struct line *line;
	ssize_t sent;

	while ((line = client->lines)) {
		sent = try_to_send(client, line->data + line->done, line->len - line->done,
				   line->fd);
		if (sent < 0)
			client_disconnect(client);
		if (sent <= 0)
			return;

		if (line->fd >= 0)
			close(line->fd);
		line->fd = -1;
		line->done += sent;
		if (line->done < line->len)
			return;

		client->lines = line->next;
		if (!client->lines)
			client->last_line = &client->lines;
		free_line(line);
	}
}

/* Wait for what the client has to do next. */
static void watch(struct client *client)
{
	struct epoll_event event = { .data.ptr = client };

	if (client->lines)
		event.events = EPOLLOUT;
	else if (!client->stalled)
		event.events = EPOLLIN;
	if (client->ended || client->events == event.events)
		return;

	client->events = event.events;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, client->sock, &event))
		client_disconnect(client);
}

void client_send(struct client *client, struct json_object *message, int fd)
{
	char data[MESSAGE_MAX];
	ssize_t len = message_format(message, data);
	int err = len < 0 ? len : 0;

	json_object_put(message);
	if (!err && !client->ended)
		err = send_or_queue(client, data, len, fd);
	if (!err) {
		watch(client);
		return;
	}

	if (err != -EPIPE && err != -ECONNRESET)
		log_line("process %d can't be answered: %s", client->pid, strerror(-err));
	client_disconnect(client);
}

/* Receiving */

/* Pass a message on, whose reference is passed. */
static void handle(struct client *client, struct json_object *message, bool last)
{
	if (client_ops->message(client, message, last)) {
		json_object_put(message);
		return;
	}
	client->stalled = message;
	stalled_clients++;
}

/* Handle the messages that were received, as long as the client reads the answers. */
static void handle_received(struct client *client)
{
	struct json_object *message;
	int ret, fd;

	while (!client->ended && !client->lines && !client->stalled) {
		ret = message_next(&client->reader, &message, &fd);
		if (!ret)
			break;
		if (ret < 0) {
			client_ops->nonsense(client, ret);
			client_disconnect(client);
			break;
		}
		client->stalled_until = clock_ms() + STALL_MS;
		handle(client, message, false);
	}
	watch(client);
}

static void retry(struct client *client)
{
	struct json_object *message = client->stalled;

	client->stalled = NULL;
	stalled_clients--;
	handle(client, message, clock_ms() >= client->stalled_until);
	handle_received(client);
}

static void receive(struct client *client)
{
	ssize_t got = message_receive(&client->reader, client->sock, false);

	if (got == -EAGAIN || got == -EINTR)
		return;
	if (got <= 0)
		client_disconnect(client);
	else
		handle_received(client);
}

static void handle_event(struct client *client, uint32_t events)
{
	if (client->ended)
		return;

	if (events & EPOLLOUT) {
		send_queued(client);
		handle_received(client);
	} else if (events & EPOLLIN) {
		receive(client);
	} else {
		client_disconnect(client);
	}
}

/* Connecting */

/* Only root, besides the mode of the socket. Without root's rights luod serves its own user. */
static bool is_permitted(int sock, pid_t *pid)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		return false;
	*pid = peer.pid;
	return peer.uid == 0 || peer.uid == geteuid();
}

static int add_client(int sock, pid_t pid)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct client *client = calloc(1, sizeof(*client));
	int err;

	if (!client)
		return -ENOMEM;

	client->sock = sock;
	client->pid = pid;
	client->events = event.events;
	client->reader.fd = -1;
	client->last_line = &client->lines;
	event.data.ptr = client;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, sock, &event)) {
		err = -errno;
		free(client);
		return err;
	}

	client->next = clients;
	client->prev = &clients;
	if (clients)
		clients->prev = &client->next;
	clients = client;
	return 0;
}

static int watch_listener(uint32_t events)
{
	struct epoll_event event = { .events = events };

	return epoll_ctl(epoll_fd, EPOLL_CTL_MOD, listen_fd, &event) ? -errno : 0;
}

/* Descriptors or memory are short. Leave the connection for later. */
static void pause_accepting(int err)
{
	log_line("no new connections for a moment: %s", strerror(-err));
	if (!watch_listener(0))
		accept_after = clock_ms() + ACCEPT_RETRY_MS;
}

static void accept_client(void)
{
	int sock, err = 0;
	pid_t pid = 0;

	sock = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (sock < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			pause_accepting(-errno);
		return;
	}

	if (!is_permitted(sock, &pid)) {
		log_line("process %d is not root's", pid);
		err = -EPERM;
	} else {
		err = add_client(sock, pid);
	}
	if (err)
		close(sock);
}

static void free_client(struct client *client)
{
	struct line *line;

	while ((line = client->lines)) {
		client->lines = line->next;
		free_line(line);
	}
	if (client->stalled) {
		json_object_put(client->stalled);
		stalled_clients--;
	}
	message_reader_free(&client->reader);

	*client->prev = client->next;
	if (client->next)
		client->next->prev = client->prev;
	close(client->sock);
	free(client);
}

/* The end of a client can be the end of others. */
static void free_ended_clients(void)
{
	struct client *client;

	while ((client = ended_clients)) {
		ended_clients = client->next_ended;
		client_ops->gone(client);
		free_client(client);
	}
}

static int open_socket(const char *path)
{
	struct sockaddr_un address;
	int sock, err = message_address(&address, path);
	mode_t mask;

	if (err)
		return err;

	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0)
		return -errno;

	/* Left by a luod that has died */
	unlink(path);
	mask = umask(0177);
	err = bind(sock, (struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (err || listen(sock, SOMAXCONN)) {
		err = -errno;
		close(sock);
		return err;
	}
	return sock;
}

/* The listener is the event without a client. */
int clients_listen(const char *path, const struct client_ops *ops)
{
	struct epoll_event event = { .events = EPOLLIN };

	client_ops = ops;
	listen_fd = open_socket(path);
	if (listen_fd < 0)
		return listen_fd;

	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fd, &event))
		return -errno;
	return 0;
}

static int sooner(int timeout, int ms)
{
	return timeout < 0 || timeout > ms ? ms : timeout;
}

static void retry_stalled(void)
{
	struct client *client;

	for (client = clients; stalled_clients && client; client = client->next) {
		if (client->stalled && !client->ended)
			retry(client);
	}
}

int clients_wait(int timeout)
{
	struct epoll_event events[EVENTS_MAX];
	int count, i;

	if (accept_after)
		timeout = sooner(timeout, ACCEPT_RETRY_MS);
	if (stalled_clients)
		timeout = sooner(timeout, RETRY_MS);

	count = epoll_wait(epoll_fd, events, EVENTS_MAX, timeout);
	if (count < 0 && errno != EINTR)
		return -errno;

	for (i = 0; i < count; i++) {
		if (events[i].data.ptr)
			handle_event(events[i].data.ptr, events[i].events);
		else
			accept_client();
	}
	retry_stalled();
	free_ended_clients();
	if (accept_after && clock_ms() >= accept_after && !watch_listener(EPOLLIN))
		accept_after = 0;
	return 0;
}
