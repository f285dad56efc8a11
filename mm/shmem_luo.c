// SPDX-License-Identifier: GPL-2.0
/*
 * Make the pages of a shmem file fit to be preserved
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * A page that is to be preserved must be in memory, and must be able to stay where it
 * is: not in scratch, which is CMA memory, and not in movable memory. So pages that are
 * swapped out are read, and other pages are migrated. Holes stay holes.
 *
 * All of this needs memory outside scratch. On a full host there is little of it, and
 * nothing else may suffer: the OOM killer is not invoked, and the free memory stays
 * above the high watermarks, so that other tasks need not invoke it either.
 */

#include <linux/atomic.h>
#include <linux/cpuset.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/kexec_handover.h>
#include <linux/kho/boot.h>
#include <linux/list.h>
#include <linux/memcontrol.h>
#include <linux/mempolicy.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/pagemap.h>
#include <linux/pagevec.h>
#include <linux/rcupdate_wait.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/sizes.h>
#include <linux/swap.h>
#include <linux/vmstat.h>
#include <linux/xarray.h>

#include "internal.h"

/*
 * Number of pages that are handled at a time. Compaction waits while too many pages
 * are isolated for migration, including those that its own task has isolated.
 */
#define SHMEM_LUO_BATCH	((pgoff_t)(SZ_4M / PAGE_SIZE))

/* Attempts to migrate folios that are in use, one or two ticks apart */
#define SHMEM_LUO_TRIES	(HZ / 4)
/* Number of attempts after which the per-CPU lists of the LRU are drained again */
#define SHMEM_LUO_DRAIN	(HZ / 16)

/* Number of pages of batches in progress, which may not have been allocated yet */
static atomic_long_t shmem_luo_taking;

/* Zones above this one have movable memory only. */
#define SHMEM_LUO_ZONE	gfp_zone(GFP_HIGHUSER)

/**
 * struct shmem_luo_move - the migration of a batch of folios
 * @inode: the file
 * @folios: the folios to migrate, isolated
 * @drained: folios in the per-CPU lists of the LRU were added to it
 * @busy: a folio could not be isolated
 * @no_memory: a single page could not be allocated
 */
struct shmem_luo_move {
	struct inode *inode;
	struct list_head folios;
	bool drained;
	bool busy;
	bool no_memory;
};

/*
 * Memory that was hot-added is not movable by itself, but can't be preserved. A folio with a
 * hardware memory error can't be migrated, and keeps movable memory in use anyway.
 */
static bool shmem_luo_can_stay(struct folio *folio)
{
	return (folio_is_longterm_pinnable(folio) ||
		folio_contain_hwpoisoned_page(folio)) &&
	       kho_is_preservable(folio_pfn(folio), folio_nr_pages(folio));
}

/* Counting */

/**
 * shmem_luo_find - find the next page of a file that is not in a hole
 * @inode: the file
 * @index: where to start. Set to the index of the page that is found, which may be
 *	   swapped out.
 * @end: index after the last page
 *
 * Context: Any.
 * Return: false if there is none before @end.
 */
bool shmem_luo_find(struct inode *inode, pgoff_t *index, pgoff_t end)
{
	return *index < end &&
	       xa_find(&inode->i_mapping->i_pages, index, end - 1, XA_PRESENT);
}

/**
 * shmem_luo_get_folios - reference the next folios of a file
 * @inode: the file
 * @index: index of a page of the first one
 * @end: index after the last page
 * @folios: array for the folios. The caller must drop the references.
 * @max: maximum number of folios to store
 *
 * Stop at a hole, and at a page that is swapped out. A folio can leave the page cache at any
 * time: check again under its lock. This is faster than
 * filemap_get_folios_contig(), which takes no lock and so has to look at each folio twice.
 *
 * Context: Takes a lock with interrupts disabled.
 * Return: the number of folios.
 */
unsigned int shmem_luo_get_folios(struct inode *inode, pgoff_t index, pgoff_t end,
				  struct folio **folios, unsigned int max)
{
	XA_STATE(xas, &inode->i_mapping->i_pages, index);
	struct folio *folio;
	unsigned int nr = 0;

	xas_lock_irq(&xas);
	for (folio = xas_load(&xas); folio && nr < max && xas.xa_index < end;
	     folio = xas_next(&xas)) {
		if (xa_is_value(folio))
			break;
		folio_get(folio);
		folios[nr++] = folio;
		if (folio_test_large(folio))
			xas_advance(&xas, folio_next_index(folio) - 1);
	}
	xas_unlock_irq(&xas);
	return nr;
}

/* Get the nodes that a page at @index can be allocated on. */
static void shmem_luo_nodes(struct inode *inode, pgoff_t index, nodemask_t *nodes)
{
	struct mempolicy *policy = mpol_shared_policy_lookup(&SHMEM_I(inode)->policy,
							     index);

	if (!policy)
		policy = get_task_policy(current);

	*nodes = cpuset_current_mems_allowed;
#ifdef CONFIG_NUMA
	if (policy->mode == MPOL_BIND && nodes_intersects(policy->nodes, *nodes))
		nodes_and(*nodes, *nodes, policy->nodes);
#endif
	mpol_cond_put(policy);
}

/*
 * Return the number of pages in [start, end) that can't stay as they are, and each of
 * which takes a new page. Add to @nr_charge those that were swapped out: they are charged.
 * Folios can come, go, be split and be merged meanwhile.
 */
static unsigned long shmem_luo_count(struct address_space *mapping, pgoff_t start,
				     pgoff_t end, unsigned long *nr_charge)
{
	XA_STATE(xas, &mapping->i_pages, start);
	pgoff_t next, covered, index = start;
	unsigned long nr = 0;
	struct folio *folio;

	rcu_read_lock();
	xas_for_each(&xas, folio, end - 1) {
		if (xas_retry(&xas, folio))
			continue;
		next = 1UL << xas_get_order(&xas);
		index = max(index, round_down(xas.xa_index, next));
		next = min(round_down(xas.xa_index, next) + next, end);
		/* Folios that were counted have been merged. */
		if (next <= index)
			continue;
		covered = next - index;
		index = next;
		if (xa_is_value(folio)) {
			*nr_charge += covered;
			nr += covered;
		} else if (!shmem_luo_can_stay(folio)) {
			nr += covered;
		}
		if (need_resched()) {
			xas_pause(&xas);
			cond_resched_rcu();
		}
	}
	rcu_read_unlock();
	return nr;
}

/*
 * Return the number of pages outside scratch and movable memory that can be allocated
 * on a node, and that no other task needs. Like si_mem_available(), count free memory,
 * and what is reclaimed without swapping. How much page cache is in scratch is not
 * known. Assume that it is spread evenly over each zone.
 */
static unsigned long shmem_luo_room_on(struct pglist_data *pgdat)
{
	unsigned long keep = 0, room = 0, cache = 0, slab;
	bool usable = false;
	enum zone_type i;

	for (i = 0; i <= SHMEM_LUO_ZONE; i++) {
		struct zone *zone = &pgdat->node_zones[i];
		unsigned long reserve = high_wmark_pages(zone) +
					zone->lowmem_reserve[SHMEM_LUO_ZONE];
		unsigned long free = zone_page_state(zone, NR_FREE_PAGES);
		unsigned long pages = zone_managed_pages(zone);
		unsigned long file;

		if (!pages)
			continue;

		usable = true;
		free -= min(free, zone_page_state(zone, NR_FREE_CMA_PAGES));
		room += free - min(free, reserve);
		file = zone_page_state(zone, NR_ZONE_ACTIVE_FILE) +
		       zone_page_state(zone, NR_ZONE_INACTIVE_FILE);
		cache += mult_frac(file, pages - min(pages, zone_cma_pages(zone)), pages);
		keep += low_wmark_pages(zone);
	}
	/* A node with movable memory only */
	if (!usable)
		return 0;

	cache -= min(cache / 2, keep);
	slab = node_page_state_pages(pgdat, NR_SLAB_RECLAIMABLE_B);
	slab -= min(slab / 2, keep);
	return room + cache + slab;
}

static unsigned long shmem_luo_room(const nodemask_t *nodes)
{
	unsigned long room = 0;
	int nid;

	for_each_node_mask(nid, *nodes)
		if (node_state(nid, N_MEMORY))
			room += shmem_luo_room_on(NODE_DATA(nid));
	return room;
}

/* The per-CPU lists can hold much free memory that is not counted. */
static bool shmem_luo_has_room(const nodemask_t *nodes, unsigned long nr)
{
	if (nr <= shmem_luo_room(nodes))
		return true;
	drain_all_pages(NULL);
	return nr <= shmem_luo_room(nodes);
}

#ifdef CONFIG_MEMCG
/* The page cache of a memcg can be reclaimed. Its anonymous memory may have no swap. */
static bool shmem_luo_memcg_has_room(struct mem_cgroup *memcg, unsigned long nr)
{
	unsigned long max = READ_ONCE(memcg->memory.max);

	nr += page_counter_read(&memcg->memory);
	if (nr <= max)
		return true;

	mem_cgroup_flush_stats(memcg);
	return nr <= max + memcg_page_state(memcg, NR_ACTIVE_FILE) +
		     memcg_page_state(memcg, NR_INACTIVE_FILE);
}

/*
 * Check whether @nr pages can be charged. To try it could bring the memcg to its limit,
 * where other tasks in it would invoke the OOM killer. Pages that move stay charged as they
 * are. Those that are swapped in may be charged to another memcg, which is not known here.
 */
static bool shmem_luo_can_charge(unsigned long nr)
{
	struct mem_cgroup *memcg, *at;
	bool can = true;

	if (mem_cgroup_disabled())
		return true;

	/* A node of the page cache takes less than 1 KiB. */
	nr += DIV_ROUND_UP(nr, XA_CHUNK_SIZE * (PAGE_SIZE / SZ_1K));
	memcg = get_mem_cgroup_from_mm(current->mm);
	for (at = memcg; can && !mem_cgroup_is_root(at); at = parent_mem_cgroup(at))
		can = shmem_luo_memcg_has_room(at, nr);
	mem_cgroup_put(memcg);
	return can;
}
#else
static bool shmem_luo_can_charge(unsigned long nr)
{
	return true;
}
#endif

/*
 * Check whether there is memory for the pages in [start, end), besides @others that other
 * tasks are about to take. Pages whose policies bind them to the same nodes are assumed to
 * be neighbours.
 */
static int shmem_luo_check_room_beside(struct inode *inode, pgoff_t start, pgoff_t end,
				       unsigned long others)
{
	nodemask_t nodes, last = NODE_MASK_NONE, all = NODE_MASK_NONE;
	unsigned long nr, need = 0, total = 0, nr_charge = 0;
	pgoff_t next;

	for (; shmem_luo_find(inode, &start, end); start = next) {
		next = min(start + SHMEM_LUO_BATCH, end);
		nr = shmem_luo_count(inode->i_mapping, start, next, &nr_charge);
		if (nr) {
			shmem_luo_nodes(inode, start, &nodes);
			nodes_or(all, all, nodes);
			if (!nodes_equal(nodes, last))
				need = 0;
			last = nodes;
			need += nr;
			total += nr;
			if (!shmem_luo_has_room(&nodes, need + others) ||
			    !shmem_luo_has_room(&all, total + others))
				return -ENOMEM;
		}
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return !nr_charge || shmem_luo_can_charge(nr_charge + others) ? 0 : -ENOMEM;
}

/**
 * shmem_luo_check_room - check whether there is memory for shmem_luo_settle()
 * @inode: the file
 * @start: index of the first page
 * @end: index after the last page
 *
 * Context: May sleep.
 * Return: 0, -ENOMEM, or -EINTR if a fatal signal is pending.
 */
int shmem_luo_check_room(struct inode *inode, pgoff_t start, pgoff_t end)
{
	return shmem_luo_check_room_beside(inode, start, end,
					   atomic_long_read(&shmem_luo_taking));
}

/* Moving */

/*
 * Allocate a folio that can be preserved. If the nodes have only memory that was hot-added,
 * take low memory of any node, which was present at boot.
 */
static struct folio *shmem_luo_alloc(gfp_t gfp, unsigned int order, int nid,
				     nodemask_t *nodes)
{
	struct folio *folio = __folio_alloc(gfp, order, nid, nodes);

	if (!folio || shmem_luo_can_stay(folio))
		return folio;

	folio_put(folio);
	folio = __folio_alloc((gfp & ~__GFP_HIGHMEM) | GFP_DMA32, order, nid, NULL);
	if (!folio || shmem_luo_can_stay(folio))
		return folio;

	folio_put(folio);
	return NULL;
}

/*
 * A large folio is split if it can't be migrated as a whole, so don't try hard to
 * allocate one.
 */
static struct folio *shmem_luo_new_folio(struct folio *folio, unsigned long private)
{
	struct shmem_luo_move *move = (struct shmem_luo_move *)private;
	unsigned int order = folio_order(folio);
	gfp_t gfp = GFP_HIGHUSER | __GFP_NOWARN;
	struct folio *new;
	nodemask_t nodes;

	gfp |= order ? __GFP_NORETRY | __GFP_NOMEMALLOC : __GFP_RETRY_MAYFAIL;
	shmem_luo_nodes(move->inode, folio->index, &nodes);
	new = shmem_luo_alloc(gfp, order, folio_nid(folio), &nodes);
	if (!new && !order)
		move->no_memory = true;
	return new;
}

/*
 * Isolate a folio for migration. Refuse one with a hardware memory error, because migration
 * would read it. A folio on a per-CPU list of the LRU has another reference, so drain the
 * lists once.
 */
static int shmem_luo_isolate(struct shmem_luo_move *move, struct folio *folio)
{
	if (folio_contain_hwpoisoned_page(folio))
		return -EOPNOTSUPP;
	if (!move->drained && folio_may_be_lru_cached(folio) &&
	    folio_ref_count(folio) != folio_expected_ref_count(folio) + 1) {
		lru_add_drain_all();
		move->drained = true;
	}
	if (!folio_isolate_lru(folio)) {
		move->busy = true;
		return 0;
	}

	list_add_tail(&folio->lru, &move->folios);
	node_stat_mod_folio(folio, NR_ISOLATED_ANON + folio_is_file_lru(folio),
			    folio_nr_pages(folio));
	return 0;
}

/*
 * Return the folio at an index with a reference, after swapping in, or NULL for a hole.
 * Pages of a frozen file that are swapped out can't become holes.
 */
static struct folio *shmem_luo_get(struct address_space *mapping, pgoff_t index)
{
	struct folio *folio = filemap_get_folio(mapping, index);

	if (!IS_ERR(folio))
		return folio;
	if (!xa_is_value(xa_load(&mapping->i_pages, index)))
		return NULL;

	folio = shmem_read_folio_gfp(mapping, index, mapping_gfp_mask(mapping) |
						     __GFP_RETRY_MAYFAIL |
						     __GFP_NOWARN);
	return folio == ERR_PTR(-ENOSPC) ? ERR_PTR(-ENOMEM) : folio;
}

/* Bring the pages in [index, end) into memory, and isolate those that have to move. */
static int shmem_luo_collect(struct shmem_luo_move *move, pgoff_t index, pgoff_t end)
{
	struct folio *folio;
	int err;

	while (shmem_luo_find(move->inode, &index, end)) {
		folio = shmem_luo_get(move->inode->i_mapping, index);
		if (IS_ERR(folio))
			return PTR_ERR(folio);

		/* It may have been swapped in or out meanwhile. The caller looks again. */
		if (!folio) {
			index++;
			continue;
		}
		index = folio_next_index(folio);
		err = shmem_luo_can_stay(folio) ? 0 : shmem_luo_isolate(move, folio);
		folio_put(folio);
		if (err)
			return err;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/* Return -EAGAIN if a folio is in use. */
static int shmem_luo_settle_batch(struct shmem_luo_move *move, pgoff_t index, pgoff_t end)
{
	int failed = 0;
	int err;

	INIT_LIST_HEAD(&move->folios);
	move->busy = false;
	move->no_memory = false;
	err = shmem_luo_collect(move, index, end);
	if (!err && !list_empty(&move->folios))
		failed = migrate_pages(&move->folios, shmem_luo_new_folio, NULL,
				       (unsigned long)move, MIGRATE_SYNC_LIGHT,
				       MR_LONGTERM_PIN, NULL);
	putback_movable_pages(&move->folios);
	if (err)
		return err;
	if (move->no_memory)
		return -ENOMEM;
	return failed || move->busy ? -EAGAIN : 0;
}

static int shmem_luo_try_settle(struct shmem_luo_move *move, pgoff_t index, pgoff_t end)
{
	unsigned long nr, others, unused = 0;
	int err;

	nr = shmem_luo_count(move->inode->i_mapping, index, end, &unused);
	others = atomic_long_fetch_add(nr, &shmem_luo_taking);
	err = shmem_luo_check_room_beside(move->inode, index, end, others);
	if (!err)
		err = shmem_luo_settle_batch(move, index, end);
	atomic_long_sub(nr, &shmem_luo_taking);
	return err;
}

/**
 * shmem_luo_settle - make the next pages of a file fit to be preserved
 * @inode: the file. It must be frozen.
 * @index: index of the first page, not in a hole
 * @end: index after the last page of the file
 *
 * Afterwards the folio at @index, and some more, are in memory and where they can stay.
 * The caller must reference them to keep them there. Holes are not filled. Large folios are
 * split if they can't be moved as a whole. A folio in use is tried again for half a second:
 * a read() or write() uses it that long only if its task waits for a CPU.
 *
 * Context: May sleep.
 * Return: 0, -EBUSY if a folio is in use by others and can't be moved, -EOPNOTSUPP if it has
 * a hardware memory error, -ENOMEM, -EINTR if a fatal signal is pending, or the error of
 * shmem.
 */
int shmem_luo_settle(struct inode *inode, pgoff_t index, pgoff_t end)
{
	struct shmem_luo_move move = { .inode = inode };
	unsigned int tries = SHMEM_LUO_TRIES;
	int err;

	end = min(end, index + SHMEM_LUO_BATCH);
	while (tries--) {
		err = shmem_luo_try_settle(&move, index, end);
		if (err != -EAGAIN)
			return err;
		if (tries % SHMEM_LUO_DRAIN == 0)
			move.drained = false;
		schedule_timeout_killable(1);
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return -EBUSY;
}

/* Freezing */

/**
 * shmem_luo_nr_present - return the number of pages in the page cache of a file
 * @inode: the file
 *
 * A walk that begins afterwards finds all pages that are counted, unless they are removed.
 *
 * Context: Process context. Takes a lock with interrupts disabled.
 * Return: that number. Pages that are swapped out do not count.
 */
unsigned long shmem_luo_nr_present(struct inode *inode)
{
	struct address_space *mapping = inode->i_mapping;
	unsigned long nr;

	xa_lock_irq(&mapping->i_pages);
	nr = mapping->nrpages;
	xa_unlock_irq(&mapping->i_pages);
	return nr;
}

/**
 * shmem_luo_nr_beyond - return the number of pages past the end of a file
 * @inode: the file. It must be frozen.
 * @end: index after the last page
 *
 * Pages that are swapped out, and those of a folio that begins before @end, do not count.
 *
 * Context: May sleep.
 * Return: that number.
 */
unsigned long shmem_luo_nr_beyond(struct inode *inode, pgoff_t end)
{
	XA_STATE(xas, &inode->i_mapping->i_pages, end);
	unsigned long nr = 0, nr_pages;
	struct folio *folio;

	rcu_read_lock();
	xas_for_each(&xas, folio, ULONG_MAX) {
		if (xas_retry(&xas, folio))
			continue;
		nr_pages = 1UL << xas_get_order(&xas);
		if (!xa_is_value(folio) && round_down(xas.xa_index, nr_pages) >= end)
			nr += nr_pages;
		if (need_resched()) {
			xas_pause(&xas);
			cond_resched_rcu();
		}
	}
	rcu_read_unlock();
	return nr;
}

/**
 * shmem_luo_freeze - freeze a file, and keep new folios out of scratch
 * @inode: the file
 *
 * Folios that fill holes of a frozen file are allocated outside scratch. Until they are
 * referenced, they can still be moved into it.
 *
 * Context: May sleep.
 * Return: 0, or -EINTR if a fatal signal is pending.
 */
int shmem_luo_freeze(struct inode *inode)
{
	struct address_space *mapping = inode->i_mapping;
	int err = shmem_freeze(inode);

	if (!err)
		mapping_set_gfp_mask(mapping, mapping_gfp_mask(mapping) &
					      ~__GFP_MOVABLE);
	return err;
}

/**
 * shmem_luo_thaw - undo shmem_luo_freeze()
 * @inode: the file
 *
 * Context: Any.
 */
void shmem_luo_thaw(struct inode *inode)
{
	struct address_space *mapping = inode->i_mapping;

	mapping_set_gfp_mask(mapping, mapping_gfp_mask(mapping) | __GFP_MOVABLE);
	shmem_thaw(inode);
}

/* Reclaim */

/**
 * shmem_luo_rescue - let reclaim find a folio again
 * @folio: a folio that is marked as unevictable. The caller has a reference.
 *
 * Undo what reclaim, or adding the folio to an LRU list, has done because the mapping was
 * unevictable. Does nothing if the mapping still is, or the folio is locked in memory.
 *
 * Context: Takes a lock with interrupts disabled.
 */
void shmem_luo_rescue(struct folio *folio)
{
	struct folio_batch fbatch;
	struct lruvec *lruvec;

	/* lru_add() holds the lock from the mark until the folio is on its list. */
	if (!folio_test_lru(folio)) {
		lruvec = folio_lruvec_lock_irq(folio);
		/* For sparse: folio_lruvec_lock_irq() has no annotation. */
		__acquire(&lruvec->lru_lock);
		unlock_page_lruvec_irq(lruvec);
	}

	folio_batch_init(&fbatch);
	folio_batch_add(&fbatch, folio);
	check_move_unevictable_folios(&fbatch);
}

static void shmem_luo_rescue_all(struct address_space *mapping)
{
	struct folio_batch fbatch;
	pgoff_t index = 0;
	unsigned int i;

	folio_batch_init(&fbatch);
	while (filemap_get_folios(mapping, &index, ULONG_MAX, &fbatch)) {
		for (i = 0; i < folio_batch_count(&fbatch); i++)
			if (folio_test_unevictable(fbatch.folios[i]))
				shmem_luo_rescue(fbatch.folios[i]);
		folio_batch_release(&fbatch);
		cond_resched();
	}
}

/**
 * shmem_luo_make_evictable - undo mapping_set_unevictable()
 * @mapping: the mapping of the file
 * @nr_held: number of pages in those folios of the file that the caller has references to
 *
 * Afterwards, and before it drops the references, the caller must call shmem_luo_rescue()
 * for its folios that are marked as unevictable. It looks at each of them anyway, and a
 * walk of the page cache takes much longer than that. Other folios are rescued here, if
 * there are any: pages past the end of the file, for example.
 *
 * Context: May sleep.
 */
void shmem_luo_make_evictable(struct address_space *mapping, unsigned long nr_held)
{
	mapping_clear_unevictable(mapping);
	/* Pairs with lru_mark_unevictable(): one side sees what the other has done. */
	smp_mb__after_atomic();
	if (READ_ONCE(mapping->nrpages) != nr_held)
		shmem_luo_rescue_all(mapping);
}
