// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of memfds: what the previous kernel has written about a file
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * None of it is trusted. Everything is copied or owned before it is checked: a malicious
 * previous kernel may have made the same memory part of a file's content.
 *
 * Both versions are read into the same form, a list of runs.
 */

#define pr_fmt(fmt) "memfd_luo: " fmt

#include <linux/align.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/compat.h>
#include <linux/kho/note.h>
#include <linux/kho/vmalloc.h>
#include <linux/liveupdate.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/time64.h>
#include <linux/uidgid.h>

#include "memfd_luo.h"

const struct kho_compat_range memfd_luo_compat_range = {
	.name = "memfd",
	.lowest = KHO_MEMFD_LOWEST,
	.highest = KHO_MEMFD_HIGHEST,
};

static const struct kho_compat_range *const memfd_luo_compat_ranges[] = {
	&memfd_luo_compat_range,
	&kho_compat_table[KHO_COMPAT_VMALLOC],
};

static int memfd_luo_read_version(const char *compatible, unsigned int *version)
{
	/* Fast path: the string that this kernel writes itself. */
	if (!strncmp(compatible, MEMFD_LUO_FH_COMPATIBLE, LIVEUPDATE_HNDL_COMPAT_LENGTH)) {
		*version = memfd_luo_compat_range.highest;
		return 0;
	}

	if (kho_compat_check("memfd", compatible, LIVEUPDATE_HNDL_COMPAT_LENGTH,
			     memfd_luo_compat_ranges,
			     ARRAY_SIZE(memfd_luo_compat_ranges)) ||
	    kho_compat_base_version(compatible, LIVEUPDATE_HNDL_COMPAT_LENGTH, version))
		return -EPROTONOSUPPORT;
	return 0;
}

/* The serialized state */

/* Return how many entries of @size bytes fit into an area. */
static u64 memfd_luo_room(const struct kho_vmalloc *area, size_t size)
{
	return ((u64)area->total_pages << PAGE_SHIFT) / size;
}

static bool memfd_luo_list_valid(const struct memfd_luo_ser *ser)
{
	u64 room = MEMFD_LUO_PAGE_RUNS;
	struct kho_vmalloc area = ser->area;

	if (area.first.phys)
		room = memfd_luo_room(&area, sizeof(ser->runs[0]));
	else if (area.total_pages || area.flags || area.order)
		return false;

	if (!ser->nr_runs)
		return !ser->nr_poisoned && !area.first.phys;
	return ser->nr_runs <= room && ser->nr_poisoned <= room - ser->nr_runs;
}

/* Check the fields that both versions have. */
static bool memfd_luo_common_valid(u64 size, u64 pos, u32 seals)
{
	return size <= MAX_LFS_FILESIZE && pos <= MAX_LFS_FILESIZE &&
	       !(seals & ~MEMFD_LUO_SEALS);
}

static bool memfd_luo_open_flags_valid(u32 flags)
{
	return !(flags & ~MEMFD_LUO_OPEN_FLAGS) && (flags & O_ACCMODE) != O_ACCMODE;
}

static bool memfd_luo_owner_valid(const struct memfd_luo_ser *ser)
{
	return !(ser->mode & ~MEMFD_LUO_MODE) &&
	       uid_valid(make_kuid(&init_user_ns, ser->uid)) &&
	       gid_valid(make_kgid(&init_user_ns, ser->gid));
}

static bool memfd_luo_times_valid(const struct memfd_luo_ser *ser)
{
	return ser->atime.nsec < NSEC_PER_SEC && ser->mtime.nsec < NSEC_PER_SEC &&
	       ser->ctime.nsec < NSEC_PER_SEC && ser->btime.nsec < NSEC_PER_SEC;
}

/* The state must be a block of its own: kho_restore_free() frees all of it. */
static int memfd_luo_check_address(phys_addr_t pa, const struct kho_source *source)
{
	if (pa && source->has_pages(pa, 1))
		return 0;

	pr_err("%s state at %pa is misaligned or not in preserved memory\n", source->name, &pa);
	return -EIO;
}

static int memfd_luo_read_ser(phys_addr_t pa, struct memfd_luo_ser *ser,
			      const struct kho_source *source)
{
	memcpy(ser, phys_to_virt(pa), sizeof(*ser));
	if (memfd_luo_common_valid(ser->size, ser->pos, ser->seals) &&
	    memfd_luo_open_flags_valid(ser->open_flags) && memfd_luo_owner_valid(ser) &&
	    memfd_luo_times_valid(ser) && memfd_luo_list_valid(ser))
		return 0;

	pr_err("%s state at %pa is damaged: size %llu, position %llu, seals %#x, open flags %#x, mode %#o, owner %u:%u, %llu runs, %u poisoned pages\n",
	       source->name, &pa, ser->size, ser->pos, ser->seals, ser->open_flags,
	       ser->mode, ser->uid, ser->gid, ser->nr_runs, ser->nr_poisoned);
	return -EIO;
}

static int memfd_luo_read_v2_ser(phys_addr_t pa, struct memfd_luo_v2_ser *ser)
{
	struct kho_vmalloc folios;

	memcpy(ser, phys_to_virt(pa), sizeof(*ser));
	folios = ser->folios;
	if (memfd_luo_common_valid(ser->size, ser->pos, ser->seals) && !ser->flags &&
	    ser->nr_folios <= memfd_luo_room(&folios, sizeof(struct memfd_luo_v2_folio_ser)))
		return 0;

	pr_err("incoming state at %pa is damaged: size %llu, position %llu, seals %#x, flags %#x, %llu folios\n",
	       &pa, ser->size, ser->pos, ser->seals, ser->flags, ser->nr_folios);
	return -EIO;
}

/* The list */

static void *memfd_luo_take_area(struct kho_vmalloc area)
{
	void *list = kho_try_restore_vmalloc(&area);

	if (!IS_ERR(list) || list == ERR_PTR(-ENOMEM))
		return list;
	pr_err("list of incoming folios can't be restored\n");
	return ERR_PTR(-EIO);
}

/* Copy the list from the page of the serialized state. */
static void *memfd_luo_copy_list(phys_addr_t pa, u64 nr)
{
	const struct memfd_luo_ser *ser = phys_to_virt(pa);

	return kmemdup(ser->runs, nr * sizeof(ser->runs[0]), GFP_KERNEL) ?:
	       ERR_PTR(-ENOMEM);
}

/*
 * Read the entry of a folio. If the folio is not preserved, restoring it fails later, and
 * the other folios are freed.
 */
static int memfd_luo_read_v2_folio(const struct memfd_luo_v2_folio_ser *entry,
				   struct memfd_luo_run_ser *run)
{
	int order = kho_incoming_order(PFN_PHYS(entry->pfn));
	bool valid = entry->flags & MEMFD_LUO_V2_FOLIO_UPTODATE;

	*run = (struct memfd_luo_run_ser) {
		.pfn = entry->pfn,
		.nr = 1,
		.index = entry->index,
		.order = max(order, 0),
		.flags = valid ? 0 : MEMFD_LUO_RUN_STALE,
	};
	if (run->pfn == entry->pfn && run->index == entry->index &&
	    !(entry->flags & ~MEMFD_LUO_V2_FOLIO_FLAGS))
		return 0;

	pr_err("folio at pfn %#llx with flags %#x does not fit at index %llu\n",
	       (u64)entry->pfn, (u32)entry->flags, entry->index);
	return -EIO;
}

/* Add @next to @run if it continues the run. Return false if it does not. */
static bool memfd_luo_merge(struct memfd_luo_run_ser *run,
			    const struct memfd_luo_run_ser *next)
{
	u64 nr_pages = (u64)run->nr << run->order;

	if (next->pfn != run->pfn + nr_pages || next->index != run->index + nr_pages ||
	    next->order != run->order || next->flags != run->flags ||
	    run->nr == MEMFD_LUO_RUN_MAX)
		return false;
	run->nr++;
	return true;
}

static_assert(sizeof(struct memfd_luo_v2_folio_ser) == sizeof(struct memfd_luo_run_ser));

/* Replace the list by a list of runs, which is not longer, in the same memory. */
static int memfd_luo_convert_v2(struct memfd_luo_incoming *in,
				struct memfd_luo_v2_folio_ser *entries, u64 nr)
{
	struct memfd_luo_run_ser *runs = (struct memfd_luo_run_ser *)entries;
	struct memfd_luo_run_ser run;
	u64 i;
	int err;

	for (i = 0; i < nr; i++) {
		cond_resched();
		if (!entries[i].pfn)
			continue;
		err = memfd_luo_read_v2_folio(&entries[i], &run);
		if (err)
			return err;
		if (!in->nr_runs || !memfd_luo_merge(&runs[in->nr_runs - 1], &run))
			runs[in->nr_runs++] = run;
	}
	return 0;
}

static unsigned int memfd_luo_max_order(void)
{
	return memfd_luo_splits() ? MAX_PAGE_ORDER : MAX_PAGECACHE_ORDER;
}

/* Check that the folios are before the end of the file, and aligned. */
static bool memfd_luo_run_fits(const struct memfd_luo_run_ser *run, u64 end)
{
	return run->nr && run->pfn && run->order <= memfd_luo_max_order() &&
	       !(run->flags & ~MEMFD_LUO_RUN_STALE) &&
	       IS_ALIGNED((u64)run->pfn | run->index, 1ULL << run->order) &&
	       run->index + ((u64)(run->nr - 1) << run->order) < end;
}

static bool memfd_luo_poison_fits(const struct memfd_luo_run_ser *page,
				  const struct memfd_luo_run_ser *run)
{
	return page->nr == 1 && !page->order && !page->flags && page->index >= run->index &&
	       (u64)page->pfn == (u64)run->pfn + (page->index - run->index) &&
	       (!run->order || run->nr == 1);
}

/*
 * Check the poisoned pages of a run, and advance *@nr_checked past their entries. A large
 * folio with poisoned pages is restored as single pages.
 */
static bool memfd_luo_poison_valid(const struct memfd_luo_incoming *in,
				   struct memfd_luo_run_ser *run, u64 *nr_checked)
{
	u64 next = run->index, end = run->index + ((u64)run->nr << run->order);

	for (; *nr_checked < in->nr_poisoned; ++*nr_checked) {
		const struct memfd_luo_run_ser *page = &in->poisoned[*nr_checked];

		if (page->index >= end)
			break;
		if (page->index < next || !memfd_luo_poison_fits(page, run))
			return false;
		if (run->order)
			run->flags |= MEMFD_LUO_RUN_SPLIT;
		next = page->index + 1;
	}
	return true;
}

/*
 * Check a run. In version 2 the folios can come in any order. Then overlaps are found when
 * the folios are added to the file.
 */
static bool memfd_luo_run_valid(const struct memfd_luo_incoming *in,
				const struct memfd_luo_run_ser *run, u64 *next_index)
{
	if (!memfd_luo_run_fits(run, memfd_luo_nr_pages(in->ser.size)))
		return false;
	if (in->version > 2 && (run->flags || run->index < *next_index))
		return false;

	*next_index = run->index + ((u64)run->nr << run->order);
	return true;
}

/*
 * Check the list, and count its folios. No more pages are read, restored or discarded than
 * the machine has. If it is damaged, keep the runs before the damage. A list of this kernel
 * is not changed.
 */
static int memfd_luo_check_list(struct memfd_luo_incoming *in)
{
	u64 next_index = 0, nr_poisoned = 0;
	u64 i;

	for (i = 0; i < in->nr_runs; i++) {
		struct memfd_luo_run_ser run = in->runs[i];

		if (!memfd_luo_run_valid(in, &run, &next_index)) {
			pr_err("%u folios of order %u at pfn %#llx do not fit at index %llu\n",
			       (u32)run.nr, (u32)run.order, (u64)run.pfn, (u64)run.index);
			goto damaged;
		}
		if (!memfd_luo_poison_valid(in, &run, &nr_poisoned))
			break;
		if (!in->outgoing)
			in->runs[i].flags = run.flags;
		in->nr_folios += memfd_luo_run_len(in, &run);
		in->nr_pages += memfd_luo_run_len(in, &run) << memfd_luo_order(&run);
		if (in->nr_pages > get_num_physpages()) {
			pr_err("list of folios has %llu pages\n", in->nr_pages);
			goto damaged;
		}
		cond_resched();
	}
	if (nr_poisoned == in->nr_poisoned)
		return 0;

	pr_err("poisoned page at pfn %#llx does not fit at index %llu\n",
	       (u64)in->poisoned[nr_poisoned].pfn, (u64)in->poisoned[nr_poisoned].index);
damaged:
	/* Pages that would be freed may be poisoned. */
	in->nr_runs = nr_poisoned == in->nr_poisoned ? i : 0;
	return -EIO;
}

static int memfd_luo_take_v2(phys_addr_t pa, struct memfd_luo_incoming *in)
{
	struct memfd_luo_v2_ser ser;
	void *list;
	int err;

	err = memfd_luo_read_v2_ser(pa, &ser);
	if (err)
		return err;

	in->ser.pos = ser.pos;
	in->ser.size = ser.size;
	in->ser.seals = ser.seals;
	in->ser.open_flags = O_RDWR;
	if (!ser.nr_folios)
		return 0;

	list = memfd_luo_take_area(ser.folios);
	if (IS_ERR(list))
		return PTR_ERR(list);
	in->runs = list;
	err = memfd_luo_convert_v2(in, list, ser.nr_folios);
	/* These runs were not checked. */
	if (err)
		in->nr_runs = 0;
	return err;
}

static int memfd_luo_take_v3(phys_addr_t pa, struct memfd_luo_incoming *in)
{
	void *list;
	int err;

	err = memfd_luo_read_ser(pa, &in->ser, &kho_from_previous);
	if (err || !in->ser.nr_runs)
		return err;

	/* The content of poisoned pages would be returned as if it were good. */
	if (in->ser.nr_poisoned && !IS_ENABLED(CONFIG_MEMORY_FAILURE)) {
		pr_err("this kernel lacks MEMORY_FAILURE, which the file at %pa needs: it has %u poisoned pages\n",
		       &pa, in->ser.nr_poisoned);
		return -EPROTONOSUPPORT;
	}

	list = in->ser.area.first.phys ? memfd_luo_take_area(in->ser.area) :
					 memfd_luo_copy_list(pa, in->ser.nr_runs +
								 in->ser.nr_poisoned);
	if (IS_ERR(list))
		return PTR_ERR(list);
	in->runs = list;
	in->nr_runs = in->ser.nr_runs;
	in->poisoned = in->runs + in->nr_runs;
	in->nr_poisoned = in->ser.nr_poisoned;
	return 0;
}

/**
 * memfd_luo_take - take over the serialized state and the list of folios
 * @args: arguments of retrieve()
 * @in: where to store them, zeroed. On success the caller frees the list with kvfree().
 *
 * The folios are not restored yet. If the list is damaged, it has only those folios that can
 * be freed.
 *
 * Context: May sleep.
 * Return: 0; -ENOMEM, after which the caller can try again; -EPROTONOSUPPORT if the
 * version is not supported, or poisoned pages are not; or -EIO. After an error nothing is
 * restored.
 */
int memfd_luo_take(const struct liveupdate_file_op_args *args,
		   struct memfd_luo_incoming *in)
{
	phys_addr_t pa = args->serialized_data;
	int err;

	err = memfd_luo_read_version(args->incoming_compatible, &in->version);
	if (err)
		return err;

	err = memfd_luo_check_address(pa, &kho_from_previous);
	if (err)
		return err;

	err = in->version == 2 ? memfd_luo_take_v2(pa, in) : memfd_luo_take_v3(pa, in);
	if (!err)
		err = memfd_luo_check_list(in);
	if (err && !in->runs)
		return err;

	/* The list was taken, and can't be read again. */
	kho_restore_free(phys_to_virt(pa));
	in->damaged = err;
	if (err)
		pr_warn("the memory of a file with a damaged list stays reserved until a cold boot, except %llu runs\n",
			in->nr_runs);
	return 0;
}

/* Check that all folios of the list are preserved, each at its order. */
static int memfd_luo_verify_folios(const struct memfd_luo_incoming *in)
{
	u64 i;

	for (i = 0; i < in->nr_runs; i++) {
		const struct memfd_luo_run_ser *run = &in->runs[i];

		if (!kho_outgoing_has_folios(PFN_PHYS(run->pfn), run->nr, run->order)) {
			pr_err("%u folios of order %u at pfn %#llx are not preserved\n",
			       (u32)run->nr, (u32)run->order, (u64)run->pfn);
			return -EIO;
		}
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

static int memfd_luo_verify_v2(const struct memfd_luo_outgoing *out, bool frozen)
{
	struct memfd_luo_incoming in = { .runs = out->runs, .nr_runs = out->nr_runs };
	int err;

	err = memfd_luo_v2_verify_ser(out);
	if (err || (frozen && !out->relisted))
		return err;
	return memfd_luo_v2_verify_list(out) ?: memfd_luo_verify_folios(&in);
}

/**
 * memfd_luo_verify - check what is handed over: verify() of the handler
 * @args: see struct liveupdate_file_ops
 *
 * freeze() always stores the state anew, but seldom the list.
 *
 * Context: May sleep.
 * Return: 0, -EIO if the next kernel could not retrieve the file, -EINTR if a fatal signal is
 * pending, or -ENOMEM if the list has to be preserved again by freeze().
 */
int memfd_luo_verify(const struct liveupdate_file_op_args *args)
{
	struct memfd_luo_outgoing *out = args->private_data;
	struct memfd_luo_incoming in = {
		.version = memfd_luo_compat_range.highest,
		.outgoing = true,
		.runs = out->runs,
	};
	phys_addr_t pa = args->serialized_data;
	struct kho_vmalloc area;
	int err;

	if (out->v2)
		return memfd_luo_verify_v2(out, args->frozen);
	/* memfd_luo_unconvert() had no memory for it. */
	if (out->hidden)
		return -ENOMEM;

	err = memfd_luo_check_address(pa, &kho_for_next);
	err = err ?: memfd_luo_read_ser(pa, &in.ser, &kho_for_next);
	if (err)
		return err;
	if (in.ser.nr_runs != out->nr_runs || in.ser.nr_poisoned != out->nr_poisoned) {
		pr_err("outgoing state at %pa has %llu runs and %u poisoned pages, not %llu and %llu\n",
		       &pa, in.ser.nr_runs, in.ser.nr_poisoned, out->nr_runs,
		       out->nr_poisoned);
		return -EIO;
	}
	if (!in.ser.nr_runs || (args->frozen && !out->relisted))
		return 0;

	area = in.ser.area;
	if (area.first.phys) {
		if (kho_verify_vmalloc(&area, out->runs))
			return -EIO;
	} else {
		in.runs = ((struct memfd_luo_ser *)phys_to_virt(pa))->runs;
	}
	in.nr_runs = in.ser.nr_runs;
	in.poisoned = in.runs + in.nr_runs;
	in.nr_poisoned = in.ser.nr_poisoned;
	return memfd_luo_check_list(&in) ?: memfd_luo_verify_folios(&in);
}
