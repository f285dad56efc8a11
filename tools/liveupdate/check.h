/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luoctl check: what would make a live update fail or lose something
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef TOOLS_LIVEUPDATE_CHECK_H
#define TOOLS_LIVEUPDATE_CHECK_H

#include <stdbool.h>

struct host;
struct json_object;

/*
 * Return an array of findings. @state comes from state_collect() for the same @host. A
 * finding has
 *
 *	name		of this kind of finding
 *	error		true: the update would fail or lose something; false: it may
 *	text, next	what was found, and what to do
 */
struct json_object *check_state(const struct host *host, struct json_object *state);

/* Print findings. */
void check_print(struct json_object *findings);
/* Return whether one of them is an error. */
bool check_failed(struct json_object *findings);

#endif /* TOOLS_LIVEUPDATE_CHECK_H */
