// SPDX-License-Identifier: GPL-2.0
/*
 * luoctl: show that something is still going on
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "progress.h"

static char line[160];
static size_t line_len;
static sig_atomic_t seconds;

static void put(const char *text, size_t len)
{
	/* There is nothing to be done if the terminal is gone. */
	if (write(STDERR_FILENO, text, len) < 0)
		return;
}

/* System calls that take long are interrupted, so only write() is used here. */
static void tick(int signal)
{
	unsigned int left, len = 0;
	char number[16];
	int saved = errno;

	(void)signal;
	seconds++;
	left = seconds;
	do {
		number[sizeof(number) - ++len] = '0' + left % 10;
	} while ((left /= 10));

	put(line, line_len);
	put(number + sizeof(number) - len, len);
	put(" s", 2);
	errno = saved;
}

static void set_timer(unsigned int interval)
{
	struct itimerval timer = {
		.it_interval.tv_sec = interval,
		.it_value.tv_sec = interval,
	};

	setitimer(ITIMER_REAL, &timer, NULL);
}

/**
 * progress_start - count the seconds on the terminal until progress_stop()
 * @what: what takes them
 *
 * Nothing is printed in the first second, and if standard error is not a terminal.
 */
void progress_start(const char *what)
{
	struct sigaction action = { .sa_handler = tick, .sa_flags = SA_RESTART };
	int len;

	if (!isatty(STDERR_FILENO))
		return;

	len = snprintf(line, sizeof(line), "\r%s ... ", what);
	line_len = (size_t)len < sizeof(line) ? (size_t)len : sizeof(line) - 1;
	seconds = 0;
	sigaction(SIGALRM, &action, NULL);
	set_timer(1);
}

void progress_stop(void)
{
	set_timer(0);
	if (seconds)
		put("\n", 1);
	seconds = 0;
}
