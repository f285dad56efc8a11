// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of preserved vmalloc areas.
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * A restored area shares its memory with the preserved one.
 */

#include <kunit/test.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>

#include <linux/kho/vmalloc.h>

#include "fake_kho.h"

/* Pages that need three chunks */
#define MANY_PAGES	(2 * KHO_VMALLOC_SIZE + 10)

/* Large enough for several huge pages */
#define HUGE_SIZE	(8 * SZ_2M)

static struct {
	void *area;
	struct kho_vmalloc ser;
} vt;

static int vmalloc_test_init(struct kunit *test)
{
	memset(&vt, 0, sizeof(vt));
	if (!kho_is_enabled())
		kunit_skip(test, "needs kho=on");

	fake_kho_start(test);
	return 0;
}

static void vmalloc_test_exit(struct kunit *test)
{
	kho_unpreserve_vmalloc(&vt.ser);
	vfree(vt.area);
}

static void preserve(struct kunit *test, void *area)
{
	vt.area = area;
	KUNIT_ASSERT_NOT_NULL(test, area);
	KUNIT_ASSERT_EQ(test, kho_preserve_vmalloc(area, &vt.ser), 0);
	KUNIT_EXPECT_EQ(test, kho_verify_vmalloc(&vt.ser, area), 0);
}

/* With 64 KiB pages, a full chunk describes 512 MiB. */
static void preserve_plain(struct kunit *test, unsigned long nr)
{
	if (totalram_pages() / 4 < nr)
		kunit_skip(test, "too little memory for %lu pages", nr);

	preserve(test, vmalloc(nr * PAGE_SIZE));
}

static void preserve_many(struct kunit *test)
{
	preserve_plain(test, MANY_PAGES);
}

static struct kho_vmalloc_chunk *nth_chunk(unsigned int nr)
{
	struct kho_vmalloc_chunk *chunk = KHOSER_LOAD_PTR(vt.ser.first);

	while (nr--)
		chunk = KHOSER_LOAD_PTR(chunk->hdr.next);

	return chunk;
}

static phys_addr_t page_phys(void *area, unsigned long nr)
{
	return page_to_phys(vmalloc_to_page(area + nr * PAGE_SIZE));
}

/* Preserving */

static void descriptor_has_size_and_kind(struct kunit *test)
{
	preserve(test, vmalloc(3 * PAGE_SIZE + 1));
	KUNIT_EXPECT_EQ(test, vt.ser.total_pages, 4);
	KUNIT_EXPECT_EQ(test, vt.ser.flags, KHO_VMALLOC_ALLOC);
	KUNIT_EXPECT_EQ(test, vt.ser.order, 0);
}

static void chunks_list_all_pages_in_order(struct kunit *test)
{
	unsigned long i;

	preserve_many(test);
	for (i = 0; i < MANY_PAGES; i++) {
		struct kho_vmalloc_chunk *chunk = nth_chunk(i / KHO_VMALLOC_SIZE);

		KUNIT_EXPECT_EQ(test, chunk->phys[i % KHO_VMALLOC_SIZE],
				page_phys(vt.area, i));
	}
}

static void last_chunk_ends_the_chain(struct kunit *test)
{
	preserve_many(test);
	KUNIT_EXPECT_EQ(test, nth_chunk(2)->hdr.next.phys, 0ULL);
	KUNIT_EXPECT_EQ(test, nth_chunk(2)->phys[MANY_PAGES % KHO_VMALLOC_SIZE],
			0ULL);
}

static void full_chunk_has_no_successor(struct kunit *test)
{
	preserve_plain(test, KHO_VMALLOC_SIZE);
	KUNIT_EXPECT_EQ(test, nth_chunk(0)->hdr.next.phys, 0ULL);
}

static void huge_area_has_one_entry_per_block(struct kunit *test)
{
	unsigned long i, step;

	preserve(test, vmalloc_huge(HUGE_SIZE, GFP_KERNEL));
	if (!vt.ser.order)
		kunit_skip(test, "vmalloc_huge() got no huge pages");

	step = BIT(vt.ser.order);
	KUNIT_EXPECT_EQ(test, vt.ser.flags,
			KHO_VMALLOC_ALLOC | KHO_VMALLOC_HUGE_VMAP);
	KUNIT_EXPECT_EQ(test, vt.ser.total_pages, HUGE_SIZE / PAGE_SIZE);
	for (i = 0; i < vt.ser.total_pages / step; i++)
		KUNIT_EXPECT_EQ(test, nth_chunk(0)->phys[i],
				page_phys(vt.area, i * step));
}

static void preserved_pages_are_not_preserved_again(struct kunit *test)
{
	struct kho_vmalloc again;

	preserve_many(test);
	KUNIT_EXPECT_EQ(test, kho_preserve_vmalloc(vt.area, &again), -EEXIST);
	KUNIT_EXPECT_EQ(test, again.first.phys, 0ULL);
	KUNIT_EXPECT_EQ(test, kho_preserve_pages(vmalloc_to_page(vt.area), 1),
			-EEXIST);
}

static void failed_preserve_leaves_nothing_preserved(struct kunit *test)
{
	struct page *last;

	vt.area = vmalloc(MANY_PAGES * PAGE_SIZE);
	KUNIT_ASSERT_NOT_NULL(test, vt.area);
	last = vmalloc_to_page(vt.area + (MANY_PAGES - 1) * PAGE_SIZE);
	KUNIT_ASSERT_EQ(test, kho_preserve_pages(last, 1), 0);
	KUNIT_EXPECT_EQ(test, kho_preserve_vmalloc(vt.area, &vt.ser), -EEXIST);
	kho_unpreserve_pages(last, 1);

	/* This succeeds only if none of the other pages is still preserved. */
	KUNIT_EXPECT_EQ(test, kho_preserve_vmalloc(vt.area, &vt.ser), 0);
}

static void unpreserve_leaves_nothing_preserved(struct kunit *test)
{
	preserve_many(test);
	kho_unpreserve_vmalloc(&vt.ser);
	KUNIT_EXPECT_EQ(test, vt.ser.first.phys, 0ULL);
	kho_unpreserve_vmalloc(&vt.ser);
	KUNIT_EXPECT_EQ(test, kho_preserve_vmalloc(vt.area, &vt.ser), 0);
}

static void other_memory_is_refused(struct kunit *test)
{
	struct kho_vmalloc ser;

	vt.area = vmalloc(2 * PAGE_SIZE);
	KUNIT_ASSERT_NOT_NULL(test, vt.area);
	KUNIT_EXPECT_EQ(test, kho_preserve_vmalloc(NULL, &ser), -EINVAL);
	KUNIT_EXPECT_EQ(test, kho_preserve_vmalloc(&vt, &ser), -EINVAL);
	KUNIT_EXPECT_EQ(test, kho_preserve_vmalloc(vt.area + PAGE_SIZE, &ser),
			-EINVAL);
}

static void other_areas_are_not_supported(struct kunit *test)
{
	struct kho_vmalloc ser;
	struct page *page;
	void *mapped;

	vt.area = vmalloc_user(PAGE_SIZE);
	KUNIT_ASSERT_NOT_NULL(test, vt.area);
	KUNIT_EXPECT_EQ(test, kho_preserve_vmalloc(vt.area, &ser), -EOPNOTSUPP);

	page = vmalloc_to_page(vt.area);
	mapped = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mapped);
	KUNIT_EXPECT_EQ(test, kho_preserve_vmalloc(mapped, &ser), -EOPNOTSUPP);
	vunmap(mapped);
}

/* Restoring */

static void restored_area_is_the_same_memory(struct kunit *test)
{
	unsigned long i;
	void *restored;

	preserve_many(test);
	restored = kho_restore_vmalloc(&vt.ser);
	KUNIT_ASSERT_NOT_NULL(test, restored);
	for (i = 0; i < MANY_PAGES; i++)
		KUNIT_EXPECT_EQ(test, page_phys(restored, i), page_phys(vt.area, i));
	memset(vt.area, 0x5a, MANY_PAGES * PAGE_SIZE);
	KUNIT_EXPECT_NULL(test, memchr_inv(restored, 0x5a, MANY_PAGES * PAGE_SIZE));
	vfree(restored);
}

static void restored_area_is_accounted(struct kunit *test)
{
	unsigned long before, used;
	void *restored;

	preserve_many(test);
	before = vmalloc_nr_pages();
	restored = kho_restore_vmalloc(&vt.ser);
	KUNIT_ASSERT_NOT_NULL(test, restored);
	used = vmalloc_nr_pages();
	vfree(restored);
	/* The array of pages is another vmalloc area. */
	KUNIT_EXPECT_GE(test, used, before + MANY_PAGES);
	KUNIT_EXPECT_EQ(test, vmalloc_nr_pages(), before);
}

static void restored_area_frees_chunks_and_pages(struct kunit *test)
{
	void *restored;

	preserve_many(test);
	restored = kho_restore_vmalloc(&vt.ser);
	KUNIT_ASSERT_NOT_NULL(test, restored);
	KUNIT_EXPECT_EQ(test, fake_kho.nr_freed, 3);
	KUNIT_EXPECT_EQ(test, page_ref_count(vmalloc_to_page(vt.area)), 2);
	vfree(restored);
	KUNIT_EXPECT_EQ(test, page_ref_count(vmalloc_to_page(vt.area)), 1);
}

static void restored_huge_area_is_the_same_memory(struct kunit *test)
{
	void *restored;

	preserve(test, vmalloc_huge(HUGE_SIZE, GFP_KERNEL));
	memset(vt.area, 0xa5, HUGE_SIZE);
	restored = kho_restore_vmalloc(&vt.ser);
	KUNIT_ASSERT_NOT_NULL(test, restored);
	KUNIT_EXPECT_NULL(test, memchr_inv(restored, 0xa5, HUGE_SIZE));
	KUNIT_EXPECT_EQ(test, vm_area_page_order(find_vm_area(restored)),
			vt.ser.order);
	vfree(restored);
}

static void failed_restore_frees_restored_pages(struct kunit *test)
{
	preserve_many(test);
	fake_kho.restores_left = KHO_VMALLOC_SIZE + 3;
	KUNIT_EXPECT_NULL(test, kho_restore_vmalloc(&vt.ser));
	KUNIT_EXPECT_EQ(test, fake_kho.restores_left, 0);
	KUNIT_EXPECT_EQ(test, page_ref_count(vmalloc_to_page(vt.area)), 1);
	KUNIT_EXPECT_EQ(test, fake_kho.nr_freed, 0);
}

/* Expect that @ser is refused before anything is restored. */
static void expect_refused(struct kunit *test, const struct kho_vmalloc *ser)
{
	fake_kho.restores_left = UINT_MAX;
	KUNIT_EXPECT_NULL(test, kho_restore_vmalloc(ser));
	KUNIT_EXPECT_EQ(test, fake_kho.restores_left, UINT_MAX);
	KUNIT_EXPECT_EQ(test, fake_kho.nr_freed, 0);
	if (!fake_kho.lost)
		KUNIT_EXPECT_EQ(test, kho_verify_vmalloc(ser, vt.area), -EINVAL);
}

static void damaged_descriptors_are_refused(struct kunit *test)
{
	struct kho_vmalloc bad;

	preserve_many(test);
#define EXPECT_REFUSED_WITH(field, bad_value)		\
	do {						\
		bad = vt.ser;				\
		bad.field = (bad_value);		\
		expect_refused(test, &bad);		\
	} while (0)
	EXPECT_REFUSED_WITH(order, MAX_PAGE_ORDER + 1);
	EXPECT_REFUSED_WITH(order, USHRT_MAX);
	EXPECT_REFUSED_WITH(order, 9);
	EXPECT_REFUSED_WITH(flags, 0);
	EXPECT_REFUSED_WITH(flags, KHO_VMALLOC_HUGE_VMAP);
	EXPECT_REFUSED_WITH(flags, KHO_VMALLOC_ALLOC | BIT(2));
	EXPECT_REFUSED_WITH(total_pages, 0);
	EXPECT_REFUSED_WITH(total_pages, UINT_MAX);
	EXPECT_REFUSED_WITH(total_pages, vt.ser.total_pages + 1);
	EXPECT_REFUSED_WITH(total_pages, vt.ser.total_pages - 1);
	EXPECT_REFUSED_WITH(total_pages, vt.ser.total_pages - KHO_VMALLOC_SIZE);
	EXPECT_REFUSED_WITH(first.phys, 0);
	EXPECT_REFUSED_WITH(first.phys, vt.ser.first.phys + 8);
	EXPECT_REFUSED_WITH(first.phys, BIT_ULL(62));
#undef EXPECT_REFUSED_WITH
}

static void damaged_entries_are_refused(struct kunit *test)
{
	u64 *entry;
	u64 good;

	preserve_many(test);
	entry = &nth_chunk(1)->phys[17];
	good = *entry;
	*entry = 0;
	expect_refused(test, &vt.ser);
	*entry = good + 1;
	expect_refused(test, &vt.ser);
	*entry = BIT_ULL(62);
	expect_refused(test, &vt.ser);
	*entry = good;
	fake_kho.lost = good;
	expect_refused(test, &vt.ser);
}

static void description_of_other_memory_fails_verification(struct kunit *test)
{
	void *other = vmalloc(2 * PAGE_SIZE);
	struct page *page = alloc_page(GFP_KERNEL);
	u64 *entry, good;

	preserve(test, vmalloc(2 * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, kho_verify_vmalloc(&vt.ser, other), -EINVAL);
	vfree(other);
	KUNIT_EXPECT_EQ(test, kho_verify_vmalloc(&vt.ser, &vt), -EINVAL);

	/* Preserved memory that is not in the area */
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_ASSERT_EQ(test, kho_preserve_pages(page, 1), 0);
	entry = &nth_chunk(0)->phys[1];
	good = *entry;
	*entry = page_to_phys(page);
	KUNIT_EXPECT_EQ(test, kho_verify_vmalloc(&vt.ser, vt.area), -EINVAL);
	*entry = good;
	kho_unpreserve_pages(page, 1);
	__free_page(page);

	/* Memory of the area that is not preserved */
	kho_unpreserve_pages(pfn_to_page(PHYS_PFN(good)), 1);
	KUNIT_EXPECT_EQ(test, kho_verify_vmalloc(&vt.ser, vt.area), -EINVAL);
	KUNIT_ASSERT_EQ(test, kho_preserve_pages(pfn_to_page(PHYS_PFN(good)), 1), 0);
	KUNIT_EXPECT_EQ(test, kho_verify_vmalloc(&vt.ser, vt.area), 0);
}

static void damaged_chains_are_refused(struct kunit *test)
{
	u64 *first_next, *last_next;
	u64 good;

	preserve_many(test);
	first_next = &nth_chunk(0)->hdr.next.phys;
	last_next = &nth_chunk(2)->hdr.next.phys;
	good = *first_next;

	*last_next = vt.ser.first.phys;
	expect_refused(test, &vt.ser);
	*last_next = 0;
	*first_next = vt.ser.first.phys;
	expect_refused(test, &vt.ser);
	*first_next = 0;
	expect_refused(test, &vt.ser);
	*first_next = good + 8;
	expect_refused(test, &vt.ser);
	*first_next = good;
	fake_kho.lost = good;
	expect_refused(test, &vt.ser);
}

static struct kunit_case vmalloc_cases[] = {
	KUNIT_CASE(descriptor_has_size_and_kind),
	KUNIT_CASE(chunks_list_all_pages_in_order),
	KUNIT_CASE(last_chunk_ends_the_chain),
	KUNIT_CASE(full_chunk_has_no_successor),
	KUNIT_CASE(huge_area_has_one_entry_per_block),
	KUNIT_CASE(preserved_pages_are_not_preserved_again),
	KUNIT_CASE(failed_preserve_leaves_nothing_preserved),
	KUNIT_CASE(unpreserve_leaves_nothing_preserved),
	KUNIT_CASE(other_memory_is_refused),
	KUNIT_CASE(other_areas_are_not_supported),
	KUNIT_CASE(restored_area_is_the_same_memory),
	KUNIT_CASE(restored_area_is_accounted),
	KUNIT_CASE(restored_area_frees_chunks_and_pages),
	KUNIT_CASE(restored_huge_area_is_the_same_memory),
	KUNIT_CASE(failed_restore_frees_restored_pages),
	KUNIT_CASE(damaged_descriptors_are_refused),
	KUNIT_CASE(damaged_entries_are_refused),
	KUNIT_CASE(damaged_chains_are_refused),
	KUNIT_CASE(description_of_other_memory_fails_verification),
	{}
};

static struct kunit_suite vmalloc_suite = {
	.name = "kho-vmalloc",
	.init = vmalloc_test_init,
	.exit = vmalloc_test_exit,
	.test_cases = vmalloc_cases,
};

kunit_test_suite(vmalloc_suite);
