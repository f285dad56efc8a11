// SPDX-License-Identifier: GPL-2.0
/*
 * luoctl: prepare, start and inspect live updates
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * luoctl(8) describes the commands.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "luoctl.h"

static const struct luoctl_command *const commands[] = {
	&luoctl_load_command,
	&luoctl_run_command,
	&luoctl_check_command,
	&luoctl_kexec_command,
	&luoctl_list_command,
	&luoctl_status_command,
	&luoctl_map_command,
	&luoctl_retrieve_command,
	&luoctl_discard_command,
};

static void print_help(FILE *out)
{
	unsigned int i;

	fputs("Usage: luoctl COMMAND [ARGUMENT]...\n"
	      "Replace the running kernel and keep the memory of programs.\n\n", out);
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n\"luoctl COMMAND --help\" describes a command, luoctl(8) all of them.\n",
	      out);
}

static void print_command_help(const struct luoctl_command *command)
{
	printf("Usage: luoctl %s %s\n%s.\n", command->name, command->synopsis,
	       command->summary);
	if (command->details)
		printf("\n%s", command->details);
}

/**
 * luoctl_usage - reject the arguments of a command
 * @command: the command
 * @message: what is wrong with them, NULL if it has been printed
 *
 * Return: the exit code.
 */
int luoctl_usage(const struct luoctl_command *command, const char *message)
{
	if (message)
		fprintf(stderr, "luoctl %s: %s\n", command->name, message);
	fprintf(stderr, "Usage: luoctl %s %s\n", command->name, command->synopsis);
	return LUOCTL_USAGE;
}

/**
 * luoctl_getopt - get the next option of a command
 * @command: the command
 * @argc:    number of arguments
 * @argv:    the arguments
 * @options: the options, which include %LUOCTL_HELP_OPTION
 *
 * Exit after --help and after an error.
 *
 * Return: the value of the option, or -1 after the last one.
 */
int luoctl_getopt(const struct luoctl_command *command, int argc, char **argv,
		  const struct option *options)
{
	int option = getopt_long(argc, argv, command->options ? command->options : "",
				 options, NULL);

	if (option == 'h') {
		print_command_help(command);
		exit(LUOCTL_DONE);
	}
	if (option == '?')
		exit(luoctl_usage(command, NULL));
	return option;
}

static int run_command(const struct luoctl_command *command, int argc, char **argv)
{
	char name[32];

	/* getopt_long() starts its messages with it. */
	snprintf(name, sizeof(name), "luoctl %s", command->name);
	argv[0] = name;
	return command->run(argc, argv);
}

int main(int argc, char **argv)
{
	unsigned int i;

	if (argc < 2) {
		print_help(stderr);
		return LUOCTL_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help")) {
		print_help(stdout);
		return LUOCTL_DONE;
	}

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i]->name))
			return run_command(commands[i], argc - 1, argv + 1);

	fprintf(stderr, "luoctl: no command \"%s\", see luoctl --help\n", argv[1]);
	return LUOCTL_USAGE;
}
