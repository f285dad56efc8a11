// SPDX-License-Identifier: GPL-2.0
/*
 * luoctl: what is known of sessions, preserved memory and the next kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <json.h>
#include <stdlib.h>
#include <string.h>

#include "cmdline.h"
#include "connection.h"
#include "host.h"
#include "memfds.h"
#include "procs.h"
#include "show.h"
#include "state.h"
#include "summary.h"

#define DEBUGFS		"/sys/kernel/debug/kho"
#define SESSION_LINK	"anon_inode:[luo_session] "

static void add_string(struct json_object *object, const char *key, const char *string)
{
	json_object_object_add(object, key, json_object_new_string(string));
}

/* Move a member to another object. */
static void take(struct json_object *to, struct json_object *from, const char *key)
{
	struct json_object *value = json_object_object_get(from, key);

	if (value && !json_object_object_get(to, key))
		json_object_object_add(to, key, json_object_get(value));
}

/* Names that other programs have chosen must not control the terminal. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

/* Sessions */

static struct json_object *new_session(struct json_object *sessions, const char *name,
				       const char *direction)
{
	struct json_object *session = json_object_new_object();

	add_string(session, "name", name);
	add_string(session, "direction", direction);
	json_object_array_add(sessions, session);
	return session;
}

static struct json_object *find_session(struct json_object *sessions, const char *name,
					const char *direction)
{
	struct json_object *session;
	size_t i;

	for (i = 0; i < json_object_array_length(sessions); i++) {
		session = json_object_array_get_idx(sessions, i);
		if (!strcmp(show_string(session, "name"), name) &&
		    !strcmp(show_string(session, "direction"), direction))
			return session;
	}
	return NULL;
}

/* "luoctl run" makes tokens of names. */
static void name_files(struct json_object *files)
{
	char name[MEMFD_NAME_MAX + 1];
	struct json_object *file;
	size_t i;

	for (i = 0; i < json_object_array_length(files); i++) {
		file = json_object_array_get_idx(files, i);
		if (memfd_token_name(json_object_get_uint64(json_object_object_get(file,
										   "token")),
				     name))
			add_string(file, "name", name);
	}
}

static void add_from_summary(struct json_object *sessions, struct json_object *summary,
			     const char *direction)
{
	struct json_object *list = json_object_object_get(summary, "sessions");
	struct json_object *session, *from, *files;
	size_t i;

	for (i = 0; list && i < json_object_array_length(list); i++) {
		from = json_object_array_get_idx(list, i);
		files = json_object_object_get(from, "files");
		session = new_session(sessions, show_string(from, "name"), direction);
		name_files(files);
		take(session, from, "state");
		take(session, from, "files");
	}
}

static void add_from_luod(struct json_object *sessions, struct json_object *list)
{
	struct json_object *entries = json_object_object_get(list, "sessions");
	struct json_object *session, *entry, *client;
	size_t i;

	for (i = 0; entries && i < json_object_array_length(entries); i++) {
		entry = json_object_array_get_idx(entries, i);
		session = find_session(sessions, show_string(entry, "id"),
				       show_string(entry, "direction"));
		if (!session)
			session = new_session(sessions, show_string(entry, "id"),
					      show_string(entry, "direction"));
		client = json_object_new_object();
		take(client, entry, "state");
		take(client, entry, "pid");
		json_object_object_add(session, "luod", client);
	}
}

/* The link of a descriptor has no direction. A session that waits has no descriptor. */
static bool can_be_held(struct json_object *session, const char *name)
{
	return !strcmp(show_string(session, "name"), name) &&
	       strcmp(show_string(session, "state"), "waiting");
}

static void add_holder_to(struct json_object *session, const struct host *host, int pid)
{
	struct json_object *holders = json_object_object_get(session, "holders");
	struct json_object *holder;
	char *command;
	size_t i;

	if (!holders) {
		holders = json_object_new_array();
		json_object_object_add(session, "holders", holders);
	}
	for (i = 0; i < json_object_array_length(holders); i++) {
		holder = json_object_array_get_idx(holders, i);
		if (json_object_get_int(json_object_object_get(holder, "pid")) == pid)
			return;
	}

	holder = json_object_new_object();
	json_object_object_add(holder, "pid", json_object_new_int(pid));
	command = procs_argument(host, pid, 0);
	if (command)
		make_printable(command);
	add_string(holder, "command", command ? command : "");
	free(command);
	json_object_array_add(holders, holder);
}

static void add_holder(const struct host *host, int pid, const char *path,
		       const char *target, void *arg)
{
	struct json_object *sessions = arg, *session;
	size_t i, len = strlen(SESSION_LINK);
	bool found = false;
	char *name;

	(void)path;
	if (strncmp(target, SESSION_LINK, len))
		return;

	for (i = 0; i < json_object_array_length(sessions); i++) {
		session = json_object_array_get_idx(sessions, i);
		if (can_be_held(session, target + len)) {
			add_holder_to(session, host, pid);
			found = true;
		}
	}
	if (found)
		return;

	name = strdup(target + len);
	if (!name)
		return;
	make_printable(name);
	session = find_session(sessions, name, "unknown");
	if (!session)
		session = new_session(sessions, name, "unknown");
	add_holder_to(session, host, pid);
	free(name);
}

static void add_holders_of(const struct host *host, int pid, void *sessions)
{
	procs_walk_fds(host, pid, add_holder, sessions);
}

static int compare_names(const void *a, const void *b)
{
	struct json_object *const *session_a = a, *const *session_b = b;
	int order = strcmp(show_string(*session_a, "name"), show_string(*session_b, "name"));

	return order ? order : strcmp(show_string(*session_b, "direction"),
				      show_string(*session_a, "direction"));
}

/* The kernel */

static struct json_object *read_summary(const struct host *host, const char *path)
{
	char *text = host_read(host, path);
	struct json_object *summary = text ? summary_parse(text) : NULL;

	free(text);
	return summary;
}

static void add_release(struct json_object *state, const struct host *host)
{
	char *release = host_read(host, "/proc/sys/kernel/osrelease");

	if (!release)
		return;
	release[strcspn(release, "\n")] = '\0';
	add_string(state, "release", release);
	free(release);
}

/* The device exists only if both are on. */
static void add_switches(struct json_object *state, const struct host *host)
{
	bool device = host_exists(host, "/dev/liveupdate");
	bool debugfs = host_exists(host, DEBUGFS);

	json_object_object_add(state, "debugfs", json_object_new_boolean(debugfs));
	json_object_object_add(state, "kho", json_object_new_boolean(device || debugfs));
	json_object_object_add(state, "liveupdate", json_object_new_boolean(device));
}

static char *read_verdict(const struct host *host)
{
	char *verdict = host_read(host, DEBUGFS "/out/image");

	if (verdict)
		verdict[strcspn(verdict, "\n")] = '\0';
	return verdict;
}

static void add_image(struct json_object *state, const struct host *host)
{
	struct json_object *image = json_object_new_object();
	struct json_object *record = host_load_record(host);
	char *verdict = read_verdict(host);
	bool loaded = host_number(host, "/sys/kernel/kexec_loaded") == 1;

	json_object_object_add(image, "loaded", json_object_new_boolean(loaded));
	if (verdict)
		add_string(image, "verdict", verdict);
	if (record && loaded)
		json_object_object_add(image, "record", json_object_get(record));
	json_object_object_add(state, "image", image);

	json_object_put(record);
	free(verdict);
}

struct json_object *state_collect(const struct host *host, struct json_object *list)
{
	struct json_object *out = read_summary(host, DEBUGFS "/out/summary");
	struct json_object *in = read_summary(host, DEBUGFS "/in/summary");
	struct json_object *state = json_object_new_object();
	struct json_object *sessions = json_object_new_array();

	add_release(state, host);
	add_switches(state, host);
	add_image(state, host);
	/* The outgoing number counts the update that is next. */
	take(state, in, "live_update");
	take(state, in, "refused");
	take(state, out, "scratch");
	take(state, out, "preserved");
	take(state, out, "left");
	take(state, out, "huge_pages");
	take(state, out, "form");
	if (list)
		json_object_object_add(state, "luod",
				       json_object_new_string(show_string(list, "state")));

	add_from_summary(sessions, out, "outgoing");
	add_from_summary(sessions, in, "incoming");
	add_from_luod(sessions, list);
	procs_walk(host, add_holders_of, sessions);
	json_object_array_sort(sessions, compare_names);
	json_object_object_add(state, "sessions", sessions);

	json_object_put(in);
	json_object_put(out);
	return state;
}

/* luod answers in parts of a few kilobytes. */

static struct json_object *list_request(struct json_object *part)
{
	struct json_object *request = message_request("LIST", NULL);

	if (request && part)
		json_object_object_add(request, "after",
				       json_object_get(json_object_object_get(part,
									      "next")));
	return request;
}

static void append_sessions(struct json_object *list, struct json_object *part)
{
	struct json_object *to = json_object_object_get(list, "sessions");
	struct json_object *from = json_object_object_get(part, "sessions");
	size_t i;

	for (i = 0; to && from && i < json_object_array_length(from); i++)
		json_object_array_add(to, json_object_get(json_object_array_get_idx(from,
										    i)));
}

struct json_object *state_ask_luod(void)
{
	struct connection luod = CONNECTION_INIT;
	struct json_object *list = NULL, *part = NULL, *next;

	if (connection_connect(&luod))
		return NULL;

	do {
		next = NULL;
		if (connection_request(&luod, list_request(part), &next, NULL))
			break;
		if (list)
			append_sessions(list, next);
		else
			list = json_object_get(next);
		json_object_put(part);
		part = next;
	} while (json_object_object_get(part, "next"));

	json_object_put(part);
	connection_close(&luod);
	return list;
}
