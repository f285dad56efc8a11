// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover across real kexecs: the tests that run in the guest
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <fcntl.h>
#include <linux/kexec.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kho.h"

/* Ranges in every line of @text that holds @key. */
static void ranges_from_lines(struct ranges *out, const char *text,
			      const char *key, const char *fmt)
{
	const char *at = text;

	out->nr = 0;
	while (at && (at = strstr(at, key)) && out->nr < MAX_RANGES) {
		struct range *r = &out->r[out->nr];

		at += strlen(key);
		if (sscanf(at, fmt, &r->start, &r->end) == 2)
			out->nr++;
	}
}

int read_scratch(struct ranges *out)
{
	char *log = guest_log();

	if (!log)
		return -1;
	ranges_from_lines(out, log, "KHO: scratch: ", "[mem %llx-%llx]");
	free(log);
	return 0;
}

static bool within(const struct ranges *outer, const struct range *r)
{
	int i;

	for (i = 0; i < outer->nr; i++)
		if (r->start >= outer->r[i].start && r->end <= outer->r[i].end)
			return true;
	return false;
}

static bool overlaps(const struct ranges *ranges, const struct range *r)
{
	int i;

	for (i = 0; i < ranges->nr; i++)
		if (r->start <= ranges->r[i].end && ranges->r[i].start <= r->end)
			return true;
	return false;
}

static unsigned long long total_size(const struct ranges *ranges)
{
	unsigned long long total = 0;
	int i;

	for (i = 0; i < ranges->nr; i++)
		total += ranges->r[i].end - ranges->r[i].start + 1;
	return total;
}

/* The segments of the image that kexec_file_load() printed last. */
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

/* ---- chain: ten kexecs in a row ---- */

#define CHAIN_KERNELS	11

static void need_test_kho(void)
{
	if (!guest_has_module("test_kho"))
		guest_skip("test_kho.ko is not built");
}

static void preserve_all(void)
{
	need_test_kho();
	guest_log_mark();
	CHECK(!guest_insmod("test_kho", ""));
	CHECK(guest_log_since("test_kho: preserved"));
}

static void restore_all(void)
{
	need_test_kho();
	guest_log_mark();
	CHECK(!guest_insmod("test_kho", ""));
	CHECK(guest_log_since("test_kho: restored"));
}

static void restore_and_preserve(void)
{
	restore_all();
	CHECK(guest_log_since("test_kho: preserved"));
}

static long mem_total, mem_free;

static void read_memory(void)
{
	CHECK(!guest_write_file("/proc/sys/vm/drop_caches", "3"));
	mem_total = guest_meminfo("MemTotal");
	mem_free = guest_free_memory();
	CHECK(mem_total > 0 && mem_free > 0);
	guest_note("kernel %d: MemTotal %ld, free %ld KiB", guest_kernel(),
		   mem_total, mem_free);
}

/* The other steps and the later kernels find it here. */
static void keep_memory(void)
{
	FILE *file;

	read_memory();
	file = fopen("/tmp/memory", "w");
	CHECK(file);
	fprintf(file, "mem_total=%ld mem_free=%ld", mem_total, mem_free);
	CHECK(!fclose(file));
}

static bool within_percent(long a, long b)
{
	return labs(a - b) * 100 <= b;
}

static void compare_memory(void)
{
	const char *total = guest_param("mem_total");
	long old_total = total ? atol(total) : 0;
	const char *free = guest_param("mem_free");
	long old_free = free ? atol(free) : 0;

	CHECK(old_total > 0 && old_free > 0);
	read_memory();
	CHECK(within_percent(mem_total, old_total));
	CHECK(within_percent(mem_free, old_free));
}

static void count_kexecs(void)
{
	char line[64];
	char *log = guest_log();
	const char *from;

	snprintf(line, sizeof(line), "(count %d)", guest_kernel() - 1);
	CHECK(log);
	from = strstr(log, "KHO: exec from: ");
	CHECK(from);
	from = strstr(from, line);
	free(log);
	CHECK(from);
}

static void keep_scratch(void)
{
	struct ranges scratch;
	FILE *file;
	int i;

	CHECK(!read_scratch(&scratch));
	CHECK(scratch.nr > 0);
	file = fopen("/tmp/scratch", "w");
	CHECK(file);
	fprintf(file, " scratch=");
	for (i = 0; i < scratch.nr; i++)
		fprintf(file, "%llx-%llx,", scratch.r[i].start,
			scratch.r[i].end);
	CHECK(!fclose(file));
}

static void compare_scratch(void)
{
	const char *old = guest_param("scratch");
	struct ranges scratch;
	char now[256] = "";
	size_t len = 0;
	int i;

	CHECK(old);
	CHECK(!read_scratch(&scratch));
	for (i = 0; i < scratch.nr && len < sizeof(now); i++)
		len += snprintf(now + len, sizeof(now) - len, "%llx-%llx,",
				scratch.r[i].start, scratch.r[i].end);
	guest_note("kernel %d: %s", guest_kernel(), now);
	CHECK(!strcmp(old, now));
}

/*
 * What a kernel must know of an earlier one. The scratch of kernel 1 is known
 * only after its steps, so kernel 2 tells it to the ones that follow.
 */
static const char *chain_append(int kernel)
{
	static char append[512];
	char *memory, *scratch;

	if (kernel != 3)
		return NULL;
	memory = guest_read_file("/tmp/memory");
	scratch = guest_read_file("/tmp/scratch");
	snprintf(append, sizeof(append), "%s%s", memory ? memory : "",
		 scratch ? scratch : "");
	free(memory);
	free(scratch);
	return append;
}

static const struct guest_test chain_tests[] = {
	{ "same_memory_after_ten", {
		[1] = keep_memory,
		[9] = compare_memory,
	} },
	{ "same_scratch_after_ten", {
		[1] = keep_scratch,
		[2] = compare_scratch,
		[10] = compare_scratch,
	} },
	{ "kexecs_are_counted", {
		[1] = count_kexecs,
		[2] = count_kexecs,
		[10] = count_kexecs,
	} },
	/* In odd kernels the image is loaded before this, in even ones after. */
	{ "content_survives_ten", {
		[0] = preserve_all,
		[1 ... 9] = restore_and_preserve,
		[10] = restore_all,
	} },
};

static const struct guest_suite chain = {
	.name = "chain",
	.tests = chain_tests,
	.nr_tests = ARRAY_SIZE(chain_tests),
	.kernels = CHAIN_KERNELS,
	.load = GUEST_LOAD_IN_TURN,
	.append = chain_append,
};

/* ---- late: the image is loaded before anything is preserved ---- */

static const struct guest_test late_tests[] = {
	{ "preserved_after_load", { preserve_all, restore_all } },
};

static const struct guest_suite late = {
	.name = "late",
	.tests = late_tests,
	.nr_tests = ARRAY_SIZE(late_tests),
	.kernels = 2,
	.load = GUEST_LOAD_FIRST,
};

/* ---- kaslr: a kernel is put at a random place in scratch ---- */

static int read_text(struct range *text)
{
	char *iomem = guest_read_file("/proc/iomem");
	char *at = iomem ? strstr(iomem, " : Kernel code") : NULL;
	int found;

	if (!at)
		return -1;
	*at = '\0';
	at = strrchr(iomem, '\n');
	found = sscanf(at, " %llx-%llx", &text->start, &text->end);
	free(iomem);
	return found == 2 ? 0 : -1;
}

static void text_in_scratch(void)
{
	struct ranges scratch;
	struct range text;

	CHECK(!read_text(&text));
	CHECK(!read_scratch(&scratch));
	guest_note("kernel %d at %#llx", guest_kernel(), text.start);
	CHECK(within(&scratch, &text));
}

/* Where the kernels after a kexec were, for the next one */
static const char *kaslr_append(int kernel)
{
	static char append[256];
	const char *earlier = guest_param("text");
	struct range text;

	if (kernel > 2 && !read_text(&text))
		snprintf(append, sizeof(append), "text=%llx,%s", text.start,
			 earlier ? earlier : "");
	return append;
}

#ifdef __x86_64__
static void text_moves(void)
{
	const char *earlier = guest_param("text");
	struct range text;
	char here[32];

	if (guest_param_word("nokaslr"))
		guest_skip("KASLR is off");
	CHECK(earlier);
	CHECK(!read_text(&text));
	guest_note("now at %llx, before at %s", text.start, earlier);
	snprintf(here, sizeof(here), "%llx,", text.start);
	while (!strncmp(earlier, here, strlen(here)))
		earlier += strlen(here);
	CHECK(*earlier);
}
#endif

/*
 * That five are the same by chance is one in some 100,000. Other kernels than x86's
 * stay where kexec_file_load() puts them.
 */
static const struct guest_test kaslr_tests[] = {
	{ "kernel_lies_in_scratch", {
		[1 ... 5] = text_in_scratch,
	} },
#ifdef __x86_64__
	{ "kernel_moves", { [5] = text_moves } },
#endif
};

static const struct guest_suite kaslr = {
	.name = "kaslr",
	.tests = kaslr_tests,
	.nr_tests = ARRAY_SIZE(kaslr_tests),
	.kernels = 6,
	.append = kaslr_append,
	.drop = "text=",
};

/*
 * ---- bare: a kernel without initrd ----
 *
 * It has no root then and panics, which ends the guest. That it comes no
 * further is for the host to see.
 */

static void load_bare(void)
{
	CHECK(!guest_load_image(KEXEC_FILE_NO_INITRAMFS));
}

static void kexec_bare(void)
{
	guest_kexec();
}

static const struct guest_test bare_tests[] = {
	{ "loads_without_initrd", { load_bare } },
};

static const struct guest_suite bare = {
	.name = "bare",
	.tests = bare_tests,
	.nr_tests = ARRAY_SIZE(bare_tests),
	.kernels = 2,
	.leave = kexec_bare,
};

/* ---- off: without KHO all is as in the base ---- */

static bool kho_is_on(void)
{
	struct ranges scratch;

	return !read_scratch(&scratch) && scratch.nr;
}

static void no_kho_here(void)
{
	if (guest_param_word("kho_is_default") && !guest_param("kho"))
		guest_skip("KEXEC_HANDOVER_ENABLE_DEFAULT is set");
	CHECK(!kho_is_on());
	CHECK_ERRNO(open("/dev/liveupdate", O_RDWR), ENOENT);
	check_no_debugfs();
	if (guest_has_module("test_kho"))
		CHECK_ERRNO(guest_insmod("test_kho", ""), EOPNOTSUPP);
}

static void kho_here(void)
{
	char *log = guest_log();
	const char *incoming;

	CHECK(kho_is_on());
	CHECK(log);
	incoming = strstr(log, "KHO: exec from: ");
	free(log);
	CHECK(!incoming);
}

static void came_here(void)
{
}

static const char *off_append(int kernel)
{
	return kernel == 3 ? "kho=on" : "kho=off";
}

static const struct guest_test off_tests[] = {
	{ "no_kho_without_option", { no_kho_here } },
	{ "no_kho_with_kho_off", { [1] = no_kho_here } },
	{ "kexec_without_kho", { came_here, came_here, came_here } },
	{ "kho_starts_afresh_after_kho_off", { [2] = kho_here } },
	{ "kho_off_ignores_what_comes_in", {
		[2] = preserve_all,
		[3] = no_kho_here,
	} },
};

static const struct guest_suite off = {
	.name = "off",
	.tests = off_tests,
	.nr_tests = ARRAY_SIZE(off_tests),
	.kernels = 4,
	.append = off_append,
};

/* ---- image: where kexec images lie ---- */

static void segments_in_scratch(void)
{
	struct ranges segments, scratch;

	load_and_read(0, &segments);
	CHECK(!read_scratch(&scratch));
	CHECK(scratch.nr > 0);
	/* purgatory, boot parameters, kernel, initrd, FDT, scratch array */
	CHECK(segments.nr >= 4);
	all_within(&segments, &scratch);
}

static int read_crash_region(struct ranges *out)
{
	FILE *file = fopen("/proc/iomem", "r");
	char line[256];

	out->nr = 0;
	while (file && fgets(line, sizeof(line), file)) {
		struct range *r = &out->r[out->nr];

		if (strstr(line, "Crash kernel") &&
		    sscanf(line, " %llx-%llx", &r->start, &r->end) == 2)
			out->nr++;
	}
	if (file)
		fclose(file);
	return out->nr ? 0 : -1;
}

static void crash_image_in_crash_region(void)
{
	struct ranges segments, region, scratch;
	int i;

	if (read_crash_region(&region))
		guest_skip("no memory is reserved for a crash kernel");
	load_and_read(KEXEC_FILE_ON_CRASH, &segments);
	all_within(&segments, &region);
	CHECK(!read_scratch(&scratch));
	for (i = 0; i < segments.nr; i++)
		CHECK(!within(&scratch, &segments.r[i]));
}

static void crash_image_unloads(void)
{
	char *loaded;

	CHECK(!guest_load_image(KEXEC_FILE_ON_CRASH));
	loaded = guest_read_file("/sys/kernel/kexec_crash_loaded");
	CHECK(loaded);
	CHECK_EQ(atoi(loaded), 1);
	CHECK(!guest_unload_image(KEXEC_FILE_ON_CRASH));
	loaded = guest_read_file("/sys/kernel/kexec_crash_loaded");
	CHECK(loaded);
	CHECK_EQ(atoi(loaded), 0);
}

static void image_unloads(void)
{
	int i;

	/* Scratch takes one image after the other, also in a later kernel. */
	for (i = 0; i < 3; i++) {
		CHECK(!guest_load_image(0));
		CHECK(!guest_unload_image(0));
	}
	CHECK_ERRNO(guest_kexec(), EINVAL);
}

/* The size of a segment that no region of scratch has room for. */
static unsigned long long too_large(void)
{
	unsigned long long size, largest = 0;
	struct ranges scratch;
	int i;

	CHECK(!read_scratch(&scratch));
	for (i = 0; i < scratch.nr; i++) {
		size = scratch.r[i].end - scratch.r[i].start + 1;
		if (size > largest)
			largest = size;
	}
	CHECK(largest > 0);
	return largest + 1;
}

static void large_initrd_has_no_room(void)
{
	static const char path[] = "/tmp/large";
	int kernel = open("/kernel", O_RDONLY | O_CLOEXEC);
	unsigned long long size = too_large();
	char text[80];
	int initrd;

	/* What is open for writing can't be loaded. */
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	CHECK(!truncate(path, size));
	initrd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(!unlink(path));
	guest_log_mark();
	CHECK_ERRNO(syscall(SYS_kexec_file_load, kernel, initrd, 1UL, "", 0UL),
		    EADDRNOTAVAIL);
	snprintf(text, sizeof(text), "KHO: no room in scratch for %llu bytes",
		 (size + PAGE - 1) / PAGE * PAGE);
	CHECK(guest_log_since(text));
	CHECK(!guest_load_image(0));
	CHECK(!guest_unload_image(0));
}

static void preserve_outside_scratch_only(void)
{
	struct ranges scratch;
	char args[256] = "";
	size_t len = 0;
	int i;

	if (!guest_has_module("kho_scratch_test"))
		guest_skip("kho_scratch_test.ko is not built");
	CHECK(!read_scratch(&scratch));
	CHECK(scratch.nr > 0);
	len = snprintf(args, sizeof(args), "scratch=");
	for (i = 0; i < scratch.nr && len < sizeof(args); i++)
		len += snprintf(args + len, sizeof(args) - len,
				"%s0x%llx,0x%llx", i ? "," : "",
				scratch.r[i].start, scratch.r[i].end);
	guest_log_mark();
	CHECK(!guest_insmod("kho_scratch_test", args));
	CHECK(guest_log_since("kho_scratch_test: refused"));
	CHECK(!guest_rmmod("kho_scratch_test"));
}

/* What one architecture's kernels tell of themselves, or the other's */

#define CHANGED_KERNEL	"/tmp/changed"

/* The kernel that is running, but for what @change does to its image */
static void write_changed_kernel(void (*change)(unsigned char *kernel,
						size_t size))
{
	unsigned char *kernel;
	struct stat st;
	int fd;

	fd = open("/kernel", O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	CHECK(!fstat(fd, &st));
	kernel = malloc(st.st_size);
	CHECK(kernel);
	CHECK_EQ(read(fd, kernel, st.st_size), st.st_size);
	close(fd);
	change(kernel, st.st_size);
	fd = open(CHANGED_KERNEL, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, kernel, st.st_size), st.st_size);
	close(fd);
	free(kernel);
}

static int load_kernel(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int ret;

	CHECK(fd >= 0);
	ret = syscall(SYS_kexec_file_load, fd, -1, 1UL, "",
		      KEXEC_FILE_NO_INITRAMFS);
	close(fd);
	return ret;
}

#if defined(__x86_64__)

static void make_unaware(unsigned char *kernel, size_t size)
{
	/* struct kernel_info begins so; then two sizes, and the highest type */
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
	write_changed_kernel(make_unaware);

	guest_log_mark();
	CHECK(!load_kernel("/kernel"));
	CHECK(!guest_log_since("does not support kexec handover"));
	CHECK(!load_kernel(CHANGED_KERNEL));
	CHECK(guest_log_since("does not support kexec handover"));
	CHECK(!guest_unload_image(0));
	CHECK(!unlink(CHANGED_KERNEL));
}

#define ARCH_IMAGE_TEST \
	{ "unaware_kernel_is_warned_about", { unaware_kernel_is_warned_about } }

#elif defined(__aarch64__)

/* Of the header's flags two bits tell the page size: 4, 16, 64 KiB, or 0 */
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
		 "kernel refused: its page size is %d KiB, but kexec handover needs %ld KiB",
		 kib[other_page_bits / 2], sysconf(_SC_PAGESIZE) / 1024);
	return guest_log_since(text);
}

/* What is loaded stays loaded. */
static void other_page_size_is_refused(void)
{
	char *loaded;
	int i;

	CHECK(!load_kernel("/kernel"));
	for (i = 0; i < 3; i++) {
		write_changed_kernel(change_page_size);
		guest_log_mark();
		CHECK_ERRNO(load_kernel(CHANGED_KERNEL), EINVAL);
		CHECK(log_names_page_sizes());
		loaded = guest_read_file("/sys/kernel/kexec_loaded");
		CHECK(loaded);
		CHECK(!strcmp(loaded, "1\n"));
		free(loaded);
	}
	CHECK(!guest_unload_image(0));
	CHECK(!unlink(CHANGED_KERNEL));
}

#define ARCH_IMAGE_TEST \
	{ "other_page_size_is_refused", { other_page_size_is_refused } }

#endif

static const struct guest_test image_tests[] = {
	{ "segments_lie_in_scratch",
	  { segments_in_scratch, segments_in_scratch } },
	{ "crash_image_lies_in_crash_region",
	  { crash_image_in_crash_region, crash_image_in_crash_region } },
	{ "crash_image_unloads", { crash_image_unloads, crash_image_unloads } },
	{ "image_unloads", { image_unloads, image_unloads } },
	ARCH_IMAGE_TEST,
	{ "large_initrd_has_no_room", { large_initrd_has_no_room,
					large_initrd_has_no_room } },
	{ "preserve_refuses_scratch", { preserve_outside_scratch_only,
					preserve_outside_scratch_only } },
};

static const struct guest_suite image = {
	.name = "image",
	.tests = image_tests,
	.nr_tests = ARRAY_SIZE(image_tests),
	.kernels = 2,
};

/* ---- crash: the crash kernel has nothing to do with KHO ---- */

static void load_crash_image(void)
{
	CHECK(kho_is_on());
	CHECK(!guest_load_image(KEXEC_FILE_ON_CRASH));
}

static void kdump_has_no_kho(void)
{
	CHECK(!kho_is_on());
	CHECK(!access("/proc/vmcore", F_OK));
	CHECK_ERRNO(open("/dev/liveupdate", O_RDWR), ENOENT);
}

static void crash_now(void)
{
	guest_write_file("/proc/sysrq-trigger", "c");
}

static const struct guest_test crash_tests[] = {
	{ "crash_kernel_boots_without_kho",
	  { load_crash_image, kdump_has_no_kho } },
};

static const struct guest_suite crash = {
	.name = "crash",
	.tests = crash_tests,
	.nr_tests = ARRAY_SIZE(crash_tests),
	.kernels = 2,
	.leave = crash_now,
};

/* ---- scratch, sizes: kho_scratch= ---- */

static void malformed_is_reported(void)
{
	const char *value = guest_param("kho_scratch");
	char *log = guest_log();
	const char *line;
	bool reported = false;

	CHECK(log && value);
	for (line = log; (line = strstr(line, "KHO: ")); line++) {
		size_t len = strcspn(line, "\n");
		const char *option = strstr(line, "kho_scratch");

		reported |= option && option < line + len;
	}
	free(log);
	CHECK(reported);
}

/* By default scratch is twice what the kernel has taken, in any regions. */
static void default_is_used(void)
{
	unsigned long long total = 0;
	struct ranges scratch;
	int i;

	CHECK(!read_scratch(&scratch));
	CHECK(scratch.nr > 0);
	for (i = 0; i < scratch.nr; i++) {
		unsigned long long size;

		size = scratch.r[i].end - scratch.r[i].start + 1;
		/* What the options that are malformed begin with */
		CHECK(size != 16ULL << 20 && size != 64ULL << 20);
		total += size;
	}
	guest_note("%llu MiB in %d regions", total >> 20, scratch.nr);
	CHECK(total >= 32ULL << 20);
	CHECK(total <= 1024ULL << 20);
}

static void image_still_loads(void)
{
	CHECK(!guest_load_image(0));
}

static const struct guest_test scratch_tests[] = {
	{ "malformed_is_reported", { malformed_is_reported } },
	{ "default_is_used", { default_is_used } },
	{ "image_loads", { image_still_loads } },
};

static const struct guest_suite scratch = {
	.name = "scratch",
	.tests = scratch_tests,
	.nr_tests = ARRAY_SIZE(scratch_tests),
	.kernels = 1,
};

/* kho_scratch=16M,256M,64M on two nodes */
static void sizes_are_honoured(void)
{
	static const unsigned long long wanted[] = {
		16ULL << 20, 256ULL << 20, 64ULL << 20, 64ULL << 20,
	};
	struct ranges scratch;
	size_t i;
	int j;

	CHECK(!read_scratch(&scratch));
	CHECK_EQ(scratch.nr, ARRAY_SIZE(wanted));
	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		for (j = 0; j < scratch.nr; j++)
			if (scratch.r[j].end - scratch.r[j].start + 1 ==
			    wanted[i])
				break;
		CHECK(j < scratch.nr);
		scratch.r[j].end = scratch.r[j].start;
	}
}

/* The next kernel is told other sizes and must not care. */
static const char *sizes_append(int kernel)
{
	return kernel == 2 ? "kho_scratch=8M,128M,32M" : NULL;
}

static const struct guest_test sizes_tests[] = {
	{ "sizes_are_honoured", { sizes_are_honoured } },
	{ "inherited_regions_win", { [1] = sizes_are_honoured } },
};

static const struct guest_suite sizes = {
	.name = "sizes",
	.tests = sizes_tests,
	.nr_tests = ARRAY_SIZE(sizes_tests),
	.kernels = 2,
	.append = sizes_append,
};

/* ---- reserve: reserve_mem= ---- */

/* What the module says of a region, which it then leaves for the next kernel. */
static void check_region(const char *name, int wanted_generation)
{
	char args[64], key[64], *log;
	struct ranges scratch, region;

	if (!guest_has_module("kho_reserve_test"))
		guest_skip("kho_reserve_test.ko is not built");
	snprintf(args, sizeof(args), "name=%s", name);
	CHECK(!guest_insmod("kho_reserve_test", args));
	CHECK(!guest_rmmod("kho_reserve_test"));

	log = guest_log();
	CHECK(log);
	snprintf(key, sizeof(key), "kho_reserve_test: %s generation %d ", name,
		 wanted_generation);
	ranges_from_lines(&region, log, key, "[mem %llx-%llx]");
	free(log);
	CHECK_EQ(region.nr, 1);

	CHECK(!read_scratch(&scratch));
	CHECK(!overlaps(&scratch, &region.r[0]));
}

static void no_region(const char *name)
{
	char args[64];

	if (!guest_has_module("kho_reserve_test"))
		guest_skip("kho_reserve_test.ko is not built");
	snprintf(args, sizeof(args), "name=%s", name);
	CHECK_ERRNO(guest_insmod("kho_reserve_test", args), ENOENT);
}

static void kernel_says(const char *text)
{
	char *log = guest_log();
	bool said = log && strstr(log, text);

	free(log);
	if (!said)
		guest_fail(__FILE__, __LINE__, "not in the log: %s", text);
}

/* It is there from the first kernel on: kernel N finds what N - 1 others left. */
static void kept_region(void)
{
	check_region("kept", guest_kernel() - 1);
}

static void unaligned_region(void)
{
	check_region("odd", guest_kernel() - 1);
}

/* It comes up in the second kernel, and is larger from the third on. */
static void late_region(void)
{
	check_region("late", guest_kernel() == 4 ? 1 : 0);
}

/* From the third kernel on it is asked for at another alignment. */
static void moved_region(void)
{
	check_region("moved", (guest_kernel() - 1) % 2);
}

static void changes_are_reported(void)
{
	kernel_says("reserve_mem: late of the previous kernel has");
	kernel_says("reserve_mem: moved of the previous kernel has");
}

#define GONE_KIB	(64 << 10)

static void region_to_drop(void)
{
	check_region("gone", 0);
}

/* It is not on the command line any more: the system has its memory. */
static void dropped_region_is_free(void)
{
	const char *param = guest_param("mem_total");
	long before = param ? atol(param) : 0;
	long now = guest_meminfo("MemTotal");

	no_region("gone");
	kernel_says(", gone of the previous kernel");
	guest_note("MemTotal %ld KiB, before %ld", now, before);
	CHECK(before > 0);
	CHECK(now > before + GONE_KIB / 2);
}

static void absurd_size_is_refused(void)
{
	no_region("absurd");
}

static const char *reserve_append(int kernel)
{
	static char append[128];
	bool changed = kernel > 2;

	snprintf(append, sizeof(append), "%s %s mem_total=%ld",
		 changed ? "reserve_mem=0x80000:4K:late" :
			   "reserve_mem=0x40000:4K:late",
		 changed ? "reserve_mem=0x40000:256M:moved" :
			   "reserve_mem=0x40000:4K:moved",
		 guest_meminfo("MemTotal"));
	return append;
}

static const struct guest_test reserve_tests[] = {
	{ "region_keeps_place_and_content",
	  { kept_region, kept_region, kept_region, kept_region } },
	{ "parts_of_pages_too",
	  { unaligned_region, unaligned_region, unaligned_region,
	    unaligned_region } },
	{ "new_and_larger_regions_are_fresh",
	  { [1] = late_region, late_region, late_region } },
	{ "other_alignment_is_fresh",
	  { moved_region, moved_region, moved_region, moved_region } },
	{ "changes_are_reported", { [2] = changes_are_reported } },
	{ "dropped_region_is_free",
	  { region_to_drop, dropped_region_is_free } },
	{ "absurd_size_is_refused",
	  { absurd_size_is_refused, absurd_size_is_refused } },
};

static const struct guest_suite reserve = {
	.name = "reserve",
	.tests = reserve_tests,
	.nr_tests = ARRAY_SIZE(reserve_tests),
	.kernels = 4,
	.load = GUEST_LOAD_IN_TURN,
	.append = reserve_append,
	.drop = "reserve_mem=0x",
};

/* ---- damage: regions that the previous kernel never had ---- */

static void forge_regions(void)
{
	if (!guest_has_module("kho_forge_test"))
		guest_skip("kho_forge_test.ko is not built");
	CHECK(!guest_insmod("kho_forge_test", ""));
}

static void regions_are_refused(void)
{
	char *log;

	kernel_says("reserve_mem: lost of the previous kernel is damaged");
	kernel_says("reserve_mem: part of the previous kernel is damaged");
	kernel_says("reserve_mem: endless of the previous kernel is damaged");
	check_region("lost", 0);
	check_region("part", 0);
	check_region("endless", 0);
	check_region("itself", 0);

	log = guest_log();
	CHECK(log);
	CHECK(!strstr(log, "reserve_mem: good of the previous kernel"));
	CHECK(!strstr(log, ", dropped of the previous kernel"));
	free(log);
	check_region("good", 0);
}

#define REGION(name)	"reserve_mem=4K:4K:" name " "

static const char *damage_append(int kernel)
{
	return REGION("lost") REGION("part") REGION("endless")
	       REGION("itself") REGION("good");
}

static const struct guest_test damage_tests[] = {
	{ "reserve_mem_regions", { forge_regions, regions_are_refused } },
};

static const struct guest_suite damage = {
	.name = "damage",
	.tests = damage_tests,
	.nr_tests = ARRAY_SIZE(damage_tests),
	.kernels = 2,
	.append = damage_append,
};

/* ---- gigantic: pages of 1 GiB that the command line asks for ---- */

#define GIGANTIC_SIZE	(1024ULL << 20)
#define NR_GIGANTIC	2
#define GIGANTIC_DIR	"hugepages/hugepages-1048576kB/nr_hugepages"

static bool gigantic_in_cma(void)
{
	const char *how = guest_param("gigantic");

	return how && !strncmp(how, "hugetlb_cma=", 12);
}

static void need_gigantic(void)
{
	if (access("/sys/kernel/mm/" GIGANTIC_DIR, F_OK))
		guest_skip("the CPU has no pages of 1 GiB");
}

static int nr_gigantic(const char *dir)
{
	char path[128], *text;
	int nr;

	snprintf(path, sizeof(path), "%s/" GIGANTIC_DIR, dir);
	text = guest_read_file(path);
	nr = text ? atoi(text) : -1;
	free(text);
	return nr;
}

static void write_nr_gigantic(const char *nr)
{
	CHECK(!guest_write_file("/sys/kernel/mm/" GIGANTIC_DIR, nr));
	CHECK_EQ(nr_gigantic("/sys/kernel/mm"), atoi(nr));
}

static void gigantic_pages_are_there(void)
{
	need_gigantic();
	if (gigantic_in_cma())
		write_nr_gigantic("2");
	CHECK_EQ(nr_gigantic("/sys/kernel/mm"), NR_GIGANTIC);
	CHECK_EQ(nr_gigantic("/sys/devices/system/node/node0"), 1);
	CHECK_EQ(nr_gigantic("/sys/devices/system/node/node1"), 1);
}

static unsigned long long phys_of(const void *addr)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	size_t page = getpagesize();
	unsigned long long entry;

	CHECK(fd >= 0);
	CHECK_EQ(pread(fd, &entry, sizeof(entry),
		       (unsigned long)addr / page * sizeof(entry)), sizeof(entry));
	close(fd);
	/* Bit 63: present, bits 0 to 54: the page frame number */
	CHECK(entry >> 63);
	return (entry & 0x7fffffffffffffULL) * page;
}

/* Whatever else lies in these pages is overwritten: the kernel clears them. */
static void gigantic_pages_outside_scratch(void)
{
	struct ranges scratch;
	char *pages;
	int i;

	need_gigantic();
	CHECK(!read_scratch(&scratch));
	CHECK(scratch.nr > 0);
	pages = mmap(NULL, NR_GIGANTIC * GIGANTIC_SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_HUGETLB |
		     30 << MAP_HUGE_SHIFT, -1, 0);
	CHECK(pages != MAP_FAILED);
	for (i = 0; i < NR_GIGANTIC; i++) {
		struct range page;

		page.start = phys_of(pages + i * GIGANTIC_SIZE);
		page.end = page.start + GIGANTIC_SIZE - 1;
		guest_note("kernel %d: page at %#llx", guest_kernel(), page.start);
		CHECK(!overlaps(&scratch, &page));
	}
	CHECK(!munmap(pages, NR_GIGANTIC * GIGANTIC_SIZE));
}

/* Scratch as it is without these pages, which a kernel does not need to boot */
static void scratch_as_without(void)
{
	const char *param = guest_param("plain_scratch");
	unsigned long long plain = param ? strtoull(param, NULL, 0) : 0;
	struct ranges scratch;
	unsigned long long now;

	need_gigantic();
	CHECK(plain);
	CHECK(!read_scratch(&scratch));
	now = total_size(&scratch);
	guest_note("%llu MiB of scratch, %llu without gigantic pages", now >> 20,
		   plain >> 20);
	CHECK(now <= plain + (16ULL << 20));
	CHECK(plain <= now + (16ULL << 20));
}

static void gigantic_pages_are_freed(void)
{
	long before = guest_meminfo("MemFree");
	long freed = NR_GIGANTIC * (GIGANTIC_SIZE >> 10);
	long after;

	need_gigantic();
	write_nr_gigantic("0");
	after = guest_meminfo("MemFree");
	guest_note("MemFree %ld KiB, then %ld", before, after);
	CHECK(after - before > freed - freed / 100);
}

/* With a CMA area there are none at boot, and room for as many as in it. */
static void too_many_are_reported(void)
{
	need_gigantic();
	if (gigantic_in_cma()) {
		kernel_says("HugeTLB: hugetlb_cma is enabled, skip boot time allocation");
		write_nr_gigantic("2");
	} else {
		kernel_says("HugeTLB: allocating 3 of page size 1.00 GiB failed");
		CHECK(nr_gigantic("/sys/kernel/mm") >= NR_GIGANTIC);
	}
}

/*
 * Kernel 2 is there for kernel 3 to boot without a handover, the first one that
 * is told of gigantic pages.
 */
static const char *gigantic_append(int kernel)
{
	static char append[256];
	const char *how = guest_param("gigantic");
	struct ranges scratch;

	switch (kernel) {
	case 2:
		read_scratch(&scratch);
		snprintf(append, sizeof(append), "kho=off plain_scratch=%#llx",
			 total_size(&scratch));
		break;
	case 3 ... 5:
		snprintf(append, sizeof(append), "kho=on hugepagesz=1G %s",
			 how ? how : "");
		break;
	default:
		snprintf(append, sizeof(append),
			 "hugepagesz=1G hugepages=0:3,1:3");
	}
	return append;
}

static const struct guest_test gigantic_tests[] = {
	{ "not_counted_into_scratch", { [2] = scratch_as_without } },
	{ "on_each_node_again",
	  { [2] = gigantic_pages_are_there, gigantic_pages_are_there,
	    gigantic_pages_are_there } },
	{ "not_in_scratch",
	  { [2] = gigantic_pages_outside_scratch,
	    gigantic_pages_outside_scratch, gigantic_pages_outside_scratch } },
	{ "not_in_preserved_memory",
	  { [2] = preserve_all, restore_and_preserve, restore_and_preserve,
	    restore_all } },
	{ "can_be_freed", { [4] = gigantic_pages_are_freed } },
	{ "too_many_are_reported", { [5] = too_many_are_reported } },
};

static const struct guest_suite gigantic = {
	.name = "gigantic",
	.tests = gigantic_tests,
	.nr_tests = ARRAY_SIZE(gigantic_tests),
	.kernels = 6,
	.append = gigantic_append,
	.drop = "hugepages",
};

/* ---- no_room: scratch that there is no memory for ---- */

static void boots_without_kho(void)
{
	char *log = guest_log();

	CHECK(!kho_is_on());
	CHECK(log);
	CHECK(strstr(log, "KHO: disabled: no memory for scratch"));
	free(log);
	if (guest_has_module("test_kho"))
		CHECK_ERRNO(guest_insmod("test_kho", ""), EOPNOTSUPP);
	CHECK(!guest_load_image(0));
}

static const struct guest_test no_room_tests[] = {
	{ "boots_without_kho", { boots_without_kho } },
};

static const struct guest_suite no_room = {
	.name = "no_room",
	.tests = no_room_tests,
	.nr_tests = ARRAY_SIZE(no_room_tests),
	.kernels = 1,
};

int main(int argc, char **argv)
{
	static const struct guest_suite *const suites[] = {
		&chain, &late, &kaslr, &bare, &off, &image, &crash, &scratch,
		&sizes, &reserve, &damage, &gigantic, &no_room,
		&debugfs_suite,
	};

	return guest_main(argc, argv, suites, ARRAY_SIZE(suites));
}
