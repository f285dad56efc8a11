// SPDX-License-Identifier: GPL-2.0
/*
 * Target: sessions, files and FLBs from another kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Arguments of the reader: address and size of LUO's subtree. A program then retrieves
 * every session and file that was handed over, valid or not, and the FLB. In other runs
 * no program does, and all of it is handed on.
 */

#include <string.h>

#include <linux/err.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/liveupdate.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include <linux/kexec_handover.h>
#include <linux/kho/abi/luo.h>

#include "fuzz/image.h"
#include "fuzz/luo.h"
#include "fuzz/luo_model.h"
#include "fuzz/target.h"
#include "shim/check.h"
#include "shim/faults.h"
#include "shim/files.h"
#include "shim/print.h"
#include "shim/reboot.h"
#include "shim/subtree.h"

/*
 * A file handler and an FLB
 */

#define FLB_COMPATIBLE	"shared-v1"

/* If a handover has a session with this name, it is retrieved and not tested. */
static const char unused_name[LIVEUPDATE_SESSION_NAME_LENGTH] = "unused";

unsigned int luo_retrieved, luo_finished, luo_handed_on, luo_refused_on;
bool luo_hand_on;
static unsigned int nr_waits, nr_flb_finished;

static bool can_preserve(struct liveupdate_file_handler *handler, struct file *file)
{
	return true;
}

static int preserve(struct liveupdate_file_op_args *args)
{
	args->serialized_data = (unsigned long)args->file->private_data;
	return 0;
}

static void unpreserve(struct liveupdate_file_op_args *args)
{
}

/* Numbers of files that are frozen, and of calls of verify(). One of these may fail. */
static unsigned int nr_frozen, nr_verified, failing_verify;
static int verify_err;

static int freeze(struct liveupdate_file_op_args *args)
{
	nr_frozen++;
	return 0;
}

static void unfreeze(struct liveupdate_file_op_args *args)
{
	nr_frozen--;
}

static int verify(const struct liveupdate_file_op_args *args)
{
	check(args->frozen == !!nr_frozen);
	return ++nr_verified == failing_verify ? verify_err : 0;
}

static int retrieve(struct liveupdate_file_op_args *args)
{
	struct file *file;

	check(!strncmp(args->incoming_compatible, "fuzz-v3", 7));
	if (args->serialized_data & DATA_FAILS)
		return -EDOM;

	file = anon_inode_getfile("fuzz", NULL, NULL, 0);
	if (IS_ERR(file))
		return PTR_ERR(file);

	args->file = file;
	luo_retrieved++;
	return 0;
}

static bool can_finish(struct liveupdate_file_op_args *args)
{
	return !(args->serialized_data & DATA_WAITS) || nr_waits++;
}

static void finish(struct liveupdate_file_op_args *args)
{
	check((args->retrieve_status == 1) == !!args->file);
	luo_finished++;
}

static const struct liveupdate_file_ops file_ops = {
	.can_preserve = can_preserve,
	.preserve = preserve,
	.unpreserve = unpreserve,
	.freeze = freeze,
	.unfreeze = unfreeze,
	.verify = verify,
	.retrieve = retrieve,
	.can_finish = can_finish,
	.finish = finish,
};

static struct liveupdate_file_handler handler = {
	.ops = &file_ops,
	.compatible = "fuzz-v3;part-v1",
};

static int flb_preserve(struct liveupdate_flb_op_args *args)
{
	args->data = 4;
	return 0;
}

static void flb_unpreserve(struct liveupdate_flb_op_args *args)
{
}

static int flb_retrieve(struct liveupdate_flb_op_args *args)
{
	if (args->data & DATA_FAILS)
		return -EDOM;

	args->obj = &handler;
	return 0;
}

static void flb_finish(struct liveupdate_flb_op_args *args)
{
	check((args->retrieve_status == 1) == !!args->obj);
	nr_flb_finished++;
}

static const struct liveupdate_flb_ops flb_ops = {
	.preserve = flb_preserve,
	.unpreserve = flb_unpreserve,
	.retrieve = flb_retrieve,
	.finish = flb_finish,
};

static struct liveupdate_flb flb = {
	.ops = &flb_ops,
	.compatible = FLB_COMPATIBLE,
};

/*
 * A program that retrieves everything
 */

static long retrieve_file(int session, u64 token)
{
	struct liveupdate_session_retrieve_fd request = {
		.size = sizeof(request),
		.token = token,
	};
	long err = sys_ioctl(session, LIVEUPDATE_SESSION_RETRIEVE_FD, &request);

	if (!err)
		sys_close(request.fd);
	return err;
}

static long finish_session(int session)
{
	struct liveupdate_session_finish request = { .size = sizeof(request) };

	return sys_ioctl(session, LIVEUPDATE_SESSION_FINISH, &request);
}

static long retrieve_session(int device, const char *name, int *session)
{
	struct liveupdate_ioctl_retrieve_session request = { .size = sizeof(request) };
	long err;

	memcpy(request.name, name, sizeof(request.name));
	err = sys_ioctl(device, LIVEUPDATE_IOCTL_RETRIEVE_SESSION, &request);
	*session = request.fd;
	return err;
}

/* After an allocation has failed, any result is possible. */
static bool is_as_expected(long ret, long expected)
{
	return ret == expected || shim_failed;
}

/* Retrieve each file twice. The second call returns the same file or the same error. */
static void use_session(int fd, const struct handover_session *session)
{
	bool waits = false;
	u64 i;

	for (i = 0; i < session->nr_files; i++) {
		const struct handover_file *file = &session->files[i];

		check(is_as_expected(retrieve_file(fd, file->token), file->expected));
		check(is_as_expected(retrieve_file(fd, file->token), file->expected));
		waits |= file->waits;
	}

	nr_waits = 0;
	check(is_as_expected(finish_session(fd), waits ? -EBUSY : 0));
	nr_waits = 1;
	check(!finish_session(fd));
	for (i = 0; i < session->nr_files; i++)
		check(retrieve_file(fd, session->files[i].token) == -ENOENT);
}

static void take_session(int device, const struct handover_session *session)
{
	int fd, other;
	long err;

	err = retrieve_session(device, session->name, &fd);
	check(is_as_expected(err, session->good ? 0 : -EIO));
	if (err)
		return;

	check(retrieve_session(device, session->name, &other) == -EINVAL);
	use_session(fd, session);
	sys_close(fd);
	check(retrieve_session(device, session->name, &fd) == -ENOENT);
}

/* The first request lists the sessions. After -ENOMEM it can be repeated. */
static long list_sessions(int device)
{
	int fd;
	long err = retrieve_session(device, unused_name, &fd);

	if (err == -ENOMEM && shim_failed)
		err = retrieve_session(device, unused_name, &fd);
	return err;
}

/* A damaged handover does not keep this kernel from handing over sessions. */
static void use_new_session(int device)
{
	struct liveupdate_ioctl_create_session request = {
		.size = sizeof(request),
	};
	long err;

	memcpy(request.name, unused_name, sizeof(request.name));
	err = sys_ioctl(device, LIVEUPDATE_IOCTL_CREATE_SESSION, &request);

	check(is_as_expected(err, 0));
	if (!err)
		sys_close(request.fd);
}

static void use_flb(void)
{
	void *object;
	int err = liveupdate_flb_get_incoming(&flb, &object);

	check(is_as_expected(err, handover.flb_expected));
	if (err)
		return;
	check(object == &handler);
	liveupdate_flb_put_incoming(&flb);
}

/*
 * The FLB is finished with the last session if no session is damaged, or if there is
 * none, with the last reference.
 */
static bool flb_is_finished(void)
{
	u64 i;

	if (handover.list_expected)
		return false;
	for (i = 0; i < handover.nr_sessions; i++)
		if (!handover.sessions[i].good)
			return false;
	return !handover.flb_expected || (handover.flb_expected == -EDOM && i);
}

static void use_device(void)
{
	int device;
	long err;
	u64 i;

	device = sys_open_device();
	if (device == -ENOMEM && shim_failed)
		device = sys_open_device();
	check(device >= 0);

	err = list_sessions(device);
	if (handover.too_much || !err) {
		close_all();
		return;
	}

	check(is_as_expected(err, handover.list_expected ?: -ENOENT));
	use_flb();
	use_new_session(device);
	for (i = 0; err == -ENOENT && i < handover.nr_sessions; i++)
		take_session(device, &handover.sessions[i]);
	check(nr_flb_finished == flb_is_finished() || shim_failed);
	close_all();
}

/*
 * A kernel without a program
 */

static struct handover before;

/* Compare with the session that came in. The files of a damaged session can change. */
static void check_session(const struct handover_session *session,
			  const struct handover_session *was)
{
	const struct handover_file *files = before.files + (was->files - handover.files);
	u64 i;

	check(!strcmp(session->name, was->name));
	if (!was->good)
		return;

	check(session->good);
	check(session->nr_files == was->nr_files);
	for (i = 0; i < was->nr_files; i++) {
		/* An endless version string is replaced by an empty one. */
		check(session->files[i].token == files[i].token);
		check(session->files[i].expected == files[i].expected ||
		      (session->files[i].expected == -ENOENT && files[i].expected == -EIO));
		luo_handed_on++;
	}
}

/* State that can't be read is handed on as it came, if it is in preserved memory. */
static void check_same(u64 pa, u64 was)
{
	bool good = PAGE_ALIGNED(was) && kho_incoming_contains(was, PAGE_SIZE);

	check(pa == (good ? was : 0));
	if (pa)
		luo_refused_on++;
}

/* Mainline must be able to read everything, and always finds a table of FLBs. */
static void check_mainline(void)
{
	const u64 *blob = phys_to_virt(subtree_out.phys);

	check(subtree_out.size == 32 && !memcmp(blob, "luo-v5\0", 8));
	check(blob[1] && blob[3]);
	check(kho_incoming_contains(blob[3], PAGE_SIZE));
	if (before.list_expected)
		check(!blob[2]);
}

static void check_refused(const struct subtree *was)
{
	const struct luo_ser *ser = phys_to_virt(subtree_out.phys);

	if (shim_form == KHO_FORM_MAINLINE) {
		check_mainline();
		return;
	}

	/* If an allocation fails at boot, the state can't be read, either. */
	if (before.refused || (shim_failed && subtree_out.phys == was->phys)) {
		check(!memcmp(&subtree_out, was, sizeof(*was)));
		luo_refused_on++;
		return;
	}
	if (before.list_expected)
		check_same(ser->sessions_pa, before.sessions_pa);
	if (before.flbs_refused)
		check_same(ser->flbs_pa, before.flbs_pa);
}

/* Read what the kernel hands over. This changes which memory is marked as preserved. */
static void check_handed_on(void)
{
	struct subtree subtree_was = subtree_in;
	u64 i, nr = 0;

	before = handover;
	check_refused(&subtree_was);
	read_outgoing();
	if (before.list_expected)
		return;

	check(!handover.list_expected);
	for (i = 0; i < before.nr_sessions; i++) {
		const struct handover_session *was = &before.sessions[i];

		/* It may be handed on if the kernel uses the memory of its list. */
		if (!was->kept && (nr == handover.nr_sessions ||
				   strcmp(handover.sessions[nr].name, was->name)))
			continue;
		check(nr < handover.nr_sessions);
		check_session(&handover.sessions[nr++], was);
	}
	check(nr == handover.nr_sessions);
	if (handover.nr_sessions)
		check(handover.flb_expected == before.flb_expected ||
		      (handover.flb_expected == -ENOENT && before.flb_expected == -EIO));
}

/*
 * Boot
 */

static int start_kernel(void)
{
	int err;

	reboot();
	check(!early_param_luo_parse_param("on"));
	check(!initcall_luo_early_init());
	err = initcall_luo_late_init();
	if (err)
		return err;

	flb.luo = NULL;
	nr_flb_finished = 0;
	nr_frozen = 0;
	check(!liveupdate_register_file_handler(&handler));
	return liveupdate_register_flb(&handler, &flb);
}

static void stop_kernel(void)
{
	forget_files();
	slab_reset();
	mm_reset();
}

/*
 * This kernel's own preserved memory is marked like memory from the previous kernel. Leave
 * a gap between the two. A table whose size is wrong must not reach this kernel's memory.
 */
static void leave_gap(void)
{
	unsigned int fail_at = shim_fail_at;

	/* Only allocations of the kernel fail. */
	shim_fail_at = 0;
	mm_hide(alloc_pages(GFP_KERNEL, 0));
	shim_fail_at = fail_at;
}

static int try_reboot(void)
{
	int err;

	err = liveupdate_reboot_lock();
	if (err)
		return err;
	err = liveupdate_reboot();
	liveupdate_reboot_unlock();
	return err;
}

static bool call_reboot(void)
{
	return !try_reboot();
}

/* Some inputs are handed on. */
static bool is_handed_on(size_t size)
{
	return (luo_hand_on || size % 8 == 5) && !handover.too_much;
}

static void run(const u8 *data, size_t size)
{
	bool handed_on = false;
	unsigned long kept;
	struct image image;

	image_load(&image, data, size);
	image_hide_rest(&image);
	leave_gap();
	kept = mm_nr_allocated() - mm_nr_preserved();
	subtree_in = (struct subtree){ image.args[0], image.args[1] };
	read_handover(&image);

	if (!start_kernel()) {
		if (is_handed_on(size)) {
			handed_on = call_reboot();
			check(handed_on || shim_failed);
		} else {
			use_device();
		}
	}
	check(mm_nr_allocated() - mm_nr_preserved() == kept);
	check(!shim_log_warnings);
	if (handed_on)
		check_handed_on();
	stop_kernel();
}

/*
 * Seeds: handovers by the kernel
 */

static int create_session(int device, const char *name)
{
	struct liveupdate_ioctl_create_session request = { .size = sizeof(request) };

	memcpy(request.name, name, strlen(name) + 1);
	check(!sys_ioctl(device, LIVEUPDATE_IOCTL_CREATE_SESSION, &request));
	return request.fd;
}

static void preserve_file(int session, u64 token, unsigned long data)
{
	struct liveupdate_session_preserve_fd request = {
		.size = sizeof(request),
		.token = token,
	};
	struct file *file = anon_inode_getfile("fuzz", NULL, (void *)data, 0);

	request.fd = get_unused_fd_flags(0);
	fd_install(request.fd, file);
	check(!sys_ioctl(session, LIVEUPDATE_SESSION_PRESERVE_FD, &request));
	sys_close(request.fd);
}

static int start_outgoing(void)
{
	subtree_in = (struct subtree){};
	check(!start_kernel());
	return sys_open_device();
}

static void add_handover(seed_fn add, const char *name)
{
	check(call_reboot());
	image_save(add, name, &subtree_out.phys, 2);
	stop_kernel();
}

/* The next kernel reads the form of mainline as well. */
static void add_mainline(seed_fn add, const char *name, int nr)
{
	int device = start_outgoing(), session, i;

	create_session(device, "none");
	session = create_session(device, "many");
	for (i = 0; i < nr; i++)
		preserve_file(session, 1ULL << i, i);
	shim_form = KHO_FORM_MAINLINE;
	check(call_reboot());
	check_mainline();
	shim_form = KHO_FORM_COMPOSED;
	image_save(add, name, &subtree_out.phys, 2);
	stop_kernel();
}

/* The blob is the old one after a reboot that failed: the next form can be another one. */
void luo_check_lengths(void)
{
	const u64 in_block = (PAGE_SIZE - sizeof(struct kho_block_header_ser)) /
			     sizeof(struct luo_file_ser);
	const u64 max = 4 * in_block;
	int session = create_session(start_outgoing(), "long");
	struct subtree was = subtree_out;
	char copy[64];
	u64 i;

	memcpy(copy, phys_to_virt(was.phys), sizeof(copy));
	for (i = 0; i <= max; i++)
		preserve_file(session, i, 4);
	shim_form = KHO_FORM_MAINLINE;
	check(!call_reboot());
	check(!memcmp(&subtree_out, &was, sizeof(was)));
	check(!memcmp(copy, phys_to_virt(was.phys), sizeof(copy)));
	shim_form = KHO_FORM_COMPOSED;
	check(call_reboot());
	stop_kernel();

	session = create_session(start_outgoing(), "full");
	for (i = 0; i < max; i++)
		preserve_file(session, i, 4);
	shim_form = KHO_FORM_MAINLINE;
	check(call_reboot());
	shim_form = KHO_FORM_COMPOSED;
	stop_kernel();
}

static void check_verify_fails(int err, int expected)
{
	nr_verified = 0;
	verify_err = err;
	check(try_reboot() == expected);
	check(nr_verified == failing_verify && !nr_frozen);
}

/* After a check has failed all is as before. */
void luo_check_verify(void)
{
	int session = create_session(start_outgoing(), "s"), i;

	for (i = 0; i < 3; i++)
		preserve_file(session, i, 4);
	for (failing_verify = 1; failing_verify <= 6; failing_verify++) {
		check_verify_fails(-EDOM, -EIO);
		check_verify_fails(-EINTR, -EINTR);
	}
	preserve_file(session, 3, 4);

	/* A list that memory was too short for must be complete when the file is frozen. */
	failing_verify = 5;
	check_verify_fails(-ENOMEM, -EIO);
	failing_verify = 1;
	nr_verified = 0;
	check(call_reboot());
	check(nr_verified == 8 && nr_frozen == 4);
	stop_kernel();
	failing_verify = 0;
}

/* Damage to the state that is handed over */

static struct luo_ser *serialized(void)
{
	return phys_to_virt(subtree_out.phys);
}

static struct luo_session_ser *first_session(void)
{
	return phys_to_virt(serialized()->sessions_pa) + sizeof(struct kho_block_header_ser);
}

static struct luo_flb_header_ser *flb_table(void)
{
	return phys_to_virt(serialized()->flbs_pa);
}

static void damage_version(void)
{
	serialized()->compatible[0] = 'x';
}

static void damage_list_of_sessions(void)
{
	serialized()->sessions_pa += PAGE_SIZE;
}

static void damage_name(void)
{
	first_session()->name[0] = 'x';
}

static void damage_count(void)
{
	first_session()->file_set.count++;
}

static void damage_list_of_files(void)
{
	first_session()->file_set.files += PAGE_SIZE;
}

static void damage_file(void)
{
	struct luo_file_ser *file = phys_to_virt(first_session()->file_set.files) +
				    sizeof(struct kho_block_header_ser);

	file->token++;
}

static void damage_size_of_table(void)
{
	flb_table()->pgcnt = 0;
}

static void damage_flb(void)
{
	struct luo_flb_ser *entry = (struct luo_flb_ser *)(flb_table() + 1);

	entry->count = 0;
}

void luo_check_damage(void)
{
	static void (*const damage[])(void) = {
		damage_version, damage_list_of_sessions, damage_name, damage_count,
		damage_list_of_files, damage_file, damage_size_of_table, damage_flb,
	};
	int session = create_session(start_outgoing(), "s");
	unsigned int i;

	preserve_file(session, 0, 4);
	for (i = 0; i < ARRAY_SIZE(damage); i++) {
		shim_before_verify = damage[i];
		check(try_reboot() == -EIO);
		check(!nr_frozen);
		shim_before_verify = NULL;
	}
	check(call_reboot());
	stop_kernel();
}

static void add_nothing(seed_fn add)
{
	start_outgoing();
	add_handover(add, "nothing");
}

static void add_one(seed_fn add)
{
	int device = start_outgoing();

	preserve_file(create_session(device, "s"), 0, 4);
	add_handover(add, "one");
}

static void add_some(seed_fn add)
{
	int device = start_outgoing(), session = 0, i;
	char name[] = "vm-0";

	create_session(device, "none");
	for (i = 0; i < 6; i++) {
		if (i % 2 == 0)
			session = create_session(device, name);
		preserve_file(session, i, i);
		name[3]++;
	}
	add_handover(add, "some");
}

static void add_many(seed_fn add)
{
	int session = create_session(start_outgoing(), "many"), i;

	for (i = 0; i < LUO_MANY; i++)
		preserve_file(session, 1ULL << i, i);
	add_handover(add, "many");
}

/* State that this kernel can't read: another version, a damaged list, a damaged table */

static struct luo_ser *hand_some_over(void)
{
	int session = create_session(start_outgoing(), "s");

	preserve_file(session, 0, 4);
	check(call_reboot());
	return phys_to_virt(subtree_out.phys);
}

static void add_refused(seed_fn add)
{
	struct luo_session_ser *session;
	struct luo_ser *ser;

	ser = hand_some_over();
	memcpy(ser->compatible, "luo-v9", 6);
	image_save(add, "other version", &subtree_out.phys, 2);
	stop_kernel();

	ser = hand_some_over();
	session = phys_to_virt(ser->sessions_pa) + sizeof(struct kho_block_header_ser);
	session->name[0] = '\0';
	image_save(add, "damaged list", &subtree_out.phys, 2);
	stop_kernel();

	ser = hand_some_over();
	((struct luo_flb_header_ser *)phys_to_virt(ser->flbs_pa))->pgcnt = 0;
	image_save(add, "damaged table", &subtree_out.phys, 2);
	stop_kernel();
}

static void seeds(seed_fn add)
{
	add_refused(add);
	add_nothing(add);
	add_one(add);
	add_some(add);
	add_many(add);
	add_mainline(add, "mainline", LUO_MANY);
	add_mainline(add, "empty for mainline", 0);
}

const struct target target = {
	.run = run,
	.seeds = seeds,
};
