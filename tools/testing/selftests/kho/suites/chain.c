// SPDX-License-Identifier: GPL-2.0
/*
 * chain: ten kexecs in a row
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <stdio.h>
#include <stdlib.h>

#include "../kho.h"

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

/* Leave the values in a file, from which chain_append() takes them. */
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
	long old_total = guest_param_number("mem_total");
	long old_free = guest_param_number("mem_free");

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

#ifdef __x86_64__
/*
 * Test whether this kernel was handed the frequency of its local APIC timer. On a busy
 * host the TSC, with which it is compared, may have been calibrated wrongly.
 */
static bool inherited_frequency(void)
{
	char *log = guest_log();
	bool found;

	CHECK(log);
	found = strstr(log, "APIC timer: using the frequency that the previous kernel measured") ||
		strstr(log, "APIC timer: the previous kernel's frequency does not fit the TSC");
	free(log);
	return found;
}

static void measure_frequency(void)
{
	CHECK(!inherited_frequency());
}

static void inherit_frequency(void)
{
	CHECK(inherited_frequency());
}

/* This kernel does not use the timer. It must not hand the frequency's memory on. */
static void free_frequency(void)
{
	char *summary, *blob;

	guest_need_debugfs();
	summary = guest_text_of(DEBUGFS "/kho/in/summary");
	blob = strstr(summary, "\"lapic-timer\"");
	CHECK(blob);
	blob[strcspn(blob, "\n")] = '\0';
	CHECK(strstr(blob, ", restored"));
	free(summary);
}
#endif

/* Write the scratch regions as one word. */
static void scratch_text(char *text, size_t size)
{
	struct ranges scratch;
	size_t len = 0;
	int i;

	need_scratch(&scratch);
	for (i = 0; i < scratch.nr && len < size; i++)
		len += snprintf(text + len, size - len, "%llx-%llx,",
				scratch.r[i].start, scratch.r[i].end);
}

static void keep_scratch(void)
{
	char now[256];
	FILE *file;

	scratch_text(now, sizeof(now));
	file = fopen("/tmp/scratch", "w");
	CHECK(file);
	fprintf(file, " scratch=%s", now);
	CHECK(!fclose(file));
}

static void compare_scratch(void)
{
	const char *old = guest_param("scratch");
	char now[256];

	CHECK(old);
	scratch_text(now, sizeof(now));
	guest_note("kernel %d: %s", guest_kernel(), now);
	CHECK(!strcmp(old, now));
}

/*
 * Kernel 1 loads the image, with the next command line, before it runs its steps.
 * So it is kernel 2 that passes values on. Later kernels inherit its command line. The
 * last one must not use the local APIC timer; this has no effect on other architectures.
 */
static const char *chain_append(int kernel)
{
	static char append[512];
	char *memory, *scratch;

	if (kernel == 11)
		return "nolapic_timer";
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

/* In odd kernels the image is loaded before memory is preserved, in even ones after. */
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
#ifdef __x86_64__
	{ "timer_frequency_is_handed_over", {
		[0] = measure_frequency,
		[1] = inherit_frequency,
		[2] = inherit_frequency,
		[9] = inherit_frequency,
	} },
	{ "unused_timer_frequency_is_freed", {
		[10] = free_frequency,
	} },
#endif
	{ "content_survives_ten", {
		[0] = preserve_all,
		[1 ... 9] = restore_and_preserve,
		[10] = restore_all,
	} },
};

GUEST_SUITE(chain, 11, .load = GUEST_LOAD_IN_TURN, .append = chain_append)
