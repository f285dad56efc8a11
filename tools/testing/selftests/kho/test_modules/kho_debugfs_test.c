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
#include <linux/sizes.h>

static bool restore;
module_param(restore, bool, 0);
MODULE_PARM_DESC(restore, "free what the previous kernel has handed over");

static const unsigned int orders[] = { 4, 4, 4, 7, 7 };
static struct folio *folios[ARRAY_SIZE(orders)];

static struct {
	const char *name;
	size_t size;
	bool lost;	/* its memory is not preserved */
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

static void *alloc_blob(size_t size, bool lost)
{
	void *mem;

	if (lost)
		mem = (void *)__get_free_page(GFP_KERNEL);
	else
		mem = kho_alloc_preserve(size);
	return IS_ERR(mem) ? NULL : mem;
}

static void free_blob(void *mem, bool lost)
{
	if (lost)
		free_page((unsigned long)mem);
	else
		kho_unpreserve_free(mem);
}

static int add_blob(unsigned int i)
{
	void *mem = alloc_blob(blobs[i].size, blobs[i].lost);
	int err;

	if (!mem)
		return -ENOMEM;

	fill(mem, blobs[i].size);
	err = kho_add_subtree(blobs[i].name, mem, blobs[i].size);
	if (err) {
		free_blob(mem, blobs[i].lost);
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
		free_blob(blobs[i].mem, blobs[i].lost);
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
	return restore ? restore_all() : add_all();
}
module_init(kho_debugfs_test_init);

static void __exit kho_debugfs_test_exit(void)
{
	remove_all();
}
module_exit(kho_debugfs_test_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Hand over something to be seen in debugfs");
