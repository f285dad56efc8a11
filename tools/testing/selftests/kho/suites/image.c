// SPDX-License-Identifier: GPL-2.0
/*
 * image, early: where kexec images lie, and how much scratch they need
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <fcntl.h>
#include <linux/kexec.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../kho.h"

/* Read the segments of the last image from the log of kexec_file_load(). */
static int read_segments(struct ranges *out)
{
	char *log = guest_log();
	const char *at, *last = NULL;

	out->nr = 0;
	for (at = log; at && (at = strstr(at, "nr_segments = ")); at++)
		last = at;
	for (at = last; at && (at = strstr(at, "mem=")); at++) {
		struct range *r = &out->r[out->nr];
		unsigned long long size;

		if (sscanf(at, "mem=%llx memsz=%llx", &r->start, &size) != 2)
			continue;
		r->end = r->start + size - 1;
		if (++out->nr == MAX_RANGES)
			break;
	}
	free(log);
	return out->nr ? 0 : -1;
}

static void all_within(const struct ranges *inner, const struct ranges *outer)
{
	int i;

	for (i = 0; i < inner->nr; i++) {
		if (!within(outer, &inner->r[i]))
			guest_fail(__FILE__, __LINE__,
				   "segment [%#llx-%#llx] lies elsewhere",
				   inner->r[i].start, inner->r[i].end);
	}
}

static void load_and_read(unsigned long flags, struct ranges *segments)
{
	CHECK(!guest_load_image(flags | KEXEC_FILE_DEBUG));
	CHECK(!read_segments(segments));
}

static void segments_lie_in_scratch(void)
{
	struct ranges segments, scratch;

	load_and_read(0, &segments);
	need_scratch(&scratch);
	/* purgatory, boot parameters, kernel, initrd, FDT, scratch array */
	CHECK(segments.nr >= 4);
	all_within(&segments, &scratch);
}

static void crash_image_lies_in_crash_region(void)
{
	struct ranges segments, region, scratch;
	int i;

	if (read_iomem(&region, "Crash kernel"))
		guest_skip("no memory is reserved for a crash kernel");
	load_and_read(KEXEC_FILE_ON_CRASH, &segments);
	all_within(&segments, &region);
	CHECK(!read_scratch(&scratch));
	for (i = 0; i < segments.nr; i++)
		CHECK(!within(&scratch, &segments.r[i]));
}

static void check_file_says(const char *path, const char *wanted)
{
	char *text = guest_text_of(path);

	CHECK(!strcmp(text, wanted));
	free(text);
}

static void crash_image_unloads(void)
{
	CHECK(!guest_load_image(KEXEC_FILE_ON_CRASH));
	check_file_says("/sys/kernel/kexec_crash_loaded", "1\n");
	CHECK(!guest_unload_image(KEXEC_FILE_ON_CRASH));
	check_file_says("/sys/kernel/kexec_crash_loaded", "0\n");
}

/* Scratch has room for one image after another, also in the second kernel. */
static void image_unloads(void)
{
	int i;

	for (i = 0; i < 3; i++) {
		CHECK(!guest_load_image(0));
		CHECK(!guest_unload_image(0));
	}
	CHECK_ERRNO(guest_kexec(), EINVAL);
}

/* Return the size of a segment that does not fit into any region of scratch. */
static unsigned long long too_large(void)
{
	unsigned long long largest = 0;
	struct ranges scratch;
	int i;

	need_scratch(&scratch);
	for (i = 0; i < scratch.nr; i++)
		if (range_size(&scratch.r[i]) > largest)
			largest = range_size(&scratch.r[i]);
	return largest + 1;
}

static void large_initrd_has_no_room(void)
{
	static const char path[] = "/tmp/large";
	unsigned long long size = too_large();
	char text[80];

	/* A file that is open for writing can't be loaded. */
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	CHECK(!truncate(path, size));
	guest_log_mark();
	CHECK_ERRNO(guest_load_kernel("/kernel", path, "", 0), EADDRNOTAVAIL);
	CHECK(!unlink(path));
	snprintf(text, sizeof(text), "KHO: no room in scratch for %llu bytes",
		 (size + PAGE - 1) / PAGE * PAGE);
	CHECK(guest_log_since(text));
	CHECK(!guest_load_image(0));
	CHECK(!guest_unload_image(0));
}

static void preserve_refuses_scratch(void)
{
	struct ranges scratch;
	char args[256] = "scratch=";
	size_t len = strlen(args);
	int i;

	guest_need_module("kho_scratch_test");
	need_scratch(&scratch);
	for (i = 0; i < scratch.nr && len < sizeof(args); i++)
		len += snprintf(args + len, sizeof(args) - len,
				"%s0x%llx,0x%llx", i ? "," : "",
				scratch.r[i].start, scratch.r[i].end);
	guest_log_mark();
	CHECK(!guest_insmod("kho_scratch_test", args));
	CHECK(guest_log_since("kho_scratch_test: refused"));
	CHECK(!guest_rmmod("kho_scratch_test"));
}

/* ---- kernels whose image has been changed; each architecture has its own ---- */

static int load_bare_kernel(const char *path)
{
	return guest_load_kernel(path, NULL, "", 0);
}

#if defined(__x86_64__)

static void make_unaware(unsigned char *kernel, size_t size)
{
	/* struct kernel_info: this magic, two sizes, then the highest setup_data type */
	static const char magic[] = { 'L', 'T', 'o', 'P' };
	unsigned int type = 9 | 1U << 31;
	unsigned char *info;

	/* The boot protocol's setup_sects and kernel_info_offset */
	info = kernel + (kernel[0x1f1] + 1) * 512 +
	       *(unsigned int *)(kernel + 0x268);
	CHECK(info + 16 <= kernel + size);
	CHECK(!memcmp(info, magic, sizeof(magic)));
	CHECK_EQ(*(unsigned int *)(info + 12), 10 | 1U << 31);
	memcpy(info + 12, &type, sizeof(type));
}

static void unaware_kernel_is_warned_about(void)
{
	guest_change_kernel(make_unaware);

	guest_log_mark();
	CHECK(!load_bare_kernel("/kernel"));
	CHECK(!guest_log_since("does not support kexec handover"));
	CHECK(!load_bare_kernel(GUEST_CHANGED_KERNEL));
	CHECK(guest_log_since("does not support kexec handover"));
	CHECK(!guest_unload_image(0));
	CHECK(!unlink(GUEST_CHANGED_KERNEL));
}

#define ARCH_IMAGE_TEST	GUEST_TEST(unaware_kernel_is_warned_about)

#elif defined(__aarch64__)

/* Two bits of the header's flags give the page size: 4, 16 or 64 KiB; 0 if unknown */
#define IMAGE_FLAGS	24
#define IMAGE_PAGE_MASK	0x6

static unsigned char image_page_bits(const unsigned char *kernel)
{
	return kernel[IMAGE_FLAGS] & IMAGE_PAGE_MASK;
}

static unsigned char other_page_bits;

static void change_page_size(unsigned char *kernel, size_t size)
{
	other_page_bits = (other_page_bits + 2) & IMAGE_PAGE_MASK;
	if (other_page_bits == image_page_bits(kernel))
		other_page_bits = (other_page_bits + 2) & IMAGE_PAGE_MASK;
	kernel[IMAGE_FLAGS] &= ~IMAGE_PAGE_MASK;
	kernel[IMAGE_FLAGS] |= other_page_bits;
}

static bool log_names_page_sizes(void)
{
	static const int kib[] = { 0, 4, 16, 64 };
	char text[128];

	if (!other_page_bits)
		return guest_log_since("kernel refused: its header lacks the page size");

	snprintf(text, sizeof(text),
		 "kernel refused: its page size is %d KiB, but kexec handover needs %d KiB",
		 kib[other_page_bits / 2], PAGE / 1024);
	return guest_log_since(text);
}

/* An image that is refused leaves the loaded one in place. */
static void other_page_size_is_refused(void)
{
	int i;

	CHECK(!load_bare_kernel("/kernel"));
	for (i = 0; i < 3; i++) {
		guest_change_kernel(change_page_size);
		guest_log_mark();
		CHECK_ERRNO(load_bare_kernel(GUEST_CHANGED_KERNEL), EINVAL);
		CHECK(log_names_page_sizes());
		check_file_says("/sys/kernel/kexec_loaded", "1\n");
	}
	CHECK(!guest_unload_image(0));
	CHECK(!unlink(GUEST_CHANGED_KERNEL));
}

#define ARCH_IMAGE_TEST	GUEST_TEST(other_page_size_is_refused)

#endif

static const struct guest_test image_tests[] = {
	GUEST_TEST_IN_BOTH(segments_lie_in_scratch),
	GUEST_TEST_IN_BOTH(crash_image_lies_in_crash_region),
	GUEST_TEST_IN_BOTH(crash_image_unloads),
	GUEST_TEST_IN_BOTH(image_unloads),
	ARCH_IMAGE_TEST,
	GUEST_TEST_IN_BOTH(large_initrd_has_no_room),
	GUEST_TEST_IN_BOTH(preserve_refuses_scratch),
};

GUEST_SUITE(image, 2)

/* ---- early: enough scratch for a kernel that reads the map early, and for no other ---- */

/* Offset in the note, and what is written there */
static size_t note_offset;
static unsigned char note_value;

static void change_note(unsigned char *kernel, size_t size)
{
	guest_change_note(kernel, size, note_offset, note_value);
}

static void load_with_note_changed(size_t offset, unsigned char value)
{
	note_offset = offset;
	note_value = value;
	guest_change_kernel(change_note);
	guest_log_mark();
	if (guest_load_kernel(GUEST_CHANGED_KERNEL, guest_initrd(), "kho=on", 0))
		CHECK_EQ(errno, EADDRNOTAVAIL);
	else
		CHECK(!guest_unload_image(0));
	CHECK(!unlink(GUEST_CHANGED_KERNEL));
}

/* The image fits, but a kernel that reads the map late would die without a message. */
static void late_kernel_is_refused(void)
{
	static const struct {
		size_t offset;
		unsigned char value;
	} changes[] = {
		{ 0, 'X' },	/* magic */
		{ 4, 36 },	/* size: too small, does not fit */
		{ 6, 1 },
		{ 8, 0 },	/* version */
		{ 8, 2 },
		{ 12, 0 },	/* flags */
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(changes); i++) {
		load_with_note_changed(changes[i].offset, changes[i].value);
		CHECK(guest_log_since("KHO: scratch of 160 MiB is too small"));
		CHECK(guest_log_next("% would do"));
		CHECK(!guest_log_since("KHO: no room in scratch"));
	}
}

/* Page tables for base pages would need 2 MiB a GiB if pages are of 4 KiB. */
static void unknown_flags_are_ignored(void)
{
	load_with_note_changed(15, 0x80);
	CHECK(!guest_log_since("KHO: scratch of"));
	CHECK(!guest_log_since("can't read"));
}

static void other_versions_are_warned_about(void)
{
	/* Lowest version of the root FDT; highest of the radix tree */
	load_with_note_changed(16, 99);
	CHECK(guest_log_since("can't read what this kernel hands over"));
	load_with_note_changed(22, 0);
	CHECK(guest_log_since("can't read what this kernel hands over"));
}

/* Kernels that are not confined to scratch can be started. */
static void kernel_without_kho_loads(void)
{
	note_offset = 0;
	guest_change_kernel(change_note);
	CHECK(!guest_load_kernel(GUEST_CHANGED_KERNEL, guest_initrd(), "kho=off", 0));
	CHECK(!guest_unload_image(0));
	CHECK(!unlink(GUEST_CHANGED_KERNEL));
}

static const struct guest_test early_tests[] = {
	GUEST_TEST(late_kernel_is_refused),
	GUEST_TEST(unknown_flags_are_ignored),
	GUEST_TEST(other_versions_are_warned_about),
	GUEST_TEST(kernel_without_kho_loads),
	{ "kept_with_little_scratch", { preserve_all, restore_all } },
};

GUEST_SUITE(early, 2)
