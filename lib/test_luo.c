// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test of state that files share across a live update (FLB)
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Three FLBs that are registered with every file handler. Each of them preserves a
 * structure with its own magic number, gets what the previous kernel handed over
 * when it is registered, and logs the calls of its callbacks. Errors are logged
 * with the prefix "test_luo: FAILED".
 *
 * test_luo.take_name=1 adds a subtree with the name that LUO uses, so that the
 * initialization of LUO fails.
 */

#define pr_fmt(fmt) "test_luo: " fmt

#include <linux/err.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/luo.h>
#include <linux/liveupdate.h>
#include <linux/mm.h>
#include <linux/module.h>

#define TEST_LUO_MAGIC	0x626c662d6f756cULL

/**
 * struct test_luo_state - what an FLB hands over
 * @magic: TEST_LUO_MAGIC plus the FLB's number
 */
struct test_luo_state {
	u64 magic;
};

static struct liveupdate_flb test_luo_flbs[3];

static u64 test_luo_magic(const struct liveupdate_flb *flb)
{
	return TEST_LUO_MAGIC + (flb - test_luo_flbs);
}

static int test_luo_preserve(struct liveupdate_flb_op_args *args)
{
	struct test_luo_state *state = kho_alloc_preserve(sizeof(*state));

	if (IS_ERR(state))
		return PTR_ERR(state);

	state->magic = test_luo_magic(args->flb);
	args->data = virt_to_phys(state);
	args->obj = state;
	pr_info("%s: preserve\n", args->flb->compatible);
	return 0;
}

static void test_luo_unpreserve(struct liveupdate_flb_op_args *args)
{
	kho_unpreserve_free(args->obj);
	pr_info("%s: unpreserve\n", args->flb->compatible);
}

static struct test_luo_state *
test_luo_incoming(const struct liveupdate_flb_op_args *args)
{
	struct test_luo_state *state;

	if (!kho_incoming_contains(args->data, sizeof(*state))) {
		pr_err("FAILED: %s: %#llx is not preserved\n",
		       args->flb->compatible, args->data);
		return NULL;
	}

	state = phys_to_virt(args->data);
	if (state->magic != test_luo_magic(args->flb)) {
		pr_err("FAILED: %s: wrong content %#llx\n",
		       args->flb->compatible, state->magic);
		return NULL;
	}
	return state;
}

static int test_luo_retrieve(struct liveupdate_flb_op_args *args)
{
	struct test_luo_state *state = test_luo_incoming(args);

	if (!state || !kho_restore_folio(args->data))
		return -EINVAL;

	args->obj = state;
	pr_info("%s: retrieve\n", args->flb->compatible);
	return 0;
}

static void test_luo_finish(struct liveupdate_flb_op_args *args)
{
	if (args->obj)
		folio_put(virt_to_folio(args->obj));
	else if (test_luo_incoming(args))
		kho_restore_free(phys_to_virt(args->data));
	pr_info("%s: finish\n", args->flb->compatible);
}

static const struct liveupdate_flb_ops test_luo_ops = {
	.preserve = test_luo_preserve,
	.unpreserve = test_luo_unpreserve,
	.retrieve = test_luo_retrieve,
	.finish = test_luo_finish,
	.owner = THIS_MODULE,
};

#define TEST_LUO_COMPAT(name)	"test-luo-flb-" name "-v1"

static struct liveupdate_flb test_luo_flbs[3] = {
	{ .ops = &test_luo_ops, .compatible = TEST_LUO_COMPAT("a") },
	{ .ops = &test_luo_ops, .compatible = TEST_LUO_COMPAT("b") },
	{ .ops = &test_luo_ops, .compatible = TEST_LUO_COMPAT("c") },
};

/* The FLB is retrieved when it is registered with the first handler. */
static void test_luo_look(struct liveupdate_flb *flb)
{
	void *object;
	int err;

	err = liveupdate_flb_get_incoming(flb, &object);
	if (err == -ENOENT)
		return;
	if (err) {
		pr_err("%s: can't be retrieved: %pe\n", flb->compatible,
		       ERR_PTR(err));
		return;
	}

	liveupdate_flb_put_incoming(flb);
}

/**
 * liveupdate_test_register - register the test FLBs with a file handler
 * @fh: the handler, which has just been registered
 *
 * Context: May sleep.
 */
void liveupdate_test_register(struct liveupdate_file_handler *fh)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(test_luo_flbs); i++) {
		err = liveupdate_register_flb(fh, &test_luo_flbs[i]);
		if (err) {
			pr_err("FAILED: %s can't be registered with %s: %pe\n",
			       test_luo_flbs[i].compatible, fh->compatible,
			       ERR_PTR(err));
			continue;
		}
		pr_info("%s: registered with %s\n",
			test_luo_flbs[i].compatible, fh->compatible);
		test_luo_look(&test_luo_flbs[i]);
	}
}

/**
 * liveupdate_test_unregister - undo liveupdate_test_register()
 * @fh: the handler, which is about to be unregistered
 *
 * Does nothing while files use the handler, because it can't be unregistered then.
 *
 * Context: May sleep.
 */
void liveupdate_test_unregister(struct liveupdate_file_handler *fh)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(test_luo_flbs); i++) {
		err = liveupdate_unregister_flb(fh, &test_luo_flbs[i]);
		if (err == -EBUSY || err == -ENOENT)
			continue;
		pr_info("%s: unregistered from %s\n",
			test_luo_flbs[i].compatible, fh->compatible);
	}
}

static bool test_luo_take_name;
module_param_named(take_name, test_luo_take_name, bool, 0);

static int __init test_luo_init(void)
{
	void *blob;

	if (!test_luo_take_name)
		return 0;

	blob = kho_alloc_preserve(PAGE_SIZE);
	if (IS_ERR(blob))
		return PTR_ERR(blob);
	return kho_add_subtree(LUO_KHO_ENTRY_NAME, blob, PAGE_SIZE);
}
device_initcall(test_luo_init);
