/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's log
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_SHIM_PRINT_H
#define _KHO_SHIM_PRINT_H

#include <stdbool.h>

/* Whether messages go to stderr, too */
extern bool shim_log_shown;
/* How many there were, and how many of them were warnings of WARN() */
extern unsigned long shim_log_count, shim_log_warnings;

/* What was logged last, without the newline */
const char *shim_log_last(void);

void shim_warn(const char *file, int line);

#endif
