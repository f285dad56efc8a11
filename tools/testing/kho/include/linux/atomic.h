/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_ATOMIC_H
#define _KHO_LINUX_ATOMIC_H

#include "../../../../include/linux/atomic.h"

#define atomic_cmpxchg_acquire(v, old, new)	atomic_cmpxchg(v, old, new)
#define atomic_try_cmpxchg_acquire(v, old, new) ({			\
	int _wanted = *(old);						\
									\
	atomic_cmpxchg(v, _wanted, new) == _wanted; })
#define atomic_set_release(v, i)		atomic_set(v, i)

/* There is one thread. */
#define atomic_long_set(v, i)			((v)->counter = (i))
#define atomic_long_read(v)			((v)->counter)
#define atomic_long_inc(v)			((v)->counter++)
#define atomic_long_dec(v)			((v)->counter--)

#endif
