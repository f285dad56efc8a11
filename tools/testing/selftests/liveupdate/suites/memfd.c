// SPDX-License-Identifier: GPL-2.0
/*
 * memfd: content and properties of memfds across one kexec, or there and back
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Each test has a session with its name. NAME_before() preserves files in the first
 * kernel, and NAME_after() retrieves them in the second one. With a NAME_between(), that
 * retrieves and preserves them in the second kernel, and NAME_after() runs in the third.
 */
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/memfd.h>
#include <linux/mempolicy.h>
#include <signal.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../luo.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

#define ALL_SEALS	(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | \
			 F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | F_SEAL_EXEC)

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

/* ---- state of a file ---- */

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

#define LONG_AGO	1000000000

/* Open files with other access modes, status flags, owners and times */
static const struct attributes {
	int flags;
	int mode;
	int owner;
	long time;
	long nsec;
} attributes[] = {
	{ O_RDWR, 0777, 0, LONG_AGO, 0 },
	{ O_WRONLY | O_APPEND, 0600, NOBODY, LONG_AGO + 1, 999999999 },
	{ O_RDONLY | O_NONBLOCK, 04755, 1, -5, 1 },
	{ O_RDWR | O_APPEND | O_NOATIME, 0, 0, 1LL << 33, 2 },
};

#define CARRIED_FLAGS	(O_ACCMODE | O_APPEND | O_NOATIME | O_NONBLOCK)

static int file_with(const struct attributes *attr, unsigned int seed)
{
	const struct timespec times[2] = {
		{ attr->time, attr->nsec }, { attr->time + 100, attr->nsec }
	};
	int file = new_file(2 * PAGE, seed);
	int fd = open_again(file, attr->flags);

	/* The set-user-ID bit ends when the owner changes. */
	CHECK(!fchown(fd, attr->owner, attr->owner + 1));
	CHECK(!fchmod(fd, attr->mode));
	CHECK(!futimens(fd, times));
	close(file);
	return fd;
}

static void check_attributes(int fd, const struct attributes *attr)
{
	struct stat st;

	CHECK(!fstat(fd, &st));
	CHECK_EQ(st.st_mode, S_IFREG | attr->mode);
	CHECK_EQ(st.st_uid, attr->owner);
	CHECK_EQ(st.st_gid, attr->owner + 1);
	CHECK_EQ(st.st_atim.tv_sec, attr->time);
	CHECK_EQ(st.st_mtim.tv_sec, attr->time + 100);
	CHECK_EQ(st.st_atim.tv_nsec, attr->nsec);
	CHECK_EQ(st.st_mtim.tv_nsec, attr->nsec);
	CHECK_EQ(fcntl(fd, F_GETFL) & CARRIED_FLAGS, attr->flags);
}

static void attributes_before(void)
{
	int session = new_session("attributes");
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(attributes); i++) {
		fd = file_with(&attributes[i], i);
		CHECK(!luo_preserve(session, fd, i));
	}
}

#define MAX_AGAIN	16

/* Retrieve the files of a session, finish it, and preserve them in one of the same name. */
static void preserve_again(const char *name, int nr, void (*check)(int fd, int token))
{
	int old = old_session(name), session = new_session(name);
	int fds[MAX_AGAIN], token;

	CHECK(nr <= MAX_AGAIN);
	for (token = 0; token < nr; token++) {
		guest_note("file %d", token);
		fds[token] = old_file(old, token);
		check(fds[token], token);
	}
	CHECK(!luo_finish(old));
	for (token = 0; token < nr; token++)
		CHECK(!luo_preserve(session, fds[token], token));
}

static void check_file_with(int fd, int token)
{
	check_attributes(fd, &attributes[token]);
}

static void attributes_between(void)
{
	preserve_again("attributes", ARRAY_SIZE(attributes), check_file_with);
}

static void check_writing(int fd, const struct attributes *attr)
{
	struct stat st;
	char byte = 1;

	if ((attr->flags & O_ACCMODE) == O_RDONLY) {
		CHECK_ERRNO(write(fd, &byte, 1), EBADF);
		return;
	}
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EQ(write(fd, &byte, 1), 1);
	CHECK(!fstat(fd, &st));
	CHECK_EQ(st.st_size, 2 * PAGE + !!(attr->flags & O_APPEND));
}

static void attributes_after(void)
{
	int session = old_session("attributes");
	int fds[ARRAY_SIZE(attributes)];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(attributes); i++) {
		char byte;

		guest_note("file %zu", i);
		fds[i] = old_file(session, i);
		check_attributes(fds[i], &attributes[i]);
		check_content(open_again(fds[i], O_RDONLY), 0, 2 * PAGE, i);
		if ((attributes[i].flags & O_ACCMODE) == O_WRONLY)
			CHECK_ERRNO(read(fds[i], &byte, 1), EBADF);
	}
	CHECK(!luo_finish(session));
	for (i = 0; i < ARRAY_SIZE(attributes); i++)
		check_writing(fds[i], &attributes[i]);
}

/* Documentation/mm/memfd_preservation.rst lists what is not handed over. */

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
	int session = new_session("not_carried");
	int fd = new_file(PAGE, 1);

	set_memory_policy(fd);
	if (fsetxattr(fd, "user.color", "red", 3, 0))
		CHECK_EQ(errno, EOPNOTSUPP);
	CHECK(!flock(fd, LOCK_EX));
	CHECK(!luo_preserve(session, fd, 1));
}

static void not_carried_after(void)
{
	int session = old_session("not_carried");
	int fd = old_file(session, 1);
	char value[3];

	CHECK(fgetxattr(fd, "user.color", value, sizeof(value)) < 0);
	CHECK(!flock(open_again(fd, O_RDWR), LOCK_EX | LOCK_NB));
	check_no_memory_policy(fd);
	check_content(fd, 0, PAGE, 1);
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

static long blocks_of(int fd)
{
	struct stat st;

	CHECK(!fstat(fd, &st));
	return st.st_blocks / (PAGE / 512);
}

/* Pages that are allocated, but were never written, and one that is written later */
#define ALLOCATED	2000
#define NR_ALLOCATED	10
#define WRITTEN_LATER	3000

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
	CHECK(!fallocate(fd, 0, ALLOCATED * PAGE, NR_ALLOCATED * PAGE));
	CHECK(!luo_preserve(session, fd, 1));
	CHECK_EQ(blocks_of(fd), ARRAY_SIZE(written) + NR_ALLOCATED);
	fill(fd, WRITTEN_LATER * PAGE, PAGE, WRITTEN_LATER);
}

static void holes_after(void)
{
	int session = old_session("holes");
	int fd = old_file(session, 1);
	off_t at = 0;
	size_t i;

	check_size(fd, SPARSE_SIZE);
	CHECK_EQ(blocks_of(fd), ARRAY_SIZE(written) + NR_ALLOCATED + 1);
	CHECK_EQ(lseek(fd, PAGE, SEEK_HOLE), PAGE);
	CHECK_EQ(lseek(fd, PAGE, SEEK_DATA), written[1] * PAGE);
	check_content(fd, WRITTEN_LATER * PAGE, PAGE, WRITTEN_LATER);
	for (i = 0; i < ARRAY_SIZE(written) - 1; i++) {
		check_zeros(fd, at, written[i] * PAGE - at);
		check_content(fd, written[i] * PAGE, PAGE, i);
		at = (written[i] + 1) * PAGE;
	}
	check_zeros(fd, at, WRITTEN_LATER * PAGE - at);
	at = (WRITTEN_LATER + 1) * PAGE;
	check_zeros(fd, at, written[i] * PAGE - at);
	check_content(fd, written[i] * PAGE, 100, i);
	CHECK(!luo_finish(session));
	CHECK(!ftruncate(fd, SPARSE_SIZE + PAGE));
	check_zeros(fd, SPARSE_SIZE, PAGE);
}

/* Faults fill holes of a preserved file. The list does not fit into a page. */
#define FAULT_SIZE	(10000 * PAGE)

static void faults_into_holes_before(void)
{
	int session = new_session("faults_into_holes");
	int fd = new_memfd(0);
	char *map;
	int i;

	CHECK(!ftruncate(fd, FAULT_SIZE));
	CHECK(!luo_preserve(session, fd, 1));
	CHECK_EQ(blocks_of(fd), 0);
	map = mmap(NULL, FAULT_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	for (i = 999; i >= 0; i--)
		map[10 * i * PAGE] = i;
	CHECK(!munmap(map, FAULT_SIZE));
}

static void faults_into_holes_after(void)
{
	int session = old_session("faults_into_holes");
	int fd = old_file(session, 1);
	char *map = mmap(NULL, FAULT_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	int i;

	CHECK(map != MAP_FAILED);
	CHECK_EQ(blocks_of(fd), 1000);
	for (i = 0; i < 1000; i++)
		CHECK_EQ(map[10 * i * PAGE], (char)i);
	/* The retrieved file is frozen, too. */
	map[PAGE] = 77;
	CHECK_EQ(blocks_of(fd), 1001);
	CHECK(!luo_finish(session));
	CHECK_EQ(map[PAGE], 77);
	CHECK(!munmap(map, FAULT_SIZE));
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
	CHECK_EQ(blocks_of(fd), 0);
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

static void check_seals(int fd, int token)
{
	CHECK_EQ(fcntl(fd, F_GET_SEALS), seals[token]);
}

static void all_seals_between(void)
{
	preserve_again("all_seals", ARRAY_SIZE(seals), check_seals);
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

/* Of an executable file, F_SEAL_EXEC implies all others except F_SEAL_SEAL. */
static void exec_seal_before(void)
{
	int session = new_session("exec_seal");
	int fd = new_memfd(MFD_EXEC | MFD_ALLOW_SEALING);

	fill(fd, 0, PAGE, 1);
	CHECK(!fcntl(fd, F_ADD_SEALS, F_SEAL_EXEC));
	CHECK(!luo_preserve(session, fd, 0));
	/* An empty one */
	fd = new_memfd(MFD_EXEC | MFD_ALLOW_SEALING);
	CHECK(!fcntl(fd, F_ADD_SEALS, F_SEAL_EXEC));
	CHECK(!luo_preserve(session, fd, 1));
}

static void check_exec_seal(int fd, int token)
{
	struct stat st;

	CHECK(!fstat(fd, &st));
	CHECK_EQ(st.st_mode, S_IFREG | 0777);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), ALL_SEALS & ~F_SEAL_SEAL);
	CHECK_ERRNO(fchmod(fd, 0666), EPERM);
	if (!token)
		check_file(fd, PAGE, 1);
}

static void exec_seal_between(void)
{
	preserve_again("exec_seal", 2, check_exec_seal);
}

static void exec_seal_after(void)
{
	int session = old_session("exec_seal");
	int token;

	for (token = 0; token < 2; token++)
		check_exec_seal(old_file(session, token), token);
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

/*
 * Huge pages take the place of pages that have filled holes of a retrieved file. They are
 * movable, so they can lie in scratch until reboot() preserves the file again.
 */
#define NR_COLLAPSED	3

static void collapsed_holes_before(void)
{
	int session = new_session("collapsed_holes");
	int fd = new_file(PAGE, NR_COLLAPSED);

	CHECK(!ftruncate(fd, (NR_COLLAPSED + 1) * huge_size()));
	CHECK(!luo_preserve(session, fd, 1));
}

static char *map_aligned(int fd, off_t start, size_t size, size_t align)
{
	char *map = mmap(NULL, size + align, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(map != MAP_FAILED);
	map += -(uintptr_t)map % align;
	CHECK(mmap(map, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, start) ==
	      map);
	return map;
}

static void collapsed_holes_between(void)
{
	long free_scratch = guest_meminfo("CmaFree"), huge = huge_size(), before;
	int fd = old_file(old_session("collapsed_holes"), 1);
	char *map = map_aligned(fd, huge, NR_COLLAPSED * huge, huge);
	int i;

	for (i = 0; i < NR_COLLAPSED; i++)
		fill(fd, (i + 1) * huge + i * PAGE, PAGE, i);
	before = shmem_huge();
	if (madvise(map, NR_COLLAPSED * huge, MADV_COLLAPSE))
		guest_note("collapse: %s", strerror(errno));
	guest_note("%ld KiB of huge pages, of scratch %ld KiB", shmem_huge() - before,
		   free_scratch - guest_meminfo("CmaFree"));
}

static void collapsed_holes_after(void)
{
	int fd = old_file(old_session("collapsed_holes"), 1);
	long huge = huge_size();
	int i;

	check_content(fd, 0, PAGE, NR_COLLAPSED);
	check_zeros(fd, PAGE, huge - PAGE);
	for (i = 0; i < NR_COLLAPSED; i++) {
		check_zeros(fd, (i + 1) * huge, i * PAGE);
		check_content(fd, (i + 1) * huge + i * PAGE, PAGE, i);
		check_zeros(fd, (i + 1) * huge + (i + 1) * PAGE, huge - (i + 1) * PAGE);
	}
}

/* ---- pages with hardware memory errors ---- */

/* The page that run_in_child() works on */
static struct {
	int fd;
	off_t at;
} target;

static char *map_target(void)
{
	char *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, target.fd, target.at);

	CHECK(map != MAP_FAILED);
	return map;
}

/* The kernel fails to isolate pages that it has preserved, but marks them. */
static int poison_target(void)
{
	return madvise(map_target(), PAGE, MADV_HWPOISON) && errno == EINVAL;
}

static int read_target(void)
{
	return *map_target();
}

/* Let a page have a hardware memory error. This kills a process that has mapped it. */
static void poison(int fd, off_t at)
{
	target.fd = fd;
	target.at = at;
	if (run_in_child(poison_target) == 1)
		guest_skip("no MEMORY_FAILURE");
}

/* Check that all of a file can be read except this page. */
static void check_poisoned(int fd, off_t at, off_t size, unsigned int seed)
{
	char byte;

	CHECK_ERRNO(pread(fd, &byte, 1, at), EIO);
	CHECK_ERRNO(pread(fd, &byte, 1, at + PAGE - 1), EIO);
	CHECK_ERRNO(pwrite(fd, "x", 1, at), EIO);
	target.fd = fd;
	target.at = at;
	/* SIGBUS */
	CHECK_EQ(run_in_child(read_target), -1);
	check_content(fd, 0, at, seed);
	check_content(fd, at + PAGE, size - at - PAGE, seed);
}

#define POISONED_SIZE	(8 * PAGE)

/* The page of file 0 fails before PRESERVE_FD, and that of file 1 afterwards. */
static void poisoned_pages_before(void)
{
	int session = new_session("poisoned_pages");
	int token, fd;

	for (token = 0; token < 2; token++) {
		fd = new_file(POISONED_SIZE, token);
		if (token == 0)
			poison(fd, 3 * PAGE);
		CHECK(!luo_preserve(session, fd, token));
		if (token == 1)
			poison(fd, 3 * PAGE);
		check_poisoned(fd, 3 * PAGE, POISONED_SIZE, token);
	}
}

static void check_poisoned_file(int fd, int token)
{
	check_size(fd, POISONED_SIZE);
	check_poisoned(fd, 3 * PAGE, POISONED_SIZE, token);
}

static void poisoned_pages_between(void)
{
	long corrupted = guest_meminfo("HardwareCorrupted");

	preserve_again("poisoned_pages", 2, check_poisoned_file);
	CHECK_EQ(guest_meminfo("HardwareCorrupted") - corrupted, 2 * PAGE / 1024);
}

static void poisoned_pages_after(void)
{
	long corrupted = guest_meminfo("HardwareCorrupted");
	int session = old_session("poisoned_pages");
	int token, fd;

	for (token = 0; token < 2; token++) {
		fd = old_file(session, token);
		check_poisoned_file(fd, token);
		close(fd);
	}
	CHECK(!luo_finish(session));
	/* They are not free now. */
	CHECK_EQ(guest_meminfo("HardwareCorrupted") - corrupted, 2 * PAGE / 1024);
}

/* A page of the last huge page. That one can't be split, because it is preserved. */
static off_t poisoned_in_huge(void)
{
	return huge_size() - 5 * PAGE;
}

static void poisoned_huge_pages_before(void)
{
	int session = new_session("poisoned_huge_pages");
	long size = huge_size(), before = shmem_huge();
	int fd;

	if (guest_write_file(THP "shmem_enabled", "always"))
		guest_skip("no huge pages in shmem: %s", strerror(errno));
	fd = new_file(size, 1);
	guest_write_file(THP "shmem_enabled", "never");
	if (shmem_huge() - before < size >> 10)
		guest_skip("memory is too fragmented for huge pages");
	CHECK(!luo_preserve(session, fd, 0));
	poison(fd, poisoned_in_huge());
	CHECK(shmem_huge() - before >= size >> 10);
	check_poisoned(fd, poisoned_in_huge(), size, 1);
}

static void check_poisoned_huge_file(int fd, int token)
{
	long size = huge_size();

	check_size(fd, size);
	check_poisoned(fd, poisoned_in_huge(), size, 1);
	/* One of them is split. */
	if (size == 16 * MIB)
		CHECK(shmem_huge() >= 14 * MIB >> 10);
}

static void poisoned_huge_pages_between(void)
{
	preserve_again("poisoned_huge_pages", 1, check_poisoned_huge_file);
}

static void poisoned_huge_pages_after(void)
{
	check_poisoned_huge_file(old_file(old_session("poisoned_huge_pages"), 0), 0);
}

/* ---- large folios ---- */

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

/* ---- sizes ---- */

/* Around the numbers of pages at which arrays and batches are full */
static const int boundaries[] = { 0, 1, 15, 31, 64, 128, 512, 1024, 2048, 4096 };

/* Return the size of a file: a byte or a page less or more than at a boundary. */
static size_t size_nr(int nr)
{
	long size = (long)boundaries[nr / 5] * PAGE;
	const long offsets[] = { -PAGE, -1, 0, 1, PAGE };

	return size + offsets[nr % 5] < 0 ? 0 : size + offsets[nr % 5];
}

#define NR_SIZES	(5 * (int)ARRAY_SIZE(boundaries))

static void sizes_before(void)
{
	int session = new_session("sizes");
	int i;

	for (i = 0; i < NR_SIZES; i++) {
		int fd = new_file(size_nr(i), i);

		CHECK(!luo_preserve(session, fd, i));
		close(fd);
	}
}

static void sizes_after(void)
{
	int session = old_session("sizes");
	int i;

	for (i = 0; i < NR_SIZES; i++) {
		int fd = old_file(session, i);

		check_file(fd, size_nr(i), i);
		close(fd);
	}
	finish_and_close(session);
}

/* ---- limits and signals ---- */

static struct rlimit set_limit(int resource, rlim_t value)
{
	struct rlimit old, limit;

	CHECK(!getrlimit(resource, &old));
	limit = old;
	limit.rlim_cur = value;
	CHECK(!setrlimit(resource, &limit));
	return old;
}

/* These limits are for what a program itself writes. */
static void limits_before(void)
{
	int fd = new_file(MIB, 1);

	set_limit(RLIMIT_FSIZE, PAGE);
	CHECK(!luo_preserve(new_session("limits"), fd, 1));
}

/* Without a free descriptor nothing is lost. */
static void limits_after(void)
{
	int session = old_session("limits");
	struct rlimit files = set_limit(RLIMIT_NOFILE, 0);
	int fd, err;

	fd = luo_retrieve_fd(session, 1);
	err = errno;
	set_limit(RLIMIT_NOFILE, files.rlim_cur);
	CHECK(fd < 0);
	CHECK_EQ(err, EMFILE);

	set_limit(RLIMIT_FSIZE, PAGE);
	fd = old_file(session, 1);
	set_limit(RLIMIT_FSIZE, RLIM_INFINITY);
	check_file(fd, MIB, 1);
	finish_and_close(session);
}

#define SIGNALED_SIZE	(32 * MIB)

static int nr_signals;

static void count_signal(int sig)
{
	__atomic_add_fetch(&nr_signals, 1, __ATOMIC_RELAXED);
}

/* Get a signal every millisecond of CPU time. Only a fatal one may end a request. */
static void start_signals(void)
{
	const struct sigaction action = { .sa_handler = count_signal };
	const struct itimerval often = { { 0, 1000 }, { 0, 1000 } };

	CHECK(!sigaction(SIGPROF, &action, NULL));
	CHECK(!setitimer(ITIMER_PROF, &often, NULL));
}

static void stop_signals(void)
{
	const struct itimerval never = {};

	CHECK(!setitimer(ITIMER_PROF, &never, NULL));
	guest_note("%d signals", nr_signals);
}

static void signals_before(void)
{
	int session = new_session("signals");
	int fd = new_file(SIGNALED_SIZE, 1);
	int closed;

	start_signals();
	/* On a fast host the first calls end before a signal comes. */
	do {
		closed = new_session("signals, closed");
		CHECK(!luo_preserve(closed, fd, 1));
		CHECK(!close(closed));
	} while (!__atomic_load_n(&nr_signals, __ATOMIC_RELAXED));
	CHECK(!luo_preserve(session, fd, 1));
	stop_signals();
}

static void signals_after(void)
{
	int session = old_session("signals");
	int fd;

	start_signals();
	fd = luo_retrieve_fd(session, 1);
	CHECK(fd >= 0);
	CHECK(!luo_finish(session));
	stop_signals();
	check_file(fd, SIGNALED_SIZE, 1);
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
	make_memcg(MEMCG);
	CHECK(!guest_write_file(MEMCG "/memory.max", "4M"));
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

/* Memory that the killed process has restored by then is not lost. */
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

/* ---- swap ---- */

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

/* ---- unevictable pages ---- */

#define UNEVICTABLE	18	/* bit in /proc/kpageflags */
#define RECLAIMED_SIZE	MIB
/* Few enough that the pages wait in a list before they are added to an LRU list */
#define PAST_END	4

/* Return how many pages are on the unevictable list. */
static size_t count_unevictable(const char *map, size_t size)
{
	int fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	unsigned long long flags;
	size_t at, nr = 0;

	if (fd < 0)
		guest_skip("no /proc/kpageflags (PROC_PAGE_MONITOR)");
	/* This also adds pages to their LRU list that wait for that. */
	CHECK(!guest_write_file("/proc/sys/vm/drop_caches", "1"));
	for (at = 0; at < size; at += PAGE) {
		off_t pfn = guest_phys_of(map + at) / PAGE;

		CHECK_EQ(pread(fd, &flags, sizeof(flags), pfn * sizeof(flags)),
			 sizeof(flags));
		nr += flags >> UNEVICTABLE & 1;
	}
	close(fd);
	guest_note("%zu pages are unevictable", nr);
	return nr;
}

static char *map_present(int fd, size_t size)
{
	char *map = mmap(NULL, size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);

	CHECK(map != MAP_FAILED);
	return map;
}

/* While a file is preserved, reclaim moves its pages to the unevictable list. */
static char *reclaim(int fd, size_t size)
{
	char *map = map_present(fd, size);

	CHECK(!madvise(map, size, MADV_PAGEOUT));
	CHECK(!munmap(map, size));
	map = map_present(fd, size);
	CHECK(count_unevictable(map, size) > 0);
	return map;
}

static void check_preserved_is_evictable_again(void)
{
	int session = new_session("evictable_again, closed");
	int fd = new_file(RECLAIMED_SIZE, 1);
	char *map;

	CHECK(!luo_preserve(session, fd, 1));
	map = reclaim(fd, RECLAIMED_SIZE);
	close(session);
	CHECK_EQ(count_unevictable(map, RECLAIMED_SIZE), 0);
	CHECK(!munmap(map, RECLAIMED_SIZE));
	close(fd);
}

/* Pages that fill holes, and pages past the end of the file */
static void check_new_pages_are_evictable_again(void)
{
	int session = new_session("evictable_again, new");
	int fd = new_memfd(0);
	size_t size = RECLAIMED_SIZE + PAST_END * PAGE;
	char *map;

	CHECK(!ftruncate(fd, RECLAIMED_SIZE));
	CHECK(!fallocate(fd, FALLOC_FL_KEEP_SIZE, RECLAIMED_SIZE, PAST_END * PAGE));
	CHECK(!luo_preserve(session, fd, 1));
	map = map_present(fd, RECLAIMED_SIZE);
	CHECK(count_unevictable(map, RECLAIMED_SIZE) > 0);
	CHECK(!munmap(map, RECLAIMED_SIZE));
	close(session);
	CHECK(!ftruncate(fd, size));
	map = map_present(fd, size);
	CHECK_EQ(count_unevictable(map, size), 0);
	CHECK(!munmap(map, size));
	close(fd);
}

static void evictable_again_before(void)
{
	preserve_file("evictable_again", 1, RECLAIMED_SIZE, 1);
	check_preserved_is_evictable_again();
	check_new_pages_are_evictable_again();
}

static void evictable_again_after(void)
{
	int session = old_session("evictable_again");
	int fd = old_file(session, 1);
	char *map = reclaim(fd, RECLAIMED_SIZE);

	CHECK(!luo_finish(session));
	CHECK_EQ(count_unevictable(map, RECLAIMED_SIZE), 0);
	CHECK(!munmap(map, RECLAIMED_SIZE));
	check_file(fd, RECLAIMED_SIZE, 1);
}

/* ---- a system without executable memfds ---- */

static void noexec_sysctl_before(void)
{
	preserve_file("noexec_sysctl", 1, PAGE, 1);
}

/*
 * vm.memfd_noexec has no effect on retrieved files. As it can't be lowered, this test
 * comes last.
 */
static void noexec_sysctl_after(void)
{
	int session = old_session("noexec_sysctl");

	if (guest_write_file("/proc/sys/vm/memfd_noexec", "2"))
		guest_skip("no vm.memfd_noexec: %s", strerror(errno));
	check_content(old_file(session, 1), 0, PAGE, 1);
}

static const struct guest_test memfd_tests[] = {
	GUEST_TEST_OF_2(one_memfd),
	GUEST_TEST_OF_2(state_at_kexec),
	GUEST_TEST_OF_3(attributes),
	GUEST_TEST_OF_2(not_carried),
	GUEST_TEST_OF_2(position),
	GUEST_TEST_OF_2(empty_memfd),
	GUEST_TEST_OF_2(holes),
	GUEST_TEST_OF_2(faults_into_holes),
	GUEST_TEST_OF_2(all_hole),
	GUEST_TEST_OF_3(all_seals),
	GUEST_TEST_OF_3(exec_seal),
	GUEST_TEST_OF_2(huge_pages),
	GUEST_TEST_OF_3(collapsed_holes),
	GUEST_TEST_OF_3(poisoned_pages),
	GUEST_TEST_OF_3(poisoned_huge_pages),
	GUEST_TEST_OF_2(large_folios),
	GUEST_TEST_OF_2(sizes),
	GUEST_TEST_OF_2(limits),
	GUEST_TEST_OF_2(signals),
	GUEST_TEST_OF_2(retrieved_is_accounted),
	GUEST_TEST_OF_2(beyond_the_limit),
	GUEST_TEST_OF_2(killed),
	GUEST_TEST_OF_2(swapped_out),
	GUEST_TEST_OF_2(evictable_again),
	GUEST_TEST_OF_2(noexec_sysctl),
};

/* The image for the next kernel takes its memory before files are preserved. */
GUEST_SUITE(memfd, 3, .load = GUEST_LOAD_FIRST)
