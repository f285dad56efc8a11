// SPDX-License-Identifier: GPL-2.0
/*
 * Target: version strings from another kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The first byte selects the versions that this kernel reads. The rest is the string,
 * which may lack its NUL.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <linux/limits.h>

#include <linux/kho/compat.h>

#include "fuzz/target.h"
#include "fuzz/version.h"
#include "shim/check.h"
#include "shim/print.h"

#define RANGE(_name, _lowest, _highest) \
	(&(const struct kho_compat_range){ _name, _lowest, _highest })

#define MAX_RANGES	4

static const struct table {
	const struct kho_compat_range *ranges[MAX_RANGES];
	unsigned int nr;
} tables[] = {
	{ { RANGE("luo", 5, 5), RANGE("block", 1, 1) }, 2 },
	{ { RANGE("kho", 4, 4), RANGE("radix", 1, 2), RANGE("vmalloc", 1, 1) }, 3 },
	{ { RANGE("memblock", 1, 1) }, 1 },
	{ { RANGE("a-v", 0, 3), RANGE("b", 8, 11), RANGE("b-v1", 0, 0),
	    RANGE("c", U32_MAX, U32_MAX) }, 4 },
};

/* Compare the string with all strings that this kernel reads. */
static bool model_accepts(const char *str, const struct kho_compat_range *const *ranges,
			  unsigned int nr)
{
	char token[32];
	u64 version;
	size_t len;

	for (version = ranges[0]->lowest; version <= ranges[0]->highest; version++) {
		len = snprintf(token, sizeof(token), "%s-v%llu", ranges[0]->name,
			       (unsigned long long)version);
		if (strncmp(str, token, len))
			continue;
		if (nr == 1 ? !str[len] :
		    str[len] == ';' && model_accepts(str + len + 1, ranges + 1, nr - 1))
			return true;
	}

	return false;
}

/* A base token that stands alone means version 1 of the others. */
static bool model_accepts_bare(const char *str, const struct table *table)
{
	unsigned int i;

	for (i = 1; i < table->nr; i++)
		if (table->ranges[i]->lowest > 1)
			return false;

	return !strchr(str, ';') && model_accepts(str, table->ranges, 1);
}

static void read_string(const struct table *table, const char *str, size_t size)
{
	bool terminated = strnlen(str, size) < size;
	unsigned long logged = shim_log_count;
	s64 expected = terminated ? version_of(str) : -1;
	u32 version;
	int err;

	err = kho_compat_check("fuzz", str, size, table->ranges, table->nr);
	check(!err == (terminated && (model_accepts(str, table->ranges, table->nr) ||
				      model_accepts_bare(str, table))));
	check(!err || (err == -EINVAL && shim_log_count == logged + 1));

	err = kho_compat_base_version(str, size, &version);
	check(err ? expected < 0 : expected == version);

	check(kho_compat_same_base(str, size, "memfd-v2;vmalloc-v1") ==
	      (terminated && has_version_of(str, "memfd")));
	check(kho_compat_len(str, size) ==
	      (terminated ? (ssize_t)(strlen(str) + 8) / 8 * 8 : -EINVAL));
}

static void run(const u8 *data, size_t size)
{
	char *str;

	if (!size)
		return;

	/* The sanitizer detects reads past the end of the copy. */
	str = malloc(size - 1);
	memcpy(str, data + 1, size - 1);
	read_string(&tables[data[0] % ARRAY_SIZE(tables)], str, size - 1);
	free(str);
}

static void seeds(seed_fn add)
{
	static const char *const strings[] = {
		"\0luo-v5;block-v1", "\1kho-v4;radix-v1;vmalloc-v1",
		"\1kho-v4;radix-v2;vmalloc-v1", "\2memblock-v1",
		"\3a-v-v3;b-v10;b-v1-v0;c-v4294967295", "\0memfd-v2;vmalloc-v1",
		"\0luo-v4294967296;block-v1", "\1kho-v4;vmalloc-v1;radix-v1",
		"\1kho-v4;radix-v1;radix-v1;vmalloc-v1", "\0luo-v05;;-v1;luo-v",
		"\0luo-v5", "\1kho-v4", "\1kho-v4;", "\3a-v-v3",
	};
	char name[16];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(strings); i++) {
		snprintf(name, sizeof(name), "string-%u", i);
		add(name, strings[i], 1 + strlen(strings[i] + 1) + 1);
	}
	add("endless", "\0luo-v5", 7);
}

const struct target target = {
	.run = run,
	.seeds = seeds,
};
