/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_TIME64_H
#define _KHO_LINUX_TIME64_H

#define NSEC_PER_SEC	1000000000L

#endif
