// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kexec handover: which form of the formats the next kernel gets.
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Version strings of this kernel name the data structures that a component contains. Those
 * of mainline don't, and mainline reads only strings that are equal to its own. The root
 * FDT has both. For everything else the loaded image decides: kernels with a note in their
 * image, and other ones of 6.12, get the composed form. Mainline has no note.
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/cleanup.h>
#include <linux/compiler.h>
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/kexec.h>
#include <linux/kexec_handover.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>
#include <linux/rwsem.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include <kunit/static_stub.h>

#include <linux/kho/image.h>

#include "kexec_handover_internal.h"

/* The option belongs to the only user whose state depends on the form. */
#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "liveupdate."

static const char *const kho_form_names[] = {
	[KHO_FORM_COMPOSED] = "composed",
	[KHO_FORM_MAINLINE] = "mainline",
};

#define KHO_FORM_AUTO	ARRAY_SIZE(kho_form_names)

/*
 * Held for reading by tasks that look at the loaded image without the kexec lock. If they took
 * that, no image could be loaded or started meanwhile, not even the crash kernel.
 */
DECLARE_RWSEM(kho_image_rwsem);

/* KHO_FORM_AUTO, or the form that the option names */
static unsigned int kho_form_option = KHO_FORM_AUTO;

static int kho_form_set(const char *val, const struct kernel_param *param)
{
	unsigned int form;

	for (form = 0; form < KHO_FORM_AUTO; form++)
		if (sysfs_streq(val, kho_form_names[form]))
			break;
	if (form == KHO_FORM_AUTO && !sysfs_streq(val, "auto"))
		return -EINVAL;

	WRITE_ONCE(kho_form_option, form);
	return 0;
}

static int kho_form_get(char *buffer, const struct kernel_param *param)
{
	unsigned int form = READ_ONCE(kho_form_option);

	return sysfs_emit(buffer, "%s\n",
			  form == KHO_FORM_AUTO ? "auto" : kho_form_names[form]);
}

static const struct kernel_param_ops kho_form_ops = {
	.set = kho_form_set,
	.get = kho_form_get,
};
module_param_cb(abi, &kho_form_ops, NULL, 0600);

/**
 * kho_image_set_release - note the release of the kernel in an image
 * @image:   the image
 * @release: the release, which can be followed by a space and more, not trusted
 * @size:    number of bytes that may be read from @release
 *
 * Architectures call this if they find it in an image.
 *
 * Context: Called with the kexec lock held.
 */
void kho_image_set_release(struct kimage *image, const char *release, size_t size)
{
	size_t len = 0;

	size = min(size, sizeof(image->kho.release) - 1);
	while (len < size && isgraph(release[len]))
		len++;
	memcpy(image->kho.release, release, len);
	image->kho.release[len] = '\0';
}

/**
 * kho_image_find_release - look for the release of the kernel in an image
 * @image:  the image
 * @kernel: the uncompressed kernel
 * @size:   its size in bytes
 *
 * For architectures whose images don't say where it is.
 *
 * Context: May sleep. Called with the kexec lock held.
 */
void kho_image_find_release(struct kimage *image, const char *kernel, size_t size)
{
	static const char banner[] = "Linux version ";
	const size_t len = sizeof(banner) - 1;
	const char *at = kernel, *end = kernel + size;

	for (; (at = memchr(at, banner[0], end - at)); at++) {
		if (end - at > len && !memcmp(at, banner, len) && isdigit(at[len])) {
			kho_image_set_release(image, at + len, end - at - len);
			return;
		}
	}
}

/**
 * kho_image_is_ours - check whether an image has a kernel of the same series as this one
 * @image: the image
 *
 * Context: Called with the kexec lock held.
 * Return: true if it has a note, or its release is one of 6.12.
 */
bool kho_image_is_ours(const struct kimage *image)
{
	return image->kho.note.size || !strcmp(image->kho.release, "6.12") ||
	       strstarts(image->kho.release, "6.12.") ||
	       strstarts(image->kho.release, "6.12-");
}

static enum kho_form kho_form_of(const struct kimage *image)
{
	unsigned int form = READ_ONCE(kho_form_option);

	if (form != KHO_FORM_AUTO)
		return form;
	/* An image that carries nothing needs no other form, and reboot() says why it does not. */
	if (!image || !image->kho.fdt || image->kho.flaw || image->kho.user_flaw)
		return KHO_FORM_COMPOSED;
	return kho_image_is_ours(image) ? KHO_FORM_COMPOSED : KHO_FORM_MAINLINE;
}

/**
 * kho_report_form - log which form the next kernel gets, and why
 * @image: the image that is loaded
 *
 * Context: Called with the kexec lock held.
 */
void kho_report_form(const struct kimage *image)
{
	const char *release = image->kho.release[0] ? image->kho.release : "unknown";
	const char *name = kho_form_names[kho_form_of(image)];
	bool ours = kho_image_is_ours(image);

	if (READ_ONCE(kho_form_option) == KHO_FORM_COMPOSED && !ours)
		pr_warn("the loaded kernel gets the %s form, because of liveupdate.abi=%s; its release is %s: a mainline kernel would panic\n",
			name, name, release);
	else if (kho_form_is_forced())
		pr_info("the loaded kernel gets the %s form, because of liveupdate.abi=%s\n",
			name, name);
	else if (image->kho.note.size)
		pr_info("the loaded kernel gets the %s form: its image has a note\n", name);
	else if (ours)
		pr_info("the loaded kernel gets the %s form: its image has no note, its release is %s\n",
			name, release);
	else
		pr_warn("the loaded kernel gets the %s form: its image has no note, its release is %s; this was tried with 7.3.4 only\n",
			name, release);
}

/**
 * kho_form_name - return the name of a form for messages
 * @form: the form
 *
 * Context: Any.
 * Return: the name that liveupdate.abi= has for it.
 */
const char *kho_form_name(enum kho_form form)
{
	return kho_form_names[form];
}

/**
 * kho_image_form - return the form that the loaded kernel gets
 *
 * Context: Called with the kexec lock or kho_image_rwsem held. The result can be another one
 * if the lock was released, an image was loaded, or the option was written.
 * Return: the form, %KHO_FORM_COMPOSED if no image is loaded and no option names a form.
 */
enum kho_form kho_image_form(void)
{
	KUNIT_STATIC_STUB_REDIRECT(kho_image_form);

	return kho_form_of(READ_ONCE(kexec_image));
}

/**
 * kho_form_is_forced - check whether the form does not depend on the image
 *
 * Context: Any.
 * Return: true if an option names the form.
 */
bool kho_form_is_forced(void)
{
	return READ_ONCE(kho_form_option) != KHO_FORM_AUTO;
}

/**
 * kho_peek_image_form - return the form that the loaded kernel gets now
 * @form: where to store it, see kho_image_form()
 *
 * Context: May sleep, without the kexec lock.
 * Return: 0, or -EINTR if a fatal signal is pending.
 */
int kho_peek_image_form(enum kho_form *form)
{
	int err;

	err = down_read_killable(&kho_image_rwsem);
	if (err)
		return err;

	*form = kho_image_form();
	up_read(&kho_image_rwsem);
	return 0;
}

/**
 * kho_image_retire - wait for tasks that read an image without the kexec lock
 * @image: the image, which is no longer loaded and is freed next
 *
 * They never read an image for crashes. To exchange that one, and to have it again, must not
 * take longer because of them.
 *
 * Context: May sleep.
 */
void kho_image_retire(const struct kimage *image)
{
	if (image->type == KEXEC_TYPE_CRASH)
		return;

	down_write(&kho_image_rwsem);
	up_write(&kho_image_rwsem);
}
