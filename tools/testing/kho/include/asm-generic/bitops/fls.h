/* SPDX-License-Identifier: GPL-2.0 */
/* One instruction, as on x86_64 and arm64 */
#include "../../../../../../include/asm-generic/bitops/builtin-fls.h"
