// SPDX-License-Identifier: GPL-2.0
/*
 * luoctl: the files that describe the running system
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host.h"
#include "luoctl.h"

#define BOOT_ID		"/proc/sys/kernel/random/boot_id"

struct host host_system = { .root = "" };

/**
 * host_path - get the path of a file of a system
 * @host: the system
 * @path: its absolute path there
 *
 * Return: the path, to be freed.
 */
char *host_path(const struct host *host, const char *path)
{
	char *full;

	if (asprintf(&full, "%s%s", host->root, path) < 0)
		err(LUOCTL_FAILED, NULL);
	return full;
}

static char *read_all(int fd)
{
	size_t size = 4096, len = 0;
	char *text = NULL, *larger;
	ssize_t got = 0;

	do {
		size *= 2;
		larger = realloc(text, size);
		if (!larger)
			err(LUOCTL_FAILED, NULL);
		text = larger;
		while (len < size - 1 &&
		       (got = read(fd, text + len, size - 1 - len)) > 0)
			len += got;
	} while (len == size - 1);

	if (got < 0) {
		free(text);
		return NULL;
	}
	text[len] = '\0';
	return text;
}

/**
 * host_read - read a file of a system
 * @host: the system
 * @path: the file
 *
 * Return: its content, to be freed; NULL if it can't be read, and errno says why.
 */
char *host_read(const struct host *host, const char *path)
{
	char *full = host_path(host, path);
	int fd = open(full, O_RDONLY | O_CLOEXEC), error;
	char *text;

	free(full);
	if (fd < 0)
		return NULL;

	text = read_all(fd);
	error = errno;
	close(fd);
	errno = error;
	return text;
}

/**
 * host_link - read a symbolic link of a system
 * @host: the system
 * @path: the link
 *
 * Return: its target, to be freed; NULL if it can't be read.
 */
char *host_link(const struct host *host, const char *path)
{
	char *full = host_path(host, path);
	char target[PATH_MAX];
	ssize_t len = readlink(full, target, sizeof(target) - 1);

	free(full);
	if (len < 0)
		return NULL;

	target[len] = '\0';
	return strdup(target);
}

bool host_exists(const struct host *host, const char *path)
{
	char *full = host_path(host, path);
	bool exists = !access(full, F_OK);

	free(full);
	return exists;
}

/* Return the number at the start of a file, or -1. */
long long host_number(const struct host *host, const char *path)
{
	char *text = host_read(host, path);
	long long number = -1;

	if (text)
		sscanf(text, "%lld", &number);
	free(text);
	return number;
}

/* Return a field of /proc/meminfo in bytes, 0 if it is missing. */
uint64_t host_meminfo(const struct host *host, const char *field)
{
	char *text = host_read(host, "/proc/meminfo");
	size_t len = strlen(field);
	uint64_t kib = 0;
	char *line;

	for (line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, field, len) && line[len] == ':') {
			kib = strtoull(line + len + 1, NULL, 10);
			break;
		}
	}

	free(text);
	return kib * 1024;
}

/*
 * "luoctl load" records what it loads: the kernel does not show the image again.
 */

static char *read_boot_id(const struct host *host)
{
	char *id = host_read(host, BOOT_ID);

	if (id)
		id[strcspn(id, "\n")] = '\0';
	return id;
}

/**
 * host_save_record - record the loaded image
 * @host:   the system
 * @record: what to record
 *
 * Return: 0, or -1 and errno is set.
 */
int host_save_record(const struct host *host, struct json_object *record)
{
	char *dir = host_path(host, "/run/luoctl");
	char *path = host_path(host, HOST_RECORD);
	char *id = read_boot_id(host);
	int failed;

	if (id)
		json_object_object_add(record, "boot_id", json_object_new_string(id));
	failed = mkdir(dir, 0700) && errno != EEXIST;
	failed = failed || json_object_to_file(path, record);

	free(id);
	free(path);
	free(dir);
	return failed ? -1 : 0;
}

/**
 * host_load_record - read what "luoctl load" has recorded
 * @host: the system
 *
 * Return: the record, NULL if nothing was recorded since the system was booted.
 */
struct json_object *host_load_record(const struct host *host)
{
	char *text = host_read(host, HOST_RECORD);
	struct json_object *record = text ? json_tokener_parse(text) : NULL;
	const char *recorded =
		json_object_get_string(json_object_object_get(record, "boot_id"));
	char *id = read_boot_id(host);

	if (!recorded || !id || strcmp(recorded, id)) {
		json_object_put(record);
		record = NULL;
	}

	free(id);
	free(text);
	return record;
}
