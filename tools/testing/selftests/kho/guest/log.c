// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel log of a guest
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <unistd.h>

#include "log.h"

/* Actions of klogctl(), which no header for user space defines */
#define SYSLOG_READ_ALL		3
#define SYSLOG_SIZE_BUFFER	10

void guest_say(const char *fmt, ...)
{
	static int kmsg = -1;
	char line[960] = "<5>";
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line + 3, sizeof(line) - 3, fmt, ap);
	va_end(ap);
	if (kmsg < 0)
		kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	if (write(kmsg, line, strlen(line)) < 0)
		perror("/dev/kmsg");
}

char *guest_log(void)
{
	int size = klogctl(SYSLOG_SIZE_BUFFER, NULL, 0);
	char *text = size < 0 ? NULL : calloc(1, size + 1);

	if (text && klogctl(SYSLOG_READ_ALL, text, size) < 0) {
		free(text);
		return NULL;
	}
	return text;
}

bool guest_log_has(const char *text)
{
	char *log = guest_log();
	bool found = log && strstr(log, text);

	free(log);
	return found;
}

static unsigned int log_marks;
/* End of the text that guest_log_next() has found, as an offset from the mark */
static size_t log_next;

static void mark_text(char *text, size_t size)
{
	snprintf(text, size, "ksft: mark %d.%u", getpid(), log_marks);
}

void guest_log_mark(void)
{
	char text[64];

	log_marks++;
	log_next = 0;
	mark_text(text, sizeof(text));
	guest_say("%s", text);
}

/*
 * Find @text at least @skip bytes after the mark. Return the offset of its end
 * from the mark, or 0.
 */
static size_t log_find(const char *text, size_t skip)
{
	char *log = guest_log();
	const char *start = NULL;
	size_t end = 0;
	char mark[64];

	mark_text(mark, sizeof(mark));
	if (log)
		start = strstr(log, mark);
	if (start && strlen(start) > skip) {
		const char *found = strstr(start + skip, text);

		if (found)
			end = found + strlen(text) - start;
	}
	free(log);
	return end;
}

bool guest_log_since(const char *text)
{
	return log_find(text, 0);
}

bool guest_log_next(const char *text)
{
	size_t end = log_find(text, log_next);

	if (end)
		log_next = end;
	return end;
}
