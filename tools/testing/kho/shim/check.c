// SPDX-License-Identifier: GPL-2.0
/*
 * Assertions
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "shim/check.h"
#include "shim/print.h"

/* The last message is usually the reason. */
void die(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\nlast message: %s\n", shim_log_last());
	abort();
}
