// SPDX-License-Identifier: GPL-2.0
/*
 * Incoming state with something wrong
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * A kernel without LUO leaves a forgery, the next one has to find it out: odd
 * kernels have LUO off, even ones have it on.
 */
#include <unistd.h>

#include "luo.h"

#define MODULE		"luo_test_forge"
#define PAGE		4096
/* The last of the forged files, and the only one that there is no harm in */
#define ODD_TOKEN	13

static void forge(const char *args)
{
	if (!guest_has_module(MODULE))
		guest_skip("%s.ko is not built", MODULE);
	CHECK(!guest_insmod(MODULE, args));
}

static void forge_version(void)
{
	forge("what=version");
}

static void forge_chain(void)
{
	forge("what=chain");
}

static void forge_files(void)
{
	forge("what=files");
}

static void forge_truncated(void)
{
	forge("what=truncated");
}

static void forge_lost(void)
{
	forge("what=lost");
}

static void forge_session_name(void)
{
	forge("what=session_name");
}

static void forge_session_twins(void)
{
	forge("what=session_twins");
}

static void check_log(const char *text)
{
	char *log = guest_log();

	CHECK(log);
	CHECK(strstr(log, text));
}

static void version_refused(void)
{
	CHECK_ERRNO(luo_open(), EIO);
	CHECK_ERRNO(luo_open(), EIO);
	check_log("LUO: incoming 'luo-v9' not supported");
}

static void chain_refused(void)
{
	CHECK_ERRNO(luo_open(), EIO);
	check_log("LUO: incoming sessions can't be listed");
}

/* The device was opened by chain_refused(). */
static void refused_version_is_shown(void)
{
	check_found(IN_SUMMARY, "\nLUO: refused (-", 1);
	check_found(IN_SUMMARY, "\nsessions: not listed, ", 1);
}

static void refused_chain_is_shown(void)
{
	check_found(IN_SUMMARY, "\nLUO: version \"luo-v5;block-v1\", ", 1);
	refused_version_is_shown();
}

static void truncated_state_refused(void)
{
	CHECK_ERRNO(luo_open(), EIO);
	check_log("LUO: incoming state of 16 bytes is truncated");
}

static void lost_state_refused(void)
{
	CHECK_ERRNO(luo_open(), EIO);
	check_log("LUO: incoming state can't be found: ");
}

static void session_name_refused(void)
{
	CHECK_ERRNO(luo_open(), EIO);
	check_log("LUO: incoming session has an invalid name");
}

static void session_twins_refused(void)
{
	CHECK_ERRNO(luo_open(), EIO);
	check_log("LUO: incoming session 'first' exists twice");
}

static void bad_files_are_refused(void)
{
	int session = old_session("damaged");
	int token;

	CHECK_ERRNO(luo_retrieve_fd(session, 1), ENOENT);
	for (token = 2; token < ODD_TOKEN; token++) {
		guest_note("token %d", token);
		CHECK_ERRNO(luo_retrieve_fd(session, token), EIO);
		/* Not tried again, and no other answer. */
		CHECK_ERRNO(luo_retrieve_fd(session, token), EIO);
	}
	check_zeros(old_file(session, ODD_TOKEN), 0, 2 * PAGE);
	CHECK_ERRNO(luo_retrieve_fd(session, ODD_TOKEN + 1), ENOENT);
	CHECK(!luo_finish(session));
	close(session);
	check_no_old_session("damaged", ENOENT);
}

static void all_else_works(void)
{
	int session = old_session("intact");

	CHECK_ERRNO(luo_retrieve_fd(session, 1), ENOENT);
	CHECK(!luo_finish(session));
	check_no_old_session("unreadable", EIO);
	check_log("LUO: files of incoming session 'unreadable' refused");
	CHECK(!luo_preserve(new_session("intact"), new_file(PAGE, 1), 1));
}

/* Nothing is left of a refusal in a later kernel. */
static void later_kernel_is_well(void)
{
	check_content(old_file(old_session("intact"), 1), 0, PAGE, 1);
}

static const char *refused_append(int kernel)
{
	return kernel % 2 ? "liveupdate=off" : "liveupdate=on";
}

/* The last kernel retrieves. */
static const char *refused_files_append(int kernel)
{
	return kernel < 7 ? refused_append(kernel) : "liveupdate=on";
}

static const struct guest_test refused_tests[] = {
	{ "version_refused", { forge_version, version_refused } },
	{ "endless_chain_refused", { [2] = forge_chain, chain_refused } },
	{ "refusals_are_shown", { [1] = refused_version_is_shown,
				  [3] = refused_chain_is_shown } },
	{ "bad_files_are_refused", { [4] = forge_files,
				     bad_files_are_refused } },
	{ "all_else_works", { [5] = all_else_works, later_kernel_is_well } },
};

const struct guest_suite refused_suite = {
	.name = "refused",
	.tests = refused_tests,
	.nr_tests = ARRAY_SIZE(refused_tests),
	.kernels = 7,
	.append = refused_files_append,
};

static const struct guest_test sessions_refused_tests[] = {
	{ "truncated_state_refused", { forge_truncated,
				       truncated_state_refused } },
	{ "session_name_refused", { [2] = forge_session_name,
				    session_name_refused } },
	{ "session_twins_refused", { [4] = forge_session_twins,
				     session_twins_refused } },
	{ "lost_state_refused", { [6] = forge_lost, lost_state_refused } },
};

const struct guest_suite sessions_refused_suite = {
	.name = "sessions_refused",
	.tests = sessions_refused_tests,
	.nr_tests = ARRAY_SIZE(sessions_refused_tests),
	.kernels = 8,
	.append = refused_append,
};
