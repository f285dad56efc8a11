// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kexec handover: order of initialization, root FDT, subtrees, metadata.
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The outgoing state consists of a radix tree of preserved blocks and a root FDT
 * of one page. The root FDT has the addresses of the tree's root node and of blobs
 * (subtrees). The root node and the root FDT stay at fixed addresses and are
 * updated in place. A kexec image carries only the addresses of the root FDT and
 * of the array of scratch regions, so it can be loaded before memory is preserved.
 *
 * A kernel with incoming state first boots inside the scratch regions, where no
 * memory is preserved. After it has read the tree it withholds preserved memory
 * from the page allocator. The tree is the only record of preserved blocks:
 * restoring a block removes it from the tree.
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kexec.h>
#include <linux/kexec_handover.h>
#include <linux/libfdt.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/reboot.h>
#include <linux/string.h>
#include <linux/unaligned.h>
#include <linux/utsname.h>

#include <linux/kho/abi/kexec_handover.h>
#include <linux/kho/abi/kexec_metadata.h>
#include <linux/kho/boot.h>
#include <linux/kho/radix_tree.h>

#include "kexec_handover_internal.h"

/**
 * kho_memory_init - set up memory for incoming and outgoing state
 *
 * Validate the map of preserved memory unless that was done before, and inherit or
 * reserve scratch.
 *
 * Context: Boot, before memory is freed to the page allocator.
 */
void __init kho_memory_init(void)
{
	if (!kho_is_enabled())
		return;

	kho_validate_map();
	if (kho_setup_scratch()) {
		kho_disable();
		return;
	}
	kho_note_reserved();
}

/* A reader takes the state for any of these versions: ours first, then that of mainline */
static const struct {
	char composed[sizeof(KHO_FDT_COMPATIBLE)];
	char base[sizeof(KHO_FDT_COMPAT_BASE)];
} kho_versions = { KHO_FDT_COMPATIBLE, KHO_FDT_COMPAT_BASE };

static int __init kho_create_root(void *fdt)
{
	u64 map = virt_to_phys(kho_out.tree.root);
	int err;

	err = fdt_create(fdt, PAGE_SIZE);
	err = err ?: fdt_finish_reservemap(fdt);
	err = err ?: fdt_begin_node(fdt, "");
	err = err ?: fdt_property(fdt, "compatible", &kho_versions,
				  sizeof(kho_versions));
	err = err ?: fdt_property(fdt, KHO_FDT_MEMORY_MAP_PROP_NAME, &map,
				  sizeof(map));
	err = err ?: fdt_end_node(fdt);
	err = err ?: fdt_finish(fdt);

	/* The rest of the page is for subtrees. */
	err = err ?: fdt_open_into(fdt, fdt, PAGE_SIZE);
	return err ? -EINVAL : 0;
}

static int __init kho_init_outgoing(void)
{
	void *fdt;
	int err;

	err = kho_radix_init(&kho_out.tree);
	if (err)
		return err;

	/* The page is unmovable, so it does not lie in scratch. */
	fdt = (void *)get_zeroed_page(GFP_KERNEL);
	err = fdt ? kho_create_root(fdt) : -ENOMEM;
	/* Readers reserve it, except that mainline relies on the map. */
	if (!err)
		err = kho_radix_add_page(&kho_out.tree, PHYS_PFN(virt_to_phys(fdt)), 0);
	if (err) {
		free_page((unsigned long)fdt);
		kho_radix_destroy(&kho_out.tree);
		/* Callers take the lock before they check for the FDT. */
		mutex_init(&kho_out.tree.lock);
		return err;
	}

	kho_out.fdt = fdt;
	return 0;
}

static bool __init kho_valid_metadata(const struct kho_kexec_metadata *metadata,
				      size_t size)
{
	const char *release = metadata->previous_release;

	return size >= sizeof(*metadata) &&
	       metadata->version == KHO_METADATA_VERSION &&
	       strnlen(release, KHO_METADATA_RELEASE_LENGTH) <
	       KHO_METADATA_RELEASE_LENGTH;
}

/* Return the number of kexecs since the last cold boot, 0 if it is unknown. */
static u32 __init kho_read_metadata(void)
{
	const struct kho_kexec_metadata *metadata;
	phys_addr_t phys;
	size_t size;
	u32 count;
	int err;

	err = kho_retrieve_subtree(KHO_METADATA_NODE_NAME, &phys, &size);
	if (err == -ENOENT)
		return 0;
	if (err || !kho_valid_metadata(phys_to_virt(phys), size)) {
		pr_warn("exec from: unknown, its metadata is damaged or of another version\n");
		if (!err)
			kho_discard_subtree(phys, size);
		return 0;
	}

	metadata = phys_to_virt(phys);
	count = metadata->kexec_count;
	pr_info("exec from: %*pE (count %u)\n",
		(int)strlen(metadata->previous_release),
		metadata->previous_release, count);

	kho_restore_free(phys_to_virt(phys));
	return count;
}

/* The metadata only serves the next kernel's log, so ignore errors. */
static void __init kho_init_metadata(void)
{
	u32 count = kho_read_metadata();
	struct kho_kexec_metadata *metadata;

	metadata = kho_alloc_preserve(sizeof(*metadata));
	if (IS_ERR(metadata))
		return;

	metadata->version = KHO_METADATA_VERSION;
	metadata->kexec_count = count + 1;
	strscpy(metadata->previous_release, init_utsname()->release);
	if (kho_add_subtree(KHO_METADATA_NODE_NAME, metadata, sizeof(*metadata)))
		kho_unpreserve_free(metadata);
}

/*
 * libfdt moves data inside the page, and the other CPUs could be stopped in the
 * middle of that. So wait for a change that is in progress and refuse later ones.
 * The tree needs no such care: it is consistent at any time.
 */
static int kho_close_fdt(struct notifier_block *nb, unsigned long action, void *data)
{
	guard(mutex)(&kho_out.fdt_lock);
	kho_out.closed = kexec_in_progress;
	return NOTIFY_DONE;
}

static struct notifier_block kho_reboot_notifier = {
	.notifier_call = kho_close_fdt,
};

static int __init kho_init(void)
{
	int err;

	if (!kho_is_enabled())
		return 0;

	kho_init_scratch();
	kho_adopt_incoming();
	err = kho_init_outgoing();
	if (err) {
		pr_err("disabled: could not set up outgoing state (%d)\n", err);
		kho_disable();
		return err;
	}

	kho_init_metadata();
	register_reboot_notifier(&kho_reboot_notifier);
	return 0;
}
core_initcall(kho_init);

/*
 * Subtrees
 */

/* Unlike fdt_subnode_offset(), do not accept "name@1" for "name". */
static int kho_find_subtree(const void *fdt, const char *wanted)
{
	const char *name;
	int node;

	fdt_for_each_subnode(node, fdt, 0) {
		name = fdt_get_name(fdt, node, NULL);
		if (name && !strcmp(name, wanted))
			return node;
	}

	return node;
}

static int kho_add_blob(void *fdt, const char *name, u64 phys, u64 size)
{
	int node = fdt_add_subnode(fdt, 0, name);

	if (node < 0)
		return node == -FDT_ERR_NOSPACE ? -ENOMEM : -EINVAL;

	/* fdt_setprop() inserts before existing properties, so the size goes first. */
	if (!fdt_setprop(fdt, node, KHO_SUB_TREE_SIZE_PROP_NAME, &size,
			 sizeof(size)) &&
	    !fdt_setprop(fdt, node, KHO_SUB_TREE_PROP_NAME, &phys, sizeof(phys)))
		return 0;

	fdt_del_node(fdt, node);
	return -ENOMEM;
}

/**
 * kho_add_subtree - hand over a blob by name
 * @name: a unique name
 * @blob: the blob in the direct map; the caller preserves its memory
 * @size: its size in bytes
 *
 * Context: May sleep.
 * Return: 0 on success; -EEXIST if the name is in use; -ENOMEM if the root FDT is
 * full; -EINVAL if @size is 0, or @name is empty or contains a slash or an at sign;
 * -EBUSY if a kexec has begun; -EOPNOTSUPP if kexec handover is disabled.
 */
int kho_add_subtree(const char *name, void *blob, size_t size)
{
	int err;

	if (!kho_out.fdt)
		return -EOPNOTSUPP;
	/* These characters have a special meaning in device tree paths. */
	if (!*name || strpbrk(name, "/@") || !size)
		return -EINVAL;

	guard(mutex)(&kho_out.fdt_lock);
	if (kho_out.closed)
		return -EBUSY;
	if (kho_find_subtree(kho_out.fdt, name) >= 0)
		return -EEXIST;

	err = kho_add_blob(kho_out.fdt, name, virt_to_phys(blob), size);
	if (!err && kho_out.hooks)
		kho_out.hooks->added(name, blob, size);
	return err;
}
EXPORT_SYMBOL_GPL(kho_add_subtree);

/**
 * kho_get_u64 - read a u64 property from a root FDT
 * @fdt:  the FDT, not trusted
 * @node: offset of a node
 * @name: name of the property
 *
 * Context: Any context.
 * Return: its value, 0 if the property is missing or malformed.
 */
u64 kho_get_u64(const void *fdt, int node, const char *name)
{
	int len;
	const void *prop = fdt_getprop(fdt, node, name, &len);

	return prop && len == sizeof(u64) ? get_unaligned((const u64 *)prop) : 0;
}

/**
 * kho_remove_subtree - undo kho_add_subtree()
 * @blob: the blob
 *
 * Context: May sleep.
 */
void kho_remove_subtree(void *blob)
{
	int node;

	if (!kho_out.fdt)
		return;

	guard(mutex)(&kho_out.fdt_lock);
	fdt_for_each_subnode(node, kho_out.fdt, 0)
		if (kho_get_u64(kho_out.fdt, node, KHO_SUB_TREE_PROP_NAME) ==
		    virt_to_phys(blob))
			break;
	if (node < 0)
		return;

	/* The caller frees the blob next, even if the FDT must not change. */
	if (kho_out.hooks)
		kho_out.hooks->removed(fdt_get_name(kho_out.fdt, node, NULL));
	if (!kho_out.closed)
		fdt_del_node(kho_out.fdt, node);
}
EXPORT_SYMBOL_GPL(kho_remove_subtree);

/**
 * kho_retrieve_subtree - look up a blob that the previous kernel handed over
 * @name: its name
 * @phys: where to store its physical address
 * @size: where to store its size in bytes, or NULL
 *
 * The content of the blob is not trusted. The caller must check it.
 *
 * Context: May sleep. May be called once the map has been read. Some struct pages are
 * initialized later, so this must not use them.
 * Return: 0 on success; -ENOENT if there is no blob of this name; -EINVAL if its
 * entry is malformed, or its memory is not preserved or was already restored;
 * -EOPNOTSUPP if kexec handover is disabled.
 */
int kho_retrieve_subtree(const char *name, phys_addr_t *phys, size_t *size)
{
	u64 blob_phys, blob_size;
	const void *fdt;
	int node;

	if (!kho_is_enabled())
		return -EOPNOTSUPP;
	if (!is_kho_boot())
		return -ENOENT;

	fdt = phys_to_virt(kho_in.fdt_phys);
	node = kho_find_subtree(fdt, name);
	if (node == -FDT_ERR_NOTFOUND)
		return -ENOENT;
	if (node < 0)
		return -EINVAL;

	blob_phys = kho_get_u64(fdt, node, KHO_SUB_TREE_PROP_NAME);
	blob_size = kho_get_u64(fdt, node, KHO_SUB_TREE_SIZE_PROP_NAME);
	if (!blob_phys || !kho_incoming_contains(blob_phys, blob_size))
		return -EINVAL;

	*phys = blob_phys;
	if (size)
		*size = blob_size;
	return 0;
}
EXPORT_SYMBOL_GPL(kho_retrieve_subtree);

/* The rest of a block that kho_alloc_preserve() has returned is zero. */
static bool kho_is_blob(phys_addr_t phys, size_t size)
{
	const void *blob = phys_to_virt(phys);
	int order = kho_incoming_order(phys);

	return order >= 0 && order == get_order(size) &&
	       memchr_inv(blob, 0, size) &&
	       !memchr_inv(blob + size, 0, (PAGE_SIZE << order) - size);
}

/**
 * kho_discard_subtree - free a blob that may not be what it should
 * @phys: its physical address, from kho_retrieve_subtree()
 * @size: its size in bytes, from kho_retrieve_subtree()
 *
 * For a blob of another version: if it stayed reserved, each kexec would hand its memory
 * on. But if its entry is damaged, the address can be that of memory with another owner.
 * So spare a block that does not look as if kho_alloc_preserve() had returned it.
 *
 * Context: May sleep. After kho_adopt_incoming().
 */
void kho_discard_subtree(phys_addr_t phys, size_t size)
{
	if (kho_is_blob(phys, size))
		kho_restore_free(phys_to_virt(phys));
}
