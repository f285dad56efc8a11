// SPDX-License-Identifier: GPL-2.0
/*
 * luoctl map: where preserved memory lies
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Zones come from /proc/zoneinfo, RAM from /proc/iomem, and preserved memory and scratch
 * from debugfs. Without debugfs the kernel log has scratch if it reaches back to the boot.
 */
#include <err.h>
#include <errno.h>
#include <json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "host.h"
#include "kmsg.h"
#include "luoctl.h"
#include "map.h"
#include "show.h"

#define DEBUGFS		"/sys/kernel/debug/kho"
#define COLUMNS		80

const char *const map_kind_names[MAP_KINDS] = {
	[MAP_RAM] = "RAM",
	[MAP_SCRATCH] = "scratch",
	[MAP_INCOMING] = "not restored",
	[MAP_PRESERVED] = "preserved",
};

/* Lists */

static void *grow(void *list, size_t count, size_t size)
{
	/* Double it at each power of two. */
	if (count & (count - 1))
		return list;
	list = realloc(list, (count ? 2 * count : 1) * size);
	if (!list)
		err(LUOCTL_FAILED, NULL);
	return list;
}

static void add_range(struct map_ranges *ranges, unsigned long long start, unsigned long long end)
{
	if (start >= end)
		return;
	ranges->list = grow(ranges->list, ranges->count, sizeof(*ranges->list));
	ranges->list[ranges->count++] = (struct map_range){ start, end };
}

static void add_zone(struct map *map, const struct map_zone *zone)
{
	map->zones = grow(map->zones, map->zone_count, sizeof(*map->zones));
	map->zones[map->zone_count++] = *zone;
}

size_t map_first(const struct map_ranges *ranges, unsigned long long address)
{
	size_t low = 0, high = ranges->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (ranges->list[middle].end > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

unsigned long long map_bytes(const struct map_ranges *ranges, unsigned long long start,
			     unsigned long long end)
{
	unsigned long long bytes = 0, from, to;
	size_t i;

	for (i = map_first(ranges, start); i < ranges->count; i++) {
		const struct map_range *range = &ranges->list[i];

		if (range->start >= end)
			break;
		from = range->start > start ? range->start : start;
		to = range->end < end ? range->end : end;
		bytes += to - from;
	}
	return bytes;
}

/* Reading */

/* Call a function for each line of a file. Return whether the file can be read. */
static bool each_line(const struct host *host, const char *path,
		      void (*take)(void *arg, const char *line), void *arg)
{
	char *text = host_read(host, path), *rest = text, *line;

	if (!text)
		return false;
	while ((line = strsep(&rest, "\n")))
		take(arg, line);
	free(text);
	return true;
}

/* struct zone_parser - the zone of the last heading */
struct zone_parser {
	struct map *map;
	struct map_zone zone;
	unsigned long long spanned;
};

/* The start comes last, and only if the zone has memory. */
static void take_zone_line(void *arg, const char *line)
{
	struct zone_parser *parser = arg;
	struct map_zone *zone = &parser->zone;
	unsigned long long page = sysconf(_SC_PAGESIZE), number;

	if (sscanf(line, "Node %d, zone %15s", &zone->node, zone->name) == 2)
		return;
	if (sscanf(line, " spanned %llu", &number) == 1) {
		parser->spanned = number;
	} else if (sscanf(line, " start_pfn: %llu", &number) == 1) {
		zone->range.start = number * page;
		zone->range.end = (number + parser->spanned) * page;
		add_zone(parser->map, zone);
	}
}

static void take_iomem_line(void *arg, const char *line)
{
	unsigned long long start, last;

	if (strstr(line, "System RAM") &&
	    sscanf(line, " %llx-%llx", &start, &last) == 2)
		add_range(arg, start, last + 1);
}

static void take_range_line(void *arg, const char *line)
{
	unsigned long long start, size;

	if (sscanf(line, "%llx %llu", &start, &size) == 2)
		add_range(arg, start, start + size);
}

static void take_log_line(void *arg, const char *line)
{
	unsigned long long start, last;

	if (sscanf(line, "KHO: scratch: [mem %llx-%llx", &start, &last) == 2)
		add_range(arg, start, last + 1);
}

static void read_scratch(struct map_ranges *scratch, const struct host *host)
{
	char *addresses = host_read(host, DEBUGFS "/out/scratch_phys");
	char *sizes = host_read(host, DEBUGFS "/out/scratch_len");
	char *address = addresses, *size = sizes, *end;
	unsigned long long start;

	while (addresses && sizes) {
		errno = 0;
		start = strtoull(address, &end, 16);
		if (end == address)
			break;
		address = end;
		add_range(scratch, start, start + strtoull(size, &size, 10));
	}
	free(sizes);
	free(addresses);
}

/* If the addresses in /proc/iomem are hidden, take the whole zones. */
static void guess_ram(struct map *map)
{
	size_t i;

	for (i = 0; i < map->zone_count; i++)
		add_range(&map->ranges[MAP_RAM], map->zones[i].range.start,
			  map->zones[i].range.end);
}

void map_read(struct map *map, const struct host *host)
{
	struct zone_parser parser = { .map = map };

	each_line(host, "/proc/zoneinfo", take_zone_line, &parser);
	each_line(host, "/proc/iomem", take_iomem_line, &map->ranges[MAP_RAM]);
	if (map->ranges[MAP_RAM].count < 2)
		guess_ram(map);

	each_line(host, DEBUGFS "/in/preserved", take_range_line,
		  &map->ranges[MAP_INCOMING]);
	map->debugfs = each_line(host, DEBUGFS "/out/preserved", take_range_line,
				 &map->ranges[MAP_PRESERVED]);
	if (map->debugfs)
		read_scratch(&map->ranges[MAP_SCRATCH], host);
}

void map_free(struct map *map)
{
	size_t i;

	for (i = 0; i < MAP_KINDS; i++)
		free(map->ranges[i].list);
	free(map->zones);
}

/* The command */

static struct json_object *json_of_ranges(const struct map_ranges *ranges)
{
	struct json_object *array = json_object_new_array(), *range;
	size_t i;

	for (i = 0; i < ranges->count; i++) {
		range = json_object_new_object();
		json_object_object_add(range, "start",
				       json_object_new_uint64(ranges->list[i].start));
		json_object_object_add(range, "size",
				       json_object_new_uint64(ranges->list[i].end -
							      ranges->list[i].start));
		json_object_array_add(array, range);
	}
	return array;
}

static struct json_object *json_of_zones(const struct map *map)
{
	struct json_object *array = json_object_new_array(), *object;
	size_t i;

	for (i = 0; i < map->zone_count; i++) {
		const struct map_zone *zone = &map->zones[i];

		object = json_object_new_object();
		json_object_object_add(object, "node", json_object_new_int(zone->node));
		json_object_object_add(object, "name",
				       json_object_new_string(zone->name));
		json_object_object_add(object, "start",
				       json_object_new_uint64(zone->range.start));
		json_object_object_add(object, "size",
				       json_object_new_uint64(zone->range.end -
							      zone->range.start));
		json_object_array_add(array, object);
	}
	return array;
}

static void print_json(const struct map *map)
{
	static const char *const keys[MAP_KINDS] = {
		"ram", "scratch", "not_restored", "preserved",
	};
	struct json_object *object = json_object_new_object();
	size_t i;

	json_object_object_add(object, "zones", json_of_zones(map));
	for (i = 0; i < MAP_KINDS; i++)
		if (map->debugfs || i < MAP_INCOMING)
			json_object_object_add(object, keys[i],
					       json_of_ranges(&map->ranges[i]));
	show_json(object);
}

static unsigned int terminal_columns(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		return COLUMNS;
	return size.ws_col;
}

static int write_svg(const struct map *map, const char *path)
{
	FILE *out = fopen(path, "we");
	int failed;

	if (!out)
		err(LUOCTL_FAILED, "%s", path);
	map_print_svg(map, out);
	failed = ferror(out);
	failed |= fclose(out);
	if (failed)
		err(LUOCTL_FAILED, "%s", path);
	return LUOCTL_DONE;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "svg", required_argument, NULL, 's' },
		LUOCTL_HELP_OPTION,
		{}
	};
	const char *svg = NULL;
	struct map map = {};
	bool json = false;
	int option;

	while ((option = luoctl_getopt(&luoctl_map_command, argc, argv, options)) >= 0) {
		if (option == 's')
			svg = optarg;
		else
			json = true;
	}
	if (optind < argc || (json && svg))
		return luoctl_usage(&luoctl_map_command, "give either --json or --svg");

	show_need_root();
	map_read(&map, &host_system);
	if (!map.debugfs) {
		warnx("debugfs does not show KHO: where memory is preserved is not known");
		kmsg_each(take_log_line, &map.ranges[MAP_SCRATCH]);
	}

	if (json)
		print_json(&map);
	else if (svg)
		write_svg(&map, svg);
	else
		map_print(&map, stdout, terminal_columns());
	map_free(&map);
	return LUOCTL_DONE;
}

const struct luoctl_command luoctl_map_command = {
	.name = "map",
	.synopsis = "[--svg FILE|--json]",
	.summary = "Show where preserved memory lies, by node and zone",
	.details =
"  --svg FILE  draw a picture\n"
"  --json      print the ranges\n",
	.run = run,
};
