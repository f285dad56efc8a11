/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What users of kexec handover have to say in its summaries in debugfs.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_KHO_SUMMARY_H
#define _LINUX_KHO_SUMMARY_H

#include <linux/list.h>
#include <linux/types.h>

struct seq_file;

/**
 * struct kho_summary_ops - lists one user's part of a summary, record by record
 * @state_size: bytes of state, in which a reader keeps the record it is at
 * @next: go to the next record, or to the first one if the state is all zero.
 *	  Returns 1; 0 if there is no further record; or a negative error, after
 *	  which it is called again with the state that it left.
 * @show: print the record that the state is at; it may be called more than once
 *	  for a record, or never. Returns 0, %SEQ_SKIP if there is nothing to
 *	  print any more, or a negative error.
 * @release: let go of what the state refers to; may be NULL
 *
 * No lock is held from one call to the next, so a part may be of any length: a
 * record should be a few lines at most. All are called in process context and
 * may sleep.
 */
struct kho_summary_ops {
	size_t state_size;
	int (*next)(void *state);
	int (*show)(struct seq_file *m, const void *state);
	void (*release)(void *state);
};

/**
 * struct kho_summary - one user's part of both summaries
 * @out: what it hands over to the next kernel, for out/summary
 * @in: what the previous kernel has handed over to it, for in/summary
 */
struct kho_summary {
	const struct kho_summary_ops *out;
	const struct kho_summary_ops *in;

	/* private: in the order of registration */
	struct list_head list;
};

#ifdef CONFIG_KEXEC_HANDOVER_DEBUGFS

void kho_summary_register(struct kho_summary *summary);
void kho_summary_quote(struct seq_file *m, const char *str);

#else

static inline void kho_summary_register(struct kho_summary *summary)
{
}

static inline void kho_summary_quote(struct seq_file *m, const char *str)
{
}

#endif /* CONFIG_KEXEC_HANDOVER_DEBUGFS */

#endif /* _LINUX_KHO_SUMMARY_H */
