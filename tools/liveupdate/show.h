/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luoctl: print objects
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef TOOLS_LIVEUPDATE_SHOW_H
#define TOOLS_LIVEUPDATE_SHOW_H

#include <stddef.h>

struct json_object;

/* Enough for what show_size() writes */
#define SHOW_SIZE_LEN	24

/* Write a size with a unit. Return @text. */
const char *show_size(char text[SHOW_SIZE_LEN], unsigned long long bytes);

/* Return a member as a string or a number, "" or 0 if there is none. */
const char *show_string(struct json_object *object, const char *key);
unsigned long long show_number(struct json_object *object, const char *key);
/* Return the length of a member that is an array, 0 if there is none. */
size_t show_length(struct json_object *object, const char *key);
/* Return an entry of a member that is an array. */
struct json_object *show_entry(struct json_object *object, const char *key, size_t i);

/* Print an object for programs, and put it. */
void show_json(struct json_object *object);

/* Exit with a message unless this is root. */
void show_need_root(void);

#endif /* TOOLS_LIVEUPDATE_SHOW_H */
