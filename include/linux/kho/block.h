/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Growing arrays of serialized entries in preserved blocks.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_KHO_BLOCK_H
#define _LINUX_KHO_BLOCK_H

#include <linux/errno.h>
#include <linux/list.h>
#include <linux/types.h>

#include <linux/kho/abi/block.h>

/**
 * struct kho_block - one block of a set
 * @list: links the set's blocks in the order of the chain
 * @ser:  the block itself, in preserved memory
 */
struct kho_block {
	struct list_head list;
	struct kho_block_header_ser *ser;
};

/**
 * enum kho_block_origin - which kernel filled the blocks of a set
 * @KHO_BLOCK_OUTGOING: this one, for the next kernel
 * @KHO_BLOCK_INCOMING: the previous one, for this kernel
 */
enum kho_block_origin {
	KHO_BLOCK_OUTGOING,
	KHO_BLOCK_INCOMING,
};

/**
 * struct kho_block_set - a chain of blocks
 * @blocks:     all &struct kho_block, first to last
 * @entry_size: bytes in an entry
 * @nr_blocks:  number of blocks
 * @origin:     where the blocks come from, so how they are given back
 */
struct kho_block_set {
	struct list_head blocks;
	size_t entry_size;
	unsigned long nr_blocks;
	enum kho_block_origin origin;
};

/**
 * struct kho_block_it - a position between two entries of a set
 * @bs:    the set
 * @block: the block with the position, NULL in a set without blocks
 * @index: number of entries in front of the position, in @block
 */
struct kho_block_it {
	struct kho_block_set *bs;
	struct kho_block *block;
	unsigned long index;
};

/**
 * KHO_BLOCK_SET_INIT - initializer of a set without blocks
 * @name: the &struct kho_block_set variable
 * @_entry_size: bytes in an entry, at most what a block has behind its header
 */
#define KHO_BLOCK_SET_INIT(name, _entry_size) {		\
	.blocks = LIST_HEAD_INIT((name).blocks),	\
	.entry_size = (_entry_size),			\
	.origin = KHO_BLOCK_OUTGOING,			\
}

/**
 * kho_block_set_init - initialize a set without blocks
 * @bs: the set
 * @entry_size: bytes in an entry, at most what a block has behind its header
 *
 * Context: Any.
 */
static inline void kho_block_set_init(struct kho_block_set *bs,
				      size_t entry_size)
{
	*bs = (struct kho_block_set)KHO_BLOCK_SET_INIT(*bs, entry_size);
}

/**
 * kho_block_capacity - entries that one block of a set holds
 * @bs: the set
 *
 * Return: the number of entries.
 */
static inline unsigned long kho_block_capacity(const struct kho_block_set *bs)
{
	return (KHO_BLOCK_SIZE - sizeof(struct kho_block_header_ser)) /
	       bs->entry_size;
}

#ifdef CONFIG_KEXEC_HANDOVER

int kho_block_grow(struct kho_block_set *bs, u64 count);
void kho_block_shrink(struct kho_block_set *bs, u64 count);
int kho_block_restore(struct kho_block_set *bs, u64 head_pa);
void kho_block_destroy(struct kho_block_set *bs);
void kho_block_set_clear(struct kho_block_set *bs);
u64 kho_block_set_head_pa(const struct kho_block_set *bs);

void kho_block_it_init(struct kho_block_it *it, struct kho_block_set *bs);
void *kho_block_it_next(struct kho_block_it *it);
void *kho_block_it_read(struct kho_block_it *it);
void *kho_block_it_prev(struct kho_block_it *it);
void kho_block_it_finalize(struct kho_block_it *it);

#else

static inline int kho_block_grow(struct kho_block_set *bs, u64 count)
{
	return -EOPNOTSUPP;
}

static inline void kho_block_shrink(struct kho_block_set *bs, u64 count)
{
}

static inline int kho_block_restore(struct kho_block_set *bs, u64 head_pa)
{
	return -EOPNOTSUPP;
}

static inline void kho_block_destroy(struct kho_block_set *bs)
{
}

static inline void kho_block_set_clear(struct kho_block_set *bs)
{
}

static inline u64 kho_block_set_head_pa(const struct kho_block_set *bs)
{
	return 0;
}

static inline void kho_block_it_init(struct kho_block_it *it,
				     struct kho_block_set *bs)
{
	*it = (struct kho_block_it){ .bs = bs };
}

static inline void *kho_block_it_next(struct kho_block_it *it)
{
	return NULL;
}

static inline void *kho_block_it_read(struct kho_block_it *it)
{
	return NULL;
}

static inline void *kho_block_it_prev(struct kho_block_it *it)
{
	return NULL;
}

static inline void kho_block_it_finalize(struct kho_block_it *it)
{
}

#endif /* CONFIG_KEXEC_HANDOVER */

#endif /* _LINUX_KHO_BLOCK_H */
