// SPDX-License-Identifier: GPL-2.0
/*
 * A handover with exactly one thing wrong: find the structures
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Modules have no access to the root FDT and the loaded kexec image, so these are
 * found by their content. The ABI leads from there to everything else.
 */
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/block.h>
#include <linux/kho/abi/kexec_metadata.h>
#include <linux/kho/abi/lapic_timer.h>
#include <linux/kho/abi/memblock.h>
#include <linux/libfdt.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/unaligned.h>

#include "hostile.h"

static void *root_fdt;

/* Searching memory */

/* The page belongs to other code, which may unmap it at any moment. */
void *hostile_find_in_page(const void *page, const void *what, size_t size,
			   unsigned int step)
{
	static u8 copy[PAGE_SIZE];
	unsigned int i;

	if (copy_from_kernel_nofault(copy, page, PAGE_SIZE))
		return NULL;
	for (i = 0; i + size <= PAGE_SIZE; i += step)
		if (!memcmp(copy + i, what, size))
			return (void *)page + i;
	return NULL;
}

static void *search_node(int nid, bool reserved, hostile_match_fn match,
			 const void *arg, unsigned int *nr)
{
	unsigned long pfn;

	for (pfn = node_start_pfn(nid); pfn < node_end_pfn(nid); pfn++) {
		struct page *page = pfn_to_online_page(pfn);
		void *found;

		if (!page || page_count(page) != 1 ||
		    PageReserved(page) != reserved)
			continue;
		found = match(page_address(page), arg);
		if (found && !(*nr)--)
			return found;
	}
	return NULL;
}

void *hostile_search(bool reserved, hostile_match_fn match, const void *arg,
		     unsigned int nr)
{
	void *found = NULL;
	int nid;

	for_each_online_node(nid) {
		found = search_node(nid, reserved, match, arg, &nr);
		if (found)
			break;
	}
	return found;
}

static void *match_fdt(const void *page, const void *mark)
{
	__be32 magic;

	if (copy_from_kernel_nofault(&magic, page, sizeof(magic)) ||
	    be32_to_cpu(magic) != FDT_MAGIC ||
	    !hostile_find_in_page(page, mark, strlen(mark) + 1, 1))
		return NULL;
	return (void *)page;
}

int hostile_find_fdt(const char *mark)
{
	root_fdt = hostile_search(false, match_fdt, mark, 0);
	return root_fdt ? 0 : -ENOENT;
}

/* FDTs: modules can't use libfdt */

static __be32 *skip_name(__be32 *tag)
{
	return tag + 1 + DIV_ROUND_UP(strlen((char *)(tag + 1)) + 1, FDT_TAGSIZE);
}

static bool is_node(const __be32 *tag, unsigned int depth, const char *wanted)
{
	if (depth != (*wanted ? 2 : 1))
		return false;
	return !strcmp((const char *)(tag + 1), wanted);
}

/* @node is "" or the name of a node below the root. Without @name, any property. */
int hostile_find_prop(void *fdt, const char *node, const char *name,
		      struct hostile_prop *prop)
{
	const struct fdt_header *header = fdt;
	const char *strings = fdt + be32_to_cpu(header->off_dt_strings);
	__be32 *tag = fdt + be32_to_cpu(header->off_dt_struct);
	unsigned int depth = 0;
	bool here = false;

	for (;;) {
		switch (be32_to_cpup(tag)) {
		case FDT_BEGIN_NODE:
			depth++;
			here = is_node(tag, depth, node);
			if (here)
				prop->node = tag;
			tag = skip_name(tag);
			break;
		case FDT_END_NODE:
			depth--;
			here = false;
			tag++;
			break;
		case FDT_PROP:
			prop->tag = tag;
			prop->len = be32_to_cpu(tag[1]);
			prop->value = tag + 3;
			if (here && (!name || !strcmp(strings + be32_to_cpu(tag[2]), name)))
				return 0;
			tag += 3 + DIV_ROUND_UP(prop->len, FDT_TAGSIZE);
			break;
		case FDT_NOP:
			tag++;
			break;
		default:
			return -ENOENT;
		}
	}
}

static u64 *find_number(void *fdt, const char *node, const char *name)
{
	struct hostile_prop prop;

	if (hostile_find_prop(fdt, node, name, &prop) || prop.len != sizeof(u64))
		return NULL;
	return prop.value;
}

/* Structures */

static void *at_phys(u64 phys)
{
	return phys ? phys_to_virt(phys) : NULL;
}

void *hostile_fdt(void)
{
	return root_fdt;
}

static void *find_blob(const char *name)
{
	u64 *phys = find_number(root_fdt, name, KHO_SUB_TREE_PROP_NAME);

	return phys ? at_phys(get_unaligned(phys)) : NULL;
}

void *hostile_region_fdt(void)
{
	return find_blob(MEMBLOCK_KHO_FDT);
}

struct kho_kexec_metadata *hostile_metadata(void)
{
	return find_blob(KHO_METADATA_NODE_NAME);
}

struct kho_lapic_timer *hostile_lapic(void)
{
	return find_blob(KHO_LAPIC_TIMER_NODE_NAME);
}

struct luo_ser *hostile_luo(void)
{
	return find_blob(LUO_KHO_ENTRY_NAME);
}

struct luo_flb_header_ser *hostile_flbs(void)
{
	return at_phys(hostile_luo()->flbs_pa);
}

struct kho_block_header_ser *hostile_sessions(void)
{
	return at_phys(hostile_luo()->sessions_pa);
}

/* The sessions and files that matter are in the first block. */
struct luo_session_ser *hostile_session(const char *name)
{
	struct kho_block_header_ser *block = hostile_sessions();
	struct luo_session_ser *session = (void *)(block + 1);
	u64 i;

	for (i = 0; block && i < block->count; i++)
		if (!strcmp(session[i].name, name))
			return &session[i];
	return NULL;
}

struct luo_file_ser *hostile_file(const char *name, u64 token)
{
	struct luo_session_ser *session = hostile_session(name);
	struct kho_block_header_ser *block;
	struct luo_file_ser *file;
	u64 i;

	block = session ? at_phys(session->file_set.files) : NULL;
	file = (void *)(block + 1);
	for (i = 0; block && i < block->count; i++)
		if (file[i].token == token)
			return &file[i];
	return NULL;
}

struct memfd_luo_ser *hostile_memfd(const char *session)
{
	struct luo_file_ser *file = hostile_file(session, HOSTILE_MEMFD_TOKEN);

	return file ? at_phys(file->data) : NULL;
}

struct note_ser *hostile_note(void)
{
	struct luo_file_ser *file = hostile_file(HOSTILE_SESSION,
						 HOSTILE_NOTE_TOKEN);

	return file ? at_phys(file->data) : NULL;
}

struct hugetlb_luo_ser *hostile_hugetlb(void)
{
	struct luo_file_ser *file = hostile_file(HOSTILE_SESSION,
						 HOSTILE_HUGETLB_TOKEN);

	return file ? at_phys(file->data) : NULL;
}

struct hugetlb_luo_run_ser *hostile_hugetlb_runs(void)
{
	struct hugetlb_luo_ser *ser = hostile_hugetlb();
	struct kho_vmalloc_chunk *chunk = ser ? at_phys(ser->runs.first.phys) : NULL;

	return chunk ? at_phys(chunk->phys[0]) : NULL;
}

struct hugetlb_luo_pool_ser *hostile_pool(void)
{
	return find_blob(HUGETLB_LUO_POOL_NAME);
}

struct hugetlb_luo_pool_entry_ser *hostile_pool_entry(void)
{
	struct hugetlb_luo_ser *ser = hostile_hugetlb();
	struct hugetlb_luo_pool_ser *pool = hostile_pool();
	u64 i;

	for (i = 0; ser && pool && i < pool->nr_entries; i++)
		if (pool->entries[i].order == ser->page_shift - PAGE_SHIFT &&
		    pool->entries[i].count)
			return &pool->entries[i];
	return NULL;
}

u64 *hostile_last_child(u64 *table)
{
	u64 *child = table + PAGE_SIZE / sizeof(u64) - 1;

	while (child > table && !*child)
		child--;
	return child;
}

/* The last child of each table leads to single pages, because their keys are highest. */
u64 *hostile_map_node(unsigned int level)
{
	u64 *root = find_number(root_fdt, "", KHO_FDT_MEMORY_MAP_PROP_NAME);
	u64 *table = root ? at_phys(get_unaligned(root)) : NULL;
	unsigned int i;

	for (i = KHO_TREE_MAX_DEPTH - 1; table && i > level; i--)
		table = at_phys(*hostile_last_child(table));
	return table;
}
