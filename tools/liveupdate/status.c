// SPDX-License-Identifier: GPL-2.0
/*
 * luoctl list, luoctl status: show sessions and what is preserved
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "luoctl.h"
#include "show.h"
#include "state.h"

/* Sessions */

static unsigned long long session_bytes(struct json_object *session)
{
	unsigned long long bytes = 0;
	size_t i;

	for (i = 0; i < show_length(session, "files"); i++)
		bytes += show_number(show_entry(session, "files", i), "bytes");
	return bytes;
}

/* Files that were not retrieved have no size yet. */
static bool has_sizes(struct json_object *session)
{
	size_t i;

	for (i = 0; i < show_length(session, "files"); i++)
		if (!json_object_object_get(show_entry(session, "files", i), "bytes"))
			return false;
	return show_length(session, "files");
}

/* Prefer luod's state to the kernel's, because it is more detailed. */
static const char *state_of(struct json_object *session)
{
	const char *state = show_string(json_object_object_get(session, "luod"), "state");

	return *state ? state : show_string(session, "state");
}

static void print_holders(struct json_object *session, const char *separator)
{
	const char *before = "";
	size_t i;

	for (i = 0; i < show_length(session, "holders"); i++) {
		struct json_object *holder = show_entry(session, "holders", i);

		printf("%s%s (%llu)", before, show_string(holder, "command"),
		       show_number(holder, "pid"));
		before = separator;
	}
	if (!i)
		putchar('-');
}

static void print_row(struct json_object *session)
{
	char size[SHOW_SIZE_LEN] = "-", files[24] = "-";

	if (json_object_object_get(session, "files"))
		snprintf(files, sizeof(files), "%zu", show_length(session, "files"));
	if (has_sizes(session))
		show_size(size, session_bytes(session));

	printf("%-20s %-9s %-10s %5s %10s  ", show_string(session, "name"),
	       show_string(session, "direction"), state_of(session), files, size);
	print_holders(session, ", ");
	putchar('\n');
}

static void print_list(struct json_object *state)
{
	size_t i, count = show_length(state, "sessions");

	if (!count) {
		puts("There are no sessions.");
		return;
	}
	printf("%-20s %-9s %-10s %5s %10s  %s\n", "NAME", "DIRECTION", "STATE", "FILES",
	       "SIZE", "HOLDER");
	for (i = 0; i < count; i++)
		print_row(show_entry(state, "sessions", i));
}

/* Return "memfd" for "memfd-v3;vmalloc-v1". */
static const char *short_kind(char kind[32], struct json_object *file)
{
	const char *full = show_string(file, "kind");
	const char *version = strstr(full, "-v");

	snprintf(kind, 32, "%.*s", (int)(version ? version - full : 31), full);
	return kind;
}

static void print_file(struct json_object *file)
{
	char size[SHOW_SIZE_LEN] = "", token[24], kind[32];

	if (json_object_object_get(file, "name"))
		snprintf(token, sizeof(token), "%s", show_string(file, "name"));
	else
		snprintf(token, sizeof(token), "%#llx", show_number(file, "token"));
	if (json_object_object_get(file, "bytes"))
		show_size(size, show_number(file, "bytes"));
	printf("    %-18s %-13s %10s  %s\n", token, short_kind(kind, file), size,
	       show_string(file, "state"));
}

static void print_session(struct json_object *session)
{
	struct json_object *luod = json_object_object_get(session, "luod");
	size_t i;

	printf("  %s, %s, %s", show_string(session, "name"),
	       show_string(session, "direction"), state_of(session));
	if (json_object_object_get(luod, "pid"))
		printf(", client %llu", show_number(luod, "pid"));
	if (show_length(session, "holders")) {
		fputs(", held by ", stdout);
		print_holders(session, " and ");
	}
	putchar('\n');
	for (i = 0; i < show_length(session, "files"); i++)
		print_file(show_entry(session, "files", i));
}

/* The system */

static const char *on_off(struct json_object *state, const char *key)
{
	return json_object_get_boolean(json_object_object_get(state, key)) ? "on" : "off";
}

static void print_kernel(struct json_object *state)
{
	printf("Kernel:       %s, KHO %s, live update %s",
	       show_string(state, "release"), on_off(state, "kho"),
	       on_off(state, "liveupdate"));
	if (json_object_object_get(state, "live_update"))
		printf(", live update %llu since cold boot",
		       show_number(state, "live_update"));
	putchar('\n');
	if (json_object_object_get(state, "refused"))
		printf("              the sessions of the previous kernel were refused %s\n",
		       show_string(state, "refused"));
}

static void print_image(struct json_object *state)
{
	struct json_object *image = json_object_object_get(state, "image");
	const char *kernel =
		show_string(json_object_object_get(image, "record"), "kernel");
	const char *verdict = show_string(image, "verdict");

	fputs("Next kernel:  ", stdout);
	if (!json_object_get_boolean(json_object_object_get(image, "loaded"))) {
		puts("not loaded");
		return;
	}
	printf("%s%s%s\n", *kernel ? kernel : "loaded", *verdict ? ", " : "", verdict);
}

static void print_scratch(struct json_object *state)
{
	size_t i, count = show_length(state, "scratch");
	char size[SHOW_SIZE_LEN];
	unsigned long long bytes = 0;

	for (i = 0; i < count; i++)
		bytes += show_number(show_entry(state, "scratch", i), "size");
	if (count)
		printf("Scratch:      %s in %zu region%s\n", show_size(size, bytes), count,
		       count == 1 ? "" : "s");
}

static void print_total(struct json_object *state, const char *key, const char *title)
{
	struct json_object *total = json_object_object_get(state, key);
	char size[SHOW_SIZE_LEN];

	if (total)
		printf("%-13s %s in %llu blocks\n", title,
		       show_size(size, show_number(total, "bytes")),
		       show_number(total, "blocks"));
}

/* They are among the preserved blocks. */
static void print_huge_pages(struct json_object *state)
{
	char size[SHOW_SIZE_LEN], page_size[SHOW_SIZE_LEN];
	size_t i;

	for (i = 0; i < show_length(state, "huge_pages"); i++) {
		struct json_object *huge = show_entry(state, "huge_pages", i);

		printf("%-13s %s in %llu pages of %s on node %llu\n",
		       i ? "" : "Huge pages:", show_size(size, show_number(huge, "bytes")),
		       show_number(huge, "pages"),
		       show_size(page_size, show_number(huge, "page_size")),
		       show_number(huge, "node"));
	}
}

static void print_status(struct json_object *state)
{
	size_t i, count = show_length(state, "sessions");
	const char *luod = show_string(state, "luod");

	print_kernel(state);
	print_image(state);
	print_scratch(state);
	print_total(state, "preserved", "Preserved:");
	print_total(state, "left", "Not restored:");
	print_huge_pages(state);
	printf("luod:         %s\n", *luod ? luod : "can't be reached");
	if (!json_object_get_boolean(json_object_object_get(state, "debugfs")))
		puts("debugfs does not show KHO: files and preserved memory are not known");
	printf("Sessions:     %zu\n", count);
	for (i = 0; i < count; i++)
		print_session(show_entry(state, "sessions", i));
}

static struct json_object *collect(void)
{
	struct json_object *list = state_ask_luod();
	struct json_object *state = state_collect(&host_system, list);

	json_object_put(list);
	return state;
}

/* Return whether --json was given. */
static bool wants_json(const struct luoctl_command *command, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		LUOCTL_HELP_OPTION,
		{}
	};
	bool json = false;

	while (luoctl_getopt(command, argc, argv, options) >= 0)
		json = true;
	if (optind < argc)
		exit(luoctl_usage(command, "it has no arguments"));
	show_need_root();
	return json;
}

static int run_list(int argc, char **argv)
{
	bool json = wants_json(&luoctl_list_command, argc, argv);
	struct json_object *state = collect(), *list;

	if (json) {
		list = json_object_new_object();
		json_object_object_add(list, "sessions",
				       json_object_get(json_object_object_get(state,
									      "sessions")));
		show_json(list);
	} else {
		print_list(state);
	}
	json_object_put(state);
	return LUOCTL_DONE;
}

static int run_status(int argc, char **argv)
{
	bool json = wants_json(&luoctl_status_command, argc, argv);
	struct json_object *state = collect();

	if (json) {
		show_json(state);
		return LUOCTL_DONE;
	}
	print_status(state);
	json_object_put(state);
	return LUOCTL_DONE;
}

const struct luoctl_command luoctl_list_command = {
	.name = "list",
	.synopsis = "[--json]",
	.summary = "List the sessions",
	.details =
"Outgoing sessions go to the next kernel, incoming ones come from the previous kernel.\n"
"The latter are listed from when a program has claimed one for the first time.\n",
	.run = run_list,
};

const struct luoctl_command luoctl_status_command = {
	.name = "status",
	.synopsis = "[--json]",
	.summary = "Show sessions with their files, and what is preserved",
	.run = run_status,
};
