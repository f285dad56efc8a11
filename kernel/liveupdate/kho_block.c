// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arrays of serialized entries in chains of preserved blocks.
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * include/linux/kho/abi/block.h describes the format. In addition a set has a
 * list of its blocks in ordinary memory, so that it can be walked backwards.
 */

#define pr_fmt(fmt) "KHO: block: " fmt

#include <linux/align.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <linux/kho/block.h>

static void *kho_block_entry(const struct kho_block_set *bs,
			     struct kho_block *block, unsigned long index)
{
	return (void *)(block->ser + 1) + index * bs->entry_size;
}

static struct kho_block *kho_block_last(const struct kho_block_set *bs)
{
	return list_empty(&bs->blocks) ? NULL :
	       list_last_entry(&bs->blocks, struct kho_block, list);
}

/* Return the block before @block, NULL if @block is the first one. */
static struct kho_block *kho_block_prev(const struct kho_block_set *bs,
					struct kho_block *block)
{
	return list_is_first(&block->list, &bs->blocks) ? NULL :
	       list_prev_entry(block, list);
}

static int kho_block_append(struct kho_block_set *bs,
			    struct kho_block_header_ser *ser)
{
	struct kho_block *block = kmalloc(sizeof(*block), GFP_KERNEL);

	if (!block)
		return -ENOMEM;

	block->ser = ser;
	list_add_tail(&block->list, &bs->blocks);
	bs->nr_blocks++;
	return 0;
}

static void kho_block_unlink(struct kho_block_set *bs, struct kho_block *block)
{
	list_del(&block->list);
	bs->nr_blocks--;
	kfree(block);
}

static void kho_block_free(struct kho_block_set *bs, struct kho_block *block)
{
	struct kho_block_header_ser *ser = block->ser;

	kho_block_unlink(bs, block);
	if (bs->origin == KHO_BLOCK_INCOMING)
		kho_restore_free(ser);
	else
		kho_unpreserve_free(ser);
}

static int kho_block_add(struct kho_block_set *bs)
{
	struct kho_block *last = kho_block_last(bs);
	struct kho_block_header_ser *ser;
	int err;

	ser = kho_alloc_preserve(KHO_BLOCK_SIZE);
	if (IS_ERR(ser))
		return PTR_ERR(ser);

	err = kho_block_append(bs, ser);
	if (err) {
		kho_unpreserve_free(ser);
		return err;
	}
	if (last)
		last->ser->next = virt_to_phys(ser);

	return 0;
}

/**
 * kho_block_grow - make room for another entry
 * @bs:    the set
 * @count: number of entries that the owner has in the set
 *
 * Add a block if @count entries fill the set. Entries never move.
 *
 * Context: May sleep. The caller locks the set.
 * Return: 0, -EINVAL if an entry does not fit into a block or the set came from
 * the previous kernel, or an error of kho_alloc_preserve(). After an error the
 * set has at least the room that it had before.
 */
int kho_block_grow(struct kho_block_set *bs, u64 count)
{
	unsigned long capacity = kho_block_capacity(bs);

	if (!capacity || bs->origin != KHO_BLOCK_OUTGOING)
		return -EINVAL;

	while (count >= (u64)bs->nr_blocks * capacity) {
		int err = kho_block_add(bs);

		if (err)
			return err;
	}

	return 0;
}
EXPORT_SYMBOL_GPL(kho_block_grow);

/**
 * kho_block_shrink - free blocks that are no longer needed
 * @bs:    the set
 * @count: number of entries that the owner has in the set
 *
 * Context: May sleep. The caller locks the set. No iterator may be in use.
 */
void kho_block_shrink(struct kho_block_set *bs, u64 count)
{
	u64 capacity = kho_block_capacity(bs);
	struct kho_block *last, *prev;

	while (bs->nr_blocks && count <= (bs->nr_blocks - 1) * capacity) {
		last = kho_block_last(bs);
		prev = kho_block_prev(bs, last);

		/* Cut the chain before the block is freed: a kexec can happen at any time. */
		if (prev)
			WRITE_ONCE(prev->ser->next, 0);
		kho_block_free(bs, last);
	}
}
EXPORT_SYMBOL_GPL(kho_block_shrink);

/**
 * kho_block_set_clear - remove all entries and keep the blocks
 * @bs: the set
 *
 * Context: Any. The caller locks the set.
 */
void kho_block_set_clear(struct kho_block_set *bs)
{
	struct kho_block *block;

	list_for_each_entry(block, &bs->blocks, list) {
		block->ser->count = 0;
		memset(block->ser + 1, 0, KHO_BLOCK_SIZE - sizeof(*block->ser));
	}
}
EXPORT_SYMBOL_GPL(kho_block_set_clear);

/**
 * kho_block_set_head_pa - return the address of the first block
 * @bs: the set
 *
 * The first block stays the same until the set has no blocks any more.
 *
 * Context: Any. The caller locks the set.
 * Return: the physical address of the first block, 0 if the set has no blocks.
 */
u64 kho_block_set_head_pa(const struct kho_block_set *bs)
{
	if (list_empty(&bs->blocks))
		return 0;

	return virt_to_phys(list_first_entry(&bs->blocks, struct kho_block,
					     list)->ser);
}
EXPORT_SYMBOL_GPL(kho_block_set_head_pa);

/**
 * kho_block_destroy - free all blocks of a set
 * @bs: the set. Afterwards it is an outgoing set without blocks.
 *
 * Context: May sleep. May be called after core initcalls for a set from the
 * previous kernel. The caller locks the set.
 */
void kho_block_destroy(struct kho_block_set *bs)
{
	while (bs->nr_blocks)
		kho_block_free(bs, kho_block_last(bs));
	bs->origin = KHO_BLOCK_OUTGOING;
}
EXPORT_SYMBOL_GPL(kho_block_destroy);

/**
 * struct kho_block_mark - mark of Brent's cycle detection
 * @pa:    address of the marked block
 * @steps: number of steps since the block was marked
 * @limit: number of steps after which the current block is marked instead
 *
 * The limit doubles each time. So a walk in a cycle meets the marked block
 * after a number of steps that is proportional to the number of blocks.
 */
struct kho_block_mark {
	u64 pa;
	unsigned long steps;
	unsigned long limit;
};

static int kho_block_check_cycle(struct kho_block_mark *mark, u64 pa)
{
	if (pa == mark->pa) {
		pr_err("chain leads back to block %#llx\n", pa);
		return -EINVAL;
	}

	if (mark->steps++ == mark->limit) {
		mark->pa = pa;
		mark->steps = 0;
		mark->limit = 2 * mark->limit + 1;
	}

	return 0;
}

/* Check a block before its entries are read. */
static int kho_block_check(const struct kho_block_set *bs, u64 pa,
			   const struct kho_source *source)
{
	const struct kho_block_header_ser *ser;

	if (!IS_ALIGNED(pa, KHO_BLOCK_SIZE)) {
		pr_err("misaligned block %#llx\n", pa);
		return -EINVAL;
	}
	if (!source->contains(pa, KHO_BLOCK_SIZE)) {
		pr_err("block %#llx is not preserved memory\n", pa);
		return -EINVAL;
	}

	ser = phys_to_virt(pa);
	if (ser->count > kho_block_capacity(bs)) {
		pr_err("block %#llx has %llu entries, but room for %lu\n",
		       pa, ser->count, kho_block_capacity(bs));
		return -EINVAL;
	}
	if (!ser->count && ser->next) {
		pr_err("block %#llx is empty, but not the last one\n", pa);
		return -EINVAL;
	}

	return 0;
}

static int kho_block_load(struct kho_block_set *bs, u64 pa, u64 *next_pa)
{
	struct kho_block_header_ser *ser;
	int err;

	err = kho_block_check(bs, pa, &kho_from_previous);
	if (err)
		return err;

	ser = phys_to_virt(pa);
	*next_pa = ser->next;
	return kho_block_append(bs, ser);
}

/**
 * kho_block_restore - create a set from a chain of the previous kernel
 * @bs:      a set without blocks
 * @head_pa: physical address of the first block, 0 for an empty chain
 *
 * The blocks are read in place. They stay preserved until kho_block_destroy().
 * The chain is not trusted. If it is refused, its memory stays reserved.
 *
 * Context: May sleep. May be called from early initcalls on. The caller locks
 * the set.
 * Return: 0; -EOPNOTSUPP if kexec handover is disabled; -ENOMEM; -EINVAL if the
 * set has blocks, or if the chain has a cycle, a block that is not preserved
 * memory, a block with too many entries, or an empty block before the last one.
 * After an error the set is unchanged.
 */
int kho_block_restore(struct kho_block_set *bs, u64 head_pa)
{
	struct kho_block_mark mark = {};
	u64 pa = head_pa;
	int err = 0;

	if (!kho_is_enabled())
		return -EOPNOTSUPP;
	if (bs->nr_blocks || !kho_block_capacity(bs))
		return -EINVAL;

	while (pa && !err) {
		err = kho_block_check_cycle(&mark, pa);
		if (!err)
			err = kho_block_load(bs, pa, &pa);
	}
	if (!err) {
		bs->origin = KHO_BLOCK_INCOMING;
		return 0;
	}

	while (bs->nr_blocks)
		kho_block_unlink(bs, kho_block_last(bs));
	return err;
}
EXPORT_SYMBOL_GPL(kho_block_restore);

/**
 * kho_block_verify - check that the next kernel can create a set from a chain
 * @bs:      the set that the chain belongs to, with the number of its entries stored
 * @head_pa: physical address of the first block, as it is handed over
 *
 * If the chain passes, the entries of @bs are those that the next kernel will read.
 *
 * Context: May sleep. The caller locks the set.
 * Return: 0, or -EINVAL if kho_block_restore() would refuse the chain, or it has other
 * blocks than @bs.
 */
int kho_block_verify(const struct kho_block_set *bs, u64 head_pa)
{
	const struct kho_block *block;
	u64 pa = head_pa;
	int err;

	list_for_each_entry(block, &bs->blocks, list) {
		if (pa != virt_to_phys(block->ser)) {
			pr_err("chain leads to %#llx instead of block %#llx\n", pa,
			       (u64)virt_to_phys(block->ser));
			return -EINVAL;
		}
		err = kho_block_check(bs, pa, &kho_for_next);
		if (err)
			return err;
		pa = block->ser->next;
		cond_resched();
	}
	if (!pa)
		return 0;

	pr_err("chain goes on at %#llx after its last block\n", pa);
	return -EINVAL;
}
EXPORT_SYMBOL_GPL(kho_block_verify);

/**
 * kho_block_it_init - set an iterator to the start of a set
 * @it: the iterator
 * @bs: the set
 *
 * Context: Any. The caller locks the set while the iterator is in use.
 */
void kho_block_it_init(struct kho_block_it *it, struct kho_block_set *bs)
{
	it->bs = bs;
	it->block = list_first_entry_or_null(&bs->blocks, struct kho_block,
					     list);
	it->index = 0;
}
EXPORT_SYMBOL_GPL(kho_block_it_init);

/*
 * Advance to the next block if the position is after all @count entries of this
 * one. Return false after the last block.
 */
static bool kho_block_it_advance(struct kho_block_it *it, u64 count)
{
	if (!it->block || it->index < count)
		return it->block;

	if (list_is_last(&it->block->list, &it->bs->blocks))
		return false;
	it->block = list_next_entry(it->block, list);
	it->index = 0;
	return true;
}

/**
 * kho_block_it_next - return the next entry for writing
 * @it: the iterator
 *
 * The position moves past the entry. The number of entries is stored by
 * kho_block_it_finalize().
 *
 * Context: Any. The caller locks the set.
 * Return: the entry, NULL if all blocks are full.
 */
void *kho_block_it_next(struct kho_block_it *it)
{
	unsigned long capacity = kho_block_capacity(it->bs);

	if (it->block && it->index == capacity)
		it->block->ser->count = capacity;
	if (!kho_block_it_advance(it, capacity))
		return NULL;

	return kho_block_entry(it->bs, it->block, it->index++);
}
EXPORT_SYMBOL_GPL(kho_block_it_next);

/**
 * kho_block_it_read - return the next stored entry
 * @it: the iterator
 *
 * The position moves past the entry.
 *
 * Context: Any. The caller locks the set.
 * Return: the entry, NULL at the end.
 */
void *kho_block_it_read(struct kho_block_it *it)
{
	if (!it->block || !kho_block_it_advance(it, it->block->ser->count) ||
	    it->index >= it->block->ser->count)
		return NULL;

	return kho_block_entry(it->bs, it->block, it->index++);
}
EXPORT_SYMBOL_GPL(kho_block_it_read);

/**
 * kho_block_it_prev - return the entry before the position
 * @it: the iterator
 *
 * The position moves before the entry, which can be a written or a stored one.
 *
 * Context: Any. The caller locks the set.
 * Return: the entry, NULL if the position is at the start.
 */
void *kho_block_it_prev(struct kho_block_it *it)
{
	struct kho_block *prev;

	if (!it->block)
		return NULL;

	while (!it->index) {
		prev = kho_block_prev(it->bs, it->block);
		if (!prev)
			return NULL;
		it->block = prev;
		it->index = prev->ser->count;
	}

	return kho_block_entry(it->bs, it->block, --it->index);
}
EXPORT_SYMBOL_GPL(kho_block_it_prev);

/**
 * kho_block_it_finalize - store the number of entries
 * @it: the iterator, positioned after the last entry that was written
 *
 * Only the last block of a chain may be empty, so the owner must also call
 * kho_block_shrink() for this number of entries, before or afterwards.
 *
 * Context: Any. The caller locks the set.
 */
void kho_block_it_finalize(struct kho_block_it *it)
{
	struct kho_block *block = it->block;

	if (!block)
		return;

	block->ser->count = it->index;
	list_for_each_entry_continue(block, &it->bs->blocks, list)
		block->ser->count = 0;
}
EXPORT_SYMBOL_GPL(kho_block_it_finalize);
