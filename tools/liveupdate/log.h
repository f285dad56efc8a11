/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luod: the log
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef TOOLS_LIVEUPDATE_LOG_H
#define TOOLS_LIVEUPDATE_LOG_H

#include <stdio.h>

/* systemd's journal adds the time and the name of the program. */
#define log_line(fmt, ...)	fprintf(stderr, fmt "\n", ##__VA_ARGS__)

#endif /* TOOLS_LIVEUPDATE_LOG_H */
