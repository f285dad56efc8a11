// SPDX-License-Identifier: GPL-2.0
/*
 * luoctl run: the memfds of a program
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <ctype.h>
#include <errno.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device.h"
#include "memfds.h"

static int is_name(const char *name, size_t len)
{
	size_t i;

	/* Numbers are tokens for "luoctl retrieve". */
	if (!len || len > MEMFD_NAME_MAX || !isalpha((unsigned char)name[0]))
		return 0;
	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("_-.", name[i]))
			return 0;
	return 1;
}

/* Return the size at the start of @text, or -1. Store where it ends in @rest. */
static int64_t parse_size(const char *text, char **rest)
{
	static const char units[] = "KMGT";
	unsigned long long size;
	const char *unit;

	*rest = NULL;
	if (!isdigit((unsigned char)*text))
		return -1;

	errno = 0;
	size = strtoull(text, rest, 10);
	unit = **rest ? strchr(units, toupper((unsigned char)**rest)) : NULL;
	if (unit) {
		(*rest)++;
		for (; unit >= units && size <= INT64_MAX / 1024; unit--)
			size *= 1024;
		if (unit >= units)
			return -1;
	}
	return errno || size > INT64_MAX ? -1 : (int64_t)size;
}

static int has_name(const struct memfds *memfds, const char *name)
{
	size_t i;

	for (i = 0; i < memfds->count; i++)
		if (!strcmp(memfds->list[i].name, name))
			return 1;
	return 0;
}

/* Set the sizes from SIZE[,hugetlb=PAGE]. Return NULL, or what is wrong with it. */
static const char *parse_sizes(struct memfd *memfd, const char *text)
{
	static const char hugetlb[] = ",hugetlb=";
	int64_t size, page_size;
	char *rest;

	size = parse_size(text, &rest);
	if (size >= 0 && !*rest) {
		memfd->size = size;
		return NULL;
	}
	if (size < 0 || strncmp(rest, hugetlb, strlen(hugetlb)))
		return "the size of a memfd is a number of bytes, or has one of K, M, G, T";

	page_size = parse_size(rest + strlen(hugetlb), &rest);
	if (page_size < 2 || *rest || page_size & (page_size - 1))
		return "the size of huge pages is a power of two, as 2M or 1G";
	if (size % page_size)
		return "the size of a memfd is a multiple of that of its huge pages";
	memfd->size = size;
	memfd->huge_shift = __builtin_ctzll(page_size);
	return NULL;
}

const char *memfds_add(struct memfds *memfds, const char *spec)
{
	const char *equals = strchr(spec, '=');
	struct memfd memfd = { .fd = -1 }, *list;
	const char *fault;

	if (!equals || !is_name(spec, equals - spec))
		return "the name of a memfd is a letter and up to 7 letters, digits, _ - .";
	memcpy(memfd.name, spec, equals - spec);
	if (has_name(memfds, memfd.name))
		return "two memfds have the same name";

	fault = parse_sizes(&memfd, equals + 1);
	if (fault)
		return fault;

	list = realloc(memfds->list, (memfds->count + 1) * sizeof(*list));
	if (!list)
		return strerror(ENOMEM);
	list[memfds->count] = memfd;
	memfds->list = list;
	memfds->count++;
	return NULL;
}

static int create(struct memfd *memfd)
{
	unsigned int flags = MFD_CLOEXEC;

	if (memfd->huge_shift)
		flags |= MFD_HUGETLB | memfd->huge_shift << MFD_HUGE_SHIFT;
	memfd->fd = memfd_create(memfd->name, flags);
	if (memfd->fd < 0 || ftruncate(memfd->fd, memfd->size))
		return -errno;
	return 0;
}

int memfds_create(struct memfds *memfds, const struct memfd **failed)
{
	int err = 0;
	size_t i;

	for (i = 0; i < memfds->count && !err; i++) {
		*failed = &memfds->list[i];
		err = create(&memfds->list[i]);
	}
	return err;
}

int memfds_retrieve(struct memfds *memfds, int session, const struct memfd **failed)
{
	size_t i;

	for (i = 0; i < memfds->count; i++) {
		struct memfd *memfd = &memfds->list[i];

		*failed = memfd;
		memfd->fd = session_retrieve_fd(session, memfd_token(memfd->name));
		if (memfd->fd < 0)
			return memfd->fd;
	}
	return 0;
}

int memfds_preserve(const struct memfds *memfds, int session,
		    const struct memfd **failed)
{
	int err = 0;
	size_t i;

	for (i = 0; i < memfds->count && !err; i++) {
		const struct memfd *memfd = &memfds->list[i];

		*failed = memfd;
		err = session_preserve_fd(session, memfd->fd, memfd_token(memfd->name));
	}
	return err;
}

void memfds_rewind(const struct memfds *memfds)
{
	size_t i;

	for (i = 0; i < memfds->count; i++)
		lseek(memfds->list[i].fd, 0, SEEK_SET);
}

char *memfds_names(const struct memfds *memfds)
{
	char *names = calloc(memfds->count + 1, MEMFD_NAME_MAX + 1);
	size_t i;

	for (i = 0; names && i < memfds->count; i++) {
		if (i)
			strcat(names, ":");
		strcat(names, memfds->list[i].name);
	}
	return names;
}

uint64_t memfd_token(const char *name)
{
	uint64_t token = 0;
	size_t i;

	for (i = 0; name[i] && i < MEMFD_NAME_MAX; i++)
		token |= (uint64_t)(unsigned char)name[i] << (8 * i);
	return token;
}

int memfd_token_name(uint64_t token, char name[MEMFD_NAME_MAX + 1])
{
	size_t i;

	for (i = 0; i < MEMFD_NAME_MAX; i++)
		name[i] = token >> (8 * i);
	name[MEMFD_NAME_MAX] = '\0';
	return is_name(name, strlen(name)) && memfd_token(name) == token;
}
