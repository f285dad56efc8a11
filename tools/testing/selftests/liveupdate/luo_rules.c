// SPDX-License-Identifier: GPL-2.0
/*
 * The rules and errors of /dev/liveupdate that one kernel shows
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <assert.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/memfd.h>
#include <linux/reboot.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "luo.h"

#define TAIL		8
/* How a process ends that can't become root of a namespace */
#define NO_NAMESPACE	100
/* A segment of a kexec_load image that is never run: in RAM, if QEMU's board has it */
#if defined(__aarch64__)
#define SEGMENT_AT	0x42000000UL
#else
#define SEGMENT_AT	0x2000000UL
#endif

/* ---- the device ---- */

static void device_is_roots_alone(void)
{
	struct stat st;
	pid_t pid;
	int status;

	CHECK(!stat(LUO_DEVICE, &st));
	CHECK(S_ISCHR(st.st_mode));
	CHECK_EQ(st.st_mode & 07777, 0600);
	CHECK_EQ(st.st_uid, 0);
	CHECK_EQ(st.st_gid, 0);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		if (setresuid(NOBODY, NOBODY, NOBODY))
			_exit(2);
		_exit(luo_open() >= 0 || errno != EACCES);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

/* What root of a user namespace tries: 0 if all of it is refused */
static int try_as_namespace_root(void)
{
	if (setresuid(NOBODY, NOBODY, NOBODY))
		return 1;
	if (unshare(CLONE_NEWUSER))
		return access("/proc/self/ns/user", F_OK) ? NO_NAMESPACE : 1;
	/* One who has changed its user does not own its files in /proc. */
	prctl(PR_SET_DUMPABLE, 1);
	if (guest_write_file("/proc/self/uid_map", "0 65534 1") || getuid())
		return 2;
	if (luo_open() >= 0 || errno != EACCES)
		return 3;
	if (!access(DEBUGFS "/kho", F_OK) || errno != EACCES)
		return 4;
	if (!syscall(SYS_kexec_file_load, -1, -1, 0, NULL, KEXEC_FILE_UNLOAD) ||
	    errno != EPERM)
		return 5;
	if (!reboot(LINUX_REBOOT_CMD_KEXEC) || errno != EPERM)
		return 6;
	return 0;
}

static void namespace_root_is_nobody(void)
{
	int status;
	pid_t pid;

	need_debugfs();
	pid = fork();
	CHECK(pid >= 0);
	if (!pid)
		_exit(try_as_namespace_root());
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	if (WEXITSTATUS(status) == NO_NAMESPACE)
		guest_skip("no user namespaces (USER_NS)");
	CHECK_EQ(WEXITSTATUS(status), 0);
}

/* Who is given a session can use it, and with it nothing else. */
static void session_is_delegated(void)
{
	int session = new_session("session_is_delegated");
	int fd = new_file(3 * PAGE, 1);
	int status;
	pid_t pid;

	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		if (setresuid(NOBODY, NOBODY, NOBODY))
			_exit(2);
		if (luo_preserve(session, new_file(PAGE, 2), 2))
			_exit(3);
		_exit(luo_open() >= 0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK(!luo_preserve(session, fd, 1));
	CHECK_ERRNO(luo_preserve(session, fd, 2), EEXIST);
}

static void second_open_is_busy(void)
{
	int dev = luo_open();

	CHECK(dev >= 0);
	CHECK_ERRNO(luo_open(), EBUSY);
	close(dev);
	dev = luo_open();
	CHECK(dev >= 0);
}

static void close_leaves_sessions(void)
{
	int session = new_session("close_leaves_sessions");
	char name[NAME_LENGTH];

	/* new_session() has closed the device. */
	CHECK(!luo_get_name(session, name));
	CHECK(!strcmp(name, "close_leaves_sessions"));
	CHECK(!luo_preserve(session, new_file(PAGE, 1), 1));
}

static void unknown_request_on_device(void)
{
	static const unsigned int nrs[] = {
		0x02, 0x3f, 0x40, 0x41, 0x42, 0x43, 0xff
	};
	char arg[256] = { sizeof(arg) - 1 };
	int dev = luo_open();
	size_t i;

	CHECK(dev >= 0);
	for (i = 0; i < ARRAY_SIZE(nrs); i++)
		CHECK_ERRNO(ioctl(dev, _IO(LIVEUPDATE_IOCTL_TYPE, nrs[i]), arg),
			    ENOTTY);
	CHECK_ERRNO(ioctl(dev, _IO(LIVEUPDATE_IOCTL_TYPE - 1, 0), arg), ENOTTY);
}

static void unknown_request_on_session(void)
{
	static const unsigned int nrs[] = { 0x00, 0x01, 0x3f, 0x44, 0xff };
	int session = new_session("unknown_request_on_session");
	char arg[256] = { sizeof(arg) - 1 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(nrs); i++)
		CHECK_ERRNO(ioctl(session, _IO(LIVEUPDATE_IOCTL_TYPE, nrs[i]),
				  arg), ENOTTY);
	CHECK_ERRNO(ioctl(session, _IO(LIVEUPDATE_IOCTL_TYPE - 1, 0x43), arg),
		    ENOTTY);
}

/* ---- structures ---- */

struct request {
	unsigned long request;
	const char *name;
	size_t size;
	bool on_device;
};

static const struct request requests[] = {
	{ LIVEUPDATE_IOCTL_CREATE_SESSION, "CREATE_SESSION",
	  sizeof(struct liveupdate_ioctl_create_session), true },
	{ LIVEUPDATE_IOCTL_RETRIEVE_SESSION, "RETRIEVE_SESSION",
	  sizeof(struct liveupdate_ioctl_retrieve_session), true },
	{ LIVEUPDATE_SESSION_PRESERVE_FD, "PRESERVE_FD",
	  sizeof(struct liveupdate_session_preserve_fd), false },
	{ LIVEUPDATE_SESSION_RETRIEVE_FD, "RETRIEVE_FD",
	  sizeof(struct liveupdate_session_retrieve_fd), false },
	{ LIVEUPDATE_SESSION_FINISH, "FINISH",
	  sizeof(struct liveupdate_session_finish), false },
	{ LIVEUPDATE_SESSION_GET_NAME, "GET_NAME",
	  sizeof(struct liveupdate_session_get_name), false },
};

/* What every request starts with, and room for a later version's members. */
union request_arg {
	__u32 size;
	unsigned char bytes[128];
};

/* A session, and the device: what a request's on_device is the index of. */
static void open_both(int fds[2])
{
	fds[0] = new_session("open_both");
	fds[1] = luo_open();
	CHECK(fds[1] >= 0);
}

static void check_small(const struct request *req, int fd)
{
	const size_t sizes[] = { 0, sizeof(__u32), req->size - 1 };
	size_t i;

	guest_note("%s", req->name);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		union request_arg arg = {};

		memcpy(arg.bytes + TAIL, "small", 6);
		arg.size = sizes[i];
		CHECK_ERRNO(ioctl(fd, req->request, &arg), EINVAL);
	}
}

static void small_structure(void)
{
	size_t i;
	int fds[2];

	open_both(fds);
	for (i = 0; i < ARRAY_SIZE(requests); i++)
		check_small(&requests[i], fds[requests[i].on_device]);
}

static void check_tail(const struct request *req, int fd)
{
	union request_arg arg = {};

	guest_note("%s", req->name);
	memcpy(arg.bytes + TAIL, "tail", 5);
	arg.size = req->size + TAIL;
	arg.bytes[req->size + TAIL - 1] = 1;
	CHECK_ERRNO(ioctl(fd, req->request, &arg), E2BIG);
}

static void large_structure_with_tail(void)
{
	size_t i;
	int fds[2];

	open_both(fds);
	for (i = 0; i < ARRAY_SIZE(requests); i++)
		check_tail(&requests[i], fds[requests[i].on_device]);
}

static void large_structure_of_zeros(void)
{
	struct {
		struct liveupdate_ioctl_create_session arg;
		__u64 later;
	} create = { .arg = { .size = sizeof(create), .name = "zeros" } };
	struct {
		struct liveupdate_session_preserve_fd arg;
		__u64 later;
	} preserve = { .arg = { .size = sizeof(preserve), .token = 3 } };
	struct {
		struct liveupdate_session_get_name arg;
		__u64 later;
	} name = { .arg = { .size = sizeof(name) } };
	int dev = luo_open();

	CHECK(dev >= 0);
	CHECK(!ioctl(dev, LIVEUPDATE_IOCTL_CREATE_SESSION, &create));
	preserve.arg.fd = new_file(PAGE, 1);
	CHECK(!ioctl(create.arg.fd, LIVEUPDATE_SESSION_PRESERVE_FD, &preserve));
	CHECK(!ioctl(create.arg.fd, LIVEUPDATE_SESSION_GET_NAME, &name));
	CHECK(!strcmp((char *)name.arg.name, "zeros"));
}

static void check_fault(const struct request *req, int fd)
{
	guest_note("%s", req->name);
	CHECK_ERRNO(ioctl(fd, req->request, NULL), EFAULT);
}

static void bad_pointer(void)
{
	size_t i;
	int fds[2];

	open_both(fds);
	for (i = 0; i < ARRAY_SIZE(requests); i++)
		check_fault(&requests[i], fds[requests[i].on_device]);
}

/* A reply that can't be stored leaves neither a descriptor nor a session. */
static void fd_only_with_reply(void)
{
	struct liveupdate_ioctl_create_session arg = {
		.size = sizeof(arg),
		.name = "fd_only_with_reply",
	};
	void *page = read_only_copy(&arg, sizeof(arg));
	int dev = luo_open();
	int before;

	CHECK(dev >= 0);
	before = nr_open_fds();
	CHECK_ERRNO(ioctl(dev, LIVEUPDATE_IOCTL_CREATE_SESSION, page), EFAULT);
	CHECK_EQ(nr_open_fds(), before);
	CHECK(luo_create(dev, "fd_only_with_reply") >= 0);
}

static void reserved_must_be_zero(void)
{
	struct liveupdate_session_get_name name = {
		.size = sizeof(name),
		.reserved = 1,
	};
	int session = new_session("reserved_must_be_zero");

	CHECK_ERRNO(ioctl(session, LIVEUPDATE_SESSION_GET_NAME, &name), EINVAL);
}

/* ---- names ---- */

static const char full_name[] =
	"session-with-the-longest-name-that-fits-63-bytes-and-its-NUL---";
static const char name_without_nul[] =
	"session-with-a-name-that-takes-all-sixty-four-bytes-without-NUL-";
static_assert(sizeof(full_name) == NAME_LENGTH, "full_name");
static_assert(sizeof(name_without_nul) == NAME_LENGTH + 1, "no NUL");

static void bad_names(void)
{
	int dev = luo_open();

	CHECK(dev >= 0);
	CHECK_ERRNO(luo_create(dev, ""), EINVAL);
	CHECK_ERRNO(luo_create(dev, name_without_nul), EINVAL);
	CHECK_ERRNO(luo_retrieve(dev, ""), EINVAL);
	CHECK_ERRNO(luo_retrieve(dev, name_without_nul), EINVAL);
}

static void name_taken(void)
{
	int session = new_session("name_taken");
	int dev = luo_open();

	CHECK(dev >= 0);
	CHECK_ERRNO(luo_create(dev, "name_taken"), EEXIST);
	close(session);
	CHECK(luo_create(dev, "name_taken") >= 0);
}

static void name_comes_back(void)
{
	int session = new_session(full_name);
	char name[NAME_LENGTH];

	CHECK(!luo_get_name(session, name));
	CHECK(!memcmp(name, full_name, NAME_LENGTH));
}

static void unknown_old_session(void)
{
	int session = new_session("outgoing");

	check_no_old_session("never created", ENOENT);
	/* Sessions of this kernel are not there to be retrieved. */
	check_no_old_session("outgoing", ENOENT);
	close(session);
}

/* ---- session descriptors ---- */

static void no_descriptor_left(void)
{
	struct rlimit limit, none;
	int dev = luo_open();
	int ret, err;

	CHECK(dev >= 0);
	CHECK(!getrlimit(RLIMIT_NOFILE, &limit));
	none = limit;
	none.rlim_cur = 0;
	CHECK(!setrlimit(RLIMIT_NOFILE, &none));
	ret = luo_create(dev, "no_descriptor_left");
	err = errno;
	CHECK(!setrlimit(RLIMIT_NOFILE, &limit));
	errno = err;
	CHECK_ERRNO(ret, EMFILE);
	/* The name is not taken. */
	CHECK(luo_create(dev, "no_descriptor_left") >= 0);
}

static void session_fd_is_named(void)
{
	int session = new_session("with a name");
	char path[64], link[256];
	ssize_t len;

	CHECK(fcntl(session, F_GETFD) & FD_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", session);
	len = readlink(path, link, sizeof(link) - 1);
	CHECK(len > 0);
	link[len] = '\0';
	guest_note("%s", link);
	CHECK(strstr(link, "[luo_session] with a name"));
	CHECK(!strncmp(link, "anon_inode:", 11));
}

static void wrong_direction(void)
{
	int session = new_session("wrong_direction");

	CHECK(!luo_preserve(session, new_file(PAGE, 1), 1));
	CHECK_ERRNO(luo_retrieve_fd(session, 1), EINVAL);
	CHECK_ERRNO(luo_finish(session), EINVAL);
}

static void last_close_undoes(void)
{
	int session = new_session("last_close_undoes");
	int other = dup(session);
	int fd = new_file(3 * PAGE, 1);

	CHECK(other >= 0);
	CHECK(!luo_preserve(session, fd, 1));
	close(session);
	check_frozen(fd, 3 * PAGE);
	close(other);
	check_thawed(fd);
	/* Both can be used again. */
	session = new_session("last_close_undoes");
	CHECK(!luo_preserve(session, fd, 1));
}

/* A killed agent's sessions are gone when it is. */
static void killed_agent(void)
{
	int fd = new_file(3 * PAGE, 1);
	int ready[2];
	char byte;
	pid_t pid;

	CHECK(!pipe(ready));
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		CHECK(!luo_preserve(new_session("killed_agent"), fd, 1));
		CHECK_EQ(write(ready[1], "x", 1), 1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	check_frozen(fd, 3 * PAGE);
	CHECK(!kill(pid, SIGKILL));
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	check_thawed(fd);
	close(new_session("killed_agent"));
}

/* ---- files ---- */

static void bad_fd(void)
{
	int session = new_session("bad_fd");
	int fd = new_file(PAGE, 1);
	char path[64];
	int opath;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	opath = open(path, O_PATH);
	CHECK(opath >= 0);
	CHECK_ERRNO(luo_preserve(session, opath, 1), EBADF);
	close(fd);
	CHECK_ERRNO(luo_preserve(session, fd, 1), EBADF);
	CHECK_ERRNO(luo_preserve(session, -1, 1), EBADF);
	CHECK_ERRNO(luo_preserve(session, 1 << 30, 1), EBADF);
}

static void other_kinds_of_files(void)
{
	int session = new_session("other_kinds_of_files");
	int dev = luo_open();
	int pipes[2];

	CHECK(!pipe(pipes));
	CHECK_ERRNO(luo_preserve(session, pipes[0], 1), ENOENT);
	CHECK_ERRNO(luo_preserve(session, eventfd(0, 0), 1), ENOENT);
	CHECK_ERRNO(luo_preserve(session, open("/dev/null", O_RDWR), 1),
		    ENOENT);
	CHECK_ERRNO(luo_preserve(session, open("/init", O_RDONLY), 1), ENOENT);
	CHECK_ERRNO(luo_preserve(session, open("/tmp", O_RDONLY), 1), ENOENT);
	CHECK_ERRNO(luo_preserve(session, open("/tmp/file", O_CREAT | O_RDWR,
					       0600), 1), ENOENT);
	CHECK_ERRNO(luo_preserve(session, session, 1), ENOENT);
	CHECK_ERRNO(luo_preserve(session, dev, 1), ENOENT);
	/* The token is still free. */
	CHECK(!luo_preserve(session, new_file(PAGE, 1), 1));
}

static void hugetlb_memfd(void)
{
	int fd = memfd_create("huge", MFD_HUGETLB);

	if (fd < 0)
		guest_skip("no hugetlb memfd: %s", strerror(errno));
	CHECK_ERRNO(luo_preserve(new_session("hugetlb_memfd"), fd, 1), ENOENT);
}

static void token_taken(void)
{
	int session = new_session("tokens");
	int fd = new_file(3 * PAGE, 2);

	CHECK(!luo_preserve(session, new_file(PAGE, 1), 0));
	CHECK(!luo_preserve(session, new_file(PAGE, 1), UINT64_MAX));
	CHECK_ERRNO(luo_preserve(session, fd, 0), EEXIST);
	CHECK_ERRNO(luo_preserve(session, fd, UINT64_MAX), EEXIST);
	/* Nothing was done to it. */
	check_thawed(fd);
	/* In another session the token is free. */
	CHECK(!luo_preserve(new_session("other tokens"), fd, 0));
}

static void file_preserved_already(void)
{
	int session = new_session("one");
	int other = new_session("another");
	int fd = new_file(3 * PAGE, 1);
	char path[64];
	int again;

	CHECK(!luo_preserve(session, fd, 1));
	CHECK_ERRNO(luo_preserve(session, fd, 2), EBUSY);
	CHECK_ERRNO(luo_preserve(other, fd, 1), EBUSY);
	CHECK_ERRNO(luo_preserve(other, dup(fd), 1), EBUSY);
	/* Another open file, the same memory. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDWR);
	CHECK(again >= 0);
	CHECK_ERRNO(luo_preserve(other, again, 1), EBUSY);
	check_frozen(fd, 3 * PAGE);
	close(session);
	CHECK(!luo_preserve(other, fd, 1));
}

static void preserved_file_is_frozen(void)
{
	int session = new_session("preserved_file_is_frozen");
	int fd = new_file(3 * PAGE + 5, 1);

	CHECK(!luo_preserve(session, fd, 1));
	check_frozen(fd, 3 * PAGE + 5);
	check_content(fd, 0, 3 * PAGE + 5, 1);
}

static void abort_thaws(void)
{
	int session = new_session("abort_thaws");
	int full = new_file(5 * PAGE, 1), empty = new_file(0, 1);
	int sparse = new_memfd(0);

	CHECK(!ftruncate(sparse, 100 * PAGE));
	CHECK(!luo_preserve(session, full, 1));
	CHECK(!luo_preserve(session, empty, 2));
	CHECK(!luo_preserve(session, sparse, 3));
	CHECK_ERRNO(ftruncate(empty, 1), EPERM);
	CHECK_ERRNO(write(empty, "x", 1), EPERM);
	close(session);
	check_content(full, 0, 5 * PAGE, 1);
	check_zeros(sparse, 0, 100 * PAGE);
	check_thawed(full);
	check_thawed(empty);
	check_thawed(sparse);
}

/* Preserving holds on to the file, the descriptor is not needed. */
static void closed_file_stays(void)
{
	long before = guest_meminfo("Shmem");
	int session = new_session("closed_file_stays");
	int fd = new_file(16 << 20, 1);

	CHECK(!luo_preserve(session, fd, 1));
	close(fd);
	CHECK(guest_meminfo("Shmem") - before > (16 << 10) - MEMINFO_SLACK);
	close(session);
	CHECK(guest_meminfo("Shmem") - before < MEMINFO_SLACK);
}

static void exec_seal_with_x_bits(void)
{
	int session = new_session("exec_seal_with_x_bits");
	int fd = new_memfd(MFD_EXEC | MFD_ALLOW_SEALING);

	fill(fd, 0, PAGE, 1);
	CHECK(!fcntl(fd, F_ADD_SEALS, F_SEAL_EXEC));
	CHECK_ERRNO(luo_preserve(session, fd, 1), EOPNOTSUPP);
	CHECK(!luo_preserve(session, new_file(PAGE, 1), 1));
}

/* Whoever has it may not write to it, and would come to be able to. */
static void read_only_descriptor(void)
{
	int session = new_session("read_only_descriptor");
	int fd = new_file(PAGE, 1);
	char path[32];
	int reader;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	reader = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(reader >= 0);
	CHECK_ERRNO(luo_preserve(session, reader, 1), EOPNOTSUPP);
	check_thawed(fd);
	CHECK(!luo_preserve(session, fd, 1));
}

static void too_large(void)
{
	int session = new_session("too_large");
	int fd = new_memfd(0);

	CHECK(!ftruncate(fd, 1LL << 60));
	CHECK_ERRNO(luo_preserve(session, fd, 1), EFBIG);
	CHECK(!ftruncate(fd, 0));
	check_thawed(fd);
	CHECK(!luo_preserve(session, fd, 1));
}

/* Preserving fills holes: more of them than there is memory is no good idea. */
static void more_holes_than_memory(void)
{
	int session = new_session("more_holes_than_memory");
	int fd = new_file(PAGE, 6);

	CHECK(!ftruncate(fd, 1LL << 40));
	CHECK_ERRNO(luo_preserve(session, fd, 1), ENOMEM);
	check_content(fd, 0, PAGE, 6);
	CHECK(!ftruncate(fd, 0));
	check_thawed(fd);
	CHECK(!luo_preserve(session, fd, 1));
}

/* Without memory to charge a hole to, nothing may remain of the attempt. */
static void out_of_memory(void)
{
	int session = new_session("out_of_memory");
	int fd = new_memfd(0);
	int err, ret;

	CHECK(!ftruncate(fd, 64 * PAGE));
	fill(fd, 63 * PAGE, PAGE, 5);
	CHECK(!guest_write_file("/proc/sys/vm/overcommit_ratio", "0"));
	CHECK(!guest_write_file("/proc/sys/vm/overcommit_memory", "2"));
	ret = luo_preserve(session, fd, 1);
	err = errno;
	CHECK(!guest_write_file("/proc/sys/vm/overcommit_memory", "0"));
	CHECK(!guest_write_file("/proc/sys/vm/overcommit_ratio", "50"));
	errno = err;
	CHECK_ERRNO(ret, ENOMEM);
	check_content(fd, 63 * PAGE, PAGE, 5);
	check_thawed(fd);
	CHECK(!luo_preserve(session, fd, 1));
}

/* ---- reboot() ---- */

static int load_old_way(unsigned long flags)
{
	static char code[MAX_PAGE];
	struct kexec_segment segment = {
		.buf = code,
		.bufsz = sizeof(code),
		.mem = (void *)SEGMENT_AT,
		.memsz = sizeof(code),
	};

	return syscall(SYS_kexec_load, SEGMENT_AT, 1, &segment,
		       KEXEC_ARCH_DEFAULT | flags);
}

static void check_refused_reboot(int session, int fd)
{
	guest_log_mark();
	CHECK_ERRNO(guest_kexec(), EINVAL);
	CHECK(guest_log_since("LUO: "));
	/* The session lives on: what it has stays, more can be added. */
	check_frozen(fd, 3 * PAGE);
	CHECK(!luo_preserve(session, new_file(PAGE, 2), 2));
	CHECK_ERRNO(luo_preserve(session, fd, 3), EBUSY);
	close(session);
	check_thawed(fd);
}

static void reboot_without_image(void)
{
	int session = new_session("reboot_without_image");
	int fd = new_file(3 * PAGE, 1);

	CHECK(!luo_preserve(session, fd, 1));
	CHECK_ERRNO(guest_kexec(), EINVAL);
	check_frozen(fd, 3 * PAGE);
	close(session);
	check_thawed(fd);
}

static void reboot_with_kexec_load_image(void)
{
	int session = new_session("reboot_with_kexec_load_image");
	int fd = new_file(3 * PAGE, 1);

	CHECK(!luo_preserve(session, fd, 1));
	CHECK(!load_old_way(0));
	check_refused_reboot(session, fd);
	CHECK(!guest_unload_image(0));
}

static void reboot_with_preserve_context(void)
{
	int session = new_session("reboot_with_preserve_context");
	int fd = new_file(3 * PAGE, 1);

	CHECK(!luo_preserve(session, fd, 1));
	if (load_old_way(KEXEC_PRESERVE_CONTEXT))
		guest_skip("the kernel has no KEXEC_JUMP");
	check_refused_reboot(session, fd);
	CHECK(!guest_unload_image(0));
}

/* An empty file has no pages that are held, so it can be sealed when it is preserved. */
static void reboot_with_exec_seal(void)
{
	int session = new_session("reboot_with_exec_seal");
	int fd = new_memfd(MFD_EXEC | MFD_ALLOW_SEALING);

	CHECK(!luo_preserve(session, fd, 1));
	CHECK(!fcntl(fd, F_ADD_SEALS, F_SEAL_EXEC));
	CHECK(!guest_load_image(0));
	guest_log_mark();
	CHECK_ERRNO(guest_kexec(), EOPNOTSUPP);
	CHECK(guest_log_since("can't freeze file with token 0x1"));
	CHECK(!luo_preserve(session, new_file(PAGE, 2), 2));
	CHECK(!guest_unload_image(0));
}

#define TEST(fn)	{ #fn, { fn } }

static const struct guest_test rules_tests[] = {
	TEST(device_is_roots_alone),
	TEST(namespace_root_is_nobody),
	TEST(session_is_delegated),
	TEST(second_open_is_busy),
	TEST(close_leaves_sessions),
	TEST(unknown_request_on_device),
	TEST(unknown_request_on_session),
	TEST(small_structure),
	TEST(large_structure_with_tail),
	TEST(large_structure_of_zeros),
	TEST(bad_pointer),
	TEST(fd_only_with_reply),
	TEST(reserved_must_be_zero),
	TEST(bad_names),
	TEST(name_taken),
	TEST(name_comes_back),
	TEST(unknown_old_session),
	TEST(session_fd_is_named),
	TEST(no_descriptor_left),
	TEST(wrong_direction),
	TEST(last_close_undoes),
	TEST(killed_agent),
	TEST(bad_fd),
	TEST(other_kinds_of_files),
	TEST(hugetlb_memfd),
	TEST(token_taken),
	TEST(file_preserved_already),
	TEST(preserved_file_is_frozen),
	TEST(abort_thaws),
	TEST(closed_file_stays),
	TEST(exec_seal_with_x_bits),
	TEST(read_only_descriptor),
	TEST(too_large),
	TEST(more_holes_than_memory),
	TEST(out_of_memory),
	TEST(reboot_without_image),
	TEST(reboot_with_kexec_load_image),
	TEST(reboot_with_preserve_context),
	TEST(reboot_with_exec_seal),
};

const struct guest_suite rules_suite = {
	.name = "rules",
	.tests = rules_tests,
	.nr_tests = ARRAY_SIZE(rules_tests),
	.kernels = 1,
};

/* ---- disabled: no device unless both options are there, and LUO works ---- */

static void no_device(void)
{
	CHECK_ERRNO(luo_open(), ENOENT);
}

static void device_opens(void)
{
	CHECK(luo_open() >= 0);
}

/* The kernel's test code is asked to be in the way. */
static void no_device_and_a_message(void)
{
	char *log = guest_log();

	CHECK(log);
	CHECK_ERRNO(luo_open(), ENOENT);
	CHECK(strstr(log, "LUO: no live update: "));
	free(log);
}

/* What the test code left has no version. */
static void device_refuses(void)
{
	char *log = guest_log();

	CHECK(log);
	CHECK_ERRNO(luo_open(), EIO);
	CHECK(strstr(log, "LUO: incoming version token '' is malformed: empty"));
	free(log);
}

static const char *disabled_append(int kernel)
{
	switch (kernel) {
	case 2:
		return "kho=off liveupdate=on";
	case 4:
		return "test_luo.take_name=1";
	case 5:
		return "test_luo.take_name=0";
	default:
		return "kho=on liveupdate=on";
	}
}

static const struct guest_test disabled_tests[] = {
	{ "no_device_without_liveupdate", { no_device } },
	{ "no_device_without_kho", { [1] = no_device } },
	{ "device_with_both", { [2] = device_opens } },
	{ "no_device_when_not_set_up", { [3] = no_device_and_a_message } },
	{ "unversioned_state_refused", { [4] = device_refuses } },
};

const struct guest_suite disabled_suite = {
	.name = "disabled",
	.tests = disabled_tests,
	.nr_tests = ARRAY_SIZE(disabled_tests),
	.kernels = 5,
	.append = disabled_append,
};
