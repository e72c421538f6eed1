/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One connection of the load. It sends batches: as many requests as --pipeline says in one write
 * (or in parts, with --trickle), and the next batch when all are answered.
 */
#ifndef SAMPLES_CLIENT_H
#define SAMPLES_CLIENT_H

#include "mix.h"
#include "options.h"
#include "reply.h"
#include "result.h"
#include "target.h"

/* A request that was given to the socket, in order. */
struct client_request {
	uint64_t intended_ns;
	uint16_t item;
};

struct client {
	int fd; /* -1: not connected */
	uint16_t local_port;
	uint32_t requests; /* answered so far on this connection */
	struct client_request *batch;
	unsigned int batch_size, batch_answered; /* equal: idle */
	char *out;                               /* the batch's bytes */
	size_t out_length, out_capacity, out_offset;
	uint64_t part_due_ns; /* trickle: when the next part may go, 0: nothing waits */
	bool want_room;       /* the socket was full */
	uint64_t sent_ns, sent_end_ns;
	uint64_t first_byte_ns;
	struct reply reply;
};

/* Connects. 0 or -errno. */
int client_connect(struct client *client, const struct target *target, unsigned int rcvbuf);
void client_close(struct client *client);
/* Frees the buffers too; accepts one that was never connected. */
void client_destroy(struct client *client);

bool client_idle(const struct client *client);
/* Adds a request to the batch, which is empty if the client is idle. 0 or -ENOMEM. */
int client_add(struct client *client, const struct mix_item *item, uint16_t number,
               uint64_t intended_ns);
/* Sends what is to be sent now. 0, also where the socket is full (want_room), or -errno. */
int client_send(struct client *client, const struct load_options *options);
/* Receives once and adds what is complete to @result. 0 or -errno, -EPIPE if the peer closed. */
int client_receive(struct client *client, struct load_result *result);

#endif
