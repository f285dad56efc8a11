/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luoctl: what is known of sessions, preserved memory and the next kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef TOOLS_LIVEUPDATE_STATE_H
#define TOOLS_LIVEUPDATE_STATE_H

struct host;
struct json_object;

/*
 * Collect it from the files of @host, and from luod's answer to LIST, or NULL without luod.
 * The object has these members if they are known:
 *
 *	release		of the kernel
 *	kho, liveupdate	whether they are on
 *	debugfs		whether it shows KHO
 *	live_update	number of live updates since cold boot
 *	scratch		array of regions: start, size
 *	preserved	blocks, pages, bytes
 *	left		the same, for memory of the previous kernel that is not restored
 *	image		the next kernel: loaded, verdict (as in debugfs), and record (see
 *			host_load_record())
 *	luod		luod's state; missing if luod can't be reached
 *	sessions	array, sorted by name:
 *		name, direction	"outgoing", "incoming" or "unknown"
 *		state		as the kernel shows it
 *		files		array: token, name, kind, state, bytes
 *		holders		array of the processes that have a descriptor: pid, command
 *		luod		state and pid of the client
 */
struct json_object *state_collect(const struct host *host, struct json_object *list);

/* Ask luod for its complete list. Return NULL if luod can't be reached. */
struct json_object *state_ask_luod(void);

#endif /* TOOLS_LIVEUPDATE_STATE_H */
