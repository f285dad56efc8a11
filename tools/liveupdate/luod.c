// SPDX-License-Identifier: GPL-2.0
/*
 * luod: hold the sessions of programs over a live update
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The files from the ground up: device, message; session, client, systemd; reply; update;
 * list; request; luod.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client.h"
#include "message.h"
#include "request.h"
#include "systemd.h"
#include "update.h"

static const char usage[] =
	"Usage: luod [--socket PATH]\n"
	"Hold the sessions of programs over a live update, see luod(8).\n"
	"  --socket PATH  listen on PATH instead of " LUOD_SOCKET "\n";

static const char *socket_path = LUOD_SOCKET;

static void read_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "socket", required_argument, NULL, 's' },
		{ }
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'h':
			fputs(usage, stdout);
			exit(0);
		case 's':
			socket_path = optarg;
			break;
		default:
			exit(2);
		}
	}
	if (optind < argc)
		errx(2, "%s: there are no arguments, see --help", argv[optind]);
}

/* Neither a file system nor a terminal may be in use during the shutdown. */
static void detach(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		err(1, "/dev/null");
	close(null);
	if (chdir("/"))
		err(1, "/");
}

/* Each client and each session takes a descriptor. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Create the directory of the socket, and make sure that no other luod uses it. */
static void lock_directory(void)
{
	char *path = strdup(socket_path), *dir;
	int fd;

	if (!path)
		err(1, "%s", socket_path);
	dir = dirname(path);
	if (mkdir(dir, 0700) && errno != EEXIST)
		err(1, "%s", dir);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		err(1, "%s", dir);
	if (flock(fd, LOCK_EX | LOCK_NB))
		errx(1, "%s: another luod is running", dir);
	free(path);
	/* The lock is held as long as luod runs. */
}

int main(int argc, char **argv)
{
	int error;

	read_options(argc, argv);
	/* At shutdown systemd does not kill processes whose command line starts so. */
	argv[0][0] = '@';

	signal(SIGPIPE, SIG_IGN);
	raise_limit();
	update_restore();
	lock_directory();
	error = clients_listen(socket_path, &request_ops);
	if (error)
		errx(1, "%s: %s", socket_path, strerror(-error));
	detach();
	systemd_ready();

	do {
		error = clients_wait(update_timeout());
		update_run();
	} while (!error);
	errx(1, "epoll: %s", strerror(-error));
}
