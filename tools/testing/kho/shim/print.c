// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's log
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Every message is formatted, even if it is not shown: the sanitizers report an argument
 * that the kernel must not read.
 */

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <linux/types.h>

#include "shim/print.h"

struct log_line {
	char text[512];
	size_t len;
};

/* A conversion, with the features that the kernel's messages use */
struct conversion {
	char flags[16];
	int width;
	unsigned int longs;
	char type;
	const char *extension;
};

bool shim_log_shown = true;
unsigned long shim_log_count, shim_log_warnings;

static struct log_line last_line;

const char *shim_log_last(void)
{
	return last_line.text;
}

static void add_char(struct log_line *line, char c)
{
	if (line->len < sizeof(line->text) - 1)
		line->text[line->len++] = c;
}

static void add_string(struct log_line *line, const char *str)
{
	while (*str)
		add_char(line, *str++);
}

/* %*pE: any bytes, of the given length */
static void add_escaped(struct log_line *line, const unsigned char *bytes, int nr)
{
	char escape[8];
	int i;

	for (i = 0; i < nr; i++) {
		snprintf(escape, sizeof(escape),
			 isprint(bytes[i]) && bytes[i] != '\\' ? "%c" : "\\%03o",
			 bytes[i]);
		add_string(line, escape);
	}
}

static void add_pointer(struct log_line *line, const struct conversion *conv,
			const void *ptr)
{
	char text[32];

	switch (*conv->extension) {
	case 'E':
		add_escaped(line, ptr, conv->width);
		return;
	case 'a':
		snprintf(text, sizeof(text), "%#018llx",
			 (unsigned long long)*(const phys_addr_t *)ptr);
		break;
	case 'e':
		snprintf(text, sizeof(text), "%ld", (long)ptr);
		break;
	default:
		snprintf(text, sizeof(text), "%p", ptr);
	}
	add_string(line, text);
}

static void add_number(struct log_line *line, const struct conversion *conv,
		       unsigned long long number)
{
	char format[32], text[64];

	if (!conv->longs)
		number = conv->type == 'd' ? (long long)(int)number :
					     (unsigned int)number;
	snprintf(format, sizeof(format), "%%%sll%c", conv->flags, conv->type);
	snprintf(text, sizeof(text), format, number);
	add_string(line, text);
}

/* Parse a conversion. Return the rest of the format. */
static const char *parse(const char *fmt, struct conversion *conv, va_list *args)
{
	size_t len = strspn(fmt, "#0123456789.");

	*conv = (struct conversion){};
	if (len >= sizeof(conv->flags))
		abort();
	memcpy(conv->flags, fmt, len);
	fmt += len;
	if (*fmt == '*') {
		conv->width = va_arg(*args, int);
		fmt++;
	}
	for (; *fmt == 'l' || *fmt == 'z'; fmt++)
		conv->longs++;
	conv->type = *fmt++;
	conv->extension = fmt;
	if (conv->type == 'p' && *fmt && strchr("Eae", *fmt))
		fmt++;
	return fmt;
}

static const char *convert(struct log_line *line, const char *fmt, va_list *args)
{
	struct conversion conv;

	fmt = parse(fmt, &conv, args);
	switch (conv.type) {
	case 'p':
		add_pointer(line, &conv, va_arg(*args, void *));
		break;
	case 's':
		add_string(line, va_arg(*args, const char *));
		break;
	case 'c':
		add_char(line, va_arg(*args, int));
		break;
	case '%':
		add_char(line, '%');
		break;
	case 'd':
	case 'u':
	case 'x':
		if (conv.longs)
			add_number(line, &conv, va_arg(*args, unsigned long long));
		else
			add_number(line, &conv, va_arg(*args, unsigned int));
		break;
	default:
		fprintf(stderr, "shim_print() does not support %%%c\n", conv.type);
		abort();
	}

	return fmt;
}

void shim_print(const char *fmt, ...)
{
	struct log_line line = {};
	va_list args;

	va_start(args, fmt);
	while (*fmt)
		if (*fmt == '%')
			fmt = convert(&line, fmt + 1, &args);
		else
			add_char(&line, *fmt++);
	va_end(args);

	if (shim_log_shown)
		fputs(line.text, stderr);
	line.text[strcspn(line.text, "\n")] = '\0';
	last_line = line;
	shim_log_count++;
}

void shim_warn(const char *file, int line)
{
	shim_log_warnings++;
	shim_print("WARNING at %s:%d\n", file, line);
}
