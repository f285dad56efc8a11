// SPDX-License-Identifier: GPL-2.0
/*
 * peers: what others do with a preserved memfd
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * A memfd is often shared with processes that the agent does not trust. None of
 * them may keep reboot() from working, or damage the file that the next kernel gets.
 * Each test preserves a file in the first kernel and then uses it in some way. All
 * tests share one kexec: if one of them keeps reboot() from working, all fail.
 */
#include <fcntl.h>
#include <linux/fanotify.h>
#include <linux/fs.h>
#include <linux/memfd.h>
#include <linux/mempolicy.h>
#include <linux/userfaultfd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../luo.h"

#define SIZE		(16 * PAGE)
#define THP		"/sys/kernel/mm/transparent_hugepage/"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif
#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE	101
#endif

static char *map_file(int fd, size_t size)
{
	char *map = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_POPULATE, fd, 0);

	CHECK(map != MAP_FAILED);
	return map;
}

/* Preserve a file with a pattern, which the next kernel must get. */
static int preserve_pattern(const char *name)
{
	int fd = new_file(SIZE, 1);

	CHECK(!luo_preserve(new_session(name), fd, 1));
	return fd;
}

static void check_pattern(const char *name)
{
	int session = old_session(name);
	int fd = old_file(session, 1);

	check_size(fd, SIZE);
	check_content(fd, 0, SIZE, 1);
	CHECK(!luo_finish(session));
	check_thawed(fd);
}

/* ---- seals and mode ---- */

/* F_SEAL_EXEC of an executable file implies other seals. It can't be added for now. */
static void exec_seal_before(void)
{
	int session = new_session("exec_seal");
	int sealed = new_memfd(MFD_EXEC | MFD_ALLOW_SEALING);
	int empty = new_memfd(MFD_EXEC | MFD_ALLOW_SEALING);
	int full = new_memfd(MFD_EXEC | MFD_ALLOW_SEALING);

	fill(sealed, 0, SIZE, 1);
	fill(full, 0, SIZE, 3);
	CHECK(!fcntl(sealed, F_ADD_SEALS, F_SEAL_WRITE));
	CHECK(!luo_preserve(session, sealed, 1));
	CHECK(!luo_preserve(session, empty, 2));
	CHECK(!luo_preserve(session, full, 3));
	CHECK_ERRNO(fcntl(sealed, F_ADD_SEALS, F_SEAL_EXEC), EPERM);
	CHECK_ERRNO(fcntl(empty, F_ADD_SEALS, F_SEAL_EXEC), EPERM);
	CHECK_ERRNO(fcntl(full, F_ADD_SEALS, F_SEAL_EXEC), EPERM);
	/* Other seals can be added. */
	CHECK(!fcntl(sealed, F_ADD_SEALS, F_SEAL_GROW));
}

static void exec_seal_after(void)
{
	int session = old_session("exec_seal");
	int sealed = old_file(session, 1);
	int empty = old_file(session, 2);

	check_content(sealed, 0, SIZE, 1);
	CHECK_EQ(fcntl(sealed, F_GET_SEALS), F_SEAL_WRITE | F_SEAL_GROW);
	CHECK_EQ(fcntl(empty, F_GET_SEALS), 0);
	check_content(old_file(session, 3), 0, SIZE, 3);
	CHECK(!luo_finish(session));
	check_thawed(empty);
	CHECK(!fcntl(empty, F_ADD_SEALS, F_SEAL_EXEC));
}

static void change_of_mode_before(void)
{
	int fd = preserve_pattern("change_of_mode");

	CHECK(!fchmod(fd, 0));
	CHECK(!fchmod(fd, 07777));
	CHECK(!fchown(fd, NOBODY, NOBODY));
	CHECK(!fchmod(fd, 0600));
	CHECK(!fcntl(fd, F_ADD_SEALS, F_SEAL_EXEC));
	CHECK_ERRNO(fchmod(fd, 0700), EPERM);
}

static void change_of_mode_after(void)
{
	int fd = old_file(old_session("change_of_mode"), 1);
	struct stat st;

	check_content(fd, 0, SIZE, 1);
	CHECK(!fstat(fd, &st));
	CHECK_EQ(st.st_mode, S_IFREG | 0600);
	CHECK_EQ(st.st_uid, NOBODY);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_EXEC);
	CHECK_ERRNO(fchmod(fd, 0700), EPERM);
}

/* An access control list sets x bits in spite of F_SEAL_EXEC. */
static void change_of_acl_before(void)
{
	/* Version 2, and the entries of user, group and others, with rwx each */
	static const struct {
		uint32_t version;
		struct {
			uint16_t tag;
			uint16_t perm;
			uint32_t id;
		} entries[3];
	} acl = { 2, { { 1, 7, -1 }, { 4, 7, -1 }, { 0x20, 7, -1 } } };
	int fd = new_memfd(MFD_NOEXEC_SEAL);
	struct stat st;

	fill(fd, 0, SIZE, 1);
	CHECK(!luo_preserve(new_session("change_of_acl"), fd, 1));
	if (fsetxattr(fd, "system.posix_acl_access", &acl, sizeof(acl), 0))
		guest_skip("no access control lists (TMPFS_POSIX_ACL): %s",
			   strerror(errno));
	CHECK(!fstat(fd, &st));
	guest_note("mode %o", st.st_mode);
}

static void change_of_acl_after(void)
{
	int fd = old_file(old_session("change_of_acl"), 1);
	struct stat st;

	check_content(fd, 0, SIZE, 1);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_EXEC);
	/* The mode is carried, but not the list. */
	CHECK(!fstat(fd, &st));
	CHECK_EQ(st.st_mode, S_IFREG | 0777);
}

/* ---- the open file ---- */

static void position_before(void)
{
	int fd = preserve_pattern("position");

	CHECK_EQ(lseek(fd, INT64_MAX, SEEK_SET), INT64_MAX);
	CHECK_ERRNO(lseek(fd, 1, SEEK_CUR), EINVAL);
	CHECK(write(fd, "x", 1) < 0);
}

static void position_after(void)
{
	int session = old_session("position");
	int fd = old_file(session, 1);

	CHECK_EQ(lseek(fd, 0, SEEK_CUR), INT64_MAX);
	check_content(fd, 0, SIZE, 1);
}

static void flags_and_locks_before(void)
{
	int fd = preserve_pattern("flags_and_locks");
	int other = open_again(fd, O_RDONLY);
	struct flock lock = { .l_type = F_WRLCK };

	CHECK(other >= 0);
	fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | O_ASYNC);
	CHECK(!fcntl(fd, F_SETOWN, getpid()));
	CHECK(!fcntl(fd, F_SETLK, &lock));
	CHECK(!flock(fd, LOCK_EX));
	/* A lease keeps others from opening the file. */
	fcntl(other, F_SETLEASE, F_RDLCK);
	fcntl(fd, F_SETLEASE, F_WRLCK);
}

static void flags_and_locks_after(void)
{
	check_pattern("flags_and_locks");
}

static void opened_again_before(void)
{
	int fd = preserve_pattern("opened_again");
	char path[64];
	int flags;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_ERRNO(open(path, O_RDWR | O_TRUNC), EPERM);
	open_again(fd, O_WRONLY | O_APPEND);
	if (!ioctl(fd, FS_IOC_GETFLAGS, &flags)) {
		flags |= FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL;
		ioctl(fd, FS_IOC_SETFLAGS, &flags);
	}
	fsetxattr(fd, "trusted.test", "value", 5, 0);
	CHECK(linkat(AT_FDCWD, "/proc/self/fd/0", AT_FDCWD, "/tmp/linked",
		     AT_SYMLINK_FOLLOW));
}

static void opened_again_after(void)
{
	check_pattern("opened_again");
}

/* The file is in flight between two sockets, and nowhere else. */
static void in_flight_before(void)
{
	int fd = preserve_pattern("in_flight");
	int sockets[2];

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
	send_fd(sockets[0], fd);
	close(fd);
}

static void in_flight_after(void)
{
	check_pattern("in_flight");
}

/* The question whether a process may open the file is not answered. */
static void watched_before(void)
{
	int fd = preserve_pattern("watched");
	char path[64];
	int watch;
	pid_t pid;

	watch = syscall(SYS_fanotify_init, FAN_CLASS_CONTENT, O_RDONLY);
	if (watch < 0)
		guest_skip("no fanotify: %s", strerror(errno));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK(!syscall(SYS_fanotify_mark, watch, FAN_MARK_ADD,
		       (uint64_t)(FAN_OPEN_PERM | FAN_ACCESS_PERM | FAN_MODIFY),
		       AT_FDCWD, path));
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		open_again(fd, O_RDONLY);
		_exit(0);
	}
}

static void watched_after(void)
{
	check_pattern("watched");
}

/* ---- memory ---- */

static void advised_before(void)
{
	static const int advice[] = {
		MADV_NORMAL, MADV_RANDOM, MADV_WILLNEED, MADV_DONTNEED,
		MADV_COLD, MADV_PAGEOUT, MADV_HUGEPAGE, MADV_COLLAPSE,
		MADV_DONTFORK, MADV_FREE, MADV_MERGEABLE, MADV_REMOVE,
		MADV_POPULATE_READ, MADV_POPULATE_WRITE,
	};
	int fd = preserve_pattern("advised");
	char *map = map_file(fd, SIZE);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(advice); i++)
		if (madvise(map, SIZE, advice[i]))
			guest_note("advice %d: %s", advice[i], strerror(errno));
	CHECK(!mlock(map, SIZE));
	CHECK(!munlock(map, SIZE));
	CHECK(!mlock(map, SIZE / 2));
	CHECK(!msync(map, SIZE, MS_SYNC | MS_INVALIDATE) || errno == EBUSY);
	CHECK(!fsync(fd));
	CHECK(!posix_fadvise(fd, 0, SIZE, POSIX_FADV_DONTNEED));
	/* The second half is unmapped again. */
	CHECK(mremap(map, SIZE, SIZE / 2, MREMAP_MAYMOVE) != MAP_FAILED);
}

static void advised_after(void)
{
	check_pattern("advised");
}

static void written_by_all_means_before(void)
{
	int fd = preserve_pattern("written_by_all_means");
	int from = new_file(SIZE, 1);
	char *map = map_file(fd, SIZE);
	char *private = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd,
			     0);
	off_t at = 0, to = 0;
	int pipes[2];

	CHECK(private != MAP_FAILED);
	memset(private, 0, SIZE);
	fill(fd, 0, SIZE, 2);
	CHECK_EQ(copy_file_range(from, &at, fd, &to, SIZE, 0), SIZE);
	CHECK(!pipe(pipes));
	at = 0;
	to = 0;
	CHECK_EQ(splice(from, &at, pipes[1], NULL, PAGE, 0), PAGE);
	CHECK_EQ(splice(pipes[0], NULL, fd, &to, PAGE, 0), PAGE);
	memmove(map + PAGE, map + PAGE, SIZE - PAGE);
	/* A write that extends past the end stops there, or fails as a whole. */
	CHECK(pwrite(fd, map + SIZE - PAGE, 2 * PAGE, SIZE - PAGE) <= PAGE);
	check_size(fd, SIZE);
}

static void written_by_all_means_after(void)
{
	check_pattern("written_by_all_means");
}

/* Pages of the file wait in pipes and sockets, where they stay until the kexec. */
static void held_by_pipes_before(void)
{
	int fd = preserve_pattern("held_by_pipes");
	struct iovec iov = { map_file(fd, SIZE), SIZE };
	int from_file[2], gift[2], sockets[2];
	off_t at = 0;

	CHECK(!pipe(from_file) && !pipe(gift));
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
	CHECK(splice(fd, &at, from_file[1], NULL, SIZE, 0) > 0);
	CHECK(vmsplice(gift[1], &iov, 1, SPLICE_F_GIFT) > 0);
	at = 0;
	CHECK(sendfile(sockets[0], fd, &at, PAGE) > 0);
}

static void held_by_pipes_after(void)
{
	check_pattern("held_by_pipes");
}

/* Nothing moves the pages: the previous kernel's list has their addresses. */
static void migrated_before(void)
{
	int fd = preserve_pattern("migrated");
	unsigned long nodes = ~0UL >> 1;
	char *map = map_file(fd, SIZE);
	void *pages[16];
	int node[16], status[16];
	int i;

	for (i = 0; i < 16; i++) {
		pages[i] = map + i * PAGE;
		node[i] = i % 2;
	}
	syscall(SYS_move_pages, 0, 16, pages, node, status, MPOL_MF_MOVE);
	for (i = 0; i < 16; i++)
		guest_note("page %d: status %d", i, status[i]);
	nodes = 1;
	syscall(SYS_mbind, map, SIZE, MPOL_BIND, &nodes, 2,
		MPOL_MF_MOVE);
	nodes = 2;
	syscall(SYS_mbind, map, SIZE, MPOL_BIND, &nodes, 2,
		MPOL_MF_MOVE);
	guest_write_file("/proc/sys/vm/compact_memory", "1");
	guest_write_file("/proc/sys/vm/drop_caches", "3");
}

static void migrated_after(void)
{
	check_pattern("migrated");
}

static long huge_size(void)
{
	char *text = guest_read_file(THP "hpage_pmd_size");
	long size = text ? atol(text) : 0;

	free(text);
	if (!size || size > 32 * MIB)
		guest_skip("no huge pages, or too large ones");
	return size;
}

/* Small pages are not collapsed. A huge page is not split. */
static void collapsed_and_split_before(void)
{
	long huge = huge_size();
	int session = new_session("collapsed_and_split");
	int small = new_file(2 * huge, 1), large = new_memfd(0);
	char *map;

	CHECK(!ftruncate(large, 2 * huge));
	guest_write_file(THP "shmem_enabled", "always");
	fill(large, 0, 2 * huge, 2);
	CHECK(!ftruncate(large, huge + 5 * PAGE));
	CHECK(!luo_preserve(session, small, 1));
	CHECK(!luo_preserve(session, large, 2));
	map = map_file(small, 2 * huge);
	madvise(map, 2 * huge, MADV_HUGEPAGE);
	CHECK(madvise(map, 2 * huge, MADV_COLLAPSE));
	guest_note("collapse: %s", strerror(errno));
	map = map_file(large, huge + 5 * PAGE);
	CHECK(!munmap(map + PAGE, huge / 2));
	if (guest_write_file(DEBUGFS "/split_huge_pages", "1"))
		guest_note("split: %s", strerror(errno));
	/* Reclaim splits huge pages that extend past the end of a file. */
	guest_write_file("/proc/sys/vm/drop_caches", "3");
	guest_write_file(THP "shmem_enabled", "never");
}

static void collapsed_and_split_after(void)
{
	int session = old_session("collapsed_and_split");
	long huge = huge_size();
	int small = old_file(session, 1), large = old_file(session, 2);

	check_content(small, 0, 2 * huge, 1);
	check_size(large, huge + 5 * PAGE);
	check_content(large, 0, huge + 5 * PAGE, 2);
	CHECK(!luo_finish(session));
	check_thawed(small);
	check_thawed(large);
}

/* Userfaultfd adds pages to holes only. This preserved file has none. */
static void userfaultfd_before(void)
{
	int fd = preserve_pattern("userfaultfd");
	char *map = map_file(fd, SIZE);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { (unsigned long)map, SIZE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	struct uffdio_copy copy = {
		.dst = (unsigned long)map + PAGE, .len = PAGE,
	};
	struct uffdio_zeropage zero = {
		.range = { (unsigned long)map + 2 * PAGE, PAGE },
	};
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (uffd < 0)
		guest_skip("no userfaultfd: %s", strerror(errno));
	CHECK(!ioctl(uffd, UFFDIO_API, &api));
	CHECK(!ioctl(uffd, UFFDIO_REGISTER, &reg));
	copy.src = (unsigned long)calloc(2, PAGE);
	CHECK_ERRNO(ioctl(uffd, UFFDIO_COPY, &copy), EEXIST);
	CHECK_ERRNO(ioctl(uffd, UFFDIO_ZEROPAGE, &zero), EEXIST);
}

static void userfaultfd_after(void)
{
	check_pattern("userfaultfd");
}

/* ---- reclaim ---- */

#define MEMCG	"/cgroup/peer"

static int limited_fd;

static int fill_in_memcg(void)
{
	if (guest_write_file(MEMCG "/cgroup.procs", "0"))
		return 1;
	fill(limited_fd, 0, SIZE, 1);
	return 0;
}

/* A process of the cgroup fills the file, and the limit is lowered later. */
static void limit_of_memcg_before(void)
{
	int session = new_session("limit_of_memcg");

	make_memcg(MEMCG);
	limited_fd = new_memfd(0);
	CHECK_EQ(run_in_child(fill_in_memcg), 0);
	CHECK(!luo_preserve(session, limited_fd, 1));
	guest_write_file(MEMCG "/memory.reclaim", "1M");
	CHECK(!guest_write_file(MEMCG "/memory.high", "0"));
	CHECK(!rmdir(MEMCG));
}

static void limit_of_memcg_after(void)
{
	check_pattern("limit_of_memcg");
}

/* Nearly all memory is in use, and there is swap. */
static void memory_pressure_before(void)
{
	int fd = preserve_pattern("memory_pressure");
	size_t size = (guest_meminfo("MemAvailable") / 10 * 9) << 10;
	char *map = map_file(fd, SIZE);
	char *mem;

	if (!swap_on())
		guest_skip("no swap on " SWAP_DEVICE " (BLK_DEV_RAM)");
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	CHECK(mem != MAP_FAILED);
	CHECK(!madvise(map, SIZE, MADV_PAGEOUT));
	CHECK(!munmap(mem, size));
	CHECK(!swapoff(SWAP_DEVICE));
}

static void memory_pressure_after(void)
{
	check_pattern("memory_pressure");
}

static int failing_fd;

/* The kernel kills the process, because the page is lost. */
static int let_page_fail(void)
{
	return madvise(map_file(failing_fd, SIZE), PAGE, MADV_HWPOISON) && errno == EINVAL;
}

/* Memory errors: the file is handed over, the bad page is lost. */
static void memory_error_before(void)
{
	char *map;

	failing_fd = preserve_pattern("memory_error");
	if (run_in_child(let_page_fail) == 1)
		guest_skip("no MEMORY_FAILURE");
	map = map_file(failing_fd, SIZE);
	if (madvise(map + 2 * PAGE, PAGE, MADV_SOFT_OFFLINE))
		guest_note("soft offline: %s", strerror(errno));
}

static void memory_error_after(void)
{
	int fd = old_file(old_session("memory_error"), 1);
	char byte;

	check_size(fd, SIZE);
	CHECK_ERRNO(pread(fd, &byte, 1, 0), EIO);
	check_content(fd, PAGE, SIZE - PAGE, 1);
}

/* ---- the whole system ---- */

#define CPU1_ONLINE	"/sys/devices/system/cpu/cpu1/online"

/* Read a file of /proc with a word for each page, reserved pages too. */
static void read_words_of_pages(const char *path)
{
	static char words[64 * 1024];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	while (fd >= 0 && read(fd, words, sizeof(words)) > 0)
		;
	close(fd);
}

/* Look at all pages as monitoring programs do, and let the kernel walk over them. */
static void __noreturn walk_pages(void)
{
	for (;;) {
		read_words_of_pages("/proc/kpageflags");
		read_words_of_pages("/proc/kpagecount");
		read_words_of_pages("/proc/kpagecgroup");
		free(guest_text_of("/proc/pagetypeinfo"));
		guest_write_file("/proc/sys/vm/compact_memory", "1");
	}
}

static pid_t start_walker(void)
{
	pid_t pid;

	if (access("/proc/kpageflags", R_OK))
		guest_skip("no /proc/kpageflags (PROC_PAGE_MONITOR)");
	pid = fork_task();
	if (!pid)
		walk_pages();
	usleep(200000);
	return pid;
}

/* The first kernel goes on to walk until the kexec. */
static void pages_are_walked_before(void)
{
	int fd = new_file(MIB, 1);
	int session;

	start_walker();
	session = new_session("pages_are_walked, closed");
	CHECK(!luo_preserve(session, fd, 1));
	usleep(200000);
	close(session);
	check_content(fd, 0, MIB, 1);
	check_thawed(fd);
	preserve_pattern("pages_are_walked");
	usleep(200000);
}

static void pages_are_walked_after(void)
{
	pid_t pid = start_walker();

	check_pattern("pages_are_walked");
	usleep(200000);
	kill_child(pid);
}

static void take_cpu_offline(void)
{
	if (guest_write_file(CPU1_ONLINE, "0"))
		guest_skip("no second CPU that can be taken offline: %m");
}

/* The CPU is offline when the next kernel starts, which uses it again. */
static void cpu_is_offline_before(void)
{
	int session = new_session("cpu_is_offline, closed");
	int fd = new_file(MIB, 1);

	CHECK(!luo_preserve(session, fd, 1));
	take_cpu_offline();
	close(session);
	check_thawed(fd);
	preserve_pattern("cpu_is_offline");
}

static void cpu_is_offline_after(void)
{
	int session = old_session("cpu_is_offline");
	int fd;

	take_cpu_offline();
	fd = old_file(session, 1);
	CHECK(!guest_write_file(CPU1_ONLINE, "1"));
	check_file(fd, SIZE, 1);
	CHECK(!luo_finish(session));
	check_thawed(fd);
}

/* Without a swap device the system makes an image of itself, and goes on. */
static void hibernated_before(void)
{
	preserve_pattern("hibernated");
	if (access("/sys/power/disk", W_OK))
		guest_skip("no hibernation (HIBERNATION)");
	CHECK(guest_write_file("/sys/power/state", "disk"));
	/* There is an image, but no swap to write it to. */
	CHECK_EQ(errno, ENODEV);
}

static void hibernated_after(void)
{
	check_pattern("hibernated");
}

static const struct guest_test peers_tests[] = {
	GUEST_TEST_OF_2(exec_seal),
	GUEST_TEST_OF_2(change_of_mode),
	GUEST_TEST_OF_2(change_of_acl),
	GUEST_TEST_OF_2(position),
	GUEST_TEST_OF_2(flags_and_locks),
	GUEST_TEST_OF_2(opened_again),
	GUEST_TEST_OF_2(in_flight),
	GUEST_TEST_OF_2(watched),
	GUEST_TEST_OF_2(advised),
	GUEST_TEST_OF_2(written_by_all_means),
	GUEST_TEST_OF_2(held_by_pipes),
	GUEST_TEST_OF_2(migrated),
	GUEST_TEST_OF_2(collapsed_and_split),
	GUEST_TEST_OF_2(userfaultfd),
	GUEST_TEST_OF_2(limit_of_memcg),
	GUEST_TEST_OF_2(memory_pressure),
	GUEST_TEST_OF_2(hibernated),
	GUEST_TEST_OF_2(pages_are_walked),
	GUEST_TEST_OF_2(cpu_is_offline),
	GUEST_TEST_OF_2(memory_error),
};

GUEST_SUITE(peers, 2)
