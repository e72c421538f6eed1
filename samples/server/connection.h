/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One client: bytes received and not yet handled, the response under way, and the record of it.
 *
 * A connection has one owner at a time: its loop, or between loop_dispatch and its return a
 * worker. No lock is needed because only the owner touches it.
 */
#ifndef SAMPLES_CONNECTION_H
#define SAMPLES_CONNECTION_H

#include <stdatomic.h>

#include "handler.h"
#include "http.h"
#include "response.h"

struct connection {
	int fd;
	uint16_t peer_port;
	struct loop *loop;
	struct connection *next;           /* in a queue of the pool or of returned ones */
	struct connection *before, *after; /* in the loop's list of all */
	char *in;
	size_t in_length, in_capacity;
	uint64_t read_start_ns, read_end_ns; /* of the last receive call */
	uint64_t first_read_ns;              /* start of the one that got the first byte of in */
	uint32_t reads;                      /* since then */
	uint32_t requests;                   /* taken so far */
	atomic_bool lent; /* to a worker; what it wrote is seen by who finds this false */
	uint32_t armed;   /* events that epoll waits for */
	bool responding;
	bool failed;
	bool lingering; /* refused: what the client still sends is dropped until it closes */
	size_t dropped; /* bytes */
	int refusal;    /* of http_parse for what in starts with, 0: request is valid */
	struct http_request request;
	struct response response;
	struct request_record record;
};

/* Takes over @fd. NULL: out of memory, @fd is still the caller's. */
struct connection *connection_new(int fd, uint16_t peer_port);
/* Closes and frees. */
void connection_free(struct connection *connection);

/* One receive call. Bytes added (> 0), 0: the peer closed, -EAGAIN: nothing there, -errno. */
int connection_receive(struct connection *connection);
/* Whether what was received starts with a request, or with something to refuse. */
bool connection_has_request(struct connection *connection);
/* Handles that request and drops its bytes; there is a response to write after it. */
void connection_handle(struct connection *connection, struct handler *handler, pid_t reader_tid);
/*
 * Writes the response as far as the socket takes it. 0: all written and logged; -EAGAIN; -ENOTCONN:
 * written, and the connection is to be closed; another -errno: it failed.
 */
int connection_respond(struct connection *connection, struct handler *writer);

#endif
