/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the paths through a kernel socket share: the socket itself, and the slots that messages are
 * received into. A slot is free, or with whoever receives into it, or with the responder.
 */
#ifndef KTAX_PATH_SOCKET_H
#define KTAX_PATH_SOCKET_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "path.h"

#define SOCKET_SLOTS        (4 * PATH_BURST)
#define SOCKET_WAIT_MS      100  /* a path that sleeps does not do so for longer */
#define SOCKET_SEND_WAIT_MS 1000 /* for a peer that takes no answers */

struct socket_slot {
	struct sockaddr_in6 peer; /* or IPv4, which is shorter */
	socklen_t peer_size;
	struct iovec payload;
};

struct socket_slots {
	struct socket_slot slot[SOCKET_SLOTS];
	uint32_t free[SOCKET_SLOTS]; /* a stack */
	uint32_t n_free;
	uint32_t max_size; /* of a payload; each slot has a byte more, to tell longer ones */
	uint8_t *memory;
};

/* -ENOMEM. */
int socket_slots_init(struct socket_slots *slots, uint32_t max_size);
void socket_slots_free(struct socket_slots *slots);

/* Takes a free slot, all of its room in payload.iov_len; -1: there is none. */
int socket_slot_take(struct socket_slots *slots);
void socket_slot_release(struct socket_slots *slots, uint32_t index);

/* IPv6, or IPv4 in the first 4 bytes? */
bool socket_is_ipv6(const uint8_t ip[16]);

/* The message of @size bytes in a slot is a request. */
bool socket_slot_is_request(const struct socket_slots *slots, uint32_t index, size_t size);
/* Describes the slot's answer of @size bytes, for sendmsg. */
void socket_slot_answer(struct socket_slots *slots, uint32_t index, uint32_t size,
                        struct msghdr *ret_header);

/*
 * A UDP socket on the address and port of @config, with large buffers and these timeouts. The file
 * descriptor, or as path_type.open.
 */
int socket_open(const struct path_config *config, char *why, size_t why_size);
/* A TCP socket that listens there. As socket_open. */
int socket_listen(const struct path_config *config, char *why, size_t why_size);
/* Receiving and sending block for these times at most. Negative errno. */
int socket_set_timeouts(int fd);
/* Packets that the socket had no room for. */
uint64_t socket_drops(int fd);

#endif
