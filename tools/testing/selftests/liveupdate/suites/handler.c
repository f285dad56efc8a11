// SPDX-License-Identifier: GPL-2.0
/*
 * handler: files of a handler that fails on demand, in a module
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The first test loads the module in the first kernel, loaded_later() in the second.
 */
#include <fcntl.h>
#include <linux/memfd.h>
#include <linux/reboot.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../luo.h"

#define MODULE		"luo_test_handler"

static void set_param(const char *name, int value)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", value);
	CHECK(!guest_set_module_param(MODULE, name, text));
}

/* Check that the text of @fmt and @number was logged after the one checked before. */
static void check_next(const char *fmt, int number)
{
	char line[64];

	snprintf(line, sizeof(line), fmt, number);
	if (!guest_log_next(line))
		guest_fail(__FILE__, __LINE__, "log lacks '%s'", line);
}

/* ---- preserving ---- */

static void registers(void)
{
	CHECK(!guest_insmod(MODULE, ""));
	CHECK_ERRNO(guest_insmod(MODULE, ""), EEXIST);
}

static void preserve_fails(void)
{
	int session = new_session("preserve_fails");
	int fd = new_number(101);

	set_param("fail_preserve", 101);
	CHECK_ERRNO(luo_preserve(session, fd, 1), EREMOTEIO);
	CHECK_ERRNO(luo_preserve(session, fd, 1), EREMOTEIO);
	set_param("fail_preserve", 0);
	/* Neither the file nor the token is taken. */
	CHECK(!luo_preserve(session, new_number(102), 1));
	CHECK(!luo_preserve(session, fd, 2));
}

/* Return a session with files of these numbers, which are also their tokens. */
static int preserve_numbers(const char *name, int first, int last)
{
	int session = new_session(name);
	int i;

	for (i = first; i <= last; i++)
		CHECK(!luo_preserve(session, new_number(i), i));
	return session;
}

static void close_unpreserves_in_reverse(void)
{
	int session = preserve_numbers("close_unpreserves_in_reverse", 201, 203);

	guest_log_mark();
	close(session);
	CHECK_ORDER("unpreserve 203", "unpreserve 202", "unpreserve 201");
}

/* The files before @failing stay preserved until the session is closed. */
static void check_preserve_fails_at(int failing)
{
	int session = new_session("preserve_fails_at_each");
	int i;

	set_param("fail_preserve", failing);
	for (i = 211; i < failing; i++)
		CHECK(!luo_preserve(session, new_number(i), i));
	guest_log_mark();
	CHECK_ERRNO(luo_preserve(session, new_number(failing), failing),
		    EREMOTEIO);
	close(session);
	for (i = failing - 1; i >= 211; i--)
		check_next(": unpreserve %d\n", i);
	CHECK(!guest_log_next(": unpreserve 21"));
	set_param("fail_preserve", 0);
}

static void preserve_fails_at_each(void)
{
	int failing;

	for (failing = 211; failing <= 214; failing++)
		check_preserve_fails_at(failing);
}

static void preserved_file_pins_module(void)
{
	int session = new_session("preserved_file_pins_module");

	CHECK(!luo_preserve(session, new_number(301), 1));
	CHECK_ERRNO(guest_rmmod(MODULE), EWOULDBLOCK);
}

/* ---- reboot() fails when a file can't be frozen ---- */

#define FROZEN_SIZE	(3 * PAGE)

static void check_still_usable(int session, int memfd)
{
	check_frozen(memfd, FROZEN_SIZE);
	CHECK_ERRNO(luo_preserve(session, memfd, 9), EBUSY);
	CHECK(!luo_preserve(session, new_number(404), 4));
	close(new_session("freeze_fails, a new session"));
}

/* The files before @failing are thawed in reverse order. */
static void check_freeze_fails_at(int failing)
{
	int i;

	set_param("fail_freeze", failing);
	guest_log_mark();
	CHECK_ERRNO(guest_kexec(), EREMOTEIO);
	CHECK(guest_log_since("can't freeze file with token"));
	for (i = 401; i < failing; i++)
		check_next(": freeze %d\n", i);
	check_next(": freeze %d fails\n", failing);
	for (i = failing - 1; i >= 401; i--)
		check_next(": unfreeze %d\n", i);
	CHECK(!guest_log_next(": unfreeze 40"));
	set_param("fail_freeze", 0);
}

static void freeze_fails_before(void)
{
	int session = new_session("freeze_fails");
	int other = new_session("freeze_fails, others");
	int memfd = new_file(FROZEN_SIZE, 1);
	int i;

	CHECK(!luo_preserve(other, memfd, 1));
	for (i = 401; i <= 403; i++)
		CHECK(!luo_preserve(session, new_number(i), i - 400));
	CHECK(!guest_load_image(0));

	for (i = 401; i <= 403; i++)
		check_freeze_fails_at(i);
	check_freeze_fails_at(403);
	check_still_usable(session, memfd);
	/* A session that is closed now is not handed over. */
	close(new_session("freeze_fails, closed"));
}

static void freeze_fails_after(void)
{
	int session = old_session("freeze_fails");
	int i;

	for (i = 1; i <= 4; i++)
		check_number(old_file(session, i), 400 + i);
	check_content(old_file(old_session("freeze_fails, others"), 1), 0,
		      FROZEN_SIZE, 1);
	check_no_old_session("freeze_fails, closed", ENOENT);
	CHECK(!luo_finish(session));
}

/* ---- a file that takes long, and tasks that wait for it ---- */

/* Every wait below ends within this time, in steps of 100 ms. */
#define PATIENCE	100

/* Start a process that makes a call, and exits with 0 or the error of the call. */
static pid_t start(int (*call)(int a, int b), int a, int b)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	_exit(call(a, b) < 0 ? errno : 0);
}

/* The token is the number of the file. */
static int call_preserve(int session, int number)
{
	return luo_preserve(session, new_number(number), number);
}

static int call_retrieve(int session, int number)
{
	return luo_retrieve_fd(session, number);
}

static int call_create(int dev, int unused)
{
	return luo_create(dev, "handler, created meanwhile");
}

static int call_finish(int session, int unused)
{
	return luo_finish(session);
}

static int call_kexec(int unused, int unused2)
{
	return reboot(LINUX_REBOOT_CMD_KEXEC);
}

/* A reboot() that has no effect, but takes the lock that all of them take */
static int call_plain_reboot(int unused, int unused2)
{
	return reboot(LINUX_REBOOT_CMD_CAD_OFF);
}

/* Return the exit status of a process, its signal plus 256, or -1 if it goes on. */
static int ended(pid_t pid)
{
	int i, status;
	pid_t ret;

	for (i = 0; i < PATIENCE; i++) {
		ret = waitpid(pid, &status, WNOHANG);
		CHECK(ret >= 0);
		if (ret)
			return WIFSIGNALED(status) ? 256 + WTERMSIG(status) :
						     WEXITSTATUS(status);
		usleep(100000);
	}
	return -1;
}

static void check_kill_ends(pid_t pid)
{
	CHECK(!kill(pid, SIGKILL));
	CHECK_EQ(ended(pid), 256 + SIGKILL);
}

/* Wait until a process waits in the kernel for something else than a signal. */
static void wait_until_blocked(pid_t pid)
{
	char path[64];
	char *text;
	bool blocked;
	int i;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	for (i = 0; i < PATIENCE; i++) {
		text = guest_read_file(path);
		CHECK(text);
		blocked = strstr(text, ") D ");
		free(text);
		if (blocked)
			return;
		usleep(100000);
	}
	guest_fail(__FILE__, __LINE__, "process %d does not wait", pid);
}

static void wait_until_stalled(const char *op, int number)
{
	char text[64];
	int i;

	snprintf(text, sizeof(text), ": %s %d takes long", op, number);
	for (i = 0; i < PATIENCE && !guest_log_since(text); i++)
		usleep(100000);
	CHECK(i < PATIENCE);
}

/* Start a request for the file with this number that takes long. */
static pid_t start_stalled(const char *op, int session, int number)
{
	char param[32];
	pid_t pid;

	snprintf(param, sizeof(param), "stall_%s", op);
	set_param(param, number);
	guest_log_mark();
	pid = start(strcmp(op, "preserve") ? call_retrieve : call_preserve,
		    session, number);
	wait_until_stalled(op, number);
	return pid;
}

static void preserve_is_killed(void)
{
	int session;
	pid_t pid;

	session = new_session("preserve_is_killed");
	CHECK(!luo_preserve(session, new_number(450), 450));
	pid = start_stalled("preserve", session, 451);
	check_kill_ends(pid);
	set_param("stall_preserve", 0);
	/* The token is free, and the session has what it had. */
	CHECK(!luo_preserve(session, new_number(452), 451));
	CHECK_ERRNO(luo_preserve(session, new_number(453), 450), EEXIST);
}

/* Other requests for the session, and for new ones, wait killably. */
static void waiting_for_preserve_is_killed(void)
{
	int session, dev;
	pid_t stalled, second, kexec, create;

	session = new_session("waiting_for_preserve_is_killed");
	stalled = start_stalled("preserve", session, 455);
	second = start(call_preserve, session, 456);
	wait_until_blocked(second);
	check_kill_ends(second);

	CHECK(!guest_load_image(0));
	kexec = start(call_kexec, 0, 0);
	wait_until_blocked(kexec);
	/* Later requests wait for the reboot(). */
	dev = open_device();
	create = start(call_create, dev, 0);
	wait_until_blocked(create);
	check_kill_ends(create);
	check_kill_ends(kexec);

	set_param("stall_preserve", 0);
	CHECK_EQ(ended(stalled), 0);
	CHECK(!guest_unload_image(0));
}

/*
 * A task waits in reboot() for a request or a file handler without any other lock. So
 * a panic can boot the crash kernel, another image can be loaded, and the system rebooted
 * in another way.
 */
static void check_reboot_holds_nothing(void)
{
	char *size;

	/* Reading this fails with EBUSY if the kexec lock is held. */
	size = guest_read_file("/sys/kernel/kexec_crash_size");
	CHECK(size && *size);
	free(size);
	CHECK(!guest_load_image(0));
	CHECK_EQ(ended(start(call_plain_reboot, 0, 0)), 0);
}

static void waiting_reboot_holds_nothing(void)
{
	int session;
	pid_t stalled, kexec;

	session = new_session("waiting_reboot_holds_nothing");
	stalled = start_stalled("preserve", session, 460);
	CHECK(!guest_load_image(0));
	kexec = start(call_kexec, 0, 0);
	wait_until_blocked(kexec);
	check_reboot_holds_nothing();

	check_kill_ends(kexec);
	set_param("stall_preserve", 0);
	CHECK_EQ(ended(stalled), 0);
	/* All goes on as if reboot() had not been called. */
	CHECK(!luo_preserve(session, new_number(461), 461));
	close(new_session("a session after a killed reboot()"));
	CHECK(!guest_unload_image(0));
}

static int held_file;

static void hold_session(void)
{
	CHECK(!luo_preserve(new_session("held"), held_file, 1));
}

/* Close a descriptor once @pipe can be read. */
static int call_close_later(int fd, int pipe)
{
	char byte;

	return read(pipe, &byte, 1) == 1 ? close(fd) : -1;
}

/*
 * While reboot() waits, sessions can't be unpreserved. Processes that hold one or close
 * one can be killed. The session ends after reboot().
 */
static void closing_during_reboot_is_killed(void)
{
	int session, fd, later[2];
	pid_t stalled, holder, closer, kexec;

	session = new_session("closing_during_reboot_is_killed");
	stalled = start_stalled("preserve", session, 463);
	held_file = new_file(PAGE, 1);
	holder = start_child(hold_session);
	session = new_session("closed");
	fd = new_file(PAGE, 2);
	CHECK(!luo_preserve(session, fd, 1));
	CHECK(!pipe2(later, O_CLOEXEC));
	closer = start(call_close_later, session, later[0]);
	close(session);

	CHECK(!guest_load_image(0));
	kexec = start(call_kexec, 0, 0);
	wait_until_blocked(kexec);
	check_kill_ends(holder);
	CHECK_EQ(write(later[1], "x", 1), 1);
	wait_until_blocked(closer);
	check_kill_ends(closer);
	CHECK_ERRNO(ftruncate(held_file, 0), EPERM);
	CHECK_ERRNO(ftruncate(fd, 0), EPERM);

	check_kill_ends(kexec);
	check_thaws(held_file);
	check_thaws(fd);
	close(new_session("held"));
	close(new_session("closed"));
	set_param("stall_preserve", 0);
	CHECK_EQ(ended(stalled), 0);
	CHECK(!guest_unload_image(0));
}

#define NR_HELD	600	/* more than a workqueue runs at a time */

static void hold_many_sessions(void)
{
	char name[32];
	int i, session = -1;

	for (i = 0; i < NR_HELD; i++) {
		snprintf(name, sizeof(name), "held %d", i);
		session = new_session(name);
	}
	CHECK(!luo_preserve(session, held_file, 1));
}

/* The kernel runs modprobe for an unknown protocol, with the help of a workqueue. */
static int call_unknown_protocol(int unused, int unused2)
{
	return socket(AF_X25, SOCK_SEQPACKET, 0);
}

/*
 * While reboot() waits, any number of sessions can lose their process, and the kernel
 * goes on. They end before reboot() fails.
 */
static void many_sessions_close_during_reboot(void)
{
	pid_t stalled, holder, kexec;
	char name[32];
	int session;

	session = new_session("many_sessions_close_during_reboot");
	stalled = start_stalled("preserve", session, 464);
	held_file = new_file(PAGE, 1);
	holder = start_child(hold_many_sessions);
	kexec = start(call_kexec, 0, 0);
	wait_until_blocked(kexec);
	check_kill_ends(holder);
	CHECK_EQ(ended(start(call_unknown_protocol, 0, 0)), EAFNOSUPPORT);
	CHECK_ERRNO(ftruncate(held_file, 0), EPERM);

	set_param("stall_preserve", 0);
	CHECK_EQ(ended(stalled), 0);
	/* No image is loaded. */
	CHECK_EQ(ended(kexec), EINVAL);
	check_thawed(held_file);
	snprintf(name, sizeof(name), "held %d", NR_HELD - 1);
	close(new_session(name));
	close(new_session("held 0"));
}

/* A descriptor that call_write() does not keep */
static int not_for_writer = -1;

/* Write a page to @fd that is read from a mapping of @source. */
static int call_write(int fd, int source)
{
	void *page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, source, 0);

	close(not_for_writer);
	return page == MAP_FAILED ? -1 : pwrite(fd, page, PAGE, 0);
}

/* Start a write to a memfd that lasts until "stall_fault" is changed. */
static pid_t start_stalled_write(int fd, int number)
{
	pid_t pid;

	set_param("stall_fault", number);
	guest_log_mark();
	pid = start(call_write, fd, new_number(number));
	wait_until_stalled("fault", number);
	return pid;
}

static int call_preserve_fd(int session, int fd)
{
	return luo_preserve(session, fd, fd);
}

/* Close a descriptor that the parent has closed by then. */
static int call_close(int fd, int unused)
{
	usleep(500000);
	return close(fd);
}

/*
 * PRESERVE_FD of a memfd waits for a write in progress. The writer decides how long
 * that takes. It must not be able to keep the system from being rebooted.
 */
static void preserve_waits_for_write(void)
{
	int session, fd;
	pid_t writer, preserver, kexec;

	session = new_session("preserve_waits_for_write");
	fd = new_file(2 * PAGE, 1);
	writer = start_stalled_write(fd, 480);
	preserver = start(call_preserve_fd, session, fd);
	wait_until_blocked(preserver);
	CHECK(!guest_load_image(0));
	kexec = start(call_kexec, 0, 0);
	wait_until_blocked(kexec);
	CHECK_EQ(ended(start(call_plain_reboot, 0, 0)), 0);
	check_kill_ends(kexec);
	check_kill_ends(preserver);

	preserver = start(call_preserve_fd, session, fd);
	wait_until_blocked(preserver);
	set_param("stall_fault", 0);
	CHECK_EQ(ended(writer), 0);
	CHECK_EQ(ended(preserver), 0);
	CHECK_ERRNO(ftruncate(fd, 0), EPERM);
	close(session);
	check_thawed(fd);
	CHECK(!guest_unload_image(0));
}

/* Closing the session does not wait for a write. */
static void close_during_write(void)
{
	int session, fd;
	pid_t writer, closer;

	session = new_session("close_during_write");
	fd = new_file(2 * PAGE, 1);
	CHECK(!luo_preserve(session, fd, 1));
	not_for_writer = session;
	writer = start_stalled_write(fd, 481);
	closer = start(call_close, session, 0);
	close(session);
	CHECK_EQ(ended(closer), 0);
	set_param("stall_fault", 0);
	CHECK_EQ(ended(writer), 0);
	check_thawed(fd);
}

static void retrieve_is_killed_before(void)
{
	preserve_numbers("retrieve_is_killed", 470, 471);
}

static void retrieve_is_killed_after(void)
{
	int session = old_session("retrieve_is_killed");
	pid_t stalled, second, finish;

	stalled = start_stalled("retrieve", session, 470);
	second = start(call_retrieve, session, 471);
	wait_until_blocked(second);
	check_kill_ends(second);
	finish = start(call_finish, session, 0);
	wait_until_blocked(finish);
	check_kill_ends(finish);
	check_kill_ends(stalled);
	set_param("stall_retrieve", 0);

	check_number(old_file(session, 470), 470);
	check_number(old_file(session, 471), 471);
	CHECK(!luo_finish(session));
}

/* ---- retrieving ---- */

static void unknown_handler_before(void)
{
	int session = new_session("unknown_handler");

	CHECK(!luo_preserve(session, new_number(501), 1));
	CHECK(!luo_preserve(session, new_file(PAGE, 2), 2));
}

/* The module is not loaded yet. */
static void unknown_handler_after(void)
{
	int session = old_session("unknown_handler");

	CHECK_ERRNO(luo_retrieve_fd(session, 1), ENOENT);
	check_content(old_file(session, 2), 0, PAGE, 2);
	finish_and_close(session);
	check_no_old_session("unknown_handler", ENOENT);
}

static void loaded_later_before(void)
{
	CHECK(!luo_preserve(new_session("loaded_later"), new_number(601), 1));
}

static void loaded_later_after(void)
{
	int session = old_session("loaded_later");

	CHECK(!guest_insmod(MODULE, ""));
	check_number(old_file(session, 1), 601);
	CHECK_ERRNO(guest_rmmod(MODULE), EWOULDBLOCK);
	CHECK(!luo_finish(session));
}

static const int final[] = { 701, 702, 703 };

static void failed_retrieve_is_final_before(void)
{
	char name[NAME_LENGTH];
	size_t i, nr;

	for (nr = 0; nr < ARRAY_SIZE(final); nr++) {
		int session;

		snprintf(name, sizeof(name), "failed_retrieve_is_final %zu", nr);
		session = new_session(name);
		for (i = 0; i < ARRAY_SIZE(final); i++)
			CHECK(!luo_preserve(session, new_number(final[i]), i));
	}
}

/* A second request gets the same error, and the other files are retrieved. */
static void check_retrieve_fails_at(int session, size_t failing)
{
	size_t i;

	set_param("fail_retrieve", final[failing]);
	guest_log_mark();
	CHECK_ERRNO(luo_retrieve_fd(session, failing), EREMOTEIO);
	check_next(": retrieve %d fails\n", final[failing]);
	set_param("fail_retrieve", 0);
	guest_log_mark();
	CHECK_ERRNO(luo_retrieve_fd(session, failing), EREMOTEIO);
	CHECK(!guest_log_since(": retrieve "));
	for (i = 0; i < ARRAY_SIZE(final); i++)
		if (i != failing)
			check_number(old_file(session, i), final[i]);
	guest_log_mark();
	CHECK(!luo_finish(session));
	for (i = ARRAY_SIZE(final); i-- > 0;)
		check_next(i == failing ? ": finish %d, status -121\n" :
			   ": finish %d, status 1\n", final[i]);
}

static void failed_retrieve_is_final_after(void)
{
	char name[NAME_LENGTH];
	size_t nr;

	for (nr = 0; nr < ARRAY_SIZE(final); nr++) {
		snprintf(name, sizeof(name), "failed_retrieve_is_final %zu", nr);
		check_retrieve_fails_at(old_session(name), nr);
	}
}

static void retrieve_is_tried_again_before(void)
{
	preserve_numbers("retrieve_is_tried_again", 750, 753);
}

static void check_retrieve_fails(int session, int number, int error, int seen)
{
	set_param("error", error);
	set_param("fail_retrieve", number);
	guest_log_mark();
	CHECK_ERRNO(luo_retrieve_fd(session, number), seen);
	check_next(": retrieve %d fails\n", number);
}

static void retrieve_is_tried_again_after(void)
{
	int session = old_session("retrieve_is_tried_again");

	/*
	 * 750 succeeds in the third attempt. 751 has a final error in the second one.
	 * 752 is not tried again.
	 */
	check_retrieve_fails(session, 750, EAGAIN, ENOMEM);
	check_retrieve_fails(session, 750, EAGAIN, ENOMEM);
	check_retrieve_fails(session, 751, EAGAIN, ENOMEM);
	check_retrieve_fails(session, 751, EREMOTEIO, EREMOTEIO);
	check_retrieve_fails(session, 752, EAGAIN, ENOMEM);
	/* ENOMEM would ask the caller to try again, but here the file is lost. */
	check_retrieve_fails(session, 753, ENOMEM, EIO);
	set_param("fail_retrieve", 0);
	set_param("error", EREMOTEIO);
	check_number(old_file(session, 750), 750);
	guest_log_mark();
	CHECK(!luo_finish(session));
	check_next(": finish %d, status -5\n", 753);
	check_next(": finish %d, status 0\n", 752);
	check_next(": finish %d, status -121\n", 751);
	check_next(": finish %d, status 1\n", 750);
}

/* ---- finishing ---- */

static void finish_in_reverse_before(void)
{
	preserve_numbers("finish_in_reverse", 801, 803);
}

static void finish_in_reverse_after(void)
{
	int session = old_session("finish_in_reverse");

	check_number(old_file(session, 802), 802);
	check_number(old_file(session, 801), 801);
	guest_log_mark();
	CHECK(!luo_finish(session));
	CHECK_ORDER("finish 803, status 0", "finish 802, status 1",
		    "finish 801, status 1");
}

static void not_ready_to_finish_before(void)
{
	preserve_numbers("not_ready_to_finish", 901, 903);
}

/* No file is finished if one of them is not ready. */
static void check_not_ready(int session, int busy)
{
	set_param("busy", busy);
	guest_log_mark();
	CHECK_ERRNO(luo_finish(session), EBUSY);
	CHECK(!guest_log_since(": finish 90"));
}

/* If a session that is not ready is closed, it can be retrieved again. */
static void not_ready_to_finish_after(void)
{
	int session = old_session("not_ready_to_finish");
	int fd = old_file(session, 901);
	int i;

	for (i = 901; i <= 903; i++)
		check_not_ready(session, i);
	check_number(old_file(session, 903), 903);
	close(session);
	CHECK(!guest_log_since(": finish 90"));

	session = old_session("not_ready_to_finish");
	check_number(fd, 901);
	check_number(old_file(session, 901), 901);
	check_number(old_file(session, 902), 902);
	set_param("busy", 0);
	CHECK(!luo_finish(session));
	CHECK(guest_log_since(": finish 901, status 1"));
	close(session);
	check_no_old_session("not_ready_to_finish", ENOENT);
}

static void handing_on_holds_nothing_before(void)
{
	preserve_numbers("handing_on_holds_nothing", 480, 481);
}

/* reboot() preserves a retrieved file again before it takes other locks. */
static void handing_on_holds_nothing_after(void)
{
	int session = old_session("handing_on_holds_nothing");
	int fd = old_file(session, 480);
	pid_t kexec;

	set_param("stall_preserve", 480);
	CHECK(!guest_load_image(0));
	guest_log_mark();
	kexec = start(call_kexec, 0, 0);
	wait_until_stalled("preserve", 480);
	check_reboot_holds_nothing();

	check_kill_ends(kexec);
	set_param("stall_preserve", 0);
	CHECK(!guest_unload_image(0));
	check_number(fd, 480);
	check_number(old_file(session, 481), 481);
	CHECK(!luo_finish(session));
	close(session);
}

static void replaced_session_before(void)
{
	preserve_numbers("replaced_session", 485, 486);
}

/*
 * The files of a session that is replaced are not handed on. reboot() retrieves those
 * that were not, before it takes other locks, and does not discard any.
 */
static void replaced_session_after(void)
{
	int session = old_session("replaced_session");
	int replacing = new_session("replaced_session");
	pid_t kexec;

	check_number(old_file(session, 485), 485);
	CHECK(!luo_preserve(replacing, new_number(487), 487));
	set_param("stall_retrieve", 486);
	CHECK(!guest_load_image(0));
	guest_log_mark();
	kexec = start(call_kexec, 0, 0);
	wait_until_stalled("retrieve", 486);
	check_reboot_holds_nothing();
	check_kill_ends(kexec);
	set_param("stall_retrieve", 0);

	set_param("fail_freeze", 487);
	guest_log_mark();
	CHECK_ERRNO(guest_kexec(), EREMOTEIO);
	CHECK_ORDER(": retrieve 486\n", ": freeze 487 fails\n");
	CHECK(!guest_log_since(": finish 48"));
	set_param("fail_freeze", 0);
	close(replacing);
	CHECK(!guest_unload_image(0));

	guest_log_mark();
	check_number(old_file(session, 486), 486);
	CHECK(!guest_log_since(": retrieve 486"));
	CHECK(!luo_finish(session));
	close(session);
}

#define UNFREEZABLE	950

static void peers_of_retrieved_before(void)
{
	int session = new_session("peers_of_retrieved");
	int exec = new_memfd(MFD_EXEC | MFD_ALLOW_SEALING);

	fill(exec, 0, FROZEN_SIZE, 1);
	CHECK(!luo_preserve(session, exec, 1));
	CHECK(!luo_preserve(session, new_file(FROZEN_SIZE, 2), 2));
	CHECK(!luo_preserve(session, new_number(UNFREEZABLE), 3));
}

/*
 * Until a session is finished, reboot() preserves its retrieved files again. Whatever
 * another process does to them, that does not fail, and does not wait. Here reboot()
 * gets as far as the file that can't be frozen.
 */
static void peers_of_retrieved_after(void)
{
	int session = old_session("peers_of_retrieved");
	int exec = old_file(session, 1);
	int other = old_file(session, 2);
	off_t at = 0;
	int ends[2];
	pid_t writer;

	check_number(old_file(session, 3), UNFREEZABLE);
	check_frozen(exec, FROZEN_SIZE);
	CHECK_ERRNO(fcntl(exec, F_ADD_SEALS, F_SEAL_EXEC), EPERM);
	CHECK_ERRNO(ftruncate(exec, 1ULL << 40), EPERM);
	CHECK(!fchmod(other, 0));
	CHECK(!fcntl(other, F_ADD_SEALS, F_SEAL_EXEC | F_SEAL_GROW));
	CHECK(!pipe(ends));
	CHECK_EQ(splice(exec, &at, ends[1], NULL, PAGE, 0), PAGE);
	not_for_writer = session;
	writer = start_stalled_write(other, 951);

	set_param("fail_freeze", UNFREEZABLE);
	CHECK(!guest_load_image(0));
	CHECK_EQ(ended(start(call_kexec, 0, 0)), EREMOTEIO);
	set_param("fail_freeze", 0);
	CHECK(!guest_unload_image(0));

	/* The file stays frozen, and preserving it was undone. */
	check_frozen(exec, FROZEN_SIZE);
	set_param("stall_fault", 0);
	CHECK_EQ(ended(writer), 0);
	check_content(exec, 0, FROZEN_SIZE, 1);
	check_content(other, PAGE, FROZEN_SIZE - PAGE, 2);
	CHECK(!luo_finish(session));
	check_thawed(exec);
	CHECK_ERRNO(ftruncate(other, 2 * FROZEN_SIZE), EPERM);
	CHECK(!ftruncate(other, 0));
	CHECK(!fcntl(exec, F_ADD_SEALS, F_SEAL_EXEC));
}

static void unloads_when_finished(void)
{
	CHECK(!guest_rmmod(MODULE));
	CHECK(!guest_insmod(MODULE, ""));
}

static const struct guest_test handler_tests[] = {
	GUEST_TEST(registers),
	GUEST_TEST(preserve_fails),
	GUEST_TEST(close_unpreserves_in_reverse),
	GUEST_TEST(preserve_fails_at_each),
	GUEST_TEST(preserved_file_pins_module),
	GUEST_TEST(preserve_is_killed),
	GUEST_TEST(waiting_for_preserve_is_killed),
	GUEST_TEST(waiting_reboot_holds_nothing),
	GUEST_TEST(closing_during_reboot_is_killed),
	GUEST_TEST(many_sessions_close_during_reboot),
	GUEST_TEST(preserve_waits_for_write),
	GUEST_TEST(close_during_write),
	GUEST_TEST_OF_2(unknown_handler),
	GUEST_TEST_OF_2(loaded_later),
	GUEST_TEST_OF_2(freeze_fails),
	GUEST_TEST_OF_2(retrieve_is_killed),
	GUEST_TEST_OF_2(failed_retrieve_is_final),
	GUEST_TEST_OF_2(retrieve_is_tried_again),
	GUEST_TEST_OF_2(finish_in_reverse),
	GUEST_TEST_OF_2(not_ready_to_finish),
	GUEST_TEST_OF_2(handing_on_holds_nothing),
	GUEST_TEST_OF_2(replaced_session),
	GUEST_TEST_OF_2(peers_of_retrieved),
	GUEST_TEST_IN_2ND(unloads_when_finished),
};

GUEST_SUITE(handler, 2, .need = MODULE)
