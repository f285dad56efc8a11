// SPDX-License-Identifier: GPL-2.0
/*
 * A handover with exactly one thing wrong: do the damage
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * What can be damaged is a field. What it is set to is one of
 *
 *   a number, +NUMBER (added), |NUMBER (bits set), max (all bits)
 *   @PLACE	its address: of one of structures[], or see address_of()
 *   =TEXT	of a string, padded with NULs; =TEXT* repeats the last character
 *		to the end, without a NUL
 */
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/block.h>
#include <linux/kho/abi/kexec_metadata.h>
#include <linux/kho/radix_tree.h>
#include <linux/libfdt.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/string.h>

#include "hostile.h"

void *hostile_spare[HOSTILE_NR_SPARE];
u64 hostile_scratch[2];

static char armed_field[64], armed_value[64];

/* Structures that fields are in */

static void *session(void)
{
	return hostile_session(HOSTILE_SESSION);
}

static void *phys_of(u64 phys)
{
	return phys ? phys_to_virt(phys) : NULL;
}

static void *next_block(struct kho_block_header_ser *block)
{
	return block ? phys_of(block->next) : NULL;
}

static void *sessions(void)
{
	return hostile_sessions();
}

static void *sessions2(void)
{
	return next_block(sessions());
}

static void *files(void)
{
	struct luo_session_ser *found = session();

	return found ? phys_of(found->file_set.files) : NULL;
}

static void *files2(void)
{
	return next_block(files());
}

static void *file(void)
{
	return hostile_file(HOSTILE_SESSION, HOSTILE_MEMFD_TOKEN);
}

static void *test_file(void)
{
	return hostile_file(HOSTILE_SESSION, HOSTILE_FILE_TOKEN);
}

static void *memfd(void)
{
	return hostile_memfd(HOSTILE_SESSION);
}

static void *chunk(void)
{
	struct memfd_luo_ser *found = memfd();

	return found ? phys_of(found->folios.first.phys) : NULL;
}

static void *folio(void)
{
	struct kho_vmalloc_chunk *found = chunk();

	return found ? phys_of(found->phys[0]) : NULL;
}

static void *folio2(void)
{
	struct memfd_luo_folio_ser *found = folio();

	return found ? found + 1 : NULL;
}

/* A page with content of the memfd */
static void *page2(void)
{
	struct memfd_luo_folio_ser *found = folio2();

	return found ? phys_of(PFN_PHYS(found->pfn)) : NULL;
}

static void *area(void)
{
	return &hostile_ledger->area;
}

static void *huge(void)
{
	return &hostile_ledger->huge;
}

static void *area_chunk(void)
{
	return phys_of(hostile_ledger->area.first.phys);
}

static void *area_chunk2(void)
{
	struct kho_vmalloc_chunk *found = area_chunk();

	return found ? phys_of(found->hdr.next.phys) : NULL;
}

static void *area_page2(void)
{
	struct kho_vmalloc_chunk *found = area_chunk();

	return found ? phys_of(found->phys[1]) : NULL;
}

static void *luo(void)
{
	return hostile_luo();
}

static void *flbs(void)
{
	return hostile_flbs();
}

static void *flb(void)
{
	struct luo_flb_header_ser *table = hostile_flbs();

	return table ? table + 1 : NULL;
}

static void *fdt(void)
{
	return hostile_fdt();
}

static void *region_fdt(void)
{
	return hostile_region_fdt();
}

static void *metadata(void)
{
	return hostile_metadata();
}

static void *ledger(void)
{
	return hostile_ledger;
}

/* Each level is a place of its own. */
#define MAP_NODE(level)							\
	static void *map##level(void)					\
	{								\
		return hostile_map_node(level);				\
	}

MAP_NODE(0)
MAP_NODE(1)
MAP_NODE(2)
MAP_NODE(3)
MAP_NODE(4)
MAP_NODE(5)

static u64 *last_child(u64 *table)
{
	u64 *child = table + PAGE_SIZE / sizeof(u64) - 1;

	while (child > table && !*child)
		child--;
	return child;
}

#define MAP_CHILD(level)						\
	static void *map##level##_child(void)				\
	{								\
		return last_child(hostile_map_node(level));		\
	}

MAP_CHILD(1)
MAP_CHILD(2)
MAP_CHILD(3)
MAP_CHILD(4)
MAP_CHILD(5)

/* Values */

static const struct {
	const char *name;
	void *(*find)(void);
} structures[] = {
	{ "fdt", fdt },
	{ "region_fdt", region_fdt },
	{ "luo", luo },
	{ "sessions", sessions },
	{ "sessions2", sessions2 },
	{ "files", files },
	{ "files2", files2 },
	{ "memfd", memfd },
	{ "chunk", chunk },
	{ "folio", folio },
	{ "page2", page2 },
	{ "area_page2", area_page2 },
	{ "area_chunk", area_chunk },
	{ "area_chunk2", area_chunk2 },
	{ "ledger", ledger },
	{ "map5", map5 },
	{ "map4", map4 },
	{ "map3", map3 },
	{ "map2", map2 },
	{ "map1", map1 },
	{ "map0", map0 },
};

static u64 region_phys(void)
{
	phys_addr_t start, size;

	return reserve_mem_find_by_name(HOSTILE_REGION, &start, &size) ? start : 0;
}

static u64 structure_phys(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(structures); i++)
		if (!strcmp(name, structures[i].name) && structures[i].find())
			return virt_to_phys(structures[i].find());
	return 0;
}

static int address_of(const char *name, void *field, u64 *phys)
{
	const struct {
		const char *name;
		u64 phys;
	} places[] = {
		/* The page that the field is in */
		{ "self", ALIGN_DOWN(virt_to_phys(field), PAGE_SIZE) },
		{ "outside", BIT_ULL(45) },
		{ "end", U64_MAX & PAGE_MASK },
		{ "scratch_start", hostile_scratch[0] },
		{ "scratch", hostile_scratch[0] + hostile_scratch[1] - PAGE_SIZE },
		{ "firmware", PAGE_SIZE },
		{ "free", virt_to_phys(hostile_spare[HOSTILE_NR_SPARE - 1]) },
		{ "kept", hostile_ledger->folio_phys },
		{ "region", region_phys() },
	};
	unsigned int i;

	*phys = structure_phys(name);
	for (i = 0; i < ARRAY_SIZE(places); i++)
		if (!strcmp(name, places[i].name))
			*phys = places[i].phys;
	return *phys ? 0 : -ENOENT;
}

static int new_value(const char *text, void *field, u64 old, u64 *value)
{
	int err;

	if (!strcmp(text, "max")) {
		*value = U64_MAX;
		return 0;
	}
	switch (*text) {
	case '@':
		return address_of(text + 1, field, value);
	case '+':
		err = kstrtou64(text + 1, 0, value);
		*value += old;
		return err;
	case '|':
		err = kstrtou64(text + 1, 0, value);
		*value |= old;
		return err;
	default:
		return kstrtou64(text, 0, value);
	}
}

/* Fields */

/* Of numbers the size is known. */
enum kind { U16, U32, U64, BE32, PFN, FLAGS, TEXT };

static const u32 widths[] = {
	[U16] = sizeof(u16),
	[U32] = sizeof(u32),
	[U64] = sizeof(u64),
	[BE32] = sizeof(u32),
};

int hostile_set_number(void *at, u32 width, const char *text)
{
	u64 value = 0;
	int err;

	memcpy(&value, at, width);
	err = new_value(text, at, value, &value);
	if (!err)
		memcpy(at, &value, width);
	return err;
}

static int set_be32(void *at, const char *text)
{
	__be32 *field = at;
	u64 value;
	int err;

	err = new_value(text, at, be32_to_cpup(field), &value);
	if (!err)
		*field = cpu_to_be32(value);
	return err;
}

/* A folio's page frame number, as an address here, or its flags */
static int set_folio(struct memfd_luo_folio_ser *at, enum kind kind,
		     const char *text)
{
	u64 value;
	int err;

	err = new_value(text, at, kind == PFN ? PFN_PHYS(at->pfn) : at->flags,
			&value);
	if (err)
		return err;
	if (kind == PFN)
		at->pfn = PHYS_PFN(value);
	else
		at->flags = value;
	return 0;
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

struct field {
	const char *name;
	void *(*find)(void);
	u32 offset;
	enum kind kind;
	u32 width;	/* of a text */
};

static const struct field fields[] = {
	{ "fdt.magic", fdt, offsetof(struct fdt_header, magic), BE32 },
	{ "fdt.totalsize", fdt, offsetof(struct fdt_header, totalsize), BE32 },
	{ "fdt.off_dt_struct", fdt,
	  offsetof(struct fdt_header, off_dt_struct), BE32 },
	{ "fdt.off_dt_strings", fdt,
	  offsetof(struct fdt_header, off_dt_strings), BE32 },
	{ "fdt.off_mem_rsvmap", fdt,
	  offsetof(struct fdt_header, off_mem_rsvmap), BE32 },
	{ "fdt.version", fdt, offsetof(struct fdt_header, version), BE32 },
	{ "fdt.last_comp_version", fdt,
	  offsetof(struct fdt_header, last_comp_version), BE32 },
	{ "fdt.size_dt_strings", fdt,
	  offsetof(struct fdt_header, size_dt_strings), BE32 },
	{ "fdt.size_dt_struct", fdt,
	  offsetof(struct fdt_header, size_dt_struct), BE32 },
	{ "region_fdt.magic", region_fdt,
	  offsetof(struct fdt_header, magic), BE32 },
	{ "region_fdt.totalsize", region_fdt,
	  offsetof(struct fdt_header, totalsize), BE32 },
	{ "region_fdt.off_dt_struct", region_fdt,
	  offsetof(struct fdt_header, off_dt_struct), BE32 },
	{ "region_fdt.off_dt_strings", region_fdt,
	  offsetof(struct fdt_header, off_dt_strings), BE32 },
	{ "region_fdt.off_mem_rsvmap", region_fdt,
	  offsetof(struct fdt_header, off_mem_rsvmap), BE32 },
	{ "region_fdt.version", region_fdt,
	  offsetof(struct fdt_header, version), BE32 },
	{ "region_fdt.last_comp_version", region_fdt,
	  offsetof(struct fdt_header, last_comp_version), BE32 },
	{ "region_fdt.size_dt_strings", region_fdt,
	  offsetof(struct fdt_header, size_dt_strings), BE32 },
	{ "region_fdt.size_dt_struct", region_fdt,
	  offsetof(struct fdt_header, size_dt_struct), BE32 },
	{ "map5_child.phys", map5_child, 0, U64 },
	{ "map4_child.phys", map4_child, 0, U64 },
	{ "map3_child.phys", map3_child, 0, U64 },
	{ "map2_child.phys", map2_child, 0, U64 },
	{ "map1_child.phys", map1_child, 0, U64 },
	{ "metadata.version", metadata,
	  offsetof(struct kho_kexec_metadata, version), U32 },
	{ "metadata.previous_release", metadata,
	  offsetof(struct kho_kexec_metadata, previous_release), TEXT,
	  KHO_METADATA_RELEASE_LENGTH },
	{ "metadata.kexec_count", metadata,
	  offsetof(struct kho_kexec_metadata, kexec_count), U32 },
	{ "luo.compatible", luo,
	  offsetof(struct luo_ser, compatible), TEXT,
	  LUO_ABI_COMPAT_LEN },
	{ "luo.liveupdate_num", luo,
	  offsetof(struct luo_ser, liveupdate_num), U64 },
	{ "luo.sessions_pa", luo, offsetof(struct luo_ser, sessions_pa), U64 },
	{ "luo.flbs_pa", luo, offsetof(struct luo_ser, flbs_pa), U64 },
	{ "flbs.pgcnt", flbs, offsetof(struct luo_flb_header_ser, pgcnt), U64 },
	{ "flbs.count", flbs, offsetof(struct luo_flb_header_ser, count), U64 },
	{ "flb.name", flb,
	  offsetof(struct luo_flb_ser, name), TEXT,
	  LIVEUPDATE_FLB_COMPAT_LENGTH },
	{ "flb.data", flb, offsetof(struct luo_flb_ser, data), U64 },
	{ "flb.count", flb, offsetof(struct luo_flb_ser, count), U64 },
	{ "sessions.next", sessions,
	  offsetof(struct kho_block_header_ser, next), U64 },
	{ "sessions.count", sessions,
	  offsetof(struct kho_block_header_ser, count), U64 },
	{ "sessions2.next", sessions2,
	  offsetof(struct kho_block_header_ser, next), U64 },
	{ "sessions2.count", sessions2,
	  offsetof(struct kho_block_header_ser, count), U64 },
	{ "files.next", files,
	  offsetof(struct kho_block_header_ser, next), U64 },
	{ "files.count", files,
	  offsetof(struct kho_block_header_ser, count), U64 },
	{ "files2.next", files2,
	  offsetof(struct kho_block_header_ser, next), U64 },
	{ "files2.count", files2,
	  offsetof(struct kho_block_header_ser, count), U64 },
	{ "session.name", session,
	  offsetof(struct luo_session_ser, name), TEXT,
	  LIVEUPDATE_SESSION_NAME_LENGTH },
	{ "session.file_set.files", session,
	  offsetof(struct luo_session_ser, file_set.files), U64 },
	{ "session.file_set.count", session,
	  offsetof(struct luo_session_ser, file_set.count), U64 },
	{ "file.compatible", file,
	  offsetof(struct luo_file_ser, compatible), TEXT,
	  LIVEUPDATE_HNDL_COMPAT_LENGTH },
	{ "file.data", file, offsetof(struct luo_file_ser, data), U64 },
	{ "file.token", file, offsetof(struct luo_file_ser, token), U64 },
	{ "test_file.compatible", test_file,
	  offsetof(struct luo_file_ser, compatible), TEXT,
	  LIVEUPDATE_HNDL_COMPAT_LENGTH },
	{ "memfd.pos", memfd, offsetof(struct memfd_luo_ser, pos), U64 },
	{ "memfd.size", memfd, offsetof(struct memfd_luo_ser, size), U64 },
	{ "memfd.seals", memfd, offsetof(struct memfd_luo_ser, seals), U32 },
	{ "memfd.flags", memfd, offsetof(struct memfd_luo_ser, flags), U32 },
	{ "memfd.nr_folios", memfd,
	  offsetof(struct memfd_luo_ser, nr_folios), U64 },
	{ "memfd.folios.first", memfd,
	  offsetof(struct memfd_luo_ser, folios.first), U64 },
	{ "memfd.folios.total_pages", memfd,
	  offsetof(struct memfd_luo_ser, folios.total_pages), U32 },
	{ "memfd.folios.flags", memfd,
	  offsetof(struct memfd_luo_ser, folios.flags), U16 },
	{ "memfd.folios.order", memfd,
	  offsetof(struct memfd_luo_ser, folios.order), U16 },
	{ "chunk.next", chunk, 0, U64 },
	{ "chunk.phys", chunk, offsetof(struct kho_vmalloc_chunk, phys), U64 },
	{ "chunk.behind", chunk,
	  offsetof(struct kho_vmalloc_chunk, phys[1]), U64 },
	{ "folio.pfn", folio, 0, PFN },
	{ "folio.flags", folio, 0, FLAGS },
	{ "folio.index", folio,
	  offsetof(struct memfd_luo_folio_ser, index), U64 },
	{ "folio2.pfn", folio2, 0, PFN },
	{ "folio2.index", folio2,
	  offsetof(struct memfd_luo_folio_ser, index), U64 },
	{ "area.first", area, offsetof(struct kho_vmalloc, first), U64 },
	{ "area.total_pages", area,
	  offsetof(struct kho_vmalloc, total_pages), U32 },
	{ "area.flags", area, offsetof(struct kho_vmalloc, flags), U16 },
	{ "area.order", area, offsetof(struct kho_vmalloc, order), U16 },
	{ "huge.first", huge, offsetof(struct kho_vmalloc, first), U64 },
	{ "huge.total_pages", huge,
	  offsetof(struct kho_vmalloc, total_pages), U32 },
	{ "huge.flags", huge, offsetof(struct kho_vmalloc, flags), U16 },
	{ "huge.order", huge, offsetof(struct kho_vmalloc, order), U16 },
	{ "area_chunk.next", area_chunk, 0, U64 },
	{ "area_chunk.phys", area_chunk,
	  offsetof(struct kho_vmalloc_chunk, phys), U64 },
	{ "area_chunk.behind", area_chunk,
	  offsetof(struct kho_vmalloc_chunk, phys[2]), U64 },
	{ "area_chunk2.next", area_chunk2, 0, U64 },
	{ "area_chunk2.phys", area_chunk2,
	  offsetof(struct kho_vmalloc_chunk, phys), U64 },
	{ "area_chunk2.behind", area_chunk2,
	  offsetof(struct kho_vmalloc_chunk, phys[HOSTILE_AREA_PAGES - KHO_VMALLOC_SIZE]), U64 },
};

static int damage_field(const struct field *field, const char *value)
{
	void *at = field->find();

	if (!at)
		return -ENOENT;
	at += field->offset;

	switch (field->kind) {
	case TEXT:
		return set_text(at, field->width, value);
	case BE32:
		return set_be32(at, value);
	case PFN:
	case FLAGS:
		return set_folio(at, field->kind, value);
	default:
		return hostile_set_number(at, widths[field->kind], value);
	}
}

/*
 * FDTs: "FDT:NODE/PROPERTY" is a property's value, with ".len", ".name" or ".tag"
 * behind it what precedes the value; "FDT:NODE.tag" and ".name" are the node's.
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
	char copy[sizeof(armed_field)];
	char *node = copy, *prop, *part;
	struct hostile_prop found;
	void *tree;
	int err;

	strscpy(copy, name);
	tree = strcmp(strsep(&node, ":"), "fdt") ? region_fdt() : fdt();
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

	err = new_value(value, hostile_map_node(0), 0, &key);
	return err ?: add_key(key);
}

static int damage_page(const char *value)
{
	u64 phys;
	int err;

	err = new_value(value, hostile_map_node(0), 0, &phys);
	return err ?: add_key(kho_radix_encode_key(phys, 0));
}

/* Few pages, but 512 ways to go from each of them */
static int damage_crowd(const char *value)
{
	int level;

	for (level = 1; level <= 3; level++) {
		u64 *table = hostile_map_node(level);

		memset64(table, *last_child(table), PAGE_SIZE / sizeof(u64));
	}
	return 0;
}

/* A second way to the last child */
static int damage_twin(const char *value)
{
	unsigned long level;
	u64 *table, *child;
	int err = kstrtoul(value, 0, &level);

	if (err || !level || level >= KHO_TREE_MAX_DEPTH)
		return -EINVAL;
	table = hostile_map_node(level);
	child = last_child(table);
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

/* With no value it does nothing, and tells whether there is such a field. */
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

	if (!value || value - what >= sizeof(armed_field) ||
	    strlen(value + 1) >= sizeof(armed_value))
		return -EINVAL;
	memcpy(armed_field, what, value - what);
	strscpy(armed_value, value + 1);
	return damage(armed_field, NULL);
}

int hostile_damage(void)
{
	return *armed_field ? damage(armed_field, armed_value) : 0;
}
