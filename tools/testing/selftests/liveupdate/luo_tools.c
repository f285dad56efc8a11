// SPDX-License-Identifier: GPL-2.0
/*
 * Live updates, and crash kernels beside them, with the program that does it in
 * the field: kexec from kexec-tools
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "luo.h"

#define FILE_SIZE	(3 * 1024 * 1024 + 5)
#define FILE_SEED	11
#define FILE_TOKEN	0x6b65786563ULL

static void need_kexec_tools(void)
{
	if (!guest_has_program("kexec"))
		guest_skip("kexec is not installed (kexec-tools)");
}

/* Run kexec. True when it has succeeded; what it says is noted if not. */
static bool run_kexec(char *const argv[])
{
	int status = -1;
	char *text = guest_run(&status, argv);

	if (status)
		guest_note("kexec %s %s: status %d, %s", argv[1],
			   argv[2] ? argv[2] : "", status, text ? text : "");
	free(text);
	return !status;
}

/* As the manual has it: this kernel's command line, and more at its end. */
static bool kexec_load(char *syscall, char *load)
{
	static char initrd[128], append[128];
	const char *path = guest_initrd();
	char *const argv[] = {
		"kexec", syscall, load, "/kernel", initrd, "--reuse-cmdline",
		append, NULL
	};

	if (!path)
		return false;
	snprintf(initrd, sizeof(initrd), "--initrd=%s", path);
	snprintf(append, sizeof(append), "--append=kernel=%d",
		 guest_kernel() + 1);
	return run_kexec(argv);
}

static bool kexec_exec(void)
{
	char *const argv[] = { "kexec", "-e", NULL };

	return run_kexec(argv);
}

/* ---- tools: a live update ---- */

static void preserve_file(void)
{
	int session;

	need_kexec_tools();
	session = new_session("kexec-tools");
	CHECK(!luo_preserve(session, new_file(FILE_SIZE, FILE_SEED),
			    FILE_TOKEN));
}

static void file_is_back(void)
{
	int session = old_session("kexec-tools");
	int fd = old_file(session, FILE_TOKEN);

	check_size(fd, FILE_SIZE);
	check_content(fd, 0, FILE_SIZE, FILE_SEED);
	CHECK(!luo_finish(session));
}

/* What kexec -l loads without -s does not know the handover. */
static void image_that_cannot_carry(void)
{
	int session;

	need_kexec_tools();
	session = new_session("refused");
	CHECK(!luo_preserve(session, new_file(PAGE, 1), 1));
	CHECK(kexec_load("-c", "-l"));
	guest_log_mark();
	CHECK(!kexec_exec());
	CHECK(guest_log_since("the loaded image can't carry"));
	CHECK(!luo_preserve(session, new_file(PAGE, 2), 2));
	close(session);
}

static void leave_with_kexec_tools(void)
{
	if (kexec_load("-s", "-l"))
		kexec_exec();
}

static const struct guest_test tools_tests[] = {
	{ "kexec_load_image_is_refused", { image_that_cannot_carry } },
	{ "kexec_tools_live_update", { preserve_file, file_is_back } },
};

const struct guest_suite tools_suite = {
	.name = "tools",
	.tests = tools_tests,
	.nr_tests = ARRAY_SIZE(tools_tests),
	.kernels = 2,
	.leave = leave_with_kexec_tools,
};

/* ---- tools_crash: kexec -p in a kernel that was itself handed over to ---- */

static void load_crash_image(void)
{
	const char *syscall = guest_param("kexec_syscall");

	need_kexec_tools();
	CHECK(syscall);
	CHECK(kexec_load(*syscall == 's' ? "-s" : "-c", "-p"));
	/* Preserved as well, and of no concern to the crash kernel */
	CHECK(!luo_preserve(new_session("lost"), new_file(PAGE, 3), 3));
}

static void crash_kernel_has_no_kho(void)
{
	char *log = guest_log();

	CHECK(log);
	CHECK(strstr(log, "KHO: disabled in a crash dump kernel"));
	CHECK(!strstr(log, "KHO: scratch:"));
	CHECK(!access("/proc/vmcore", F_OK));
	CHECK_ERRNO(luo_open(), ENOENT);
	free(log);
}

static void leave_by_crash(void)
{
	if (guest_kernel() == 1)
		leave_with_kexec_tools();
	else
		guest_write_file("/proc/sysrq-trigger", "c");
}

static const struct guest_test tools_crash_tests[] = {
	{ "kexec_tools_live_update", { preserve_file, file_is_back } },
	{ "crash_kernel_runs_without_kho",
	  { NULL, load_crash_image, crash_kernel_has_no_kho } },
};

const struct guest_suite tools_crash_suite = {
	.name = "tools_crash",
	.tests = tools_crash_tests,
	.nr_tests = ARRAY_SIZE(tools_crash_tests),
	.kernels = 3,
	.leave = leave_by_crash,
};
