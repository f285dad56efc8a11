/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How mm/memfd_luo.c is reached
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_LIVEUPDATE_MEMFD_LUO_H
#define _KHO_LIVEUPDATE_MEMFD_LUO_H

struct liveupdate_file_handler;

/* Its handler, once it has registered it */
extern struct liveupdate_file_handler *memfd_handler;

/* Files that it has made, and pages that the last input has left preserved */
extern unsigned int memfd_retrieved;
extern unsigned long memfd_left_over;

#endif
