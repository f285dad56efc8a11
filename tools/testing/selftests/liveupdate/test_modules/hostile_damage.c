// SPDX-License-Identifier: GPL-2.0
/*
 * A handover with exactly one thing wrong: do the damage
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * A field is set to a value. hostile_place.c lists the values of a number. =TEXT sets a
 * string, padded with NULs. =TEXT* repeats the last character to the end, without a NUL.
 */
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/block.h>
#include <linux/kho/abi/kexec_metadata.h>
#include <linux/kho/abi/lapic_timer.h>
#include <linux/kho/radix_tree.h>
#include <linux/libfdt.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/string.h>

#include "../../../../../samples/liveupdate/notepad.h"
#include "hostile.h"

/* One field, and another one that has to be set with it */
#define MAX_ARMED	2

static struct armed {
	char field[64];
	char value[64];
} armed[MAX_ARMED];

static unsigned int nr_armed;

/* Fields */

enum kind { U16, U32, U64, BE32, PFN, NR, INDEX, ORDER, FLAGS, PFN64, TEXT };

static const u32 widths[] = {
	[U16] = sizeof(u16),
	[U32] = sizeof(u32),
	[U64] = sizeof(u64),
};

static int set_be32(void *at, const char *text)
{
	__be32 *field = at;
	u64 value;
	int err;

	err = hostile_value(text, at, be32_to_cpup(field), &value);
	if (!err)
		*field = cpu_to_be32(value);
	return err;
}

/* Values are addresses. */
static int set_pfn64(u64 *at, const char *text)
{
	u64 value;
	int err;

	err = hostile_value(text, at, PFN_PHYS(*at), &value);
	if (!err)
		*at = PHYS_PFN(value);
	return err;
}

static u64 run_member(const struct memfd_luo_run_ser *run, enum kind kind)
{
	switch (kind) {
	case PFN:
		return PFN_PHYS(run->pfn);
	case NR:
		return run->nr;
	case INDEX:
		return run->index;
	case ORDER:
		return run->order;
	default:
		return run->flags;
	}
}

/* Set a bit field of a run. Values of the PFN are addresses. */
static int set_run(struct memfd_luo_run_ser *run, enum kind kind, const char *text)
{
	u64 value;
	int err;

	err = hostile_value(text, run, run_member(run, kind), &value);
	if (err)
		return err;
	switch (kind) {
	case PFN:
		run->pfn = PHYS_PFN(value);
		return 0;
	case NR:
		run->nr = value;
		return 0;
	case INDEX:
		run->index = value;
		return 0;
	case ORDER:
		run->order = value;
		return 0;
	default:
		run->flags = value;
		return 0;
	}
}

static int set_text(char *at, u32 width, const char *text)
{
	size_t len = strlen(text);
	u32 i;

	if (*text != '=')
		return -EINVAL;
	text++;
	len--;
	if (len && text[len - 1] == '*') {
		for (i = 0; i < width; i++)
			at[i] = text[min_t(u32, i, len - 2)];
		return 0;
	}
	if (len > width)
		return -E2BIG;
	memset(at, 0, width);
	memcpy(at, text, len);
	return 0;
}

/* A field PLACE.MEMBER */
struct field {
	const char *name;
	u32 offset;
	enum kind kind;
	u32 width;	/* only of a TEXT */
};

#define FIELD(_place, _struct, _member, _kind)				\
	{ #_place "." #_member, offsetof(struct _struct, _member), _kind }
#define STRING(_place, _struct, _member, _width)			\
	{ #_place "." #_member, offsetof(struct _struct, _member), TEXT, _width }

static const struct field fields[] = {
	FIELD(fdt, fdt_header, magic, BE32),
	FIELD(fdt, fdt_header, totalsize, BE32),
	FIELD(fdt, fdt_header, off_dt_struct, BE32),
	FIELD(fdt, fdt_header, off_dt_strings, BE32),
	FIELD(fdt, fdt_header, off_mem_rsvmap, BE32),
	FIELD(fdt, fdt_header, version, BE32),
	FIELD(fdt, fdt_header, last_comp_version, BE32),
	FIELD(fdt, fdt_header, size_dt_strings, BE32),
	FIELD(fdt, fdt_header, size_dt_struct, BE32),
	FIELD(region_fdt, fdt_header, magic, BE32),
	FIELD(region_fdt, fdt_header, totalsize, BE32),
	FIELD(region_fdt, fdt_header, off_dt_struct, BE32),
	FIELD(region_fdt, fdt_header, off_dt_strings, BE32),
	FIELD(region_fdt, fdt_header, off_mem_rsvmap, BE32),
	FIELD(region_fdt, fdt_header, version, BE32),
	FIELD(region_fdt, fdt_header, last_comp_version, BE32),
	FIELD(region_fdt, fdt_header, size_dt_strings, BE32),
	FIELD(region_fdt, fdt_header, size_dt_struct, BE32),
	{ "map5_child.phys", 0, U64 },
	{ "map4_child.phys", 0, U64 },
	{ "map3_child.phys", 0, U64 },
	{ "map2_child.phys", 0, U64 },
	{ "map1_child.phys", 0, U64 },
	FIELD(metadata, kho_kexec_metadata, version, U32),
	STRING(metadata, kho_kexec_metadata, previous_release, KHO_METADATA_RELEASE_LENGTH),
	FIELD(metadata, kho_kexec_metadata, kexec_count, U32),
	FIELD(lapic, kho_lapic_timer, version, U32),
	FIELD(lapic, kho_lapic_timer, signature, U32),
	FIELD(lapic, kho_lapic_timer, vendor[0], U32),
	FIELD(lapic, kho_lapic_timer, vendor[2], U32),
	FIELD(lapic, kho_lapic_timer, frequency, U64),
	STRING(luo, luo_ser, compatible, LUO_ABI_COMPAT_LEN),
	FIELD(luo, luo_ser, liveupdate_num, U64),
	FIELD(luo, luo_ser, sessions_pa, U64),
	FIELD(luo, luo_ser, flbs_pa, U64),
	FIELD(flbs, luo_flb_header_ser, pgcnt, U64),
	FIELD(flbs, luo_flb_header_ser, count, U64),
	STRING(flb, luo_flb_ser, name, LIVEUPDATE_FLB_COMPAT_LENGTH),
	FIELD(flb, luo_flb_ser, data, U64),
	FIELD(flb, luo_flb_ser, count, U64),
	FIELD(sessions, kho_block_header_ser, next, U64),
	FIELD(sessions, kho_block_header_ser, count, U64),
	FIELD(sessions2, kho_block_header_ser, next, U64),
	FIELD(sessions2, kho_block_header_ser, count, U64),
	FIELD(files, kho_block_header_ser, next, U64),
	FIELD(files, kho_block_header_ser, count, U64),
	FIELD(files2, kho_block_header_ser, next, U64),
	FIELD(files2, kho_block_header_ser, count, U64),
	STRING(session, luo_session_ser, name, LIVEUPDATE_SESSION_NAME_LENGTH),
	FIELD(session, luo_session_ser, file_set.files, U64),
	FIELD(session, luo_session_ser, file_set.count, U64),
	STRING(file, luo_file_ser, compatible, LIVEUPDATE_HNDL_COMPAT_LENGTH),
	FIELD(file, luo_file_ser, data, U64),
	FIELD(file, luo_file_ser, token, U64),
	STRING(test_file, luo_file_ser, compatible, LIVEUPDATE_HNDL_COMPAT_LENGTH),
	STRING(note_file, luo_file_ser, compatible, LIVEUPDATE_HNDL_COMPAT_LENGTH),
	FIELD(note_file, luo_file_ser, data, U64),
	FIELD(note, note_ser, text_pa, U64),
	FIELD(note, note_ser, len, U64),
	FIELD(note, note_ser, pos, U64),
	FIELD(note, note_ser, accmode, U64),
	FIELD(memfd, memfd_luo_ser, pos, U64),
	FIELD(memfd, memfd_luo_ser, size, U64),
	FIELD(memfd, memfd_luo_ser, seals, U32),
	FIELD(memfd, memfd_luo_ser, open_flags, U32),
	FIELD(memfd, memfd_luo_ser, mode, U32),
	FIELD(memfd, memfd_luo_ser, uid, U32),
	FIELD(memfd, memfd_luo_ser, gid, U32),
	FIELD(memfd, memfd_luo_ser, nr_poisoned, U32),
	FIELD(memfd, memfd_luo_ser, atime.nsec, U64),
	FIELD(memfd, memfd_luo_ser, mtime.sec, U64),
	FIELD(memfd, memfd_luo_ser, mtime.nsec, U64),
	FIELD(memfd, memfd_luo_ser, ctime.nsec, U64),
	FIELD(memfd, memfd_luo_ser, btime.nsec, U64),
	FIELD(memfd, memfd_luo_ser, nr_runs, U64),
	FIELD(memfd, memfd_luo_ser, area.first, U64),
	FIELD(memfd, memfd_luo_ser, area.total_pages, U32),
	FIELD(memfd, memfd_luo_ser, area.flags, U16),
	FIELD(memfd, memfd_luo_ser, area.order, U16),
	{ "run.pfn", .kind = PFN },
	{ "run.nr", .kind = NR },
	{ "run.index", .kind = INDEX },
	{ "run.order", .kind = ORDER },
	{ "run.flags", .kind = FLAGS },
	{ "run2.pfn", .kind = PFN },
	{ "run2.nr", .kind = NR },
	{ "run2.index", .kind = INDEX },
	{ "run2.order", .kind = ORDER },
	STRING(huge_file, luo_file_ser, compatible, LIVEUPDATE_HNDL_COMPAT_LENGTH),
	FIELD(huge_file, luo_file_ser, data, U64),
	FIELD(hugetlb, hugetlb_luo_ser, pos, U64),
	FIELD(hugetlb, hugetlb_luo_ser, size, U64),
	FIELD(hugetlb, hugetlb_luo_ser, seals, U32),
	FIELD(hugetlb, hugetlb_luo_ser, mode, U32),
	FIELD(hugetlb, hugetlb_luo_ser, uid, U32),
	FIELD(hugetlb, hugetlb_luo_ser, gid, U32),
	FIELD(hugetlb, hugetlb_luo_ser, page_shift, U32),
	FIELD(hugetlb, hugetlb_luo_ser, flags, U32),
	FIELD(hugetlb, hugetlb_luo_ser, nr_runs, U64),
	FIELD(hugetlb, hugetlb_luo_ser, nr_pages, U64),
	FIELD(hugetlb, hugetlb_luo_ser, runs.first, U64),
	FIELD(hugetlb, hugetlb_luo_ser, runs.total_pages, U32),
	FIELD(hugetlb, hugetlb_luo_ser, runs.flags, U16),
	FIELD(hugetlb, hugetlb_luo_ser, runs.order, U16),
	FIELD(huge_run, hugetlb_luo_run_ser, pfn, PFN64),
	FIELD(huge_run, hugetlb_luo_run_ser, index, U64),
	FIELD(huge_run, hugetlb_luo_run_ser, nr, U64),
	STRING(pool, hugetlb_luo_pool_ser, compatible,
	       sizeof_field(struct hugetlb_luo_pool_ser, compatible)),
	FIELD(pool, hugetlb_luo_pool_ser, nr_entries, U64),
	FIELD(pool_entry, hugetlb_luo_pool_entry_ser, order, U32),
	FIELD(pool_entry, hugetlb_luo_pool_entry_ser, node, U32),
	FIELD(pool_entry, hugetlb_luo_pool_entry_ser, count, U64),
	FIELD(area, kho_vmalloc, first, U64),
	FIELD(area, kho_vmalloc, total_pages, U32),
	FIELD(area, kho_vmalloc, flags, U16),
	FIELD(area, kho_vmalloc, order, U16),
	FIELD(huge, kho_vmalloc, first, U64),
	FIELD(huge, kho_vmalloc, total_pages, U32),
	FIELD(huge, kho_vmalloc, flags, U16),
	FIELD(huge, kho_vmalloc, order, U16),
	{ "area_chunk.next", 0, U64 },
	FIELD(area_chunk, kho_vmalloc_chunk, phys, U64),
	{ "area_chunk.behind", offsetof(struct kho_vmalloc_chunk, phys[2]), U64 },
	{ "area_chunk2.next", 0, U64 },
	FIELD(area_chunk2, kho_vmalloc_chunk, phys, U64),
	{ "area_chunk2.behind",
	  offsetof(struct kho_vmalloc_chunk, phys[HOSTILE_AREA_PAGES - KHO_VMALLOC_SIZE]), U64 },
};

static int damage_field(const struct field *field, const char *value)
{
	char place[32];
	void *at;

	strscpy(place, field->name);
	*strchr(place, '.') = '\0';
	at = hostile_place(place);
	if (!at)
		return -ENOENT;
	at += field->offset;

	switch (field->kind) {
	case TEXT:
		return set_text(at, field->width, value);
	case BE32:
		return set_be32(at, value);
	case PFN:
	case NR:
	case INDEX:
	case ORDER:
	case FLAGS:
		return set_run(at, field->kind, value);
	case PFN64:
		return set_pfn64(at, value);
	default:
		return hostile_set_number(at, widths[field->kind], value);
	}
}

/*
 * Fields of FDTs: "FDT:NODE/PROPERTY" is the value of a property. With ".tag",
 * ".len" or ".name" at the end it is that word before the value. "FDT:NODE.tag" and
 * "FDT:NODE.name" are the tag and the name of a node.
 */

static int damage_node(const struct hostile_prop *prop, const char *part,
		       const char *value)
{
	char *name = (char *)(prop->node + 1);

	if (!strcmp(part, "tag"))
		return set_be32(prop->node, value);
	return set_text(name, strlen(name), value);
}

static int damage_prop(const struct hostile_prop *prop, const char *part,
		       const char *value)
{
	if (!part)
		return *value == '=' ? set_text(prop->value, prop->len, value) :
				       hostile_set_number(prop->value, sizeof(u64), value);
	if (!strcmp(part, "tag"))
		return set_be32(prop->tag, value);
	if (!strcmp(part, "len"))
		return set_be32(prop->tag + 1, value);
	return set_be32(prop->tag + 2, value);
}

static int damage_fdt(const char *name, const char *value)
{
	char copy[sizeof(armed->field)];
	char *node = copy, *prop, *part;
	struct hostile_prop found;
	void *tree;
	int err;

	strscpy(copy, name);
	tree = strcmp(strsep(&node, ":"), "fdt") ? hostile_region_fdt() : hostile_fdt();
	part = node;
	strsep(&part, ".");
	prop = strchr(node, '/');
	if (prop)
		*prop++ = '\0';

	err = tree ? hostile_find_prop(tree, node, prop, &found) : -ENOENT;
	if (err)
		return err;
	return prop ? damage_prop(&found, part, value) :
		      damage_node(&found, part ?: "", value);
}

/* The map, as a set of keys */

static int add_key(u64 key)
{
	u64 *node = hostile_map_node(KHO_TREE_MAX_DEPTH - 1);
	unsigned int level, spare = 0;

	for (level = KHO_TREE_MAX_DEPTH - 1; level; level--) {
		unsigned int shift = KHO_BITMAP_SIZE_LOG2 +
				     (level - 1) * KHO_TABLE_SIZE_LOG2;
		u64 *child = &node[(key >> shift) & (PAGE_SIZE / 8 - 1)];

		if (!*child)
			*child = virt_to_phys(hostile_spare[spare++]);
		node = phys_to_virt(*child);
	}
	__set_bit(key & (BIT(KHO_BITMAP_SIZE_LOG2) - 1), (unsigned long *)node);
	return 0;
}

static int damage_key(const char *value)
{
	u64 key;
	int err;

	err = hostile_value(value, hostile_map_node(0), 0, &key);
	return err ?: add_key(key);
}

static int damage_page(const char *value)
{
	u64 phys;
	int err;

	err = hostile_value(value, hostile_map_node(0), 0, &phys);
	return err ?: add_key(BIT_ULL(KHO_ORDER_0_LOG2) | PHYS_PFN(phys));
}

/* A few tables, each of which has 512 entries that lead to the same table */
static int damage_crowd(const char *value)
{
	int level;

	for (level = 1; level <= 3; level++) {
		u64 *table = hostile_map_node(level);

		memset64(table, *hostile_last_child(table), PAGE_SIZE / sizeof(u64));
	}
	return 0;
}

/* Another entry for the last child of a table */
static int damage_twin(const char *value)
{
	unsigned long level;
	u64 *table, *child;
	int err = kstrtoul(value, 0, &level);

	if (err || !level || level >= KHO_TREE_MAX_DEPTH)
		return -EINVAL;
	table = hostile_map_node(level);
	child = hostile_last_child(table);
	table[child == table ? 1 : child - table - 1] = *child;
	return 0;
}

static const struct {
	const char *name;
	int (*damage)(const char *value);
} others[] = {
	{ "map.key", damage_key },
	{ "map.page", damage_page },
	{ "map.crowd", damage_crowd },
	{ "map.twin", damage_twin },
};

/* Without a value, only return whether there is such a field. */
static int damage(const char *name, const char *value)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fields); i++)
		if (!strcmp(fields[i].name, name))
			return value ? damage_field(&fields[i], value) : 0;
	if (strchr(name, ':'))
		return value ? damage_fdt(name, value) : 0;
	for (i = 0; i < ARRAY_SIZE(others); i++)
		if (!strcmp(others[i].name, name))
			return value ? others[i].damage(value) : 0;
	return hostile_damage_image(name, value);
}

int hostile_arm(const char *what)
{
	const char *value = strchr(what, ' ');
	struct armed *arm = &armed[nr_armed];

	if (!value || nr_armed == MAX_ARMED ||
	    value - what >= sizeof(arm->field) ||
	    strlen(value + 1) >= sizeof(arm->value))
		return -EINVAL;
	memcpy(arm->field, what, value - what);
	strscpy(arm->value, value + 1);
	nr_armed++;
	return damage(arm->field, NULL);
}

int hostile_damage(void)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < nr_armed && !err; i++)
		err = damage(armed[i].field, armed[i].value);
	return err;
}
