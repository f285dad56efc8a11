// SPDX-License-Identifier: GPL-2.0
/*
 * Helpers of the suites of kexec handover
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "kho.h"

unsigned long long range_size(const struct range *r)
{
	return r->end - r->start + 1;
}

unsigned long long total_size(const struct ranges *ranges)
{
	unsigned long long total = 0;
	int i;

	for (i = 0; i < ranges->nr; i++)
		total += range_size(&ranges->r[i]);
	return total;
}

bool within(const struct ranges *ranges, const struct range *r)
{
	int i;

	for (i = 0; i < ranges->nr; i++)
		if (r->start >= ranges->r[i].start && r->end <= ranges->r[i].end)
			return true;
	return false;
}

bool overlaps(const struct ranges *ranges, const struct range *r)
{
	int i;

	for (i = 0; i < ranges->nr; i++)
		if (r->start <= ranges->r[i].end && ranges->r[i].start <= r->end)
			return true;
	return false;
}

void ranges_from_lines(struct ranges *out, const char *text, const char *key,
		       const char *fmt)
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

int read_iomem(struct ranges *out, const char *name)
{
	FILE *file = fopen("/proc/iomem", "r");
	char line[256];

	out->nr = 0;
	while (file && fgets(line, sizeof(line), file)) {
		struct range *r = &out->r[out->nr];

		if (strstr(line, name) && out->nr < MAX_RANGES &&
		    sscanf(line, " %llx-%llx", &r->start, &r->end) == 2)
			out->nr++;
	}
	if (file)
		fclose(file);
	return out->nr ? 0 : -1;
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

void need_scratch(struct ranges *out)
{
	CHECK(!read_scratch(out));
	CHECK(out->nr > 0);
}

bool kho_is_on(void)
{
	struct ranges scratch;

	return !read_scratch(&scratch) && scratch.nr;
}

void check_no_debugfs(void)
{
	if (mount("debugfs", DEBUGFS, "debugfs", 0, NULL) && errno != EBUSY)
		return;
	CHECK_ERRNO(access(DEBUGFS "/kho", F_OK), ENOENT);
}

static void load_test_kho(const char *expected)
{
	guest_need_module("test_kho");
	guest_log_mark();
	CHECK(!guest_insmod("test_kho", ""));
	CHECK(guest_log_since(expected));
}

void preserve_all(void)
{
	load_test_kho("test_kho: preserved");
}

void restore_all(void)
{
	load_test_kho("test_kho: restored");
}

void restore_and_preserve(void)
{
	restore_all();
	CHECK(guest_log_since("test_kho: preserved"));
}
