/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Allocations that fail
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_SHIM_FAULTS_H
#define _KHO_SHIM_FAULTS_H

#include <linux/compiler.h>

/* How many allocations from now on it is until one fails; 0: none does */
extern unsigned int shim_fail_at;
/* One has failed since this was last cleared */
extern bool shim_failed;

bool shim_fail_now(void);

static inline bool shim_should_fail(void)
{
	return unlikely(shim_fail_at) && shim_fail_now();
}

#endif
