/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_LIST_H
#define _KHO_LINUX_LIST_H

#include "../../../../include/linux/list.h"

static inline int list_is_first(const struct list_head *list,
				const struct list_head *head)
{
	return list->prev == head;
}

#endif
