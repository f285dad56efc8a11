// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of state that files share (FLB).
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The tests register more FLBs than the first page of the table for the next kernel
 * has room for. tools/testing/selftests/liveupdate/ tests FLBs across a kexec.
 */

#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/luo.h>
#include <linux/liveupdate.h>

#include "../luo_internal.h"

/* Three pages of entries, so that the table has to grow twice. */
#define NR_FLBS		(3 * PAGE_SIZE / sizeof(struct luo_flb_ser))
#define FLB_NAME	"luo-kunit-flb"
#define HANDLER_NAME	"luo-kunit-file"

static struct {
	unsigned int nr_preserved;
	unsigned int fail_at;
	unsigned int nr_finished;
	struct luo_flb_incoming incoming;
} luo_flb_test;

static struct liveupdate_flb *flbs[NR_FLBS];

static int test_flb_preserve(struct liveupdate_flb_op_args *args)
{
	if (luo_flb_test.nr_preserved == luo_flb_test.fail_at)
		return -EREMOTEIO;
	args->data = ++luo_flb_test.nr_preserved;
	args->obj = &luo_flb_test;
	return 0;
}

static void test_flb_unpreserve(struct liveupdate_flb_op_args *args)
{
	luo_flb_test.nr_preserved--;
}

static int test_flb_retrieve(struct liveupdate_flb_op_args *args)
{
	return 0;
}

static void test_flb_finish(struct liveupdate_flb_op_args *args)
{
	luo_flb_test.nr_finished++;
}

static const struct liveupdate_flb_ops test_flb_ops = {
	.preserve = test_flb_preserve,
	.unpreserve = test_flb_unpreserve,
	.retrieve = test_flb_retrieve,
	.finish = test_flb_finish,
	.owner = THIS_MODULE,
};

static bool test_can_preserve(struct liveupdate_file_handler *handler,
			      struct file *file)
{
	return false;
}

static int test_file_op(struct liveupdate_file_op_args *args)
{
	return -EOPNOTSUPP;
}

static void test_file_undo(struct liveupdate_file_op_args *args)
{
}

static const struct liveupdate_file_ops test_file_ops = {
	.can_preserve = test_can_preserve,
	.preserve = test_file_op,
	.unpreserve = test_file_undo,
	.retrieve = test_file_op,
	.finish = test_file_undo,
	.owner = THIS_MODULE,
};

static struct liveupdate_file_handler test_handler = {
	.ops = &test_file_ops,
	.compatible = HANDLER_NAME "-v1",
};

static struct liveupdate_flb *new_flb(struct kunit *test, unsigned int nr)
{
	struct liveupdate_flb *flb = kunit_kzalloc(test, sizeof(*flb),
						   GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, flb);
	flb->ops = &test_flb_ops;
	snprintf((char *)flb->compatible, sizeof(flb->compatible),
		 FLB_NAME "-%u-v1", nr);
	return flb;
}

static int luo_flb_test_init(struct kunit *test)
{
	unsigned int i;

	if (!liveupdate_enabled())
		kunit_skip(test, "needs kho=on liveupdate=on");

	memset(flbs, 0, sizeof(flbs));
	test->priv = flbs;
	luo_flb_test.fail_at = UINT_MAX;
	KUNIT_ASSERT_EQ(test, 0,
			liveupdate_register_file_handler(&test_handler));
	for (i = 0; i < NR_FLBS; i++) {
		flbs[i] = new_flb(test, i);
		KUNIT_ASSERT_EQ(test, 0,
				liveupdate_register_flb(&test_handler, flbs[i]));
	}
	return 0;
}

static void luo_flb_test_exit(struct kunit *test)
{
	unsigned int i;

	if (!test->priv)
		return;
	for (i = 0; i < NR_FLBS && flbs[i]; i++)
		liveupdate_unregister_flb(&test_handler, flbs[i]);
	KUNIT_EXPECT_EQ(test, 0,
			liveupdate_unregister_file_handler(&test_handler));
}

/* Check our entries. The table also has those of the test FLBs in lib/test_luo.c. */
static void check_table(struct kunit *test, u64 table_pa, u64 nr_files)
{
	const struct luo_flb_header_ser *table = phys_to_virt(table_pa);
	const struct luo_flb_ser *ser = (const void *)(table + 1);
	u64 i, found = 0;

	KUNIT_EXPECT_LE(test, sizeof(*table) + table->count * sizeof(*ser),
			table->pgcnt * PAGE_SIZE);
	for (i = 0; i < table->count; i++) {
		if (strncmp(ser[i].name, FLB_NAME, strlen(FLB_NAME)))
			continue;
		found++;
		KUNIT_EXPECT_EQ(test, ser[i].data, found);
		KUNIT_EXPECT_EQ(test, ser[i].count, nr_files);
	}
	KUNIT_EXPECT_EQ(test, found, NR_FLBS);
}

static void luo_flb_test_table_grows(struct kunit *test)
{
	struct luo_ser ser = {};

	luo_flb_serialize(&ser);
	KUNIT_EXPECT_EQ(test, ser.flbs_pa, 0);

	KUNIT_ASSERT_EQ(test, 0, luo_flb_preserve_all(&test_handler));
	KUNIT_ASSERT_EQ(test, 0, luo_flb_preserve_all(&test_handler));
	KUNIT_EXPECT_EQ(test, luo_flb_test.nr_preserved, NR_FLBS);
	luo_flb_serialize(&ser);
	KUNIT_EXPECT_NE(test, ser.flbs_pa, 0);
	if (ser.flbs_pa)
		check_table(test, ser.flbs_pa, 2);

	luo_flb_unpreserve_all(&test_handler);
	KUNIT_EXPECT_EQ(test, luo_flb_test.nr_preserved, NR_FLBS);
	luo_flb_unpreserve_all(&test_handler);
	KUNIT_EXPECT_EQ(test, luo_flb_test.nr_preserved, 0);
}

static void luo_flb_test_failure_leaves_nothing(struct kunit *test)
{
	struct luo_ser ser = {};

	luo_flb_test.fail_at = NR_FLBS - 1;
	KUNIT_EXPECT_EQ(test, -EREMOTEIO, luo_flb_preserve_all(&test_handler));
	KUNIT_EXPECT_EQ(test, luo_flb_test.nr_preserved, 0);
	luo_flb_serialize(&ser);
	KUNIT_EXPECT_EQ(test, ser.flbs_pa, 0);
}

static void luo_flb_test_unreferenced_by_files(struct kunit *test)
{
	struct luo_ser ser = {};
	void *object;

	KUNIT_ASSERT_EQ(test, 0, luo_flb_preserve_all(&test_handler));
	KUNIT_ASSERT_EQ(test, 0, liveupdate_flb_get_outgoing(flbs[1], &object));
	KUNIT_EXPECT_PTR_EQ(test, object, &luo_flb_test);
	luo_flb_unpreserve_all(&test_handler);

	/* The reference keeps it preserved, but it is not handed over. */
	KUNIT_EXPECT_EQ(test, luo_flb_test.nr_preserved, 1);
	luo_flb_serialize(&ser);
	KUNIT_EXPECT_EQ(test, ser.flbs_pa, 0);
	KUNIT_EXPECT_EQ(test, -EBUSY,
			liveupdate_unregister_flb(&test_handler, flbs[1]));
	liveupdate_flb_put_outgoing(flbs[1]);
	KUNIT_EXPECT_EQ(test, luo_flb_test.nr_preserved, 0);
}

static void luo_flb_test_register_refuses(struct kunit *test)
{
	static const struct liveupdate_flb_ops no_ops;
	struct liveupdate_flb *flb = new_flb(test, 0);
	struct liveupdate_flb nameless = { .ops = &test_flb_ops };

	/* @flb has the name of a registered FLB. */
	KUNIT_EXPECT_EQ(test, -EEXIST,
			liveupdate_register_flb(&test_handler, flb));
	KUNIT_EXPECT_EQ(test, -EEXIST,
			liveupdate_register_flb(&test_handler, flbs[0]));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			liveupdate_register_flb(&test_handler, &nameless));
	flb = new_flb(test, NR_FLBS);
	flb->ops = &no_ops;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			liveupdate_register_flb(&test_handler, flb));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			liveupdate_unregister_file_handler(&test_handler));
}

/*
 * The life of an incoming FLB. The previous kernel has handed over the first FLB of
 * the test handler. Files are represented by their kinds.
 */

static struct luo_flb_incoming *fake_find_incoming(const char *compatible)
{
	if (strcmp(compatible, luo_flb_test.incoming.name))
		return ERR_PTR(-ENOENT);
	return &luo_flb_test.incoming;
}

static struct liveupdate_flb *hand_over_flb(struct kunit *test)
{
	struct liveupdate_flb **flbs = test->priv;

	if (is_kho_boot())
		kunit_skip(test, "there may be files of the previous kernel");

	luo_flb_test.nr_finished = 0;
	luo_flb_test.incoming = (struct luo_flb_incoming) {};
	strscpy(luo_flb_test.incoming.name, flbs[0]->compatible);
	kunit_activate_static_stub(test, luo_flb_find_incoming,
				   fake_find_incoming);
	luo_file_kinds_complete();
	return flbs[0];
}

static struct luo_file_kind *new_file(struct kunit *test, const char *compatible)
{
	char field[LIVEUPDATE_HNDL_COMPAT_LENGTH];
	struct luo_file_kind *kind;

	strscpy_pad(field, compatible);
	kind = luo_file_kind_get(field);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, kind);
	return kind;
}

/* Return how often the FLB is finished when a file is. */
static unsigned int finish_file(struct luo_file_kind *kind)
{
	unsigned int before = luo_flb_test.nr_finished;

	luo_file_kind_put(kind);
	luo_flb_finish_unused();
	return luo_flb_test.nr_finished - before;
}

static void luo_flb_test_ends_with_last_file(struct kunit *test)
{
	struct liveupdate_flb *flb = hand_over_flb(test);
	struct luo_file_kind *first = new_file(test, HANDLER_NAME "-v1");
	struct luo_file_kind *last = new_file(test, HANDLER_NAME "-v9;x-v1");
	void *object;

	KUNIT_EXPECT_EQ(test, finish_file(first), 0);
	KUNIT_EXPECT_EQ(test, 0, liveupdate_flb_get_incoming(flb, &object));
	liveupdate_flb_put_incoming(flb);
	KUNIT_EXPECT_EQ(test, luo_flb_test.nr_finished, 0);
	KUNIT_EXPECT_EQ(test, finish_file(last), 1);
	KUNIT_EXPECT_EQ(test, -ENOENT,
			liveupdate_flb_get_incoming(flb, &object));
}

static void luo_flb_test_ends_with_last_reference(struct kunit *test)
{
	struct liveupdate_flb *flb = hand_over_flb(test);
	struct luo_file_kind *file = new_file(test, HANDLER_NAME "-v1");
	void *object;

	KUNIT_EXPECT_EQ(test, 0, liveupdate_flb_get_incoming(flb, &object));
	KUNIT_EXPECT_EQ(test, finish_file(file), 0);
	liveupdate_flb_put_incoming(flb);
	KUNIT_EXPECT_EQ(test, luo_flb_test.nr_finished, 1);
}

/* A kernel can hand over an FLB that it only had references to. */
static void luo_flb_test_ends_without_files(struct kunit *test)
{
	struct liveupdate_flb *flb = hand_over_flb(test);
	void *object;

	KUNIT_EXPECT_EQ(test, 0, liveupdate_flb_get_incoming(flb, &object));
	liveupdate_flb_put_incoming(flb);
	KUNIT_EXPECT_EQ(test, luo_flb_test.nr_finished, 1);
}

/* A file without a handler may depend on any FLB. */
static void luo_flb_test_waits_for_unknown_file(struct kunit *test)
{
	struct luo_file_kind *known, *unknown;

	hand_over_flb(test);
	known = new_file(test, HANDLER_NAME "-v1");
	unknown = new_file(test, "luo-kunit-later-v1");
	KUNIT_EXPECT_EQ(test, finish_file(known), 0);
	KUNIT_EXPECT_EQ(test, finish_file(unknown), 1);
}

/* Files without a well-formed version string never get a handler. */
static void luo_flb_test_malformed_files(struct kunit *test)
{
	char endless[LIVEUPDATE_HNDL_COMPAT_LENGTH];

	memset(endless, 'a', sizeof(endless));
	KUNIT_EXPECT_PTR_EQ(test, luo_file_kind_get(endless), NULL);
	memset(endless, 0, sizeof(endless));
	KUNIT_EXPECT_PTR_EQ(test, luo_file_kind_get(endless), NULL);
	luo_file_kind_put(NULL);
}

static struct kunit_case luo_flb_test_cases[] = {
	KUNIT_CASE(luo_flb_test_table_grows),
	KUNIT_CASE(luo_flb_test_failure_leaves_nothing),
	KUNIT_CASE(luo_flb_test_unreferenced_by_files),
	KUNIT_CASE(luo_flb_test_register_refuses),
	KUNIT_CASE(luo_flb_test_ends_with_last_file),
	KUNIT_CASE(luo_flb_test_ends_with_last_reference),
	KUNIT_CASE(luo_flb_test_ends_without_files),
	KUNIT_CASE(luo_flb_test_waits_for_unknown_file),
	KUNIT_CASE(luo_flb_test_malformed_files),
	{}
};

static struct kunit_suite luo_flb_test_suite = {
	.name = "liveupdate-flb",
	.init = luo_flb_test_init,
	.exit = luo_flb_test_exit,
	.test_cases = luo_flb_test_cases,
};

kunit_test_suites(&luo_flb_test_suite);
