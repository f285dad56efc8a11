/* SPDX-License-Identifier: GPL-2.0 */
/* There is one user namespace. */
#ifndef _KHO_LINUX_UIDGID_H
#define _KHO_LINUX_UIDGID_H

#include <linux/types.h>

struct user_namespace;

#define init_user_ns	(*(struct user_namespace *)NULL)

static inline unsigned int make_kuid(struct user_namespace *ns, unsigned int uid)
{
	return uid;
}

static inline unsigned int from_kuid(struct user_namespace *ns, unsigned int kuid)
{
	return kuid;
}

#define make_kgid(ns, gid)	make_kuid(ns, gid)
#define from_kgid(ns, kgid)	from_kuid(ns, kgid)
#define uid_valid(kuid)		((kuid) != -1U)
#define gid_valid(kgid)		((kgid) != -1U)

#endif
