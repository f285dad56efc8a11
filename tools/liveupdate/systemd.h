/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luod: notifications to systemd, and descriptors that systemd keeps
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Without systemd, none of this does anything. systemd closes the descriptors that it keeps
 * when the service ends for good, and close() finishes a session of the previous kernel. So
 * only sessions for the next kernel may be stored. The kernel itself takes back the others
 * when luod dies.
 */
#ifndef TOOLS_LIVEUPDATE_SYSTEMD_H
#define TOOLS_LIVEUPDATE_SYSTEMD_H

/* How many descriptors a message can carry (SCM_MAX_FD of the kernel) */
#define SYSTEMD_FDS_MAX	253

/* luod can be used. */
void systemd_ready(void);

/* Keep copies of these descriptors, in case luod dies. */
void systemd_store_sessions(const int *fds, int count);

/* Close all copies. */
void systemd_forget_sessions(void);

/* Pass each descriptor to @take that was stored before luod was started again. */
void systemd_take_sessions(void (*take)(int fd));

#endif /* TOOLS_LIVEUPDATE_SYSTEMD_H */
