// SPDX-License-Identifier: GPL-2.0
/*
 * luoctl map: as a picture
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Each zone has a bar of the same width. Ranges that are narrower than a pixel are joined
 * with those next to them, so the size of the file is limited.
 */

#include "map.h"
#include "show.h"

#define BAR_WIDTH	960
#define BAR_HEIGHT	28
#define MARGIN		20
#define ROW_HEIGHT	64
#define LEGEND_HEIGHT	40
#define MIN_WIDTH	1.0

static const char *const colors[MAP_KINDS] = {
	[MAP_RAM] = "#d9dee4",
	[MAP_SCRATCH] = "#f0b429",
	[MAP_INCOMING] = "#7b61c4",
	[MAP_PRESERVED] = "#1f77b4",
};

static double place(const struct map_zone *zone, unsigned long long address)
{
	if (address < zone->range.start)
		address = zone->range.start;
	if (address > zone->range.end)
		address = zone->range.end;
	return (double)(address - zone->range.start) /
	       (double)(zone->range.end - zone->range.start) * BAR_WIDTH;
}

static void draw_box(FILE *out, double from, double to, int y, const char *color)
{
	fprintf(out, "<rect x=\"%.2f\" y=\"%d\" width=\"%.2f\" height=\"%d\" fill=\"%s\"/>\n",
		MARGIN + from, y, to - from, BAR_HEIGHT, color);
}

static void draw_ranges(const struct map_zone *zone, const struct map_ranges *ranges,
			FILE *out, int y, const char *color)
{
	double from = 0, to = -1, start, end;
	size_t i;

	for (i = map_first(ranges, zone->range.start); i < ranges->count; i++) {
		if (ranges->list[i].start >= zone->range.end)
			break;
		start = place(zone, ranges->list[i].start);
		end = place(zone, ranges->list[i].end);
		if (end < start + MIN_WIDTH)
			end = start + MIN_WIDTH;
		if (start > to) {
			if (to >= 0)
				draw_box(out, from, to, y, color);
			from = start;
		}
		if (end > to)
			to = end;
	}
	if (to >= 0)
		draw_box(out, from, to, y, color);
}

static void draw_address(FILE *out, int x, int y, const char *anchor,
			 unsigned long long address)
{
	fprintf(out, "<text class=\"a\" x=\"%d\" y=\"%d\" text-anchor=\"%s\">%#llx</text>\n",
		x, y + BAR_HEIGHT + 13, anchor, address);
}

static void draw_zone(const struct map *map, const struct map_zone *zone, FILE *out, int y)
{
	char size[SHOW_SIZE_LEN];
	unsigned long long bytes;
	int kind;

	fprintf(out, "<text x=\"%d\" y=\"%d\">Node %d, zone %s", MARGIN, y - 8,
		zone->node, zone->name);
	for (kind = 0; kind < MAP_KINDS; kind++) {
		bytes = map_bytes(&map->ranges[kind], zone->range.start, zone->range.end);
		if (bytes)
			fprintf(out, ", %s %s", show_size(size, bytes),
				map_kind_names[kind]);
	}
	fputs("</text>\n", out);
	draw_address(out, MARGIN, y, "start", zone->range.start);
	draw_address(out, MARGIN + BAR_WIDTH, y, "end", zone->range.end);

	for (kind = 0; kind < MAP_KINDS; kind++)
		draw_ranges(zone, &map->ranges[kind], out, y, colors[kind]);
	fprintf(out, "<rect class=\"f\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n",
		MARGIN, y, BAR_WIDTH, BAR_HEIGHT);
}

static void draw_legend(FILE *out, int y)
{
	int kind, x = MARGIN;

	for (kind = 0; kind < MAP_KINDS; kind++, x += 130) {
		fprintf(out, "<rect x=\"%d\" y=\"%d\" width=\"14\" height=\"14\" ", x, y - 12);
		fprintf(out, "fill=\"%s\"/>\n", colors[kind]);
		fprintf(out, "<text x=\"%d\" y=\"%d\">%s</text>\n", x + 20, y,
			map_kind_names[kind]);
	}
}

void map_print_svg(const struct map *map, FILE *out)
{
	int height = (int)map->zone_count * (ROW_HEIGHT + 10) + LEGEND_HEIGHT + MARGIN;
	int y = MARGIN + 20;
	size_t i;

	fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\">\n",
		BAR_WIDTH + 2 * MARGIN, height);
	fputs("<style>text { font: 13px sans-serif; }\n"
	      ".a { font: 11px monospace; fill: #5a646e; }\n"
	      ".f { fill: none; stroke: #8a949e; }</style>\n"
	      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n", out);
	for (i = 0; i < map->zone_count; i++, y += ROW_HEIGHT + 10)
		draw_zone(map, &map->zones[i], out, y);
	draw_legend(out, y);
	fputs("</svg>\n", out);
}
