/* SPDX-License-Identifier: GPL-2.0 */
#include "../../../include/asm/bug.h"
#include <linux/build_bug.h>
