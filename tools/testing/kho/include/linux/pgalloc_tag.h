/* SPDX-License-Identifier: GPL-2.0 */
#define mem_alloc_profiling_enabled()		false
#define pgalloc_tag_add(page, task, nr)		((void)(page), (void)(task), (void)(nr))
#define alloc_hooks(call)			(call)
