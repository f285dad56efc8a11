/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A simple model of the reader of LUO's state
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_FUZZ_LUO_MODEL_H
#define _KHO_FUZZ_LUO_MODEL_H

#include <linux/types.h>
#include <linux/liveupdate.h>

#include "fuzz/image.h"

/* Flags in the serialized data: what the handler does with a file */
#define DATA_FAILS	1	/* retrieve it with an error */
#define DATA_WAITS	2	/* refuse to finish it the first time */

#define MAX_SESSIONS	64
#define MAX_FILES	256

struct handover_file {
	u64 token;
	int expected;	/* the error of retrieving it, or 0 */
	bool waits;	/* it cannot be finished the first time */
};

struct handover_session {
	char name[LIVEUPDATE_SESSION_NAME_LENGTH];
	bool good;
	u64 files_pa;
	bool kept;	/* it is not damaged, or its list of files is preserved */
	struct handover_file *files;
	u64 nr_files;
};

struct handover {
	bool too_much;		/* the handover exceeds the limits of this model */
	bool refused;		/* the blob is preserved, and can't be read */
	u64 sessions_pa;
	u64 flbs_pa;
	bool flbs_refused;	/* the table of FLBs can't be read */
	int list_expected;	/* the error of retrieving any session, or 0 */
	int flb_expected;	/* the error of retrieving the FLB, or 0 */
	struct handover_session sessions[MAX_SESSIONS];
	u64 nr_sessions;
	struct handover_file files[MAX_FILES];
	u64 nr_files;
};

extern struct handover handover;

/* Read what another kernel has handed over. */
void read_handover(const struct image *image);

/* Read what this kernel hands over. This changes which memory is marked as preserved. */
void read_outgoing(void);

#endif
