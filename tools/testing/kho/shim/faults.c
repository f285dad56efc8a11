// SPDX-License-Identifier: GPL-2.0
/*
 * Failing allocations
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include "shim/faults.h"

unsigned int shim_fail_at;
bool shim_failed;

bool shim_fail_now(void)
{
	if (--shim_fail_at)
		return false;

	shim_failed = true;
	return true;
}
