/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of kexec handover share
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef SELFTESTS_KHO_KHO_H
#define SELFTESTS_KHO_KHO_H

#include "guest.h"

#define MAX_RANGES	64

struct range {
	unsigned long long start;
	unsigned long long end;		/* inclusive */
};

struct ranges {
	struct range r[MAX_RANGES];
	int nr;
};

/* The scratch regions as the kernel printed them while it booted; 0 or -1. */
int read_scratch(struct ranges *out);

/* Kexec handover is off: debugfs has nothing of it either. */
void check_no_debugfs(void);

extern const struct guest_suite debugfs_suite;

#endif /* SELFTESTS_KHO_KHO_H */
