/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_WAIT_BIT_H
#define _KHO_LINUX_WAIT_BIT_H

#include <asm/barrier.h>

/* There is one thread, so nothing is waited for. */
#define wake_up_var(var)		((void)(var))
#define wait_var_event(var, condition)	((void)(var), (void)(condition))

#endif
