// SPDX-License-Identifier: GPL-2.0
/*
 * handon, handoff: sessions that no program has finished are not lost
 *
 * handon: sessions are left in the first kernel. In the second one, programs retrieve
 * some of them and die. No program uses the third one. In the fourth and the fifth one,
 * everything is still there.
 *
 * handoff: the second kernel has live update off.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../luo.h"

#define NR_FILES	5
#define FILE_SIZE	(3 * PAGE + 7)
#define GC_SECONDS	10

#define FLB		"luo_test_flb"

static void set_param(const char *module, const char *name, const char *value)
{
	CHECK(!guest_set_module_param(module, name, value));
}

static void load_module(const char *name)
{
	guest_need_module(name);
	CHECK(!guest_insmod(name, ""));
}

static void load_modules(void)
{
	load_module(HANDLER);
	load_module(FLB);
}

static void load_handler(void)
{
	load_module(HANDLER);
}

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

static ino_t *agent_inodes;

static void retrieve_and_change(void)
{
	int session = retrieve_some("agent_is_killed", 2);
	int i;

	for (i = 0; i < 2; i++)
		agent_inodes[i] = inode_of(old_file(session, i));
	fill(old_file(session, 1), 0, FILE_SIZE, 101);
}

/* The files that it had retrieved are the same files when they are retrieved again. */
static void agent_is_killed_after(void)
{
	int session, i;
	pid_t pid;

	agent_inodes = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(agent_inodes != MAP_FAILED);
	pid = start_child(retrieve_and_change);
	check_no_old_session("agent_is_killed", EINVAL);
	kill_child(pid);

	session = retrieve_some("agent_is_killed", 1);
	for (i = 0; i < 2; i++)
		CHECK_EQ(inode_of(old_file(session, i)), agent_inodes[i]);
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

/* The agent closes the session. Its child, which has inherited it, is killed. */
static int close_in_parent(void)
{
	int session = retrieve_some("fork_keeps_it", 2);
	pid_t pid = start_child(NULL);

	close(session);
	check_no_old_session("fork_keeps_it", EINVAL);
	kill_child(pid);
	return 0;
}

static void fork_keeps_it_after(void)
{
	CHECK_EQ(run_in_child(close_in_parent), 0);
	take_all("fork_keeps_it");
}

/* ---- the last descriptor goes with a socket ---- */

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

/* ---- sessions that are not retrieved ---- */

static void idle_kernels_1(void)
{
	leave_session("idle_kernels");
	leave_session("idle_kernels, empty");
	new_session("idle_kernels, no files");
}

/* The second kernel lists the sessions, the third one does not. */
static void idle_kernels_2(void)
{
	check_no_old_session("no such session", ENOENT);
	if (!access(OUT_SUMMARY, R_OK))
		check_found(OUT_SUMMARY, "\nhanded on unless restored: 0 blocks", 0);
}

static void idle_kernels_4(void)
{
	take_all("idle_kernels");
	take_all("idle_kernels, empty");
	finish_and_close(old_session("idle_kernels, no files"));
	check_no_old_session("idle_kernels, no files", ENOENT);
}

/* ---- sessions that are retrieved in part ---- */

static void agent_dies_1(void)
{
	leave_session("agent_dies");
}

static int retrieve_change_and_die(void)
{
	int session = retrieve_some("agent_dies", 2);

	fill(old_file(session, 1), 0, FILE_SIZE, 201);
	check_frozen(old_file(session, 0), FILE_SIZE);
	return 0;
}

static void agent_dies_2(void)
{
	CHECK_EQ(run_in_child(retrieve_change_and_die), 0);
}

/* Files that were retrieved come back as they were when they were handed on. */
static void agent_dies_4(void)
{
	int session = old_session("agent_dies");
	int first, i;

	for (i = 0; i < NR_FILES; i++)
		check_content(old_file(session, i), 0, FILE_SIZE, i == 1 ? 201 : i);
	first = old_file(session, 0);
	check_frozen(first, FILE_SIZE);
	finish_and_close(session);
	check_thawed(first);
	check_no_old_session("agent_dies", ENOENT);
}

static void agent_lives_1(void)
{
	leave_session("agent_lives");
}

/* This process has the session and its files open until the kexec. */
static void agent_lives_2(void)
{
	int session = retrieve_some("agent_lives", 3);
	int i;

	for (i = 0; i < 3; i++)
		fill(old_file(session, i), 0, FILE_SIZE, 300 + i);
}

static int retrieve_changed(void)
{
	int session = old_session("agent_lives");
	int i;

	for (i = 0; i < NR_FILES; i++)
		check_content(old_file(session, i), 0, FILE_SIZE,
			      i < 3 ? 300 + i : i);
	return session;
}

static void agent_lives_4(void)
{
	retrieve_changed();
}

/* Handed on once more, with all of its files retrieved */
static void agent_lives_5(void)
{
	finish_and_close(retrieve_changed());
}

/* ---- names ---- */

static void name_is_replaced_1(void)
{
	leave_session("name_is_replaced");
}

static void name_is_replaced_2(void)
{
	retrieve_some("name_is_replaced", 1);
	CHECK(!luo_preserve(new_session("name_is_replaced"),
			    new_file(FILE_SIZE, 400), 400));
}

static void name_is_replaced_4(void)
{
	int session = old_session("name_is_replaced");

	check_content(old_file(session, 400), 0, FILE_SIZE, 400);
	CHECK_ERRNO(luo_retrieve_fd(session, 1), ENOENT);
	finish_and_close(session);
}

static void name_is_taken_1(void)
{
	leave_session("name_is_taken");
}

static void check_taken(const char *name)
{
	int session = new_session(name);
	int fd = new_file(3 * PAGE, 1);

	CHECK(!luo_preserve(session, fd, 1));
	CHECK(!guest_load_image(0));
	guest_log_mark();
	CHECK_ERRNO(guest_kexec(), EEXIST);
	CHECK(guest_log_since("session 'name_is_taken' of the previous kernel is not retrieved"));
	check_frozen(fd, 3 * PAGE);
	close(session);
	check_thawed(fd);
}

static int retrieve_one_and_exit(void)
{
	retrieve_some("name_is_taken", 1);
	return 0;
}

/* A session that has gone back is not retrieved any more. */
static void name_is_taken_2(void)
{
	check_taken("name_is_taken");
	CHECK_EQ(run_in_child(retrieve_one_and_exit), 0);
	check_taken("name_is_taken");
	take_all("name_is_taken");
}

/* ---- reboot() fails ---- */

static void image_is_refused_1(void)
{
	leave_session("image_is_refused");
}

static void image_is_refused_2(void)
{
	CHECK(!load_old_way(0));
	guest_log_mark();
	CHECK_ERRNO(guest_kexec(), EINVAL);
	CHECK(guest_log_since("session(s) of the previous kernel are not finished"));
	CHECK(!guest_unload_image(0));
	take_all("image_is_refused");
}

static void reboot_fails_1(void)
{
	int session = new_session("reboot_fails");
	int i;

	for (i = 1; i <= 3; i++)
		CHECK(!luo_preserve(session, new_number(500 + i), i));
	for (i = 4; i <= 5; i++)
		CHECK(!luo_preserve(session, new_file(FILE_SIZE, i), i));
}

/* Token 2 is not retrieved. Everything is undone in reverse order. */
static void reboot_fails_2(void)
{
	int session = old_session("reboot_fails");
	int one, three, memfd, other;

	one = old_file(session, 1);
	three = old_file(session, 3);
	memfd = old_file(session, 4);
	check_number(one, 501);
	CHECK(!guest_load_image(0));

	set_param(HANDLER, "fail_preserve", "503");
	guest_log_mark();
	CHECK_ERRNO(guest_kexec(), EREMOTEIO);
	CHECK_ORDER(HANDLER ": preserve 501\n", HANDLER ": preserve 503 fails\n",
		    HANDLER ": unpreserve 501\n");
	set_param(HANDLER, "fail_preserve", "0");

	set_param(HANDLER, "fail_freeze", "503");
	guest_log_mark();
	CHECK_ERRNO(guest_kexec(), EREMOTEIO);
	CHECK_ORDER(HANDLER ": preserve 501\n", HANDLER ": preserve 503\n",
		    HANDLER ": freeze 501\n", HANDLER ": freeze 503 fails\n",
		    HANDLER ": unfreeze 501\n", HANDLER ": unpreserve 503\n",
		    HANDLER ": unpreserve 501\n");
	CHECK(!guest_log_since("502"));
	set_param(HANDLER, "fail_freeze", "0");

	/* The session is as before: files can be changed, and retrieved. */
	fill(memfd, 0, FILE_SIZE, 504);
	other = new_session("reboot_fails, new");
	CHECK_ERRNO(luo_preserve(other, three, 1), EBUSY);
	close(other);
	check_content(old_file(session, 5), 0, FILE_SIZE, 5);
}

static void reboot_fails_4(void)
{
	int session = old_session("reboot_fails");
	int i;

	for (i = 1; i <= 3; i++)
		check_number(old_file(session, i), 500 + i);
	check_content(old_file(session, 4), 0, FILE_SIZE, 504);
	check_content(old_file(session, 5), 0, FILE_SIZE, 5);
	finish_and_close(session);
}

/* ---- files that can't be retrieved ---- */

static void retrieved_in_part_1(void)
{
	int session = new_session("retrieved_in_part");
	int i;

	for (i = 1; i <= 3; i++)
		CHECK(!luo_preserve(session, new_number(600 + i), i));
}

/* The first file is retrieved in part, and the second one is lost. */
static void retrieved_in_part_2(void)
{
	int session = old_session("retrieved_in_part");

	set_param(HANDLER, "error", "11");
	set_param(HANDLER, "fail_retrieve", "601");
	CHECK_ERRNO(luo_retrieve_fd(session, 1), ENOMEM);
	set_param(HANDLER, "error", "121");
	set_param(HANDLER, "fail_retrieve", "602");
	CHECK_ERRNO(luo_retrieve_fd(session, 2), EREMOTEIO);
	set_param(HANDLER, "fail_retrieve", "0");
}

static void retrieved_in_part_4(void)
{
	int session = old_session("retrieved_in_part");

	check_number(old_file(session, 1), 601);
	CHECK_ERRNO(luo_retrieve_fd(session, 2), ENOENT);
	check_number(old_file(session, 3), 603);
	finish_and_close(session);
}

/* ---- state that files share ---- */

static void flb_is_handed_on_1(void)
{
	int session = new_session("flb_is_handed_on");

	guest_need_module(FLB);
	CHECK(!luo_preserve(session, new_flb_file('a'), 1));
	CHECK(!luo_preserve(session, new_flb_file('b'), 2));
}

/*
 * Two kernels did not load the module. This one does not retrieve the files, and one FLB
 * only in part.
 */
static void flb_is_handed_on_4(void)
{
	load_module(FLB);
	set_param(FLB, "do", "get_in 0 0");
	set_param(FLB, "do", "put_in 0 0");
	set_param(FLB, "error", "11");
	set_param(FLB, "fail_retrieve", "own");
	CHECK_ERRNO(guest_write_file("/sys/module/" FLB "/parameters/do", "get_in 1 0"),
		    ENOMEM);
	set_param(FLB, "fail_retrieve", "none");
}

static void flb_is_handed_on_5(void)
{
	int session, i;

	load_module(FLB);
	for (i = 0; i < 3; i++) {
		char verb[16];

		snprintf(verb, sizeof(verb), "get_in %d 0", i);
		set_param(FLB, "do", verb);
		snprintf(verb, sizeof(verb), "put_in %d 0", i);
		set_param(FLB, "do", verb);
	}
	session = old_session("flb_is_handed_on");
	old_file(session, 1);
	old_file(session, 2);
	guest_log_mark();
	finish_and_close(session);
	CHECK(guest_log_since(FLB ": finish shared, status 1"));
	CHECK(guest_log_since(FLB ": finish own, status 1"));
}

/* ---- nothing is left ---- */

static void everything_is_freed(void)
{
	guest_need_debugfs();
	check_found(IN_SUMMARY, "preserved, not restored: 0 blocks, 0 pages, ", 1);
	check_found(OUT_SUMMARY, "handed on unless restored: 0 blocks, ", 1);
	check_found(OUT_SUMMARY, "sessions of the previous kernel: 0\n", 1);
	check_no_leak();
}

#define IN_4_KERNELS(name)	{ #name, { name ## _1, name ## _2, NULL, name ## _4 } }

static const struct guest_test handon_tests[] = {
	{ "loads", { load_modules, load_handler, NULL, load_handler } },
	GUEST_TEST_OF_2(agent_is_killed),
	GUEST_TEST_OF_2(agent_exits),
	GUEST_TEST_OF_2(agent_closes),
	GUEST_TEST_OF_2(finished_and_exits),
	GUEST_TEST_OF_2(fork_keeps_it),
	GUEST_TEST_OF_2(socket_is_closed),
	GUEST_TEST_OF_2(socket_is_collected),
	IN_4_KERNELS(idle_kernels),
	IN_4_KERNELS(agent_dies),
	{ "agent_lives", { agent_lives_1, agent_lives_2, NULL, agent_lives_4,
			   agent_lives_5 } },
	IN_4_KERNELS(name_is_replaced),
	{ "name_is_taken", { name_is_taken_1, name_is_taken_2 } },
	{ "image_is_refused", { image_is_refused_1, image_is_refused_2 } },
	IN_4_KERNELS(reboot_fails),
	IN_4_KERNELS(retrieved_in_part),
	{ "flb_is_handed_on", { flb_is_handed_on_1, NULL, NULL,
				flb_is_handed_on_4, flb_is_handed_on_5 } },
	{ "everything_is_freed", { [4] = everything_is_freed } },
};

GUEST_SUITE(handon, 5)

/* ---- handoff ---- */

static void sessions_are_dropped_before(void)
{
	leave_session("sessions_are_dropped");
	leave_session("sessions_are_dropped, too");
}

static void sessions_are_dropped_after(void)
{
	CHECK_LOGGED("LUO: off in this kernel: 2 session(s) of the previous kernel are dropped");
	CHECK(luo_open() < 0);
}

static const struct guest_test handoff_tests[] = {
	GUEST_TEST_OF_2(sessions_are_dropped),
};

/* An image with liveupdate=off is refused, but not one without the option. */
GUEST_SUITE(handoff, 2, .drop = "liveupdate=")
