/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_WORKQUEUE_H
#define _KHO_LINUX_WORKQUEUE_H

#include <linux/types.h>

struct work_struct {
	void (*func)(struct work_struct *work);
};

#define DECLARE_WORK(name, fn)	struct work_struct name = { fn }

#define system_unbound_wq	NULL

/* There is one task, so no lock makes it leave something to a worker. */
static inline bool queue_work(void *wq, struct work_struct *work)
{
	work->func(work);
	return true;
}

#endif
