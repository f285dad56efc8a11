/* SPDX-License-Identifier: GPL-2.0 */
#define can_set_direct_map()		false
#define debug_pagealloc_enabled()	false
