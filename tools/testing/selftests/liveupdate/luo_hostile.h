/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Handovers with exactly one thing wrong: what they are
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef SELFTESTS_LIVEUPDATE_LUO_HOSTILE_H
#define SELFTESTS_LIVEUPDATE_LUO_HOSTILE_H

#include <stddef.h>

/* What is preserved in each of them */
enum {
	MEMFD	= 1 << 0,	/* in session "hit", token 1 */
	NUMBER	= 1 << 1,	/* in the same session, token 2; without memory */
	OTHER	= 1 << 2,	/* a memfd in session "spared" */
	AREA	= 1 << 3,	/* a vmalloc area */
	HUGE	= 1 << 4,	/* a vmalloc area of large pages */
	FOLIO	= 1 << 5,	/* a folio of four pages */
	REGION	= 1 << 6,	/* of reserve_mem= */

	HIT	= MEMFD | NUMBER,
	SESSIONS = HIT | OTHER,
	ALL	= SESSIONS | AREA | HUGE | FOLIO | REGION,
};

/**
 * struct hostile_rule - what comes of damage to one thing of a handover
 * @field: what is damaged, as luo_test_hostile.ko calls it
 * @values: what it is set to, likewise; with blanks between them, each is a case
 * @says: extended regular expression for a line in the next kernel's log; NULL
 *	  where the ABI does not tell it that anything is wrong
 * @refused: what can't be retrieved; its memory stays reserved
 * @gone: what can't be retrieved, but the memory may be in use
 * @open: what the ABI does not allow to tell anything about
 *
 * Everything else must come over unharmed.
 */
struct hostile_rule {
	const char *field;
	const char *values;
	const char *says;
	unsigned int refused;
	unsigned int gone;
	unsigned int open;
};

extern const struct hostile_rule hostile_rules[];
extern const size_t nr_hostile_rules;

/* Some of all, "FIELD VALUE": one for each kind of refusal that matters most */
extern const char *const hostile_sample[];
extern const size_t nr_hostile_sample;

#endif /* SELFTESTS_LIVEUPDATE_LUO_HOSTILE_H */
