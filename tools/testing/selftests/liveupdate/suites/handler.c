// SPDX-License-Identifier: GPL-2.0
/*
 * handler: files of a handler that fails on demand, in a module
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The first test loads the module in the first kernel, loaded_later() in the second.
 */
#include <stdio.h>
#include <unistd.h>

#include "../luo.h"

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
	CHECK(!guest_insmod(HANDLER, ""));
	CHECK_ERRNO(guest_insmod(HANDLER, ""), EEXIST);
}

static void preserve_fails(void)
{
	int session = new_session("preserve_fails");
	int fd = new_number(101);

	set_handler("fail_preserve", 101);
	CHECK_ERRNO(luo_preserve(session, fd, 1), EREMOTEIO);
	CHECK_ERRNO(luo_preserve(session, fd, 1), EREMOTEIO);
	set_handler("fail_preserve", 0);
	/* Neither the file nor the token is taken. */
	CHECK(!luo_preserve(session, new_number(102), 1));
	CHECK(!luo_preserve(session, fd, 2));
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

	set_handler("fail_preserve", failing);
	for (i = 211; i < failing; i++)
		CHECK(!luo_preserve(session, new_number(i), i));
	guest_log_mark();
	CHECK_ERRNO(luo_preserve(session, new_number(failing), failing),
		    EREMOTEIO);
	close(session);
	for (i = failing - 1; i >= 211; i--)
		check_next(": unpreserve %d\n", i);
	CHECK(!guest_log_next(": unpreserve 21"));
	set_handler("fail_preserve", 0);
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
	CHECK_ERRNO(guest_rmmod(HANDLER), EWOULDBLOCK);
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

	set_handler("fail_freeze", failing);
	guest_log_mark();
	CHECK_ERRNO(guest_kexec(), EREMOTEIO);
	CHECK(guest_log_since("can't freeze file with token"));
	for (i = 401; i < failing; i++)
		check_next(": freeze %d\n", i);
	check_next(": freeze %d fails\n", failing);
	for (i = failing - 1; i >= 401; i--)
		check_next(": unfreeze %d\n", i);
	CHECK(!guest_log_next(": unfreeze 40"));
	set_handler("fail_freeze", 0);
}

static void check_verify(const char *expected)
{
	char *text = guest_text_of(OUT_VERIFY);

	CHECK(!strcmp(text, expected));
	free(text);
}

/* No file is frozen then. */
static void check_verify_fails_at(int failing)
{
	int i;

	set_handler("fail_verify", failing);
	check_verify("damaged: see the kernel log\n");
	guest_log_mark();
	CHECK_ERRNO(guest_kexec(), EIO);
	CHECK(guest_log_since("can't read back file with token"));
	CHECK(guest_log_since("the next kernel can't read session 'freeze_fails'"));
	CHECK(!guest_log_since(": freeze "));
	for (i = 401; i < failing; i++)
		check_next(": verify %d\n", i);
	check_next(": verify %d fails\n", failing);
	set_handler("fail_verify", 0);
	check_verify("no damage found\n");
}

/* All files are frozen then. */
static void check_verify_frozen_fails_at(int failing)
{
	int i;

	set_handler("fail_verify_frozen", failing);
	check_verify("no damage found\n");
	guest_log_mark();
	CHECK_ERRNO(guest_kexec(), EIO);
	CHECK(guest_log_since("can't read back file with token"));
	CHECK(guest_log_since("the next kernel can't read session 'freeze_fails'"));
	for (i = 401; i <= 403; i++)
		check_next(": verify %d\n", i);
	for (i = 401; i <= 403; i++)
		check_next(": freeze %d\n", i);
	for (i = 401; i < failing; i++)
		check_next(": verify frozen %d\n", i);
	check_next(": verify frozen %d fails\n", failing);
	for (i = 403; i >= 401; i--)
		check_next(": unfreeze %d\n", i);
	set_handler("fail_verify_frozen", 0);
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
	guest_need_debugfs();
	for (i = 401; i <= 403; i++)
		check_verify_fails_at(i);
	for (i = 401; i <= 403; i++)
		check_verify_frozen_fails_at(i);
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

	CHECK(!guest_insmod(HANDLER, ""));
	check_number(old_file(session, 1), 601);
	CHECK_ERRNO(guest_rmmod(HANDLER), EWOULDBLOCK);
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

	set_handler("fail_retrieve", final[failing]);
	guest_log_mark();
	CHECK_ERRNO(luo_retrieve_fd(session, failing), EREMOTEIO);
	check_next(": retrieve %d fails\n", final[failing]);
	set_handler("fail_retrieve", 0);
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
	set_handler("error", error);
	set_handler("fail_retrieve", number);
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
	set_handler("fail_retrieve", 0);
	set_handler("error", EREMOTEIO);
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
	set_handler("busy", busy);
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
	set_handler("busy", 0);
	CHECK(!luo_finish(session));
	CHECK(guest_log_since(": finish 901, status 1"));
	close(session);
	check_no_old_session("not_ready_to_finish", ENOENT);
}

static void unloads_when_finished(void)
{
	CHECK(!guest_rmmod(HANDLER));
	CHECK(!guest_insmod(HANDLER, ""));
}

static const struct guest_test handler_tests[] = {
	GUEST_TEST(registers),
	GUEST_TEST(preserve_fails),
	GUEST_TEST(close_unpreserves_in_reverse),
	GUEST_TEST(preserve_fails_at_each),
	GUEST_TEST(preserved_file_pins_module),
	GUEST_TEST_OF_2(unknown_handler),
	GUEST_TEST_OF_2(loaded_later),
	GUEST_TEST_OF_2(freeze_fails),
	GUEST_TEST_OF_2(failed_retrieve_is_final),
	GUEST_TEST_OF_2(retrieve_is_tried_again),
	GUEST_TEST_OF_2(finish_in_reverse),
	GUEST_TEST_OF_2(not_ready_to_finish),
	GUEST_TEST_IN_2ND(unloads_when_finished),
};

GUEST_SUITE(handler, 2, .need = HANDLER)
