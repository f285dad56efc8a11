// SPDX-License-Identifier: GPL-2.0
/*
 * A handover with exactly one thing wrong: places, and the values of numbers
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * A number is set to
 *
 *   a number, +NUMBER (added), |NUMBER (bits set), max (all bits)
 *   @PLACE	an address: of one of the structures below, or see address_of()
 */
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/block.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/string.h>

#include "hostile.h"

void *hostile_spare[HOSTILE_NR_SPARE];
u64 hostile_scratch[2];

static void *phys_of(u64 phys)
{
	return phys ? phys_to_virt(phys) : NULL;
}

void *hostile_place(const char *name)
{
	struct kho_block_header_ser *sessions = hostile_sessions();
	struct luo_session_ser *session = hostile_session(HOSTILE_SESSION);
	struct kho_block_header_ser *files = session ? phys_of(session->file_set.files) : NULL;
	struct luo_flb_header_ser *flbs = hostile_flbs();
	struct memfd_luo_ser *memfd = hostile_memfd(HOSTILE_SESSION);
	struct memfd_luo_run_ser *run = memfd ? memfd->runs : NULL;
	struct hugetlb_luo_run_ser *huge_run = hostile_hugetlb_runs();
	struct kho_vmalloc_chunk *area_chunk = phys_of(hostile_ledger->area.first.phys);
	const struct {
		const char *name;
		void *at;
	} places[] = {
		{ "fdt", hostile_fdt() },
		{ "region_fdt", hostile_region_fdt() },
		{ "metadata", hostile_metadata() },
		{ "lapic", hostile_lapic() },
		{ "luo", hostile_luo() },
		{ "flbs", flbs },
		{ "flb", flbs ? flbs + 1 : NULL },
		{ "sessions", sessions },
		{ "sessions2", sessions ? phys_of(sessions->next) : NULL },
		{ "session", session },
		{ "files", files },
		{ "files2", files ? phys_of(files->next) : NULL },
		{ "file", hostile_file(HOSTILE_SESSION, HOSTILE_MEMFD_TOKEN) },
		{ "test_file", hostile_file(HOSTILE_SESSION, HOSTILE_FILE_TOKEN) },
		{ "note_file", hostile_file(HOSTILE_SESSION, HOSTILE_NOTE_TOKEN) },
		{ "note", hostile_note() },
		{ "memfd", memfd },
		{ "run", run },
		{ "run2", run ? run + 1 : NULL },
		/* The second content page of the memfd */
		{ "page2", run ? phys_of(PFN_PHYS(run->nr > 1 ? run->pfn + 1 : run[1].pfn)) :
				 NULL },
		{ "huge_file", hostile_file(HOSTILE_SESSION, HOSTILE_HUGETLB_TOKEN) },
		{ "hugetlb", hostile_hugetlb() },
		{ "huge_run", huge_run },
		{ "huge_run2", huge_run ? huge_run + 1 : NULL },
		/* The second page of that file */
		{ "huge_page2", huge_run ? phys_of(PFN_PHYS(huge_run[1].pfn)) : NULL },
		{ "pool", hostile_pool() },
		{ "pool_entry", hostile_pool_entry() },
		{ "ledger", hostile_ledger },
		{ "area", &hostile_ledger->area },
		{ "area_chunk", area_chunk },
		{ "area_chunk2", area_chunk ? phys_of(area_chunk->hdr.next.phys) : NULL },
		{ "area_page2", area_chunk ? phys_of(area_chunk->phys[1]) : NULL },
		{ "huge", &hostile_ledger->huge },
	};
	unsigned int i, level;

	/* The nodes of the map by level, and the last entry of each table */
	if (sscanf(name, "map%u", &level) == 1) {
		u64 *node = hostile_map_node(level);

		return strchr(name, '_') ? hostile_last_child(node) : node;
	}
	for (i = 0; i < ARRAY_SIZE(places); i++)
		if (!strcmp(name, places[i].name))
			return places[i].at;
	return NULL;
}

static u64 region_phys(void)
{
	phys_addr_t start, size;

	return reserve_mem_find_by_name(HOSTILE_REGION, &start, &size) ? start : 0;
}

static u64 huge_phys(void)
{
	const struct kho_vmalloc_chunk *chunk = KHOSER_LOAD_PTR(hostile_ledger->huge.first);

	return chunk->phys[0];
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
		/* A page of that folio which is not the first one */
		{ "inside", hostile_ledger->folio_phys + PAGE_SIZE },
		/* The first large page of the area "huge", and a page in it */
		{ "huge_start", huge_phys() },
		{ "huge_page", huge_phys() + 3 * PAGE_SIZE },
		{ "region", region_phys() },
	};
	void *place = hostile_place(name);
	unsigned int i;

	*phys = place ? virt_to_phys(place) : 0;
	for (i = 0; i < ARRAY_SIZE(places); i++)
		if (!strcmp(name, places[i].name))
			*phys = places[i].phys;
	return *phys ? 0 : -ENOENT;
}

int hostile_value(const char *text, void *field, u64 old, u64 *value)
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

int hostile_set_number(void *at, u32 width, const char *text)
{
	u64 value = 0;
	int err;

	memcpy(&value, at, width);
	err = hostile_value(text, at, value, &value);
	if (!err)
		memcpy(at, &value, width);
	return err;
}
