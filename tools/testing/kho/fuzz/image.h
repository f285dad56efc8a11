/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that another kernel has left, as bytes that can be damaged
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The first byte of an image is the number of blocks of pages, the second one
 * says which allocation is to fail while the image is read, and then each block
 * has a byte. What is in the blocks comes in records of the same size, each for
 * some words that are not 0: so most damage of an image is damage of one thing in
 * memory, and an address is still one when the blocks have moved. All bytes mean
 * something.
 *
 * Block 0 is no memory. It holds what the reader is told: where to begin.
 */
#ifndef _KHO_IMAGE_H
#define _KHO_IMAGE_H

#include <linux/mm.h>
#include <linux/types.h>

/* Where the failing allocation stands */
#define IMAGE_FAIL_AT		1

#define IMAGE_MAX_BLOCKS	63
#define IMAGE_MAX_ORDER		3
#define IMAGE_MAX_PAGES		(IMAGE_MAX_BLOCKS << IMAGE_MAX_ORDER)
#define IMAGE_WORDS		(PAGE_SIZE / sizeof(u64))

/**
 * struct image - an image in memory
 * @args:   what the reader is told
 * @nr:	    number of blocks, without @args
 * @last:   what was written last
 * @blocks: the first pages of the blocks, from 1 on
 * @is_preserved: whether they were preserved
 */
struct image {
	u64 args[IMAGE_WORDS];
	unsigned int nr;
	u64 last;
	struct page *blocks[IMAGE_MAX_BLOCKS + 1];
	bool is_preserved[IMAGE_MAX_BLOCKS + 1];
};

/* A block's byte: the lowest bits are its order */
#define IMAGE_PRESERVED		0x80

/* To be called first on memory of which nothing is allocated */
void image_load(struct image *image, const u8 *data, size_t size);

/* What is not preserved, this kernel must not read. */
void image_hide_rest(const struct image *image);

/* Make an image of all memory that is allocated. Returns its size. */
size_t image_save(const u64 *args, unsigned int nr_args, u8 **data);

#endif
