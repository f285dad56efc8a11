/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of luo_test_hostile.ko share
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef LUO_TEST_HOSTILE_H
#define LUO_TEST_HOSTILE_H

#include <linux/kho/abi/kexec_handover.h>
#include <linux/kho/abi/luo.h>
#include <linux/kho/abi/memfd.h>
#include <linux/types.h>

/* What the guest's program has made, and this kernel's command line */
#define HOSTILE_SESSION		"hit"
#define HOSTILE_OTHER_SESSION	"spared"
#define HOSTILE_MEMFD_TOKEN	1
#define HOSTILE_FILE_TOKEN	2
#define HOSTILE_REGION		"kept"

/* Pages of the area that is damaged: more than one chunk, the last one not full */
#define HOSTILE_AREA_PAGES	700
#define HOSTILE_HUGE_PAGES	1024

/* Pages that may become nodes of the map */
#define HOSTILE_NR_SPARE	8

#define HOSTILE_MAX_BLOCKS	3000

/* Where some of what was preserved is, and what is in there */
struct hostile_block {
	u64 phys;
	u32 nr_pages;
	u32 crc;
	u32 thing;
};

/* What this module hands over; it is never damaged itself. */
struct hostile_ledger {
	u64 magic;
	struct kho_vmalloc area;
	struct kho_vmalloc huge;
	u64 folio_phys;
	u32 nr_blocks;
	struct hostile_block blocks[HOSTILE_MAX_BLOCKS];
};

extern struct hostile_ledger *hostile_ledger;

/* hostile_find.c: structures that this kernel hands over; NULL if they are not there */

/* Find the root FDT, which has a name in it that no other has. */
int hostile_find_fdt(const char *mark);

void *hostile_fdt(void);
void *hostile_region_fdt(void);
struct kho_kexec_metadata *hostile_metadata(void);
struct luo_ser *hostile_luo(void);
struct luo_flb_header_ser *hostile_flbs(void);
struct kho_block_header_ser *hostile_sessions(void);
struct luo_session_ser *hostile_session(const char *name);
struct luo_file_ser *hostile_file(const char *session, u64 token);
struct memfd_luo_ser *hostile_memfd(const char *session);
/* Tables of the map by level, 0 for a leaf; on the way to the last one */
u64 *hostile_map_node(unsigned int level);

/* What a page has that is searched for, NULL if nothing */
typedef void *(*hostile_match_fn)(const void *page, const void *arg);

void *hostile_find_in_page(const void *page, const void *what, size_t size,
			   unsigned int step);
/* The match number @nr in pages that are reserved, as those of an image, or not */
void *hostile_search(bool reserved, hostile_match_fn match, const void *arg,
		     unsigned int nr);

struct hostile_prop {
	__be32 *node;	/* the tag of its node, which the node's name follows */
	__be32 *tag;	/* its own tag, which length and name follow */
	void *value;
	u32 len;
};

int hostile_find_prop(void *fdt, const char *node, const char *name,
		      struct hostile_prop *prop);

/* hostile_damage.c */

extern void *hostile_spare[HOSTILE_NR_SPARE];
extern u64 hostile_scratch[2];

/* What a number is set to is a text, see there. */
int hostile_set_number(void *at, u32 width, const char *text);

/* "FIELD VALUE" */
int hostile_arm(const char *what);
int hostile_damage(void);

/* hostile_image.c */

/* How often an image may be in memory, in parts or whole */
#define HOSTILE_MAX_COPIES	4

/* With no value it does nothing, and tells whether there is such a field. */
int hostile_damage_image(const char *name, const char *value);

#endif /* LUO_TEST_HOSTILE_H */
