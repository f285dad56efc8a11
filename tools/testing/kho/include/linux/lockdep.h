/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_LOCKDEP_H
#define _KHO_LINUX_LOCKDEP_H

#define lockdep_assert_held(lock)	((void)(lock))
#define lockdep_assert_held_write(lock)	((void)(lock))
#define lockdep_assert_held_read(lock)	((void)(lock))

#endif
