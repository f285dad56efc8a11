// SPDX-License-Identifier: GPL-2.0
/*
 * luoctl check: what would make a live update fail or lose something
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <errno.h>
#include <json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "cmdline.h"
#include "host.h"
#include "kernel.h"
#include "luoctl.h"
#include "procs.h"
#include "show.h"
#include "state.h"

/* Most bytes that a preserved page takes in the list of its memfd */
#define ENTRY_SIZE		16

/* struct check - the system, what is known of it, and the findings */
struct check {
	const struct host *host;
	struct json_object *state;
	struct json_object *findings;
};

__printf(5, 6)
static void add(struct check *check, bool error, const char *name, const char *next,
		const char *format, ...)
{
	struct json_object *finding = json_object_new_object();
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);

	json_object_object_add(finding, "name", json_object_new_string(name));
	json_object_object_add(finding, "error", json_object_new_boolean(error));
	json_object_object_add(finding, "text", json_object_new_string(text));
	json_object_object_add(finding, "next", json_object_new_string(next));
	json_object_array_add(check->findings, finding);
}

#define add_error(check, ...)	add(check, true, __VA_ARGS__)
#define add_warning(check, ...)	add(check, false, __VA_ARGS__)

static bool is_true(struct json_object *object, const char *key)
{
	return json_object_get_boolean(json_object_object_get(object, key));
}

/* Return what "luoctl load" has recorded, or NULL. */
static struct json_object *record_of(struct check *check)
{
	struct json_object *image = json_object_object_get(check->state, "image");

	return json_object_object_get(image, "record");
}

/* This kernel */

static void check_kernel(struct check *check)
{
	char *cmdline;

	if (is_true(check->state, "liveupdate"))
		return;

	cmdline = host_read(check->host, "/proc/cmdline");
	if (!is_true(check->state, "kho") &&
	    cmdline_switch(cmdline ? cmdline : "", "kho") != CMDLINE_ON)
		add_error(check, "kho-off",
			  "boot a kernel with CONFIG_KEXEC_HANDOVER and CONFIG_LIVEUPDATE through the firmware, with kho=on liveupdate=on",
			  "kexec handover is off in this kernel");
	else if (cmdline_switch(cmdline ? cmdline : "", "liveupdate") != CMDLINE_ON)
		add_error(check, "liveupdate-off",
			  "boot through the firmware with kho=on liveupdate=on on the command line",
			  "live update is off in this kernel");
	else
		add_error(check, "liveupdate-failed",
			  "see the lines with KHO: and LUO: in dmesg; the kernel needs CONFIG_KEXEC_HANDOVER and CONFIG_LIVEUPDATE",
			  "/dev/liveupdate is missing, although the command line asks for it");
	free(cmdline);
}

static void check_debugfs(struct check *check)
{
	if (is_true(check->state, "liveupdate") && !is_true(check->state, "debugfs"))
		add_warning(check, "debugfs-missing",
			    "mount -t debugfs none /sys/kernel/debug; the kernel needs CONFIG_KEXEC_HANDOVER_DEBUGFS",
			    "debugfs does not show kexec handover: the loaded image and sessions of other programs can't be checked");
}

static void check_refused(struct check *check)
{
	const char *refused = show_string(check->state, "refused");

	if (*refused)
		add_warning(check, "handover-refused",
			    "see the lines with LUO: in dmesg; to read them, go back to the previous kernel",
			    "this kernel can't read the sessions of the previous kernel %s",
			    refused);
}

static void add_not_verified(struct check *check, int error)
{
	const char *next = "see the error, and try again";

	if (error == EBUSY)
		next = "a session is being changed, or a kexec has begun: try again";
	else if (error == ENOMEM)
		next = "free some memory, and try again: the kexec would need it, too";
	else if (error == EACCES || error == EPERM)
		next = "check as root, and see whether lockdown restricts debugfs";
	add_warning(check, "handover-not-checked", next,
		    "this kernel could not check what it hands over: %s", strerror(error));
}

/*
 * Let the kernel check what it hands over. It does so again before the kexec. check_debugfs()
 * reports if debugfs is missing.
 */
static void check_outgoing_state(struct check *check)
{
	char *verdict = kernel_verify(check->host);

	if (!verdict && errno != ENOENT)
		add_not_verified(check, errno);
	if (verdict && strstr(verdict, "damaged"))
		add_error(check, "handover-damaged",
			  "see the lines with KHO: and LUO: in dmesg; end the programs that hold the sessions they name, or boot through the firmware",
			  "what this kernel hands over is damaged: it would refuse the kexec");
	free(verdict);
}

/* The next kernel */

/* Return whether the kernel knows that the image carries nothing. */
static bool check_verdict(struct check *check, const char *verdict)
{
	if (!*verdict || !strcmp(verdict, "carries the handover"))
		return false;
	add_error(check, "image-no-handover",
		  "load it again: luoctl load KERNEL --initrd FILE --reuse-cmdline",
		  "the loaded kernel would not take over what is preserved: %s", verdict);
	return true;
}

static void check_option(struct check *check, const char *cmdline, const char *option)
{
	switch (cmdline_switch(cmdline, option)) {
	case CMDLINE_OFF:
		add_error(check, "image-option-off",
			  "load it again with kho=on liveupdate=on on its command line",
			  "%s= is off on the command line of the loaded kernel", option);
		break;
	case CMDLINE_MISSING:
		add_error(check, "image-option-missing",
			  "load it again with kho=on liveupdate=on on its command line",
			  "%s= is not on the command line of the loaded kernel: if it is not the default there, everything is lost",
			  option);
		break;
	case CMDLINE_ON:
		break;
	}
}

/* The kernel warns if it loads one without KHO, but only x86 images say so. */
static void check_load_log(struct check *check, struct json_object *record)
{
	const char *message;
	size_t i;

	for (i = 0; i < show_length(record, "log"); i++) {
		message = json_object_get_string(show_entry(record, "log", i));
		if (strstr(message, "does not support kexec handover"))
			add_error(check, "image-without-kho",
				  "load a kernel with CONFIG_KEXEC_HANDOVER and CONFIG_LIVEUPDATE",
				  "%s does not support kexec handover",
				  show_string(record, "kernel"));
	}
}

static void check_image(struct check *check)
{
	struct json_object *image = json_object_object_get(check->state, "image");
	struct json_object *record = json_object_object_get(image, "record");
	const char *cmdline = show_string(record, "cmdline");
	const char *verdict = show_string(image, "verdict");

	if (!is_true(image, "loaded")) {
		add_error(check, "image-missing",
			  "luoctl load KERNEL --initrd FILE --reuse-cmdline",
			  "no kernel is loaded");
		return;
	}

	if (check_verdict(check, verdict))
		return;
	if (record) {
		check_load_log(check, record);
		check_option(check, cmdline, "kho");
		check_option(check, cmdline, "liveupdate");
	} else if (*verdict) {
		add_warning(check, "image-not-recorded",
			    "load it with luoctl load",
			    "the kernel was not loaded by luoctl: whether its command line has kho=on liveupdate=on is not known");
	} else {
		add_error(check, "image-unknown", "load it with luoctl load",
			  "the kernel was not loaded by luoctl: whether it can take over anything is not known");
	}
}

static bool is_for_mainline(struct check *check)
{
	return !strcmp(show_string(check->state, "form"), "mainline");
}

static void check_form(struct check *check)
{
	if (is_true(json_object_object_get(check->state, "image"), "loaded") &&
	    is_for_mainline(check))
		add_warning(check, "form-mainline",
			    "see \"Moving to another kernel\" in Documentation/admin-guide/mm/kho.rst",
			    "the loaded kernel gets the mainline form: memfds lose mode, owner, times and flags");
}

/* Scratch */

static unsigned long long scratch_size(struct check *check)
{
	unsigned long long bytes = 0;
	size_t i;

	for (i = 0; i < show_length(check->state, "scratch"); i++)
		bytes += show_number(show_entry(check->state, "scratch", i), "size");
	return bytes;
}

/*
 * The kernel refuses to load an image if scratch is too small. It knows better how much the
 * next kernel needs, so this is about an image that only just fits.
 */
static void check_scratch(struct check *check)
{
	struct json_object *record = record_of(check);
	unsigned long long need = show_number(record, "kernel_size") +
				  show_number(record, "initrd_size");
	char have_text[SHOW_SIZE_LEN], need_text[SHOW_SIZE_LEN];
	unsigned long long have = scratch_size(check);

	if (!have || need + need / 3 <= have)
		return;

	show_size(have_text, have);
	show_size(need_text, need);
	if (need > have)
		add_error(check, "scratch-too-small",
			  "boot through the firmware with a larger kho_scratch=, or use a smaller initrd",
			  "scratch has %s, and the next kernel needs more than %s of it to boot",
			  have_text, need_text);
	else
		add_warning(check, "scratch-tight",
			    "boot through the firmware with a larger kho_scratch=, or try the update where it does no harm",
			    "scratch has %s, and the next kernel needs at least %s of it to boot, which leaves less than a third for the rest",
			    have_text, need_text);
}

/* luod and its clients */

static void check_luod(struct check *check)
{
	const char *luod = show_string(check->state, "luod");

	if (!is_true(check->state, "liveupdate"))
		return;
	if (!*luod)
		add_error(check, "luod-missing", "systemctl start luod",
			  "luod can't be reached");
	else if (!strcmp(luod, "committed"))
		add_error(check, "update-committed",
			  "luoctl kexec --abort, unless the system is shutting down for it",
			  "an update was committed, and the kexec has not followed");
	else if (!strcmp(luod, "preserving"))
		add_error(check, "update-running", "wait for it, or luoctl kexec --abort",
			  "an update is under way");
}

static struct json_object *find(struct check *check, const char *name,
				const char *direction)
{
	struct json_object *session;
	size_t i;

	for (i = 0; i < show_length(check->state, "sessions"); i++) {
		session = show_entry(check->state, "sessions", i);
		if (!strcmp(show_string(session, "name"), name) &&
		    !strcmp(show_string(session, "direction"), direction))
			return session;
	}
	return NULL;
}

/* Mainline has no file handler for this kind. */
static void check_files(struct check *check, struct json_object *session)
{
	const char *kind;
	size_t i;

	for (i = 0; i < show_length(session, "files") && is_for_mainline(check); i++) {
		kind = show_string(show_entry(session, "files", i), "kind");
		if (strncmp(kind, "memfd-hugetlb-", strlen("memfd-hugetlb-")))
			continue;
		add_error(check, "file-not-readable",
			  "load another kernel, or stop the program",
			  "the session %s has a file that the loaded kernel can't read: %s",
			  show_string(session, "name"), kind);
		return;
	}
}

static void check_outgoing(struct check *check, struct json_object *session)
{
	struct json_object *luod = json_object_object_get(session, "luod"), *holder;
	const char *name = show_string(session, "name");

	if (luod)
		return;
	if (!show_length(session, "holders")) {
		add_error(check, "session-without-holder",
			  "find out which program has created it; if its descriptor is in a message to a socket, receive it",
			  "no process holds the outgoing session %s", name);
		return;
	}

	holder = show_entry(session, "holders", 0);
	if (*show_string(holder, "command") != '@' && show_number(holder, "pid") != 1)
		add_warning(check, "session-will-be-lost",
			    "let luod hold it, or use luoctl kexec --now, which ends no process",
			    "the session %s is held by process %llu (%s), which systemctl kexec kills",
			    name, show_number(holder, "pid"),
			    show_string(holder, "command"));
}

static void check_incoming(struct check *check, struct json_object *session)
{
	const char *luod = show_string(json_object_object_get(session, "luod"), "state");
	const char *state = show_string(session, "state");
	const char *name = show_string(session, "name");

	if (!strcmp(luod, "done"))
		return;
	if (!strcmp(luod, "claimed"))
		add_error(check, "session-not-restored",
			  "wait until its program has restored its state, or see the log of the program",
			  "the session %s of the previous kernel is not restored yet",
			  name);
	else if (!strcmp(state, "damaged"))
		add_warning(check, "session-damaged", "see the lines with LUO: in dmesg",
			    "the session %s of the previous kernel is damaged", name);
	else if (show_length(session, "holders") && strcmp(luod, "held"))
		add_warning(check, "session-not-finished",
			    "wait until its program has finished it, or see the log of the program",
			    "the session %s of the previous kernel is not finished: it is handed on",
			    name);
	else
		add_warning(check, "session-not-claimed",
			    "start its program, or drop it: luoctl discard NAME",
			    "no program has the session %s of the previous kernel: it is handed on",
			    name);
}

static void check_sessions(struct check *check)
{
	struct json_object *session;
	const char *direction;
	size_t i, out = 0;

	for (i = 0; i < show_length(check->state, "sessions"); i++) {
		session = show_entry(check->state, "sessions", i);
		direction = show_string(session, "direction");
		check_files(check, session);
		if (!strcmp(direction, "incoming")) {
			check_incoming(check, session);
			continue;
		}
		check_outgoing(check, session);
		out++;
	}

	if (!out && *show_string(check->state, "luod"))
		add_warning(check, "nothing-to-preserve",
			    "start the programs that are to take part, for example with luoctl run",
			    "no program takes part in the update");
}

/* A program that was started with "luoctl run", but that luod does not know */
static void check_process(const struct host *host, int pid, void *arg)
{
	char *program = procs_argument(host, pid, 0);
	char *command = procs_argument(host, pid, 1);
	char *id = procs_argument(host, pid, 2);
	const char *slash = program ? strrchr(program, '/') : NULL;
	struct check *check = arg;

	if (program && command && id && !strcmp(slash ? slash + 1 : program, "luoctl") &&
	    !strcmp(command, "run") &&
	    !json_object_object_get(find(check, id, "outgoing"), "luod"))
		add_error(check, "client-not-subscribed",
			  "see the log of the program; luod may not have been running when it was started",
			  "%.63s (process %d) does not take part in the update", id, pid);
	free(id);
	free(command);
	free(program);
}

static void check_programs(struct check *check)
{
	if (*show_string(check->state, "luod"))
		procs_walk(check->host, check_process, check);
}

/* Memory */

static int compare_pids(const void *a, const void *b)
{
	const int *pid_a = a, *pid_b = b;

	return *pid_a < *pid_b ? -1 : *pid_a > *pid_b;
}

/* Return the processes that take part, sorted and to be freed. One can have many sessions. */
static int *client_pids(struct check *check, size_t *count)
{
	size_t i, sessions = show_length(check->state, "sessions");
	int *pids = calloc(sessions + 1, sizeof(*pids)), pid;
	struct json_object *session;

	*count = 0;
	for (i = 0; pids && i < sessions; i++) {
		session = show_entry(check->state, "sessions", i);
		pid = show_number(json_object_object_get(session, "luod"), "pid");
		if (pid && !strcmp(show_string(session, "direction"), "outgoing"))
			pids[(*count)++] = pid;
	}
	if (pids)
		qsort(pids, *count, sizeof(*pids), compare_pids);
	return pids;
}

static struct procs_memfds client_memfds(struct check *check)
{
	struct procs_memfds memfds = {};
	size_t i, count;
	int *pids = client_pids(check, &count);

	for (i = 0; i < count; i++)
		if (!i || pids[i] != pids[i - 1])
			procs_add_memfds(check->host, pids[i], &memfds);
	free(pids);
	return memfds;
}

/*
 * Return how much memory outside of scratch is allocated to preserve memfds: pages that lie
 * in scratch are moved, and a list has up to one entry for each page. Holes take no memory.
 */
static unsigned long long memory_to_preserve(struct check *check,
					     const struct procs_memfds *memfds)
{
	unsigned long long free_scratch = host_meminfo(check->host, "CmaFree");
	unsigned long long scratch = scratch_size(check);
	unsigned long long used = scratch > free_scratch ? scratch - free_scratch : 0;
	unsigned long long move = memfds->allocated < used ? memfds->allocated : used;

	return move + memfds->allocated / sysconf(_SC_PAGESIZE) * ENTRY_SIZE;
}

static void check_memory_to_preserve(struct check *check,
				     const struct procs_memfds *memfds)
{
	unsigned long long total = host_meminfo(check->host, "MemTotal");
	unsigned long long available = host_meminfo(check->host, "MemAvailable");
	unsigned long long free_scratch = host_meminfo(check->host, "CmaFree");
	unsigned long long scratch = scratch_size(check);
	unsigned long long need = memory_to_preserve(check, memfds);
	char size[SHOW_SIZE_LEN], room[SHOW_SIZE_LEN], need_text[SHOW_SIZE_LEN];

	show_size(size, memfds->allocated);
	if (memfds->allocated + scratch > total) {
		add_error(check, "memory-too-small",
			  "use less memory in programs that take part, or a smaller kho_scratch=",
			  "%s are to be preserved, and there are %s outside of scratch",
			  size, show_size(room, total > scratch ? total - scratch : 0));
		return;
	}

	available = available > free_scratch ? available - free_scratch : 0;
	if (need > available)
		add_warning(check, "memory-short",
			    "stop programs that are not needed until after the update",
			    "to preserve %s, up to %s outside of scratch may be needed, and %s are available",
			    size, show_size(need_text, need), show_size(room, available));
}

/*
 * The next kernel has the memory that this one has beside what is preserved. While it
 * boots it also needs memory for the files of its initrd, which is compressed.
 */
static void check_memory_to_boot(struct check *check)
{
	struct json_object *record = record_of(check);
	unsigned long long need = 4 * show_number(record, "initrd_size");
	char need_text[SHOW_SIZE_LEN];

	if (host_meminfo(check->host, "MemAvailable") < need)
		add_warning(check, "memory-to-boot",
			    "stop programs that are not needed, or use a smaller initrd",
			    "the next kernel may need %s for its initrd, and less memory is available",
			    show_size(need_text, need));
}

static void check_swap(struct check *check)
{
	unsigned long long total = host_meminfo(check->host, "SwapTotal");
	unsigned long long free = host_meminfo(check->host, "SwapFree");
	char text[SHOW_SIZE_LEN];

	if (total > free)
		add_warning(check, "swap-in-use",
			    "swapoff -a before the update, if there is enough memory",
			    "%s are swapped out: what is to be preserved is read back, which lengthens the update",
			    show_size(text, total - free));
}

static void check_memory(struct check *check)
{
	struct procs_memfds memfds = client_memfds(check);

	if (memfds.size)
		check_memory_to_preserve(check, &memfds);
	procs_free_memfds(&memfds);
	check_memory_to_boot(check);
	check_swap(check);
}

struct json_object *check_state(const struct host *host, struct json_object *state)
{
	struct check check = {
		.host = host,
		.state = state,
		.findings = json_object_new_array(),
	};

	check_kernel(&check);
	check_debugfs(&check);
	check_refused(&check);
	check_outgoing_state(&check);
	check_image(&check);
	check_form(&check);
	check_scratch(&check);
	check_luod(&check);
	check_sessions(&check);
	check_programs(&check);
	check_memory(&check);
	return check.findings;
}

void check_print(struct json_object *findings)
{
	struct json_object *finding;
	size_t i;

	for (i = 0; i < json_object_array_length(findings); i++) {
		finding = json_object_array_get_idx(findings, i);
		printf("%s: %s\n  next: %s\n",
		       is_true(finding, "error") ? "error" : "warning",
		       show_string(finding, "text"), show_string(finding, "next"));
	}
}

bool check_failed(struct json_object *findings)
{
	size_t i;

	for (i = 0; i < json_object_array_length(findings); i++)
		if (is_true(json_object_array_get_idx(findings, i), "error"))
			return true;
	return false;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		LUOCTL_HELP_OPTION,
		{}
	};
	struct json_object *list, *state, *findings, *result;
	bool json = false, failed;

	while (luoctl_getopt(&luoctl_check_command, argc, argv, options) >= 0)
		json = true;
	if (optind < argc)
		return luoctl_usage(&luoctl_check_command, "it has no arguments");

	show_need_root();
	list = state_ask_luod();
	state = state_collect(&host_system, list);
	findings = check_state(&host_system, state);
	failed = check_failed(findings);

	if (json) {
		result = json_object_new_object();
		json_object_object_add(result, "findings", json_object_get(findings));
		show_json(result);
	} else if (json_object_array_length(findings)) {
		check_print(findings);
	} else {
		puts("Ready for a live update: luoctl kexec");
	}

	json_object_put(findings);
	json_object_put(state);
	json_object_put(list);
	return failed ? LUOCTL_FINDINGS : LUOCTL_DONE;
}

const struct luoctl_command luoctl_check_command = {
	.name = "check",
	.synopsis = "[--json]",
	.summary = "Find what would make a live update fail, or lose something",
	.details =
"Each finding is printed with what to do next. The exit code is 3 if one is an error, 0 if\n"
"there are only warnings.\n",
	.run = run,
};
