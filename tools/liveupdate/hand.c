// SPDX-License-Identifier: GPL-2.0
/*
 * luoctl retrieve, luoctl discard: deal with a session of the previous kernel by hand
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * A session whose descriptor is closed because the process ends can be retrieved again. So
 * these commands never close it.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connection.h"
#include "device.h"
#include "luoctl.h"
#include "memfds.h"
#include "progress.h"
#include "show.h"

#define BUFFER_SIZE	(1024 * 1024)
#define DEVICE_WAIT_MS	1000

/* Return the descriptor of the session, from luod if it runs. */
static int claim(struct connection *luod, const char *name)
{
	struct json_object *answer;
	int session = -1, error;

	if (connection_connect(luod)) {
		int device = device_open_wait(DEVICE_WAIT_MS);

		if (device < 0)
			errx(LUOCTL_FAILED, "/dev/liveupdate: %s", strerror(-device));
		session = device_retrieve_session(device, name);
		close(device);
		if (session < 0)
			errx(LUOCTL_FAILED, "%s: %s", name, strerror(-session));
		return session;
	}

	error = connection_request(luod, message_request("CLAIM", name), &answer, &session);
	if (error)
		errx(LUOCTL_FAILED, "luod: %s", strerror(-error));
	if (connection_answer_error(answer) || session < 0)
		errx(LUOCTL_FAILED, "%s: %s", name, connection_answer_message(answer));
	json_object_put(answer);
	return session;
}

/* A token is a number, or the name that "luoctl run" has given to a memfd. */
static bool parse_token(const char *text, uint64_t *token)
{
	char name[MEMFD_NAME_MAX + 1], *end;

	if (*text >= '0' && *text <= '9') {
		errno = 0;
		*token = strtoull(text, &end, 0);
		return !*end && !errno;
	}
	*token = memfd_token(text);
	return memfd_token_name(*token, name) && !strcmp(name, text);
}

static void write_all(int fd, const char *bytes, size_t len, const char *path)
{
	ssize_t done;

	for (; len; bytes += done, len -= done) {
		done = write(fd, bytes, len);
		if (done < 0)
			err(LUOCTL_FAILED, "%s", path);
	}
}

static bool is_zero(const char *bytes, size_t len)
{
	return !len || (!*bytes && !memcmp(bytes, bytes + 1, len - 1));
}

/* Leave holes where the file has zeros, if the output can have holes. */
static void copy(int from, int to, const char *path)
{
	char *buffer = malloc(BUFFER_SIZE);
	struct stat st;
	bool holes = !fstat(to, &st) && S_ISREG(st.st_mode) && path;
	off_t offset = 0;
	ssize_t got;

	if (!buffer)
		err(LUOCTL_FAILED, NULL);

	while ((got = pread(from, buffer, BUFFER_SIZE, offset)) > 0) {
		offset += got;
		if (holes && is_zero(buffer, got))
			lseek(to, got, SEEK_CUR);
		else
			write_all(to, buffer, got, path ? path : "output");
	}
	if (got < 0)
		err(LUOCTL_FAILED, "the file can't be read");
	if (holes && ftruncate(to, offset))
		err(LUOCTL_FAILED, "%s", path);
	free(buffer);
}

static void retrieve(int session, const char *name, const char *token_text,
		     uint64_t token, const char *path)
{
	int file = session_retrieve_fd(session, token), out = STDOUT_FILENO;

	if (file < 0)
		errx(LUOCTL_FAILED, "%s, file %s: %s", name, token_text, strerror(-file));
	if (path)
		out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (out < 0)
		err(LUOCTL_FAILED, "%s", path);

	progress_start("copying");
	copy(file, out, path);
	progress_stop();
	if (path && (fsync(out) || close(out)))
		err(LUOCTL_FAILED, "%s", path);
}

static int run_retrieve(int argc, char **argv)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		LUOCTL_HELP_OPTION,
		{}
	};
	struct connection luod = CONNECTION_INIT;
	const char *path = NULL;
	uint64_t token;

	while (luoctl_getopt(&luoctl_retrieve_command, argc, argv, options) >= 0)
		path = optarg;
	if (optind != argc - 2 || !parse_token(argv[optind + 1], &token))
		return luoctl_usage(&luoctl_retrieve_command, "name a session and a file");
	if (!path && isatty(STDOUT_FILENO))
		return luoctl_usage(&luoctl_retrieve_command,
				    "a terminal can't show it, use -o");

	show_need_root();
	retrieve(claim(&luod, argv[optind]), argv[optind], argv[optind + 1], token, path);
	return LUOCTL_DONE;
}

static int run_discard(int argc, char **argv)
{
	static const struct option options[] = {
		LUOCTL_HELP_OPTION,
		{}
	};
	struct connection luod = CONNECTION_INIT;
	struct json_object *answer = NULL;
	const char *name;
	int session, error;

	while (luoctl_getopt(&luoctl_discard_command, argc, argv, options) >= 0)
		;
	if (optind != argc - 1)
		return luoctl_usage(&luoctl_discard_command, "name one session");

	show_need_root();
	name = argv[optind];
	session = claim(&luod, name);
	error = session_finish(session);
	if (error)
		errx(LUOCTL_FAILED, "%s: %s", name, strerror(-error));

	/* luod closes its descriptor. */
	if (luod.sock >= 0 &&
	    connection_request(&luod, message_request("DONE", name), &answer, NULL))
		warnx("luod can't be reached any more");
	json_object_put(answer);
	return LUOCTL_DONE;
}

const struct luoctl_command luoctl_retrieve_command = {
	.name = "retrieve",
	.synopsis = "SESSION FILE [-o OUTPUT]",
	.summary = "Copy a file out of a session of the previous kernel",
	.details =
"FILE is the name that luoctl run has given to a memfd, or a token. The session keeps the\n"
"file. Without -o it is written to standard output.\n",
	.options = "o:",
	.run = run_retrieve,
};

const struct luoctl_command luoctl_discard_command = {
	.name = "discard",
	.synopsis = "SESSION",
	.summary = "Drop a session of the previous kernel with all of its files",
	.run = run_discard,
};
