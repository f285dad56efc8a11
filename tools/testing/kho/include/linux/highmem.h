/* SPDX-License-Identifier: GPL-2.0 */
#define si_mem_available()	0x10000L
