// SPDX-License-Identifier: GPL-2.0
/*
 * rules: rules and errors of /dev/liveupdate, without a kexec in between
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <assert.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/memfd.h>
#include <linux/reboot.h>
#include <sched.h>
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
#include <unistd.h>

#include "../luo.h"

#define TAIL		8
/* Exit status of a process that can't become root of a namespace */
#define NO_NAMESPACE	100

/* ---- the device ---- */

static int try_as_nobody(void)
{
	if (setresuid(NOBODY, NOBODY, NOBODY))
		return 2;
	return luo_open() >= 0 || errno != EACCES;
}

static void device_is_roots_alone(void)
{
	struct stat st;

	CHECK(!stat(LUO_DEVICE, &st));
	CHECK(S_ISCHR(st.st_mode));
	CHECK_EQ(st.st_mode & 07777, 0600);
	CHECK_EQ(st.st_uid, 0);
	CHECK_EQ(st.st_gid, 0);
	CHECK_EQ(run_in_child(try_as_nobody), 0);
}

/* Return 0 if everything is refused to the root of a user namespace. */
static int try_as_namespace_root(void)
{
	if (setresuid(NOBODY, NOBODY, NOBODY))
		return 1;
	if (unshare(CLONE_NEWUSER))
		return access("/proc/self/ns/user", F_OK) ? NO_NAMESPACE : 1;
	/* After setresuid() a process does not own its files in /proc without this. */
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

	guest_need_debugfs();
	status = run_in_child(try_as_namespace_root);
	if (status == NO_NAMESPACE)
		guest_skip("no user namespaces (USER_NS)");
	CHECK_EQ(status, 0);
}

static int delegated;

static int use_delegated_session(void)
{
	if (setresuid(NOBODY, NOBODY, NOBODY))
		return 2;
	if (luo_preserve(delegated, new_file(PAGE, 2), 2))
		return 3;
	return luo_open() >= 0;
}

/* A process that inherits a session can use it, but not the device. */
static void session_is_delegated(void)
{
	int fd = new_file(3 * PAGE, 1);

	delegated = new_session("session_is_delegated");
	CHECK_EQ(run_in_child(use_delegated_session), 0);
	CHECK(!luo_preserve(delegated, fd, 1));
	CHECK_ERRNO(luo_preserve(delegated, fd, 2), EEXIST);
}

static void second_open_is_busy(void)
{
	int dev = open_device();

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

/* Check that requests with these numbers fail, and @other of another type. */
static void check_unknown(int fd, const unsigned char *nrs, size_t nr, unsigned int other)
{
	char arg[256] = { sizeof(arg) - 1 };

	while (nr--)
		CHECK_ERRNO(ioctl(fd, _IO(LIVEUPDATE_IOCTL_TYPE, nrs[nr]), arg), ENOTTY);
	CHECK_ERRNO(ioctl(fd, _IO(LIVEUPDATE_IOCTL_TYPE - 1, other), arg), ENOTTY);
}

static void unknown_request_on_device(void)
{
	static const unsigned char nrs[] = { 0x02, 0x3f, 0x40, 0x41, 0x42, 0x43, 0xff };

	check_unknown(open_device(), nrs, ARRAY_SIZE(nrs), 0);
}

static void unknown_request_on_session(void)
{
	static const unsigned char nrs[] = { 0x00, 0x01, 0x3f, 0x44, 0xff };

	check_unknown(new_session("unknown_request_on_session"), nrs, ARRAY_SIZE(nrs), 0x43);
}

/* ---- the ABI ---- */

#define CHECK_NUMBER(_request, _nr)					\
	static_assert((_request) == (0xba << 8 | (_nr)), "number")

CHECK_NUMBER(LIVEUPDATE_IOCTL_CREATE_SESSION, 0x00);
CHECK_NUMBER(LIVEUPDATE_IOCTL_RETRIEVE_SESSION, 0x01);
CHECK_NUMBER(LIVEUPDATE_SESSION_PRESERVE_FD, 0x40);
CHECK_NUMBER(LIVEUPDATE_SESSION_RETRIEVE_FD, 0x41);
CHECK_NUMBER(LIVEUPDATE_SESSION_FINISH, 0x42);
CHECK_NUMBER(LIVEUPDATE_SESSION_GET_NAME, 0x43);

#define CHECK_COMMAND(_command, _nr)					\
	static_assert(LIVEUPDATE_CMD_##_command == (_nr), "command")

CHECK_COMMAND(BASE, 0x00);
CHECK_COMMAND(CREATE_SESSION, 0x00);
CHECK_COMMAND(RETRIEVE_SESSION, 0x01);
CHECK_COMMAND(SESSION_BASE, 0x40);
CHECK_COMMAND(SESSION_PRESERVE_FD, 0x40);
CHECK_COMMAND(SESSION_RETRIEVE_FD, 0x41);
CHECK_COMMAND(SESSION_FINISH, 0x42);
CHECK_COMMAND(SESSION_GET_NAME, 0x43);

#define CHECK_SIZE(_struct, _size)					\
	static_assert(sizeof(struct liveupdate_##_struct) == (_size), "size")

CHECK_SIZE(ioctl_create_session, 72);
CHECK_SIZE(ioctl_retrieve_session, 72);
CHECK_SIZE(session_preserve_fd, 16);
CHECK_SIZE(session_retrieve_fd, 16);
CHECK_SIZE(session_finish, 8);
CHECK_SIZE(session_get_name, 72);

#define CHECK_OFFSET(_struct, _member, _offset)				\
	static_assert(offsetof(struct liveupdate_##_struct, _member) ==	\
		      (_offset), "offset")

CHECK_OFFSET(ioctl_create_session, fd, 4);
CHECK_OFFSET(ioctl_create_session, name, 8);
CHECK_OFFSET(ioctl_retrieve_session, fd, 4);
CHECK_OFFSET(ioctl_retrieve_session, name, 8);
CHECK_OFFSET(session_preserve_fd, fd, 4);
CHECK_OFFSET(session_preserve_fd, token, 8);
CHECK_OFFSET(session_retrieve_fd, fd, 4);
CHECK_OFFSET(session_retrieve_fd, token, 8);
CHECK_OFFSET(session_finish, reserved, 4);
CHECK_OFFSET(session_get_name, reserved, 4);
CHECK_OFFSET(session_get_name, name, 8);

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

/* The first member of all requests, and room for members of a later version */
union request_arg {
	__u32 size;
	unsigned char bytes[128];
};

static void check_requests(void (*check)(const struct request *req, int fd))
{
	int session = new_session("check_requests");
	int dev = open_device();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		guest_note("%s", requests[i].name);
		check(&requests[i], requests[i].on_device ? dev : session);
	}
}

static void check_small(const struct request *req, int fd)
{
	const size_t sizes[] = { 0, sizeof(__u32), req->size - 1 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		union request_arg arg = {};

		memcpy(arg.bytes + TAIL, "small", 6);
		arg.size = sizes[i];
		CHECK_ERRNO(ioctl(fd, req->request, &arg), EINVAL);
	}
}

static void small_structure(void)
{
	check_requests(check_small);
}

static void check_tail(const struct request *req, int fd)
{
	union request_arg arg = {};

	memcpy(arg.bytes + TAIL, "tail", 5);
	arg.size = req->size + TAIL;
	arg.bytes[req->size + TAIL - 1] = 1;
	CHECK_ERRNO(ioctl(fd, req->request, &arg), E2BIG);
}

static void large_structure_with_tail(void)
{
	check_requests(check_tail);
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
	int dev = open_device();

	CHECK(!ioctl(dev, LIVEUPDATE_IOCTL_CREATE_SESSION, &create));
	preserve.arg.fd = new_file(PAGE, 1);
	CHECK(!ioctl(create.arg.fd, LIVEUPDATE_SESSION_PRESERVE_FD, &preserve));
	CHECK(!ioctl(create.arg.fd, LIVEUPDATE_SESSION_GET_NAME, &name));
	CHECK(!strcmp((char *)name.arg.name, "zeros"));
}

static void check_fault(const struct request *req, int fd)
{
	CHECK_ERRNO(ioctl(fd, req->request, NULL), EFAULT);
}

static void bad_pointer(void)
{
	check_requests(check_fault);
}

/* If the reply can't be stored, there is neither a descriptor nor a session. */
static void fd_only_with_reply(void)
{
	struct liveupdate_ioctl_create_session arg = {
		.size = sizeof(arg),
		.name = "fd_only_with_reply",
	};
	void *page = read_only_copy(&arg, sizeof(arg));
	int dev = open_device();
	int before;

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
	int dev = open_device();

	CHECK_ERRNO(luo_create(dev, ""), EINVAL);
	CHECK_ERRNO(luo_create(dev, name_without_nul), EINVAL);
	CHECK_ERRNO(luo_retrieve(dev, ""), EINVAL);
	CHECK_ERRNO(luo_retrieve(dev, name_without_nul), EINVAL);
}

static void name_taken(void)
{
	int session = new_session("name_taken");
	int dev = open_device();

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
	/* Sessions of this kernel can't be retrieved. */
	check_no_old_session("outgoing", ENOENT);
	close(session);
}

/* ---- session descriptors ---- */

static void no_descriptor_left(void)
{
	struct rlimit limit, none;
	int dev = open_device();
	int ret, err;

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

static void check_fd_name(int session, const char *name)
{
	char path[64], link[256], wanted[256];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", session);
	len = readlink(path, link, sizeof(link) - 1);
	CHECK(len > 0);
	link[len] = '\0';
	snprintf(wanted, sizeof(wanted), "anon_inode:[luo_session] %s", name);
	CHECK(!strcmp(link, wanted));
}

/* Service managers find sessions among their descriptors by this name. */
static void session_fd_is_named(void)
{
	char name[NAME_LENGTH] = "";
	int session, len;

	session = new_session("with a name");
	CHECK(fcntl(session, F_GETFD) & FD_CLOEXEC);
	check_fd_name(session, "with a name");
	close(session);

	for (len = 1; len < NAME_LENGTH; len++) {
		name[len - 1] = '0' + len % 10;
		guest_note("%d characters", len);
		session = new_session(name);
		check_fd_name(session, name);
		close(session);
	}
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

static int agent_fd;

static void preserve_as_agent(void)
{
	CHECK(!luo_preserve(new_session("killed_agent"), agent_fd, 1));
}

/* When an agent is killed its sessions are gone. */
static void killed_agent(void)
{
	pid_t pid;

	agent_fd = new_file(3 * PAGE, 1);
	pid = start_child(preserve_as_agent);
	check_frozen(agent_fd, 3 * PAGE);
	kill_child(pid);
	check_thawed(agent_fd);
	close(new_session("killed_agent"));
}

/* ---- files ---- */

static void bad_fd(void)
{
	int session = new_session("bad_fd");
	int fd = new_file(PAGE, 1);

	CHECK_ERRNO(luo_preserve(session, open_again(fd, O_PATH), 1), EBADF);
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

static void token_taken(void)
{
	int session = new_session("tokens");
	int fd = new_file(3 * PAGE, 2);

	CHECK(!luo_preserve(session, new_file(PAGE, 1), 0));
	CHECK(!luo_preserve(session, new_file(PAGE, 1), UINT64_MAX));
	CHECK_ERRNO(luo_preserve(session, fd, 0), EEXIST);
	CHECK_ERRNO(luo_preserve(session, fd, UINT64_MAX), EEXIST);
	/* The file is unchanged. */
	check_thawed(fd);
	/* In another session the token is free. */
	CHECK(!luo_preserve(new_session("other tokens"), fd, 0));
}

static void file_preserved_already(void)
{
	int session = new_session("one");
	int other = new_session("another");
	int fd = new_file(3 * PAGE, 1);

	CHECK(!luo_preserve(session, fd, 1));
	CHECK_ERRNO(luo_preserve(session, fd, 2), EBUSY);
	CHECK_ERRNO(luo_preserve(other, fd, 1), EBUSY);
	CHECK_ERRNO(luo_preserve(other, dup(fd), 1), EBUSY);
	/* A second open file with the same inode */
	CHECK_ERRNO(luo_preserve(other, open_again(fd, O_RDWR), 1), EBUSY);
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

/* A preserved file does not need its descriptor. */
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

/*
 * Not all kernels can be handed an executable file with the seal. An empty file has no
 * pinned pages, so it could be sealed.
 */
static void exec_seal_after_preserve(void)
{
	int session = new_session("exec_seal_after_preserve");
	int fd = new_memfd(MFD_EXEC | MFD_ALLOW_SEALING);

	CHECK(!luo_preserve(session, fd, 1));
	CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_EXEC), EPERM);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), 0);
	close(session);
	CHECK(!fcntl(fd, F_ADD_SEALS, F_SEAL_EXEC));
	CHECK(fcntl(fd, F_GET_SEALS) & F_SEAL_EXEC);
}

/* Nearly all of it is a hole. */
static void largest_file(void)
{
	int session = new_session("largest_file");
	int fd = new_file(PAGE, 1);

	CHECK(!ftruncate(fd, 1LL << 60));
	fill(fd, (1LL << 60) - PAGE, PAGE, 2);
	CHECK(!luo_preserve(session, fd, 1));
	close(session);
	check_content(fd, 0, PAGE, 1);
	CHECK(!ftruncate(fd, 0));
	check_thawed(fd);
}

/* Preserving does not fill holes. There can be more of them than memory. */
static void more_holes_than_memory(void)
{
	int session = new_session("more_holes_than_memory");
	int fd = new_file(PAGE, 6);

	CHECK(!ftruncate(fd, 1LL << 40));
	CHECK(!luo_preserve(session, fd, 1));
	check_content(fd, 0, PAGE, 6);
	close(session);
	CHECK(!ftruncate(fd, 0));
	check_thawed(fd);
}

/* Holes are not filled, so they need not be charged. */
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
	CHECK(!ret);
	check_content(fd, 63 * PAGE, PAGE, 5);
	close(session);
	check_thawed(fd);
}

/* ---- reboot() ---- */

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

static void reboot_with_old_image(unsigned long flags)
{
	int session = new_session("reboot_with_old_image");
	int fd = new_file(3 * PAGE, 1);

	CHECK(!luo_preserve(session, fd, 1));
	if (load_old_way(flags)) {
		CHECK(flags & KEXEC_PRESERVE_CONTEXT);
		guest_skip("the kernel has no KEXEC_JUMP");
	}
	guest_log_mark();
	CHECK_ERRNO(guest_kexec(), EINVAL);
	CHECK(guest_log_since("LUO: "));
	/* The session is unchanged, and takes more files. */
	check_frozen(fd, 3 * PAGE);
	CHECK(!luo_preserve(session, new_file(PAGE, 2), 2));
	CHECK_ERRNO(luo_preserve(session, fd, 3), EBUSY);
	close(session);
	check_thawed(fd);
	CHECK(!guest_unload_image(0));
}

static void reboot_with_kexec_load_image(void)
{
	reboot_with_old_image(0);
}

static void reboot_with_preserve_context(void)
{
	reboot_with_old_image(KEXEC_PRESERVE_CONTEXT);
}

static const struct guest_test rules_tests[] = {
	GUEST_TEST(device_is_roots_alone),
	GUEST_TEST(namespace_root_is_nobody),
	GUEST_TEST(session_is_delegated),
	GUEST_TEST(second_open_is_busy),
	GUEST_TEST(close_leaves_sessions),
	GUEST_TEST(unknown_request_on_device),
	GUEST_TEST(unknown_request_on_session),
	GUEST_TEST(small_structure),
	GUEST_TEST(large_structure_with_tail),
	GUEST_TEST(large_structure_of_zeros),
	GUEST_TEST(bad_pointer),
	GUEST_TEST(fd_only_with_reply),
	GUEST_TEST(reserved_must_be_zero),
	GUEST_TEST(bad_names),
	GUEST_TEST(name_taken),
	GUEST_TEST(name_comes_back),
	GUEST_TEST(unknown_old_session),
	GUEST_TEST(session_fd_is_named),
	GUEST_TEST(no_descriptor_left),
	GUEST_TEST(wrong_direction),
	GUEST_TEST(last_close_undoes),
	GUEST_TEST(killed_agent),
	GUEST_TEST(bad_fd),
	GUEST_TEST(other_kinds_of_files),
	GUEST_TEST(token_taken),
	GUEST_TEST(file_preserved_already),
	GUEST_TEST(preserved_file_is_frozen),
	GUEST_TEST(abort_thaws),
	GUEST_TEST(closed_file_stays),
	GUEST_TEST(exec_seal_after_preserve),
	GUEST_TEST(largest_file),
	GUEST_TEST(more_holes_than_memory),
	GUEST_TEST(out_of_memory),
	GUEST_TEST(reboot_without_image),
	GUEST_TEST(reboot_with_kexec_load_image),
	GUEST_TEST(reboot_with_preserve_context),
};

GUEST_SUITE(rules, 1)
