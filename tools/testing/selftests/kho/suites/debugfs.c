// SPDX-License-Identifier: GPL-2.0
/*
 * debugfs: the files of kexec handover
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The tests rely on what the module kho_debugfs_test hands over: the blobs
 * "test-plain" (three pages minus 100 bytes), "test-large" (64 KiB and one byte),
 * "test-lost" (not preserved when the kexec comes) and one with an odd name, three
 * folios of order 4 and two of order 7.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../kho.h"

#define KHO		DEBUGFS "/kho/"
#define MODULE		"kho_debugfs_test"
#define PLAIN_SIZE	(3 * 4096 - 100)
#define LOST_ORDER	0
#define LARGE_SIZE	(64 * 1024 + 1)
#define MAX_ORDER	51

static const char *const files[] = {
	KHO "out/summary", KHO "out/fdt", KHO "out/scratch_phys",
	KHO "out/scratch_len", KHO "out/sub_fdts/kexec-metadata",
	KHO "out/sub_fdts/memblock", KHO "in/summary", KHO "out/preserved",
	KHO "out/image", KHO "out/verify",
};

static const char *const incoming_files[] = {
	KHO "in/fdt", KHO "in/sub_fdts/kexec-metadata",
	KHO "in/sub_fdts/memblock", KHO "in/sub_fdts/test-plain",
	KHO "in/sub_fdts/test-large", KHO "in/preserved",
};

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		guest_note("%s", path);
	CHECK(fd >= 0);
	return fd;
}

static void check_read_fails(const char *path, int err)
{
	int fd = open_file(path);
	char byte;

	CHECK_ERRNO(read(fd, &byte, 1), err);
	close(fd);
}

/* Return the number after @key at the start of a line of @summary, or 0. */
static long number(const char *summary, const char *key)
{
	char start[64];
	const char *at;

	snprintf(start, sizeof(start), "\n%s", key);
	at = strstr(summary, start);
	return at ? atol(at + strlen(start)) : 0;
}

static long nr_blocks(const char *summary, int order)
{
	char key[32];

	snprintf(key, sizeof(key), "  order %d: ", order);
	return number(summary, key);
}

/* Return the bytes of the line of @summary that starts with @key. */
static unsigned long long bytes_of(const char *summary, const char *key)
{
	const char *at = strstr(summary, key);
	unsigned long long bytes;
	int found;

	CHECK(at);
	found = sscanf(at + strlen(key), "%*u blocks, %*u pages, %llu", &bytes);
	CHECK_EQ(found, 1);
	return bytes;
}

/* Return a copy of the line of @summary that has @text, or "". The caller frees it. */
static char *line_with(const char *summary, const char *text)
{
	const char *at = strstr(summary, text);
	const char *start = at;

	while (at && start > summary && start[-1] != '\n')
		start--;
	return at ? strndup(start, strcspn(start, "\n")) : strdup("");
}

static void check_line(const char *summary, const char *text, const char *end)
{
	char *line = line_with(summary, text);
	size_t len = strlen(line), end_len = strlen(end);

	if (len < end_len || strcmp(line + len - end_len, end))
		guest_fail(__FILE__, __LINE__, "line with '%s' is '%s'", text,
			   line);
	free(line);
}

/* ---- both directions ---- */

static void check_modes(const char *const *paths, size_t nr)
{
	struct stat st;
	size_t i;

	for (i = 0; i < nr; i++) {
		guest_note("%s", paths[i]);
		CHECK(!stat(paths[i], &st));
		CHECK_EQ(st.st_mode, S_IFREG | 0400);
		CHECK_EQ(st.st_uid, 0);
	}
}

static void files_are_for_root(void)
{
	check_modes(files, ARRAY_SIZE(files));
	if (guest_kernel() == 2)
		check_modes(incoming_files, ARRAY_SIZE(incoming_files));
}

static void scratch_is_as_logged(void)
{
	char *phys, *len, *next_phys, *next_len;
	struct ranges scratch;
	int i;

	need_scratch(&scratch);
	phys = guest_text_of(KHO "out/scratch_phys");
	len = guest_text_of(KHO "out/scratch_len");
	next_phys = phys;
	next_len = len;
	for (i = 0; i < scratch.nr; i++) {
		CHECK(!strncmp(next_phys, "0x", 2));
		CHECK_EQ(strtoull(next_phys, &next_phys, 16),
			 scratch.r[i].start);
		CHECK_EQ(*next_phys++, '\n');
		CHECK_EQ(strtoull(next_len, &next_len, 10),
			 range_size(&scratch.r[i]));
		CHECK_EQ(*next_len++, '\n');
	}
	CHECK(!*next_phys && !*next_len);
	free(phys);
	free(len);
}

/* The option -f accepts the odd name, which is not valid in a device tree. */
static void check_dts(const char *path, const char *const *wanted, size_t nr)
{
	char *const argv[] = { "dtc", "-q", "-f", "-I", "dtb", "-O", "dts",
			       (char *)path, NULL };
	int status = -1;
	char *text;
	size_t i;

	text = guest_run(&status, argv);
	CHECK(text);
	if (status)
		guest_note("%s", text);
	CHECK_EQ(status, 0);
	for (i = 0; i < nr; i++)
		if (!strstr(text, wanted[i]))
			guest_fail(__FILE__, __LINE__, "%s lacks %s", path,
				   wanted[i]);
	free(text);
}

static void dtc_reads_fdts(void)
{
	static const char *const root[] = {
		/* Another string follows, in a form that depends on dtc. */
		"compatible = \"kho-v4;radix-v1;vmalloc-v1",
		"preserved-memory-map = ", "kexec-metadata {",
		"memblock {", "preserved-data = ", "blob-size = ",
	};
	static const char *const memblock[] = {
		"compatible = \"memblock-v1\"", "kept {",
		"compatible = \"reserve-mem-v1\"",
	};

	if (!guest_has_program("dtc"))
		guest_skip("dtc is not installed");
	check_dts(KHO "out/fdt", root, ARRAY_SIZE(root));
	check_dts(KHO "out/sub_fdts/memblock", memblock, ARRAY_SIZE(memblock));
	if (guest_kernel() == 1)
		return;
	check_dts(KHO "in/fdt", root, ARRAY_SIZE(root));
	check_dts(KHO "in/sub_fdts/memblock", memblock, ARRAY_SIZE(memblock));
}

/* A summary that is read in parts equals one that is read as a whole. */
static void check_summary_in_parts(const char *path, size_t part)
{
	char *whole = guest_text_of(path);
	size_t len = strlen(whole), done = 0;
	int fd = open_file(path);
	char buf[64];
	ssize_t got;

	while ((got = read(fd, buf, part)) > 0) {
		CHECK(done + got <= len);
		CHECK(!memcmp(whole + done, buf, got));
		done += got;
	}
	CHECK_EQ(got, 0);
	CHECK_EQ(done, len);

	got = pread(fd, buf, part, len / 2);
	CHECK(got > 0);
	CHECK(!memcmp(whole + len / 2, buf, got));
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	got = read(fd, buf, part);
	CHECK(got > 0);
	CHECK(!memcmp(whole, buf, got));
	close(fd);
	free(whole);
}

static void summary_in_small_parts(void)
{
	check_summary_in_parts(KHO "out/summary", 1);
	check_summary_in_parts(KHO "out/summary", 61);
	check_summary_in_parts(KHO "in/summary", 7);
}

/* Add up the ranges. They come in ascending order and never adjoin. */
static unsigned long long size_of_ranges(const char *path)
{
	unsigned long long start, size, sum = 0, end = 0;
	char *list = guest_text_of(path), *line = list;
	int len;

	while (sscanf(line, "%llx %llu\n%n", &start, &size, &len) == 2) {
		CHECK(!sum || start > end);
		CHECK(size);
		end = start + size;
		sum += size;
		line += len;
	}
	CHECK(!*line);
	free(list);
	return sum;
}

static void ranges_add_up(void)
{
	char *summary;

	summary = guest_text_of(KHO "out/summary");
	CHECK_EQ(size_of_ranges(KHO "out/preserved"),
		 bytes_of(summary, "\npreserved: "));
	free(summary);
	check_summary_in_parts(KHO "out/preserved", 1);
	if (guest_kernel() == 1)
		return;

	summary = guest_text_of(KHO "in/summary");
	CHECK_EQ(size_of_ranges(KHO "in/preserved"),
		 bytes_of(summary, "\npreserved, not restored: "));
	free(summary);
}

static void check_image(const char *wanted)
{
	char *text = guest_text_of(KHO "out/image");

	if (strcmp(text, wanted))
		guest_fail(__FILE__, __LINE__, "out/image: %s", text);
	free(text);
}

static void image_is_judged(void)
{
	check_image("not loaded\n");
	CHECK(!guest_load_image(0));
	check_image("carries the handover\n");
	CHECK(!guest_load_kernel("/kernel", guest_initrd(), "kho=off", 0));
	check_image("kho= on its command line is off\n");
	CHECK(!guest_unload_image(0));
	check_image("not loaded\n");
}

/* Reading this fails with EBUSY if the kexec lock is held. */
static void check_kexec_lock(void)
{
	char *size = guest_read_file("/sys/kernel/kexec_crash_size");

	CHECK(size && *size);
	free(size);
}

static void __noreturn read_image_for_ever(void)
{
	for (;;) {
		free(guest_text_of(KHO "out/image"));
		free(guest_text_of(KHO "out/summary"));
	}
}

/* Programs that read the state must not make kexec fail, and kexec must not make them fail. */
static void readers_leave_kexec_alone(void)
{
	int status, i;
	pid_t pid;

	CHECK(!guest_load_image(0));
	pid = fork();
	CHECK(pid >= 0);
	if (!pid)
		read_image_for_ever();
	for (i = 0; i < 10000; i++)
		check_kexec_lock();
	for (i = 0; i < 5; i++) {
		CHECK(!guest_load_image(0));
		CHECK(!guest_unload_image(0));
	}
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
}

/* ---- what is handed over ---- */

static void nothing_came_in(void)
{
	char *summary;

	summary = guest_text_of(KHO "in/summary");
	CHECK(!strncmp(summary, "nothing was handed over\n", 24));
	free(summary);
	CHECK_ERRNO(access(KHO "in/fdt", F_OK), ENOENT);
	CHECK_ERRNO(access(KHO "in/sub_fdts", F_OK), ENOENT);
}

/* Return the order of the pages of a blob. */
static int order_of(long size)
{
	long block = PAGE;
	int order = 0;

	while (block << order < size)
		order++;
	return order;
}

/* Return how many blobs of this order the module hands over. */
static long nr_blobs(int order)
{
	return (order_of(PLAIN_SIZE) == order) + (order_of(LARGE_SIZE) == order) +
	       (order_of(1) == order);
}

/* Return how many folios of this order it preserves. */
static long nr_folios(int order)
{
	switch (order) {
	case 4: return 3;
	case 7: return 2;
	default: return 0;
	}
}

static void counts_follow_preservation(void)
{
	char *before, *during, *after;
	long blocks = 0;
	int order;

	before = guest_text_of(KHO "out/summary");
	CHECK(!guest_insmod(MODULE, ""));
	during = guest_text_of(KHO "out/summary");
	CHECK(!guest_rmmod(MODULE));
	after = guest_text_of(KHO "out/summary");

	for (order = 0; order <= MAX_ORDER; order++) {
		CHECK_EQ(nr_blocks(during, order) - nr_blocks(before, order),
			 nr_blobs(order) + nr_folios(order) + (order == LOST_ORDER));
		blocks += nr_blocks(during, order);
	}
	CHECK_EQ(number(during, "preserved: "), blocks);
	CHECK_EQ(number(during, "tree: ") - number(before, "tree: ") > 0, 1);
	CHECK(strstr(during, "  \"test-plain\" 12188 bytes at 0x"));
	CHECK(strstr(during, "  \"test-odd\\n\\\"\\\\\\x9b\" 1 bytes at 0x"));
	CHECK(!strcmp(before, after));
	free(before);
	free(during);
	free(after);
}

static bool is_pattern(const char *buf, size_t len, size_t from)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((unsigned char)buf[i] != (from + i) % 251)
			return false;
	return true;
}

static void check_plain(const char *path)
{
	static char buf[PLAIN_SIZE + 1];
	int fd = open_file(path);
	struct stat st;
	ssize_t got;
	size_t done = 0;

	CHECK(!fstat(fd, &st));
	CHECK_EQ(st.st_size, PLAIN_SIZE);
	while ((got = read(fd, buf + done, sizeof(buf) - done)) > 0)
		done += got;
	CHECK_EQ(got, 0);
	CHECK_EQ(done, PLAIN_SIZE);
	CHECK(is_pattern(buf, done, 0));
	CHECK_EQ(pread(fd, buf, 100, PLAIN_SIZE - 50), 50);
	CHECK(is_pattern(buf, 50, PLAIN_SIZE - 50));
	close(fd);
}

static int nr_entries(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int nr = 0;

	CHECK(dir);
	while ((entry = readdir(dir)))
		nr += entry->d_name[0] != '.';
	closedir(dir);
	return nr;
}

static void blobs_come_and_go(void)
{
	int fd, before;
	char byte;

	before = nr_entries(KHO "out/sub_fdts");
	CHECK(!guest_insmod(MODULE, ""));
	check_plain(KHO "out/sub_fdts/test-plain");
	/* The blob with the odd name has no file. */
	CHECK_EQ(nr_entries(KHO "out/sub_fdts"), before + 3);

	fd = open_file(KHO "out/sub_fdts/test-plain");
	CHECK_EQ(read(fd, &byte, 1), 1);
	CHECK(!guest_rmmod(MODULE));
	CHECK_ERRNO(read(fd, &byte, 1), EIO);
	close(fd);
	CHECK_ERRNO(open(KHO "out/sub_fdts/test-plain", O_RDONLY), ENOENT);
	CHECK_EQ(nr_entries(KHO "out/sub_fdts"), before);
}

static void __noreturn read_for_ever(void)
{
	static char buf[4096];
	ssize_t got;
	int fd;

	for (;;) {
		free(guest_read_file(KHO "out/summary"));
		free(guest_read_file(KHO "out/fdt"));
		fd = open(KHO "out/sub_fdts/test-plain", O_RDONLY);
		if (fd < 0)
			continue;
		got = read(fd, buf, sizeof(buf));
		if (got > 0 && !is_pattern(buf, got, 0))
			_exit(1);
		close(fd);
	}
}

static void blobs_go_while_read(void)
{
	int status, i;
	pid_t pid;

	pid = fork();
	CHECK(pid >= 0);
	if (!pid)
		read_for_ever();
	for (i = 0; i < 50; i++) {
		CHECK(!guest_insmod(MODULE, ""));
		CHECK(!guest_rmmod(MODULE));
	}
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
}

/* ---- the check of the handover ---- */

static void check_verify(const char *expected)
{
	char *text = guest_text_of(KHO "out/verify");

	CHECK(!strcmp(text, expected));
	free(text);
}

static void damage_stops_kexec(void)
{
	check_verify("no damage found\n");
	CHECK(!guest_load_image(0));
	CHECK(!guest_insmod(MODULE, "lost_now=1"));
	guest_log_mark();
	check_verify("damaged: see the kernel log\n");
	CHECK(guest_log_since("KHO: outgoing blob 'test-lost' of 5 bytes at"));

	guest_log_mark();
	CHECK_ERRNO(guest_kexec(), EIO);
	CHECK(guest_log_since("KHO: outgoing blob 'test-lost' of 5 bytes at"));
	CHECK(guest_log_since("KHO: kexec given up: what is handed over is damaged"));
	CHECK(!guest_rmmod(MODULE));
	check_verify("no damage found\n");
	CHECK(!guest_unload_image(0));
}

/* ---- what was handed over ---- */

static void blobs_are_kept_for_reading_before(void)
{
	CHECK(!guest_insmod(MODULE, ""));
}

static void check_incoming_blobs(void)
{
	check_plain(KHO "in/sub_fdts/test-plain");
	check_read_fails(KHO "in/sub_fdts/test-large", EFBIG);
	check_read_fails(KHO "in/sub_fdts/test-lost", EINVAL);
}

static void blobs_are_kept_for_reading_after(void)
{
	char *before, *after;
	int order;

	check_incoming_blobs();
	before = guest_text_of(KHO "in/summary");
	CHECK(!strncmp(before, "version: \"kho-v4;radix-v1;vmalloc-v1\"\n", 38));
	check_line(before, "\"test-plain\" 12188 bytes at 0x", ", not restored");
	check_line(before, "\"test-large\" 65537 bytes", ", not restored");
	check_line(before, "\"test-odd\\n\\\"\\\\\\x9b\" 1 bytes", ", not restored");
	check_line(before, "\"test-lost\"", ", not in preserved memory");
	check_line(before, "\"kexec-metadata\"", ", restored");
	CHECK_EQ(nr_blocks(before, 4), 3);
	CHECK_EQ(nr_blocks(before, 7), 2);

	CHECK(!guest_insmod(MODULE, "restore=1"));
	check_incoming_blobs();
	after = guest_text_of(KHO "in/summary");
	check_line(after, "\"test-plain\"", ", restored");
	check_line(after, "\"test-large\"", ", restored");
	for (order = 0; order <= MAX_ORDER; order++)
		CHECK_EQ(nr_blocks(before, order) - nr_blocks(after, order),
			 nr_blobs(order));
	free(before);
	free(after);
}

/* { u32 version; char previous_release[65]; u32 kexec_count; } */
static void restored_blob_can_be_read(void)
{
	unsigned char metadata[73];
	int fd, count;

	fd = open_file(KHO "in/sub_fdts/kexec-metadata");
	CHECK_EQ(read(fd, metadata, sizeof(metadata)), sizeof(metadata));
	CHECK_EQ(read(fd, metadata, 1), 0);
	close(fd);
	CHECK_EQ(metadata[0], 1);
	memcpy(&count, metadata + 69, sizeof(count));
	CHECK_EQ(count, 1);
}

/* blobs_are_kept_for_reading_before() must come last in the first kernel. */
static const struct guest_test debugfs_tests[] = {
	GUEST_TEST(nothing_came_in),
	GUEST_TEST_IN_BOTH(scratch_is_as_logged),
	GUEST_TEST_IN_BOTH(dtc_reads_fdts),
	GUEST_TEST_IN_BOTH(summary_in_small_parts),
	GUEST_TEST_IN_BOTH(ranges_add_up),
	GUEST_TEST_IN_BOTH(image_is_judged),
	GUEST_TEST(readers_leave_kexec_alone),
	GUEST_TEST(counts_follow_preservation),
	GUEST_TEST(blobs_come_and_go),
	GUEST_TEST(blobs_go_while_read),
	GUEST_TEST(damage_stops_kexec),
	GUEST_TEST_IN_2ND(restored_blob_can_be_read),
	GUEST_TEST_IN_BOTH(files_are_for_root),
	GUEST_TEST_OF_2(blobs_are_kept_for_reading),
};

GUEST_SUITE(debugfs, 2, .need = "debugfs " MODULE)
