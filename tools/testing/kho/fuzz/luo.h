/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Results of the target luo
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_FUZZ_LUO_H
#define _KHO_FUZZ_LUO_H

#include <linux/types.h>

/* Number of files in the session of the seed "many"; they need more than one block */
#define LUO_MANY	64

/* Numbers of files */
extern unsigned int luo_retrieved, luo_finished, luo_handed_on;
/* Number of parts of a handover that can't be read and were handed on as they came */
extern unsigned int luo_refused_on;

/* Files of one session that need one block too many for mainline */
void luo_check_lengths(void);

/* Files of one session that are checked before and after they are frozen */
void luo_check_verify(void);

/* A reboot that is given up, because what would be handed over is damaged */
void luo_check_damage(void);

/* No program retrieves files: hand all of them on. */
extern bool luo_hand_on;

#endif
