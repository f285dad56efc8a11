/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_RWSEM_H
#define _KHO_LINUX_RWSEM_H

#include "../../../../include/linux/rwsem.h"
#include <linux/cleanup.h>
#include <linux/lockdep.h>

#define DECLARE_RWSEM(name)	struct rw_semaphore name = { PTHREAD_RWLOCK_INITIALIZER }

/* Signals do not exist. */
#define down_read_killable(sem)		down_read(sem)
#define down_write_killable(sem)	down_write(sem)
#define down_read_trylock(sem)		(!down_read(sem))

static inline void downgrade_write(struct rw_semaphore *sem)
{
	up_write(sem);
	down_read(sem);
}

DEFINE_GUARD(rwsem_read, struct rw_semaphore *, down_read(_T), up_read(_T))
DEFINE_GUARD(rwsem_write, struct rw_semaphore *, down_write(_T), up_write(_T))

#endif
