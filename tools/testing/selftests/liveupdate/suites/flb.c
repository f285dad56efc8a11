// SPDX-License-Identifier: GPL-2.0
/*
 * flb: state that files share (FLBs), in one kernel and across a kexec
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The module's files of kind a depend on all of its FLBs, files of kind b on
 * "shared" alone. test_flbs checks what a kernel with built-in test FLBs logs.
 */
#include <fcntl.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "../luo.h"

#define MODULE		"luo_test_flb"
#define HANDLER_MODULE	"luo_test_handler"

/* The numbers that the module uses */
enum { SHARED, OWN, FAILING, OLDER, NEWER, GONE };
enum { HANDLER_A, HANDLER_B };

static int set_param(const char *name, const char *value)
{
	return guest_set_module_param(MODULE, name, value);
}

/* Make the module call a function: 0 or -1 with errno. */
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

#define SAYS(what)	MODULE ": " what

/* ---- one kernel ---- */

static void flb_registers(void)
{
	CHECK(!guest_insmod(MODULE, ""));
	CHECK_ERRNO(do_with("register", OWN, HANDLER_A), EEXIST);
	CHECK_ERRNO(do_with("unregister", OWN, HANDLER_B), ENOENT);
	CHECK(!do_with("unregister", OWN, HANDLER_A));
	CHECK_ERRNO(do_with("unregister", OWN, HANDLER_A), ENOENT);
	CHECK_ERRNO(do_it("get_out", OWN), EINVAL);
	CHECK_ERRNO(do_it("get_in", OWN), EINVAL);
	CHECK(!do_with("register", OWN, HANDLER_A));
	/* Nothing is preserved, and nothing was handed over. */
	CHECK_ERRNO(do_it("get_out", OWN), ENOENT);
	CHECK_ERRNO(do_it("get_in", OWN), ENOENT);
	/* An FLB can belong to several handlers. */
	CHECK(!do_with("register", OWN, HANDLER_B));
	CHECK(!do_with("unregister", OWN, HANDLER_B));
	CHECK(!guest_rmmod(MODULE));
	CHECK(!guest_insmod(MODULE, ""));
}

static void first_and_last_file(void)
{
	int session = new_session("files");
	int other = new_session("other files");

	guest_log_mark();
	CHECK(!luo_preserve(session, new_flb_file('a'), 1));
	CHECK_ORDER(SAYS("preserve shared\n"), SAYS("preserve own\n"),
		    SAYS("preserve gone\n"), SAYS("preserve file a\n"));

	guest_log_mark();
	CHECK(!luo_preserve(session, new_flb_file('a'), 2));
	CHECK(!luo_preserve(session, new_flb_file('b'), 3));
	CHECK(!luo_preserve(other, new_flb_file('b'), 1));
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

/* A failure is undone, and the next attempt succeeds. */
static void flb_preserve_fails(void)
{
	int session = new_session("flb_preserve_fails");
	int fd = new_flb_file('a');

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
	int session = new_session("earlier file");

	CHECK(!luo_preserve(session, new_flb_file('b'), 1));
	CHECK(!do_it("get_out", SHARED));
	CHECK(!do_it("get_out", SHARED));
	guest_log_mark();
	close(session);
	CHECK(!guest_log_since(SAYS("unpreserve shared")));
	CHECK_ERRNO(guest_rmmod(MODULE), EWOULDBLOCK);
	CHECK(!do_it("put_out", SHARED));
	CHECK(!guest_log_since(SAYS("unpreserve shared")));

	/* Another file gets the state that is still there. */
	session = new_session("later file");
	CHECK(!luo_preserve(session, new_flb_file('b'), 1));
	CHECK(!do_it("put_out", SHARED));
	CHECK(!guest_log_since(SAYS("preserve shared")));
	CHECK(!guest_log_since(SAYS("unpreserve shared")));
	close(session);
	CHECK(guest_log_since(SAYS("unpreserve shared")));
}

static void used_handler_keeps_flbs(void)
{
	int session = new_session("used_handler_keeps_flbs");

	CHECK(!luo_preserve(session, new_flb_file('b'), 1));
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
	int session = new_session("aborted_reboot");

	CHECK(!luo_preserve(session, new_flb_file('a'), 1));
	CHECK(!luo_preserve(session, new_flb_file('b'), 2));
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
	int session = new_session("files");

	CHECK(!luo_preserve(session, new_flb_file('a'), 1));
	CHECK(!luo_preserve(session, new_flb_file('a'), 2));
	CHECK(!luo_preserve(session, new_flb_file('b'), 3));
	CHECK(!luo_preserve(session, new_file(PAGE, 4), 4));
}

static void discarded_before(void)
{
	CHECK(!luo_preserve(new_session("discarded"), new_flb_file('a'), 1));
}

/*
 * An FLB that can't be retrieved because memory is short is retrieved again when it is
 * needed, and finished if it isn't. It can't be preserved before it was retrieved.
 */
static void retrieve_is_tried_again(void)
{
	int session = new_session("retrieve_is_tried_again");

	CHECK(!guest_insmod(MODULE, "later=1 error=11 fail_retrieve=shared"));
	CHECK_ERRNO(do_it("get_in", SHARED), ENOMEM);
	CHECK_ERRNO(guest_rmmod(MODULE), EWOULDBLOCK);
	guest_log_mark();
	CHECK_ERRNO(luo_preserve(session, new_flb_file('b'), 1), ENOMEM);
	CHECK(guest_log_since(SAYS("retrieve shared fails")));
	CHECK(!guest_log_since(SAYS("preserve shared")));
	CHECK(!set_param("fail_retrieve", "own"));
	CHECK_ERRNO(do_it("get_in", OWN), ENOMEM);
	CHECK(!set_param("fail_retrieve", "none"));
	CHECK(!set_param("error", "121"));
	close(session);
}

/* An FLB is retrieved on its first use, and only then. */
static void lazy_retrieve(void)
{
	guest_log_mark();
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

/*
 * reboot() retrieves the rest of an FLB that was retrieved in part. That may take as long
 * as a program likes. Other handlers can come and go meanwhile.
 */
static void handing_on_holds_nothing(void)
{
	pid_t kexec;
	int i;

	CHECK(!set_param("stall_retrieve", "own"));
	CHECK(!guest_load_image(0));
	guest_log_mark();
	kexec = fork_task();
	if (!kexec) {
		reboot(LINUX_REBOOT_CMD_KEXEC);
		_exit(0);
	}
	for (i = 0; i < 100 && !guest_log_since(SAYS("retrieve own")); i++)
		usleep(100000);
	CHECK(i < 100);
	CHECK(!guest_insmod(HANDLER_MODULE, ""));
	CHECK(!guest_rmmod(HANDLER_MODULE));
	kill_child(kexec);
	CHECK(!set_param("stall_retrieve", "none"));
	CHECK(!guest_unload_image(0));
}

static void other_version_refused(void)
{
	guest_log_mark();
	CHECK_ERRNO(do_it("get_in", OLDER), EIO);
	CHECK_ERRNO(do_it("get_in", OLDER), EIO);
	CHECK(guest_log_since("'luo-test-flb-aging-v2' not supported"));
	CHECK(!guest_log_since(SAYS("retrieve")));
}

static void failed_flb_is_final(void)
{
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
	CHECK_ERRNO(do_it("get_in", GONE), EINVAL);
}

/* Files of kind b did not depend on "own" in the previous kernel, and do in this one. */
static void files_after(void)
{
	int session;

	CHECK(!do_with("register", OWN, HANDLER_B));
	session = old_session("files");
	old_file(session, 3);
	old_file(session, 1);
	check_content(old_file(session, 4), 0, PAGE, 4);
	guest_log_mark();
	CHECK(!luo_finish(session));
	CHECK_ORDER(SAYS("finish file b\n"), SAYS("finish file a\n"),
		    SAYS("finish file a\n"));
	/* Another file still depends on these FLBs. */
	CHECK(!guest_log_since(SAYS("finish shared")));
	CHECK(!guest_log_since(SAYS("finish own")));
	CHECK(!do_it("get_in", SHARED));
	CHECK(!do_it("put_in", SHARED));
	CHECK(!do_with("unregister", OWN, HANDLER_B));
}

/* An FLB that was retrieved can't lose its last handler, even if that has no files. */
static void retrieved_keeps_last_handler(void)
{
	CHECK(!do_with("unregister", SHARED, HANDLER_B));
	CHECK_ERRNO(do_with("unregister", SHARED, HANDLER_A), EBUSY);
	CHECK(!do_with("register", SHARED, HANDLER_B));
}

static void discarded_after(void)
{
	int session = old_session("discarded");

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
	CHECK(!guest_rmmod(MODULE));
}

/* A finished FLB stays finished if the module is loaded again. */
static void finished_stays_finished(void)
{
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

static const struct guest_test flb_tests[] = {
	GUEST_TEST(flb_registers),
	GUEST_TEST(first_and_last_file),
	GUEST_TEST(flb_preserve_fails),
	GUEST_TEST(reference_keeps_preserved),
	GUEST_TEST(used_handler_keeps_flbs),
	{ "aborted_reboot", { aborted_reboot_before } },
	GUEST_TEST_IN_2ND(retrieve_is_tried_again),
	GUEST_TEST_IN_2ND(lazy_retrieve),
	GUEST_TEST_IN_2ND(handing_on_holds_nothing),
	GUEST_TEST_IN_2ND(other_version_refused),
	GUEST_TEST_IN_2ND(failed_flb_is_final),
	GUEST_TEST_IN_2ND(never_registered),
	GUEST_TEST_OF_2(files),
	GUEST_TEST_IN_2ND(retrieved_keeps_last_handler),
	GUEST_TEST_OF_2(discarded),
	GUEST_TEST_OF_2(test_flbs),
	GUEST_TEST_IN_2ND(flb_unloads_when_finished),
	GUEST_TEST_IN_2ND(finished_stays_finished),
};

GUEST_SUITE(flb, 2, .need = MODULE " " HANDLER_MODULE)
