/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luoctl: show that something is still going on
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef TOOLS_LIVEUPDATE_PROGRESS_H
#define TOOLS_LIVEUPDATE_PROGRESS_H

void progress_start(const char *what);
void progress_stop(void);

#endif /* TOOLS_LIVEUPDATE_PROGRESS_H */
