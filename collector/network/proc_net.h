/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Listening sockets of a network namespace that may not be entered, from /proc/PID/net/tcp and tcp6
 * of a process in it.
 *
 * They list every connection too, but all listeners come first, so that no more than these are read.
 * An open file stays that of its namespace, also when the process has ended.
 */
#ifndef KTAX_PROC_NET_H
#define KTAX_PROC_NET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "netlink.h"

struct proc_net {
	int tcp, tcp6; /* -1: not open; a namespace without IPv6 has no tcp6 */
};

#define PROC_NET_CLOSED ((struct proc_net){ .tcp = -1, .tcp6 = -1 })

/* Opens those of the namespace of @pid. -errno; -ENOENT or -ESRCH where it is gone. */
int proc_net_open(pid_t pid, struct proc_net *ret);
void proc_net_close(struct proc_net *net);

/* One line of these files: 0 where it is a listener, -ENOENT where it is none, -EINVAL. */
int proc_net_parse(const char *line, struct netlink_listener *ret);

/* As netspace_listeners(), for the namespace with the inode number @netns. */
int proc_net_listeners(const struct proc_net *net, uint32_t netns, struct netlink_listener **ret,
                       size_t *ret_n);

#endif
