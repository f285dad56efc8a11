/* SPDX-License-Identifier: GPL-2.0 */
#include <fcntl.h>

#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC	0x20
#endif
