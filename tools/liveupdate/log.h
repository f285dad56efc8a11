/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luod: messages for people
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef TOOLS_LIVEUPDATE_LOG_H
#define TOOLS_LIVEUPDATE_LOG_H

#include <stdio.h>

/* The arguments fit the format, as printf() has it. */
#ifndef __printf
#define __printf(fmt, args)	__attribute((format(printf, fmt, args)))
#endif

/* Add a line to the log. systemd's journal adds the time and the name of the program. */
#ifndef NO_LOG
#define log_line(fmt, ...)	fprintf(stderr, fmt "\n", ##__VA_ARGS__)
#else
#define log_line(...)	do { } while (0)
#endif

#endif /* TOOLS_LIVEUPDATE_LOG_H */
