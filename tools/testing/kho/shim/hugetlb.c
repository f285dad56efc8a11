// SPDX-License-Identifier: GPL-2.0
/*
 * Memfds of huge pages, and the pool as far as the file handler knows it
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <linux/errno.h>
#include <linux/hugetlb.h>
#include <linux/kernel.h>
#include <linux/pagevec.h>

#include "shim/check.h"
#include "shim/faults.h"
#include "shim/shmem.h"

bool shim_huge_pages = true;
unsigned long shim_nr_pool_pages;
unsigned long shim_nr_forgotten;

static struct hstate hstates[] = { { 2 }, { 3 } };

struct hstate *size_to_hstate(unsigned long size)
{
	unsigned int i;

	for (i = 0; shim_huge_pages && i < ARRAY_SIZE(hstates); i++)
		if (huge_page_size(&hstates[i]) == size)
			return &hstates[i];
	return NULL;
}

/* The size is in the flags of memfd_create(). */
struct hstate *hstate_inode(struct inode *inode)
{
	const struct memfd *memfd = container_of(inode, struct memfd, inode);
	struct hstate *h = size_to_hstate(1UL << (memfd->flags >> MFD_HUGE_SHIFT));

	check(memfd->flags & MFD_HUGETLB && h);
	return h;
}

static struct folio *find_folio(const struct memfd *memfd, unsigned long index)
{
	unsigned int i;

	for (i = 0; i < memfd->nr_folios; i++)
		if (memfd->folios[i]->index == index)
			return memfd->folios[i];
	return NULL;
}

unsigned int filemap_get_folios(struct address_space *mapping, pgoff_t *index, pgoff_t last,
				struct folio_batch *batch)
{
	const struct memfd *memfd = container_of(mapping, struct memfd, mapping);
	struct folio *folio;

	for (; *index <= last && batch->nr < PAGEVEC_SIZE; ++*index) {
		folio = find_folio(memfd, *index);
		if (!folio)
			continue;
		folio_get(folio);
		batch->folios[batch->nr++] = folio;
	}
	return batch->nr;
}

int hugetlb_add_adopted_folio(struct file *file, pgoff_t index, struct folio *folio)
{
	struct memfd *memfd = to_memfd(file);
	struct hstate *h = hstate_file(file);

	check(folio_has(folio, FOLIO_IN_POOL) && folio_order(folio) == h->order);
	check(!memfd->closed);
	if (find_folio(memfd, index << h->order))
		return -EEXIST;
	if (shim_should_fail())
		return -ENOMEM;

	check(memfd->nr_folios < SHMEM_MAX_FOLIOS);
	folio_get(folio);
	folio->index = index << h->order;
	memfd->folios[memfd->nr_folios++] = folio;
	memfd->mapping.nrpages += folio_nr_pages(folio);
	return 0;
}

int hugetlb_pool_luo_add(struct hstate *h, int nid, unsigned long nr)
{
	if (shim_should_fail())
		return -ENOMEM;

	shim_nr_pool_pages += nr;
	return 0;
}

void hugetlb_pool_luo_sub(struct hstate *h, int nid, unsigned long nr)
{
	check(shim_nr_pool_pages >= nr);
	shim_nr_pool_pages -= nr;
}

void hugetlb_pool_luo_adopt(struct hstate *h, struct folio **folios, unsigned int nr)
{
	unsigned int i;

	check(nr <= HUGETLB_POOL_LUO_BATCH);
	for (i = 0; i < nr; i++) {
		check(folios[i]->page.allocated && !folios[i]->page.preserved);
		check(folios[i]->page.count == 1 && folio_order(folios[i]) == h->order);
		folio_gets(folios[i], FOLIO_IN_POOL);
	}
}

void hugetlb_pool_luo_sub_foreign(unsigned int order, int nid)
{
	check(!size_to_hstate(PAGE_SIZE << order));
	shim_nr_forgotten++;
}
