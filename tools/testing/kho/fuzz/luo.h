/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What has become of files
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_LIVEUPDATE_LUO_H
#define _KHO_LIVEUPDATE_LUO_H

/* Files in the session of the seed "many": more than a block has room for */
#define LUO_MANY	64

extern unsigned int luo_retrieved, luo_finished;

#endif
