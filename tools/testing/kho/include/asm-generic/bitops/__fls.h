/* SPDX-License-Identifier: GPL-2.0 */
/* One instruction, as on the architectures that have kexec handover */
#include "../../../../../../include/asm-generic/bitops/builtin-__fls.h"
