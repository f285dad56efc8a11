/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luoctl run: the memfds of a program
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef TOOLS_LIVEUPDATE_MEMFDS_H
#define TOOLS_LIVEUPDATE_MEMFDS_H

#include <stddef.h>
#include <stdint.h>

/* The token of a memfd is its name: the first character is the lowest byte. */
#define MEMFD_NAME_MAX	8

/*
 * struct memfd - a memfd; @size is that of a new one, @huge_shift log2 of the size of its huge
 * pages, 0 for none
 */
struct memfd {
	char name[MEMFD_NAME_MAX + 1];
	uint64_t size;
	unsigned int huge_shift;
	int fd;
};

/* struct memfds - the memfds in the order of their descriptors in the program */
struct memfds {
	struct memfd *list;
	size_t count;
};

/* Add NAME=SIZE[,hugetlb=PAGE]. Return NULL, or what is wrong with it. */
const char *memfds_add(struct memfds *memfds, const char *spec);

/*
 * Create all memfds, retrieve all of them from a session, or preserve them. Return 0, or a
 * negative error number with the memfd that failed in @failed.
 */
int memfds_create(struct memfds *memfds, const struct memfd **failed);
int memfds_retrieve(struct memfds *memfds, int session, const struct memfd **failed);
int memfds_preserve(const struct memfds *memfds, int session,
		    const struct memfd **failed);

/* Let the program read and write from the start of each memfd. */
void memfds_rewind(const struct memfds *memfds);

/* Return the names with colons in between, to be freed, or NULL. */
char *memfds_names(const struct memfds *memfds);

uint64_t memfd_token(const char *name);
/* Set the name of a token. Return whether it has one. */
int memfd_token_name(uint64_t token, char name[MEMFD_NAME_MAX + 1]);

#endif /* TOOLS_LIVEUPDATE_MEMFDS_H */
