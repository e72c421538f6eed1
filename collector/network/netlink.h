/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel says of listening sockets and links, by network namespace (libmnl).
 *
 * A struct netspace holds netlink sockets that were opened inside a namespace, so that it can be
 * asked again after the privilege to enter it has been given up. One that may not be entered, since
 * it was met only then, is asked through /proc (struct proc_net): for listeners alone.
 */
#ifndef KTAX_NETLINK_H
#define KTAX_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "state.h"

struct mnl_socket;
struct proc_net;

struct netspace {
	uint32_t inode; /* of /proc/PID/ns/net */
	struct mnl_socket *diag;
	struct mnl_socket *route;
	struct proc_net *proc; /* instead of both */
};

struct netlink_listener {
	struct ktax_listener key;
	uint32_t inode;     /* of the socket */
	uint32_t interface; /* index, where the socket is bound to one */
};

struct netlink_link {
	char name[16];
	uint32_t index;
	char qdisc[32];
	bool up, loopback;
	bool physical; /* has a parent device: a NIC, virtio included */
};

/*
 * Opens the namespace of @pid (0: our own), by entering it or else through /proc. -EPERM where it
 * may not be looked into, -ESRCH.
 */
int netspace_open(pid_t pid, struct netspace *ret);
void netspace_close(struct netspace *netspace);

/* All TCP sockets in state LISTEN, IPv4 and IPv6. *ret is malloc()ed. */
int netspace_listeners(struct netspace *netspace, struct netlink_listener **ret, size_t *ret_n);
/* A socket inside the namespace, for ioctls on its links. */
int netspace_socket(const struct netspace *netspace);
/* -EPERM: the namespace may not be entered. */
int netspace_links(struct netspace *netspace, struct netlink_link **ret, size_t *ret_n);

#endif
