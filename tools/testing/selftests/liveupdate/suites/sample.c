// SPDX-License-Identifier: GPL-2.0
/*
 * sample: the driver and the program of samples/liveupdate
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../luo.h"

#define MODULE		"notepad"
#define NR_DISCARDED	64

static void load_module(void)
{
	CHECK(!guest_insmod(MODULE, ""));
}

static void write_note(int fd, const char *text)
{
	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
}

static void check_note(int fd, const char *wanted)
{
	char text[MAX_PAGE + 1] = "";

	CHECK_EQ(read(fd, text, strlen(wanted)), strlen(wanted));
	if (strcmp(text, wanted))
		guest_fail(__FILE__, __LINE__, "note says '%s', not '%s'", text,
			   wanted);
}

static void check_end(int fd)
{
	char byte;

	CHECK_EQ(read(fd, &byte, 1), 0);
}

/* ---- a note across two kexecs ---- */

/* Text that is written after the note was preserved is handed over as well. */
static void note_comes_back_before(void)
{
	int fd = new_note(O_RDWR);

	write_note(fd, "one two");
	check_note(fd, "one ");
	CHECK(!luo_preserve(new_session("note_comes_back"), fd, 1));
	write_note(fd, " three");
	check_note(fd, "two");
}

static void note_comes_back_between(void)
{
	int session = old_session("note_comes_back");
	int fd = old_file(session, 1);

	check_note(fd, " three");
	check_end(fd);
	write_note(fd, " four");
	finish_and_close(session);
	CHECK(!luo_preserve(new_session("note_comes_back"), fd, 2));
}

static void note_comes_back_after(void)
{
	int session = old_session("note_comes_back");
	int fd = old_file(session, 2);

	check_note(fd, " four");
	check_end(fd);
	CHECK(!luo_finish(session));
}

/* ---- a full page ---- */

static void note_is_a_page_before(void)
{
	char text[PAGE + 1];
	int fd = new_note(O_RDWR);

	memset(text, 'x', sizeof(text));
	CHECK_EQ(write(fd, text, sizeof(text)), PAGE);
	CHECK_ERRNO(write(fd, text, 1), ENOSPC);
	CHECK(!luo_preserve(new_session("note_is_a_page"), fd, 1));
}

static void note_is_a_page_after(void)
{
	int session = old_session("note_is_a_page");
	int fd = old_file(session, 1);
	char text[PAGE];
	size_t i;

	CHECK_EQ(read(fd, text, sizeof(text)), PAGE);
	for (i = 0; i < sizeof(text); i++)
		CHECK_EQ(text[i], 'x');
	check_end(fd);
	CHECK_ERRNO(write(fd, text, 1), ENOSPC);
	CHECK(!luo_finish(session));
}

/* ---- numbers: the state that notes share ---- */

static void store_last_number(int fd)
{
	char text[32];

	snprintf(text, sizeof(text), "%20lld", note_number(new_note(O_RDWR)));
	write_note(fd, text);
}

static long long stored_number(int fd)
{
	char text[21] = "";

	CHECK_EQ(read(fd, text, 20), 20);
	return atoll(text);
}

static void numbers_go_on_before(void)
{
	int fd = new_note(O_RDWR);

	CHECK(!luo_preserve(new_session("numbers_go_on"), fd, 1));
	store_last_number(fd);
}

static void numbers_go_on_between(void)
{
	int session = old_session("numbers_go_on");
	int fd = old_file(session, 1);
	long long last = stored_number(fd);

	CHECK(note_number(fd) < last);
	CHECK(note_number(new_note(O_RDWR)) > last);
	finish_and_close(session);
	CHECK(!luo_preserve(new_session("numbers_go_on"), fd, 1));
	store_last_number(fd);
}

static void numbers_go_on_after(void)
{
	int session = old_session("numbers_go_on");
	int fd = old_file(session, 1);

	CHECK(note_number(new_note(O_RDWR)) > stored_number(fd));
	CHECK(!luo_finish(session));
}

/* ---- one kernel ---- */

static void access_mode_comes_back_before(void)
{
	int session = new_session("access_mode_comes_back");

	CHECK(!luo_preserve(session, new_note(O_RDONLY), O_RDONLY));
	CHECK(!luo_preserve(session, new_note(O_WRONLY), O_WRONLY));
}

static void access_mode_comes_back_after(void)
{
	int session = old_session("access_mode_comes_back");
	char byte = 0;

	CHECK_ERRNO(write(old_file(session, O_RDONLY), &byte, 1), EBADF);
	CHECK_ERRNO(read(old_file(session, O_WRONLY), &byte, 1), EBADF);
	CHECK_EQ(write(old_file(session, O_WRONLY), &byte, 1), 1);
	CHECK(!luo_finish(session));
}

static void preserved_once(void)
{
	int session = new_session("preserved_once");
	int other = new_session("a second session");
	int fd = new_note(O_RDWR);

	CHECK(!luo_preserve(session, fd, 1));
	CHECK_ERRNO(luo_preserve(other, fd, 1), EBUSY);
	CHECK_ERRNO(luo_preserve(other, dup(fd), 1), EBUSY);
	close(session);
	CHECK(!luo_preserve(other, fd, 1));
	write_note(fd, "still here");
	check_note(fd, "still here");
	close(other);
	write_note(fd, ", and now");
	check_note(fd, ", and now");
}

static void preserved_note_pins_module(void)
{
	int fd = new_note(O_RDWR);

	CHECK(!luo_preserve(new_session("preserved_note_pins_module"), fd, 1));
	close(fd);
	CHECK_ERRNO(guest_rmmod(MODULE), EWOULDBLOCK);
}

/* ---- notes that are not retrieved are freed ---- */

static void unclaimed_notes_are_freed_before(void)
{
	int session = new_session("unclaimed_notes_are_freed");
	int i;

	for (i = 0; i < NR_DISCARDED; i++)
		CHECK(!luo_preserve(session, new_note(O_RDWR), i));
}

/* MemTotal counts a preserved page once it is restored. */
static void unclaimed_notes_are_freed_after(void)
{
	int session = old_session("unclaimed_notes_are_freed");
	long before = guest_meminfo("MemTotal");

	CHECK(before > 0);
	CHECK(!luo_finish(session));
	CHECK(guest_meminfo("MemTotal") - before >= 2 * NR_DISCARDED * PAGE / 1024);
}

/* ---- the program ---- */

static int run_keep(const char *what, const char *name, const char *path)
{
	char *const argv[] = {
		"keep", (char *)what, (char *)name, (char *)path, NULL
	};

	if (!guest_has_program("keep"))
		guest_skip("samples/liveupdate/keep.c is not built");
	return guest_run_and_note(argv);
}

static void check_same(const char *path, const char *wanted)
{
	static char a[1 << 16], b[1 << 16];
	int fd = open(path, O_RDONLY), other = open(wanted, O_RDONLY);
	ssize_t got;

	CHECK(fd >= 0);
	CHECK(other >= 0);
	do {
		got = read(fd, a, sizeof(a));
		CHECK(got >= 0);
		CHECK_EQ(read(other, b, sizeof(b)), got);
		CHECK(!memcmp(a, b, got));
	} while (got);
	close(fd);
	close(other);
}

static void program_keeps_a_file_before(void)
{
	CHECK_EQ(run_keep("save", "a file", "/kernel"), 0);
	CHECK_EQ(run_keep("save", "a file", "/kernel"), 1);
	CHECK_EQ(run_keep("save", "another file", "/no such file"), 1);
	CHECK_EQ(run_keep("load", "a file", "/tmp/kept"), 1);
}

static void program_keeps_a_file_after(void)
{
	CHECK_EQ(run_keep("load", "another file", "/tmp/kept"), 1);
	CHECK_EQ(run_keep("load", "a file", "/tmp/kept"), 0);
	check_same("/tmp/kept", "/kernel");
	CHECK_EQ(run_keep("load", "a file", "/tmp/kept"), 1);
	CHECK(!unlink("/tmp/kept"));
}

/* In this kernel nothing uses the module any more. */
static void unloads_when_finished(void)
{
	CHECK(!guest_rmmod(MODULE));
	CHECK(!guest_insmod(MODULE, ""));
}

static const struct guest_test sample_tests[] = {
	{ "loads", { load_module, load_module, load_module } },
	GUEST_TEST_OF_3(note_comes_back),
	GUEST_TEST_OF_2(note_is_a_page),
	GUEST_TEST_OF_3(numbers_go_on),
	GUEST_TEST_OF_2(access_mode_comes_back),
	GUEST_TEST(preserved_once),
	GUEST_TEST_OF_2(unclaimed_notes_are_freed),
	GUEST_TEST_OF_2(program_keeps_a_file),
	{ "unloads_when_finished", { [2] = unloads_when_finished } },
	{ "preserved_note_pins_module", { [2] = preserved_note_pins_module } },
};

GUEST_SUITE(sample, 3, .need = MODULE)
