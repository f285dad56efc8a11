/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luoctl: the summaries in debugfs
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef TOOLS_LIVEUPDATE_SUMMARY_H
#define TOOLS_LIVEUPDATE_SUMMARY_H

struct json_object;

/*
 * Return a summary as an object. It has these members if the summary has them:
 *
 *	scratch		array of the regions: start, size
 *	preserved	blocks, pages and bytes that are preserved; in the incoming
 *			summary those that were not restored
 *	left		the same, for memory that is handed on unless it is restored
 *	form		form that the next kernel gets, "composed" or "mainline"
 *	live_update	number of live updates since cold boot
 *	refused		why what the previous kernel handed over was refused
 *	sessions	array: name, state, files: token, kind, state, bytes
 *
 * Names are as in the summary, in printable ASCII.
 */
struct json_object *summary_parse(const char *text);

#endif /* TOOLS_LIVEUPDATE_SUMMARY_H */
