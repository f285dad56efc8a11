// SPDX-License-Identifier: GPL-2.0
/*
 * debugfs: sessions and files in the summaries of kexec handover
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../luo.h"

#define MANY		2000
#define ODD_NAME	"odd\n  session \"x\"\\\x9b\xff"
#define ODD_QUOTED	"\"odd\\n  session \\\"x\\\"\\\\\\x9b\\xff\""
#define MEMFD		"handler \"memfd-v3;vmalloc-v1\""
#define HUGE_MEMFD	"handler \"memfd-hugetlb-v1;vmalloc-v1\""

/* Return how often @text is in @summary. */
static int nr_found(const char *summary, const char *text)
{
	const char *at = summary;
	int nr = 0;

	while ((at = strstr(at, text))) {
		at += strlen(text);
		nr++;
	}
	return nr;
}

void check_found(const char *path, const char *text, int wanted)
{
	char *summary = guest_text_of(path);
	int nr = nr_found(summary, text);

	free(summary);
	if (nr != wanted)
		guest_fail(__FILE__, __LINE__, "'%s' is %d times in %s, not %d",
			   text, nr, path, wanted);
}

/* ---- outgoing ---- */

static void outgoing_is_listed(void)
{
	int one, odd;

	check_found(OUT_SUMMARY, "\nLUO: version \"luo-v5;block-v1\", live update 1 ", 1);
	one = new_session("one");
	odd = new_session(ODD_NAME);
	check_found(OUT_SUMMARY, "\n  session \"one\", 0 files, open\n", 1);
	CHECK(!luo_preserve(one, new_file(PAGE, 1), 0));
	CHECK(!luo_preserve(one, new_file(PAGE, 2), ~0ULL));
	CHECK(!luo_preserve(odd, new_file(PAGE, 3), 0x2a));
	check_found(OUT_SUMMARY, "\n  session \"one\", 2 files, open\n"
		    "    token 0x0, " MEMFD ", preserved, 4096 bytes\n"
		    "    token 0xffffffffffffffff, " MEMFD ", preserved, 4096 bytes\n"
		    "  session " ODD_QUOTED ", 1 files, open\n"
		    "    token 0x2a, " MEMFD ", preserved, 4096 bytes\n", 1);

	close(odd);
	check_found(OUT_SUMMARY, ODD_QUOTED, 0);
	check_found(OUT_SUMMARY, "0x2a", 0);
	check_found(OUT_SUMMARY, "\n  session \"one\", 2 files, open\n", 1);
	close(one);
	check_found(OUT_SUMMARY, "\n  session ", 0);
	check_found(OUT_SUMMARY, "\n    token ", 0);
}

static int session_of_many(const char *name)
{
	int session = new_session(name);
	int fd, i;

	for (i = 0; i < MANY; i++) {
		fd = new_memfd(0);
		CHECK(!luo_preserve(session, fd, i));
		close(fd);
	}
	return session;
}

static void many_files_come_in_order(void)
{
	int session = session_of_many("many");
	char *summary = guest_text_of(OUT_SUMMARY);
	const char *at = summary;
	char token[64];
	int i;

	CHECK_EQ(nr_found(summary, "\n    token "), MANY);
	for (i = 0; i < MANY; i++) {
		snprintf(token, sizeof(token), "\n    token 0x%x, ", i);
		at = strstr(at, token);
		CHECK(at);
	}
	free(summary);
	close(session);
}

/* A reader gets the state at its first read(), even if sessions are closed later. */
static void closed_session_stays_in_read_summary(void)
{
	static char buf[1 << 20];
	int many = session_of_many("many");
	int next = new_session("next");
	int last = new_session("last");
	int fd = open(OUT_SUMMARY, O_RDONLY | O_CLOEXEC);
	ssize_t got, len = 0;

	CHECK(fd >= 0 && next >= 0 && last >= 0);
	while (!strstr(buf, "    token ")) {
		got = read(fd, buf + len, PAGE);
		CHECK(got > 0);
		len += got;
	}
	close(many);
	close(next);
	while ((got = read(fd, buf + len, sizeof(buf) - 1 - len)) > 0)
		len += got;
	CHECK_EQ(got, 0);
	close(fd);
	CHECK_EQ(nr_found(buf, "\n    token "), MANY);
	CHECK_EQ(nr_found(buf, "\n  session \"many\", "), 1);
	CHECK_EQ(nr_found(buf, "\n  session \"next\", "), 1);
	CHECK_EQ(nr_found(buf, "\n  session \"last\", 0 files, open\n"), 1);
	check_found(OUT_SUMMARY, "\n    token ", 0);
	close(last);
}

static void __noreturn read_for_ever(void)
{
	for (;;) {
		free(guest_read_file(OUT_SUMMARY));
		free(guest_read_file(IN_SUMMARY));
	}
}

static pid_t start_reader(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid)
		read_for_ever();
	return pid;
}

static void stop_reader(pid_t pid)
{
	CHECK(!kill(pid, SIGKILL));
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

static void sessions_go_while_read(void)
{
	int sessions[10] = { 0 };
	char name[16];
	pid_t pid;
	int i, j;

	free(guest_text_of(OUT_SUMMARY));
	pid = start_reader();
	for (i = 0; i < 300; i++) {
		int *session = &sessions[i % ARRAY_SIZE(sessions)];

		if (*session)
			close(*session);
		snprintf(name, sizeof(name), "%d", i);
		*session = new_session(name);
		for (j = 0; j < 10; j++) {
			int fd = new_memfd(0);

			CHECK(!luo_preserve(*session, fd, j));
			close(fd);
		}
	}
	stop_reader(pid);
}

/* ---- incoming ---- */

static void load_handler(void)
{
	CHECK(!guest_insmod(HANDLER, guest_kernel() == 1 ? "" :
				     "fail_retrieve=501"));
}

static void incoming_is_listed_before(void)
{
	int session = new_session("in");
	int odd = new_session(ODD_NAME);

	CHECK(!luo_preserve(session, new_file(PAGE, 1), 1));
	CHECK(!luo_preserve(session, new_file(PAGE, 2), 2));
	CHECK(!luo_preserve(odd, new_file(PAGE, 3), 3));
	check_found(IN_SUMMARY, "\nLUO: nothing was handed over\n", 1);
}

static void check_not_listed(void)
{
	check_found(IN_SUMMARY, "\nLUO: version \"luo-v5;block-v1\", live update 1 ", 1);
	check_found(OUT_SUMMARY, "\nLUO: version \"luo-v5;block-v1\", live update 2 ", 1);
	check_found(IN_SUMMARY, "\nsessions: not listed, ", 1);
	check_found(IN_SUMMARY, "  session ", 0);
}

static void incoming_is_listed_after(void)
{
	int dev, session;

	/* Opening a device blocks others that are opened, so it must not take long. */
	check_not_listed();
	dev = open_device();
	check_not_listed();
	CHECK_ERRNO(luo_retrieve(dev, "never created"), ENOENT);
	close(dev);
	check_found(IN_SUMMARY, "\n  session \"in\", 2 files, waiting\n"
		    "    token 0x1, " MEMFD ", waiting\n"
		    "    token 0x2, " MEMFD ", waiting\n"
		    "  session " ODD_QUOTED ", 1 files, waiting\n"
		    "    token 0x3, " MEMFD ", waiting\n", 1);

	session = old_session("in");
	close(old_file(session, 2));
	check_found(IN_SUMMARY, "\n  session \"in\", 2 files, retrieved\n"
		    "    token 0x1, " MEMFD ", waiting\n"
		    "    token 0x2, " MEMFD ", retrieved, 4096 bytes\n", 1);

	CHECK(!luo_finish(session));
	check_found(IN_SUMMARY, "\n  session \"in\", 0 files, retrieved\n"
		    "  session " ODD_QUOTED, 1);
	close(session);
	check_found(IN_SUMMARY, "\n  session \"in\"", 0);
	check_found(IN_SUMMARY, "\n  session " ODD_QUOTED ", 1 files, waiting\n", 1);
}

static void failed_retrieve_is_listed_before(void)
{
	load_handler();
	CHECK(!luo_preserve(new_session("failing"), new_number(501), 1));
	check_found(OUT_SUMMARY, "handler \"luo-test-file-v1\", preserved\n", 1);
}

static void failed_retrieve_is_listed_after(void)
{
	int session;

	load_handler();
	session = old_session("failing");
	CHECK_ERRNO(luo_retrieve_fd(session, 1), EREMOTEIO);
	check_found(IN_SUMMARY, "handler \"luo-test-file-v1\", failed (-", 1);
}

/* ---- huge pages ---- */

/* Add up the pages of all nodes. @note follows the node. */
static long nr_huge_pages(const char *path, const char *note)
{
	long kib = guest_meminfo("Hugepagesize"), nr, bytes, sum = 0;
	char *summary = guest_text_of(path), *line = summary;
	char start[64], format[128];
	int node;

	snprintf(start, sizeof(start), "\nhuge pages of %ld KiB on node ", kib);
	snprintf(format, sizeof(format), "%s%%d%s: %%ld pages, %%ld bytes\n", start, note);
	for (; (line = strstr(line, start)); line++) {
		if (sscanf(line, format, &node, &nr, &bytes) != 3)
			continue;
		CHECK_EQ(bytes, nr * kib * 1024);
		sum += nr;
	}
	free(summary);
	return sum;
}

static void check_huge_pages(long out, long in)
{
	CHECK_EQ(nr_huge_pages(OUT_SUMMARY, ""), out);
	CHECK_EQ(nr_huge_pages(IN_SUMMARY, ", not retrieved"), in);
}

static void huge_pages_are_listed_before(void)
{
	int session, fd = memfd_create("huge", MFD_HUGETLB | MFD_CLOEXEC);
	long size = guest_meminfo("Hugepagesize") * 1024;
	char text[128], *map;

	if (fd < 0 || guest_write_file("/proc/sys/vm/nr_hugepages", "2") ||
	    guest_meminfo("HugePages_Total") < 2)
		guest_skip("no huge pages");
	CHECK(!ftruncate(fd, 3 * size));
	map = mmap(NULL, 3 * size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	CHECK(map != MAP_FAILED);
	map[0] = 1;

	session = new_session("huge pages");
	CHECK(!luo_preserve(session, fd, 7));
	snprintf(text, sizeof(text), "    token 0x7, " HUGE_MEMFD ", preserved, %ld bytes\n",
		 3 * size);
	check_found(OUT_SUMMARY, text, 1);
	check_huge_pages(1, 0);
	close(session);
	check_huge_pages(0, 0);

	CHECK(!luo_preserve(new_session("huge pages"), fd, 7));
	map[2 * size] = 1;
	check_huge_pages(1, 0);
}

/* The page that was added last was preserved by reboot(). */
static void huge_pages_are_listed_after(void)
{
	int session = old_session("huge pages");

	check_huge_pages(2, 2);
	close(old_file(session, 7));
	check_huge_pages(0, 0);
	finish_and_close(session);
	check_huge_pages(0, 0);
}

static void finish_while_read_before(void)
{
	close(new_memfd(0));
	session_of_many("finish_while_read");
}

static void finish_while_read_after(void)
{
	pid_t pid;
	int session, i;

	session = old_session("finish_while_read");
	pid = start_reader();
	for (i = 0; i < MANY; i += 10)
		close(old_file(session, i));
	finish_and_close(session);
	stop_reader(pid);
	check_found(IN_SUMMARY, "finish_while_read", 0);
}

/* incoming_is_listed_after() must be the first to open the device. */
static const struct guest_test debugfs_tests[] = {
	GUEST_TEST(outgoing_is_listed),
	GUEST_TEST(many_files_come_in_order),
	GUEST_TEST(closed_session_stays_in_read_summary),
	GUEST_TEST(sessions_go_while_read),
	GUEST_TEST_OF_2(incoming_is_listed),
	GUEST_TEST_OF_2(failed_retrieve_is_listed),
	GUEST_TEST_OF_2(huge_pages_are_listed),
	GUEST_TEST_OF_2(finish_while_read),
};

GUEST_SUITE(debugfs, 2, .need = "debugfs " HANDLER)
