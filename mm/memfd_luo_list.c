// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of memfds: the list of the folios of a preserved file
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Each folio is listed when its reference is taken. The list starts in the page of the
 * serialized state, which has room for small files and for contiguous ones. When that is
 * full, it moves to a vmalloc area.
 */

#define pr_fmt(fmt) "memfd_luo: " fmt

#include <linux/align.h>
#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/kexec_handover.h>
#include <linux/kho/boot.h>
#include <linux/kho/vmalloc.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "memfd_luo.h"

#define MEMFD_LUO_RUN_SIZE	sizeof(struct memfd_luo_run_ser)
/* Number of runs in each page of an area */
#define MEMFD_LUO_AREA_RUNS	(PAGE_SIZE / MEMFD_LUO_RUN_SIZE)
/* Largest list that may use low memory if other memory can't be preserved */
#define MEMFD_LUO_LOW_MAX	(SZ_256M / MEMFD_LUO_RUN_SIZE)
/* Number of pages between two checks for a signal */
#define MEMFD_LUO_SCAN		SZ_4K

/* The list */

static bool memfd_luo_has_area(const struct memfd_luo_outgoing *out)
{
	return out->runs != out->ser->runs;
}

/* Return the number of entries in the list. */
static u64 memfd_luo_len(const struct memfd_luo_outgoing *out)
{
	return out->nr_runs + out->nr_poisoned;
}

/* Replace the memory of the list. Do not log a failure: the size depends on the file. */
static int memfd_luo_move(struct memfd_luo_outgoing *out, u64 capacity, gfp_t gfp)
{
	struct memfd_luo_run_ser *runs;
	u64 i, nr;

	runs = __vmalloc_array(capacity, MEMFD_LUO_RUN_SIZE,
			       gfp | __GFP_ZERO | __GFP_NOWARN | __GFP_RETRY_MAYFAIL);
	if (!runs)
		return -ENOMEM;

	for (i = 0; i < memfd_luo_len(out); i += nr) {
		nr = min(memfd_luo_len(out) - i, (u64)SZ_64K);
		memcpy(runs + i, out->runs + i, nr * MEMFD_LUO_RUN_SIZE);
		cond_resched();
	}
	if (memfd_luo_has_area(out))
		vfree(out->runs);
	out->runs = runs;
	out->capacity = capacity;
	return 0;
}

/* Make room for at least one more entry. There are never more than @max. */
static int memfd_luo_grow(struct memfd_luo_outgoing *out, u64 max)
{
	return memfd_luo_move(out, ALIGN(min(2 * out->capacity, max),
					 MEMFD_LUO_AREA_RUNS), GFP_KERNEL_ACCOUNT);
}

/* Move the list back to the page of the serialized state. */
static void memfd_luo_move_back(struct memfd_luo_outgoing *out)
{
	struct memfd_luo_run_ser *runs = out->runs;

	memcpy(out->ser->runs, runs, memfd_luo_len(out) * MEMFD_LUO_RUN_SIZE);
	out->runs = out->ser->runs;
	out->capacity = MEMFD_LUO_PAGE_RUNS;
	vfree(runs);
}

/* The list is complete: free the pages that it does not use. */
static void memfd_luo_trim(struct memfd_luo_outgoing *out)
{
	u64 capacity = ALIGN(memfd_luo_len(out), MEMFD_LUO_AREA_RUNS);

	if (!memfd_luo_has_area(out))
		return;
	if (memfd_luo_len(out) <= MEMFD_LUO_PAGE_RUNS)
		memfd_luo_move_back(out);
	else if (capacity < out->capacity)
		/* On failure the list keeps them. */
		memfd_luo_move(out, capacity, GFP_KERNEL_ACCOUNT);
}

/*
 * Look at each page: memory_failure() marks the folio later than the page, and does not mark it
 * if it gets no reference to it.
 */
static noinline bool memfd_luo_any_poisoned(struct folio *folio)
{
	long i;

	for (i = 0; i < folio_nr_pages(folio); i++)
		if (PageHWPoison(folio_page(folio, i)))
			return true;
	return false;
}

/*
 * There must be room for another run. A large folio with hardware memory errors gets a run
 * of its own. Inline, because there can be millions of folios.
 */
static __always_inline void memfd_luo_append(struct memfd_luo_outgoing *out,
					     struct folio *folio)
{
	struct memfd_luo_run_ser *run = out->runs + out->nr_runs - 1;
	unsigned int order = folio_order(folio);
	unsigned long pfn = folio_pfn(folio), nr_pages = 1UL << order;
	pgoff_t index = folio->index;
	bool alone = order && out->poison_count && memfd_luo_any_poisoned(folio);

	if (pfn != out->next_pfn || index != out->next_index || alone ||
	    run->order != order || run->nr == MEMFD_LUO_RUN_MAX) {
		run = out->runs + out->nr_runs++;
		*run = (struct memfd_luo_run_ser) {
			.pfn = pfn,
			.index = index,
			.order = order,
		};
	}
	run->nr++;
	out->next_pfn = alone ? 0 : pfn + nr_pages;
	out->next_index = index + nr_pages;
	out->nr_pages += nr_pages;
}

static struct folio *memfd_luo_folio_at(const struct memfd_luo_outgoing *out,
					const struct memfd_luo_pos *pos)
{
	const struct memfd_luo_run_ser *run = &out->runs[pos->run];

	return pfn_folio(run->pfn + (pos->nr << run->order));
}

static void memfd_luo_step(const struct memfd_luo_outgoing *out, struct memfd_luo_pos *pos)
{
	if (++pos->nr == out->runs[pos->run].nr)
		*pos = (struct memfd_luo_pos) { .run = pos->run + 1 };
}

/* Get the next folios of the list, at most MEMFD_LUO_BATCH. Return their number. */
static unsigned int memfd_luo_next(const struct memfd_luo_outgoing *out,
				   struct memfd_luo_pos *pos, struct folio **folios)
{
	unsigned int nr = 0;

	while (nr < MEMFD_LUO_BATCH && pos->run < out->nr_runs) {
		const struct memfd_luo_run_ser run = out->runs[pos->run];
		u64 end = min((u64)run.nr, pos->nr + MEMFD_LUO_BATCH - nr);
		unsigned long pfn = run.pfn + (pos->nr << run.order);

		for (; pos->nr < end; pos->nr++, pfn += 1UL << run.order)
			folios[nr++] = (struct folio *)pfn_to_page(pfn);
		if (end == run.nr)
			*pos = (struct memfd_luo_pos) { .run = pos->run + 1 };
	}
	return nr;
}

/* Referencing */

/*
 * A fallocate()d folio that is not up to date has undefined content: zero it. Writing to a
 * page with a hardware memory error could be fatal.
 */
static noinline void memfd_luo_make_uptodate(struct folio *folio)
{
	long i;

	for (i = 0; i < folio_nr_pages(folio); i++)
		if (!PageHWPoison(folio_page(folio, i)))
			clear_highpage(folio_page(folio, i));
	flush_dcache_folio(folio);
	folio_mark_uptodate(folio);
}

/*
 * The folio may have been swapped out before it was referenced. Recheck under the
 * folio lock and return -EAGAIN if so.
 *
 * Inline, because there can be millions of folios.
 */
static __always_inline int memfd_luo_claim(struct address_space *mapping,
					   struct folio *folio, pgoff_t index)
{
	int err = 0;

	if (!folio_trylock(folio))
		err = folio_lock_killable(folio);
	if (err)
		return err;
	if (folio->mapping != mapping || folio->index != index)
		err = -EAGAIN;
	else if (!folio_test_uptodate(folio))
		memfd_luo_make_uptodate(folio);
	folio_unlock(folio);
	return err;
}

/*
 * Record the next folio of the file. On success @out takes the caller's reference. Mark the
 * folio dirty: the next kernel could drop a clean one. For shmem this only sets a flag.
 */
static __always_inline int memfd_luo_keep(struct memfd_luo_outgoing *out,
					  struct address_space *mapping,
					  struct folio *folio, pgoff_t *index)
{
	int err = memfd_luo_claim(mapping, folio, *index);

	if (err)
		return err;

	if (!folio_test_dirty(folio))
		folio_set_dirty(folio);
	memfd_luo_append(out, folio);
	*index = out->next_index;
	return 0;
}

/*
 * Return true if the old list, which this one replaces, has the folio, and advance in the
 * old list. Such a folio is preserved already, and stays where it is.
 */
static __always_inline bool memfd_luo_is_old(struct memfd_luo_outgoing *out,
					     const struct folio *folio)
{
	const struct memfd_luo_outgoing *old = out->old;

	if (!old || out->old_pos.run == old->nr_runs ||
	    folio != memfd_luo_folio_at(old, &out->old_pos))
		return false;
	memfd_luo_step(old, &out->old_pos);
	return true;
}

/*
 * Check whether a folio can be preserved where it is. The folios of a retrieved file may
 * stay in memory that is movable in this kernel: its state has references to those that
 * were preserved before, so they can't be migrated. Those that have filled holes since can
 * lie in scratch, and have to leave it. A folio with a hardware memory error can't be
 * migrated, either.
 */
static bool memfd_luo_can_stay(const struct memfd_luo_outgoing *out, struct folio *folio)
{
	return kho_is_preservable(folio_pfn(folio), folio_nr_pages(folio)) &&
	       (!out->frozen || folio_is_longterm_pinnable(folio) ||
		folio_contain_hwpoisoned_page(folio));
}

/*
 * Reference present folios from @index on. Stop at a hole, at the first folio that has to
 * be swapped in or migrated, or when the list is full.
 */
static int memfd_luo_hold_present(struct memfd_luo_outgoing *out, struct inode *inode,
				  pgoff_t *index, u64 nr_pages)
{
	u64 room = out->capacity - out->nr_runs;
	unsigned long block, good_block = ULONG_MAX;
	struct folio *folios[MEMFD_LUO_BATCH];
	pgoff_t next = *index;
	unsigned int i, nr;
	int err = 0;

	nr = shmem_luo_get_folios(inode, next, nr_pages, folios,
				  min(room, (u64)MEMFD_LUO_BATCH));
	for (i = 0; i < nr; i++) {
		struct folio *folio = folios[i];

		if (memfd_luo_is_old(out, folio)) {
			memfd_luo_append(out, folio);
			next = out->next_index;
			continue;
		}

		/* Except poisoned ones, all folios of a pageblock can stay, or none of them. */
		block = folio_pfn(folio) >> pageblock_order;
		if (block != good_block) {
			if (!memfd_luo_can_stay(out, folio))
				break;
			if (!folio_contain_hwpoisoned_page(folio))
				good_block = block;
		}

		/* A huge page has taken the place of holes before the index. */
		if (folio->index < next && folio->index >= out->next_index)
			next = folio->index;
		err = memfd_luo_keep(out, inode->i_mapping, folio, &next);
		if (err)
			break;
	}
	*index = next;
	for (; i < nr; i++)
		folio_put(folios[i]);
	return err == -EAGAIN ? 0 : err;
}

/*
 * Swap in and migrate pages in [index, end). Before the first ones, check that there is
 * memory for all of them.
 */
static int memfd_luo_settle(struct memfd_luo_outgoing *out, struct inode *inode,
			    pgoff_t index, pgoff_t end)
{
	int err;

	if (!out->checked) {
		err = shmem_luo_check_room(inode, index, end);
		if (err)
			return err;
		out->checked = true;
	}
	return shmem_luo_settle(inode, index, end);
}

/* Return the number of pages in the system that have a hardware memory error. */
static unsigned long memfd_luo_poison_count(void)
{
	return IS_ENABLED(CONFIG_MEMORY_FAILURE) ? atomic_long_read(&num_poisoned_pages) : 0;
}

/*
 * Find a page of a run that has a hardware memory error. Start with page *@nr of the run, and
 * store the number of the page that is found. A run can have millions of pages.
 *
 * Return 1 if there is such a page, 0 if not, or -EINTR if a fatal signal is pending.
 */
static int memfd_luo_find_poisoned(const struct memfd_luo_run_ser *run, u64 *nr)
{
	u64 end = (u64)run->nr << run->order;

	for (; *nr < end; ++*nr) {
		if (!(*nr % MEMFD_LUO_SCAN)) {
			if (fatal_signal_pending(current))
				return -EINTR;
			cond_resched();
		}
		if (PageHWPoison(pfn_to_page(run->pfn + *nr)))
			return 1;
	}
	return 0;
}

/*
 * List the pages of a run that have a hardware memory error. If a large folio has got one
 * since it was listed, leave it to freeze(): it must be listed alone.
 */
static int memfd_luo_list_poisoned_run(struct memfd_luo_outgoing *out,
				       struct memfd_luo_run_ser run)
{
	u64 nr;
	int ret, err;

	if (run.order && run.nr > 1)
		return 0;

	for (nr = 0; (ret = memfd_luo_find_poisoned(&run, &nr)) > 0; nr++) {
		err = memfd_luo_len(out) == out->capacity ? memfd_luo_grow(out, U64_MAX) : 0;
		if (err)
			return err;
		out->runs[memfd_luo_len(out)] = (struct memfd_luo_run_ser) {
			.pfn = run.pfn + nr,
			.nr = 1,
			.index = run.index + nr,
		};
		out->nr_poisoned++;
	}
	return ret;
}

static int memfd_luo_list_poisoned(struct memfd_luo_outgoing *out)
{
	u64 i;
	int err = 0;

	if (!out->poison_count)
		return 0;

	for (i = 0; i < out->nr_runs && !err; i++)
		err = memfd_luo_list_poisoned_run(out, out->runs[i]);
	return err;
}

/*
 * Reference all folios inside the file's size, which does not change. A referenced folio
 * stays in memory at its address. Folios in scratch or movable memory are migrated first.
 */
static int memfd_luo_hold_all(struct memfd_luo_outgoing *out, struct inode *inode)
{
	u64 nr_pages = memfd_luo_nr_pages(i_size_read(inode));
	pgoff_t index = 0, start;
	int err = 0;

	out->poison_count = memfd_luo_poison_count();
	while (!err && shmem_luo_find(inode, &index, nr_pages)) {
		if (out->nr_runs == out->capacity)
			err = memfd_luo_grow(out, nr_pages);
		start = index;
		if (!err)
			err = memfd_luo_hold_present(out, inode, &index, nr_pages);
		/* The state of a retrieved file may hold the folios after this one. */
		if (!err && index == start)
			err = memfd_luo_settle(out, inode, index,
					       out->frozen ? nr_pages : index + 1);
		if (!err && fatal_signal_pending(current))
			err = -EINTR;
		cond_resched();
	}
	return err ?: memfd_luo_list_poisoned(out);
}

/**
 * memfd_luo_hold - reference the folios of a file, and list them
 * @out: the file. Its list is empty.
 * @inode: its inode, which is frozen
 *
 * After an error the caller must call memfd_luo_drop().
 *
 * Context: May sleep.
 * Return: 0, -ENOMEM, -EINTR if a fatal signal is pending, -EBUSY, -EOPNOTSUPP if a page
 * that can't be preserved where it is has a hardware memory error.
 */
int memfd_luo_hold(struct memfd_luo_outgoing *out, struct inode *inode)
{
	int err = memfd_luo_hold_all(out, inode);

	if (!err)
		memfd_luo_trim(out);
	return err;
}

/* Drop the references, and free the list. */
static void memfd_luo_release(struct memfd_luo_outgoing *out)
{
	struct memfd_luo_pos pos = { };
	struct folio *folios[MEMFD_LUO_BATCH];
	unsigned int i, nr;

	while ((nr = memfd_luo_next(out, &pos, folios))) {
		for (i = 0; i < nr; i++)
			memfd_luo_put_folio(folios[i]);
		cond_resched();
	}
	if (memfd_luo_has_area(out))
		vfree(out->runs);
}

/**
 * memfd_luo_drop - undo memfd_luo_hold()
 * @out: the file
 * @inode: its inode
 *
 * Context: May sleep.
 */
void memfd_luo_drop(struct memfd_luo_outgoing *out, struct inode *inode)
{
	/* A retrieved file, which preserve() has not frozen, stays unevictable. */
	if (out->frozen)
		shmem_luo_make_evictable(inode->i_mapping, out->nr_pages);
	memfd_luo_release(out);
}

/* Preserving */

static int memfd_luo_preserve_area(struct memfd_luo_outgoing *out,
				   struct kho_vmalloc *area)
{
	int err;

	memset(area, 0, sizeof(*area));
	if (!memfd_luo_has_area(out))
		return 0;

	err = kho_preserve_vmalloc(out->runs, area);
	/*
	 * The list may lie in hot-added memory. Retry in low memory, which was
	 * present at boot but is scarce.
	 */
	if (err == -EINVAL && memfd_luo_len(out) <= MEMFD_LUO_LOW_MAX) {
		err = memfd_luo_move(out, out->capacity, GFP_KERNEL_ACCOUNT | GFP_DMA32);
		err = err ?: kho_preserve_vmalloc(out->runs, area);
	}
	return err;
}

static void memfd_luo_unpreserve_area(struct memfd_luo_outgoing *out)
{
	struct kho_vmalloc area = out->ser->area;

	kho_unpreserve_vmalloc(&area);
	out->ser->area = area;
}

static void memfd_luo_store_list(struct memfd_luo_outgoing *out, struct kho_vmalloc area)
{
	out->ser->nr_runs = out->nr_runs;
	out->ser->nr_poisoned = out->nr_poisoned;
	out->ser->area = area;
}

/* Unpreserve the first @left folios of the list. */
static void memfd_luo_unpreserve_held(struct memfd_luo_outgoing *out, u64 left)
{
	struct memfd_luo_pos pos = { };
	struct folio *folios[MEMFD_LUO_BATCH];
	unsigned int nr;

	for (; left && (nr = memfd_luo_next(out, &pos, folios)); left -= nr) {
		nr = min(nr, left);
		kho_unpreserve_folios(folios, nr);
	}
}

static int memfd_luo_preserve_held(struct memfd_luo_outgoing *out)
{
	struct memfd_luo_pos pos = { };
	struct folio *folios[MEMFD_LUO_BATCH];
	unsigned int nr;
	u64 done = 0;
	int err;

	for (; (nr = memfd_luo_next(out, &pos, folios)); done += nr) {
		err = fatal_signal_pending(current) ? -EINTR :
						      kho_preserve_folios(folios, nr);
		if (err) {
			memfd_luo_unpreserve_held(out, done);
			return err;
		}
	}
	return 0;
}

/**
 * memfd_luo_preserve_folios - preserve the folios of a file and their list
 * @out: the file, after memfd_luo_hold()
 *
 * Context: May sleep.
 * Return: 0, -ENOMEM, -EINTR if a fatal signal is pending, -EOPNOTSUPP for memory that was
 * hot-added after boot. After an error nothing is preserved.
 */
int memfd_luo_preserve_folios(struct memfd_luo_outgoing *out)
{
	struct kho_vmalloc area;
	int err;

	err = memfd_luo_preserve_area(out, &area);
	if (!err) {
		err = memfd_luo_preserve_held(out);
		if (err)
			kho_unpreserve_vmalloc(&area);
	}
	if (err)
		return err == -EINVAL ? -EOPNOTSUPP : err;

	memfd_luo_store_list(out, area);
	return 0;
}

/**
 * memfd_luo_unpreserve_folios - undo memfd_luo_preserve_folios()
 * @out: the file
 *
 * Context: May sleep.
 */
void memfd_luo_unpreserve_folios(struct memfd_luo_outgoing *out)
{
	memfd_luo_unpreserve_held(out, U64_MAX);
	memfd_luo_unpreserve_area(out);
}

/**
 * memfd_luo_hide_list - unpreserve the serialized state and the list, but not the folios
 * @out: the file, after memfd_luo_preserve_folios()
 *
 * Context: May sleep.
 */
void memfd_luo_hide_list(struct memfd_luo_outgoing *out)
{
	if (out->hidden)
		return;
	memfd_luo_unpreserve_area(out);
	kho_unpreserve_pages(virt_to_page(out->ser), 1);
	out->hidden = true;
}

/**
 * memfd_luo_show_list - undo memfd_luo_hide_list()
 * @out: the file
 *
 * Context: May sleep.
 * Return: 0, -ENOMEM, or -EOPNOTSUPP. After an error the list is still hidden.
 */
int memfd_luo_show_list(struct memfd_luo_outgoing *out)
{
	struct kho_vmalloc area;
	int err;

	if (!out->hidden)
		return 0;

	err = kho_preserve_pages(virt_to_page(out->ser), 1);
	if (err)
		return err;
	err = memfd_luo_preserve_area(out, &area);
	if (err) {
		kho_unpreserve_pages(virt_to_page(out->ser), 1);
		return err == -EINVAL ? -EOPNOTSUPP : err;
	}
	memfd_luo_store_list(out, area);
	out->hidden = false;
	out->relisted = true;
	return 0;
}

/* Adding */

/*
 * Get the next folios of @out that are not in @old. All folios of @old are in @out, and both
 * lists are in the order of the file.
 */
static unsigned int memfd_luo_next_new(const struct memfd_luo_outgoing *out,
				       struct memfd_luo_pos *pos,
				       const struct memfd_luo_outgoing *old,
				       struct memfd_luo_pos *old_pos, struct folio **folios)
{
	struct folio *batch[MEMFD_LUO_BATCH];
	unsigned int i, nr, nr_new = 0;

	while (!nr_new && (nr = memfd_luo_next(out, pos, batch))) {
		for (i = 0; i < nr; i++) {
			if (old_pos->run < old->nr_runs &&
			    batch[i] == memfd_luo_folio_at(old, old_pos))
				memfd_luo_step(old, old_pos);
			else
				folios[nr_new++] = batch[i];
		}
		cond_resched();
	}
	return nr_new;
}

static void memfd_luo_unpreserve_new(const struct memfd_luo_outgoing *out,
				     const struct memfd_luo_outgoing *old, u64 left)
{
	struct memfd_luo_pos pos = { }, old_pos = { };
	struct folio *folios[MEMFD_LUO_BATCH];
	unsigned int nr;

	for (; left; left -= nr) {
		nr = memfd_luo_next_new(out, &pos, old, &old_pos, folios);
		kho_unpreserve_folios(folios, nr);
	}
}

/* Preserve the folios of @out that are not in @old. Store in @done how many were preserved. */
static int memfd_luo_preserve_new(const struct memfd_luo_outgoing *out,
				  const struct memfd_luo_outgoing *old, u64 *done)
{
	struct memfd_luo_pos pos = { }, old_pos = { };
	struct folio *folios[MEMFD_LUO_BATCH];
	unsigned int nr;
	int err = 0;

	for (*done = 0; (nr = memfd_luo_next_new(out, &pos, old, &old_pos, folios));
	     *done += nr) {
		err = kho_preserve_folios(folios, nr);
		if (err)
			break;
	}
	return err;
}

/* Replace the list by a newer one. */
static void memfd_luo_replace(struct memfd_luo_outgoing *out,
			      struct memfd_luo_outgoing *new, struct kho_vmalloc area)
{
	memfd_luo_unpreserve_area(out);
	memfd_luo_release(out);
	if (memfd_luo_len(new) <= MEMFD_LUO_PAGE_RUNS)
		memfd_luo_move_back(new);
	new->old = NULL;
	new->v2 = out->v2;
	new->hidden = out->hidden;
	new->relisted = true;
	*out = *new;
	memfd_luo_store_list(out, area);
}

/*
 * The folios that are held can't leave the page cache, but pages past the end of the file
 * can. Those are counted last, so holes that were filled are not missed.
 */
static bool memfd_luo_is_complete(const struct memfd_luo_outgoing *out,
				  struct inode *inode)
{
	unsigned long nr = shmem_luo_nr_present(inode);

	return nr == out->nr_pages ||
	       nr - out->nr_pages ==
	       shmem_luo_nr_beyond(inode, memfd_luo_nr_pages(i_size_read(inode)));
}

/*
 * Return 1 if pages have got a hardware memory error since they were listed, 0 if not, or
 * -EINTR if a fatal signal is pending.
 */
static int memfd_luo_has_new_poison(struct memfd_luo_outgoing *out)
{
	unsigned long count = memfd_luo_poison_count();
	u64 i, at, nr = 0;
	int ret;

	if (count == out->poison_count)
		return 0;

	for (i = 0; i < out->nr_runs; i++) {
		for (at = 0; (ret = memfd_luo_find_poisoned(&out->runs[i], &at)) > 0; at++)
			nr++;
		if (ret)
			return ret;
	}
	if (nr != out->nr_poisoned)
		return 1;
	/* The pages that have got an error since are in other files. */
	out->poison_count = count;
	return 0;
}

/**
 * memfd_luo_refresh - list what has changed in a preserved file
 * @out: the file, after memfd_luo_preserve_folios()
 * @inode: its inode, which is frozen
 *
 * Preserve the folios that have filled holes, and list the pages that have got a hardware
 * memory error.
 *
 * Context: May sleep.
 * Return: 0, or an error of memfd_luo_hold() or memfd_luo_preserve_folios(). After an error
 * nothing has changed.
 */
int memfd_luo_refresh(struct memfd_luo_outgoing *out, struct inode *inode)
{
	struct memfd_luo_outgoing new = {
		.ser = out->ser,
		.frozen = out->frozen,
		.old = out,
	};
	struct kho_vmalloc area = { };
	u64 done = 0;
	int err;

	if (memfd_luo_is_complete(out, inode)) {
		err = memfd_luo_has_new_poison(out);
		if (err <= 0)
			return err;
	}

	/* The old list may be in the page, so the new one can't be there yet. */
	err = memfd_luo_move(&new, ALIGN(memfd_luo_len(out) + 1, MEMFD_LUO_AREA_RUNS),
			     GFP_KERNEL_ACCOUNT);
	if (err)
		return err;

	err = memfd_luo_hold_all(&new, inode);
	if (!err)
		err = memfd_luo_preserve_new(&new, out, &done);
	if (!err && !out->hidden && memfd_luo_len(&new) > MEMFD_LUO_PAGE_RUNS)
		err = memfd_luo_preserve_area(&new, &area);
	if (err) {
		memfd_luo_unpreserve_new(&new, out, done);
		memfd_luo_release(&new);
		return err == -EINVAL ? -EOPNOTSUPP : err;
	}

	memfd_luo_replace(out, &new, area);
	return 0;
}
