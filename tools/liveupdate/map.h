/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luoctl map: where preserved memory lies
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef TOOLS_LIVEUPDATE_MAP_H
#define TOOLS_LIVEUPDATE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct host;

/* Kinds of memory. If some of it is of several kinds, the last one is shown. */
enum map_kind {
	MAP_RAM,
	MAP_SCRATCH,
	MAP_INCOMING,
	MAP_PRESERVED,
	MAP_KINDS
};

/* A range of physical addresses, @end is exclusive */
struct map_range {
	unsigned long long start;
	unsigned long long end;
};

/* Ranges in ascending order that do not overlap */
struct map_ranges {
	struct map_range *list;
	size_t count;
};

struct map_zone {
	int node;
	char name[16];
	struct map_range range;
};

/* struct map - memory by zones and by kinds; @debugfs: preserved memory is known */
struct map {
	struct map_zone *zones;
	size_t zone_count;
	struct map_ranges ranges[MAP_KINDS];
	bool debugfs;
};

extern const char *const map_kind_names[MAP_KINDS];

void map_read(struct map *map, const struct host *host);
void map_free(struct map *map);

/* Return how many bytes of [start, end) lie in ranges. */
unsigned long long map_bytes(const struct map_ranges *ranges, unsigned long long start,
			     unsigned long long end);
/* Return the index of the first range that ends after an address. */
size_t map_first(const struct map_ranges *ranges, unsigned long long address);

/* @columns: width of the lines */
void map_print(const struct map *map, FILE *out, unsigned int columns);
void map_print_svg(const struct map *map, FILE *out);

#endif /* TOOLS_LIVEUPDATE_MAP_H */
