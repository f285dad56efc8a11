/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luoctl: processes and their descriptors
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef TOOLS_LIVEUPDATE_PROCS_H
#define TOOLS_LIVEUPDATE_PROCS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct host;

/* Call a function for each process, or for each descriptor with the target of its link. */
void procs_walk(const struct host *host,
		void (*visit)(const struct host *host, int pid, void *arg), void *arg);
void procs_walk_fds(const struct host *host, int pid,
		    void (*visit)(const struct host *host, int pid, const char *path,
				  const char *target, void *arg),
		    void *arg);

/* Return an argument of a process, to be freed; NULL if it has none of this index. */
char *procs_argument(const struct host *host, int pid, unsigned int index);

/**
 * struct procs_memfds - memfds of processes, each counted once, without those of huge pages
 * @size: sum of the file sizes, in bytes
 * @allocated: sum of the allocated memory
 * @inodes: those that are counted, a tree of tsearch(3)
 */
struct procs_memfds {
	uint64_t size;
	uint64_t allocated;
	void *inodes;
};

/* Add the memfds of a process. */
void procs_add_memfds(const struct host *host, int pid, struct procs_memfds *memfds);

/* Forget which ones are counted, and keep the sums. */
void procs_free_memfds(struct procs_memfds *memfds);

#endif /* TOOLS_LIVEUPDATE_PROCS_H */
