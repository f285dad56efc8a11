/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_SCHED_H
#define _KHO_LINUX_SCHED_H

static inline int cond_resched(void)
{
	return 0;
}

#endif
