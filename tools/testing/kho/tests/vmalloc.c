// SPDX-License-Identifier: GPL-2.0
/*
 * vmalloc areas of random size
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <string.h>

#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include <linux/kexec_handover.h>
#include <linux/kho/vmalloc.h>

#include "shim/check.h"
#include "shim/faults.h"
#include "shim/random.h"
#include "tests/test.h"

#define NR_AREAS	300

static void fill(u64 *words, unsigned long pages)
{
	unsigned long i;

	for (i = 0; i < pages; i++)
		words[i * (PAGE_SIZE / sizeof(*words))] = random_u64();
}

static bool equal(const u64 *a, const u64 *b, unsigned long pages)
{
	unsigned long i;

	for (i = 0; i < pages; i++)
		if (a[i * (PAGE_SIZE / sizeof(*a))] != b[i * (PAGE_SIZE / sizeof(*b))])
			return false;

	return true;
}

/* Free the previous kernel's data of the area. */
static void forget_area(void *area)
{
	struct vm_struct *vm = find_vm_area_struct(area);

	kfree(vm->pages);
	free_vm_area(vm);
	check(!slab_objects());
	mm_reset();
}

/* Retry until no allocation fails any more, then check that the content has arrived. */
static void hand_over(unsigned long pages, unsigned int order)
{
	void *area = vmalloc_order(pages << PAGE_SHIFT, order), *restored;
	struct kho_vmalloc preservation;
	unsigned int fail_at;
	int err;

	fill(area, pages);
	for (fail_at = 1;; fail_at++) {
		shim_fail_at = fail_at;
		err = kho_preserve_vmalloc(area, &preservation);
		if (!err)
			break;
		check(err == -ENOMEM);
		check(!mm_nr_preserved());
	}

	for (fail_at = 1;; fail_at++) {
		unsigned long preserved = mm_nr_preserved();

		shim_fail_at = fail_at;
		restored = kho_restore_vmalloc(&preservation);
		if (restored)
			break;
		check(mm_nr_preserved() == preserved);
	}
	shim_fail_at = 0;

	check(equal(area, restored, pages));
	vfree(restored);
	check(!mm_nr_allocated());
	forget_area(area);
}

static void random_areas(void)
{
	unsigned int i, order;

	for (i = 0; i < NR_AREAS; i++) {
		order = random_below(4);
		hand_over((1 + random_below(40)) << order, order);
	}
}

/* Sizes that fill chunks exactly, and one page more or less */
static void sizes_around_chunks(void)
{
	unsigned int chunks;
	int more;

	for (chunks = 1; chunks <= 3; chunks++)
		for (more = -1; more <= 1; more++)
			hand_over(chunks * KHO_VMALLOC_SIZE + more, 0);
}

/* Another kernel can append an empty chunk to a full one. */
static void empty_chunk_is_freed(void)
{
	void *area = vmalloc_order(KHO_VMALLOC_SIZE << PAGE_SHIFT, 0), *restored;
	struct kho_vmalloc preservation;
	struct kho_vmalloc_chunk *empty;

	fill(area, KHO_VMALLOC_SIZE);
	check(!kho_preserve_vmalloc(area, &preservation));
	empty = kho_alloc_preserve(sizeof(*empty));
	KHOSER_STORE_PTR(KHOSER_LOAD_PTR(preservation.first)->hdr.next, empty);

	/* One that is not empty belongs to a larger area. */
	empty->phys[0] = page_to_phys(find_vm_area(area)->pages[0]);
	check(!kho_restore_vmalloc(&preservation));
	empty->phys[0] = 0;
	KHOSER_STORE_PTR(empty->hdr.next, empty);
	check(!kho_restore_vmalloc(&preservation));
	empty->hdr.next.phys = 0;

	restored = kho_restore_vmalloc(&preservation);
	check(restored && equal(area, restored, KHO_VMALLOC_SIZE));
	check(!mm_nr_preserved());
	vfree(restored);
	check(!mm_nr_allocated());
	forget_area(area);
}

const struct test_case test_cases[] = {
	{ "random areas, with failing allocations", random_areas },
	{ "full chunks", sizes_around_chunks },
	{ "empty chunk at the end", empty_chunk_is_freed },
	{}
};
