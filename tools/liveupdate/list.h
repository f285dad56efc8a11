/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luod: the answer to LIST
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef TOOLS_LIVEUPDATE_LIST_H
#define TOOLS_LIVEUPDATE_LIST_H

struct json_object;

/*
 * Add as many sessions to @answer as one message can have, starting with the first id after
 * @after. The reference is passed on. Return it, or NULL if memory is short.
 */
struct json_object *list_sessions(struct json_object *answer, const char *after);

#endif /* TOOLS_LIVEUPDATE_LIST_H */
