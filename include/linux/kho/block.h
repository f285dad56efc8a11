/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Arrays of serialized entries in chains of preserved blocks.
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
 * struct kho_block - a block of a set
 * @list: entry in kho_block_set.blocks
 * @ser:  the block in preserved memory
 */
struct kho_block {
	struct list_head list;
	struct kho_block_header_ser *ser;
};

/**
 * enum kho_block_origin - kernel that filled the blocks of a set
 * @KHO_BLOCK_OUTGOING: this kernel, for the next one
 * @KHO_BLOCK_INCOMING: the previous kernel, for this one
 */
enum kho_block_origin {
	KHO_BLOCK_OUTGOING,
	KHO_BLOCK_INCOMING,
};

/**
 * struct kho_block_set - a chain of blocks
 * @blocks:     list of &struct kho_block in the order of the chain
 * @entry_size: size of an entry in bytes
 * @nr_blocks:  number of blocks
 * @origin:     kernel that filled the blocks, which determines how to free them
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
 * @block: the block of the position, NULL in a set without blocks
 * @index: number of entries of @block before the position
 */
struct kho_block_it {
	struct kho_block_set *bs;
	struct kho_block *block;
	unsigned long index;
};

/**
 * KHO_BLOCK_SET_INIT - initializer for a set without blocks
 * @name: the &struct kho_block_set variable
 * @_entry_size: size of an entry in bytes; an entry and a header must fit into a block
 */
#define KHO_BLOCK_SET_INIT(name, _entry_size) {		\
	.blocks = LIST_HEAD_INIT((name).blocks),	\
	.entry_size = (_entry_size),			\
	.origin = KHO_BLOCK_OUTGOING,			\
}

/**
 * kho_block_set_init - initialize a set without blocks
 * @bs: the set
 * @entry_size: size of an entry in bytes; an entry and a header must fit into a block
 *
 * Context: Any.
 */
static inline void kho_block_set_init(struct kho_block_set *bs,
				      size_t entry_size)
{
	*bs = (struct kho_block_set)KHO_BLOCK_SET_INIT(*bs, entry_size);
}

/**
 * kho_block_capacity - return the number of entries that fit into a block
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
int kho_block_verify(const struct kho_block_set *bs, u64 head_pa);
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
