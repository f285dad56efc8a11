// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of sessions.
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * tools/testing/selftests/liveupdate/ tests the ioctls and whole live updates.
 */

#include <kunit/test.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/liveupdate.h>
#include <linux/string.h>

#include <linux/kho/abi/luo.h>
#include <linux/kho/block.h>
#include <linux/kho/compat.h>
#include <linux/kho/note.h>

#include "../luo_internal.h"
#include "fake_kho.h"

static int session_test_init(struct kunit *test)
{
	if (!liveupdate_enabled())
		kunit_skip(test, "needs kho=on liveupdate=on");

	fake_kho_start(test);
	return 0;
}

/* luo_session_create() reads the full length of a name. */
static struct file *create(const char *name)
{
	char field[LIVEUPDATE_SESSION_NAME_LENGTH];

	strscpy_pad(field, name);
	return luo_session_create(field);
}

static struct file *retrieve(const char *name)
{
	char field[LIVEUPDATE_SESSION_NAME_LENGTH];

	strscpy_pad(field, name);
	return luo_session_retrieve(field);
}

/* Close a file like close(). A kernel thread would drop the reference later. */
static void close_file(struct file *file)
{
	filp_close(file, NULL);
	flush_delayed_fput();
}

/* Outgoing sessions */

static void names_are_unique(struct kunit *test)
{
	struct file *first = create("kunit"), *other = create("kunit2");

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, first);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, other);
	KUNIT_EXPECT_PTR_EQ(test, create("kunit"), ERR_PTR(-EEXIST));
	__fput_sync(first);
	first = create("kunit");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, first);
	__fput_sync(first);
	__fput_sync(other);
}

static void names_have_a_start_and_an_end(struct kunit *test)
{
	char endless[LIVEUPDATE_SESSION_NAME_LENGTH];

	memset(endless, 'a', sizeof(endless));
	KUNIT_EXPECT_PTR_EQ(test, luo_session_create(endless), ERR_PTR(-EINVAL));
	KUNIT_EXPECT_PTR_EQ(test, luo_session_retrieve(endless), ERR_PTR(-EINVAL));
	KUNIT_EXPECT_PTR_EQ(test, create(""), ERR_PTR(-EINVAL));
	KUNIT_EXPECT_PTR_EQ(test, retrieve(""), ERR_PTR(-EINVAL));
}

static void longest_name_works(struct kunit *test)
{
	char name[LIVEUPDATE_SESSION_NAME_LENGTH] = {};
	struct file *session;

	memset(name, 'a', sizeof(name) - 1);
	session = luo_session_create(name);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, session);
	__fput_sync(session);
}

static void outgoing_session_can_not_be_retrieved(struct kunit *test)
{
	struct file *session;

	if (is_kho_boot())
		kunit_skip(test, "there may be sessions of the previous kernel");

	session = create("kunit");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, session);
	KUNIT_EXPECT_PTR_EQ(test, retrieve("kunit"), ERR_PTR(-ENOENT));
	__fput_sync(session);
}

static int try_serialize(struct kunit *test, struct luo_ser *ser)
{
	int err;

	KUNIT_ASSERT_EQ(test, luo_session_freeze_lock(), 0);
	err = luo_session_serialize(ser);
	luo_session_freeze_unlock();
	return err;
}

static void session_needs_an_image_that_carries_it(struct kunit *test)
{
	struct luo_ser ser = {};
	struct file *session;

	KUNIT_EXPECT_EQ(test, try_serialize(test, &ser), 0);
	session = create("kunit");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, session);
	KUNIT_EXPECT_EQ(test, try_serialize(test, &ser), -EINVAL);
	KUNIT_EXPECT_EQ(test, ser.sessions_pa, 0);
	__fput_sync(session);
}

/* Incoming sessions */

static u64 store_sessions(struct kunit *test, struct kho_block_set *blocks,
			  const char *const *names, unsigned int nr)
{
	struct kho_block_it it;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, kho_block_grow(blocks, nr - 1), 0);
	kho_block_it_init(&it, blocks);
	for (i = 0; i < nr; i++) {
		struct luo_session_ser *ser = kho_block_it_next(&it);

		KUNIT_ASSERT_NOT_NULL(test, ser);
		strscpy_pad(ser->name, names[i]);
	}
	kho_block_it_finalize(&it);
	return kho_block_set_head_pa(blocks);
}

/* Make the next retrieve() list the sessions at @sessions_pa. */
static void set_incoming(u64 sessions_pa)
{
	guard(mutex)(&luo_incoming.lock);
	luo_incoming.listed = false;
	luo_incoming.loaded = false;
	luo_incoming.sessions_pa = sessions_pa;
	luo_incoming.err = 0;
}

static void incoming_sessions_are_retrieved_once(struct kunit *test)
{
	static const char *const names[] = { "kunit-a", "kunit-b" };
	struct kho_block_set blocks =
		KHO_BLOCK_SET_INIT(blocks, sizeof(struct luo_session_ser));
	struct file *a, *b;

	if (is_kho_boot())
		kunit_skip(test, "there may be sessions of the previous kernel");

	set_incoming(store_sessions(test, &blocks, names, ARRAY_SIZE(names)));
	KUNIT_EXPECT_EQ(test, luo_session_deserialize(), 0);
	KUNIT_EXPECT_EQ(test, luo_session_deserialize(), 0);
	kho_block_destroy(&blocks);

	a = retrieve("kunit-a");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, a);
	KUNIT_EXPECT_PTR_EQ(test, retrieve("kunit-a"), ERR_PTR(-EINVAL));

	/* It can be retrieved again unless its last descriptor was closed. */
	__fput_sync(a);
	a = retrieve("kunit-a");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, a);
	get_file(a);
	close_file(a);
	__fput_sync(a);
	a = retrieve("kunit-a");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, a);
	close_file(a);
	KUNIT_EXPECT_PTR_EQ(test, retrieve("kunit-a"), ERR_PTR(-ENOENT));

	b = retrieve("kunit-b");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, b);
	close_file(b);
}

/* New sessions do not depend on what was handed over. */
static void damaged_chain_refuses_incoming_sessions_only(struct kunit *test)
{
	struct file *session;

	if (is_kho_boot())
		kunit_skip(test, "there may be sessions of the previous kernel");

	set_incoming(sizeof(u64));
	KUNIT_EXPECT_PTR_EQ(test, retrieve("kunit"), ERR_PTR(-EIO));
	/* A bad chain is not read again. */
	luo_incoming.sessions_pa = 0;
	KUNIT_EXPECT_PTR_EQ(test, retrieve("kunit"), ERR_PTR(-EIO));

	session = create("kunit");
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, session);
	if (!IS_ERR(session))
		__fput_sync(session);

	set_incoming(0);
	KUNIT_EXPECT_PTR_EQ(test, retrieve("kunit"), ERR_PTR(-ENOENT));
}

/* Images are checked against the highest version that this kernel reads. */
static void highest_version_is_written(struct kunit *test)
{
	u32 version;

	KUNIT_EXPECT_EQ(test, kho_compat_base_version(LUO_ABI_COMPATIBLE,
						      sizeof(LUO_ABI_COMPATIBLE),
						      &version), 0);
	KUNIT_EXPECT_EQ(test, version, KHO_LUO_HIGHEST);
}

static struct kunit_case session_cases[] = {
	KUNIT_CASE(names_are_unique),
	KUNIT_CASE(names_have_a_start_and_an_end),
	KUNIT_CASE(longest_name_works),
	KUNIT_CASE(outgoing_session_can_not_be_retrieved),
	KUNIT_CASE(session_needs_an_image_that_carries_it),
	KUNIT_CASE(incoming_sessions_are_retrieved_once),
	KUNIT_CASE(damaged_chain_refuses_incoming_sessions_only),
	KUNIT_CASE(highest_version_is_written),
	{}
};

static struct kunit_suite session_suite = {
	.name = "liveupdate-session",
	.init = session_test_init,
	.test_cases = session_cases,
};

kunit_test_suite(session_suite);
