/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luoctl: what its commands share
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef TOOLS_LIVEUPDATE_LUOCTL_H
#define TOOLS_LIVEUPDATE_LUOCTL_H

#include <getopt.h>
#include <stdbool.h>

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#endif

#ifndef __printf
#define __printf(fmt, args)	__attribute((format(printf, fmt, args)))
#endif

/* Exit codes, see luoctl(8). "luoctl run" exits with those of its command as well. */
enum luoctl_exit {
	LUOCTL_DONE		= 0,
	LUOCTL_FAILED		= 1,
	LUOCTL_USAGE		= 2,
	LUOCTL_FINDINGS		= 3,
	LUOCTL_RUN_FAILED	= 125,
	LUOCTL_NOT_EXECUTABLE	= 126,
	LUOCTL_NOT_FOUND	= 127,
};

/**
 * struct luoctl_command - a command
 * @name:     its name
 * @synopsis: its arguments
 * @summary:  what it does, a line
 * @details:  what "luoctl NAME --help" prints after that
 * @options:  its short options, for getopt_long(), or NULL
 * @run:      runs it; argv[0] is "luoctl NAME". Returns an exit code.
 */
struct luoctl_command {
	const char *name;
	const char *synopsis;
	const char *summary;
	const char *details;
	const char *options;
	int (*run)(int argc, char **argv);
};

extern const struct luoctl_command luoctl_check_command;
extern const struct luoctl_command luoctl_discard_command;
extern const struct luoctl_command luoctl_kexec_command;
extern const struct luoctl_command luoctl_list_command;
extern const struct luoctl_command luoctl_load_command;
extern const struct luoctl_command luoctl_map_command;
extern const struct luoctl_command luoctl_retrieve_command;
extern const struct luoctl_command luoctl_run_command;
extern const struct luoctl_command luoctl_status_command;

/* Every command has this option. */
#define LUOCTL_HELP_OPTION	{ "help", no_argument, NULL, 'h' }

int luoctl_getopt(const struct luoctl_command *command, int argc, char **argv,
		  const struct option *options);
int luoctl_usage(const struct luoctl_command *command, const char *message);

#endif /* TOOLS_LIVEUPDATE_LUOCTL_H */
