/* SPDX-License-Identifier: GPL-2.0 */
/* Finds the ends of HTTP/1.1 responses with a counted body in a stream of bytes. */
#ifndef SAMPLES_REPLY_H
#define SAMPLES_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPLY_HEAD_MAX 8192

/* All zero is the state before the first byte. */
struct reply {
	char head[REPLY_HEAD_MAX + 1];
	size_t head_length;
	bool in_body;
	uint64_t body_left;
	uint64_t bytes; /* of the response so far */
	unsigned int status;
	bool close; /* the server will close after it */
};

/*
 * Takes bytes of one response. 1: it ends within @data; 0: more is needed; *ret_used is how much
 * of @data belongs to it. -EBADMSG: not a response with Content-Length.
 */
int reply_feed(struct reply *reply, const char *data, size_t length, size_t *ret_used);
/* Ready for the next response. */
void reply_reset(struct reply *reply);

#endif
