/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Keeps a run from cutting off who started it: an interface that carries a default route (of any
 * routing table, IPv4 or IPv6), or the way back to the peer of the ssh session, is not to be
 * touched; nor is one below it (a bond's, bridge's or team's port, what a VLAN or MACVLAN is on).
 */
#ifndef KTAX_GUARD_H
#define KTAX_GUARD_H

#include <stddef.h>

#include "port.h"

/*
 * 0: the port may be used. -EPERM: it must not, and @why says what it carries. -ENODEV: there is
 * no such interface; or what kept it from looking.
 */
int guard_check(const struct port *port, char *why, size_t why_size);

/* The same of a port that is to go away for a while: -EOPNOTSUPP if an interface stands above it. */
int guard_check_bare(const struct port *port, char *why, size_t why_size);

/*
 * The peer's address in @connection, the text of SSH_CONNECTION ("CLIENT PORT SERVER PORT"): NULL
 * if that is not what it is. @buffer holds the answer.
 */
const char *guard_ssh_peer(const char *connection, char *buffer, size_t size);

#endif
