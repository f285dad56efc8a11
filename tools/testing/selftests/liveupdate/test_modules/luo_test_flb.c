// SPDX-License-Identifier: GPL-2.0
/*
 * State that files share (FLBs), and that fails on demand
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Files of /dev/luo_flb_a and /dev/luo_flb_b have no content. Each kind has a file
 * handler, and depends on FLBs, which hand over one page with a number in it. Each
 * callback logs its name, and module parameters make it fail. A write to the
 * parameter "do" calls a function for FLBs and returns its error.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/liveupdate.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>

#define MAGIC		0x1f1b0000ULL
#define COMPATIBLE(x)	"luo-test-flb-" x

static bool later;
module_param(later, bool, 0);
MODULE_PARM_DESC(later, "be the module of the next kernel");

static char *fail_preserve = "";
module_param(fail_preserve, charp, 0600);
MODULE_PARM_DESC(fail_preserve, "name of the FLB or file that can't be preserved");

static char *fail_retrieve = "";
module_param(fail_retrieve, charp, 0600);
MODULE_PARM_DESC(fail_retrieve, "name of the FLB that can't be retrieved");

static char *fail_freeze = "";
module_param(fail_freeze, charp, 0600);
MODULE_PARM_DESC(fail_freeze, "name of the handler that can't freeze files");

static char *stall_retrieve = "";
module_param(stall_retrieve, charp, 0600);
MODULE_PARM_DESC(stall_retrieve, "name of the FLB that takes long to retrieve");

static int error = EREMOTEIO;
module_param(error, int, 0600);
MODULE_PARM_DESC(error, "errno of what fails");

static int result(const char *op, const char *name, const char *failing)
{
	if (sysfs_streq(name, failing)) {
		pr_info("%s %s fails\n", op, name);
		return -error;
	}
	pr_info("%s %s\n", op, name);
	return 0;
}

/* Shared state */

enum { SHARED, OWN, FAILING, OLDER, NEWER, GONE, NR_FLBS };

static const char *const names[NR_FLBS] = {
	"shared", "own", "failing", "older", "newer", "gone",
};

static struct liveupdate_flb flbs[NR_FLBS];

static const char *name_of(const struct liveupdate_flb *flb)
{
	return names[flb - flbs];
}

static u64 content_of(const struct liveupdate_flb *flb)
{
	return MAGIC + (flb - flbs);
}

static int flb_preserve(struct liveupdate_flb_op_args *args)
{
	u64 *page;
	int err;

	err = result("preserve", name_of(args->flb), fail_preserve);
	if (err)
		return err;
	page = kho_alloc_preserve(PAGE_SIZE);
	if (IS_ERR(page))
		return PTR_ERR(page);
	*page = content_of(args->flb);
	args->obj = page;
	args->data = virt_to_phys(page);
	return 0;
}

static void flb_unpreserve(struct liveupdate_flb_op_args *args)
{
	result("unpreserve", name_of(args->flb), "");
	kho_unpreserve_free(args->obj);
}

/* After -EAGAIN the page is kept for the next attempt. */
static int flb_retrieve(struct liveupdate_flb_op_args *args)
{
	u64 *page;
	int err;

	err = result("retrieve", name_of(args->flb), fail_retrieve);
	if (sysfs_streq(name_of(args->flb), stall_retrieve) &&
	    schedule_timeout_killable(MAX_SCHEDULE_TIMEOUT))
		return -EINTR;
	if (args->obj || (err && err != -EAGAIN))
		return err;
	if (!kho_incoming_contains(args->data, PAGE_SIZE))
		return -EINVAL;
	page = phys_to_virt(args->data);
	if (*page != content_of(args->flb))
		return -EBADMSG;
	/* It must be restored here: what is not restored is handed on as it is. */
	if (!kho_restore_folio(args->data))
		return -ENOENT;
	args->obj = page;
	return err;
}

static void flb_finish(struct liveupdate_flb_op_args *args)
{
	pr_info("finish %s, status %d, %s\n", name_of(args->flb),
		args->retrieve_status, args->incoming_compatible);
	if (args->obj)
		folio_put(virt_to_folio(args->obj));
	else
		kho_restore_free(phys_to_virt(args->data));
}

static const struct liveupdate_flb_ops flb_ops = {
	.preserve = flb_preserve,
	.unpreserve = flb_unpreserve,
	.retrieve = flb_retrieve,
	.finish = flb_finish,
	.owner = THIS_MODULE,
};

static struct liveupdate_flb flbs[NR_FLBS] = {
	{ .ops = &flb_ops, .compatible = COMPATIBLE("shared-v1") },
	{ .ops = &flb_ops, .compatible = COMPATIBLE("own-v1") },
	{ .ops = &flb_ops, .compatible = COMPATIBLE("failing-v1") },
	{ .ops = &flb_ops, .compatible = COMPATIBLE("aging-v1") },
	{ .ops = &flb_ops, .compatible = COMPATIBLE("aging-v2") },
	{ .ops = &flb_ops, .compatible = COMPATIBLE("gone-v1") },
};

/* Files */

static const struct file_operations fops_a = { .owner = THIS_MODULE };
static const struct file_operations fops_b = { .owner = THIS_MODULE };

static struct miscdevice device_a = {
	.minor = MISC_DYNAMIC_MINOR, .name = "luo_flb_a", .fops = &fops_a,
};

static struct miscdevice device_b = {
	.minor = MISC_DYNAMIC_MINOR, .name = "luo_flb_b", .fops = &fops_b,
};

static struct liveupdate_file_handler handlers[2];

static const char *handler_name(const struct liveupdate_file_handler *handler)
{
	return handler == &handlers[0] ? "a" : "b";
}

static const struct file_operations *
handler_fops(const struct liveupdate_file_handler *handler)
{
	return handler == &handlers[0] ? &fops_a : &fops_b;
}

static bool file_can_preserve(struct liveupdate_file_handler *handler,
			      struct file *file)
{
	return file->f_op == handler_fops(handler);
}

/* The FLBs are preserved before the file is. */
static int file_preserve(struct liveupdate_file_op_args *args)
{
	void *object;
	int err;

	err = liveupdate_flb_get_outgoing(&flbs[SHARED], &object);
	if (err)
		return err;
	if (*(u64 *)object != content_of(&flbs[SHARED]))
		err = -EBADMSG;
	liveupdate_flb_put_outgoing(&flbs[SHARED]);
	return err ?: result("preserve file", handler_name(args->handler),
			     fail_preserve);
}

static void file_unpreserve(struct liveupdate_file_op_args *args)
{
	result("unpreserve file", handler_name(args->handler), "");
}

static int file_freeze(struct liveupdate_file_op_args *args)
{
	return result("freeze file", handler_name(args->handler), fail_freeze);
}

static int file_retrieve(struct liveupdate_file_op_args *args)
{
	struct file *file;

	file = anon_inode_getfile("[luo_flb]", handler_fops(args->handler),
				  NULL, O_RDWR);
	if (IS_ERR(file))
		return PTR_ERR(file);
	args->file = file;
	return 0;
}

static void file_finish(struct liveupdate_file_op_args *args)
{
	result("finish file", handler_name(args->handler), "");
}

static const struct liveupdate_file_ops file_ops = {
	.can_preserve = file_can_preserve,
	.preserve = file_preserve,
	.unpreserve = file_unpreserve,
	.freeze = file_freeze,
	.retrieve = file_retrieve,
	.finish = file_finish,
	.owner = THIS_MODULE,
};

static struct liveupdate_file_handler handlers[2] = {
	{ .ops = &file_ops, .compatible = COMPATIBLE("file-a-v1") },
	{ .ops = &file_ops, .compatible = COMPATIBLE("file-b-v1") },
};

/* Requests: a verb, and the numbers of an FLB and a handler */

static int do_get(int (*get)(struct liveupdate_flb *flb, void **object),
		  struct liveupdate_flb *flb)
{
	void *object;
	int err = get(flb, &object);

	if (!err && *(u64 *)object != content_of(flb))
		err = -EBADMSG;
	return err;
}

static int set_do(const char *val, const struct kernel_param *kp)
{
	unsigned int flb, handler;
	char verb[16];

	if (sscanf(val, "%15s %u %u", verb, &flb, &handler) != 3)
		return -EDOM;
	if (flb >= NR_FLBS || handler >= 2)
		return -EDOM;

	if (!strcmp(verb, "get_in"))
		return do_get(liveupdate_flb_get_incoming, &flbs[flb]);
	if (!strcmp(verb, "get_out"))
		return do_get(liveupdate_flb_get_outgoing, &flbs[flb]);
	if (!strcmp(verb, "register"))
		return liveupdate_register_flb(&handlers[handler], &flbs[flb]);
	if (!strcmp(verb, "unregister"))
		return liveupdate_unregister_flb(&handlers[handler],
						 &flbs[flb]);
	if (!strcmp(verb, "put_in"))
		liveupdate_flb_put_incoming(&flbs[flb]);
	else if (!strcmp(verb, "put_out"))
		liveupdate_flb_put_outgoing(&flbs[flb]);
	else
		return -EDOM;
	return 0;
}

static const struct kernel_param_ops do_ops = { .set = set_do };
module_param_cb(do, &do_ops, NULL, 0200);
MODULE_PARM_DESC(do, "VERB FLB HANDLER");

/* The later kernel lacks one FLB, and has an older version of another one. */
static bool is_there(int flb)
{
	return later ? flb < NEWER : flb != OLDER;
}

static int register_all(void)
{
	int i, err = 0;

	for (i = 0; i < NR_FLBS && !err; i++)
		if (is_there(i))
			err = liveupdate_register_flb(&handlers[0], &flbs[i]);
	return err ?: liveupdate_register_flb(&handlers[1], &flbs[SHARED]);
}

static void unregister_all(void)
{
	int i;

	misc_deregister(&device_b);
	misc_deregister(&device_a);
	for (i = 0; i < NR_FLBS; i++) {
		liveupdate_unregister_flb(&handlers[1], &flbs[i]);
		liveupdate_unregister_flb(&handlers[0], &flbs[i]);
	}
	liveupdate_unregister_file_handler(&handlers[1]);
	liveupdate_unregister_file_handler(&handlers[0]);
}

static int __init luo_test_flb_init(void)
{
	int err;

	err = liveupdate_register_file_handler(&handlers[0]);
	if (err)
		return err;
	err = liveupdate_register_file_handler(&handlers[1]);
	if (err)
		goto err_handler;
	err = misc_register(&device_a);
	if (err)
		goto err_handlers;
	err = misc_register(&device_b);
	if (err)
		goto err_device;
	err = register_all();
	if (err)
		unregister_all();
	return err;

err_device:
	misc_deregister(&device_a);
err_handlers:
	liveupdate_unregister_file_handler(&handlers[1]);
err_handler:
	liveupdate_unregister_file_handler(&handlers[0]);
	return err;
}
module_init(luo_test_flb_init);

static void __exit luo_test_flb_exit(void)
{
	unregister_all();
}
module_exit(luo_test_flb_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Live update state that files share and that fails on demand");
