// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of memfds
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

/**
 * DOC: memfd preservation
 *
 * A live update carries the content, the size, the file position and the seals of
 * a memfd. The content is not copied: the folios in the page cache are preserved,
 * and the next kernel inserts them into the page cache of a new memfd.
 *
 * Preserving a memfd freezes it. It can still be read and written, but its size
 * can't change, and its folios can't be moved, reclaimed or replaced by holes.
 * Holes below the file size are filled when the memfd is preserved.
 *
 * A retrieved memfd is frozen until its session is finished, because reboot() preserves
 * it again if it is not. Nothing that other tasks do to it meanwhile can make that fail.
 *
 * Nothing else is carried over: the retrieved file is a new one. Its name, mode, owner
 * and status flags do not depend on the preserved file.
 */

#define pr_fmt(fmt) "memfd_luo: " fmt

#include <linux/align.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/memfd.h>
#include <linux/kho/compat.h>
#include <linux/kho/vmalloc.h>
#include <linux/liveupdate.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/memcontrol.h>
#include <linux/memfd.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/pfn.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/userfaultfd_k.h>
#include <linux/vmalloc.h>
#include <linux/xarray.h>
#include <uapi/linux/memfd.h>

#include "internal.h"

/* Initial capacity of the array of referenced folios. It doubles when full. */
#define MEMFD_LUO_FIRST	4096U
/* Maximum capacity of the array: kvmalloc() allocates at most INT_MAX bytes. */
#define MEMFD_LUO_MAX	(INT_MAX / sizeof(struct folio *))

/* Maximum number of folios in a batch. The arrays of a batch are on the stack. */
#define MEMFD_LUO_BATCH		64U
/* Number of folios that are preserved between two checks for signals */
#define MEMFD_LUO_STEP		65536U

/* Largest list of folios that may use low memory if other memory can't be preserved */
#define MEMFD_LUO_LOW_MAX	(SZ_256M / sizeof(struct memfd_luo_folio_ser))

/**
 * struct memfd_luo_outgoing - a preserved memfd
 * @folios: its folios by ascending index, with a reference to each
 * @nr_folios: number of folios
 * @capacity: number of entries that fit into @folios
 * @entries: list of the folios for the next kernel
 * @frozen: preserve() froze the file, so it has to be thawed. Otherwise it was retrieved
 *	    and is not finished.
 * @settled: holes may have been filled
 */
struct memfd_luo_outgoing {
	struct folio **folios;
	unsigned int nr_folios;
	unsigned int capacity;
	struct memfd_luo_folio_ser *entries;
	bool frozen;
	bool settled;
};

/* Preserving */

/*
 * Accept memfds only. A file in a tmpfs has a name or can get one, and belongs to
 * a mount with limits of its own. Private inodes, for example those of SysV shared
 * memory, belong to the kernel.
 */
static bool memfd_luo_can_preserve(struct liveupdate_file_handler *handler,
				   struct file *file)
{
	struct inode *inode = file_inode(file);

	return shmem_file(file) && !inode->i_nlink && !IS_PRIVATE(inode) &&
	       (inode->i_sb->s_flags & SB_KERNMOUNT);
}

static unsigned long memfd_luo_get_id(struct file *file)
{
	return (unsigned long)file_inode(file);
}

static u64 memfd_luo_nr_pages(u64 size)
{
	return DIV_ROUND_UP_ULL(size, PAGE_SIZE);
}

/*
 * A file with F_SEAL_EXEC is retrieved without x bits, so it must not have any. While
 * the file is frozen, memfd_add_seals() refuses to seal it if it has.
 */
static int memfd_luo_check_seals(struct file *file)
{
	unsigned int seals = memfd_get_seals(file);

	if (seals & ~MEMFD_LUO_SEALS)
		return -EOPNOTSUPP;
	if (seals & F_SEAL_EXEC && file_inode(file)->i_mode & 0111)
		return -EOPNOTSUPP;
	return 0;
}

/*
 * A program that registered missing pages with userfaultfd provides them when they are
 * accessed: a virtual machine that is being migrated, for example. To fill holes would
 * be to provide zeros. The other modes of userfaultfd are about present pages.
 *
 * There may be a registration without holes, but to allow that one would make the result
 * depend on the progress of the migration.
 */
static int memfd_luo_check_userfaultfd(struct address_space *mapping)
{
	struct vm_area_struct *vma;
	int err = 0;

	i_mmap_lock_read(mapping);
	vma_interval_tree_foreach(vma, &mapping->i_mmap, 0, ULONG_MAX) {
		if (userfaultfd_missing(vma)) {
			err = -EBUSY;
			break;
		}
	}
	i_mmap_unlock_read(mapping);
	return err;
}

static int memfd_luo_grow(struct memfd_luo_outgoing *out, u64 nr_pages)
{
	unsigned int capacity;
	struct folio **folios;

	if (out->capacity == MEMFD_LUO_MAX)
		return -EFBIG;

	capacity = out->capacity ? min(2 * (size_t)out->capacity,
				       MEMFD_LUO_MAX) :
				   min_t(u64, nr_pages, MEMFD_LUO_FIRST);
	folios = kvrealloc(out->folios, capacity * sizeof(*folios),
			   GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
	if (!folios)
		return -ENOMEM;

	out->folios = folios;
	out->capacity = capacity;
	return 0;
}

/* After shmem_luo_make_evictable(), unless the file stays frozen */
static __always_inline void memfd_luo_put_folio(struct folio *folio)
{
	if (unlikely(folio_test_unevictable(folio)))
		shmem_luo_rescue(folio);
	folio_put(folio);
}

static void memfd_luo_release(struct memfd_luo_outgoing *out)
{
	unsigned int i;

	for (i = 0; i < out->nr_folios; i++) {
		memfd_luo_put_folio(out->folios[i]);
		if (!(i % MEMFD_LUO_BATCH))
			cond_resched();
	}
	kvfree(out->folios);
}

/* A fallocate()d folio that is not up to date has undefined content: zero it. */
static noinline void memfd_luo_make_uptodate(struct folio *folio)
{
	folio_zero_range(folio, 0, folio_size(folio));
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
	else if (folio_contain_hwpoisoned_page(folio))
		err = -EOPNOTSUPP;
	else if (!folio_test_uptodate(folio))
		memfd_luo_make_uptodate(folio);
	folio_unlock(folio);
	return err;
}

/* Record the next folio of the file. On success @out takes the caller's reference. */
static __always_inline int memfd_luo_keep(struct memfd_luo_outgoing *out,
					  struct address_space *mapping,
					  struct folio *folio, pgoff_t *index)
{
	int err = memfd_luo_claim(mapping, folio, *index);

	if (err)
		return err;

	out->folios[out->nr_folios++] = folio;
	*index = folio_next_index(folio);
	return 0;
}

/*
 * Reference present folios from @index on. Stop at the first one that has to be
 * allocated, swapped in or migrated, or when the array is full.
 *
 * The folios of a retrieved file can't be migrated, because the state of retrieve() has
 * references to them, and need not: they were preserved before, so not in scratch. They
 * may lie in what is movable memory in this kernel.
 */
static int memfd_luo_hold_present(struct memfd_luo_outgoing *out,
				  struct address_space *mapping, pgoff_t *index,
				  u64 nr_pages)
{
	unsigned int room = out->capacity - out->nr_folios;
	unsigned long block, good_block = ULONG_MAX;
	struct folio_batch fbatch;
	pgoff_t start = *index, next = start;
	unsigned int i, nr;
	int err = 0;

	folio_batch_init(&fbatch);
	nr = filemap_get_folios_contig(mapping, &start, nr_pages - 1, &fbatch);
	for (i = 0; i < nr && i < room; i++) {
		struct folio *folio = fbatch.folios[i];

		/* All folios of a pageblock can stay, or none of them can. */
		block = folio_pfn(folio) >> pageblock_order;
		if (out->frozen && block != good_block &&
		    !folio_is_longterm_pinnable(folio))
			break;
		good_block = block;

		err = memfd_luo_keep(out, mapping, folio, &next);
		if (err)
			break;
	}
	*index = next;
	for (; i < nr; i++)
		folio_put(fbatch.folios[i]);
	return err == -EAGAIN ? 0 : err;
}

/*
 * Fill holes, swap in and migrate from @index on. If there is not enough memory to do
 * that up to @end, don't begin with it.
 */
static int memfd_luo_settle(struct memfd_luo_outgoing *out, struct inode *inode,
			    pgoff_t index, pgoff_t end)
{
	int err;

	if (!out->settled) {
		err = shmem_luo_check_room(inode, index, end);
		err = err ?: shmem_luo_mark_present(inode);
		if (err)
			return err;
		out->settled = true;
	}
	return shmem_luo_settle(inode, index, end);
}

/*
 * Reference all folios inside the file's size, which is not 0 and does not change.
 * A referenced folio stays in memory at its address. Folios in scratch or movable memory
 * are migrated first.
 */
static int memfd_luo_hold_all(struct memfd_luo_outgoing *out, struct inode *inode)
{
	u64 nr_pages = memfd_luo_nr_pages(i_size_read(inode));
	pgoff_t index = 0, start;
	int err = 0;

	while (index < nr_pages && !err) {
		if (out->nr_folios == out->capacity)
			err = memfd_luo_grow(out, nr_pages);
		start = index;
		if (!err)
			err = memfd_luo_hold_present(out, inode->i_mapping, &index,
						     nr_pages);
		/* The next folios of a retrieved file must not be migrated. */
		if (!err && index == start)
			err = memfd_luo_settle(out, inode, index,
					       out->frozen ? nr_pages : index + 1);
		if (!err && fatal_signal_pending(current))
			err = -EINTR;
		cond_resched();
	}
	return err;
}

/* After an error the caller calls memfd_luo_drop(). */
static int memfd_luo_hold(struct memfd_luo_outgoing *out, struct inode *inode)
{
	int err;

	if (memfd_luo_nr_pages(i_size_read(inode)) > UINT_MAX)
		return -EFBIG;

	err = memfd_luo_hold_all(out, inode);
	/*
	 * Some holes may have been filled after a program has registered them. For a
	 * retrieved file it is too late to refuse that: reboot() would fail.
	 */
	if (!err && out->frozen)
		err = memfd_luo_check_userfaultfd(inode->i_mapping);
	return err;
}

/* If preserve() has not frozen the file it stays unevictable. */
static void memfd_luo_make_evictable(struct memfd_luo_outgoing *out, struct inode *inode)
{
	unsigned long nr_held = 0;

	if (!out->frozen)
		return;
	if (out->nr_folios)
		nr_held = folio_next_index(out->folios[out->nr_folios - 1]);
	shmem_luo_make_evictable(inode->i_mapping, nr_held);
}

/* Undo memfd_luo_hold(), also if it failed, and free what has filled holes. */
static void memfd_luo_drop(struct memfd_luo_outgoing *out, struct inode *inode)
{
	memfd_luo_make_evictable(out, inode);
	memfd_luo_release(out);
	if (out->settled)
		shmem_luo_drop_filled(inode);
}

/*
 * The next kernel could drop a clean folio. If holes were filled, call this after all else
 * has succeeded, because memfd_luo_drop() drops the clean folios.
 */
static void memfd_luo_mark_dirty(struct memfd_luo_outgoing *out)
{
	unsigned int i;

	for (i = 0; i < out->nr_folios; i++) {
		if (!folio_test_dirty(out->folios[i]))
			folio_mark_dirty(out->folios[i]);
		cond_resched();
	}
}

static int memfd_luo_store_folios(struct memfd_luo_outgoing *out)
{
	unsigned int i;

	for (i = 0; i < out->nr_folios; i++) {
		struct folio *folio = out->folios[i];

		if (!out->settled && !folio_test_dirty(folio))
			folio_mark_dirty(folio);
		out->entries[i] = (struct memfd_luo_folio_ser) {
			.pfn = folio_pfn(folio),
			.flags = MEMFD_LUO_FOLIO_FLAGS,
			.index = folio->index,
		};
		if (i % MEMFD_LUO_FIRST)
			continue;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

static int memfd_luo_preserve_entries(struct memfd_luo_outgoing *out,
				      struct kho_vmalloc *preservation,
				      gfp_t gfp)
{
	int err;

	/* The size depends on the file: return an error to user space, don't log it. */
	out->entries = __vmalloc_array(out->nr_folios, sizeof(*out->entries),
				       gfp | __GFP_ZERO | __GFP_NOWARN |
				       __GFP_RETRY_MAYFAIL);
	if (!out->entries)
		return -ENOMEM;

	err = memfd_luo_store_folios(out);
	if (!err)
		err = kho_preserve_vmalloc(out->entries, preservation);
	if (err)
		vfree(out->entries);
	return err;
}

/* Memory that was hot-added after boot can't be preserved: -EOPNOTSUPP. */
static int memfd_luo_preserve_held(struct memfd_luo_outgoing *out)
{
	unsigned int i, nr;
	int err;

	for (i = 0; i < out->nr_folios; i += nr) {
		nr = min(out->nr_folios - i, MEMFD_LUO_STEP);
		err = fatal_signal_pending(current) ? -EINTR :
		      kho_preserve_folios(out->folios + i, nr);
		if (err) {
			kho_unpreserve_folios(out->folios, i);
			return err == -EINVAL ? -EOPNOTSUPP : err;
		}
	}
	return 0;
}

/* Preserve the folios and their list. */
static int memfd_luo_preserve_folios(struct memfd_luo_outgoing *out,
				     struct memfd_luo_ser *ser)
{
	struct kho_vmalloc preservation;
	int err;

	err = memfd_luo_preserve_entries(out, &preservation, GFP_KERNEL);
	/*
	 * The list may lie in hot-added memory. Retry in low memory, which was
	 * present at boot but is scarce.
	 */
	if (err == -EINVAL && out->nr_folios <= MEMFD_LUO_LOW_MAX)
		err = memfd_luo_preserve_entries(out, &preservation,
						 GFP_KERNEL | GFP_DMA32);
	if (err)
		return err == -EINVAL ? -EOPNOTSUPP : err;

	err = memfd_luo_preserve_held(out);
	if (err) {
		kho_unpreserve_vmalloc(&preservation);
		vfree(out->entries);
		return err;
	}

	ser->folios = preservation;
	ser->nr_folios = out->nr_folios;
	return 0;
}

static void memfd_luo_unpreserve_folios(struct memfd_luo_outgoing *out,
					struct memfd_luo_ser *ser)
{
	struct kho_vmalloc preservation = ser->folios;

	kho_unpreserve_folios(out->folios, out->nr_folios);
	kho_unpreserve_vmalloc(&preservation);
	vfree(out->entries);
}

static int memfd_luo_preserve_content(struct memfd_luo_outgoing *out,
				      struct file *file,
				      struct memfd_luo_ser *ser)
{
	int err;

	ser->size = i_size_read(file_inode(file));
	if (!ser->size)
		return 0;

	err = memfd_luo_hold(out, file_inode(file));
	if (!err)
		err = memfd_luo_preserve_folios(out, ser);
	if (err) {
		memfd_luo_drop(out, file_inode(file));
		return err;
	}
	if (out->settled)
		memfd_luo_mark_dirty(out);
	return 0;
}

static void memfd_luo_unpreserve_content(struct memfd_luo_outgoing *out,
					 struct inode *inode,
					 struct memfd_luo_ser *ser)
{
	memfd_luo_make_evictable(out, inode);
	if (!ser->size)
		return;

	memfd_luo_unpreserve_folios(out, ser);
	memfd_luo_release(out);
}

/* Store the properties that can change until the kexec. */
static void memfd_luo_store_state(struct file *file, struct memfd_luo_ser *ser)
{
	ser->pos = READ_ONCE(file->f_pos);
	ser->seals = memfd_get_seals(file);
}

/* Folios that fill holes of a frozen file stay where they are, so not in scratch. */
static int memfd_luo_freeze_inode(struct inode *inode)
{
	struct address_space *mapping = inode->i_mapping;
	int err = shmem_freeze(inode);

	if (!err)
		mapping_set_gfp_mask(mapping, mapping_gfp_mask(mapping) &
					      ~__GFP_MOVABLE);
	return err;
}

static void memfd_luo_thaw_inode(struct inode *inode)
{
	struct address_space *mapping = inode->i_mapping;

	mapping_set_gfp_mask(mapping, mapping_gfp_mask(mapping) | __GFP_MOVABLE);
	shmem_thaw(inode);
}

/*
 * Freeze the file, and check what another task could have changed until then. A file
 * that is frozen already was retrieved and not finished: LUO preserves no other file
 * twice. It can be carried, whatever has been done to it since.
 *
 * A reference keeps a folio in memory, but reclaim would still unmap it on each
 * attempt. So mark the mapping unevictable.
 */
static int memfd_luo_freeze_file(struct memfd_luo_outgoing *out, struct file *file)
{
	struct inode *inode = file_inode(file);
	int err;

	if (shmem_frozen(inode))
		return 0;

	err = memfd_luo_freeze_inode(inode);
	if (err)
		return err;
	err = memfd_luo_check_seals(file);
	if (!err)
		err = memfd_luo_check_userfaultfd(inode->i_mapping);
	if (err) {
		memfd_luo_thaw_inode(inode);
		return err;
	}
	mapping_set_unevictable(inode->i_mapping);
	out->frozen = true;
	return 0;
}

static void memfd_luo_thaw_file(struct memfd_luo_outgoing *out, struct file *file)
{
	if (out->frozen)
		memfd_luo_thaw_inode(file_inode(file));
}

static int memfd_luo_preserve(struct liveupdate_file_op_args *args)
{
	struct memfd_luo_outgoing *out;
	struct memfd_luo_ser *ser;
	int err;

	/* The retrieved file is always writable. */
	if (!(args->file->f_mode & FMODE_WRITE))
		return -EOPNOTSUPP;

	out = kzalloc(sizeof(*out), GFP_KERNEL_ACCOUNT);
	if (!out)
		return -ENOMEM;

	ser = kho_alloc_preserve(sizeof(*ser));
	if (IS_ERR(ser)) {
		err = PTR_ERR(ser);
		goto err_free_out;
	}

	err = memfd_luo_freeze_file(out, args->file);
	if (err)
		goto err_free_ser;
	memfd_luo_store_state(args->file, ser);
	err = memfd_luo_preserve_content(out, args->file, ser);
	if (err)
		goto err_thaw;

	args->serialized_data = virt_to_phys(ser);
	args->private_data = out;
	return 0;

err_thaw:
	memfd_luo_thaw_file(out, args->file);
err_free_ser:
	kho_unpreserve_free(ser);
err_free_out:
	kfree(out);
	return err;
}

static void memfd_luo_unpreserve(struct liveupdate_file_op_args *args)
{
	struct memfd_luo_ser *ser = phys_to_virt(args->serialized_data);
	struct memfd_luo_outgoing *out = args->private_data;

	memfd_luo_unpreserve_content(out, file_inode(args->file), ser);
	memfd_luo_thaw_file(out, args->file);
	kho_unpreserve_free(ser);
	kfree(out);
}

/*
 * Must not fail: whatever another task has done to the file must not keep the system
 * from being updated. Does not need an unfreeze: the next freeze overwrites the
 * stored state.
 */
static int memfd_luo_freeze(struct liveupdate_file_op_args *args)
{
	memfd_luo_store_state(args->file, phys_to_virt(args->serialized_data));
	return 0;
}

/* Retrieving */

/**
 * struct memfd_luo_incoming - a memfd of the previous kernel that is not finished
 * @ser: copy of its serialized state
 * @entries: list of its folios, with a reference to each of those that were restored.
 *	     An entry with pfn 0 is skipped.
 * @nr_restored: number of leading entries whose folios have been restored
 * @restore_err: the last error in restoring them
 * @split: list that replaces @entries when all of them are restored as single pages,
 *	   or NULL
 * @nr_split: number of entries in @split
 * @nr_pages: size of all restored folios in pages
 * @file: the new file, NULL until it is created
 * @accounted: the blocks of all folios are accounted to @file
 * @nr_added: number of leading entries whose folios were added to @file
 * @nr_added_pages: size of the added folios in pages
 * @memcg: the memcg that is charged for the others during retrieve(), NULL if none
 * @nr_charged: number of pages charged to @memcg that no folio has got yet
 *
 * After -ENOMEM and -EINTR the next retrieve() resumes from it. After success it is kept
 * until finish(): the references keep the folios where they can be preserved again.
 */
struct memfd_luo_incoming {
	struct memfd_luo_ser ser;
	struct memfd_luo_folio_ser *entries;
	u64 nr_restored;
	int restore_err;
	struct memfd_luo_folio_ser *split;
	u64 nr_split;
	u64 nr_pages;
	struct file *file;
	bool accounted;
	u64 nr_added;
	u64 nr_added_pages;
	struct mem_cgroup *memcg;
	u64 nr_charged;
};

static const struct kho_compat_range memfd_luo_compat_range = {
	.name = "memfd",
	.lowest = 2,
	.highest = 2,
};

static const struct kho_compat_range *const memfd_luo_compat_ranges[] = {
	&memfd_luo_compat_range,
	&kho_compat_table[KHO_COMPAT_VMALLOC],
};

static bool memfd_luo_valid(const struct memfd_luo_ser *ser)
{
	u64 room = (u64)ser->folios.total_pages << PAGE_SHIFT;

	return ser->size <= MAX_LFS_FILESIZE && ser->pos <= MAX_LFS_FILESIZE &&
	       !ser->flags && !(ser->seals & ~MEMFD_LUO_SEALS) &&
	       ser->nr_folios <= room / sizeof(struct memfd_luo_folio_ser);
}

/*
 * Copy before checking: a malicious previous kernel may have made the same memory
 * part of a file's content.
 */
static int memfd_luo_read_ser(const struct liveupdate_file_op_args *args,
			      struct memfd_luo_ser *ser)
{
	phys_addr_t pa = args->serialized_data;

	/* Fast path: the string that this kernel writes itself. */
	if (strncmp(args->incoming_compatible, MEMFD_LUO_FH_COMPATIBLE,
		    LIVEUPDATE_HNDL_COMPAT_LENGTH) &&
	    kho_compat_check("memfd", args->incoming_compatible,
			     LIVEUPDATE_HNDL_COMPAT_LENGTH,
			     memfd_luo_compat_ranges,
			     ARRAY_SIZE(memfd_luo_compat_ranges)))
		return -EPROTONOSUPPORT;

	/* The state must be a block of its own: kho_restore_free() frees all of it. */
	if (!pa || !kho_incoming_has_pages(pa, 1)) {
		pr_err("incoming state at %pa is misaligned or not in preserved memory\n",
		       &pa);
		return -EIO;
	}

	memcpy(ser, phys_to_virt(pa), sizeof(*ser));
	if (!memfd_luo_valid(ser)) {
		pr_err("incoming state at %pa is damaged: size %llu, position %llu, seals %#x, flags %#x, %llu folios\n",
		       &pa, ser->size, ser->pos, ser->seals, ser->flags,
		       ser->nr_folios);
		return -EIO;
	}
	return 0;
}

/* Return the address of the folio, or an impossible one if the entry is skipped. */
static phys_addr_t memfd_luo_phys(const struct memfd_luo_folio_ser *entry)
{
	return entry->pfn ? PFN_PHYS(entry->pfn) : PHYS_ADDR_MAX;
}

/* Restore the next folios. Clear the pfn of entries whose folio can't be restored. */
static void memfd_luo_restore_batch(struct memfd_luo_incoming *in)
{
	struct memfd_luo_folio_ser *entries = in->entries + in->nr_restored;
	struct folio *folios[MEMFD_LUO_BATCH];
	phys_addr_t phys[MEMFD_LUO_BATCH];
	unsigned int i, nr;

	nr = min(in->ser.nr_folios - in->nr_restored, MEMFD_LUO_BATCH);
	for (i = 0; i < nr; i++)
		phys[i] = memfd_luo_phys(&entries[i]);
	kho_restore_folios(phys, folios, nr);

	for (i = 0; i < nr; i++) {
		if (folios[i]) {
			in->nr_pages += folio_nr_pages(folios[i]);
		} else if (entries[i].pfn) {
			pr_err_ratelimited("no incoming folio at pfn %#llx\n",
					   (u64)entries[i].pfn);
			entries[i].pfn = 0;
			in->restore_err = -EIO;
		}
	}
	in->nr_restored += nr;
}

/* Restore the folios. After -EINTR a later call resumes. */
static int memfd_luo_restore_folios(struct memfd_luo_incoming *in)
{
	while (in->nr_restored < in->ser.nr_folios) {
		if (fatal_signal_pending(current))
			return -EINTR;
		memfd_luo_restore_batch(in);
		cond_resched();
	}
	return in->restore_err;
}

static unsigned int memfd_luo_order(const struct memfd_luo_folio_ser *entry)
{
	return max(kho_incoming_order(PFN_PHYS(entry->pfn)), 0);
}

/* Return the number of entries of a list that has one entry for each page. */
static u64 memfd_luo_count_pages(const struct memfd_luo_incoming *in)
{
	u64 nr_pages = 0;
	u64 i;

	for (i = 0; i < in->ser.nr_folios; i++) {
		nr_pages += 1ULL << memfd_luo_order(&in->entries[i]);
		cond_resched();
	}
	return nr_pages;
}

/*
 * Restore a folio as single pages, and write an entry for each of them. Free pages
 * past the file's size.
 */
static int memfd_luo_restore_split(struct memfd_luo_incoming *in,
				   const struct memfd_luo_folio_ser *entry,
				   u64 nr, struct memfd_luo_folio_ser *split)
{
	bool aligned = IS_ALIGNED(entry->index, nr);
	u64 end = memfd_luo_nr_pages(in->ser.size);
	struct page *page;
	u64 i;

	page = kho_restore_pages(PFN_PHYS(entry->pfn), nr);
	if (!page) {
		pr_err_ratelimited("no incoming folio at pfn %#llx\n",
				   (u64)entry->pfn);
		return -EIO;
	}

	for (i = 0; i < nr; i++) {
		if (!aligned || (i && entry->index + i >= end)) {
			__free_page(page + i);
			continue;
		}
		split[i] = *entry;
		split[i].pfn = entry->pfn + i;
		split[i].index = entry->index + i;
		in->nr_pages++;
	}

	if (aligned)
		return 0;
	pr_err("folio of order %u does not fit at index %llu\n", ilog2(nr),
	       entry->index);
	return -EIO;
}

/* Restore the folio of the next entry as single pages, and clear the entry's pfn. */
static void memfd_luo_split_next(struct memfd_luo_incoming *in)
{
	struct memfd_luo_folio_ser *entry = in->entries + in->nr_restored;
	u64 nr = 1ULL << memfd_luo_order(entry);

	if (entry->pfn && memfd_luo_restore_split(in, entry, nr,
						  in->split + in->nr_split))
		in->restore_err = -EIO;
	entry->pfn = 0;
	in->nr_split += nr;
	in->nr_restored++;
}

static int memfd_luo_alloc_split(struct memfd_luo_incoming *in, u64 nr_entries)
{
	if (nr_entries > get_num_physpages()) {
		pr_err("list of incoming folios has %llu pages\n", nr_entries);
		in->ser.nr_folios = 0;
		return -EIO;
	}
	in->split = __vmalloc_array(nr_entries, sizeof(*in->split),
				    GFP_KERNEL | __GFP_ZERO |
				    __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
	return in->split ? 0 : -ENOMEM;
}

/*
 * Like memfd_luo_restore_folios(), for a page cache without large folios: replace
 * the list by one that has an entry for each page.
 */
static int memfd_luo_restore_pages(struct memfd_luo_incoming *in)
{
	u64 nr_entries;
	int err;

	if (!in->split) {
		nr_entries = memfd_luo_count_pages(in);
		/* Nothing has to be split. */
		if (nr_entries == in->ser.nr_folios)
			return memfd_luo_restore_folios(in);

		err = memfd_luo_alloc_split(in, nr_entries);
		if (err)
			return err;
	}

	while (in->nr_restored < in->ser.nr_folios) {
		if (fatal_signal_pending(current))
			return -EINTR;
		memfd_luo_split_next(in);
		cond_resched();
	}

	vfree(in->entries);
	in->entries = in->split;
	in->split = NULL;
	in->ser.nr_folios = in->nr_split;
	in->nr_restored = in->nr_split;
	return in->restore_err;
}

/* Restore the folios. After -ENOMEM and -EINTR a later call resumes. */
static int memfd_luo_restore(struct memfd_luo_incoming *in)
{
	if (IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE))
		return memfd_luo_restore_folios(in);
	return memfd_luo_restore_pages(in);
}

/* Take over the serialized state and the list. On failure, take neither. */
static int memfd_luo_take(const struct liveupdate_file_op_args *args,
			  struct memfd_luo_incoming *in)
{
	struct kho_vmalloc preservation;
	void *entries;
	int err;

	err = memfd_luo_read_ser(args, &in->ser);
	if (err)
		return err;

	if (in->ser.nr_folios) {
		preservation = in->ser.folios;
		entries = kho_try_restore_vmalloc(&preservation);
		if (entries == ERR_PTR(-ENOMEM))
			return -ENOMEM;
		if (IS_ERR(entries)) {
			pr_err("list of incoming folios can't be restored\n");
			return -EIO;
		}
		in->entries = entries;
	}
	kho_restore_free(phys_to_virt(args->serialized_data));
	return 0;
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

static void memfd_luo_put_folios(const struct memfd_luo_folio_ser *entries, u64 nr)
{
	u64 i;

	for (i = 0; i < nr; i++) {
		if (entries[i].pfn)
			memfd_luo_put_folio(pfn_folio(entries[i].pfn));
		if (!(i % MEMFD_LUO_BATCH))
			cond_resched();
	}
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

/* Free the state, and the folios and blocks that no file owns. */
static void memfd_luo_put_incoming(struct liveupdate_file_op_args *args)
{
	struct memfd_luo_incoming *in = args->private_data;

	memfd_luo_put_folios(in->entries, in->ser.nr_folios);
	memfd_luo_put_folios(in->split, in->split ? in->nr_split : 0);
	if (in->file) {
		memfd_luo_settle_blocks(in);
		fput(in->file);
	}
	vfree(in->split);
	vfree(in->entries);
	kfree(in);
	args->private_data = NULL;
}

static bool memfd_luo_fits(struct address_space *mapping, struct folio *folio,
			   const struct memfd_luo_folio_ser *entry)
{
	u64 nr_pages = memfd_luo_nr_pages(i_size_read(mapping->host));

	return !(entry->flags & ~MEMFD_LUO_FOLIO_FLAGS) &&
	       folio_order(folio) <= mapping_max_folio_order(mapping) &&
	       IS_ALIGNED(entry->index, folio_nr_pages(folio)) &&
	       entry->index < nr_pages;
}

/* The folio is not visible to others yet, so non-atomic flag updates are fine. */
static void memfd_luo_init_folio(struct folio *folio,
				 const struct memfd_luo_folio_ser *entry)
{
	__folio_set_locked(folio);
	__folio_set_swapbacked(folio);
	if (entry->flags & MEMFD_LUO_FOLIO_UPTODATE)
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
	u64 nr_nodes = min(in->nr_pages / XA_CHUNK_SIZE, in->ser.nr_folios);

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

/* The caller keeps its reference to the folio. */
static int memfd_luo_add_folio(struct memfd_luo_incoming *in,
			       const struct memfd_luo_folio_ser *entry)
{
	struct address_space *mapping = in->file->f_mapping;
	struct folio *folio = pfn_folio(entry->pfn);
	gfp_t gfp = memfd_luo_gfp(mapping);
	int err;

	if (!memfd_luo_fits(mapping, folio, entry)) {
		pr_err("folio of order %u does not fit at index %llu\n",
		       folio_order(folio), entry->index);
		return -EIO;
	}

	memfd_luo_init_folio(folio, entry);
	memfd_luo_commit_charge(in, &folio, 1);
	err = shmem_add_to_page_cache(folio, mapping, entry->index, NULL, gfp);
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
 * Collect leading order-0 folios with consecutive indices in one zone. Return their
 * number, 0 if the first folio does not fit.
 */
static unsigned int memfd_luo_gather(struct address_space *mapping,
				     const struct memfd_luo_folio_ser *entries,
				     u64 nr, struct folio **folios)
{
	u64 end = memfd_luo_nr_pages(i_size_read(mapping->host));
	u64 index = entries[0].index;
	struct zone *zone = NULL;
	unsigned int i;

	for (i = 0; i < nr && i < MEMFD_LUO_BATCH && entries[i].pfn; i++) {
		folios[i] = pfn_folio(entries[i].pfn);
		if (!zone)
			zone = folio_zone(folios[i]);

		if (folio_test_large(folios[i]) || folio_zone(folios[i]) != zone ||
		    entries[i].index != index + i || index + i >= end ||
		    entries[i].flags & ~MEMFD_LUO_FOLIO_FLAGS)
			break;
	}

	return i;
}

/*
 * Like memfd_luo_add_folio(), for single pages. Store in @nr_added how many of them the
 * page cache owns, also on failure.
 */
static int memfd_luo_add_pages(struct memfd_luo_incoming *in,
			       const struct memfd_luo_folio_ser *entries,
			       struct folio **folios, unsigned int nr,
			       unsigned int *nr_added)
{
	struct address_space *mapping = in->file->f_mapping;
	unsigned int i;
	int err;

	*nr_added = 0;
	for (i = 0; i < nr; i++)
		memfd_luo_init_folio(folios[i], &entries[i]);
	memfd_luo_commit_charge(in, folios, nr);

	err = shmem_add_pages(mapping, entries[0].index, folios, nr, nr_added,
			      memfd_luo_gfp(mapping));

	for (i = 0; i < *nr_added; i++) {
		/* The page cache has taken over the reference of the list. */
		folio_get(folios[i]);
		folio_set_dirty(folios[i]);
	}
	if (*nr_added)
		lru_add_pages(folios, *nr_added);
	/* A later call charges the other folios again. */
	for (i = *nr_added; i < nr; i++)
		mem_cgroup_uncharge(folios[i]);
	for (i = 0; i < nr; i++)
		folio_unlock(folios[i]);
	return err;
}

/* Add the folios of the next entries to the file. */
static int memfd_luo_fill_batch(struct memfd_luo_incoming *in)
{
	const struct memfd_luo_folio_ser *entries = in->entries + in->nr_added;
	struct folio *folios[MEMFD_LUO_BATCH];
	unsigned int nr_gathered, nr_added;
	int err;

	nr_gathered = memfd_luo_gather(in->file->f_mapping, entries,
				       in->ser.nr_folios - in->nr_added, folios);
	if (nr_gathered) {
		err = memfd_luo_add_pages(in, entries, folios, nr_gathered,
					  &nr_added);
		in->nr_added += nr_added;
		in->nr_added_pages += nr_added;
		return err;
	}

	if (entries[0].pfn) {
		long nr_pages = folio_nr_pages(pfn_folio(entries[0].pfn));

		err = memfd_luo_add_folio(in, &entries[0]);
		if (err)
			return err;
		in->nr_added_pages += nr_pages;
	}

	in->nr_added++;
	return 0;
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

	while (in->nr_added < in->ser.nr_folios && !err) {
		err = fatal_signal_pending(current) ? -EINTR :
						      memfd_luo_fill_batch(in);
		cond_resched();
	}
	memfd_luo_end_charge(in);
	if (err == -EEXIST) {
		pr_err("two folios at index %llu\n",
		       in->entries[in->nr_added].index);
		err = -EIO;
	}
	return err;
}

/* Create a memfd with all properties of the preserved one except its content. */
static int memfd_luo_new_file(struct memfd_luo_incoming *in)
{
	struct inode *inode;
	struct file *file;
	int err;

	if (in->file)
		return 0;

	file = memfd_new_file("memfd:luo", MFD_ALLOW_SEALING | MFD_EXEC);
	if (IS_ERR(file))
		return PTR_ERR(file);
	inode = file_inode(file);

	/* With x bits F_SEAL_EXEC would imply the seals against writing. */
	if (in->ser.seals & F_SEAL_EXEC)
		inode->i_mode &= ~0111;

	/* Sealing an empty file is cheaper: it need not wait for folios in use. */
	err = memfd_add_seals(file, in->ser.seals);
	if (err) {
		fput(file);
		return err;
	}

	i_size_write(inode, in->ser.size);
	file->f_pos = in->ser.pos;
	err = memfd_luo_freeze_inode(inode);
	if (err) {
		fput(file);
		return err;
	}
	in->file = file;
	return 0;
}

static int memfd_luo_make_file(struct memfd_luo_incoming *in)
{
	int err;

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

static int memfd_luo_retrieve(struct liveupdate_file_op_args *args)
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
	       !kho_incoming_contains(args->serialized_data,
				      sizeof(struct memfd_luo_ser));
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
	/* Folios need not be split to be freed. Signals must not stop this. */
	while (in->nr_restored < in->ser.nr_folios) {
		memfd_luo_restore_batch(in);
		cond_resched();
	}
	memfd_luo_put_incoming(args);
}

static void memfd_luo_finish(struct liveupdate_file_op_args *args)
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
	memfd_luo_thaw_inode(inode);
}

static const struct liveupdate_file_ops memfd_luo_ops = {
	.can_preserve = memfd_luo_can_preserve,
	.preserve = memfd_luo_preserve,
	.unpreserve = memfd_luo_unpreserve,
	.freeze = memfd_luo_freeze,
	.retrieve = memfd_luo_retrieve,
	.finish = memfd_luo_finish,
	.get_id = memfd_luo_get_id,
	.owner = THIS_MODULE,
};

static struct liveupdate_file_handler memfd_luo_handler = {
	.ops = &memfd_luo_ops,
	.compatible = MEMFD_LUO_FH_COMPATIBLE,
};

static int __init memfd_luo_init(void)
{
	int err = liveupdate_register_file_handler(&memfd_luo_handler);

	if (err && err != -EOPNOTSUPP)
		pr_err("can't be registered: %pe\n", ERR_PTR(err));
	return err == -EOPNOTSUPP ? 0 : err;
}
late_initcall(memfd_luo_init);
