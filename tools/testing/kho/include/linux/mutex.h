/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_MUTEX_H
#define _KHO_LINUX_MUTEX_H

#include <sched.h>
#include <stdbool.h>

#include <linux/cleanup.h>
#include <linux/lockdep.h>

struct mutex {
	long owner;
};

#define __MUTEX_INITIALIZER(...)	{}
#define DEFINE_MUTEX(name)		struct mutex name = {}

static inline void mutex_init(struct mutex *mutex)
{
	*mutex = (struct mutex){};
}

static inline void mutex_destroy(struct mutex *mutex)
{
}

/* One atomic operation to lock and one to unlock, as in the kernel */
static inline bool mutex_swap_owner(struct mutex *mutex, long from, long to)
{
	return __atomic_compare_exchange_n(&mutex->owner, &from, to, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

static inline void mutex_lock(struct mutex *mutex)
{
	while (!mutex_swap_owner(mutex, 0, 1))
		sched_yield();
}

static inline bool mutex_trylock(struct mutex *mutex)
{
	return mutex_swap_owner(mutex, 0, 1);
}

static inline void mutex_unlock(struct mutex *mutex)
{
	mutex_swap_owner(mutex, 1, 0);
}

#define SINGLE_DEPTH_NESTING	1

static inline void mutex_lock_nested(struct mutex *mutex, unsigned int subclass)
{
	mutex_lock(mutex);
}

/* Signals do not exist. */
static inline int mutex_lock_interruptible(struct mutex *mutex)
{
	mutex_lock(mutex);
	return 0;
}

#define mutex_lock_killable(mutex)	mutex_lock_interruptible(mutex)

DEFINE_GUARD(mutex, struct mutex *, mutex_lock(_T), mutex_unlock(_T))
DEFINE_GUARD_COND(mutex, _intr, mutex_lock_interruptible(_T) == 0)

#endif
