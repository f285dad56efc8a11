// SPDX-License-Identifier: GPL-2.0
/*
 * luod: a client of the daemon of tools/liveupdate
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * tools/liveupdate/tests/ tests luod on a fake device. Here it runs on the kernel's.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../luo.h"

#define ID		"vm0"
#define FILE_TOKEN	7
#define FILE_SIZE	(5 * 1024 * 1024 + 3)
#define FILE_SEED	21

/* Each test has its own luod. */
static const char *socket_path(void)
{
	static char path[100];

	snprintf(path, sizeof(path), "/tmp/%s/socket", guest_test_name());
	return path;
}

static int try_to_connect(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(sock >= 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path());
	if (!connect(sock, (struct sockaddr *)&address, sizeof(address)))
		return sock;
	close(sock);
	return -1;
}

static int connect_to_luod(void)
{
	int sock = try_to_connect();

	CHECK(sock >= 0);
	return sock;
}

static pid_t start_luod(void)
{
	pid_t pid;
	int sock;

	if (!guest_has_program("luod"))
		guest_skip("luod is not built, it needs json-c (libjson-c-dev)");

	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		execl("/bin/luod", "luod", "--socket", socket_path(), NULL);
		_exit(127);
	}

	while ((sock = try_to_connect()) < 0) {
		CHECK(!waitpid(pid, NULL, WNOHANG));
		usleep(10000);
	}
	close(sock);
	return pid;
}

static void kill_luod(pid_t pid)
{
	CHECK(!kill(pid, SIGKILL));
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

/* Receive a byte, and the descriptor that comes with it, if any. */
static char receive_byte(int sock, int *fd)
{
	char control[CMSG_SPACE(sizeof(*fd))], byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};

	CHECK_EQ(recvmsg(sock, &msg, MSG_CMSG_CLOEXEC), 1);
	if (CMSG_FIRSTHDR(&msg))
		memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(*fd));
	return byte;
}

/* Receive a message, which must have this text. Return its descriptor or -1. */
static int receive(int sock, const char *text)
{
	char line[4096];
	size_t len = 0;
	int fd = -1;

	do {
		CHECK(len < sizeof(line));
		line[len] = receive_byte(sock, &fd);
	} while (line[len++] != '\n');
	line[len - 1] = '\0';

	guest_note("received %s", line);
	CHECK(strstr(line, text));
	return fd;
}

static void say(int sock, const char *line)
{
	CHECK_EQ(write(sock, line, strlen(line)), strlen(line));
}

static int ask(int sock, const char *line, const char *answer)
{
	say(sock, line);
	return receive(sock, answer);
}

/* Take part in an update until the session is there, and return that. */
static int start_update(int client, int luoctl)
{
	int session;

	ask(client, "{\"cmd\":\"SUBSCRIBE\",\"id\":\"" ID "\"}\n", "\"ok\":true");
	say(luoctl, "{\"cmd\":\"UPDATE\",\"now\":true,\"timeout_ms\":3600000}\n");
	session = receive(client, "\"event\":\"START_PRESERVATION\"");
	CHECK(session >= 0);
	return session;
}

/* ---- an update that is called off ---- */

static void called_off(void)
{
	pid_t luod = start_luod();
	int client = connect_to_luod(), luoctl = connect_to_luod();
	int session = start_update(client, luoctl), fd = new_file(FILE_SIZE, 1);

	CHECK(!luo_preserve(session, fd, FILE_TOKEN));
	check_frozen(fd, FILE_SIZE);
	say(client, "{\"cmd\":\"FAILED\",\"id\":\"" ID "\",\"update\":1}\n");
	receive(client, "\"event\":\"CANCELLED\"");
	receive(client, "\"cmd\":\"FAILED\"");
	receive(luoctl, "\"error\":\"ECANCELED\"");
	close(session);

	/* luod does not have the session any more. */
	check_thawed(fd);
	close(new_session(ID));
	kill_luod(luod);
}

/* ---- an update, with everybody but luod forgetting the session ---- */

static void live_update_before(void)
{
	int client, luoctl, session, fd;

	start_luod();
	client = connect_to_luod();
	luoctl = connect_to_luod();
	session = start_update(client, luoctl);
	fd = new_file(FILE_SIZE, FILE_SEED);
	CHECK(!luo_preserve(session, fd, FILE_TOKEN));
	close(fd);
	ask(client, "{\"cmd\":\"READY\",\"id\":\"" ID "\",\"update\":1}\n", "\"cmd\":\"READY\"");
	receive(client, "\"event\":\"COMMIT\"");
	receive(luoctl, "\"ok\":true");
	close(session);
	close(client);
	/* The connection of luoctl stays open until the kexec. */
}

static int claim(int client)
{
	int session = ask(client, "{\"cmd\":\"CLAIM\",\"id\":\"" ID "\"}\n", "\"ok\":true");

	CHECK(session >= 0);
	return session;
}

/* A client that is killed with the session */
static int claim_and_die(void)
{
	claim(connect_to_luod());
	return kill(getpid(), SIGKILL);
}

static void live_update_after(void)
{
	pid_t luod = start_luod();
	int client = connect_to_luod();
	int session, fd;

	ask(client, "{\"cmd\":\"CLAIM\",\"id\":\"another\"}\n", "\"error\":\"ENOENT\"");
	CHECK_EQ(run_in_child(claim_and_die), -1);
	kill_luod(luod);
	close(client);

	luod = start_luod();
	client = connect_to_luod();
	session = claim(client);
	fd = old_file(session, FILE_TOKEN);
	check_file(fd, FILE_SIZE, FILE_SEED);
	ask(client, "{\"cmd\":\"DONE\",\"id\":\"" ID "\"}\n", "\"ok\":true");
	close(session);
	check_no_old_session(ID, ENOENT);
	check_thawed(fd);
	ask(client, "{\"cmd\":\"CLAIM\",\"id\":\"" ID "\"}\n", "\"error\":\"ESTALE\"");
	kill_luod(luod);
}

static const struct guest_test luod_tests[] = {
	GUEST_TEST(called_off),
	GUEST_TEST_OF_2(live_update),
};

GUEST_SUITE(luod, 2)
