/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel log of a guest
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef SELFTESTS_KHO_GUEST_LOG_H
#define SELFTESTS_KHO_GUEST_LOG_H

#include <stdarg.h>
#include <stdbool.h>

#include "kselftest.h"

/* Log one record. The console shows it as a whole line. */
void guest_say(const char *fmt, ...) __printf(1, 2);

/* Return everything logged so far, NUL-terminated, or NULL. The caller frees it. */
char *guest_log(void);
/* Return whether @text was logged since boot. */
bool guest_log_has(const char *text);

/* Set the mark that the two functions below start at. */
void guest_log_mark(void);
/* Return whether @text was logged after the mark. */
bool guest_log_since(const char *text);
/* As guest_log_since(), but after the text that the last call has found. */
bool guest_log_next(const char *text);

#endif /* SELFTESTS_KHO_GUEST_LOG_H */
