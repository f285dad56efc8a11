// SPDX-License-Identifier: GPL-2.0
/*
 * kexec: sessions and memfds across one kexec, and across two
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Most tests have a session with their name. NAME_before(), or one of the functions
 * below, preserves files in the first kernel, and NAME_after() retrieves them in the
 * second.
 */
#include <fcntl.h>
#include <linux/memfd.h>
#include <linux/mempolicy.h>
#include <signal.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../luo.h"

#define ALL_SEALS	(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | \
			 F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | F_SEAL_EXEC)

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

/* ---- one memfd ---- */

static void one_memfd_before(void)
{
	int fd = new_file(MIB + 123, 1);

	CHECK(!luo_preserve(new_session("one_memfd"), fd, 7));
}

static void one_memfd_after(void)
{
	int session = old_session("one_memfd");
	char name[NAME_LENGTH];
	int fd = old_file(session, 7);
	struct stat st;

	CHECK(fcntl(session, F_GETFD) & FD_CLOEXEC);
	CHECK(!luo_get_name(session, name));
	CHECK(!strcmp(name, "one_memfd"));
	check_file(fd, MIB + 123, 1);
	CHECK(!fstat(fd, &st));
	CHECK(S_ISREG(st.st_mode));
	CHECK(st.st_blocks * 512 >= MIB);
	/* It is a normal memfd before and after the session is finished. */
	CHECK_EQ(fcntl(fd, F_GET_SEALS), 0);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	CHECK(!luo_finish(session));
	check_content(fd, 0, MIB + 123, 1);
	/* Past its end there are zeros only. */
	CHECK(!ftruncate(fd, 2 * MIB));
	check_zeros(fd, MIB + 123, MIB - 123);
	check_thawed(fd);
}

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

/* Content, position and seals are handed over as they are at the kexec. */
static void state_at_kexec_before(void)
{
	int session = new_session("state_at_kexec");
	int fd = new_file(4 * PAGE, 1);
	char *map;

	CHECK_EQ(lseek(fd, 111, SEEK_SET), 111);
	CHECK(!luo_preserve(session, fd, 1));
	fill(fd, PAGE, PAGE, 2);
	map = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	memset(map + 2 * PAGE, 0x5a, PAGE);
	CHECK_EQ(lseek(fd, 3 * PAGE + 7, SEEK_SET), 3 * PAGE + 7);
	CHECK(!fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
}

static void state_at_kexec_after(void)
{
	int fd = old_file(old_session("state_at_kexec"), 1);
	char page[MAX_PAGE], wanted[MAX_PAGE];

	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 3 * PAGE + 7);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK);
	check_size(fd, 4 * PAGE);
	check_content(fd, 0, PAGE, 1);
	check_content(fd, PAGE, PAGE, 2);
	CHECK_EQ(pread(fd, page, PAGE, 2 * PAGE), PAGE);
	memset(wanted, 0x5a, PAGE);
	CHECK(!memcmp(page, wanted, PAGE));
	check_content(fd, 3 * PAGE, PAGE, 1);
}

/* Documentation/mm/memfd_preservation.rst lists what is not handed over. */

#define LONG_AGO	1000000000

static void set_memory_policy(int fd)
{
	unsigned long nodes = 1;
	void *map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);

	CHECK(map != MAP_FAILED);
	/* Kernels without NUMA lack the system call. */
	syscall(SYS_mbind, map, PAGE, MPOL_INTERLEAVE, &nodes, 64, 0);
	CHECK(!munmap(map, PAGE));
}

static void check_no_memory_policy(int fd)
{
	void *map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	int mode = MPOL_DEFAULT;

	CHECK(map != MAP_FAILED);
	syscall(SYS_get_mempolicy, &mode, NULL, 0, map, MPOL_F_ADDR);
	CHECK_EQ(mode, MPOL_DEFAULT);
	CHECK(!munmap(map, PAGE));
}

static void not_carried_before(void)
{
	const struct timespec times[2] = { { LONG_AGO, 0 }, { LONG_AGO, 0 } };
	int session = new_session("not_carried");
	int fd = new_file(PAGE, 1);

	set_memory_policy(fd);
	CHECK(!fchmod(fd, 0640));
	CHECK(!fchown(fd, NOBODY, NOBODY));
	CHECK(!futimens(fd, times));
	if (fsetxattr(fd, "user.color", "red", 3, 0))
		CHECK_EQ(errno, EOPNOTSUPP);
	CHECK(!fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK));
	CHECK(!flock(fd, LOCK_EX));
	CHECK(!luo_preserve(session, fd, 1));

	fd = open_again(new_file(PAGE, 2), O_WRONLY);
	CHECK(!luo_preserve(session, fd, 2));
	CHECK_ERRNO(read(fd, &session, 1), EBADF);
}

static void not_carried_after(void)
{
	int session = old_session("not_carried");
	int fd = old_file(session, 1);
	struct stat st;
	char value[3];

	CHECK(!fstat(fd, &st));
	CHECK_EQ(st.st_mode, S_IFREG | 0777);
	CHECK_EQ(st.st_uid, 0);
	CHECK_EQ(st.st_gid, 0);
	CHECK(st.st_atime != LONG_AGO);
	CHECK(st.st_mtime != LONG_AGO);
	CHECK(fgetxattr(fd, "user.color", value, sizeof(value)) < 0);
	CHECK_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK), O_RDWR);
	CHECK(!flock(open_again(fd, O_RDWR), LOCK_EX | LOCK_NB));
	check_no_memory_policy(fd);
	check_content(fd, 0, PAGE, 1);
	check_content(old_file(session, 2), 0, PAGE, 2);
}

/* The position may be far past the end. */
static void position_before(void)
{
	int session = new_session("position");
	int fd = new_file(PAGE, 1);

	CHECK_EQ(lseek(fd, 1LL << 40, SEEK_SET), 1LL << 40);
	CHECK(!luo_preserve(session, fd, 1));
	fd = new_file(PAGE, 2);
	CHECK_EQ(lseek(fd, PAGE, SEEK_SET), PAGE);
	CHECK(!luo_preserve(session, fd, 2));
}

static void position_after(void)
{
	int session = old_session("position");

	CHECK_EQ(lseek(old_file(session, 1), 0, SEEK_CUR), 1LL << 40);
	CHECK_EQ(lseek(old_file(session, 2), 0, SEEK_CUR), PAGE);
}

static void empty_memfd_before(void)
{
	int session = new_session("empty_memfd");

	CHECK(!luo_preserve(session, new_memfd(0), 1));
	CHECK(!luo_preserve(session, new_memfd(MFD_ALLOW_SEALING), 2));
}

static void empty_memfd_after(void)
{
	int session = old_session("empty_memfd");
	int fd = old_file(session, 1);

	check_size(fd, 0);
	CHECK(!luo_finish(session));
	check_thawed(fd);
}

#define SPARSE_SIZE	(4096 * PAGE + 100)

static const off_t written[] = { 0, 3, 511, 512, 1000, 1001, 4096 };

static void holes_before(void)
{
	int session = new_session("holes");
	int fd = new_memfd(0);
	size_t i;

	CHECK(!ftruncate(fd, SPARSE_SIZE));
	for (i = 0; i < ARRAY_SIZE(written) - 1; i++)
		fill(fd, written[i] * PAGE, PAGE, i);
	/* The last page is written in part. */
	fill(fd, written[i] * PAGE, 100, i);
	/* Allocated, but never written */
	CHECK(!fallocate(fd, 0, 2000 * PAGE, 10 * PAGE));
	CHECK(!luo_preserve(session, fd, 1));
}

static void holes_after(void)
{
	int session = old_session("holes");
	int fd = old_file(session, 1);
	off_t at = 0;
	size_t i;

	check_size(fd, SPARSE_SIZE);
	for (i = 0; i < ARRAY_SIZE(written) - 1; i++) {
		check_zeros(fd, at, written[i] * PAGE - at);
		check_content(fd, written[i] * PAGE, PAGE, i);
		at = (written[i] + 1) * PAGE;
	}
	check_zeros(fd, at, written[i] * PAGE - at);
	check_content(fd, written[i] * PAGE, 100, i);
	CHECK(!luo_finish(session));
	CHECK(!ftruncate(fd, SPARSE_SIZE + PAGE));
	check_zeros(fd, SPARSE_SIZE, PAGE);
}

/* A file that was never written */
static void all_hole_before(void)
{
	int fd = new_memfd(0);

	CHECK(!ftruncate(fd, MIB));
	CHECK(!luo_preserve(new_session("all_hole"), fd, 2));
}

static void all_hole_after(void)
{
	int fd = old_file(old_session("all_hole"), 2);

	check_size(fd, MIB);
	check_zeros(fd, 0, MIB);
}

static const int seals[] = {
	0, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE,
	F_SEAL_FUTURE_WRITE, F_SEAL_EXEC, ALL_SEALS,
};

static void all_seals_before(void)
{
	int session = new_session("all_seals");
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(seals); i++) {
		fd = new_file(2 * PAGE, i);
		CHECK(!fchmod(fd, 0666));
		CHECK(!fcntl(fd, F_ADD_SEALS, seals[i]));
		CHECK(!luo_preserve(session, fd, i));
	}
}

/* Each seal has its effect, and no other one. */
static void check_seal(int fd, int seals)
{
	const int no_write = F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
	bool writable = !(seals & no_write);
	char byte = 1;

	CHECK_EQ(fcntl(fd, F_GET_SEALS), seals);
	if (writable)
		CHECK_EQ(pwrite(fd, &byte, 1, 0), 1);
	else
		CHECK_ERRNO(pwrite(fd, &byte, 1, 0), EPERM);
	if (seals & F_SEAL_GROW)
		CHECK_ERRNO(ftruncate(fd, 3 * PAGE), EPERM);
	else
		CHECK(!ftruncate(fd, 3 * PAGE));
	if (seals & F_SEAL_SHRINK)
		CHECK_ERRNO(ftruncate(fd, PAGE), EPERM);
	else
		CHECK(!ftruncate(fd, PAGE));
	if (seals & F_SEAL_EXEC)
		CHECK_ERRNO(fchmod(fd, 0777), EPERM);
	else
		CHECK(!fchmod(fd, 0777));
	if (seals & F_SEAL_SEAL)
		CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), EPERM);
	else
		CHECK(!fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
}

static void all_seals_after(void)
{
	int session = old_session("all_seals");
	int fds[ARRAY_SIZE(seals)];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(seals); i++) {
		fds[i] = old_file(session, i);
		check_content(fds[i], 0, 2 * PAGE, i);
	}
	CHECK(!luo_finish(session));
	for (i = 0; i < ARRAY_SIZE(seals); i++) {
		guest_note("seals %#x", seals[i]);
		check_seal(fds[i], seals[i]);
	}
}

/* ---- huge pages ---- */

#define THP		"/sys/kernel/mm/transparent_hugepage/"
/* 16 MiB, or the size of one huge page if that is larger */
static long huge_size(void)
{
	char *text = guest_read_file(THP "hpage_pmd_size");
	long size = text ? atol(text) : 0;

	free(text);
	return size > 16 * MIB ? size : 16 * MIB;
}

static long shmem_huge(void)
{
	return guest_meminfo("ShmemHugePages");
}

static void huge_pages_before(void)
{
	int session = new_session("huge_pages");
	long size = huge_size();
	long before = shmem_huge();
	int fd;

	if (guest_write_file(THP "shmem_enabled", "always"))
		guest_skip("no huge pages in shmem: %s", strerror(errno));
	/* Without this a CPU of a memoryless node gets no huge pages from other nodes. */
	guest_write_file(THP "defrag", "always");
	fd = new_file(size + 5 * PAGE, 1);
	guest_write_file(THP "shmem_enabled", "never");
	if (shmem_huge() - before < size >> 10)
		guest_skip("memory is too fragmented for huge pages");
	/* The last huge page extends past the end of the file. */
	CHECK(!luo_preserve(session, fd, 1));
	CHECK(shmem_huge() - before >= size >> 10);
}

static void huge_pages_after(void)
{
	int session = old_session("huge_pages");
	long size = huge_size();
	long before = shmem_huge();
	int fd = old_file(session, 1);

	CHECK(shmem_huge() - before >= size >> 10);
	check_file(fd, size + 5 * PAGE, 1);
	CHECK(!luo_finish(session));
	CHECK(!ftruncate(fd, size + 10 * PAGE));
	check_zeros(fd, size + 5 * PAGE, 5 * PAGE);
	/* Huge pages can be split and freed as usual. */
	CHECK(!ftruncate(fd, MIB + PAGE));
	check_content(fd, 0, MIB + PAGE, 1);
	close(fd);
	CHECK(shmem_huge() <= before);
}

/* Orders between a page and a huge page; each has a file of its own. */
static const int folio_orders[] = { 2, 4, 6, 8 };

static void large_folios_before(void)
{
	int session = new_session("large_folios");
	char path[128];
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(folio_orders); i++) {
		snprintf(path, sizeof(path),
			 THP "hugepages-%dkB/shmem_enabled",
			 (PAGE << folio_orders[i]) / 1024);
		if (guest_write_file(path, "always"))
			guest_skip("no large folios in shmem: %s",
				   strerror(errno));
		fd = new_file(513 * PAGE, i);
		guest_write_file(path, "never");
		CHECK(!luo_preserve(session, fd, i));
	}
}

static void large_folios_after(void)
{
	int session = old_session("large_folios");
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(folio_orders); i++) {
		fd = old_file(session, i);
		check_file(fd, 513 * PAGE, i);
	}
	CHECK(!luo_finish(session));
	CHECK(!ftruncate(fd, 3 * PAGE));
	check_content(fd, 0, 3 * PAGE, i - 1);
}

/* ---- accounting ---- */

static void retrieved_is_accounted_before(void)
{
	preserve_file("retrieved_is_accounted", 1, 32 * MIB, 1);
}

/* Compare, with a tolerance for inexact counters. */
static bool is_about(const char *what, long seen, long wanted)
{
	guest_note("%s: %ld KiB", what, seen);
	return labs(seen - wanted) < 2 * MEMINFO_SLACK;
}

static void retrieved_is_accounted_after(void)
{
	int session = old_session("retrieved_is_accounted");
	long shmem = guest_meminfo("Shmem");
	long committed = guest_meminfo("Committed_AS");
	int fd = old_file(session, 1);
	struct stat st;
	long freed;

	CHECK(!luo_finish(session));
	CHECK(is_about("Shmem", guest_meminfo("Shmem") - shmem, 32 << 10));
	CHECK(is_about("Committed_AS",
		       guest_meminfo("Committed_AS") - committed, 32 << 10));
	CHECK(!fstat(fd, &st));
	CHECK_EQ(st.st_blocks, 32 * MIB / 512);
	freed = -guest_free_memory();
	close(fd);
	CHECK(is_about("Shmem", guest_meminfo("Shmem") - shmem, 0));
	CHECK(is_about("Committed_AS",
		       guest_meminfo("Committed_AS") - committed, 0));
	freed += guest_free_memory();
	guest_note("%ld KiB freed", freed);
	/* Other memory may be freed at the same time. */
	CHECK(freed > (32 << 10) - 2 * MEMINFO_SLACK);
}

#define MEMCG		"/cgroup/small"

static void beyond_the_limit_before(void)
{
	preserve_file("beyond_the_limit", 1, 16 * MIB, 1);
}

static void make_small_memcg(void)
{
	if (mkdir("/cgroup", 0700))
		CHECK_EQ(errno, EEXIST);
	if (mount("cgroup2", "/cgroup", "cgroup2", 0, NULL) ||
	    guest_write_file("/cgroup/cgroup.subtree_control", "+memory"))
		guest_skip("no memory cgroups (MEMCG)");
	CHECK(!mkdir(MEMCG, 0700));
	CHECK(!guest_write_file(MEMCG "/memory.max", "4M"));
}

static int limited_session;

/* Once the limit is reached this process can't allocate memory any more. */
static int retrieve_in_small_memcg(void)
{
	if (guest_write_file(MEMCG "/cgroup.procs", "0"))
		return 2;
	if (luo_retrieve_fd(limited_session, 1) >= 0 || errno != ENOMEM)
		return 3;
	return luo_retrieve_fd(limited_session, 1) >= 0 || errno != ENOMEM;
}

/*
 * A process without room for the file is not killed. The file is not lost: another
 * process can retrieve it.
 */
static void beyond_the_limit_after(void)
{
	int fd;

	limited_session = old_session("beyond_the_limit");
	make_small_memcg();
	CHECK_EQ(run_in_child(retrieve_in_small_memcg), 0);

	fd = old_file(limited_session, 1);
	check_file(fd, 16 * MIB, 1);
	CHECK(!luo_finish(limited_session));
	check_thawed(fd);
}

/* ---- killed ---- */

/* How long processes live, in microseconds; each has a file of its own. */
static const unsigned int lives[] = { 500, 2000, 5000, 10000, 20000, 40000 };

#define KILLED_SIZE	(32 * MIB + 5)

/* Return whether a process that makes a request is killed before it has an answer. */
static bool kill_after(unsigned int us, int (*request)(int, int, __u64),
		       int session, int fd, __u64 token)
{
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (!pid)
		_exit(request(session, fd, token) < 0);
	usleep(us);
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) || !WEXITSTATUS(status));
	return WIFSIGNALED(status);
}

static int request_preserve(int session, int fd, __u64 token)
{
	return luo_preserve(session, fd, token);
}

static int request_retrieve(int session, int fd, __u64 token)
{
	return luo_retrieve_fd(session, token);
}

/* Either the file is preserved, or nothing was done. */
static void killed_before(void)
{
	int session = new_session("killed");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lives); i++) {
		int fd = new_file(KILLED_SIZE, i);
		bool killed = kill_after(lives[i], request_preserve, session, fd,
					 i);

		guest_note("PRESERVE_FD ended after %u us: %d", lives[i], killed);
		if (!luo_preserve(session, fd, i))
			CHECK(killed);
		else
			CHECK_EQ(errno, EEXIST);
		close(fd);
	}
}

/* What the killed process has restored by then is not lost. */
static void killed_after(void)
{
	int session = old_session("killed");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lives); i++) {
		bool killed = kill_after(lives[i], request_retrieve, session, -1,
					 i);
		int fd = old_file(session, i);

		guest_note("RETRIEVE_FD ended after %u us: %d", lives[i], killed);
		check_size(fd, KILLED_SIZE);
		check_content(fd, 0, KILLED_SIZE, i);
		close(fd);
	}
	CHECK(!luo_finish(session));
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

/*
 * vm.memfd_noexec has no effect on retrieved files. As it can't be lowered, this test
 * must come late.
 */
static void noexec_sysctl_after(void)
{
	int session = old_session("noexec_sysctl");

	if (guest_write_file("/proc/sys/vm/memfd_noexec", "2"))
		guest_skip("no vm.memfd_noexec: %s", strerror(errno));
	check_content(old_file(session, 1), 0, PAGE, 1);
}

/* ---- swap ---- */

static long swap_free(void)
{
	return guest_meminfo("SwapFree");
}

static void page_out(int fd, size_t size)
{
	long before = swap_free();
	void *map = mmap(NULL, size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd,
			 0);

	CHECK(map != MAP_FAILED);
	CHECK(!madvise(map, size, MADV_PAGEOUT));
	CHECK(!munmap(map, size));
	guest_note("%ld of %zu KiB are swapped out", before - swap_free(),
		   size / 1024);
	if (before - swap_free() < 64)
		guest_skip("the kernel swaps nothing out");
}

static void swapped_out_before(void)
{
	int session = new_session("swapped_out");
	int fd = new_file(MIB, 31);

	if (!swap_on())
		guest_skip("no swap on " SWAP_DEVICE " (BLK_DEV_RAM)");
	page_out(fd, MIB);
	CHECK(!luo_preserve(session, fd, 1));
	check_content(fd, 0, MIB, 31);
	CHECK(!swapoff(SWAP_DEVICE));
}

static void swapped_out_after(void)
{
	check_content(old_file(old_session("swapped_out"), 1), 0, MIB, 31);
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
	GUEST_TEST_OF_2(one_memfd),
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
	GUEST_TEST_OF_2(state_at_kexec),
	GUEST_TEST_OF_2(not_carried),
	GUEST_TEST_OF_2(position),
	GUEST_TEST_OF_2(empty_memfd),
	GUEST_TEST_OF_2(holes),
	GUEST_TEST_OF_2(all_hole),
	GUEST_TEST_OF_2(all_seals),
	GUEST_TEST_OF_2(huge_pages),
	GUEST_TEST_OF_2(large_folios),
	GUEST_TEST_OF_2(retrieved_is_accounted),
	GUEST_TEST_OF_2(beyond_the_limit),
	GUEST_TEST_OF_2(killed),
	GUEST_TEST_OF_2(aborted_is_not_handed_over),
	GUEST_TEST_OF_2(abort_and_again),
	GUEST_TEST_OF_3(two_updates),
	TEST_OF_PAGE(noexec_sysctl),
	GUEST_TEST_OF_2(swapped_out),
	{ "live_updates_are_counted", { NULL, live_updates_are_counted_1,
					live_updates_are_counted_2 } },
};

/*
 * For one kexec the image is loaded before files are preserved, for the other one
 * after that.
 */
GUEST_SUITE(kexec, 3, .load = GUEST_LOAD_IN_TURN)
