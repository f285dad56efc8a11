/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_KSTRTOX_H
#define _KHO_LINUX_KSTRTOX_H

#include <linux/types.h>

int kstrtobool(const char *str, bool *res);
int kstrtou64(const char *str, unsigned int base, u64 *res);

#endif
