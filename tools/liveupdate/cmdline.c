// SPDX-License-Identifier: GPL-2.0
/*
 * luoctl: kernel command lines
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Words are split and options are compared as the kernel does it in next_arg() and
 * parameq().
 */
#include <ctype.h>
#include <err.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cmdline.h"
#include "luoctl.h"

/* Return the length of the word at the start of @text. Spaces in quotes don't end it. */
static size_t word_len(const char *text)
{
	bool quoted = false;
	size_t len;

	for (len = 0; text[len] && (quoted || !isspace((unsigned char)text[len])); len++)
		if (text[len] == '"')
			quoted = !quoted;
	return len;
}

static const char *skip_spaces(const char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

static char underscore(char c)
{
	return c == '-' ? '_' : c;
}

/* Return the value if the word sets @option, "" without a value, NULL otherwise. */
static const char *value_of(const char *word, size_t len, const char *option)
{
	size_t i, skip = *word == '"';

	for (i = 0; option[i]; i++)
		if (i + skip >= len ||
		    underscore(word[i + skip]) != underscore(option[i]))
			return NULL;

	i += skip;
	if (i == len)
		return "";
	if (word[i] != '=')
		return NULL;
	return word + i + 1 + (word[i + 1] == '"');
}

/* As kstrtobool(); other values leave @state as it is. */
static void set_switch(enum cmdline_switch *state, const char *value)
{
	switch (tolower((unsigned char)value[0])) {
	case 'y':
	case 't':
	case '1':
		*state = CMDLINE_ON;
		break;
	case 'n':
	case 'f':
	case '0':
		*state = CMDLINE_OFF;
		break;
	case 'o':
		if (tolower((unsigned char)value[1]) == 'n')
			*state = CMDLINE_ON;
		else if (tolower((unsigned char)value[1]) == 'f')
			*state = CMDLINE_OFF;
		break;
	}
}

/**
 * cmdline_switch - find out whether a command line switches an option on
 * @cmdline: the command line
 * @option:  the option, which takes a boolean
 *
 * Return: what the last valid value says.
 */
enum cmdline_switch cmdline_switch(const char *cmdline, const char *option)
{
	enum cmdline_switch state = CMDLINE_MISSING;
	const char *value;
	size_t len;

	for (cmdline = skip_spaces(cmdline); *cmdline;
	     cmdline = skip_spaces(cmdline + len)) {
		len = word_len(cmdline);
		/* The words after it are for init. */
		if (len == 2 && !strncmp(cmdline, "--", 2))
			break;

		value = value_of(cmdline, len, option);
		if (value)
			set_switch(&state, value);
	}

	return state;
}

/**
 * cmdline_without - leave an option out of a command line
 * @cmdline: the command line
 * @option:  the option
 *
 * Return: the other words, to be freed.
 */
char *cmdline_without(const char *cmdline, const char *option)
{
	char *copy = malloc(strlen(cmdline) + 1);
	char *end = copy;
	size_t len;

	if (!copy)
		err(LUOCTL_FAILED, NULL);

	for (cmdline = skip_spaces(cmdline); *cmdline;
	     cmdline = skip_spaces(cmdline + len)) {
		len = word_len(cmdline);
		if (value_of(cmdline, len, option))
			continue;
		if (end > copy)
			*end++ = ' ';
		memcpy(end, cmdline, len);
		end += len;
	}

	*end = '\0';
	return copy;
}
