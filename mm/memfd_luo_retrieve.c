// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of memfds: retrieving a file
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#define pr_fmt(fmt) "memfd_luo: " fmt

#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/compat.h>
#include <linux/liveupdate.h>
#include <linux/memcontrol.h>
#include <linux/memfd.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/pagemap.h>
#include <linux/pfn.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uidgid.h>
#include <linux/xarray.h>
#include <uapi/linux/memfd.h>

#include "memfd_luo.h"

/* Walking the list */

/**
 * struct memfd_luo_batch - folios that follow each other in the file
 * @index: index of the first one
 * @pfns: their PFNs
 * @nr: number of them: one large folio, or many single pages
 * @order: log2 of their size in pages
 * @flags: flags of their runs
 */
struct memfd_luo_batch {
	u64 index;
	unsigned long pfns[MEMFD_LUO_BATCH];
	unsigned int nr;
	unsigned int order;
	unsigned int flags;
};

static void memfd_luo_advance(const struct memfd_luo_incoming *in,
			      struct memfd_luo_pos *pos, u64 nr)
{
	while (nr) {
		u64 left = memfd_luo_run_len(in, &in->runs[pos->run]) - pos->nr;

		if (nr < left) {
			pos->nr += nr;
			return;
		}
		nr -= left;
		*pos = (struct memfd_luo_pos) { .run = pos->run + 1 };
	}
}

static bool memfd_luo_before(const struct memfd_luo_pos *a, const struct memfd_luo_pos *b)
{
	return a->run < b->run || (a->run == b->run && a->nr < b->nr);
}

/*
 * Start a batch with the folios of a run, or continue one. Single pages of several runs
 * can be in the same batch. Return false if the run does not continue it.
 */
static bool memfd_luo_batch_add(const struct memfd_luo_incoming *in,
				const struct memfd_luo_pos *pos,
				struct memfd_luo_batch *batch)
{
	const struct memfd_luo_run_ser *run = &in->runs[pos->run];
	unsigned int order = memfd_luo_order(run);
	unsigned long pfn = run->pfn + (pos->nr << order);
	u64 index = run->index + (pos->nr << order);
	u64 i, nr;

	if (!batch->nr) {
		batch->index = index;
		batch->order = order;
		batch->flags = run->flags;
	} else if (run->order || index != batch->index + batch->nr ||
		   run->flags != batch->flags) {
		return false;
	}

	nr = order ? 1 : min(memfd_luo_run_len(in, run) - pos->nr,
			     MEMFD_LUO_BATCH - batch->nr);
	for (i = 0; i < nr; i++)
		batch->pfns[batch->nr++] = pfn + i;
	return true;
}

/* Get the folios at @pos, and advance it past them. */
static void memfd_luo_batch_get(const struct memfd_luo_incoming *in,
				struct memfd_luo_pos *pos, struct memfd_luo_batch *batch)
{
	bool single = !in->runs[pos->run].order;
	unsigned int old_nr = 0;

	batch->nr = 0;
	do {
		if (!memfd_luo_batch_add(in, pos, batch))
			return;
		memfd_luo_advance(in, pos, batch->nr - old_nr);
		old_nr = batch->nr;
	} while (single && batch->nr < MEMFD_LUO_BATCH && pos->run < in->nr_runs);
}

/* Restoring */

/* Drop the references to the folios that were restored. */
static void memfd_luo_put_held(struct memfd_luo_incoming *in)
{
	while (memfd_luo_before(&in->held, &in->restored)) {
		const struct memfd_luo_run_ser *run = &in->runs[in->held.run];
		unsigned int order = memfd_luo_order(run);
		unsigned long pfn = run->pfn + (in->held.nr << order);
		u64 i, nr = memfd_luo_run_len(in, run);

		if (in->held.run == in->restored.run)
			nr = in->restored.nr;
		nr = min(nr - in->held.nr, (u64)MEMFD_LUO_BATCH);
		for (i = 0; i < nr; i++)
			memfd_luo_put_folio((struct folio *)pfn_to_page(pfn + (i << order)));
		memfd_luo_advance(in, &in->held, nr);
		cond_resched();
	}
}

/* A file without all of its folios is not created, so don't keep the others. */
static int memfd_luo_refuse(struct memfd_luo_incoming *in, unsigned long pfn,
			    unsigned int order, const struct memfd_luo_pos *next)
{
	pr_err_ratelimited("no incoming folio of order %u at pfn %#lx\n", order, pfn);
	memfd_luo_put_held(in);
	in->restored = *next;
	in->held = *next;
	return -EIO;
}

/* Free the folios of a batch that were restored. Return the index of one that was not. */
static unsigned int memfd_luo_put_batch(const struct memfd_luo_batch *batch,
					struct folio **folios)
{
	unsigned int i, lost = 0;

	for (i = 0; i < batch->nr; i++) {
		if (!folios[i] || folio_order(folios[i]) != batch->order)
			lost = i;
		if (folios[i])
			folio_put(folios[i]);
	}
	return lost;
}

/* Return true if a page of the file has a hardware memory error. Call it in ascending order. */
static bool memfd_luo_is_poisoned(struct memfd_luo_incoming *in, u64 index)
{
	while (in->nr_poisoned && in->poisoned->index < index) {
		in->poisoned++;
		in->nr_poisoned--;
	}
	return in->nr_poisoned && in->poisoned->index == index;
}

/* Do what memory_failure() does with a page. It is never freed, because a reference is left. */
static void memfd_luo_poison(struct page *page)
{
	get_page(page);
	SetPageHWPoison(page);
	num_poisoned_pages_inc(page_to_pfn(page));
}

/* Mark the poisoned pages of a batch of single pages, whether all could be restored or not. */
static void memfd_luo_poison_batch(struct memfd_luo_incoming *in,
				   const struct memfd_luo_batch *batch, struct folio **folios)
{
	unsigned int i;

	for (i = 0; i < batch->nr && in->nr_poisoned; i++)
		if (memfd_luo_is_poisoned(in, batch->index + i) && folios[i])
			memfd_luo_poison(pfn_to_page(batch->pfns[i]));
}

static int memfd_luo_restore_batch(struct memfd_luo_incoming *in)
{
	struct memfd_luo_pos next = in->restored;
	struct folio *folios[MEMFD_LUO_BATCH];
	phys_addr_t phys[MEMFD_LUO_BATCH];
	struct memfd_luo_batch batch;
	unsigned int i, lost;

	memfd_luo_batch_get(in, &next, &batch);
	for (i = 0; i < batch.nr; i++)
		phys[i] = PFN_PHYS(batch.pfns[i]);
	kho_restore_folios(phys, folios, batch.nr);
	if (!batch.order)
		memfd_luo_poison_batch(in, &batch, folios);

	for (i = 0; i < batch.nr; i++) {
		if (folios[i] && folio_order(folios[i]) == batch.order)
			continue;
		lost = memfd_luo_put_batch(&batch, folios);
		return memfd_luo_refuse(in, batch.pfns[lost], batch.order, &next);
	}
	in->restored = next;
	return 0;
}

/* Restore the next large folio as single pages. Free those past the end of the file. */
static int memfd_luo_restore_split(struct memfd_luo_incoming *in)
{
	const struct memfd_luo_run_ser *run = &in->runs[in->restored.run];
	u64 left = memfd_luo_run_len(in, run) - in->restored.nr;
	unsigned long pfn = run->pfn + in->restored.nr;
	u64 index = run->index + in->restored.nr;
	u64 i, nr = 1ULL << run->order;
	struct memfd_luo_pos next = in->restored;
	struct page *page = NULL;

	memfd_luo_advance(in, &next, min(nr, left));
	/* The pages could be several blocks. */
	if (kho_incoming_order(PFN_PHYS(pfn)) == (int)run->order)
		page = kho_restore_pages(PFN_PHYS(pfn), nr);
	if (!page)
		return memfd_luo_refuse(in, pfn, run->order, &next);

	for (i = 0; i < nr && in->nr_poisoned; i++)
		if (memfd_luo_is_poisoned(in, index + i))
			memfd_luo_poison(page + i);
	for (i = left; i < nr; i++)
		__free_page(page + i);
	in->restored = next;
	return 0;
}

static int memfd_luo_restore_next(struct memfd_luo_incoming *in)
{
	if (memfd_luo_is_split(&in->runs[in->restored.run]))
		return memfd_luo_restore_split(in);
	return memfd_luo_restore_batch(in);
}

/* Restore the folios. After -EINTR a later call resumes. */
static int memfd_luo_restore(struct memfd_luo_incoming *in)
{
	int err = 0;

	while (in->restored.run < in->nr_runs && !err) {
		err = fatal_signal_pending(current) ? -EINTR : memfd_luo_restore_next(in);
		cond_resched();
	}
	return err;
}

/* Return the state that the last retrieve() kept, or a new one. */
static struct memfd_luo_incoming *
memfd_luo_get_incoming(struct liveupdate_file_op_args *args)
{
	struct memfd_luo_incoming *in = args->private_data;
	int err;

	if (in)
		return in;

	in = kzalloc(sizeof(*in), GFP_KERNEL);
	if (!in)
		return ERR_PTR(-ENOMEM);

	err = memfd_luo_take(args, in);
	if (err) {
		kfree(in);
		return ERR_PTR(err);
	}
	args->private_data = in;
	return in;
}

/* Let the file own the blocks of the folios that were added to it, and no others. */
static void memfd_luo_settle_blocks(struct memfd_luo_incoming *in)
{
	struct inode *inode = file_inode(in->file);

	if (!in->accounted)
		return;

	shmem_inode_unacct_blocks(inode, in->nr_pages - in->nr_added_pages);
	shmem_recalc_inode(inode, in->nr_added_pages, 0);
	in->accounted = false;
}

/* Free the state, and the folios and blocks that no file owns. Signals must not stop this. */
static void memfd_luo_put_incoming(struct liveupdate_file_op_args *args)
{
	struct memfd_luo_incoming *in = args->private_data;

	while (in->restored.run < in->nr_runs) {
		memfd_luo_restore_next(in);
		cond_resched();
	}
	memfd_luo_put_held(in);
	if (in->file) {
		memfd_luo_settle_blocks(in);
		fput(in->file);
	}
	kvfree(in->runs);
	kfree(in);
	args->private_data = NULL;
}

/* Adding to the file */

/* The folio is not visible to others yet, so non-atomic flag updates are fine. */
static void memfd_luo_init_folio(struct folio *folio, unsigned int flags)
{
	__folio_set_locked(folio);
	__folio_set_swapbacked(folio);
	if (!(flags & MEMFD_LUO_RUN_STALE))
		__folio_mark_uptodate(folio);
}

/* The caller can retry, so don't invoke the OOM killer. */
static gfp_t memfd_luo_gfp(struct address_space *mapping)
{
	return mapping_gfp_mask(mapping) | __GFP_RETRY_MAYFAIL;
}

/*
 * Return how many pages the nodes of the page cache can take, including the first ones.
 * A node takes less than 1 KiB, and has slots for XA_CHUNK_SIZE pages or one folio.
 */
static u64 memfd_luo_nr_node_pages(const struct memfd_luo_incoming *in)
{
	u64 nr_nodes = min(in->nr_pages / XA_CHUNK_SIZE, in->nr_folios);

	return PFN_UP((nr_nodes + XA_CHUNK_SIZE) * SZ_1K);
}

static void memfd_luo_cancel_charge(struct memfd_luo_incoming *in, u64 nr)
{
	unsigned int part;

	in->nr_charged -= nr;
	for (; in->memcg && nr; nr -= part) {
		part = min_t(u64, nr, UINT_MAX);
		mem_cgroup_cancel_charge(in->memcg, part);
	}
}

/*
 * Charge the memcg of the caller for all folios that are not in the file yet. If the
 * limit is too low for all of them, charge none: with a memcg that is full the caller
 * could not go on. The same holds for nodes of the page cache, which are charged one by
 * one later. So check that there is room for them, too.
 */
static int memfd_luo_charge(struct memfd_luo_incoming *in)
{
	u64 nr_pages = in->nr_pages - in->nr_added_pages;
	u64 nr_node_pages = memfd_luo_nr_node_pages(in);
	int err;

	err = mem_cgroup_try_charge_pages(&in->memcg, nr_pages + nr_node_pages,
					  memfd_luo_gfp(in->file->f_mapping));
	if (err)
		return err;

	in->nr_charged = nr_pages + nr_node_pages;
	memfd_luo_cancel_charge(in, nr_node_pages);
	return 0;
}

/* Give the charge to folios. If they don't stay in the file, mem_cgroup_uncharge() ends it. */
static void memfd_luo_commit_charge(struct memfd_luo_incoming *in,
				    struct folio **folios, unsigned int nr)
{
	mem_cgroup_commit_charge_folios(in->memcg, folios, nr);
	in->nr_charged -= nr << folio_order(folios[0]);
}

/* Return the charge for what was not added to the file. */
static void memfd_luo_end_charge(struct memfd_luo_incoming *in)
{
	memfd_luo_cancel_charge(in, in->nr_charged);
	mem_cgroup_put(in->memcg);
	in->memcg = NULL;
}

/* Add a large folio. The caller keeps its reference. */
static int memfd_luo_add_folio(struct memfd_luo_incoming *in,
			       const struct memfd_luo_batch *batch)
{
	struct address_space *mapping = in->file->f_mapping;
	struct folio *folio = pfn_folio(batch->pfns[0]);
	int err;

	memfd_luo_init_folio(folio, batch->flags);
	memfd_luo_commit_charge(in, &folio, 1);
	err = shmem_add_to_page_cache(folio, mapping, batch->index, NULL,
				      memfd_luo_gfp(mapping));
	if (err) {
		mem_cgroup_uncharge(folio);
		goto out_unlock;
	}

	/* A folio that was preserved clean must be dirty, too: it could be dropped. */
	folio_mark_dirty(folio);
	folio_add_lru(folio);
out_unlock:
	folio_unlock(folio);
	return err;
}

/*
 * Get the leading pages that are in the same zone and not poisoned, or a poisoned one. Pages
 * with the same zone ID are in the same zone of the same node.
 */
static unsigned int memfd_luo_get_pages(const struct memfd_luo_batch *batch,
					struct folio **folios)
{
	int zone = page_zone_id(pfn_to_page(batch->pfns[0]));
	unsigned int i;

	for (i = 0; i < batch->nr; i++) {
		folios[i] = (struct folio *)pfn_to_page(batch->pfns[i]);
		if (folio_test_hwpoison(folios[i]))
			return max(i, 1U);
		if (page_zone_id(&folios[i]->page) != zone)
			break;
	}
	return i;
}

/*
 * Add single pages. The caller keeps its references. Store in @nr_added how many of them
 * the page cache owns, also on failure. As after memory_failure(), a poisoned page is
 * neither charged nor on an LRU list, but dirty, so that it is not dropped.
 */
static int memfd_luo_add_pages(struct memfd_luo_incoming *in,
			       const struct memfd_luo_batch *batch,
			       unsigned int *nr_added)
{
	struct address_space *mapping = in->file->f_mapping;
	struct folio *folios[MEMFD_LUO_BATCH];
	unsigned int i, nr;
	bool poisoned;
	int err;

	nr = memfd_luo_get_pages(batch, folios);
	poisoned = folio_test_hwpoison(folios[0]);
	*nr_added = 0;
	for (i = 0; i < nr; i++)
		memfd_luo_init_folio(folios[i], batch->flags);
	if (!poisoned)
		memfd_luo_commit_charge(in, folios, nr);

	err = shmem_add_pages(mapping, batch->index, folios, nr, nr_added,
			      memfd_luo_gfp(mapping));

	for (i = 0; i < *nr_added; i++) {
		/* The page cache has taken over the reference of the list. */
		folio_get(folios[i]);
		folio_set_dirty(folios[i]);
	}
	if (*nr_added && !poisoned)
		lru_add_pages(folios, *nr_added);
	/* A later call charges the other folios again. */
	for (i = *nr_added; i < nr; i++)
		mem_cgroup_uncharge(folios[i]);
	for (i = 0; i < nr; i++)
		folio_unlock(folios[i]);
	return err;
}

/* Add the next folios to the file. */
static int memfd_luo_fill_batch(struct memfd_luo_incoming *in)
{
	struct memfd_luo_pos next = in->added;
	struct memfd_luo_batch batch;
	unsigned int nr_added;
	int err;

	memfd_luo_batch_get(in, &next, &batch);
	if (batch.order) {
		err = memfd_luo_add_folio(in, &batch);
		nr_added = !err;
	} else {
		err = memfd_luo_add_pages(in, &batch, &nr_added);
	}
	if (err == -EEXIST) {
		pr_err("two folios at index %llu\n",
		       batch.index + ((u64)nr_added << batch.order));
		err = -EIO;
	}

	memfd_luo_advance(in, &in->added, nr_added);
	in->nr_added_pages += (u64)nr_added << batch.order;
	return err;
}

/* Add the folios to the file. After -ENOMEM and -EINTR a later call resumes here. */
static int memfd_luo_fill(struct memfd_luo_incoming *in)
{
	int err;

	if (!in->accounted) {
		if (shmem_inode_acct_blocks(file_inode(in->file), in->nr_pages))
			return -ENOMEM;
		in->accounted = true;
	}

	err = memfd_luo_charge(in);
	if (err)
		return err;

	while (in->added.run < in->nr_runs && !err) {
		err = fatal_signal_pending(current) ? -EINTR :
						      memfd_luo_fill_batch(in);
		cond_resched();
	}
	memfd_luo_end_charge(in);
	return err;
}

/* Creating the file */

static struct timespec64 memfd_luo_timespec(struct memfd_luo_time_ser time)
{
	return (struct timespec64) { .tv_sec = time.sec, .tv_nsec = time.nsec };
}

static void memfd_luo_set_owner(struct inode *inode, const struct memfd_luo_ser *ser)
{
	inode->i_mode = (inode->i_mode & ~MEMFD_LUO_MODE) | ser->mode;
	inode->i_uid = make_kuid(&init_user_ns, ser->uid);
	inode->i_gid = make_kgid(&init_user_ns, ser->gid);
}

static void memfd_luo_set_times(struct inode *inode, const struct memfd_luo_ser *ser)
{
	inode_set_atime_to_ts(inode, memfd_luo_timespec(ser->atime));
	inode_set_mtime_to_ts(inode, memfd_luo_timespec(ser->mtime));
	inode_set_ctime_to_ts(inode, memfd_luo_timespec(ser->ctime));
	SHMEM_I(inode)->i_crtime = memfd_luo_timespec(ser->btime);
}

/* Set what can be set before the content. Sealing an empty file need not wait for its users. */
static int memfd_luo_set_inode(struct inode *inode, struct file *file,
			       const struct memfd_luo_incoming *in)
{
	int err;

	/* With x bits F_SEAL_EXEC would imply the seals against writing. */
	if (in->ser.seals & F_SEAL_EXEC)
		inode->i_mode &= ~0111;
	err = memfd_add_seals(file, in->ser.seals);
	if (err)
		return err;

	i_size_write(inode, in->ser.size);
	/* Otherwise the file belongs to the caller. */
	if (in->version > 2) {
		memfd_luo_set_owner(inode, &in->ser);
		memfd_luo_set_times(inode, &in->ser);
	}
	return shmem_luo_freeze(inode);
}

/*
 * Open a new memfd with the flags that the preserved one had. As in memfd_create(), no
 * security module is asked: it could refuse what the file was open for before.
 */
static struct file *memfd_luo_open(struct file *new, unsigned int flags)
{
	struct file *file = alloc_file_clone(new, flags | O_LARGEFILE, new->f_op);

	if (!IS_ERR(file))
		file->f_mode |= new->f_mode & (FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE);
	return file;
}

/* Create a memfd with all properties of the preserved one except its content. */
static int memfd_luo_new_file(struct memfd_luo_incoming *in)
{
	struct file *new, *file;
	int err;

	if (in->file)
		return 0;

	new = memfd_new_file("memfd:luo", MFD_ALLOW_SEALING | MFD_EXEC);
	if (IS_ERR(new))
		return PTR_ERR(new);

	err = memfd_luo_set_inode(file_inode(new), new, in);
	if (err)
		goto out_put;
	file = memfd_luo_open(new, in->ser.open_flags);
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		goto out_put;
	}
	file->f_pos = in->ser.pos;
	in->file = file;
out_put:
	fput(new);
	return err;
}

static int memfd_luo_make_file(struct memfd_luo_incoming *in)
{
	int err;

	if (in->damaged)
		return -EIO;
	err = memfd_luo_restore(in);
	if (err)
		return err;
	err = memfd_luo_new_file(in);
	if (err)
		return err;
	return memfd_luo_fill(in);
}

/* shmem returns -ENOSPC if it can't allocate an inode. */
static bool memfd_luo_may_retry(int err)
{
	return err == -ENOMEM || err == -ENFILE || err == -ENOSPC;
}

/**
 * memfd_luo_retrieve - create the file: retrieve() of the handler
 * @args: see struct liveupdate_file_ops
 *
 * Context: May sleep.
 * Return: 0; -EAGAIN or -EINTR, after which the caller can retry; or another error.
 */
int memfd_luo_retrieve(struct liveupdate_file_op_args *args)
{
	struct memfd_luo_incoming *in;
	int err;

	in = memfd_luo_get_incoming(args);
	if (IS_ERR(in))
		return memfd_luo_may_retry(PTR_ERR(in)) ? -EAGAIN : PTR_ERR(in);

	err = memfd_luo_make_file(in);
	if (memfd_luo_may_retry(err))
		return -EAGAIN;
	if (err == -EINTR)
		return err;
	if (err) {
		memfd_luo_put_incoming(args);
		return err;
	}

	memfd_luo_settle_blocks(in);
	/* The folios stay in memory, as in memfd_luo_freeze_file(). */
	mapping_set_unevictable(in->file->f_mapping);
	args->file = in->file;
	in->file = NULL;
	return 0;
}

/* Return true if retrieve() failed after it had consumed the serialized state. */
static bool memfd_luo_is_gone(const struct liveupdate_file_op_args *args)
{
	return args->retrieve_status &&
	       !kho_incoming_contains(args->serialized_data, PAGE_SIZE);
}

/* Discard a file that was not retrieved. */
static void memfd_luo_discard(struct liveupdate_file_op_args *args)
{
	struct memfd_luo_incoming *in;

	if (memfd_luo_is_gone(args))
		return;

	in = memfd_luo_get_incoming(args);
	if (IS_ERR(in)) {
		pr_warn("discarded file could not be freed completely\n");
		return;
	}
	memfd_luo_put_incoming(args);
}

/**
 * memfd_luo_finish - release the file, or discard it: finish() of the handler
 * @args: see struct liveupdate_file_ops
 *
 * Context: May sleep.
 */
void memfd_luo_finish(struct liveupdate_file_op_args *args)
{
	struct memfd_luo_incoming *in = args->private_data;
	struct inode *inode;

	if (args->retrieve_status <= 0) {
		memfd_luo_discard(args);
		return;
	}

	inode = file_inode(args->file);
	shmem_luo_make_evictable(inode->i_mapping, in->nr_added_pages);
	memfd_luo_put_incoming(args);
	shmem_luo_thaw(inode);
}

