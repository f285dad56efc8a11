// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kexec handover: the frequency of the local APIC timer.
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * To measure the frequency takes 100 ms at boot. After a kexec the machine is the same
 * one, so use the result of the previous kernel. It is not trusted: apic.c compares it
 * with the TSC.
 */

#define pr_fmt(fmt) "KHO: lapic-timer: " fmt

#include <linux/err.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/math64.h>
#include <linux/processor.h>
#include <linux/string.h>

#include <asm/apic.h>
#include <asm/page.h>

#include <linux/kho/abi/lapic_timer.h>

#include "local.h"

/* calibrate_APIC_clock() disables the timer below the first one. */
#define KHO_LAPIC_MIN_HZ	1000000ULL
#define KHO_LAPIC_MAX_HZ	10000000000ULL

static void __init kho_lapic_describe_cpu(struct kho_lapic_timer *timer)
{
	u32 max_leaf;

	cpuid(0, &max_leaf, &timer->vendor[0], &timer->vendor[2],
	      &timer->vendor[1]);
	timer->signature = cpuid_eax(1);
}

/* Return the frequency in Hz, 0 if it can't be used. */
static u64 __init kho_lapic_frequency(const struct kho_lapic_timer *timer)
{
	struct kho_lapic_timer own;

	kho_lapic_describe_cpu(&own);
	if (timer->signature != own.signature ||
	    memcmp(timer->vendor, own.vendor, sizeof(own.vendor))) {
		pr_info("ignored, it is for another model of CPU\n");
		return 0;
	}
	if (timer->frequency < KHO_LAPIC_MIN_HZ ||
	    timer->frequency > KHO_LAPIC_MAX_HZ) {
		pr_warn("ignored, %llu Hz is out of range\n", timer->frequency);
		return 0;
	}

	return timer->frequency;
}

/**
 * kho_lapic_timer_period - look up what the previous kernel has measured
 *
 * Context: Boot, after memory is set up.
 * Return: a value for lapic_timer_period, which the caller must check; 0 if there is
 * none.
 */
unsigned int __init kho_lapic_timer_period(void)
{
	const struct kho_lapic_timer *timer;
	phys_addr_t phys;
	size_t size;
	int err;

	err = kho_retrieve_subtree(KHO_LAPIC_TIMER_NODE_NAME, &phys, &size);
	if (err == -ENOENT || err == -EOPNOTSUPP)
		return 0;
	if (err || size < sizeof(*timer)) {
		pr_warn("ignored, its entry is damaged\n");
		return 0;
	}

	timer = phys_to_virt(phys);
	if (timer->version != KHO_LAPIC_TIMER_VERSION) {
		pr_info("ignored, version %u is not supported\n", timer->version);
		return 0;
	}

	return div_u64(kho_lapic_frequency(timer) + HZ / 2, HZ);
}

/*
 * Free the blob of the previous kernel, also if it was not used: otherwise each kexec
 * would hand its memory on.
 */
static void __init kho_lapic_free_incoming(void)
{
	phys_addr_t phys;
	size_t size;

	if (!kho_retrieve_subtree(KHO_LAPIC_TIMER_NODE_NAME, &phys, &size))
		kho_discard_subtree(phys, size);
}

/*
 * A period that the platform has set is not handed over: it also sets that of the next
 * kernel. That kernel can do without the blob, so ignore errors.
 */
static int __init kho_lapic_hand_over(void)
{
	struct kho_lapic_timer *timer;

	kho_lapic_free_incoming();
	if (!lapic_period_measured)
		return 0;

	timer = kho_alloc_preserve(sizeof(*timer));
	if (IS_ERR(timer))
		return 0;

	timer->version = KHO_LAPIC_TIMER_VERSION;
	kho_lapic_describe_cpu(timer);
	timer->frequency = (u64)lapic_timer_period * HZ;
	if (kho_add_subtree(KHO_LAPIC_TIMER_NODE_NAME, timer, sizeof(*timer)))
		kho_unpreserve_free(timer);
	return 0;
}
late_initcall(kho_lapic_hand_over);
