/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hostile: handovers with exactly one thing wrong
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef SELFTESTS_LIVEUPDATE_SUITES_HOSTILE_H
#define SELFTESTS_LIVEUPDATE_SUITES_HOSTILE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

/* The things that each handover carries */
enum {
	MEMFD	= 1 << 0,	/* in session "hit" */
	NUMBER	= 1 << 1,	/* a file of luo_test_handler in the same session */
	NOTE	= 1 << 2,	/* a file of the sample driver in the same session */
	OTHER	= 1 << 3,	/* a memfd in session "spared" */
	SHARED	= 1 << 4,	/* two FLBs of luo_test_flb */
	OWN	= 1 << 5,
	AREA	= 1 << 6,	/* a vmalloc area */
	HUGE	= 1 << 7,	/* a vmalloc area of large pages */
	FOLIO	= 1 << 8,	/* a folio of four pages */
	REGION	= 1 << 9,	/* of reserve_mem= */
	HUGETLB	= 1 << 10,	/* a memfd of huge pages in session "hit" */

	HIT	= MEMFD | NUMBER | NOTE | HUGETLB,
	SESSIONS = HIT | OTHER,
	FLBS	= SHARED | OWN,
	LUO	= SESSIONS | FLBS,
	ALL	= LUO | AREA | HUGE | FOLIO | REGION,
};

/* Logged if blocks of the map overlap */
#define OVERLAPS	"KHO: map has blocks that overlap"

/**
 * struct hostile_rule - damage to a field, and what the next kernel must do
 * @fields: fields, as luo_test_hostile.ko names them, separated by blanks
 * @values: values that they are set to, likewise; each value of each field is a case.
 *	    A "!" after a value puts it into the sample, for the last field.
 * @also: another "FIELD VALUE" that is set first; optional
 * @says: extended regular expression for a line of the next kernel's log; NULL if
 *	  the ABI does not allow to detect the damage
 * @never: the same for a line that must not be logged; optional
 * @refused: things that can't be retrieved, and whose memory stays reserved
 * @gone: things that can't be retrieved, and whose memory may be in use
 * @open: things that may be retrieved or not, with any content
 * @overlapped: the things are refused because blocks of the map overlap
 * @error: errno of the refused or gone things; 0 if it may be any
 *
 * All other things must be handed over undamaged.
 */
struct hostile_rule {
	const char *fields;
	const char *values;
	const char *also;
	const char *says;
	const char *never;
	unsigned int refused;
	unsigned int gone;
	unsigned int open;
	bool overlapped;
	int error;
};

extern const struct hostile_rule hostile_rules[];
extern const size_t nr_hostile_rules;

#endif /* SELFTESTS_LIVEUPDATE_SUITES_HOSTILE_H */
