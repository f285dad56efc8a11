// SPDX-License-Identifier: GPL-2.0
/*
 * Preserved memory for the tests of debugfs
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Hand over folios of known orders, and blobs of known names and content, until the
 * module is unloaded or a kexec comes. With restore=1, free the blobs that the module
 * has handed over in the previous kernel.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/reboot.h>
#include <linux/sizes.h>

static bool restore;
module_param(restore, bool, 0);
MODULE_PARM_DESC(restore, "free what the previous kernel has handed over");

static bool lost_now;
module_param(lost_now, bool, 0);
MODULE_PARM_DESC(lost_now, "test-lost is not preserved as soon as the module is loaded");

static const unsigned int orders[] = { 4, 4, 4, 7, 7 };
static struct folio *folios[ARRAY_SIZE(orders)];

static struct {
	const char *name;
	size_t size;
	bool lost;	/* its memory is not preserved when the kexec comes */
	void *mem;
} blobs[] = {
	{ .name = "test-plain", .size = 3 * SZ_4K - 100 },
	{ .name = "test-large", .size = SZ_64K + 1 },
	{ .name = "test-odd\n\"\\\x9b", .size = 1 },
	{ .name = "test-lost", .size = 5, .lost = true },
};

static void fill(u8 *mem, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		mem[i] = i % 251;
}

static void set_lost(bool lost)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(blobs); i++) {
		if (!blobs[i].lost || !blobs[i].mem)
			continue;
		if (lost)
			kho_unpreserve_folio(virt_to_folio(blobs[i].mem));
		else
			WARN_ON(kho_preserve_folio(virt_to_folio(blobs[i].mem)));
	}
}

/* The kernel has checked what it hands over before it calls this. */
static int lose(struct notifier_block *nb, unsigned long action, void *data)
{
	set_lost(true);
	return NOTIFY_DONE;
}

static struct notifier_block lose_notifier = {
	.notifier_call = lose,
};

static int add_blob(unsigned int i)
{
	void *mem = kho_alloc_preserve(blobs[i].size);
	int err;

	if (IS_ERR(mem))
		return PTR_ERR(mem);

	fill(mem, blobs[i].size);
	err = kho_add_subtree(blobs[i].name, mem, blobs[i].size);
	if (err) {
		kho_unpreserve_free(mem);
		return err;
	}

	blobs[i].mem = mem;
	return 0;
}

static int add_folio(unsigned int i)
{
	struct folio *folio = folio_alloc(GFP_KERNEL, orders[i]);
	int err;

	if (!folio)
		return -ENOMEM;

	err = kho_preserve_folio(folio);
	if (err) {
		folio_put(folio);
		return err;
	}

	folios[i] = folio;
	return 0;
}

static void remove_all(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(blobs); i++) {
		if (!blobs[i].mem)
			continue;
		kho_remove_subtree(blobs[i].mem);
		/* A late reader must not see this. */
		memset(blobs[i].mem, 0xff, blobs[i].size);
		kho_unpreserve_free(blobs[i].mem);
	}
	for (i = 0; i < ARRAY_SIZE(folios); i++) {
		if (!folios[i])
			continue;
		kho_unpreserve_folio(folios[i]);
		folio_put(folios[i]);
	}
}

static int add_all(void)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(blobs) && !err; i++)
		err = add_blob(i);
	for (i = 0; i < ARRAY_SIZE(folios) && !err; i++)
		err = add_folio(i);
	if (err)
		remove_all();
	return err;
}

static int restore_all(void)
{
	phys_addr_t phys;
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(blobs); i++) {
		if (blobs[i].lost)
			continue;
		err = kho_retrieve_subtree(blobs[i].name, &phys, NULL);
		if (err)
			return err;
		memset(phys_to_virt(phys), 0xff, blobs[i].size);
		kho_restore_free(phys_to_virt(phys));
	}
	return 0;
}

static int __init kho_debugfs_test_init(void)
{
	int err;

	if (restore)
		return restore_all();
	err = add_all();
	if (err)
		return err;
	if (lost_now)
		set_lost(true);
	return register_reboot_notifier(&lose_notifier);
}
module_init(kho_debugfs_test_init);

static void __exit kho_debugfs_test_exit(void)
{
	if (!restore)
		unregister_reboot_notifier(&lose_notifier);
	if (lost_now)
		set_lost(false);
	remove_all();
}
module_exit(kho_debugfs_test_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Hand over something to be seen in debugfs");
