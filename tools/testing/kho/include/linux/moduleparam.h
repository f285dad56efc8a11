/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_MODULEPARAM_H
#define _KHO_LINUX_MODULEPARAM_H

#include <linux/types.h>

struct kernel_param;

struct kernel_param_ops {
	int (*set)(const char *val, const struct kernel_param *param);
	int (*get)(char *buffer, const struct kernel_param *param);
};

/* Tests set the parameters through these. */
#define module_param_cb(name, ops, ...)	\
	const struct kernel_param_ops *const module_param_##name = ops

typedef int (*parse_unknown_fn)(char *param, char *val, const char *doing, void *arg);

bool parameq(const char *name1, const char *name2);
char *parse_args(const char *name, char *args, const struct kernel_param *params,
		 unsigned int num, s16 level_min, s16 level_max, void *arg,
		 parse_unknown_fn unknown);

#endif
