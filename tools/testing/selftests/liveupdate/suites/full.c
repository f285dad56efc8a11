// SPDX-License-Identifier: GPL-2.0
/*
 * full: PRESERVE_FD where memory is short, fragmented or held
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The guest has two nodes, and its scratch is in the first one. A preserved file must not
 * have pages in scratch, and all tests make them move, or have no room for that. An OOM
 * kill or a request that does not return fails the test.
 */
#include <fcntl.h>
#include <linux/memfd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../luo.h"

#define SHMEM_ENABLED	"/sys/kernel/mm/transparent_hugepage/shmem_enabled"
#define MIN_FREE	"/proc/sys/vm/min_free_kbytes"
#define PER_CPU		"/proc/sys/vm/percpu_pagelist_high_fraction"
#define HUGE_SIZE	((size_t)2 * MIB)
#define SCRATCH_NODE	0
#define SMALL_NODE	1
#define MEMCG		"/cgroup/full"

/* How many seconds a request may take that only finds out that it can't be done */
#define SOON		(10 * (guest_param_number("patience") ?: 1))

/* ---- memory ---- */

static size_t free_size(const char *field)
{
	return (size_t)guest_meminfo(field) << 10;
}

/* Return the size of free memory of a node. */
static size_t free_on(int node)
{
	char path[64], *text, *at;
	size_t size;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/meminfo", node);
	text = guest_text_of(path);
	at = strstr(text, "MemFree:");
	CHECK(at);
	size = strtoul(at + strlen("MemFree:"), NULL, 10) << 10;
	free(text);
	return size;
}

/* Return the size of free memory outside scratch, on the node that has scratch. */
static size_t free_outside(void)
{
	size_t size = free_on(SCRATCH_NODE), scratch = free_size("CmaFree");

	return size - (scratch < size ? scratch : size);
}

/* The first scratch region, which is the only one in use here */
static uint64_t scratch_start, scratch_size;

static uint64_t number_in(const char *path)
{
	char *text = guest_text_of(path);
	uint64_t number = strtoull(text, NULL, 0);

	free(text);
	return number;
}

static void find_scratch(void)
{
	scratch_start = number_in(DEBUGFS "/kho/out/scratch_phys");
	scratch_size = number_in(DEBUGFS "/kho/out/scratch_len");
}

/*
 * Use the node with scratch only. For huge pages the kernel keeps a large part of such a
 * small node free, and for speed another one in lists of each CPU: it must not.
 */
static void use_scratch_node(void)
{
	find_scratch();
	CHECK(!guest_write_file(MIN_FREE, "4096"));
	CHECK(!guest_write_file(PER_CPU, "100000"));
	bind_memory(SCRATCH_NODE);
}

/* Store for each page of [mem, mem + size) whether it is in scratch; at most NR_LOOK. */
#define NR_LOOK		512

static void look_for_scratch(const char *mem, size_t size, bool *in_scratch)
{
	static uint64_t entries[NR_LOOK];
	size_t i, nr = size / PAGE;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	off_t at = (uintptr_t)mem / PAGE * sizeof(*entries);

	CHECK(fd >= 0 && nr <= NR_LOOK);
	CHECK_EQ(pread(fd, entries, nr * sizeof(*entries), at), nr * sizeof(*entries));
	close(fd);
	for (i = 0; i < nr; i++) {
		uint64_t phys = (entries[i] & ((1ULL << 55) - 1)) * PAGE;

		in_scratch[i] = phys >= scratch_start &&
				phys - scratch_start < scratch_size;
	}
}

static char *map_memory(size_t size)
{
	char *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(mem != MAP_FAILED);
	return mem;
}

/* Use nearly all memory of the node without scratch. */
static void use_small_node(void)
{
	size_t size = (free_on(SMALL_NODE) - 16 * MIB) / PAGE * PAGE;

	bind_memory(SMALL_NODE);
	CHECK(!madvise(map_memory(size), size, MADV_POPULATE_WRITE));
}

/* Give back all pages of the memory that are in scratch. */
static void leave_scratch(char *mem, size_t size)
{
	bool in_scratch[NR_LOOK];
	size_t at, i;

	for (at = 0; at < size; at += NR_LOOK * PAGE) {
		look_for_scratch(mem + at, NR_LOOK * PAGE, in_scratch);
		for (i = 0; i < NR_LOOK; i++)
			if (in_scratch[i])
				CHECK(!madvise(mem + at + i * PAGE, PAGE, MADV_DONTNEED));
	}
}

/* Use nearly all memory outside scratch, in single pages. Scratch is free afterwards. */
static char *use_all_outside(size_t *size)
{
	char *mem;

	*size = (free_on(SCRATCH_NODE) - 120 * MIB) / (NR_LOOK * PAGE) * (NR_LOOK * PAGE);
	mem = map_memory(*size);
	madvise(mem, *size, MADV_NOHUGEPAGE);
	CHECK(!madvise(mem, *size, MADV_POPULATE_WRITE));
	leave_scratch(mem, *size);
	guest_note("%zu MiB free outside scratch", free_outside() / MIB);
	return mem;
}

static char *map_file(int fd, size_t size)
{
	char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	CHECK(map != MAP_FAILED);
	return map;
}

/* Make a file, and write one word to each of its pages. */
static int new_large_file(size_t size)
{
	int fd = new_memfd(0);
	size_t at;
	char *map;

	CHECK(!ftruncate(fd, size));
	map = map_file(fd, size);
	for (at = 0; at < size; at += PAGE)
		*(size_t *)(map + at) = ~at;
	CHECK(!munmap(map, size));
	return fd;
}

static void check_large_file(int fd, size_t size)
{
	char *map = map_file(fd, size);
	size_t at;

	for (at = 0; at < size; at += PAGE)
		if (*(size_t *)(map + at) != ~at)
			guest_fail(__FILE__, __LINE__, "page %zu is wrong", at / PAGE);
	CHECK(!munmap(map, size));
}

/* Return how many pages of a file lie in scratch. */
static size_t count_in_scratch(int fd, size_t size)
{
	char *map = map_file(fd, size);
	bool in_scratch[NR_LOOK];
	size_t at, len, i, nr = 0;

	CHECK(!madvise(map, size, MADV_POPULATE_READ));
	for (at = 0; at < size; at += len) {
		len = size - at < (size_t)NR_LOOK * PAGE ? size - at : NR_LOOK * PAGE;
		look_for_scratch(map + at, len, in_scratch);
		for (i = 0; i < len / PAGE; i++)
			nr += in_scratch[i];
	}
	CHECK(!munmap(map, size));
	return nr;
}

static size_t blocks_of(int fd)
{
	struct stat st;

	CHECK(!fstat(fd, &st));
	return st.st_blocks;
}

/* ---- no OOM kill ---- */

static long oom_kills(void)
{
	char *text = guest_text_of("/proc/vmstat");
	char *at = strstr(text, "\noom_kill ");
	long nr;

	CHECK(at);
	nr = atol(at + strlen("\noom_kill "));
	free(text);
	return nr;
}

/* Preserve a file, which must fail with @err soon and without an OOM kill. */
static void check_refused(int session, int fd, int err)
{
	long kills = oom_kills();
	struct timespec start, end;

	clock_gettime(CLOCK_MONOTONIC, &start);
	CHECK_ERRNO(luo_preserve(session, fd, 1), err);
	clock_gettime(CLOCK_MONOTONIC, &end);
	guest_note("took %ld ms", (end.tv_sec - start.tv_sec) * 1000 +
				  (end.tv_nsec - start.tv_nsec) / 1000000);
	CHECK(end.tv_sec - start.tv_sec <= SOON);
	CHECK_EQ(oom_kills(), kills);
}

/* Start a process that uses memory, and that the OOM killer would choose. */
static pid_t start_bystander(size_t size)
{
	int ready[2];
	char byte;
	pid_t pid;

	CHECK(!pipe(ready));
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		CHECK(!guest_write_file("/proc/self/oom_score_adj", "1000"));
		CHECK(!madvise(map_memory(size), size, MADV_POPULATE_WRITE));
		CHECK_EQ(write(ready[1], "", 1), 1);
		pause();
		_exit(0);
	}
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void end_bystander(pid_t pid)
{
	CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
	CHECK(!kill(pid, SIGKILL));
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

/* ---- fragmented ---- */

/*
 * Start a process that reads a disk again and again. So there is always page cache that
 * can be reclaimed, and the kernel tries longer to allocate a huge page.
 */
static pid_t start_reader(void)
{
	static char buffer[64 * 1024];
	int fd = open(SWAP_DEVICE, O_RDONLY | O_CLOEXEC);
	off_t at = 0;
	pid_t pid;

	if (fd < 0)
		guest_skip("no " SWAP_DEVICE " (BLK_DEV_RAM)");
	pid = fork();
	CHECK(pid >= 0);
	if (pid)
		return pid;
	for (;;) {
		ssize_t len = pread(fd, buffer, sizeof(buffer), at);

		at = len > 0 ? at + len : 0;
	}
}

/*
 * Most huge pages of the file are in scratch. Outside, there is enough free memory for
 * them, but in single pages. Only huge pages that were split can move there.
 */
static void moves_into_fragments(void)
{
	size_t size = 120 * HUGE_SIZE, used, at, nr;
	int session = new_session("moves_into_fragments");
	char *mem;
	pid_t pid;
	int fd;

	use_small_node();
	use_scratch_node();
	mem = use_all_outside(&used);
	if (guest_write_file(SHMEM_ENABLED, "force"))
		guest_skip("no huge pages: %s", strerror(errno));
	CHECK(!guest_write_file(MIN_FREE, "4096"));
	fd = new_large_file(size);
	guest_write_file(SHMEM_ENABLED, "never");
	nr = count_in_scratch(fd, size);
	guest_note("%zu MiB in scratch", nr * PAGE / MIB);
	CHECK(nr * PAGE >= 64 * HUGE_SIZE);
	/* Free every second page of the memory. */
	for (at = 0; at < used; at += 2 * PAGE)
		CHECK(!madvise(mem + at, PAGE, MADV_DONTNEED));
	guest_note("%zu MiB free outside scratch", free_outside() / MIB);

	pid = start_reader();
	CHECK(!luo_preserve(session, fd, 1));
	CHECK(!kill(pid, SIGKILL));
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	CHECK_EQ(count_in_scratch(fd, size), 0);
	check_large_file(fd, size);
	close(session);
	check_large_file(fd, size);
	CHECK(!munmap(mem, used));
}

/* ---- short ---- */

/* The file has all pages that it needs, but those in scratch have nowhere to go. */
static void no_room_outside_scratch(void)
{
	int session = new_session("no_room_outside_scratch");
	size_t size = 180 * MIB, used, nr;
	char *mem;
	pid_t pid;
	int fd;

	use_scratch_node();
	pid = start_bystander(40 * MIB);
	mem = use_all_outside(&used);
	fd = new_large_file(size);
	nr = count_in_scratch(fd, size);
	guest_note("%zu MiB in scratch, %zu MiB free outside", nr * PAGE / MIB,
		   free_outside() / MIB);
	CHECK(nr * PAGE > free_outside());
	check_refused(session, fd, ENOMEM);
	check_large_file(fd, size);
	check_thawed(fd);
	end_bystander(pid);
	CHECK(!munmap(mem, used));
}

/* The holes of a file are not filled: it can be larger than the memory. */
static void holes_need_no_room(void)
{
	int session = new_session("holes_need_no_room");
	int fd = new_memfd(0);
	pid_t pid;

	use_scratch_node();
	pid = start_bystander(40 * MIB);
	CHECK(!ftruncate(fd, 2 * free_size("MemTotal")));
	CHECK(!luo_preserve(session, fd, 1));
	CHECK_EQ(blocks_of(fd), 0);
	end_bystander(pid);
}

/* Pages that were swapped out. A page of the file may use one node only, which is too small. */
#define SWAPPED_SIZE	(40 * MIB)

static int new_swapped_file(void)
{
	int fd = new_large_file(SWAPPED_SIZE);

	if (!swap_on())
		guest_skip("no swap on " SWAP_DEVICE " (BLK_DEV_RAM)");
	page_out(fd, SWAPPED_SIZE);
	return fd;
}

static void no_room_on_node(void)
{
	int session = new_session("no_room_on_node");
	int fd = new_swapped_file();
	pid_t pid;

	CHECK(!guest_write_file(MIN_FREE, "4096"));
	use_small_node();
	pid = start_bystander(MIB);
	check_refused(session, fd, ENOMEM);
	end_bystander(pid);

	unbind_memory();
	CHECK(!luo_preserve(session, fd, 1));
	CHECK(!swapoff(SWAP_DEVICE));
	check_large_file(fd, SWAPPED_SIZE);
}

static int session_in_memcg, file_in_memcg, sparse_in_memcg;

/* Afterwards the process can still use memory. */
static int preserve_in_memcg(void)
{
	long kills = oom_kills();

	if (guest_write_file(MEMCG "/cgroup.procs", "0"))
		return 2;
	if (!luo_preserve(session_in_memcg, file_in_memcg, 1) || errno != ENOMEM)
		return 3;
	/* Holes need no memory. */
	if (luo_preserve(session_in_memcg, sparse_in_memcg, 2))
		return 7;
	/* To have been refused did not bring the cgroup near to its limit meanwhile. */
	if (number_in(MEMCG "/memory.peak") > 16 * MIB)
		return 6;
	if (madvise(map_memory(24 * MIB), 24 * MIB, MADV_POPULATE_WRITE))
		return 4;
	return oom_kills() == kills ? 0 : 5;
}

static void no_room_in_memcg(void)
{
	session_in_memcg = new_session("no_room_in_memcg");
	file_in_memcg = new_swapped_file();
	sparse_in_memcg = new_memfd(0);
	CHECK(!ftruncate(sparse_in_memcg, 512 * MIB));
	if (mkdir("/cgroup", 0700))
		CHECK_EQ(errno, EEXIST);
	if (mount("cgroup2", "/cgroup", "cgroup2", 0, NULL) ||
	    guest_write_file("/cgroup/cgroup.subtree_control", "+memory"))
		guest_skip("no memory cgroups (MEMCG)");
	CHECK(!mkdir(MEMCG, 0700));
	CHECK(!guest_write_file(MEMCG "/memory.max", "32M"));

	CHECK_EQ(run_in_child(preserve_in_memcg), 0);
	CHECK(!luo_preserve(session_in_memcg, file_in_memcg, 1));
	CHECK(!swapoff(SWAP_DEVICE));
	check_large_file(file_in_memcg, SWAPPED_SIZE);
	CHECK_EQ(blocks_of(sparse_in_memcg), 0);
}

/* ---- held ---- */

#define HELD_SIZE	(16 * PAGE)

/* Return a file with a page in scratch. */
static int new_file_in_scratch(void)
{
	int fd, tries;
	size_t used;
	char *mem;

	use_scratch_node();
	mem = use_all_outside(&used);
	for (tries = 0; tries < 100; tries++) {
		fd = new_large_file(HELD_SIZE);
		if (count_in_scratch(fd, HELD_SIZE))
			break;
	}
	CHECK(tries < 100);
	CHECK(!munmap(mem, used));
	return fd;
}

/* Let a fault add a page that is not dirty. */
static void read_page(int fd, off_t at)
{
	void *page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, at);

	CHECK(page != MAP_FAILED);
	CHECK(!munmap(page, PAGE));
}

/* A page in a pipe can't be moved, and may stay there for ever. No page comes or goes. */
static void held_by_pipe(void)
{
	int session = new_session("held_by_pipe");
	int fd = new_file_in_scratch();
	char byte[HELD_SIZE];
	size_t blocks;
	off_t at = 0;
	int ends[2];

	CHECK(!ftruncate(fd, 3 * HELD_SIZE));
	read_page(fd, HELD_SIZE);
	blocks = blocks_of(fd);
	CHECK(!pipe(ends));
	CHECK_EQ(splice(fd, &at, ends[1], NULL, HELD_SIZE, 0), HELD_SIZE);
	check_refused(session, fd, EBUSY);
	CHECK_EQ(blocks_of(fd), blocks);
	check_large_file(fd, HELD_SIZE);

	CHECK_EQ(read(ends[0], byte, HELD_SIZE), HELD_SIZE);
	CHECK(!luo_preserve(session, fd, 1));
	CHECK_EQ(count_in_scratch(fd, HELD_SIZE), 0);
}

/* The receiver of a socket is slow. */
static void held_by_socket(void)
{
	int session = new_session("held_by_socket");
	int fd = new_file_in_scratch();
	int sockets[2];
	off_t at = 0;

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
	CHECK(sendfile(sockets[0], fd, &at, HELD_SIZE) > 0);
	check_refused(session, fd, EBUSY);
	close(sockets[0]);
	close(sockets[1]);
	CHECK(!luo_preserve(session, fd, 1));
}

static const struct guest_test full_tests[] = {
	GUEST_TEST(moves_into_fragments),
	GUEST_TEST(no_room_outside_scratch),
	GUEST_TEST(holes_need_no_room),
	GUEST_TEST(no_room_on_node),
	GUEST_TEST(no_room_in_memcg),
	GUEST_TEST(held_by_pipe),
	GUEST_TEST(held_by_socket),
};

GUEST_SUITE(full, 1, .need = "debugfs")
