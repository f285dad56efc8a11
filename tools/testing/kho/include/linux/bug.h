/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Warnings: tests count them
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_LINUX_BUG_H
#define _KHO_LINUX_BUG_H

#include <linux/build_bug.h>
#include <linux/compiler.h>

#include "shim/print.h"

#define WARN_ON(condition) ({				\
	bool __warn_on = !!(condition);			\
							\
	if (unlikely(__warn_on))			\
		shim_warn(__FILE__, __LINE__);		\
	unlikely(__warn_on);				\
})

#define WARN_ON_ONCE(condition)		WARN_ON(condition)
/* The message is dropped. */
#define WARN_ONCE(condition, ...)	WARN_ON(condition)

#endif
