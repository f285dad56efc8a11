// SPDX-License-Identifier: GPL-2.0
/*
 * A handover with exactly one thing wrong: fields of the loaded kexec image
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Each architecture has its own way to pass the addresses of the root FDT and of the
 * list of scratch regions.
 */
#include <linux/io.h>
#include <linux/kho/abi/kexec_handover.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/unaligned.h>

#include "hostile.h"

#ifdef CONFIG_X86

#include <asm/setup_data.h>

/* A node of setup_data without its pointer to the next one */
struct image_data {
	u32 type;
	u32 len;
	u64 fdt_addr;
	u64 fdt_size;
	u64 scratch_addr;
	u64 scratch_size;
} __packed;

/* The members by which the node is found */
static void fill_known(struct image_data *data, u64 fdt_phys)
{
	data->type = SETUP_KEXEC_KHO;
	data->len = sizeof(struct kho_data);
	data->fdt_addr = fdt_phys;
	data->fdt_size = PAGE_SIZE;
}

#define KNOWN_OFFSET	0
#define KNOWN_END	offsetof(struct image_data, scratch_addr)

static u64 from_image(const void *at, u32 width)
{
	u64 number = 0;

	memcpy(&number, at, width);
	return number;
}

static void to_image(void *at, u32 width, u64 number)
{
	memcpy(at, &number, width);
}

#else

/* Two properties of /chosen. The one that was added last comes first. */
struct image_data {
	__be32 tag;
	__be32 len;
	__be32 name;
	__be64 scratch_addr;
	__be64 scratch_size;
	__be32 fdt_tag;
	__be32 fdt_len;
	__be32 fdt_name;
	__be64 fdt_addr;
	__be64 fdt_size;
} __packed;

static void fill_known(struct image_data *data, u64 fdt_phys)
{
	data->fdt_addr = cpu_to_be64(fdt_phys);
	data->fdt_size = cpu_to_be64(PAGE_SIZE);
}

#define KNOWN_OFFSET	offsetof(struct image_data, fdt_addr)
#define KNOWN_END	sizeof(struct image_data)

static u64 from_image(const void *at, u32 width)
{
	return width == sizeof(__be64) ? get_unaligned_be64(at) :
					 get_unaligned_be32(at);
}

static void to_image(void *at, u32 width, u64 number)
{
	if (width == sizeof(__be64))
		put_unaligned_be64(number, at);
	else
		put_unaligned_be32(number, at);
}

#endif

static void *match_data(const void *page, const void *known)
{
	void *found = hostile_find_in_page(page, known + KNOWN_OFFSET,
					   KNOWN_END - KNOWN_OFFSET, sizeof(u32));

	if (!found || offset_in_page(found) < KNOWN_OFFSET)
		return NULL;
	return found - KNOWN_OFFSET;
}

static void *match_scratch(const void *page, const void *region)
{
	u64 start[2];

	if (copy_from_kernel_nofault(start, page, sizeof(start)) ||
	    memcmp(start, region, sizeof(start)))
		return NULL;
	return (void *)page;
}

/*
 * Find all places in memory that @match accepts, and return their number. The list
 * of scratch regions of this kernel looks like that of the image, and is damaged as
 * well. This kernel no longer needs it.
 */
static unsigned int find_copies(hostile_match_fn match, const void *arg,
				void *copies[HOSTILE_MAX_COPIES])
{
	unsigned int nr = 0;

	while (nr < HOSTILE_MAX_COPIES &&
	       (copies[nr] = hostile_search(true, match, arg, nr)))
		nr++;
	return nr;
}

static int damage_number(void *at, u32 width, const char *value)
{
	u64 number = from_image(at, width);
	int err = hostile_set_number(&number, sizeof(number), value);

	if (!err)
		to_image(at, width, number);
	return err;
}

static int damage_data(u32 offset, u32 width, const char *value)
{
	void *copies[HOSTILE_MAX_COPIES];
	struct image_data known = {};
	unsigned int i, nr;
	int err = -ENOENT;

	fill_known(&known, virt_to_phys(hostile_fdt()));
	nr = find_copies(match_data, &known, copies);
	for (i = 0; i < nr; i++)
		err = damage_number(copies[i] + offset, width, value);
	return err;
}

/* Set the number at @offset of the list of regions, which has native byte order. */
static int damage_scratch(u32 offset, const char *value)
{
	void *copies[HOSTILE_MAX_COPIES];
	unsigned int i, nr;
	int err = -ENOENT;

	nr = find_copies(match_scratch, hostile_scratch, copies);
	for (i = 0; i < nr; i++)
		err = hostile_set_number(copies[i] + offset, sizeof(u64), value);
	return err;
}

/* Fields without a width are in the list of regions. */
static const struct {
	const char *name;
	u32 offset;
	u32 width;
} fields[] = {
	{ "image.len", offsetof(struct image_data, len), 4 },
#ifndef CONFIG_X86
	{ "image.name", offsetof(struct image_data, name), 4 },
#endif
	{ "image.fdt_addr", offsetof(struct image_data, fdt_addr), 8 },
	{ "image.fdt_size", offsetof(struct image_data, fdt_size), 8 },
	{ "image.scratch_addr", offsetof(struct image_data, scratch_addr), 8 },
	{ "image.scratch_size", offsetof(struct image_data, scratch_size), 8 },
	{ "scratch.addr", offsetof(struct kho_scratch, addr) },
	{ "scratch.size", offsetof(struct kho_scratch, size) },
	{ "scratch2.addr",
	  sizeof(struct kho_scratch) + offsetof(struct kho_scratch, addr) },
};

int hostile_damage_image(const char *name, const char *value)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		if (strcmp(fields[i].name, name))
			continue;
		if (!value)
			return 0;
		return fields[i].width ?
		       damage_data(fields[i].offset, fields[i].width, value) :
		       damage_scratch(fields[i].offset, value);
	}
	return -ENOENT;
}
