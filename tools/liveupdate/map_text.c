// SPDX-License-Identifier: GPL-2.0
/*
 * luoctl map: as text
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include "map.h"
#include "show.h"

#define MIN_COLUMNS	20

/* Most, or some, of a column is of the kind. Preserved memory is shown if there is any. */
static const struct {
	char most;
	char some;
} marks[MAP_KINDS] = {
	[MAP_RAM] = { '.', '.' },
	[MAP_SCRATCH] = { 's', 's' },
	[MAP_INCOMING] = { 'i', 'i' },
	[MAP_PRESERVED] = { '#', '+' },
};

static char mark_of(const struct map *map, unsigned long long start, unsigned long long end)
{
	unsigned long long bytes;
	int kind;

	for (kind = MAP_KINDS - 1; kind >= 0; kind--) {
		bytes = map_bytes(&map->ranges[kind], start, end);
		if (bytes)
			return bytes >= (end - start) / 2 ? marks[kind].most :
							    marks[kind].some;
	}
	return ' ';
}

static void print_heading(const struct map *map, const struct map_zone *zone, FILE *out)
{
	char size[SHOW_SIZE_LEN];
	unsigned long long bytes;
	int kind;

	fprintf(out, "Node %d, zone %s, %#llx-%#llx:", zone->node,
		zone->name, zone->range.start, zone->range.end - 1);
	for (kind = 0; kind < MAP_KINDS; kind++) {
		bytes = map_bytes(&map->ranges[kind], zone->range.start, zone->range.end);
		if (bytes)
			fprintf(out, "%s %s %s", kind ? "," : "", show_size(size, bytes),
				map_kind_names[kind]);
	}
	fputc('\n', out);
}

static void print_bar(const struct map *map, const struct map_zone *zone, FILE *out,
		      unsigned int columns)
{
	unsigned long long size = zone->range.end - zone->range.start, start, end;
	unsigned int i;

	fputs("  [", out);
	for (i = 0; i < columns; i++) {
		start = zone->range.start + size / columns * i;
		end = i + 1 < columns ? zone->range.start + size / columns * (i + 1) :
					zone->range.end;
		fputc(mark_of(map, start, end), out);
	}
	fputs("]\n", out);
}

void map_print(const struct map *map, FILE *out, unsigned int columns)
{
	size_t i;

	columns = columns > MIN_COLUMNS ? columns - 4 : MIN_COLUMNS;
	for (i = 0; i < map->zone_count; i++) {
		print_heading(map, &map->zones[i], out);
		print_bar(map, &map->zones[i], out, columns);
	}
	fputs("# mostly and + partly preserved, i not restored yet, s scratch, . other RAM\n",
	      out);
}
