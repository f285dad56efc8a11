// SPDX-License-Identifier: GPL-2.0
/*
 * A file handler that fails on demand
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * A file of /dev/luo_test holds one number, which write() sets and read() returns. A
 * live update hands over that number. Each callback logs its name and the number. It
 * fails for the file whose number is in its module parameter. preserve(), verify(), retrieve()
 * and a page fault in a mapping of the file wait while the number is in a parameter,
 * and end on a fatal signal.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/liveupdate.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#define LUO_TEST_COMPATIBLE	"luo-test-file-v1"

static unsigned long fail_preserve;
module_param(fail_preserve, ulong, 0600);
MODULE_PARM_DESC(fail_preserve, "number of the file that can't be preserved");

static unsigned long fail_freeze;
module_param(fail_freeze, ulong, 0600);
MODULE_PARM_DESC(fail_freeze, "number of the file that can't be frozen");

static unsigned long fail_verify;
module_param(fail_verify, ulong, 0600);
MODULE_PARM_DESC(fail_verify, "number of the file that the next kernel could not read");

static unsigned long fail_verify_frozen;
module_param(fail_verify_frozen, ulong, 0600);
MODULE_PARM_DESC(fail_verify_frozen, "the same, found after it was frozen");

static unsigned long fail_retrieve;
module_param(fail_retrieve, ulong, 0600);
MODULE_PARM_DESC(fail_retrieve, "number of the file that can't be retrieved");

static unsigned long stall_preserve;
module_param(stall_preserve, ulong, 0600);
MODULE_PARM_DESC(stall_preserve, "number of the file that takes long to preserve");

static unsigned long stall_verify;
module_param(stall_verify, ulong, 0600);
MODULE_PARM_DESC(stall_verify, "number of the file that takes long to verify");

static unsigned long stall_freeze;
module_param(stall_freeze, ulong, 0600);
MODULE_PARM_DESC(stall_freeze, "number of the file that takes long to freeze");

static unsigned long stall_retrieve;
module_param(stall_retrieve, ulong, 0600);
MODULE_PARM_DESC(stall_retrieve, "number of the file that takes long to retrieve");

static unsigned long stall_fault;
module_param(stall_fault, ulong, 0600);
MODULE_PARM_DESC(stall_fault, "number of the file whose page faults take long");

static unsigned long busy;
module_param(busy, ulong, 0600);
MODULE_PARM_DESC(busy, "number of the file that is not ready to be finished");

static int error = EREMOTEIO;
module_param(error, int, 0600);
MODULE_PARM_DESC(error, "errno of what fails");

struct luo_test_file {
	u64 number;
};

static int luo_test_open(struct inode *inode, struct file *file)
{
	struct luo_test_file *test = kzalloc(sizeof(*test), GFP_KERNEL);

	if (!test)
		return -ENOMEM;
	file->private_data = test;
	return 0;
}

static int luo_test_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static ssize_t luo_test_read(struct file *file, char __user *buf, size_t len,
			     loff_t *pos)
{
	struct luo_test_file *test = file->private_data;

	if (len != sizeof(test->number))
		return -EINVAL;
	if (copy_to_user(buf, &test->number, len))
		return -EFAULT;
	return len;
}

static ssize_t luo_test_write(struct file *file, const char __user *buf,
			      size_t len, loff_t *pos)
{
	struct luo_test_file *test = file->private_data;

	if (len != sizeof(test->number))
		return -EINVAL;
	if (copy_from_user(&test->number, buf, len))
		return -EFAULT;
	return len;
}

/* Wait until user space changes the parameter. */
static int stall(const char *op, u64 number, const unsigned long *stalled)
{
	if (!number || number != READ_ONCE(*stalled))
		return 0;

	pr_info("%s %llu takes long\n", op, number);
	while (number == READ_ONCE(*stalled)) {
		schedule_timeout_killable(1);
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

/* Map a page of zeros. */
static vm_fault_t luo_test_fault(struct vm_fault *vmf)
{
	struct luo_test_file *test = vmf->vma->vm_file->private_data;

	if (stall("fault", test->number, &stall_fault))
		return VM_FAULT_SIGBUS;
	vmf->page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	return vmf->page ? 0 : VM_FAULT_OOM;
}

static const struct vm_operations_struct luo_test_vm_ops = {
	.fault = luo_test_fault,
};

static int luo_test_mmap(struct file *file, struct vm_area_struct *vma)
{
	vma->vm_ops = &luo_test_vm_ops;
	return 0;
}

static const struct file_operations luo_test_fops = {
	.owner = THIS_MODULE,
	.open = luo_test_open,
	.release = luo_test_release,
	.read = luo_test_read,
	.write = luo_test_write,
	.mmap = luo_test_mmap,
};

static struct miscdevice luo_test_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "luo_test",
	.fops = &luo_test_fops,
	.mode = 0600,
};

static u64 number_of(struct file *file)
{
	struct luo_test_file *test = file->private_data;

	return test->number;
}

static int result(const char *op, u64 number, unsigned long failing)
{
	if (failing && number == failing) {
		pr_info("%s %llu fails\n", op, number);
		return -error;
	}
	pr_info("%s %llu\n", op, number);
	return 0;
}

static bool luo_test_can_preserve(struct liveupdate_file_handler *handler,
				  struct file *file)
{
	return file->f_op->read == luo_test_read;
}

static int luo_test_preserve(struct liveupdate_file_op_args *args)
{
	u64 number = number_of(args->file);
	int err;

	err = stall("preserve", number, &stall_preserve);
	if (err)
		return err;
	args->serialized_data = number;
	return result("preserve", number, fail_preserve);
}

static void luo_test_unpreserve(struct liveupdate_file_op_args *args)
{
	result("unpreserve", args->serialized_data, 0);
}

static int luo_test_freeze(struct liveupdate_file_op_args *args)
{
	int err = stall("freeze", number_of(args->file), &stall_freeze);

	if (err)
		return err;
	args->serialized_data = number_of(args->file);
	return result("freeze", args->serialized_data, fail_freeze);
}

static int luo_test_verify(const struct liveupdate_file_op_args *args)
{
	u64 number = args->serialized_data;
	int err;

	if (args->frozen)
		return result("verify frozen", number, fail_verify_frozen);
	err = stall("verify", number, &stall_verify);
	return err ?: result("verify", number, fail_verify);
}

static void luo_test_unfreeze(struct liveupdate_file_op_args *args)
{
	result("unfreeze", args->serialized_data, 0);
}

/* After -EAGAIN the memory is kept for the next attempt. */
static int luo_test_retrieve(struct liveupdate_file_op_args *args)
{
	struct luo_test_file *test = args->private_data;
	struct file *file;
	int err;

	err = stall("retrieve", args->serialized_data, &stall_retrieve);
	if (err)
		return err;

	if (!test)
		test = kzalloc(sizeof(*test), GFP_KERNEL);
	if (!test)
		return -EAGAIN;
	args->private_data = test;
	test->number = args->serialized_data;

	err = result("retrieve", args->serialized_data, fail_retrieve);
	if (err == -EAGAIN)
		return err;
	args->private_data = NULL;
	if (!err) {
		file = anon_inode_getfile("[luo_test]", &luo_test_fops, test,
					  O_RDWR);
		err = PTR_ERR_OR_ZERO(file);
	}
	if (err)
		kfree(test);
	else
		args->file = file;
	return err;
}

static bool luo_test_can_finish(struct liveupdate_file_op_args *args)
{
	return !result("can_finish", args->serialized_data, busy);
}

static void luo_test_finish(struct liveupdate_file_op_args *args)
{
	struct luo_test_file *test = args->private_data;

	if (test && test->number != args->serialized_data)
		pr_warn("finish gets what was freed\n");
	kfree(test);
	pr_info("finish %llu, status %d\n", args->serialized_data,
		args->retrieve_status);
}

static const struct liveupdate_file_ops luo_test_ops = {
	.can_preserve = luo_test_can_preserve,
	.preserve = luo_test_preserve,
	.unpreserve = luo_test_unpreserve,
	.freeze = luo_test_freeze,
	.unfreeze = luo_test_unfreeze,
	.verify = luo_test_verify,
	.retrieve = luo_test_retrieve,
	.can_finish = luo_test_can_finish,
	.finish = luo_test_finish,
	.owner = THIS_MODULE,
};

static struct liveupdate_file_handler luo_test_handler = {
	.ops = &luo_test_ops,
	.compatible = LUO_TEST_COMPATIBLE,
};

static int __init luo_test_handler_init(void)
{
	int err;

	err = liveupdate_register_file_handler(&luo_test_handler);
	if (err)
		return err;
	err = misc_register(&luo_test_device);
	if (err)
		liveupdate_unregister_file_handler(&luo_test_handler);
	return err;
}
module_init(luo_test_handler_init);

static void __exit luo_test_handler_exit(void)
{
	misc_deregister(&luo_test_device);
	liveupdate_unregister_file_handler(&luo_test_handler);
}
module_exit(luo_test_handler_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Live update file handler that fails on demand");
