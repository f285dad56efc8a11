// SPDX-License-Identifier: GPL-2.0-only
/*
 * Version strings of handed-over state.
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * include/linux/kho/abi/compat.h describes the format. The strings are parsed
 * in place, because the root FDT is checked before memory can be allocated.
 */

#define pr_fmt(fmt) fmt

#include <linux/align.h>
#include <linux/ctype.h>
#include <linux/export.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/printk.h>
#include <linux/string.h>

#include <linux/kho/compat.h>
#include <linux/kho/note.h>

const struct kho_compat_range kho_compat_table[KHO_COMPAT_NR] = {
	[KHO_COMPAT_BLOCK] = {
		.name = "block",
		.lowest = KHO_BLOCK_LOWEST,
		.highest = KHO_BLOCK_HIGHEST,
	},
	[KHO_COMPAT_RADIX] = {
		.name = "radix",
		.lowest = KHO_RADIX_LOWEST,
		.highest = KHO_RADIX_HIGHEST,
	},
	[KHO_COMPAT_VMALLOC] = {
		.name = "vmalloc",
		.lowest = KHO_VMALLOC_LOWEST,
		.highest = KHO_VMALLOC_HIGHEST,
	},
};
EXPORT_SYMBOL_GPL(kho_compat_table);

/* Log at most this many bytes of a token. */
#define KHO_COMPAT_SHOW	64

/**
 * struct kho_compat_token - a token of a version string
 * @name:     start of the token in the string
 * @len:      length of the token
 * @name_len: length of its name, which is followed by "-v" and the version
 * @version:  its version
 */
struct kho_compat_token {
	const char *name;
	size_t len;
	size_t name_len;
	u32 version;
};

static int kho_compat_shown(const struct kho_compat_token *token)
{
	return min_t(size_t, token->len, KHO_COMPAT_SHOW);
}

static int kho_compat_cmp(const char *a, size_t a_len,
			  const char *b, size_t b_len)
{
	int diff = memcmp(a, b, min(a_len, b_len));

	return diff ?: (int)(a_len > b_len) - (int)(a_len < b_len);
}

static int kho_compat_cmp_name(const struct kho_compat_token *token,
			       const char *name)
{
	return kho_compat_cmp(token->name, token->name_len, name, strlen(name));
}

/* Return the length of the name, which ends before the last "-v"; 0 for none. */
static size_t kho_compat_name_len(const char *str, size_t len)
{
	size_t pos;

	for (pos = len; pos >= 2; pos--)
		if (str[pos - 2] == '-' && str[pos - 1] == 'v')
			return pos - 2;

	return 0;
}

/* Parse the digits of a version. Return a description of the error, or NULL. */
static const char *kho_compat_parse_version(const char *digits, size_t len,
					    u32 *version)
{
	size_t i;

	if (!len)
		return "no version number";
	if (len > 1 && digits[0] == '0')
		return "version number with a leading zero";

	for (*version = 0, i = 0; i < len; i++) {
		if (!isdigit(digits[i]))
			return "version is not a number";
		if (check_mul_overflow(*version, 10U, version) ||
		    check_add_overflow(*version, (u32)(digits[i] - '0'), version))
			return "version number too large";
	}

	return NULL;
}

/* Parse the first token of @str. Return a description of the error, or NULL. */
static const char *kho_compat_parse(const char *str,
				    struct kho_compat_token *token)
{
	token->name = str;
	token->len = strchrnul(str, ';') - str;
	if (!token->len)
		return "empty";

	token->name_len = kho_compat_name_len(str, token->len);
	if (!token->name_len)
		return "not of the form name-vN";

	return kho_compat_parse_version(str + token->name_len + 2,
					token->len - token->name_len - 2,
					&token->version);
}

/* Log why a string is refused, unless @component is NULL. */
static __printf(2, 3) int kho_compat_refuse(const char *component, const char *fmt, ...)
{
	struct va_format vaf = { .fmt = fmt };
	va_list args;

	if (component) {
		va_start(args, fmt);
		vaf.va = &args;
		pr_err("%s: incoming %pV\n", component, &vaf);
		va_end(args);
	}
	return -EINVAL;
}

static bool kho_compat_terminated(const char *str, size_t size)
{
	return strnlen(str, size) < size;
}

static int kho_compat_refuse_missing(const char *component,
				     const struct kho_compat_range *range)
{
	return kho_compat_refuse(component,
				 "version string lacks '%s' (this kernel reads %s-v%u)",
				 range->name, range->name, range->highest);
}

static int kho_compat_check_token(const char *component,
				  const struct kho_compat_token *token,
				  const struct kho_compat_range *range)
{
	if (!kho_compat_cmp_name(token, range->name) &&
	    token->version >= range->lowest && token->version <= range->highest)
		return 0;

	if (range->lowest == range->highest)
		return kho_compat_refuse(component,
					 "'%*pE' not supported (this kernel reads %s-v%u)",
					 kho_compat_shown(token), token->name,
					 range->name, range->lowest);

	return kho_compat_refuse(component,
				 "'%*pE' not supported (this kernel reads %s-v%u to %s-v%u)",
				 kho_compat_shown(token), token->name, range->name,
				 range->lowest, range->name, range->highest);
}

/* Check that @token may follow @prev. Neither is the base token. */
static int kho_compat_check_order(const char *component,
				  const struct kho_compat_token *prev,
				  const struct kho_compat_token *token)
{
	int order = kho_compat_cmp(prev->name, prev->name_len,
				   token->name, token->name_len);

	if (order < 0)
		return 0;

	return kho_compat_refuse(component,
				 order ? "'%*pE' in wrong order, after '%*pE'" :
					 "'%*pE' is a duplicate of '%*pE'",
				 kho_compat_shown(token), token->name,
				 kho_compat_shown(prev), prev->name);
}

/* Check a token after the base token. The reader expects @range there. */
static int kho_compat_check_sub(const char *component,
				const struct kho_compat_token *token,
				const struct kho_compat_range *range)
{
	int order = range ? kho_compat_cmp_name(token, range->name) : -1;

	if (order > 0)
		return kho_compat_refuse_missing(component, range);
	if (order < 0)
		return kho_compat_refuse(component, "'%*pE' is unknown to this kernel",
					 kho_compat_shown(token), token->name);

	return kho_compat_check_token(component, token, range);
}

static int kho_compat_parse_or_refuse(const char *component, const char *str,
				      struct kho_compat_token *token)
{
	const char *fault = kho_compat_parse(str, token);

	if (!fault)
		return 0;

	return kho_compat_refuse(component, "version token '%*pE' is malformed: %s",
				 kho_compat_shown(token), token->name, fault);
}

/* Return the start of the next token in the string, NULL if there is none. */
static const char *kho_compat_next(const struct kho_compat_token *token)
{
	const char *end = token->name + token->len;

	return *end ? end + 1 : NULL;
}

/* Check that each token is well-formed and that they are in order. */
static int kho_compat_check_form(const char *component, const char *str)
{
	struct kho_compat_token token, prev;
	int err;

	err = kho_compat_parse_or_refuse(component, str, &token);
	if (err)
		return err;

	for (prev.name = NULL; (str = kho_compat_next(&token)); prev = token) {
		err = kho_compat_parse_or_refuse(component, str, &token);
		if (!err && prev.name)
			err = kho_compat_check_order(component, &prev, &token);
		if (err)
			return err;
	}

	return 0;
}

/* A base token that stands alone contains version 1 of each component. */
static int kho_compat_match_bare(const char *component,
				 const struct kho_compat_range *const *ranges,
				 unsigned int nr)
{
	unsigned int i;

	for (i = 1; i < nr; i++)
		if (ranges[i]->lowest > 1)
			return kho_compat_refuse_missing(component, ranges[i]);

	return 0;
}

/* Compare the tokens of a well-formed string with the ranges of the reader. */
static int kho_compat_match(const char *component, const char *str,
			    const struct kho_compat_range *const *ranges,
			    unsigned int nr)
{
	struct kho_compat_token token;
	unsigned int i;
	int err;

	kho_compat_parse(str, &token);
	err = kho_compat_check_token(component, &token, ranges[0]);
	if (!err && !kho_compat_next(&token))
		return kho_compat_match_bare(component, ranges, nr);

	for (i = 1; !err && (str = kho_compat_next(&token)); i++) {
		kho_compat_parse(str, &token);
		err = kho_compat_check_sub(component, &token,
					   i < nr ? ranges[i] : NULL);
	}

	if (!err && i < nr)
		err = kho_compat_refuse_missing(component, ranges[i]);

	return err;
}

/**
 * kho_compat_check - check that this kernel can read state of a given version
 * @component: name of the state's owner, for the log; NULL to log nothing
 * @str:       the version string, which need not be well-formed
 * @size:      number of bytes that may be read from @str, including its NUL
 * @ranges:    versions that this kernel reads, first of the owner itself, then
 *	       of the components that it contains, in alphabetical order
 * @nr:        number of @ranges, at least 1
 *
 * A base token that stands alone means version 1 of all that it contains: other
 * kernels write it so. The first error is logged. Nothing is allocated, so this can be
 * called early during boot.
 *
 * Context: Any.
 * Return: 0 if each token is known and in its range and none is missing,
 * -EINVAL otherwise.
 */
int kho_compat_check(const char *component, const char *str, size_t size,
		     const struct kho_compat_range *const *ranges,
		     unsigned int nr)
{
	int err;

	if (!kho_compat_terminated(str, size))
		return kho_compat_refuse(component,
					 "version string has no end within %zu bytes",
					 size);

	err = kho_compat_check_form(component, str);

	return err ?: kho_compat_match(component, str, ranges, nr);
}
EXPORT_SYMBOL_GPL(kho_compat_check);

/**
 * kho_compat_len - return the space that a version string takes in a structure
 * @str:  the version string
 * @size: number of bytes that may be read from @str
 *
 * Context: Any.
 * Return: the length including the NUL, rounded up to 8 bytes, so it can exceed
 * @size; -EINVAL if there is no NUL within @size bytes.
 */
ssize_t kho_compat_len(const char *str, size_t size)
{
	if (!kho_compat_terminated(str, size))
		return -EINVAL;

	return ALIGN(strlen(str) + 1, 8);
}

/**
 * kho_compat_same_base - check that two version strings name the same component
 * @a:      a version string, which need not be well-formed
 * @a_size: number of bytes that may be read from @a
 * @b:      a version string of this kernel
 *
 * Only the names of the base tokens are compared, not their versions and not
 * the other tokens.
 *
 * Context: Any.
 * Return: true if both strings start with well-formed tokens of the same name.
 */
bool kho_compat_same_base(const char *a, size_t a_size, const char *b)
{
	struct kho_compat_token token_a, token_b;

	if (!kho_compat_terminated(a, a_size))
		return false;
	if (kho_compat_parse(a, &token_a) || kho_compat_parse(b, &token_b))
		return false;

	return !kho_compat_cmp(token_a.name, token_a.name_len,
			       token_b.name, token_b.name_len);
}

/**
 * kho_compat_base_name - copy the name of a string's base token
 * @str:  the version string, which need not be well-formed
 * @size: number of bytes that may be read from @str
 * @name: where to store the name, padded with NULs to @size bytes
 *
 * Context: Any.
 * Return: 0, or -EINVAL if there is no NUL or the base token is malformed.
 */
int kho_compat_base_name(const char *str, size_t size, char *name)
{
	struct kho_compat_token token;

	if (!kho_compat_terminated(str, size) || kho_compat_parse(str, &token))
		return -EINVAL;

	memset(name, 0, size);
	memcpy(name, token.name, token.name_len);
	return 0;
}

/**
 * kho_compat_base_version - return the version of a string's base token
 * @str:     the version string, which need not be well-formed
 * @size:    number of bytes that may be read from @str
 * @version: where to store the version
 *
 * Context: Any.
 * Return: 0, or -EINVAL if there is no NUL or the base token is malformed.
 */
int kho_compat_base_version(const char *str, size_t size, u32 *version)
{
	struct kho_compat_token token;

	if (!kho_compat_terminated(str, size) || kho_compat_parse(str, &token))
		return -EINVAL;

	*version = token.version;
	return 0;
}
EXPORT_SYMBOL_GPL(kho_compat_base_version);

/**
 * kho_compat_bare - copy the base token of a string if it can stand alone
 * @str:  the version string, which need not be well-formed
 * @size: number of bytes that may be read from @str, including its NUL
 * @bare: where to store the token, padded with NULs to @size bytes
 *
 * A token that stands alone means version 1 of each component that it contains.
 *
 * Context: Any.
 * Return: 0, or -EINVAL if the string is malformed or has another version of these.
 */
int kho_compat_bare(const char *str, size_t size, char *bare)
{
	struct kho_compat_token base, token;

	if (!kho_compat_terminated(str, size) || kho_compat_check_form(NULL, str))
		return -EINVAL;

	kho_compat_parse(str, &base);
	for (token = base; (str = kho_compat_next(&token));) {
		kho_compat_parse(str, &token);
		if (token.version != 1)
			return -EINVAL;
	}

	memset(bare, 0, size);
	memcpy(bare, base.name, base.len);
	return 0;
}
