// SPDX-License-Identifier: GPL-2.0
/*
 * luoctl: the summaries in debugfs
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * kernel/liveupdate/kexec_handover_debugfs.c, luo_debugfs.c and mm/hugetlb_pool_luo.c
 * write them. Lines that are not known are ignored.
 */
#include <ctype.h>
#include <err.h>
#include <json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "luoctl.h"
#include "summary.h"

/* struct parser - the objects that the following lines belong to */
struct parser {
	struct json_object *summary;
	struct json_object *files;
};

/* Return what follows a prefix, or NULL. */
static const char *after(const char *line, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(line, prefix, len) ? NULL : line + len;
}

/*
 * Return a string in quotes as an object, and move @text past it. Only quotes and
 * backslashes are unescaped, so that a terminal can show the string.
 */
static struct json_object *take_string(const char **text)
{
	char *copy = malloc(strlen(*text) + 1);
	struct json_object *string;
	const char *from = *text;
	char *to = copy;

	if (!copy)
		err(LUOCTL_FAILED, NULL);

	for (from += *from == '"'; *from && *from != '"'; from++) {
		if (*from == '\\' && (from[1] == '"' || from[1] == '\\'))
			from++;
		*to++ = *from;
	}
	*text = from + (*from == '"');

	*to = '\0';
	string = json_object_new_string(copy);
	free(copy);
	return string;
}

static struct json_object *member_array(struct json_object *object, const char *key)
{
	struct json_object *array = json_object_object_get(object, key);

	if (!array) {
		array = json_object_new_array();
		json_object_object_add(object, key, array);
	}
	return array;
}

static void add_number(struct json_object *object, const char *key, unsigned long long number)
{
	json_object_object_add(object, key, json_object_new_uint64(number));
}

static void add_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, json_object_new_string(text));
}

static void parse_region(struct parser *parser, const char *rest)
{
	unsigned long long start, last, size;
	struct json_object *region;

	if (sscanf(rest, "%llx-%llx] %llu", &start, &last,
		   &size) != 3)
		return;

	region = json_object_new_object();
	add_number(region, "start", start);
	add_number(region, "size", size);
	json_object_array_add(member_array(parser->summary, "scratch"), region);
}

static void parse_total(struct parser *parser, const char *key, const char *rest)
{
	unsigned long long blocks, pages, bytes;
	struct json_object *total;

	if (sscanf(rest, "%llu blocks, %llu pages, %llu", &blocks,
		   &pages, &bytes) != 3)
		return;

	total = json_object_new_object();
	add_number(total, "blocks", blocks);
	add_number(total, "pages", pages);
	add_number(total, "bytes", bytes);
	json_object_object_add(parser->summary, key, total);
}

/* Pages of the hugetlb pool: "2048 KiB on node 0: 3 pages, 6291456 bytes" */
static void parse_huge_pages(struct parser *parser, const char *rest)
{
	unsigned long long kib, node, pages, bytes;
	struct json_object *huge;

	if (sscanf(rest, "%llu KiB on node %llu: %llu pages, %llu", &kib, &node, &pages,
		   &bytes) != 4)
		return;

	huge = json_object_new_object();
	add_number(huge, "page_size", kib * 1024);
	add_number(huge, "node", node);
	add_number(huge, "pages", pages);
	add_number(huge, "bytes", bytes);
	json_object_array_add(member_array(parser->summary, "huge_pages"), huge);
}

static void parse_session(struct parser *parser, const char *rest)
{
	struct json_object *session = json_object_new_object();
	const char *state;

	json_object_object_add(session, "name", take_string(&rest));
	state = strstr(rest, "files, ");
	add_text(session, "state", state ? state + strlen("files, ") : "");
	parser->files = member_array(session, "files");
	json_object_array_add(member_array(parser->summary, "sessions"), session);
}

/* "preserved, 4096 bytes", without the size if the file is not open */
static void parse_file_state(struct json_object *file, const char *state)
{
	const char *comma = strstr(state, ", ");
	size_t len = comma ? (size_t)(comma - state) : strlen(state);

	json_object_object_add(file, "state", json_object_new_string_len(state, len));
	if (comma)
		add_number(file, "bytes", strtoull(comma + 2, NULL, 10));
}

static void parse_file(struct parser *parser, const char *rest)
{
	struct json_object *file;
	unsigned long long token;
	int len = 0;

	if (!parser->files || sscanf(rest, "%llx, handler %n", &token, &len) != 1 ||
	    !len)
		return;

	rest += len;
	file = json_object_new_object();
	add_number(file, "token", token);
	json_object_object_add(file, "kind", take_string(&rest));
	parse_file_state(file, rest + 2 * !strncmp(rest, ", ", 2));
	json_object_array_add(parser->files, file);
}

static void parse_luo(struct parser *parser, const char *rest)
{
	const char *number = strstr(rest, "live update ");
	const char *refused = after(rest, "refused ");

	if (number)
		add_number(parser->summary, "live_update",
			   strtoull(number + strlen("live update "), NULL, 10));
	if (refused)
		add_text(parser->summary, "refused", refused);
}

static void parse_form(struct parser *parser, const char *rest)
{
	add_text(parser->summary, "form", rest);
}

static void parse_preserved(struct parser *parser, const char *rest)
{
	parse_total(parser, "preserved", rest);
}

static void parse_left(struct parser *parser, const char *rest)
{
	parse_total(parser, "left", rest);
}

static void parse_sessions(struct parser *parser, const char *rest)
{
	/* "not listed" otherwise */
	if (isdigit((unsigned char)*rest))
		member_array(parser->summary, "sessions");
}

static const struct {
	const char *prefix;
	void (*parse)(struct parser *parser, const char *rest);
} lines[] = {
	{ "    token ", parse_file },
	{ "  session ", parse_session },
	{ "  [mem ", parse_region },
	{ "preserved: ", parse_preserved },
	{ "preserved, not restored: ", parse_preserved },
	{ "handed on unless restored: ", parse_left },
	{ "huge pages of ", parse_huge_pages },
	{ "LUO: ", parse_luo },
	{ "form: ", parse_form },
	{ "sessions: ", parse_sessions },
};

static void parse_line(struct parser *parser, const char *line)
{
	const char *rest;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		rest = after(line, lines[i].prefix);
		if (rest) {
			lines[i].parse(parser, rest);
			return;
		}
	}
}

struct json_object *summary_parse(const char *text)
{
	struct parser parser = { .summary = json_object_new_object() };
	char *copy = strdup(text), *rest = copy, *line;

	if (!copy)
		err(LUOCTL_FAILED, NULL);

	while ((line = strsep(&rest, "\n")))
		parse_line(&parser, line);

	free(copy);
	return parser.summary;
}
