// SPDX-License-Identifier: GPL-2.0
/*
 * luoctl: print objects
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <err.h>
#include <json.h>
#include <stdio.h>
#include <unistd.h>

#include "host.h"
#include "luoctl.h"
#include "show.h"

const char *show_size(char text[SHOW_SIZE_LEN], unsigned long long bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
	double size = bytes / 1024.0;
	unsigned int unit = 0;

	if (bytes < 1024) {
		snprintf(text, SHOW_SIZE_LEN, "%llu bytes", bytes);
		return text;
	}

	for (; size >= 1024 && unit < 4; unit++)
		size /= 1024;
	snprintf(text, SHOW_SIZE_LEN, size == (unsigned long long)size ? "%.0f %s" : "%.1f %s",
		 size, units[unit]);
	return text;
}

const char *show_string(struct json_object *object, const char *key)
{
	const char *string = json_object_get_string(json_object_object_get(object, key));

	return string ? string : "";
}

unsigned long long show_number(struct json_object *object, const char *key)
{
	return json_object_get_uint64(json_object_object_get(object, key));
}

size_t show_length(struct json_object *object, const char *key)
{
	struct json_object *array = json_object_object_get(object, key);

	return array ? json_object_array_length(array) : 0;
}

struct json_object *show_entry(struct json_object *object, const char *key, size_t i)
{
	return json_object_array_get_idx(json_object_object_get(object, key), i);
}

void show_json(struct json_object *object)
{
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
						    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}

void show_need_root(void)
{
	/* A fake system belongs to the tests. */
	if (geteuid() && !*host_system.root)
		errx(LUOCTL_FAILED, "only root can do this");
}
