// SPDX-License-Identifier: GPL-2.0
/*
 * Leave the next kernel LUO state with something wrong
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Where LUO itself is off nobody else uses its name: so this module can hand
 * over what LUO never would. What that is, is named in the parameter.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/block.h>
#include <linux/kho/abi/luo.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/string.h>

#include "../../../../../samples/liveupdate/notepad.h"

static char *what = "";
module_param(what, charp, 0);
MODULE_PARM_DESC(what, "notes, flb_address, flb_count, flb_name or flb_twins");

/* A block and the entries in it. */
struct forged_block {
	struct kho_block_header_ser header;
	u8 entries[];
};

static struct forged_block *new_block(void)
{
	struct forged_block *block = kho_alloc_preserve(KHO_BLOCK_SIZE);

	return IS_ERR(block) ? NULL : block;
}

static struct luo_ser *new_head(void)
{
	struct luo_ser *head = kho_alloc_preserve(sizeof(*head));

	if (IS_ERR(head))
		return NULL;
	strscpy(head->compatible, LUO_ABI_COMPATIBLE);
	head->liveupdate_num = 1;
	return head;
}

static void add_file(struct forged_block *block, const char *compatible,
		     u64 data)
{
	struct luo_file_ser *file = (void *)block->entries;

	file += block->header.count;
	strscpy(file->compatible, compatible);
	file->data = data;
	file->token = ++block->header.count;
}

/* A note of the sample driver: what is not wrong with it, the caller changes. */
static struct note_ser *new_note(struct forged_block *files,
				 const char *compatible)
{
	struct note_ser *note = kho_alloc_preserve(sizeof(*note));
	void *text = kho_alloc_preserve(PAGE_SIZE);

	if (IS_ERR(note) || IS_ERR(text))
		return NULL;
	note->text_pa = virt_to_phys(text);
	note->len = PAGE_SIZE;
	note->pos = PAGE_SIZE;
	note->accmode = O_RDWR;
	add_file(files, compatible, virt_to_phys(note));
	return note;
}

/* Token 1 can be read, the others can't. */
static int add_notes(struct forged_block *files)
{
	struct note_ser *notes[8];
	unsigned int i;
	void *large;

	for (i = 0; i < ARRAY_SIZE(notes); i++) {
		notes[i] = new_note(files, NOTE_COMPATIBLE);
		if (!notes[i])
			return -ENOMEM;
	}
	large = kho_alloc_preserve(2 * PAGE_SIZE);
	if (IS_ERR(large))
		return -ENOMEM;

	notes[1]->text_pa = __pa(get_zeroed_page(GFP_KERNEL));
	notes[2]->text_pa++;
	notes[3]->text_pa = virt_to_phys(large);
	notes[4]->len++;
	notes[5]->pos++;
	notes[6]->accmode = O_ACCMODE;
	notes[7]->text_pa = 0;
	return 0;
}

static int forge_notes(struct luo_ser *head)
{
	struct forged_block *sessions = new_block();
	struct forged_block *files = new_block();
	void *lost = (void *)get_zeroed_page(GFP_KERNEL);
	struct luo_session_ser *session;

	if (!sessions || !files || !lost || add_notes(files))
		return -ENOMEM;
	add_file(files, NOTE_COMPATIBLE, virt_to_phys(lost));
	add_file(files, NOTE_COMPATIBLE, 0);
	if (!new_note(files, NOTE_COMPATIBLE ";radix-v1") ||
	    !new_note(files, "sample-note-v2"))
		return -ENOMEM;

	session = (void *)sessions->entries;
	strscpy(session->name, "notes");
	session->file_set.files = virt_to_phys(files);
	session->file_set.count = files->header.count;
	sessions->header.count = 1;
	head->sessions_pa = virt_to_phys(sessions);
	return 0;
}

static int add_intact_session(struct luo_ser *head)
{
	struct forged_block *sessions = new_block();
	struct luo_session_ser *session;

	if (!sessions)
		return -ENOMEM;
	session = (void *)sessions->entries;
	strscpy(session->name, "intact");
	sessions->header.count = 1;
	head->sessions_pa = virt_to_phys(sessions);
	return 0;
}

/* What files share: a table of one page and the entries in it. */
struct forged_table {
	struct luo_flb_header_ser header;
	struct luo_flb_ser entries[];
};

static void add_flb(struct forged_table *table, const char *name)
{
	struct luo_flb_ser *flb = &table->entries[table->header.count++];

	strscpy(flb->name, name);
	flb->count = 1;
}

static struct forged_table *new_table(struct luo_ser *head)
{
	struct forged_table *table = kho_alloc_preserve(PAGE_SIZE);

	if (IS_ERR(table) || add_intact_session(head))
		return NULL;
	table->header.pgcnt = 1;
	add_flb(table, "luo-test-flb-own-v1");
	add_flb(table, "luo-test-flb-shared-v1");
	head->flbs_pa = virt_to_phys(table);
	return table;
}

/* Memory that is not preserved. */
static int forge_flb_address(struct luo_ser *head)
{
	void *lost = (void *)get_zeroed_page(GFP_KERNEL);

	if (!lost || !new_table(head))
		return -ENOMEM;
	head->flbs_pa = virt_to_phys(lost);
	return 0;
}

/* One more than fits. */
static int forge_flb_count(struct luo_ser *head)
{
	struct forged_table *table = new_table(head);

	if (!table)
		return -ENOMEM;
	table->header.count = (PAGE_SIZE - sizeof(table->header)) /
			      sizeof(table->entries[0]) + 1;
	return 0;
}

/* One without an end. */
static int forge_flb_name(struct luo_ser *head)
{
	struct forged_table *table = new_table(head);

	if (!table)
		return -ENOMEM;
	memset(table->entries[1].name, 'x', sizeof(table->entries[1].name));
	return 0;
}

static int forge_flb_twins(struct luo_ser *head)
{
	struct forged_table *table = new_table(head);

	if (!table)
		return -ENOMEM;
	add_flb(table, "luo-test-flb-shared-v2");
	return 0;
}

static const struct {
	const char *name;
	int (*forge)(struct luo_ser *head);
} forgeries[] = {
	{ "notes", forge_notes },
	{ "flb_address", forge_flb_address },
	{ "flb_count", forge_flb_count },
	{ "flb_name", forge_flb_name },
	{ "flb_twins", forge_flb_twins },
};

static int forge(struct luo_ser *head)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(forgeries); i++)
		if (!strcmp(what, forgeries[i].name))
			return forgeries[i].forge(head);
	return -EINVAL;
}

/* What was allocated stays: the module is there for the rest of this kernel. */
static int __init luo_test_forge_init(void)
{
	struct luo_ser *head = new_head();
	int err;

	if (!head)
		return -ENOMEM;
	err = forge(head);
	if (err)
		return err;
	return kho_add_subtree(LUO_KHO_ENTRY_NAME, head, sizeof(*head));
}
module_init(luo_test_forge_init);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Leave the next kernel damaged live update state");
