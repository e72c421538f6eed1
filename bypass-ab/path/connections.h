/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the TCP paths share: a table of connections, and the messages that are taken from them. A
 * connection is a number here; what a path keeps for it beyond that is in an array of its own.
 *
 * A message is copied into a slot, with its length before it, so that its answer is one piece:
 *
 *	slot:	length | payload
 */
#ifndef KTAX_PATH_CONNECTIONS_H
#define KTAX_PATH_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "path.h"
#include "record.h"
#include "socket.h"

#define CONNECTIONS 256

struct connection {
	bool is_open;
	uint32_t generation;     /* how many were here before */
	struct record_buffer in; /* what has been read and not handed out */
};

struct connections {
	struct connection at[CONNECTIONS];
	unsigned int n_open;
	uint32_t max_size; /* of a payload */
	uint64_t foreign;  /* records that are no request */
	struct socket_slots slots;
	uint64_t slot_key[SOCKET_SLOTS]; /* the connection that its message came from */
};

/* -ENOMEM. */
int connections_init(struct connections *connections, uint32_t max_size);
void connections_free(struct connections *connections); /* one that is all zero is fine */

/* A new connection's number, with a buffer of @buffer_bytes; -EMFILE, -ENOMEM. */
int connections_add(struct connections *connections, size_t buffer_bytes);
void connections_remove(struct connections *connections, int number);

/* Tells a connection from a later one of its number. */
uint64_t connections_key(const struct connections *connections, int number);
/* The connection's number, or -1: it is not open any more. */
int connections_find(const struct connections *connections, uint64_t key);
/* The same of the connection that a slot's message came from. */
int connections_of_slot(const struct connections *connections, uint32_t slot);

/*
 * Takes the next request out of a connection's buffer. 1: it is *@message; 0: there is none that is
 * whole, or no slot for it; -EBADMSG: the peer does not keep to the framing.
 */
int connections_take(struct connections *connections, int number, struct path_message *message);

/* The answer that a message's slot holds: @size bytes of payload after their length. */
struct iovec connections_answer(struct connections *connections, uint32_t slot, uint32_t size);
void connections_release(struct connections *connections, const struct path_message *messages,
                         unsigned int n);

#endif
