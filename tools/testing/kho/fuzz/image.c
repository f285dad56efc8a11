// SPDX-License-Identifier: GPL-2.0
/*
 * Images of memory from another kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <linux/pfn.h>

#include "fuzz/image.h"
#include "shim/check.h"
#include "shim/faults.h"

/* A record writes this, starting at its word. */
enum record_kind {
	RECORD_VALUE,	/* the value */
	RECORD_ADDRESS,	/* an address: block number (8 bits), offset */
	RECORD_PFN,	/* a page frame number: block number (8 bits), flags */
	RECORD_REPEAT,	/* the last word again: unused (8 bits), count */
	RECORD_BLOCKS,	/* addresses of successive blocks: first block (8 bits), count */
	RECORD_KINDS,
};

struct record {
	u8 kind;
	u8 block;
	u16 word;
	u64 value;
} __packed;

/* A page frame number shares its word with flags in the upper bits. */
#define PFN_MASK	(~0ULL >> 12)

/*
 * Loading
 */

static u64 block_address(const struct image *image, u64 value)
{
	unsigned int block = (value & 0xff) % (image->nr + 1);

	return (block ? page_to_phys(image->blocks[block]) : 0) + (value >> 8);
}

static u64 block_pfn(const struct image *image, u64 value)
{
	unsigned int block = (value & 0xff) % (image->nr + 1);
	u64 pfn = block ? page_to_pfn(image->blocks[block]) : 0;

	return (pfn & PFN_MASK) | value >> 8 << 52;
}

static void write_record(struct image *image, const struct record *record)
{
	unsigned int block = record->block % (image->nr + 1);
	unsigned long words = IMAGE_WORDS, word, count, i;
	u64 *content = image->args;

	if (block) {
		content = page_address(image->blocks[block]);
		words <<= image->blocks[block]->order;
	}
	word = record->word % words;
	count = min((unsigned long)(record->value >> 8) % IMAGE_WORDS, words - word);

	switch (record->kind % RECORD_KINDS) {
	case RECORD_VALUE:
		image->last = record->value;
		break;
	case RECORD_ADDRESS:
		image->last = block_address(image, record->value);
		break;
	case RECORD_PFN:
		image->last = block_pfn(image, record->value);
		break;
	case RECORD_REPEAT:
		for (i = 0; i < count; i++)
			content[word + i] = image->last;
		return;
	case RECORD_BLOCKS:
		for (i = 0; i < count; i++)
			content[word + i] = block_address(image, (u8)(record->value + i));
		return;
	}
	content[word] = image->last;
}

void image_load(struct image *image, const u8 *data, size_t size)
{
	const u8 *end = data + size;
	unsigned int fail_at, i;
	struct record record;

	memset(image->args, 0, sizeof(image->args));
	image->nr = 0;
	image->last = 0;
	shim_fail_at = 0;
	shim_failed = false;
	if (size < 2)
		return;

	image->nr = min((size_t)*data++ % (IMAGE_MAX_BLOCKS + 1), size - 2);
	fail_at = *data++;
	for (i = 1; i <= image->nr; i++, data++) {
		image->blocks[i] = alloc_pages(GFP_KERNEL, *data % (IMAGE_MAX_ORDER + 1));
		image->is_preserved[i] = *data & IMAGE_PRESERVED;
		if (image->is_preserved[i])
			mm_mark_incoming(image->blocks[i]);
	}

	for (; end - data >= (ssize_t)sizeof(record); data += sizeof(record)) {
		memcpy(&record, data, sizeof(record));
		write_record(image, &record);
	}
	shim_fail_at = fail_at;
}

void image_hide_rest(const struct image *image)
{
	unsigned int i;

	for (i = 1; i <= image->nr; i++)
		if (!image->blocks[i]->preserved)
			mm_hide(image->blocks[i]);
}

/*
 * Saving
 */

struct writer {
	u8 *data;
	size_t size;
	size_t room;
	struct page *blocks[IMAGE_MAX_BLOCKS + 1];
	unsigned int nr;
};

static void append(struct writer *writer, const void *data, size_t size)
{
	if (writer->size + size > writer->room) {
		writer->room = 2 * (writer->size + size);
		writer->data = realloc(writer->data, writer->room);
	}
	memcpy(writer->data + writer->size, data, size);
	writer->size += size;
}

static void append_byte(struct writer *writer, u8 byte)
{
	append(writer, &byte, 1);
}

static void find_blocks(struct writer *writer)
{
	unsigned long i;

	for (i = 0; i < mm_nr_used(); i++)
		if (mem_map[i].allocated) {
			check(writer->nr < IMAGE_MAX_BLOCKS);
			check(mem_map[i].order <= IMAGE_MAX_ORDER);
			writer->blocks[++writer->nr] = &mem_map[i];
		}
}

/* Find the block that contains an address. Return 0 if there is none. */
static unsigned int find_block(const struct writer *writer, u64 phys)
{
	unsigned int i;

	for (i = 1; i <= writer->nr; i++)
		if (phys - page_to_phys(writer->blocks[i]) <
		    PAGE_SIZE << writer->blocks[i]->order)
			return i;

	return 0;
}

static void set_value(const struct writer *writer, struct record *record, u64 word)
{
	unsigned int block = find_block(writer, word);

	if (block) {
		record->kind = RECORD_ADDRESS;
		record->value = block |
			(word - page_to_phys(writer->blocks[block])) << 8;
		return;
	}

	block = find_block(writer, (word & PFN_MASK) << PAGE_SHIFT);
	if (block && (word & PFN_MASK) == page_to_pfn(writer->blocks[block])) {
		record->kind = RECORD_PFN;
		record->value = block | word >> 52 << 8;
		return;
	}

	record->kind = RECORD_VALUE;
	record->value = word;
}

static void save_words(struct writer *writer, unsigned int block,
		       const u64 *words, unsigned long nr)
{
	unsigned long i, run;

	for (i = 0; i < nr; i += run) {
		struct record record = { .block = block, .word = i };

		for (run = 1; i + run < nr && words[i + run] == words[i]; run++)
			;
		if (!words[i])
			continue;
		set_value(writer, &record, words[i]);
		append(writer, &record, sizeof(record));
		if (run == 1)
			continue;
		run = min(run, IMAGE_WORDS);
		record.kind = RECORD_REPEAT;
		record.word++;
		record.value = (run - 1) << 8;
		append(writer, &record, sizeof(record));
	}
}

void image_save(seed_fn add, const char *name, const u64 *args, unsigned int nr_args)
{
	struct writer writer = {};
	unsigned int i;

	find_blocks(&writer);
	append_byte(&writer, writer.nr);
	append_byte(&writer, 0);
	for (i = 1; i <= writer.nr; i++)
		append_byte(&writer, writer.blocks[i]->order |
			    (writer.blocks[i]->preserved ? IMAGE_PRESERVED : 0));

	save_words(&writer, 0, args, nr_args);
	for (i = 1; i <= writer.nr; i++)
		save_words(&writer, i, page_address(writer.blocks[i]),
			   IMAGE_WORDS << writer.blocks[i]->order);

	add(name, writer.data, writer.size);
	free(writer.data);
}
