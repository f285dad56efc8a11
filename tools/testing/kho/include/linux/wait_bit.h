/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_WAIT_BIT_H
#define _KHO_LINUX_WAIT_BIT_H

#include <asm/barrier.h>

/* There is one thread, so nothing is waited for. */
#define store_release_wake_up(var, val)	((void)(*(var) = (val)))
#define wait_var_event(var, condition)	((void)(var), (void)(condition))

#endif
