// SPDX-License-Identifier: GPL-2.0
/*
 * State that files share: its life in one kernel and across a kexec
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The module's files of kind a depend on all of its state, those of kind b on
 * "shared" alone. What a kernel with the test FLBs built in logs about those is
 * looked at, too.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "luo.h"

#define MODULE		"luo_test_flb"

/* As the module numbers them */
enum { SHARED, OWN, FAILING, OLDER, NEWER, GONE };
enum { HANDLER_A, HANDLER_B };

static void need_module(void)
{
	if (!guest_has_module(MODULE))
		guest_skip("%s.ko is not built", MODULE);
}

static int set_param(const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/" MODULE "/parameters/%s",
		 name);
	return guest_write_file(path, value);
}

/* Have the module do it: 0 or -1 with errno. */
static int do_with(const char *verb, int flb, int handler)
{
	char text[64];

	snprintf(text, sizeof(text), "%s %d %d", verb, flb, handler);
	return set_param("do", text);
}

static int do_it(const char *verb, int flb)
{
	return do_with(verb, flb, 0);
}

static int new_a(void)
{
	int fd = open("/dev/luo_flb_a", O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

static int new_b(void)
{
	int fd = open("/dev/luo_flb_b", O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

static void check_order(const char *const *lines, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (!guest_log_next(lines[i]))
			guest_fail(__FILE__, __LINE__, "log lacks '%s'",
				   lines[i]);
}

#define CHECK_ORDER(...)						\
	do {								\
		static const char *const lines[] = { __VA_ARGS__ };	\
									\
		check_order(lines, ARRAY_SIZE(lines));			\
	} while (0)

#define SAYS(what)	MODULE ": " what

/* ---- one kernel ---- */

static void flb_registers(void)
{
	need_module();
	CHECK(!guest_insmod(MODULE, ""));
	CHECK_ERRNO(do_with("register", OWN, HANDLER_A), EEXIST);
	CHECK_ERRNO(do_with("unregister", OWN, HANDLER_B), ENOENT);
	CHECK(!do_with("unregister", OWN, HANDLER_A));
	CHECK_ERRNO(do_with("unregister", OWN, HANDLER_A), ENOENT);
	CHECK_ERRNO(do_it("get_out", OWN), EINVAL);
	CHECK_ERRNO(do_it("get_in", OWN), EINVAL);
	CHECK(!do_with("register", OWN, HANDLER_A));
	/* Nothing is preserved, and nothing was left. */
	CHECK_ERRNO(do_it("get_out", OWN), ENOENT);
	CHECK_ERRNO(do_it("get_in", OWN), ENOENT);
	/* It can be had by several handlers. */
	CHECK(!do_with("register", OWN, HANDLER_B));
	CHECK(!do_with("unregister", OWN, HANDLER_B));
	CHECK(!guest_rmmod(MODULE));
	CHECK(!guest_insmod(MODULE, ""));
}

static void first_and_last_file(void)
{
	int session, other;

	need_module();
	session = new_session("files");
	other = new_session("other files");

	guest_log_mark();
	CHECK(!luo_preserve(session, new_a(), 1));
	CHECK_ORDER(SAYS("preserve shared\n"), SAYS("preserve own\n"),
		    SAYS("preserve gone\n"), SAYS("preserve file a\n"));

	guest_log_mark();
	CHECK(!luo_preserve(session, new_a(), 2));
	CHECK(!luo_preserve(session, new_b(), 3));
	CHECK(!luo_preserve(other, new_b(), 1));
	CHECK(!guest_log_since(SAYS("preserve shared")));
	CHECK(!guest_log_since(SAYS("preserve own")));
	CHECK(!do_it("get_out", SHARED));
	CHECK(!do_it("put_out", SHARED));

	guest_log_mark();
	close(session);
	CHECK_ORDER(SAYS("unpreserve file b\n"), SAYS("unpreserve file a\n"),
		    SAYS("unpreserve file a\n"), SAYS("unpreserve gone\n"),
		    SAYS("unpreserve own\n"));
	CHECK(!guest_log_since(SAYS("unpreserve shared")));
	CHECK_ERRNO(do_it("get_out", OWN), ENOENT);
	close(other);
	CHECK_ORDER(SAYS("unpreserve file b\n"), SAYS("unpreserve shared\n"));
	CHECK_ERRNO(do_it("get_out", SHARED), ENOENT);
}

/* Whatever fails, nothing is left, and it can be tried again. */
static void flb_preserve_fails(void)
{
	int session, fd;

	need_module();
	session = new_session("flb_preserve_fails");
	fd = new_a();
	guest_log_mark();
	CHECK(!set_param("fail_preserve", "failing"));
	CHECK_ERRNO(luo_preserve(session, fd, 1), EREMOTEIO);
	CHECK_ORDER(SAYS("preserve failing fails"), SAYS("unpreserve own\n"),
		    SAYS("unpreserve shared\n"));
	CHECK(!guest_log_since(SAYS("unpreserve failing")));
	CHECK(!guest_log_since(SAYS("preserve file")));

	guest_log_mark();
	CHECK(!set_param("fail_preserve", "a"));
	CHECK_ERRNO(luo_preserve(session, fd, 1), EREMOTEIO);
	CHECK_ORDER(SAYS("preserve file a fails"), SAYS("unpreserve gone\n"),
		    SAYS("unpreserve shared\n"));
	CHECK(!set_param("fail_preserve", "none"));
	CHECK_ERRNO(do_it("get_out", SHARED), ENOENT);
	CHECK(!luo_preserve(session, fd, 1));
}

static void reference_keeps_preserved(void)
{
	int session;

	need_module();
	session = new_session("earlier file");
	CHECK(!luo_preserve(session, new_b(), 1));
	CHECK(!do_it("get_out", SHARED));
	CHECK(!do_it("get_out", SHARED));
	guest_log_mark();
	close(session);
	CHECK(!guest_log_since(SAYS("unpreserve shared")));
	CHECK_ERRNO(guest_rmmod(MODULE), EWOULDBLOCK);
	CHECK(!do_it("put_out", SHARED));
	CHECK(!guest_log_since(SAYS("unpreserve shared")));

	/* Another file takes it over as it is. */
	session = new_session("later file");
	CHECK(!luo_preserve(session, new_b(), 1));
	CHECK(!do_it("put_out", SHARED));
	CHECK(!guest_log_since(SAYS("preserve shared")));
	CHECK(!guest_log_since(SAYS("unpreserve shared")));
	close(session);
	CHECK(guest_log_since(SAYS("unpreserve shared")));
}

static void used_handler_keeps_flbs(void)
{
	int session;

	need_module();
	session = new_session("used_handler_keeps_flbs");
	CHECK(!luo_preserve(session, new_b(), 1));
	CHECK_ERRNO(do_with("register", OWN, HANDLER_B), EBUSY);
	CHECK_ERRNO(do_with("unregister", SHARED, HANDLER_B), EBUSY);
	CHECK_ERRNO(guest_rmmod(MODULE), EWOULDBLOCK);
	/* Its other handler has no files. */
	CHECK(!do_with("unregister", SHARED, HANDLER_A));
	CHECK(!do_with("register", SHARED, HANDLER_A));
	close(session);
	CHECK(!do_with("register", OWN, HANDLER_B));
	CHECK(!do_with("unregister", OWN, HANDLER_B));
}

/* ---- across a kexec ---- */

static void aborted_reboot_before(void)
{
	int session = -1;

	need_module();
	session = new_session("aborted_reboot");
	CHECK(!luo_preserve(session, new_a(), 1));
	CHECK(!luo_preserve(session, new_b(), 2));
	CHECK(!guest_load_image(0));
	guest_log_mark();
	CHECK(!set_param("fail_freeze", "b"));
	CHECK_ERRNO(guest_kexec(), EREMOTEIO);
	CHECK(!set_param("fail_freeze", "none"));
	CHECK(!guest_log_since(SAYS("unpreserve")));
	CHECK(!do_it("get_out", OWN));
	CHECK(!do_it("put_out", OWN));
	close(session);
	CHECK(guest_log_since(SAYS("unpreserve shared")));
}

static void files_before(void)
{
	int session;

	need_module();
	session = new_session("files");
	CHECK(!luo_preserve(session, new_a(), 1));
	CHECK(!luo_preserve(session, new_a(), 2));
	CHECK(!luo_preserve(session, new_b(), 3));
	CHECK(!luo_preserve(session, new_file(PAGE, 4), 4));
}

static void discarded_before(void)
{
	need_module();
	CHECK(!luo_preserve(new_session("discarded"), new_a(), 1));
}

/* Nobody but who asks makes it come back, and only once. */
static void lazy_retrieve(void)
{
	need_module();
	guest_log_mark();
	CHECK(!guest_insmod(MODULE, "later=1"));
	CHECK(!guest_log_since(SAYS("retrieve shared")));
	CHECK(!do_it("get_in", SHARED));
	CHECK(guest_log_since(SAYS("retrieve shared")));
	guest_log_mark();
	CHECK(!do_it("put_in", SHARED));
	CHECK(!do_it("get_in", SHARED));
	CHECK(!do_it("put_in", SHARED));
	CHECK(!guest_log_since(SAYS("retrieve")));
	CHECK(!guest_log_since(SAYS("finish")));
	CHECK_ERRNO(guest_rmmod(MODULE), EWOULDBLOCK);
}

static void other_version_refused(void)
{
	need_module();
	guest_log_mark();
	CHECK_ERRNO(do_it("get_in", OLDER), EIO);
	CHECK_ERRNO(do_it("get_in", OLDER), EIO);
	CHECK(guest_log_since("'luo-test-flb-aging-v2' not supported"));
	CHECK(!guest_log_since(SAYS("retrieve")));
}

static void failed_flb_is_final(void)
{
	need_module();
	guest_log_mark();
	CHECK(!set_param("fail_retrieve", "failing"));
	CHECK_ERRNO(do_it("get_in", FAILING), EREMOTEIO);
	CHECK(!set_param("fail_retrieve", "none"));
	CHECK(guest_log_since(SAYS("retrieve failing fails")));
	guest_log_mark();
	CHECK_ERRNO(do_it("get_in", FAILING), EREMOTEIO);
	CHECK(!guest_log_since(SAYS("retrieve")));
}

static void never_registered(void)
{
	need_module();
	CHECK_ERRNO(do_it("get_in", GONE), EINVAL);
}

static void files_after(void)
{
	int session;

	need_module();
	session = old_session("files");
	old_file(session, 3);
	old_file(session, 1);
	check_content(old_file(session, 4), 0, PAGE, 4);
	guest_log_mark();
	CHECK(!luo_finish(session));
	CHECK_ORDER(SAYS("finish file b\n"), SAYS("finish file a\n"),
		    SAYS("finish file a\n"));
	/* One file is left. */
	CHECK(!guest_log_since(SAYS("finish shared")));
	CHECK(!guest_log_since(SAYS("finish own")));
	CHECK(!do_it("get_in", SHARED));
	CHECK(!do_it("put_in", SHARED));
}

/* No handler is used, but it can't lose its last one as long as it is there. */
static void retrieved_keeps_last_handler(void)
{
	need_module();
	CHECK(!do_with("unregister", SHARED, HANDLER_B));
	CHECK_ERRNO(do_with("unregister", SHARED, HANDLER_A), EBUSY);
	CHECK(!do_with("register", SHARED, HANDLER_B));
}

static void discarded_after(void)
{
	int session;

	need_module();
	session = old_session("discarded");
	CHECK(!do_it("get_in", SHARED));
	guest_log_mark();
	CHECK(!luo_finish(session));
	CHECK_ORDER(SAYS("finish file a\n"),
		    SAYS("finish failing, status -121, luo-test-flb-failing-v1"),
		    SAYS("finish own, status 0, luo-test-flb-own-v1"));
	CHECK(!guest_log_since(SAYS("finish older")));
	CHECK(!guest_log_since(SAYS("finish gone")));
	/* There is still a reference. */
	CHECK(!guest_log_since(SAYS("finish shared")));
	CHECK(!do_it("put_in", SHARED));
	CHECK(guest_log_since(SAYS("finish shared, status 1")));
	CHECK_ERRNO(do_it("get_in", SHARED), ENOENT);
	CHECK_ERRNO(do_it("get_in", OWN), ENOENT);
}

static void flb_unloads_when_finished(void)
{
	need_module();
	CHECK(!guest_rmmod(MODULE));
}

/* What was finished is not left to anybody else. */
static void finished_stays_finished(void)
{
	need_module();
	CHECK(!guest_insmod(MODULE, "later=1"));
	CHECK_ERRNO(do_it("get_in", SHARED), ENOENT);
}

/* CONFIG_LIVEUPDATE_TEST */

#define TEST_LUO	"test_luo: test-luo-flb-"

static char *log_of_test_flbs(void)
{
	char *log = guest_log();

	CHECK(log);
	if (!strstr(log, "test_luo: "))
		guest_skip("CONFIG_LIVEUPDATE_TEST is not set");
	CHECK(!strstr(log, "test_luo: FAILED"));
	return log;
}

static void check_test_flbs(const char *const *texts, size_t nr)
{
	char *log = log_of_test_flbs();
	size_t i;

	for (i = 0; i < nr; i++)
		if (!strstr(log, texts[i]))
			guest_fail(__FILE__, __LINE__, "log lacks '%s'",
				   texts[i]);
	free(log);
}

static void test_flbs_before(void)
{
	static const char *const texts[] = {
		TEST_LUO "a-v1: registered with memfd",
		TEST_LUO "b-v1: registered with memfd",
		TEST_LUO "c-v1: registered with memfd",
		TEST_LUO "a-v1: preserve", TEST_LUO "b-v1: preserve",
		TEST_LUO "c-v1: preserve", TEST_LUO "a-v1: unpreserve",
		TEST_LUO "b-v1: unpreserve", TEST_LUO "c-v1: unpreserve",
	};

	check_test_flbs(texts, ARRAY_SIZE(texts));
}

static void test_flbs_after(void)
{
	static const char *const texts[] = {
		TEST_LUO "a-v1: retrieve", TEST_LUO "b-v1: retrieve",
		TEST_LUO "c-v1: retrieve", TEST_LUO "a-v1: finish",
		TEST_LUO "b-v1: finish", TEST_LUO "c-v1: finish",
	};

	check_test_flbs(texts, ARRAY_SIZE(texts));
}

#define TEST1(name)	{ #name, { name } }
#define TEST2(name)	{ #name, { [1] = name } }
#define TEST(name)	{ #name, { name ## _before, name ## _after } }

static const struct guest_test flb_tests[] = {
	TEST1(flb_registers),
	TEST1(first_and_last_file),
	TEST1(flb_preserve_fails),
	TEST1(reference_keeps_preserved),
	TEST1(used_handler_keeps_flbs),
	{ "aborted_reboot", { aborted_reboot_before } },
	TEST2(lazy_retrieve),
	TEST2(other_version_refused),
	TEST2(failed_flb_is_final),
	TEST2(never_registered),
	TEST(files),
	TEST2(retrieved_keeps_last_handler),
	TEST(discarded),
	TEST(test_flbs),
	TEST2(flb_unloads_when_finished),
	TEST2(finished_stays_finished),
};

const struct guest_suite flb_suite = {
	.name = "flb",
	.tests = flb_tests,
	.nr_tests = ARRAY_SIZE(flb_tests),
	.kernels = 2,
};

/* ---- damaged tables: odd kernels forge them, even ones find out ---- */

static void forge(const char *args)
{
	if (!guest_has_module("luo_test_forge"))
		guest_skip("luo_test_forge.ko is not built");
	CHECK(!guest_insmod("luo_test_forge", args));
}

static void forge_address(void)
{
	forge("what=flb_address");
}

static void forge_count(void)
{
	forge("what=flb_count");
}

static void forge_name(void)
{
	forge("what=flb_name");
}

static void forge_twins(void)
{
	forge("what=flb_twins");
}

static void check_session_works(void)
{
	int session = old_session("intact");

	check_no_old_session("other", ENOENT);
	CHECK(!luo_finish(session));
	CHECK(!luo_preserve(new_session("new"), new_a(), 1));
}

static void check_table_refused(const char *why)
{
	char *log;

	need_module();
	CHECK(!guest_insmod(MODULE, ""));
	CHECK_ERRNO(do_it("get_in", SHARED), EIO);
	CHECK_ERRNO(do_it("get_in", OWN), EIO);
	check_session_works();
	CHECK_ERRNO(do_it("get_in", SHARED), EIO);
	log = guest_log();
	CHECK(log && strstr(log, why));
	free(log);
}

static void address_refused(void)
{
	check_table_refused("is not in preserved memory");
}

static void count_refused(void)
{
	check_table_refused("has no room for");
}

static void name_refused(void)
{
	check_table_refused("has a malformed version string");
}

/* Which of the two is meant? The others are served. */
static void twins_refused(void)
{
	need_module();
	CHECK(!guest_insmod(MODULE, ""));
	CHECK_ERRNO(do_it("get_in", SHARED), EIO);
	CHECK_ERRNO(do_it("get_in", OWN), EINVAL);
	CHECK_ERRNO(do_it("get_in", FAILING), ENOENT);
	check_session_works();
}

static const char *flb_refused_append(int kernel)
{
	return kernel % 2 ? "liveupdate=off" : "liveupdate=on";
}

static const struct guest_test flb_refused_tests[] = {
	{ "flb_address_refused", { forge_address, address_refused } },
	{ "flb_count_refused", { [2] = forge_count, count_refused } },
	{ "flb_name_refused", { [4] = forge_name, name_refused } },
	{ "flb_twins_refused", { [6] = forge_twins, twins_refused } },
};

const struct guest_suite flb_refused_suite = {
	.name = "flb_refused",
	.tests = flb_refused_tests,
	.nr_tests = ARRAY_SIZE(flb_refused_tests),
	.kernels = 8,
	.append = flb_refused_append,
};
