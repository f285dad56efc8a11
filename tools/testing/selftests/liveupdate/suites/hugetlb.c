// SPDX-License-Identifier: GPL-2.0
/*
 * hugetlb: memfds of huge pages, and the pool that they belong to
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The second kernel has the same pool as the first one, the third one is asked for less
 * than it gets, and the fourth one for more. Each kernel learns how many pages were in
 * use in the previous one. These are the pages of all files that were preserved or handed
 * on, because the tests use no others at the time of the kexec.
 */
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/memfd.h>
#include <linux/reboot.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../luo.h"

#define FEW	4
#define MANY	64

struct pool {
	long total, free, reserved, surplus;
};

static struct pool read_pool(void)
{
	return (struct pool){
		.total = guest_meminfo("HugePages_Total"),
		.free = guest_meminfo("HugePages_Free"),
		.reserved = guest_meminfo("HugePages_Rsvd"),
		.surplus = guest_meminfo("HugePages_Surp"),
	};
}

static void check_pool(struct pool wanted)
{
	struct pool seen = read_pool();

	CHECK_EQ(seen.total, wanted.total);
	CHECK_EQ(seen.free, wanted.free);
	CHECK_EQ(seen.reserved, wanted.reserved);
	CHECK_EQ(seen.surplus, wanted.surplus);
}

static long huge_size(void)
{
	return guest_meminfo("Hugepagesize") * 1024;
}

static int new_huge(unsigned int flags)
{
	int fd = memfd_create("huge", MFD_HUGETLB | MFD_CLOEXEC | flags);

	if (fd < 0)
		guest_skip("no memfd of huge pages: %s", strerror(errno));
	return fd;
}

/* Map pages of a file without reserving pages for its holes. */
static unsigned long *map_huge(int fd, int first, int nr, int prot)
{
	void *map = mmap(NULL, nr * huge_size(), prot, MAP_SHARED | MAP_NORESERVE, fd,
			 first * huge_size());

	CHECK(map != MAP_FAILED);
	return map;
}

/* Each page of 4 KiB begins and ends with words that differ from all others. */
static unsigned long word(long at, unsigned int seed)
{
	return at * 2654435761UL + seed;
}

static void write_huge(int fd, int first, int nr, unsigned int seed)
{
	unsigned long *map = map_huge(fd, first, nr, PROT_READ | PROT_WRITE);
	long at, step = 512, page = huge_size() / sizeof(*map);

	for (at = 0; at < nr * page; at += step) {
		map[at] = word(first * page + at, seed);
		map[at + step - 1] = ~map[at];
	}
	CHECK(!munmap(map, nr * huge_size()));
}

static void check_huge(int fd, int first, int nr, unsigned int seed)
{
	unsigned long *map = map_huge(fd, first, nr, PROT_READ);
	long at, step = 512, page = huge_size() / sizeof(*map);

	for (at = 0; at < nr * page; at += step) {
		if (map[at] == word(first * page + at, seed) &&
		    map[at + step - 1] == ~map[at])
			continue;
		guest_note("page %ld of the file, word %ld", first + at / page, at % page);
		CHECK(!"content is the same");
	}
	CHECK(!munmap(map, nr * huge_size()));
}

/* Make a file of so many pages with content. */
static int huge_file(int nr, unsigned int seed)
{
	int fd = new_huge(MFD_ALLOW_SEALING);

	CHECK(!ftruncate(fd, nr * huge_size()));
	write_huge(fd, 0, nr, seed);
	return fd;
}

static long nr_pages(int fd)
{
	struct stat st;

	CHECK(!fstat(fd, &st));
	return st.st_blocks * 512 / huge_size();
}

static void check_nr_pages(int fd, int nr)
{
	CHECK_EQ(nr_pages(fd), nr);
}

/* ---- the pool ---- */

/* By default half of the memory that is not in the pool. Kept pages are in neither. */
static void check_commit_limit(long kept)
{
	long pool = guest_meminfo("HugePages_Total") - kept;
	long wanted = (guest_meminfo("MemTotal") - pool * huge_size() / 1024) / 2;

	CHECK(labs(guest_meminfo("CommitLimit") - wanted) <= 4);
}

/* The pages that were handed over are part of those that hugepages= requests. */
static void pool_at_boot(void)
{
	long requested = guest_param_number("hugepages");
	long kept = guest_param_number("kept");

	guest_note("%ld pages requested, %ld kept", requested, kept);
	CHECK(kept > FEW);
	check_pool((struct pool){
		.total = requested > kept ? requested : kept,
		.free = requested > kept ? requested - kept : 0,
		.surplus = requested > kept ? 0 : kept - requested,
	});
	check_commit_limit(kept);
}

static void write_number(const char *path, long nr)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld", nr);
	CHECK(!guest_write_file(path, text));
}

/*
 * The surplus pages become part of a larger pool: no further page is allocated. Pages in
 * use, and those that were not retrieved yet, become surplus in a smaller one.
 */
static void pool_is_resized(void)
{
	struct pool before = read_pool();
	long used = before.total - before.free;

	write_number("/proc/sys/vm/nr_hugepages", before.total);
	check_pool((struct pool){ .total = before.total, .free = before.free });
	write_number("/proc/sys/vm/nr_hugepages", used - 1);
	check_pool((struct pool){ .total = used, .surplus = 1 });
	write_number("/proc/sys/vm/nr_hugepages", before.total);
	check_pool((struct pool){ .total = before.total, .free = before.free });
	write_number("/proc/sys/vm/nr_hugepages", before.total - before.surplus);
	check_pool(before);
}

/* ---- a file in four kernels ---- */

static void content_1(void)
{
	struct pool before = read_pool();
	int session = new_session("content");
	int fd = huge_file(6, 1);

	CHECK(!luo_preserve(session, fd, 7));
	/* It can be written until the kexec. */
	write_huge(fd, 2, 2, 2);
	before.free -= 6;
	check_pool(before);
}

static void check_content_of_file(int fd)
{
	check_size(fd, 6 * huge_size());
	check_nr_pages(fd, 6);
	check_huge(fd, 0, 2, 1);
	check_huge(fd, 2, 2, 2);
	check_huge(fd, 4, 2, 1);
}

/* The session is not finished, so it is handed on with the file. */
static void content_2(void)
{
	struct pool before = read_pool();
	int fd = old_file(old_session("content"), 7);

	check_content_of_file(fd);
	check_pool(before);
}

static void content_3(void)
{
	struct pool before = read_pool();
	int session = old_session("content");
	int fd = old_file(session, 7);

	check_content_of_file(fd);
	finish_and_close(session);
	check_pool(before);
	CHECK(!luo_preserve(new_session("content, again"), fd, 8));
	check_pool(before);
}

/* With its last reference the pages return to the pool. */
static void content_4(void)
{
	struct pool before = read_pool();
	int session = old_session("content, again");
	int fd = old_file(session, 8);

	check_content_of_file(fd);
	close(fd);
	check_pool(before);
	finish_and_close(session);
	before.free += 6;
	check_pool(before);
}

/* A retrieved file is like any other: it can be copied on write, and changed. */
static void use_file(int fd)
{
	struct pool before = read_pool();
	unsigned long *map;
	int status;
	pid_t pid;

	map = mmap(NULL, huge_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(map != MAP_FAILED);
	map[0] = 123;
	pid = fork();
	CHECK(pid >= 0);
	if (!pid)
		_exit(map[0] != 123);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK(!munmap(map, huge_size()));
	check_pool(before);

	CHECK(!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, huge_size()));
	before.free++;
	check_pool(before);
	check_nr_pages(fd, 1);
	CHECK(!ftruncate(fd, huge_size()));
	before.free++;
	check_pool(before);
	write_huge(fd, 0, 1, 3);
	check_huge(fd, 0, 1, 3);
	before.free--;
	check_pool(before);
}

static void used_afterwards_before(void)
{
	CHECK(!luo_preserve(new_session("used_afterwards"), huge_file(2, 1), 1));
}

static void used_afterwards_after(void)
{
	int session = old_session("used_afterwards");
	int fd = old_file(session, 1);

	check_huge(fd, 0, 2, 1);
	/* Until the session is finished the file can't change. */
	CHECK_ERRNO(ftruncate(fd, 0), EPERM);
	finish_and_close(session);
	use_file(fd);
}

/* ---- holes ---- */

static void holes_before(void)
{
	int session = new_session("holes");
	int fd = new_huge(0);
	unsigned long *map;

	CHECK(!ftruncate(fd, 100 * huge_size()));
	write_huge(fd, 1, 2, 1);
	write_huge(fd, 99, 1, 1);
	CHECK(!luo_preserve(session, fd, 1));
	check_nr_pages(fd, 3);
	/* Pages can be added, also between others. */
	write_huge(fd, 50, 1, 2);
	write_huge(fd, 0, 1, 2);
	/* A page that was only read is a page, too. */
	map = map_huge(fd, 60, 1, PROT_READ);
	CHECK_EQ(map[100], 0);
	check_nr_pages(fd, 6);
}

static void holes_after(void)
{
	int fd = old_file(old_session("holes"), 1);

	check_size(fd, 100 * huge_size());
	check_nr_pages(fd, 6);
	check_huge(fd, 0, 1, 2);
	check_huge(fd, 1, 2, 1);
	check_huge(fd, 50, 1, 2);
	check_huge(fd, 99, 1, 1);
	CHECK_EQ(*map_huge(fd, 60, 1, PROT_READ), 0);
	/* Handing it on, with one more page */
	write_huge(fd, 51, 1, 3);
}

static void holes_later(void)
{
	int session = old_session("holes");
	int fd = old_file(session, 1);

	check_nr_pages(fd, 7);
	check_huge(fd, 50, 1, 2);
	check_huge(fd, 51, 1, 3);
	check_huge(fd, 99, 1, 1);
	finish_and_close(session);
}

static void empty_before(void)
{
	int session = new_session("empty");
	int fd = new_huge(0);

	CHECK(!luo_preserve(session, fd, 1));
	fd = new_huge(0);
	CHECK(!ftruncate(fd, 3 * huge_size()));
	CHECK(!luo_preserve(session, fd, 2));
}

static void empty_after(void)
{
	int session = old_session("empty");
	int fd = old_file(session, 1);

	check_size(fd, 0);
	finish_and_close(session);
	CHECK(!ftruncate(fd, huge_size()));
}

/* ---- properties ---- */

static const int seals[] = {
	0, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE, F_SEAL_FUTURE_WRITE,
	F_SEAL_EXEC,
};

static void properties_before(void)
{
	int session = new_session("properties");
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(seals); i++) {
		fd = new_huge(MFD_ALLOW_SEALING);
		CHECK(!ftruncate(fd, huge_size()));
		if (seals[i] & F_SEAL_EXEC)
			CHECK(!fchmod(fd, 0640));
		CHECK(!fcntl(fd, F_ADD_SEALS, seals[i]));
		CHECK(!luo_preserve(session, fd, i));
	}
	/* Those at the kexec count. */
	CHECK(!fchmod(fd, 0600));
	CHECK(!fchown(fd, NOBODY, NOBODY));
	CHECK_EQ(lseek(fd, 4711, SEEK_SET), 4711);
	CHECK(!luo_preserve(session, memfd_create("huge", MFD_HUGETLB), i));
}

static void properties_after(void)
{
	int session = old_session("properties");
	struct stat st;
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(seals); i++) {
		fd = old_file(session, i);
		CHECK_EQ(fcntl(fd, F_GET_SEALS), seals[i]);
		check_size(fd, huge_size());
	}
	CHECK(!fstat(fd, &st));
	CHECK_EQ(st.st_mode, S_IFREG | 0600);
	CHECK_EQ(st.st_uid, NOBODY);
	CHECK_EQ(st.st_gid, NOBODY);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 4711);
	fd = old_file(session, i);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL);
	CHECK(!fstat(fd, &st));
	CHECK_EQ(st.st_mode, S_IFREG | 0777);
	CHECK_EQ(st.st_uid, 0);
	finish_and_close(session);
}

/* ---- files that are not retrieved ---- */

static void discarded_before(void)
{
	CHECK(!luo_preserve(new_session("discarded"), huge_file(3, 1), 1));
}

/* The pages return to the pool, as the file is not there. */
static void discarded_after(void)
{
	struct pool before = read_pool();

	finish_and_close(old_session("discarded"));
	before.free += 3;
	check_pool(before);
}

static void not_retrieved_1(void)
{
	CHECK(!luo_preserve(new_session("not_retrieved"), huge_file(3, 1), 1));
}

static void not_retrieved_3(void)
{
	int session = old_session("not_retrieved");
	struct pool before = read_pool();
	int fd = old_file(session, 1);

	check_huge(fd, 0, 3, 1);
	check_pool(before);
	finish_and_close(session);
	close(fd);
	/* This kernel was asked for fewer pages than it has. */
	CHECK(before.surplus >= 3);
	before.surplus -= 3;
	before.total -= 3;
	check_pool(before);
}

/* ---- rules ---- */

static void closed_session(void)
{
	struct pool before = read_pool();
	char *summary = guest_text_of(OUT_SUMMARY);
	int session = new_session("closed_session");
	int fd = huge_file(2, 1);
	char *map;

	CHECK(!luo_preserve(session, fd, 1));
	CHECK_ERRNO(luo_preserve(session, fd, 2), EBUSY);
	CHECK_ERRNO(ftruncate(fd, 3 * huge_size()), EPERM);
	CHECK_ERRNO(ftruncate(fd, 0), EPERM);
	CHECK(!ftruncate(fd, 2 * huge_size()));
	CHECK_ERRNO(fallocate(fd, 0, 0, huge_size()), EOPNOTSUPP);
	CHECK_ERRNO(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			      huge_size()), EOPNOTSUPP);
	map = (char *)map_huge(fd, 0, 2, PROT_READ | PROT_WRITE);
	CHECK_ERRNO(madvise(map, huge_size(), MADV_REMOVE), EOPNOTSUPP);
	CHECK(!munmap(map, 2 * huge_size()));
	/* A writable mapping past the end would make the file larger. */
	CHECK_ERRNO(mmap(NULL, huge_size(), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_NORESERVE, fd, 2 * huge_size()) == MAP_FAILED ?
		    -1 : 0, EPERM);
	CHECK_ERRNO(mmap(NULL, 3 * huge_size(), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_NORESERVE, fd, 0) == MAP_FAILED ? -1 : 0, EPERM);
	CHECK(!munmap(map_huge(fd, 0, 3, PROT_READ), 3 * huge_size()));
	check_size(fd, 2 * huge_size());
	close(session);

	check_huge(fd, 0, 2, 1);
	CHECK(!ftruncate(fd, 0));
	check_pool(before);
	close(fd);
	check_summary(summary);
}

static void refused(void)
{
	int session = new_session("refused");
	int fd = new_huge(0);

	CHECK_ERRNO(luo_preserve(session, open_again(fd, O_RDONLY), 1), EOPNOTSUPP);
	CHECK(!mkdir("/tmp/huge", 0700));
	CHECK(!mount("none", "/tmp/huge", "hugetlbfs", 0, NULL));
	fd = open("/tmp/huge/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	CHECK_ERRNO(luo_preserve(session, fd, 1), ENOENT);
	CHECK(!unlink("/tmp/huge/file"));
	CHECK_ERRNO(luo_preserve(session, fd, 1), ENOENT);
	close(fd);
	CHECK(!umount("/tmp/huge"));
}

static void loads_handler(void)
{
	CHECK(!guest_insmod(HANDLER, ""));
}

/* Pages that userfaultfd provides must not become pages of zeros. */
static void missing_pages(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int session = new_session("missing_pages");
	int fd = huge_file(1, 1);
	void *map;

	if (uffd < 0)
		guest_skip("no userfaultfd (USERFAULTFD): %m");
	CHECK(!ioctl(uffd, UFFDIO_API, &api));
	CHECK(!ftruncate(fd, 2 * huge_size()));
	map = map_huge(fd, 0, 2, PROT_READ | PROT_WRITE);
	reg.range = (struct uffdio_range){ (unsigned long)map, 2 * huge_size() };
	CHECK(!ioctl(uffd, UFFDIO_REGISTER, &reg));
	CHECK_ERRNO(luo_preserve(session, fd, 1), EBUSY);
	CHECK(!ftruncate(fd, huge_size()));
	CHECK(!ftruncate(fd, 2 * huge_size()));
	CHECK(!ioctl(uffd, UFFDIO_UNREGISTER, &reg.range));
	CHECK(!luo_preserve(session, fd, 1));
	CHECK(!munmap(map, 2 * huge_size()));
	close(uffd);
	close(session);
	close(fd);
}

/* Start a process that writes so many pages of a file, in the kernel or itself. */
static pid_t start_writer(int fd, int first, int nr, bool in_kernel)
{
	char *map = (char *)map_huge(fd, first, nr, PROT_READ | PROT_WRITE);
	int i, zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	pid_t pid = fork();

	CHECK(zero >= 0 && pid >= 0);
	if (pid) {
		CHECK(!munmap(map, nr * huge_size()));
		close(zero);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = 0; i < nr; i++) {
		if (!in_kernel)
			map[i * huge_size()] = 1;
		else if (read(zero, map + i * huge_size(), 1) != 1)
			_exit(1);
	}
	_exit(0);
}

/*
 * A page fault that is in progress while reboot() fails goes on afterwards. A writer on
 * another CPU spends almost all of its time in page faults.
 */
static void faults_while_reboot_fails(void)
{
	struct pool before = read_pool();
	int i, status, session, fd;
	pid_t pid;

	CHECK(!guest_load_image(0));
	set_handler("fail_freeze", 78);
	for (i = 0; i < 6; i++) {
		session = new_session("faults_while_reboot_fails");
		fd = new_huge(0);
		CHECK(!ftruncate(fd, 8 * huge_size()));
		CHECK(!luo_preserve(session, fd, 1));
		CHECK(!luo_preserve(session, new_number(78), 2));
		pid = start_writer(fd, 0, 8, i % 2);
		while (!nr_pages(fd))
			;
		CHECK_ERRNO(guest_kexec(), EREMOTEIO);
		guest_note("%ld pages after reboot()", nr_pages(fd));
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK_EQ(status, 0);
		CHECK_EQ(nr_pages(fd), 8);
		close(session);
		close(fd);
		check_pool(before);
	}
	set_handler("fail_freeze", 0);
	CHECK(!guest_unload_image(0));
}

static pid_t start_kexec(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	_exit(reboot(LINUX_REBOOT_CMD_KEXEC) < 0 ? errno : 0);
}

static void wait_for_log(const char *text)
{
	int i;

	for (i = 0; i < 100 && !guest_log_since(text); i++)
		usleep(100000);
	CHECK(i < 100);
}

/* A task that waits for a page of a closed file can be killed. */
static void killed_in_closed_file(void)
{
	int session = new_session("killed_in_closed_file");
	int fd = new_huge(0);
	int status;
	pid_t kexec, in_kernel, in_program;

	CHECK(!ftruncate(fd, 2 * huge_size()));
	CHECK(!luo_preserve(session, fd, 1));
	CHECK(!luo_preserve(session, new_number(79), 2));
	CHECK(!guest_load_image(0));
	set_handler("stall_freeze", 79);
	set_handler("fail_freeze", 79);
	guest_log_mark();
	kexec = start_kexec();
	wait_for_log(": freeze 79 takes long");

	in_program = start_writer(fd, 0, 1, false);
	in_kernel = start_writer(fd, 1, 1, true);
	wait_until_blocked(in_program);
	wait_until_blocked(in_kernel);
	check_nr_pages(fd, 0);
	kill_child(in_kernel);

	set_handler("stall_freeze", 0);
	CHECK_EQ(waitpid(kexec, &status, 0), kexec);
	CHECK_EQ(WEXITSTATUS(status), EREMOTEIO);
	CHECK_EQ(waitpid(in_program, &status, 0), in_program);
	CHECK_EQ(status, 0);
	check_nr_pages(fd, 1);
	set_handler("fail_freeze", 0);
	CHECK(!guest_unload_image(0));
	close(session);
	close(fd);
}

/* After a reboot that failed, all is as before, and pages can be added again. */
static void reboot_fails(void)
{
	struct pool before = read_pool();
	int session = new_session("reboot_fails");
	int fd = new_huge(0);

	CHECK(!ftruncate(fd, 4 * huge_size()));
	write_huge(fd, 1, 1, 1);
	CHECK(!luo_preserve(session, fd, 1));
	CHECK(!luo_preserve(session, new_number(77), 2));
	write_huge(fd, 0, 1, 2);
	CHECK(!guest_load_image(0));
	set_handler("fail_freeze", 77);
	CHECK_ERRNO(guest_kexec(), EREMOTEIO);
	write_huge(fd, 3, 1, 3);
	CHECK_ERRNO(guest_kexec(), EREMOTEIO);
	set_handler("fail_freeze", 0);
	CHECK(!guest_unload_image(0));

	check_huge(fd, 0, 1, 2);
	check_huge(fd, 1, 1, 1);
	check_huge(fd, 3, 1, 3);
	close(session);
	CHECK(!ftruncate(fd, 0));
	close(fd);
	check_pool(before);
}

/* ---- at the end ---- */

/* Pages are back in the pool, or in use by the files of this kernel. */
static void nothing_is_left(void)
{
	struct pool pool = read_pool();

	CHECK_EQ(pool.total, guest_param_number("hugepages"));
	CHECK_EQ(pool.free, pool.total);
	CHECK_EQ(pool.reserved, 0);
	CHECK_EQ(pool.surplus, 0);
	check_found(OUT_SUMMARY, "hugetlb", 0);
}

static const char *hugetlb_append(int kernel)
{
	static const int requested[] = { [2] = 40, [3] = FEW, [4] = MANY };
	static char append[128];
	struct pool pool = read_pool();
	int len;

	len = snprintf(append, sizeof(append), "hugepages=%d kept=%ld", requested[kernel],
		       pool.total - pool.free);
	if (guest_param_word("hvo"))
		snprintf(append + len, sizeof(append) - len, " hugetlb_free_vmemmap=%s",
			 kernel % 2 ? "on" : "off");
	return append;
}

static const struct guest_test hugetlb_tests[] = {
	{ "pool_at_boot", { [1 ... 3] = pool_at_boot } },
	{ "pool_is_resized", { [1 ... 3] = pool_is_resized } },
	{ "content", { content_1, content_2, content_3, content_4 } },
	GUEST_TEST_OF_2(used_afterwards),
	{ "holes", { holes_before, holes_after, holes_later } },
	GUEST_TEST_OF_2(empty),
	GUEST_TEST_OF_2(properties),
	GUEST_TEST_OF_2(discarded),
	{ "not_retrieved", { not_retrieved_1, NULL, not_retrieved_3 } },
	GUEST_TEST(closed_session),
	GUEST_TEST(refused),
	GUEST_TEST(missing_pages),
	GUEST_TEST(loads_handler),
	GUEST_TEST(reboot_fails),
	GUEST_TEST(faults_while_reboot_fails),
	GUEST_TEST(killed_in_closed_file),
	{ "nothing_is_left", { [3] = nothing_is_left } },
};

GUEST_SUITE(hugetlb, 4, .need = "debugfs " HANDLER, .append = hugetlb_append,
	    .drop = "hugepages=", .forget = true)
