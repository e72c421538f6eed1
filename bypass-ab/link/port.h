/* SPDX-License-Identifier: GPL-2.0 */
/* A port: a network interface that was there before the run, and has to be as it was after it. */
#ifndef KTAX_PORT_H
#define KTAX_PORT_H

#include <stdint.h>

struct port {
	char namespace[64]; /* below /run/netns; empty: the one of this process */
	char interface[16];
};

/* Opens the port's namespace: a file descriptor, O_CLOEXEC, or a negative errno. */
int port_open_namespace(const struct port *port);

/* The inode of a namespace tells it from all others that exist at the same time; 0: unknown. */
uint64_t namespace_inode(int ns);
/* Looks for a namespace by its inode, wherever it has a name or a process; -ENOENT: it is gone. */
int namespace_find(uint64_t inode);

/*
 * Moves the calling thread to @ns and returns a descriptor of where it came from, for
 * namespace_leave; or a negative errno, and it is where it was.
 */
int namespace_visit(int ns);
void namespace_leave(int home);

#endif
