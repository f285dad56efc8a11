// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of version strings.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <kunit/test.h>
#include <linux/kmsg_dump.h>
#include <linux/string.h>

#include <linux/kho/abi/kexec_handover.h>
#include <linux/kho/abi/luo.h>
#include <linux/kho/abi/memfd.h>
#include <linux/kho/compat.h>

/*
 * The reader in these tests accepts "base" version 2, which contains "alpha"
 * versions 1 to 3 and "beta-v" version 7.
 */
static const struct kho_compat_range base = { "base", 2, 2 };
static const struct kho_compat_range alpha = { "alpha", 1, 3 };
static const struct kho_compat_range beta = { "beta-v", 7, 7 };
static const struct kho_compat_range *const ranges[] = { &base, &alpha, &beta };

static int check(const char *str)
{
	return kho_compat_check("KUnit", str, strlen(str) + 1, ranges,
				ARRAY_SIZE(ranges));
}

struct compat_case {
	const char *what;
	const char *str;
	const char *says;	/* the expected message if it is refused */
};

static void compat_describe(const struct compat_case *c, char *desc)
{
	strscpy(desc, c->what, KUNIT_PARAM_DESC_SIZE);
}

static const struct compat_case accepted_cases[] = {
	{ "lowest version of a range", "base-v2;alpha-v1;beta-v-v7" },
	{ "version inside a range", "base-v2;alpha-v2;beta-v-v7" },
	{ "highest version of a range", "base-v2;alpha-v3;beta-v-v7" },
};

KUNIT_ARRAY_PARAM(accepted, accepted_cases, compat_describe);

static void accepts_what_it_reads(struct kunit *test)
{
	const struct compat_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, check(c->str), 0);
}

/* Expected messages. They show that each string is refused for its own reason. */
#define NOT_READ(token, reads)	\
	"KUnit: incoming '" token "' not supported (this kernel reads " reads ")"
#define LACKS(name)		"KUnit: incoming version string lacks '" name "'"
#define UNKNOWN(token)		"KUnit: incoming '" token "' is unknown"
#define DUPLICATE(token, of)	\
	"KUnit: incoming '" token "' is a duplicate of '" of "'"
#define WRONG_ORDER(token, after)	\
	"KUnit: incoming '" token "' in wrong order, after '" after "'"
#define MALFORMED(token, fault)	\
	"KUnit: incoming version token '" token "' is malformed: " fault

static const struct compat_case refused_cases[] = {
	{ "base version too low", "base-v1;alpha-v1;beta-v-v7",
	  NOT_READ("base-v1", "base-v2") },
	{ "base version too high", "base-v3;alpha-v1;beta-v-v7",
	  NOT_READ("base-v3", "base-v2") },
	{ "another base", "case-v2;alpha-v1;beta-v-v7",
	  NOT_READ("case-v2", "base-v2") },
	{ "base name longer", "base1-v2;alpha-v1;beta-v-v7",
	  NOT_READ("base1-v2", "base-v2") },
	{ "base name shorter", "bas-v2;alpha-v1;beta-v-v7",
	  NOT_READ("bas-v2", "base-v2") },
	{ "version below a range", "base-v2;alpha-v0;beta-v-v7",
	  NOT_READ("alpha-v0", "alpha-v1 to alpha-v3") },
	{ "version above a range", "base-v2;alpha-v4;beta-v-v7",
	  NOT_READ("alpha-v4", "alpha-v1 to alpha-v3") },
	{ "base alone, but version 1 is not read", "base-v2", LACKS("beta-v") },
	{ "first token missing", "base-v2;beta-v-v7", LACKS("alpha") },
	{ "last token missing", "base-v2;alpha-v1", LACKS("beta-v") },
	{ "unknown token in front", "base-v2;aaa-v1;alpha-v1;beta-v-v7",
	  UNKNOWN("aaa-v1") },
	{ "unknown token between", "base-v2;alpha-v1;alphb-v1;beta-v-v7",
	  UNKNOWN("alphb-v1") },
	{ "unknown token at the end", "base-v2;alpha-v1;beta-v-v7;gamma-v1",
	  UNKNOWN("gamma-v1") },
	{ "duplicate", "base-v2;alpha-v1;alpha-v1;beta-v-v7",
	  DUPLICATE("alpha-v1", "alpha-v1") },
	{ "duplicate of other version", "base-v2;alpha-v1;alpha-v2;beta-v-v7",
	  DUPLICATE("alpha-v2", "alpha-v1") },
	{ "wrong order", "base-v2;beta-v-v7;alpha-v1",
	  WRONG_ORDER("alpha-v1", "beta-v-v7") },
	{ "empty string", "", MALFORMED("", "empty") },
	{ "empty base token", ";alpha-v1;beta-v-v7", MALFORMED("", "empty") },
	{ "empty token between", "base-v2;;alpha-v1;beta-v-v7",
	  MALFORMED("", "empty") },
	{ "empty token at the end", "base-v2;alpha-v1;beta-v-v7;",
	  MALFORMED("", "empty") },
	{ "no -v", "base2;alpha-v1;beta-v-v7",
	  MALFORMED("base2", "not of the form name-vN") },
	{ "no name", "-v2;alpha-v1;beta-v-v7",
	  MALFORMED("-v2", "not of the form name-vN") },
	{ "no number", "base-v;alpha-v1;beta-v-v7",
	  MALFORMED("base-v", "no version number") },
	{ "leading zero", "base-v02;alpha-v1;beta-v-v7",
	  MALFORMED("base-v02", "version number with a leading zero") },
	{ "sign", "base-v+2;alpha-v1;beta-v-v7",
	  MALFORMED("base-v+2", "version is not a number") },
	{ "space", "base-v2 ;alpha-v1;beta-v-v7",
	  MALFORMED("base-v2 ", "version is not a number") },
	{ "hexadecimal", "base-v0x2;alpha-v1;beta-v-v7",
	  MALFORMED("base-v0x2", "version number with a leading zero") },
	{ "number just too large", "base-v4294967296;alpha-v1;beta-v-v7",
	  MALFORMED("base-v4294967296", "version number too large") },
	{ "number that wraps to 2", "base-v4294967298;alpha-v1;beta-v-v7",
	  MALFORMED("base-v4294967298", "version number too large") },
	{ "number far too large", "base-v99999999999999999999;alpha-v1;beta-v-v7",
	  MALFORMED("base-v99999999999999999999", "version number too large") },
	{ "characters to escape", "base\n\x1b[2J-v2;alpha-v1;beta-v-v7",
	  NOT_READ("base\\n\\e[2J-v2", "base-v2") },
};

KUNIT_ARRAY_PARAM(refused, refused_cases, compat_describe);

static void log_mark(struct kmsg_dump_iter *mark)
{
	kmsg_dump_rewind(mark);
	mark->cur_seq = mark->next_seq;
}

static bool logged(const struct kmsg_dump_iter *mark, const char *text)
{
	struct kmsg_dump_iter iter = *mark;
	char line[256];
	size_t len;

	while (kmsg_dump_get_line(&iter, false, line, sizeof(line), &len))
		if (strnstr(line, text, len))
			return true;

	return false;
}

static void refuses_what_it_does_not_read(struct kunit *test)
{
	const struct compat_case *c = test->param_value;
	struct kmsg_dump_iter mark;

	log_mark(&mark);
	KUNIT_EXPECT_EQ(test, check(c->str), -EINVAL);
	if (IS_ENABLED(CONFIG_PRINTK))
		KUNIT_EXPECT_TRUE_MSG(test, logged(&mark, c->says), "%s", c->says);
}

static void refuses_missing_nul(struct kunit *test)
{
	const char *str = "base-v2;alpha-v1;beta-v-v7";

	KUNIT_EXPECT_EQ(test, kho_compat_check("KUnit", str, strlen(str), ranges, 3),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, kho_compat_check("KUnit", str, 0, ranges, 3), -EINVAL);
}

static void base_alone_is_enough_for_a_leaf(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, kho_compat_check("KUnit", "base-v2", 8, ranges, 1), 0);
	KUNIT_EXPECT_EQ(test, kho_compat_check("KUnit", "base-v2;alpha-v1", 17,
					       ranges, 1), -EINVAL);
}

static void base_alone_contains_version_1(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, kho_compat_check("KUnit", "base-v2", 8, ranges, 2), 0);
	KUNIT_EXPECT_EQ(test, kho_compat_check("KUnit", "base-v3", 8, ranges, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, kho_compat_check("KUnit", "base-v2;", 9, ranges, 2), -EINVAL);
}

static void nothing_is_logged_without_a_name(struct kunit *test)
{
	struct kmsg_dump_iter mark;

	log_mark(&mark);
	KUNIT_EXPECT_EQ(test, kho_compat_check(NULL, "base-v1", 8, ranges, 2), -EINVAL);
	KUNIT_EXPECT_FALSE(test, logged(&mark, "base-v1"));
}

static void len_is_rounded_up_to_8(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, kho_compat_len("", 1), 8);
	KUNIT_EXPECT_EQ(test, kho_compat_len("1234567", 8), 8);
	KUNIT_EXPECT_EQ(test, kho_compat_len("12345678", 100), 16);
	KUNIT_EXPECT_EQ(test, kho_compat_len("12345678", 8), -EINVAL);
	KUNIT_EXPECT_EQ(test, kho_compat_len("12345678", 0), -EINVAL);
}

static void len_agrees_with_the_macro(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, kho_compat_len(LUO_ABI_COMPATIBLE,
					     sizeof(LUO_ABI_COMPATIBLE)),
			KHO_COMPAT_ALIGN(LUO_ABI_COMPATIBLE));
}

static void same_base_ignores_versions(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, kho_compat_same_base("a-v1", 5, "a-v2;b-v1"));
	KUNIT_EXPECT_TRUE(test, kho_compat_same_base("a-v1;c-v9", 10, "a-v1"));
	KUNIT_EXPECT_TRUE(test, kho_compat_same_base("a-v-v1", 7, "a-v-v2"));
}

static void same_base_compares_whole_names(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, kho_compat_same_base("a-v1", 5, "ab-v1"));
	KUNIT_EXPECT_FALSE(test, kho_compat_same_base("ab-v1", 6, "a-v1"));
	KUNIT_EXPECT_FALSE(test, kho_compat_same_base("b-v1", 5, "a-v1;b-v1"));
	KUNIT_EXPECT_FALSE(test, kho_compat_same_base("a-v-v1", 7, "a-v1"));
}

static void same_base_refuses_malformed_strings(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, kho_compat_same_base("a-v1", 4, "a-v1"));
	KUNIT_EXPECT_FALSE(test, kho_compat_same_base("a", 2, "a-v1"));
	KUNIT_EXPECT_FALSE(test, kho_compat_same_base("", 1, "a-v1"));
}

static void base_version_is_that_of_the_first_token(struct kunit *test)
{
	u32 version;

	KUNIT_EXPECT_EQ(test, kho_compat_base_version("a-v12;b-v3", 11, &version), 0);
	KUNIT_EXPECT_EQ(test, version, 12);
	KUNIT_EXPECT_EQ(test, kho_compat_base_version("a-v4294967295", 14, &version),
			0);
	KUNIT_EXPECT_EQ(test, version, U32_MAX);
}

static void base_version_refuses_malformed_strings(struct kunit *test)
{
	u32 version;

	KUNIT_EXPECT_EQ(test, kho_compat_base_version("a-v1", 4, &version), -EINVAL);
	KUNIT_EXPECT_EQ(test, kho_compat_base_version("a-v", 4, &version), -EINVAL);
	KUNIT_EXPECT_EQ(test, kho_compat_base_version("a-v1x;b-v1", 11, &version),
			-EINVAL);
}

/* The version strings that this kernel writes */

static const struct compat_case own_cases[] = {
	{ "KHO", KHO_FDT_COMPATIBLE },
	{ "LUO", LUO_ABI_COMPATIBLE },
	{ "memfd", MEMFD_LUO_FH_COMPATIBLE },
};

KUNIT_ARRAY_PARAM(own, own_cases, compat_describe);

static bool is_data_structure(const char *token, size_t len)
{
	unsigned int i;

	for (i = 0; i < KHO_COMPAT_NR; i++) {
		char *own = kasprintf(GFP_KERNEL, "%s-v%u", kho_compat_table[i].name,
				      kho_compat_table[i].highest);
		bool same = own && strlen(own) == len && !strncmp(own, token, len);

		kfree(own);
		if (same)
			return true;
	}

	return false;
}

static void own_strings_are_sorted_and_of_known_parts(struct kunit *test)
{
	const struct compat_case *c = test->param_value;
	const char *prev = NULL, *token = strchr(c->str, ';');
	size_t prev_len = 0;

	KUNIT_ASSERT_NOT_NULL(test, token);
	while (token) {
		size_t len = strcspn(++token, ";");

		KUNIT_EXPECT_TRUE_MSG(test, is_data_structure(token, len), "%s", token);
		if (prev)
			KUNIT_EXPECT_LT(test, memcmp(prev, token, min(prev_len, len)),
					0);
		prev = token;
		prev_len = len;
		token = strchr(token, ';');
	}
}

static void own_strings_are_unique(struct kunit *test)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(own_cases); i++)
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_FALSE(test, kho_compat_same_base(own_cases[i].str,
								      strlen(own_cases[i].str) + 1,
								      own_cases[j].str));
}

static void components_read_what_they_write(struct kunit *test)
{
	const struct kho_compat_range *radix = &kho_compat_table[KHO_COMPAT_RADIX];
	const struct kho_compat_range *vmalloc = &kho_compat_table[KHO_COMPAT_VMALLOC];
	const struct kho_compat_range *block = &kho_compat_table[KHO_COMPAT_BLOCK];

	KUNIT_EXPECT_EQ(test, kho_compat_check("KUnit", KHO_RADIX_COMPATIBLE,
					       sizeof(KHO_RADIX_COMPATIBLE),
					       &radix, 1), 0);
	KUNIT_EXPECT_EQ(test, kho_compat_check("KUnit", KHO_VMALLOC_COMPATIBLE,
					       sizeof(KHO_VMALLOC_COMPATIBLE),
					       &vmalloc, 1), 0);
	KUNIT_EXPECT_EQ(test, kho_compat_check("KUnit", KHO_BLOCK_COMPATIBLE,
					       sizeof(KHO_BLOCK_COMPATIBLE),
					       &block, 1), 0);
}

static void expect_bare(struct kunit *test, const char *str, const char *expected)
{
	char copy[48] = {}, bare[48];

	strscpy(copy, str);
	memset(bare, 'x', sizeof(bare));
	KUNIT_EXPECT_EQ_MSG(test, kho_compat_bare(copy, sizeof(copy), bare),
			    expected ? 0 : -EINVAL, "%s", str);
	if (!expected)
		return;
	KUNIT_EXPECT_STREQ(test, bare, expected);
	KUNIT_EXPECT_NULL(test, memchr_inv(bare + strlen(expected), 0,
					   sizeof(bare) - strlen(expected)));
}

/* Only if it means the same */
static void base_token_stands_alone(struct kunit *test)
{
	char endless[] = { 'a', '-', 'v', '1' }, bare[4];

	expect_bare(test, "a-v7", "a-v7");
	expect_bare(test, "a-v7;b-v1", "a-v7");
	expect_bare(test, "a-v7;b-v1;c-v1", "a-v7");
	expect_bare(test, "a-v7;b-v2", NULL);
	expect_bare(test, "a-v7;b-v1;c-v0", NULL);
	expect_bare(test, "a-v7;b", NULL);
	expect_bare(test, "a-v7;", NULL);
	expect_bare(test, "", NULL);
	KUNIT_EXPECT_EQ(test, kho_compat_bare(endless, sizeof(endless), bare), -EINVAL);
}

static struct kunit_case compat_cases[] = {
	KUNIT_CASE_PARAM(accepts_what_it_reads, accepted_gen_params),
	KUNIT_CASE_PARAM(refuses_what_it_does_not_read, refused_gen_params),
	KUNIT_CASE(refuses_missing_nul),
	KUNIT_CASE(base_alone_is_enough_for_a_leaf),
	KUNIT_CASE(base_alone_contains_version_1),
	KUNIT_CASE(nothing_is_logged_without_a_name),
	KUNIT_CASE(len_is_rounded_up_to_8),
	KUNIT_CASE(len_agrees_with_the_macro),
	KUNIT_CASE(same_base_ignores_versions),
	KUNIT_CASE(same_base_compares_whole_names),
	KUNIT_CASE(same_base_refuses_malformed_strings),
	KUNIT_CASE(base_version_is_that_of_the_first_token),
	KUNIT_CASE(base_version_refuses_malformed_strings),
	KUNIT_CASE_PARAM(own_strings_are_sorted_and_of_known_parts, own_gen_params),
	KUNIT_CASE(own_strings_are_unique),
	KUNIT_CASE(components_read_what_they_write),
	KUNIT_CASE(base_token_stands_alone),
	{}
};

static struct kunit_suite compat_suite = {
	.name = "liveupdate-compatibility",
	.test_cases = compat_cases,
};

kunit_test_suite(compat_suite);
