/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The summaries of kexec handover in debugfs.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_KHO_SUMMARY_H
#define _LINUX_KHO_SUMMARY_H

#include <linux/init.h>
#include <linux/list.h>

struct seq_file;

/**
 * struct kho_summary - the lines that a user of kexec handover adds
 * @show_out: print what is handed over to the next kernel, for out/summary
 * @show_in:  print what the previous kernel handed over, for in/summary
 * @verify:   optional; check that the next kernel could read what is handed over, for out/verify;
 *	      return 0, -EIO after logging what is damaged, or another error. Not called
 *	      again.
 *
 * The first two are called in process context and may sleep. They return 0 or a negative
 * error, which ends the read(). If the output does not fit into the buffer, they
 * are called again with a larger one.
 *
 * Without CONFIG_KEXEC_HANDOVER_DEBUGFS kho_summary_register() and kho_summary_quote() do
 * not exist: callers must be built only with it, or check it with IS_ENABLED().
 */
struct kho_summary {
	int (*show_out)(struct seq_file *m);
	int (*show_in)(struct seq_file *m);
	int (*verify)(void);

	/* private: */
	struct list_head list;
};

void __init kho_summary_register(struct kho_summary *summary);
void kho_summary_quote(struct seq_file *m, const char *str);

#endif /* _LINUX_KHO_SUMMARY_H */
