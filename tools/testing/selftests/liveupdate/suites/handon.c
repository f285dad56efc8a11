// SPDX-License-Identifier: GPL-2.0
/*
 * handon: sessions that no program has finished are not lost
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../luo.h"

#define NR_FILES	5
#define FILE_SIZE	(3 * PAGE + 7)
#define GC_SECONDS	10

/* Leave a session with files whose tokens are their seeds. */
static int leave_session(const char *name)
{
	int session = new_session(name);
	int i;

	for (i = 0; i < NR_FILES; i++)
		CHECK(!luo_preserve(session, new_file(FILE_SIZE, i), i));
	return session;
}

/* Retrieve the session, and the first @nr of its files. */
static int retrieve_some(const char *name, int nr)
{
	int session = old_session(name);
	int i;

	for (i = 0; i < nr; i++)
		check_content(old_file(session, i), 0, FILE_SIZE, i);
	return session;
}

/* Check that the session is complete, and finish it. */
static void take_all(const char *name)
{
	finish_and_close(retrieve_some(name, NR_FILES));
	check_no_old_session(name, ENOENT);
}

static ino_t inode_of(int fd)
{
	struct stat st;

	CHECK(!fstat(fd, &st));
	return st.st_ino;
}

/* ---- the last descriptor goes in one kernel ---- */

static void agent_is_killed_before(void)
{
	leave_session("agent_is_killed");
}

/* The files that it had retrieved are the same files when they are retrieved again. */
static void agent_is_killed_after(void)
{
	ino_t *inodes = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int ready[2], session, i;
	char byte;
	pid_t pid;

	CHECK(inodes != MAP_FAILED);
	CHECK(!pipe(ready));
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		session = retrieve_some("agent_is_killed", 2);
		for (i = 0; i < 2; i++)
			inodes[i] = inode_of(old_file(session, i));
		fill(old_file(session, 1), 0, FILE_SIZE, 101);
		CHECK_EQ(write(ready[1], "x", 1), 1);
		pause();
		_exit(0);
	}
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	check_no_old_session("agent_is_killed", EINVAL);
	CHECK(!kill(pid, SIGKILL));
	CHECK_EQ(waitpid(pid, NULL, 0), pid);

	session = retrieve_some("agent_is_killed", 1);
	for (i = 0; i < 2; i++)
		CHECK_EQ(inode_of(old_file(session, i)), inodes[i]);
	check_content(old_file(session, 1), 0, FILE_SIZE, 101);
	for (i = 2; i < NR_FILES; i++)
		check_content(old_file(session, i), 0, FILE_SIZE, i);
	finish_and_close(session);
	check_no_old_session("agent_is_killed", ENOENT);
}

static void agent_exits_before(void)
{
	leave_session("agent_exits");
}

static int retrieve_and_exit(void)
{
	retrieve_some("agent_exits", 3);
	return 0;
}

static void agent_exits_after(void)
{
	int i;

	for (i = 0; i < 3; i++)
		CHECK_EQ(run_in_child(retrieve_and_exit), 0);
	take_all("agent_exits");
}

static void agent_closes_before(void)
{
	leave_session("agent_closes");
	leave_session("agent_closes 2");
	leave_session("agent_closes 3");
}

static int retrieve_and_close(void)
{
	int session = retrieve_some("agent_closes", 2);
	int other = dup(session);

	CHECK(other >= 0);
	close(session);
	check_no_old_session("agent_closes", EINVAL);
	close(other);
	session = retrieve_some("agent_closes 2", 0);
	CHECK(dup2(STDIN_FILENO, session) == session);
	return 0;
}

static int retrieve_and_exec(void)
{
	char *const argv[] = { "/init", "list", "no such suite", NULL };

	retrieve_some("agent_closes 3", 2);
	execv(argv[0], argv);
	return 1;
}

/* The descriptors have the close-on-exec flag. */
static void agent_closes_after(void)
{
	CHECK_EQ(run_in_child(retrieve_and_close), 0);
	check_no_old_session("agent_closes", ENOENT);
	check_no_old_session("agent_closes 2", ENOENT);
	CHECK(run_in_child(retrieve_and_exec) >= 0);
	check_no_old_session("agent_closes 3", ENOENT);
}

static void finished_and_exits_before(void)
{
	leave_session("finished_and_exits");
}

static int finish_and_exit(void)
{
	return luo_finish(retrieve_some("finished_and_exits", 1));
}

static void finished_and_exits_after(void)
{
	CHECK_EQ(run_in_child(finish_and_exit), 0);
	check_no_old_session("finished_and_exits", ENOENT);
}

static void fork_keeps_it_before(void)
{
	leave_session("fork_keeps_it");
}

/* The agent closes the session. The child that has inherited it exits. */
static int close_in_parent(void)
{
	int session = retrieve_some("fork_keeps_it", 2);
	int ready[2];
	char byte;
	pid_t pid;

	CHECK(!pipe(ready));
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		CHECK_EQ(read(ready[0], &byte, 1), 1);
		_exit(0);
	}
	close(session);
	check_no_old_session("fork_keeps_it", EINVAL);
	CHECK_EQ(write(ready[1], "x", 1), 1);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	return 0;
}

static void fork_keeps_it_after(void)
{
	CHECK_EQ(run_in_child(close_in_parent), 0);
	take_all("fork_keeps_it");
}

/* ---- the last descriptor goes with a socket ---- */

static void send_fd(int sock, int fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {};
	char byte = 0;
	struct iovec data = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(int));
	CHECK_EQ(sendmsg(sock, &msg, 0), 1);
}

static void socket_is_closed_before(void)
{
	leave_session("socket_is_closed");
}

/* The receiver closes its socket before it has read the message. */
static void socket_is_closed_after(void)
{
	int session = retrieve_some("socket_is_closed", 2);
	int sockets[2];

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
	send_fd(sockets[0], session);
	close(session);
	check_no_old_session("socket_is_closed", EINVAL);
	close(sockets[1]);
	close(sockets[0]);
	take_all("socket_is_closed");
}

static void socket_is_collected_before(void)
{
	leave_session("socket_is_collected");
}

/* A socket whose only descriptor is in its own queue is freed by a kernel thread. */
static void socket_is_collected_after(void)
{
	int session = retrieve_some("socket_is_collected", 2);
	int dev = open_device();
	int sockets[2], again = -1, i;

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
	send_fd(sockets[0], session);
	send_fd(sockets[0], sockets[1]);
	send_fd(sockets[1], sockets[0]);
	close(session);
	close(sockets[0]);
	close(sockets[1]);
	for (i = 0; again < 0 && i < 100 * GC_SECONDS; i++) {
		usleep(10000);
		/* Closing any socket starts the garbage collection. */
		close(socket(AF_UNIX, SOCK_STREAM, 0));
		again = luo_retrieve(dev, "socket_is_collected");
		CHECK(again >= 0 || errno == EINVAL);
	}
	CHECK(again >= 0);
	for (i = 0; i < NR_FILES; i++)
		check_content(old_file(again, i), 0, FILE_SIZE, i);
	finish_and_close(again);
}

static const struct guest_test handon_tests[] = {
	GUEST_TEST_OF_2(agent_is_killed),
	GUEST_TEST_OF_2(agent_exits),
	GUEST_TEST_OF_2(agent_closes),
	GUEST_TEST_OF_2(finished_and_exits),
	GUEST_TEST_OF_2(fork_keeps_it),
	GUEST_TEST_OF_2(socket_is_closed),
	GUEST_TEST_OF_2(socket_is_collected),
};

GUEST_SUITE(handon, 2)
