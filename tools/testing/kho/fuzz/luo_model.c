// SPDX-License-Identifier: GPL-2.0
/*
 * A simple model of the reader of LUO's state
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * It reads the handover in the order in which LUO reads it. LUO frees the memory that it
 * has read. From then on, a reference to that memory is invalid.
 */

#include <string.h>

#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/mm.h>

#include <linux/kexec_handover.h>
#include <linux/kho/abi/luo.h>

#include "fuzz/chain.h"
#include "fuzz/image.h"
#include "fuzz/luo_model.h"
#include "fuzz/version.h"
#include "shim/subtree.h"

#define CAPACITY(entry)	((PAGE_SIZE - sizeof(struct kho_block_header_ser)) / sizeof(entry))

struct handover handover;

static void give_back(u64 pa)
{
	if (kho_incoming_order(pa) >= 0)
		mm_mark_preserved(virt_to_page(phys_to_virt(pa)), false);
}

static void give_chain_back(const struct chain *chain)
{
	unsigned int i;

	for (i = 0; i < chain->nr_blocks; i++)
		give_back(virt_to_phys(chain->blocks[i]));
}

static bool is_terminated(const char *str, size_t size)
{
	return strnlen(str, size) < size;
}

static const struct luo_file_ser *file_at(const struct chain *chain, u64 i)
{
	return chain_entry(chain, i, sizeof(struct luo_file_ser));
}

static bool is_twin(const struct chain *chain, const struct luo_file_ser *file)
{
	u64 nr = chain_count(chain), count = 0, i;

	for (i = 0; i < nr; i++)
		count += file_at(chain, i)->token == file->token;

	return count > 1;
}

static int expected_of(const struct chain *chain, const struct luo_file_ser *file)
{
	if (is_twin(chain, file) || !is_terminated(file->compatible, sizeof(file->compatible)))
		return -EIO;
	if (!has_version_of(file->compatible, "fuzz"))
		return -ENOENT;
	if (version_of(file->compatible) != 3)
		return -EIO;

	return file->data & DATA_FAILS ? -EDOM : 0;
}

/* A file waits only if its handler is found. An invalid token makes no difference. */
static bool is_waiting(const struct luo_file_ser *file)
{
	return is_terminated(file->compatible, sizeof(file->compatible)) &&
	       has_version_of(file->compatible, "fuzz") &&
	       version_of(file->compatible) == 3 && file->data & DATA_WAITS;
}

static void read_session(struct handover_session *session, const struct luo_session_ser *ser)
{
	static struct chain chain;
	u64 i;

	memcpy(session->name, ser->name, sizeof(session->name));
	session->files_pa = ser->file_set.files;
	session->files = &handover.files[handover.nr_files];
	session->nr_files = 0;
	session->good = chain_read(&chain, ser->file_set.files, CAPACITY(struct luo_file_ser)) &&
			chain_count(&chain) == ser->file_set.count;
	if (!session->good)
		return;

	session->nr_files = chain_count(&chain);
	handover.too_much |= session->nr_files > MAX_FILES - handover.nr_files;
	for (i = 0; i < session->nr_files && !handover.too_much; i++) {
		const struct luo_file_ser *file = file_at(&chain, i);

		handover.files[handover.nr_files++] = (struct handover_file){
			.token = file->token,
			.expected = expected_of(&chain, file),
			.waits = is_waiting(file),
		};
	}
	give_chain_back(&chain);
}

/* Check that a name is valid and that none of the first @nr sessions has it. */
static bool is_good_name(const struct chain *chain, u64 nr, const char *name)
{
	const struct luo_session_ser *other;
	u64 i;

	if (!*name || !is_terminated(name, LIVEUPDATE_SESSION_NAME_LENGTH))
		return false;

	for (i = 0; i < nr; i++) {
		other = chain_entry(chain, i, sizeof(*other));
		if (!strcmp(other->name, name))
			return false;
	}

	return true;
}

static int read_sessions(u64 pa)
{
	static struct chain chain;
	const struct luo_session_ser *ser;
	u64 nr, i;

	if (!chain_read(&chain, pa, CAPACITY(*ser)))
		return -EIO;

	nr = chain_count(&chain);
	if (nr > MAX_SESSIONS) {
		handover.too_much = true;
		return 0;
	}
	for (i = 0; i < nr; i++) {
		ser = chain_entry(&chain, i, sizeof(*ser));
		if (!is_good_name(&chain, i, ser->name))
			return -EIO;
	}

	give_chain_back(&chain);
	for (i = 0; i < nr; i++)
		read_session(&handover.sessions[handover.nr_sessions++],
			     chain_entry(&chain, i, sizeof(*ser)));
	return 0;
}

static int refuse_flbs(void)
{
	handover.flbs_refused = true;
	return -EIO;
}

static int read_flbs(u64 pa)
{
	const struct luo_flb_header_ser *table;
	const struct luo_flb_ser *ser, *found = NULL;
	unsigned int nr_found = 0;
	u64 i;

	if (!pa)
		return -ENOENT;
	if (!PAGE_ALIGNED(pa) || !kho_incoming_contains(pa, PAGE_SIZE))
		return refuse_flbs();
	table = phys_to_virt(pa);
	if (!table->pgcnt || table->pgcnt > MAX_ORDER_NR_PAGES ||
	    !kho_incoming_contains(pa, table->pgcnt * PAGE_SIZE) ||
	    table->count > (table->pgcnt * PAGE_SIZE - sizeof(*table)) / sizeof(*ser))
		return refuse_flbs();

	ser = (const struct luo_flb_ser *)(table + 1);
	for (i = 0; i < table->count; i++, ser++) {
		if (!ser->count || !is_terminated(ser->name, sizeof(ser->name)) ||
		    version_of(ser->name) < 0)
			return refuse_flbs();
		if (has_version_of(ser->name, "shared")) {
			found = ser;
			nr_found++;
		}
	}
	give_back(pa);

	if (!nr_found)
		return -ENOENT;
	if (nr_found > 1 || version_of(found->name) != 1)
		return -EIO;
	return found->data & DATA_FAILS ? -EDOM : 0;
}

/* Return the offset of the fields after a version that this kernel reads, or 0. */
static size_t offset_of_fields(const char *blob, size_t size)
{
	static const char *const versions[] = { LUO_ABI_COMPATIBLE, LUO_ABI_COMPAT_BASE };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(versions); i++)
		if (is_terminated(blob, size) && !strcmp(blob, versions[i]))
			return (strlen(blob) + 8) / 8 * 8;
	return 0;
}

static void read_blob(void)
{
	const char *blob;
	size_t offset;
	u64 fields[3];

	handover.list_expected = 0;
	handover.flb_expected = -ENOENT;
	handover.refused = false;
	handover.flbs_refused = false;
	handover.sessions_pa = 0;
	if (!subtree_in.phys)
		return;

	handover.list_expected = -EIO;
	handover.flb_expected = -EIO;
	if (!kho_incoming_contains(subtree_in.phys, subtree_in.size))
		return;
	blob = phys_to_virt(subtree_in.phys);
	handover.refused = true;
	offset = offset_of_fields(blob, subtree_in.size);
	if (!offset || subtree_in.size < offset + sizeof(fields))
		return;

	handover.refused = false;
	memcpy(fields, blob + offset, sizeof(fields));
	handover.sessions_pa = fields[1];
	handover.flbs_pa = fields[2];
	give_back(subtree_in.phys);
	handover.flb_expected = read_flbs(fields[2]);
	handover.list_expected = read_sessions(fields[1]);
}

/* Find the sessions that must be handed on, once all was read. */
static void find_kept_sessions(void)
{
	u64 i;

	for (i = 0; i < handover.nr_sessions; i++) {
		struct handover_session *session = &handover.sessions[i];

		session->kept = session->good || (PAGE_ALIGNED(session->files_pa) &&
			kho_incoming_contains(session->files_pa, PAGE_SIZE));
	}
}

/* Read the handover, then mark memory as preserved again, so that LUO can read it. */
void read_handover(const struct image *image)
{
	unsigned int i;

	handover.too_much = false;
	handover.nr_sessions = 0;
	handover.nr_files = 0;
	read_blob();
	find_kept_sessions();
	for (i = 1; i <= image->nr; i++)
		if (image->is_preserved[i])
			mm_mark_incoming(image->blocks[i]);
}

void read_outgoing(void)
{
	subtree_in = subtree_out;
	handover.nr_sessions = 0;
	handover.nr_files = 0;
	read_blob();
}
