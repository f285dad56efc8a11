// SPDX-License-Identifier: GPL-2.0
/*
 * tools, tools_crash: live updates and crash kernels with kexec from kexec-tools
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../luo.h"

#define FILE_SIZE	(3 * 1024 * 1024 + 5)
#define FILE_SEED	11
#define FILE_TOKEN	0x6b65786563ULL

static void need_kexec_tools(void)
{
	if (!guest_has_program("kexec"))
		guest_skip("kexec is not installed (kexec-tools)");
}

/* As the manual says: the command line of this kernel with an addition. */
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
	return !guest_run_and_note(argv);
}

static bool kexec_exec(void)
{
	char *const argv[] = { "kexec", "-e", NULL };

	return !guest_run_and_note(argv);
}

/* ---- tools: a live update ---- */

static void live_update_before(void)
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

	check_file(fd, FILE_SIZE, FILE_SEED);
	CHECK(!luo_finish(session));
}

/* kexec -l without -s loads an image that can't carry a handover. */
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
	{ "kexec_tools_live_update", { live_update_before, file_is_back } },
};

GUEST_SUITE(tools, 2, .leave = leave_with_kexec_tools)

/* ---- tools_crash: kexec -p in a kernel that has received a handover ---- */

static void load_crash_image(void)
{
	const char *syscall = guest_param("kexec_syscall");

	need_kexec_tools();
	CHECK(syscall);
	CHECK(kexec_load(*syscall == 's' ? "-s" : "-c", "-p"));
	/* A preserved file has no effect on the crash kernel. */
	preserve_file("lost", 3, PAGE, 3);
}

static void crash_kernel_has_no_kho(void)
{
	CHECK_LOGGED("KHO: disabled in a crash dump kernel");
	CHECK(!guest_log_has("KHO: scratch:"));
	CHECK(!access("/proc/vmcore", F_OK));
	CHECK_ERRNO(luo_open(), ENOENT);
}

static void leave_by_crash(void)
{
	if (guest_kernel() == 1)
		leave_with_kexec_tools();
	else
		guest_write_file("/proc/sysrq-trigger", "c");
}

static const struct guest_test tools_crash_tests[] = {
	{ "kexec_tools_live_update", { live_update_before, file_is_back } },
	{ "crash_kernel_runs_without_kho",
	  { NULL, load_crash_image, crash_kernel_has_no_kho } },
};

GUEST_SUITE(tools_crash, 3, .leave = leave_by_crash)
