// SPDX-License-Identifier: GPL-2.0
/*
 * cmdline: next kernels that would lose a handover, by their command line or their note
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../luo.h"

#define ON	"kho=on liveupdate=on "

static void load_with(const char *cmdline)
{
	guest_log_mark();
	CHECK(guest_initrd());
	CHECK(!guest_load_kernel("/kernel", guest_initrd(), cmdline, 0));
}

/* The loaded image does not boot as long as there is a session. */
static void check_loaded_is_refused(const char *reason)
{
	char text[128];

	guest_log_mark();
	CHECK_ERRNO(guest_kexec(), EINVAL);
	snprintf(text, sizeof(text), "LUO: the loaded image can't carry 1 session(s): %s",
		 reason);
	CHECK(guest_log_since(text));
}

static void check_refused(const char *cmdline, const char *reason)
{
	guest_note("%s", cmdline);
	load_with(cmdline);
	check_loaded_is_refused(reason);
}

static void check_all_refused(const char *const *cmdlines, size_t nr,
			      const char *reason)
{
	int session = new_session("refused");
	int fd = new_file(3 * PAGE, 1);
	size_t i;

	CHECK(!luo_preserve(session, fd, 1));
	for (i = 0; i < nr; i++)
		check_refused(cmdlines[i], reason);
	check_frozen(fd, 3 * PAGE);
	close(session);
	check_thawed(fd);
	CHECK(!guest_unload_image(0));
}

/* ---- kho=, liveupdate=, elfcorehdr= ---- */

static void kho_off_is_refused(void)
{
	static const char *const cmdlines[] = {
		ON "kho=off", ON "kho=0", ON "kho=n", ON "kho=False", ON "\"kho=off\"",
		ON "kho=\"off\"", ON "kho=off kho=maybe", ON "kho=off kho",
		ON "kho=off -- kho=on",
	};

	check_all_refused(cmdlines, ARRAY_SIZE(cmdlines), "kho= on");
}

static void liveupdate_off_is_refused(void)
{
	static const char *const cmdlines[] = {
		ON "liveupdate=off", ON "liveupdate=0", ON "liveupdate=off liveupdate=",
		"liveupdate=off kho=on",
	};

	check_all_refused(cmdlines, ARRAY_SIZE(cmdlines), "liveupdate= on");
}

static void crash_kernel_is_refused(void)
{
	static const char *const cmdlines[] = { ON "elfcorehdr=1M" };

	check_all_refused(cmdlines, ARRAY_SIZE(cmdlines), "elfcorehdr= on");
}

static bool warns_about(const char *option)
{
	char text[128];

	snprintf(text, sizeof(text), "KHO: %s= is not on the command line of the loaded kernel",
		 option);
	return guest_log_since(text);
}

static void missing_options_are_warned_about(void)
{
	static const struct {
		const char *cmdline;
		bool kho, liveupdate;
	} lines[] = {
		{ ON, false, false },
		{ "kho=off liveupdate=0", false, false },
		{ "", true, true },
		{ "kho=on", false, true },
		{ "kho=maybe liveupdate=on", true, false },
		{ "liveupdate=on -- kho=on", true, false },
		{ "kho=on kho.liveupdate=on liveupdate", false, true },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		load_with(lines[i].cmdline);
		CHECK_EQ(warns_about("kho"), lines[i].kho);
		CHECK_EQ(warns_about("liveupdate"), lines[i].liveupdate);
	}
	CHECK(!guest_unload_image(0));
}

/* ---- mem=, memmap= ---- */

static void less_memory_is_refused(void)
{
	static const char *const cmdlines[] = {
#if defined(__x86_64__)
		ON "mem=1G mem=64G", ON "memmap=512M", ON "memmap=exactmap,1G@0",
		ON "memmap=4K#1T,1G", ON "memmap=64G$128M", ON "memmap=64G%128M-1+2",
#endif
		ON "mem=1G", ON "mem=0x40000000", ON "mem=\"1048576k\"",
	};

	check_all_refused(cmdlines, ARRAY_SIZE(cmdlines), "mem= or memmap= on");
}

#if defined(__x86_64__)
/*
 * Leave out the page and the two before it. In these there are more ranges than the
 * kernel records.
 */
static void leave_much_out(char *cmdline, size_t size, unsigned long long page)
{
	unsigned long long addr = page - 2 * PAGE;
	size_t len = snprintf(cmdline, size, ON "memmap=");
	int i;

	for (i = 0; i < 31; i++, addr += 2)
		len += snprintf(cmdline + len, size - len, "1%%%#llx-1,", addr);
	len += snprintf(cmdline + len, size - len, "8K%%%#llx-1,1@%#llx", page - PAGE,
			page - PAGE + 2);
	CHECK(len < size);
}

static void preserved_page_is_refused(void)
{
	int session = new_session("preserved_page_is_refused");
	int fd = new_file(PAGE, 1);
	char *page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	/* Memory that is given another type is not RAM, even if an option adds it as RAM. */
	static const char *const formats[] = {
		ON "memmap=1K$%#llx", ON "memmap=1K$%#llx memmap=64G@0",
		ON "memmap=1K%%%#llx-1+2,64G@0", ON "memmap=1K!%#llx,64G%%0+1",
	};
	char cmdline[2048];
	size_t i;

	CHECK(page != MAP_FAILED);
	CHECK(!luo_preserve(session, fd, 1));
	CHECK(!madvise(page, PAGE, MADV_POPULATE_READ));
	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		snprintf(cmdline, sizeof(cmdline), formats[i],
			 guest_phys_of(page) + 1024);
		check_refused(cmdline, "mem= or memmap= on");
	}
	leave_much_out(cmdline, sizeof(cmdline), guest_phys_of(page));
	check_refused(cmdline, "mem= or memmap= on");
	munmap(page, PAGE);
	close(session);
	CHECK(!guest_unload_image(0));
}

/* ---- a kernel without kexec handover ---- */

/* The image says so: its kernel_info has no setup_data of the type 10. */
static void make_unaware(unsigned char *kernel, size_t size)
{
	unsigned char *info = kernel + (kernel[0x1f1] + 1) * 512 +
			      *(unsigned int *)(kernel + 0x268);

	CHECK(info + 16 <= kernel + size);
	CHECK_EQ(info[12], 10);
	info[12] = 9;
}

static void kernel_without_kho_is_refused(void)
{
	int session = new_session("kernel_without_kho_is_refused");

	CHECK(!luo_preserve(session, new_file(PAGE, 1), 1));
	guest_change_kernel(make_unaware);
	CHECK(!guest_load_kernel(GUEST_CHANGED_KERNEL, NULL, ON, 0));
	check_loaded_is_refused("its kernel does not support kexec handover");
	close(session);
	CHECK(!guest_unload_image(0));
	CHECK(!unlink(GUEST_CHANGED_KERNEL));
}

#endif

/* ---- kernels that read other versions of files ---- */

/* Offsets of the highest versions in the note */
#define NOTE_MEMFD	38
#define NOTE_HUGETLB	42

#define CANT_READ	"LUO: the loaded kernel can't read '"

static void lose_memfds(unsigned char *kernel, size_t size)
{
	guest_change_note(kernel, size, NOTE_MEMFD, 2);
}

static void lose_huge_memfds(unsigned char *kernel, size_t size)
{
	guest_change_note(kernel, size, NOTE_HUGETLB, 0);
}

/* An older kernel: its note ends before the versions of memfds of huge pages. */
static void shorten_note(unsigned char *kernel, size_t size)
{
	guest_change_note(kernel, size, 4, 40);
}

static void load_changed(void (*change)(unsigned char *kernel, size_t size))
{
	guest_log_mark();
	guest_change_kernel(change);
	CHECK(!guest_load_kernel(GUEST_CHANGED_KERNEL, guest_initrd(), ON, 0));
	CHECK(!unlink(GUEST_CHANGED_KERNEL));
}

static void kernel_that_reads_no_memfds_is_refused(void)
{
	int other, session = new_session("kernel_that_reads_no_memfds");
	int fd = new_file(3 * PAGE, 1);

	other = new_session("no_files");
	load_changed(lose_memfds);
	CHECK(guest_log_since("KHO: the loaded kernel can't read memfds of this kernel"));
	CHECK(!luo_preserve(session, fd, 0x17));
	guest_log_mark();
	CHECK_ERRNO(guest_kexec(), EINVAL);
	CHECK(guest_log_since(CANT_READ "memfd-v3;vmalloc-v1', the file with token 0x17"));
	CHECK(guest_log_since("LUO: session 'kernel_that_reads_no_memfds' can't be handed over"));

	/* Everything is as before. */
	check_frozen(fd, 3 * PAGE);
	check_content(fd, 0, 3 * PAGE, 1);
	CHECK(!luo_preserve(session, new_file(PAGE, 2), 2));
	close(session);
	check_thawed(fd);
	close(other);
	CHECK(!guest_unload_image(0));
}

static int new_huge_file(void)
{
	int fd = memfd_create("huge", MFD_CLOEXEC | MFD_HUGETLB);

	if (fd < 0 || ftruncate(fd, 2 * MIB))
		guest_skip("there are no memfds of huge pages");
	return fd;
}

static void kernel_that_reads_no_huge_memfds_is_refused(void)
{
	static void (*const changes[])(unsigned char *kernel, size_t size) = {
		lose_huge_memfds, shorten_note,
	};
	int session = new_session("no_huge_memfds");
	int fd = new_huge_file();
	size_t i;

	if (luo_preserve(session, fd, 1))
		guest_skip("memfds of huge pages are not preserved");
	for (i = 0; i < ARRAY_SIZE(changes); i++) {
		load_changed(changes[i]);
		CHECK(guest_log_since("can't read memfds of huge pages of this kernel"));
		guest_log_mark();
		CHECK_ERRNO(guest_kexec(), EINVAL);
		CHECK(guest_log_since(CANT_READ "memfd-hugetlb-v1;vmalloc-v1', the file with"));
	}
	close(session);
	CHECK(!guest_unload_image(0));
}

/* ---- a kernel without MEMORY_FAILURE ---- */

/* Offset of the flags in the note, and the only one that is left */
#define NOTE_FLAGS	12
#define NOTE_EARLY_MAP	1

static void lose_memory_failure(unsigned char *kernel, size_t size)
{
	guest_change_note(kernel, size, NOTE_FLAGS, NOTE_EARLY_MAP);
}

static int failing_fd;

/* The mapping process is killed if the kernel has MEMORY_FAILURE. */
static int poison_first_page(void)
{
	void *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, failing_fd, 0);

	return madvise(map, PAGE, MADV_HWPOISON) && errno == EINVAL;
}

static void kernel_without_memory_failure_is_refused(void)
{
	int session = new_session("poisoned");

	failing_fd = new_file(3 * PAGE, 1);
	CHECK(!luo_preserve(session, failing_fd, 1));
	load_changed(lose_memory_failure);
	if (run_in_child(poison_first_page) == 1)
		guest_skip("no MEMORY_FAILURE");
	guest_log_mark();
	CHECK_ERRNO(guest_kexec(), EINVAL);
	CHECK(guest_log_since("the loaded kernel can't take over a file with 1 poisoned page"));
	CHECK(guest_log_since("LUO: session 'poisoned' can't be handed over"));

	/* Everything is as before. */
	check_content(failing_fd, PAGE, 2 * PAGE, 1);
	close(session);
	CHECK(!ftruncate(failing_fd, 0));
	close(failing_fd);
	CHECK(!guest_unload_image(0));
}

/* ---- command lines that keep everything ---- */

/*
 * The second kernel's options look like ones that lose it all, but do not. In the
 * third kernel, "--" makes them arguments of init.
 */
static const char *cmdline_append(int kernel)
{
	if (kernel == 3)
		return "-- kho=off liveupdate=off mem=64M";

	return "kho=off \"kho=on\" liveupdate=\"off\" liveupdate=Y liveupdate=2 mem=none "
#if defined(__x86_64__)
	       "mem=nopentium memmap=none memmap=64K$512K,4K#1T "
#else
	       "mem=64M "
#endif
	       "mem=64G";
}

static void all_is_carried_before(void)
{
	CHECK(!luo_preserve(new_session("all_is_carried"), new_file(MIB, 1), 1));
}

static void all_is_carried_between(void)
{
	int session = old_session("all_is_carried");

	check_content(old_file(session, 1), 0, MIB, 1);
	finish_and_close(session);
	all_is_carried_before();
}

static void all_is_carried_after(void)
{
	CHECK(guest_param_word("--"));
	check_content(old_file(old_session("all_is_carried"), 1), 0, MIB, 1);
}

static const struct guest_test cmdline_tests[] = {
	GUEST_TEST(kho_off_is_refused),
	GUEST_TEST(liveupdate_off_is_refused),
	GUEST_TEST(crash_kernel_is_refused),
	GUEST_TEST(missing_options_are_warned_about),
	GUEST_TEST(less_memory_is_refused),
#if defined(__x86_64__)
	GUEST_TEST(preserved_page_is_refused),
	GUEST_TEST(kernel_without_kho_is_refused),
#endif
	GUEST_TEST(kernel_that_reads_no_memfds_is_refused),
	GUEST_TEST(kernel_that_reads_no_huge_memfds_is_refused),
	GUEST_TEST(kernel_without_memory_failure_is_refused),
	GUEST_TEST_OF_3(all_is_carried),
};

GUEST_SUITE(cmdline, 3, .append = cmdline_append)
