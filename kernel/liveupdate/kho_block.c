// SPDX-License-Identifier: GPL-2.0-only
/*
 * Growing arrays of serialized entries in preserved blocks.
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * include/linux/kho/abi/block.h has the format of the blocks. A set keeps, in
 * ordinary memory, the list of its blocks, so that it can also be walked
 * backwards and a block can be found again to be freed.
 */

#define pr_fmt(fmt) "KHO: block: " fmt

#include <linux/align.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <linux/kho/block.h>

static void *kho_block_entry(const struct kho_block_set *bs,
			     struct kho_block *block, unsigned long index)
{
	return (void *)(block->ser + 1) + index * bs->entry_size;
}

static struct kho_block *kho_block_first(const struct kho_block_set *bs)
{
	return list_empty(&bs->blocks) ? NULL :
	       list_first_entry(&bs->blocks, struct kho_block, list);
}

static struct kho_block *kho_block_last(const struct kho_block_set *bs)
{
	return list_empty(&bs->blocks) ? NULL :
	       list_last_entry(&bs->blocks, struct kho_block, list);
}

/* The block behind @block, NULL if it is the last one */
static struct kho_block *kho_block_behind(const struct kho_block_set *bs,
					  struct kho_block *block)
{
	return list_is_last(&block->list, &bs->blocks) ? NULL :
	       list_next_entry(block, list);
}

/* The block in front of @block, NULL if it is the first one */
static struct kho_block *kho_block_before(const struct kho_block_set *bs,
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

static void kho_block_forget(struct kho_block_set *bs, struct kho_block *block)
{
	list_del(&block->list);
	bs->nr_blocks--;
	kfree(block);
}

static void kho_block_free(struct kho_block_set *bs, struct kho_block *block)
{
	struct kho_block_header_ser *ser = block->ser;

	kho_block_forget(bs, block);
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

/* A kexec may come at any moment: the chain must not lead to a freed block. */
static void kho_block_drop_last(struct kho_block_set *bs)
{
	struct kho_block *last = kho_block_last(bs);
	struct kho_block *before = kho_block_before(bs, last);

	if (before)
		WRITE_ONCE(before->ser->next, 0);
	kho_block_free(bs, last);
}

/**
 * kho_block_grow - make room for one more entry
 * @bs:    the set
 * @count: number of entries that the owner keeps in the set by now
 *
 * Adds a block once @count entries fill the set. The entries of blocks that the
 * set has already stay where they are.
 *
 * Context: May sleep. The caller locks the set.
 * Return: 0, -EINVAL if an entry does not fit into a block or the set came from
 * the previous kernel, or an error of kho_alloc_preserve(). After an error the
 * set has room for @count entries if it had it before.
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
 * kho_block_shrink - give back blocks that are not needed any more
 * @bs:    the set
 * @count: number of entries that the owner keeps in the set from now on
 *
 * Context: May sleep. The caller locks the set; no iterator is in use.
 */
void kho_block_shrink(struct kho_block_set *bs, u64 count)
{
	u64 capacity = kho_block_capacity(bs);

	while (bs->nr_blocks && count <= (bs->nr_blocks - 1) * capacity)
		kho_block_drop_last(bs);
}
EXPORT_SYMBOL_GPL(kho_block_shrink);

/**
 * kho_block_set_clear - remove all entries, but keep the blocks
 * @bs: the set
 *
 * Undoes what was stored with an iterator; the space for it stays reserved.
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
 * kho_block_set_head_pa - where the chain of a set starts
 * @bs: the set
 *
 * It changes only when the set gets its first block or loses its last one.
 *
 * Context: Any. The caller locks the set.
 * Return: physical address of the first block, 0 if there is none.
 */
u64 kho_block_set_head_pa(const struct kho_block_set *bs)
{
	struct kho_block *first = kho_block_first(bs);

	return first ? virt_to_phys(first->ser) : 0;
}
EXPORT_SYMBOL_GPL(kho_block_set_head_pa);

/**
 * kho_block_destroy - give back all blocks of a set
 * @bs: the set; afterwards it is empty and can be used as an outgoing one
 *
 * Context: May sleep; for a set from the previous kernel not before
 * core_initcall. The caller locks the set.
 */
void kho_block_destroy(struct kho_block_set *bs)
{
	while (bs->nr_blocks)
		kho_block_free(bs, kho_block_last(bs));
	bs->origin = KHO_BLOCK_OUTGOING;
}
EXPORT_SYMBOL_GPL(kho_block_destroy);

/* Check the block at @pa; its header can be read only if this returns 0. */
static int kho_block_check_address(u64 pa)
{
	if (!IS_ALIGNED(pa, KHO_BLOCK_SIZE)) {
		pr_err("misaligned block %#llx\n", pa);
		return -EINVAL;
	}
	if (!kho_incoming_contains(pa, KHO_BLOCK_SIZE)) {
		pr_err("block %#llx is not preserved memory\n", pa);
		return -EINVAL;
	}

	return 0;
}

static int kho_block_check_header(const struct kho_block_set *bs, u64 pa,
				  const struct kho_block_header_ser *ser)
{
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

/*
 * Brent's cycle detection: the mark stays behind, and jumps to where the walk is
 * whenever the walk has gone twice as far. A walk that runs in a cycle meets
 * the mark after a few times as many steps as the chain has blocks.
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

static int kho_block_load(struct kho_block_set *bs, u64 pa, u64 *next_pa)
{
	struct kho_block_header_ser *ser;
	int err;

	err = kho_block_check_address(pa);
	if (err)
		return err;

	ser = phys_to_virt(pa);
	err = kho_block_check_header(bs, pa, ser);
	if (err)
		return err;

	*next_pa = ser->next;
	return kho_block_append(bs, ser);
}

static void kho_block_forget_all(struct kho_block_set *bs)
{
	while (bs->nr_blocks)
		kho_block_forget(bs, kho_block_last(bs));
}

/**
 * kho_block_restore - find the blocks that the previous kernel left
 * @bs:      an empty set
 * @head_pa: physical address of the chain's first block, 0 for an empty chain
 *
 * Only reads and links the blocks; they stay preserved memory of the previous
 * kernel until kho_block_destroy(). The chain is not trusted: the memory of a
 * chain that is refused stays reserved.
 *
 * Context: May sleep; from early_initcall on. The caller locks the set.
 * Return: 0; -EOPNOTSUPP if kexec handover is off; -EINVAL if the set has
 * blocks, or if the chain has a cycle, a block outside of preserved memory, more
 * entries in a block than fit, or none in one that is not the last; -ENOMEM.
 * After an error the set is empty.
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
	if (err)
		kho_block_forget_all(bs);
	else
		bs->origin = KHO_BLOCK_INCOMING;

	return err;
}
EXPORT_SYMBOL_GPL(kho_block_restore);

/**
 * kho_block_it_init - put an iterator in front of a set's first entry
 * @it: the iterator
 * @bs: the set
 *
 * Context: Any. The caller locks the set while the iterator is in use.
 */
void kho_block_it_init(struct kho_block_it *it, struct kho_block_set *bs)
{
	it->bs = bs;
	it->block = kho_block_first(bs);
	it->index = 0;
}
EXPORT_SYMBOL_GPL(kho_block_it_init);

/* Go to the next block if all @count entries of this one are passed. */
static bool kho_block_it_settle(struct kho_block_it *it, u64 count)
{
	struct kho_block *behind;

	if (!it->block || it->index < count)
		return it->block;

	behind = kho_block_behind(it->bs, it->block);
	if (!behind)
		return false;
	it->block = behind;
	it->index = 0;
	return true;
}

/**
 * kho_block_it_next - the next entry to write
 * @it: the iterator
 *
 * Moves behind the entry. What was stored counts only after
 * kho_block_it_finalize().
 *
 * Context: Any. The caller locks the set.
 * Return: the entry, NULL if the set's blocks are full.
 */
void *kho_block_it_next(struct kho_block_it *it)
{
	unsigned long capacity = kho_block_capacity(it->bs);

	if (it->block && it->index == capacity)
		it->block->ser->count = capacity;
	if (!kho_block_it_settle(it, capacity))
		return NULL;

	return kho_block_entry(it->bs, it->block, it->index++);
}
EXPORT_SYMBOL_GPL(kho_block_it_next);

/**
 * kho_block_it_read - the next stored entry
 * @it: the iterator
 *
 * Moves behind the entry.
 *
 * Context: Any. The caller locks the set.
 * Return: the entry, NULL at the end.
 */
void *kho_block_it_read(struct kho_block_it *it)
{
	if (!it->block || !kho_block_it_settle(it, it->block->ser->count) ||
	    it->index >= it->block->ser->count)
		return NULL;

	return kho_block_entry(it->bs, it->block, it->index++);
}
EXPORT_SYMBOL_GPL(kho_block_it_read);

/**
 * kho_block_it_prev - the entry in front of the position
 * @it: the iterator
 *
 * Moves in front of the entry. It works for entries written and for entries
 * read.
 *
 * Context: Any. The caller locks the set.
 * Return: the entry, NULL if the position is at the start.
 */
void *kho_block_it_prev(struct kho_block_it *it)
{
	struct kho_block *before;

	if (!it->block)
		return NULL;

	while (!it->index) {
		before = kho_block_before(it->bs, it->block);
		if (!before)
			return NULL;
		it->block = before;
		it->index = before->ser->count;
	}

	return kho_block_entry(it->bs, it->block, --it->index);
}
EXPORT_SYMBOL_GPL(kho_block_it_prev);

/**
 * kho_block_it_finalize - store how many entries a set has
 * @it: the iterator, behind the last entry that was written
 *
 * The owner has to shrink the set to these entries, before or after: only the
 * last block of a chain may be empty.
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
