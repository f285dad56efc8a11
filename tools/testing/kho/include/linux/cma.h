/* SPDX-License-Identifier: GPL-2.0 */
extern unsigned long totalcma_pages;
