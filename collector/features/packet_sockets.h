/* SPDX-License-Identifier: GPL-2.0 */
/* A line of /proc/net/packet: a packet socket, such as tcpdump has. */
#ifndef KTAX_PACKET_SOCKETS_H
#define KTAX_PACKET_SOCKETS_H

#include <stdbool.h>
#include <stdint.h>

#include "traffic.h"

struct packet_socket {
	unsigned int protocol; /* ETH_P_*; 0: it receives nothing (yet) */
	uint32_t link;         /* 0: all */
	uint32_t inode;
};

/* -EINVAL: it is not such a line. */
int packet_socket_parse(const char *line, struct packet_socket *ret);
bool packet_socket_sees(const struct packet_socket *socket, const struct traffic *traffic);

#endif
