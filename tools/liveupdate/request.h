/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luod: the requests of clients
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef TOOLS_LIVEUPDATE_REQUEST_H
#define TOOLS_LIVEUPDATE_REQUEST_H

#include "client.h"

extern const struct client_ops request_ops;

#endif /* TOOLS_LIVEUPDATE_REQUEST_H */
