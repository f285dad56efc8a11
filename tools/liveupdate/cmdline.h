/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luoctl: kernel command lines
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef TOOLS_LIVEUPDATE_CMDLINE_H
#define TOOLS_LIVEUPDATE_CMDLINE_H

enum cmdline_switch {
	CMDLINE_MISSING,
	CMDLINE_OFF,
	CMDLINE_ON,
};

enum cmdline_switch cmdline_switch(const char *cmdline, const char *option);
char *cmdline_without(const char *cmdline, const char *option);

#endif /* TOOLS_LIVEUPDATE_CMDLINE_H */
