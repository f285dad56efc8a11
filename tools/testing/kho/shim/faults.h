/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Failing allocations
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_SHIM_FAULTS_H
#define _KHO_SHIM_FAULTS_H

#include <linux/compiler.h>

/* The allocation that fails, counted from 1 for the next one; 0 for none */
extern unsigned int shim_fail_at;
/* Set when it has failed; never cleared here */
extern bool shim_failed;

bool shim_fail_now(void);

static inline bool shim_should_fail(void)
{
	return unlikely(shim_fail_at) && shim_fail_now();
}

#endif
