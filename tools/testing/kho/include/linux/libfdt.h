/* SPDX-License-Identifier: GPL-2.0 */
#include "../../../../../scripts/dtc/libfdt/libfdt.h"
