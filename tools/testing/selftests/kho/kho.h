/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Helpers of the suites of kexec handover
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef SELFTESTS_KHO_KHO_H
#define SELFTESTS_KHO_KHO_H

#include "guest/runner.h"

#define MAX_RANGES	64

struct range {
	unsigned long long start;
	unsigned long long end;		/* inclusive */
};

struct ranges {
	struct range r[MAX_RANGES];
	int nr;
};

unsigned long long range_size(const struct range *r);
unsigned long long total_size(const struct ranges *ranges);
/* Return whether one of the ranges contains or overlaps @r. */
bool within(const struct ranges *ranges, const struct range *r);
bool overlaps(const struct ranges *ranges, const struct range *r);
/* Read the ranges after each @key in @text; @fmt is for sscanf(). */
void ranges_from_lines(struct ranges *out, const char *text, const char *key,
		       const char *fmt);

/* Read the ranges of /proc/iomem with this name: 0, or -1 if there are none. */
int read_iomem(struct ranges *out, const char *name);
/* Read the scratch regions from the kernel log: 0 or -1. There may be none. */
int read_scratch(struct ranges *out);
/* As read_scratch(), but the step fails if there is no scratch region. */
void need_scratch(struct ranges *out);
bool kho_is_on(void);

/* Check that debugfs has nothing of kexec handover. */
void check_no_debugfs(void);

/* Let test_kho preserve memory, and restore what it has preserved before. */
void preserve_all(void);
void restore_all(void);
void restore_and_preserve(void);

#endif /* SELFTESTS_KHO_KHO_H */
