// SPDX-License-Identifier: GPL-2.0
/*
 * mainline: live updates to a kernel of another series, and back
 *
 * mainline: the second of three kernels is /peer. mainline:back: the first and the third
 * one are. mainline_refused: what would be lost in /peer is refused, and nothing is lost.
 * mainline_room: so is a kernel that has no room to boot.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../luo.h"

#define PEER		"/peer"
#define ABI		"/sys/module/liveupdate/parameters/abi"

#define SMALL		(MIB + 7)
/* Its pages fill a number of blocks of their list without rest. */
#define LARGE		(511L * MIB)
#define SPARSE		(64L * MIB)
#define HUGE		(8 * MIB)
#define NR_SESSIONS	500
#define FILES_EACH	2

#define SEALS		(F_SEAL_SEAL | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_WRITE)

static bool is_peer(int kernel)
{
	return kernel % 2 == guest_param_word("back");
}

static const char *mainline_image(int kernel)
{
	return is_peer(kernel) ? PEER : "/kernel";
}

/* Preserve files in a new session. Their tokens are 1, 2, ... */
static void leave(const char *name, const int *fds, int nr)
{
	int session = new_session(name);
	int i;

	for (i = 0; i < nr; i++)
		CHECK(!luo_preserve(session, fds[i], i + 1));
}

/* Take the files of a session, and finish it. */
static void take(const char *name, int *fds, int nr)
{
	int session = old_session(name);
	int i;

	for (i = 0; i < nr; i++)
		fds[i] = old_file(session, i + 1);
	finish_and_close(session);
}

/* Check the file in each kernel but the first, and preserve it in each but the last. */
static void pass_on(int (*make)(void), void (*check)(int fd))
{
	const char *name = guest_test_name();
	int fd;

	if (guest_kernel() == 1)
		fd = make();
	else
		take(name, &fd, 1);
	check(fd);
	if (guest_kernel() < 3)
		leave(name, &fd, 1);
}

static int make_small(void)
{
	int fd = new_file(SMALL, 1);

	CHECK_EQ(lseek(fd, 17, SEEK_SET), 17);
	return fd;
}

static void check_small(int fd)
{
	check_file(fd, SMALL, 1);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 17);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), 0);
}

static void small_pages(void)
{
	pass_on(make_small, check_small);
}

static int make_huge(void)
{
	int fd = new_memfd(MFD_ALLOW_SEALING);

	CHECK(!guest_write_file("/sys/kernel/mm/transparent_hugepage/shmem_enabled", "always"));
	CHECK(!ftruncate(fd, HUGE));
	fill(fd, 0, HUGE, 2);
	guest_write_file("/sys/kernel/mm/transparent_hugepage/shmem_enabled", "never");
	return fd;
}

static void check_huge(int fd)
{
	check_file(fd, HUGE, 2);
	/* No other file has huge pages. */
	CHECK_EQ(guest_meminfo("ShmemHugePages"), HUGE >> 10);
}

static void huge_pages(void)
{
	pass_on(make_huge, check_huge);
}

static unsigned long *map_large(int fd)
{
	unsigned long *map = mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	CHECK(map != MAP_FAILED);
	return map;
}

#define STEP	(PAGE / (long)sizeof(unsigned long))

static int make_large(void)
{
	int fd = new_memfd(0);
	unsigned long *map;
	long i;

	CHECK(!ftruncate(fd, LARGE));
	map = map_large(fd);
	for (i = 0; i < LARGE / PAGE; i++)
		map[i * STEP] = ~i;
	CHECK(!munmap(map, LARGE));
	return fd;
}

static void check_large(int fd)
{
	unsigned long *map = map_large(fd);
	long i;

	check_size(fd, LARGE);
	for (i = 0; i < LARGE / PAGE; i++)
		CHECK_EQ(map[i * STEP], ~i);
	CHECK(!munmap(map, LARGE));
}

static void large_file(void)
{
	pass_on(make_large, check_large);
}

static int make_sparse(void)
{
	int fd = new_memfd(MFD_ALLOW_SEALING);

	CHECK(!ftruncate(fd, SPARSE));
	fill(fd, 5 * PAGE, PAGE, 3);
	fill(fd, SPARSE / 2, 3 * PAGE, 4);
	fill(fd, SPARSE - PAGE, PAGE, 5);
	return fd;
}

static void check_sparse(int fd)
{
	struct stat st;

	check_size(fd, SPARSE);
	check_zeros(fd, 0, 5 * PAGE);
	check_content(fd, 5 * PAGE, PAGE, 3);
	check_content(fd, SPARSE / 2, 3 * PAGE, 4);
	check_content(fd, SPARSE - PAGE, PAGE, 5);
	/* Mainline fills the holes of a file that it preserves. */
	if (is_peer(1) || guest_kernel() > 2)
		return;
	CHECK(!fstat(fd, &st));
	CHECK(st.st_blocks * 512 <= MIB);
}

static void sparse_file(void)
{
	pass_on(make_sparse, check_sparse);
}

static int make_empty(void)
{
	return new_memfd(MFD_ALLOW_SEALING);
}

static void check_empty(int fd)
{
	check_size(fd, 0);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), 0);
}

static void empty_file(void)
{
	pass_on(make_empty, check_empty);
}

static int make_sealed(void)
{
	int fd = new_memfd(MFD_ALLOW_SEALING);

	fill(fd, 0, SMALL, 6);
	CHECK(!fcntl(fd, F_ADD_SEALS, SEALS));
	return fd;
}

static void check_sealed(int fd)
{
	check_file(fd, SMALL, 6);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), SEALS);
	CHECK_ERRNO(pwrite(fd, "x", 1, 0), EPERM);
}

static void sealed_file(void)
{
	pass_on(make_sealed, check_sealed);
}

/* All sessions have small files of their own, which are handed over from kernel to kernel. */
static void many_sessions(void)
{
	char name[NAME_LENGTH];
	int fds[FILES_EACH];
	int i, j;

	for (i = 0; i < NR_SESSIONS; i++) {
		snprintf(name, sizeof(name), "many %d", i);
		if (guest_kernel() > 1)
			take(name, fds, FILES_EACH);
		for (j = 0; j < FILES_EACH; j++) {
			if (guest_kernel() == 1)
				fds[j] = new_file(PAGE, i + j);
			check_file(fds[j], PAGE, i + j);
		}
		if (guest_kernel() < 3)
			leave(name, fds, FILES_EACH);
		for (j = 0; j < FILES_EACH; j++)
			close(fds[j]);
	}
}

static void session_without_files(void)
{
	const char *name = guest_test_name();

	if (guest_kernel() > 1)
		take(name, NULL, 0);
	if (guest_kernel() < 3)
		new_session(name);
}

/* This series hands on what no program retrieves. Mainline does not. */
static void not_retrieved_before(void)
{
	int fd = new_file(SMALL, 7);

	leave("not_retrieved", &fd, 1);
}

static void not_retrieved_between(void)
{
}

static void not_retrieved_after(void)
{
	int fd;

	if (is_peer(2)) {
		check_no_old_session("not_retrieved", ENOENT);
		return;
	}
	take("not_retrieved", &fd, 1);
	check_file(fd, SMALL, 7);
}

/* The file is retrieved, and its session is not finished. */
static void not_finished_between(void)
{
	check_file(old_file(old_session("not_finished"), 1), SMALL, 8);
}

static void not_finished_before(void)
{
	int fd = new_file(SMALL, 8);

	leave("not_finished", &fd, 1);
}

static void not_finished_after(void)
{
	int fd;

	if (is_peer(2)) {
		check_no_old_session("not_finished", ENOENT);
		return;
	}
	take("not_finished", &fd, 1);
	check_file(fd, SMALL, 8);
}

/* ---- reserve_mem= ---- */

#define MEMBLOCK_BLOB(direction)	DEBUGFS "/kho/" direction "/sub_fdts/memblock"

static unsigned int word_at(const char *blob, unsigned int offset)
{
	unsigned int word;

	memcpy(&word, blob + offset, sizeof(word));
	return be32toh(word);
}

/* Find the property "start" in an FDT with one region. Return its address. */
static unsigned long long region_in(const char *path)
{
	char *blob = guest_text_of(path);
	unsigned int at = word_at(blob, 8), strings = word_at(blob, 12), len;
	unsigned long long start = 0;

	while (!start && at < word_at(blob, 4)) {
		switch (word_at(blob, at)) {
		case 1:	/* start of a node, with its name */
			at += 4 + (strlen(blob + at + 4) + 4) / 4 * 4;
			break;
		case 3:	/* a property, with its length and the offset of its name */
			len = word_at(blob, at + 4);
			if (!strcmp(blob + strings + word_at(blob, at + 8), "start"))
				memcpy(&start, blob + at + 12, sizeof(start));
			at += 12 + (len + 3) / 4 * 4;
			break;
		default:
			at += 4;
		}
	}
	free(blob);
	CHECK(start);
	return start;
}

static void reserved_memory(void)
{
	unsigned long long start;
	unsigned long *map;
	int fd;

	guest_need_debugfs();
	start = region_in(MEMBLOCK_BLOB("out"));
	if (guest_kernel() > 1)
		CHECK_EQ(region_in(MEMBLOCK_BLOB("in")), start);

	fd = open("/dev/mem", O_RDWR | O_CLOEXEC);
	CHECK(fd >= 0);
	map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, start);
	CHECK(map != MAP_FAILED);
	if (guest_kernel() > 1)
		CHECK_EQ(map[0], guest_kernel() - 1);
	map[0] = guest_kernel();
}

static void form_is_shown(void)
{
	if (is_peer(guest_kernel()))
		return;
	guest_need_debugfs();
	guest_log_mark();
	CHECK(!guest_load_image(0));
	check_found(OUT_SUMMARY, "form: mainline", 1);
	CHECK(guest_log_since("the loaded kernel gets the mainline form: its image has no note"));
}

#define IN_ALL(fn)	{ #fn, { [0 ... 2] = fn } }

static const struct guest_test mainline_tests[] = {
	IN_ALL(small_pages),
	IN_ALL(huge_pages),
	IN_ALL(large_file),
	IN_ALL(sparse_file),
	IN_ALL(empty_file),
	IN_ALL(sealed_file),
	IN_ALL(many_sessions),
	IN_ALL(session_without_files),
	GUEST_TEST_OF_3(not_retrieved),
	GUEST_TEST_OF_3(not_finished),
	IN_ALL(reserved_memory),
	{ "form_is_shown", { [0 ... 1] = form_is_shown } },
};

GUEST_SUITE(mainline, 3, .image = mainline_image)

/* ---- mainline_refused ---- */

#define TOKEN		0x77

static const char *peer_image(int kernel)
{
	return PEER;
}

/* Preserve a file that the peer can't have as it is. The reboot fails, and the file is kept. */
static void expect_refused(int fd, int err, const char *reason)
{
	int session = new_session(guest_test_name());

	CHECK(!luo_preserve(session, fd, TOKEN));
	CHECK(!guest_load_image(0));
	guest_log_mark();
	CHECK_ERRNO(guest_kexec(), err);
	CHECK(guest_log_since(reason));
	CHECK(guest_log_since("file with token 0x77"));
	CHECK(!guest_unload_image(0));
	close(session);
}

static void sealed_against_x_bits(void)
{
	int fd = new_memfd(MFD_NOEXEC_SEAL);

	fill(fd, 0, SMALL, 1);
	expect_refused(fd, EOPNOTSUPP,
		       "mainline would seal a file with F_SEAL_EXEC against writing");
	check_file(fd, SMALL, 1);
	fill(fd, 0, SMALL, 2);
}

static int failing_fd;

/* The kernel kills the process, because the page is lost. */
static int let_page_fail(void)
{
	void *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			 failing_fd, 0);

	return madvise(map, PAGE, MADV_HWPOISON) && errno == EINVAL;
}

static void failed_page(void)
{
	failing_fd = new_file(SMALL, 1);
	if (run_in_child(let_page_fail) == 1)
		guest_skip("no MEMORY_FAILURE");
	expect_refused(failing_fd, EOPNOTSUPP,
		       "mainline can't take over a file with 1 poisoned page(s)");
	check_content(failing_fd, PAGE, SMALL - PAGE, 1);
}

static void huge_pages_of_a_pool(void)
{
	int fd = memfd_create("huge", MFD_HUGETLB | MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, 4 * MIB) || fallocate(fd, 0, 0, 4 * MIB))
		guest_skip("no huge pages: %m");
	expect_refused(fd, EINVAL, "the loaded kernel can't read 'memfd-hugetlb-v1");
}

/* The option overrides what is known of the image. */
static void form_by_hand(void)
{
	CHECK(!guest_write_file(ABI, "composed"));
	guest_log_mark();
	CHECK(!guest_load_image(0));
	CHECK(guest_log_since("gets the composed form, because of liveupdate.abi=composed; its"));
	CHECK(guest_write_file(ABI, "other"));
	CHECK(!guest_write_file(ABI, "auto"));
	CHECK(!guest_unload_image(0));
}

/* Files that both kernels can read are still handed over after all that. */
static void others_are_kept_before(void)
{
	int fd = new_file(SMALL, 9);

	leave("others_are_kept", &fd, 1);
}

static void others_are_kept_after(void)
{
	int fd;

	take("others_are_kept", &fd, 1);
	check_file(fd, SMALL, 9);
	check_thawed(fd);
}

/* The peer would refuse all sessions, because it lacks the driver. */
static void file_of_a_driver(void)
{
	guest_need_module(HANDLER);
	CHECK(!guest_insmod(HANDLER, ""));
	expect_refused(new_number(11), EINVAL, "the loaded kernel can't read 'luo-test-file-v1'");
}

static const struct guest_test mainline_refused_tests[] = {
	GUEST_TEST_OF_2(others_are_kept),
	GUEST_TEST(sealed_against_x_bits),
	GUEST_TEST(failed_page),
	GUEST_TEST(huge_pages_of_a_pool),
	GUEST_TEST(file_of_a_driver),
	GUEST_TEST(form_by_hand),
};

GUEST_SUITE(mainline_refused, 2, .image = peer_image)

/* ---- mainline_room ---- */

#define FILLING		(2200L * MIB)

/* No GiB of the guest is without a page of the file. */
static int new_large_file(void)
{
	int fd = new_memfd(0);

	CHECK(!ftruncate(fd, FILLING));
	CHECK(!fallocate(fd, 0, 0, FILLING));
	fill(fd, FILLING - PAGE, PAGE, 1);
	return fd;
}

/* Without enough scratch, a kernel of this series is started instead. */
static const char *room_image(int kernel)
{
	return guest_param("kho_scratch") ? PEER : "/kernel";
}

static void room_depends_on_memory_before(void)
{
	int fd = new_large_file();

	leave("room_depends_on_memory", &fd, 1);
	if (guest_param("kho_scratch"))
		return;

	CHECK(!guest_load_kernel(PEER, guest_initrd(), guest_cmdline, 0));
	CHECK_ERRNO(guest_kexec(), EINVAL);
	CHECK_LOGGED("after a cold boot with kho_scratch=");
	fill(fd, FILLING - 2 * PAGE, PAGE, 2);
}

static void room_depends_on_memory_after(void)
{
	int fd;

	take("room_depends_on_memory", &fd, 1);
	check_size(fd, FILLING);
	check_content(fd, FILLING - PAGE, PAGE, 1);
}

static const struct guest_test mainline_room_tests[] = {
	GUEST_TEST_OF_2(room_depends_on_memory),
};

GUEST_SUITE(mainline_room, 2, .image = room_image)
