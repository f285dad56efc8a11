/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wire format of the frequency of the local APIC timer.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_KHO_ABI_LAPIC_TIMER_H
#define _LINUX_KHO_ABI_LAPIC_TIMER_H

#include <linux/build_bug.h>
#include <linux/types.h>

/**
 * DOC: Local APIC timer
 *
 * On x86, the blob ``lapic-timer`` has the frequency of the local APIC timer, so that
 * the next kernel need not measure it, which takes 100 ms. The blob is left out if the timer
 * is not used, if it failed verification, or if the frequency was not measured, because
 * the platform has set it or because the CPU has a TSC deadline timer. The blob has its
 * own version. A kernel measures the frequency itself if the blob is missing, has another
 * version or is for another model of CPU, or if the frequency does not fit the TSC.
 */

/* Name of the blob in the root FDT */
#define KHO_LAPIC_TIMER_NODE_NAME	"lapic-timer"

#define KHO_LAPIC_TIMER_VERSION		1

/**
 * struct kho_lapic_timer - frequency of the local APIC timer
 * @version:   %KHO_LAPIC_TIMER_VERSION
 * @signature: register EAX of CPUID leaf 1: family, model and stepping
 * @vendor:    registers EBX, EDX and ECX of CPUID leaf 0
 * @frequency: of the timer's clock in Hz, before it is divided
 */
struct kho_lapic_timer {
	u32 version;
	u32 signature;
	u32 vendor[3];
	u64 frequency;
} __packed;

static_assert(sizeof(struct kho_lapic_timer) == 28);

#endif /* _LINUX_KHO_ABI_LAPIC_TIMER_H */
