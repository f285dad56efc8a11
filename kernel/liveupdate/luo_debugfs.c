// SPDX-License-Identifier: GPL-2.0
/*
 * Live Update Orchestrator: summaries in debugfs
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/kho/abi/luo.h>
#include <linux/kho/image.h>
#include <linux/kho/summary.h>
#include <linux/list.h>
#include <linux/liveupdate.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/seq_file.h>

#include "luo_internal.h"

static void luo_show_file_state(struct seq_file *m, const struct luo_file *lf)
{
	if (lf->damaged)
		seq_puts(m, "damaged");
	else if (lf->retrieve_status < 0)
		seq_printf(m, "failed (%pe)", ERR_PTR(lf->retrieve_status));
	else if (lf->retrieve_status)
		seq_puts(m, "retrieved");
	else if (lf->file)
		seq_puts(m, "preserved");
	else
		seq_puts(m, "waiting");
}

static void luo_show_files(struct seq_file *m, const struct luo_file_set *set)
{
	const struct luo_file *lf;

	list_for_each_entry(lf, &set->files, list) {
		seq_printf(m, "    token %#llx, handler ", lf->key.token);
		kho_summary_quote(m, lf->compatible[0] || !lf->handler ?
				     lf->compatible : lf->handler->compatible);
		seq_puts(m, ", ");
		luo_show_file_state(m, lf);
		if (lf->file && S_ISREG(file_inode(lf->file)->i_mode))
			seq_printf(m, ", %lld bytes",
				   i_size_read(file_inode(lf->file)));
		seq_putc(m, '\n');
		cond_resched();
	}
}

static const char *luo_session_state(const struct luo_session *session)
{
	if (session->set == &luo_outgoing)
		return READ_ONCE(luo_frozen) ? "frozen" : "open";

	guard(mutex)(&luo_incoming.lock);
	if (session->err)
		return "damaged";
	return session->retrieved ? "retrieved" : "waiting";
}

/* A file handler can hold the session's lock for a long time. */
static int luo_show_session(struct seq_file *m, struct luo_session *session)
{
	const char *state = luo_session_state(session);

	scoped_cond_guard(mutex_intr, return -EINTR, &session->lock) {
		seq_puts(m, "  session ");
		kho_summary_quote(m, session->name);
		seq_printf(m, ", %llu files, %s\n", session->files.count, state);
		luo_show_files(m, &session->files);
	}
	return 0;
}

static int luo_show_sessions(struct seq_file *m, struct luo_session_set *set)
{
	struct luo_session *session = NULL;
	int err;

	scoped_guard(mutex, &set->lock)
		seq_printf(m, "sessions: %llu\n", set->count);

	while ((session = luo_session_next(set, session))) {
		err = luo_show_session(m, session);
		if (err) {
			luo_session_put(session);
			return err;
		}
	}
	return 0;
}

static void luo_show_version(struct seq_file *m, const char *compatible,
			     u64 liveupdate_num)
{
	seq_puts(m, "LUO: version ");
	kho_summary_quote(m, compatible);
	seq_printf(m, ", live update %llu since cold boot\n", liveupdate_num);
}

/* Incoming sessions that are handed on unless they are finished before the kexec */
static void luo_show_left(struct seq_file *m)
{
	struct luo_session *session;
	u64 count = 0;

	guard(mutex)(&luo_incoming.lock);
	if (!luo_incoming.loaded && luo_incoming.sessions_pa) {
		seq_puts(m, "sessions of the previous kernel: not listed\n");
		return;
	}

	list_for_each_entry(session, &luo_incoming.sessions, list)
		count += !READ_ONCE(session->finished);
	seq_printf(m, "sessions of the previous kernel: %llu\n", count);
}

/* The form depends on the loaded image. */
static int luo_show_form(struct seq_file *m)
{
	enum kho_form form;
	int err;

	err = kho_peek_image_form(&form);
	if (!err)
		seq_printf(m, "form: %s\n", kho_form_name(form));
	return err;
}

static int luo_show_outgoing(struct seq_file *m)
{
	int err;

	luo_show_version(m, LUO_ABI_COMPATIBLE, luo_core.outgoing.liveupdate_num);
	err = luo_show_form(m);
	if (err)
		return err;
	luo_show_left(m);
	return luo_show_sessions(m, &luo_outgoing);
}

static int luo_show_incoming(struct seq_file *m)
{
	bool loaded;
	int err;

	scoped_guard(mutex, &luo_incoming.lock) {
		loaded = luo_incoming.loaded;
		err = luo_incoming.err;
	}

	if (luo_core.incoming_compatible)
		luo_show_version(m, luo_core.incoming_compatible,
				 luo_core.liveupdate_num);
	else if (!err)
		seq_puts(m, "LUO: nothing was handed over\n");
	if (err)
		seq_printf(m, "LUO: refused (%pe)\n", ERR_PTR(err));

	/* While it lists them, luo_session_deserialize() does not take their locks. */
	if (!loaded) {
		seq_puts(m, "sessions: not listed, none was retrieved\n");
		return 0;
	}
	return luo_show_sessions(m, &luo_incoming);
}

static struct kho_summary luo_summary = {
	.show_out = luo_show_outgoing,
	.show_in = luo_show_incoming,
	.verify = luo_session_verify_all,
};

/* After luo_late_init(), which can disable LUO. */
static int __init luo_debugfs_init(void)
{
	if (liveupdate_enabled())
		kho_summary_register(&luo_summary);
	return 0;
}
late_initcall_sync(luo_debugfs_init);
