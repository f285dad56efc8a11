/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Locks that cost what the kernel's do where nobody else wants them: the C
 * library's would notice that there is only one thread. See linux/mutex.h, too.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_SHIM_LINUX_SPINLOCK_H
#define _KHO_SHIM_LINUX_SPINLOCK_H

#include <sched.h>

#include <linux/cleanup.h>
#include <linux/lockdep.h>

struct spinlock {
	char locked;
};

#define spinlock_t		struct spinlock

#define DEFINE_SPINLOCK(name)	spinlock_t name = {}

static inline void spin_lock_init(spinlock_t *lock)
{
	*lock = (spinlock_t){};
}

static inline void spin_lock(spinlock_t *lock)
{
	while (__atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE))
		sched_yield();
}

static inline void spin_unlock(spinlock_t *lock)
{
	__atomic_store_n(&lock->locked, 0, __ATOMIC_RELEASE);
}

DEFINE_GUARD(spinlock, spinlock_t *, spin_lock(_T), spin_unlock(_T))

#endif
