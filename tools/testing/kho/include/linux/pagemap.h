/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Folios in a page cache: see shim/shmem.c
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_LINUX_PAGEMAP_H
#define _KHO_LINUX_PAGEMAP_H

#include <linux/bits.h>
#include <linux/fs.h>
#include <linux/mm.h>

enum shim_folio_flag {
	FOLIO_LOCKED = 1,
	FOLIO_SWAPBACKED,
	FOLIO_VALID,
	FOLIO_DIRTY,
	FOLIO_LRU,
	FOLIO_CHARGED,
	FOLIO_POISONED,	/* of each page */
	FOLIO_HAS_POISONED,
	FOLIO_IN_POOL,	/* of huge pages */
};

#define folio_has(folio, flag)		(!!((folio)->page.flags & BIT(flag)))
#define folio_gets(folio, flag)		((folio)->page.flags |= BIT(flag))
#define folio_loses(folio, flag)	((folio)->page.flags &= ~BIT(flag))

#define folio_lock(folio)		folio_gets(folio, FOLIO_LOCKED)
#define folio_trylock(folio)		(folio_lock(folio), true)
#define folio_lock_killable(folio)	(folio_lock(folio), 0)
#define __folio_set_locked(folio)	folio_gets(folio, FOLIO_LOCKED)
#define folio_unlock(folio)		folio_loses(folio, FOLIO_LOCKED)
#define __folio_set_swapbacked(folio)	folio_gets(folio, FOLIO_SWAPBACKED)
#define folio_test_uptodate(folio)	folio_has(folio, FOLIO_VALID)
#define folio_mark_uptodate(folio)	folio_gets(folio, FOLIO_VALID)
#define __folio_mark_uptodate(folio)	folio_gets(folio, FOLIO_VALID)
#define folio_test_dirty(folio)		folio_has(folio, FOLIO_DIRTY)
#define folio_mark_dirty(folio)		folio_gets(folio, FOLIO_DIRTY)
#define folio_set_dirty(folio)		folio_gets(folio, FOLIO_DIRTY)
#define folio_add_lru(folio)		folio_gets(folio, FOLIO_LRU)
#define folio_test_unevictable(folio)	((void)(folio), false)

#define folio_size(folio)		(PAGE_SIZE << folio_order(folio))
#define page_zone_id(page)		((void)(page), 0)
#define folio_is_longterm_pinnable(folio)	((void)(folio), true)
#define clear_highpage(page)		memset(page_address(page), 0, PAGE_SIZE)
#define flush_dcache_folio(folio)	((void)(folio))

#define mapping_gfp_mask(mapping)	((void)(mapping), GFP_KERNEL)
#define mapping_set_gfp_mask(mapping, mask)	((void)(mapping), (void)(mask))
#define MAX_PAGECACHE_ORDER			MAX_PAGE_ORDER
#define mapping_set_unevictable(mapping)	((void)(mapping))
#define i_mmap_lock_read(mapping)		((void)(mapping))
#define i_mmap_unlock_read(mapping)		((void)(mapping))

/* No file is mapped. */
#define vma_interval_tree_foreach(vma, ...)	for (; ((vma) = NULL);)

static inline unsigned long folio_next_index(const struct folio *folio)
{
	return folio->index + folio_nr_pages(folio);
}

#endif
