// SPDX-License-Identifier: GPL-2.0
/*
 * stalled: requests and reboot() that wait for a program or a file handler, and end on a
 * fatal signal
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <fcntl.h>
#include <linux/memfd.h>
#include <linux/reboot.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../luo.h"

#define FROZEN_SIZE	(3 * PAGE)

static void loads_handler(void)
{
	CHECK(!guest_insmod(HANDLER, ""));
}

static void loads_handler_before(void)
{
	loads_handler();
}

static void loads_handler_after(void)
{
	loads_handler();
}

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
	return luo_create(dev, "created meanwhile");
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
	set_handler(param, number);
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
	set_handler("stall_preserve", 0);
	/* The token is free, and the session has what it had. */
	CHECK(!luo_preserve(session, new_number(452), 451));
	CHECK_ERRNO(luo_preserve(session, new_number(453), 450), EEXIST);
}

static void check_verify_waits_for_nobody(void)
{
	char byte;
	int fd;

	guest_need_debugfs();
	fd = open(OUT_VERIFY, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	CHECK_ERRNO(read(fd, &byte, 1), EBUSY);
	close(fd);
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

	check_verify_waits_for_nobody();
	set_handler("stall_preserve", 0);
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
	set_handler("stall_preserve", 0);
	CHECK_EQ(ended(stalled), 0);
	/* All goes on as if reboot() had not been called. */
	CHECK(!luo_preserve(session, new_number(461), 461));
	close(new_session("a session after a killed reboot()"));
	CHECK(!guest_unload_image(0));
}

/* Handlers take long to check large files. */
static void verifying_reboot_holds_nothing(void)
{
	int session;
	pid_t kexec;

	session = new_session("verifying_reboot_holds_nothing");
	CHECK(!luo_preserve(session, new_number(465), 465));
	CHECK(!guest_load_image(0));
	set_handler("stall_verify", 465);
	guest_log_mark();
	kexec = start(call_kexec, 0, 0);
	wait_until_stalled("verify", 465);
	check_reboot_holds_nothing();

	check_kill_ends(kexec);
	CHECK(!guest_log_since(": freeze 465"));
	set_handler("stall_verify", 0);
	CHECK(!luo_preserve(session, new_number(466), 466));
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
	set_handler("stall_preserve", 0);
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

	set_handler("stall_preserve", 0);
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

	set_handler("stall_fault", number);
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
	set_handler("stall_fault", 0);
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
	set_handler("stall_fault", 0);
	CHECK_EQ(ended(writer), 0);
	check_thawed(fd);
}

/*
 * Ways to fill a hole: write(), a page fault, one in the kernel, and one on behalf of the
 * task
 */
static int call_fill(int fd, int page)
{
	return pwrite(fd, "x", 1, page * PAGE) == 1 ? 0 : -1;
}

static int call_fault(int fd, int page)
{
	char *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, page * PAGE);

	*map = 'x';
	return 0;
}

static int call_fault_in_kernel(int fd, int page)
{
	char *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, page * PAGE);
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	return read(zero, map, 1) == 1 ? 0 : -1;
}

/* Older C libraries don't define it. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23
#endif

static int call_populate(int fd, int page)
{
	char *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, page * PAGE);

	return madvise(map, PAGE, MADV_POPULATE_WRITE);
}

static long nr_pages_of(int fd)
{
	struct stat st;

	CHECK(!fstat(fd, &st));
	return st.st_blocks / (PAGE / 512);
}

/*
 * Preserve a file with a page and @nr holes, and start a reboot() that stops after it has
 * listed the page.
 */
static pid_t start_closing(const char *name, int nr, int *session, int *fd)
{
	pid_t kexec;

	*session = new_session(name);
	*fd = new_file(PAGE, 1);
	CHECK(!ftruncate(*fd, (1 + nr) * PAGE));
	CHECK(!luo_preserve(*session, *fd, 1));
	CHECK(!luo_preserve(*session, new_number(490), 490));
	CHECK(!guest_load_image(0));
	set_handler("stall_freeze", 490);
	set_handler("fail_freeze", 490);
	guest_log_mark();
	kexec = start(call_kexec, 0, 0);
	wait_until_stalled("freeze", 490);
	return kexec;
}

/* Let that reboot() fail. */
static void end_closing(pid_t kexec)
{
	set_handler("stall_freeze", 0);
	CHECK_EQ(ended(kexec), EREMOTEIO);
	set_handler("fail_freeze", 0);
	CHECK(!guest_unload_image(0));
}

#define NR_FILLERS	4

/* When reboot() has listed the pages of a file none is added, unless it fails. */
static void closed_file(void)
{
	static int (*const calls[NR_FILLERS])(int fd, int page) = {
		call_fill, call_fault, call_fault_in_kernel, call_populate,
	};
	pid_t kexec, killed[NR_FILLERS], others[NR_FILLERS];
	int i, session, fd;

	kexec = start_closing("closed_file", 2 * NR_FILLERS, &session, &fd);
	for (i = 0; i < NR_FILLERS; i++) {
		killed[i] = start(calls[i], fd, 1 + i);
		others[i] = start(calls[i], fd, 1 + NR_FILLERS + i);
	}
	for (i = 0; i < NR_FILLERS; i++) {
		wait_until_blocked(killed[i]);
		wait_until_blocked(others[i]);
	}
	CHECK_EQ(nr_pages_of(fd), 1);
	check_zeros(fd, PAGE, 2 * NR_FILLERS * PAGE);
	fill(fd, 0, PAGE, 2);
	CHECK_ERRNO(fallocate(fd, 0, PAGE, PAGE), EOPNOTSUPP);
	for (i = 0; i < NR_FILLERS; i++)
		check_kill_ends(killed[i]);
	CHECK_EQ(nr_pages_of(fd), 1);

	end_closing(kexec);
	for (i = 0; i < NR_FILLERS; i++)
		CHECK_EQ(ended(others[i]), 0);
	CHECK_EQ(nr_pages_of(fd), 1 + NR_FILLERS);
	check_content(fd, 0, PAGE, 2);
	close(session);
	check_thawed(fd);
}

/* Exit with the list of robust futexes in a hole. The kernel reads it then. */
static int call_exit(int fd, int page)
{
	void *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, page * PAGE);

	return syscall(SYS_set_robust_list, map, 3 * sizeof(long));
}

static void *exit_thread(void *map)
{
	syscall(SYS_set_tid_address, map);
	syscall(SYS_exit, 0);
	return NULL;
}

/* The number of threads is part of this one. */
static nlink_t nr_links_of_threads(void)
{
	struct stat st;

	return stat("/proc/self/task", &st) ? 0 : st.st_nlink;
}

/* Let a thread exit that has asked the kernel to clear its number, in a hole. */
static int call_exit_thread(int fd, int page)
{
	void *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, page * PAGE);
	nlink_t alone = nr_links_of_threads();
	pthread_t thread;
	int i;

	errno = pthread_create(&thread, NULL, exit_thread, map);
	if (errno)
		return -1;
	/* The C library waits for the number, so it can't be asked. */
	for (i = 0; i < PATIENCE && nr_links_of_threads() != alone; i++)
		usleep(100000);
	errno = ETIME;
	return i < PATIENCE ? 0 : -1;
}

/* A task that is exiting can't be killed. It does not wait for a page. */
static void exit_at_closed_file(void)
{
	pid_t kexec, process, thread;
	int session, fd;

	kexec = start_closing("exit_at_closed_file", 2, &session, &fd);
	process = start(call_exit, fd, 1);
	thread = start(call_exit_thread, fd, 2);
	CHECK_EQ(ended(process), 0);
	CHECK_EQ(ended(thread), 0);
	CHECK_EQ(nr_pages_of(fd), 1);
	end_closing(kexec);
	close(session);
	check_thawed(fd);
}

static int ask_to_map[2], has_mapped[2];

/* Map memory once the parent asks for it. */
static void *map_later(void *unused)
{
	char byte;

	if (read(ask_to_map[0], &byte, 1) == 1 &&
	    mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED &&
	    write(has_mapped[1], &byte, 1) != 1)
		_exit(1);
	return NULL;
}

static int call_populate_beside(int fd, int page)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, map_later, NULL);
	return errno ? -1 : call_populate(fd, page);
}

/* While a thread waits for a page, others can change the mappings of their process. */
static void map_beside_closed_file(void)
{
	struct pollfd answer = { .events = POLLIN };
	pid_t kexec, child;
	int session, fd;

	CHECK(!pipe2(ask_to_map, O_CLOEXEC) && !pipe2(has_mapped, O_CLOEXEC));
	kexec = start_closing("map_beside_closed_file", 1, &session, &fd);
	child = start(call_populate_beside, fd, 1);
	wait_until_blocked(child);
	CHECK_EQ(write(ask_to_map[1], "x", 1), 1);
	answer.fd = has_mapped[0];
	CHECK_EQ(poll(&answer, 1, PATIENCE * 100), 1);
	CHECK_EQ(nr_pages_of(fd), 1);

	end_closing(kexec);
	CHECK_EQ(ended(child), 0);
	CHECK_EQ(nr_pages_of(fd), 2);
	close(session);
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
	set_handler("stall_retrieve", 0);

	check_number(old_file(session, 470), 470);
	check_number(old_file(session, 471), 471);
	CHECK(!luo_finish(session));
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

	set_handler("stall_preserve", 480);
	CHECK(!guest_load_image(0));
	guest_log_mark();
	kexec = start(call_kexec, 0, 0);
	wait_until_stalled("preserve", 480);
	check_reboot_holds_nothing();

	check_kill_ends(kexec);
	set_handler("stall_preserve", 0);
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
	set_handler("stall_retrieve", 486);
	CHECK(!guest_load_image(0));
	guest_log_mark();
	kexec = start(call_kexec, 0, 0);
	wait_until_stalled("retrieve", 486);
	check_reboot_holds_nothing();
	check_kill_ends(kexec);
	set_handler("stall_retrieve", 0);

	set_handler("fail_freeze", 487);
	guest_log_mark();
	CHECK_ERRNO(guest_kexec(), EREMOTEIO);
	CHECK_ORDER(": retrieve 486\n", ": freeze 487 fails\n");
	CHECK(!guest_log_since(": finish 48"));
	set_handler("fail_freeze", 0);
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

	set_handler("fail_freeze", UNFREEZABLE);
	CHECK(!guest_load_image(0));
	CHECK_EQ(ended(start(call_kexec, 0, 0)), EREMOTEIO);
	set_handler("fail_freeze", 0);
	CHECK(!guest_unload_image(0));

	/* The file stays frozen, and preserving it was undone. */
	check_frozen(exec, FROZEN_SIZE);
	set_handler("stall_fault", 0);
	CHECK_EQ(ended(writer), 0);
	check_content(exec, 0, FROZEN_SIZE, 1);
	check_content(other, PAGE, FROZEN_SIZE - PAGE, 2);
	CHECK(!luo_finish(session));
	check_thawed(exec);
	CHECK_ERRNO(ftruncate(other, 2 * FROZEN_SIZE), EPERM);
	CHECK(!ftruncate(other, 0));
	CHECK(!fcntl(exec, F_ADD_SEALS, F_SEAL_EXEC));
}

static const struct guest_test stalled_tests[] = {
	GUEST_TEST_OF_2(loads_handler),
	GUEST_TEST(preserve_is_killed),
	GUEST_TEST(waiting_for_preserve_is_killed),
	GUEST_TEST(waiting_reboot_holds_nothing),
	GUEST_TEST(verifying_reboot_holds_nothing),
	GUEST_TEST(closing_during_reboot_is_killed),
	GUEST_TEST(many_sessions_close_during_reboot),
	GUEST_TEST(preserve_waits_for_write),
	GUEST_TEST(close_during_write),
	GUEST_TEST(closed_file),
	GUEST_TEST(exit_at_closed_file),
	GUEST_TEST(map_beside_closed_file),
	GUEST_TEST_OF_2(retrieve_is_killed),
	GUEST_TEST_OF_2(handing_on_holds_nothing),
	GUEST_TEST_OF_2(replaced_session),
	GUEST_TEST_OF_2(peers_of_retrieved),
};

GUEST_SUITE(stalled, 2, .need = HANDLER)
