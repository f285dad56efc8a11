// SPDX-License-Identifier: GPL-2.0
/*
 * kexec: sessions and their files across one kexec, and across two
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Most tests have a session with their name. NAME_before(), or one of the functions
 * below, preserves files in the first kernel, and NAME_after() retrieves them in the
 * second.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../luo.h"

/* A file of one page, and a session without files */
static void preserve_page(void)
{
	preserve_file(guest_test_name(), 1, PAGE, 1);
}

static void preserve_nothing(void)
{
	new_session(guest_test_name());
}

#define TEST_OF_PAGE(name)	{ #name, { preserve_page, name ## _after } }
#define TEST_OF_SESSION(name)	{ #name, { preserve_nothing, name ## _after } }

/* ---- sessions ---- */

static void several_sessions_before(void)
{
	char name[32];
	int i;

	for (i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "several_sessions %d", i);
		preserve_file(name, 1, PAGE, i);
	}
}

static void several_sessions_after(void)
{
	char name[32];
	int i;

	for (i = 2; i >= 0; i--) {
		snprintf(name, sizeof(name), "several_sessions %d", i);
		check_content(old_file(old_session(name), 1), 0, PAGE, i);
	}
}

#define MANY_SESSIONS	300

static void many_sessions_before(void)
{
	int sessions[MANY_SESSIONS];
	int dev = open_device();
	char name[32];
	int i;

	for (i = 0; i < MANY_SESSIONS; i++) {
		snprintf(name, sizeof(name), "many_sessions %d", i);
		sessions[i] = luo_create(dev, name);
		CHECK(sessions[i] >= 0);
		CHECK(!luo_preserve(sessions[i], new_file(8, i), i));
	}
	/* Two sessions in the middle are not handed over. */
	close(sessions[100]);
	close(sessions[200]);
	close(dev);
}

static void many_sessions_after(void)
{
	int dev = open_device();
	char name[32];
	int i, session;
	int missing = 0;

	for (i = MANY_SESSIONS - 1; i >= 0; i--) {
		snprintf(name, sizeof(name), "many_sessions %d", i);
		session = luo_retrieve(dev, name);
		if (session < 0) {
			CHECK_EQ(errno, ENOENT);
			CHECK(i == 100 || i == 200);
			missing++;
			continue;
		}
		check_content(old_file(session, i), 0, 8, i);
	}
	close(dev);
	CHECK_EQ(missing, 2);
}

static void empty_session_after(void)
{
	int session = old_session("empty_session");

	CHECK_ERRNO(luo_retrieve_fd(session, 0), ENOENT);
	CHECK(!luo_finish(session));
	finish_and_close(session);
	check_no_old_session("empty_session", ENOENT);
}

/* Two names of unusual bytes, which differ in their last byte only */
static const char *const odd_names[] = {
	"odd/name \xc3\xbc%s\n\t\"'\\ that takes all of the sixty-three bytes    1",
	"odd/name \xc3\xbc%s\n\t\"'\\ that takes all of the sixty-three bytes    2",
};

static void odd_names_before(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		CHECK_EQ(strlen(odd_names[i]), NAME_LENGTH - 1);
		preserve_file(odd_names[i], 1, PAGE, i);
	}
}

static void odd_names_after(void)
{
	char name[NAME_LENGTH];
	int i, session;

	for (i = 0; i < 2; i++) {
		session = old_session(odd_names[i]);
		CHECK(!luo_get_name(session, name));
		CHECK(!strcmp(name, odd_names[i]));
		check_content(old_file(session, 1), 0, PAGE, i);
	}
}

static void unknown_session_and_token_after(void)
{
	int session;

	check_no_old_session("unknown_session_and_toke", ENOENT);
	check_no_old_session("unknown_session_and_token2", ENOENT);
	session = old_session("unknown_session_and_token");
	CHECK_ERRNO(luo_retrieve_fd(session, 0), ENOENT);
	CHECK_ERRNO(luo_retrieve_fd(session, 2), ENOENT);
	check_content(old_file(session, 1), 0, PAGE, 1);
}

static void session_retrieved_twice_after(void)
{
	int session = old_session("session_retrieved_twice");

	check_no_old_session("session_retrieved_twice", EINVAL);
	finish_and_close(session);
	check_no_old_session("session_retrieved_twice", ENOENT);
}

static void incoming_takes_no_files_after(void)
{
	int session = old_session("incoming_takes_no_files");

	CHECK_ERRNO(luo_preserve(session, new_file(PAGE, 1), 1), EINVAL);
}

static void check_finish_structure(int session)
{
	struct {
		struct liveupdate_session_finish arg;
		__u64 later;
	} finish = { .arg = { .size = sizeof(finish) } };

	finish.later = 1;
	CHECK_ERRNO(ioctl(session, LIVEUPDATE_SESSION_FINISH, &finish), E2BIG);
	finish.later = 0;
	finish.arg.reserved = 1;
	CHECK_ERRNO(ioctl(session, LIVEUPDATE_SESSION_FINISH, &finish), EINVAL);
	/* None of these requests has finished anything. */
	check_content(old_file(session, 1), 0, PAGE, 1);
	finish.arg.reserved = 0;
	CHECK(!ioctl(session, LIVEUPDATE_SESSION_FINISH, &finish));
}

static void incoming_structures_after(void)
{
	struct {
		struct liveupdate_ioctl_retrieve_session arg;
		__u64 later;
	} retrieve = { .arg = { .size = sizeof(retrieve),
				.name = "incoming_structures" } };
	struct {
		struct liveupdate_session_retrieve_fd arg;
		__u64 later;
	} file = { .arg = { .size = sizeof(file), .token = 1 } };
	int dev = open_device();

	CHECK(!ioctl(dev, LIVEUPDATE_IOCTL_RETRIEVE_SESSION, &retrieve));
	CHECK(!ioctl(retrieve.arg.fd, LIVEUPDATE_SESSION_RETRIEVE_FD, &file));
	check_content(file.arg.fd, 0, PAGE, 1);
	check_finish_structure(retrieve.arg.fd);
}

/* A request whose reply can't be stored has no effect. */
static void fd_only_with_reply_after(void)
{
	struct liveupdate_ioctl_retrieve_session retrieve = {
		.size = sizeof(retrieve),
		.name = "fd_only_with_reply",
	};
	struct liveupdate_session_retrieve_fd file = {
		.size = sizeof(file),
		.token = 1,
	};
	void *page = read_only_copy(&retrieve, sizeof(retrieve));
	int dev = open_device();
	int before, session;

	before = nr_open_fds();
	CHECK_ERRNO(ioctl(dev, LIVEUPDATE_IOCTL_RETRIEVE_SESSION, page),
		    EFAULT);
	CHECK_EQ(nr_open_fds(), before);
	close(dev);

	session = old_session("fd_only_with_reply");
	page = read_only_copy(&file, sizeof(file));
	before = nr_open_fds();
	CHECK_ERRNO(ioctl(session, LIVEUPDATE_SESSION_RETRIEVE_FD, page),
		    EFAULT);
	CHECK_EQ(nr_open_fds(), before);
	check_content(old_file(session, 1), 0, PAGE, 1);
}

/* CREATE may reuse the name of an incoming session. */
static void name_is_reused_between(void)
{
	preserve_file("name_is_reused", 1, PAGE, 2);
	check_content(old_file(old_session("name_is_reused"), 1), 0, PAGE, 1);
}

static void name_is_reused_after(void)
{
	check_content(old_file(old_session("name_is_reused"), 1), 0, PAGE, 2);
}

/* ---- finishing ---- */

static void close_finishes_before(void)
{
	int session = new_session("close_finishes");

	CHECK(!luo_preserve(session, new_file(3 * PAGE, 1), 1));
	CHECK(!luo_preserve(session, new_file(3 * PAGE, 2), 2));
}

static void close_finishes_after(void)
{
	int session = old_session("close_finishes");
	int fd = old_file(session, 1);
	int other = dup(session);

	close(session);
	CHECK_ERRNO(luo_preserve(new_session("close_finishes 2"), fd, 1),
		    EBUSY);
	close(other);
	check_no_old_session("close_finishes", ENOENT);
	check_content(fd, 0, 3 * PAGE, 1);
	CHECK(!luo_preserve(new_session("close_finishes 3"), fd, 1));
}

static void unfinished_counts_as_preserved_after(void)
{
	int session = old_session("unfinished_counts_as_preserved");
	int outgoing = new_session("unfinished_counts_as_preserved");
	int fd = old_file(session, 1);

	CHECK_ERRNO(luo_preserve(outgoing, fd, 1), EBUSY);
	CHECK(!luo_finish(session));
	CHECK(!luo_preserve(outgoing, fd, 1));
}

static void finish_discards_before(void)
{
	int session = new_session("finish_discards");

	CHECK(!luo_preserve(session, new_file(64 * MIB, 1), 1));
	CHECK(!luo_preserve(session, new_file(PAGE, 2), 2));
}

static void finish_discards_after(void)
{
	int session = old_session("finish_discards");
	int fd = old_file(session, 2);
	long before = guest_free_memory();
	long freed;

	CHECK(!luo_finish(session));
	freed = guest_free_memory() - before;
	guest_note("%ld KiB freed", freed);
	CHECK(freed > (64 << 10) - 2 * MEMINFO_SLACK);
	CHECK(luo_retrieve_fd(session, 1) < 0);
	check_content(fd, 0, PAGE, 2);
	CHECK(!luo_finish(session));
	check_content(fd, 0, PAGE, 2);
}

/* A process without privileges sees no content, neither preserved nor discarded. */
static void nobody_sees_it_before(void)
{
	int session = new_session("nobody_sees_it");

	CHECK(!luo_preserve(session, new_file(16 * MIB, 1), 1));
	CHECK(!luo_preserve(session, new_file(16 * MIB, 2), 2));
}

static void nobody_sees_it_after(void)
{
	int session, fd;

	check_free_memory();
	session = old_session("nobody_sees_it");
	fd = old_file(session, 2);
	CHECK(!luo_finish(session));
	check_free_memory();
	check_content(fd, 0, 16 * MIB, 2);
}

/* A session that is not retrieved is handed on. The suite handon has more of this. */
static void nobody_retrieves_after(void)
{
	int session = old_session("nobody_retrieves");

	check_content(old_file(session, 1), 0, PAGE, 1);
	finish_and_close(session);
}

/* ---- files of a session ---- */

#define MANY_FILES	1000

static void many_files_before(void)
{
	int session = new_session("many_files");
	int i;

	for (i = 0; i < MANY_FILES; i++)
		CHECK(!luo_preserve(session, new_file(100 + i, i), i * 3));
}

static void many_files_after(void)
{
	int session = old_session("many_files");
	int i, fd;

	for (i = 0; i < MANY_FILES; i++) {
		/* 389 and 1000 have no common divisor, so each number comes up once. */
		int nr = i * 389 % MANY_FILES;

		fd = old_file(session, nr * 3);
		check_file(fd, 100 + nr, nr);
	}
	CHECK(!luo_finish(session));
}

static const __u64 odd_tokens[] = {
	0, UINT64_MAX, 1, UINT64_MAX - 1, 1ULL << 63, 1ULL << 32, 0xffffffff,
	(1ULL << 63) - 1,
};

static void odd_tokens_before(void)
{
	int session = new_session("odd_tokens");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(odd_tokens); i++)
		CHECK(!luo_preserve(session, new_file(PAGE, i), odd_tokens[i]));
}

static void odd_tokens_after(void)
{
	int session = old_session("odd_tokens");
	size_t i;

	CHECK_ERRNO(luo_retrieve_fd(session, 2), ENOENT);
	CHECK_ERRNO(luo_retrieve_fd(session, UINT64_MAX - 2), ENOENT);
	for (i = ARRAY_SIZE(odd_tokens); i-- > 0;)
		check_content(old_file(session, odd_tokens[i]), 0, PAGE, i);
}

static void file_retrieved_twice_after(void)
{
	int session = old_session("file_retrieved_twice");
	int fd = old_file(session, 1);
	int again = old_file(session, 1);

	CHECK(fd != again);
	/* Both descriptors refer to one open file and share its position. */
	CHECK_EQ(lseek(fd, 1234, SEEK_SET), 1234);
	CHECK_EQ(lseek(again, 0, SEEK_CUR), 1234);
	fill(again, 0, PAGE, 2);
	check_content(fd, 0, PAGE, 2);
	/* The same holds after the first descriptors are closed. */
	close(fd);
	close(again);
	check_content(old_file(session, 1), 0, PAGE, 2);
}

/* ---- giving up ---- */

static void aborted_is_not_handed_over_before(void)
{
	int session = new_session("aborted_is_not_handed_over");
	int fd = new_file(3 * PAGE, 1);

	CHECK(!luo_preserve(session, fd, 1));
	close(session);
	check_thawed(fd);
}

static void aborted_is_not_handed_over_after(void)
{
	check_no_old_session("aborted_is_not_handed_over", ENOENT);
}

/* The session is closed, and the file preserved again under the same name. */
static void abort_and_again_before(void)
{
	int session = new_session("abort_and_again");
	int fd = new_file(3 * PAGE, 1);

	CHECK(!luo_preserve(session, fd, 1));
	close(session);
	CHECK(!ftruncate(fd, 5 * PAGE));
	fill(fd, 0, 5 * PAGE, 2);
	session = new_session("abort_and_again");
	CHECK(!luo_preserve(session, fd, 2));
}

static void abort_and_again_after(void)
{
	int session = old_session("abort_and_again");
	int fd = old_file(session, 2);

	CHECK_ERRNO(luo_retrieve_fd(session, 1), ENOENT);
	check_file(fd, 5 * PAGE, 2);
}

/* ---- there and back ---- */

static void two_updates_before(void)
{
	int session = new_session("two_updates");

	CHECK(!luo_preserve(session, new_file(4 * MIB, 1), 1));
	CHECK(!luo_preserve(session, new_file(PAGE, 2), 2));
}

static void two_updates_between(void)
{
	int session = old_session("two_updates");
	int next = new_session("two_updates");
	int fd = old_file(session, 1);

	check_content(fd, 0, 4 * MIB, 1);
	check_content(old_file(session, 2), 0, PAGE, 2);
	CHECK(!luo_finish(session));
	/* One part is handed on unchanged, the other part is new. */
	fill(fd, MIB, MIB, 3);
	CHECK(!ftruncate(fd, 5 * MIB));
	CHECK(!luo_preserve(next, fd, 1));
	CHECK(!luo_preserve(next, new_file(PAGE, 4), 4));
}

static void two_updates_after(void)
{
	int session = old_session("two_updates");
	int fd = old_file(session, 1);

	check_size(fd, 5 * MIB);
	check_content(fd, 0, MIB, 1);
	check_content(fd, MIB, MIB, 3);
	check_content(fd, 2 * MIB, 2 * MIB, 1);
	check_zeros(fd, 4 * MIB, MIB);
	CHECK_ERRNO(luo_retrieve_fd(session, 2), ENOENT);
	check_content(old_file(session, 4), 0, PAGE, 4);
}

/* ---- the count of live updates ---- */

static void live_updates_are_counted_1(void)
{
	CHECK_LOGGED("LUO: live update 1 since cold boot");
}

static void live_updates_are_counted_2(void)
{
	CHECK_LOGGED("LUO: live update 2 since cold boot");
}

static const struct guest_test kexec_tests[] = {
	GUEST_TEST_OF_2(several_sessions),
	GUEST_TEST_OF_2(many_sessions),
	TEST_OF_SESSION(empty_session),
	GUEST_TEST_OF_2(odd_names),
	TEST_OF_PAGE(unknown_session_and_token),
	TEST_OF_SESSION(session_retrieved_twice),
	TEST_OF_SESSION(incoming_takes_no_files),
	TEST_OF_PAGE(incoming_structures),
	TEST_OF_PAGE(fd_only_with_reply),
	{ "name_is_reused", { preserve_page, name_is_reused_between, name_is_reused_after } },
	GUEST_TEST_OF_2(close_finishes),
	TEST_OF_PAGE(unfinished_counts_as_preserved),
	GUEST_TEST_OF_2(finish_discards),
	GUEST_TEST_OF_2(nobody_sees_it),
	{ "nobody_retrieves", { preserve_page, NULL, nobody_retrieves_after } },
	GUEST_TEST_OF_2(many_files),
	GUEST_TEST_OF_2(odd_tokens),
	TEST_OF_PAGE(file_retrieved_twice),
	GUEST_TEST_OF_2(aborted_is_not_handed_over),
	GUEST_TEST_OF_2(abort_and_again),
	GUEST_TEST_OF_3(two_updates),
	{ "live_updates_are_counted", { NULL, live_updates_are_counted_1,
					live_updates_are_counted_2 } },
};

/*
 * For one kexec the image is loaded before files are preserved, for the other one
 * after that.
 */
GUEST_SUITE(kexec, 3, .load = GUEST_LOAD_IN_TURN)
