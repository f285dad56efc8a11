/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Images of memory from another kernel, as bytes that a fuzzer can change
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The first byte of an image is the number of blocks of pages. The second one is the
 * number of the allocation that fails while the image is read. Then each block has a byte.
 * Records of a fixed size follow, which fill the blocks, so that a change of a byte usually
 * changes one place in memory. Addresses are encoded as a block and an offset, so that they
 * stay valid when the blocks move. Any bytes are a valid image.
 *
 * Block 0 is not memory. It holds the arguments of the reader, such as a root address.
 */
#ifndef _KHO_FUZZ_IMAGE_H
#define _KHO_FUZZ_IMAGE_H

#include <linux/mm.h>
#include <linux/types.h>

#include "fuzz/target.h"

/* Position of the number of the failing allocation */
#define IMAGE_FAIL_AT		1

#define IMAGE_MAX_BLOCKS	63
#define IMAGE_MAX_ORDER		3
#define IMAGE_MAX_PAGES		(IMAGE_MAX_BLOCKS << IMAGE_MAX_ORDER)
#define IMAGE_WORDS		(PAGE_SIZE / sizeof(u64))

/**
 * struct image - an image that was loaded into memory
 * @args:   arguments of the reader
 * @nr:	    number of blocks
 * @last:   the last word that was written
 * @blocks: the first pages of the blocks, starting at index 1
 * @is_preserved: whether each block was preserved
 */
struct image {
	u64 args[IMAGE_WORDS];
	unsigned int nr;
	u64 last;
	struct page *blocks[IMAGE_MAX_BLOCKS + 1];
	bool is_preserved[IMAGE_MAX_BLOCKS + 1];
};

/* A flag in a block's byte. The lowest bits are its order. */
#define IMAGE_PRESERVED		0x80

/* Load an image. No memory may be allocated before. */
void image_load(struct image *image, const u8 *data, size_t size);

/* Forbid access to the blocks that are not preserved. */
void image_hide_rest(const struct image *image);

/* Add an image of all allocated memory as a seed. */
void image_save(seed_fn add, const char *name, const u64 *args, unsigned int nr_args);

#endif
