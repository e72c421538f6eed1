/* SPDX-License-Identifier: GPL-2.0 */
/* Busy polling of sockets, and of epoll: what the UDP and the TCP paths that do it have in common.
 */
#ifndef KTAX_PATH_BUSY_POLL_H
#define KTAX_PATH_BUSY_POLL_H

#include <stddef.h>

#include "napi.h"

/*
 * As path_type.open for errors and @why, all of them.
 *
 * Receiving on the socket polls the NIC for a while before it sleeps; sockets that it accepts do
 * the same.
 */
int busy_poll_socket(int fd, char *why, size_t why_size);
/* epoll_wait polls the NIC before it sleeps. */
int busy_poll_epoll(int epoll, char *why, size_t why_size);
/* The NIC's interrupts stay off as long as epoll_wait, with busy polling, finds something. */
int busy_poll_suspend_irqs(struct napi *napi, char *why, size_t why_size);

#endif
