/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's log
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_SHIM_PRINT_H
#define _KHO_SHIM_PRINT_H

#include <stdbool.h>

/* Whether messages are written to stderr */
extern bool shim_log_shown;
/* Numbers of messages, and of warnings from WARN_ON() among them */
extern unsigned long shim_log_count, shim_log_warnings;
/* The last message, without its newline */
extern char shim_last_line[512];

void shim_warn(const char *file, int line);

#endif
