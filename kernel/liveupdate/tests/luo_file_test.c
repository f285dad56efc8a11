// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the files of a session.
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The tests register a handler for files of their own. It records its calls: a
 * letter for the callback and the number of the file, for example "p1" for
 * preserve() of the first file. The letters are "p" for preserve, "u" for
 * unpreserve, "c" for convert, "d" for unconvert, "f" for freeze, "t" for unfreeze,
 * "v" for verify, "w" for that after freeze, "r" for retrieve and "e" for finish. The
 * files that one session hands over are retrieved from another one.
 */

#include <kunit/test.h>
#include <linux/anon_inodes.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/compat.h>
#include <linux/liveupdate.h>
#include <linux/module.h>
#include <linux/string.h>

#include <linux/kho/abi/luo.h>

#include "../luo_internal.h"
#include "fake_kho.h"

#define NR_FILES	3
#define HANDLER_NAME	"luo-kunit-file"
#define HANDLER		(HANDLER_NAME "-v1")
#define OTHER_NAME	"luo-kunit-other"

/* State of the handler. Files are numbered from 1. */
static struct {
	char calls[128];
	unsigned int nr_preserved;
	unsigned int fail_preserve;	/* number of the file that fails */
	unsigned int fail_convert;
	unsigned int fail_freeze;
	unsigned int fail_verify;
	int verify_err;
	unsigned int fail_retrieve;
	unsigned int unread;
	unsigned int not_ready;
} handler_state;

static struct {
	struct file *files[NR_FILES];
	struct luo_file_set out;
	struct luo_file_set_ser ser;
	struct luo_file_set in;
} ft;

static const struct file_operations test_fops = {
	.owner = THIS_MODULE,
};

static void called(char what, u64 nr)
{
	size_t len = strlen(handler_state.calls);

	snprintf(handler_state.calls + len, sizeof(handler_state.calls) - len,
		 "%s%c%llu", len ? " " : "", what, nr);
}

static bool test_can_preserve(struct liveupdate_file_handler *handler,
			      struct file *file)
{
	return file->f_op == &test_fops;
}

static int test_preserve(struct liveupdate_file_op_args *args)
{
	u64 nr = handler_state.nr_preserved + 1;

	called('p', nr);
	if (nr == handler_state.fail_preserve)
		return -EREMOTEIO;
	args->serialized_data = nr;
	handler_state.nr_preserved++;
	return 0;
}

static void test_unpreserve(struct liveupdate_file_op_args *args)
{
	called('u', args->serialized_data);
}

/* The data field of a converted file */
#define CONVERTED	100

static int test_convert(struct liveupdate_file_op_args *args)
{
	called('c', args->serialized_data);
	if (args->serialized_data == handler_state.fail_convert)
		return -EREMOTEIO;
	args->serialized_data += CONVERTED;
	return 0;
}

static void test_unconvert(struct liveupdate_file_op_args *args)
{
	args->serialized_data -= CONVERTED;
	called('d', args->serialized_data);
}

static int test_freeze(struct liveupdate_file_op_args *args)
{
	called('f', args->serialized_data);
	return args->serialized_data == handler_state.fail_freeze ? -EREMOTEIO : 0;
}

static void test_unfreeze(struct liveupdate_file_op_args *args)
{
	called('t', args->serialized_data);
}

static int test_verify(const struct liveupdate_file_op_args *args)
{
	called(args->frozen ? 'w' : 'v', args->serialized_data);
	return args->serialized_data == handler_state.fail_verify ?
	       handler_state.verify_err : 0;
}

static int test_retrieve(struct liveupdate_file_op_args *args)
{
	called('r', args->serialized_data);
	if (args->serialized_data == handler_state.fail_retrieve)
		return -EREMOTEIO;
	if (args->serialized_data == handler_state.unread)
		return -EPROTONOSUPPORT;
	args->file = anon_inode_getfile("[kunit]", &test_fops, NULL, O_RDWR);
	return PTR_ERR_OR_ZERO(args->file);
}

static bool test_can_finish(struct liveupdate_file_op_args *args)
{
	return args->serialized_data != handler_state.not_ready;
}

static void test_finish(struct liveupdate_file_op_args *args)
{
	called('e', args->serialized_data);
}

static const struct liveupdate_file_ops test_ops = {
	.can_preserve = test_can_preserve,
	.preserve = test_preserve,
	.unpreserve = test_unpreserve,
	.freeze = test_freeze,
	.unfreeze = test_unfreeze,
	.verify = test_verify,
	.retrieve = test_retrieve,
	.can_finish = test_can_finish,
	.finish = test_finish,
	.owner = THIS_MODULE,
};

#define MAINLINE	(HANDLER_NAME "-v0")

static struct liveupdate_file_handler test_handler = {
	.ops = &test_ops,
	.compatible = HANDLER,
	.mainline = MAINLINE,
};

/* The same with convert() */
static const struct liveupdate_file_ops converting_ops = {
	.can_preserve = test_can_preserve,
	.preserve = test_preserve,
	.unpreserve = test_unpreserve,
	.convert = test_convert,
	.unconvert = test_unconvert,
	.freeze = test_freeze,
	.unfreeze = test_unfreeze,
	.retrieve = test_retrieve,
	.can_finish = test_can_finish,
	.finish = test_finish,
	.owner = THIS_MODULE,
};

static int file_test_init(struct kunit *test)
{
	unsigned int i;

	if (!liveupdate_enabled())
		kunit_skip(test, "needs kho=on liveupdate=on");

	test_handler.versions = NULL;
	test_handler.ops = &test_ops;
	memset(&ft, 0, sizeof(ft));
	luo_file_set_init(&ft.out);
	luo_file_set_init(&ft.in);
	memset(&handler_state, 0, sizeof(handler_state));
	fake_kho_start(test);
	for (i = 0; i < NR_FILES; i++) {
		ft.files[i] = anon_inode_getfile("[kunit]", &test_fops, NULL, O_RDWR);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ft.files[i]);
	}
	KUNIT_ASSERT_EQ(test, liveupdate_register_file_handler(&test_handler), 0);
	test->priv = &ft;
	return 0;
}

static void file_test_exit(struct kunit *test)
{
	unsigned int i;

	if (!test->priv)
		return;
	handler_state.not_ready = 0;
	luo_form = KHO_FORM_COMPOSED;
	KUNIT_EXPECT_EQ(test, luo_file_finish_all(&ft.in), 0);
	luo_file_unpreserve_all(&ft.out);
	KUNIT_EXPECT_EQ(test, liveupdate_unregister_file_handler(&test_handler), 0);
	for (i = 0; i < NR_FILES; i++)
		fput(ft.files[i]);
}

static void expect_calls(struct kunit *test, const char *calls)
{
	KUNIT_EXPECT_STREQ(test, handler_state.calls, calls);
	handler_state.calls[0] = '\0';
}

static int preserve_file(struct kunit *test, struct file *file, u64 token)
{
	int fd = get_unused_fd_flags(O_CLOEXEC);
	int err;

	KUNIT_ASSERT_GE(test, fd, 0);
	fd_install(fd, get_file(file));
	err = luo_file_preserve(&ft.out, fd, token);
	close_fd(fd);
	return err;
}

/* Preserve all files, with the tokens 10, 11 and 12. */
static void preserve_all(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < NR_FILES; i++)
		KUNIT_ASSERT_EQ(test, preserve_file(test, ft.files[i], 10 + i), 0);
}

/* Return the serialized entry of a file, counted from 0. */
static struct luo_file_ser *nth_entry(unsigned int nr)
{
	struct kho_block_header_ser *block = phys_to_virt(ft.ser.files);

	return (struct luo_file_ser *)(block + 1) + nr;
}

static void hand_over(struct kunit *test)
{
	preserve_all(test);
	KUNIT_ASSERT_EQ(test, luo_file_freeze_all(&ft.out, &ft.ser), 0);
	handler_state.calls[0] = '\0';
}

/* Retrieve a file and release it again. Return 0 or the error. */
static int try_retrieve(u64 token)
{
	struct file *file = luo_file_retrieve(&ft.in, token);

	if (IS_ERR(file))
		return PTR_ERR(file);
	fput(file);
	return 0;
}

/* Handlers */

static void handler_needs_its_callbacks(struct kunit *test)
{
	static const size_t needed[] = {
		offsetof(struct liveupdate_file_ops, can_preserve),
		offsetof(struct liveupdate_file_ops, preserve),
		offsetof(struct liveupdate_file_ops, unpreserve),
		offsetof(struct liveupdate_file_ops, retrieve),
		offsetof(struct liveupdate_file_ops, finish),
	};
	struct liveupdate_file_ops ops;
	struct liveupdate_file_handler handler = {
		.compatible = OTHER_NAME "-v1",
	};
	unsigned int i;

	KUNIT_EXPECT_EQ(test, liveupdate_register_file_handler(&handler), -EINVAL);
	handler.ops = &ops;
	for (i = 0; i < ARRAY_SIZE(needed); i++) {
		ops = test_ops;
		memset((void *)&ops + needed[i], 0, sizeof(void *));
		KUNIT_EXPECT_EQ(test, liveupdate_register_file_handler(&handler),
				-EINVAL);
	}
}

static void handler_needs_a_version(struct kunit *test)
{
	struct liveupdate_file_handler unversioned = {
		.ops = &test_ops,
		.compatible = OTHER_NAME,
	};
	struct liveupdate_file_handler endless = { .ops = &test_ops };

	memset((char *)endless.compatible, 'v', sizeof(endless.compatible));
	KUNIT_EXPECT_EQ(test, liveupdate_register_file_handler(&unversioned),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, liveupdate_register_file_handler(&endless), -EINVAL);
}

static void handler_name_is_unique(struct kunit *test)
{
	struct liveupdate_file_handler other = {
		.ops = &test_ops,
		.compatible = HANDLER_NAME "-v2",
	};

	KUNIT_EXPECT_EQ(test, liveupdate_register_file_handler(&other), -EEXIST);
}

static void handler_in_use_stays(struct kunit *test)
{
	preserve_all(test);
	KUNIT_EXPECT_EQ(test, liveupdate_unregister_file_handler(&test_handler),
			-EBUSY);
}

/* Outgoing files */

static void file_that_no_handler_takes_is_refused(struct kunit *test)
{
	static const struct file_operations other_fops;
	struct file *other = anon_inode_getfile("[kunit]", &other_fops, NULL, O_RDWR);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, other);
	KUNIT_EXPECT_EQ(test, preserve_file(test, other, 10), -ENOENT);
	fput(other);
}

static void descriptor_that_is_not_open_is_refused(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, luo_file_preserve(&ft.out, -1, 10), -EBADF);
}

static void token_is_unique(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, preserve_file(test, ft.files[0], 0), 0);
	KUNIT_EXPECT_EQ(test, preserve_file(test, ft.files[1], 0), -EEXIST);
	KUNIT_EXPECT_EQ(test, preserve_file(test, ft.files[1], U64_MAX), 0);
}

static void file_is_preserved_once(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, preserve_file(test, ft.files[0], 10), 0);
	KUNIT_EXPECT_EQ(test, preserve_file(test, ft.files[0], 11), -EBUSY);
	luo_file_unpreserve_all(&ft.out);
	KUNIT_EXPECT_EQ(test, preserve_file(test, ft.files[0], 11), 0);
}

static void failed_preserve_leaves_nothing(struct kunit *test)
{
	handler_state.fail_preserve = 1;
	KUNIT_EXPECT_EQ(test, preserve_file(test, ft.files[0], 10), -EREMOTEIO);
	KUNIT_EXPECT_EQ(test, ft.out.count, 0);
	KUNIT_EXPECT_EQ(test, ft.out.blocks.nr_blocks, 0);
	handler_state.fail_preserve = 0;
	KUNIT_EXPECT_EQ(test, preserve_file(test, ft.files[0], 10), 0);
	expect_calls(test, "p1 p1");
}

static void unpreserve_goes_backwards(struct kunit *test)
{
	preserve_all(test);
	luo_file_unpreserve_all(&ft.out);
	expect_calls(test, "p1 p2 p3 u3 u2 u1");
	KUNIT_EXPECT_EQ(test, ft.out.count, 0);
}

static void freeze_stores_all_files_in_order(struct kunit *test)
{
	unsigned int i;

	preserve_all(test);
	KUNIT_ASSERT_EQ(test, luo_file_freeze_all(&ft.out, &ft.ser), 0);
	expect_calls(test, "p1 p2 p3 f1 f2 f3");
	KUNIT_EXPECT_EQ(test, ft.ser.count, NR_FILES);
	for (i = 0; i < NR_FILES; i++) {
		KUNIT_EXPECT_STREQ(test, nth_entry(i)->compatible, HANDLER);
		KUNIT_EXPECT_EQ(test, nth_entry(i)->token, 10 + i);
		KUNIT_EXPECT_EQ(test, nth_entry(i)->data, 1 + i);
	}
}

static void session_without_files_has_no_chain(struct kunit *test)
{
	ft.ser.files = 1;
	KUNIT_EXPECT_EQ(test, luo_file_freeze_all(&ft.out, &ft.ser), 0);
	KUNIT_EXPECT_EQ(test, ft.ser.files, 0);
	KUNIT_EXPECT_EQ(test, ft.ser.count, 0);
}

static void failed_freeze_is_undone_backwards(struct kunit *test)
{
	preserve_all(test);
	handler_state.fail_freeze = 3;
	KUNIT_EXPECT_EQ(test, luo_file_freeze_all(&ft.out, &ft.ser), -EREMOTEIO);
	expect_calls(test, "p1 p2 p3 f1 f2 f3 t2 t1");
}

static void unfreeze_goes_backwards(struct kunit *test)
{
	hand_over(test);
	luo_file_unfreeze_all(&ft.out);
	expect_calls(test, "t3 t2 t1");
}

/* Verification */

static void expect_damaged(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, luo_file_verify_all(&ft.out, &ft.ser), -EIO);
	handler_state.calls[0] = '\0';
}

static void handler_verifies_its_files(struct kunit *test)
{
	preserve_all(test);
	handler_state.calls[0] = '\0';
	KUNIT_EXPECT_EQ(test, luo_file_verify_all(&ft.out, NULL), 0);
	expect_calls(test, "v1 v2 v3");
	KUNIT_ASSERT_EQ(test, luo_file_freeze_all(&ft.out, &ft.ser), 0);
	KUNIT_EXPECT_EQ(test, luo_file_verify_all(&ft.out, &ft.ser), 0);
	expect_calls(test, "f1 f2 f3 w1 w2 w3");

	handler_state.fail_verify = 2;
	handler_state.verify_err = -EREMOTEIO;
	KUNIT_EXPECT_EQ(test, luo_file_verify_all(&ft.out, NULL), -EIO);
	expect_calls(test, "v1 v2");
	expect_damaged(test);
}

/* freeze() preserves what memory was too short for, or fails. */
static void incomplete_file_is_not_damaged(struct kunit *test)
{
	preserve_all(test);
	handler_state.calls[0] = '\0';
	handler_state.fail_verify = 2;
	handler_state.verify_err = -ENOMEM;
	KUNIT_EXPECT_EQ(test, luo_file_verify_all(&ft.out, NULL), -ENOMEM);
	expect_calls(test, "v1 v2 v3");
	KUNIT_ASSERT_EQ(test, luo_file_freeze_all(&ft.out, &ft.ser), 0);
	expect_damaged(test);
}

static void damaged_entries_fail_verification(struct kunit *test)
{
	struct luo_file_ser *entry;
	struct luo_file_set_ser good;

	hand_over(test);
	entry = nth_entry(1);
	entry->token++;
	expect_damaged(test);
	entry->token--;
	entry->data++;
	expect_damaged(test);
	entry->data--;
	memset(entry->compatible, 'a', sizeof(entry->compatible));
	expect_damaged(test);
	memset(entry->compatible, 0, sizeof(entry->compatible));
	strscpy(entry->compatible, HANDLER);
	KUNIT_EXPECT_EQ(test, luo_file_verify_all(&ft.out, &ft.ser), 0);

	good = ft.ser;
	ft.ser.count++;
	expect_damaged(test);
	ft.ser = good;
	ft.ser.files += KHO_BLOCK_SIZE;
	expect_damaged(test);
	ft.ser.files = 0;
	expect_damaged(test);
	ft.ser = good;
	((struct kho_block_header_ser *)phys_to_virt(good.files))->count--;
	expect_damaged(test);
	((struct kho_block_header_ser *)phys_to_virt(good.files))->count++;
	KUNIT_EXPECT_EQ(test, luo_file_verify_all(&ft.out, &ft.ser), 0);
}

static void session_without_files_is_verified(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, luo_file_freeze_all(&ft.out, &ft.ser), 0);
	KUNIT_EXPECT_EQ(test, luo_file_verify_all(&ft.out, &ft.ser), 0);
	ft.ser.count = 1;
	expect_damaged(test);
	ft.ser.count = 0;
	ft.ser.files = PAGE_SIZE;
	expect_damaged(test);
}

/* Incoming files */

static void files_are_retrieved_in_any_order(struct kunit *test)
{
	hand_over(test);
	KUNIT_ASSERT_EQ(test, luo_file_deserialize(&ft.in, &ft.ser), 0);
	KUNIT_EXPECT_EQ(test, try_retrieve(12), 0);
	KUNIT_EXPECT_EQ(test, try_retrieve(10), 0);
	expect_calls(test, "r3 r1");
}

static void file_is_made_once(struct kunit *test)
{
	struct file *first, *second;

	hand_over(test);
	KUNIT_ASSERT_EQ(test, luo_file_deserialize(&ft.in, &ft.ser), 0);
	first = luo_file_retrieve(&ft.in, 11);
	second = luo_file_retrieve(&ft.in, 11);
	expect_calls(test, "r2");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, first);
	KUNIT_EXPECT_PTR_EQ(test, first, second);
	fput(first);
	fput(second);
}

static void unknown_token_is_refused(struct kunit *test)
{
	hand_over(test);
	KUNIT_ASSERT_EQ(test, luo_file_deserialize(&ft.in, &ft.ser), 0);
	KUNIT_EXPECT_EQ(test, try_retrieve(13), -ENOENT);
}

static void failed_retrieve_is_not_tried_again(struct kunit *test)
{
	hand_over(test);
	KUNIT_ASSERT_EQ(test, luo_file_deserialize(&ft.in, &ft.ser), 0);
	handler_state.fail_retrieve = 2;
	KUNIT_EXPECT_EQ(test, try_retrieve(11), -EREMOTEIO);
	handler_state.fail_retrieve = 0;
	KUNIT_EXPECT_EQ(test, try_retrieve(11), -EREMOTEIO);
	expect_calls(test, "r2");
}

static void retrieved_file_counts_as_preserved(struct kunit *test)
{
	struct file *file;

	hand_over(test);
	KUNIT_ASSERT_EQ(test, luo_file_deserialize(&ft.in, &ft.ser), 0);
	file = luo_file_retrieve(&ft.in, 10);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_EXPECT_EQ(test, preserve_file(test, file, 20), -EBUSY);
	KUNIT_EXPECT_EQ(test, luo_file_finish_all(&ft.in), 0);
	KUNIT_EXPECT_EQ(test, preserve_file(test, file, 20), 0);
	fput(file);
}

static void finish_goes_backwards(struct kunit *test)
{
	hand_over(test);
	KUNIT_ASSERT_EQ(test, luo_file_deserialize(&ft.in, &ft.ser), 0);
	KUNIT_EXPECT_EQ(test, try_retrieve(11), 0);
	KUNIT_EXPECT_EQ(test, luo_file_finish_all(&ft.in), 0);
	expect_calls(test, "r2 e3 e2 e1");
	KUNIT_EXPECT_EQ(test, ft.in.count, 0);
}

static void nothing_is_finished_before_all_can_be(struct kunit *test)
{
	hand_over(test);
	KUNIT_ASSERT_EQ(test, luo_file_deserialize(&ft.in, &ft.ser), 0);
	handler_state.not_ready = 3;
	KUNIT_EXPECT_EQ(test, luo_file_finish_all(&ft.in), -EBUSY);
	expect_calls(test, "");
	KUNIT_EXPECT_EQ(test, ft.in.count, NR_FILES);
}

/* Damaged files */

static void files_with_the_same_token_are_refused(struct kunit *test)
{
	hand_over(test);
	nth_entry(2)->token = nth_entry(0)->token;
	KUNIT_ASSERT_EQ(test, luo_file_deserialize(&ft.in, &ft.ser), 0);
	KUNIT_EXPECT_EQ(test, try_retrieve(10), -EIO);
	KUNIT_EXPECT_EQ(test, try_retrieve(11), 0);
	expect_calls(test, "r2");
}

static void file_with_endless_version_is_refused(struct kunit *test)
{
	hand_over(test);
	memset(nth_entry(0)->compatible, 'v', LIVEUPDATE_HNDL_COMPAT_LENGTH);
	KUNIT_ASSERT_EQ(test, luo_file_deserialize(&ft.in, &ft.ser), 0);
	KUNIT_EXPECT_EQ(test, try_retrieve(10), -EIO);
	KUNIT_EXPECT_EQ(test, try_retrieve(11), 0);
}

static void file_of_unknown_handler_is_not_found(struct kunit *test)
{
	hand_over(test);
	strscpy_pad(nth_entry(0)->compatible, OTHER_NAME "-v1");
	KUNIT_ASSERT_EQ(test, luo_file_deserialize(&ft.in, &ft.ser), 0);
	KUNIT_EXPECT_EQ(test, try_retrieve(10), -ENOENT);
	/* The session can be finished. The memory of the file stays reserved. */
	KUNIT_EXPECT_EQ(test, luo_file_finish_all(&ft.in), 0);
	expect_calls(test, "e3 e2");
}

static void file_of_other_version_is_refused(struct kunit *test)
{
	hand_over(test);
	strscpy_pad(nth_entry(0)->compatible, HANDLER_NAME "-v2");
	KUNIT_ASSERT_EQ(test, luo_file_deserialize(&ft.in, &ft.ser), 0);
	KUNIT_EXPECT_EQ(test, try_retrieve(10), -EIO);
}

static void handler_may_read_other_versions(struct kunit *test)
{
	static const struct kho_compat_range versions = { HANDLER_NAME, 1, 3 };

	test_handler.versions = &versions;
	hand_over(test);
	strscpy_pad(nth_entry(0)->compatible, HANDLER_NAME "-v3");
	strscpy_pad(nth_entry(1)->compatible, HANDLER_NAME "-v4");
	KUNIT_EXPECT_EQ(test, luo_file_deserialize(&ft.in, &ft.ser), 0);
	KUNIT_EXPECT_EQ(test, try_retrieve(10), 0);
	KUNIT_EXPECT_EQ(test, try_retrieve(11), -EIO);
	test_handler.versions = NULL;
	test_handler.ops = &test_ops;
}

static void wrong_number_of_files_is_refused(struct kunit *test)
{
	hand_over(test);
	ft.ser.count++;
	KUNIT_EXPECT_EQ(test, luo_file_deserialize(&ft.in, &ft.ser), -EINVAL);
	KUNIT_EXPECT_EQ(test, ft.in.count, 0);
	KUNIT_EXPECT_EQ(test, try_retrieve(10), -ENOENT);
	kho_block_destroy(&ft.in.blocks);
}

static void damaged_chain_is_refused(struct kunit *test)
{
	u64 good;

	hand_over(test);
	good = ft.ser.files;
	ft.ser.files = good + 8;
	KUNIT_EXPECT_EQ(test, luo_file_deserialize(&ft.in, &ft.ser), -EINVAL);
	ft.ser.files = 0;
	KUNIT_EXPECT_EQ(test, luo_file_deserialize(&ft.in, &ft.ser), -EINVAL);
	KUNIT_EXPECT_EQ(test, ft.in.count, 0);
}

/* Handing on */

/* Serialize the incoming files, and undo that. */
static int hand_on(void)
{
	int err;

	err = luo_file_preserve_again(&ft.in);
	if (err)
		return err;
	err = luo_file_freeze_all(&ft.in, &ft.ser);
	if (!err)
		luo_file_unfreeze_all(&ft.in);
	return err;
}

/* Neither the handler nor the version must be known. */
static void files_are_handed_on_as_they_came(struct kunit *test)
{
	struct luo_file_ser entries[NR_FILES];

	hand_over(test);
	strscpy_pad(nth_entry(0)->compatible, OTHER_NAME "-v7");
	strscpy_pad(nth_entry(1)->compatible, HANDLER_NAME "-v7");
	memcpy(entries, nth_entry(0), sizeof(entries));
	KUNIT_ASSERT_EQ(test, luo_file_deserialize(&ft.in, &ft.ser), 0);

	KUNIT_EXPECT_EQ(test, hand_on(), 0);
	KUNIT_EXPECT_EQ(test, ft.ser.count, NR_FILES);
	KUNIT_EXPECT_MEMEQ(test, nth_entry(0), entries, sizeof(entries));
	luo_file_unpreserve_again(&ft.in);
	expect_calls(test, "");
}

static void retrieved_files_are_preserved_again(struct kunit *test)
{
	hand_over(test);
	KUNIT_ASSERT_EQ(test, luo_file_deserialize(&ft.in, &ft.ser), 0);
	KUNIT_EXPECT_EQ(test, try_retrieve(10), 0);
	KUNIT_EXPECT_EQ(test, try_retrieve(12), 0);

	KUNIT_EXPECT_EQ(test, hand_on(), 0);
	KUNIT_EXPECT_EQ(test, nth_entry(0)->data, 4);
	KUNIT_EXPECT_EQ(test, nth_entry(1)->data, 2);
	KUNIT_EXPECT_EQ(test, nth_entry(2)->data, 5);
	luo_file_unpreserve_again(&ft.in);
	expect_calls(test, "r1 r3 p4 p5 f4 f5 t5 t4 u5 u4");

	/* They are finished with the state that they came with. */
	KUNIT_EXPECT_EQ(test, luo_file_finish_all(&ft.in), 0);
	expect_calls(test, "e3 e2 e1");
}

static void failure_to_preserve_again_is_undone(struct kunit *test)
{
	hand_over(test);
	KUNIT_ASSERT_EQ(test, luo_file_deserialize(&ft.in, &ft.ser), 0);
	KUNIT_EXPECT_EQ(test, try_retrieve(10), 0);
	KUNIT_EXPECT_EQ(test, try_retrieve(11), 0);
	handler_state.fail_preserve = 5;
	KUNIT_EXPECT_EQ(test, hand_on(), -EREMOTEIO);
	expect_calls(test, "r1 r2 p4 p5 u4");
	KUNIT_EXPECT_EQ(test, ft.in.blocks.nr_blocks, 0);

	handler_state.fail_preserve = 0;
	KUNIT_EXPECT_EQ(test, hand_on(), 0);
	luo_file_unpreserve_again(&ft.in);
}

static void lost_files_are_not_handed_on(struct kunit *test)
{
	hand_over(test);
	KUNIT_ASSERT_EQ(test, luo_file_deserialize(&ft.in, &ft.ser), 0);
	handler_state.fail_retrieve = 2;
	KUNIT_EXPECT_EQ(test, try_retrieve(11), -EREMOTEIO);

	KUNIT_EXPECT_EQ(test, hand_on(), 0);
	KUNIT_EXPECT_EQ(test, ft.ser.count, 2);
	KUNIT_EXPECT_EQ(test, nth_entry(0)->token, 10);
	KUNIT_EXPECT_EQ(test, nth_entry(1)->token, 12);
	luo_file_unpreserve_again(&ft.in);
}

/* Another kernel may support their version. */
static void unread_files_are_handed_on(struct kunit *test)
{
	struct luo_file_ser entry;

	hand_over(test);
	entry = *nth_entry(1);
	KUNIT_ASSERT_EQ(test, luo_file_deserialize(&ft.in, &ft.ser), 0);
	handler_state.unread = 2;
	KUNIT_EXPECT_EQ(test, try_retrieve(11), -EIO);
	KUNIT_EXPECT_EQ(test, try_retrieve(11), -EIO);

	KUNIT_EXPECT_EQ(test, hand_on(), 0);
	KUNIT_EXPECT_EQ(test, ft.ser.count, NR_FILES);
	KUNIT_EXPECT_MEMEQ(test, nth_entry(1), &entry, sizeof(entry));
	luo_file_unpreserve_again(&ft.in);
	expect_calls(test, "r2");
}

/* For mainline */

static void use_mainline(const struct liveupdate_file_ops *ops)
{
	luo_form = KHO_FORM_MAINLINE;
	test_handler.ops = ops;
}

static void files_are_converted_for_mainline(struct kunit *test)
{
	preserve_all(test);
	use_mainline(&converting_ops);
	KUNIT_EXPECT_EQ(test, luo_file_convert_all(&ft.out), 0);
	KUNIT_EXPECT_EQ(test, luo_file_freeze_all(&ft.out, &ft.ser), 0);
	KUNIT_EXPECT_STREQ(test, nth_entry(0)->compatible, MAINLINE);
	KUNIT_EXPECT_EQ(test, nth_entry(0)->data, 1 + CONVERTED);
	KUNIT_EXPECT_STREQ(test, nth_entry(2)->compatible, MAINLINE);
	luo_file_unfreeze_all(&ft.out);
	luo_file_unconvert_all(&ft.out);
	luo_form = KHO_FORM_COMPOSED;
	expect_calls(test,
		     "p1 p2 p3 c1 c2 c3 f101 f102 f103 t103 t102 t101 d3 d2 d1");

	KUNIT_EXPECT_EQ(test, luo_file_freeze_all(&ft.out, &ft.ser), 0);
	KUNIT_EXPECT_STREQ(test, nth_entry(0)->compatible, HANDLER);
	KUNIT_EXPECT_EQ(test, nth_entry(0)->data, 1);
}

static void failed_convert_is_undone_backwards(struct kunit *test)
{
	preserve_all(test);
	use_mainline(&converting_ops);
	handler_state.fail_convert = 3;
	KUNIT_EXPECT_EQ(test, luo_file_convert_all(&ft.out), -EREMOTEIO);
	luo_form = KHO_FORM_COMPOSED;
	expect_calls(test, "p1 p2 p3 c1 c2 c3 d2 d1");
}

/* Without convert() the base token stands alone, if it can. */
static void mainline_gets_base_tokens(struct kunit *test)
{
	hand_over(test);
	luo_file_unfreeze_all(&ft.out);
	strscpy_pad(nth_entry(0)->compatible, OTHER_NAME "-v7;block-v1;radix-v1");
	strscpy_pad(nth_entry(1)->compatible, OTHER_NAME "-v8");
	KUNIT_ASSERT_EQ(test, luo_file_deserialize(&ft.in, &ft.ser), 0);
	use_mainline(&test_ops);
	KUNIT_EXPECT_EQ(test, hand_on(), 0);
	luo_form = KHO_FORM_COMPOSED;
	KUNIT_EXPECT_STREQ(test, nth_entry(0)->compatible, OTHER_NAME "-v7");
	KUNIT_EXPECT_STREQ(test, nth_entry(1)->compatible, OTHER_NAME "-v8");
	KUNIT_EXPECT_STREQ(test, nth_entry(2)->compatible, HANDLER);
	luo_file_unpreserve_again(&ft.in);
}

/* A file that was not retrieved is retrieved to be converted, unless mainline reads it. */
static void files_are_retrieved_to_be_converted(struct kunit *test)
{
	hand_over(test);
	strscpy_pad(nth_entry(1)->compatible, MAINLINE);
	KUNIT_ASSERT_EQ(test, luo_file_deserialize(&ft.in, &ft.ser), 0);
	use_mainline(&converting_ops);
	KUNIT_ASSERT_EQ(test, luo_file_preserve_again(&ft.in), 0);
	KUNIT_EXPECT_EQ(test, luo_file_convert_all(&ft.in), 0);
	KUNIT_EXPECT_EQ(test, luo_file_freeze_all(&ft.in, &ft.ser), 0);
	KUNIT_EXPECT_EQ(test, nth_entry(0)->data, 4 + CONVERTED);
	KUNIT_EXPECT_EQ(test, nth_entry(1)->data, 2);
	KUNIT_EXPECT_EQ(test, nth_entry(2)->data, 5 + CONVERTED);
	KUNIT_EXPECT_STREQ(test, nth_entry(0)->compatible, MAINLINE);
	KUNIT_EXPECT_STREQ(test, nth_entry(1)->compatible, MAINLINE);
	luo_file_unfreeze_all(&ft.in);
	luo_file_unconvert_all(&ft.in);
	luo_file_unpreserve_again(&ft.in);
	luo_form = KHO_FORM_COMPOSED;
	expect_calls(test,
		     "r1 p4 r3 p5 c4 c5 f104 f105 t105 t104 d5 d4 u5 u4");
}

static struct kunit_case file_cases[] = {
	KUNIT_CASE(handler_needs_its_callbacks),
	KUNIT_CASE(handler_needs_a_version),
	KUNIT_CASE(handler_name_is_unique),
	KUNIT_CASE(handler_in_use_stays),
	KUNIT_CASE(file_that_no_handler_takes_is_refused),
	KUNIT_CASE(descriptor_that_is_not_open_is_refused),
	KUNIT_CASE(token_is_unique),
	KUNIT_CASE(file_is_preserved_once),
	KUNIT_CASE(failed_preserve_leaves_nothing),
	KUNIT_CASE(unpreserve_goes_backwards),
	KUNIT_CASE(freeze_stores_all_files_in_order),
	KUNIT_CASE(session_without_files_has_no_chain),
	KUNIT_CASE(failed_freeze_is_undone_backwards),
	KUNIT_CASE(unfreeze_goes_backwards),
	KUNIT_CASE(handler_verifies_its_files),
	KUNIT_CASE(incomplete_file_is_not_damaged),
	KUNIT_CASE(damaged_entries_fail_verification),
	KUNIT_CASE(session_without_files_is_verified),
	KUNIT_CASE(files_are_retrieved_in_any_order),
	KUNIT_CASE(file_is_made_once),
	KUNIT_CASE(unknown_token_is_refused),
	KUNIT_CASE(failed_retrieve_is_not_tried_again),
	KUNIT_CASE(retrieved_file_counts_as_preserved),
	KUNIT_CASE(finish_goes_backwards),
	KUNIT_CASE(nothing_is_finished_before_all_can_be),
	KUNIT_CASE(files_with_the_same_token_are_refused),
	KUNIT_CASE(file_with_endless_version_is_refused),
	KUNIT_CASE(file_of_unknown_handler_is_not_found),
	KUNIT_CASE(file_of_other_version_is_refused),
	KUNIT_CASE(handler_may_read_other_versions),
	KUNIT_CASE(wrong_number_of_files_is_refused),
	KUNIT_CASE(damaged_chain_is_refused),
	KUNIT_CASE(files_are_handed_on_as_they_came),
	KUNIT_CASE(retrieved_files_are_preserved_again),
	KUNIT_CASE(failure_to_preserve_again_is_undone),
	KUNIT_CASE(lost_files_are_not_handed_on),
	KUNIT_CASE(unread_files_are_handed_on),
	KUNIT_CASE(files_are_converted_for_mainline),
	KUNIT_CASE(failed_convert_is_undone_backwards),
	KUNIT_CASE(mainline_gets_base_tokens),
	KUNIT_CASE(files_are_retrieved_to_be_converted),
	{}
};

static struct kunit_suite file_suite = {
	.name = "liveupdate-file",
	.init = file_test_init,
	.exit = file_test_exit,
	.test_cases = file_cases,
};

kunit_test_suite(file_suite);
