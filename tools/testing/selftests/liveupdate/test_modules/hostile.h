/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Declarations of luo_test_hostile.ko
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef LUO_TEST_HOSTILE_H
#define LUO_TEST_HOSTILE_H

#include <linux/kho/abi/hugetlb.h>
#include <linux/kho/abi/kexec_handover.h>
#include <linux/kho/abi/luo.h>
#include <linux/kho/abi/memfd.h>
#include <linux/types.h>

/* The names that the guest program and the kernel command line use */
#define HOSTILE_SESSION		"hit"
#define HOSTILE_OTHER_SESSION	"spared"
#define HOSTILE_MEMFD_TOKEN	1
#define HOSTILE_FILE_TOKEN	2
#define HOSTILE_NOTE_TOKEN	3
#define HOSTILE_HUGETLB_TOKEN	5
#define HOSTILE_REGION		"kept"

/* Number of pages of the area: more than one chunk, and the last one is not full */
#define HOSTILE_AREA_PAGES	700
#define HOSTILE_HUGE_PAGES	1024

/* Number of free pages that damage() can turn into nodes of the map */
#define HOSTILE_NR_SPARE	8

#define HOSTILE_MAX_BLOCKS	3000

/* A block of preserved memory, and the checksum of its content */
struct hostile_block {
	u64 phys;
	u32 nr_pages;
	u32 crc;
	u32 thing;
};

/* The blob of this module. It is never damaged. */
struct hostile_ledger {
	u64 magic;
	struct kho_vmalloc area;
	struct kho_vmalloc huge;
	u64 folio_phys;
	u32 nr_blocks;
	struct hostile_block blocks[HOSTILE_MAX_BLOCKS];
};

extern struct hostile_ledger *hostile_ledger;

/* hostile_find.c: the structures that this kernel hands over, or NULL */

/* Find the root FDT by a name in it that no other FDT has. */
int hostile_find_fdt(const char *mark);

void *hostile_fdt(void);
void *hostile_region_fdt(void);
struct kho_kexec_metadata *hostile_metadata(void);
struct kho_lapic_timer *hostile_lapic(void);
struct luo_ser *hostile_luo(void);
struct luo_flb_header_ser *hostile_flbs(void);
struct kho_block_header_ser *hostile_sessions(void);
struct luo_session_ser *hostile_session(const char *name);
struct luo_file_ser *hostile_file(const char *session, u64 token);
struct note_ser *hostile_note(void);
struct memfd_luo_ser *hostile_memfd(const char *session);
struct hugetlb_luo_ser *hostile_hugetlb(void);
/* Return the list of that file, which is no longer than a page. */
struct hugetlb_luo_run_ser *hostile_hugetlb_runs(void);
struct hugetlb_luo_pool_ser *hostile_pool(void);
/* Return the first entry with pages of that file's size. */
struct hugetlb_luo_pool_entry_ser *hostile_pool_entry(void);
/* Return the node at this level on the way to the last leaf of the map, level 0. */
u64 *hostile_map_node(unsigned int level);
/* Return the last entry of a table that is not 0. */
u64 *hostile_last_child(u64 *table);

/* Return the match in a page, or NULL. */
typedef void *(*hostile_match_fn)(const void *page, const void *arg);

void *hostile_find_in_page(const void *page, const void *what, size_t size,
			   unsigned int step);
/* Return match number @nr in pages that are @reserved, as those of a kexec image are. */
void *hostile_search(bool reserved, hostile_match_fn match, const void *arg,
		     unsigned int nr);

struct hostile_prop {
	__be32 *node;	/* the tag of its node; the name follows */
	__be32 *tag;	/* its own tag; length and name follow */
	void *value;
	u32 len;
};

int hostile_find_prop(void *fdt, const char *node, const char *name,
		      struct hostile_prop *prop);

/* hostile_place.c */

extern void *hostile_spare[HOSTILE_NR_SPARE];
extern u64 hostile_scratch[2];

/* Return the structure or page of this name, or NULL. */
void *hostile_place(const char *name);
/* Determine the value that a text stands for. @old is the present value of @field. */
int hostile_value(const char *text, void *field, u64 old, u64 *value);
/* Set a number to the value that a text stands for. */
int hostile_set_number(void *at, u32 width, const char *text);

/* hostile_damage.c */

/* Set a field when the kexec comes. @what is "FIELD VALUE". */
int hostile_arm(const char *what);
/* Set all of these fields. */
int hostile_damage(void);

/* hostile_image.c */

/* How many copies of parts of an image there may be in memory */
#define HOSTILE_MAX_COPIES	4

/* Without a value, only return whether there is such a field. */
int hostile_damage_image(const char *name, const char *value);

#endif /* LUO_TEST_HOSTILE_H */
