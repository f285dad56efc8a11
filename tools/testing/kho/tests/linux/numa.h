/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_TESTS_LINUX_NUMA_H
#define _KHO_TESTS_LINUX_NUMA_H

#define MAX_NUMNODES		1
#define NUMA_NO_NODE		(-1)
#define N_MEMORY		0

/* There is node 0. */
#define num_node_state(...)			1
#define for_each_node_state(nid, ...) \
	for (bool __once = !((nid) = 0); __once; __once = false)
#define pfn_to_nid(pfn)				((void)(pfn), 0)

#endif
