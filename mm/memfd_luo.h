/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Live update of memfds: declarations that its files share
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _MM_MEMFD_LUO_H
#define _MM_MEMFD_LUO_H

#include <linux/kho/abi/memfd.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <linux/types.h>

#include "internal.h"

struct file;
struct inode;
struct kho_compat_range;
struct liveupdate_file_op_args;
struct mem_cgroup;
struct memfd_luo_v2;

/* Maximum number of folios in a batch. The arrays of a batch are on the stack. */
#define MEMFD_LUO_BATCH		64U

static inline u64 memfd_luo_nr_pages(u64 size)
{
	return DIV_ROUND_UP_ULL(size, PAGE_SIZE);
}

/* After shmem_luo_make_evictable(), unless the file stays frozen */
static __always_inline void memfd_luo_put_folio(struct folio *folio)
{
	if (unlikely(folio_test_unevictable(folio)))
		shmem_luo_rescue(folio);
	folio_put(folio);
}

/**
 * struct memfd_luo_pos - a position in a list of runs
 * @run: number of the run, that of runs at the end of the list
 * @nr: number of preceding folios in that run
 */
struct memfd_luo_pos {
	u64 run;
	u64 nr;
};

/* memfd_luo_list.c */

/**
 * struct memfd_luo_outgoing - a preserved memfd
 * @ser: its serialized state, which has a page
 * @runs: list of its folios, with a reference to each: in that page, or a vmalloc area
 * @nr_runs: number of runs in the list
 * @nr_poisoned: number of pages with a hardware memory error. Their entries follow the runs.
 * @poison_count: number of such pages in the system, before these were listed
 * @capacity: number of entries that fit into the list
 * @next_pfn: a folio that starts here, at @next_index, continues the last run if it has
 *	      its order. 0 if there is no run.
 * @next_index: index of that folio
 * @nr_pages: size of all folios in pages
 * @frozen: preserve() froze the file, so it has to be thawed. Otherwise it was retrieved
 *	    and is not finished.
 * @checked: there is enough memory for what has to be swapped in or moved
 * @old: the list that this one will replace, NULL if none
 * @old_pos: position of the first folio of @old that this list does not have yet
 * @v2: the same in version 2, NULL if it was not converted
 * @hidden: @ser and the list are not preserved, because the next kernel would not free them
 * @relisted: the list was replaced or preserved anew since freeze() began
 */
struct memfd_luo_outgoing {
	struct memfd_luo_ser *ser;
	struct memfd_luo_run_ser *runs;
	u64 nr_runs;
	u64 nr_poisoned;
	unsigned long poison_count;
	u64 capacity;
	unsigned long next_pfn;
	pgoff_t next_index;
	unsigned long nr_pages;
	bool frozen;
	bool checked;
	const struct memfd_luo_outgoing *old;
	struct memfd_luo_pos old_pos;
	struct memfd_luo_v2 *v2;
	bool hidden;
	bool relisted;
};

int memfd_luo_hold(struct memfd_luo_outgoing *out, struct inode *inode);
void memfd_luo_drop(struct memfd_luo_outgoing *out, struct inode *inode);
int memfd_luo_preserve_folios(struct memfd_luo_outgoing *out);
void memfd_luo_unpreserve_folios(struct memfd_luo_outgoing *out);
void memfd_luo_hide_list(struct memfd_luo_outgoing *out);
int memfd_luo_show_list(struct memfd_luo_outgoing *out);
int memfd_luo_refresh(struct memfd_luo_outgoing *out, struct inode *inode);

/* memfd_luo_v2.c */

int memfd_luo_convert(struct liveupdate_file_op_args *args);
void memfd_luo_unconvert(struct liveupdate_file_op_args *args);
int memfd_luo_v2_update(struct memfd_luo_outgoing *out);
int memfd_luo_v2_verify_ser(const struct memfd_luo_outgoing *out);
int memfd_luo_v2_verify_list(const struct memfd_luo_outgoing *out);

/* memfd_luo_read.c */

/* The content of the folios is not valid, they read as zeros. Only in version 2. */
#define MEMFD_LUO_RUN_STALE	BIT(5)
/* The folio has pages with hardware memory errors. It is restored as single pages. */
#define MEMFD_LUO_RUN_SPLIT	BIT(4)

/**
 * struct memfd_luo_incoming - a memfd of the previous kernel that is not finished
 * @version: version of its serialized state
 * @outgoing: it is one of this kernel, which memfd_luo_verify() checks
 * @runs: list of its folios
 * @nr_runs: number of runs in the list
 * @poisoned: the pages with a hardware memory error from @restored on
 * @nr_poisoned: number of these
 * @nr_folios: number of folios in the list
 * @nr_pages: size of these folios in pages
 * @held: position of the first folio that was restored
 * @restored: position of the first one that was not. There is a reference to each of those
 *	      in between.
 * @file: the new file, NULL until it is created
 * @accounted: the blocks of all folios are accounted to @file
 * @added: position of the first folio that was not added to @file
 * @nr_added_pages: size of the added folios in pages
 * @memcg: the memcg that is charged for the others during retrieve(), NULL if none
 * @nr_charged: number of pages charged to @memcg that no folio has got yet
 * @damaged: the list ends before a damaged entry. The file can only be discarded.
 * @ser: copy of its serialized state without the list. Version 2 lacks some of it.
 *
 * After -ENOMEM and -EINTR the next retrieve() resumes from it. After success it is kept
 * until finish(): the references keep the folios where they can be preserved again.
 */
struct memfd_luo_incoming {
	unsigned int version;
	bool outgoing;
	struct memfd_luo_run_ser *runs;
	u64 nr_runs;
	const struct memfd_luo_run_ser *poisoned;
	u64 nr_poisoned;
	u64 nr_folios;
	u64 nr_pages;
	struct memfd_luo_pos held;
	struct memfd_luo_pos restored;
	struct file *file;
	bool accounted;
	struct memfd_luo_pos added;
	u64 nr_added_pages;
	struct mem_cgroup *memcg;
	u64 nr_charged;
	bool damaged;
	struct memfd_luo_ser ser;
};

extern const struct kho_compat_range memfd_luo_compat_range;

int memfd_luo_take(const struct liveupdate_file_op_args *args,
		   struct memfd_luo_incoming *in);
int memfd_luo_verify(const struct liveupdate_file_op_args *args);

/* The previous kernel may have had large folios although this one has none. */
static inline bool memfd_luo_splits(void)
{
	return !IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE);
}

/* Return true if the folios of a run are restored as single pages. */
static inline bool memfd_luo_is_split(const struct memfd_luo_run_ser *run)
{
	return run->order && (memfd_luo_splits() || run->flags & MEMFD_LUO_RUN_SPLIT);
}

/* Return the order of the folios of a run once they are restored. */
static inline unsigned int memfd_luo_order(const struct memfd_luo_run_ser *run)
{
	return memfd_luo_is_split(run) ? 0 : run->order;
}

/*
 * Return the number of the folios of a run once they are restored. Those past the end of the
 * file are not restored.
 */
static inline u64 memfd_luo_run_len(const struct memfd_luo_incoming *in,
				    const struct memfd_luo_run_ser *run)
{
	if (!memfd_luo_is_split(run))
		return run->nr;
	return min((u64)run->nr << run->order,
		   memfd_luo_nr_pages(in->ser.size) - run->index);
}

/* memfd_luo_retrieve.c */

int memfd_luo_retrieve(struct liveupdate_file_op_args *args);
void memfd_luo_finish(struct liveupdate_file_op_args *args);

#endif /* _MM_MEMFD_LUO_H */
