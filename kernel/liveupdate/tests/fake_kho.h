/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory that the previous kernel preserved, in KUnit tests.
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * A test that restores what it has preserved plays both kernels. In place of the
 * functions of kexec handover, the stubs below treat all RAM as preserved. They
 * restore memory by taking another reference on it, and free none.
 */
#ifndef _LIVEUPDATE_TESTS_FAKE_KHO_H
#define _LIVEUPDATE_TESTS_FAKE_KHO_H

#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <linux/kexec_handover.h>
#include <linux/mm.h>
#include <linux/pfn.h>

static struct {
	phys_addr_t lost;		/* an address that is not preserved */
	unsigned int restores_left;	/* restored ranges of pages before one fails */
	unsigned int nr_freed;		/* calls of kho_restore_free() */
	unsigned int nr_folios;		/* restored folios */
} fake_kho;

static bool fake_contains(phys_addr_t phys, size_t size)
{
	return pfn_valid(PHYS_PFN(phys)) && phys != fake_kho.lost;
}

static bool fake_has_pages(phys_addr_t phys, unsigned long nr)
{
	return fake_contains(phys, nr << PAGE_SHIFT);
}

static int fake_order(phys_addr_t phys)
{
	if (!fake_contains(phys, PAGE_SIZE))
		return -ENOENT;
	return folio_order(pfn_folio(PHYS_PFN(phys)));
}

static struct page *fake_restore_pages(phys_addr_t phys, unsigned long nr)
{
	struct page *page = pfn_to_page(PHYS_PFN(phys));

	if (!fake_kho.restores_left)
		return NULL;

	fake_kho.restores_left--;
	while (nr--)
		get_page(page + nr);
	return page;
}

static struct folio *fake_restore_folio(phys_addr_t phys)
{
	struct folio *folio;

	if (!fake_contains(phys, PAGE_SIZE))
		return NULL;

	folio = pfn_folio(PHYS_PFN(phys));
	folio_get(folio);
	fake_kho.nr_folios++;
	return folio;
}

static struct folio *fake_restore_compound(phys_addr_t phys, unsigned int order)
{
	return fake_order(phys) == (int)order ? fake_restore_folio(phys) : NULL;
}

static void fake_restore_free(void *mem)
{
	fake_kho.nr_freed++;
}

/* Replace the functions until the end of the test. */
static void fake_kho_start(struct kunit *test)
{
	memset(&fake_kho, 0, sizeof(fake_kho));
	fake_kho.restores_left = UINT_MAX;
	kunit_activate_static_stub(test, kho_incoming_contains, fake_contains);
	kunit_activate_static_stub(test, kho_incoming_has_pages, fake_has_pages);
	kunit_activate_static_stub(test, kho_incoming_order, fake_order);
	kunit_activate_static_stub(test, kho_restore_pages, fake_restore_pages);
	kunit_activate_static_stub(test, kho_restore_folio, fake_restore_folio);
	kunit_activate_static_stub(test, kho_restore_compound, fake_restore_compound);
	kunit_activate_static_stub(test, kho_restore_free, fake_restore_free);
}

#endif /* _LIVEUPDATE_TESTS_FAKE_KHO_H */
