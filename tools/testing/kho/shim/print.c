// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's log, and the end of the program
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
#include <linux/printk.h>
#include <linux/types.h>

#include "shim/check.h"
#include "shim/print.h"

bool shim_log_shown = true;
unsigned long shim_log_count, shim_log_warnings;

char shim_last_line[512];

/* %*pE: any bytes, of the given length */
static void print_escaped(FILE *line, const unsigned char *bytes, int nr)
{
	for (; nr > 0; nr--, bytes++)
		fprintf(line, isprint(*bytes) && *bytes != '\\' ? "%c" : "\\%03o", *bytes);
}

static void print_format(FILE *line, const struct va_format *vaf);

/* The extensions of %p that the kernel's messages use. Return the rest of the format. */
static const char *print_pointer(FILE *line, const char *extension, int width, void *ptr)
{
	switch (*extension) {
	case 'E':
		print_escaped(line, ptr, width);
		break;
	case 'V':
		print_format(line, ptr);
		break;
	case 'a':
		fprintf(line, "%#018llx", (unsigned long long)*(const phys_addr_t *)ptr);
		break;
	case 'e':
		fprintf(line, "%ld", (long)ptr);
		break;
	default:
		fprintf(line, "%p", ptr);
		return extension;
	}

	return extension + 1;
}

/* Print a conversion. Return the rest of the format. */
static const char *convert(FILE *line, const char *fmt, va_list *args)
{
	size_t flags = 1 + strspn(fmt + 1, "#0123456789.*"), len = flags;
	char spec[16] = "";
	int width = 0;

	len += strspn(fmt + len, "lz");
	if (len + 1 >= sizeof(spec))
		abort();
	memcpy(spec, fmt, len + 1);
	if (fmt[flags - 1] == '*')
		width = va_arg(*args, int);

	switch (fmt[len]) {
	case 'p':
		return print_pointer(line, fmt + len + 1, width, va_arg(*args, void *));
	case 's':
		fprintf(line, spec, va_arg(*args, const char *));
		break;
	case 'c':
	case 'd':
	case 'o':
	case 'u':
	case 'x':
		if (len > flags)
			fprintf(line, spec, va_arg(*args, unsigned long long));
		else
			fprintf(line, spec, va_arg(*args, unsigned int));
		break;
	case '%':
		fputc('%', line);
		break;
	default:
		fprintf(stderr, "shim_print() does not support %s\n", spec);
		abort();
	}

	return fmt + len + 1;
}

static void print_format(FILE *line, const struct va_format *vaf)
{
	const char *fmt = vaf->fmt;
	va_list args;

	va_copy(args, *vaf->va);
	while (*fmt)
		if (*fmt == '%')
			fmt = convert(line, fmt, &args);
		else
			fputc(*fmt++, line);
	va_end(args);
}

void shim_print(const char *fmt, ...)
{
	FILE *line = fmemopen(shim_last_line, sizeof(shim_last_line), "w");
	struct va_format vaf = { .fmt = fmt };
	va_list args;

	va_start(args, fmt);
	vaf.va = &args;
	print_format(line, &vaf);
	va_end(args);
	fclose(line);

	if (shim_log_shown)
		fputs(shim_last_line, stderr);
	shim_last_line[strcspn(shim_last_line, "\n")] = '\0';
	shim_log_count++;
}

void shim_warn(const char *file, int line)
{
	shim_log_warnings++;
	shim_print("WARNING at %s:%d\n", file, line);
}

/* The last message is usually the reason. */
void die(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\nlast message: %s\n", shim_last_line);
	abort();
}
