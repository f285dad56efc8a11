/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luoctl: processes and their descriptors
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef TOOLS_LIVEUPDATE_PROCS_H
#define TOOLS_LIVEUPDATE_PROCS_H

#include <stdint.h>

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

/* Sizes of memfds in bytes: file sizes, and allocated memory */
struct procs_memfds {
	uint64_t size;
	uint64_t allocated;
};

/* Add the memfds of a process. */
void procs_add_memfds(const struct host *host, int pid, struct procs_memfds *memfds);

#endif /* TOOLS_LIVEUPDATE_PROCS_H */
