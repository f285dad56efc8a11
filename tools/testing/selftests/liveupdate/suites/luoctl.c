// SPDX-License-Identifier: GPL-2.0
/*
 * luoctl: a live update as an operator does it, with the programs of tools/liveupdate
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The program whose memory is kept is a shell. tools/liveupdate/tests/ has tests without a
 * kernel.
 */
#include <linux/kexec.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../luo.h"

#define OWN_SIZE	(3 * 1024 * 1024 + 5)
#define OWN_SEED	21
#define OWN_TOKEN	7

/* Run luoctl and return what it prints. The step fails if the exit status is another. */
static char *run_luoctl(int wanted, ...)
{
	char *argv[12] = { "luoctl" }, *text;
	int status = -1, i = 0;
	va_list args;

	va_start(args, wanted);
	do {
		argv[++i] = va_arg(args, char *);
	} while (argv[i]);
	va_end(args);

	text = guest_run(&status, argv);
	CHECK(text);
	guest_note("luoctl %s: status %d, %s", argv[1], status, text);
	CHECK_EQ(status, wanted);
	return text;
}

/* Run luoctl, which must print some text. */
#define CHECK_LUOCTL(wanted, text, ...)					\
	do {								\
		char *printed = run_luoctl(wanted, __VA_ARGS__, NULL);	\
									\
		CHECK(strstr(printed, text));				\
		free(printed);						\
	} while (0)

static void need_tools(void)
{
	if (!guest_has_program("luoctl") || !guest_has_program("luod"))
		guest_skip("luoctl is not built, it needs json-c (libjson-c-dev)");
	if (!guest_has_program("busybox"))
		guest_skip("busybox is not installed");
	if (symlink("busybox", "/bin/sh") && access("/bin/sh", X_OK))
		guest_skip("there is no shell");
	guest_need_debugfs();
}

static pid_t start(char *const argv[])
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		execv(argv[0], argv);
		_exit(127);
	}
	return pid;
}

/* Wait until luoctl prints some text. The runner ends a guest that hangs. */
static void wait_for(char *command, const char *text)
{
	char *const argv[] = { "luoctl", command, NULL };
	bool found = false;
	int status;

	while (!found) {
		char *printed = guest_run(&status, argv);

		found = printed && strstr(printed, text);
		free(printed);
		usleep(100000);
	}
}

static void start_luod(void)
{
	char *const argv[] = { "/bin/luod", NULL };

	mkdir("/run", 0755);
	start(argv);
	wait_for("status", "luod:         idle");
}

static void wait_for_file(const char *path, const char *content)
{
	bool found = false;
	char *text;

	while (!found) {
		text = guest_read_file(path);
		found = text && !strcmp(text, content);
		free(text);
		usleep(10000);
	}
}

/* ---- the first kernel ---- */

static void run_program(void)
{
	char *const argv[] = {
		"/bin/luoctl", "run", "shell", "--memfd", "data=4M", "--memfd", "state=0",
		"--quiesce", "echo saved >/proc/self/fd/4",
		"--restore", "cat /proc/self/fd/4 >/tmp/state",
		"--", "/bin/sh", "-c",
		"test $LUO_RESTORED = 1 || echo written >&3;"
		"head -n 1 /proc/self/fd/3 >/tmp/data; while :; do sleep 1; done",
		NULL
	};

	start(argv);
	wait_for_file("/tmp/data", "written\n");
}

static void load(char *options)
{
	static char cmdline[2048];
	char *running = guest_read_file("/proc/cmdline");

	CHECK(running);
	running[strcspn(running, "\n")] = '\0';
	snprintf(cmdline, sizeof(cmdline), "%s kernel=2 %s", running, options);
	free(running);
	free(run_luoctl(0, "load", "/kernel", "--initrd", guest_initrd(), "--cmdline",
			cmdline, NULL));
}

static void check_judges_the_image(void)
{
	need_tools();
	start_luod();
	CHECK_LUOCTL(3, "no kernel is loaded", "check");
	CHECK(!load_old_way(0));
	CHECK_LUOCTL(3, "not loaded by kexec_file_load()", "check");
	load("kho=off");
	CHECK_LUOCTL(3, "kho= on its command line is off", "check");
	load("liveupdate=0");
	CHECK_LUOCTL(3, "liveupdate= on its command line is off", "check");
	CHECK(!guest_unload_image(0));
	CHECK_LUOCTL(1, "kernel image of this architecture", "load", "/init",
		     "--reuse-cmdline");
}

static void program_is_kept_before(void)
{
	need_tools();
	run_program();
	wait_for("list", "subscribed");
	preserve_file("own", OWN_TOKEN, OWN_SIZE, OWN_SEED);
	CHECK_LUOCTL(0, "own                  outgoing  open", "list");
	CHECK_LUOCTL(0, "0x7                memfd            3.0 MiB  preserved", "status");
	CHECK_LUOCTL(0, " preserved\n", "map");

	load("");
	/* A test process holds the session "own". */
	CHECK_LUOCTL(0, "systemctl kexec kills", "check");
	CHECK_LUOCTL(0, "carries the handover", "status");
}

static void leave_with_luoctl(void)
{
	char *const argv[] = { "luoctl", "kexec", "--now", "--timeout", "3600", NULL };

	guest_run_and_note(argv);
}

/* ---- the second one ---- */

static void program_is_kept_after(void)
{
	int fd;

	need_tools();
	start_luod();
	run_program();
	wait_for_file("/tmp/state", "saved\n");
	wait_for("list", "done");

	CHECK_LUOCTL(0, "own                  incoming  waiting", "list");
	CHECK_LUOCTL(3, "no program has the session own", "check");
	free(run_luoctl(0, "retrieve", "own", "7", "-o", "/tmp/own", NULL));
	fd = open("/tmp/own", O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	check_file(fd, OWN_SIZE, OWN_SEED);
	close(fd);
	CHECK_LUOCTL(1, "No such file", "retrieve", "own", "8", "-o", "/tmp/own");
	free(run_luoctl(0, "discard", "own", NULL));
	check_no_old_session("own", ENOENT);
	check_no_old_session("shell", ENOENT);
	CHECK_LUOCTL(1, "", "discard", "own");
}

static const struct guest_test luoctl_tests[] = {
	GUEST_TEST(check_judges_the_image),
	GUEST_TEST_OF_2(program_is_kept),
};

GUEST_SUITE(luoctl, 2, .leave = leave_with_luoctl)
