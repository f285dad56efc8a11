/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Assertions
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_SHIM_CHECK_H
#define _KHO_SHIM_CHECK_H

#include <linux/compiler.h>

/* Print the message and the last line of the kernel's log, and abort. */
void die(const char *fmt, ...) __noreturn __printf(1, 2);

#define check(cond) \
	((cond) ? (void)0 : die("%s:%d: check failed: %s", __FILE__, __LINE__, #cond))

#endif
