/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_RWSEM_H
#define _KHO_LINUX_RWSEM_H

#include "../../../../include/linux/rwsem.h"
#include <linux/cleanup.h>
#include <linux/lockdep.h>

#define DECLARE_RWSEM(name)	struct rw_semaphore name = { PTHREAD_RWLOCK_INITIALIZER }

DEFINE_GUARD(rwsem_read, struct rw_semaphore *, down_read(_T), up_read(_T))
DEFINE_GUARD(rwsem_write, struct rw_semaphore *, down_write(_T), up_write(_T))

#endif
