/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luod: an update, from its start to the kexec
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * While clients preserve, each client that disconnects calls the update off. Once all of
 * them are ready the update is committed: from then on only the sessions count, which luod
 * holds until the kexec.
 */
#ifndef TOOLS_LIVEUPDATE_UPDATE_H
#define TOOLS_LIVEUPDATE_UPDATE_H

#include <stdbool.h>
#include <stdint.h>

#include "log.h"

struct client;
struct session;

/* Take back the sessions that systemd has kept when luod was started again. */
void update_restore(void);

/*
 * Start an update. @requester gets the answer when it is committed or called off. Return 0,
 * or -EBUSY if there is one already.
 */
int update_start(struct client *requester, bool now, int64_t timeout_ms);

/* Call the update off. Return 0, or -ENOENT if there is none. */
int update_cancel(int err, const char *fmt, ...) __printf(2, 3);

/* Let a client take part. Return 0, or -EBUSY if it is too late. */
int update_join(struct session *session, struct client *client);

/* The client does not take part any more. Return 0, or -EBUSY after the commit. */
int update_leave(struct session *session);

/*
 * Its client has preserved its files. Return 0, or -ESTALE if the update of that number was
 * called off or is committed.
 */
int update_ready(struct session *session, int64_t number);

/* It has failed to. The same errors. */
int update_failed(struct session *session, int64_t number, const char *text);

/* A client has disconnected. */
void update_client_gone(struct client *client);

/* Do the next steps that are possible. To be called after anything has changed, or in time. */
void update_run(void);

/* Return how soon update_run() must be called again in milliseconds, -1 if there is no need. */
int update_timeout(void);

/* "idle", "preserving" or "committed" */
const char *update_state_name(void);

#endif /* TOOLS_LIVEUPDATE_UPDATE_H */
