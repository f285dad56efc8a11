// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the core of kexec handover.
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * These tests run in one kernel: they check errors, and that unpreserving undoes
 * preserving. tools/testing/selftests/kho/ tests what the next kernel finds.
 */

#include <kunit/test.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/string.h>

#define NR_FOLIOS	8

/* test->priv is a page in the direct map. */
static int kho_test_init(struct kunit *test)
{
	if (!kho_is_enabled())
		kunit_skip(test, "needs kho=on");

	test->priv = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, test->priv);
	return 0;
}

/* Preserving */

static void folio_is_preserved_once(struct kunit *test)
{
	struct folio *folio = folio_alloc(GFP_KERNEL, 2);

	KUNIT_ASSERT_NOT_NULL(test, folio);
	KUNIT_EXPECT_EQ(test, kho_preserve_folio(folio), 0);
	KUNIT_EXPECT_EQ(test, kho_preserve_folio(folio), -EEXIST);
	kho_unpreserve_folio(folio);
	KUNIT_EXPECT_EQ(test, kho_preserve_folio(folio), 0);
	kho_unpreserve_folio(folio);
	folio_put(folio);
}

static void alloc_folios(struct kunit *test, struct folio **folios)
{
	unsigned int i;

	for (i = 0; i < NR_FOLIOS; i++) {
		folios[i] = folio_alloc(GFP_KERNEL, i % 3);
		KUNIT_ASSERT_NOT_NULL(test, folios[i]);
	}
}

static void put_folios(struct folio **folios)
{
	unsigned int i;

	for (i = 0; i < NR_FOLIOS; i++)
		folio_put(folios[i]);
}

static void folios_of_any_order_are_preserved_at_once(struct kunit *test)
{
	struct folio *folios[NR_FOLIOS];
	unsigned int i;

	alloc_folios(test, folios);
	KUNIT_EXPECT_EQ(test, kho_preserve_folios(folios, NR_FOLIOS), 0);
	for (i = 0; i < NR_FOLIOS; i++)
		KUNIT_EXPECT_EQ(test, kho_preserve_folio(folios[i]), -EEXIST);
	kho_unpreserve_folios(folios, NR_FOLIOS);
	put_folios(folios);
}

static void folios_are_preserved_all_or_none(struct kunit *test)
{
	struct folio *folios[NR_FOLIOS];

	alloc_folios(test, folios);
	KUNIT_ASSERT_EQ(test, kho_preserve_folio(folios[NR_FOLIOS - 1]), 0);
	KUNIT_EXPECT_EQ(test, kho_preserve_folios(folios, NR_FOLIOS), -EEXIST);
	kho_unpreserve_folio(folios[NR_FOLIOS - 1]);
	KUNIT_EXPECT_EQ(test, kho_preserve_folios(folios, NR_FOLIOS), 0);
	kho_unpreserve_folios(folios, NR_FOLIOS);
	put_folios(folios);
}

/* kho_preserve_pages() splits 7 pages into blocks of 1, 2 and 4 pages. */
static void pages_are_preserved_all_or_none(struct kunit *test)
{
	struct page *block = alloc_pages(GFP_KERNEL, 3);

	KUNIT_ASSERT_NOT_NULL(test, block);
	KUNIT_ASSERT_EQ(test, kho_preserve_pages(block + 4, 4), 0);
	KUNIT_EXPECT_EQ(test, kho_preserve_pages(block + 1, 7), -EEXIST);
	kho_unpreserve_pages(block + 4, 4);
	KUNIT_EXPECT_EQ(test, kho_preserve_pages(block + 1, 7), 0);
	kho_unpreserve_pages(block + 1, 7);
	KUNIT_EXPECT_EQ(test, kho_preserve_pages(block, 8), 0);
	kho_unpreserve_pages(block, 8);
	__free_pages(block, 3);
}

/* A block of 16 pages is preserved: nothing else that has its pages can be. */
static void overlaps_are_refused(struct kunit *test)
{
	struct page *pages = alloc_pages(GFP_KERNEL, 5);
	struct folio *folio = folio_alloc(GFP_KERNEL, 4);
	struct folio *folios[2];

	KUNIT_ASSERT_NOT_NULL(test, pages);
	KUNIT_ASSERT_NOT_NULL(test, folio);
	folios[0] = page_folio(pages);
	folios[1] = folio;

	KUNIT_ASSERT_EQ(test, kho_preserve_folio(folio), 0);
	KUNIT_EXPECT_EQ(test, kho_preserve_pages(folio_page(folio, 0), 1), -EEXIST);
	KUNIT_EXPECT_EQ(test, kho_preserve_pages(folio_page(folio, 5), 3), -EEXIST);
	KUNIT_EXPECT_EQ(test, kho_preserve_pages(folio_page(folio, 15), 1), -EEXIST);
	KUNIT_EXPECT_EQ(test, kho_preserve_folios(folios, 2), -EEXIST);
	kho_unpreserve_folio(folio);
	folio_put(folio);

	/* Pages within a larger range */
	KUNIT_ASSERT_EQ(test, kho_preserve_pages(pages + 13, 1), 0);
	KUNIT_EXPECT_EQ(test, kho_preserve_pages(pages, 16), -EEXIST);
	KUNIT_EXPECT_EQ(test, kho_preserve_pages(pages, 32), -EEXIST);
	KUNIT_EXPECT_EQ(test, kho_preserve_pages(pages + 1, 30), -EEXIST);
	KUNIT_EXPECT_EQ(test, kho_preserve_pages(pages + 14, 18), 0);
	kho_unpreserve_pages(pages + 14, 18);
	kho_unpreserve_pages(pages + 13, 1);

	/* Nothing of the refused ranges was left. */
	KUNIT_EXPECT_EQ(test, kho_preserve_pages(pages, 32), 0);
	kho_unpreserve_pages(pages, 32);
	__free_pages(pages, 5);
}

static void range_of_no_pages_is_refused(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, kho_preserve_pages(virt_to_page(test->priv), 0), -EINVAL);
}

static void range_beyond_ram_is_refused(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, kho_preserve_pages(virt_to_page(test->priv), 1UL << 40),
			-EINVAL);
}

/* Memory for serialized state */

static void memory_for_state_is_zeroed_and_preserved(struct kunit *test)
{
	void *mem = kho_alloc_preserve(3 * PAGE_SIZE);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, mem);
	KUNIT_EXPECT_TRUE(test, PAGE_ALIGNED(mem));
	KUNIT_EXPECT_NULL(test, memchr_inv(mem, 0, 3 * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, kho_preserve_folio(virt_to_folio(mem)), -EEXIST);
	kho_unpreserve_free(mem);
}

static void memory_for_state_has_a_size(struct kunit *test)
{
	size_t most = PAGE_SIZE << MAX_PAGE_ORDER;

	KUNIT_EXPECT_PTR_EQ(test, kho_alloc_preserve(0), ERR_PTR(-EINVAL));
	KUNIT_EXPECT_PTR_EQ(test, kho_alloc_preserve(most + 1), ERR_PTR(-E2BIG));
	KUNIT_EXPECT_PTR_EQ(test, kho_alloc_preserve(SIZE_MAX), ERR_PTR(-E2BIG));
}

static void nothing_is_freed_as_nothing(struct kunit *test)
{
	kho_unpreserve_free(NULL);
	kho_unpreserve_free(ERR_PTR(-ENOMEM));
	kho_restore_free(NULL);
	kho_restore_free(ERR_PTR(-ENOMEM));
}

/* Subtrees */

static void subtree_names_are_unique(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, kho_add_subtree("kunit", test->priv, 1), 0);
	KUNIT_EXPECT_EQ(test, kho_add_subtree("kunit", test->priv, 1), -EEXIST);
	kho_remove_subtree(test->priv);
	KUNIT_EXPECT_EQ(test, kho_add_subtree("kunit", test->priv, 1), 0);
	kho_remove_subtree(test->priv);
}

static void subtree_needs_a_name_and_content(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, kho_add_subtree("", test->priv, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, kho_add_subtree("a/b", test->priv, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, kho_add_subtree("unit@1", test->priv, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, kho_add_subtree("kunit", test->priv, 0), -EINVAL);
}

static void subtree_that_is_not_there_is_not_removed(struct kunit *test)
{
	kho_remove_subtree(test->priv);
	KUNIT_EXPECT_EQ(test, kho_add_subtree("kunit", test->priv, 1), 0);
	kho_remove_subtree(test->priv);
	kho_remove_subtree(test->priv);
}

/* Adding a subtree that does not fit must not use up any of the room. */
static void full_root_refuses_more_subtrees(struct kunit *test)
{
	unsigned int nr, i;
	char name[24];
	int err = 0;

	for (nr = 0; !err; nr++) {
		snprintf(name, sizeof(name), "kunit-%u", nr);
		err = kho_add_subtree(name, test->priv, 1);
	}
	KUNIT_EXPECT_EQ(test, err, -ENOMEM);
	/* Removing two short names makes room for a longer one. */
	kho_remove_subtree(test->priv);
	kho_remove_subtree(test->priv);
	KUNIT_EXPECT_EQ(test, kho_add_subtree(name, test->priv, 1), 0);
	for (i = 0; i < nr; i++)
		kho_remove_subtree(test->priv);
}

/* Checking what is handed over */

static void outgoing_memory_is_found(struct kunit *test)
{
	struct folio *folio = folio_alloc(GFP_KERNEL, 2);
	phys_addr_t phys;

	KUNIT_ASSERT_NOT_NULL(test, folio);
	phys = PFN_PHYS(folio_pfn(folio));
	KUNIT_EXPECT_FALSE(test, kho_outgoing_contains(phys, 1));
	KUNIT_ASSERT_EQ(test, kho_preserve_folio(folio), 0);

	KUNIT_EXPECT_TRUE(test, kho_outgoing_contains(phys + 5, 4 * PAGE_SIZE - 5));
	KUNIT_EXPECT_FALSE(test, kho_outgoing_contains(phys, 0));
	KUNIT_EXPECT_FALSE(test, kho_outgoing_contains(phys, SIZE_MAX));

	KUNIT_EXPECT_TRUE(test, kho_outgoing_has_pages(phys, 4));
	KUNIT_EXPECT_FALSE(test, kho_outgoing_has_pages(phys, 3));
	KUNIT_EXPECT_FALSE(test, kho_outgoing_has_pages(phys + PAGE_SIZE, 3));
	KUNIT_EXPECT_FALSE(test, kho_outgoing_has_pages(phys + 1, 4));
	KUNIT_EXPECT_FALSE(test, kho_outgoing_has_pages(phys, 0));
	KUNIT_EXPECT_FALSE(test, kho_outgoing_has_pages(phys, ULONG_MAX));

	KUNIT_EXPECT_TRUE(test, kho_outgoing_has_folios(phys, 1, 2));
	KUNIT_EXPECT_FALSE(test, kho_outgoing_has_folios(phys, 2, 1));
	KUNIT_EXPECT_FALSE(test, kho_outgoing_has_folios(phys, 4, 0));
	KUNIT_EXPECT_FALSE(test, kho_outgoing_has_folios(phys + PAGE_SIZE, 1, 2));
	KUNIT_EXPECT_FALSE(test, kho_outgoing_has_folios(phys, 0, 2));
	KUNIT_EXPECT_FALSE(test, kho_outgoing_has_folios(phys, 1, 64));
	KUNIT_EXPECT_FALSE(test, kho_outgoing_has_folios(phys, ULONG_MAX, 2));

	kho_unpreserve_folio(folio);
	KUNIT_EXPECT_FALSE(test, kho_outgoing_has_folios(phys, 1, 2));
	folio_put(folio);
}

static void blob_must_be_preserved(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, kho_verify_outgoing(), 0);
	KUNIT_ASSERT_EQ(test, kho_add_subtree("kunit", test->priv, PAGE_SIZE), 0);
	KUNIT_EXPECT_EQ(test, kho_verify_outgoing(), -EIO);
	KUNIT_ASSERT_EQ(test, kho_preserve_pages(virt_to_page(test->priv), 1), 0);
	KUNIT_EXPECT_EQ(test, kho_verify_outgoing(), 0);
	kho_unpreserve_pages(virt_to_page(test->priv), 1);
	kho_remove_subtree(test->priv);
	KUNIT_EXPECT_EQ(test, kho_verify_outgoing(), 0);
}

/* Restoring */

static void cold_boot_has_nothing_to_restore(struct kunit *test)
{
	phys_addr_t phys = virt_to_phys(test->priv);

	if (is_kho_boot())
		kunit_skip(test, "needs a cold boot");

	KUNIT_EXPECT_FALSE(test, kho_incoming_contains(phys, 1));
	KUNIT_EXPECT_NULL(test, kho_restore_folio(PAGE_ALIGN_DOWN(phys)));
	KUNIT_EXPECT_NULL(test, kho_restore_pages(PAGE_ALIGN_DOWN(phys), 1));
	KUNIT_EXPECT_EQ(test, kho_retrieve_subtree("kunit", &phys, NULL), -ENOENT);
}

static struct kunit_case kho_cases[] = {
	KUNIT_CASE(folio_is_preserved_once),
	KUNIT_CASE(folios_of_any_order_are_preserved_at_once),
	KUNIT_CASE(folios_are_preserved_all_or_none),
	KUNIT_CASE(pages_are_preserved_all_or_none),
	KUNIT_CASE(overlaps_are_refused),
	KUNIT_CASE(range_of_no_pages_is_refused),
	KUNIT_CASE(range_beyond_ram_is_refused),
	KUNIT_CASE(memory_for_state_is_zeroed_and_preserved),
	KUNIT_CASE(memory_for_state_has_a_size),
	KUNIT_CASE(nothing_is_freed_as_nothing),
	KUNIT_CASE(subtree_names_are_unique),
	KUNIT_CASE(subtree_needs_a_name_and_content),
	KUNIT_CASE(subtree_that_is_not_there_is_not_removed),
	KUNIT_CASE(full_root_refuses_more_subtrees),
	KUNIT_CASE(outgoing_memory_is_found),
	KUNIT_CASE(blob_must_be_preserved),
	KUNIT_CASE(cold_boot_has_nothing_to_restore),
	{}
};

static struct kunit_suite kho_suite = {
	.name = "kho-core",
	.init = kho_test_init,
	.test_cases = kho_cases,
};

kunit_test_suite(kho_suite);
