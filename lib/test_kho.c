// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test of kexec handover (KHO)
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * When this module is loaded, it preserves folios, page ranges and vmalloc
 * areas with known content. When it is loaded again after a kexec, it restores,
 * verifies and frees this memory, and preserves new memory for the next kexec.
 * It can be loaded before the kexec image or after it. When it is unloaded, it
 * unpreserves its memory.
 *
 * On success it logs lines that start with "test_kho: restored" and
 * "test_kho: preserved". On failure it logs "test_kho: FAILED" and cannot be
 * loaded.
 */

#define pr_fmt(fmt) "test_kho: " fmt

#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/hash.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>

#include <linux/kho/vmalloc.h>

#define TEST_KHO_NAME		"test-kho"
#define TEST_KHO_MAGIC		0x6f686b5f74736574ULL

/* Preserve 64 folios of order 0, half as many of each next order, at least one */
#define TEST_KHO_NR_OF_ORDER(order)	(max(64U >> (order), 1U))
#define TEST_KHO_MAX_FOLIOS		(128 + MAX_PAGE_ORDER)
/* With 64 KiB pages, folios of the largest order are hard to allocate. */
#define TEST_KHO_MAX_ORDER	min(MAX_PAGE_ORDER, ilog2(SZ_32M) - PAGE_SHIFT)

/* Page ranges: single pages, an aligned block, and ranges of many blocks */
static const struct {
	unsigned int offset;
	unsigned int nr;
} test_kho_layout[] = {
	{ 0, 1 }, { 1, 1 }, { 0, 64 }, { 1, 6 }, { 3, 10 }, { 1, 510 }, { 5, 251 },
};

#define TEST_KHO_NR_RANGES	ARRAY_SIZE(test_kho_layout)

/*
 * The area needs more than one chunk, unless the pages are so large that this
 * would take too much memory. It ends within a page.
 */
#define TEST_KHO_PLAIN_SIZE						\
	(min((KHO_VMALLOC_SIZE + 700) * PAGE_SIZE, SZ_64M) + 123)
#define TEST_KHO_HUGE_SIZE	(3 * SZ_2M)

struct test_kho_piece {
	u64 phys;
	u32 order;	/* for a folio */
	u32 nr_pages;	/* for a range */
};

struct test_kho_area {
	struct kho_vmalloc vmalloc;
	u64 size;
};

/* State that one kernel hands over to the next */
struct test_kho_state {
	u64 magic;
	u64 seed;
	u64 decoy_phys;
	u32 generation;
	u32 nr_folios;
	u32 nr_ranges;
	u32 nr_areas;
	struct test_kho_piece folios[TEST_KHO_MAX_FOLIOS];
	struct test_kho_piece ranges[TEST_KHO_NR_RANGES];
	struct test_kho_area areas[2];
};

/* Memory that this kernel has preserved for the next one */
static struct {
	struct test_kho_state *state;
	struct folio *folios[TEST_KHO_MAX_FOLIOS];
	struct page *ranges[TEST_KHO_NR_RANGES];
	void *areas[2];
	struct folio *decoy;
} test_kho;

#define TEST_KHO_CHECK(cond)						\
	({								\
		bool __holds = (cond);					\
									\
		if (!__holds)						\
			pr_err("FAILED: %s (line %d)\n", #cond, __LINE__); \
		__holds;						\
	})

/*
 * Content: each word depends on the seed of the generation, on the kind and the
 * number of the object, and on the word's position in the object.
 */

enum test_kho_kind {
	TEST_KHO_FOLIO,
	TEST_KHO_RANGE,
	TEST_KHO_AREA,
};

static u64 test_kho_salt(const struct test_kho_state *state,
			 enum test_kho_kind kind, unsigned int nr)
{
	return state->seed ^ ((u64)kind << 56) ^ ((u64)nr << 32);
}

static u64 test_kho_word(u64 salt, size_t pos)
{
	u64 word = (salt + pos) * GOLDEN_RATIO_64;

	return word ^ word >> 29;
}

static void test_kho_fill(void *mem, size_t size, u64 salt)
{
	u64 *words = mem;
	size_t pos;

	for (pos = 0; pos < size / sizeof(*words); pos++)
		words[pos] = test_kho_word(salt, pos);
}

static bool test_kho_verify(const void *mem, size_t size, u64 salt)
{
	const u64 *words = mem;
	size_t pos;

	for (pos = 0; pos < size / sizeof(*words); pos++) {
		if (words[pos] == test_kho_word(salt, pos))
			continue;
		pr_err("FAILED: content differs at %zu of %zu bytes\n",
		       pos * sizeof(*words), size);
		return false;
	}

	return true;
}

/*
 * Preserving
 */

static int test_kho_preserve_folio(struct test_kho_state *state,
				   unsigned int order)
{
	unsigned int nr = state->nr_folios;
	struct folio *folio = folio_alloc(GFP_KERNEL, order);
	int err;

	if (!folio)
		return -ENOMEM;

	test_kho_fill(folio_address(folio), folio_size(folio),
		      test_kho_salt(state, TEST_KHO_FOLIO, nr));
	err = kho_preserve_folio(folio);
	if (err) {
		folio_put(folio);
		return err;
	}

	state->folios[nr].phys = PFN_PHYS(folio_pfn(folio));
	state->folios[nr].order = order;
	test_kho.folios[nr] = folio;
	state->nr_folios++;
	return 0;
}

static void test_kho_free_pages(struct page *page, unsigned int nr)
{
	while (nr--)
		__free_page(page + nr);
}

/* Allocate contiguous single pages at @offset from an aligned block. */
static struct page *test_kho_alloc_range(unsigned int offset, unsigned int nr)
{
	unsigned int order = get_order((offset + nr) * PAGE_SIZE);
	struct page *page = alloc_pages(GFP_KERNEL, order);

	if (!page)
		return NULL;

	split_page(page, order);
	test_kho_free_pages(page, offset);
	test_kho_free_pages(page + offset + nr, (1U << order) - offset - nr);
	return page + offset;
}

static int test_kho_preserve_range(struct test_kho_state *state,
				   unsigned int offset, unsigned int nr)
{
	struct page *page = test_kho_alloc_range(offset, nr);
	unsigned int i = state->nr_ranges;
	int err;

	if (!page)
		return -ENOMEM;

	test_kho_fill(page_address(page), nr * PAGE_SIZE,
		      test_kho_salt(state, TEST_KHO_RANGE, i));
	err = kho_preserve_pages(page, nr);
	if (err) {
		test_kho_free_pages(page, nr);
		return err;
	}

	state->ranges[i].phys = page_to_phys(page);
	state->ranges[i].nr_pages = nr;
	test_kho.ranges[i] = page;
	state->nr_ranges++;
	return 0;
}

/* Preserve @mem, or free it after an error. */
static int test_kho_preserve_area(struct test_kho_state *state, void *mem,
				  size_t size)
{
	unsigned int i = state->nr_areas;
	int err;

	if (!mem)
		return -ENOMEM;

	test_kho_fill(mem, size, test_kho_salt(state, TEST_KHO_AREA, i));
	err = kho_preserve_vmalloc(mem, &state->areas[i].vmalloc);
	if (err) {
		vfree(mem);
		return err;
	}

	state->areas[i].size = size;
	test_kho.areas[i] = mem;
	state->nr_areas++;
	return 0;
}

/* Preserve and unpreserve a folio. The next kernel must not find it. */
static int test_kho_add_decoy(struct test_kho_state *state)
{
	struct folio *folio = folio_alloc(GFP_KERNEL, 0);
	int err;

	if (!folio)
		return -ENOMEM;

	err = kho_preserve_folio(folio);
	if (err) {
		folio_put(folio);
		return err;
	}

	kho_unpreserve_folio(folio);
	state->decoy_phys = PFN_PHYS(folio_pfn(folio));
	test_kho.decoy = folio;
	return 0;
}

static void test_kho_undo(void)
{
	struct test_kho_state *state = test_kho.state;
	unsigned int i;

	if (!state)
		return;

	kho_remove_subtree(state);
	for (i = 0; i < state->nr_areas; i++) {
		kho_unpreserve_vmalloc(&state->areas[i].vmalloc);
		vfree(test_kho.areas[i]);
	}
	for (i = 0; i < state->nr_ranges; i++) {
		kho_unpreserve_pages(test_kho.ranges[i], state->ranges[i].nr_pages);
		test_kho_free_pages(test_kho.ranges[i], state->ranges[i].nr_pages);
	}
	for (i = 0; i < state->nr_folios; i++) {
		kho_unpreserve_folio(test_kho.folios[i]);
		folio_put(test_kho.folios[i]);
	}
	if (test_kho.decoy)
		folio_put(test_kho.decoy);
	kho_unpreserve_free(state);
	memset(&test_kho, 0, sizeof(test_kho));
}

static int test_kho_preserve_all(struct test_kho_state *state)
{
	unsigned int order, i;
	int err;

	err = kho_add_subtree(TEST_KHO_NAME, state, sizeof(*state));
	for (order = 0; order <= TEST_KHO_MAX_ORDER; order++)
		for (i = 0; i < TEST_KHO_NR_OF_ORDER(order) && !err; i++)
			err = test_kho_preserve_folio(state, order);
	for (i = 0; i < TEST_KHO_NR_RANGES && !err; i++)
		err = test_kho_preserve_range(state, test_kho_layout[i].offset,
					      test_kho_layout[i].nr);
	if (!err)
		err = test_kho_preserve_area(state, vmalloc(TEST_KHO_PLAIN_SIZE),
					     TEST_KHO_PLAIN_SIZE);
	if (!err)
		err = test_kho_preserve_area(state,
					     vmalloc_huge(TEST_KHO_HUGE_SIZE, GFP_KERNEL),
					     TEST_KHO_HUGE_SIZE);

	return err ?: test_kho_add_decoy(state);
}

static int test_kho_preserve(unsigned int generation)
{
	struct test_kho_state *state = kho_alloc_preserve(sizeof(*state));
	int err;

	if (IS_ERR(state)) {
		pr_err("FAILED: cannot preserve state: %pe\n", state);
		return PTR_ERR(state);
	}

	test_kho.state = state;
	state->magic = TEST_KHO_MAGIC;
	state->seed = get_random_u64();
	state->generation = generation;
	err = test_kho_preserve_all(state);
	if (err) {
		pr_err("FAILED: preserving generation %u: %pe\n", generation,
		       ERR_PTR(err));
		test_kho_undo();
		return err;
	}

	pr_info("preserved generation %u: %u folios, %u ranges, %u areas\n",
		generation, state->nr_folios, state->nr_ranges, state->nr_areas);
	return 0;
}

/*
 * Restoring. The checks continue after a failure, so that all failures are
 * logged.
 */

static bool test_kho_verify_folio(const struct test_kho_state *state,
				  unsigned int nr, struct folio *folio)
{
	const struct test_kho_piece *piece = &state->folios[nr];
	bool ok = true;

	if (!TEST_KHO_CHECK(folio))
		return false;

	ok &= TEST_KHO_CHECK(!kho_restore_folio(piece->phys));
	ok &= TEST_KHO_CHECK(!kho_incoming_contains(piece->phys, PAGE_SIZE));
	ok &= TEST_KHO_CHECK(folio_pfn(folio) == PHYS_PFN(piece->phys));
	ok &= TEST_KHO_CHECK(folio_order(folio) == piece->order);
	ok &= TEST_KHO_CHECK(folio_ref_count(folio) == 1);
	ok &= test_kho_verify(folio_address(folio), PAGE_SIZE << piece->order,
			      test_kho_salt(state, TEST_KHO_FOLIO, nr));
	folio_put(folio);
	return ok;
}

/*
 * Restore all folios, in one call or one by one, after an address that is not
 * preserved.
 */
static bool test_kho_restore_folios(const struct test_kho_state *state, bool at_once)
{
	static struct folio *folios[TEST_KHO_MAX_FOLIOS + 1];
	static phys_addr_t phys[TEST_KHO_MAX_FOLIOS + 1];
	bool ok = true;
	unsigned int i;

	phys[0] = state->decoy_phys;
	for (i = 0; i < state->nr_folios; i++) {
		const struct test_kho_piece *piece = &state->folios[i];

		ok &= TEST_KHO_CHECK(kho_incoming_contains(piece->phys,
							   PAGE_SIZE << piece->order));
		if (piece->order)
			ok &= TEST_KHO_CHECK(!kho_restore_folio(piece->phys + PAGE_SIZE));
		phys[i + 1] = piece->phys;
	}

	if (at_once)
		kho_restore_folios(phys, folios, state->nr_folios + 1);
	for (i = 0; i <= state->nr_folios && !at_once; i++)
		folios[i] = kho_restore_folio(phys[i]);

	ok &= TEST_KHO_CHECK(!folios[0]);
	for (i = 0; i < state->nr_folios; i++)
		ok &= test_kho_verify_folio(state, i, folios[i + 1]);

	return ok;
}

static bool test_kho_restore_range(const struct test_kho_state *state,
				   unsigned int nr)
{
	const struct test_kho_piece *piece = &state->ranges[nr];
	size_t size = piece->nr_pages * PAGE_SIZE;
	struct page *page;
	bool ok = true;
	unsigned int i;

	ok &= TEST_KHO_CHECK(kho_incoming_contains(piece->phys, size));
	page = kho_restore_pages(piece->phys, piece->nr_pages);
	if (!TEST_KHO_CHECK(page))
		return false;

	ok &= TEST_KHO_CHECK(!kho_restore_pages(piece->phys, piece->nr_pages));
	for (i = 0; i < piece->nr_pages; i++)
		ok &= TEST_KHO_CHECK(page_ref_count(page + i) == 1 &&
				     !PageCompound(page + i));
	ok &= test_kho_verify(page_address(page), size,
			      test_kho_salt(state, TEST_KHO_RANGE, nr));
	test_kho_free_pages(page, piece->nr_pages);
	return ok;
}

static bool test_kho_restore_area(const struct test_kho_state *state,
				  unsigned int nr)
{
	const struct test_kho_area *area = &state->areas[nr];
	void *mem = kho_restore_vmalloc(&area->vmalloc);
	bool ok;

	if (!TEST_KHO_CHECK(mem))
		return false;

	ok = TEST_KHO_CHECK(!kho_restore_vmalloc(&area->vmalloc));
	ok &= test_kho_verify(mem, area->size,
			      test_kho_salt(state, TEST_KHO_AREA, nr));
	vfree(mem);
	return ok;
}

static bool test_kho_restore_all(const struct test_kho_state *state)
{
	bool ok = true;
	unsigned int i;

	ok &= test_kho_restore_folios(state, state->generation % 2);
	for (i = 0; i < state->nr_ranges; i++)
		ok &= test_kho_restore_range(state, i);
	for (i = 0; i < state->nr_areas; i++)
		ok &= test_kho_restore_area(state, i);
	ok &= TEST_KHO_CHECK(!kho_incoming_contains(state->decoy_phys, PAGE_SIZE));

	return ok;
}

static bool test_kho_check_state(const struct test_kho_state *state, size_t size)
{
	return TEST_KHO_CHECK(size == sizeof(*state)) &&
	       TEST_KHO_CHECK(state->magic == TEST_KHO_MAGIC) &&
	       TEST_KHO_CHECK(state->nr_folios <= TEST_KHO_MAX_FOLIOS) &&
	       TEST_KHO_CHECK(state->nr_ranges == TEST_KHO_NR_RANGES) &&
	       TEST_KHO_CHECK(state->nr_areas == ARRAY_SIZE(state->areas));
}

/* Return the generation that was restored, 0 if there was none, or an error. */
static int test_kho_restore(void)
{
	struct test_kho_state *state;
	phys_addr_t phys;
	int generation;
	size_t size;
	int err;

	err = kho_retrieve_subtree(TEST_KHO_NAME, &phys, &size);
	if (err) {
		pr_info("nothing to restore: %pe\n", ERR_PTR(err));
		return 0;
	}

	state = phys_to_virt(phys);
	if (!test_kho_check_state(state, size))
		return -EIO;
	generation = state->generation;
	if (!test_kho_restore_all(state)) {
		pr_err("FAILED: generation %d was not restored correctly\n",
		       generation);
		return -EIO;
	}

	kho_restore_free(state);
	if (!TEST_KHO_CHECK(!kho_incoming_contains(phys, PAGE_SIZE)))
		return -EIO;

	pr_info("restored generation %d: KHO restore succeeded\n", generation);
	return generation;
}

static int __init test_kho_init(void)
{
	int generation = test_kho_restore();

	if (generation < 0)
		return generation;

	return test_kho_preserve(generation + 1);
}
module_init(test_kho_init);

module_exit(test_kho_undo);

MODULE_DESCRIPTION("Test of kexec handover");
MODULE_LICENSE("GPL");
