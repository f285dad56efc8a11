// SPDX-License-Identifier: GPL-2.0
/*
 * luoctl: processes and their descriptors
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "host.h"
#include "procs.h"

void procs_walk(const struct host *host,
		void (*visit)(const struct host *host, int pid, void *arg), void *arg)
{
	char *path = host_path(host, "/proc");
	DIR *dir = opendir(path);
	struct dirent *entry;
	int pid;

	free(path);
	while (dir && (entry = readdir(dir))) {
		pid = atoi(entry->d_name);
		if (pid > 0)
			visit(host, pid, arg);
	}
	if (dir)
		closedir(dir);
}

void procs_walk_fds(const struct host *host, int pid,
		    void (*visit)(const struct host *host, int pid, const char *path,
				  const char *target, void *arg),
		    void *arg)
{
	struct dirent *entry;
	char path[64], *full;
	char *target;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	full = host_path(host, path);
	dir = opendir(full);
	free(full);

	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%.20s", pid, entry->d_name);
		target = host_link(host, path);
		if (target)
			visit(host, pid, path, target, arg);
		free(target);
	}
	if (dir)
		closedir(dir);
}

/* The arguments are separated by NULs. */
char *procs_argument(const struct host *host, int pid, unsigned int index)
{
	char path[64], arguments[4096];
	char *full, *at;
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	full = host_path(host, path);
	fd = open(full, O_RDONLY | O_CLOEXEC);
	free(full);
	if (fd < 0)
		return NULL;
	len = read(fd, arguments, sizeof(arguments) - 1);
	close(fd);
	if (len <= 0)
		return NULL;

	arguments[len] = '\0';
	for (at = arguments; index; index--) {
		at += strlen(at) + 1;
		if (at >= arguments + len)
			return NULL;
	}
	return strdup(at);
}

static int compare_inodes(const void *a, const void *b)
{
	const ino_t *inode_a = a, *inode_b = b;

	return *inode_a < *inode_b ? -1 : *inode_a > *inode_b;
}

/* Return whether the inode is seen for the first time. */
static bool see(struct procs_memfds *memfds, ino_t inode)
{
	ino_t *copy = malloc(sizeof(*copy)), **entry;

	if (!copy)
		return false;
	*copy = inode;
	entry = tsearch(copy, &memfds->inodes, compare_inodes);
	if (entry && *entry == copy)
		return true;
	free(copy);
	return false;
}

static void add_memfd(const struct host *host, int pid, const char *path,
		      const char *target, void *arg)
{
	struct procs_memfds *memfds = arg;
	char *full;
	struct stat st;
	struct statfs fs;
	int failed;

	(void)pid;
	if (strncmp(target, "/memfd:", strlen("/memfd:")))
		return;

	full = host_path(host, path);
	failed = stat(full, &st) || statfs(full, &fs);
	free(full);
	/* Huge pages belong to a pool outside of scratch and are not moved. */
	if (failed || fs.f_type == HUGETLBFS_MAGIC || !see(memfds, st.st_ino))
		return;
	memfds->size += st.st_size;
	memfds->allocated += st.st_blocks * 512;
}

void procs_add_memfds(const struct host *host, int pid, struct procs_memfds *memfds)
{
	procs_walk_fds(host, pid, add_memfd, memfds);
}

void procs_free_memfds(struct procs_memfds *memfds)
{
	tdestroy(memfds->inodes, free);
	memfds->inodes = NULL;
}
