/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_MODULE_H
#define _KHO_LINUX_MODULE_H

#include <linux/init.h>
#include <linux/types.h>

/* From the kernel's linux/stddef.h, which also defines true and false */
#define offsetofend(type, ...)						\
	(offsetof(type, __VA_ARGS__) + sizeof(((type *)0)->__VA_ARGS__))

/* Everything is built in. */
struct module;

#define THIS_MODULE	((struct module *)NULL)

static inline bool module_is_coming(struct module *module)
{
	return false;
}

static inline bool try_module_get(struct module *module)
{
	return true;
}

static inline void __module_get(struct module *module)
{
}

static inline void module_put(struct module *module)
{
}

#endif
