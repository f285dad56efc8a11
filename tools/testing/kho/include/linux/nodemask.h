/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_NODEMASK_H
#define _KHO_LINUX_NODEMASK_H

#include <linux/numa.h>

#define N_MEMORY		0

/* There is only node 0. */
#define num_node_state(...)	1
#define for_each_node_state(nid, ...) \
	for (bool __once = !((nid) = 0); __once; __once = false)

#endif
