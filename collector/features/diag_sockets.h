/* SPDX-License-Identifier: GPL-2.0 */
/* TCP sockets as sock_diag tells of them. */
#ifndef KTAX_DIAG_SOCKETS_H
#define KTAX_DIAG_SOCKETS_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdint.h>

#include "traffic.h"

struct diag_socket {
	bool ipv6, ipv6_only;
	uint8_t address[16]; /* its own */
	uint16_t port;
	uint32_t inode;
	char congestion[16]; /* empty: not told */
	char ulp[16];        /* "tls", "mptcp"; empty: none, or not told */
	bool md5;            /* it has keys for TCP MD5 signatures */
};

/* False where it is no such message, or too short. */
bool diag_socket_parse(const struct nlmsghdr *header, struct diag_socket *ret);
/* Whether it is the listener of @traffic, or a connection that came in through it. */
bool diag_socket_is_of(const struct diag_socket *socket, const struct traffic *traffic);

/*
 * Calls @callback for the sockets of the current namespace in one of @states (bits 1 << TCP_*),
 * only those of @port where that is not 0. -errno.
 */
int diag_sockets_dump(bool ipv6, uint32_t states, uint16_t port, mnl_cb_t callback, void *context);

#endif
